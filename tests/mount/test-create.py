"""New files become records: once, whatever program writes them, and whatever is lost on the way; under the name they
were written as well as under their own."""
import errno
import json
import os

import saving
from harness import Emulator, case, check, equal, fails, main, running, tool, wait_until
from saving import (attempt, changed, document, find, mounted, name_of, no_writes, one_put, put_local, record, save,
                    settings, told, writes, writing)


def new_text(number=0, **fields):
    return saving.text_of({"Last_Name": f"Newcomer {number}", "Company": "New & Co", **fields})


def new_ids(emulator, module, before):
    return sorted(set(emulator.ids(module)) - set(before))


def made_once(emulator, mount, before, mark, name, module="Leads"):
    """Writing @name made one record with one POST. Returns its id."""
    taken = writes(emulator, mark, good=True)
    equal([(one.method, len(one.rows)) for one in taken], [("POST", 1)], "writes")
    made = new_ids(emulator, module, before)
    equal(len(made), 1, "new records")
    is_alias(mount, module, name, made[0])
    return made[0]


def is_alias(mount, module, name, number):
    """Both names are the one file, and only the real one is listed."""
    real = name_of(mount, module, number)
    equal(os.stat(mount.at(module, name)).st_ino, os.stat(mount.at(module, real)).st_ino, "inode numbers")
    equal(mount.read(module, name), mount.read(module, real), "texts")
    check(name == real or name not in mount.list(module), f"{name} is not listed")


def creates(write, module="Leads"):
    """write(mount, path) makes one record under the name new.json."""
    with mounted(f"{module}=6") as (emulator, mount):
        before, mark = emulator.ids(module), emulator.mark()
        write(mount, mount.at(module, "new.json"))
        number = made_once(emulator, mount, before, mark, "new.json", module)
        saving.as_served(emulator, mount, module, number)
        saving.as_served(emulator, mount, module, number, "new.json")
        mark = emulator.mark()
        save(mount.at(module, "new.json"), b'{"Description": "Saved again"}')
        one_put(emulator, mark, ["Description"], "a save under the alias")
        equal(new_ids(emulator, module, before), [number], "new records")


# ---- by programs -----------------------------------------------------------------------------------------------------

@case("cp")
def by_cp():
    creates(lambda mount, path: tool("cp", put_local(mount, "text", new_text()), path))


@case("cp -p, which sets times before it closes")
def by_cp_p():
    creates(lambda mount, path: tool("cp", "-p", put_local(mount, "text", new_text()), path))


@case("mv from another filesystem")
def by_mv():
    creates(lambda mount, path: tool("mv", put_local(mount, "text", new_text()), path))


@case("a shell's redirection")
def by_shell():
    creates(lambda mount, path: tool("sh", "-c", 'printf "%s" "$1" > "$2"', "sh", new_text().decode(), path))


@case("two programs that write one after the other into one redirection")
def by_two():
    half = len(new_text()) // 2
    creates(lambda mount, path: tool("sh", "-c", '{ cat "$1"; cat "$2"; } > "$3"', "sh",
                                     put_local(mount, "one", new_text()[:half]),
                                     put_local(mount, "two", new_text()[half:]), path))


