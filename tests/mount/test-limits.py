"""Who spends credits: programs that walk through everything cost none, a budget that runs out is kept for people, and what
was spent is told by the program that wanted it."""
import contextlib
import ctypes
import errno
import json
import os
import re
import shutil
import threading
import time

import crm
from harness import Emulator, Mount, case, check, equal, fails, main, tool, wait_until, work_folder
import harness

PR_SET_NAME = 15
METADATA_S = 15  # how long modules and fields pass as fresh at least


def set_name(name):
    """The calling thread's, and so the process's if it is its first one."""
    ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode(), 0, 0, 0)


def as_program(name, function, *arguments):
    """function(*arguments) in a process that is called @name. Returns what it gives, if JSON can tell it; fails as it
    does."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            set_name(name)
            answer = [0, function(*arguments)]
        except OSError as error:
            answer = [error.errno, None]
        except BaseException as error:  # pylint: disable=broad-except
            answer = [-1, repr(error)]
        with contextlib.suppress(OSError):
            os.write(writer, json.dumps(answer).encode())
        os._exit(0)
    os.close(writer)
    with open(reader, "rb") as pipe:
        number, value = json.loads(pipe.read())
    os.waitpid(pid, 0)
    check(number >= 0, f"{name}: {value}")
    if number > 0:
        raise OSError(number, os.strerror(number))
    return value


def walks(function, *arguments):
    return as_program("updatedb", function, *arguments)


def refused(function, *arguments):
    """The walker gets EDQUOT."""
    fails(errno.EDQUOT, walks, function, *arguments)


def read_text(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def size_of(path):
    return os.stat(path).st_size


def program_named(name, original):
    """A copy of a program: its process is called by the name of the file."""
    path = os.path.join(work_folder("program"), name)
    shutil.copy(shutil.which(original), path)
    return path


@contextlib.contextmanager
def org(records="Leads=8", *arguments, **more):
    """A mount that knows its modules and nothing else, and where the calls begin that count."""
    with Emulator(records, *arguments) as emulator, Mount(emulator, **more) as mount:
        mount.list()
        mount.wait_quiet()
        yield emulator, mount, emulator.mark()


def no_calls(emulator, mount, mark):
    mount.wait_quiet()
    equal(emulator.calls(since=mark), [], "calls")


def errors(mount):
    return [json.loads(line) for line in mount.read(".zohofs/errors.jsonl").decode().splitlines()]


# ---- walkers ---------------------------------------------------------------------------------------------------------

def doors(mount, number):
    """Everything behind which a call is, as (function, path)."""
    record = mount.at("Leads", f"{number}.json")
    yield from ((look, record) for look in (size_of, read_text))
    for parts in (("Leads",), ("Users",), ("Leads", "notes"), ("Leads", "notes", number), ("Leads", number),
                  ("Leads", number, "attachments"), ("Leads", ".search", "Smith"), (".zohofs", "trash", "Leads")):
        yield os.listdir, mount.at(*parts)
    for parts in ((".zohofs", "org.json"), ("Users", "me.json"), (".zohofs", "modules", "Leads", "fields.json"),
                  (".zohofs", "modules", "Leads", "related_lists.json"),
                  (".zohofs", "modules", "Leads", "schema.json")):
        yield read_text, mount.at(*parts)


@case("a walker causes no call, whatever it looks at, and gets EDQUOT for what is not known")
def nothing_known():
    with org("Leads=8,Contacts=3", "--notes", 5) as (emulator, mount, mark):
        number = emulator.ids("Leads")[2]
        for look, path in doors(mount, number):
            try:
                walks(look, path)
            except OSError as error:
                equal(error.errno, errno.EDQUOT, f"errno of {look.__name__} {path}")
                continue
            # A directory may be known without what is in it.
            check(look is os.listdir, f"{path} was read")
        for path in "Leads", "Users", f"Leads/{number}.json", f"Leads/{number}/attachments":
            refused(os.listdir if "json" not in path else read_text, mount.at(path))
        no_calls(emulator, mount, mark)
        # Nobody else sees anything of that.
        equal(len(mount.list("Leads")), len(emulator.ids("Leads")) + extra(mount), "names")
        equal(mount.read("Leads", f"{number}.json"), crm.Module(emulator, "Leads").document(number), "a document")
        os.stat(mount.at("Leads", number))
        mount.list("Leads", number, "attachments")


def extra(mount):
    """Entries of Leads that are no records."""
    return sum(not re.search(r"\d+\.json$", name) for name in mount.list("Leads"))


def attach(emulator, number, name, text):
    """Attaches a file to an account. Returns its id."""
    body = (f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n{text}\r\n--b--\r\n')
    status, answer = emulator.request("POST", f"/crm/v8/Accounts/{number}/Attachments", body.encode(), {
        "Authorization": f"Zoho-oauthtoken {emulator.token()}", "Content-Type": "multipart/form-data; boundary=b"})
    check(status == 200, f"attaching: {status} {answer[:300]}")
    return json.loads(answer)["data"][0]["details"]["id"]


@contextlib.contextmanager
def account(**more):
    """A mount that has listed accounts; one of them has contacts and notes, and the file a.txt."""
    with org("Accounts=6,Contacts=12", "--notes", 12, **more) as (emulator, mount, _):
        number = next(number for number in emulator.ids("Accounts")
                      if emulator.api(f"Accounts/{number}/Contacts", fields="Full_Name"))
        attachment = attach(emulator, number, "a.txt", "attached")
        mount.list("Accounts")
        mount.read("Accounts", f"{number}.json")
        mount.wait_quiet()
        yield emulator, mount, number, attachment


def inner_doors(mount, number):
    """What is behind the record of an account, and beside it: as (function, path)."""
    at = mount.at
    yield from ((os.listdir, at(*parts)) for parts in (
        ("Accounts", number), ("Accounts", number, "attachments"), ("Accounts", number, "notes"),
        ("Accounts", number, "Contacts"), ("Accounts", "notes"), ("Accounts", ".search", "Nguyen"),
        (".zohofs", "trash", "Accounts"), ("Users",)))
    yield size_of, at("Accounts", number, "attachments", "a.txt")
    yield from ((read_text, at(*parts)) for parts in (
        (".zohofs", "org.json"), ("Users", "me.json"), (".zohofs", "modules", "Accounts", "related_lists.json"),
        (".zohofs", "modules", "Contacts", "fields.json"), (".zohofs", "modules", "Contacts", "schema.json")))


@case("each door behind a record that is known is closed to a walker")
def inner():
    with account() as (emulator, mount, number, _):
        mark = emulator.mark()
        for look, path in inner_doors(mount, number):
            refused(look, path)
        refused(size_of, mount.at("Accounts", "Account_Name=Nobody.json"))
        no_calls(emulator, mount, mark)
        # One door further: the folder is known, and nothing in it.
        mount.list("Accounts", number)
        mount.wait_quiet()
        mark = emulator.mark()
        for name in "attachments", "notes", "Contacts":
            refused(os.listdir, mount.at("Accounts", number, name))
        no_calls(emulator, mount, mark)
        for look, path in inner_doors(mount, number):
            look(path)
        mount.wait_quiet()
        mark = emulator.mark()
        refused(read_text, mount.at("Accounts", number, "attachments", "a.txt"))
        no_calls(emulator, mount, mark)


@case("what is behind these doors is shown to a walker once it is known, and when it is old")
def inner_known():
    with account(ttl=1) as (emulator, mount, number, _):
        doors_then = [(look, path, look(path)) for look, path in inner_doors(mount, number)]
        notes = [(read_text, mount.at("Accounts", number, "notes", name)) for name in
                 mount.list("Accounts", number, "notes")]
        doors_then += [(look, path, look(path)) for look, path in notes]
        mount.wait_quiet()
        mount.expire()
        mark = emulator.mark()
        for look, path, then in doors_then:
            now = walks(look, path)
            equal(sorted(now) if isinstance(now, list) else now, sorted(then) if isinstance(then, list) else then, path)
        no_calls(emulator, mount, mark)


@case("a size that only a download can tell is not found out for a walker")
def unknown_size():
    with account() as (emulator, mount, number, attachment):
        emulator.faults({"match": r"GET /crm/v8/Accounts/[0-9]+/Attachments\?", "count": 1000000, "body": {"data": [
            {"id": attachment, "File_Name": "a.txt", "Size": "2.9 MB"}], "info": {"more_records": False}}})
        equal(mount.list("Accounts", number, "attachments"), ["a.txt"], "attachments")
        mount.wait_quiet()
        mark = emulator.mark()
        refused(size_of, mount.at("Accounts", number, "attachments", "a.txt"))
        no_calls(emulator, mount, mark)
        equal(size_of(mount.at("Accounts", number, "attachments", "a.txt")), len("attached"), "for others")


@case("documents that the cache has no more are not fetched for a walker")
def evicted():
    with Emulator("Wide=300") as emulator:
        limits = {"cache_mb": 1}
        with Mount(emulator, limits=limits) as first:
            tool("grep", "-rc", "no such text", first.at("Wide"), status=1)
            wait_until(lambda: first.status()["cache"]["evicted"] > 0, "something to be evicted")
        with Mount(emulator, limits=limits, keep=first) as mount:
            names_there = [name for name in mount.list("Wide") if name.endswith(".json")]
            mount.wait_quiet()
            mark = emulator.mark()
            told = []
            for name in names_there:
                try:
                    told.append(len(walks(read_text, mount.at("Wide", name)).encode()) == size_of(mount.at("Wide", name)))
                except OSError as error:
                    equal(error.errno, errno.EDQUOT, f"errno of {name}")
            check(all(told) and 0 < len(told) < 300, f"{len(told)} of 300 were there")
            no_calls(emulator, mount, mark)


def ask(path, query):
    """Some of the answer, by one descriptor."""
    handle = os.open(path, os.O_RDWR)
    try:
        os.write(handle, query.encode())
        return os.read(handle, 1000).decode()
    finally:
        os.close(handle)


@case("a query is not made for a walker; the rows of one that was are shown, though old")
def queries():
    with org(ttl=1) as (emulator, mount, _):
        with open(mount.at("queries", "some.coql"), "w", encoding="utf-8") as file:
            file.write("select Last_Name from Leads where id is not null limit 3\n")
        rows = mount.read("queries", "some.json").decode()
        mount.wait_quiet()
        mount.expire()
        mark = emulator.mark()
        equal(walks(read_text, mount.at("queries", "some.json")), rows, "the rows of then")
        refused(ask, mount.at(".coql"), "select id from Leads where id is not null")
        no_calls(emulator, mount, mark)
        mount.end()
        with Mount(emulator, keep=mount) as later:
            later.list()
            later.wait_quiet()
            mark = emulator.mark()
            for _ in range(3):
                refused(read_text, later.at("queries", "some.json"))
            no_calls(emulator, later, mark)
            equal(sum("walkers=" in line["message"] for line in errors(later)), 2, "lines of both mounts")
            equal(later.read("queries", "some.json").decode(), rows, "the rows for others")


@case("what is known is given to a walker, also when it is old, and others see what is new")
def known_and_old():
    with org("Leads=8", ttl=1) as (emulator, mount, _):
        names = mount.list("Leads")
        texts = {name: mount.read("Leads", name).decode() for name in names if name.endswith(".json")}
        first = next(iter(texts))
        number = first.split(".")[-2]
        mount.wait_quiet()
        mount.expire()
        emulator.edit("Leads", number, Company="Newer than the walker knows")
        gone = emulator.ids("Leads")[-1]
        emulator.delete("Leads", gone)
        made = emulator.create("Leads", Last_Name="Made", Company="Made")
        mark = emulator.mark()
        equal(walks(os.listdir, mount.at("Leads")) and sorted(walks(os.listdir, mount.at("Leads"))), names, "names")
        for name, text in texts.items():
            equal(walks(read_text, mount.at("Leads", name)), text, name)
            equal(walks(size_of, mount.at("Leads", name)), len(text.encode()), f"size of {name}")
        refused(size_of, mount.at("Leads", f"{made}.json"))
        no_calls(emulator, mount, mark)
        leads = crm.Module(emulator, "Leads")
        equal(mount.read("Leads", first), leads.document(number), "the document for others")
        check(any(made in name for name in mount.list("Leads")), "the new record is listed")
        check(not any(gone in name for name in mount.list("Leads")), "the deleted one is not")
        equal(mount.read("Leads", f"{made}.json"), leads.document(made), "the new record")


@case("a walk through all that is known, as by updatedb and baloo, costs nothing")
def walk():
    find = program_named("updatedb", "find")
    grep = program_named("baloo_file_extractor", "grep")
    with org("Leads=300,Contacts=20", ttl=1) as (emulator, mount, _):
        mount.list("Leads")
        tool("grep", "-rc", "Smith", mount.at("Leads"), status=None)
        mount.wait_quiet()
        mount.expire()
        mark = emulator.mark()
        seen = tool(find, mount.path, "-name", ".zohofs", "-prune", "-o", "-type", "f", "-print", status=None)
        check(sum("/Leads/" in line for line in seen.split("\n")) >= 300, "all leads were seen")
        check("/Contacts/" not in seen, "a contact was seen, of which nobody knew")
        lines = tool(grep, "-rc", "Last_Name", mount.at("Leads"), status=None)
        equal(sum(line.endswith(":1") for line in lines.split("\n")), 300, "leads that were read")
        no_calls(emulator, mount, mark)


@case("half a listing is not shown to a walker, nor kept for others")
def half_a_listing():
    with org("Leads=2500", ttl=3600) as (emulator, mount, _):
        emulator.faults({"match": "GET /crm/v8/Leads", "skip": 2, "count": 1000000, "stall": True})
        scan = os.scandir(mount.at("Leads"))
        next(scan)
        refused(open_directory, mount.at("Leads"))
        emulator.faults()
        scan.close()
        equal(sum(name.endswith(".json") for name in mount.list("Leads")), 2500, "records listed")
        equal(sum(name.endswith(".json") for name in walks(os.listdir, mount.at("Leads"))), 2500, "to the walker")


def open_directory(path):
    os.close(os.open(path, os.O_RDONLY | os.O_DIRECTORY))


@case("a walker does not wait for what others have asked for")
def nothing_joined():
    with Emulator("Leads=5") as emulator:
        emulator.faults({"match": "settings/modules", "count": 1000000, "stall": True})
        with Mount(emulator) as mount:
            mount.wait_calls(1)
            refused(os.listdir, mount.path)
            refused(os.stat, mount.at("Leads"))
            emulator.faults({"match": "settings/fields", "count": 1000000, "stall": True})
            check("Leads" in mount.list(), "the modules are there")
            # Of one name the kernel itself asks once.
            one, other = (mount.at("Leads", f"{number}.json") for number in emulator.ids("Leads")[:2])
            with harness.running(["cat", one]) as (reader,):
                mount.wait_calls(1)
                refused(read_text, other)
                emulator.faults()
                reader.communicate(timeout=harness.PATIENCE)
                equal(reader.returncode, 0, "exit status of the reader")


@case("records of a module that is not listed: a walker gets the old ones, and EDQUOT for the others")
def unlisted():
    with org("Leads=5000", ttl=1) as (emulator, mount, _):
        known, other = emulator.ids("Leads")[100:102]
        text = mount.read("Leads", f"{known}.json").decode()
        mount.wait_quiet()
        mount.expire()
        emulator.edit("Leads", known, Company="Newer")
        mark = emulator.mark()
        equal(walks(read_text, mount.at("Leads", f"{known}.json")), text, "the old text")
        refused(read_text, mount.at("Leads", f"{other}.json"))
        no_calls(emulator, mount, mark)
        check(b'"Newer"' in mount.read("Leads", f"{known}.json"), "others see the new one")


@case("a walker causes no looks at modules and fields that are old")
def old_metadata():
    with org("Leads=5", ttl=1) as (emulator, mount, _):
        names_then = mount.list("Leads")
        texts = {name: mount.read("Leads", name).decode() for name in names_then if name.endswith(".json")}
        mount.wait_quiet()
        time.sleep(METADATA_S + 0.2)
        mark = emulator.mark()
        check("Leads" in walks(os.listdir, mount.path), "the modules")
        equal(sorted(walks(os.listdir, mount.at("Leads"))), names_then, "names")
        for name, text in texts.items():
            equal(walks(read_text, mount.at("Leads", name)), text, name)
        fields = mount.at(".zohofs", "modules", "Leads", "fields.json")
        text = walks(read_text, fields)
        no_calls(emulator, mount, mark)
        emulator.faults({"match": "settings/fields", "count": 1000000, "stall": True})
        with harness.running(["cat", fields]) as (reader,):
            mount.wait_calls(1)
            equal(walks(read_text, fields), text, "the text while others wait for a newer one")
            emulator.faults()
            reader.communicate(timeout=harness.PATIENCE)
        mount.list()
        wait_until(lambda: emulator.calls(path=".*/settings/modules", since=mark), "a look at the modules for others")


def list_in_thread(path):
    """In a thread of another name than the process's."""
    answer = []

    def run():
        set_name("pool-1")
        try:
            answer.append(os.listdir(path))
        except OSError as error:
            answer.append(error)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if isinstance(answer[0], OSError):
        raise answer[0]
    return answer[0]


