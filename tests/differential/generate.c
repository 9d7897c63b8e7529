#include "differential.h"

#include <string.h>
#include <unistd.h>

/* A file and what may be written to it; texts are escaped as in a step. */
typedef struct FileRow {
	const char *name;
	const char *const *texts; /* NULL: it is only read */
} FileRow;

#define TEXTS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define FLAG       TEXTS("0", "1", "2", "-1", "x", "1 ", "01", "0x1", "1\\n", "18446744073709551616", "true")
#define BYTES                                                                                                          \
	TEXTS("-1", "-2", "1G", "64M", "65537k", "100000000", "128m\\n", "1T", "9223372036854775807",                  \
	      "18446744073709551615", "x", "1Gx", "1 G", "max", "0x40000000", "0100000000")
#define LISTS                                                                                                          \
	TEXTS("0", "1", "0-1", "0,1", "1-0", "\\n", "0-99", "x", "0-1:1/2", "0,0", "0 1", ",0", "0-", " 0 ", "all")

static const FileRow common_files[] = {
	{"notify_on_release", FLAG},
	{"cgroup.clone_children", FLAG},
	{"cgroup.procs", TEXTS("0x", "-1", "-5", "4194000", "x", "1 2", "\\040", "99999999999", "+")},
	{"tasks", TEXTS("-1", "4194000", "x", "1x", "4294967296")},
	{"cgroup.procs", NULL},
	{"tasks", NULL},
	{"cgroup.procs", NULL},
	{"tasks", NULL},
	{"nosuchfile", TEXTS("1")},
	{NULL},
};

static const FileRow cpu_files[] = {
	{"cpu.shares", TEXTS("1", "2", "1024", "262144", "262145", "0", "-1", "x", "512\\n", "18446744073709551615")},
	{"cpu.cfs_quota_us", TEXTS("-1", "1000", "999", "50000", "100000", "0", "-2", "x", "18446744073709551")},
	{"cpu.cfs_period_us", TEXTS("100000", "1000", "999", "1000000", "1000001", "0", "-1", "50000")},
	{"cpu.cfs_burst_us", TEXTS("0", "1000", "50000", "100001", "-1", "x")},
	{"cpu.idle", FLAG},
	{NULL},
};

static const FileRow cpuacct_files[] = {
	{"cpuacct.usage", TEXTS("1", "-1", "x", "5\\n")},
	{"cpuacct.stat", TEXTS("0")},
	{NULL},
};

static const FileRow cpuset_files[] = {
	{"cpuset.cpus", LISTS},
	{"cpuset.mems", TEXTS("0", "1", "\\n", "0-1", "x", "0,0")},
	{"cpuset.cpus", LISTS},
	{"cpuset.mems", TEXTS("0")},
	{"cpuset.cpu_exclusive", FLAG},
	{"cpuset.mem_exclusive", FLAG},
	{"cpuset.mem_hardwall", FLAG},
	{"cpuset.memory_migrate", FLAG},
	{"cpuset.memory_spread_page", FLAG},
	{"cpuset.memory_spread_slab", FLAG},
	{"cpuset.sched_load_balance", FLAG},
	{"cpuset.sched_relax_domain_level", TEXTS("-1", "0", "5", "-2", "99", "x")},
	{"cpuset.effective_cpus", NULL},
	{"cpuset.effective_mems", NULL},
	{NULL},
};

static const FileRow memory_files[] = {
	{"memory.limit_in_bytes", BYTES},
	{"memory.soft_limit_in_bytes", BYTES},
	{"memory.memsw.limit_in_bytes", BYTES},
	{"memory.kmem.limit_in_bytes", BYTES},
	{"memory.kmem.tcp.limit_in_bytes", BYTES},
	{"memory.swappiness", TEXTS("0", "100", "200", "201", "-1", "x", "60\\n")},
	{"memory.use_hierarchy", FLAG},
	{"memory.oom_control", FLAG},
	{"memory.move_charge_at_immigrate", TEXTS("0", "1", "3", "4", "x")},
	{"memory.failcnt", TEXTS("0", "1", "x", "\\n")},
	{"memory.max_usage_in_bytes", TEXTS("1x", "x")},
	{"memory.kmem.failcnt", TEXTS("0", "7")},
	{"memory.memsw.failcnt", TEXTS("0")},
	{NULL},
};

