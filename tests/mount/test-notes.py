"""Notes: where they are found, what walks through them cost, and how fresh they are."""
import json
import os

import crm
from harness import Emulator, Mount, case, check, equal, fails, main, tool, wait_until
from looks import number_of

NOTES = "Leads/notes"
NO_ADMIN = "1000.user3.refresh"
# As many modules as make 3,000 notes each of 51,000.
MANY = ",".join(f"{module}=1000" for module in (
    "Leads Accounts Contacts Deals Campaigns Products Vendors Price_Books Cases Solutions Quotes Sales_Orders "
    "Purchase_Orders Invoices Tasks Calls Events").split())


def note(emulator, number):
    status, body = emulator.request("GET", f"/_emulator/record?module=Notes&id={number}")
    check(status == 200, f"note {number}: {status} {body[:300]}")
    return crm.parse(body.decode())


def notes_by_record(emulator, module):
    """Ids of records to those of their notes, as the CRM has them."""
    found = {}
    for number in emulator.ids("Notes"):
        parent = note(emulator, number)["Parent_Id"]
        if parent["module"]["api_name"] == module:
            found.setdefault(parent["id"], []).append(number)
    return found


def shown(mount, module="Leads"):
    """The same as the mount shows it."""
    return {stem.split(".")[-1]: sorted(map(number_of, mount.list(module, "notes", stem)))
            for stem in mount.list(module, "notes")}


def calls_of(emulator, mark, mount):
    mount.wait_quiet()
    return emulator.calls(since=mark)


def of_notes(calls):
    """Those that ask for notes."""
    return [call for call in calls if "/Notes" in call.path]


def walk(mount, *parts):
    """The files that a grep through all of it has seen."""
    return len(tool("grep", "-rc", "no such text", mount.at(*parts), status=1).split("\n")) - 1


def document(emulator, number):
    """What the file must have, from one GET."""
    fields = ("Created_By", "Created_Time", "Modified_By", "Modified_Time", "Note_Content", "Note_Title", "Owner",
              "Parent_Id")
    row = crm.parse(emulator.api(f"Notes/{number}", fields=",".join(fields)))["data"][0]
    return (crm.canonical({key: row[key] for key in (*fields, "id")}) + "\n").encode()


# ---- what is to be seen ----------------------------------------------------------------------------------------------

@case("a record's notes have a folder of their own, and it is all that the CRM has")
def all_of_them():
    with Emulator("Leads=20,Contacts=20", "--notes", 60) as emulator, Mount(emulator) as mount:
        for module in "Leads", "Contacts":
            check("notes" in mount.list(module), f"notes in {module}")
            wanted = notes_by_record(emulator, module)
            equal(shown(mount, module), {number: sorted(wanted[number]) for number in wanted}, f"notes of {module}")
        check("notes" not in mount.list("Users"), "users have no notes")


@case("a note's text is the same from a list and from a call for it alone, and its size is exact")
def pure():
    with Emulator("Leads=20", "--notes", 40) as emulator:
        with Mount(emulator) as mount:
            listed = {}
            for stem in mount.list(NOTES):
                for name in mount.list(NOTES, stem):
                    path = mount.at(NOTES, stem, name)
                    size = os.stat(path).st_size
                    listed[stem, name] = mount.read(NOTES, stem, name)
                    equal(len(listed[stem, name]), size, f"size of {name}")
                    equal(listed[stem, name], document(emulator, number_of(name)), f"text of {name}")
        for (stem, name), text in list(listed.items())[:3]:
            with Mount(emulator) as mount:
                mark = emulator.mark()
                equal(mount.read(NOTES, stem, name), text, f"text of {name}, read alone")
                equal(len(of_notes(calls_of(emulator, mark, mount))), 1, "calls for a note by its name")


@case("names: the title, else the first words; any label opens it; not in another record's folder")
def names():
    with Emulator("Leads=20", "--notes", 40) as emulator:
        owners = notes_by_record(emulator, "Leads")
        one, other = sorted(owners)[:2]
        number = owners[one][0]
        emulator.edit("Notes", number, Note_Title=None, Note_Content="Called back; will decide\non Friday")
        with Mount(emulator) as mount:
            listed = mount.list(NOTES, one)
            check(f"Called_back_will_decide_on_Friday.{number}.json" in listed, f"the name of {number} in {listed}")
            text = mount.read(NOTES, one, f"{number}.json")
            equal(mount.read(NOTES, f"whatever.{one}", f"other-label.{number}.json"), text, "by another label")
            fails(2, mount.read, NOTES, other, f"{number}.json")
            fails(2, mount.list, NOTES, "9999999999999")
            fails(2, mount.list, NOTES, "nonsense")
            fails(2, mount.read, NOTES, one, "9999999999999.json")


