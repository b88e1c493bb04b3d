/* Every kind of node there is. The numbers of kinds are part of inode numbers: never change one. */
#pragma once

#include "fs/node.h"

enum
{
  KIND_ROOT = 0,
  KIND_MODULE = 1,
  KIND_RECORD = 2,
  KIND_USERS_ME = 3,
  KIND_TEXT = 4,
  KIND_STATUS = 5,
  KIND_CONTROL = 6,
  KIND_JOURNAL = 7,
  KIND_DRAFTS = 8,
  KIND_DRAFT = 9,
  KIND_LOCAL = 10,
  KIND_LOCAL_LINK = 11,
  KIND_DRAIN = 12,
  KIND_FOLDER = 13,
  KIND_RELATED = 14,
  KIND_RELATED_LINK = 15,
  KIND_SEARCH = 16,
  KIND_SEARCH_TERM = 17,
  KIND_SEARCH_LINK = 18,
  KIND_TRASH = 19,
  KIND_TRASH_MODULE = 20,
  KIND_TRASH_RECORD = 21,
  KIND_ATTACHMENTS = 22,
  KIND_ATTACHMENT = 23,
  KIND_COQL = 24,
  KIND_QUERIES = 25,
  KIND_QUERY = 26,
  KIND_QUERY_ROWS = 27,
  KIND_NOTES = 28,
  KIND_NOTES_OF = 29,
  KIND_FOLDER_NOTES = 40,
  KIND_SEARCH_MORE = 41,
};

extern const NodeKind root_kind;     /* / */
extern const NodeKind module_kind;   /* /Leads, /Users */
extern const NodeKind record_kind;   /* a record's document */
extern const NodeKind users_me_kind; /* /Users/me.json */
extern const NodeKind text_kind;     /* generated texts: README.md, org.json, a module's metadata */
extern const NodeKind status_kind;   /* /.zohofs/status.json, /.zohofs/metrics: another one at each look */
extern const NodeKind control_kind;  /* /.zohofs and its folders */
extern const NodeKind journal_kind;  /* /.zohofs/events.jsonl and the like; NodeKey.id is a FsJournal */
extern const NodeKind drafts_kind;   /* /.zohofs/drafts, with NodeKey.id 0, and its folders, by draft_names_number() */
extern const NodeKind local_kind;      /* a file in a module's directory that is not in the CRM */
extern const NodeKind local_link_kind; /* a symlink there */
extern const NodeKind drain_kind;      /* /.zohofs/drain */
extern const NodeKind notes_kind;    /* /Leads/notes: the records that have notes */
extern const NodeKind notes_of_kind; /* a folder there: the notes of record NodeKey.id */
extern const NodeKind attachments_kind; /* its attachments/: NodeKey.id is the record's, too */
extern const NodeKind attachment_kind;  /* what is in there; by attachments.c alone */
extern const NodeKind coql_kind;       /* .coql, at the root and in modules */
extern const NodeKind queries_kind;    /* /queries */
extern const NodeKind query_kind;      /* what lies there on this computer; NodeKey.id is its inode */
extern const NodeKind query_rows_kind; /* rows of a query there; NodeKey.id is a draft_names_number() */
extern const NodeKind draft_kind;    /* what is in them; NodeKey.id is a draft_names_number() */

extern const NodeKind folder_kind;       /* /Leads/<label>.<id>, with the record's id */
extern const NodeKind folder_notes_kind; /* a symlink in it to the record's notes */
extern const NodeKind related_kind;      /* a related list in it; NodeKey.id is that of related_key() */
extern const NodeKind related_link_kind; /* a record in that list */
extern const NodeKind search_kind;       /* /Leads/.search */
extern const NodeKind search_term_kind;  /* what is searched for; NodeKey.id is a draft_names_number() */
extern const NodeKind search_link_kind;  /* a hit */
extern const NodeKind search_more_kind;  /* says that there are more */
extern const NodeKind trash_kind;        /* /.zohofs/trash */
extern const NodeKind trash_module_kind; /* a module in it */
extern const NodeKind trash_record_kind; /* a deleted record, with its id */

/* NodeKey.id of text_kind; part of inode numbers. */
enum
{
  TEXT_README = 1,
  TEXT_ORG = 2,
  TEXT_MODULE = 3,
  TEXT_FIELDS = 4,
  TEXT_RELATED_LISTS = 5,
  TEXT_SCHEMA = 6,
};

/* NodeKey.id of status_kind; part of inode numbers. */
enum
{
  STATUS_JSON = 0,
  STATUS_METRICS = 1,
};

/* NodeKey.id of control_kind; part of inode numbers. */
enum
{
  CONTROL_TOP = 1,     /* /.zohofs */
  CONTROL_MODULES = 2, /* /.zohofs/modules */
  CONTROL_MODULE = 3,  /* /.zohofs/modules/Leads */
};

/* Attributes of a directory that changed last at @mtime. */
static inline void
kinds_directory_attr (Attr *attr, int64_t mtime, bool writable)
{
  *attr = (Attr) { .mode = S_IFDIR | (writable ? 0755 : 0555), .mtime = mtime };
}

/* The name of a record's folder. To g_free(). */
char *folder_name (StoreModule *module, uint64_t id);
/* The directory of a related list of a record. */
NodeKey related_key (const Ask *ask, StoreModule *module, uint64_t id, const char *list);
/* For Route.take: .coql, where there are opens. */
StoreState coql_take (const Ask *ask, const NodeKey *dir, const char *name, NodeKey *found, GError **error);

/* A listing's modules, or NULL with STORE_WAITING or STORE_FAILED. Its version follows from them. */
StoreState kinds_list_modules (const Ask *ask, Listing *listing, GError **error);
/* The files of @dir that are here alone: Listing.locals, and a version that changes with them. */
void kinds_list_locals (const Ask *ask, const NodeKey *dir, Listing *listing);
/* One of them; @module: of the directory's records. */
void kinds_local_entry (StoreModule *module, const Listing *listing, size_t index, Entry *entry);
/* Equal numbers, equal modules. */
uint64_t kinds_modules_version (const GPtrArray *modules);
