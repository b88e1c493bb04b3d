"""The rules of access as a table: each door to a module (a way to look at it, to change it, or to hear of it), for each
level, by the default's rule, the module's own and a user's; for who mounted and for another user. What is closed is not
asked for."""
import contextlib
import errno
import itertools
import json
import os
import sys

import harness
from harness import Emulator, Mount, case, check, equal, main
from others import USER, as_user

MODULE = "Leads"
LEVELS = ["off", "read", "write", "full"]
OPEN = {name: "full" for name in ("Campaigns", "Contacts", "Accounts", "Notes", "Users")}

# What a door gives at each level. "closed" is ENOENT by a rule for everybody, and EACCES by one for a user; "no module" is
# the same of queries, whose closes and reads fail with EINVAL for what is not there.
LOOK = ("closed", "ok", "ok", "ok")
WRITE = ("closed", "EACCES", "ok", "ok")
DELETE = ("closed", "EACCES", "EACCES", "ok")
ASK = ("no module", "ok", "ok", "ok")
NAMED = ("absent", "ok", "ok", "ok")
# What leads out of one module is refused to all as soon as any is closed.
LEAVE = ("EACCES", "ok", "ok", "ok")
OUT = ("closed", "EACCES", "EPERM", "EPERM")
INTO = ("closed", "EACCES", "EXDEV", "EXDEV")
# Zoho's names of modules are in this case alone.
LOUD = ("no module", "EINVAL", "EINVAL", "EINVAL")
# The kernel lets none but who mounted change what is in the mount, whatever the rules are.
CHANGES = (WRITE, DELETE, OUT, INTO)

DOORS = {}


def door(expected):
    """Registers a way in. Its function gets the place, and returns what it found, or raises OSError."""
    def add(function):
        DOORS[function.__name__] = (expected, function)
        return function
    return add


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, text, flags=os.O_WRONLY | os.O_CREAT | os.O_TRUNC):
    handle = os.open(path, flags, 0o644)
    try:
        os.write(handle, text)
    except OSError:
        os.close(handle)
        raise
    os.close(handle)


def present(truth):
    return "ok" if truth else "absent"


def ask(path, query):
    """Through one descriptor, as shells do."""
    handle = os.open(path, os.O_RDWR)
    try:
        os.write(handle, query.encode())
        return os.read(handle, 100000)
    finally:
        os.close(handle)


class Place:
    """Paths of the mount for one who goes through all doors, with records of its own to change."""

    def __init__(self, mount, leads, campaign, number):
        self.mount, self.campaign, self.number = mount, campaign, number
        self.lead, self.other, self.doomed = leads
        self.record = self.at(MODULE, f"{self.lead}.json")
        self.notes = self.at(MODULE, "notes", self.lead)
        self.attachments = self.at(MODULE, self.lead, "attachments")
        self.related = self.at("Campaigns", campaign, MODULE)

    def at(self, *parts):
        return self.mount.at(*parts)


# ---- looking ---------------------------------------------------------------------------------------------------------

@door(NAMED)
def listed(place):
    return present(MODULE in os.listdir(place.mount.path))


@door(LOOK)
def lookup(place):
    os.stat(place.at(MODULE))


@door(LOOK)
def opendir(place):
    names = os.listdir(place.at(MODULE))
    check(any(name.endswith(f".{place.lead}") for name in names), "the folder beside the record")


@door(LOOK)
def stat_record(place):
    os.stat(place.record)


@door(LOOK)
def read_record(place):
    json.loads(read(place.record))


@door(LOOK)
def around_by_dots(place):
    read(place.at("Campaigns", "..", MODULE, f"x.{place.lead}.json"))


@door(LOOK)
def by_field(place):
    read(place.at(MODULE, f"Website={place.lead}.json"))


@door(LOOK)
def folder(place):
    os.listdir(place.at(MODULE, place.lead))


@door(LOOK)
def notes_top(place):
    os.listdir(place.at(MODULE, "notes"))


@door(LOOK)
def notes_link(place):
    os.readlink(place.at(MODULE, place.lead, "notes"))


@door(LOOK)
def notes_list(place):
    check(os.listdir(place.notes), "there are notes")


@door(LOOK)
def note_read(place):
    read(os.path.join(place.notes, f"{place.note}.json"))


