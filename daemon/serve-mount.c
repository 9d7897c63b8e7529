#include "daemon/hand-over.h"
#include "daemon/mounts.h"
#include "daemon/serve-private.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

/* A mount of its own, which no other namespace gets a copy of: a copy would keep the session alive there. */
static gboolean make_private(MountRecord *record, GError **error)
{
	const char *directory = mount_record_private_directory(record);

	if (mount(directory, directory, NULL, MS_BIND, NULL) < 0) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "cannot bind %s: %s", directory,
			    g_strerror(errno));
		return FALSE;
	}
	if (!mount_record_add_mount(record, directory, error))
		return FALSE;
	if (mount(NULL, directory, NULL, MS_PRIVATE, NULL) < 0)
		g_debug("%s stays shared: %s", directory, g_strerror(errno));
	return TRUE;
}

gboolean serve_can_hand_over(const Server *server)
{
	return !mounts_is_below("/proc/sys", server->directory) && !mounts_is_below(server->directory, "/proc/sys");
}

/* Whoever comes after this process finds what it needs in the record, and the descriptor with the service manager. */
static gboolean prepare_successor(Server *server, GError **error)
{
	FuseGreeting greeting;

	if (!serve_can_hand_over(server))
		return TRUE;
	fuse_get_greeting(server->fuse, &greeting);
	if (!mount_record_set_session(server->record, server->mounted_root, &greeting, sizeof greeting, error))
		return FALSE;
	hand_over_store(&(HandOver){fuse_descriptor(server->fuse), fuse_requests(server->fuse), -1});
	return TRUE;
}

static gboolean start_fuse(Server *server, const char *mountpoint, const char *root, GError **error)
{
	unsigned threads = (unsigned) config_int(server->config, "fuse", "threads");
	int requests = serve_can_hand_over(server) ? hand_over_new_requests() : -1;

	server->fuse = fuse_start(server->fs, mountpoint, root, threads, requests, error);
	server->mounted_root = root;
	return server->fuse && mount_record_add_mount(server->record, mountpoint, error) &&
	       fuse_probe_sizes(server->fuse, mountpoint, error) && prepare_successor(server, error);
}

static void start_backing(Server *server)
{
	g_autofree char *name = g_path_get_basename(mount_record_private_directory(server->record));
	BackingPlace places[BACKING_KINDS];

	if (backing_places_open(server->config, server->fs, name, places, &server->backing))
		backing_start(server->fs, places);
}

gboolean serve_build_trees(Server *server, int groups, GError **error)
{
	const char *configured = config_string(server->config, "cgroup", "state-file");
	g_autofree char *path = *configured ? mount_record_state_path(server->record, configured) : NULL;

	server->fs = fs_new(server->config, layout_fs_trees(server->tree), error);
	if (!server->fs)
		return FALSE;
	server->state = state_file_new(server->fs, path);
	state_file_restore(server->state, groups);
	start_backing(server);
	return !server->state || !path || g_strcmp0(path, mount_record_state(server->record)) == 0 ||
	       mount_record_set_state(server->record, path, error);
}

gboolean serve_adopt(Server *server, HandOver *taken, GError **error)
{
	unsigned threads = (unsigned) config_int(server->config, "fuse", "threads");
	const FuseGreeting *greeting;

	server->record = mount_record_adopt(server->directory, error);
	greeting = server->record ? mount_record_greeting(server->record, sizeof *greeting) : NULL;
	if (!greeting) {
		g_clear_pointer(&server->record, mount_record_free);
		return FALSE;
	}
	server->mounted_root = mount_record_root(server->record);
	if (!serve_build_trees(server, taken->groups, error))
		return FALSE;
	if (taken->groups >= 0)
		close(taken->groups);
	server->fuse =
		fuse_adopt(server->fs, taken->session, taken->requests, greeting, server->mounted_root, threads, error);
	*taken = (HandOver){-1, -1, -1};
	if (server->fuse)
		fuse_touch_start(server->fuse, strcmp(server->mounted_root, "/") == 0
						       ? mount_record_private_directory(server->record)
						       : server->directory);
	return server->fuse != NULL;
}

static gboolean mount_bound(Server *server, GError **error)
{
	const char *composite = mount_record_private_directory(server->record);
	const char *const *hierarchies = config_list(server->config, "cgroup", "hierarchies");
	gboolean with_native = config_bool(server->config, "mount", "native-cgroup");
	g_autoptr(NativeCgroups) native = with_native ? native_cgroups_read("/proc") : NULL;
	g_autoptr(GPtrArray) plan = layout_plan(server->tree, server->directory, hierarchies, native);

	return make_private(server->record, error) && start_fuse(server, composite, "/", error) &&
	       layout_apply(plan, composite, server->record, error);
}

gboolean serve_mount(Server *server, GError **error)
{
	if (mounts_can_bind(mount_record_private_directory(server->record)))
		return mount_bound(server, error);
	g_info("nothing can be bound here: %s gets the FUSE mount itself", server->directory);
	return start_fuse(server, server->directory, layout_root(server->tree), error);
}
