/* Places of rooms that are still being built. Whoever builds one removes its lines here. */
#include "fs/cgroup/core.h"
#include "fs/proc/proc.h"
#include "fs/procsys/procsys.h"

/* fs/cgroup/<controller>.c */
#define UNBUILT(name, v1, v2) const Controller name##_controller = {.v1_name = v1, .v2_name = v2};
UNBUILT(cpuset, "cpuset", "cpuset")
UNBUILT(cpu, "cpu", "cpu")
UNBUILT(cpuacct, "cpuacct", NULL)
UNBUILT(io, "blkio", "io")
UNBUILT(memory, "memory", "memory")
UNBUILT(devices, "devices", NULL)
UNBUILT(freezer, "freezer", NULL)
UNBUILT(net_cls, "net_cls", NULL)
UNBUILT(perf_event, "perf_event", "perf_event")
UNBUILT(net_prio, "net_prio", NULL)
UNBUILT(hugetlb, "hugetlb", "hugetlb")
UNBUILT(pids, "pids", "pids")
UNBUILT(rdma, NULL, "rdma")
UNBUILT(misc, NULL, "misc")
const VFile cpu_base_files[] = {{0}};
const VFile pressure_base_files[] = {{0}};

/* fs/procsys/ */
ProcSys *procsys_new(Fs *fs, Node *dir, const char *native_path, GError **error)
{
	return (ProcSys *) dir;
}

void procsys_free(ProcSys *procsys)
{
}

/* fs/proc/ */
void proc_init(Fs *fs, Node *dir)
{
}
