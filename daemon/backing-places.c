#include "daemon/backing-places.h"

#include "daemon/native-cgroup.h"
#include "fs/cgroup/hierarchy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* A descriptor is enough: nothing stays mounted. -1: the kernel does not have it, or does not give it. */
static int open_hierarchy(const char *options)
{
	g_autofree char *directory = g_dir_make_tmp("cgemud-native-XXXXXX", NULL);
	int fd = -1;

	if (!directory)
		return -1;
	if (mount("cgroup", directory, "cgroup", 0, options) == 0) {
		fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (umount2(directory, MNT_DETACH) < 0)
			g_warning("%s stays mounted: %s", directory, g_strerror(errno));
	} else {
		g_debug("no cgroup v1 of the kernel's own for %s: %s", options, g_strerror(errno));
	}
	rmdir(directory);
	return fd;
}

/* cpuacct may be in one hierarchy with cpu: then only together can they be mounted. */
static int open_controller(const NativeCgroups *native, const char *controller)
{
	g_autoptr(GPtrArray) mounts = native_cgroups_mounts(native, controller);
	int fd = mounts->len ? open_hierarchy(mounts->pdata[0]) : -1;

	return fd < 0 && mounts->len && g_str_equal(controller, "cpuacct") ? open_hierarchy("cpu,cpuacct") : fd;
}

/* The group of this process, relative to the hierarchy's root: "." or "a/b". */
static char *own_path(const char *controller)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;

	if (!g_file_get_contents("/proc/self/cgroup", &text, NULL, NULL))
		return g_strdup(".");
	lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line; line++) {
		g_auto(GStrv) words = g_strsplit(*line, ":", 3);
		g_auto(GStrv) names = g_strv_length(words) == 3 ? g_strsplit(words[1], ",", -1) : NULL;

		if (names && g_strv_contains((const char *const *) names, controller) && words[2][0] == '/' &&
		    words[2][1])
			return g_strdup(words[2] + 1);
	}
	return g_strdup(".");
}

/* A group that we have none of is somebody else's. */
static gboolean is_unused(int fd, const Cgroups *cgroups)
{
	DIR *dir = fdopendir(dup(fd));
	gboolean unused = dir != NULL;
	const struct dirent *entry;

	while (unused && (entry = readdir(dir))) {
		gboolean known = entry->d_name[0] == '.';
		struct stat st;

		if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode))
			continue;
		for (guint i = 0; !known && i < cgroups->hierarchies->len; i++)
			known = group_by_path(cgroups->hierarchies->pdata[i], entry->d_name) != NULL;
		unused = known;
	}
	if (dir)
		closedir(dir);
	return unused;
}

/* Groups stand in the root itself, so that /proc/PID/cgroup says the same as ours. */
static BackingPlace place_in_root(int root, const Fs *fs, const char *controller)
{
	g_autofree char *own = own_path(controller);

	if (!g_str_equal(own, ".") || !is_unused(root, fs->cgroups)) {
		g_info("the kernel's own %s groups are in use: ours are not mirrored there", controller);
		return (BackingPlace){-1, -1};
	}
	return (BackingPlace){fcntl(root, F_DUPFD_CLOEXEC, 0), fcntl(root, F_DUPFD_CLOEXEC, 0)};
}

/* In a group of our own, below the one that this process is in. */
static BackingPlace place_below_own(int root, const char *controller, const char *name)
{
	g_autofree char *own = own_path(controller);
	BackingPlace place = {-1, openat(root, own, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};

	if (place.home >= 0 && (mkdirat(place.home, name, 0755) == 0 || errno == EEXIST))
		place.base = openat(place.home, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (place.base >= 0)
		return place;
	g_warning("[cgroup] backing: no group in %s/%s: %s", controller, own, g_strerror(errno));
	if (place.home >= 0)
		close(place.home);
	return (BackingPlace){-1, -1};
}

gboolean backing_places_open(const Config *config, Fs *fs, const char *name, BackingPlace ret[BACKING_KINDS],
			     BackingBases *ret_bases)
{
	const char *wish = config_string(config, "cgroup", "backing");
	gboolean is_wanted = g_str_equal(wish, "native"), any = FALSE;
	g_autoptr(NativeCgroups) native = native_cgroups_read("/proc");

	*ret_bases = (BackingBases){is_wanted ? g_strdup_printf("cgemud.%s", name) : NULL, {-1, -1, -1}};
	for (int kind = 0; kind < BACKING_KINDS; kind++) {
		const char *controller = backing_controllers[kind];
		int root = -1;

		ret[kind] = (BackingPlace){-1, -1};
		if (fs->cgroups && (is_wanted || (g_str_equal(wish, "auto") && !native_cgroups_have_v2(native))))
			root = open_controller(native, controller);
		if (root < 0)
			continue;
		ret[kind] = is_wanted ? place_below_own(root, controller, ret_bases->name)
				      : place_in_root(root, fs, controller);
		close(root);
		if (is_wanted && ret[kind].home >= 0)
			ret_bases->homes[kind] = fcntl(ret[kind].home, F_DUPFD_CLOEXEC, 0);
		any |= ret[kind].base >= 0;
	}
	if (is_wanted && !any)
		g_warning("[cgroup] backing=native: the kernel gives none of cpuacct, memory and pids");
	return any;
}

void backing_bases_remove(BackingBases *bases)
{
	for (int kind = 0; bases->name && kind < BACKING_KINDS; kind++) {
		if (bases->homes[kind] < 0)
			continue;
		if (unlinkat(bases->homes[kind], bases->name, AT_REMOVEDIR) < 0 && errno != ENOENT)
			g_warning("the kernel's own group %s in %s stays: %s", bases->name, backing_controllers[kind],
				  g_strerror(errno));
		close(bases->homes[kind]);
	}
	g_clear_pointer(&bases->name, g_free);
}
