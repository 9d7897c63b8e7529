/*
 * Every option of the command line. cgemud(8) names the same ones: tests/unit/test-options.c compares them.
 */
#include "daemon/options.h"

#include <stddef.h>

#define FIELD(name) offsetof(Options, name)
#define FLAG        G_OPTION_ARG_NONE
#define TEXT        G_OPTION_ARG_FILENAME
#define LIST        G_OPTION_ARG_FILENAME_ARRAY

const OptionRow option_rows[] = {
	{"mount", 'm', TEXT, FIELD(mount), ACTION_MOUNT, .argument = "DIR", .meaning = "Serve a tree at DIR"},
	{"unmount", 'u', TEXT, FIELD(unmount), ACTION_UNMOUNT, .argument = "DIR",
	 .meaning = "Undo what --mount DIR did, also after a crash"},
	{"exec", 'x', FLAG, FIELD(exec), ACTION_EXEC,
	 .meaning = "Run the command after \"--\" so that all it asks tells one story"},
	{"probe", 'p', FLAG, FIELD(probe), ACTION_PROBE,
	 .meaning = "Say what this machine allows, and the plan that follows"},
	{"list", 'l', FLAG, FIELD(list), ACTION_LIST,
	 .meaning = "Print every virtual file: tree, path, mode, source of its content, meaning"},
	{"reexec", '\0', TEXT, FIELD(reexec), ACTION_REEXEC, .argument = "DIR",
	 .meaning = "Have the cgemud at DIR continue as the program that is installed now"},
	{"check-config", '\0', FLAG, FIELD(check_config), ACTION_CHECK_CONFIG, .meaning = "Check the configuration"},
	{"print-config", '\0', FLAG, FIELD(print_config), ACTION_PRINT_CONFIG,
	 .meaning = "Print the values in effect and where each came from"},
	{"version", '\0', FLAG, FIELD(version), ACTION_VERSION, .meaning = "Print the version and what was built in"},
	{"print-completion", '\0', TEXT, FIELD(completion), ACTION_PRINT_COMPLETION, .argument = "SHELL",
	 .choices = "bash|zsh", .hidden = TRUE, .meaning = "Print the completion for a shell"},

	{"tree", 't', TEXT, FIELD(tree), .goes_with = ACTION_MOUNT | ACTION_EXEC | ACTION_LIST, .argument = "TREE",
	 .choices = "auto|v1|v2|hybrid|procsys", .meaning = "Which tree: auto, v1, v2, hybrid or procsys"},
	{"force", 'f', FLAG, FIELD(force), .goes_with = ACTION_MOUNT | ACTION_UNMOUNT,
	 .meaning = "Mount even over a live cgroup tree; unmount even while in use"},
	{"mkdir", '\0', FLAG, FIELD(mkdir), .goes_with = ACTION_MOUNT,
	 .meaning = "Make the directory if it is missing"},
	{"daemonize", 'd', FLAG, FIELD(daemonize), .goes_with = ACTION_MOUNT,
	 .meaning = "Return once the tree answers, and serve in the background"},

	{"view", '\0', TEXT, FIELD(view), .goes_with = ACTION_EXEC, .argument = "VIEW",
	 .choices = "auto|namespace|trace|preload", .meaning = "How to show it: auto, namespace, trace or preload"},
	{"explain", '\0', FLAG, FIELD(explain), .goes_with = ACTION_EXEC, .meaning = "Print the plan and run nothing"},
	{"root", '\0', TEXT, FIELD(root), .goes_with = ACTION_EXEC, .argument = "ROOT", .choices = "keep|overlay",
	 .meaning = "Root file system: keep it, or cover it with an overlay"},
	{"cpus", '\0', TEXT, FIELD(cpus_text), .goes_with = ACTION_EXEC, .argument = "N",
	 .meaning = "Limit the command to N CPUs, such as 1.5"},
	{"memory", '\0', TEXT, FIELD(memory_text), .goes_with = ACTION_EXEC, .argument = "SIZE",
	 .meaning = "Limit its memory, such as 512M"},
	{"cpuset", '\0', TEXT, FIELD(cpuset), .goes_with = ACTION_EXEC, .argument = "LIST",
	 .meaning = "Limit it to these CPUs, such as 0-1,4"},
	{"pids", '\0', TEXT, FIELD(pids_text), .goes_with = ACTION_EXEC, .argument = "N",
	 .meaning = "Limit its number of processes and threads"},

	{"json", 'j', FLAG, FIELD(json), .goes_with = ACTION_PROBE, .meaning = "Print the probe as JSON"},
	{"config", 'c', TEXT, FIELD(config), .argument = "FILE", .meaning = "Configuration file"},
	{"set", 's', LIST, FIELD(set), .argument = "SECTION.KEY=VALUE",
	 .meaning = "Set one configuration value; may be repeated"},
	{"verbose", 'v', FLAG, FIELD(verbose), .meaning = "Log more, without limit"},

	{0},
};
