/*
 * Open files by id. The kernel hands an id back with each request; finding its file takes no lock, because the kernel
 * never uses an id while or after it releases it.
 */
#include "daemon/fuse-private.h"

#define OPEN_CHUNK 256u
#define EPOCH_BITS 40 /* an id is the epoch, then the slot's index */

static uint64_t epoch_of(uint64_t id)
{
	return id >> EPOCH_BITS;
}

static OpenFile *slot(OpenTable *table, uint32_t index)
{
	OpenFile *chunk = atomic_load_explicit(&table->chunks[index / OPEN_CHUNK], memory_order_acquire);

	return chunk ? &chunk[index % OPEN_CHUNK] : NULL;
}

void open_table_init(OpenTable *table)
{
	g_mutex_init(&table->lock);
	/* Never 0, and hardly ever what another process of the session has: the time it started, in milliseconds. */
	table->epoch = ((uint64_t) g_get_real_time() / 1000 & 0xffffff) | 1;
	table->free = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	table->adopted = g_hash_table_new(g_int64_hash, g_int64_equal);
}

static void close_file(OpenFile *file, Fs *fs)
{
	if (file->handle)
		fs_close(fs, file->handle);
	g_clear_pointer(&file->node, node_unref);
	g_clear_pointer(&file->entries, g_ptr_array_unref);
	g_mutex_clear(&file->lock);
	file->handle = NULL;
	file->id = 0;
}

static Node *node_of(const OpenFile *file)
{
	return file->handle ? handle_node(file->handle) : file->node;
}

Node *open_table_node(OpenTable *table, uint64_t ino)
{
	Node *node = NULL;

	g_mutex_lock(&table->lock);
	for (uint32_t i = 0; i < table->used && !node; i++) {
		const OpenFile *file = slot(table, i);
		if (file->id && node_of(file)->ino == ino)
			node = node_ref(node_of(file));
	}
	g_mutex_unlock(&table->lock);
	return node;
}

void open_table_clear(OpenTable *table, Fs *fs)
{
	GHashTableIter iter;
	gpointer file;

	for (uint32_t i = 0; i < table->used; i++)
		if (slot(table, i)->id)
			close_file(slot(table, i), fs);
	for (size_t i = 0; i < G_N_ELEMENTS(table->chunks); i++)
		g_free(atomic_load(&table->chunks[i]));
	g_hash_table_iter_init(&iter, table->adopted);
	while (g_hash_table_iter_next(&iter, NULL, &file)) {
		close_file(file, fs);
		g_free(file);
	}
	g_hash_table_unref(table->adopted);
	g_array_unref(table->free);
	g_mutex_clear(&table->lock);
}

static gboolean take_slot(OpenTable *table, uint32_t *ret)
{
	if (table->free->len) {
		*ret = g_array_index(table->free, uint32_t, table->free->len - 1);
		g_array_set_size(table->free, table->free->len - 1);
		return TRUE;
	}
	if (table->used == OPEN_CHUNK * G_N_ELEMENTS(table->chunks))
		return FALSE;
	*ret = table->used++;
	if (*ret % OPEN_CHUNK == 0)
		atomic_store_explicit(&table->chunks[*ret / OPEN_CHUNK], g_new0(OpenFile, OPEN_CHUNK),
				      memory_order_release);
	return TRUE;
}

OpenFile *open_table_add(OpenTable *table, Handle *handle, Node *node)
{
	OpenFile *file = NULL;
	uint32_t index;

	g_mutex_lock(&table->lock);
	if (take_slot(table, &index)) {
		file = slot(table, index);
		g_mutex_init(&file->lock);
		file->handle = handle;
		file->node = node;
		file->id = table->epoch << EPOCH_BITS | index;
	}
	g_mutex_unlock(&table->lock);
	return file;
}

OpenFile *open_table_get(OpenTable *table, uint64_t id)
{
	OpenFile *file;

	if (epoch_of(id) == table->epoch) {
		file = slot(table, (uint32_t) (id & ((1ULL << EPOCH_BITS) - 1)));
		return file && file->id == id ? file : NULL;
	}
	g_mutex_lock(&table->lock);
	file = g_hash_table_lookup(table->adopted, &id);
	g_mutex_unlock(&table->lock);
	return file;
}

OpenFile *open_table_adopt(OpenTable *table, uint64_t id, Handle *handle, Node *node)
{
	OpenFile *file;

	if (epoch_of(id) == table->epoch)
		return NULL;
	g_mutex_lock(&table->lock);
	file = g_hash_table_lookup(table->adopted, &id);
	if (!file) {
		file = g_new0(OpenFile, 1);
		g_mutex_init(&file->lock);
		file->id = id;
		file->handle = handle;
		file->node = node;
		g_hash_table_insert(table->adopted, &file->id, file);
	}
	g_mutex_unlock(&table->lock);
	return file;
}

void open_table_remove(OpenTable *table, OpenFile *file, Fs *fs)
{
	gboolean is_own = epoch_of(file->id) == table->epoch;
	uint32_t index = (uint32_t) (file->id & ((1ULL << EPOCH_BITS) - 1));

	g_mutex_lock(&table->lock);
	if (!is_own)
		g_hash_table_remove(table->adopted, &file->id);
	file->id = 0;
	g_mutex_unlock(&table->lock);
	close_file(file, fs);
	if (!is_own) {
		g_free(file);
		return;
	}
	g_mutex_lock(&table->lock);
	g_array_append_val(table->free, index);
	g_mutex_unlock(&table->lock);
}
