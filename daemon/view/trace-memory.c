/*
 * Reading and writing a tracee's memory. Three ways, best first; gVisor of 2022 has no process_vm_readv, no gVisor can
 * write through /proc/PID/mem, and a program that may not be read (execute-only) answers EPERM to all but ptrace.
 */
#include "daemon/view/trace-engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE 4096

static ssize_t read_vm(Tracer *tracer, pid_t tid, guint64 address, void *data, size_t size)
{
	struct iovec local = {data, size}, remote = {(void *) address, size};
	if (tracer->no_readv)
		return -ENOSYS;
	ssize_t n = process_vm_readv(tid, &local, 1, &remote, 1, 0);
	if (n >= 0)
		return n;
	if (errno == ENOSYS)
		tracer->no_readv = TRUE;
	return -errno;
}

static ssize_t read_mem_file(pid_t tid, guint64 address, void *data, size_t size)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/mem", (int) tid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t n = pread(fd, data, size, (off_t) address);
	int error = errno;
	close(fd);
	return n < 0 ? -error : n;
}

/* One word at an aligned address. */
static int peek(pid_t tid, guint64 address, long *ret)
{
	errno = 0;
	long word = ptrace(PTRACE_PEEKDATA, tid, (void *) address, NULL);
	if (word == -1 && errno)
		return -errno;
	*ret = word;
	return 0;
}

static ssize_t read_words(pid_t tid, guint64 address, char *data, size_t size)
{
	size_t done = 0;
	while (done < size) {
		size_t offset = (address + done) % sizeof(long), n = MIN(sizeof(long) - offset, size - done);
		long word;
		int r = peek(tid, address + done - offset, &word);
		if (r < 0)
			return r;
		memcpy(data + done, (char *) &word + offset, n);
		done += n;
	}
	return (ssize_t) done;
}

int trace_read(Tracer *tracer, pid_t tid, guint64 address, void *data, size_t size)
{
	ssize_t n = read_vm(tracer, tid, address, data, size);
	if (n == -EFAULT)
		return -EFAULT;
	if (n < 0)
		n = read_mem_file(tid, address, data, size);
	if (n < 0)
		n = read_words(tid, address, data, size);
	if (n < 0)
		return (int) n;
	return (size_t) n == size ? 0 : -EFAULT;
}

int trace_read_text(Tracer *tracer, pid_t tid, guint64 address, char text[PATH_MAX])
{
	size_t done = 0;
	while (done < PATH_MAX) {
		/* Never across a page: the next one may not be there. Most paths are short. */
		size_t size = MIN(MIN(256, PATH_MAX - done), PAGE - (address + done) % PAGE);
		int r = trace_read(tracer, tid, address + done, text + done, size);
		if (r < 0)
			return r;
		if (memchr(text + done, '\0', size))
			return 0;
		done += size;
	}
	return -ENAMETOOLONG;
}

static int write_vm(Tracer *tracer, pid_t tid, guint64 address, const void *data, size_t size)
{
	struct iovec local = {(void *) data, size}, remote = {(void *) address, size};
	if (tracer->no_writev)
		return -ENOSYS;
	ssize_t n = process_vm_writev(tid, &local, 1, &remote, 1, 0);
	if (n >= 0)
		return (size_t) n == size ? 0 : -EFAULT;
	if (errno == ENOSYS)
		tracer->no_writev = TRUE;
	return -errno;
}

static int write_words(pid_t tid, guint64 address, const char *data, size_t size)
{
	size_t done = 0;
	while (done < size) {
		size_t offset = (address + done) % sizeof(long), n = MIN(sizeof(long) - offset, size - done);
		long word = 0;
		int r = n < sizeof word ? peek(tid, address + done - offset, &word) : 0;
		if (r < 0)
			return r;
		memcpy((char *) &word + offset, data + done, n);
		if (ptrace(PTRACE_POKEDATA, tid, (void *) (address + done - offset), (void *) word) < 0)
			return -errno;
		done += n;
	}
	return 0;
}

int trace_write(Tracer *tracer, pid_t tid, guint64 address, const void *data, size_t size)
{
	int r = write_vm(tracer, tid, address, data, size);
	/* EFAULT stands: POKEDATA would also write where the tracee itself may not. */
	return r == 0 || r == -EFAULT ? r : write_words(tid, address, data, size);
}
