/*
 * differential [OPTION…] NAME:LIVE:HERE…: see differential.h and --help.
 *
 * A sequence is text, one step a line; it can be played again with --replay:
 *
 *   mkdir G | rmdir G | rename G G | chmod MODE P | chown UID P | list G      G, P below the sequence's own group ".."
 *   write P TEXT   one write(2)             read P
 *   attach T P FORMAT   writes T's number   as T …        one of these, done by the process T
 *   spawn N UID    fork T N    thread T     exec N    end T (this thread)   exit N   reap N   state N
 *   open H P       hread H 1                hwrite H TEXT
 *
 * T is a process or one of its threads, "p0" or "p0/1". Texts and names know the escapes of C.
 */
#include "differential.h"

#include "../conformance/exceptions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct Run {
	GArray *hierarchies; /* Hierarchy */
	int listener;
	Exceptions *exceptions;
	guint n_steps, n_excused;
	gboolean is_verbose, looks;
} Run;

/* How one sequence went. */
typedef struct Verdict {
	GPtrArray *lines; /* what was played, up to the step that differs */
	char *difference; /* NULL: none */
} Verdict;

static void verdict_clear(Verdict *verdict)
{
	g_ptr_array_unref(verdict->lines);
	g_free(verdict->difference);
}

static gboolean is_excused(Run *run, const Hierarchy *hierarchy, const char *line, const Outcome *outcome)
{
	g_autofree char *key = g_strdup_printf("%s: %s => %s | %s", hierarchy->name, line, outcome->answer[LIVE],
					       outcome->answer[HERE]);
	gboolean excused = exceptions_cover(run->exceptions, key);

	run->n_excused += excused;
	return excused;
}

/* Without the kernel's word a child is known only if somebody looks before its parent ends. */
static void make_look(const World *world)
{
	g_autofree char *path = g_build_filename(world->top[HERE], "cgroup.procs", NULL);
	static Answer answer;

	file_do(OP_READ, path, 0, NULL, 0, &answer);
}

/* Plays one step and keeps it. FALSE: the sequence ends here. */
static gboolean play_line(Run *run, World *world, const char *line, Verdict *verdict)
{
	Outcome outcome;
	gboolean go_on = TRUE;

	g_ptr_array_add(verdict->lines, g_strdup(line));
	if (run->is_verbose)
		fprintf(stderr, "%s: %s\n", world->hierarchy->name, line);
	step_play(world, line, &outcome);
	run->n_steps++;
	if (run->looks && g_str_has_prefix(line, "fork"))
		make_look(world);
	if (outcome.differs && is_excused(run, world->hierarchy, line, &outcome))
		go_on = outcome.is_read;
	else if (outcome.differs)
		verdict->difference = g_strdup_printf("%s\n    kernel: %s\n    cgemud: %s", line, outcome.answer[LIVE],
						      outcome.answer[HERE]);
	outcome_clear(&outcome);
	return go_on && !verdict->difference;
}

static void end_world(World *world, Verdict *verdict)
{
	char *left;

	world_free(world, &left);
	if (left && !verdict->difference)
		verdict->difference = g_strdup_printf("%s could not be removed when all processes had ended", left);
	g_free(left);
}

static Verdict verdict_new(void)
{
	return (Verdict){g_ptr_array_new_with_free_func(g_free), NULL};
}

static Verdict play_random(Run *run, const Hierarchy *hierarchy, guint32 seed, guint n_steps)
{
	GRand *random = g_rand_new_with_seed(seed);
	guint n = n_steps / 2 + g_rand_int(random) % (n_steps + 1);
	World *world = world_new(hierarchy, run->listener, run->looks);
	Verdict verdict = verdict_new();
	gboolean go_on = TRUE;

	for (guint i = 0; i < n && go_on; i++) {
		g_autofree char *line = i == 0   ? g_strdup("mkdir a")
					: i == 1 ? g_strdup("spawn p0 0")
						 : generate_step(random, world);

		go_on = play_line(run, world, line, &verdict);
	}
	end_world(world, &verdict);
	g_rand_free(random);
	return verdict;
}

static Verdict play_lines(Run *run, const Hierarchy *hierarchy, const GPtrArray *lines)
{
	World *world = world_new(hierarchy, run->listener, run->looks);
	Verdict verdict = verdict_new();
	gboolean go_on = TRUE;

	for (guint i = 0; i < lines->len && go_on; i++)
		go_on = play_line(run, world, lines->pdata[i], &verdict);
	end_world(world, &verdict);
	return verdict;
}

