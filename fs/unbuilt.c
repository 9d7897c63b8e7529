/* Places of rooms that are still being built. Whoever builds one removes its lines here. */
#include "fs/cgroup/core.h"
#include "fs/procsys/procsys.h"

/* fs/cgroup/<controller>.c */
#define UNBUILT(name, v1, v2) const Controller name##_controller = {.v1_name = v1, .v2_name = v2};
UNBUILT(cpuset, "cpuset", "cpuset")
UNBUILT(io, "blkio", "io")
UNBUILT(memory, "memory", "memory")

/* fs/procsys/ */
ProcSys *procsys_new(Fs *fs, Node *dir, const char *native_path, GError **error)
{
	return (ProcSys *) dir;
}

void procsys_free(ProcSys *procsys)
{
}
