/*
 * The sampler on a machine that changes as the test goes: what its processes used, summed up over their ends.
 */
#include "fs/source/cpu.h"
#include "fs/source/sampler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <glib/gstdio.h>
#include <unistd.h>

#define TICK (NS_PER_SECOND / (guint64) sysconf(_SC_CLK_TCK))

/* A /proc that the test writes: files keep their inode, as the sampler keeps some of them open. */
typedef struct Rig {
	char *top, *proc;
	Sampler *sampler;
} Rig;

static void rig_write(Rig *rig, const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(rig->proc, name, NULL), *directory = g_path_get_dirname(path);
	FILE *file;

	assert_int_equal(g_mkdir_with_parents(directory, 0755), 0);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void rig_process(Rig *rig, pid_t pid, guint64 start, unsigned user, unsigned children, unsigned cpu)
{
	g_autofree char *name = g_strdup_printf("%d/stat", pid);
	g_autofree char *text = g_strdup_printf("%d (p) S 1 1 1 0 -1 0 0 0 0 0 %u 0 %u 0 20 0 1 0 %" G_GUINT64_FORMAT
						" 0 10 0 0 0 0 0 0 0 0 0 0 0 0 0 17 %u 0 0\n",
						pid, user, children, start, cpu);

	rig_write(rig, name, text);
}

static void rig_end_process(Rig *rig, pid_t pid)
{
	g_autofree char *path = g_strdup_printf("%s/%d/stat", rig->proc, pid), *directory = g_path_get_dirname(path);

	assert_int_equal(g_unlink(path), 0);
	assert_int_equal(g_rmdir(directory), 0);
}

static int rig_set_up(void **state)
{
	Rig *rig = g_new0(Rig, 1);

	rig->top = g_dir_make_tmp("cgemud-source-XXXXXX", NULL);
	rig->proc = g_build_filename(rig->top, "proc", NULL);
	rig_write(rig, "stat", "cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 0 0 0 0\ncpu1 0 0 0 0\n");
	rig_write(rig, "uptime", "1000.00 0.00\n");
	rig_process(rig, 1, 1, 100, 0, 0);
	rig->sampler = sampler_new(rig->proc, rig->top, 0);
	*state = rig;
	return 0;
}

static int rig_tear_down(void **state)
{
	Rig *rig = *state;
	g_autofree char *command = g_strdup_printf("rm -rf '%s'", rig->top);

	sampler_free(rig->sampler);
	g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL);
	g_free(rig->top);
	g_free(rig->proc);
	g_free(rig);
	return 0;
}

/* User time of the whole machine in ticks; checks that nothing has gone backwards since the last call. */
static guint64 rig_user_ticks(Rig *rig, CpuTimes *last)
{
	g_autoptr(Sample) sample = sampler_get(rig->sampler, SAMPLE_CPU);
	CpuTimes sum = {0};

	assert_true(sample->cpu.user >= last->user && sample->cpu.idle >= last->idle);
	for (unsigned i = 0; i < sample->n_cpus; i++) {
		sum.user += sample->cpus[i].user;
		sum.idle += sample->cpus[i].idle;
	}
	assert_int_equal(sum.user, sample->cpu.user);
	assert_int_equal(sum.idle, sample->cpu.idle);
	*last = sample->cpu;
	return sample->cpu.user / TICK;
}

static void test_ended_process_leaves_its_time(void **state)
{
	Rig *rig = *state;
	CpuTimes last = {0};

	assert_string_equal(sampler_machine(rig->sampler)->cpu_source, "sum over processes");
	assert_int_equal(rig_user_ticks(rig, &last), 100);
	rig_process(rig, 7, 500, 40, 0, 1);
	assert_int_equal(rig_user_ticks(rig, &last), 140);
	rig_process(rig, 7, 500, 60, 0, 1);
	rig_end_process(rig, 7);
	assert_int_equal(rig_user_ticks(rig, &last), 140);
	rig_process(rig, 7, 900, 5, 0, 1); /* the pid again: another process */
	assert_int_equal(rig_user_ticks(rig, &last), 145);
	rig_process(rig, 7, 950, 3, 0, 1); /* and again, without a look between */
	assert_int_equal(rig_user_ticks(rig, &last), 148);
	rig_process(rig, 7, 950, 1, 0, 1); /* a counter that goes backwards */
	assert_int_equal(rig_user_ticks(rig, &last), 148);
}

