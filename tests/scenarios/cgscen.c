/*
 * cgscen ROOT < SCENARIO: play a scenario of cgroup operations below ROOT and print what each step answers.
 *
 * The same scenario played on a kernel's cgroupfs and on an emulation must print the same text. Steps, one per line
 * ('#' starts a comment; paths are relative to ROOT; NAME is a process of the scenario; TEXT knows \n and \t):
 *
 *   mkdir P | rmdir P | rename P Q | chmod MODE P | chown UID P
 *   write P TEXT      one write(2)                     read P          whole content
 *   keys P            first word of each line          key P K         the value behind K in "K value" lines
 *   names P           sorted file names of a group     procs P         members of P, as NAMEs ("?" for others)
 *   spawn NAME        start a process that waits       fork NAME KID   NAME forks KID
 *   thread NAME       NAME starts a second thread      exit NAME       NAME ends and is reaped
 *   burn NAME MS      NAME uses MS of CPU time         alloc NAME MB   NAME touches MB of memory
 *   attach NAME P     write NAME's pid to P            self NAME P     NAME itself writes "0" to P
 *   alive NAME        yes or no                        running NAME    does it react within 300 ms: yes or no
 *   cgroup NAME CTL   NAME's path in /proc/PID/cgroup for controller CTL ("" = v2), ROOT's prefix removed
 *   open H P MODE     keep an fd (r, w, rw)            hread H | hwrite H TEXT | hclose H    (hread seeks to 0 first)
 *   poll H MS         POLLPRI seen within MS           between P LO HI   number in P lies in [LO, HI]
 *   keybetween P K LO HI                               wait MS
 *
 * An error prints as its errno name. CGSCEN_SLOW=N makes every wait N times as long, for a machine that is busy.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/param.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct { char name[32]; pid_t pid; int sock; int reaped; } Proc;
typedef struct { char name[32]; int fd; } Handle;

static Proc procs[64];
static int n_procs;
static Handle handles[32];
static int n_handles;
static const char *root;
static int slow = 1;

static const char *errname(int e)
{
	const char *s = strerrorname_np(e);
	return s ? s : "E?";
}

static void result(long r) { printf("%s\n", r < 0 ? errname(errno) : "ok"); }

static char *path(const char *p)
{
	static char buf[4][4096];
	static int k;
	char *b = buf[k++ % 4];
	snprintf(b, sizeof buf[0], "%s/%s", root, strcmp(p, ".") ? p : "");
	return b;
}

static void print_escaped(const char *s, long n)
{
	for (long i = 0; i < n; i++) {
		if (s[i] == '\n') fputs("\\n", stdout);
		else if (s[i] == '\t') fputs("\\t", stdout);
		else putchar(s[i]);
	}
	putchar('\n');
}

static long unescape(char *s)
{
	char *o = s;
	for (char *p = s; *p; p++) {
		if (p[0] == '\\' && p[1] == 'n') { *o++ = '\n'; p++; }
		else if (p[0] == '\\' && p[1] == 't') { *o++ = '\t'; p++; }
		else *o++ = *p;
	}
	*o = 0;
	return o - s;
}

static long slurp(const char *p, char *b, long n)
{
	int fd = open(p, O_RDONLY);
	if (fd < 0) return -1;
	long t = 0, r;
	while (t < n - 1 && (r = read(fd, b + t, n - 1 - t)) > 0) t += r;
	int e = errno;
	close(fd);
	errno = e;
	if (t == 0 && r < 0) return -1;
	b[t] = 0;
	return t;
}

static long write_once(const char *p, const char *s, long n)
{
	int fd = open(p, O_WRONLY);
	if (fd < 0) return -1;
	long r = write(fd, s, n);
	int e = errno;
	close(fd);
	errno = e;
	return r;
}

static Proc *proc(const char *name)
{
	for (int i = 0; i < n_procs; i++)
		if (!strcmp(procs[i].name, name)) return &procs[i];
	fprintf(stderr, "cgscen: no process '%s'\n", name);
	exit(2);
}

static Handle *handle(const char *name)
{
	for (int i = 0; i < n_handles; i++)
		if (!strcmp(handles[i].name, name)) return &handles[i];
	fprintf(stderr, "cgscen: no handle '%s'\n", name);
	exit(2);
}

static void *idle(void *x) { pause(); return x; }
static void serve(int sock) __attribute__((noreturn));

static double cpu_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

/* A process of the scenario: does what its socket says, answers with a number. */
static void serve(int sock)
{
	char cmd[4200];
	long n;
	signal(SIGCHLD, SIG_IGN);
	while ((n = read(sock, cmd, sizeof cmd - 1)) > 0) {
		long answer = 0;
		cmd[n] = 0;
		if (cmd[0] == 'x') _exit(0);
		if (cmd[0] == 'b') {
			double end = cpu_ms() + atof(cmd + 1);
			while (cpu_ms() < end)
				for (volatile int i = 0; i < 100000; i++) ;
		}
		if (cmd[0] == 'a') {
			size_t len = (size_t)atol(cmd + 1) << 20;
			char *m = mmap(0, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			if (m == MAP_FAILED) answer = -errno;
			else for (size_t i = 0; i < len; i += 4096) m[i] = 1;
		}
		if (cmd[0] == 't') { pthread_t t; answer = -pthread_create(&t, 0, idle, 0); }
		if (cmd[0] == '0') { answer = write_once(cmd + 1, "0", 1); if (answer < 0) answer = -errno; }
		if (cmd[0] == 'f') {
			int pair[2];
			socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair);
			pid_t pid = fork();
			if (pid == 0) { close(pair[0]); close(sock); serve(pair[1]); }
			answer = pid < 0 ? -errno : pid;
			close(pair[1]);
			char c[CMSG_SPACE(sizeof(int))] = {0};
			struct iovec v = {&answer, sizeof answer};
			struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = c, .msg_controllen = sizeof c};
			struct cmsghdr *h = CMSG_FIRSTHDR(&m);
			h->cmsg_level = SOL_SOCKET, h->cmsg_type = SCM_RIGHTS, h->cmsg_len = CMSG_LEN(sizeof(int));
			memcpy(CMSG_DATA(h), &pair[0], sizeof(int));
			sendmsg(sock, &m, 0);
			close(pair[0]);
			continue;
		}
		if (write(sock, &answer, sizeof answer) < 0) _exit(1);
	}
	_exit(0);
}

