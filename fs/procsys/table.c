/*
 * The top of the tree.
 */
#include "fs/procsys/kind.h"

/* clang-format off */
const Sysctl sysctl_root[] = {
	DIRECTORY("abi",
		{ "vsyscall32", 0644, "1", SWITCH, "32-bit programs have a vDSO" },
	),
	DIRECTORY("crypto",
		{ "fips_enabled", 0444, "0",      FIXED,         "FIPS 140 mode" },
		{ "fips_name",    0444, "Linux Kernel Cryptographic API", FIXED, "name of the module for FIPS 140" },
		{ "fips_version", 0444, NULL,     SPECIAL(osrelease), "its version" },
	),
	DIRECTORY("debug",
		{ "exception-trace",      0644, "1", INT,    "unhandled signals are logged" },
		{ "kprobes-optimization", 0644, "1", SWITCH, "kprobes become jumps where they can" },
	),
	DIRECTORY("dev",
		DIRECTORY("hpet",
			{ "max-user-freq", 0644, "64", INT, "Hz that a user may ask of the HPET" },
		),
		DIRECTORY("tty",
			{ "ldisc_autoload", 0644, "1", SWITCH, "users may load line disciplines" },
			{ "legacy_tiocsti", 0644, "0", BOOL,   "TIOCSTI works" },
		),
	),
	{ "fs", .entries = sysctl_fs },
	{ "kernel", .entries = sysctl_kernel },
	{ "net", .entries = sysctl_net },
	{ "user", .entries = sysctl_user },
	{ "vm", .entries = sysctl_vm },
	END
};
/* clang-format on */
