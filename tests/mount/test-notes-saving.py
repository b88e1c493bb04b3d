"""What else happens to notes that are written: other names, other folders, other writers, lost answers, another mount. The
plain cases are in test-notes-writing.py, the editors in test-editors.py."""
import errno
import json
import os

from harness import Emulator, Mount, case, check, equal, fails, main, wait_until
from saving import (attempt, audit, draft_kept, drain, errors, has, no_writes, record, save, text_of, wait_gone,
                    why, writes, writing)

NOTES = "Leads/notes"
TITLE_MAX, CONTENT_MAX = 120, 65535


def folder_of(mount, number=None):
    """The folder of a record that has notes, below the mount."""
    return f"{NOTES}/{number or mount.list(NOTES)[0]}"


def only_write(emulator, mark, method, path="/crm/v8/Notes"):
    """Returns the row of the one write."""
    seen = writes(emulator, mark)
    equal([(one.method, one.path, one.good()) for one in seen], [(method, path, True)], f"writes {seen}")
    return seen[0].rows[0] if seen[0].rows else None


def ids_in(mount, folder):
    return {name.split(".")[-2] for name in mount.list(folder) if name.endswith(".json")}


def made(mount, folder, before):
    """The id that has come to the folder."""
    new = ids_in(mount, folder) - before
    equal(len(new), 1, f"new notes in {mount.list(folder)}")
    return new.pop()


@case("a note made as text, changed as JSON and as text, and deleted")
def life():
    with Emulator("Leads=10", "--notes", 12) as emulator, writing(emulator) as mount:
        folder = folder_of(mount)
        owner, before = folder.split(".")[-1], ids_in(mount, folder)
        path = mount.at(folder, "call.txt")
        mark = emulator.mark()
        save(path, "Left a message\nwill call back\n".encode())
        row = only_write(emulator, mark, "POST")
        equal(row, {"Note_Content": "Left a message\nwill call back",
                    "Parent_Id": {"module": {"api_name": "Leads"}, "id": owner}}, "the row")
        number = made(mount, folder, before)
        name = f"Left_a_message_will_call_back.{number}.json"
        check(name in mount.list(folder), f"{name} in {mount.list(folder)}")
        check("call.txt" not in mount.list(folder), "the name it was made by is listed")
        equal(os.stat(path).st_ino, os.stat(mount.at(folder, name)).st_ino, "inodes of both names")

        mark = emulator.mark()
        document = json.loads(mount.read(folder, name))
        save(mount.at(folder, name), text_of({**document, "Note_Title": "Call"}))
        equal(only_write(emulator, mark, "PUT"), {"id": number, "Note_Title": "Call"}, "the row")
        check(f"Call.{number}.json" in mount.list(folder), f"the new name in {mount.list(folder)}")

        mark = emulator.mark()
        save(path, b"They called back\n")
        equal(only_write(emulator, mark, "PUT"), {"id": number, "Note_Content": "They called back"}, "the row")
        equal(record(emulator, "Notes", number)["Note_Title"], "Call", "the title")

        mark = emulator.mark()
        os.unlink(path)
        check(number not in ids_in(mount, folder), "the deleted note is listed")
        drain(mount)
        only_write(emulator, mark, "DELETE")
        check(not has(emulator, "Notes", number), "it is in the CRM")
        fails(errno.ENOENT, mount.read, folder, "call.txt")
        told = [(line["verb"], line["module"], line["outcome"]) for line in audit(mount)]
        equal(told, [("create", "Notes", "saved"), ("update", "Notes", "saved"), ("update", "Notes", "saved"),
                     ("delete", "Notes", "deleted")], "audit")
        check(all(line["path"].startswith(folder + "/") for line in audit(mount)), f"paths of {audit(mount)}")


@case("a first note, in the folder of a record that has none; also as JSON and .md")
def first():
    with Emulator("Leads=10", "--notes", 3) as emulator, writing(emulator) as mount:
        with_notes = {stem.split(".")[-1] for stem in mount.list(NOTES)}
        number = next(one for one in emulator.ids("Leads") if one not in with_notes)
        equal(mount.list(folder_of(mount, number)), [], "notes at first")
        save(mount.at(folder_of(mount, number), "a.json"), b'{"Note_Title": "One", "Note_Content": "x"}')
        save(mount.at(folder_of(mount, number), "b.md"), b"# Two\n\n- of them\n")
        equal(sorted(name.split(".")[0] for name in mount.list(folder_of(mount, number))), ["One", "_Two_-_of_them"],
              "labels")
        check(number in {stem.split(".")[-1] for stem in mount.list(NOTES)}, "the record among those with notes")


