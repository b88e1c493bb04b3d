/* The route tables, one per family of endpoints, each in its family's file. Of the rows whose method and pattern
 * match, the one with the most literal segments wins, then the first in the order below. */
#pragma once

#include "request.h"

enum
{
  ROUTE_WRITES = 1 << 0, /* handler runs under the write lock */
  ROUTE_HEAVY = 1 << 1,  /* of the sub-concurrency class */
  ROUTE_BULK = 1 << 2,   /* below /crm/bulk/v8 instead of /crm/v8 */
  ROUTE_NO_JSON = 1 << 3 /* the body is not JSON (multipart, binary): it is not parsed */
};

typedef struct
{
  const char *method;
  const char *pattern;  /* "{module}/{id}/actions/clone": a {word} takes any one segment, {module} only a known module
                         * (else INVALID_MODULE) */
  const char *scope;    /* "modules.{module}.READ", "coql.READ", "settings.fields.READ"; the check accepts ALL and wider
                         * areas; several separated by commas: all are needed; NULL: any valid token */
  unsigned credits;
  unsigned flags;
  const char *params;   /* comma separated query parameters it knows; others are refused; NULL: none known */
  Handler handler;
} Route;

/* Each ends with a row of zeroes. */
extern const Route metadata_routes[];  /* metadata.c: settings/..., org, users */
extern const Route read_routes[];      /* read.c: list, get, fetch_full_data, count, deleted, related lists, notes GET */
extern const Route search_routes[];    /* search.c */
extern const Route coql_routes[];      /* coql.c */
extern const Route write_routes[];     /* write.c: insert, update, upsert, delete, clone, convert, tags, link, delink,
                                        * recycle bin */
extern const Route notes_routes[];     /* notes.c: notes' writes, attachments, photo, files */
extern const Route bulk_routes[];      /* bulk.c: bulk read and write, upload */
extern const Route watch_routes[];     /* watch.c: notifications */

/* Threads and state of a family, made before the first request and freed after the last. */
void notes_start (Emulator *emulator);
void notes_stop (Emulator *emulator);
void bulk_start (Emulator *emulator);
void bulk_stop (Emulator *emulator);
void watch_start (Emulator *emulator); /* listens to the store and sends */
void watch_stop (Emulator *emulator);
