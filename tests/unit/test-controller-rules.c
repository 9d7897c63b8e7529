/* What control files of several groups do to each other; single writes are in test-controllers. */
#include "control-tree.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static ControlTree *tree;

static int setup_v1(void **state)
{
	tree = control_tree_new(FALSE);
	return 0;
}

static int setup_v2(void **state)
{
	tree = control_tree_new(TRUE);
	return 0;
}

static int teardown(void **state)
{
	control_tree_free(tree);
	return 0;
}

static void make(const char *dir, const char *name)
{
	assert_int_equal(control_tree_mkdir(tree, dir, name), 0);
}

#define assert_write(path, text, want) assert_int_equal(control_tree_write(tree, path, text, strlen(text)), want)

static void assert_reads(const char *path, const char *want)
{
	GString *out = g_string_new(NULL);

	assert_int_equal(control_tree_read(tree, path, out), 0);
	assert_string_equal(out->str, want);
	g_string_free(out, TRUE);
}

/* Measured on 6.18. */
static void test_quota_nests_in_v1(void **state)
{
	make("/v1/cpu,cpuacct", "a");
	make("/v1/cpu,cpuacct/a", "b");
	assert_write("/v1/cpu,cpuacct/a/cpu.cfs_quota_us", "50000", 0);
	assert_write("/v1/cpu,cpuacct/a/b/cpu.cfs_quota_us", "60000", -EINVAL);
	assert_write("/v1/cpu,cpuacct/a/b/cpu.cfs_quota_us", "40000", 0);
	assert_write("/v1/cpu,cpuacct/a/cpu.cfs_quota_us", "30000", -EINVAL);
	assert_write("/v1/cpu,cpuacct/a/cpu.cfs_burst_us", "50001", -EINVAL);
	assert_write("/v1/cpu,cpuacct/cpu.cfs_quota_us", "50000", -EINVAL);
}

static void test_quota_overlaps_in_v2(void **state)
{
	make("/v2", "a");
	assert_write("/v2/a/cgroup.subtree_control", "+cpu", 0);
	make("/v2/a", "b");
	assert_write("/v2/a/cpu.max", "50000", 0);
	assert_write("/v2/a/b/cpu.max", "90000 90000", 0);
	assert_write("/v2/a/b/cpu.max", "max", 0);
	assert_reads("/v2/a/b/cpu.max", "max 90000\n");
}

static void test_real_time_budget(void **state)
{
	make("/v1/cpu,cpuacct", "a");
	make("/v1/cpu,cpuacct/a", "b");
	assert_write("/v1/cpu,cpuacct/a/b/cpu.rt_runtime_us", "1000", -EINVAL);
	assert_write("/v1/cpu,cpuacct/a/cpu.rt_runtime_us", "1000", 0);
	assert_write("/v1/cpu,cpuacct/a/b/cpu.rt_runtime_us", "1000", 0);
	assert_write("/v1/cpu,cpuacct/a/cpu.rt_runtime_us", "0", -EINVAL);
	assert_write("/v1/cpu,cpuacct/a/cpu.rt_runtime_us", "960000", -EINVAL);
	assert_write("/v1/cpu,cpuacct/cpu.rt_runtime_us", "0", -EINVAL);
}

static void test_idle_fixes_the_weight(void **state)
{
	make("/v2", "a");
	assert_write("/v2/a/cpu.weight.nice", "-5", 0);
	assert_reads("/v2/a/cpu.weight", "305\n");
	assert_reads("/v2/a/cpu.weight.nice", "-5\n");
	assert_write("/v2/a/cpu.idle", "1", 0);
	assert_reads("/v2/a/cpu.weight", "0\n");
	assert_write("/v2/a/cpu.weight", "100", -EINVAL);
	assert_write("/v2/a/cpu.idle", "0", 0);
	assert_reads("/v2/a/cpu.weight", "100\n");
}

static void test_memory_and_swap_limits(void **state)
{
	make("/v1/memory", "a");
	make("/v1/memory/a", "b");
	assert_write("/v1/memory/a/memory.memsw.limit_in_bytes", "1G", -EINVAL);
	assert_write("/v1/memory/a/memory.limit_in_bytes", "64M", 0);
	assert_write("/v1/memory/a/memory.memsw.limit_in_bytes", "1G", 0);
	assert_write("/v1/memory/a/memory.limit_in_bytes", "2G", -EINVAL);
	assert_write("/v1/memory/memory.limit_in_bytes", "2G", -EINVAL);
	assert_write("/v1/memory/memory.oom_control", "1", -EINVAL);
	assert_write("/v1/memory/a/memory.swappiness", "201", -EINVAL);
	assert_write("/v1/memory/a/memory.swappiness", "10", 0);
	make("/v1/memory/a", "c");
	assert_reads("/v1/memory/a/c/memory.swappiness", "10\n");
	assert_reads("/v1/memory/a/b/memory.swappiness", "60\n");
}

