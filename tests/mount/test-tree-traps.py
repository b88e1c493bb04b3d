"""Attachments, notes and queries against unlucky networks, full disks and users who do things at the wrong moment: nothing
is lost, nothing is made twice, and no file has the bytes of another."""
import contextlib
import errno
import hashlib
import json
import os
import signal
import sys

from attached import Attached
from harness import (Emulator, Mount, PATIENCE, case, check, equal, fails, main, running, tool, wait_until)
from saving import attempt, audit, drain, errors, record, save, text_of, writes

KILOBYTE = 1000
MEGABYTE = 1000 * KILOBYTE


class Folder(Attached):
    """The attachments of a lead, and their directory."""

    def __init__(self, server, mount, number=None):
        super().__init__(server, number or server.ids("Leads")[0])
        self.path = mount.at("Leads", self.record, "attachments") if mount else None

    def at(self, name):
        return os.path.join(self.path, name)

    def kept(self):
        """What the CRM has: (name, bytes), oldest first."""
        text = self.call("GET", "?fields=id,File_Name")
        return [(row["File_Name"], self.call("GET", f"/{row['id']}")) for row in json.loads(text)["data"]] if text else []


@contextlib.contextmanager
def attaching(**arguments):
    with Emulator("Leads=5") as server, Mount(server, **arguments) as mount:
        yield mount, Folder(server, mount)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def uploads(folder):
    return {"match": f"POST /crm/v8/Leads/{folder.record}/Attachments"}


# ---- files that are not whole ----------------------------------------------------------------------------------------

