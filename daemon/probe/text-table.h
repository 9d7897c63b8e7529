/*
 * A table for a terminal: cells are wrapped at blanks within their columns.
 */
#pragma once

#include <glib.h>

typedef struct TextTable TextTable;

/* titles: one per column, NULL at the end. Columns before `n_fixed` are as wide as their widest cell; the others share
 * what is left of `width`. Where that is too little, each row's cells are written below each other. */
TextTable *text_table_new(const char *const *titles, guint n_fixed, guint width);
void text_table_free(TextTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TextTable, text_table_free)

/* As many cells as there are titles. */
void text_table_add(TextTable *table, const char *first, ...) G_GNUC_NULL_TERMINATED;
void text_table_print(const TextTable *table, GString *out);

/* Columns of the terminal that stdout is, of $COLUMNS, or 100. */
guint text_table_terminal_width(void);
