/* Runs a fuzz target as a test, without a fuzzer: every file of a corpus folder, then a bounded number of mutations of
 * them, the same on every run. */
#include <glib.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define MUTATIONS 20000
#define SIZE_MAX_BYTES 4096

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static GPtrArray *
read_corpus (const char *folder)
{
  GPtrArray *corpus = g_ptr_array_new_with_free_func ((GDestroyNotify)g_byte_array_unref);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      char *text = NULL;
      gsize size = 0;

      if (g_file_get_contents (path, &text, &size, NULL))
        g_ptr_array_add (corpus, g_byte_array_new_take ((guint8 *)text, size));
    }
  return corpus;
}

/* One small change, of the kinds that parsers trip over. */
static void
mutate (GByteArray *input, const GByteArray *other, GRand *dice)
{
  static const char tokens[] = "{}[]\",:\\u0001-.eE09\x00\x01\xff\n";
  guint at = input->len > 0 ? (guint)g_rand_int_range (dice, 0, (gint32)input->len) : 0;
  guint count = (guint)g_rand_int_range (dice, 1, 9);

  switch (input->len > 0 ? g_rand_int_range (dice, 0, 5) : 4)
    {
    case 0:
      input->data[at] ^= (guint8)(1u << g_rand_int_range (dice, 0, 8));
      break;
    case 1:
      input->data[at] = (guint8)tokens[g_rand_int_range (dice, 0, sizeof tokens - 1)];
      break;
    case 2:
      g_byte_array_remove_range (input, at, MIN (count, input->len - at));
      break;
    case 3:
      g_byte_array_set_size (input, at);
      break;
    case 4:
      if (other->len > 0)
        {
          guint from = (guint)g_rand_int_range (dice, 0, (gint32)other->len);

          g_byte_array_append (input, other->data + from, other->len - from);
        }
      break;
    }
  if (input->len > SIZE_MAX_BYTES)
    g_byte_array_set_size (input, SIZE_MAX_BYTES);
}

/* A copy of exactly the size, so that a sanitizer sees a read past the end. */
static void
run (const guint8 *data, size_t size)
{
  guint8 *exact = g_malloc (size + 1);
  guint8 *start = exact + 1;

  memcpy (start, data, size);
  LLVMFuzzerTestOneInput (start, size);
  g_free (exact);
}

static GByteArray *
pick (GPtrArray *corpus, GRand *dice)
{
  return corpus->pdata[g_rand_int_range (dice, 0, (gint32)corpus->len)];
}

int
main (int argc, char **argv)
{
  g_autoptr (GPtrArray) corpus = read_corpus (argc > 1 ? argv[1] : ".");
  g_autoptr (GRand) dice = g_rand_new_with_seed (1);
  g_autoptr (GByteArray) input = g_byte_array_new ();

  if (corpus->len == 0)
    {
      fprintf (stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
      return 2;
    }
  for (guint i = 0; i < corpus->len; i++)
    {
      const GByteArray *whole = corpus->pdata[i];

      run (whole->data, whole->len);
    }
  for (int i = 0; i < MUTATIONS; i++)
    {
      const GByteArray *seed = pick (corpus, dice);

      g_byte_array_set_size (input, 0);
      if (seed->len > 0)
        g_byte_array_append (input, seed->data, seed->len);
      for (int changes = g_rand_int_range (dice, 1, 6); changes > 0; changes--)
        mutate (input, pick (corpus, dice), dice);
      run (input->data, input->len);
    }
  return 0;
}
