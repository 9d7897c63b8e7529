#include "differential.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int error_of(long r)
{
	return r < 0 ? errno : 0;
}

/* One write(2). */
static int write_file(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), error;

	if (fd < 0)
		return errno;
	error = error_of(write(fd, text, len));
	close(fd);
	return error;
}

static int read_file(const char *path, char *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), error = 0;
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return errno;
	while ((n = read(fd, text + len, TEXT_SPACE - 1 - len)) > 0)
		len += (size_t) n;
	if (n < 0)
		error = errno;
	text[len] = '\0';
	close(fd);
	return error;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* The groups in a group; which files there are is tests/conformance's subject. */
static int list_directory(const char *path, char *text)
{
	DIR *dir = opendir(path);
	char *names[256];
	size_t n = 0, len = 0;

	if (!dir)
		return errno;
	for (const struct dirent *entry; (entry = readdir(dir)) && n < G_N_ELEMENTS(names);)
		if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			names[n++] = strdup(entry->d_name);
	closedir(dir);
	qsort(names, n, sizeof *names, by_text);
	for (size_t i = 0; i < n; i++) {
		len += (size_t) g_snprintf(text + len, (gulong) (TEXT_SPACE - len), "%s ", names[i]);
		free(names[i]);
	}
	return 0;
}

void file_do(FileOp op, const char *path, unsigned number, const char *text, size_t len, Answer *ret)
{
	ret->text[0] = '\0';
	switch (op) {
	case OP_MKDIR:
		ret->error = error_of(mkdir(path, number));
		break;
	case OP_RMDIR:
		ret->error = error_of(rmdir(path));
		break;
	case OP_RENAME:
		ret->error = error_of(rename(path, text));
		break;
	case OP_CHMOD:
		ret->error = error_of(chmod(path, number));
		break;
	case OP_CHOWN:
		ret->error = error_of(chown(path, number, (gid_t) -1));
		break;
	case OP_WRITE:
		ret->error = write_file(path, text, len);
		break;
	case OP_READ:
		ret->error = read_file(path, ret->text);
		break;
	case OP_LIST:
		ret->error = list_directory(path, ret->text);
		break;
	}
}
