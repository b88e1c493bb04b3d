/* api/response.h and api/rows.h: no answer of a server breaks them, and each refusal has words. The first byte picks
 * the HTTP status, the rest is the body. */
#include "api/response.h"
#include "api/rows.h"

#include <stdint.h>

static const int statuses[] = { 200, 201, 204, 207, 304, 302, 400, 401, 403, 404, 412, 413, 429, 500, 503, 0 };

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
check_words (const GError *error)
{
  g_assert_nonnull (error);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  g_assert_cmpint (error->message[0], !=, '\0');
}

static void
read_rows (const json_t *body)
{
  g_autoptr (GError) error = NULL, info_error = NULL;
  g_autoptr (json_t) rows = rows_read (body, "data", true, &error);
  const char *token;
  bool more;

  if (rows == NULL)
    check_words (error);
  if (!rows_read_info (body, &more, &token, &info_error))
    check_words (info_error);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GError) error = NULL, write_error = NULL;
  g_autoptr (json_t) body = NULL, written = NULL;
  const char *text = (const char *)data + 1;
  int status;

  if (size == 0)
    return 0;
  status = statuses[data[0] % G_N_ELEMENTS (statuses)];
  if (response_read (status, text, size - 1, &body, &error) == RESPONSE_OK)
    read_rows (body);
  else
    check_words (error);
  if (response_read_rows (status, text, size - 1, &written, &write_error) == RESPONSE_OK)
    read_rows (written);
  else
    check_words (write_error);
  return 0;
}
