/* The files of /queries, which lie in the profile's state folder: queries, and what editors put beside them. They
 * are known by their inode there, which a new name does not change. Any thread; the disk alone is waited for. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* Bytes of a file. */
#define QUERY_FILES_MAX ((size_t)1 << 20)

/* The folder, made when @create. To g_free(); NULL with @error. */
char *query_files_folder (const char *state, bool create, GError **error);

/* Names of the files, sorted. No folder: none. Array of char *, to g_ptr_array_unref(). */
GPtrArray *query_files_list (const char *state);
bool query_files_stat (const char *state, const char *name, struct stat *about, GError **error);
/* The name that has that inode, to g_free(); NULL: none (any more). */
char *query_files_name (const char *state, uint64_t inode, struct stat *about);

/* A new file. ZOHO_ERROR_DUPLICATE when there is one. */
bool query_files_create (const char *state, const char *name, struct stat *about, GError **error);
/* As open(2), for what is there. Returns: -1 with @error. */
int query_files_open (const char *state, uint64_t inode, int flags, GError **error);
/* The whole text, to g_bytes_unref(). */
GBytes *query_files_read (const char *state, const char *name, GError **error);
/* @flags: as of renameat2(2). */
bool query_files_rename (const char *state, const char *name, const char *new_name, unsigned flags, GError **error);
bool query_files_remove (const char *state, const char *name, GError **error);

/* What failed, by errno: @what, and why. Returns: false. */
bool query_files_fail (GError **error, const char *what);
