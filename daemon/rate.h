/*
 * How often each place may do something: a token bucket per name. Not thread-safe.
 */
#pragma once

#include <glib.h>

typedef struct RateLimiter RateLimiter;

/* per_minute 0: no limit. As many may come at once, after a minute of rest. */
RateLimiter *rate_limiter_new(unsigned per_minute);
void rate_limiter_free(RateLimiter *limiter);
void rate_limiter_set(RateLimiter *limiter, unsigned per_minute);

/* May name do it now (microseconds, monotonic)? *ret_left_out: how many times it was refused since it last might; 0
 * where the answer is no. */
gboolean rate_limiter_take(RateLimiter *limiter, const char *name, gint64 now, unsigned *ret_left_out);
/* Calls visit for each name that was refused since it last might, and forgets how often. */
void rate_limiter_drain(RateLimiter *limiter, void (*visit)(const char *name, unsigned left_out, void *data),
			void *data);
