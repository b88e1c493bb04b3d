/* Notification channels, and whom a change concerns. */
#pragma once

#include "request.h"

/* A channel that a client opened. Write lock to change it. */
typedef struct
{
  char *channel_id;
  char *user_id;
  char *base_url;     /* how the client reached us, for resource_uri */
  char *notify_url;
  char *token;        /* NULL: none */
  GPtrArray *events;  /* char *: "Leads.edit" */
  json_t *conditions; /* as sent; NULL: none */
  time_t expiry;
  bool related;       /* notify_on_related_action */
  bool values;        /* return_affected_field_values */
} Channel;

/* "http://127.0.0.1:4711/crm/v8/Leads", new. */
char *channel_resource (const Channel *channel, const char *module);

/* watch_send.c: what to tell @channel about the change of a record; new, or NULL when it does not concern it.
 * @operation: "insert", "update" or "delete". @changed: the names of the changed fields. */
json_t *watch_message (Emulator *emulator, const Channel *channel, const Module *module, const char *operation,
                       uint64_t id, const json_t *changed);