@case("a file that grew too large is not attached as far as it fits, and what it was to replace stays")
def too_large():
    with attaching() as (mount, folder):
        save(folder.at("a.bin"), b"old")
        for name in "a.bin", "b.bin":
            handle = os.open(folder.at(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.write(handle, b"first part")
            fails(errno.EFBIG, os.pwrite, handle, b"x" * 4096, 100 * MEGABYTE - 10)
            fails(errno.EFBIG, os.close, handle)
        equal(folder.kept(), [("a.bin", b"old")], "attached")
        equal(read(folder.at("a.bin")), b"old", "what is read")
        equal([line["errno"] for line in errors(mount)], ["EFBIG"] * 2, "errors")


@case("a file of which the local disk took a part is not attached")
def disk_full():
    with attaching(wrapper=("prlimit", f"--fsize={300 * 1024}")) as (mount, folder):
        save(folder.at("a.bin"), b"old")
        step, failed = attempt(folder.at("a.bin"), b"x" * 200 * KILOBYTE + b"y" * 200 * KILOBYTE)
        equal(step, "write", "the step that failed")
        check(failed != 0, "errno")
        handle = os.open(folder.at("b.bin"), os.O_WRONLY | os.O_CREAT)
        os.write(handle, b"x" * 1000)
        with contextlib.suppress(OSError):
            os.pwrite(handle, b"y" * 1000, 300 * 1024)
        try:
            os.close(handle)
            closed = 0
        except OSError as error:
            closed = error.errno
        equal(folder.kept(), [("a.bin", b"old")], "attached")
        check(closed != 0, "the close said nothing")
        check(errors(mount), "nothing was told")


@case("an answer that is lost after an fsync is looked for, too")
def lost_after_fsync():
    with attaching() as (mount, folder):
        for fault, kept in ({"cut": True}, b"first second"), ({"reset": True}, b"first "):
            handle = os.open(folder.at("a.txt"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.write(handle, b"first ")
            os.fsync(handle)
            os.write(handle, b"second")
            folder.server.faults({**uploads(folder), **fault, "count": 1})
            if kept == b"first ":
                fails(errno.ENETUNREACH, os.close, handle)
                equal(mount.read(".zohofs/drafts/Leads/a.txt"), b"first second", "the draft")
            else:
                os.close(handle)
            folder.server.faults()
            equal(folder.kept(), [("a.txt", kept)], f"attached after {fault}")


# ---- names that go while something is under way ----------------------------------------------------------------------

@case("rm of a file that is being attached removes it")
def removed_while_sent():
    with attaching() as (mount, folder):
        equal(os.listdir(folder.path), [], "before")
        folder.server.faults({**uploads(folder), "stall": True, "count": 1})
        source = os.path.join(mount.folder, "a.txt")
        with open(source, "wb") as file:
            file.write(b"text")
        with running(["cp", source, folder.path]) as (copying,):
            mount.wait_calls(1)
            with running(["rm", folder.at("a.txt")]) as (removing,):
                with contextlib.suppress(AssertionError):
                    wait_until(lambda: removing.poll() is not None, "a rm that does not wait", 1)
                folder.server.faults()
                equal((copying.wait(timeout=PATIENCE), removing.wait(timeout=PATIENCE)), (0, 0), "status")
        equal((folder.kept(), os.listdir(folder.path)), ([], []), "after rm")


@case("a file that lost its name is not attached by who still writes it")
def nameless():
    with attaching() as (mount, folder):
        for scratch in False, True:
            handle = os.open(folder.at("a.txt"), os.O_WRONLY | os.O_CREAT)
            os.write(handle, b"first")
            if scratch:
                save(folder.at("a.tmp"), b"other")
                os.rename(folder.at("a.tmp"), folder.at("a.txt"))
            else:
                os.unlink(folder.at("a.txt"))
            os.write(handle, b"second")
            os.close(handle)
            equal(folder.kept(), [("a.txt", b"other")] if scratch else [], "attached")
        equal(errors(mount), [], "errors")


# ---- names -----------------------------------------------------------------------------------------------------------

@case("writing over one of two of a name replaces that one, and is what is read then")
def twice_the_name():
    with attaching() as (mount, folder):
        folder.attach("a.txt", b"one")
        folder.attach("a.txt", b"two")
        listed = sorted(os.listdir(folder.path))
        texts = {name: read(folder.at(name)) for name in listed}
        equal(sorted(texts.values()), [b"one", b"two"], "texts")
        for text in b"new", b"newer", b"newest":
            save(folder.at("a.txt"), text)
            texts["a.txt"] = text
            equal({name: read(folder.at(name)) for name in os.listdir(folder.path)}, texts, "texts")
        equal(sorted(text for _, text in folder.kept()), sorted(texts.values()), "in the CRM")


@case("the one that could not be deleted does not hide the one that replaces it")
def old_stays():
    with attaching() as (mount, folder):
        save(folder.at("a.txt"), b"old")
        folder.server.faults({"match": "DELETE", "status": 403, "code": "NO_PERMISSION"})
        save(folder.at("a.txt"), b"new")
        folder.server.faults()
        equal(read(folder.at("a.txt")), b"new", "what is read")
        equal([line["errno"] for line in errors(mount)], ["EACCES"], "errors")


@case("odd names: attached as they are or refused, and a lost answer is found whatever they are")
def odd_names():
    names = ["\U0001f600.txt", "a\"b\\.txt", "%2F.txt", "ends with dot.", " blank.txt",
             "\u00e9.txt", "e\u0301.txt", "A.txt", "a.txt", "x" * 251 + ".txt", "semi;colon.txt", "a\u202eb.txt"]
    with attaching() as (mount, folder):
        for name in names:
            save(folder.at(name), name.encode())
        before = len(folder.kept())
        equal(before, len(names), "attached")
        folder.server.faults({"match": "POST .*Attachments", "cut": True})
        for name in names:
            save(folder.at(name), b"again " + name.encode())
        folder.server.faults()
        equal(len(folder.kept()), len(names), "after lost answers")
        equal(sorted(text for _, text in folder.kept()), sorted(b"again " + name.encode() for name in names), "texts")
        for name in b"new\nline.txt", b"tab\t.txt", b"\x7f.txt", b"\xff.txt":
            fails(errno.EINVAL, os.open, os.path.join(os.fsencode(folder.path), name), os.O_WRONLY | os.O_CREAT)
        fails(errno.ENAMETOOLONG, os.open, folder.at("x" * 256), os.O_WRONLY | os.O_CREAT)
        equal(errors(mount), [], "errors")


# ---- the end of the mount --------------------------------------------------------------------------------------------

@case("a mount that ends while a file is sent keeps it as a draft and says so; nothing is attached twice")
def ends_while_sent():
    for number in signal.SIGTERM, signal.SIGKILL:
        with Emulator("Leads=5") as server:
            with Mount(server) as mount:
                folder = Folder(server, mount)
                equal(os.listdir(folder.path), [], "before")
                server.faults({**uploads(folder), "stall": True, "status": 500})
                with running([sys.executable, "-c", f"open({folder.at('a.txt')!r}, 'w').write('text')"]):
                    mount.wait_calls(1)
                    mount.process.send_signal(number)
                    if number == signal.SIGKILL:
                        mount.kill()
                    else:
                        equal(mount.process.wait(timeout=PATIENCE), 0, "status")
            server.faults()
            with Mount(server, keep=mount) as again:
                equal(again.read(".zohofs/drafts/Leads/a.txt"), b"text", "the draft")
                equal(errors(again)[-1]["draft"], ".zohofs/drafts/Leads/a.txt", "what is told")
                equal(os.listdir(Folder(server, again).path), [], "attached")
                equal(os.listdir(os.path.join(again.home, "state", "uploads")), [], "left in the state folder")


@case("what is written after an fsync, when the mount is to end, is a draft")
def ends_while_written():
    with Emulator("Leads=5") as server:
        with Mount(server) as mount:
            folder = Folder(server, mount)
            handle = os.open(folder.at("a.txt"), os.O_WRONLY | os.O_CREAT)
            os.write(handle, b"first ")
            os.fsync(handle)
            os.write(handle, b"second")
            mount.process.send_signal(signal.SIGTERM)
            equal(mount.process.wait(timeout=PATIENCE), 0, "status")
            with contextlib.suppress(OSError):
                os.close(handle)
        with Mount(server, keep=mount) as again:
            texts = [text for _, text in folder.kept()]
            if texts != [b"first second"]:
                equal((texts, again.read(".zohofs/drafts/Leads/a.txt")), ([b"first "], b"first second"), "kept")


# ---- notes -----------------------------------------------------------------------------------------------------------

NOTES = "Leads/notes"


@contextlib.contextmanager
def noted(**arguments):
    """A mount, and the folders of two records with notes of the same titles."""
    with Emulator("Leads=5", "--notes", 0) as server, Mount(server, **arguments) as mount:
        names = [name.removesuffix(".json") for name in mount.list("Leads") if name.endswith(".json")]
        folders = [mount.at(NOTES, name) for name in names[:2]]
        for folder in folders:
            for number in range(3):
                save(f"{folder}/{number}.json", text_of({"Note_Title": "Same", "Note_Content": f"{folder} {number}"}))
        yield server, mount, folders


def notes(server):
    """All that the CRM has: (record, title, content), sorted."""
    rows = [record(server, "Notes", number) for number in server.ids("Notes")]
    return sorted((row["Parent_Id"]["id"], row["Note_Title"] or "", row["Note_Content"] or "") for row in rows)


def record_of(folder):
    return folder.split(".")[-1]


@case("rsync -a of notes there and back, twice: nothing is lost, doubled or changed")
def notes_synced():
    with noted() as (server, mount, folders):
        before, ids = notes(server), server.ids("Notes")
        copy = os.path.join(mount.folder, "copy")
        tool("rsync", "-a", mount.at(NOTES) + "/", copy)
        mark = server.mark()
        for _ in range(2):
            tool("rsync", "-a", copy + "/", mount.at(NOTES))
            tool("cp", "-r", f"{copy}/.", mount.at(NOTES))
        equal(writes(server, mark), [], "writes")
        for name in os.listdir(folders[0]):
            os.unlink(os.path.join(folders[0], name))
        drain(mount)
        equal(len(notes(server)), 3, "after rm")
        for _ in range(2):
            tool("rsync", "-a", copy + "/", mount.at(NOTES))
        equal(notes(server), before, "restored")
        equal(len(set(server.ids("Notes")) & set(ids)), 3, "the others")
        equal(errors(mount), [], "errors")


@case("notes copied into another record's folder are new ones there, and the old ones stay as they are")
def notes_copied():
    with noted() as (server, mount, folders):
        before = notes(server)
        tool("cp", "-r", f"{folders[0]}/.", folders[1])
        theirs = [row for row in before if row[0] == record_of(folders[0])]
        equal(notes(server), sorted(before + [(record_of(folders[1]), *row[1:]) for row in theirs]), "notes")
        equal(len(os.listdir(folders[1])), 6, "listed")
        mark = server.mark()
        tool("cp", "-r", f"{folders[0]}/.", folders[1])
        equal(writes(server, mark), [], "writes of a second copy")


@case("mv between folders loses nothing: what cannot be moved stays where it is")
def moved():
    with noted() as (server, mount, folders):
        before = notes(server)
        lead, attachments = folders[0].replace("/notes/", "/"), os.path.join(folders[0].replace("/notes/", "/"), "attachments")
        save(os.path.join(attachments, "a.txt"), b"attached")
        save(os.path.join(attachments, "b.tmp"), b"scratch")
        save(f"{folders[0]}/x.tmp", b"note scratch")
        save(mount.at("Leads", "y.tmp"), b"lead scratch")
        save(mount.at("queries/q.coql"), b"select Last_Name from Leads where Last_Name is not null limit 1")
        note = os.path.join(folders[0], sorted(os.listdir(folders[0]))[0])
        sources = [note, f"{lead}.json", f"{attachments}/a.txt", f"{attachments}/b.tmp", f"{folders[0]}/x.tmp",
                   mount.at("Leads/y.tmp"), mount.at("queries/q.coql"), f"{lead}/notes"]
        targets = [folders[1], mount.at("Leads"), mount.at("queries"), lead, os.path.join(lead, "Campaigns"),
                   mount.at(NOTES), mount.path, attachments, os.path.join(folders[1].replace("/notes/", "/"), "attachments")]
        texts = {path: read(path) if os.path.isfile(path) else None for path in sources}
        told = []
        for path in sources:
            for target in targets:
                if target == os.path.dirname(path):
                    continue
                for name in os.path.basename(path), "moved.md":
                    new = os.path.join(target, name)
                    try:
                        os.rename(path, new)
                        raise AssertionError(f"{path} was moved to {new}")
                    except OSError as error:
                        told.append((os.path.relpath(path, mount.path), os.path.relpath(new, mount.path),
                                     errno.errorcode[error.errno]))
        equal({path: read(path) if os.path.isfile(path) else None for path in sources}, texts, "texts")
        equal(notes(server), before, "notes")
        # A record and a note are no files that could be moved elsewhere; a file is, by a copy.
        for path in note, f"{lead}.json":
            equal({line[2] for line in told if line[0] == os.path.relpath(path, mount.path)
                   and os.path.dirname(line[1]).rpartition("/")[2] in ("attachments", "queries")}, {"EPERM"}, "errnos")
        for path in f"{attachments}/a.txt", mount.at("Leads/y.tmp"), f"{attachments}/b.tmp":
            tool("mv", path, targets[-1])
            equal(read(os.path.join(targets[-1], os.path.basename(path))), texts[path], f"{path} that was moved")
            check(not os.path.exists(path), f"{path} is there yet")


def answer_with(server, lists):
    """From now on the notes of these records are these rows."""
    server.faults(*({"match": f"GET /crm/v8/Leads/{number}/Notes", "body": {
        "data": rows, "info": {"more_records": False, "count": len(rows), "page": 1, "per_page": 200}}}
        for number, rows in lists.items()))


@case("a note whose record was merged into another is that one's, whichever folder is looked at")
def merged():
    with noted(ttl=1) as (server, mount, folders):
        equal([len(os.listdir(folder)) for folder in folders], [3, 3], "before")
        lists = {record_of(folder): [] for folder in folders}
        for number in server.ids("Notes"):
            row = record(server, "Notes", number)
            lists[row["Parent_Id"]["id"]].append(row)
        moved_row = lists[record_of(folders[0])].pop()
        moved_row["Parent_Id"]["id"] = record_of(folders[1])
        lists[record_of(folders[1])].append(moved_row)
        answer_with(server, lists)
        for folder, count in (1, 4), (0, 2), (1, 4), (0, 2):
            mount.expire()
            listed = os.listdir(folders[folder])
            equal(len(listed), count, f"notes in {folder}")
            equal([name for name in listed if moved_row["id"] in name] != [], folder == 1, "the note")
            # The other one is as it was, as long as it is fresh.
            other = [name for name in os.listdir(folders[1 - folder]) if moved_row["id"] in name]
            equal(other != [], folder == 0, "the note in the other folder")


@case("a note whose POST was on its way when the daemon was killed is made once, whether it had come or not")
def note_posted():
    for fault in {"cut": True}, {"reset": True}:
        with Emulator("Leads=5", "--notes", 3) as server:
            number = server.ids("Leads")[0]
            count = len(server.ids("Notes"))
            with Mount(server) as mount:
                folder = mount.at(NOTES, number)
                server.faults({"match": "POST /crm/v8/Notes", **fault}, {"match": "GET .*/Notes", "stall": True})
                with running([sys.executable, "-c", f"open('{folder}/a.txt', 'w').write('only once')"]):
                    wait_until(lambda: writes(server), "the POST")
                    mount.wait_calls(1)
                    mount.kill()
            server.faults()
            with Mount(server, keep=mount) as again:
                wait_until(lambda: drain(again) is None, "the drain")
                save(again.at(NOTES, number, "a.txt"), b"only once")
                drain(again)
                kept = [row for row in notes(server) if row[2] == "only once"]
                equal((len(kept), len(server.ids("Notes"))), (1, count + 1), f"notes after {fault}")


@case("notes of a record that was deleted: what is written is refused, kept and told")
def note_orphaned():
    with noted() as (server, mount, folders):
        server.delete("Leads", record_of(folders[0]))
        step, failed = attempt(f"{folders[0]}/new.txt", b"of nobody")
        equal((step, failed), ("close", errno.EINVAL), "a note of a record that is gone")
        equal(errors(mount)[-1]["module"], "Notes", "the module that is told")
        os.unlink(f"{folders[0]}/new.txt")


# ---- queries ---------------------------------------------------------------------------------------------------------

QUERY = "select Last_Name from Leads where Last_Name is not null limit 2"


@case("a query that several programs write one after the other is run when it is whole")
def query_in_parts():
    with Emulator("Leads=5") as server, Mount(server) as mount:
        parts = []
        for number, text in enumerate(("select Last_Name\n", "from Leads where Last_Name\n", "is not null limit 2\n")):
            parts.append(os.path.join(mount.folder, str(number)))
            with open(parts[-1], "w", encoding="utf-8") as file:
                file.write(text)
        whole = "; ".join(f"cat {part}" for part in parts)
        for path in ".coql", "queries/q.coql":
            tool("sh", "-ec", f"{{ {whole}; }} > {mount.at(path)}")
        equal(errors(mount), [], "errors")
        equal(len(json.loads(mount.read(".coql"))), 2, "rows")
        equal(len(json.loads(mount.read("queries/q.json"))), 2, "rows")


@case("two that append to .coql at a time each have a query of their own")
def query_appended():
    with Emulator("Leads=5") as server, Mount(server) as mount:
        flags = os.O_WRONLY | os.O_APPEND
        one, other = os.open(mount.at(".coql"), flags), os.open(mount.at(".coql"), flags)
        for part in "select Last_Name from ", "Leads where Last_Name is ", "not null limit 2":
            for handle in one, other:
                os.write(handle, part.encode())
        os.close(one)
        os.close(other)
        equal(len(json.loads(mount.read(".coql"))), 2, "rows")


@case("names that are no UTF-8 are told of in good JSON")
def not_utf8():
    with Emulator("Leads=5,Campaigns=2") as server, Mount(server) as mount:
        queries = os.fsencode(mount.at("queries"))
        try:
            handle = os.open(queries + b"/\xff.coql", os.O_WRONLY | os.O_CREAT)
            os.write(handle, b"select nothing")
            os.close(handle)
        except OSError:
            pass
        campaign, lead = server.ids("Campaigns")[0], server.ids("Leads")[0].encode()
        with contextlib.suppress(OSError):
            os.symlink(b"../../../Leads/\xfe." + lead + b".json",
                       os.fsencode(mount.at("Campaigns", campaign, "Leads")) + b"/\xff." + lead + b".json")
        with contextlib.suppress(OSError):
            os.unlink(os.fsencode(mount.at("Campaigns", campaign, "Leads")) + b"/\xff." + lead + b".json")
        with contextlib.suppress(OSError):
            os.listdir(os.fsencode(mount.at("Leads/.search")) + b"/\xff\xfe")
        equal([line["errno"] for line in errors(mount)], ["EINVAL"] * 2, "errors")
        equal(len(audit(mount)), 1, "audit")
        mount.status()
        os.listdir(queries)


@case("bytes, comments and sizes that no query has: EINVAL or EFBIG, and the next one works")
def odd_queries():
    with Emulator("Leads=5") as server, Mount(server) as mount:
        for text in b"\0", b"select \0 from Leads", b"\xff\xfe", b"select 'x", b"-- comment\n" + QUERY.encode(), b";;;", b"(((", \
                    b"select" + b" " * 9000 + b"x", b"select \"\xc3\xa9 from Leads", b"x" * 10001, b"select (" * 1000:
            step, failed = attempt(mount.at(".coql"), text)
            check(failed in (errno.EINVAL, errno.EFBIG), f"{text[:20]}: {step} {failed}")
            step, failed = attempt(mount.at("queries/q.coql"), text)
            check(failed in (errno.EINVAL, errno.EFBIG), f"{text[:20]}: {step} {failed}")
            fails(errno.EINVAL, os.stat, mount.at("queries/q.json"))
        save(mount.at("queries/q.coql"), QUERY.encode())
        save(mount.at(".coql"), QUERY.encode())
        equal(mount.read(".coql"), mount.read("queries/q.json"), "rows")


@case("rows that are open stay what they are while the query is written anew, removed and renamed")
def rows_open():
    with Emulator("Leads=50") as server, Mount(server) as mount:
        save(mount.at("queries/q.coql"), b"select Last_Name from Leads where Last_Name is not null")
        with open(mount.at("queries/q.json"), "rb", buffering=0) as file:
            text = file.read()
            check(len(json.loads(text)) > 2, "rows")
            save(mount.at("queries/q.coql"), QUERY.encode())
            file.seek(0)
            equal(file.read(), text, "rows that were open")
            os.rename(mount.at("queries/q.coql"), mount.at("queries/p.coql"))
            fails(errno.ENOENT, os.stat, mount.at("queries/q.json"))
            os.unlink(mount.at("queries/p.coql"))
            file.seek(7)
            equal(file.read(), text[7:], "rows that were open")
            equal(mount.list("queries"), [], "queries")


# ---- folders of records ----------------------------------------------------------------------------------------------

@case("rm -r of a record's folder takes what is its own and leaves the record, its notes and what it is linked to")
def folder_removed():
    with Emulator("Leads=5,Campaigns=3", "--notes", 10) as server, Mount(server) as mount:
        lead = next(name.removesuffix(".json") for name in mount.list("Leads") if name.endswith(".json"))
        campaign = mount.list("Campaigns")[0]
        folder = mount.at("Leads", lead)
        save(mount.at(NOTES, lead, "a.txt"), b"a note")
        save(f"{folder}/attachments/a.txt", b"attached")
        os.symlink(f"../../../Campaigns/{campaign}", f"{folder}/Campaigns/{campaign}")
        before = {module: server.ids(module) for module in ("Leads", "Campaigns", "Notes")}
        tool("rm", "-rf", folder, status=1)
        drain(mount)
        equal({module: server.ids(module) for module in before}, before, "records")
        check(os.path.isdir(folder), "the folder")
        equal([name for name in mount.list("Leads") if lead in name], [f"{lead}.json"], "the record")
        told = [(line["verb"], line["outcome"]) for line in audit(mount)][-2:]
        equal(told, [("delink", "delinked"), ("detach", "deleted")], "audit")


@case("links with odd targets are refused, those that are there already or gone already are no error")
def odd_links():
    with Emulator("Leads=5,Campaigns=3") as server, Mount(server) as mount:
        lead, campaign = server.ids("Leads")[0], server.ids("Campaigns")[0]
        folder = mount.at("Campaigns", campaign, "Leads")
        name = f"x.{lead}.json"
        for target in ("/etc/passwd", name, f"./{name}", "..", "/", "x" * 300, f"Leads/{lead}.json/", f"Leads//{lead}.json",
                       f"../../../Leads/{lead}.json/..", f"\n/{lead}.json", "Leads/.json", f"Campaigns/{lead}.json"):
            fails(errno.EINVAL, os.symlink, target, f"{folder}/{name}")
        equal([call.method for call in server.calls() if call.method not in ("GET", "POST")], [], "calls")
        os.symlink(mount.at("Leads", name), f"{folder}/{name}")
        fails(errno.EEXIST, os.symlink, mount.at("Leads", name), f"{folder}/{name}")
        fails(errno.EEXIST, os.symlink, mount.at("Leads", name), f"{folder}/{lead}.json")
        server.request("DELETE", f"/crm/v8/Campaigns/{campaign}/Leads/{lead}", None,
                       {"Authorization": f"Zoho-oauthtoken {server.token()}"})
        os.unlink(f"{folder}/{name}")
        equal(os.listdir(folder), [], "links")
        # An answer that is lost.
        server.faults({"match": "PUT /crm/v8/Campaigns", "cut": True, "count": 1})
        os.symlink(mount.at("Leads", name), f"{folder}/{name}")
        server.faults({"match": "DELETE /crm/v8/Campaigns", "cut": True, "count": 1})
        os.unlink(f"{folder}/{name}")
        equal(os.listdir(folder), [], "links")
        check(lead in server.ids("Leads"), "the record")


@case("editors on attachments: what is saved is there once, and nothing else")
def edited():
    with attaching() as (mount, folder):
        save(folder.at("a.txt"), b"one\ntwo\n")
        tool("sed", "-i", "s/one/1/", folder.at("a.txt"))
        equal(folder.kept(), [("a.txt", b"1\ntwo\n")], "after sed -i")
        tool("perl", "-i", "-pe", "s/two/2/", folder.at("a.txt"))
        equal(folder.kept(), [("a.txt", b"1\n2\n")], "after perl -i")
        equal(errors(mount), [], "errors")


# ---- two mounts ------------------------------------------------------------------------------------------------------

@case("two mounts that write the same attachment and the same note leave both texts, and none twice")
def two_mounts():
    with Emulator("Leads=5", "--notes", 3) as server, Mount(server, ttl=1) as one, Mount(server, ttl=1, keep=one) as other:
        lead = server.ids("Leads")[0]
        count = len(server.ids("Notes"))
        folders = [Folder(server, mount, lead) for mount in (one, other)]
        for folder in folders:
            equal(os.listdir(folder.path), [], "before")
        for folder, text in zip(folders, (b"one", b"two")):
            save(folder.at("a.txt"), text)
        equal(sorted(text for _, text in folders[0].kept()), [b"one", b"two"], "in the CRM")
        for mount, folder in zip((one, other), folders):
            mount.expire()
            equal(sorted(read(folder.at(name)) for name in os.listdir(folder.path)), [b"one", b"two"], "seen")
        for mount in one, other:
            save(mount.at(NOTES, lead, "same.txt"), b"same text")
        equal(len(server.ids("Notes")), count + 1, "notes")


# ---- what servers say ------------------------------------------------------------------------------------------------

ODD_ROWS = [
    {"File_Name": None}, {"File_Name": 5}, {"File_Name": "x" * 100000}, {"File_Name": "../../x"},
    {"File_Name": "size.txt", "Size": str(2 ** 63 - 1)}, {"File_Name": "size2.txt", "Size": str(2 ** 64)},
    {"File_Name": "size3.txt", "Size": "-1"}, {"File_Name": "size4.txt", "Size": 2 ** 63 - 1}, {"File_Name": "\n"},
    {"File_Name": "time.txt", "Modified_Time": "9999-12-31T23:59:59+00:00"}, {"File_Name": "time2.txt", "Modified_Time": 3},
    {"File_Name": "link", "$link_url": "http://x/\nURL=evil"}, {"File_Name": "link", "$link_url": "x" * 100000},
    {"File_Name": "link", "$link_url": ""}, {"File_Name": ""}, {"File_Name": ""}, {"File_Name": "x" * 251 + ".txt"},
    {"File_Name": "x" * 251 + ".txt"}, {"File_Name": "\u202e.txt"}, {"File_Name": ".x.txt.Ab12Cd"}, {"File_Name": "4913"},
]


@case("whatever a list of attachments says, its names can be listed, looked at, opened and removed")
def odd_rows():
    with attaching() as (mount, folder):
        rows = [{"id": str(7019000001000 + number), "Size": "3", **row} for number, row in enumerate(ODD_ROWS)]
        folder.server.faults(
            {"match": r"GET /crm/v8/Leads/[0-9]+/Attachments\?", "status": 200,
             "body": json.dumps({"data": rows, "info": {"more_records": False}})},
            {"match": r"GET /crm/v8/Leads/[0-9]+/Attachments/[0-9]+", "status": 200, "body": "abc"})
        names = os.listdir(folder.path)
        equal((len(names), len(set(names))), (len(rows), len(rows)), "names")
        tool("ls", "-laR", folder.path)
        tool("du", "-a", folder.path)
        for name in names:
            check(os.stat(folder.at(name)).st_size >= 0, name)
            with open(folder.at(name), "rb") as file:
                file.read(10)


# ---- many at once ----------------------------------------------------------------------------------------------------

WRITER = """
import os, sys
path, me = sys.argv[1], sys.argv[2]
for number in range(int(sys.argv[3])):
    if number % 3 == 2:
        with open(f"{path}.{me}.tmp", "w") as file:
            file.write(f"{me} {number}\\n" * 1000)
        os.rename(f"{path}.{me}.tmp", path)
    else:
        with open(path, "w") as file:
            file.write(f"{me} {number}\\n" * 1000)
"""


@case("several who write over the same attachment leave one, and none of them fails")
def same_name():
    with attaching() as (mount, folder):
        save(folder.at("a.txt"), b"first")
        commands = [[sys.executable, "-c", WRITER, folder.at("a.txt"), str(me), "6"] for me in range(5)]
        with running(*commands) as writers:
            outcomes = [writer.communicate(timeout=PATIENCE)[1].decode()[-300:] for writer in writers]
        drain(mount)
        equal(outcomes, [""] * 5, "what the writers say")
        kept = folder.kept()
        equal([name for name, _ in kept], ["a.txt"], f"attached; {errors(mount)}")
        equal(read(folder.at("a.txt")), kept[0][1], "what is read")


@case("ten readers of one attachment get its bytes, though one sleeps and one is killed")
def readers():
    text = b"".join(b"%015d\n" % number for number in range(1000 * 1000))
    with attaching(limits={"concurrency": 2}) as (mount, folder):
        folder.attach("a.bin", text)
        with open(folder.at("a.bin"), "rb", buffering=0) as slow:
            equal(slow.read(1000), text[:1000], "first bytes of the slow one")
            with running(["cat", folder.at("a.bin")],
                         *[["sha256sum", folder.at("a.bin")]] * 9) as processes:
                wait_until(lambda: mount.status()["in_flight"] > 0, "a download")
                sums = {process.communicate(timeout=PATIENCE)[0].split()[0] for process in processes[1:]}
            slow.seek(len(text) - 1000)
            equal(slow.read(1000), text[-1000:], "last bytes of the slow one")
        equal(sums, {hashlib.sha256(text).hexdigest().encode()}, "sums")


@case("a delete whose answer is lost is done once; fifos and hard links are no attachments")
def other_things():
    with attaching() as (mount, folder):
        folder.attach("a.txt", b"one")
        folder.attach("a.txt", b"two")
        os.listdir(folder.path)
        folder.server.faults({"match": "DELETE .*Attachments", "cut": True, "count": 1})
        os.unlink(folder.at("a.txt"))
        equal(len(folder.kept()), 1, "attachments")
        for function in (lambda: os.mkfifo(folder.at("fifo")), lambda: os.link(folder.at("a.txt"), folder.at("b.txt")),
                         lambda: os.symlink("a.txt", folder.at("c.txt")), lambda: os.mkdir(folder.at("d"))):
            try:
                function()
                raise AssertionError("it was made")
            except OSError as error:
                check(error.errno in (errno.EPERM, errno.EROFS, errno.ENOENT), f"{error}")
        with open(folder.at("a.txt"), "rb") as file:
            equal(file.read(), folder.kept()[0][1], "the other one")
        mark = folder.server.mark()
        fails(errno.ENOENT, os.rmdir, folder.at("nothing"))
        equal(folder.server.calls("DELETE", since=mark), [], "deletes")


main()
