#include "differential.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_WORDS = 5 };

/* A line, split: the words, and from the third on also the rest of the line as one text. */
typedef struct Step {
	char *words[MAX_WORDS + 1]; /* "" where there is none */
	char *rest[MAX_WORDS + 1];  /* the text that begins with the word */
	char *line, *copy;
} Step;

static void step_parse(const char *line, Step *ret)
{
	char *at;

	ret->line = g_strdup(line);
	ret->copy = g_strdup(line);
	at = ret->copy;
	for (int i = 0; i <= MAX_WORDS; i++) {
		ret->rest[i] = ret->line + (at - ret->copy);
		ret->words[i] = at;
		at += strcspn(at, " ");
		if (*at)
			*at++ = '\0';
	}
}

static void step_clear(Step *step)
{
	g_free(step->line);
	g_free(step->copy);
}

static const char *error_name(int error)
{
	return error ? strerrorname_np(error) : "ok";
}

/* "." is the sequence's own group. */
static char *path_of(const World *world, Side side, const char *path)
{
	g_autofree char *name = g_strcompress(path);

	return strcmp(path, ".") == 0 ? g_strdup(world->top[side]) : g_strdup_printf("%s/%s", world->top[side], name);
}

static gboolean is_list_of_pids(const char *path)
{
	return g_str_has_suffix(path, "tasks") || g_str_has_suffix(path, "cgroup.procs") ||
	       g_str_has_suffix(path, "cgroup.threads");
}

static char *show_answer(const World *world, Side side, const char *path, FileOp op, const Answer *answer)
{
	GString *out = g_string_new(error_name(answer->error));

	if (answer->error || (op != OP_READ && op != OP_LIST))
		return g_string_free(out, FALSE);
	g_string_assign(out, "");
	if (op == OP_READ && is_list_of_pids(path)) {
		world_name_pids(world, side, answer->text, out);
	} else if (g_str_has_suffix(path, "cgroup.stat")) {
		/* when a group that was removed has died is up to the kernel; and each has its own controllers */
		g_string_append_len(out, answer->text, (gssize) strcspn(answer->text, "\n"));
	} else {
		g_autofree char *escaped = g_strescape(answer->text, NULL);

		g_string_append(out, escaped);
	}
	return g_string_free(out, FALSE);
}

/* Does one operation as the actor, or as this process if it is NULL. */
static char *act(World *world, Side side, const Thread *actor, Command *command, const char *path)
{
	Answer answer = {0};
	g_autofree char *full = path_of(world, side, path);

	g_strlcpy(command->path, full, sizeof command->path);
	if (!actor)
		file_do(command->op, full, command->number, command->text, command->len, &answer);
	else if (!helper_ask(actor->sock[side], command, &answer))
		answer.error = EPIPE;
	return show_answer(world, side, path, command->op, &answer);
}

static void both(Outcome *outcome, const char *answer)
{
	for (Side side = 0; side < N_SIDES; side++)
		outcome->answer[side] = g_strdup(answer);
}

static gboolean can_obey(const Proc *proc, const Thread *thread)
{
	return thread && thread_settled_state(proc, thread, LIVE) == 'S' &&
	       thread_settled_state(proc, thread, HERE) == 'S';
}

static const Thread *living_thread(const Proc *proc)
{
	for (guint t = 0; t < proc->threads->len; t++)
		if (can_obey(proc, proc->threads->pdata[t]))
			return proc->threads->pdata[t];
	return NULL;
}

/* A process with a frozen thread cannot end. */
static gboolean anything_stopped(const Proc *proc)
{
	for (guint t = 0; t < proc->threads->len; t++)
		for (Side side = 0; side < N_SIDES; side++)
			if (thread_settled_state(proc, proc->threads->pdata[t], side) == 'T')
				return TRUE;
	return FALSE;
}

static const struct {
	const char *word;
	FileOp op;
} file_words[] = {
	{"mkdir", OP_MKDIR}, {"rmdir", OP_RMDIR}, {"rename", OP_RENAME}, {"chmod", OP_CHMOD},
	{"chown", OP_CHOWN}, {"write", OP_WRITE}, {"read", OP_READ},     {"list", OP_LIST},
};