static const FileRow devices_files[] = {
	{"devices.allow",
	 TEXTS("a", "c 1:3 rwm", "c 1:3 r", "b 8:* rw", "c *:* m", "c 1:5 rwm\\n", "a *:* rwm", "x 1:3 rwm", "c 1 rwm",
	       "c 1:3 rwx", "c 1:3", "c 1:3  r", "c 4294967296:1 r", "b *:1 m", "c 1:3 rr", "a 1:2 r", " c 1:3 r",
	       "c 1:3 ", "c:1:3 r", "c 5:* rw", "", "c 1:3 rwmrwm")},
	{"devices.deny",
	 TEXTS("a", "c 1:3 rwm", "c 1:3 w", "b 8:* r", "c *:* m", "c 1:5 rw", "b 8:0 r", "x", "c 4:1 rwm")},
	{"devices.list", NULL},
	{"devices.list", NULL},
	{"devices.list", NULL},
	{"devices.list", TEXTS("a")},
	{NULL},
};

static const FileRow freezer_files[] = {
	{"freezer.state", TEXTS("FROZEN", "THAWED", "FROZEN\\n", "frozen", "FREEZING", "1", "FROZEN ", "THAWED")},
	{"freezer.state", TEXTS("FROZEN", "THAWED")},
	{"freezer.self_freezing", NULL},
	{"freezer.parent_freezing", TEXTS("1")},
	{"freezer.state", NULL},
	{NULL},
};

static const FileRow blkio_files[] = {
	{"blkio.throttle.read_bps_device", TEXTS("253:0 1000", "253:0 0", "1:3 5", "253:0", "x", "253:0 x", "999:0 7")},
	{"blkio.throttle.write_iops_device", TEXTS("253:0 100", "253:0 0", "253:0 -1", "253:0 1 2", "")},
	{"blkio.bfq.weight", TEXTS("1", "100", "1000", "1001", "0", "x")},
	{"blkio.reset_stats", TEXTS("1", "x")},
	{NULL},
};

static const FileRow pids_files[] = {
	{"pids.max",
	 TEXTS("max", "1000", "4194304", "4194305", "-1", "x", "max\\n", "9999999999999999999", "max 1", "0x100")},
	{"pids.current", TEXTS("1")},
	{"pids.current", NULL},
	{"pids.current", NULL},
	{"pids.events", NULL},
	{NULL},
};

static const FileRow v2_files[] = {
	{"cgroup.type", TEXTS("threaded", "domain", "threaded\\n", "x")},
	{"cgroup.type", TEXTS("threaded")},
	{"cgroup.type", TEXTS("threaded")},
	{"cgroup.type", NULL},
	{"cgroup.type", NULL},
	{"cgroup.procs", TEXTS("-1", "4194000", "x", "99999999999")},
	{"cgroup.threads", TEXTS("x", "4194000", "-2")},
	{"cgroup.procs", NULL},
	{"cgroup.threads", NULL},
	{"cgroup.procs", NULL},
	{"cgroup.threads", NULL},
	{"cgroup.freeze", TEXTS("1", "0", "1\\n", "2", "-1", "x", "")},
	{"cgroup.freeze", TEXTS("0", "1")},
	{"cgroup.kill", TEXTS("1", "0", "2", "x", "1\\n")},
	{"cgroup.max.depth", TEXTS("0", "1", "2", "max", "-1", "x", "2147483647", "2147483648")},
	{"cgroup.max.descendants", TEXTS("0", "1", "3", "max", "max\\n", "-1")},
	{"cgroup.subtree_control",
	 TEXTS("+memory", "-pids", "+nosuch", "memory", "", "+cpu +cpu", "\\n", "+hugetlb", "-hugetlb", "+perf_event",
	       "-perf_event", "+cpu -cpu", "-cpu +nosuch", "+net_cls", "+cpuacct", " -io  -memory ", "+")},
	{"cgroup.subtree_control", NULL},
	{"cgroup.events", TEXTS("1")},
	{"cgroup.events", NULL},
	{"cgroup.events", NULL},
	{"cgroup.controllers", TEXTS("x")},
	{"cgroup.stat", TEXTS("0")},
	{"cgroup.stat", NULL},
	{"cgroup.pressure", FLAG},
	{NULL},
};

#define V2_BYTES                                                                                                       \
	TEXTS("max", "64M", "1G", "67108865", "1T", "-1", "-2", "x", "1 G", "0x40000000", "99999999999999999999",      \
	      "64m\\n")

