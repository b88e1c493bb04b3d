/* POSTs JSON to those who asked to be told, in order, on a thread of its own. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Sender Sender;

Sender *sender_new (void);

/* Any thread; never blocks. @body is stolen. Sent not before @delay_ms. At most once: a failure is not repeated. Only
 * plain http to loopback is ever contacted; what goes elsewhere is dropped, so that no test reaches out of its
 * machine. */
void sender_post (Sender *sender, const char *url, json_t *body, unsigned delay_ms);

/* Drops what is still queued. NULL is fine. */
void sender_free (Sender *sender);

/* Would Zoho take it: https (or http to loopback), at most 255 characters? */
bool sender_url_valid (const char *url);