static long ask(Proc *p, int timeout_ms, const char *fmt, const char *arg)
{
	char cmd[4200];
	long answer = -EIO;
	snprintf(cmd, sizeof cmd, fmt, arg);
	if (write(p->sock, cmd, strlen(cmd) + 1) < 0) return -errno;
	struct pollfd f = {p->sock, POLLIN, 0};
	if (poll(&f, 1, timeout_ms * slow) <= 0) return -ETIMEDOUT;
	if (read(p->sock, &answer, sizeof answer) <= 0) return -EPIPE;
	return answer;
}

static void spawn(const char *name)
{
	Proc *p = &procs[n_procs++];
	int pair[2];
	memset(p, 0, sizeof *p);
	snprintf(p->name, sizeof p->name, "%s", name);
	socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair);
	p->pid = fork();
	if (p->pid == 0) { close(pair[0]); serve(pair[1]); }
	close(pair[1]);
	p->sock = pair[0];
	puts(p->pid < 0 ? errname(errno) : "ok");
}

static void fork_from(Proc *parent, const char *name)
{
	long answer = 0;
	char c[CMSG_SPACE(sizeof(int))];
	struct iovec v = {&answer, sizeof answer};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = c, .msg_controllen = sizeof c};
	if (write(parent->sock, "f", 2) < 0 || recvmsg(parent->sock, &m, 0) <= 0) { puts("EPIPE"); return; }
	if (answer < 0) { puts(errname(-answer)); return; }
	Proc *p = &procs[n_procs++];
	memset(p, 0, sizeof *p);
	snprintf(p->name, sizeof p->name, "%s", name);
	p->pid = answer;
	memcpy(&p->sock, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
	puts("ok");
}

