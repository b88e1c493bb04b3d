"""Notes that are written: made as text or JSON, edited, deleted, by one program and by many; and what is refused."""
import contextlib
import errno
import json
import os
import subprocess
import sys

import saving
from harness import Emulator, Mount, case, check, equal, fails, main, tool, wait_until
from saving import attempt, errors, save, writes

TITLE_MAX, CONTENT_MAX = 120, 65535


@contextlib.contextmanager
def noted(options=()):
    """A mount, and the folder of a record's notes, which it may not have yet."""
    with Emulator("Leads=3", "--notes", 6) as emulator, Mount(emulator, options=options) as mount:
        stem = [name for name in mount.list("Leads") if name.endswith(".json")][0].removesuffix(".json")
        yield emulator, mount, mount.at("Leads/notes", stem)


def record_of(folder):
    return folder.split(".")[-1]


def notes(emulator, folder):
    """The notes of the record as the CRM has them, by id."""
    rows = [saving.record(emulator, "Notes", number) for number in emulator.ids("Notes")]
    return {row["id"]: row for row in rows if row["Parent_Id"]["id"] == record_of(folder)}


def made(emulator, folder, before):
    """The one note that was not there before."""
    new = set(notes(emulator, folder)) - set(before)
    equal(len(new), 1, "new notes")
    return notes(emulator, folder)[new.pop()]


@case("made as text, edited as JSON, deleted: one call each")
def life():
    for suffix in "txt", "md":
        with noted() as (emulator, mount, folder):
            before, mark = notes(emulator, folder), emulator.mark()
            save(f"{folder}/call.{suffix}", b"Left a message.\nWill call again.\n")
            note = made(emulator, folder, before)
            equal(note["Note_Content"].rstrip("\n"), "Left a message.\nWill call again.", "content")
            equal([one.method for one in writes(emulator, mark)], ["POST"], "calls")
            listed = [name for name in os.listdir(folder) if name.endswith(f".{note['id']}.json")]
            equal(len(listed), 1, f"its real name, among {os.listdir(folder)}")
            path, mark = f"{folder}/{listed[0]}", emulator.mark()
            with open(path, "rb") as file:
                document = json.loads(file.read())
            save(path, json.dumps({**document, "Note_Title": "Call"}).encode())
            equal([(one.method, one.fields()) for one in writes(emulator, mark)], [("PUT", ["Note_Title"])], "calls")
            # By a process that ends, whose deletes are due soon.
            tool("rm", f"{folder}/{note['id']}.json")
            wait_until(lambda: note["id"] not in emulator.ids("Notes"), "the note to be deleted")
            check(not [name for name in os.listdir(folder) if note["id"] in name], "listed after all")


@case("made as JSON, with a title; the name stays another name of it")
def as_json():
    with noted() as (emulator, mount, folder):
        before = notes(emulator, folder)
        save(f"{folder}/first.json", b'{"Note_Title": "First", "Note_Content": "Content"}')
        note = made(emulator, folder, before)
        equal((note["Note_Title"], note["Note_Content"]), ("First", "Content"), "the note")
        with open(f"{folder}/first.json", "rb") as file:
            equal(json.loads(file.read())["id"], note["id"], "by the name it was made under")
        save(f"{folder}/first.json", b'{"Note_Title": "Second"}')
        equal(notes(emulator, folder)[note["id"]]["Note_Title"], "Second", "title")


@case("ten notes by ten processes are ten notes")
def ten():
    with noted() as (emulator, mount, folder):
        before = notes(emulator, folder)
        programs = [subprocess.Popen(["sh", "-c", 'echo "note $1" > "$2/n$1.txt"', "sh", str(number), folder])
                    for number in range(10)]
        equal([program.wait(timeout=60) for program in programs], [0] * 10, "exit statuses")
        new = [row for number, row in notes(emulator, folder).items() if number not in before]
        equal(sorted(row["Note_Content"].strip() for row in new), [f"note {number}" for number in range(10)], "notes")


@case("too long, of no content, of another record, unknown keys: refused with the reason, nothing sent, text kept")
def refused():
    with noted() as (emulator, mount, folder):
        mark = emulator.mark()
        for text, word in (({"Note_Title": "t" * (TITLE_MAX + 1), "Note_Content": "x"}, "Note_Title"),
                           ({"Note_Content": "c" * (CONTENT_MAX + 1)}, "Note_Content"),
                           ({"Note_Title": None, "Note_Content": None}, "content"),
                           ({"Note_Content": "x", "Colour": "red"}, "Colour")):
            path = f"{folder}/bad.json"
            step, number = attempt(path, json.dumps(text).encode())
            equal((step, errno.errorcode.get(number)), ("close", "EINVAL"), f"{str(text)[:60]}")
            told = errors(mount)[-1]
            check(word.lower() in f"{told['message']} {told['field']}".lower(), f"{str(text)[:60]}: {told}")
            os.unlink(path)
        equal(writes(emulator, mark), [], "calls")


@case("with -o ro notes cannot be written")
def read_only():
    with noted(["ro"]) as (emulator, mount, folder):
        fails(errno.EROFS, open, f"{folder}/new.txt", "wb")
        equal(writes(emulator), [], "calls")


if __name__ == "__main__":
    sys.exit(main())
