/*
 * Exit codes, after sysexits.h. --exec exits as its command does, or 126 and 127 as a shell where it cannot be run;
 * --probe has EXIT_DEGRADED and EXIT_UNUSABLE.
 */
#pragma once

typedef enum ExitCode {
	EXIT_OK = 0,
	EXIT_DEGRADED = 10,    /* --probe: some views do not work */
	EXIT_UNUSABLE = 20,    /* --probe: none does */
	EXIT_USAGE = 64,       /* wrong command line */
	EXIT_UNAVAILABLE = 69, /* FUSE, or a right to mount, is missing */
	EXIT_INTERNAL = 70,    /* the machine or cgemud failed */
	EXIT_CONFIG = 78,      /* wrong configuration */
	EXIT_CANNOT_RUN = 126, /* --exec: the command exists and cannot be run */
	EXIT_NOT_FOUND = 127,  /* --exec: there is no such command */
} ExitCode;
