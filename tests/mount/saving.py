"""What the tests of saving share: a mount that writes, what was written through the API, what the CRM has, what was
told of a failure, and how programs write."""
import contextlib
import errno
import json
import os
import time

import crm
import harness
from harness import Emulator, Mount, check, equal, tool, wait_until

DRAFTS = ".zohofs/drafts"
NAMES = {number: name for number, name in errno.errorcode.items()}
READING_POSTS = ("/crm/v8/coql",)


class Write:
    """One call that was to change the CRM."""

    def __init__(self, entry):
        self.method, self.path, self.status, self.query = (entry[key] for key in ("method", "path", "status", "query"))
        self.body = json.loads(entry["body"]) if entry.get("body") else None
        self.rows = self.body["data"] if self.body and isinstance(self.body.get("data"), list) else []

    def good(self):
        return 200 <= self.status < 300

    def fields(self):
        """The names in the only row."""
        equal(len(self.rows), 1, f"rows of {self}")
        return sorted(set(self.rows[0]) - {"id"})

    def __repr__(self):
        return f"{self.method} {self.path} {self.query or ''} -> {self.status} {str(self.body)[:300]}"


def writes(emulator, since=0, method=None, good=None):
    """The calls that were to change something, oldest first. @since: of emulator.mark()."""
    seen = [entry for entry in emulator.get("requests", bodies=1) if not entry["path"].startswith("/_emulator")]
    found = [Write(entry) for entry in seen[since:]
             if entry["method"] != "GET" and entry["path"].startswith("/crm/") and entry["path"] not in READING_POSTS]
    return [one for one in found if method in (None, one.method) and good in (None, one.good())]


def no_writes(emulator, since, what):
    equal(writes(emulator, since), [], f"calls that write, {what}")


def one_put(emulator, since, fields, what):
    """Just one write was taken, a PUT of @fields, and no other was sent but what a 412 refused. Returns its row."""
    taken = writes(emulator, since, good=True)
    equal([one.method for one in taken], ["PUT"], f"{what}: writes that were taken, of {writes(emulator, since)}")
    refused = writes(emulator, since, good=False)
    check(all(one.method == "PUT" and one.status == 412 for one in refused), f"{what}: refused writes {refused}")
    equal(taken[0].fields(), sorted(fields), f"{what}: fields of the PUT")
    return taken[0].rows[0]


# ---- the CRM ---------------------------------------------------------------------------------------------------------

def record(emulator, module, number):
    """The record as the server has it, with all its rows and whole texts; numbers with their digits."""
    status, body = emulator.request("GET", f"/_emulator/record?module={module}&id={number}")
    check(status == 200, f"{module} {number}: {status} {body[:500]}")
    return crm.parse(body.decode())


def has(emulator, module, number):
    return number in emulator.ids(module)


def edit(emulator, module, number, touch=True, **fields):
    """A colleague's change, of values as record() gives them. Without @touch it does not move Modified_Time."""
    body = crm.canonical({"module": module, "id": number, "fields": fields, "touch": touch})
    status, answer = emulator.request("POST", "/_emulator/edit", body.encode())
    check(status == 200, f"edit of {module} {number}: {status} {answer[:500]}")


def settings(emulator, **knobs):
    emulator.post("settings", knobs)


def find(emulator, module, wanted):
    """The id of the first record of which wanted(record) is true."""
    for number in emulator.ids(module):
        if wanted(record(emulator, module, number)):
            return number
    raise AssertionError(f"{module} has no record as it is needed")


# ---- the mount -------------------------------------------------------------------------------------------------------

def writing(emulator, options=(), **more):
    """A mount that may write, unless @options say otherwise: of ro and rw the last counts."""
    return Mount(emulator, options=["rw", *options], **more)


@contextlib.contextmanager
def mounted(records="Leads=6", options=(), knobs=None, **more):
    """A mount that knows its modules, and its emulator."""
    with Emulator(records) as emulator:
        if knobs:
            settings(emulator, **knobs)
        with writing(emulator, options, **more) as mount:
            for module in records.split(","):
                mount.list(module.split("=")[0])
            mount.wait_quiet()
            yield emulator, mount


def name_of(mount, module, number):
    """The name of the file of record @number, as it is listed."""
    found = [name for name in mount.list(module) if name == f"{number}.json" or name.endswith(f".{number}.json")]
    equal(len(found), 1, f"names of {number} in {module}")
    return found[0]


