"""What cannot be saved fails with the right errno at the earliest call that can tell, is kept as a draft with the
reason, and changes nothing in the CRM."""
import errno
import os

import saving
from harness import Emulator, case, equal, fails, main, tool
from saving import (attempt, changed, draft_kept, mounted, name_of, no_writes, record, refused, save, settings, text_of,
                    told, writes, writing)

ALL_TYPES = "Projects=6,Contacts=3,Accounts=3"


def unchanged(emulator, mount, module, number, before):
    """The CRM has what it had, and the file shows it."""
    equal(record(emulator, module, number), before, f"{module} {number} in the CRM")
    saving.as_served(emulator, mount, module, number)


def mend(emulator, mount, draft, module, name, text):
    """A corrected copy of the draft is copied onto the record, as the advice says."""
    local = os.path.join(mount.folder, "mended")
    tool("cp", draft, local)
    with open(local, "wb") as file:
        file.write(text)
    mark = emulator.mark()
    tool("cp", local, mount.at(module, name))
    equal(len(writes(emulator, mark, good=True)), 1, "writes of the mended draft")


def refused_here(module, number_of, change, number, **reason):
    """A change of one record that is refused without asking the CRM to write. @change: of its document, or a text."""
    with mounted(f"{module}=6") as (emulator, mount):
        wanted = number_of(emulator) if callable(number_of) else emulator.ids(module)[number_of]
        name = name_of(mount, module, wanted)
        before, mark = record(emulator, module, wanted), emulator.mark()
        text = change if isinstance(change, bytes) else changed(mount, module, name, **change)
        draft = refused(mount, module, name, text, number, **reason)
        no_writes(emulator, mark, "of a save that is refused here")
        unchanged(emulator, mount, module, wanted, before)
        mend(emulator, mount, draft, module, name, text_of({"Description": "Mended"}))
        equal(record(emulator, module, wanted)["Description"], "Mended", "what the mended draft says")


@case("bad JSON")
def bad_json():
    refused_here("Leads", 0, b'{"Company": "Half a', errno.EINVAL, words=["line 1"])


@case("JSON that is no object")
def no_object():
    refused_here("Leads", 0, b'[{"Company": "In an array"}]', errno.EINVAL, words=["object"])


@case("a key twice")
def twice():
    refused_here("Leads", 0, b'{"Company": "One", "Company": "Two"}', errno.EINVAL)


@case("bytes that are no UTF-8")
def no_utf8():
    refused_here("Leads", 0, b'{"Company": "\xff\xfe"}', errno.EINVAL)


@case("an unknown field, with the nearest known name")
def unknown_field():
    refused_here("Leads", 0, {"Compnay": "Typo"}, errno.EINVAL, field="Compnay", words=["Company"])


@case("a mandatory field emptied")
def mandatory():
    refused_here("Leads", 0, {"Last_Name": None}, errno.EINVAL, field="Last_Name", words=["mandatory"])


@case("the id of another record")
def wrong_id():
    refused_here("Leads", 0, {"id": "7030000009999"}, errno.EINVAL, field="id", words=["7030000001001"])


@case("a text that is too long for a record")
def too_large():
    refused_here("Leads", 0, b'{"Description": "' + b"x" * (5 << 20) + b'"}', errno.EFBIG)


def bad_values():
    """For each type of field a value that it cannot have, where the mistake is, and what the reason says."""
    yield "Name", 5, "Name", "text"
    yield "Name", "n" * 121, "Name", "120"
    yield "Code", {"code": 1}, "Code", "text"
    yield "Summary", ["a"], "Summary", "text"
    yield "Summary", "s" * 2001, "Summary", "2000"
    yield "Email", "no address", "Email", "e-mail"
    yield "Hotline", "+1\n2", "Hotline", "telephone"
    yield "Homepage", "two words", "Homepage", "blanks"
    yield "Kind", "Interal", "Kind", "Internal"
    yield "Kind", ["Internal"], "Kind", "picklist"
    yield "Phases", "Plan", "Phases", "array"
    yield "Phases", ["Plan", "Shipp"], "Phases[1]", "Ship"
    yield "Reference_Number", "12-34", "Reference_Number", "digits"
    yield "Reference_Number", "1" * 19, "Reference_Number", "18"
    yield "Budget", "a lot", "Budget", "number"
    yield "Rate", True, "Rate", "number"
    yield "Effort", "fast", "Effort", "number"
    yield "Team_Size", 1.5, "Team_Size", "whole number"
    yield "Team_Size", 12345678901, "Team_Size", "9"
    yield "Billable", "yes", "Billable", "true or false"
    yield "Start_Date", "2026-02-30", "Start_Date", "date"
    yield "Kickoff", "tomorrow", "Kickoff", "time"
    yield "Account", "Acme", "Account", "id"
    yield "Manager", {"name": "Somebody"}, "Manager", "id"
    yield "Milestones", {"Title": "no array"}, "Milestones", "array"
    yield "Milestones", [5], "Milestones[0]", "object"
    yield "Milestones", [{"Title": "t", "Due": "soon"}], "Milestones[0].Due", "date"
    yield "Milestones", [{"Titel": "t"}], "Milestones[0].Titel", "Title"
    yield "Team_Contacts", [{"Contact": "Ada"}], "Team_Contacts[0].Contact", "record"
    yield "Members", ["Ada"], "Members[0]", "object"
    yield "Tag", "vip", "Tag", "array"
    yield "Tag", [{"name": "t" * 26}], "Tag[0]", "25"


