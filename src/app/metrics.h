/* The text of /.zohofs/metrics. */
#pragma once

#include "app/status.h"

/* Any thread; asks nobody and waits for nothing. To g_free(). */
char *metrics_text (const StatusSource *source);
