#include "daemon/view/births.h"

#include "fs/cgroup/members.h"

#include <unistd.h>

void births_tell_fork(Fs *fs, pid_t parent, pid_t tid)
{
	const ProcessEvent event = {.kind = PROCESS_FORKED, .pid = tid, .parent = parent};
	g_autofree char *thread = g_strdup_printf("/proc/%d/task/%d", (int) parent, (int) tid);
	if (access(thread, F_OK) < 0)
		members_told(fs, &event);
}

void births_tell_end(Fs *fs, pid_t pid)
{
	const ProcessEvent event = {.kind = PROCESS_EXITED, .pid = pid};
	members_told(fs, &event);
}