static gboolean find_file_op(const char *word, FileOp *ret)
{
	for (gsize i = 0; i < G_N_ELEMENTS(file_words); i++) {
		if (strcmp(word, file_words[i].word) != 0)
			continue;
		*ret = file_words[i].op;
		return TRUE;
	}
	return FALSE;
}

static void set_text(Command *command, const char *escaped)
{
	g_autofree char *text = g_strcompress(escaped);

	command->len = MIN(strlen(text), sizeof command->text - 1);
	memcpy(command->text, text, command->len + 1);
}

/* A group that was removed still counts as a child for a moment, on each side for as long as it takes (offline_css()):
 * what only one side refuses is tried there again. */
static void refuse_no_longer(World *world, const Thread *actor, Command *command, const char *path, Outcome *ret)
{
	enum { MOMENT_SECONDS = 5 };
	gint64 end = g_get_monotonic_time() + MOMENT_SECONDS * G_USEC_PER_SEC;

	while (strcmp(ret->answer[LIVE], ret->answer[HERE]) != 0 && g_get_monotonic_time() < end) {
		Side refuses = strcmp(ret->answer[LIVE], "ok") != 0 ? LIVE : HERE;

		if (strcmp(ret->answer[!refuses], "ok") != 0)
			return;
		g_usleep(20000);
		g_free(ret->answer[refuses]);
		ret->answer[refuses] = act(world, refuses, actor, command, path);
	}
}

/* mkdir G … write FILE TEXT, by an actor. */
static gboolean play_file(World *world, const Step *step, int first, const Thread *actor, Outcome *ret)
{
	static Command command;
	FileOp op;
	const char *path;

	if (!find_file_op(step->words[first], &op))
		return FALSE;
	command.kind = COMMAND_FILE;
	command.op = op;
	command.number = op == OP_CHMOD   ? (unsigned) strtoul(step->words[first + 1], NULL, 8)
			 : op == OP_MKDIR ? 0755
					  : (unsigned) atoi(step->words[first + 1]);
	path = step->words[op == OP_CHMOD || op == OP_CHOWN ? first + 2 : first + 1];
	set_text(&command, op == OP_WRITE ? step->rest[first + 2] : "");
	for (Side side = 0; side < N_SIDES; side++) {
		if (op == OP_RENAME) {
			g_autofree char *to = path_of(world, side, step->words[first + 2]);

			g_strlcpy(command.text, to, sizeof command.text);
		}
		ret->answer[side] = act(world, side, actor, &command, path);
	}
	ret->is_read = op == OP_READ || op == OP_LIST;
	if (op == OP_WRITE && world->has_removed)
		refuse_no_longer(world, actor, &command, path, ret);
	if (op == OP_RMDIR && strcmp(ret->answer[LIVE], "ok") == 0)
		world->has_removed = TRUE;
	return TRUE;
}

/* The file moves one thread of several. */
static gboolean moves_one_thread(const Proc *proc, const char *path)
{
	guint n = 0;

	for (guint t = 0; t < proc->threads->len; t++)
		n += thread_state(proc, proc->threads->pdata[t], LIVE) != 'Z';
	return n > 1 && !g_str_has_suffix(path, "cgroup.procs");
}

/* FALSE: cgemud says that it cannot follow this. Signals stop whole processes. */
static gboolean may_move(const World *world, Proc *proc, const char *path)
{
	/* The task of a leader that has ended before the others stays counted, and in v2 listed, where it ended. */
	if ((strcmp(world->hierarchy->name, "pids") == 0 || world->hierarchy->is_v2) && !proc->ended &&
	    thread_state(proc, proc->threads->pdata[0], LIVE) == 'Z')
		return FALSE;
	if (!moves_one_thread(proc, path))
		return TRUE;
	if (strcmp(world->hierarchy->name, "freezer") == 0 || anything_is_frozen(world))
		return FALSE;
	proc->scattered = TRUE;
	return TRUE;
}

/* Nobody tells which thread started another; and which one forked only the kernel's word of it does. */
static gboolean may_give_birth(const World *world, const Proc *proc, gboolean to_thread)
{
	return !proc->scattered || !(to_thread || world->looks);
}

