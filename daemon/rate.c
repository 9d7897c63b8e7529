#include "daemon/rate.h"

#define MINUTE G_TIME_SPAN_MINUTE

struct RateLimiter {
	unsigned per_minute;
	GHashTable *buckets; /* name → Bucket */
};

/* Credit is kept in microseconds of rest, so that no part of a token is lost: one message costs MINUTE / per_minute. */
typedef struct Bucket {
	gint64 credit, updated;
	unsigned left_out;
} Bucket;

RateLimiter *rate_limiter_new(unsigned per_minute)
{
	RateLimiter *limiter = g_new0(RateLimiter, 1);

	limiter->per_minute = per_minute;
	limiter->buckets = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return limiter;
}

void rate_limiter_free(RateLimiter *limiter)
{
	if (!limiter)
		return;
	g_hash_table_unref(limiter->buckets);
	g_free(limiter);
}

void rate_limiter_set(RateLimiter *limiter, unsigned per_minute)
{
	limiter->per_minute = per_minute;
}

static Bucket *find_bucket(RateLimiter *limiter, const char *name, gint64 now)
{
	Bucket *bucket = g_hash_table_lookup(limiter->buckets, name);

	if (!bucket) {
		bucket = g_new0(Bucket, 1);
		bucket->credit = MINUTE;
		bucket->updated = now;
		g_hash_table_insert(limiter->buckets, g_strdup(name), bucket);
	}
	return bucket;
}

gboolean rate_limiter_take(RateLimiter *limiter, const char *name, gint64 now, unsigned *ret_left_out)
{
	Bucket *bucket = find_bucket(limiter, name, now);
	gint64 price = limiter->per_minute ? MINUTE / limiter->per_minute : 0;

	bucket->credit = MIN(bucket->credit + MAX(now - bucket->updated, 0), MINUTE);
	bucket->updated = now;
	*ret_left_out = 0;
	if (bucket->credit < price) {
		bucket->left_out++;
		return FALSE;
	}
	bucket->credit -= price;
	*ret_left_out = bucket->left_out;
	bucket->left_out = 0;
	return TRUE;
}

void rate_limiter_drain(RateLimiter *limiter, void (*visit)(const char *name, unsigned left_out, void *data),
			void *data)
{
	GHashTableIter iter;
	void *name, *value;

	g_hash_table_iter_init(&iter, limiter->buckets);
	while (g_hash_table_iter_next(&iter, &name, &value)) {
		Bucket *bucket = value;

		if (bucket->left_out)
			visit(name, bucket->left_out, data);
		bucket->left_out = 0;
	}
}