@case("the same name in two folders is two notes; a note does not leave its record")
def two_folders():
    with Emulator("Leads=10", "--notes", 12) as emulator, writing(emulator) as mount:
        one, other = (f"{NOTES}/{stem}" for stem in mount.list(NOTES)[:2])
        count = len(emulator.ids("Notes"))
        save(mount.at(one, "same.txt"), b"first")
        save(mount.at(other, "same.txt"), b"second")
        equal(len(emulator.ids("Notes")), count + 2, "notes")
        equal([json.loads(mount.read(folder, "same.txt"))["Note_Content"] for folder in (one, other)],
              ["first", "second"], "contents")
        mark = emulator.mark()
        fails(errno.EPERM, os.rename, mount.at(one, "same.txt"), mount.at(other, "moved.txt"))
        fails(errno.ENOENT, mount.read, other, mount.list(one)[0])
        no_writes(emulator, mark, "by moving a note")


@case("scratch files of two folders are kept apart, and none reaches the CRM")
def scratch():
    with Emulator("Leads=10", "--notes", 12) as emulator, writing(emulator) as mount:
        one, other = (f"{NOTES}/{stem}" for stem in mount.list(NOTES)[:2])
        mark = emulator.mark()
        for folder, text in (one, b"of one"), (other, b"of the other"):
            save(mount.at(folder, ".x.swp"), text)
            os.symlink(text.decode(), mount.at(folder, ".#lock"))
        equal([mount.read(folder, ".x.swp") for folder in (one, other)], [b"of one", b"of the other"], "texts")
        equal([os.readlink(mount.at(folder, ".#lock")) for folder in (one, other)], ["of one", "of the other"], "links")
        for folder in one, other:
            os.unlink(mount.at(folder, ".x.swp"))
            os.unlink(mount.at(folder, ".#lock"))
        drain(mount)
        no_writes(emulator, mark, "by scratch files")


# ---- refused ---------------------------------------------------------------------------------------------------------

@case("a note without content, and texts over the limits: EINVAL before anything is sent")
def refused():
    with Emulator("Leads=10", "--notes", 12) as emulator, writing(emulator) as mount:
        folder = folder_of(mount)
        number = sorted(ids_in(mount, folder))[0]
        document = json.loads(mount.read(folder, f"{number}.json"))
        mark = emulator.mark()
        bad = {"nothing.json": b"{}", "blank.txt": b"\n", "title.json": text_of({"Note_Title": "x" * (TITLE_MAX + 1)}),
               "content.txt": b"x" * (CONTENT_MAX + 1), "binary.txt": b"a\0b", "latin.txt": b"caf\xe9"}
        for name, text in bad.items():
            path = mount.at(folder, name)
            equal(attempt(path, text), ("close", errno.EINVAL), name)
            line = errors(mount)[-1]
            equal((line["path"], line["errno"], line["module"]), (f"{folder}/{name}", "EINVAL", "Notes"), name)
            check("EINVAL" in why(path), f"why of {name}")
            os.unlink(path)
        name = next(one for one in mount.list(folder) if number in one)
        text = text_of({**document, "Note_Title": "x" * (TITLE_MAX + 1)})
        equal(attempt(mount.at(folder, name), text), ("close", errno.EINVAL), "too long a title")
        draft_kept(mount, errors(mount)[-1], text)
        check("Note_Title" in why(mount.at(folder, name)), "the field in what why says")
        text = text_of({**document, "Note_Title": None, "Note_Content": None})
        equal(attempt(mount.at(folder, name), text), ("close", errno.EINVAL), "an emptied note")
        equal([one for one in writes(emulator, mark) if one.good()], [], "writes that were taken")
        for text in b"x" * CONTENT_MAX, "é".encode() * CONTENT_MAX:
            save(mount.at(folder, "long.txt"), text)
            equal(json.loads(mount.read(folder, "long.txt"))["Note_Content"], text.decode(), "a content of full length")


