"""Two who change one record: what goes together is merged, what does not is refused with both values, and nobody's
change is overwritten unseen. And what is sent of fields that are more than a value: rows, links, tags, rich texts,
lookups."""
import errno
import json
import os
import sys

import crm
import saving
from harness import Emulator, case, check, equal, main, tool, wait_until
from saving import (attempt, changed, document, draft_kept, edit, find, mounted, name_of, no_writes, one_put,
                    record, refused, save, settings, text_of, told, writes, writing)


def by_another_process(path, text):
    """A program that never read the file writes it. Returns its errno, 0 when it was saved."""
    program = ("import os, sys\n"
               "text = sys.stdin.buffer.read()\n"
               "handle = os.open(sys.argv[1], os.O_WRONLY | os.O_TRUNC)\n"
               "os.write(handle, text)\n"
               "try:\n    os.close(handle)\n"
               "except OSError as error:\n    print(error.errno)\n"
               "else:\n    print(0)\n")
    local = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(path))), "stale")
    with open(local, "wb") as file:
        file.write(text)
    return int(tool("sh", "-c", '"$0" -c "$1" "$2" < "$3"', sys.executable, program, path, local))


def lead(emulator, mount, index=0):
    """The id, name and text of a lead, as it was read."""
    number = emulator.ids("Leads")[index]
    name = name_of(mount, "Leads", number)
    return number, name, document(mount, "Leads", name)


def nothing_taken(emulator, mark, what):
    equal(writes(emulator, mark, good=True), [], f"writes that were taken, {what}")


# ---- the same record -------------------------------------------------------------------------------------------------

@case("different fields are merged, and only the user's is sent")
def disjoint():
    with mounted() as (emulator, mount):
        number, name, old = lead(emulator, mount)
        emulator.edit("Leads", number, Company="By a colleague")
        mark = emulator.mark()
        save(mount.at("Leads", name), text_of({**old, "Designation": "By the user"}))
        equal(one_put(emulator, mark, ["Designation"], "disjoint fields"), {"Designation": "By the user"}, "row")
        now = record(emulator, "Leads", number)
        equal((now["Company"], now["Designation"]), ("By a colleague", "By the user"), "what came of both")
        saving.as_served(emulator, mount, "Leads", number)


@case("the same field is EBUSY, and both values are told")
def same_field():
    with mounted() as (emulator, mount):
        number, name, old = lead(emulator, mount)
        emulator.edit("Leads", number, Company="Theirs")
        mark = emulator.mark()
        text = text_of({**old, "Company": "Mine", "Designation": "Goes with it"})
        refused(mount, "Leads", name, text, errno.EBUSY, field="Company", words=["Theirs", "Mine"])
        nothing_taken(emulator, mark, "of a conflict")
        equal(record(emulator, "Leads", number)["Company"], "Theirs", "the colleague's value")
        saving.as_served(emulator, mount, "Leads", number)


@case("both wrote the same value: no conflict, and nothing to send for it")
def equal_change():
    with mounted() as (emulator, mount):
        number, name, old = lead(emulator, mount)
        emulator.edit("Leads", number, Company="The same")
        mark = emulator.mark()
        save(mount.at("Leads", name), text_of({**old, "Company": "The same", "Designation": "More"}))
        one_put(emulator, mark, ["Designation"], "an equal change")


@case("a stale text of a process that never read the file is refused where it would undo a change")
def stale_writer():
    with mounted() as (emulator, mount):
        number, name, old = lead(emulator, mount)
        emulator.edit("Leads", number, Company="Theirs")
        mark = emulator.mark()
        text = text_of({**old, "Company": "Of long ago"})
        equal(by_another_process(mount.at("Leads", name), text), errno.EBUSY, "errno of the stale writer")
        draft_kept(mount, told(mount, "Leads", name, errno.EBUSY, field="Company", words=["Theirs"]), text)
        nothing_taken(emulator, mark, "of a stale text")


