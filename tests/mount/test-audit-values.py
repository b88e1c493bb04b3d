"""Values of fields in the audit: none unless [audit] values=yes, and then old and new ones, within bounds."""
import errno
import json
import sys

import harness
from harness import case, check, equal, main, tool
from saving import attempt, audit, edit, mounted, name_of, record, save, text_of, document, writes

OLD, NEW, THEIRS = "Oldenburgh", "Newcastleton", "Theirsborough"
YES = {"audit": {"values": "yes"}}


def change(emulator, mount):
    """An update, a create, one that is refused for its value, a conflict, and a refusal that quotes. Returns the id."""
    number = emulator.ids("Leads")[0]
    edit(emulator, "Leads", number, City=OLD)
    tool("ls", mount.at("Leads"))
    name = f"{number}.json"
    before = document(mount, "Leads", name)
    save(mount.at("Leads", name), text_of({**before, "City": NEW}))
    save(mount.at("Leads/fresh.json"), b'{"Last_Name": "Newcastleton", "Company": "Oldenburgh"}')
    equal(attempt(mount.at("Leads", name), text_of({"City": {"is": NEW}})), ("close", errno.EINVAL), "no text")
    now = document(mount, "Leads", name)
    edit(emulator, "Leads", number, City=THEIRS)
    equal(attempt(mount.at("Leads", name), text_of({**now, "City": "Minesville"})), ("close", errno.EBUSY), "a conflict")
    emulator.faults({"match": "POST /crm/v8/Leads", "count": 1, "status": 400, "body": json.dumps(
        {"code": "INVALID_DATA", "message": f"no such town: {NEW}", "details": {}, "status": "error"})})
    equal(attempt(mount.at("Leads/third.json"), b'{"Last_Name": "Other", "Company": "C"}'), ("close", errno.EINVAL),
          "refused by the server")
    emulator.faults()
    return number


@case("no value of a field is in the audit, its words or the log")
def without():
    with mounted("Leads=2", ttl=0) as (emulator, mount):
        change(emulator, mount)
        lines = audit(mount)
        equal([line["verb"] for line in lines], ["update", "create", "update", "update", "create"], f"lines {lines}")
        check(all("changes" not in line for line in lines), f"changes in {lines}")
        equal([line["outcome"] for line in lines[2:]],
              ["refused: EINVAL, invalid, at City", "refused: EBUSY, changed, at City", "refused: EINVAL, INVALID_DATA"],
              "outcomes")
        with open(mount.log, "rb") as file:
            log = file.read()
        for what, text in ("audit.jsonl", mount.read(".zohofs/audit.jsonl")), ("the log", log):
            for value in OLD, NEW, THEIRS, "Minesville":
                for label in "fresh.json", f"Leads/{NEW}.":  # names of files are no values
                    text = text.replace(label.encode(), b"")
                check(value.encode() not in text, f"{value} in {what}: {text[-3000:]}")


@case("values=yes: old and new values of what was changed, in the file and in words")
def with_values():
    with mounted("Leads=2", ttl=0, groups=YES) as (emulator, mount):
        number = change(emulator, mount)
        lines = audit(mount)
        equal(lines[0]["changes"], {"City": {"old": OLD, "new": NEW}}, "of an update")
        equal(lines[1]["changes"], {"Last_Name": {"new": NEW}, "Company": {"new": OLD}}, "of a create")
        check(NEW in lines[4]["outcome"], f"words that quote: {lines[4]}")
        check(THEIRS in lines[3]["outcome"] and "Minesville" in lines[3]["outcome"], f"a conflict: {lines[3]}")
        said = tool(harness.zohofs, "audit", mount.path)
        check(f'City from "{OLD}" to "{NEW}"' in said, said)
        check(f'Company to "{OLD}"' in said, said)
        name = name_of(mount, "Leads", number)
        save(mount.at("Leads", name), text_of({**document(mount, "Leads", name), "Tag": [{"name": "Warm"}]}))
        equal(audit(mount)[-1]["changes"]["Tag"]["new"]["added"], [{"name": "Warm"}], "of tags")
        equal(record(emulator, "Leads", number)["Tag"][0]["name"], "Warm", "the tag")


@case("a long value is cut, and a line stays within its bound")
def bounded():
    with mounted("Leads=1", ttl=0, groups=YES) as (emulator, mount):
        name = name_of(mount, "Leads", emulator.ids("Leads")[0])
        text = "\u00e4\"" * 12000
        save(mount.at("Leads", name), text_of({**document(mount, "Leads", name), "Description": text}))
        new = audit(mount)[-1]["changes"]["Description"]["new"]
        check(new.endswith("...") and text.startswith(new[:1000]) and len(new.encode()) < 3000, f"cut: {new[-50:]}")
        check(max(map(len, mount.read(".zohofs/audit.jsonl").splitlines())) < 20000, "a line")
        equal(writes(emulator)[-1].rows[0]["Description"], text, "what was sent")


@case("hidden fields are not among the values")
def hidden():
    with mounted("Leads=1", ttl=0, groups={**YES, "access": {"hide": "Leads.Phone"}}) as (emulator, mount):
        number = emulator.ids("Leads")[0]
        edit(emulator, "Leads", number, Phone="+1 555 0142")
        name = name_of(mount, "Leads", number)
        save(mount.at("Leads", name), text_of({**document(mount, "Leads", name), "City": NEW}))
        attempt(mount.at("Leads", name), text_of({"Phone": "+1 555 0199"}))
        equal([sorted(line["changes"]) for line in audit(mount)], [["City"], []], "fields with values")
        check(b"555 01" not in mount.read(".zohofs/audit.jsonl"), "the values")


if __name__ == "__main__":
    sys.exit(main())
