/*
 * What the preloaded library and the process that holds the trees say to each other: one request and one reply per
 * connection of a SOCK_SEQPACKET socket. Both come from one build.
 */
#pragma once

#include <stdint.h>

#define PRELOAD_SOCKET "CGEMUD_PRELOAD" /* environment variable: path of the socket */

/* Abstract name of the socket that a program writes commands to instead of a file: PID of the trees' process, number of
 * the writer. By it the socket is known wherever it has been inherited or duplicated to. */
#define PRELOAD_WRITER "cgemud-write:%d:%d"

typedef enum PreloadAction {
	PRELOAD_HELLO, /* reply: root of the shadow, then what is shown; each ends with NUL */
	PRELOAD_SEE,   /* number: AT_SYMLINK_NOFOLLOW or 0; reply: the path without links */
	PRELOAD_OPEN, /* number: open(2)'s flags; reply: the path without links, and a descriptor if it is to be written
		       * only: what is written there are commands */
	PRELOAD_MKDIR, /* number: mode */
	PRELOAD_RMDIR,
	PRELOAD_UNLINK,
	PRELOAD_RENAME,  /* more: the new path */
	PRELOAD_WRITE,   /* more: what is written */
	PRELOAD_STATFS,  /* more: struct statfs, as the kernel answered; reply: as it is shown */
	PRELOAD_SYSINFO, /* more: struct sysinfo; reply: as it is shown */
	PRELOAD_PROCESS, /* path: /proc/PID/NAME; reply: a descriptor of its content */
	PRELOAD_RESULT,  /* number: the writer's; result: what became of what was written there since it was asked last
			  */
} PreloadAction;

/* `path` and `more` follow, path with its NUL. */
typedef struct PreloadRequest {
	uint32_t action, path_size, more_size;
	int32_t number;
	int32_t pid; /* of who asks: gVisor takes everybody for the one who asks for SO_PEERCRED */
} PreloadRequest;

/* What is told follows; -errno in result. */
typedef struct PreloadReply {
	int32_t result;
} PreloadReply;

/* A write of more than a page is no command. */
#define PRELOAD_MAX_MORE  8192
#define PRELOAD_MAX_REPLY 65536
