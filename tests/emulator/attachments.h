/* Attachments and photos of records. */
#pragma once

#include "request.h"

void handle_list_attachments (Emulator *emulator, const Request *request, Reply *reply);
void handle_attach (Emulator *emulator, const Request *request, Reply *reply);
void handle_download_attachment (Emulator *emulator, const Request *request, Reply *reply);
void handle_delete_attachments (Emulator *emulator, const Request *request, Reply *reply);
void handle_get_photo (Emulator *emulator, const Request *request, Reply *reply);
void handle_set_photo (Emulator *emulator, const Request *request, Reply *reply);
void handle_delete_photo (Emulator *emulator, const Request *request, Reply *reply);

/* How many attachments a record has. */
size_t attachments_count (const Module *module, uint64_t id);

/* The `$attachments` of a note, new: [{"$file_id","File_Name","Size","id"}]. */
json_t *attachments_of_note (uint64_t note);

void attachments_start (Emulator *emulator);
void attachments_stop (Emulator *emulator);
