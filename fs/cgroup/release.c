#include "fs/cgroup/release.h"

#include "fs/cgroup/core.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

typedef struct Release {
	char *agent, *path;
} Release;

static void release_free(gpointer data)
{
	Release *release = data;

	g_free(release->agent);
	g_free(release->path);
	g_free(release);
}

/* The background's thread blocks all signals; what it starts must not. */
static void unblock_signals(gpointer data)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* GLib forks twice: the agent is nobody's zombie. */
static void run_agent(void *data)
{
	static char *environment[] = {(char *) "HOME=/", (char *) "PATH=/sbin:/bin:/usr/sbin:/usr/bin", NULL};
	const Release *release = data;
	char *words[] = {release->agent, release->path, NULL};
	g_autoptr(GError) error = NULL;

	g_debug("group %s is empty: running %s", release->path, release->agent);
	if (!g_spawn_async("/", words, environment, G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL,
			   unblock_signals, NULL, NULL, &error))
		g_warning("cannot run the release agent of group %s: %s", release->path, error->message);
}

/* cgroup1_check_for_release() */
void release_check(const Group *group)
{
	Fs *fs = group->hierarchy->fs;
	const char *agent = group->hierarchy->release_agent;
	Release *release;

	if (!group->parent || !group_core(group)->notify_on_release || !agent || !*agent || group->children->len > 0 ||
	    group_has_members(group) || !config_bool(fs->config, "enforce", "release-agent"))
		return;
	release = g_new0(Release, 1);
	release->agent = g_strdup(agent);
	release->path = group_path(group);
	background_run(fs->background, run_agent, release, release_free);
}

/* 0 if it cannot be told: whoever is not to be seen has no capabilities here. */
static guint64 capabilities_of(pid_t pid)
{
	static const char key[] = "\nCapEff:";
	g_autofree char *path = g_strdup_printf("/proc/%d/status", pid);
	g_autofree char *text = NULL;
	const char *at;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return 0;
	at = strstr(text, key);
	/* Some kernels do not tell. */
	return at ? g_ascii_strtoull(at + strlen(key), NULL, 16) : G_MAXUINT64;
}

static ino_t user_namespace_of(const char *process)
{
	g_autofree char *path = g_strdup_printf("/proc/%s/ns/user", process);
	struct stat st;

	return stat(path, &st) == 0 ? st.st_ino : 0;
}

int release_may_choose(const Caller *caller)
{
	g_autofree char *pid = g_strdup_printf("%d", caller->pid);

	if (caller->uid != 0 || caller->pid <= 0)
		return -EPERM;
	if (!(capabilities_of(caller->pid) & (G_GUINT64_CONSTANT(1) << CAP_SYS_ADMIN)))
		return -EPERM;
	return user_namespace_of(pid) == user_namespace_of("self") ? 0 : -EPERM;
}
