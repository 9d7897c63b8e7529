/*
 * All groups as bytes, so that they outlive the process: names, owners, settings, members and counters.
 *
 * The bytes are one line of text, "cgemud-state VERSION LENGTH SHA256", and LENGTH bytes of a serialised GVariant of
 * the type STATE_TYPE (state-format.h), little endian. What a later version adds goes into the dictionaries; whatever
 * would make an older reader misunderstand the rest gets a new VERSION.
 */
#pragma once

#include "fs/fs.h"

/* As of now. Takes the lock for reading. */
GBytes *state_save(Fs *fs);
/* What the members have spent so far goes to their groups; before the last save. */
void state_count_members(Fs *fs);

/* What state_restore() did. */
typedef struct StateReport {
	unsigned n_groups;    /* restored, roots not counted */
	unsigned n_lost;      /* groups of hierarchies that are not served now, or that a control file is called like */
	unsigned n_processes; /* members that are still there */
	gboolean is_foreign;  /* made under another boot or PID namespace: no members were taken over */
	GPtrArray *refused;   /* char *: paths of files whose setting could not be had again */
} StateReport;

void state_report_clear(StateReport *report);

/* Makes the groups again, in an fs that nobody uses yet. What is torn or of another kind is refused with an error
 * before anything is changed. */
gboolean state_restore(Fs *fs, GBytes *bytes, StateReport *ret, GError **error);

/* Where the machine's processes are counted from anew: the boot, and the PID namespace. Free it. */
char *state_boot_id(Fs *fs);