@case("the order in which a user likes to see notes does not matter")
def recent_first():
    with Emulator("Leads=1000", "--notes", 2500) as emulator:
        emulator.post("settings", {"notes_recent_first": True})
        with Mount(emulator) as mount:
            equal(sum(map(len, shown(mount).values())), 2500, "notes")


# ---- what it costs ---------------------------------------------------------------------------------------------------

@case("grep -r over 1,000 records and 3,000 notes in an org of 51,000: pages alone")
def walk_large():
    with Emulator(MANY, "--notes", 51000) as emulator, Mount(emulator) as mount:
        mark = emulator.mark()
        equal(walk(mount, "Leads"), 4000, "files")
        calls = calls_of(emulator, mark, mount)
        pages = [call for call in of_notes(calls) if call.path == "/crm/v8/Notes"]
        check(255 <= len(pages) <= 256, f"{len(pages)} pages of notes")
        equal(len(of_notes(calls)), len(pages) + 1, "calls for notes, with a count")
        equal(len([call for call in emulator.pages("Leads", mark) if call.status == 200]), 5, "pages of leads")
        check(len(calls) <= len(pages) + 1 + 5 + 5, f"{len(calls)} calls")
        mark = emulator.mark()
        equal(walk(mount, "Leads"), 4000, "files, again")
        equal(walk(mount, "Contacts", "notes"), 3000, "notes of another module")
        equal(of_notes(calls_of(emulator, mark, mount)), [], "calls for notes, once all are known")


@case("the same, where Zoho does not list all notes to the user: nothing but what was looked up")
def walk_refused():
    with Emulator(MANY, "--notes", 51000) as emulator, Mount(emulator, refresh_token=NO_ADMIN) as mount:
        mark = emulator.mark()
        equal(walk(mount, "Leads"), 1000, "files")
        equal([(call.path, call.status) for call in of_notes(calls_of(emulator, mark, mount))],
              [("/crm/v8/Notes", 403)], "calls for notes")
        mark = emulator.mark()
        number = emulator.ids("Leads")[0]
        stem = next(name for name in mount.list("Leads") if name.endswith(f".{number}.json")).removesuffix(".json")
        looked = mount.list(NOTES, stem)
        equal(len(looked), 3, "notes of a record")
        for name in looked:
            mount.read(NOTES, stem, name)
        equal([call.path for call in of_notes(calls_of(emulator, mark, mount))], [f"/crm/v8/Leads/{number}/Notes"],
              "calls for one record's notes")
        mark = emulator.mark()
        equal(mount.list(NOTES), [stem], "records whose notes were looked up")
        equal(walk(mount, "Leads"), 1003, "files, then")
        equal(of_notes(calls_of(emulator, mark, mount)), [], "calls for notes, then")


@case("few records, many notes elsewhere: each record is asked for")
def walk_each():
    with Emulator("Leads=12,Contacts=9000", "--notes", 50000) as emulator, Mount(emulator) as mount:
        mark = emulator.mark()
        mount.list("Leads")
        wanted = sum(call.path.endswith("/Notes") for call in emulator.calls(since=mark))
        equal(wanted, 0, "calls for notes by listing the records")
        equal(len(mount.list(NOTES)), 12, "records with notes")
        calls = of_notes(calls_of(emulator, mark, mount))
        equal(sum(call.path == "/crm/v8/Notes" for call in calls), 1, "pages of all notes")
        each = {call.path for call in calls if call.path.startswith("/crm/v8/Leads/")}
        equal(len(each), 12, "records that were asked for")


