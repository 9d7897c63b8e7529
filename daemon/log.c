#include "daemon/log.h"
#include "daemon/rate.h"

#include <string.h>
#include <unistd.h>

static struct {
	GMutex lock;
	RateLimiter *limiter;
	int least; /* GLogLevelFlags, atomic: levels up to and including this one are logged */
	gboolean to_journal;
} logger = {.least = G_LOG_LEVEL_MESSAGE};

/* clang-format off */
static const struct {
	const char *name;
	GLogLevelFlags level;
	const char *prefix;
} levels[] = {
	{"error",   G_LOG_LEVEL_CRITICAL, "error: "},
	{"warning", G_LOG_LEVEL_WARNING,  "warning: "},
	{"notice",  G_LOG_LEVEL_MESSAGE,  ""},
	{"info",    G_LOG_LEVEL_INFO,     "info: "},
	{"debug",   G_LOG_LEVEL_DEBUG,    "debug: "},
};
/* clang-format on */

static const char *find_field(const GLogField *fields, size_t n_fields, const char *name)
{
	for (size_t i = 0; i < n_fields; i++)
		if (!strcmp(fields[i].key, name) && fields[i].length < 0)
			return fields[i].value;
	return NULL;
}

static const char *level_prefix(GLogLevelFlags level)
{
	for (size_t i = 0; i < G_N_ELEMENTS(levels); i++)
		if (level & levels[i].level)
			return levels[i].prefix;
	return "fatal: ";
}

/* Names and paths come from anyone: nothing in them may start a line of its own or move a terminal's cursor. */
static void append_printable(GString *line, const char *message)
{
	for (; *message; message++) {
		unsigned char c = *message;

		if (c < ' ' || c == 0x7f)
			g_string_append_printf(line, "\\x%02x", c);
		else
			g_string_append_c(line, c);
	}
}

static void write_line(GLogLevelFlags level, const char *message)
{
	g_autoptr(GString) line = g_string_new("cgemud: ");

	g_string_append(line, level_prefix(level));
	append_printable(line, message);
	g_string_append_c(line, '\n');
	/* One write: lines of several threads and processes do not mix. There is nowhere to report its failure. */
	if (write(STDERR_FILENO, line->str, line->len) < 0)
		return;
}

static void emit(GLogLevelFlags level, const GLogField *fields, size_t n_fields)
{
	const char *message = find_field(fields, n_fields, "MESSAGE");

	if (logger.to_journal && g_log_writer_journald(level, fields, n_fields, NULL) == G_LOG_WRITER_HANDLED)
		return;
	write_line(level, message ? message : "(no text)");
}

static void emit_left_out(const char *place, unsigned left_out, void *data)
{
	g_autofree char *message = g_strdup_printf("%u similar messages left out (%s)", left_out, place);
	const GLogField fields[] = {{"MESSAGE", message, -1}, {"PRIORITY", "4", -1}, {"GLIB_DOMAIN", G_LOG_DOMAIN, -1}};

	emit(G_LOG_LEVEL_WARNING, fields, G_N_ELEMENTS(fields));
}

/* Where in the program the message was made; its domain where the maker does not say. Free it. */
static char *message_place(const GLogField *fields, size_t n_fields)
{
	const char *file = find_field(fields, n_fields, "CODE_FILE"), *line = find_field(fields, n_fields, "CODE_LINE");
	const char *domain = find_field(fields, n_fields, "GLIB_DOMAIN");

	if (!file || !line)
		return g_strdup(domain ? domain : "?");
	while (g_str_has_prefix(file, "../"))
		file += 3;
	return g_strdup_printf("%s:%s", file, line);
}

static GLogWriterOutput log_writer(GLogLevelFlags level, const GLogField *fields, gsize n_fields, void *data)
{
	g_autofree char *place = NULL;
	unsigned left_out = 0;
	gboolean may = TRUE;
	const int severity = level & G_LOG_LEVEL_MASK;

	/* Chatter is off unless asked for, here or in G_MESSAGES_DEBUG. Smaller flags are more severe. */
	if (severity > g_atomic_int_get(&logger.least) &&
	    (severity < G_LOG_LEVEL_INFO ||
	     g_log_writer_default_would_drop(level, find_field(fields, n_fields, "GLIB_DOMAIN"))))
		return G_LOG_WRITER_HANDLED;
	place = message_place(fields, n_fields);
	g_mutex_lock(&logger.lock);
	if (!(level & G_LOG_FLAG_FATAL))
		may = rate_limiter_take(logger.limiter, place, g_get_monotonic_time(), &left_out);
	g_mutex_unlock(&logger.lock);
	if (left_out)
		emit_left_out(place, left_out, NULL);
	if (may)
		emit(level, fields, n_fields);
	return G_LOG_WRITER_HANDLED;
}

void log_start(void)
{
	logger.to_journal = g_log_writer_is_journald(STDERR_FILENO);
	logger.limiter = rate_limiter_new(0);
	g_log_set_writer_func(log_writer, NULL, NULL);
}

void log_configure(const Config *config, gboolean verbose)
{
	const char *name = config_string(config, "log", "level");

	g_mutex_lock(&logger.lock);
	for (size_t i = 0; i < G_N_ELEMENTS(levels); i++)
		if (!strcmp(levels[i].name, verbose ? "debug" : name))
			g_atomic_int_set(&logger.least, levels[i].level);
	rate_limiter_set(logger.limiter, verbose ? 0 : config_int(config, "log", "rate-limit"));
	g_mutex_unlock(&logger.lock);
}

void log_flush(void)
{
	g_mutex_lock(&logger.lock);
	rate_limiter_drain(logger.limiter, emit_left_out, NULL);
	g_mutex_unlock(&logger.lock);
}