@case("plain text is no text for a note that was made as JSON; the record's own fields are passed over")
def as_json():
    with Emulator("Leads=10", "--notes", 12) as emulator, writing(emulator) as mount:
        folder = folder_of(mount)
        name = mount.list(folder)[0]
        document = json.loads(mount.read(folder, name))
        mark = emulator.mark()
        equal(attempt(mount.at(folder, name), b"a text"), ("close", errno.EINVAL), "a text")
        save(mount.at(folder, name), text_of({**document, "Owner": None, "Parent_Id": None}))
        no_writes(emulator, mark, "for what only the server sets")
        equal(audit(mount)[-1]["ignored"], ["Owner", "Parent_Id"], "what the audit says was passed over")


@case("somebody else's change of the same note is not overwritten, another field is merged")
def merged():
    with Emulator("Leads=10", "--notes", 12) as emulator, writing(emulator) as mount:
        folder = folder_of(mount)
        name = mount.list(folder)[0]
        number, document = name.split(".")[-2], json.loads(mount.read(folder, name))
        emulator.edit("Notes", number, Note_Title="By somebody else")
        save(mount.at(folder, name), text_of({**document, "Note_Content": "Mine"}))
        kept = record(emulator, "Notes", number)
        equal((kept["Note_Title"], kept["Note_Content"]), ("By somebody else", "Mine"), "merged")
        # One that is not just saved, and so not read again anyway.
        number = next(one for one in sorted(ids_in(mount, folder)) if one != number)
        document = json.loads(mount.read(folder, f"{number}.json"))
        emulator.edit("Notes", number, Note_Content="By somebody else")
        mark = emulator.mark()
        equal(attempt(mount.at(folder, f"{number}.json"), text_of({**document, "Note_Content": "Mine again"})),
              ("close", errno.EBUSY), "the same field")
        no_writes(emulator, mark, "over somebody else's change")


@case("a lost answer: the note is found among the record's, and not made twice")
def lost():
    with Emulator("Leads=10", "--notes", 12) as emulator, writing(emulator) as mount:
        folder = folder_of(mount)
        count = len(emulator.ids("Notes"))
        emulator.faults({"match": "POST /crm/v8/Notes", "cut": True, "count": 1})
        save(mount.at(folder, "lost.txt"), b"Once only\n")
        emulator.faults()
        equal(len(emulator.ids("Notes")), count + 1, "notes")
        equal(json.loads(mount.read(folder, "lost.txt"))["Note_Content"], "Once only", "the note")


@case("read-only, and where the profile may not write notes")
def not_allowed():
    with Emulator("Leads=10", "--notes", 12) as emulator:
        with Mount(emulator, options=["ro"]) as mount:
            folder = folder_of(mount)
            equal(attempt(mount.at(folder, "x.txt"), b"x"), ("open", errno.EROFS), "a new note")
            fails(errno.EROFS, os.unlink, mount.at(folder, mount.list(folder)[0]))
        emulator.post("module", {"module": "Notes", "creatable": False, "editable": False, "deletable": False})
        with writing(emulator) as mount:
            folder = folder_of(mount)
            equal(attempt(mount.at(folder, "x.txt"), b"x"), ("open", errno.EACCES), "a new note")
            fails(errno.EACCES, os.unlink, mount.at(folder, mount.list(folder)[0]))
            fails(errno.EROFS, os.mkdir, mount.at(NOTES, "x"))


# ---- over the end of a mount -----------------------------------------------------------------------------------------

@case("names and deletes outlive the mount")
def remounted():
    with Emulator("Leads=10", "--notes", 12) as emulator:
        with writing(emulator) as mount:
            folder = folder_of(mount)
            save(mount.at(folder, "kept.txt"), b"Kept")
            doomed = sorted(ids_in(mount, folder))[0]
            emulator.faults({"match": "DELETE", "reset": True})
            os.unlink(mount.at(folder, f"{doomed}.json"))
            mount.kill()
        emulator.faults()
        with writing(emulator, keep=mount) as again:
            wait_gone(emulator, "Notes", [doomed])
            wait_until(lambda: doomed not in ids_in(again, folder), "the deleted note to go")
            mark = emulator.mark()
            save(again.at(folder, "kept.txt"), b"Changed")
            only_write(emulator, mark, "PUT")


main()