@case("a stale text that changes nothing undoes nothing")
def stale_unchanged():
    with mounted() as (emulator, mount):
        number, name, old = lead(emulator, mount)
        emulator.edit("Leads", number, Company="Theirs")
        mark = emulator.mark()
        equal(by_another_process(mount.at("Leads", name), text_of(old)), 0, "errno of the stale writer")
        nothing_taken(emulator, mark, "of a text that changes nothing")
        equal(record(emulator, "Leads", number)["Company"], "Theirs", "the colleague's value")


@case("a backup of a version that nobody knows any more is refused, and taken with -o stale=overwrite")
def old_backup():
    with Emulator("Leads=6") as emulator:
        with writing(emulator) as mount:
            number, name, old = lead(emulator, mount)
            backup = text_of(old)
        emulator.edit("Leads", number, Company="Of today", Designation=None)
        with writing(emulator) as other:
            name, mark = name_of(other, "Leads", number), emulator.mark()
            refused(other, "Leads", name, backup, errno.EBUSY, words=["stale=overwrite"])
            nothing_taken(emulator, mark, "of an old backup")
            saving.as_served(emulator, other, "Leads", number)
        with writing(emulator, ["stale=overwrite"], keep=other) as third:
            mark = emulator.mark()
            tool("cp", saving.put_local(third, "backup", backup), third.at("Leads", name))
            one_put(emulator, mark, ["Company"] + (["Designation"] if old["Designation"] else []), "a restore")
            equal(record(emulator, "Leads", number)["Company"], old["Company"], "the restored value")


@case("an edit and a save in the same second: what the server changed unseen stays")
def same_second():
    with mounted() as (emulator, mount):
        number, name, old = lead(emulator, mount)
        edit(emulator, "Leads", number, touch=False, Company="Theirs, in the same second")
        mark = emulator.mark()
        save(mount.at("Leads", name), text_of({**old, "Designation": "Mine"}))
        one_put(emulator, mark, ["Designation"], "in the same second")
        equal(record(emulator, "Leads", number)["Company"], "Theirs, in the same second", "the colleague's value")
        edit(emulator, "Leads", number, touch=False, Company="And once more")
        new = document(mount, "Leads", name)
        mark = emulator.mark()
        save(mount.at("Leads", name), text_of({**new, "Designation": "Mine again"}))
        one_put(emulator, mark, ["Designation"], "in the same second")
        equal(record(emulator, "Leads", number)["Company"], "And once more", "the colleague's value")
        saving.as_served(emulator, mount, "Leads", number)


@case("two saves in one second are both there")
def twice_in_a_second():
    with mounted() as (emulator, mount):
        number, name, _ = lead(emulator, mount)
        mark = emulator.mark()
        for turn in range(5):
            save(mount.at("Leads", name), changed(mount, "Leads", name, Designation=f"Turn {turn}"))
        equal([one.rows for one in writes(emulator, mark, good=True)],
              [[{"Designation": f"Turn {turn}"}] for turn in range(5)], "what was sent")
        saving.as_served(emulator, mount, "Leads", number)


@case("the user types back the value that a colleague replaced")
def typed_back():
    with mounted(ttl=1) as (emulator, mount):
        number, name, old = lead(emulator, mount)
        emulator.edit("Leads", number, Company="Theirs")
        mount.expire()
        new = wait_until(lambda: (lambda text: text["Company"] == "Theirs" and text)(document(mount, "Leads", name)),
                         "the colleague's value")
        mark = emulator.mark()
        save(mount.at("Leads", name), text_of({**new, "Company": old["Company"]}))
        equal(one_put(emulator, mark, ["Company"], "a value typed back"), {"Company": old["Company"]}, "row")


