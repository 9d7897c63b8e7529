#include "fs/proc/render.h"

#include "fs/source/scan.h"

#include <string.h>

/* The number behind the colon of a line "processor\t: 7", or FALSE. */
static gboolean parse_processor(const char *line, guint64 *ret)
{
	const char *at = line + strlen("processor");

	if (!g_str_has_prefix(line, "processor"))
		return FALSE;
	at += strspn(at, " \t");
	return *at++ == ':' && scan_u64(&at, ret);
}

/* The start of the next processor's block, or the end of the text. */
static const char *next_block(const char *block)
{
	guint64 number;

	for (block = scan_next_line(block); *block; block = scan_next_line(block))
		if (parse_processor(block, &number))
			break;
	return block;
}

static const char *find_block(const char *text, guint64 number)
{
	guint64 found;

	for (const char *block = text; *block; block = next_block(block))
		if (parse_processor(block, &found) && found == number)
			return block;
	return NULL;
}

static void append_block(const char *block, unsigned number, GString *out)
{
	const char *end = next_block(block), *line = scan_next_line(block);

	g_string_append_printf(out, "processor\t: %u\n", number);
	g_string_append_len(out, line, end - line);
}

static void append_unknown(unsigned number, GString *out)
{
	/* cAdvisor refuses a machine without a clock speed. */
	g_string_append_printf(
		out, "processor\t: %u\nvendor_id\t: unknown\nmodel name\t: unknown\ncpu MHz\t\t: 1000.000\n\n", number);
}

void proc_show_cpuinfo(const ProcScene *scene, GString *out)
{
	const char *native = scene->sample->native;
	unsigned n = proc_limits_n_cpus(scene->limits, scene->sample);

	if (native && scene->limits->n_cpus == 0) {
		g_string_append(out, native);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		unsigned position = proc_limits_position(scene->limits, i);
		const char *block = native ? find_block(native, scene->machine->cpu_numbers[position]) : NULL;
		unsigned number = proc_limits_cpu_number(scene->limits, scene->machine, i);

		if (block)
			append_block(block, number, out);
		else
			append_unknown(number, out);
	}
}
