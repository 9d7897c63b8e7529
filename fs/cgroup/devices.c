/*
 * The devices controller (v1): which device nodes a group's processes may open or make (security/device_cgroup.c).
 *
 * A group either allows everything but its exceptions, or denies everything but its exceptions. A group never gets more
 * than its parent has; what is taken from a group is taken from all groups below it. devices.list can only show the
 * second kind: while everything is allowed by default it reads "a *:* rwm", whatever the exceptions are. Here the rules
 * are kept and answered for, not enforced.
 */
#include "fs/cgroup/group.h"

#include "fs/parse.h"

#include <errno.h>
#include <stdlib.h>

/* "*" */
#define ANY G_MAXUINT32

/* A removed group counts as a child until the kernel has taken it offline, after a grace period of its RCU: measured as
 * 15 to 20 ms, microseconds. */
#define OFFLINE_DELAY 20000

enum { ACCESS_READ = 1, ACCESS_WRITE = 2, ACCESS_MKNOD = 4 };

typedef struct Exception {
	char type; /* 'b' or 'c' */
	guint32 major, minor;
	unsigned access;
} Exception;

typedef struct Devices {
	gboolean allows; /* what is no exception */
	GArray *exceptions;
	gint64 child_offline; /* g_get_monotonic_time() when the last removed child is gone for good */
} Devices;

static Devices *devices_of(const Group *group)
{
	return group ? group->states[CONTROLLER_DEVICES] : NULL;
}

static Exception *exception_at(const Devices *devices, guint i)
{
	return &g_array_index(devices->exceptions, Exception, i);
}

static void copy_exceptions(Devices *to, const Devices *from)
{
	g_array_set_size(to->exceptions, 0);
	if (from)
		g_array_append_vals(to->exceptions, from->exceptions->data, from->exceptions->len);
}

static void devices_init(Fs *fs, Group *group, void *state, Group *parent, void *parent_state)
{
	Devices *devices = state;
	const Devices *above = parent_state;

	devices->exceptions = g_array_new(FALSE, FALSE, sizeof(Exception));
	devices->allows = above ? above->allows : TRUE;
	copy_exceptions(devices, above);
}

static void devices_clear(Fs *fs, Group *group, void *state)
{
	Devices *above = devices_of(group->parent);

	if (above)
		above->child_offline = g_get_monotonic_time() + OFFLINE_DELAY;
	g_array_unref(((Devices *) state)->exceptions);
}

static gboolean is_same_device(const Exception *a, const Exception *b)
{
	return a->type == b->type && a->major == b->major && a->minor == b->minor;
}

static void add_exception(Devices *devices, const Exception *exception)
{
	for (guint i = 0; i < devices->exceptions->len; i++) {
		Exception *present = exception_at(devices, i);

		if (is_same_device(present, exception)) {
			present->access |= exception->access;
			return;
		}
	}
	g_array_append_val(devices->exceptions, *exception);
}

static void remove_exception(Devices *devices, const Exception *exception)
{
	for (guint i = 0; i < devices->exceptions->len; i++) {
		Exception *present = exception_at(devices, i);

		if (!is_same_device(present, exception))
			continue;
		present->access &= ~exception->access;
		if (present->access == 0)
			g_array_remove_index(devices->exceptions, i);
		return;
	}
}

/* Does one exception cover all of this? */
static gboolean is_covered(const Devices *devices, const Exception *wanted)
{
	for (guint i = 0; i < devices->exceptions->len; i++) {
		const Exception *present = exception_at(devices, i);

		if (present->type == wanted->type && (present->major == ANY || present->major == wanted->major) &&
		    (present->minor == ANY || present->minor == wanted->minor) &&
		    (wanted->access & ~present->access) == 0)
			return TRUE;
	}
	return FALSE;
}

static gboolean numbers_meet(guint32 a, guint32 b)
{
	return a == ANY || b == ANY || a == b;
}

/* Does any exception touch any of this? */
static gboolean is_touched(const Devices *devices, const Exception *wanted)
{
	for (guint i = 0; i < devices->exceptions->len; i++) {
		const Exception *present = exception_at(devices, i);

		if (present->type == wanted->type && numbers_meet(present->major, wanted->major) &&
		    numbers_meet(present->minor, wanted->minor) && (wanted->access & present->access) != 0)
			return TRUE;
	}
	return FALSE;
}

