/* How to use a mount, told inside the mount. It names what listings do not show, because whoever finds a drive (a
 * colleague, a script, a program that writes programs) looks into README.md first. How to save is told where it can be
 * done. */
#include "app/readme.h"


static const char about[]
    = "# A Zoho CRM org as files\n"
      "\n"
      "This drive is profile `%s` of zohofs " ZOHOFS_VERSION ", served from %s.\n"
      "%s What you see is what the signed-in user may see.\n"
      "\n";

static const char tree[]
    = "## What is here\n"
      "\n"
      "- `Leads/`, `Contacts/`, ...: one directory per module, by its API name.\n"
      "- `Leads/<label>.<id>.json`: one record. The label is for reading; the id decides. `Leads/<id>.json` and any other\n"
      "  label with that id open the same file.\n"
      "- `Leads/notes/<record>/<label>.<id>.json`: the notes of a record. Listed are the records that have notes; where Zoho\n"
      "  does not list all notes to the user, those that were looked up.\n"
      "- `Leads/<label>.<id>/`: what hangs on a record, by related list, as symlinks; `ln -s` and `rm` there link and delink\n"
      "  where the CRM can; its `attachments/` takes files by `cp`. Listed with `-o folders` alone.\n"
      "- `Leads/.search/<term>/`: what a search finds, as symlinks: a word, or `email=`, `phone=`, `criteria=` and a value.\n"
      "- `.coql`, `Leads/.coql`: write a COQL query, read its rows: `exec 3<>.coql; echo \"select ...\" >&3; cat <&3`. Not\n"
      "  listed. `queries/NAME.coql` is a query that is kept, and `NAME.json`, `.jsonl`, `.csv` are its rows.\n"
      "- `Users/`: the org's users; `Users/me.json` is the one this drive is signed in as.\n"
      "- `.zohofs/`: about the drive itself. It is not listed, so that programs that walk the tree stay out, but it opens:\n"
      "  - `.zohofs/status.json`: sign-in, API credits, calls, cache, the last error.\n"
      "  - `.zohofs/metrics`: the same numbers for Prometheus.\n"
      "  - `.zohofs/events.jsonl`: one line of JSON for each change seen in the CRM; `tail -F` follows it.\n"
      "  - `.zohofs/trash/<Module>/`: deleted records, who deleted them and when.\n"
      "  - `.zohofs/org.json`: the org.\n"
      "  - `.zohofs/modules/<Module>/module.json`, `fields.json`, `related_lists.json`: what a module consists of.\n"
      "  - `.zohofs/modules/<Module>/schema.json`: a JSON Schema of its records. In VS Code: `\"json.schemas\": [{\"fileMatch\":\n"
      "    [\"Leads/*.json\"], \"url\": \"./.zohofs/modules/Leads/schema.json\"}]` in the settings of this folder. In vim:\n"
      "    `:set makeprg=check-jsonschema\\ --schemafile\\ .zohofs/modules/Leads/schema.json`, then\n"
      "    `:execute \"make\" bufname()`.\n"
      "\n"
      "## A record\n"
      "\n"
      "One JSON object: every field of the module by its API name, and `id`; keys sorted, two blanks of indent, UTF-8; an\n"
      "empty field is null. Sizes and times are exact: `st_mtime` is Modified_Time. Lookups are objects with `id` and\n"
      "`name`; subforms are arrays of rows.\n"
      "\n";

static const char saving[]
    = "## Saving\n"
      "\n"
      "Write a record's file with any program. It is saved when the program closes it, calls fsync(2), or renames its copy\n"
      "onto it, and that call fails when the CRM refuses the save. Only what was changed is sent: a key that is missing\n"
      "stays as it is in the CRM, null empties a field, and fields that only the CRM sets are passed over.\n"
      "\n"
      "- A new `<Module>/<any name>.json` becomes a record; the fields it is to have are enough.\n"
      "- `rm` deletes the record, 2 seconds later, so that programs may save by deleting and writing anew. More than %u\n"
      "  deletes by one process are refused with EPERM.\n"
      "- What a colleague has changed meanwhile is merged; if it is the same field, the save fails with EBUSY.\n"
      "- After a refused save the file reads as the CRM has it. Your text is in `.zohofs/drafts/<Module>/`, and\n"
      "  `zohofs why FILE` says what was wrong. Correct it and copy it onto the record.\n"
      "- A new file that was refused stays as it is until it is good.\n"
      "- `.zohofs/errors.jsonl` has a line for each refused save, `.zohofs/audit.jsonl` for each change that was asked for.\n"
      "- `zohofs drain` sends what waits and tells when it is in the CRM. Unmounting sends it too.\n"
      "- Files that editors make beside the one they save are kept on this computer, until the drive is unmounted.\n"
      "- Mounted with `-o ro` nothing can be changed; with `-o dry_run` saves are checked and not sent.\n"
      "\n";

