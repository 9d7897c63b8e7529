/*
 * Asks in every way what file systems, groups, CPUs and memory there are, by system calls of a static program, and
 * checks that the answers agree. For the views of --exec; coherence.py does the same as a dynamic program.
 *
 *     coherent [CPUS MEMORY]    (what the command was limited to, in bytes)
 *
 * Prints one line per disagreement; ends with 1 if there are any.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MAX_MOUNTS 512
#define MAX_TEXT   (1 << 18)

typedef struct Mount {
	char target[256], type[32], options[256];
	unsigned major, minor;
} Mount;

static Mount mounts[MAX_MOUNTS];
static int n_mounts, n_problems;

static void __attribute__((format(printf, 1, 2))) problem(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	n_problems++;
}

/* The whole file; free it. "" if it cannot be read, which is a problem. */
static char *read_file(const char *path)
{
	char *text = calloc(1, MAX_TEXT);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t size = 0;
	ssize_t n;
	while (fd >= 0 && (n = read(fd, text + size, MAX_TEXT - 1 - size)) > 0)
		size += (size_t) n;
	if (fd < 0)
		problem("%s: %s", path, strerror(errno));
	else
		close(fd);
	return text;
}

static void parse_mount(char *line)
{
	Mount *mount = &mounts[n_mounts];
	const char *dash = strstr(line, " - ");
	if (!dash || n_mounts == MAX_MOUNTS ||
	    sscanf(line, "%*d %*d %u:%u %*s %255s", &mount->major, &mount->minor, mount->target) != 3 ||
	    sscanf(dash, " - %31s %*s %255s", mount->type, mount->options) != 2)
		problem("mountinfo: %s", line);
	else
		n_mounts++;
}

static void read_mounts(void)
{
	char *text = read_file("/proc/self/mountinfo"), *rest = text, *line;
	while ((line = strsep(&rest, "\n")))
		if (*line)
			parse_mount(line);
	free(text);
}

static int is_below(const char *path, const char *directory)
{
	size_t n = strcmp(directory, "/") == 0 ? 0 : strlen(directory);
	return strncmp(path, directory, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* The last one of the longest target. */
static const Mount *mount_of(const char *path)
{
	const Mount *found = NULL;
	for (int i = 0; i < n_mounts; i++)
		if (is_below(path, mounts[i].target) && (!found || strlen(mounts[i].target) >= strlen(found->target)))
			found = &mounts[i];
	return found;
}

static long magic_of(const char *type)
{
	static const struct {
		const char *type;
		long magic;
	} table[] = {{"cgroup", 0x27e0eb}, {"cgroup2", 0x63677270}, {"tmpfs", 0x1021994},
		     {"proc", 0x9fa0},     {"overlay", 0x794c7630}, {"9p", 0x1021997},
		     {"ext4", 0xef53},     {"sysfs", 0x62656572},   {"devtmpfs", 0x1021994}};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (strcmp(table[i].type, type) == 0)
			return table[i].magic;
	return 0;
}

static void check_magic(const char *path, const Mount *mount, const char *call, int result, long magic)
{
	long expected = magic_of(mount->type);
	/* ENOSYS: gVisor of 2022, of files in /proc. */
	if (result < 0 && errno != ENOSYS)
		problem("%s %s: %s", call, path, strerror(errno));
	else if (result == 0 && expected && magic != expected)
		problem("%s %s: %lx, in mountinfo %s", call, path, magic, mount->type);
}

/* As crun asks before it uses a directory: for the type alone. */
static void check_type(const char *path, mode_t type)
{
	struct statx answer = {0};
	if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_TYPE, &answer) < 0 || (answer.stx_mode & S_IFMT) != type)
		problem("statx of %s tells type %o, fstat %o", path, answer.stx_mode & S_IFMT, type);
}

