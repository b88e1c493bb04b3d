/* ZIP files in memory, by libzip. */
#include "archive.h"

#include <zip.h>

static zip_t *
open_buffer (GBytes *zip)
{
  size_t size;
  const void *data = g_bytes_get_data (zip, &size);
  zip_source_t *source = zip_source_buffer_create (data, size, 0, NULL);
  zip_t *archive = source == NULL ? NULL : zip_open_from_source (source, ZIP_RDONLY, NULL);

  if (archive == NULL && source != NULL)
    zip_source_free (source);
  return archive;
}

/* What the archive wrote into @source, which stays the caller's. */
static GBytes *
read_source (zip_source_t *source)
{
  zip_stat_t stat;
  char *data;

  g_assert_cmpint (zip_source_stat (source, &stat), ==, 0);
  data = g_malloc (stat.size);
  g_assert_cmpint (zip_source_open (source), ==, 0);
  g_assert_cmpint (zip_source_read (source, data, stat.size), ==, (zip_int64_t) stat.size);
  zip_source_close (source);
  return g_bytes_new_take (data, stat.size);
}

GBytes *
archive_pack (const char *name, GBytes *content)
{
  zip_source_t *target = zip_source_buffer_create (NULL, 0, 0, NULL);
  zip_t *archive = zip_open_from_source (target, ZIP_TRUNCATE, NULL);
  size_t size;
  const void *data = g_bytes_get_data (content, &size);
  GBytes *packed;

  g_assert_nonnull (archive);
  zip_source_keep (target);
  g_assert_cmpint (zip_file_add (archive, name, zip_source_buffer (archive, data, size, 0), ZIP_FL_ENC_UTF_8), ==, 0);
  zip_set_file_compression (archive, 0, ZIP_CM_DEFLATE, 1);
  g_assert_cmpint (zip_close (archive), ==, 0);
  packed = read_source (target);
  zip_source_free (target);
  return packed;
}

gboolean
archive_is_zip (GBytes *zip)
{
  zip_t *archive = open_buffer (zip);

  if (archive == NULL)
    return FALSE;
  zip_discard (archive);
  return TRUE;
}

static GBytes *
read_member (zip_t *archive, zip_uint64_t index, size_t most)
{
  zip_stat_t stat;
  zip_file_t *file;
  char *data;
  zip_int64_t got;

  if (zip_stat_index (archive, index, 0, &stat) != 0 || (stat.valid & ZIP_STAT_SIZE) == 0 || stat.size > most)
    return NULL;
  file = zip_fopen_index (archive, index, 0);
  if (file == NULL)
    return NULL;
  data = g_malloc (stat.size + 1);
  got = zip_fread (file, data, stat.size);
  zip_fclose (file);
  if (got >= 0 && (zip_uint64_t) got == stat.size)
    return g_bytes_new_take (data, stat.size);
  g_free (data);
  return NULL;
}

GBytes *
archive_unpack (GBytes *zip, const char *name, size_t most)
{
  zip_t *archive = open_buffer (zip);
  zip_int64_t index;
  GBytes *content;

  if (archive == NULL)
    return NULL;
  index = name == NULL ? (zip_get_num_entries (archive, 0) > 0 ? 0 : -1) : zip_name_locate (archive, name, 0);
  content = index < 0 ? NULL : read_member (archive, (zip_uint64_t) index, most);
  zip_discard (archive);
  return content;
}
