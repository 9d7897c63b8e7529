/*
 * See filter.h. libseccomp compiles the rules, here and not in the child: after a fork only async-signal-safe calls are
 * made there.
 */
#include "daemon/view/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Unless it is a descriptor's, see SYSCALL_BY_FD: with another flag or none, or a path that no descriptor precedes. */
static int add_row_by_fd(scmp_filter_ctx filter, const SyscallRow *row)
{
	unsigned flags = (unsigned) row->at_flags, dirfd = (unsigned) row->dirfd;
	int r = seccomp_rule_add(filter, SCMP_ACT_TRACE(0), row->nr, 1, SCMP_CMP(flags, SCMP_CMP_NE, AT_EMPTY_PATH));
	return r < 0 ? r
		     : seccomp_rule_add(filter, SCMP_ACT_TRACE(0), row->nr, 1,
					SCMP_CMP(dirfd, SCMP_CMP_MASKED_EQ, G_MAXUINT32, (guint32) AT_FDCWD));
}

static int add_row(scmp_filter_ctx filter, const SyscallRow *row, unsigned features)
{
	struct scmp_arg_cmp conditions[6];
	unsigned n = 0;
	if (row->flags & SYSCALL_BY_FD)
		return add_row_by_fd(filter, row);
	for (unsigned i = 0; i < 6; i++)
		if (row->zero & 1U << i && !(features & TRACE_SEEKS))
			conditions[n++] = SCMP_CMP(i, SCMP_CMP_EQ, 0);
	return seccomp_rule_add_array(filter, SCMP_ACT_TRACE(0), row->nr, n, conditions);
}

static int add_rules(scmp_filter_ctx filter, unsigned features)
{
	int r = seccomp_rule_add(filter, SCMP_ACT_TRACE(0), FILTER_HELLO_NR, 1,
				 SCMP_A0(SCMP_CMP_EQ, FILTER_HELLO_ARGUMENT));
	for (const SyscallRow *row = syscall_rows; r == 0 && row->name; row++)
		if (row->features & features)
			r = add_row(filter, row, features);
	return r;
}

static scmp_filter_ctx make_context(unsigned features, ForeignCalls foreign, int *ret_error)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	if (!filter) {
		*ret_error = -ENOMEM;
		return NULL;
	}
	int r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH,
				 foreign == FOREIGN_REFUSE ? SCMP_ACT_ERRNO(ENOSYS) : SCMP_ACT_ALLOW);
	if (r == 0)
		r = add_rules(filter, features);
	if (r == 0) {
		/* A binary tree instead of a chain of comparisons; libseccomp before 2.5 does not have it. */
		(void) seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
		return filter;
	}
	seccomp_release(filter);
	*ret_error = r;
	return NULL;
}

static int read_program(int fd, struct sock_fprog *ret)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	g_autofree struct sock_filter *code = g_malloc(st.st_size);
	if (pread(fd, code, st.st_size, 0) != st.st_size)
		return -EIO;
	ret->len = st.st_size / sizeof *code;
	ret->filter = g_steal_pointer(&code);
	return 0;
}

gboolean filter_build(unsigned features, ForeignCalls foreign, struct sock_fprog *ret, GError **error)
{
	int r = 0;
	scmp_filter_ctx filter = make_context(features, foreign, &r);
	if (filter) {
		int fd = memfd_create("filter", MFD_CLOEXEC);
		r = fd < 0 ? -errno : seccomp_export_bpf(filter, fd);
		if (r == 0)
			r = read_program(fd, ret);
		if (fd >= 0)
			close(fd);
		seccomp_release(filter);
	}
	if (r < 0)
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(-r),
			    "cannot make the filter of system calls that --exec traces: %s", g_strerror(-r));
	return r == 0;
}

int filter_install(const struct sock_fprog *program)
{
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program) == 0)
		return 0;
	if (errno != EACCES)
		return -errno;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program) < 0)
		return -errno;
	return 0;
}
