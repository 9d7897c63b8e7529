#include "build-features.h"
#include "config/config.h"
#include "daemon/actions.h"
#include "daemon/completion.h"
#include "daemon/exit-codes.h"
#include "daemon/log.h"
#include "daemon/options.h"

#include <locale.h>
#include <malloc.h>

static const struct {
	Action action;
	int (*run)(const Options *options, Config *config);
} actions[] = {
	{ACTION_MOUNT, action_mount},
	{ACTION_UNMOUNT, action_unmount},
	{ACTION_REEXEC, action_reexec},
	{ACTION_EXEC, action_exec},
	{ACTION_PROBE, action_probe},
	{ACTION_LIST, action_list},
	{ACTION_CHECK_CONFIG, action_check_config},
	{ACTION_PRINT_CONFIG, action_print_config},
};

static int print_version(void)
{
	g_print("cgemud " VERSION " (" FEATURES ")\n");
	return EXIT_OK;
}

static int run_with_config(const Options *options)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Config) config = config_load(options->config, (const char *const *) options->set, &error);

	if (!config) {
		g_printerr("cgemud: %s\n", error->message);
		return EXIT_CONFIG;
	}
	log_configure(config, options->verbose);
	for (size_t i = 0; i < G_N_ELEMENTS(actions); i++)
		if (actions[i].action == options->action)
			return actions[i].run(options, config);
	g_assert_not_reached();
}

/* Before a thread's own heap shrinks, glibc reads /proc/sys/vm/overcommit_memory: a file that this process may be
 * serving, so that a worker would wait for itself, for ever. With the one main heap it never does. */
static void keep_malloc_from_proc(void)
{
#ifdef M_ARENA_MAX
	(void) mallopt(M_ARENA_MAX, 1);
#endif
}

int main(int argc, char **argv)
{
	g_autoptr(Options) options = NULL;
	g_autoptr(GError) error = NULL;
	int code;

	setlocale(LC_ALL, "");
	keep_malloc_from_proc();
	log_start();
	options = options_parse(argc, argv, &error);
	if (!options) {
		g_printerr("cgemud: %s\n", error->message);
		return EXIT_USAGE;
	}
	if (options->action == ACTION_VERSION)
		return print_version();
	if (options->action == ACTION_PRINT_COMPLETION)
		return completion_print(options->completion);
	code = run_with_config(options);
	log_flush();
	return code;
}