@case("a walker's threads are known by their process")
def threads():
    with org() as (emulator, mount, mark):
        fails(errno.EDQUOT, as_program, "recollindex", list_in_thread, mount.at("Leads"))
        no_calls(emulator, mount, mark)
        as_program("python3", list_in_thread, mount.at("Leads"))


@case("walkers= has the names; an empty one has none")
def names():
    with org(limits={"walkers": "my_indexer_with_a_long_name, other"}) as (emulator, mount, mark):
        for name in "my_indexer_with", "other":
            fails(errno.EDQUOT, as_program, name, os.listdir, mount.at("Leads"))
        no_calls(emulator, mount, mark)
        as_program("updatedb", os.listdir, mount.at("Leads"))
    with org(limits={"walkers": ""}) as (emulator, mount, mark):
        as_program("updatedb", os.listdir, mount.at("Leads"))
        check(emulator.pages("Leads", mark), "Leads was listed")


@case("a walker that is refused much is told of once")
def told_once():
    with org("Leads=40") as (emulator, mount, _):
        for number in emulator.ids("Leads"):
            refused(size_of, mount.at("Leads", f"{number}.json"))
        lines = errors(mount)
        equal(len(lines), 1, "lines in errors.jsonl")
        equal(lines[0]["errno"], "EDQUOT", "errno")
        check(lines[0]["message"].startswith("updatedb: ") and "walkers=" in lines[0]["message"], f"words: {lines[0]}")
        with open(mount.log, encoding="utf-8") as log:
            equal(sum("walkers" in line for line in log), 1, "lines in the log")