@case("a small org: one page; rsync -a twice asks for notes once")
def small():
    with Emulator("Leads=20,Contacts=20", "--notes", 60) as emulator, Mount(emulator) as mount:
        target = os.path.join(mount.folder, "copy")
        mark = emulator.mark()
        tool("rsync", "-a", mount.at("Leads"), target + "/")
        tool("rsync", "-a", mount.at("Contacts"), target + "/")
        equal([call.path for call in of_notes(calls_of(emulator, mark, mount))], ["/crm/v8/Notes"], "calls for notes")
        mark = emulator.mark()
        equal(tool("rsync", "-ai", mount.at("Leads"), target + "/"), "", "what a second rsync copies")
        equal(calls_of(emulator, mark, mount), [], "calls of a second rsync")


# ---- how fresh it is -------------------------------------------------------------------------------------------------

def parent(number):
    return {"module": {"api_name": "Leads", "id": "7010000000101"}, "id": number, "name": "x"}


def changes(emulator, owners):
    """Somebody changes, adds and deletes. Returns what is to be seen."""
    one = sorted(owners)[0]
    changed, gone = owners[one][:2]
    emulator.edit("Notes", changed, Note_Title="Told otherwise")
    emulator.delete("Notes", gone)
    added = emulator.create("Notes", Note_Title="Another", Note_Content="one", Parent_Id=parent(one))
    return one, changed, gone, added


def assert_changed(mount, one, changed, gone, added):
    listed = mount.list(NOTES, one)
    check(f"Told_otherwise.{changed}.json" in listed, f"the changed note in {listed}")
    check(f"Another.{added}.json" in listed, f"the new note in {listed}")
    check(not any(gone in name for name in listed), f"the deleted note in {listed}")
    equal(json.loads(mount.read(NOTES, one, f"{changed}.json"))["Note_Title"], "Told otherwise", "the new title")
    fails(2, mount.read, NOTES, one, f"{gone}.json")


@case("one record's notes after the TTL: one call, whatever changed")
def fresh_one():
    with Emulator("Leads=20", "--notes", 60) as emulator, Mount(emulator, ttl=1) as mount:
        owners = notes_by_record(emulator, "Leads")
        one = sorted(owners)[0]
        equal(len(mount.list(NOTES, one)), 3, "notes at first")
        what = changes(emulator, owners)
        mount.expire()
        mount.list(NOTES, one)
        mark = emulator.mark()
        mount.expire()
        mount.list(NOTES, one)
        equal([call.path for call in of_notes(calls_of(emulator, mark, mount))], [f"/crm/v8/Leads/{one}/Notes"],
              "calls for notes")
        assert_changed(mount, *what)


@case("a walk after the TTL: the changes and a count; what was deleted makes all be read again")
def fresh_walk():
    with Emulator("Leads=1000", "--notes", 1000) as emulator, Mount(emulator, ttl=2) as mount:
        owners = notes_by_record(emulator, "Leads")
        walk(mount, "Leads")
        mount.wait_quiet()
        mount.expire()
        mark = emulator.mark()
        mount.list(NOTES)
        calls = of_notes(calls_of(emulator, mark, mount))
        equal(sorted(call.path for call in calls), ["/crm/v8/Notes", "/crm/v8/Notes/actions/count"],
              "calls where nothing changed")
        one, changed, gone, added = changes(emulator, owners)
        # A count that may lag says too little for a moment after a note was made: so another one goes, too.
        emulator.delete("Notes", owners[one][2])
        mount.expire()
        mark = emulator.mark()
        mount.list(NOTES)
        calls = of_notes(calls_of(emulator, mark, mount))
        equal(len([call for call in calls if call.path == "/crm/v8/Notes"]), 1 + 5, "the changes, and all pages")
        assert_changed(mount, one, changed, gone, added)


@case("offline: what is known of notes is shown, and it heals")
def offline():
    with Emulator("Leads=20", "--notes", 60) as emulator, Mount(emulator, ttl=1, limits={"deadline": 8}) as mount:
        before = shown(mount)
        texts = {number: mount.read(NOTES, stem, f"{number}.json") for stem in before for number in before[stem]}
        mount.expire()
        emulator.faults({"match": ".*", "reset": True})
        equal(shown(mount), before, "notes while nobody answers")
        stem = sorted(before)[0]
        equal(mount.read(NOTES, stem, f"{before[stem][0]}.json"), texts[before[stem][0]], "a text while nobody answers")
        emulator.faults()
        emulator.edit("Notes", before[stem][0], Note_Title="Healed")
        wait_until(lambda: f"Healed.{before[stem][0]}.json" in mount.list(NOTES, stem), "the notes to heal")


main()