@case("an editor that goes on from its own buffer, with a colleague and a workflow in between")
def two_saves():
    rule = {"module": "Leads", "when_field": "Designation", "set_field": "Rating", "value": "Active"}
    with mounted() as (emulator, mount):
        number, name, old = lead(emulator, mount)
        settings(emulator, workflow=json.dumps(rule))
        mark = emulator.mark()
        buffer = {**old, "Designation": "First"}
        save(mount.at("Leads", name), text_of(buffer))
        equal(one_put(emulator, mark, ["Designation"], "the first save"), {"Designation": "First"}, "row")
        equal(record(emulator, "Leads", number)["Rating"], "Active", "what the workflow set")
        emulator.edit("Leads", number, Company="By a colleague")
        buffer["Mobile"], mark = "+1 555 0100", emulator.mark()
        save(mount.at("Leads", name), text_of(buffer))
        one_put(emulator, mark, ["Mobile"], "the second save")
        now = record(emulator, "Leads", number)
        equal((now["Company"], now["Rating"], now["Designation"]), ("By a colleague", "Active", "First"), "the others")


@case("412 twice in a row is decided anew each time, and then saved")
def twice_412():
    with mounted() as (emulator, mount):
        number, name, old = lead(emulator, mount)
        emulator.faults({"match": "^PUT ", "status": 412, "code": "ALREADY_MODIFIED", "count": 2})
        mark = emulator.mark()
        save(mount.at("Leads", name), text_of({**old, "Company": "Patient"}))
        equal([one.status for one in writes(emulator, mark)], [412, 412, 200], "answers")
        equal(record(emulator, "Leads", number)["Company"], "Patient", "value")


@case("412 without end is EBUSY")
def endless_412():
    with mounted() as (emulator, mount):
        _, name, old = lead(emulator, mount)
        emulator.faults({"match": "^PUT ", "status": 412, "code": "ALREADY_MODIFIED"})
        mark = emulator.mark()
        refused(mount, "Leads", name, text_of({**old, "Company": "Too late"}), errno.EBUSY)
        check(len(writes(emulator, mark)) <= 4, f"tries: {writes(emulator, mark)}")


@case("a colleague who comes between the read and the write is seen")
def between():
    with mounted() as (emulator, mount):
        number, name, old = lead(emulator, mount)
        handle = os.open(mount.at("Leads", name), os.O_WRONLY | os.O_TRUNC)
        os.write(handle, text_of({**old, "Designation": "Mine"}))
        emulator.edit("Leads", number, Company="Theirs, meanwhile")
        mark = emulator.mark()
        os.close(handle)
        one_put(emulator, mark, ["Designation"], "a colleague in between")
        equal([one.status for one in writes(emulator, mark)], [412, 200], "answers")
        equal(record(emulator, "Leads", number)["Company"], "Theirs, meanwhile", "the colleague's value")


@case("an update whose answer was lost is saved once and is no conflict with itself")
def lost_answer():
    with mounted() as (emulator, mount):
        number, name, old = lead(emulator, mount)
        emulator.faults({"match": "^PUT ", "cut": True, "count": 1})
        save(mount.at("Leads", name), text_of({**old, "Company": "Once"}))
        equal(record(emulator, "Leads", number)["Company"], "Once", "value")
        saving.as_served(emulator, mount, "Leads", number)


@case("a record that vanished meanwhile: ENOENT, and the text is kept")
def vanished():
    with mounted() as (emulator, mount):
        number, name, old = lead(emulator, mount)
        text = text_of({**old, "Company": "For nobody"})
        handle = os.open(mount.at("Leads", name), os.O_WRONLY | os.O_TRUNC)
        os.write(handle, text)
        emulator.delete("Leads", number)
        step = None
        try:
            os.close(handle)
        except OSError as error:
            step = error.errno
        equal(step, errno.ENOENT, "errno of the close")
        line = saving.errors(mount)[-1]
        equal(line["errno"], "ENOENT", "errno that is told")
        draft_kept(mount, line, text)
        check(not saving.has(emulator, "Leads", number), "it is not made again")