static void test_hierarchical_limit(void **state)
{
	g_autofree char *line = g_strdup("\nhierarchical_memory_limit 67108864\n");
	GString *out = g_string_new(NULL);

	make("/v1/memory", "a");
	make("/v1/memory/a", "b");
	assert_write("/v1/memory/a/memory.limit_in_bytes", "64M", 0);
	assert_write("/v1/memory/a/b/memory.limit_in_bytes", "1G", 0);
	assert_int_equal(control_tree_read(tree, "/v1/memory/a/b/memory.stat", out), 0);
	assert_non_null(strstr(out->str, line));
	g_string_free(out, TRUE);
}

static void test_devices_never_exceed_the_parent(void **state)
{
	make("/v1/devices", "a");
	assert_write("/v1/devices/a/devices.deny", "c 1:3 w", 0);
	make("/v1/devices/a", "b");
	/* All is allowed but c 1:3 w: a child may not take that back, not even in part of another rule. */
	assert_write("/v1/devices/a/b/devices.allow", "c *:* rw", -EPERM);
	assert_write("/v1/devices/a/b/devices.allow", "c 1:3 r", 0);
	assert_write("/v1/devices/a/b/devices.deny", "a", 0);
	assert_write("/v1/devices/a/b/devices.allow", "c 1:3 w", -EPERM);
	assert_write("/v1/devices/a/b/devices.allow", "c 1:3 r", 0);
	assert_write("/v1/devices/a/b/devices.allow", "b 8:0 rw", 0);
	assert_write("/v1/devices/a/devices.deny", "b 8:0 w", 0);
	assert_reads("/v1/devices/a/b/devices.list", "c 1:3 r\nb 8:0 r\n");
	assert_write("/v1/devices/a/devices.deny", "a", -EINVAL);
	assert_reads("/v1/devices/a/devices.list", "a *:* rwm\n");
}

static void test_exclusive_cpus_in_v1(void **state)
{
	make("/v1/cpuset", "a");
	make("/v1/cpuset", "b");
	assert_write("/v1/cpuset/a/cpuset.cpus", "0", 0);
	assert_write("/v1/cpuset/a/cpuset.cpu_exclusive", "1", 0);
	assert_write("/v1/cpuset/b/cpuset.cpus", "0", -EINVAL);
	make("/v1/cpuset/a", "c");
	assert_write("/v1/cpuset/a/c/cpuset.cpus", "0", 0);
	assert_write("/v1/cpuset/a/c/cpuset.cpu_exclusive", "1", 0);
	assert_write("/v1/cpuset/a/cpuset.cpu_exclusive", "0", -EBUSY);
	assert_write("/v1/cpuset/cpuset.cpu_exclusive", "0", -EBUSY);
	assert_write("/v1/cpuset/cpuset.cpus", "0", -EACCES);
	make("/v1/cpuset/b", "d");
	assert_write("/v1/cpuset/b/d/cpuset.cpu_exclusive", "1", -EACCES);
}

/* On any number of CPUs: the root's only CPU, or its last one, cannot be given away. */
static void test_partition(void **state)
{
	make("/v2", "a");
	assert_write("/v2/a/cpuset.cpus.partition", "root", 0);
	assert_reads("/v2/a/cpuset.cpus.partition", "root invalid (cpuset.cpus and cpuset.cpus.exclusive are empty)\n");
	assert_write("/v2/a/cpuset.cpus", "all", 0);
	assert_reads("/v2/a/cpuset.cpus.partition", "root invalid (Parent unable to distribute cpu downstream)\n");
	assert_write("/v2/a/cpuset.cpus.partition", "member", 0);
	assert_write("/v2/a/cgroup.subtree_control", "+cpuset", 0);
	make("/v2/a", "b");
	assert_write("/v2/a/b/cpuset.cpus", "0", 0);
	assert_write("/v2/a/b/cpuset.cpus.partition", "isolated", 0);
	assert_reads("/v2/a/b/cpuset.cpus.partition", "isolated invalid (Parent is not a partition root)\n");
	assert_reads("/v2/a/b/cpuset.cpus.effective", "0\n");
	assert_write("/v2/a/b/cpuset.cpus.partition", "nonsense", -EINVAL);
}

