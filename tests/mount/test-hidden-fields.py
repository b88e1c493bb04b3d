"""hide=: what a hidden field has is nowhere to be read, asked for, searched for, found by or heard of, and it cannot be
written."""
import contextlib
import errno
import json
import os
import sys

import harness
from harness import Emulator, Mount, case, check, equal, fails, main, wait_until
from saving import attempt, save, writes

SECRET, NAME, NOTE = "+1 555 0142", "Quixotic", "Confidential words"
HIDDEN = {"access": {"hide": "Leads.Phone, Leads.Full_Name, Notes.Note_Content"}}


@contextlib.contextmanager
def hiding():
    with Emulator("Leads=4,Contacts=2", "--notes", 1) as emulator:
        number, gone = emulator.ids("Leads")[:2]
        for one in number, gone:
            emulator.edit("Leads", one, Phone=SECRET, Last_Name=NAME, City="Oslo")
        parent = {"module": {"api_name": "Leads"}, "id": number}
        status, text = emulator.request(
            "POST", "/crm/v8/Notes", json.dumps({"data": [{"Note_Content": NOTE, "Parent_Id": parent}]}),
            {"Authorization": f"Zoho-oauthtoken {emulator.token()}", "Content-Type": "application/json"})
        check(status == 201, f"{status} {text[:300]}")
        emulator.delete("Leads", gone)
        mark = emulator.mark()
        with Mount(emulator, groups=HIDDEN, options=["rw", "folders"]) as mount:
            yield emulator, mount, number, mark


def ask(path, query):
    handle = os.open(path, os.O_RDWR)
    try:
        os.write(handle, query.encode())
        return os.read(handle, 100000)
    finally:
        os.close(handle)


def all_names_and_texts(mount, top):
    """What a walk finds, by path. Links are not followed."""
    for folder, folders, files in os.walk(mount.at(top)):
        for name in folders + files:
            path = os.path.join(folder, name)
            yield path, b""
            if name in files and not os.path.islink(path):
                with open(path, "rb") as file:
                    yield path, file.read()


@case("a walk through the mount finds neither the fields nor what they have, and no call names them")
def walk():
    with hiding() as (emulator, mount, number, mark):
        equal(mount.list("Leads/notes"), [number], "folders of notes before the records are known")
        for top in "Leads", ".zohofs/modules/Leads", ".zohofs/trash/Leads":
            seen = list(all_names_and_texts(mount, top))
            check(seen, f"something in {top}")
            for path, text in seen:
                for word in SECRET, NOTE, '"Phone"', '"Full_Name"':
                    check(word.encode() not in text and word not in path, f"{word} in {path}: {text[:300]}")
        deleted = mount.list(".zohofs/trash/Leads")
        equal([name.count(".") for name in deleted], [1], f"names of deleted records {deleted}")
        equal(json.loads(mount.read(".zohofs/trash/Leads", deleted[0]))["display_name"], None, "name of a deleted record")
        names = mount.list("Leads")
        check(f"{number}.json" in names, f"names without the display field: {names}")
        equal(mount.list("Leads/notes"), [number], "folders of notes")
        document = json.loads(mount.read("Leads", f"{number}.json"))
        check("Last_Name" in document, "what is not hidden")
        for name in mount.list("Leads/notes", number):
            check("Note_Content" not in json.loads(mount.read("Leads/notes", number, name)), "the content of a note")
        named = [call for call in emulator.calls(since=mark) if "/Leads" in call.path
                 and {"Phone", "Full_Name"} & set(call.query.get("fields", "").split(","))]
        equal(named, [], "calls that name them")


QUERIES = [
    ("Leads/.coql", f"Phone = '{SECRET}'"),
    ("Leads/.coql", "PHONE is not null"),
    (".coql", f"select id from Leads where Phone = '{SECRET}'"),
    (".coql", "select Phone from Leads where id is not null"),
    (".coql", "select Phone as City from Leads where id is not null"),
    (".coql", "select `Phone` from Leads where id is not null"),
    (".coql", "select id from Leads where id is not null order by Phone"),
    (".coql", "select COUNT(id), Phone from Leads where id is not null group by Phone"),
    (".coql", "select MAX(Phone) from Leads where id is not null"),
    (".coql", f"select id from Leads where City = 'Oslo' and (Company is null or phone like '{SECRET}')"),
    (".coql", "select id, Account_Name.Phone from Contacts where id is not null"),
    (".coql", "select Note_Content from Notes where id is not null"),
    (".coql", "select id, Parent_Id from Notes where id is not null"),
    ("Contacts/.coql", f"select id from Leads where Phone = '{SECRET}'"),
]