@case("a renamed account changes its contacts' texts, and no save of theirs")
def renamed_account():
    with mounted("Contacts=20,Accounts=4", ttl=1) as (emulator, mount):
        number = find(emulator, "Contacts", lambda row: row["Account_Name"])
        account = record(emulator, "Contacts", number)["Account_Name"]["id"]
        name = name_of(mount, "Contacts", number)
        old = document(mount, "Contacts", name)
        emulator.edit("Accounts", account, Account_Name="Renamed Harbor Ltd")
        mark = emulator.mark()
        save(mount.at("Contacts", name), text_of(old))
        no_writes(emulator, mark, "of a text that differs by an account's name only")
        save(mount.at("Contacts", name), text_of({**old, "Title": "Captain"}))
        one_put(emulator, mark, ["Title"], "a contact of a renamed account")
        equal(document(mount, "Contacts", name)["Account_Name"]["name"], "Renamed Harbor Ltd", "name of the account")


# ---- rows ------------------------------------------------------------------------------------------------------------

def project(emulator, mount, rows=3):
    """A project with just @rows milestones: its id, name and document."""
    number = find(emulator, "Projects", lambda row: len(row["Milestones"]) == rows)
    name = name_of(mount, "Projects", number)
    return number, name, document(mount, "Projects", name)


def projects():
    return mounted("Projects=20,Contacts=110,Accounts=5")



def titles(emulator, number):
    return {row["id"]: row["Title"] for row in record(emulator, "Projects", number)["Milestones"]}


def kept_ids(row):
    """The ids that a PUT says stay."""
    return sorted(one["id"] for one in row["Milestones"] if "id" in one and "_delete" not in one)


@case("a subform's row is changed: all ids are sent, so the others stay")
def row_changed():
    with projects() as (emulator, mount):
        number, name, old = project(emulator, mount)
        before, ids = titles(emulator, number), [row["id"] for row in old["Milestones"]]
        old["Milestones"][1]["Title"] = "Changed"
        mark = emulator.mark()
        save(mount.at("Projects", name), text_of(old))
        equal(kept_ids(one_put(emulator, mark, ["Milestones"], "a changed row")), sorted(ids), "ids that were sent")
        equal(titles(emulator, number), {**before, ids[1]: "Changed"}, "titles")
        saving.as_served(emulator, mount, "Projects", number)


@case("a subform's row is added")
def row_added():
    with projects() as (emulator, mount):
        number, name, old = project(emulator, mount)
        before = titles(emulator, number)
        old["Milestones"].append({"Title": "Added", "Due": "2026-05-01"})
        mark = emulator.mark()
        save(mount.at("Projects", name), text_of(old))
        row = one_put(emulator, mark, ["Milestones"], "an added row")
        equal(kept_ids(row), sorted(before), "ids that were sent")
        now = titles(emulator, number)
        equal({key: now[key] for key in before}, before, "the old rows")
        equal([now[key] for key in now if key not in before], ["Added"], "the new row")
        saving.as_served(emulator, mount, "Projects", number)


@case("a subform's row is removed")
def row_removed():
    with projects() as (emulator, mount):
        number, name, old = project(emulator, mount)
        before, gone = titles(emulator, number), old["Milestones"].pop(0)["id"]
        mark = emulator.mark()
        save(mount.at("Projects", name), text_of(old))
        equal(kept_ids(one_put(emulator, mark, ["Milestones"], "a removed row")), sorted(set(before) - {gone}),
              "ids that were sent")
        equal(titles(emulator, number), {key: value for key, value in before.items() if key != gone}, "rows")
        saving.as_served(emulator, mount, "Projects", number)


@case("a subform's rows in another order are the same rows")
def rows_reordered():
    with projects() as (emulator, mount):
        number, name, old = project(emulator, mount)
        before = titles(emulator, number)
        old["Milestones"].reverse()
        mark = emulator.mark()
        save(mount.at("Projects", name), text_of(old))
        no_writes(emulator, mark, "of rows in another order")
        old["Milestones"][0]["Title"] = "Reversed and changed"
        save(mount.at("Projects", name), text_of(old))
        row = one_put(emulator, mark, ["Milestones"], "rows in another order, one changed")
        equal(kept_ids(row), sorted(before), "ids that were sent")
        equal(titles(emulator, number), {**before, old["Milestones"][0]["id"]: "Reversed and changed"}, "titles")