/* attach THREAD FILE FORMAT: writes the thread's number. */
static void play_attach(World *world, const Step *step, int first, const Thread *actor, Outcome *ret)
{
	static Command command;
	Proc *proc;
	const Thread *thread = world_thread(world, step->words[first + 1], &proc);
	const char *percent;

	if (!thread || !may_move(world, proc, step->words[first + 2])) {
		both(ret, "-");
		return;
	}
	for (Side side = 0; side < N_SIDES; side++) {
		g_autofree char *format = g_strcompress(step->rest[first + 3]);
		g_autofree char *number = NULL;

		percent = strchr(format, '%');
		number = g_strdup_printf(percent && percent[1] == 'x'   ? "%x"
					 : percent && percent[1] == 'o' ? "%o"
									: "%d",
					 (unsigned) thread->tid[side]);
		command = (Command){.kind = COMMAND_FILE, .op = OP_WRITE};
		command.len = (size_t) g_snprintf(command.text, sizeof command.text, "%.*s%s%s",
						  percent ? (int) (percent - format) : 0, format, number,
						  percent ? percent + 2 : "");
		ret->answer[side] = act(world, side, actor, &command, step->words[first + 2]);
	}
}

static gboolean greet(World *world, Side side, Hello *hello, int *sock)
{
	if (world_accept(world, &hello[side], &sock[side]))
		return TRUE;
	fprintf(stderr, "differential: a helper did not say hello\n");
	exit(2);
}

/* spawn NAME UID */
static void play_spawn(World *world, const Step *step, Outcome *ret)
{
	Hello hello[N_SIDES];
	int sock[N_SIDES];

	if (world_proc(world, step->words[1])) {
		both(ret, "-");
		return;
	}
	for (Side side = 0; side < N_SIDES; side++) {
		pid_t pid = fork();

		if (pid == 0) {
			close_range(3, ~0U, 0);
			helper_main((uid_t) atoi(step->words[2]));
		}
		greet(world, side, hello, sock);
	}
	world_add_proc(world, step->words[1], NULL, hello, sock);
	both(ret, "ok");
}

/* fork THREAD NAME, or thread THREAD */
static void play_birth(World *world, const Step *step, gboolean is_thread, Outcome *ret)
{
	static Command command;
	Answer answer = {0};
	Hello hello[N_SIDES];
	int sock[N_SIDES];
	Proc *proc;
	const Thread *thread = world_thread(world, step->words[1], &proc);
	gboolean born = TRUE;

	if (!can_obey(proc, thread) || !may_give_birth(world, proc, is_thread) ||
	    (!is_thread && world_proc(world, step->words[2]))) {
		both(ret, "-");
		return;
	}
	command.kind = is_thread ? COMMAND_THREAD : COMMAND_FORK;
	for (Side side = 0; side < N_SIDES; side++) {
		if (!helper_ask(thread->sock[side], &command, &answer))
			answer.error = EPIPE;
		ret->answer[side] = g_strdup(error_name(answer.error));
		born = born && !answer.error;
		if (!answer.error)
			greet(world, side, hello, sock);
	}
	if (born && is_thread)
		proc_add_thread(proc, hello, sock);
	else if (born)
		world_add_proc(world, step->words[2], proc, hello, sock);
}

static void drop_other_threads(Proc *proc, const Thread *stays)
{
	for (guint t = 0; t < proc->threads->len; t++) {
		Thread *thread = proc->threads->pdata[t];

		thread->ended = thread != stays;
	}
}

/* exec NAME: its first thread; the others end. */
static void play_exec(World *world, const Step *step, Outcome *ret)
{
	static Command command = {.kind = COMMAND_EXEC};
	Answer answer;
	Proc *proc;
	const Thread *thread = world_thread(world, step->words[1], &proc);

	if (!can_obey(proc, thread) || thread != proc->threads->pdata[0] || anything_stopped(proc)) {
		both(ret, "-");
		return;
	}
	for (Side side = 0; side < N_SIDES; side++)
		ret->answer[side] = g_strdup(helper_ask(thread->sock[side], &command, &answer) ? "ok" : "EPIPE");
	drop_other_threads(proc, thread);
}

static void wait_until_gone(const Proc *proc, const Thread *thread, Side side)
{
	while (thread_state(proc, thread, side) != 'Z')
		g_usleep(100);
}

