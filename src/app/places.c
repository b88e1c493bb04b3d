/* The files of a profile: configuration, state and cache, each where the XDG base directories put it unless the command
 * line says otherwise. */
#include "app/places.h"

Places *
places_new (const Options *options)
{
  Places *places = g_new0 (Places, 1);
  g_autofree char *config_name = g_strconcat (options->profile, ".conf", NULL);

  places->config_file = options->config_file != NULL
                            ? g_strdup (options->config_file)
                            : g_build_filename (g_get_user_config_dir (), "zohofs", config_name, NULL);
  places->state_dir = options->state_dir != NULL
                          ? g_strdup (options->state_dir)
                          : g_build_filename (g_get_user_state_dir (), "zohofs", options->profile, NULL);
  places->cache_dir = options->cache_dir != NULL
                          ? g_strdup (options->cache_dir)
                          : g_build_filename (g_get_user_cache_dir (), "zohofs", options->profile, NULL);
  return places;
}

char *
places_token_path (const Places *places)
{
  return g_build_filename (places->cache_dir, "access_token", NULL);
}

char *
places_journal_path (const Places *places, const char *name)
{
  return g_build_filename (places->state_dir, name, NULL);
}

char *
places_documents (const Places *places)
{
  return g_build_filename (places->cache_dir, "documents-1", NULL);
}

char *
places_scratch (const Places *places)
{
  return g_build_filename (places->state_dir, "scratch", NULL);
}

void
places_free (Places *places)
{
  if (places == NULL)
    return;
  g_free (places->config_file);
  g_free (places->state_dir);
  g_free (places->cache_dir);
  g_free (places);
}