@case("two who change different rows, and rows that changed without moving Modified_Time, are merged")
def rows_merged():
    for touch in True, False:
        with projects() as (emulator, mount):
            number, name, old = project(emulator, mount)
            rows = record(emulator, "Projects", number)["Milestones"]
            rows[0]["Title"] = "By a colleague"
            edit(emulator, "Projects", number, touch, Milestones=rows)
            mine = old["Milestones"][2]
            mine["Title"] = "By the user"
            mark = emulator.mark()
            save(mount.at("Projects", name), text_of(old))
            one_put(emulator, mark, ["Milestones"], "merged rows")
            now = titles(emulator, number)
            equal((now[rows[0]["id"]], now[mine["id"]], len(now)), ("By a colleague", "By the user", 3), "rows")
            saving.as_served(emulator, mount, "Projects", number)


@case("two who change the same cell of a row: EBUSY, though Modified_Time has not moved")
def rows_conflict():
    with projects() as (emulator, mount):
        number, name, old = project(emulator, mount)
        rows = record(emulator, "Projects", number)["Milestones"]
        mine = old["Milestones"][0]
        next(row for row in rows if row["id"] == mine["id"])["Title"] = "Theirs"
        edit(emulator, "Projects", number, touch=False, Milestones=rows)
        mine["Title"], mark = "Mine", emulator.mark()
        refused(mount, "Projects", name, text_of(old), errno.EBUSY, words=["Theirs", "Mine"])
        nothing_taken(emulator, mark, "of a conflict in a row")
        equal(titles(emulator, number)[mine["id"]], "Theirs", "title")


@case("one removes a row, the other adds one")
def rows_added_and_removed():
    with projects() as (emulator, mount):
        number, name, old = project(emulator, mount)
        rows = record(emulator, "Projects", number)["Milestones"]
        gone = old["Milestones"].pop(1)["id"]
        edit(emulator, "Projects", number, Milestones=rows + [{"Title": "Added by a colleague"}])
        save(mount.at("Projects", name), text_of(old))
        now = titles(emulator, number)
        check(gone not in now and len(now) == 3 and "Added by a colleague" in now.values(), f"rows: {now}")


@case("more rows than a GET embeds, one of them changed: none is lost")
def many_rows():
    with mounted("Projects=20,Contacts=110,Accounts=5") as (emulator, mount):
        number, name, old = project(emulator, mount, 110)
        equal(len(old["Milestones"]), 110, "rows of the document")
        before, last = titles(emulator, number), old["Milestones"][-1]
        last["Title"] = "The last one"
        mark = emulator.mark()
        save(mount.at("Projects", name), text_of(old))
        equal(kept_ids(one_put(emulator, mark, ["Milestones"], "many rows")), sorted(before), "ids that were sent")
        equal(titles(emulator, number), {**before, last["id"]: "The last one"}, "titles")
        saving.as_served(emulator, mount, "Projects", number)


# ---- other deep fields -----------------------------------------------------------------------------------------------

@case("multi-select picklists")
def picks():
    with projects() as (emulator, mount):
        number = find(emulator, "Projects", lambda row: row["Phases"] == ["Plan"])
        name = name_of(mount, "Projects", number)
        mark = emulator.mark()
        save(mount.at("Projects", name), changed(mount, "Projects", name, Phases=["Plan", "Build, Test"]))
        one_put(emulator, mark, ["Phases"], "a pick more")
        equal(record(emulator, "Projects", number)["Phases"], ["Plan", "Build, Test"], "picks")
        save(mount.at("Projects", name), changed(mount, "Projects", name, Phases=["Build, Test", "Plan"]))
        save(mount.at("Projects", name), changed(mount, "Projects", name, Phases=None))
        equal(record(emulator, "Projects", number)["Phases"] or [], [], "picks after they were cleared")
        saving.as_served(emulator, mount, "Projects", number)


def linked(emulator, number, field, key):
    return sorted(row[key]["id"] for row in record(emulator, "Projects", number)[field])