static const char use[]
    = "## What it costs\n"
      "\n"
      "A directory is fetched 200 records per API call, and then `cat`, `grep -r`, `find`, `tar` and `rsync` over it cost\n"
      "nothing more until it is stale. To look at one record of a large module, open it by its id: that is one call\n"
      "and does not fetch the directory. `ls -f | head` answers after the first page.\n"
      "\n"
      "## Examples\n"
      "\n"
      "    ls Leads | head\n"
      "    cat Leads/<id>.json\n"
      "    grep -rl 'Harbor' Accounts Contacts\n"
      "    jq -r '[.id, .Email] | @tsv' Contacts/*.json\n"
      "    rsync -a Deals/ ~/backup/Deals/\n"
      "    cat .zohofs/status.json\n"
      "    tail -n 0 -F .zohofs/events.jsonl | jq -r '[.what, .module, .id, .name] | @tsv'\n"
      "\n"
      "## When something fails\n"
      "\n"
      "| error | meaning |\n"
      "|---|---|\n"
      "| ENOENT | no such record or module |\n"
      "| EACCES | the sign-in's scopes or the user's profile do not allow it |\n";

static const char save_errors[]
    = "| EINVAL | what was saved is no JSON, or no value for the field; the text is among the drafts |\n"
      "| EBUSY | the field was changed in the CRM since the file was read, or the record is locked |\n"
      "| EEXIST | another record has the value, which must be unique |\n"
      "| EROFS | this part of the drive is read-only |\n"
      "| EPERM | this cannot be done by files, or too many deletes |\n";

static const char read_errors[] = "| EROFS | the drive is read-only |\n";

static const char errors[]
    = "| EDQUOT | the org's API credits, or this profile's own budget, are spent |\n"
      "| EKEYEXPIRED | the sign-in is dead; its owner runs `zohofs login %s --refresh-token -` |\n"
      "| ENETUNREACH, ETIMEDOUT | Zoho cannot be reached, or does not answer in time |\n"
      "| EIO | Zoho answered nonsense; `.zohofs/status.json` has the words |\n"
      "\n"
      "`zohofs status` shows the state of all mounts; zohofs(1) is the manual.\n";

/* The tree is the same everywhere, the modules are the org's. */
static void
add_modules (GString *out, const ReadmeModule *modules, size_t count)
{
  bool counted = false;

  if (count == 0)
    return;
  g_string_append (out, "## The modules of this org\n\n");
  for (size_t i = 0; i < count; i++)
    {
      g_string_append_printf (out, "%s`%s/`", i > 0 ? ", " : "", modules[i].name);
      if (modules[i].count < 0)
        continue;
      counted = true;
      g_string_append_printf (out, " (%" G_GINT64_FORMAT ")", modules[i].count);
    }
  g_string_append (out, counted ? "; with how many records they have, where that is known.\n\n" : ".\n\n");
}

static const char *
kind_of (const Options *options)
{
  if (options->read_only)
    return "It is read-only.";
  if (options->dry_run)
    return "What is saved here is checked and not sent to the CRM, because it is mounted with `-o dry_run`.";
  return "What is saved here is saved in the CRM.";
}

char *
readme_text (const Options *options, const char *api_url, const ReadmeModule *modules, size_t count)
{
  GString *out = g_string_new (NULL);

  g_string_append_printf (out, about, options->profile, api_url, kind_of (options));
  g_string_append (out, tree);
  add_modules (out, modules, count);
  if (!options->read_only)
    g_string_append_printf (out, saving, options->max_deletes);
  g_string_append (out, use);
  g_string_append (out, options->read_only ? read_errors : save_errors);
  g_string_append_printf (out, errors, options->profile);
  return g_string_free (out, FALSE);
}