/* May a group below `above` have this exception? `allows`: what that group does with everything else. */
static gboolean parent_permits(const Devices *above, const Exception *exception, gboolean allows)
{
	if (!above)
		return TRUE;
	if (!above->allows)
		return is_covered(above, exception);
	return allows || !is_touched(above, exception);
}

static void drop_unpermitted(Devices *devices, const Devices *above)
{
	for (guint i = devices->exceptions->len; i-- > 0;)
		if (!parent_permits(above, exception_at(devices, i), devices->allows))
			g_array_remove_index(devices->exceptions, i);
}

typedef struct Restriction {
	Group *top;
	const Exception *exception;
} Restriction;

static int restrict_descendant(Group *group, void *data)
{
	const Restriction *restriction = data;
	Devices *devices = devices_of(group);

	if (group == restriction->top)
		return 0;
	if (devices_of(restriction->top)->allows && devices->allows)
		add_exception(devices, restriction->exception);
	else
		remove_exception(devices, restriction->exception);
	drop_unpermitted(devices, devices_of(group->parent));
	return 0;
}

static int allow(Group *group, const Exception *exception)
{
	Devices *devices = devices_of(group);
	const Devices *above = devices_of(group->parent);

	if (!devices->allows) {
		if (!parent_permits(above, exception, FALSE))
			return -EPERM;
		add_exception(devices, exception);
		return 0;
	}
	if (above && is_touched(above, exception))
		return -EPERM;
	remove_exception(devices, exception);
	return 0;
}

static int deny(Group *group, const Exception *exception)
{
	Devices *devices = devices_of(group);
	Restriction restriction = {group, exception};

	if (devices->allows)
		add_exception(devices, exception);
	else
		remove_exception(devices, exception);
	return group_walk(group, restrict_descendant, &restriction);
}

static gboolean has_online_children(const Group *group)
{
	return group->children->len > 0 || g_get_monotonic_time() < devices_of(group)->child_offline;
}

static int allow_all(Group *group)
{
	Devices *devices = devices_of(group);
	const Devices *above = devices_of(group->parent);

	if (has_online_children(group))
		return -EINVAL;
	if (above && !above->allows)
		return -EPERM;
	copy_exceptions(devices, above);
	devices->allows = TRUE;
	return 0;
}

static int deny_all(Group *group)
{
	Devices *devices = devices_of(group);

	if (has_online_children(group))
		return -EINVAL;
	copy_exceptions(devices, NULL);
	devices->allows = FALSE;
	return 0;
}

/* "*", or up to 11 decimal digits that fit into 32 bits. */
static int read_number(const char **at, guint32 *ret)
{
	char digits[12] = "";
	size_t len = 0;
	guint64 value;

	if (**at == '*') {
		*ret = ANY;
		(*at)++;
		return 0;
	}
	while (g_ascii_isdigit(**at) && len < sizeof(digits) - 1)
		digits[len++] = *(*at)++;
	if (len == 0)
		return -EINVAL;
	value = g_ascii_strtoull(digits, NULL, 10);
	if (value > G_MAXUINT32)
		return -EINVAL;
	*ret = (guint32) value;
	return 0;
}

/* At most three letters are looked at. */
static int read_access(const char *text, unsigned *ret)
{
	*ret = 0;
	for (int i = 0; i < 3 && *text != '\0' && *text != '\n'; i++, text++) {
		if (*text == 'r')
			*ret |= ACCESS_READ;
		else if (*text == 'w')
			*ret |= ACCESS_WRITE;
		else if (*text == 'm')
			*ret |= ACCESS_MKNOD;
		else
			return -EINVAL;
	}
	return 0;
}

/* "b 8:* rw" */
static int parse_exception(const char *text, Exception *ret)
{
	Exception exception = {.type = text[0]};
	int r;

	if ((exception.type != 'b' && exception.type != 'c') || !g_ascii_isspace(text[1]))
		return -EINVAL;
	text += 2;
	r = read_number(&text, &exception.major);
	if (r < 0)
		return r;
	if (*text++ != ':')
		return -EINVAL;
	r = read_number(&text, &exception.minor);
	if (r < 0)
		return r;
	if (!g_ascii_isspace(*text++))
		return -EINVAL;
	r = read_access(text, &exception.access);
	if (r < 0)
		return r;
	*ret = exception;
	return 0;
}