def as_editors_do(_, path):
    """As vim makes a new file."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    os.ftruncate(handle, 0)
    os.write(handle, new_text())
    os.fsync(handle)
    os.fchmod(handle, 0o644)
    os.close(handle)


@case("an editor: create, truncate, write, fsync, chmod, close")
def by_editor():
    creates(as_editors_do)


def by_temporary(_, path):
    save(f"{path}.tmp", new_text())
    os.rename(f"{path}.tmp", path)


@case("a temporary file that is renamed")
def by_rename():
    creates(by_temporary)


@case("rsync -a, which writes to a hidden name first")
def by_rsync():
    creates(lambda mount, path: tool("rsync", "-a", put_local(mount, "text", new_text()), path))


def touched_first(mount, path):
    mark = mount.emulator.mark()
    tool("touch", path)
    equal(mount.read("Leads", "new.json"), b"", "the empty file")
    check("new.json" in mount.list("Leads"), "the empty file is listed")
    no_writes(mount.emulator, mark, "of an empty file")
    save(path, new_text())


@case("empty first, then written")
def by_touch():
    creates(touched_first)


@case("written in many small pieces")
def in_pieces():
    def write(_, path):
        with open(path, "wb", buffering=0) as file:
            for at in range(0, len(new_text()), 7):
                file.write(new_text()[at:at + 7])
    creates(write)


@case("cp of a record to a new name is a clone")
def clone():
    with mounted("Deals=6,Accounts=4,Contacts=4") as (emulator, mount):
        before, mark = emulator.ids("Deals"), emulator.mark()
        number = find(emulator, "Deals", lambda row: row["Deal_Name"] and row["Account_Name"])
        tool("cp", mount.at("Deals", name_of(mount, "Deals", number)), mount.at("Deals", "copy.json"))
        made = made_once(emulator, mount, before, mark, "copy.json", "Deals")
        row = writes(emulator, mark)[0].rows[0]
        check("id" not in row and "Created_Time" not in row, f"what only the server sets in {row}")
        old, new = record(emulator, "Deals", number), record(emulator, "Deals", made)
        for field in "Deal_Name", "Stage", "Amount", "Closing_Date", "Next_Step":
            equal(new[field], old[field], field)
        equal(new["Account_Name"]["id"], old["Account_Name"]["id"], "the account")


@case("a clone with a subform has rows of its own")
def clone_rows():
    with mounted("Projects=12,Contacts=6,Accounts=4") as (emulator, mount):
        number = find(emulator, "Projects", lambda row: row["Name"] and len(row["Milestones"]) == 2)
        before, mark = emulator.ids("Projects"), emulator.mark()
        text = changed(mount, "Projects", name_of(mount, "Projects", number), Code="Of-its-own")
        save(mount.at("Projects", "copy.json"), text)
        made = made_once(emulator, mount, before, mark, "copy.json", "Projects")
        old, new = (record(emulator, "Projects", one)["Milestones"] for one in (number, made))
        equal(sorted(row["Title"] or "" for row in new), sorted(row["Title"] or "" for row in old), "titles")
        check(not {row["id"] for row in old} & {row["id"] for row in new}, "the rows are other ones")


# ---- aliases ---------------------------------------------------------------------------------------------------------

@case("the name it was written under is known after a remount, until the record is gone")
def alias_kept():
    with Emulator("Leads=6") as emulator:
        with writing(emulator) as mount:
            before = emulator.ids("Leads")
            save(mount.at("Leads", "new.json"), new_text())
            number, = new_ids(emulator, "Leads", before)
            inode = os.stat(mount.at("Leads", "new.json")).st_ino
        with writing(emulator, keep=mount) as again:
            is_alias(again, "Leads", "new.json", number)
            equal(os.stat(again.at("Leads", "new.json")).st_ino, inode, "inode number after the remount")
            mark = emulator.mark()
            save(again.at("Leads", "new.json"), b'{"Company": "The same record"}')
            one_put(emulator, mark, ["Company"], "a save under the alias")
            os.unlink(again.at("Leads", "new.json"))
            fails(errno.ENOENT, os.stat, again.at("Leads", f"{number}.json"))
            saving.drain(again)
            check(not saving.has(emulator, "Leads", number), "it is deleted under its alias")
            save(again.at("Leads", "new.json"), new_text(1))
            check(number not in new_ids(emulator, "Leads", before), "a new record under the old name")
            equal(len(new_ids(emulator, "Leads", before)), 1, "new records")


# ---- bad content -----------------------------------------------------------------------------------------------------

@case("bad content stays where it was written until it is good")
def bad():
    with mounted() as (emulator, mount):
        before, mark, path = emulator.ids("Leads"), emulator.mark(), mount.at("Leads", "new.json")
        for text, field in ((b'{"Company": "Half', None), (b'{"Company": "Without a name"}', "Last_Name"),
                            (b'{"Last_Name": "N", "Emial": "x"}', "Emial")):
            equal(attempt(path, text), ("close", errno.EINVAL), f"writing {text}")
            told(mount, "Leads", "new.json", errno.EINVAL, field=field)
            equal(mount.read("Leads", "new.json"), text, "the bad text")
            equal(os.stat(path).st_size, len(text), "its size")
            check("new.json" in mount.list("Leads"), "it is listed")
        no_writes(emulator, mark, "of bad content")
        save(path, new_text())
        made_once(emulator, mount, before, mark, "new.json")


@case("what the CRM refuses stays, too, and is not sent again by itself")
def refused_create():
    with mounted() as (emulator, mount):
        before = emulator.ids("Leads")
        taken = record(emulator, "Leads", before[0])["Email"]
        text = new_text(Email=taken)
        equal(attempt(mount.at("Leads", "new.json"), text), ("close", errno.EEXIST), "a duplicate")
        told(mount, "Leads", "new.json", errno.EEXIST, code="DUPLICATE_DATA", field="Email")
        mark = emulator.mark()
        equal(mount.read("Leads", "new.json"), text, "the refused text")
        check("new.json" in mount.list("Leads"), "it is listed")
        tool("touch", mount.at("Leads", "new.json"))
        no_writes(emulator, mark, "after the refusal")
        save(mount.at("Leads", "new.json"), new_text(Email="free@harbor.example"))
        made_once(emulator, mount, before, mark, "new.json")


@case("bad content is among the drafts after a remount")
def bad_kept():
    with Emulator("Leads=6") as emulator:
        with writing(emulator) as mount:
            equal(attempt(mount.at("Leads", "new.json"), b'{"Company": "Half'), ("close", errno.EINVAL), "writing")
        with writing(emulator, keep=mount) as again:
            check("new.json" not in again.list("Leads"), "it is not in the module any more")
            names = again.list(saving.DRAFTS, "Leads")
            equal([again.read(saving.DRAFTS, "Leads", name) for name in names], [b'{"Company": "Half'], "drafts")
            no_writes(emulator, 0, "of bad content")


# ---- lost answers ----------------------------------------------------------------------------------------------------

@case("a POST whose answer was lost is looked for, and not sent twice")
def lost_answer():
    for fault in {"cut": True}, {"malformed": True}:
        with mounted() as (emulator, mount):
            before, mark = emulator.ids("Leads"), emulator.mark()
            emulator.faults({"match": "^POST /crm/v8/Leads", "count": 1, **fault})
            save(mount.at("Leads", "new.json"), new_text())
            made_once(emulator, mount, before, mark, "new.json")


@case("a POST that may not have got there is told as unclear, and looked for before another one")
def unclear():
    with mounted() as (emulator, mount):
        before, mark, path = emulator.ids("Leads"), emulator.mark(), mount.at("Leads", "new.json")
        emulator.faults({"match": "^POST /crm/v8/Leads", "reset": True, "count": 1})
        for _ in range(2):
            equal(attempt(path, new_text()), ("close", errno.EIO), "a connection that was reset")
            told(mount, "Leads", "new.json", errno.EIO, code="unclear")
            equal(mount.read("Leads", "new.json"), new_text(), "the file")
        equal(new_ids(emulator, "Leads", before), [], "new records")
        equal(len(writes(emulator, mark)), 1, "POSTs")


@case("a POST that got there unheard, and late: saved again, the file finds its record")
def late():
    with mounted(limits={"deadline": 8}) as (emulator, mount):
        before, path = emulator.ids("Leads"), mount.at("Leads", "new.json")
        emulator.faults({"match": "^POST /crm/v8/(Leads|coql)", "stall": True, "reset": True})
        step, failed = attempt(path, new_text())
        check(step == "close" and failed in (errno.EIO, errno.ETIMEDOUT), f"an answer that never came: {step} {failed}")
        emulator.faults()
        made = emulator.post("create", {"module": "Leads", "by": "me", "fields": json.loads(new_text())})["id"]
        mark = emulator.mark()
        save(path, new_text())
        no_writes(emulator, mark, "of a record that was found")
        equal(new_ids(emulator, "Leads", before), [made], "new records")
        is_alias(mount, "Leads", "new.json", made)


@case("several lost at once: each file finds its own record")
def lost_group():
    with mounted(options=[], knobs={"latency_ms": 100}) as (emulator, mount):
        before = emulator.ids("Leads")
        files = [put_local(mount, f"n{number}.json", new_text(number)) for number in range(6)]
        emulator.faults({"match": "^POST /crm/v8/Leads", "cut": True, "count": 2})
        with running(*(["cp", file, mount.at("Leads", "")] for file in files)) as copies:
            equal([one.wait(timeout=120) for one in copies], [0] * len(files), "exit statuses of cp")
        made = new_ids(emulator, "Leads", before)
        equal(sorted(record(emulator, "Leads", number)["Last_Name"] for number in made),
              [f"Newcomer {number}" for number in range(6)], "new records")
        for number in made:
            is_alias(mount, "Leads", f"n{record(emulator, 'Leads', number)['Last_Name'].split()[-1]}.json", number)


# ---- many ------------------------------------------------------------------------------------------------------------

def folder_of(mount, count, name="new"):
    folder = os.path.join(mount.folder, name)
    os.mkdir(folder)
    for number in range(count):
        with open(os.path.join(folder, f"n{number}.json"), "wb") as file:
            file.write(new_text(number))
    return folder


@case("500 creates by xargs -P 16 become few POSTs")
def many():
    count = 500
    with mounted(knobs={"latency_ms": 100}, limits={"concurrency": 20}) as (emulator, mount):
        before, mark, folder = emulator.ids("Leads"), emulator.mark(), folder_of(mount, count)
        tool("sh", "-c", f'seq 0 {count - 1} | xargs -P 16 -I{{}} cp "$1/n{{}}.json" "$2/"', "sh", folder,
             mount.at("Leads"))
        made = new_ids(emulator, "Leads", before)
        equal(sorted(record(emulator, "Leads", number)["Last_Name"] for number in made),
              sorted(f"Newcomer {number}" for number in range(count)), "new records")
        posts = writes(emulator, mark)
        equal(sum(len(one.rows) for one in posts), count, "rows of all POSTs")
        check(len(posts) <= count // 4, f"{len(posts)} POSTs for {count} records by 16 writers")
        calls = len(emulator.calls(since=mark))
        print(f"# {len(posts)} POSTs, {calls} calls", flush=True)
        # Each POST's records are read back with as many calls as there are slices of fields; and who we are.
        check(calls <= 2 * len(posts) + 10, f"{calls} calls for {len(posts)} POSTs")
        equal([name for name in mount.list("Leads") if name.startswith("n") and name.count(".") == 1], [],
              "names that are not the real ones")


@case("records made together are read back together, and alone where that fails")
def read_back():
    answers = ({}, {"status": 204}, {"status": 200, "body": json.dumps({"data": [], "info": {"more_records": False}})},
               {"status": 500}, {"cut": True, "count": 1}, {"malformed": True})
    for fault in answers:
        with mounted(knobs={"latency_ms": 100}) as (emulator, mount):
            before, folder = emulator.ids("Leads"), folder_of(mount, 5)
            save(mount.at("Leads", "first.json"), new_text(99))
            emulator.faults(*[{"match": "GET /crm/v8/Leads.*[?&]ids=", "count": 0, **fault}] if fault else [])
            mark = emulator.mark()
            with running(*(["cp", f"{folder}/n{number}.json", mount.at("Leads", "")] for number in range(5))) as copies:
                equal([one.wait(timeout=120) for one in copies], [0] * 5, "exit statuses of cp")
            emulator.faults()
            print(f"# {fault}: {len(writes(emulator, mark))} POSTs, {len(emulator.calls(since=mark))} calls", flush=True)
            made = new_ids(emulator, "Leads", before)
            equal(len(made), 6, "new records")
            for number in made:
                saving.as_served(emulator, mount, "Leads", number)


@case("a restore that is run twice, with a remount in between, doubles nothing")
def restored_twice():
    with Emulator("Leads=6") as emulator:
        with writing(emulator) as mount:
            before, folder = emulator.ids("Leads"), folder_of(mount, 40)
            tool("cp", "-r", f"{folder}/.", mount.at("Leads"))
            made = new_ids(emulator, "Leads", before)
            equal(len(made), 40, "new records")
            mark = emulator.mark()
            tool("cp", "-r", f"{folder}/.", mount.at("Leads"))
            no_writes(emulator, mark, "of the same restore once more")
        with writing(emulator, keep=mount) as again:
            tool("cp", "-r", f"{folder}/.", again.at("Leads"))
            no_writes(emulator, mark, "of the same restore after a remount")
            for name in os.listdir(folder):
                with open(os.path.join(folder, name), "wb") as file:
                    file.write(new_text(int(name[1:-5]), Company="Another one"))
            tool("rsync", "-a", f"{folder}/", again.at("Leads") + "/")
            equal([one.method for one in writes(emulator, mark)], ["PUT"] * 40, "writes of a restore that differs")
        equal(new_ids(emulator, "Leads", before), made, "new records")


@case("restoring 1,000 records with rsync -a costs at most one write call for each")
def restored():
    with Emulator("Deals=1000") as emulator:
        with writing(emulator) as mount:
            folder = os.path.join(mount.folder, "backup")
            tool("rsync", "-a", mount.at("Deals") + "/", folder + "/")
        numbers = emulator.ids("Deals")
        lost, edited = numbers[::10], numbers[1::4]
        for number in lost:
            emulator.delete("Deals", number)
        edited = [number for number in edited if number not in lost]
        old = {number: record(emulator, "Deals", number)["Next_Step"] for number in edited}
        for number in edited:
            emulator.edit("Deals", number, Next_Step="Spoilt")
        with writing(emulator, ["stale=overwrite"]) as other:
            mark = emulator.mark()
            tool("rsync", "-a", folder + "/", other.at("Deals") + "/")
            other.wait_quiet()
            sent = writes(emulator, mark)
            equal({one.method for one in sent}, {"PUT", "POST"}, "kinds of writes")
            check(len(sent) <= len(edited) + len(lost), f"{len(sent)} write calls for {len(edited)} and {len(lost)}")
            equal(len(emulator.ids("Deals")), 1000, "records")
            equal({number: record(emulator, "Deals", number)["Next_Step"] for number in edited}, old, "restored values")
            mark = emulator.mark()
            tool("rsync", "-a", folder + "/", other.at("Deals") + "/")
            no_writes(emulator, mark, "of a second restore")
        with writing(emulator, keep=other) as third:
            names = [name for name in os.listdir(folder) if name.split(".")[-2] in lost]
            equal(len(names), len(lost), "files of records that were deleted once")
            tool("cp", *(os.path.join(folder, name) for name in names), third.at("Deals") + "/")
            no_writes(emulator, mark, "of a third restore, without stale=overwrite")
            equal(len(emulator.ids("Deals")), 1000, "records")


# ---- by a field ------------------------------------------------------------------------------------------------------

@case("<Field>=<value>.json reads and updates the record that has the value")
def by_field():
    with mounted() as (emulator, mount):
        number = emulator.ids("Leads")[0]
        name = f"Email={record(emulator, 'Leads', number)['Email']}.json"
        saving.as_served(emulator, mount, "Leads", number, name)
        equal(os.stat(mount.at("Leads", name)).st_ino, os.stat(mount.at("Leads", f"{number}.json")).st_ino, "inodes")
        mark = emulator.mark()
        save(mount.at("Leads", name), b'{"Company": "By its address"}')
        one_put(emulator, mark, ["Company"], "a save by field")
        equal(record(emulator, "Leads", number)["Company"], "By its address", "company")
        check(name not in mount.list("Leads"), "it is not listed")


@case("<Field>=<value>.json that no record has is made: an upsert where the field is unique")
def upsert():
    with mounted() as (emulator, mount):
        before, mark = emulator.ids("Leads"), emulator.mark()
        fails(errno.ENOENT, os.stat, mount.at("Leads", "Email=nobody@harbor.example.json"))
        save(mount.at("Leads", "Email=nobody@harbor.example.json"), new_text())
        equal([one.path for one in writes(emulator, mark)], ["/crm/v8/Leads/upsert"], "writes")
        number, = new_ids(emulator, "Leads", before)
        equal(record(emulator, "Leads", number)["Email"], "nobody@harbor.example", "the address, from the name")
        mark = emulator.mark()
        save(mount.at("Leads", "Email=nobody@harbor.example.json"), new_text(Company="Twice"))
        one_put(emulator, mark, ["Company"], "a second write")
        equal(new_ids(emulator, "Leads", before), [number], "new records")


@case("<Field>=<value>.json that no record has is inserted where the field is not unique")
def insert_by_field():
    with mounted() as (emulator, mount):
        before, mark = emulator.ids("Leads"), emulator.mark()
        save(mount.at("Leads", "Mobile=+1 555 0123.json"), new_text())
        equal([one.path for one in writes(emulator, mark)], ["/crm/v8/Leads"], "writes")
        number, = new_ids(emulator, "Leads", before)
        equal(record(emulator, "Leads", number)["Mobile"], "+1 555 0123", "the number, from the name")


@case("<Field>=<value>.json that several records have is EEXIST")
def ambiguous():
    with mounted() as (emulator, mount):
        for number in emulator.ids("Leads")[:2]:
            emulator.edit("Leads", number, Mobile="+1 555 0199")
        mark, path = emulator.mark(), mount.at("Leads", "Mobile=+1 555 0199.json")
        fails(errno.EEXIST, os.stat, path)
        fails(errno.EEXIST, os.open, path, os.O_WRONLY | os.O_CREAT)
        no_writes(emulator, mark, "of an ambiguous name")


@case("<Field>=<value>.json by several writers at once is one record")
def upsert_at_once():
    with mounted(knobs={"latency_ms": 100}) as (emulator, mount):
        before = emulator.ids("Leads")
        text = put_local(mount, "text", new_text())
        copies = [["cp", text, mount.at("Leads", "Email=many@harbor.example.json")]] * 5
        with running(*copies) as programs:
            for one in programs:
                one.wait(timeout=120)
        equal(len(new_ids(emulator, "Leads", before)), 1, "new records")


# ---- others ----------------------------------------------------------------------------------------------------------

@case("a record is made where somebody else unlinked the new file: it is deleted again")
def unlinked():
    with mounted() as (emulator, mount):
        before, path = emulator.ids("Leads"), mount.at("Leads", "new.json")
        save(path, new_text())
        os.unlink(path)
        fails(errno.ENOENT, os.stat, path)
        saving.drain(mount)
        equal(emulator.ids("Leads"), before, "records")


@case("new records of a workflow's doing read as the server has them")
def workflow():
    with mounted() as (emulator, mount):
        settings(emulator, workflow=json.dumps({"module": "Leads", "set_field": "Rating", "value": "Active"}))
        before = emulator.ids("Leads")
        save(mount.at("Leads", "new.json"), new_text())
        number, = new_ids(emulator, "Leads", before)
        wait_until(lambda: document(mount, "Leads", "new.json")["Rating"] == "Active", "the workflow's value")
        saving.as_served(emulator, mount, "Leads", number)


if __name__ == "__main__":
    main()