def change_links(field, key, targets):
    """Removes a link and adds another one. @targets(emulator): the ids that can be linked."""
    with projects() as (emulator, mount):
        number = find(emulator, "Projects", lambda row: 2 <= len(row[field]) <= 8)
        name = name_of(mount, "Projects", number)
        old, before = document(mount, "Projects", name), linked(emulator, number, field, key)
        gone = old[field].pop(0)[key]["id"]
        added = next(one for one in targets(emulator) if one not in before)
        old[field].append({key: {"id": added}})
        mark = emulator.mark()
        save(mount.at("Projects", name), text_of(old))
        one_put(emulator, mark, [field], f"links of {field}")
        equal(linked(emulator, number, field, key), sorted((set(before) - {gone}) | {added}), f"links of {field}")
        saving.as_served(emulator, mount, "Projects", number)


@case("multi-select lookups")
def links():
    change_links("Team_Contacts", "Contact", lambda emulator: emulator.ids("Contacts"))


@case("multi-user lookups")
def users():
    change_links("Members", "Member",
                 lambda emulator: [row["id"] for row in json.loads(emulator.api("users", type="ActiveUsers"))["users"]])


@case("tags go through their own actions")
def tags():
    with mounted("Leads=6") as (emulator, mount):
        number, name, old = lead(emulator, mount)
        had = [tag["name"] for tag in old["Tag"] or []]
        mark = emulator.mark()
        save(mount.at("Leads", name), text_of({**old, "Tag": (old["Tag"] or []) + [{"name": "hot"}, {"name": "new"}]}))
        equal({one.path.rsplit("/", 1)[-1] for one in writes(emulator, mark)}, {"add_tags"}, "calls for added tags")
        equal(len(writes(emulator, mark)), 1, "calls for added tags")
        equal(sorted(tag["name"] for tag in record(emulator, "Leads", number)["Tag"]), sorted([*had, "hot", "new"]),
              "tags")
        mark = emulator.mark()
        rest = [tag for tag in document(mount, "Leads", name)["Tag"] if tag["name"] != "new"]
        save(mount.at("Leads", name), changed(mount, "Leads", name, Tag=rest, Company="With a field"))
        equal(sorted(one.path.rsplit("/", 1)[-1] for one in writes(emulator, mark)), [number, "remove_tags"],
              "calls for a removed tag and a field")
        now = record(emulator, "Leads", number)
        equal(sorted(tag["name"] for tag in now["Tag"]), sorted([*had, "hot"]), "tags")
        equal(now["Company"], "With a field", "company")
        saving.as_served(emulator, mount, "Leads", number)


@case("rich texts: never a cut copy is written back, and a changed one goes whole")
def rich_texts():
    with projects() as (emulator, mount):
        for length in 501, 49000:
            number = find(emulator, "Projects", lambda row, size=length: len(row["Brief_RT"] or "") == size)
            name = name_of(mount, "Projects", number)
            whole = record(emulator, "Projects", number)["Brief_RT"]
            equal(document(mount, "Projects", name)["Brief_RT"], whole, "the text as it is read")
            mark = emulator.mark()
            save(mount.at("Projects", name), changed(mount, "Projects", name, Summary="Not the rich text"))
            one_put(emulator, mark, ["Summary"], "beside a rich text")
            equal(record(emulator, "Projects", number)["Brief_RT"], whole, "the text that was not changed")
            mark = emulator.mark()
            save(mount.at("Projects", name), changed(mount, "Projects", name, Brief_RT=whole + "<p>End</p>"))
            one_put(emulator, mark, ["Brief_RT"], "a rich text")
            equal(record(emulator, "Projects", number)["Brief_RT"], whole + "<p>End</p>", "the text that was changed")
            saving.as_served(emulator, mount, "Projects", number)


