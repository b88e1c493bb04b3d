/* The texts that the program itself reads: configuration, the kernel's list of mounts, status.json, log lines. */
#include "app/config.h"
#include "app/logging.h"
#include "app/status_command.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = g_strndup ((const char *)data, size);
  g_autoptr (Config) config = config_parse ((const char *)data, size, "config", &error);
  g_auto (GStrv) mounts = status_command_mounts (text);
  g_autofree char *line = logging_clean (text);

  g_free (status_command_table ((const char *)data, size, NULL));

  /* Either a whole configuration or one line that says why not. */
  g_assert_true ((config == NULL) == (error != NULL));
  g_assert_true (config == NULL || (config->accounts_url != NULL && config->api_url != NULL && config->concurrency > 0));
  g_assert_true (g_strv_length (mounts) % 2 == 0);
  g_assert_null (strpbrk (line, "\n\033"));
  return 0;
}