/* end THREAD */
static void play_end(World *world, const Step *step, Outcome *ret)
{
	static Command command = {.kind = COMMAND_END};
	Answer answer;
	Proc *proc;
	Thread *thread = world_thread(world, step->words[1], &proc);

	if (!can_obey(proc, thread)) {
		both(ret, "-");
		return;
	}
	for (Side side = 0; side < N_SIDES; side++) {
		helper_ask(thread->sock[side], &command, &answer);
		wait_until_gone(proc, thread, side);
	}
	thread->ended = TRUE;
	both(ret, "ok");
}

/* exit NAME */
static void play_exit(World *world, const Step *step, Outcome *ret)
{
	static Command command = {.kind = COMMAND_EXIT};
	Answer answer;
	Proc *proc = world_proc(world, step->words[1]);
	const Thread *thread = proc && !anything_stopped(proc) ? living_thread(proc) : NULL;

	if (!thread) {
		both(ret, "-");
		return;
	}
	for (Side side = 0; side < N_SIDES; side++) {
		struct pollfd ended = {proc->pidfd[side], POLLIN, 0};

		helper_ask(thread->sock[side], &command, &answer);
		ret->answer[side] = g_strdup(poll(&ended, 1, PATIENCE_SECONDS * 1000) > 0 ? "ok" : "it does not end");
	}
	proc->ended = TRUE;
}

/* reap NAME: by its parent, or by this process if that has ended. */
static void play_reap(World *world, const Step *step, Outcome *ret)
{
	static Command command = {.kind = COMMAND_REAP};
	Proc *proc = world_proc(world, step->words[1]);
	gboolean by_parent = proc && proc->parent && !proc->parent->ended;
	const Thread *parent = by_parent ? living_thread(proc->parent) : NULL;

	if (!proc || !proc->ended || (by_parent && !parent)) {
		both(ret, "-");
		return;
	}
	for (Side side = 0; side < N_SIDES; side++) {
		Answer answer = {0};

		command.number = (unsigned) proc->pid[side];
		if (parent)
			helper_ask(parent->sock[side], &command, &answer);
		else if (waitpid(proc->pid[side], NULL, 0) < 0)
			answer.error = errno;
		ret->answer[side] = g_strdup(error_name(answer.error));
	}
	proc->reaped = TRUE;
}

/* state NAME: a letter for each thread. */
static void play_state(World *world, const Step *step, Outcome *ret)
{
	const Proc *proc = world_proc(world, step->words[1]);

	ret->is_read = TRUE;
	if (!proc) {
		both(ret, "-");
		return;
	}
	for (Side side = 0; side < N_SIDES; side++) {
		GString *states = g_string_new(NULL);

		for (guint t = 0; t < proc->threads->len; t++)
			g_string_append_c(states, thread_settled_state(proc, proc->threads->pdata[t], side));
		ret->answer[side] = g_string_free(states, FALSE);
	}
}

/* open HANDLE FILE */
static void play_open(World *world, const Step *step, Outcome *ret)
{
	Held *held;

	if (world_held(world, step->words[1])) {
		both(ret, "-");
		return;
	}
	held = g_new0(Held, 1);
	held->name = g_strdup(step->words[1]);
	g_ptr_array_add(world->held, held);
	for (Side side = 0; side < N_SIDES; side++) {
		g_autofree char *path = path_of(world, side, step->words[2]);

		if (side == LIVE)
			held->live_path = g_strdup(path);
		held->fd[side] = open(path, O_RDWR | O_CLOEXEC);
		ret->answer[side] = g_strdup(error_name(held->fd[side] < 0 ? errno : 0));
	}
}

/* hread HANDLE PIDS (1: its content is PIDs), hwrite HANDLE TEXT */
static void play_held(World *world, const Step *step, gboolean is_read, Outcome *ret)
{
	Held *held = world_held(world, step->words[1]);
	g_autofree char *text = g_strcompress(step->rest[2]);

	/* For a second after a read a v1 list shows the same again, if it is still there (cgroup_pidlist_start()). */
	if (!held || (is_read && !world->hierarchy->is_v2 && held->was_read && access(held->live_path, F_OK) == 0)) {
		both(ret, "-");
		return;
	}
	held->was_read = is_read;
	for (Side side = 0; side < N_SIDES; side++) {
		Answer answer = {0};
		ssize_t n = is_read ? pread(held->fd[side], answer.text, TEXT_SPACE - 1, 0)
				    : write(held->fd[side], text, strlen(text));

		answer.error = n < 0 ? errno : 0;
		ret->answer[side] = show_answer(world, side, *step->words[2] == '1' ? "tasks" : "",
						is_read ? OP_READ : OP_WRITE, &answer);
	}
	ret->is_read = is_read;
}

