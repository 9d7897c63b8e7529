/*
 * The preload view: a library in each dynamic program of the command leads its calls to the shadow of the trees, which
 * this process holds. No rights are needed, and nothing is traced.
 */
#include "daemon/view/exec.h"

#include "daemon/view/job.h"
#include "daemon/view/preload-serve.h"
#include "daemon/view/preload/protocol.h"
#include "daemon/view/workdir.h"

#include "build-features.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LIBRARY "libcgemud-preload.so"

/* Where it was built, beside the program, or where it is installed; NULL: nowhere. */
static char *find_library(void)
{
	g_autofree char *program = g_file_read_link("/proc/self/exe", NULL);
	g_autofree char *directory = program ? g_path_get_dirname(program) : g_strdup("/");
	g_autofree char *built = g_build_filename(directory, "view", "preload", LIBRARY, NULL);
	g_autofree char *installed = g_build_filename(PRELOAD_DIR, LIBRARY, NULL);
	if (access(built, R_OK) == 0)
		return g_steal_pointer(&built);
	return access(installed, R_OK) == 0 ? g_steal_pointer(&installed) : NULL;
}

/* The first bytes of a file. */
static gsize read_start(const char *path, char *data, gsize size)
{
	gsize n = 0;
	FILE *file = fopen(path, "re");
	if (file) {
		n = fread(data, 1, size, file);
		fclose(file);
	}
	return n;
}

static gboolean is_static(const char *data, gsize size)
{
	const Elf64_Ehdr *header = (const void *) data;
	if (size < sizeof *header || memcmp(data, ELFMAG, SELFMAG) != 0 || header->e_ident[EI_CLASS] != ELFCLASS64)
		return FALSE;
	for (unsigned i = 0; i < header->e_phnum; i++) {
		gsize offset = header->e_phoff + (gsize) i * header->e_phentsize;
		if (offset + sizeof(Elf64_Phdr) > size)
			return FALSE;
		if (((const Elf64_Phdr *) (const void *) (data + offset))->p_type == PT_INTERP)
			return FALSE;
	}
	return TRUE;
}

/* Of a static command, or a script for a static interpreter: it would see nothing. */
static void warn_if_static(const char *command)
{
	_Alignas(Elf64_Ehdr) char data[4096];
	g_autofree char *path = g_find_program_in_path(command);
	gsize size = path ? read_start(path, data, sizeof data) : 0;
	if (size > 2 && memcmp(data, "#!", 2) == 0) {
		data[MIN(size, sizeof data - 1)] = '\0';
		char *interpreter = data + 2 + strspn(data + 2, " \t");
		interpreter[strcspn(interpreter, " \t\n")] = '\0';
		g_free(path);
		path = g_strdup(interpreter);
		size = read_start(path, data, sizeof data);
	}
	if (is_static(data, size))
		g_printerr("cgemud: %s is a static program: a preloaded library does not reach it, and it will see the "
			   "machine as it is; use --view=trace or --view=namespace\n",
			   path);
}

static char **make_environment(const char *library, const char *socket)
{
	char **variables = g_get_environ();
	const char *others = g_environ_getenv(variables, "LD_PRELOAD");
	g_autofree char *all = others && *others ? g_strconcat(library, ":", others, NULL) : g_strdup(library);
	variables = g_environ_setenv(variables, "LD_PRELOAD", all, TRUE);
	/* A program with an address sanitizer would refuse to start: it wants its own library to be the first. */
	const char *asan = g_environ_getenv(variables, "ASAN_OPTIONS");
	g_autofree char *options = g_strconcat("verify_asan_link_order=0", asan ? ":" : NULL, asan, NULL);
	variables = g_environ_setenv(variables, "ASAN_OPTIONS", options, TRUE);
	return g_environ_setenv(variables, PRELOAD_SOCKET, socket, TRUE);
}

static gboolean run(Exec *exec, const char *library, const char *socket, View *view, GError **error)
{
	const JobHook hook = {exec_limits_take, &exec->limits};
	PreloadServer *server = preload_serve_start(view, socket, error);
	if (!server)
		return FALSE;
	g_auto(GStrv) variables = make_environment(library, socket);
	exec->started = TRUE;
	gboolean ok = job_run((const char *const *) exec->options->command, (const char *const *) variables, &hook,
			      &exec->status, error);
	preload_serve_stop(server);
	return ok;
}

gboolean exec_preload_run(Exec *exec, GError **error)
{
	g_autofree char *library = find_library();
	if (!library) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "%s is not in %s: --view=preload needs it",
			    LIBRARY, PRELOAD_DIR);
		return FALSE;
	}
	warn_if_static(exec->options->command[0]);
	int lock;
	exec->scratch = workdir_make(NULL, 0700, &lock, error);
	if (!exec->scratch)
		return FALSE;
	g_autofree char *socket = g_build_filename(exec->scratch, "socket", NULL);
	View *view = view_open(exec->config, exec->tree, &exec->limits, error);
	gboolean ok = view && run(exec, library, socket, view, error);
	view_close(view);
	(void) unlink(socket);
	(void) rmdir(exec->scratch);
	close(lock);
	return ok;
}
