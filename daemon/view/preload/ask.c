#include "daemon/view/preload/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

void *library_next(const char *name)
{
	void *next = dlsym(RTLD_NEXT, name);
	if (!next)
		abort(); /* a C library without it would not have let the program start */
	return next;
}

/* By system calls: the library's own functions are not to be called from here. */
static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (!path || strlen(path) >= sizeof address.sun_path)
		return -1;
	strcpy(address.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *) &address, sizeof address) < 0) {
		syscall(SYS_close, fd);
		return -1;
	}
	return fd;
}

static bool send_question(int fd, const Question *question)
{
	size_t path_size = question->path ? strlen(question->path) + 1 : 0;
	PreloadRequest request = {question->action, (uint32_t) path_size, (uint32_t) question->more_size,
				  question->number, getpid()};
	struct iovec parts[] = {{&request, sizeof request},
				{(void *) question->path, path_size},
				{(void *) question->more, question->more_size}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 3};
	return sendmsg(fd, &message, MSG_NOSIGNAL) >= 0;
}

static void take_descriptor(struct msghdr *message, Question *question)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(message);
	if (control && control->cmsg_type == SCM_RIGHTS)
		memcpy(&question->fd, CMSG_DATA(control), sizeof question->fd);
}

static int receive(int fd, Question *question)
{
	PreloadReply reply;
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec parts[] = {{&reply, sizeof reply}, {question->reply, question->reply_size}};
	struct msghdr message = {
		.msg_iov = parts, .msg_iovlen = 2, .msg_control = &control, .msg_controllen = sizeof control};
	ssize_t n;
	do
		n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < (ssize_t) sizeof reply)
		return -ENOTCONN;
	question->reply_length = (size_t) n - sizeof reply;
	take_descriptor(&message, question);
	return reply.result;
}

int library_ask(Question *question)
{
	int saved = errno;
	question->fd = -1;
	int fd = connect_to(getenv(PRELOAD_SOCKET));
	int r = fd >= 0 && send_question(fd, question) ? receive(fd, question) : -ENOTCONN;
	if (fd >= 0)
		syscall(SYS_close, fd);
	errno = saved;
	return r;
}