static gboolean play_life(World *world, const Step *step, Outcome *ret)
{
	const char *word = step->words[0];

	if (strcmp(word, "spawn") == 0)
		play_spawn(world, step, ret);
	else if (strcmp(word, "fork") == 0)
		play_birth(world, step, FALSE, ret);
	else if (strcmp(word, "thread") == 0)
		play_birth(world, step, TRUE, ret);
	else if (strcmp(word, "exec") == 0)
		play_exec(world, step, ret);
	else if (strcmp(word, "end") == 0)
		play_end(world, step, ret);
	else if (strcmp(word, "exit") == 0)
		play_exit(world, step, ret);
	else if (strcmp(word, "reap") == 0)
		play_reap(world, step, ret);
	else if (strcmp(word, "state") == 0)
		play_state(world, step, ret);
	else
		return FALSE;
	return TRUE;
}

static gboolean is_self_move(char *const *words)
{
	return strcmp(words[0], "write") == 0 && strcmp(words[2], "0") == 0;
}

/* Who moves itself there does not come back to say how it went. */
static gboolean would_stop(const World *world, const char *path)
{
	g_autofree char *full = path_of(world, LIVE, path);
	g_autofree char *group = g_path_get_dirname(full);
	g_autofree char *state = g_build_filename(group, "freezer.state", NULL);
	static Answer answer;

	if (path_is_frozen(world, group))
		return TRUE;
	file_do(OP_READ, state, 0, NULL, 0, &answer);
	return !answer.error && strcmp(answer.text, "THAWED\n") != 0;
}

/* cgemud stops whole processes, see may_move(); and the kernel's SIGKILL goes to leaders, and reaches nobody where that
 * one has ended. */
static gboolean is_beyond(const World *world, char *const *words)
{
	return (g_str_has_suffix(words[1], "cgroup.freeze") && anything_is_scattered(world)) ||
	       (g_str_has_suffix(words[1], "cgroup.kill") && anything_lost_its_leader(world));
}

/* What one actor can do: "as THREAD …", or this process. */
static gboolean play_act(World *world, const Step *step, Outcome *ret)
{
	gboolean by_helper = strcmp(step->words[0], "as") == 0;
	int first = by_helper ? 2 : 0;
	Proc *proc = NULL;
	const Thread *actor = by_helper ? world_thread(world, step->words[1], &proc) : NULL;

	if (by_helper && (!can_obey(proc, actor) || would_stop(world, step->words[first + 1]) ||
			  would_stop(world, step->words[first + 2]) ||
			  (is_self_move(&step->words[first]) && !may_move(world, proc, step->words[first + 1])))) {
		both(ret, "-");
		return TRUE;
	}
	if (is_beyond(world, &step->words[first])) {
		both(ret, "-");
		return TRUE;
	}
	if (strcmp(step->words[first], "attach") == 0) {
		play_attach(world, step, first, actor, ret);
		return TRUE;
	}
	return play_file(world, step, first, actor, ret);
}

void step_play(World *world, const char *line, Outcome *ret)
{
	Step step;

	*ret = (Outcome){0};
	step_parse(line, &step);
	if (play_life(world, &step, ret) || play_act(world, &step, ret))
		;
	else if (strcmp(step.words[0], "open") == 0)
		play_open(world, &step, ret);
	else if (strcmp(step.words[0], "hread") == 0 || strcmp(step.words[0], "hwrite") == 0)
		play_held(world, &step, step.words[0][1] == 'r', ret);
	else {
		fprintf(stderr, "differential: unknown step '%s'\n", line);
		exit(2);
	}
	step_clear(&step);
	world_settle(world);
	ret->differs = strcmp(ret->answer[LIVE], ret->answer[HERE]) != 0;
}

void outcome_clear(Outcome *outcome)
{
	for (Side side = 0; side < N_SIDES; side++)
		g_free(outcome->answer[side]);
}
