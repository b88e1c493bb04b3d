/* The text of the mount's own README.md. */
#pragma once

/* For people and programs that meet the mount without having read anything else. @api_url names the org's host.
 * To g_free(). */
char *readme_text (const char *profile, const char *api_url);
