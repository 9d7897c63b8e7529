/*
 * Which clients will work here, and by what.
 */
#pragma once

#include "daemon/probe/plan.h"

/* What a client's needs are met by, cheapest first. */
typedef enum Means { MEANS_NONE_NEEDED, MEANS_MOUNT, MEANS_EXEC, MEANS_MISSING } Means;

typedef struct Forecast {
	const char *client;
	Means means;
	const char *check;   /* that decides it */
	const char *because; /* what the client needs of it; NULL where nothing is needed */
	const char *note;    /* or NULL */
} Forecast;

/* "works", "works-with-mount", "works-with-exec", "fails". */
const char *means_name(Means means);

/* One row per client. Free with g_array_unref. */
GArray *forecast_make(const Probe *probe, const Plan *mount, const Plan *exec);