@door(LOOK)
def attachments_list(place):
    check("plan.txt" in os.listdir(place.attachments), "the attachment")


@door(LOOK)
def attachment_read(place):
    read(os.path.join(place.attachments, "plan.txt"))


@door(LOOK)
def search(place):
    os.listdir(place.at(MODULE, ".search", "email=nobody@example.com"))


@door(LOOK)
def search_hit(place):
    os.readlink(place.at(MODULE, ".search", f"criteria=Website:equals:{place.lead}", f"{place.lead}.json"))


@door(LOOK)
def metadata(place):
    for name in "module.json", "fields.json", "schema.json", "related_lists.json":
        read(place.at(".zohofs/modules", MODULE, name))


@door(NAMED)
def metadata_listed(place):
    return present(MODULE in os.listdir(place.at(".zohofs/modules")))


@door(LOOK)
def trash(place):
    for name in os.listdir(place.at(".zohofs/trash", MODULE)):
        read(place.at(".zohofs/trash", MODULE, name))


@door(NAMED)
def trash_listed(place):
    return present(MODULE in os.listdir(place.at(".zohofs/trash")))


@door(LOOK)
def draft_read(place):
    read(place.at(".zohofs/drafts", MODULE, f"{place.number}.json"))


@door(NAMED)
def drafts_listed(place):
    return present(MODULE in os.listdir(place.at(".zohofs/drafts")))


# ---- from the other end ----------------------------------------------------------------------------------------------

@door(NAMED)
def related_named(place):
    return present(MODULE in os.listdir(place.at("Campaigns", place.campaign)))


@door(LOOK)
def related_list(place):
    check(os.listdir(place.related), "what is linked")


@door(LOOK)
def related_stat(place):
    os.lstat(os.path.join(place.related, f"{place.lead}.json"))


@door(LOOK)
def related_readlink(place):
    os.readlink(os.path.join(place.related, f"{place.lead}.json"))


@door(LOOK)
def related_read(place):
    read(os.path.join(place.related, f"{place.lead}.json"))


# ---- asking ----------------------------------------------------------------------------------------------------------

@door(LOOK)
def module_coql(place):
    ask(place.at(MODULE, ".coql"), "City is not null")


@door(ASK)
def root_coql(place):
    ask(place.at(".coql"), f"select id from {MODULE} where id is not null")


@door(LOUD)
def root_coql_in_other_case(place):
    ask(place.at(".coql"), f"SELECT id FROM {MODULE.upper()} WHERE id IS NOT NULL")


@door(ASK)
def other_coql(place):
    ask(place.at("Campaigns/.coql"), f"select id from {MODULE} where id is not null")


@door(ASK)
def kept_query(place):
    write(place.at(f"queries/own-{place.number}.coql"), f"select id from {MODULE} where id is not null".encode())


@door(ASK)
def rows_of_a_query(place):
    read(place.at("queries/leads.json"))


@door(ASK)
def rows_looked_up(place):
    os.stat(place.at("queries/leads.csv"))


@door(LEAVE)
def join_coql(place):
    ask(place.at(".coql"), "select Last_Name, Account_Name.Industry from Contacts where Account_Name.Industry is not null")


# ---- changing --------------------------------------------------------------------------------------------------------

@door(WRITE)
def save(place):
    write(place.record, json.dumps({"id": place.lead, "City": f"Town {place.number}"}).encode())


@door(WRITE)
def change_without_truncating(place):
    os.close(os.open(place.record, os.O_RDWR))


@door(WRITE)
def touch(place):
    os.utime(place.record)


@door(WRITE)
def create(place):
    write(place.at(MODULE, f"new-{place.number}.json"), b'{"Last_Name": "New", "Company": "Nowhere"}')


@door(WRITE)
def create_by_field(place):
    write(place.at(MODULE, f"Website=new-{place.number}.json"), b'{"Last_Name": "New", "Company": "Nowhere"}')


@door(WRITE)
def scratch_file(place):
    path = place.at(MODULE, f"own-{place.number}.tmp")
    write(path, b"x")
    os.unlink(path)


@door(WRITE)
def symlink(place):
    path = place.at(MODULE, f".#own-{place.number}")
    os.symlink("nowhere", path)
    os.unlink(path)