@case("a walker that writes is like anybody")
def writes():
    with org() as (emulator, mount, _):
        number = emulator.ids("Leads")[0]
        name = next(name for name in mount.list("Leads") if number in name)
        record = json.loads(mount.read("Leads", name))

        def save():
            with open(mount.at("Leads", name), "w", encoding="utf-8") as file:
                json.dump({**record, "Company": "By updatedb"}, file)
        walks(save)
        mount.wait_quiet()
        equal(json.loads(emulator.api(f"Leads/{number}"))["data"][0]["Company"], "By updatedb", "Company")


@case("without opens a walker keeps no module in use")
def without_opens():
    # With a rule for a user the kernel asks each time.
    with org(ttl=1, options=("ro", "noopen"), groups={"access uid:4242": {"default": "off"}}) as (emulator, mount, _):
        name = next(name for name in mount.list("Leads") if name.endswith(".json"))
        text = mount.read("Leads", name).decode()
        mount.wait_quiet()
        mount.expire()
        mark = emulator.mark()
        before = mount.status()["fuse"]["lookup"]
        for _ in range(3):
            equal(walks(size_of, mount.at("Leads", name)), len(text.encode()), "the size")
            equal(walks(read_text, mount.at("Leads", name)), text, "the text")
        check(mount.status()["fuse"]["lookup"] > before, "the kernel asked")
        no_calls(emulator, mount, mark)
        os.stat(mount.at("Leads", name))
        wait_until(lambda: emulator.calls(since=mark), "a look for changes")