/* Where the controllers are enabled. */
static const FileRow v2_controller_files[] = {
	{"cpu.weight", TEXTS("1", "100", "10000", "10001", "0", "x", "-1", "50\\n", "0x20")},
	{"cpu.weight.nice", TEXTS("-20", "0", "19", "20", "-21", "x")},
	{"cpu.max", TEXTS("max", "1000", "999", "max 100000", "50000 100000", "50000 1000000", "50000 1000001",
			  "max 999", "10000 50000 5", "x", "", "-1", "18446744073709551", "50000 x", "max x", "maxx")},
	{"cpu.max.burst", TEXTS("0", "1000", "100001", "-1", "x")},
	{"cpu.idle", FLAG},
	{"memory.max", V2_BYTES},
	{"memory.high", V2_BYTES},
	{"memory.low", V2_BYTES},
	{"memory.min", V2_BYTES},
	{"memory.swap.max", V2_BYTES},
	{"memory.swap.high", V2_BYTES},
	{"memory.reclaim", TEXTS("x", "-1", "1G swappiness=x", "")},
	{"misc.max", TEXTS("x", "sgx_epc 5", "res_a max")},
	{"rdma.max", TEXTS("x", "mlx4_0 hca_handle=1")},
	{"memory.oom.group", FLAG},
	{"memory.events", NULL},
	{"memory.events.local", NULL},
	{"pids.max", TEXTS("max", "1000", "4194304", "4194305", "-1", "x", "max\\n", "0x100", "max 1")},
	{"pids.current", NULL},
	{"pids.events", NULL},
	{"cpuset.cpus", LISTS},
	{"cpuset.cpus", TEXTS("0", "1", "0-1")},
	{"cpuset.mems", TEXTS("0", "1", "\\n", "x")},
	{"cpuset.cpus.effective", NULL},
	{"cpuset.mems.effective", NULL},
	{"cpuset.cpus.exclusive", LISTS},
	{"cpuset.cpus.exclusive.effective", NULL},
	{"cpuset.cpus.partition", TEXTS("root", "member", "isolated", "x", "root\\n")},
	{"cpuset.cpus.partition", NULL},
	{"io.weight", TEXTS("100", "default 50", "0", "10001", "x")},
	{"io.max", TEXTS("x", "999:0 rbps=1", "1:3 rbps=5", "")},
	{"hugetlb.2MB.max", V2_BYTES},
	{"hugetlb.2MB.rsvd.max", V2_BYTES},
	{"cgroup.subtree_control", TEXTS("+cpu", "+memory", "+pids", "+cpuset", "+io", "-cpu", "-memory", "-pids",
					 "-cpuset", "+cpu +memory +pids")},
	{"cgroup.subtree_control", NULL},
	{"cgroup.controllers", NULL},
	{NULL},
};

static const struct {
	const char *hierarchy;
	const FileRow *files;
} tables[] = {
	{"cpu", cpu_files},         {"cpuacct", cpuacct_files}, {"cpuset", cpuset_files}, {"memory", memory_files},
	{"devices", devices_files}, {"freezer", freezer_files}, {"blkio", blkio_files},   {"pids", pids_files},
};

static const char *pick(GRand *random, const char *const *from)
{
	return from[g_rand_int_range(random, 0, (gint32) g_strv_length((char **) from))];
}

#define PICK(random, ...) pick(random, TEXTS(__VA_ARGS__))

static gboolean chance(GRand *random, int percent)
{
	return g_rand_int_range(random, 0, 100) < percent;
}

static const FileRow *pick_row(GRand *random, const FileRow *rows)
{
	gint32 n = 0;

	while (rows[n].name)
		n++;
	return &rows[g_rand_int_range(random, 0, n)];
}

static const FileRow *pick_file(GRand *random, const Hierarchy *hierarchy)
{
	if (hierarchy->has_controllers && chance(random, 60))
		return pick_row(random, v2_controller_files);
	if (hierarchy->is_v2)
		return pick_row(random, v2_files);
	for (gsize i = 0; i < G_N_ELEMENTS(tables); i++)
		if (strcmp(tables[i].hierarchy, hierarchy->name) == 0 && chance(random, 65))
			return pick_row(random, tables[i].files);
	return pick_row(random, common_files);
}

#define GROUPS "a", "b", "a/c", "a/d", "a/c/e", "b/c"

/* Rarely one that is not there. */
static const char *pick_group(GRand *random, const World *world)
{
	const char *group = ".";

	for (int i = 0; i < 6; i++) {
		g_autofree char *path = NULL;

		group = PICK(random, GROUPS, "a", "a/c", ".");
		path = g_build_filename(world->top[LIVE], group, NULL);
		if (access(path, F_OK) == 0)
			break;
	}
	return group;
}

static const char *name_of_new_group(GRand *random)
{
	return chance(random, 85) ? PICK(random, GROUPS)
				  : PICK(random, "a/tasks", "a/x\\nz", "a/cgroup.procs", "b/.hidden", "a\\040b",
					 "a/c/e/f/g", "cgroup.procs/x", "b/\303\244");
}

/* A process of the sequence, or a name that is free. */
static const char *pick_proc(GRand *random, const World *world, gboolean is_new)
{
	const char *name = "p0";

	for (int i = 0; i < 8; i++) {
		name = PICK(random, "p0", "p1", "p2", "p3", "p4");
		if ((world_proc(world, name) == NULL) == is_new)
			break;
	}
	return name;
}