@door(WRITE)
def rename_onto(place):
    path = place.at(MODULE, f"own-{place.number}.tmp")
    write(path, json.dumps({"id": place.other, "City": f"Village {place.number}"}).encode())
    os.rename(path, place.at(MODULE, f"{place.other}.json"))


@door(OUT)
def rename_out(place):
    os.rename(place.record, place.at("Campaigns", "moved.json"))


@door(INTO)
def rename_in(place):
    path = place.at("Campaigns", f"own-{place.number}.tmp")
    write(path, b"x")
    try:
        os.rename(path, place.at(MODULE, "own.tmp"))
    finally:
        os.unlink(path)


@door(WRITE)
def note_write(place):
    write(os.path.join(place.notes, f"{place.note}.json"), json.dumps({"Note_Title": f"Title {place.number}"}).encode())


@door(WRITE)
def note_create(place):
    write(os.path.join(place.notes, "new.txt"), f"A note {place.number}".encode())


@door(DELETE)
def note_delete(place):
    os.unlink(os.path.join(place.notes, f"{place.note}.json"))


@door(WRITE)
def attach(place):
    write(os.path.join(place.attachments, "new.txt"), b"new")


@door(DELETE)
def attachment_replace(place):
    write(os.path.join(place.attachments, "plan.txt"), b"another")


@door(DELETE)
def attachment_delete(place):
    os.unlink(os.path.join(place.attachments, "plan.txt"))


@door(WRITE)
def link(place):
    os.symlink(f"../../../{MODULE}/{place.other}.json", os.path.join(place.related, f"{place.other}.json"))


@door(WRITE)
def delink(place):
    os.unlink(os.path.join(place.related, f"{place.lead}.json"))


@door(WRITE)
def draft_remove(place):
    os.unlink(place.at(".zohofs/drafts", MODULE, f"{place.number}.json"))


@door(DELETE)
def delete(place):
    os.unlink(place.at(MODULE, f"{place.doomed}.json"))


# ---- the mount -------------------------------------------------------------------------------------------------------

def post(emulator, method, path, body, kind="application/json"):
    status, text = emulator.request(method, f"/crm/v8/{path}", body,
                                    {"Authorization": f"Zoho-oauthtoken {emulator.token()}", "Content-Type": kind})
    check(status in (200, 201), f"{method} {path}: {status} {text[:300]}")
    return json.loads(text)["data"][0]["details"]


def furnish(emulator, mount, place):
    """A note, an attachment, a link and a draft; and a value by which the record is found."""
    emulator.edit(MODULE, place.lead, Website=place.lead)
    parent = {"module": {"api_name": MODULE}, "id": place.lead}
    place.note = post(emulator, "POST", "Notes",
                      json.dumps({"data": [{"Note_Title": "T", "Note_Content": "C", "Parent_Id": parent}]}))["id"]
    post(emulator, "POST", f"{MODULE}/{place.lead}/Attachments",
         b'--b\r\nContent-Disposition: form-data; name="file"; filename="plan.txt"\r\n\r\nplan\r\n--b--\r\n',
         "multipart/form-data; boundary=b")
    post(emulator, "PUT", f"Campaigns/{place.campaign}/{MODULE}/{place.lead}", json.dumps({"data": [{}]}))
    drafts = os.path.join(mount.home, "state", "drafts")
    for folder in MODULE, os.path.join(".meta", MODULE):
        os.makedirs(os.path.join(drafts, folder), 0o700, exist_ok=True)
    with open(os.path.join(drafts, MODULE, f"{place.number}.json"), "wb") as file:
        file.write(b"{}")


def go_through(place):
    """What each door gives."""
    found = {}
    for name, (_, function) in DOORS.items():
        try:
            found[name] = function(place) or "ok"
        except OSError as error:
            found[name] = errno.errorcode[error.errno]
    return found


@contextlib.contextmanager
def closed(groups):
    """A mount with those rules that others may use, and two places in it."""
    with Emulator("Leads=12,Campaigns=3,Contacts=3,Accounts=2", "--notes", 1) as emulator:
        with Mount(emulator, groups=groups, options=["rw", "allow_other", "folders"]) as mount:
            for path in harness.work_root(), mount.folder:  # for other users to pass
                os.chmod(path, 0o711)
            leads, campaigns = emulator.ids(MODULE), emulator.ids("Campaigns")
            emulator.delete(MODULE, leads.pop())
            places = [Place(mount, leads[number * 3:number * 3 + 3], campaigns[number], number) for number in range(2)]
            for place in places:
                furnish(emulator, mount, place)
            os.makedirs(os.path.join(mount.home, "state", "queries"), 0o700, exist_ok=True)
            with open(os.path.join(mount.home, "state", "queries", "leads.coql"), "w", encoding="utf-8") as file:
                file.write(f"select id from {MODULE} where id is not null")
            yield emulator, mount, places


