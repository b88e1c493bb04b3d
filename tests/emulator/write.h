/* Handlers that write_routes names and other files hold; and what they share. */
#pragma once

#include "request.h"

/* clone.c, convert.c */
void handle_clone (Emulator *emulator, const Request *request, Reply *reply);
void handle_convert (Emulator *emulator, const Request *request, Reply *reply);
/* tags.c */
void handle_add_tags (Emulator *emulator, const Request *request, Reply *reply);
void handle_remove_tags (Emulator *emulator, const Request *request, Reply *reply);
void handle_list_tags (Emulator *emulator, const Request *request, Reply *reply);
void handle_create_tags (Emulator *emulator, const Request *request, Reply *reply);
void handle_update_tags (Emulator *emulator, const Request *request, Reply *reply);
/* related_write.c */
void handle_link (Emulator *emulator, const Request *request, Reply *reply);
void handle_delink (Emulator *emulator, const Request *request, Reply *reply);
/* recycle.c */
void handle_list_bin (Emulator *emulator, const Request *request, Reply *reply);
void handle_purge (Emulator *emulator, const Request *request, Reply *reply);
void handle_restore (Emulator *emulator, const Request *request, Reply *reply);
/* write.c: the entry of one deleted record ({"id"} given), or of why it was not. New. */
json_t *delete_entry (Emulator *emulator, const Request *request, Module *module, uint64_t id, const char *text);

/* Keys every record write takes beside "data". */
extern const char *const record_write_keys[];

/* NO_PERMISSION when @allowed is false: the profile may not "Create", "Edit" or "Delete" in this module. */
bool refuse_permission (Reply *reply, bool allowed, const char *what, const Module *module);