@case("a value of a wrong type, for every type of field, and texts that are too long")
def wrong_types():
    with mounted(ALL_TYPES) as (emulator, mount):
        number = emulator.ids("Projects")[0]
        name = name_of(mount, "Projects", number)
        before, mark = record(emulator, "Projects", number), emulator.mark()
        for field, value, place, word in bad_values():
            text = changed(mount, "Projects", name, **{field: value})
            refused(mount, "Projects", name, text, errno.EINVAL, field=place, words=[word])
        no_writes(emulator, mark, "of values that their fields cannot have")
        unchanged(emulator, mount, "Projects", number, before)
        equal(len(saving.errors(mount)), len(list(bad_values())), "lines of errors.jsonl")


@case("refused by the CRM alone: a unique value that another record has")
def duplicate():
    with mounted() as (emulator, mount):
        number, other = emulator.ids("Leads")[:2]
        name, taken = name_of(mount, "Leads", number), record(emulator, "Leads", other)["Email"]
        before = record(emulator, "Leads", number)
        text = changed(mount, "Leads", name, Email=taken)
        draft = refused(mount, "Leads", name, text, errno.EEXIST, code="DUPLICATE_DATA", field="Email")
        unchanged(emulator, mount, "Leads", number, before)
        mend(emulator, mount, draft, "Leads", name, text.replace(taken.encode(), b"not.taken@harbor.example"))
        equal(record(emulator, "Leads", number)["Email"], "not.taken@harbor.example", "address")


# ---- where nothing can be written ------------------------------------------------------------------------------------

def writes_nothing(mount, module, name, number):
    """All that writes is refused at once."""
    path = mount.at(module, name)
    for flags in os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_TRUNC, os.O_WRONLY | os.O_APPEND:
        fails(number, os.open, path, flags)
    fails(number, os.truncate, path, 0)
    fails(number, os.open, mount.at(module, "new.json"), os.O_WRONLY | os.O_CREAT)
    fails(number, os.unlink, path)
    fails(number, os.rename, path, mount.at(module, "other.json"))
    fails(number, os.rename, path, mount.at(module, f"{name}~"))
    equal(os.stat(path).st_mode & 0o222, 0, f"write bits of {module}/{name}")
    equal(os.stat(mount.at(module)).st_mode & 0o222, 0, f"write bits of {module}")


@case("Users cannot be written at all, and a program hears it when it opens")
def read_only_module():
    with mounted() as (emulator, mount):
        mark = emulator.mark()
        name = next(name for name in mount.list("Users") if name != "me.json")
        writes_nothing(mount, "Users", name, errno.EROFS)
        no_writes(emulator, mark, "to Users")
        equal(saving.lines(mount, "errors.jsonl"), [], "errors.jsonl: nothing was lost, so nothing is told")


@case("-o ro: EROFS at open")
def read_only_mount():
    with mounted(options=["ro"]) as (emulator, mount):
        mark = emulator.mark()
        writes_nothing(mount, "Leads", mount.list("Leads")[0], errno.EROFS)
        no_writes(emulator, mark, "to a mount that only reads")


@case("a module that may not be written, as its metadata tells: EACCES at open")
def not_editable():
    with Emulator("Leads=6,Deals=3") as emulator:
        emulator.post("module", {"module": "Leads", "editable": False, "creatable": False, "deletable": False})
        with writing(emulator) as mount:
            mark = emulator.mark()
            writes_nothing(mount, "Leads", mount.list("Leads")[0], errno.EACCES)
            no_writes(emulator, mark, "to a module that may not be written")
            save(mount.at("Deals", mount.list("Deals")[0]), b'{"Next_Step": "Call"}')