def wanted(level, own_rule, is_owner):
    """The table's column. @own_rule: of a user. @is_owner: of the mount."""
    column = {}
    for name, (expected, _) in DOORS.items():
        value = expected[LEVELS.index(level)]
        if not is_owner and (name in ("kept_query", "rename_in") or (expected in CHANGES and level != "off")):
            value = "EACCES"
        elif value == "closed":
            value = "EACCES" if own_rule else "ENOENT"
        elif value == "no module":
            value = "EACCES" if own_rule else "EINVAL"
        column[name] = value
    return column


def unruled(level, is_owner):
    """For those whom the rule is not for: all but what leads out of a module."""
    leave = {name: "EACCES" for name, (expected, _) in DOORS.items() if expected is LEAVE and level == "off"}
    return {**wanted("full", False, is_owner), **leave}


def about(emulator, since):
    """The calls since then that name the module."""
    seen = [entry for entry in emulator.get("requests", bodies=1) if not entry["path"].startswith("/_emulator")]
    return [(entry["method"], entry["path"], entry["query"], entry.get("body")) for entry in seen[since:]
            if entry["path"].startswith("/crm/") and MODULE.lower() in json.dumps(
                [entry["path"], entry["query"], entry.get("body")]).lower()]


def differences(found, expected):
    return {name: f"{found.get(name)}, not {value}" for name, value in expected.items() if found.get(name) != value}


def check_table(groups, level, ruled):
    """@ruled: whom the rule is for, "all", "owner" or "other"."""
    own_rule = ruled != "all"
    columns = {"owner": wanted(level, own_rule, True), "other": wanted(level, own_rule, False)}
    with closed(groups) as (emulator, mount, places):
        for who, place in zip(sorted(columns, key=lambda who: who == ruled), places):
            mount.wait_quiet()
            mark = emulator.mark()
            found = as_user(go_through, place) if who == "other" else go_through(place)
            check(isinstance(found, dict), f"{level}, {who}: {found}")
            expected = columns[who] if ruled in ("all", who) else unruled(level, who == "owner")
            equal(differences(found, expected), {}, f"{level}, {who}")
            mount.wait_quiet()
            if level == "off" and ruled in ("all", who):
                equal(about(emulator, mark), [], f"calls of the {who} about what is closed")


RULES = {
    "the default's rule": (lambda level: {"access": {"default": level, **OPEN}}, "all"),
    "the module's rule": (lambda level: {"access": {MODULE: level}}, "all"),
    "the rule of another user": (lambda level: {f"access uid:{USER}": {MODULE: level}}, "other"),
    "the default of another user": (lambda level: {f"access uid:{USER}": {"default": level, **OPEN}}, "other"),
    "the rule of who mounted": (lambda level: {f"access uid:{os.getuid()}": {MODULE: level}}, "owner"),
    "the least of two rules": (lambda level: {"access": {MODULE: "full"}, f"access uid:{USER}": {MODULE: level}}, "other"),
}


def register(kind, level):
    @case(f"{kind}: {level}")
    def check_it():
        groups, ruled = RULES[kind]
        check_table(groups(level), level, ruled)


# ---- what was reached before, and what tells of all ------------------------------------------------------------------

