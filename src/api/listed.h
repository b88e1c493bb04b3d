/* One page of rows, from whatever path gives pages of rows. Answers on a client worker thread; see client.h. */
#pragma once

#include "api/records.h"

/* Fills @page, whose rows the caller drops, also when it returns false with what makes no sense. */
bool listed_read (const ClientAnswer *answer, RecordsPage *page, GError **error);

/* Sends @call, a GET, and checks what comes as records_list() does. */
uint64_t listed_send (Client *client, const ClientCall *call, RecordsDone done, void *data);