static void test_reaped_children_count_once(void **state)
{
	Rig *rig = *state;
	CpuTimes last = {0};

	rig_process(rig, 7, 500, 40, 0, 1);
	assert_int_equal(rig_user_ticks(rig, &last), 140);
	rig_end_process(rig, 7); /* used 50 by its end, 40 of which were seen */
	rig_process(rig, 1, 1, 100, 50, 0);
	assert_int_equal(rig_user_ticks(rig, &last), 150);
	rig_process(rig, 1, 1, 100, 80, 0); /* a child that came and went unseen */
	assert_int_equal(rig_user_ticks(rig, &last), 180);
}

static void test_reaping_seen_in_two_steps(void **state)
{
	Rig *rig = *state;
	CpuTimes last = {0};

	rig_process(rig, 7, 500, 40, 0, 1);
	assert_int_equal(rig_user_ticks(rig, &last), 140);
	rig_end_process(rig, 7); /* gone first, its parent's gain one look later */
	assert_int_equal(rig_user_ticks(rig, &last), 140);
	rig_process(rig, 1, 1, 100, 40, 0);
	assert_int_equal(rig_user_ticks(rig, &last), 140);

	rig_process(rig, 8, 600, 30, 0, 1);
	assert_int_equal(rig_user_ticks(rig, &last), 170);
	rig_process(rig, 1, 1, 100, 70, 0); /* the parent's gain first: for now counted twice */
	rig_user_ticks(rig, &last);
	rig_end_process(rig, 8);
	assert_int_equal(rig_user_ticks(rig, &last), 200);
	rig_process(rig, 1, 1, 150, 70, 0); /* made good out of what is used next */
	assert_int_equal(rig_user_ticks(rig, &last), 220);
}

static void test_no_cpu_is_busier_than_the_uptime(void **state)
{
	Rig *rig = *state;
	CpuTimes last = {0};
	unsigned ticks = (unsigned) sysconf(_SC_CLK_TCK);

	rig_process(rig, 9, 5, 1500 * ticks, 0, 0); /* 1500 s within 1000 s of uptime: two CPUs, only one is named */
	rig_user_ticks(rig, &last);
	g_autoptr(Sample) sample = sampler_get(rig->sampler, SAMPLE_CPU);

	assert_true(sample->n_cpus == 2);
	assert_int_equal(sample->cpus[0].user, 1000 * NS_PER_SECOND);
	assert_int_equal(sample->cpus[1].user, 501 * NS_PER_SECOND);
	assert_int_equal(sample->cpus[1].idle, 499 * NS_PER_SECOND);
}

static void test_stat_never_goes_backwards(void **state)
{
	Rig *rig = *state;

	sampler_free(rig->sampler);
	rig_write(rig, "stat", "cpu  10 0 5 900 7 0 0 0 0 0\ncpu0 10 0 5 450 7\ncpu1 0 0 0 450 0\n");
	rig->sampler = sampler_new(rig->proc, rig->top, 0);
	sample_unref(sampler_get(rig->sampler, SAMPLE_CPU));
	rig_write(rig, "stat", "cpu  12 0 5 890 3 0 0 0 0 0\ncpu0 12 0 5 440 3\ncpu1 0 0 0 450 0\n");
	g_autoptr(Sample) sample = sampler_get(rig->sampler, SAMPLE_CPU);

	assert_int_equal(sample->cpu.user, 12 * TICK);
	assert_int_equal(sample->cpu.idle, 900 * TICK);
	assert_int_equal(sample->cpu.iowait, 7 * TICK);
	assert_int_equal(sample->cpus[0].idle, 450 * TICK);
}

static void test_memory_from_processes(void **state)
{
	Rig *rig = *state;
	g_autoptr(Sample) sample = sampler_get(rig->sampler, SAMPLE_MEMORY);

	assert_string_equal(sampler_machine(rig->sampler)->memory_source, "sum over processes");
	assert_int_equal(sample->memory.total - sample->memory.free, 10ULL * sampler_machine(rig->sampler)->page_size);
	assert_int_equal(sample->memory.anon_pages, 10ULL * sampler_machine(rig->sampler)->page_size);
}

#define rig_test(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		rig_test(test_ended_process_leaves_its_time), rig_test(test_reaped_children_count_once),
		rig_test(test_reaping_seen_in_two_steps),     rig_test(test_no_cpu_is_busier_than_the_uptime),
		rig_test(test_stat_never_goes_backwards),     rig_test(test_memory_from_processes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
