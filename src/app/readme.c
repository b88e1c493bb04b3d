/* How to use a mount, told inside the mount. It names what listings do not show, because whoever finds a drive (a
 * colleague, a script, a program that writes programs) looks into README.md first. */
#include "app/readme.h"

#include <glib.h>

static const char text[]
    = "# A Zoho CRM org as files\n"
      "\n"
      "This drive is profile `%s` of zohofs " ZOHOFS_VERSION ", served from %s.\n"
      "It is read-only. What you see is what the signed-in user may see.\n"
      "\n"
      "## What is here\n"
      "\n"
      "- `Leads/`, `Contacts/`, ...: one directory per module, by its API name.\n"
      "- `Leads/<label>.<id>.json`: one record. The label is for reading; the id decides. `Leads/<id>.json` and any other\n"
      "  label with that id open the same file.\n"
      "- `Users/`: the org's users; `Users/me.json` is the one this drive is signed in as.\n"
      "- `.zohofs/`: about the drive itself. It is not listed, so that programs that walk the tree stay out, but it opens:\n"
      "  - `.zohofs/status.json`: sign-in, API credits, calls, cache, the last error.\n"
      "  - `.zohofs/metrics`: the same numbers for Prometheus.\n"
      "  - `.zohofs/events.jsonl`: one line of JSON for each change seen in the CRM; `tail -F` follows it.\n"
      "  - `.zohofs/org.json`: the org.\n"
      "  - `.zohofs/modules/<Module>/module.json`, `fields.json`, `related_lists.json`: what a module consists of.\n"
      "  - `.zohofs/modules/<Module>/schema.json`: a JSON Schema of its records.\n"
      "\n"
      "## A record\n"
      "\n"
      "One JSON object: every field of the module by its API name, and `id`; keys sorted, two blanks of indent, UTF-8; an\n"
      "empty field is null. Sizes and times are exact: `st_mtime` is Modified_Time. Lookups are objects with `id` and\n"
      "`name`; subforms are arrays of rows.\n"
      "\n"
      "## What it costs\n"
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
      "| EACCES | the sign-in's scopes or the user's profile do not allow it |\n"
      "| EROFS | the drive is read-only |\n"
      "| EDQUOT | the org's API credits, or this profile's own budget, are spent |\n"
      "| EKEYEXPIRED | the sign-in is dead; its owner runs `zohofs login %s --refresh-token -` |\n"
      "| ENETUNREACH, ETIMEDOUT | Zoho cannot be reached, or does not answer in time |\n"
      "| EIO | Zoho answered nonsense; `.zohofs/status.json` has the words |\n"
      "\n"
      "`zohofs status` shows the state of all mounts; zohofs(1) is the manual.\n";

char *
readme_text (const char *profile, const char *api_url)
{
  return g_strdup_printf (text, profile, api_url, profile);
}