static int devices_allow(const VContext *ctx, const char *text, size_t len)
{
	Exception exception;
	int r;

	if (text[0] == 'a')
		return allow_all(ctx->owner);
	r = parse_exception(text, &exception);
	return r < 0 ? r : allow(ctx->owner, &exception);
}

static int devices_deny(const VContext *ctx, const char *text, size_t len)
{
	Exception exception;
	int r;

	if (text[0] == 'a')
		return deny_all(ctx->owner);
	r = parse_exception(text, &exception);
	return r < 0 ? r : deny(ctx->owner, &exception);
}

static void show_number(guint32 number, GString *out)
{
	if (number == ANY)
		g_string_append_c(out, '*');
	else
		g_string_append_printf(out, "%u", number);
}

static void show_exception(const Exception *exception, GString *out)
{
	g_string_append_printf(out, "%c ", exception->type);
	show_number(exception->major, out);
	g_string_append_c(out, ':');
	show_number(exception->minor, out);
	g_string_append_printf(out, " %s%s%s\n", exception->access & ACCESS_READ ? "r" : "",
			       exception->access & ACCESS_WRITE ? "w" : "",
			       exception->access & ACCESS_MKNOD ? "m" : "");
}

static int devices_list(const VContext *ctx, GString *out)
{
	const Devices *devices = ctx->state;

	if (devices->allows)
		g_string_append(out, "a *:* rwm\n");
	for (guint i = 0; !devices->allows && i < devices->exceptions->len; i++)
		show_exception(exception_at(devices, i), out);
	return 0;
}

static const VFile devices_v1_files[] = {
	{"devices.allow", 0200, 0, ORIGIN_SETTING, NULL, devices_allow, 0,
	 "write \"TYPE MAJOR:MINOR ACCESS\" or \"a\" to allow devices"},
	{"devices.deny", 0200, 0, ORIGIN_SETTING, NULL, devices_deny, 0,
	 "write \"TYPE MAJOR:MINOR ACCESS\" or \"a\" to deny devices"},
	{"devices.list", 0444, 0, ORIGIN_SETTING, devices_list, NULL, 0, "devices that may be used"},
	{0},
};

/* devices.list does not show the exceptions of a group that allows everything else. */
static void devices_save(const Group *group, const void *state, GVariantDict *dict)
{
	const Devices *devices = state;
	GVariantBuilder exceptions;

	g_variant_builder_init(&exceptions, G_VARIANT_TYPE("a(yuuu)"));
	for (guint i = 0; i < devices->exceptions->len; i++) {
		const Exception *exception = exception_at(devices, i);

		g_variant_builder_add(&exceptions, "(yuuu)", exception->type, exception->major, exception->minor,
				      exception->access);
	}
	g_variant_dict_insert(dict, "allows", "b", devices->allows);
	g_variant_dict_insert_value(dict, "exceptions", g_variant_builder_end(&exceptions));
}

static void devices_restore(Group *group, void *state, GVariantDict *dict)
{
	g_autoptr(GVariant) exceptions = g_variant_dict_lookup_value(dict, "exceptions", G_VARIANT_TYPE("a(yuuu)"));
	Devices *devices = state;
	Exception exception;
	GVariantIter iter;
	guchar type;

	if (!exceptions || !g_variant_dict_lookup(dict, "allows", "b", &devices->allows))
		return;
	g_array_set_size(devices->exceptions, 0);
	g_variant_iter_init(&iter, exceptions);
	while (g_variant_iter_next(&iter, "(yuuu)", &type, &exception.major, &exception.minor, &exception.access)) {
		exception.type = (char) type;
		g_array_append_val(devices->exceptions, exception);
	}
}

const Controller devices_controller = {
	.v1_name = "devices",
	.v1_files = devices_v1_files,
	.state_size = sizeof(Devices),
	.init = devices_init,
	.clear = devices_clear,
	.save = devices_save,
	.restore = devices_restore,
};