@case("the text that a list page cuts, where a GET cuts it too")
def rich_texts_cut():
    with mounted("Projects=20,Contacts=110,Accounts=5", knobs={"get_cuts_rich_text": 1}) as (emulator, mount):
        number = find(emulator, "Projects", lambda row: len(row["Brief_RT"] or "") > 600)
        name, whole = name_of(mount, "Projects", number), record(emulator, "Projects", number)["Brief_RT"]
        mark = emulator.mark()
        save(mount.at("Projects", name), changed(mount, "Projects", name, Summary="Not the rich text"))
        one_put(emulator, mark, ["Summary"], "beside a rich text")
        equal(record(emulator, "Projects", number)["Brief_RT"], whole, "the rich text")
        equal(document(mount, "Projects", name)["Brief_RT"], whole, "the rich text as it is read")


@case("lookups by id, to another record and to none")
def lookups():
    with mounted("Contacts=12,Accounts=4") as (emulator, mount):
        number, other = emulator.ids("Contacts")[0], emulator.ids("Accounts")[3]
        name = name_of(mount, "Contacts", number)
        mark = emulator.mark()
        save(mount.at("Contacts", name), changed(mount, "Contacts", name, Account_Name={"id": other}))
        row = one_put(emulator, mark, ["Account_Name"], "a lookup")
        equal(row["Account_Name"]["id"], other, "the id that was sent")
        equal(document(mount, "Contacts", name)["Account_Name"],
              {"id": other, "name": record(emulator, "Accounts", other)["Account_Name"]}, "the lookup as it is read")
        mark = emulator.mark()
        save(mount.at("Contacts", name), changed(mount, "Contacts", name, Account_Name=None))
        equal(one_put(emulator, mark, ["Account_Name"], "no lookup"), {"Account_Name": None}, "row")
        mark = emulator.mark()
        text = b'{"Account_Name": {"id": "7050000009999"}}'
        equal(attempt(mount.at("Contacts", name), text), ("close", errno.EINVAL), "a lookup of no record")
        nothing_taken(emulator, mark, "of a lookup to nowhere")


@case("What_Id with $se_module")
def what_id():
    with mounted("Tasks=6,Deals=4,Accounts=4") as (emulator, mount):
        number, deal = emulator.ids("Tasks")[0], emulator.ids("Deals")[1]
        name = name_of(mount, "Tasks", number)
        mark = emulator.mark()
        save(mount.at("Tasks", name), changed(mount, "Tasks", name, What_Id={"id": deal}, **{"$se_module": "Deals"}))
        row = one_put(emulator, mark, ["$se_module", "What_Id"], "What_Id")
        equal((row["What_Id"]["id"], row["$se_module"]), (deal, "Deals"), "what was sent")
        equal(document(mount, "Tasks", name)["What_Id"]["id"], deal, "What_Id as it is read")
        saving.as_served(emulator, mount, "Tasks", number)
        mark = emulator.mark()
        save(mount.at("Tasks", name), changed(mount, "Tasks", name, Priority="Low"))
        one_put(emulator, mark, ["Priority"], "beside What_Id")


@case("numbers keep their digits, and other spellings of a value are no change")
def spellings():
    with projects() as (emulator, mount):
        number = emulator.ids("Projects")[0]
        name = name_of(mount, "Projects", number)
        old, mark = document(mount, "Projects", name), emulator.mark()
        again = {**old, "Budget": crm.Number(f"{old['Budget']}0"), "Kickoff": "2025-06-01T02:00:02+02:00"}
        save(mount.at("Projects", name), text_of(again))
        no_writes(emulator, mark, "of the same values, spelt otherwise")
        save(mount.at("Projects", name), text_of({**again, "Summary": "A real change"}))
        one_put(emulator, mark, ["Summary"], "beside other spellings")


@case("what only the server sets is ignored, and named in the audit line")
def computed():
    with mounted() as (emulator, mount):
        _, name, old = lead(emulator, mount)
        mark = emulator.mark()
        save(mount.at("Leads", name), text_of({**old, "Full_Name": "Typed", "Company": "Typed too"}))
        one_put(emulator, mark, ["Company"], "a computed field")
        line = saving.audit(mount)[-1]
        equal(line["ignored"], ["Full_Name"], "ignored fields of the audit line")
        equal(line["fields"], ["Company"], "fields of the audit line")


if __name__ == "__main__":
    main()
