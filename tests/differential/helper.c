#include "differential.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sockaddr_un address = {.sun_family = AF_UNIX};
static socklen_t address_len;

/* An abstract name: there is nothing to remove. */
static void set_address(const char *name)
{
	g_strlcpy(address.sun_path + 1, name, sizeof address.sun_path - 1);
	address_len = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
}

int helpers_listen(const char *name)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	set_address(name);
	if (fd < 0 || bind(fd, (struct sockaddr *) &address, address_len) < 0 || listen(fd, 16) < 0) {
		perror("differential: cannot listen");
		exit(2);
	}
	return fd;
}

static int say_hello(void)
{
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	Hello hello = {getpid(), (pid_t) syscall(SYS_gettid)};

	if (sock < 0 || connect(sock, (struct sockaddr *) &address, address_len) < 0 ||
	    send(sock, &hello, sizeof hello, MSG_NOSIGNAL) < 0)
		_exit(3);
	return sock;
}

static void helper_continue(int sock) __attribute__((noreturn));

static void *thread_main(void *unused)
{
	helper_continue(say_hello());
}

static int start_thread(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	int error;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 128 << 10);
	error = pthread_create(&thread, &attr, thread_main, NULL);
	pthread_attr_destroy(&attr);
	return error;
}

static int fork_child(Answer *answer)
{
	pid_t pid = fork();

	if (pid == 0) {
		/* what belongs to the parent's threads, too */
		close_range(3, ~0U, 0);
		helper_main(getuid());
	}
	answer->number = pid;
	return pid < 0 ? errno : 0;
}

static void exec_self(int sock)
{
	char number[16];

	fcntl(sock, F_SETFD, 0);
	snprintf(number, sizeof number, "%d", sock);
	execl("/proc/self/exe", "differential", "--obey", number, address.sun_path + 1, NULL);
	_exit(4);
}

static int reap(pid_t pid)
{
	pid_t r;

	while ((r = waitpid(pid, NULL, 0)) < 0 && errno == EINTR)
		;
	return r < 0 ? errno : 0;
}

static void obey(int sock, const Command *command, Answer *answer)
{
	answer->error = 0;
	switch (command->kind) {
	case COMMAND_FILE:
		file_do(command->op, command->path, command->number, command->text, command->len, answer);
		break;
	case COMMAND_FORK:
		answer->error = fork_child(answer);
		break;
	case COMMAND_THREAD:
		answer->error = start_thread();
		break;
	case COMMAND_EXEC:
		exec_self(sock);
		break;
	case COMMAND_END:
		close(sock);
		syscall(SYS_exit, 0);
		break;
	case COMMAND_EXIT:
		_exit(0);
	case COMMAND_REAP:
		answer->error = reap((pid_t) command->number);
		break;
	}
}

static void helper_continue(int sock)
{
	/* too large for the stack of a thread */
	Command *command = malloc(sizeof *command);
	Answer *answer = malloc(sizeof *answer);

	while (command && answer && recv(sock, command, sizeof *command, 0) > 0) {
		obey(sock, command, answer);
		if (send(sock, answer, sizeof *answer, MSG_NOSIGNAL) < 0)
			break;
	}
	_exit(0);
}

void helper_resume(int sock, const char *name)
{
	static const Answer done;

	set_address(name);
	fcntl(sock, F_SETFD, FD_CLOEXEC);
	send(sock, &done, sizeof done, MSG_NOSIGNAL);
	helper_continue(sock);
}

void helper_main(uid_t uid)
{
	const struct rlimit no_core = {0, 0};
	int sock;

	signal(SIGCHLD, SIG_DFL);
	setrlimit(RLIMIT_CORE, &no_core);
	sock = say_hello();
	if (uid != getuid() && setresuid(uid, uid, uid) < 0)
		_exit(5);
	helper_continue(sock);
}

gboolean helper_ask(int sock, const Command *command, Answer *ret)
{
	if (send(sock, command, sizeof *command, MSG_NOSIGNAL) < 0)
		return FALSE;
	return recv(sock, ret, sizeof *ret, 0) == sizeof *ret;
}
