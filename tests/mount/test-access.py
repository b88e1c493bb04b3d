"""Who may do what: [access] in the configuration, for everybody and for users, at every door; and fields that are hidden."""
import contextlib
import errno
import json
import os
import sys

import harness
from harness import Emulator, Mount, case, check, equal, fails, main, wait_until
from others import USER, as_user
from saving import attempt, save, writes

RECORDS = "Leads=3,Contacts=3,Accounts=2"


@contextlib.contextmanager
def closed(groups, options=()):
    with Emulator(RECORDS) as emulator, Mount(emulator, groups=groups, options=options) as mount:
        for folder in harness.work_root(), mount.folder:  # for other users to pass
            os.chmod(folder, 0o711)
        yield emulator, mount


def read_text(path):
    with open(path, "rb") as file:
        return len(file.read())


def some_record(mount, module):
    return mount.at(module, [name for name in mount.list(module) if name.endswith(".json")][0])


@case("a module that is off is not there: neither listed nor found, nor its metadata, and nothing is asked of it")
def off():
    with closed({"access": {"Contacts": "off"}}) as (emulator, mount):
        check("Contacts" not in mount.list(""), "listed")
        check("Contacts" not in mount.list(".zohofs/modules"), "listed in .zohofs/modules")
        number = emulator.ids("Contacts")[0]
        for path in "Contacts", f"Contacts/{number}.json", "Contacts/new.json", ".zohofs/modules/Contacts":
            fails(errno.ENOENT, os.stat, mount.at(path))
        fails(errno.ENOENT, open, mount.at("Contacts/new.json"), "wb")
        mount.list("Leads")
        equal([call for call in emulator.calls() if "Contacts" in call.path or "Contacts" in str(call.query)], [],
              "calls about it")


@case("what is not named has the default's rule")
def default_rule():
    with closed({"access": {"default": "off", "Leads": "read"}}) as (emulator, mount):
        equal([name for name in mount.list("") if name in ("Leads", "Contacts", "Accounts")], ["Leads"], "modules")
        path = some_record(mount, "Leads")
        equal((os.stat(path).st_mode & 0o777, os.stat(mount.at("Leads")).st_mode & 0o777), (0o444, 0o555), "modes")
        for attempt in (lambda: open(path, "r+b"), lambda: os.unlink(path), lambda: os.rename(path, path + "~"),
                        lambda: open(mount.at("Leads/new.json"), "wb"), lambda: os.truncate(path, 0)):
            fails(errno.EACCES, attempt)
        equal(writes(emulator), [], "writes")


@case("write is all but deleting; local files may be removed, and saves by rename work")
def write_only():
    with closed({"access": {"Leads": "write"}}) as (emulator, mount):
        path = some_record(mount, "Leads")
        fails(errno.EACCES, os.unlink, path)
        save(mount.at("Leads/own.tmp"), b"x")
        os.unlink(mount.at("Leads/own.tmp"))
        with open(path, "rb") as file:
            record = json.loads(file.read())
        temporary = path + ".tmp"
        save(temporary, json.dumps({**record, "Phone": "+1 555 0199"}).encode())
        os.rename(temporary, path)
        equal([one.method for one in writes(emulator)], ["PUT"], "writes")


@case("a user's own rule closes every door with EACCES, whatever others have looked at before")
def user_rule():
    groups = {f"access uid:{USER}": {"Contacts": "off", "Leads": "read"}}
    with closed(groups, ["allow_other"]) as (emulator, mount):
        lead, contact = some_record(mount, "Leads"), some_record(mount, "Contacts")
        check(read_text(contact) > 0 and read_text(lead) > 0, "root reads both")
        equal(as_user(read_text, lead), read_text(lead), "the user reads a lead")
        for function, path in ((os.stat, contact), (read_text, contact), (os.listdir, mount.at("Contacts")),
                               (os.stat, mount.at("Contacts")), (os.listdir, mount.at(".zohofs/modules/Contacts"))):
            equal(as_user(function, path), "EACCES", f"{function.__name__} {path}")
        check(read_text(contact) > 0, "root still reads")
        equal(as_user(os.unlink, lead), "EACCES", "unlink of what may be read")
        equal((len(emulator.ids("Leads")), writes(emulator)), (3, []), "records, and writes")


@case("a hidden field is in no document, no metadata and no call, and cannot be written")
def hidden():
    with closed({"access": {"hide": "Leads.Phone, Contacts.Email"}}) as (emulator, mount):
        path = some_record(mount, "Leads")
        with open(path, "rb") as file:
            record = json.loads(file.read())
        check("Phone" not in record and "Email" in record, "fields of a lead")
        equal([call for call in emulator.calls() if "Phone" in call.query.get("fields", "").split(",")
               and call.path.endswith("/Leads")], [], "calls that name it")
        check(b'"Phone"' not in mount.read(".zohofs/modules/Leads/schema.json"), "in the schema")
        equal(attempt(path, json.dumps({**record, "Phone": "+1 555 0199"}).encode()), ("close", errno.EINVAL), "a write")
        wait_until(lambda: b"Phone" in mount.read(".zohofs/errors.jsonl"), "the reason")
        equal(writes(emulator), [], "writes")
        save(path, json.dumps({**record, "City": "Elsewhere"}).encode())
        equal(writes(emulator)[0].fields(), ["City"], "fields sent")


@case("mistakes in the rules are told before anything is mounted")
def mistakes():
    for values, word in (({"Leads": "rw"}, "none of off"), ({"hide": "Phone"}, "hide="), ({"hide": "Leads.id"}, "id"),
                         ({"Le ads": "read"}, "API name")):
        with Emulator("Leads=1") as emulator:
            try:
                with Mount(emulator, groups={"access": values}):
                    raise AssertionError(f"{values} was mounted")
            except AssertionError as error:
                check("zohofs ended" in str(error), str(error))
            log = "\n".join(harness.reports)
            check(word in log, f"{values}: {log}")
            harness.reports.clear()


if __name__ == "__main__":
    sys.exit(main())