@case("a directory or file that was reached by another does not open what is closed")
def reached_before():
    with closed({f"access uid:{USER}": {MODULE: "off"}}) as (_, mount, (place, _)):
        number = place.lead
        folder, record = (os.open(path, os.O_RDONLY | os.O_PATH) for path in (place.at(MODULE), place.record))
        check(len(read(place.record)) > 0, "its text is in the kernel's memory")
        ways = {
            "cwd": lambda: os.listdir("."),
            "below cwd": lambda: read(f"{number}.json"),
            "up and down": lambda: read(f"../{MODULE}/{number}.json"),
            "stat of cwd": lambda: os.stat(".").st_mode,
            "O_PATH directory": lambda: os.listdir(f"/proc/self/fd/{folder}"),
            "openat": lambda: os.open(f"{number}.json", os.O_RDONLY, dir_fd=folder),
            "O_PATH file": lambda: read(f"/proc/self/fd/{record}"),
        }
        for name, way in ways.items():
            equal(as_user(way, before=lambda: os.chdir(place.at(MODULE))), "EACCES", name)
        found = os.open(place.at(MODULE), os.O_RDONLY)
        written = os.open(place.at(MODULE, "own.tmp"), os.O_RDWR | os.O_CREAT)
        equal(as_user(lambda: os.listdir(found)), "EACCES", "a directory that is open")
        equal(as_user(lambda: os.write(written, b"x")), "EACCES", "writing to what is open")
        for handle in folder, record, found, written:
            os.close(handle)
        mount.list(MODULE)


@case("what tells of records of any module is the mount's owner's alone where users have rules")
def of_all():
    with closed({f"access uid:{USER}": {MODULE: "off"}}) as (emulator, mount, (place, _)):
        for folder in "Notes", ".meta/Notes":
            os.makedirs(os.path.join(mount.home, "state", "drafts", folder), 0o700)
        with open(os.path.join(mount.home, "state", "drafts", "Notes", "x.json"), "wb") as file:
            file.write(b"{}")
        save(place)
        for name in ".zohofs/audit.jsonl", ".zohofs/errors.jsonl", ".zohofs/events.jsonl", ".zohofs/drafts/Notes/x.json":
            read(place.at(name))
            equal(as_user(read, place.at(name)), "EACCES", name)
        check(place.lead.encode() in read(place.at(".zohofs/audit.jsonl")), "the owner's audit names the record")
        guide = as_user(lambda: read(place.at("README.md")).decode())
        check(f"`{MODULE}/`" in guide and f"`{MODULE}/` (" not in guide, "names of modules, without counts")
        emulator.faults({"match": f"/crm/v8/{MODULE}", "count": 100, "status": 403, "code": "NO_PERMISSION"})
        with contextlib.suppress(OSError):
            os.listdir(place.at(MODULE))
        told = as_user(lambda: json.loads(read(place.at(".zohofs/status.json")))["last_error"])
        check(told is not None and "rules of their own" in told["message"], f"last error: {told}")


def mix(emulator, campaign, lead, contact):
    """The API's list of contacts has a lead in it, as lists of activities have several modules."""
    rows = [{"id": lead, "$module": {"api_name": MODULE}, "Full_Name": "A"},
            {"id": contact, "$module": {"api_name": "Contacts"}, "Full_Name": "B"}]
    body = {"data": rows, "info": {"page": 1, "per_page": 200, "count": 2, "more_records": False}}
    emulator.faults({"match": f"/crm/v8/Campaigns/{campaign}/Contacts", "count": 100, "status": 200,
                     "body": json.dumps(body)})


def ids_of(names):
    return sorted(name.split(".")[-2] if name.count(".") > 1 else name.split(".")[0] for name in names)


@case("of a related list of several modules those links are there whose modules are open")
def mixed():
    for groups, user, other in (({"access": {MODULE: "off"}}, "ENOENT", "ENOENT"),
                                ({f"access uid:{USER}": {MODULE: "off"}}, "EACCES", "ok")):
        with closed(groups) as (emulator, _, (place, _)):
            contact = emulator.ids("Contacts")[0]
            mix(emulator, place.campaign, place.lead, contact)
            folder = place.at("Campaigns", place.campaign, "Contacts")
            wanted_ids = sorted([place.lead, contact]) if other == "ok" else [contact]
            equal(ids_of(os.listdir(folder)), wanted_ids, f"{groups}: links for who mounted")
            equal(ids_of(as_user(os.listdir, folder)), [contact], f"{groups}: links for a user")
            link_of_lead = os.path.join(folder, f"{place.lead}.json")
            equal(as_user(os.readlink, link_of_lead), user, "readlink by a user")
            if other == "ok":
                check(MODULE in os.readlink(link_of_lead), "readlink by who mounted")
            check("Contacts" in as_user(os.readlink, os.path.join(folder, f"{contact}.json")), "the other link")


for one_kind, one_level in itertools.product(RULES, LEVELS):
    register(one_kind, one_level)


if __name__ == "__main__":
    sys.exit(main())
