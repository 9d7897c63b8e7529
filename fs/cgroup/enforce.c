#include "fs/cgroup/enforce.h"

#include "fs/cgroup/scheduling.h"

void enforce_reconfigure(Fs *fs)
{
	if (fs->cgroups)
		scheduling_apply_all(fs);
}
