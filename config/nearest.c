#include "config/nearest.h"

#include <string.h>

/* Optimal string alignment distance. rows[i % 3][j] is the distance of the first i characters of a and j of b. */
unsigned nearest_distance(const char *a, const char *b)
{
	size_t length_a = strlen(a), length_b = strlen(b), width = length_b + 1;
	g_autofree unsigned *rows = g_new(unsigned, 3 * width);

	for (size_t j = 0; j <= length_b; j++)
		rows[j] = j;
	for (size_t i = 1; i <= length_a; i++) {
		unsigned *row = rows + i % 3 * width, *above = rows + (i - 1) % 3 * width;
		const unsigned *two_above = rows + (i + 1) % 3 * width;

		row[0] = i;
		for (size_t j = 1; j <= length_b; j++) {
			char x = g_ascii_tolower(a[i - 1]), y = g_ascii_tolower(b[j - 1]);

			row[j] = MIN(MIN(above[j], row[j - 1]) + 1, above[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == g_ascii_tolower(b[j - 2]) && y == g_ascii_tolower(a[i - 2]))
				row[j] = MIN(row[j], two_above[j - 2] + 1);
		}
	}
	return rows[length_a % 3 * width + length_b];
}

const char *nearest_name(const char *name, const char *const *names)
{
	const char *best = NULL;
	unsigned limit = MAX(2, strlen(name) / 3), best_distance = limit + 1;

	/* A long word costs a long table; nobody mistypes that much. */
	if (strlen(name) > 256)
		return NULL;
	for (const char *const *candidate = names; *candidate; candidate++) {
		unsigned distance = nearest_distance(name, *candidate);

		if (distance < best_distance && distance < strlen(*candidate)) {
			best = *candidate;
			best_distance = distance;
		}
	}
	/* Not mistyped, perhaps cut short. */
	for (; !best && strlen(name) > 2 && *names; names++)
		if (g_str_has_prefix(*names, name))
			best = *names;
	return best;
}

char *nearest_hint(const char *name, const char *const *names)
{
	const char *best = nearest_name(name, names);
	g_autofree char *all = NULL;

	if (best)
		return g_strdup_printf("; did you mean \"%s\"?", best);
	all = g_strjoinv(", ", (char **) names);
	return g_strdup_printf("; valid are: %s", all);
}