@case("a module of which records cannot be deleted, or made")
def partly():
    with Emulator("Leads=6,Deals=3") as emulator:
        emulator.post("module", {"module": "Leads", "deletable": False})
        emulator.post("module", {"module": "Deals", "creatable": False})
        with writing(emulator) as mount:
            name = mount.list("Leads")[0]
            fails(errno.EACCES, os.unlink, mount.at("Leads", name))
            save(mount.at("Leads", name), b'{"Company": "May be changed"}')
            fails(errno.EACCES, os.open, mount.at("Deals", "new.json"), os.O_WRONLY | os.O_CREAT)
            save(mount.at("Deals", mount.list("Deals")[0]), b'{"Next_Step": "Call"}')
            equal([one.method for one in writes(emulator)], ["PUT", "PUT"], "writes")


# ---- what the CRM says -----------------------------------------------------------------------------------------------

def refused_there(number, set_up, clear, code=None):
    """A good text that the server does not take, and takes later."""
    with mounted() as (emulator, mount):
        wanted = emulator.ids("Leads")[0]
        name, before = name_of(mount, "Leads", wanted), record(emulator, "Leads", wanted)
        text = changed(mount, "Leads", name, Company="Kept as a draft")
        set_up(emulator, wanted)
        draft = refused(mount, "Leads", name, text, number, code=code)
        clear(emulator)
        unchanged(emulator, mount, "Leads", wanted, before)
        mend(emulator, mount, draft, "Leads", name, text)
        equal(record(emulator, "Leads", wanted)["Company"], "Kept as a draft", "what the draft says")
        saving.as_served(emulator, mount, "Leads", wanted)


@case("a locked record")
def locked():
    refused_there(errno.EBUSY, lambda emulator, number: settings(emulator, record_locked=number),
                  lambda emulator: settings(emulator, record_locked=0), "RECORD_LOCKED")


@case("a record that waits for approval")
def approval():
    refused_there(errno.EBUSY, lambda emulator, number: settings(emulator, record_in_approval=number),
                  lambda emulator: settings(emulator, record_in_approval=0), "NOT_APPROVED")


@case("no permission, which was taken away meanwhile")
def no_permission():
    refused_there(errno.EACCES, lambda emulator, _: emulator.post("module", {"module": "Leads", "editable": False}),
                  lambda emulator: emulator.post("module", {"module": "Leads", "editable": True}), "NO_PERMISSION")


@case("a sign-in that may only read")
def scope():
    with Emulator("Leads=6") as emulator:
        settings(emulator, scope="ZohoCRM.modules.READ,ZohoCRM.settings.ALL,ZohoCRM.users.READ,ZohoCRM.org.READ,"
                                 "ZohoCRM.coql.READ")
        with writing(emulator) as mount:
            name = mount.list("Leads")[0]
            refused(mount, "Leads", name, changed(mount, "Leads", name, Company="Kept"), errno.EACCES,
                    code="OAUTH_SCOPE_MISMATCH")


@case("the CRM's credits are spent")
def no_credits():
    with mounted() as (emulator, mount):
        number = emulator.ids("Leads")[0]
        name, before = name_of(mount, "Leads", number), record(emulator, "Leads", number)
        text = changed(mount, "Leads", name, Company="Kept as a draft")
        settings(emulator, credits=emulator.get("stats")["credits_in_day"])
        refused(mount, "Leads", name, text, errno.EDQUOT, words=["credits"])
        settings(emulator, credits=0)
        unchanged(emulator, mount, "Leads", number, before)


@case("a budget of our own is spent")
def no_budget():
    with Emulator("Leads=6") as emulator, writing(emulator, limits={"daily_credits": 12}) as mount:
        name = mount.list("Leads")[0]
        text = changed(mount, "Leads", name, Company="Kept")
        for number in range(100):
            step, failed = attempt(mount.at("Leads", name), changed(mount, "Leads", name, Designation=f"Job {number}"))
            if step is not None:
                break
        equal((step, failed), ("close", errno.EDQUOT), "the save after the last credit")
        mark = emulator.mark()
        refused(mount, "Leads", name, text, errno.EDQUOT)
        no_writes(emulator, mark, "after the last credit")


@case("nobody listens: the draft is kept, and saved when the network is back")
def network():
    with mounted() as (emulator, mount):
        number = emulator.ids("Leads")[0]
        name = name_of(mount, "Leads", number)
        served = mount.read("Leads", name)
        text = changed(mount, "Leads", name, Company="Written on a train")
        emulator.stop()
        try:
            step, failed = attempt(mount.at("Leads", name), text)
            equal((step, failed), ("close", errno.ENETUNREACH), "saving without a network")
            draft = draft_kept(mount, told(mount, "Leads", name, failed), text)
            equal(mount.read("Leads", name), served, "the file without a network")
        finally:
            emulator.restart()
        mend(emulator, mount, draft, "Leads", name, text)
        equal(record(emulator, "Leads", number)["Company"], "Written on a train", "what the draft says")