static int alive(Proc *p)
{
	char b[512], f[64];
	if (p->reaped) return 0;
	snprintf(f, sizeof f, "/proc/%d/stat", p->pid);
	if (slurp(f, b, sizeof b) < 0) return 0;
	char *s = strrchr(b, ')');
	return s && s[2] != 'Z' && s[2] != 'X';
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void list_names(const char *p)
{
	char *v[1024];
	int n = 0;
	DIR *d = opendir(p);
	if (!d) { puts(errname(errno)); return; }
	for (struct dirent *e; (e = readdir(d)) && n < 1024;)
		if (e->d_name[0] != '.') v[n++] = strdup(e->d_name);
	closedir(d);
	qsort(v, n, sizeof *v, by_text);
	for (int i = 0; i < n; i++) printf("%s%s", i ? " " : "", v[i]);
	putchar('\n');
}

static void list_procs(const char *p)
{
	static char b[1 << 20];
	char *v[256], *save;
	int n = 0, others = 0;
	if (slurp(p, b, sizeof b) < 0) { puts(errname(errno)); return; }
	for (char *t = strtok_r(b, "\n", &save); t; t = strtok_r(0, "\n", &save)) {
		int i;
		for (i = 0; i < n_procs && procs[i].pid != atoi(t); i++) ;
		if (i < n_procs && n < 256) v[n++] = procs[i].name; else others++;
	}
	qsort(v, n, sizeof *v, by_text);
	for (int i = 0; i < n; i++) printf("%s%s", i ? " " : "", v[i]);
	if (others) printf("%s?", n ? " " : "");
	putchar('\n');
}

static long key_value(const char *p, const char *key, long long *ret)
{
	static char b[1 << 16];
	char *save;
	if (slurp(p, b, sizeof b) < 0) return -1;
	for (char *l = strtok_r(b, "\n", &save); l; l = strtok_r(0, "\n", &save)) {
		size_t n = strlen(key);
		if (!strncmp(l, key, n) && l[n] == ' ') { *ret = atoll(l + n + 1); return 0; }
	}
	errno = ENOKEY;
	return -1;
}

static void in_range(long r, long long v, const char *lo, const char *hi)
{
	if (r < 0) puts(errname(errno));
	else if (v >= atoll(lo) && v <= atoll(hi)) puts("inside");
	else printf("outside: %lld\n", v);
}

static void show_cgroup(Proc *p, const char *controller)
{
	char f[64], b[8192], *save;
	snprintf(f, sizeof f, "/proc/%d/cgroup", p->pid);
	if (slurp(f, b, sizeof b) < 0) { puts(errname(errno)); return; }
	for (char *l = strtok_r(b, "\n", &save); l; l = strtok_r(0, "\n", &save)) {
		char *c = strchr(l, ':') + 1, *e = strchr(c, ':');
		*e = 0;
		char list[256];
		snprintf(list, sizeof list, ",%s,", c);
		char want[64];
		snprintf(want, sizeof want, ",%s,", controller);
		if (strstr(list, want)) {
			char *base = strrchr(root, '/');
			char *hit = base ? strstr(e + 1, base) : 0;
			puts(hit ? hit + strlen(base) : e + 1);
			return;
		}
	}
	puts("none");
}

static char content[1 << 20];

static void print_answer(long r) { puts(r < 0 ? errname(-r) : "ok"); }

static void do_mkdir(char **a) { result(mkdir(path(a[1]), 0755)); }
static void do_rmdir(char **a) { result(rmdir(path(a[1]))); }
static void do_rename(char **a) { result(rename(path(a[1]), path(a[2]))); }
static void do_chmod(char **a) { result(chmod(path(a[2]), strtol(a[1], 0, 8))); }
static void do_chown(char **a) { result(chown(path(a[2]), atoi(a[1]), -1)); }
static void do_names(char **a) { list_names(path(a[1])); }
static void do_procs(char **a) { list_procs(path(a[1])); }
static void do_spawn(char **a) { spawn(a[1]); }
static void do_fork(char **a) { fork_from(proc(a[1]), a[2]); }
static void do_thread(char **a) { print_answer(ask(proc(a[1]), 3000, "t", "")); }
static void do_burn(char **a) { print_answer(ask(proc(a[1]), 60000, "b%s", a[2])); }
static void do_alloc(char **a) { print_answer(ask(proc(a[1]), 30000, "a%s", a[2])); }
static void do_self(char **a) { print_answer(ask(proc(a[1]), 3000, "0%s", path(a[2]))); }
static void do_running(char **a) { puts(ask(proc(a[1]), 300, "n", "") == 0 ? "yes" : "no"); }
static void do_cgroup(char **a) { show_cgroup(proc(a[1]), a[2] ? a[2] : ""); }
static void do_hclose(char **a) { result(close(handle(a[1])->fd)); }
static void do_wait(char **a) { usleep(atoi(a[1]) * 1000 * slow); puts("ok"); }

static void do_write(char **a)
{
	long n = unescape(a[2]);
	result(write_once(path(a[1]), a[2], n));
}

static void do_read(char **a)
{
	long n = slurp(path(a[1]), content, sizeof content);
	if (n < 0) puts(errname(errno)); else print_escaped(content, n);
}

static void do_keys(char **a)
{
	char *save;
	if (slurp(path(a[1]), content, sizeof content) < 0) { puts(errname(errno)); return; }
	for (char *l = strtok_r(content, "\n", &save); l; l = strtok_r(0, "\n", &save)) printf("%.*s ", (int)strcspn(l, " "), l);
	putchar('\n');
}

static void do_key(char **a)
{
	long long v = 0;
	if (key_value(path(a[1]), a[2], &v) < 0) puts(errname(errno)); else printf("%lld\n", v);
}

static void do_exit(char **a)
{
	Proc *p = proc(a[1]);
	if (write(p->sock, "x", 2) < 0) errno = 0;
	for (int i = 0; i < 200 * slow && alive(p); i++) usleep(10000);
	/* A tracer may still hold what has ended. */
	waitpid(p->pid, 0, alive(p) ? WNOHANG : 0);
	p->reaped = 1;
	puts("ok");
}

static void do_attach(char **a)
{
	char number[32];
	snprintf(number, sizeof number, "%d", proc(a[1])->pid);
	result(write_once(path(a[2]), number, strlen(number)));
}

static void do_alive(char **a)
{
	Proc *p = proc(a[1]);
	for (int i = 0; i < 50 * slow && alive(p); i++) usleep(10000);
	puts(alive(p) ? "yes" : "no");
}

static void do_open(char **a)
{
	Handle *h = &handles[n_handles++];
	snprintf(h->name, sizeof h->name, "%s", a[1]);
	h->fd = open(path(a[2]), !strcmp(a[3], "r") ? O_RDONLY : !strcmp(a[3], "w") ? O_WRONLY : O_RDWR);
	result(h->fd);
}

static void do_hread(char **a)
{
	int fd = handle(a[1])->fd;
	lseek(fd, 0, SEEK_SET);
	long n = read(fd, content, sizeof content);
	if (n < 0) puts(errname(errno)); else print_escaped(content, n);
}

static void do_hwrite(char **a)
{
	long n = unescape(a[2]);
	result(write(handle(a[1])->fd, a[2], n));
}

static void do_poll(char **a)
{
	struct pollfd f = {handle(a[1])->fd, POLLPRI, 0};
	int r = poll(&f, 1, atoi(a[2]) * slow);
	puts(r > 0 && (f.revents & POLLPRI) ? "event" : "no event");
}

static void do_between(char **a)
{
	long r = slurp(path(a[1]), content, sizeof content);
	in_range(r, atoll(content), a[2], a[3]);
}

static void do_keybetween(char **a)
{
	long long v = 0;
	long r = key_value(path(a[1]), a[2], &v);
	in_range(r, v, a[3], a[4]);
}

static const struct {
	const char *name;
	void (*run)(char **a); /* the step's words; the last one of write and hwrite is all the rest */
	int words;
} steps[] = {
	{"mkdir", do_mkdir, 2}, {"rmdir", do_rmdir, 2}, {"rename", do_rename, 3}, {"chmod", do_chmod, 3},
	{"chown", do_chown, 3}, {"write", do_write, 3}, {"read", do_read, 2}, {"keys", do_keys, 2}, {"key", do_key, 3},
	{"names", do_names, 2}, {"procs", do_procs, 2}, {"spawn", do_spawn, 2}, {"fork", do_fork, 3},
	{"thread", do_thread, 2}, {"burn", do_burn, 3}, {"alloc", do_alloc, 3}, {"self", do_self, 3}, {"exit", do_exit, 2},
	{"attach", do_attach, 3}, {"alive", do_alive, 2}, {"running", do_running, 2}, {"cgroup", do_cgroup, 2},
	{"open", do_open, 4}, {"hread", do_hread, 2}, {"hwrite", do_hwrite, 3}, {"hclose", do_hclose, 2},
	{"poll", do_poll, 3}, {"between", do_between, 4}, {"keybetween", do_keybetween, 5}, {"wait", do_wait, 2},
};

/* Words of the line; the rest of a text stays in one piece. */
static int split(char *line, char **a, int most)
{
	int n = 0;
	while (n < most) {
		while (*line == ' ') line++;
		if (!*line) break;
		a[n++] = line;
		while (*line && *line != ' ') line++;
		if (*line) *line++ = 0;
		if (n == 2 && (!strcmp(a[0], "write") || !strcmp(a[0], "hwrite"))) { a[n++] = line; break; }
	}
	return n;
}

static void step(char *line)
{
	char *a[6] = {0};
	int n = split(line, a, 5);
	for (unsigned i = 0; n > 0 && i < sizeof steps / sizeof *steps; i++)
		if (!strcmp(a[0], steps[i].name) && n >= steps[i].words) { steps[i].run(a); return; }
	fprintf(stderr, "cgscen: unknown or incomplete step '%s'\n", n > 0 ? a[0] : "");
	exit(2);
}

int main(int argc, char **argv)
{
	char line[8192];
	if (argc != 2) { fprintf(stderr, "usage: cgscen ROOT < SCENARIO\n"); return 2; }
	root = argv[1];
	if (getenv("CGSCEN_SLOW")) slow = MAX(1, atoi(getenv("CGSCEN_SLOW")));
	signal(SIGPIPE, SIG_IGN);
	while (fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = 0;
		if (line[0] == '#' || !line[0]) { puts(line); continue; }
		printf("%-44s => ", line);
		fflush(stdout);
		step(line);
	}
	for (int i = 0; i < n_procs; i++)
		if (!procs[i].reaped) kill(procs[i].pid, SIGKILL);
	while (waitpid(-1, 0, 0) > 0) ;
	return 0;
}
