/* What changed in the CRM, line by line: /.zohofs/events.jsonl. */
#pragma once

#include "base/jsonl.h"
#include "model/store.h"

/* Adds a line for @event. As StoreConfig.event; @events is the Jsonl. */
void events_add (void *events, const StoreEvent *event);