def document(mount, module, name):
    """What the file says; numbers with their digits."""
    return crm.parse(mount.read(module, name).decode())


def text_of(value):
    return (crm.canonical(value) + "\n").encode()


def changed(mount, module, name, **fields):
    """The text of the file with other values."""
    return text_of({**document(mount, module, name), **fields})


def as_served(emulator, mount, module, number, name=None):
    """The file is what the server has."""
    name = name or f"{number}.json"
    wanted = crm.Module(emulator, module).document(number)
    equal(mount.read(module, name), wanted, f"text of {module}/{name}")
    equal(os.stat(mount.at(module, name)).st_size, len(wanted), f"size of {module}/{name}")


def drain(mount):
    """All that was written or deleted is sent."""
    tool(harness.zohofs, "drain", mount.path)


# ---- writing ---------------------------------------------------------------------------------------------------------

def attempt(path, text, flags=os.O_TRUNC):
    """Writes a file as most programs do. Returns the call that failed and its errno; (None, 0) when none did."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | flags, 0o644)
    except OSError as error:
        return "open", error.errno
    step, failed = None, 0
    try:
        view = memoryview(text)
        while len(view) > 0:
            view = view[os.write(handle, view):]
    except OSError as error:
        step, failed = "write", error.errno
    try:
        os.close(handle)
    except OSError as error:
        if step is None:
            step, failed = "close", error.errno
    return step, failed


def save(path, text, flags=os.O_TRUNC):
    """Writes a file, which must be taken."""
    step, failed = attempt(path, text, flags)
    check(step is None, f"{path}: {step} failed with {NAMES.get(failed)}")


def put_local(mount, name, text):
    """A file beside the mount. Returns its path."""
    path = os.path.join(mount.folder, name)
    with open(path, "wb") as file:
        file.write(text)
    return path


# ---- what was told ---------------------------------------------------------------------------------------------------

def lines(mount, name):
    return [json.loads(line) for line in mount.read(".zohofs", name).splitlines()]


def errors(mount):
    return lines(mount, "errors.jsonl")


def audit(mount):
    return lines(mount, "audit.jsonl")


def why(path):
    return tool(harness.zohofs, "why", path)


def told(mount, module, name, number, code=None, field=None, words=()):
    """The last line of errors.jsonl is about the file and has all that people need; `zohofs why` says the same. Returns
    the line."""
    line = errors(mount)[-1]
    equal(line["path"], f"{module}/{name}", "path of the error")
    equal(line["errno"], NAMES[number], "errno of the error")
    check(line.get("message") and line.get("todo") and line.get("time"), f"message, advice and time in {line}")
    if code is not None:
        equal(line["code"], code, "code of the error")
    if field is not None:
        equal(line.get("field"), field, "field of the error")
    for word in words:
        check(word in line["message"], f"\"{word}\" in \"{line['message']}\"")
    said = why(mount.at(module, name))
    check(NAMES[number] in said, f"what zohofs why says: {said}")
    if all(character.isprintable() for character in line["message"]):
        check(line["message"][:200] in said, f"\"{line['message'][:200]}\" in what zohofs why says: {said}")
    return line


def draft_path(mount, line):
    """Where the draft is that a line of errors.jsonl tells of."""
    check(line.get("draft", "").startswith(DRAFTS + "/"), f"draft in {line}")
    return mount.at(line["draft"])


def draft_kept(mount, line, text):
    """Returns the path of the draft."""
    path = draft_path(mount, line)
    with open(path, "rb") as file:
        equal(file.read(), text, f"draft {path}")
    equal(os.stat(path).st_size, len(text), f"size of {path}")
    return path


def refused(mount, module, name, text, number, **reason):
    """Writing @text fails with errno @number when it is to be saved, and is kept and told. Returns the draft's path."""
    equal(attempt(mount.at(module, name), text), ("close", number), f"saving {module}/{name}")
    return draft_kept(mount, told(mount, module, name, number, **reason), text)


def in_time(seconds):
    """Lets real time pass, for what is decided by whole seconds of a clock that is not ours."""
    time.sleep(seconds)


def wait_gone(emulator, module, numbers):
    wait_until(lambda: not set(numbers) & set(emulator.ids(module)), f"the deletes of {len(numbers)} records")
