#include "fs/cgroup/enforce.h"

#include "fs/cgroup/core.h"
#include "fs/cgroup/members.h"
#include "fs/cgroup/scheduling.h"

Enforce *enforce_new(void)
{
	Enforce *enforce = g_new0(Enforce, 1);

	g_mutex_init(&enforce->lock);
	return enforce;
}

void enforce_free(Enforce *enforce)
{
	background_cancel(&enforce->memory);
	background_cancel(&enforce->bandwidth);
	g_mutex_clear(&enforce->lock);
	g_free(enforce);
}

/* A timer that rests has no ready time. One that is just looking sets its next time itself, if there is anything left
 * to look at. */
static void wake(Fs *fs, GSource **timer, void (*look)(void *data))
{
	Enforce *enforce = fs->cgroups->enforce;

	g_mutex_lock(&enforce->lock);
	if (!*timer)
		*timer = background_timer(fs->background, 0, look, fs);
	else if (g_source_get_ready_time(*timer) < 0)
		g_source_set_ready_time(*timer, 0);
	g_mutex_unlock(&enforce->lock);
}

void enforce_look_again(Fs *fs, GSource *const *timer, gint64 when)
{
	Enforce *enforce = fs->cgroups->enforce;

	/* The first look may begin before the timer's maker knows of it. */
	g_mutex_lock(&enforce->lock);
	g_source_set_ready_time(*timer, when);
	g_mutex_unlock(&enforce->lock);
}

void enforce_wake_memory(Fs *fs)
{
	if (!g_str_equal(config_string(fs->config, "enforce", "memory"), "off"))
		wake(fs, &fs->cgroups->enforce->memory, memory_watch_look);
}

void enforce_wake_bandwidth(Fs *fs)
{
	if (config_bool(fs->config, "enforce", "cpu-max"))
		wake(fs, &fs->cgroups->enforce->bandwidth, bandwidth_look);
}

void enforce_after_memory(const VContext *ctx)
{
	enforce_wake_memory(ctx->fs);
}

void enforce_after_bandwidth(const VContext *ctx)
{
	enforce_wake_bandwidth(ctx->fs);
}

void enforce_reconfigure(Fs *fs)
{
	if (!fs->cgroups)
		return;
	scheduling_apply_all(fs);
	enforce_wake_memory(fs);
	enforce_wake_bandwidth(fs);
}

static int stop_throttling(Group *group, void *data)
{
	group_core(group)->throttled = FALSE;
	return 0;
}

void enforce_let_go(Fs *fs)
{
	g_rw_lock_writer_lock(&fs->lock);
	for (guint i = 0; i < fs->cgroups->hierarchies->len; i++)
		group_walk(((Hierarchy *) fs->cgroups->hierarchies->pdata[i])->root, stop_throttling, NULL);
	g_rw_lock_writer_unlock(&fs->lock);
	members_apply_freezing(fs);
}