static GPtrArray *lines_without(const GPtrArray *lines, guint first, guint n)
{
	GPtrArray *fewer = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < lines->len; i++)
		if (i < first || i >= first + n)
			g_ptr_array_add(fewer, g_strdup(lines->pdata[i]));
	return fewer;
}

/* Leaves out what is not needed for a difference, halves first, then less and less. */
static void shrink(Run *run, const Hierarchy *hierarchy, Verdict *verdict)
{
	for (guint n = MAX(verdict->lines->len / 2, 1); n > 0; n /= 2) {
		for (guint first = 0; first < verdict->lines->len;) {
			g_autoptr(GPtrArray) fewer = lines_without(verdict->lines, first, n);
			Verdict smaller = play_lines(run, hierarchy, fewer);

			if (!smaller.difference) {
				first += n;
				verdict_clear(&smaller);
				continue;
			}
			verdict_clear(verdict);
			*verdict = smaller;
		}
	}
}

static void print_difference(const Hierarchy *hierarchy, guint32 seed, const Verdict *verdict)
{
	printf("FAILED %s, seed %u: the answers differ at the end of\n", hierarchy->name, seed);
	for (guint i = 0; i < verdict->lines->len; i++)
		printf("%s\n", (const char *) verdict->lines->pdata[i]);
	printf("--- %s\n", verdict->difference);
	fflush(stdout);
}

void hierarchy_enable(const Hierarchy *hierarchy, const char *group)
{
	static const char text[] = "+cpu +cpuset +memory +pids +io +hugetlb";
	g_autofree char *file = g_build_filename(group, "cgroup.subtree_control", NULL);
	Answer answer;

	if (!hierarchy->has_controllers)
		return;
	file_do(OP_WRITE, file, 0, text, strlen(text), &answer);
	if (answer.error) {
		fprintf(stderr, "differential: %s: %s\n", file, g_strerror(answer.error));
		exit(2);
	}
}

static void add_base(Hierarchy *hierarchy, Side side, const char *dir, const char *group)
{
	static const char *const inherited[] = {"cpuset.cpus", "cpuset.mems"};
	Answer answer;
	char text[256];

	hierarchy->base[side] = g_build_filename(dir, group, NULL);
	if (mkdir(hierarchy->base[side], 0755) < 0) {
		fprintf(stderr, "differential: %s: %s\n", hierarchy->base[side], g_strerror(errno));
		exit(2);
	}
	for (gsize i = 0; strcmp(hierarchy->name, "cpuset") == 0 && i < G_N_ELEMENTS(inherited); i++) {
		g_autofree char *from = g_build_filename(dir, inherited[i], NULL);
		g_autofree char *to = g_build_filename(hierarchy->base[side], inherited[i], NULL);

		file_do(OP_READ, from, 0, NULL, 0, &answer);
		g_strlcpy(text, answer.text, sizeof text);
		file_do(OP_WRITE, to, 0, text, strlen(text), &answer);
	}
	hierarchy_enable(hierarchy, hierarchy->base[side]);
}

static GArray *hierarchies_make(char **args, const char *group)
{
	GArray *hierarchies = g_array_new(FALSE, TRUE, sizeof(Hierarchy));

	for (; args && *args; args++) {
		g_auto(GStrv) parts = g_strsplit(*args, ":", 3);
		Hierarchy hierarchy = {0};

		if (g_strv_length(parts) != 3) {
			fprintf(stderr, "differential: '%s' is not NAME:LIVE:HERE\n", *args);
			exit(2);
		}
		hierarchy.name = g_strdup(parts[0]);
		hierarchy.has_controllers = strcmp(parts[0], "v2-controllers") == 0;
		hierarchy.is_v2 = strcmp(parts[0], "v2") == 0 || hierarchy.has_controllers;
		add_base(&hierarchy, LIVE, parts[1], group);
		add_base(&hierarchy, HERE, parts[2], group);
		g_array_append_val(hierarchies, hierarchy);
	}
	return hierarchies;
}

static void hierarchies_remove(GArray *hierarchies)
{
	for (guint i = 0; i < hierarchies->len; i++) {
		Hierarchy *hierarchy = &g_array_index(hierarchies, Hierarchy, i);

		for (Side side = 0; side < N_SIDES; side++) {
			if (rmdir(hierarchy->base[side]) < 0)
				printf("cannot remove %s: %s\n", hierarchy->base[side], g_strerror(errno));
			g_free(hierarchy->base[side]);
		}
		g_free(hierarchy->name);
	}
	g_array_unref(hierarchies);
}

