/* Texts that may hold a token. */
#pragma once

/* @text without anything that looks like a token or grant code of Zoho's: "1000.[masked]". To g_free(). */
char *mask_tokens (const char *text);