static void check_path(const char *path)
{
	const Mount *mount = mount_of(path);
	struct statfs fs;
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (!mount || fd < 0 || fstat(fd, &st) < 0) {
		problem("%s: %s", path, mount ? strerror(errno) : "on no mount");
		return;
	}
	check_type(path, st.st_mode & S_IFMT);
	int r = statfs(path, &fs);
	check_magic(path, mount, "statfs", r, fs.f_type);
	r = fstatfs(fd, &fs);
	check_magic(path, mount, "fstatfs", r, fs.f_type);
	close(fd);
	/* A file of a lower layer keeps its own device in an overlay. */
	if (strcmp(mount->type, "overlay") == 0 && !S_ISDIR(st.st_mode))
		return;
	if (major(st.st_dev) != mount->major || minor(st.st_dev) != mount->minor)
		problem("%s: device %u:%u, in mountinfo %u:%u", path, major(st.st_dev), minor(st.st_dev), mount->major,
			mount->minor);
}

/* As the libraries of container runtimes open. */
static void check_openat2(const char *hierarchy)
{
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
	int dir = open(hierarchy, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = (int) syscall(SYS_openat2, dir, "cgroup.procs", &how, sizeof how);
	if (fd < 0)
		problem("openat2 %s/cgroup.procs: %s", hierarchy, strerror(errno));
	else
		close(fd);
	fd = (int) syscall(SYS_openat2, dir, "../../../etc/passwd", &how, sizeof how);
	if (fd >= 0 || errno != EXDEV)
		problem("openat2 leads out of %s: %s", hierarchy, strerror(errno));
	close(dir);
}

/* Is a word one of a list's, joined by commas? */
static int lists(const char *list, size_t size, const char *word)
{
	size_t length = strlen(word);
	for (const char *at = list, *end = list + size; at < end; at += strcspn(at, ",:\n") + 1)
		if (strncmp(at, word, length) == 0 && (at + length == end || at[length] == ','))
			return 1;
	return 0;
}

/* The path in the line of /proc/self/cgroup that names a controller ("" is v2's), up to its newline; NULL: there is
 * none. */
static const char *group_of(const char *groups, const char *controller)
{
	for (const char *line = groups; *line; line += strcspn(line, "\n") + 1) {
		const char *list = strchr(line, ':') + 1, *path = strchr(list, ':') + 1;
		size_t size = (size_t) (path - 1 - list);
		if (*controller ? lists(list, size, controller) : size == 0)
			return path;
	}
	return NULL;
}

/* Is the process in the group that /proc/self/cgroup names? */
static void check_membership(const Mount *mount, const char *groups, const char *controller)
{
	char path[1024], own[16];
	const char *group = group_of(groups, controller);
	if (!group) {
		problem("%s: no line of '%s' in /proc/self/cgroup", mount->target, controller);
		return;
	}
	snprintf(path, sizeof path, "%s%.*s/cgroup.procs", mount->target, (int) strcspn(group, "\n"), group);
	snprintf(own, sizeof own, "%d\n", (int) getpid());
	char *members = read_file(path), *found = strstr(members, own);
	if (!found || (found != members && found[-1] != '\n'))
		problem("not in %s", path);
	free(members);
}

/* Of all controllers that the mount has. */
static void check_memberships(const Mount *mount, const char *groups)
{
	static const char *const controllers[] = {"cpu",      "cpuacct",    "cpuset",      "memory",  "devices",
						  "freezer",  "pids",       "blkio",       "hugetlb", "net_cls",
						  "net_prio", "perf_event", "name=systemd"};
	if (strcmp(mount->type, "cgroup2") == 0)
		check_membership(mount, groups, "");
	for (size_t i = 0; strcmp(mount->type, "cgroup") == 0 && i < sizeof controllers / sizeof *controllers; i++)
		if (lists(mount->options, strlen(mount->options), controllers[i]))
			check_membership(mount, groups, controllers[i]);
}

static void check_groups(void)
{
	char *groups = read_file("/proc/self/cgroup"), path[300];
	int n = 0;
	for (int i = 0; i < n_mounts; i++) {
		if (strncmp(mounts[i].type, "cgroup", 6) != 0)
			continue;
		n++;
		snprintf(path, sizeof path, "%s/cgroup.procs", mounts[i].target);
		check_path(mounts[i].target);
		check_path(path);
		check_openat2(mounts[i].target);
		check_memberships(&mounts[i], groups);
	}
	if (n == 0)
		problem("no hierarchies in mountinfo");
	free(groups);
}

static int count_lines(const char *path, const char *start, int with_digit)
{
	char *text = read_file(path), *rest = text, *line;
	int n = 0;
	while ((line = strsep(&rest, "\n")))
		n += strncmp(line, start, strlen(start)) == 0 &&
		     (!with_digit || (line[strlen(start)] >= '0' && line[strlen(start)] <= '9'));
	free(text);
	return n;
}

static int count_list(const char *path)
{
	char *text = read_file(path), *rest = text, *part;
	int n = 0, first, last;
	while ((part = strsep(&rest, ",\n"))) {
		int found = sscanf(part, "%d-%d", &first, &last);
		n += found == 2 ? last - first + 1 : found == 1;
	}
	free(text);
	return n;
}

static void check_cpus(int limit)
{
	cpu_set_t set;
	int expected = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : -1;
	const struct {
		const char *what;
		int n;
	} counts[] = {{"the limit", limit ? limit : expected},
		      {"sysconf", (int) sysconf(_SC_NPROCESSORS_ONLN)},
		      {"/proc/stat", count_lines("/proc/stat", "cpu", 1)},
		      {"/proc/cpuinfo", count_lines("/proc/cpuinfo", "processor", 0)},
		      {"online", count_list("/sys/devices/system/cpu/online")}};
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		if (counts[i].n != expected)
			problem("%d CPUs by sched_getaffinity, %d by %s", expected, counts[i].n, counts[i].what);
}

static void check_memory(unsigned long long limit)
{
	struct sysinfo info;
	unsigned long long total = 0, bytes;
	char *text = read_file("/proc/meminfo");
	if (sscanf(text, "MemTotal: %llu", &total) != 1)
		problem("no MemTotal in /proc/meminfo");
	if (sysinfo(&info) < 0)
		memset(&info, 0, sizeof info);
	total *= 1024;
	bytes = (unsigned long long) info.totalram * info.mem_unit;
	/* A page more than the limit, or the JVM would take it for none. */
	if (bytes < total || bytes > total + 8192)
		problem("MemTotal is %llu, sysinfo says %llu", total, bytes);
	if (limit && total != limit)
		problem("MemTotal is %llu, the limit %llu", total, limit);
	free(text);
}

static void check_files(void)
{
	static const char *const paths[] = {
		"/",         "/etc",          "/etc/passwd",    "/usr/bin",
		"/proc",     "/proc/version", "/proc/cgroups",  "/proc/meminfo",
		"/proc/sys", "/proc/sys/vm",  "/proc/vmstat",   "/proc/diskstats",
		"/sys",      "/dev",          "/sys/fs/cgroup", "/proc/sys/vm/overcommit_memory",
	};
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		check_path(paths[i]);
	if (strcmp(mount_of("/")->type, "9p") == 0)
		problem("the root is 9p");
	if (count_lines("/proc/self/mounts", "", 0) != n_mounts + 1)
		problem("mounts has other lines than mountinfo");
}

/* As container runtimes look whether they may change their groups. */
static void check_setgroups(void)
{
	char *text = read_file("/proc/self/setgroups");
	if (!text || (strcmp(text, "allow\n") != 0 && strcmp(text, "deny\n") != 0))
		problem("/proc/self/setgroups is '%s'", text ? text : strerror(errno));
	free(text);
}

int main(int argc, char **argv)
{
	read_mounts();
	check_files();
	check_groups();
	check_setgroups();
	check_cpus(argc > 1 ? atoi(argv[1]) : 0);
	check_memory(argc > 2 ? strtoull(argv[2], NULL, 10) : 0);
	return n_problems > 0;
}
