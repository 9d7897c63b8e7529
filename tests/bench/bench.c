/*
 * bench [--rounds N] [--budget-ms MS] NAME=PATH…: how long reading small files takes.
 *
 * For each way of reading (open+read+close; pread on a held descriptor) and number of threads (1, 4) prints one line of
 * microseconds per operation and thread, a column per file. The files take turns in every round and the least of all
 * rounds counts, so that what else the machine does falls on all of them, and mostly on none.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef enum Way { OPEN_READ_CLOSE, HELD_PREAD } Way;

static const char *const way_names[] = {"open+read+close", "pread, held"};

typedef struct Reader {
	const char *path;
	Way way;
	guint iterations;
	pthread_barrier_t *start;
	gint64 elapsed; /* microseconds */
} Reader;

static void fail(const char *path)
{
	fprintf(stderr, "bench: %s: %s\n", path, g_strerror(errno));
	exit(1);
}

static int open_file(const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail(path);
	return fd;
}

static void read_all(int fd, const char *path)
{
	char buffer[16384];
	ssize_t n;
	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		;
	if (n < 0)
		fail(path);
}

static void *reader_main(void *data)
{
	Reader *reader = data;
	char buffer[16384];
	const int held = reader->way == HELD_PREAD ? open_file(reader->path) : -1;
	pthread_barrier_wait(reader->start);
	const gint64 begin = g_get_monotonic_time();
	for (guint i = 0; i < reader->iterations; i++) {
		if (held >= 0) {
			if (pread(held, buffer, sizeof(buffer), 0) < 0)
				fail(reader->path);
		} else {
			const int fd = open_file(reader->path);
			read_all(fd, reader->path);
			close(fd);
		}
	}
	reader->elapsed = g_get_monotonic_time() - begin;
	if (held >= 0)
		close(held);
	return NULL;
}

/* Microseconds for one operation of one of n_threads threads, on average. */
static double measure(const char *path, Way way, guint n_threads, guint iterations)
{
	enum { MOST = 16 };
	pthread_t threads[MOST];
	Reader readers[MOST];
	pthread_barrier_t start;
	gint64 elapsed = 0;
	pthread_barrier_init(&start, NULL, n_threads);
	for (guint i = 0; i < n_threads; i++) {
		readers[i] = (Reader){path, way, iterations, &start, 0};
		if ((errno = pthread_create(&threads[i], NULL, reader_main, &readers[i])))
			fail("thread");
	}
	for (guint i = 0; i < n_threads; i++) {
		pthread_join(threads[i], NULL);
		elapsed += readers[i].elapsed;
	}
	pthread_barrier_destroy(&start);
	return (double) elapsed / n_threads / iterations;
}

/* As many iterations as fit into the budget, from one short run. */
static guint calibrate(const char *path, Way way, guint n_threads, guint budget_ms)
{
	const double each = measure(path, way, n_threads, 50);
	return (guint) CLAMP(budget_ms * 1000.0 / MAX(each, 0.1), 50, 1000000);
}

static void print_line(char *const *paths, guint n_paths, Way way, guint n_threads, guint rounds, guint budget_ms)
{
	g_autofree double *least = g_new0(double, n_paths);
	g_autofree guint *iterations = g_new0(guint, n_paths);
	for (guint i = 0; i < n_paths; i++)
		iterations[i] = calibrate(paths[i], way, n_threads, budget_ms);
	for (guint round = 0; round < rounds; round++) {
		for (guint i = 0; i < n_paths; i++) {
			const double each = measure(paths[i], way, n_threads, iterations[i]);
			if (round == 0 || each < least[i])
				least[i] = each;
		}
	}
	printf("%s\t%u", way_names[way], n_threads);
	for (guint i = 0; i < n_paths; i++)
		printf("\t%.2f", least[i]);
	printf("\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int rounds = 15, budget_ms = 30;
	g_auto(GStrv) files = NULL;
	const GOptionEntry entries[] = {
		{"rounds", 0, 0, G_OPTION_ARG_INT, &rounds, "Rounds (15)", "N"},
		{"budget-ms", 0, 0, G_OPTION_ARG_INT, &budget_ms, "Time for one file in one round (30)", "MS"},
		{G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &files, NULL, NULL},
		{0},
	};
	g_autoptr(GError) error = NULL;
	g_autoptr(GOptionContext) context = g_option_context_new("NAME=PATH… - time reading small files");
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error) || !files || rounds < 1 || budget_ms < 1) {
		fprintf(stderr, "bench: %s\n", error ? error->message : "see --help");
		return 2;
	}
	printf("way\tthreads");
	const guint n_files = g_strv_length(files);
	g_autofree char **paths = g_new0(char *, n_files);
	for (guint i = 0; i < n_files; i++) {
		char *equals = strchr(files[i], '=');
		if (!equals) {
			fprintf(stderr, "bench: not NAME=PATH: %s\n", files[i]);
			return 2;
		}
		printf("\t%.*s", (int) (equals - files[i]), files[i]);
		paths[i] = equals + 1;
	}
	printf("\n");
	for (Way way = OPEN_READ_CLOSE; way <= HELD_PREAD; way++) {
		print_line(paths, n_files, way, 1, rounds, budget_ms);
		print_line(paths, n_files, way, 4, rounds, budget_ms);
	}
	return 0;
}
