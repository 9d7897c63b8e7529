/*
 * The probe: what this machine allows, found out by trying it. Checks run in children with a time limit for each, in a
 * private mount namespace where it mounts; nothing that it does lasts, and none needs privileges.
 */
#pragma once

#include <gio/gio.h>

typedef enum ProbeVerdict {
	PROBE_UNKNOWN, /* not tried, or no answer in time; `seen` says why */
	PROBE_NO,
	PROBE_PARTLY,
	PROBE_YES,
} ProbeVerdict;

/* "unknown", "no", "partly", "yes". */
const char *probe_verdict_name(ProbeVerdict verdict);

typedef struct ProbeAttempt ProbeAttempt; /* daemon/probe/attempt.h */

/* One row of a table = one check. Names are stable: plans, forecasts, JSON and tests use them. */
typedef struct ProbeCheck {
	const char *name;
	ProbeVerdict (*run)(ProbeAttempt *attempt);
	const char *tried;  /* what the check does */
	const char *yes;    /* what it means if that works … */
	const char *no;     /* … and if it does not … */
	const char *partly; /* … or only partly; NULL: the same */
	gboolean alone;     /* changes its process: needs one of its own even where its subject's share one */
} ProbeCheck;

/* For what the rights in a user namespace are enough for. */
#define PROBE_FOR_EXEC_ALONE "only --exec can, in a user namespace"

typedef struct ProbeSubject {
	const char *title;
	const ProbeCheck *checks; /* ends with name == NULL */
	gboolean together;        /* they run in one process, in this order */
	void (*end)(void);        /* run there after the last one; may be NULL */
} ProbeSubject;

extern const ProbeSubject probe_subjects[]; /* ends with title == NULL */

typedef struct ProbeResult {
	const ProbeCheck *check;
	const ProbeSubject *subject; /* that the check belongs to */
	ProbeVerdict verdict;
	char *seen;              /* what happened, one line; never NULL */
	char *more;              /* what more privileges would tell; NULL: nothing */
	char **found, **missing; /* of the names that the check looks for (controllers, files, keys); never NULL */
} ProbeResult;

typedef struct Probe Probe;

/* Frees what a result (data) holds. */
void probe_result_clear(gpointer data);

/* Takes seen; frees nothing that the result held. */
void probe_result_set_unknown(ProbeResult *result, char *seen);

/* Runs the named checks, or all if names is NULL. Must be called before the process has threads. NULL and an error only
 * if no child can be started at all. */
Probe *probe_run(const char *const *names, GError **error);
void probe_free(Probe *probe);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Probe, probe_free)

/* A probe without a single result, and a result that is not tried but given: for tests, and to explain what would be
 * planned on another machine. found and missing: names separated by blanks, or NULL. */
Probe *probe_new_unknown(void);
void probe_assume(Probe *probe, const char *name, ProbeVerdict verdict, const char *found, const char *missing);

/* The name must be that of a check (else g_error). A check that was not run: NULL, and PROBE_UNKNOWN. */
const ProbeResult *probe_result(const Probe *probe, const char *name);
ProbeVerdict probe_verdict(const Probe *probe, const char *name);
/* TRUE if the verdict is at least `least`: probe_has(p, "fuse-mount", PROBE_PARTLY). */
gboolean probe_has(const Probe *probe, const char *name, ProbeVerdict least);
/* TRUE if the check looked for this name and found it. */
gboolean probe_found(const Probe *probe, const char *name, const char *what);

gint64 probe_took_us(const Probe *probe);
