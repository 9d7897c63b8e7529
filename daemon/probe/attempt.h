/*
 * One check being tried, seen from the child that tries it: where it may write, what it saw.
 */
#pragma once

#include "daemon/probe/probe.h"

struct ProbeAttempt {
	char *scratch; /* an empty directory of this check's own; NULL if nothing is writable */
	GString *seen;
	char *more;
	GPtrArray *found, *missing;
};

ProbeAttempt *probe_attempt_new(const char *scratch);
void probe_attempt_free(ProbeAttempt *attempt);

/* Adds to what was seen; several remarks are joined by "; ". */
void probe_saw(ProbeAttempt *attempt, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Adds "WHAT: reason" for a negative errno; returns PROBE_NO. Where rights were missing, more rights would tell more.
 */
ProbeVerdict probe_saw_error(ProbeAttempt *attempt, const char *what, int error);
/* Notes one of the names that the check looks for. */
void probe_look_for(ProbeAttempt *attempt, const char *name, gboolean found);
/* YES if nothing that was looked for is missing, NO if nothing was found, else PARTLY. */
ProbeVerdict probe_verdict_of_names(const ProbeAttempt *attempt);

/* Makes a directory (an empty file) in the scratch directory: its path to free, or NULL with what was seen noted. */
char *probe_make_directory(ProbeAttempt *attempt, const char *name);
char *probe_make_file(ProbeAttempt *attempt, const char *name, const char *content);

/* The result as bytes, to cross a pipe, and back. NULL if they are no such result. */
GBytes *probe_attempt_pack(const ProbeAttempt *attempt, ProbeVerdict verdict);
gboolean probe_result_unpack(ProbeResult *result, GBytes *bytes);
