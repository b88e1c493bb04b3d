/* Files uploaded for the fields of records (POST /files). */
#pragma once

#include "request.h"

/* What a file field shows of an uploaded file, as its row number @sequence; new. NULL: no such file. */
json_t *uploads_describe (Emulator *emulator, const char *file_id, size_t sequence);

void handle_upload_files (Emulator *emulator, const Request *request, Reply *reply);
void handle_download_file (Emulator *emulator, const Request *request, Reply *reply);

void uploads_start (Emulator *emulator);
void uploads_stop (Emulator *emulator);