# ---- a budget --------------------------------------------------------------------------------------------------------

BUDGET = 40


def spend(emulator, mount, until):
    """Reads records of a module that is not listed, until so much is spent; each is one credit."""
    for number in emulator.ids("Contacts"):
        if mount.status()["credits"]["today"] >= until:
            return
        mount.read("Contacts", f"{number}.json")


def spent_by(mount, program):
    return next((row["credits"] for row in mount.status()["programs"] if row["program"] == program), 0)


@case("of a budget that runs out background work and walkers get nothing, and people the last tenth")
def budget():
    limits = {"daily_credits": BUDGET}
    with org("Leads=5,Contacts=60", limits=limits, ttl=1, options=("sweep=1",)) as (emulator, mount, _):
        mount.list("Leads")
        mount.wait_quiet()
        spend(emulator, mount, BUDGET * 9 // 10)
        before = spent_by(mount, "zohofs")
        # The look at all ids, which is due after any look for changes, is background work.
        mount.expire()
        mark = emulator.mark()
        mount.list("Leads")
        mount.wait_quiet()
        equal(spent_by(mount, "zohofs"), before, "spent by background work")
        check(emulator.pages("Leads", mark), "a person had it looked for changes")
        refused(size_of, mount.at("Contacts", f"{emulator.ids('Contacts')[-1]}.json"))
        # Nobody waits for what is deleted, but it was done by a person.
        gone = emulator.ids("Leads")[0]
        tool("rm", mount.at("Leads", f"{gone}.json"))
        wait_until(lambda: gone not in emulator.ids("Leads"), "the record to be deleted")
        spend(emulator, mount, BUDGET)
        equal(mount.status()["credits"]["today"], BUDGET, "credits spent")
        fails(errno.EDQUOT, mount.read, "Contacts", f"{emulator.ids('Contacts')[-1]}.json")
        with open(mount.log, encoding="utf-8") as log:
            text = log.read()
        check(f"Today's own budget of {BUDGET} API credits is spent" in text, "the words for people")
        check("raise daily_credits" in text, "what to do")
        check("walkers=" in text, "the words for walkers")
        # What is known is there all the same.
        equal(len(mount.list("Leads")), 4 + extra(mount), "names")


@case("with credits to spare the same background work is done")
def budget_to_spare():
    with org("Leads=5", limits={"daily_credits": 1000}, ttl=1, options=("sweep=1",)) as (_, mount, __):
        mount.list("Leads")
        mount.wait_quiet()
        before = spent_by(mount, "zohofs")

        def looked():
            mount.list("Leads")
            return spent_by(mount, "zohofs") > before
        wait_until(looked, "a look at all ids")


# ---- a storm ---------------------------------------------------------------------------------------------------------

@case("while Zoho refuses calls those who wait do not add to it, and the log has two lines")
def storm():
    readers = 20
    with org("Leads=60", limits={"concurrency": 4, "deadline": 60}) as (emulator, mount, mark):
        emulator.faults({"match": "GET /crm/v8/Leads/", "count": 6, "status": 429, "code": "TOO_MANY_REQUESTS"})
        numbers = emulator.ids("Leads")[:readers]
        with harness.running(*[["cat", mount.at("Leads", f"{number}.json")] for number in numbers]) as processes:
            for process, number in zip(processes, numbers):
                text, _ = process.communicate(timeout=harness.PATIENCE)
                equal(text, crm.Module(emulator, "Leads").document(number), f"text of {number}")
        mount.wait_quiet()
        refusals = sum(call.status == 429 for call in emulator.calls(since=mark))
        check(1 <= refusals <= 6, f"{refusals} refusals")
        with open(mount.log, encoding="utf-8") as log:
            lines = log.read().splitlines()
        began = sum("takes no more calls for now (429)" in line for line in lines)
        ended = sum("The calls to Zoho go on" in line for line in lines)
        check(began == ended >= 1 and began <= 2, f"{began} lines of beginnings, {ended} of ends")


# ---- whose it was ----------------------------------------------------------------------------------------------------

@case("each call is charged to the program that wanted it")
def programs():
    listing = program_named("my_lister", "ls")
    reading = program_named('a"b\\c', "cat")
    with org("Leads=900,Contacts=5") as (emulator, mount, _):
        tool(listing, "-l", mount.at("Leads"))
        mount.wait_quiet()
        for number in emulator.ids("Contacts")[:2]:
            tool(reading, mount.at("Contacts", f"{number}.json"))
        mount.wait_quiet()
        status = mount.status()
        rows = {row["program"]: row for row in status["programs"]}
        check(rows["my_lister"]["calls"] >= 5, f"the pages are the lister's: {rows}")
        check(2 <= rows['a"b\\c']["calls"] <= 4, f"the records are the reader's: {rows}")
        equal(sum(row["calls"] for row in status["programs"]), status["calls"], "calls in all")
        equal(sum(row["credits"] for row in status["programs"]), status["credits"]["spent"], "credits in all")
        spent = [row["credits"] for row in status["programs"]]
        equal(spent, sorted(spent, reverse=True), "the order")
        metrics = mount.read(".zohofs/metrics").decode()
        check(f'zohofs_program_calls{{program="my_lister"}} {rows["my_lister"]["calls"]}\n' in metrics, metrics[:3000])
        check('zohofs_program_credits{program="a\\"b\\\\c"} ' in metrics, "an escaped name")
        shown = tool(harness.zohofs, "status", mount.path)
        check(re.search(r"^  spent by +my_lister \d+, ", shown, re.MULTILINE), shown)


@case("a save is charged to who wrote")
def saves():
    with org("Leads=3") as (emulator, mount, _):
        name = next(name for name in mount.list("Leads") if name.endswith(".json"))
        record = json.loads(mount.read("Leads", name))

        def save():
            with open(mount.at("Leads", name), "w", encoding="utf-8") as file:
                json.dump({**record, "Company": "Written"}, file)
        as_program("my_writer", save)
        mount.wait_quiet()
        puts = emulator.calls("PUT")
        equal(len(puts), 1, "PUTs")
        check(spent_by(mount, "my_writer") >= 2, f"the save is the writer's: {mount.status()['programs']}")


if __name__ == "__main__":
    main()
