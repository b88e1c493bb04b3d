/* How many records a related list has. */
#pragma once

#include "request.h"

void handle_related_count (Emulator *emulator, const Request *request, Reply *reply);