static char *pick_thread(GRand *random, const World *world)
{
	const char *name = pick_proc(random, world, FALSE);
	const Proc *proc = world_proc(world, name);

	if (!proc || proc->threads->len < 2)
		return g_strdup(name);
	return g_strdup_printf("%s/%d", name, g_rand_int_range(random, 0, (gint32) proc->threads->len));
}

static char *list_file(GRand *random, const World *world)
{
	const char *name = world->hierarchy->is_v2 ? PICK(random, "cgroup.procs", "cgroup.threads", "cgroup.procs")
						   : PICK(random, "cgroup.procs", "tasks", "cgroup.procs");
	const char *group = pick_group(random, world);

	return strcmp(group, ".") == 0 ? g_strdup(name) : g_build_filename(group, name, NULL);
}

static char *generate_attach(GRand *random, const World *world)
{
	g_autofree char *thread = pick_thread(random, world);
	g_autofree char *actor = pick_thread(random, world);
	g_autofree char *file = list_file(random, world);

	if (chance(random, 15))
		return g_strdup_printf("as %s write %s 0", actor, file);
	if (chance(random, 15))
		return g_strdup_printf("as %s attach %s %s %%d", actor, thread, file);
	if (chance(random, 10))
		return g_strdup_printf("attach %s %s %s", thread, file,
				       PICK(random, "%d\\n", " %d ", "0x%x", "0%o", "+%d", "%d x", "%d\\n1", "%d,"));
	return g_strdup_printf("attach %s %s %%d", thread, file);
}

static char *generate_life(GRand *random, const World *world)
{
	g_autofree char *thread = pick_thread(random, world);
	const char *proc = pick_proc(random, world, FALSE), *other = pick_proc(random, world, TRUE);

	switch (g_rand_int_range(random, 0, 16)) {
	case 0 ... 2:
		return g_strdup_printf("spawn %s %d", other, chance(random, 20) ? 1000 : 0);
	case 3 ... 6:
		return g_strdup_printf("fork %s %s", thread, other);
	case 7 ... 9:
		return g_strdup_printf("thread %s", thread);
	case 10 ... 11:
		return g_strdup_printf("exit %s", proc);
	case 12:
		return g_strdup_printf("reap %s", proc);
	case 13:
		return g_strdup_printf("state %s", proc);
	case 14:
		return g_strdup_printf("exec %s", proc);
	default:
		return g_strdup_printf("end %s", thread);
	}
}

static char *generate_group(GRand *random, const World *world)
{
	switch (g_rand_int_range(random, 0, 12)) {
	case 0 ... 4:
		return g_strdup_printf("mkdir %s", name_of_new_group(random));
	case 5 ... 7:
		return g_strdup_printf("rmdir %s", pick_group(random, world));
	case 8:
		return g_strdup_printf("rename %s %s", pick_group(random, world), name_of_new_group(random));
	case 9:
		return g_strdup_printf("chown 1000 %s%s", pick_group(random, world),
				       PICK(random, "", world->hierarchy->is_v2 ? "/cgroup.threads" : "/tasks",
					    "/cgroup.procs", "/cgroup.procs"));
	case 10:
		return g_strdup_printf("as %s mkdir %s", pick_proc(random, world, FALSE), name_of_new_group(random));
	default:
		return g_strdup_printf("list %s", pick_group(random, world));
	}
}

static char *file_in_group(GRand *random, const World *world, const char *name)
{
	const char *group = pick_group(random, world);

	return strcmp(group, ".") == 0 ? g_strdup(name) : g_strdup_printf("%s/%s", group, name);
}

static char *generate_file(GRand *random, const World *world)
{
	const FileRow *row = pick_file(random, world->hierarchy);
	g_autofree char *file = file_in_group(random, world, row->name);

	if (row->texts && chance(random, 60))
		return g_strdup_printf("write %s %s", file, pick(random, row->texts));
	/* counted from what runs */
	if (g_str_has_prefix(row->name, "cpuacct.") || strcmp(row->name, "memory.max_usage_in_bytes") == 0)
		return g_strdup_printf("read %s/notify_on_release", pick_group(random, world));
	return g_strdup_printf("read %s", file);
}

static char *generate_held(GRand *random, const World *world)
{
	const char *name = PICK(random, "h0", "h1");

	if (!world_held(world, name)) {
		g_autofree char *file = list_file(random, world);

		return g_strdup_printf("open %s %s", name, file);
	}
	return chance(random, 70) ? g_strdup_printf("hread %s 1", name) : g_strdup_printf("hwrite %s 4194000", name);
}

char *generate_step(GRand *random, const World *world)
{
	gint32 dice = g_rand_int_range(random, 0, 100);

	if (dice < 20)
		return generate_group(random, world);
	if (dice < 40)
		return generate_life(random, world);
	if (dice < 65)
		return generate_attach(random, world);
	return dice < 97 ? generate_file(random, world) : generate_held(random, world);
}
