/* /proc/PID/stat: the name is chosen by whoever owns the process. */
#include "tests/fuzz/fuzz.h"

#include "fs/source/cpu.h"
#include "fs/source/processes.h"

#include <string.h>

const char *const fuzz_seeds[] = {
	"1 (a) S 0 1 1 0 -1 4 0 0 0 0 1 2 3 4 20 0 1 0 5 6 7 8\n",
	"7 (x) R 1 () R 2 7 7 0 -1 4 0 0 0 0 18446744073709551615 2 -3 4 20 0 1 0 5 6 7 8\n",
	NULL,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const Machine machine = {.page_size = 4096, .ticks_per_second = 100};
	g_autofree char *text = g_strndup((const char *) data, size);
	Process process = {0};

	if (process_parse_stat(text, &machine, &process) < 0) {
		g_assert_cmpint(process.pid, ==, 0);
		return 0;
	}
	g_assert_cmpint(process.pid, >, 0);
	g_assert_true(g_ascii_isalpha(process.state));
	return 0;
}
