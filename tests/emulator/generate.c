/* The values of generated records, as JSON text: each a pure function of (seed, module, index, field).
 *
 * They are chosen to hurt: many scripts, quotes, line ends, slashes, names that look like files, empty and very long
 * ones, nulls, numbers that no double holds, rich texts just around the length where lists cut them. */
#include "core.h"

#include <string.h>

typedef struct
{
  Emulator *emulator;
  const Module *module;
  const Field *field;
  uint64_t k;
  uint64_t hash; /* of all four */
  bool marked;   /* exact numbers as marked strings */
} Place;

typedef void (*Maker) (const Place *place, GString *out);

static const char *const names[] = {
  "Okafor", "Müller", "Søndergård",   "Łukaszewicz",  "Smith",    "Иванова",    "Παπαδόπουλος", "王",
  "田中",   "김",     "O'Neil",       "García-López", "Nguyễn",   "Çelik",      "Šimůnek",      "محمد",
  "כהן",    "शर्मा",   "สมชาย",        "Dvořák",       "Ó Briain", "Þórsdóttir", "Smith",        "Harbor Tiles",
  "Lópezi", "Q&A",    "van der Berg", "D’Angelo",     "Ivy",      "Jones",
};

static const char *const first_names[] = {
  "Ada",   "Jürgen", "Zoë", "Ольга", "明",   "Adaeze", "José", "Anna-Lena",
  "Mária", "عمر",    "רות", "J.",    "Seán", "Ada",    "Bob",
};

/* One of these comes every few records. */
static const char *const nasty_names[] = {
  "",
  "/",
  "..",
  ".hidden",
  "a/b\\c",
  "Say \"hello\"",
  "line one\nline two\r\n\tthree",
  "🦊🎉 Fox & Söhne 👩‍👩‍👧‍👦",
  "ends with digits 7010000000201",
  "report.1234567890.json",
  "  blanks  around  ",
  "e\xcc\x81"
  "a\xcc\x88 decomposed",
  "\xe2\x80\xae"
  "right to left\xe2\x80\xac",
  "\xef\xbb\xbf"
  "with a mark",
  "null",
  "<script>alert('x')</script>",
  "100%25 %s %n",
  "{\"json\": [1, 2]}",
  "—–…“quoted”",
  "4913",
  "_____",
  "LONG_ASCII",
  "LONG_EMOJI",
  "LONG_SPACED",
};

static const char *const words[] = {
  "harbour",   "tiles",      "delivery",    "naïve",   "Größe", "«цена»", "見積",
  "quarterly", "\"quoted\"", "back\\slash", "o'clock", "50%",   "€1,000", "tab\there",
  "emoji 🚢",   "مرحبا",      "follow-up",   "a;b;c",   "café",  "and",
};

static uint64_t
hash_at (const Place *place, uint64_t salt)
{
  return mix (place->hash, salt);
}

/* Appends @text as a JSON string, cut at the field's length. */
static void
put_text (const Place *place, GString *out, const char *text)
{
  int length = place->field->length;
  const char *end = text + strlen (text);

  if (length > 0 && g_utf8_strlen (text, -1) > length)
    end = g_utf8_offset_to_pointer (text, length);
  json_write_text (out, text, end - text);
}

static char *
repeat (const char *unit, unsigned times)
{
  GString *text = g_string_new (NULL);

  while (times-- > 0)
    g_string_append (text, unit);
  return g_string_free (text, FALSE);
}

static char *
nasty_name (uint64_t n)
{
  const char *name = nasty_names[n % G_N_ELEMENTS (nasty_names)];

  if (strcmp (name, "LONG_ASCII") == 0)
    return repeat ("LongName", 40);
  if (strcmp (name, "LONG_EMOJI") == 0)
    return repeat ("🦊é", 130);
  if (strcmp (name, "LONG_SPACED") == 0)
    return repeat ("長い名前 ", 60);
  return g_strdup (name);
}

