/*
 * Runs a fuzz target on its seeds and on mutations of them: always the same ones, so that a failure is there again in
 * the next run. Arguments: files with seeds.
 */
#include "tests/fuzz/fuzz.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>

enum { DEFAULT_ITERATIONS = 5000, INPUT_LIMIT = 4096, MUTATION_LIMIT = 6 };

/* Bits of text that parsers treat in a special way, or should. */
static const char *const tokens[] = {
	"\n",
	"\n\n",
	" ",
	"  ",
	"\t",
	"-",
	" - ",
	":",
	"::",
	",",
	")",
	") R 1",
	"(",
	"/",
	"\\040",
	"\\777",
	"=",
	"max",
	"18446744073709551615",
	"18446744073709551616",
	"9223372036854775808",
	"-1",
	"0",
	"+",
	"0x",
	"kB",
	"cpu",
	"cpu4294967295",
	"processor",
	"N",
	"P",
	"E",
	"all",
	"0-",
	"-0",
	"0-4294967295",
	"1:2/3",
	"1/0",
	"\xff\xfe",
};

static void insert_token(GRand *rand, GString *input)
{
	const char *token = tokens[g_rand_int_range(rand, 0, G_N_ELEMENTS(tokens))];

	g_string_insert(input, g_rand_int_range(rand, 0, (gint) input->len + 1), token);
}

static void erase_some(GRand *rand, GString *input)
{
	gint at = g_rand_int_range(rand, 0, (gint) input->len + 1);

	g_string_erase(input, at, g_rand_int_range(rand, 0, (gint) MIN(input->len - (gsize) at, 40) + 1));
}

static void repeat_some(GRand *rand, GString *input)
{
	gint at = g_rand_int_range(rand, 0, (gint) input->len + 1);
	g_autofree char *piece = g_strndup(input->str + at, (gsize) g_rand_int_range(rand, 0, 40));

	g_string_insert(input, at, piece);
}

static void mutate(GRand *rand, GString *input)
{
	switch (g_rand_int_range(rand, 0, 5)) {
	case 0:
		insert_token(rand, input);
		break;
	case 1:
		erase_some(rand, input);
		break;
	case 2:
		repeat_some(rand, input);
		break;
	case 3:
		g_string_truncate(input, (gsize) g_rand_int_range(rand, 0, (gint) input->len + 1));
		break;
	default:
		if (input->len)
			input->str[g_rand_int_range(rand, 0, (gint) input->len)] =
				(char) g_rand_int_range(rand, 0, 256);
	}
}

static void try_one(GRand *rand, const GString *seed)
{
	gsize start = seed->len > INPUT_LIMIT ? (gsize) g_rand_int_range(rand, 0, (gint) (seed->len - INPUT_LIMIT)) : 0;
	g_autoptr(GString) input = g_string_new_len(seed->str + start, (gssize) MIN(seed->len - start, INPUT_LIMIT));

	for (int n = g_rand_int_range(rand, 1, MUTATION_LIMIT + 1); n > 0; n--)
		mutate(rand, input);
	LLVMFuzzerTestOneInput((const uint8_t *) input->str, input->len);
}

static gint64 number_from(const char *variable, gint64 otherwise)
{
	const char *text = g_getenv(variable);

	return text ? g_ascii_strtoll(text, NULL, 10) : otherwise;
}

static void free_string(gpointer string)
{
	g_string_free(string, TRUE);
}

static gboolean load_seeds(char **paths, GPtrArray *seeds)
{
	for (; *paths; paths++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *text = NULL;
		gsize len;

		if (!g_file_get_contents(*paths, &text, &len, &error)) {
			fprintf(stderr, "%s\n", error->message);
			return FALSE;
		}
		g_ptr_array_add(seeds, g_string_new_len(text, (gssize) len));
	}
	for (const char *const *seed = fuzz_seeds; *seed; seed++)
		g_ptr_array_add(seeds, g_string_new(*seed));
	return TRUE;
}

int main(int argc, char **argv)
{
	gint64 iterations = number_from("FUZZ_ITERATIONS", DEFAULT_ITERATIONS);
	g_autoptr(GPtrArray) seeds = g_ptr_array_new_with_free_func(free_string);
	g_autoptr(GRand) rand = g_rand_new_with_seed((guint32) number_from("FUZZ_SEED", 1));

	if (!load_seeds(argv + 1, seeds))
		return 1;
	for (guint i = 0; i < seeds->len; i++) {
		const GString *seed = seeds->pdata[i];

		LLVMFuzzerTestOneInput((const uint8_t *) seed->str, seed->len);
	}
	for (gint64 i = 0; i < iterations; i++)
		try_one(rand, seeds->pdata[g_rand_int_range(rand, 0, (gint) seeds->len)]);
	printf("%u seeds, %" G_GINT64_FORMAT " mutations\n", seeds->len, iterations);
	return 0;
}