SEARCHES = [
    "phone=5550142", "word=Quixotic", "Quixotic", "email=jo@example.com", f"criteria=Phone:equals:{SECRET}",
    "criteria=phone:starts_with:+1", "criteria=((City:equals:Oslo)and(Phone:starts_with:+1))",
    "criteria=((City:equals:Oslo)and(Ph\\one:starts_with:+1))", "criteria=((Full_Name:starts_with:Q))",
    "criteria=((Account_Name.Phone:starts_with:+1))",
]


@case("queries and searches that name a hidden field, or may look into one, are refused before anything is asked")
def questions():
    with hiding() as (emulator, mount, number, _):
        mount.list("Leads")
        mount.list("Contacts")
        mount.wait_quiet()
        mark = emulator.mark()
        for path, query in QUERIES:
            fails(errno.EACCES, ask, mount.at(path), query)
        for term in SEARCHES:
            fails(errno.EACCES, os.listdir, mount.at("Leads/.search", term))
        equal(attempt(mount.at("queries/x.coql"), f"select id from Leads where Phone = '{SECRET}'".encode()),
              ("close", errno.EACCES), "a query that is kept")
        fails(errno.EACCES, mount.read, "queries/x.json")
        fails(errno.ENOENT, os.stat, mount.at("Leads", f"Phone={SECRET}.json"))
        fails(errno.ENOENT, os.stat, mount.at("Leads", f"phone={SECRET}.json"))
        equal(emulator.calls(since=mark), [], "calls")
        check(number in ask(mount.at("Leads/.coql"), "City = 'Oslo'").decode(), "a query for what is not hidden")
        check(b"Phone" not in ask(mount.at("Leads/.coql"), "City = 'Oslo'"), "what a condition alone selects")
        equal(mount.list("Leads/.search/criteria=City:equals:Oslo"), [f"{number}.json"], "a search in what is not hidden")
        mount.list("Contacts/.search/Quixotic")


@case("a hidden field cannot be written, by whatever way, and the reason is told without its value")
def changes():
    with hiding() as (emulator, mount, number, _):
        record = mount.at("Leads", f"{number}.json")
        document = json.loads(mount.read("Leads", f"{number}.json"))
        folder = f"Leads/notes/{number}"
        note = mount.list(folder)[0]
        mark = emulator.mark()
        for path, value in ((record, {**document, "Phone": "+1 555 0199"}), (record, {"id": number, "Phone": None}),
                            (mount.at("Leads/new.json"), {"Last_Name": "N", "Company": "C", "Phone": "+1 555 0199"}),
                            (mount.at(folder, note), {"Note_Content": "Other words"})):
            equal(attempt(path, json.dumps(value).encode()), ("close", errno.EINVAL), path)
        equal(attempt(mount.at("Leads/Phone=+1 555 0199.json"), b'{"Last_Name": "N", "Company": "C"}'),
              ("close", errno.ENOENT), "one to be found by it")
        equal(attempt(mount.at(folder, "new.txt"), b"Other words"), ("close", errno.EINVAL), "a new note")
        equal(writes(emulator, mark), [], "writes")
        wait_until(lambda: b"Phone" in mount.read(".zohofs/errors.jsonl"), "the reason")
        save(record, json.dumps({**document, "City": "Bergen"}).encode())
        equal(writes(emulator, mark)[0].fields(), ["City"], "fields sent")
        emulator.edit("Leads", number, City="Hamar", Phone="+1 555 0177")
        equal(attempt(record, json.dumps({**document, "City": "Tromso"}).encode()), ("close", errno.EBUSY), "a conflict")
        for name in "errors.jsonl", "audit.jsonl":
            for word in SECRET, "555 0177":
                check(word.encode() not in mount.read(".zohofs", name), f"{word} in {name}")


@case("what no record or note could be without is not hidden")
def needed():
    for name in "Leads.id", "Leads.Modified_Time", "Notes.Parent_Id":
        with Emulator("Leads=1") as emulator:
            try:
                with Mount(emulator, groups={"access": {"hide": name}}):
                    raise AssertionError(f"hide={name} was mounted")
            except AssertionError as error:
                check("zohofs ended" in str(error), str(error))
            check(any("could be shown" in line for line in harness.reports), f"{name}: {harness.reports}")
            harness.reports.clear()


if __name__ == "__main__":
    sys.exit(main())