static void test_two_partitions(void **state)
{
	GString *all = g_string_new(NULL);

	assert_int_equal(control_tree_read(tree, "/v2/cpuset.cpus.effective", all), 0);
	if (!g_str_has_prefix(all->str, "0-")) {
		print_message("skip: needs CPU 1 beside CPU 0\n");
		g_string_free(all, TRUE);
		skip();
	}
	make("/v2", "a");
	make("/v2", "b");
	assert_write("/v2/a/cpuset.cpus", "0", 0);
	assert_write("/v2/a/cpuset.cpus.partition", "isolated", 0);
	assert_reads("/v2/a/cpuset.cpus.partition", "isolated\n");
	assert_reads("/v2/cpuset.cpus.isolated", "0\n");
	assert_write("/v2/b/cpuset.cpus", "0", 0);
	assert_reads("/v2/a/cpuset.cpus.partition", "isolated invalid (Cpu list in cpuset.cpus not exclusive)\n");
	assert_reads("/v2/cpuset.cpus.effective", all->str);
	assert_write("/v2/b/cpuset.cpus.partition", "root", 0);
	assert_reads("/v2/a/cpuset.cpus.partition", "isolated\n");
	assert_reads("/v2/b/cpuset.cpus.partition", "root invalid (Cpu list in cpuset.cpus not exclusive)\n");
	assert_write("/v2/a/cpuset.cpus.partition", "member", 0);
	assert_reads("/v2/cpuset.cpus.isolated", "\n");
	g_string_free(all, TRUE);
}

/* A list of partitions must not make an answer slower than their number. */
static void test_many_partitions(void **state)
{
	for (int i = 0; i < 64; i++) {
		g_autofree char *name = g_strdup_printf("p%d", i);
		g_autofree char *cpus = g_strdup_printf("/v2/%s/cpuset.cpus", name);
		g_autofree char *partition = g_strdup_printf("/v2/%s/cpuset.cpus.partition", name);

		make("/v2", name);
		assert_write(cpus, i == 0 ? "0" : "", 0);
		assert_write(partition, "root", 0);
	}
	assert_reads("/v2/p63/cpuset.cpus.partition",
		     "root invalid (cpuset.cpus and cpuset.cpus.exclusive are empty)\n");
}

static void test_unknown_disk_is_refused_first(void **state)
{
	make("/v2", "a");
	assert_write("/v2/a/io.max", "4095:1 nonsense", -ENODEV);
	assert_write("/v2/a/io.max", "4095:1", -EINVAL);
	assert_write("/v2/a/io.weight", "4095:1 100", -ENODEV);
	assert_write("/v2/io.cost.qos", "4095:1 enable=1", -ENODEV);
}

static void test_triggers(void **state)
{
	make("/v2", "a");
	assert_write("/v2/a/cpu.pressure", "some 150000 1000000", 0);
	assert_write("/v2/a/cpu.pressure", "full 150000 10000000", 0);
	assert_write("/v2/a/cpu.pressure", "some 150000 10000001", -EINVAL);
	assert_write("/v2/a/cpu.pressure", "some 1000001 1000000", -EINVAL);
	assert_write("/v2/a/cpu.pressure", "some 0 1000000", -EINVAL);
	assert_write("/v2/a/cpu.pressure", "many 1 1000000", -EINVAL);
}

static void test_parents(void **state)
{
	GString *all = g_string_new(NULL);

	tree = control_tree_new_with("cgroup.parents=/kubepods/burstable;/kubepods;/docker");
	assert_int_equal(control_tree_read(tree, "/v1/cpuset/cpuset.cpus", all), 0);
	assert_reads("/v1/cpuset/kubepods/cpuset.cpus", all->str);
	assert_reads("/v1/cpuset/kubepods/burstable/cpuset.cpus", all->str);
	assert_reads("/v1/cpuset/docker/cpuset.cpus", all->str);
	make("/v1/cpuset/docker", "c");
	assert_reads("/v1/cpuset/docker/c/cpuset.cpus", "\n");
	g_string_free(all, TRUE);
}

#define V1(test) cmocka_unit_test_setup_teardown(test, setup_v1, teardown)
#define V2(test) cmocka_unit_test_setup_teardown(test, setup_v2, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		V1(test_quota_nests_in_v1),
		V2(test_quota_overlaps_in_v2),
		V1(test_real_time_budget),
		V2(test_idle_fixes_the_weight),
		V1(test_memory_and_swap_limits),
		V1(test_hierarchical_limit),
		V1(test_devices_never_exceed_the_parent),
		V1(test_exclusive_cpus_in_v1),
		V2(test_partition),
		V2(test_two_partitions),
		V2(test_many_partitions),
		V2(test_unknown_disk_is_refused_first),
		V2(test_triggers),
		cmocka_unit_test_teardown(test_parents, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
