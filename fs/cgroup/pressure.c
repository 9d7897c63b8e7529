/*
 * Pressure stall information: v2's cpu.pressure, io.pressure and memory.pressure, which every group has whatever its
 * controllers are (kernel/sched/psi.c).
 *
 * The root shows the machine's, from /proc/pressure. What a group's members wait for cannot be told from outside: child
 * groups show zeros. A trigger, on whatever group, is the machine's: what presses all presses the group, perhaps.
 */
#include "fs/cgroup/core.h"
#include "fs/cgroup/pressure-trigger.h"

#include "fs/convert.h"

#include <errno.h>

#define WINDOW_MAX_US          10000000u
#define WINDOW_UNPRIVILEGED_US 2000000u

static void show_line(const char *name, const PressureLine *line, GString *out)
{
	char avg10[G_ASCII_DTOSTR_BUF_SIZE], avg60[G_ASCII_DTOSTR_BUF_SIZE], avg300[G_ASCII_DTOSTR_BUF_SIZE];

	g_ascii_formatd(avg10, sizeof(avg10), "%.2f", line->avg10);
	g_ascii_formatd(avg60, sizeof(avg60), "%.2f", line->avg60);
	g_ascii_formatd(avg300, sizeof(avg300), "%.2f", line->avg300);
	g_string_append_printf(out, "%s avg10=%s avg60=%s avg300=%s total=%" G_GUINT64_FORMAT "\n", name, avg10, avg60,
			       avg300, line->total_us);
}

/* file->arg: a PressureKind */
static int pressure_show(const VContext *ctx, GString *out)
{
	static const Pressure none = {0};
	const Pressure *pressure = &none;

	if (group_is_root(ctx->owner) && ctx->sample && ctx->sample->has_pressure)
		pressure = &ctx->sample->pressure[ctx->file->arg];
	show_line("some", &pressure->some, out);
	show_line("full", &pressure->full, out);
	return 0;
}

/* "some|full THRESHOLD WINDOW", microseconds */
static int pressure_set_trigger(const VContext *ctx, const char *text, size_t len)
{
	const char *trigger = text;
	guint32 threshold, window;

	if (ctx->handle && handle_is_extended(ctx->handle))
		return -EBUSY;
	if (!convert_literal(&text, "some ") && !convert_literal(&text, "full "))
		return -EINVAL;
	if (!convert_u32(&text, &threshold) || !convert_u32(&text, &window))
		return -EINVAL;
	if (ctx->caller->uid != 0 && window % WINDOW_UNPRIVILEGED_US != 0)
		return -EINVAL;
	if (window == 0 || window > WINDOW_MAX_US || threshold == 0 || threshold > window)
		return -EINVAL;
	return pressure_trigger_set(ctx, ctx->file->arg, trigger);
}

#define MEANING(what) "share of time in which some or all tasks waited for " what "; write a trigger"

const VFile pressure_base_files[] = {
	{"io.pressure", 0644, VF_EVENT | VF_TRIGGER | VF_UNLOCKED, ORIGIN_PRESSURE, pressure_show, pressure_set_trigger,
	 PRESSURE_IO, MEANING("I/O")},
	{"memory.pressure", 0644, VF_EVENT | VF_TRIGGER | VF_UNLOCKED, ORIGIN_PRESSURE, pressure_show,
	 pressure_set_trigger, PRESSURE_MEMORY, MEANING("memory")},
	{"cpu.pressure", 0644, VF_EVENT | VF_TRIGGER | VF_UNLOCKED, ORIGIN_PRESSURE, pressure_show,
	 pressure_set_trigger, PRESSURE_CPU, MEANING("a CPU")},
	{0},
};
