#include "fs/procsys/key.h"
#include "fs/procsys/kind.h"
#include "fs/procsys/procsys.h"

#include <string.h>

static SysctlValue *value_new(const SysctlRule *rule)
{
	SysctlValue *value = g_new0(SysctlValue, 1);

	g_ref_count_init(&value->ref);
	if (rule->kind->convert)
		value->numbers = g_new0(guint64, rule->count);
	return value;
}

static void value_unref(SysctlValue *value)
{
	if (!value || !g_ref_count_dec(&value->ref))
		return;
	g_free(value->numbers);
	g_free(value->text);
	g_free(value);
}

/* What a key has at start may lie outside what can be written: vm/dirty_bytes is 0 until it is used. */
static void set_default(SysctlKey *key, const char *value)
{
	const Sysctl *row = key->row;
	SysctlRule unbounded = row->rule;

	unbounded.min = INT_MIN;
	unbounded.max = ULONG_MAX;
	if (row->machine)
		key->value->numbers[0] = row->machine();
	else if (value && row->rule.kind->convert)
		sysctl_get_numbers(&unbounded, row->rule.kind, value, strlen(value), key->value->numbers);
	else
		key->value->text = g_strdup(value);
}

SysctlKey *sysctl_key_new(ProcSys *procsys, const char *path, const Sysctl *row, const char *value)
{
	SysctlKey *key = g_new0(SysctlKey, 1);

	key->procsys = procsys;
	key->row = row;
	key->path = g_strdup(path);
	key->file.name = strrchr(key->path, '/') ? strrchr(key->path, '/') + 1 : key->path;
	if (row) {
		key->value = value_new(&row->rule);
		set_default(key, value);
	}
	return key;
}

void sysctl_key_free(SysctlKey *key)
{
	if (!key)
		return;
	value_unref(key->value);
	g_free(key->path);
	g_free(key);
}

int sysctl_key_store(SysctlKey *key, const char *text, size_t len)
{
	const Sysctl *row = key->row;
	const SysctlKind *kind = row->rule.kind;
	guint64 before;
	int r;

	if (kind->unlocked)
		return kind->store(key, text, len);
	procsys_lock(key->procsys);
	before = kind->convert ? key->value->numbers[0] : 0;
	r = kind->store(key, text, len);
	if (r == 0 && row->changed)
		row->changed(key, before);
	procsys_unlock(key->procsys);
	return r;
}

int sysctl_key_show(const SysctlKey *key, GString *out)
{
	const SysctlKind *kind = key->row->rule.kind;
	int r;

	if (kind->unlocked)
		return kind->show(key, out);
	procsys_lock(key->procsys);
	r = kind->show(key, out);
	procsys_unlock(key->procsys);
	return r;
}

void sysctl_key_share(SysctlKey *key, SysctlKey *with)
{
	value_unref(key->value);
	g_ref_count_inc(&with->value->ref);
	key->value = with->value;
}
