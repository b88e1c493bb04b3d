/* The base of a three-way comparison. */
#include "model/merge_base.h"

#include "base/clock.h"
#include "base/error.h"

static void
value_unref (gpointer value)
{
  json_decref (value);
}

static MergeBase *
base_new (BaseKind kind)
{
  MergeBase *base = g_new0 (MergeBase, 1);

  base->kind = kind;
  base->texts = g_ptr_array_new_with_free_func (value_unref);
  return base;
}

static void
add (MergeBase *base, const json_t *document)
{
  g_ptr_array_add (base->texts, json_incref ((json_t *)document));
}

static bool
is_of (const json_t *document, int64_t time)
{
  int64_t own;

  return document != NULL && clock_parse_time (json_get_text (document, "Modified_Time"), &own) && own == time;
}

/* @saved with what it does not say taken from @under. */
static void
add_saved (MergeBase *base, const json_t *saved, const json_t *under)
{
  json_t *whole = json_copy ((json_t *)under);

  json_object_update (whole, (json_t *)saved);
  g_ptr_array_add (base->texts, whole);
}

/* The documents that have @time, each once. */
static GPtrArray *
versions_of (const BaseCandidates *candidates, int64_t time)
{
  GPtrArray *found = g_ptr_array_new ();

  for (size_t i = 0; i < candidates->versions_size; i++)
    if (is_of (candidates->versions[i], time))
      g_ptr_array_add (found, (gpointer)candidates->versions[i]);
  if (is_of (candidates->current, time))
    g_ptr_array_add (found, (gpointer)candidates->current);
  if (is_of (candidates->read, time))
    g_ptr_array_add (found, (gpointer)candidates->read);
  return found;
}

static MergeBase *
from_saved (const BaseCandidates *candidates, const GPtrArray *unders)
{
  MergeBase *base = base_new (BASE_SAVED);

  for (guint i = 0; i < unders->len; i++)
    add_saved (base, candidates->saved, unders->pdata[i]);
  base->answer = json_incref ((json_t *)candidates->saved_answer);
  return base;
}

static MergeBase *
choose_named (const BaseCandidates *candidates, int64_t time, GError **error)
{
  g_autoptr (GPtrArray) versions = versions_of (candidates, time);
  MergeBase *base;

  if (is_of (candidates->saved, time))
    {
      if (versions->len == 0)
        g_ptr_array_add (versions, (gpointer)candidates->current);
      return from_saved (candidates, versions);
    }
  if (versions->len == 0 && !candidates->stale_overwrite)
    {
      g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_CHANGED,
                   "This text is of %s, a version of the record that is not known here any more, so what was changed "
                   "in it cannot be told: read the file again and repeat the change, or remove Modified_Time and all "
                   "keys that are to stay as they are, or mount with -o stale=overwrite",
                   json_get_text (candidates->text, "Modified_Time"));
      return NULL;
    }
  base = base_new (versions->len > 0 ? BASE_VERSIONS : BASE_OVERWRITE);
  for (guint i = 0; i < versions->len; i++)
    add (base, versions->pdata[i]);
  if (is_of (candidates->read, time))
    base->seen = json_incref ((json_t *)candidates->read);
  if (versions->len == 0)
    add (base, candidates->current);
  return base;
}

static MergeBase *
choose_unnamed (const BaseCandidates *candidates)
{
  const json_t *read = candidates->read;
  MergeBase *base;

  if (candidates->saved != NULL && (read == NULL || candidates->saved_us >= candidates->read_us))
    {
      g_autoptr (GPtrArray) under = g_ptr_array_new ();

      g_ptr_array_add (under, (gpointer)(read != NULL ? read : candidates->current));
      return from_saved (candidates, under);
    }
  base = base_new (read != NULL ? BASE_READ : BASE_CURRENT);
  add (base, read != NULL ? read : candidates->current);
  return base;
}

MergeBase *
merge_base_choose (const BaseCandidates *candidates, GError **error)
{
  const json_t *named = json_object_get (candidates->text, "Modified_Time");
  int64_t time;

  if (named == NULL || json_is_null (named))
    return choose_unnamed (candidates);
  if (clock_parse_time (json_text (named), &time))
    return choose_named (candidates, time, error);
  g_set_error (error, ZOHO_ERROR, ZOHO_ERROR_INVALID,
               "Modified_Time is no time: leave it as it was read, since it names the version that was changed, or "
               "remove it");
  return NULL;
}

MergeBase *
merge_base_of (const json_t *document)
{
  MergeBase *base = base_new (BASE_CURRENT);

  add (base, document);
  return base;
}

void
merge_base_free (MergeBase *base)
{
  if (base == NULL)
    return;
  g_ptr_array_unref (base->texts);
  json_decref (base->seen);
  json_decref (base->answer);
  g_free (base);
}