/* The name a record is known by. Small modules have the nasty ones closer together. */
static char *
display_name (const Place *place)
{
  unsigned every = place->module->generated <= 100 ? 3 : 8;
  const char *name = names[place->hash % G_N_ELEMENTS (names)];

  if (place->k % every == every - 1)
    return nasty_name (place->k / every);
  if (strcmp (place->field->api_name, "Last_Name") == 0 || strcmp (place->field->api_name, "Company") == 0
      || place->k % 4 == 0)
    return g_strdup (name);
  return g_strdup_printf ("%s %s", name, words[hash_at (place, 1) % G_N_ELEMENTS (words)]);
}

static char *
sentence (const Place *place, unsigned count)
{
  GString *text = g_string_new (NULL);

  for (unsigned i = 0; i < count; i++)
    {
      g_string_append (text, words[hash_at (place, i) % G_N_ELEMENTS (words)]);
      g_string_append (text, i + 1 == count ? "." : i % 9 == 8 ? "\n" : " ");
    }
  return g_string_free (text, FALSE);
}

static bool
is_null (const Place *place, unsigned one_in)
{
  return !place->field->mandatory && hash_at (place, 99) % one_in == 0;
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */

static Place
place_of (const Place *place, const char *field)
{
  Place other = *place;

  other.field = module_field (place->module, field);
  if (other.field != NULL)
    other.hash
        = mix (mix (place->emulator->seed, module_number (place->module)) + g_str_hash (other.field->id), place->k);
  return other;
}

static char *
first_name (const Place *place)
{
  if (place->k % 6 == 5)
    return NULL;
  return g_strdup (first_names[place->hash % G_N_ELEMENTS (first_names)]);
}

static void
make_first_name (const Place *place, GString *out)
{
  g_autofree char *name = first_name (place);

  if (name == NULL)
    g_string_append (out, "null");
  else
    put_text (place, out, name);
}

static char *
cut (char *text, const Field *field)
{
  if (field->length > 0 && g_utf8_strlen (text, -1) > field->length)
    *g_utf8_offset_to_pointer (text, field->length) = '\0';
  return text;
}

static void
make_full_name (const Place *place, GString *out)
{
  Place first = place_of (place, "First_Name");
  Place last = place_of (place, "Last_Name");
  g_autofree char *given = first_name (&first);
  g_autofree char *family = cut (display_name (&last), last.field);
  g_autofree char *full = given == NULL ? g_strdup (family) : g_strdup_printf ("%s %s", given, family);

  put_text (place, out, full);
}

static void
make_code (const Place *place, GString *out)
{
  g_autofree char *code = g_strdup_printf ("%.3s-%06" G_GUINT64_FORMAT, place->field->api_name, place->k);

  if (place->k % 5 == 4)
    g_string_append (out, "null");
  else
    put_text (place, out, code);
}

static void
make_text (const Place *place, GString *out)
{
  const char *name = place->field->api_name;
  g_autofree char *text = NULL;

  if (g_strcmp0 (place->module->display_field, name) == 0 || strcmp (name, "Last_Name") == 0
      || strcmp (name, "Company") == 0 || strcmp (name, "Note_Title") == 0)
    text = display_name (place);
  else if (!is_null (place, 4))
    text = place->hash % 50 == 0 ? nasty_name (place->hash / 50) : sentence (place, 1 + (unsigned) (place->hash % 3));
  if (text == NULL)
    g_string_append (out, "null");
  else
    put_text (place, out, text);
}

static void
make_textarea (const Place *place, GString *out)
{
  g_autofree char *text = NULL;

  if (is_null (place, 3))
    {
      g_string_append (out, "null");
      return;
    }
  text = sentence (place, 5 + (unsigned) (place->hash % 30));
  put_text (place, out, text);
}

static void
make_rich_text (const Place *place, GString *out)
{
  static const unsigned lengths[20] = { 0, 499, 500, 501, 49000, 501, 500, 0, 30, 120, 700, 5000, 60, 90, 499, 501 };
  const char *unit
      = place->k % 20 == 5 || place->k % 20 == 6 ? "<b>Ünï ☃ 🦊</b> " : "<p>The \"brief\" of a project.</p>\n";
  unsigned length = lengths[place->k % 20];
  g_autofree char *text = NULL;

  if (length == 0 && place->k % 20 != 7)
    {
      g_string_append (out, "null");
      return;
    }
  text = repeat (unit, length / (unsigned) g_utf8_strlen (unit, -1) + 1);
  *g_utf8_offset_to_pointer (text, length) = '\0';
  json_write_text (out, text, -1);
}

static void
make_email (const Place *place, GString *out)
{
  static const char *const hosts[] = { "harbor.example", "tiles.example", "sub.mail.example" };

  if (place->k % 11 == 5)
    g_string_append (out, "null");
  else
    g_string_append_printf (out, "\"%s.%" G_GUINT64_FORMAT "+%x@%s\"", place->field->unique ? "user" : "box", place->k,
                            (unsigned) (place->hash % 256), hosts[place->hash % G_N_ELEMENTS (hosts)]);
}

static void
make_phone (const Place *place, GString *out)
{
  if (is_null (place, 3))
    g_string_append (out, "null");
  else
    g_string_append_printf (out, "\"+%u (%03u) %07u\"", (unsigned) (1 + place->hash % 98),
                            (unsigned) (hash_at (place, 1) % 1000), (unsigned) (hash_at (place, 2) % 10000000));
}

static void
make_website (const Place *place, GString *out)
{
  if (is_null (place, 3))
    g_string_append (out, "null");
  else
    g_string_append_printf (out, "\"https://www.example.com/p%u?q=%%C3%%A9&x=1\"", (unsigned) (place->hash % 10000));
}

static void
make_picklist (const Place *place, GString *out)
{
  char **values = place->field->picklist;

  if (values == NULL || is_null (place, 6))
    g_string_append (out, "null");
  else
    put_text (place, out, values[place->hash % g_strv_length (values)]);
}

static void
make_picked (const Place *place, GString *out)
{
  char **values = place->field->picklist;
  bool any = false;

  g_string_append_c (out, '[');
  for (unsigned i = 0; values != NULL && values[i] != NULL; i++)
    {
      if (hash_at (place, i) % 3 != 0)
        continue;
      if (any)
        g_string_append_c (out, ',');
      any = true;
      put_text (place, out, values[i]);
    }
  g_string_append_c (out, ']');
}

static void
make_autonumber (const Place *place, GString *out)
{
  g_string_append_printf (out, "\"N-%" G_GUINT64_FORMAT "\"", place->k + 1);
}

static void
make_duration (const Place *place, GString *out)
{
  g_string_append_printf (out, "\"%02u:%02u\"", (unsigned) (place->hash % 3), (unsigned) (1 + hash_at (place, 1) % 58));
}

/* ---- numbers, times ---------------------------------------------------------------------------------------------- */

static void
put_hundredths (GString *out, int64_t value)
{
  uint64_t size = (uint64_t) (value < 0 ? -value : value);

  if (value < 0)
    g_string_append_c (out, '-');
  g_string_append_printf (out, "%" G_GUINT64_FORMAT, size / 100);
  if (size % 10 != 0)
    g_string_append_printf (out, ".%02u", (unsigned) (size % 100));
  else if (size % 100 != 0)
    g_string_append_printf (out, ".%u", (unsigned) (size % 100 / 10));
}

static void
put_exact (const Place *place, GString *out)
{
  uint64_t whole = UINT64_C (1000000000000000) + place->hash % UINT64_C (8999999999999999);
  unsigned part = (unsigned) (1 + hash_at (place, 1) % 9) + 10 * (unsigned) (hash_at (place, 2) % 10);

  g_string_append_printf (out, place->marked ? "\"\\u0001%" G_GUINT64_FORMAT ".%02u\"" : "%" G_GUINT64_FORMAT ".%02u",
                          whole, part);
}

static void
make_currency (const Place *place, GString *out)
{
  bool big = strcmp (place->field->api_name, "Budget") == 0 || strcmp (place->field->api_name, "Cost") == 0;

  if (is_null (place, 5))
    g_string_append (out, "null");
  else if (big && place->k % 3 == 0)
    put_exact (place, out);
  else
    put_hundredths (out, (int64_t) (place->hash % 100000000) - 100000);
}

static void
make_double (const Place *place, GString *out)
{
  if (is_null (place, 5))
    g_string_append (out, "null");
  else
    put_hundredths (out, (int64_t) (place->hash % 10000));
}

static void
make_integer (const Place *place, GString *out)
{
  if (is_null (place, 5))
    g_string_append (out, "null");
  else
    g_string_append_printf (out, "%u", (unsigned) (place->hash % (place->k % 10 == 0 ? 999999999 : 100)));
}

/* Twice Team_Size. */
static void
make_formula (const Place *place, GString *out)
{
  Place team = place_of (place, "Team_Size");
  g_autoptr (GString) text = g_string_new (NULL);

  if (team.field != NULL)
    make_integer (&team, text);
  if (team.field == NULL || strcmp (text->str, "null") == 0)
    g_string_append (out, "null");
  else
    g_string_append_printf (out, "%" G_GINT64_FORMAT, 2 * g_ascii_strtoll (text->str, NULL, 10));
}

static void
make_bigint (const Place *place, GString *out)
{
  if (is_null (place, 4))
    g_string_append (out, "null");
  else
    g_string_append_printf (out, "\"%s%" G_GUINT64_FORMAT "\"", place->k % 5 == 0 ? "00" : "",
                            place->hash % UINT64_C (9999999999999999));
}

static void
make_boolean (const Place *place, GString *out)
{
  bool fixed = place->field->computed; /* Locked__s, Converted__s */

  g_string_append (out, !fixed && place->hash % 2 != 0 ? "true" : "false");
}

static void
put_time (GString *out, time_t time)
{
  char text[32];

  format_time (time, text);
  g_string_append_printf (out, "\"%s\"", text);
}

static void
make_date (const Place *place, GString *out)
{
  if (is_null (place, 4))
    g_string_append (out, "null");
  else
    g_string_append_printf (out, "\"%u-%02u-%02u\"", (unsigned) (1999 + place->hash % 30),
                            (unsigned) (1 + hash_at (place, 1) % 12), (unsigned) (1 + hash_at (place, 2) % 28));
}

static void
make_datetime (const Place *place, GString *out)
{
  const char *name = place->field->api_name;
  time_t day = generate_created (place->module, place->k) + 86400 * (time_t) (place->k % 60);

  if (strcmp (name, "Created_Time") == 0)
    put_time (out, generate_created (place->module, place->k));
  else if (strcmp (name, "Modified_Time") == 0 || strcmp (name, "Last_Activity_Time") == 0)
    put_time (out, generate_modified (place->module, place->k));
  else if (place->field->computed || is_null (place, 4))
    g_string_append (out, "null");
  else
    put_time (out, strcmp (name, "End_DateTime") == 0 ? day + 3600 : day);
}

/* ---- references -------------------------------------------------------------------------------------------------- */

static void
make_owner (const Place *place, GString *out)
{
  user_write_ref (out, (unsigned) (place->hash % 8));
}

/* Different ones in the rows of one record. */
static void
make_user (const Place *place, GString *out)
{
  if (place->module->parent == NULL && is_null (place, 3))
    g_string_append (out, "null");
  else
    user_write_ref (out, (unsigned) ((place->module->parent == NULL ? place->hash : place->k) % 8));
}

static void
put_ref (const Place *place, GString *out, const Module *target, uint64_t id, const char *name)
{
  bool multi = strcmp (place->field->data_type, "multi_module_lookup") == 0;

  if (multi)
    {
      g_string_append_printf (out, "{\"module\":{\"api_name\":\"%s\",\"id\":\"%s\"},\"name\":", target->api_name,
                              target->id);
    }
  else
    g_string_append (out, "{\"name\":");
  json_write_text (out, name, -1);
  g_string_append_printf (out, ",\"id\":\"%" G_GUINT64_FORMAT "\"}", id);
}

static void
make_lookup (const Place *place, GString *out)
{
  const Module *target = NULL;
  g_autofree char *name = NULL;
  uint64_t target_k, id = 0;

  if (generate_target (place->emulator, place->module, place->k, place->field, &target, &target_k))
    {
      id = generate_id (target, target_k);
      name = store_name (place->emulator, target, id);
    }
  if (name == NULL)
    g_string_append (out, "null");
  else
    put_ref (place, out, target, id, name);
}

static void
make_tags (const Place *place, GString *out)
{
  if (place->k % 9 == 2)
    g_string_append_printf (out, "[{\"name\":\"vip\",\"id\":\"%" G_GUINT64_FORMAT "\",\"color_code\":null}]",
                            FIRST_ID + 50);
  else
    g_string_append (out, "[]");
}

static void
make_files (const Place *place, GString *out)
{
  uint64_t id = generate_id (place->module, place->k) + UINT64_C (500000000);
  char time[32];

  if (place->k % 6 != 2)
    {
      g_string_append (out, "[]");
      return;
    }
  format_time (generate_created (place->module, place->k), time);
  g_string_append_printf (out,
                          "[{\"id\":\"%" G_GUINT64_FORMAT "\",\"File_Id__s\":\"f%016" G_GINT64_MODIFIER
                          "x\",\"File_Name__s\":\"plan %u.pdf\",\"Size__s\":%u,\"Created_Time__s\":\"%s\","
                          "\"Sequence_Number__s\":1}]",
                          id, place->hash, (unsigned) (place->k % 100), (unsigned) (place->hash % 100000), time);
}

static void
make_null (const Place *place, GString *out)
{
  g_string_append (out, "null");
}

static const struct
{
  const char *name; /* a data type, or an api name, which counts first */
  Maker make;
} makers[] = {
  { "Tag", make_tags },
  { "First_Name", make_first_name },
  { "Full_Name", make_full_name },
  { "Code", make_code },
  { "Ext_Account", make_code },
  { "Ext_Contact", make_code },
  { "Call_Duration", make_duration },
  { "Manager", make_user },
  { "text", make_text },
  { "textarea", make_textarea },
  { "email", make_email },
  { "phone", make_phone },
  { "website", make_website },
  { "picklist", make_picklist },
  { "multiselectpicklist", make_picked },
  { "autonumber", make_autonumber },
  { "currency", make_currency },
  { "double", make_double },
  { "percent", make_double },
  { "integer", make_integer },
  { "formula", make_formula },
  { "bigint", make_bigint },
  { "boolean", make_boolean },
  { "date", make_date },
  { "datetime", make_datetime },
  { "ownerlookup", make_owner },
  { "userlookup", make_user },
  { "lookup", make_lookup },
  { "multi_module_lookup", make_lookup },
  { "fileupload", make_files },
};

static Maker
maker_called (const char *name)
{
  for (unsigned i = 0; i < G_N_ELEMENTS (makers); i++)
    {
      if (strcmp (makers[i].name, name) == 0)
        return makers[i].make;
    }
  return NULL;
}

void
generate_value (Emulator *emulator, const Module *module, uint64_t k, const Field *field, GString *out, bool marked)
{
  Place place = { emulator, module, field, k, 0, marked };
  Maker make = maker_called (field->api_name);

  place.hash = mix (mix (emulator->seed, module_number (module)) + g_str_hash (field->id), k);
  if (make == NULL)
    make = field->rich_text ? make_rich_text : maker_called (field->data_type);
  (make == NULL ? make_null : make) (&place, out);
}