/* One sequence on the hierarchy whose turn it is. */
static gboolean run_random(Run *run, guint32 seed, guint n_steps)
{
	const Hierarchy *hierarchy = &g_array_index(run->hierarchies, Hierarchy, seed % run->hierarchies->len);
	Verdict verdict = play_random(run, hierarchy, seed, n_steps);
	gboolean same = !verdict.difference;

	if (!same) {
		shrink(run, hierarchy, &verdict);
		print_difference(hierarchy, seed, &verdict);
	}
	verdict_clear(&verdict);
	return same;
}

static int replay(Run *run, const char *path)
{
	const Hierarchy *hierarchy = &g_array_index(run->hierarchies, Hierarchy, 0);
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *text = NULL;
	Verdict verdict;
	int status;

	if (!g_file_get_contents(path, &text, NULL, NULL)) {
		fprintf(stderr, "differential: cannot read %s\n", path);
		return 2;
	}
	for (const char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		g_ptr_array_add(lines, g_strdup(line));
	verdict = play_lines(run, hierarchy, lines);
	status = verdict.difference ? 1 : 0;
	if (status)
		print_difference(hierarchy, 0, &verdict);
	else
		printf("equal answers\n");
	verdict_clear(&verdict);
	return status;
}

static int run_all(Run *run, guint32 seed, guint n_sequences, guint n_steps, guint max_failures)
{
	guint failed = 0, played;

	printf("seeds %u to %u\n", seed, seed + n_sequences - 1);
	for (played = 0; played < n_sequences && failed < max_failures; played++)
		failed += !run_random(run, seed + played, n_steps);
	printf("%u steps, %u differences excused\n%u passed, %u failed, 0 skipped\n", run->n_steps, run->n_excused,
	       played - failed, failed);
	return failed ? 1 : 0;
}

int main(int argc, char **argv)
{
	Run run = {0};
	int seed = 1, sequences = 100, steps = 16, failures = 5, status;
	g_autofree char *exceptions = NULL, *file = NULL, *group = NULL;
	g_auto(GStrv) args = NULL;
	const GOptionEntry entries[] = {
		{"seed", 0, 0, G_OPTION_ARG_INT, &seed, "The first sequence's seed (1); each has the next", "N"},
		{"sequences", 0, 0, G_OPTION_ARG_INT, &sequences, "How many sequences (100)", "N"},
		{"steps", 0, 0, G_OPTION_ARG_INT, &steps, "Steps of one sequence, on average (16)", "N"},
		{"failures", 0, 0, G_OPTION_ARG_INT, &failures, "Stop after so many (5)", "N"},
		{"group", 0, 0, G_OPTION_ARG_STRING, &group, "The group to make in each tree; needed", "NAME"},
		{"exceptions", 0, 0, G_OPTION_ARG_FILENAME, &exceptions, "Differences that are known", "FILE"},
		{"look", 0, 0, G_OPTION_ARG_NONE, &run.looks, "Look at our processes after each fork", NULL},
		{"verbose", 'v', 0, G_OPTION_ARG_NONE, &run.is_verbose, "Say on stderr what is played", NULL},
		{"replay", 0, 0, G_OPTION_ARG_FILENAME, &file, "Play this on the first hierarchy", "FILE"},
		{G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &args, NULL, NULL},
		{0},
	};
	g_autoptr(GOptionContext) context = g_option_context_new("NAME:LIVE:HERE… - compare two trees of groups");
	g_autoptr(GError) error = NULL;

	if (argc == 4 && strcmp(argv[1], "--obey") == 0)
		helper_resume(atoi(argv[2]), argv[3]);
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error) || !args || !group) {
		fprintf(stderr, "differential: %s\n", error ? error->message : "see --help");
		return 2;
	}
	setlinebuf(stdout);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	run.listener = helpers_listen(group);
	run.exceptions = exceptions_read(exceptions);
	run.hierarchies = hierarchies_make(args, group);
	status = file ? replay(&run, file)
		      : run_all(&run, (guint32) seed, (guint) sequences, (guint) steps, (guint) failures);
	hierarchies_remove(run.hierarchies);
	exceptions_free(run.exceptions);
	return status;
}
