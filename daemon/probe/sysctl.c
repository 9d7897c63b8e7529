/*
 * The keys of /proc/sys that clients need.
 */
#include "daemon/probe/attempt.h"
#include "daemon/probe/subjects.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

typedef struct NeededKey {
	const char *name; /* below /proc/sys */
	gint64 wanted;    /* what the kubelet sets it to */
} NeededKey;

/* The kubelet's kernel tunables: each must be readable, and settable if it has another value. */
static const NeededKey kubelet_keys[] = {
	{"vm/overcommit_memory", 1},
	{"vm/panic_on_oom", 0},
	{"kernel/panic", 10},
	{"kernel/panic_on_oops", 1},
	{"kernel/keys/root_maxkeys", 1000000},
	{"kernel/keys/root_maxbytes", 25000000},
	{0},
};

/* Whose absence some client logs, or works without. */
static const char *const other_keys[] = {
	"kernel/pid_max",
	"kernel/threads-max",
	"kernel/random/boot_id",
	"kernel/cap_last_cap",
	"kernel/ns_last_pid",
	"vm/max_map_count",
	"vm/swappiness",
	"fs/file-max",
	"fs/file-nr",
	"fs/inotify/max_user_watches",
	"net/ipv4/ip_forward",
	"net/core/somaxconn",
	"user/max_user_namespaces",
	NULL,
};

static char *key_path(const char *key)
{
	return g_build_filename("/proc/sys", key, NULL);
}

static gboolean read_key(const char *key, gint64 *ret)
{
	g_autofree char *path = key_path(key), *content = NULL;

	if (!g_file_get_contents(path, &content, NULL, NULL))
		return FALSE;
	return g_ascii_string_to_signed(g_strstrip(content), 10, G_MININT64, G_MAXINT64, ret, NULL);
}

static ProbeVerdict check_kubelet(ProbeAttempt *attempt)
{
	gint64 value;

	for (const NeededKey *key = kubelet_keys; key->name; key++)
		probe_look_for(attempt, key->name, read_key(key->name, &value));
	probe_saw(attempt, "%u of %u keys", attempt->found->len, attempt->found->len + attempt->missing->len);
	return probe_verdict_of_names(attempt);
}

static gboolean is_settable(const char *key)
{
	g_autofree char *path = key_path(key);
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static ProbeVerdict check_kubelet_values(ProbeAttempt *attempt)
{
	gint64 value;

	for (const NeededKey *key = kubelet_keys; key->name; key++)
		probe_look_for(attempt, key->name,
			       (read_key(key->name, &value) && value == key->wanted) || is_settable(key->name));
	probe_saw(attempt, "%u of %u keys have the kubelet's value, or can be set", attempt->found->len,
		  attempt->found->len + attempt->missing->len);
	return probe_verdict_of_names(attempt);
}

static ProbeVerdict check_others(ProbeAttempt *attempt)
{
	for (const char *const *key = other_keys; *key; key++) {
		g_autofree char *path = key_path(*key);

		probe_look_for(attempt, *key, access(path, F_OK) == 0);
	}
	probe_saw(attempt, "%u of %u keys", attempt->found->len, attempt->found->len + attempt->missing->len);
	return probe_verdict_of_names(attempt);
}

const ProbeCheck sysctl_checks[] = {
	{"sysctl-kubelet", check_kubelet, "read the six keys of the kubelet", "the kubelet finds its kernel tunables",
	 "the kubelet ends over a missing key"},
	{"sysctl-kubelet-set", check_kubelet_values,
	 "compare them with what the kubelet wants, or open them for writing",
	 "the kubelet can have its kernel tunables", "the kubelet ends over a key that it cannot set"},
	{"sysctl-others", check_others, "look for keys that other clients read", "other clients find their keys",
	 "other clients miss keys, and mostly log that"},
	{0},
};