@case("answers that never come: ETIMEDOUT, and what became of it is told")
def silent():
    with mounted(limits={"deadline": 8}) as (emulator, mount):
        number = emulator.ids("Leads")[0]
        name = name_of(mount, "Leads", number)
        before, text = record(emulator, "Leads", number), changed(mount, "Leads", name, Company="Kept")
        emulator.faults({"match": "^PUT ", "stall": True, "reset": True})
        step, failed = attempt(mount.at("Leads", name), text)
        emulator.faults()
        equal((step, failed), ("close", errno.ETIMEDOUT), "saving")
        draft_kept(mount, told(mount, "Leads", name, errno.ETIMEDOUT), text)
        equal(record(emulator, "Leads", number), before, "the record")


@case("the server's own troubles are EIO")
def broken():
    for fault in {"status": 500}, {"html": True}, {"body": "{}"}:
        with mounted() as (emulator, mount):
            name = mount.list("Leads")[0]
            text = changed(mount, "Leads", name, Company="Kept")
            emulator.faults({"match": "^PUT ", **fault})
            refused(mount, "Leads", name, text, errno.EIO)


# ---- who hears it ----------------------------------------------------------------------------------------------------

@case("a program that reads what it wrote still sees it, others see the record")
def own_text():
    with mounted() as (emulator, mount):
        number = emulator.ids("Leads")[0]
        name = name_of(mount, "Leads", number)
        text = changed(mount, "Leads", name, Last_Name=None)
        handle = os.open(mount.at("Leads", name), os.O_RDWR | os.O_TRUNC)
        os.write(handle, text)
        fails(errno.EINVAL, os.fsync, handle)
        equal(os.pread(handle, len(text) + 1, 0), text, "what the writer reads")
        saving.as_served(emulator, mount, "Leads", number, name)
        fails(errno.EINVAL, os.close, handle)  # a failed fsync is told once more


@case("a shell's redirection does not hear it, but it is kept and told")
def shell():
    with mounted() as (emulator, mount):
        name = mount.list("Leads")[0]
        tool("sh", "-c", 'printf "%s" "$1" > "$2"', "sh", '{"Last_Name": 5}', mount.at("Leads", name), status=None)
        draft_kept(mount, told(mount, "Leads", name, errno.EINVAL, field="Last_Name"), b'{"Last_Name": 5}')
        no_writes(emulator, 0, "of a bad text")


@case("a rename onto a record that is refused leaves both as they were, and keeps a copy")
def renamed():
    with mounted() as (emulator, mount):
        number = emulator.ids("Leads")[0]
        name = name_of(mount, "Leads", number)
        temporary, text = mount.at("Leads", f"{name}.tmp"), changed(mount, "Leads", name, Email="none")
        save(temporary, text)
        fails(errno.EINVAL, os.replace, temporary, mount.at("Leads", name))
        with open(temporary, "rb") as file:
            equal(file.read(), text, "the temporary file")
        saving.as_served(emulator, mount, "Leads", number, name)
        os.unlink(temporary)
        draft_kept(mount, told(mount, "Leads", name, errno.EINVAL, field="Email"), text)
        no_writes(emulator, 0, "of a bad text")


@case("drafts of one file do not replace each other, and status.json counts what was refused")
def several():
    with mounted() as (_, mount):
        name = mount.list("Leads")[0]
        texts = [b'{"Last_Name": %d}' % number for number in range(3)]
        for text in texts:  # the newest has the name of the file
            equal(os.path.basename(refused(mount, "Leads", name, text, errno.EINVAL)), name, "name of the draft")
        kept = [mount.read(saving.DRAFTS, "Leads", one) for one in mount.list(saving.DRAFTS, "Leads")]
        equal(sorted(kept), texts, "texts in drafts/")
        equal(mount.status()["saving"]["refused"], 3, "refused saves in status.json")


@case("drafts and their reasons are there after a remount")
def remount():
    with Emulator("Leads=6") as emulator:
        with writing(emulator) as mount:
            name = mount.list("Leads")[0]
            draft = refused(mount, "Leads", name, b'{"Last_Name": 5}', errno.EINVAL)
        with writing(emulator, keep=mount) as again:
            line = told(again, "Leads", name, errno.EINVAL, field="Last_Name")
            equal(os.path.basename(draft_kept(again, line, b'{"Last_Name": 5}')), os.path.basename(draft), "draft")


if __name__ == "__main__":
    main()
