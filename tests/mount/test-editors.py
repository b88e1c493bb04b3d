"""Programs that people change a record with: each saves by one PUT of what was changed, with nothing deleted, made or
left behind, and its next save is like the first. EDITORS=long in the environment runs them all; EDITED=notes lets them
change a note instead.

Each program first changes a file in an ordinary folder, so that it is known to do what is believed of it, and what it
leaves lying there."""
import contextlib
import json
import os
import re
import shutil

import programs
from harness import Emulator, case, check, equal, main, wait_until, work_folder
from programs import PROGRAMS, Job, Terminal, Vim
from saving import edit, no_writes, one_put, record, writes, writing

LONG = os.environ.get("EDITORS") == "long"
NOTES = os.environ.get("EDITED") == "notes"
MODULE = "Notes" if NOTES else "Leads"
FIELD = programs.FIELD = "Note_Content" if NOTES else "Phone"
# Of different lengths: rsync and git look at size and time alone.
VALUES = ("+1 555 0101", "+1 555 010 202")
# Set by the server with each save.
STAMPS = {"Modified_Time", "Modified_By", "Last_Activity_Time"}
PLAIN_NAME = re.compile(r"[A-Za-z]\w+\.(\d+)\.json")


class Desk:
    """A mounted record and everything that is to be asserted of it."""

    def __init__(self, emulator, mount):
        self.emulator, self.mount = emulator, mount
        self.ids = emulator.ids(MODULE)
        self.folder = "Leads/notes/" + mount.list("Leads/notes")[0] if NOTES else MODULE
        self.names = set(mount.list(self.folder))
        self.name, self.number = self.choose()
        self.job = Job(mount.at(self.folder, self.name), work_folder("outside"))
        self.text = self.job.text()
        mount.wait_quiet()
        self.record = self.look()

    def choose(self):
        """A short text, all of whose numbers are such that no program writes them differently."""
        fit = [f'"{FIELD}": "'] + ([] if NOTES else ['"Annual_Revenue": null'])
        for name in sorted(self.names):
            match = re.fullmatch(PLAIN_NAME, name)
            text = self.mount.read(self.folder, name).decode()
            if match and len(text) < 2500 and all(word in text for word in fit):
                return name, match[1]
        raise AssertionError(f"no record is fit among {sorted(self.names)}")

    def look(self):
        return record(self.emulator, MODULE, self.number)

    def changed(self):
        """The fields that are not as they were when this was asked before."""
        before, self.record = self.record, self.look()
        return {key: value for key, value in self.record.items() if value != before.get(key)}

    def saves(self, save, value, elsewhere=(), surprises=0):
        """One PUT of FIELD alone; in the record nothing else is changed but the fields @elsewhere. So many PUTs before
        it are refused since they knew an older record: @surprises."""
        mark = self.emulator.mark()
        save(value)
        # Some programs end before their file is closed for good.
        wait_until(lambda: writes(self.emulator, mark, good=True), "the save")
        self.mount.wait_quiet()
        row = one_put(self.emulator, mark, [FIELD], "the save")
        check(len(writes(self.emulator, mark)) <= 1 + surprises, f"{writes(self.emulator, mark)}")
        equal((row[FIELD], row.get("id", self.number)), (value, self.number), f"{FIELD} and id that were sent")
        changed = self.changed()
        equal({key: changed[key] for key in changed if key not in STAMPS and key not in elsewhere}, {FIELD: value},
              "changed")

    def shows(self, value):
        """The file is what the server has."""
        equal(json.loads(self.job.text())[FIELD], value, f"the file's {FIELD}")
        equal(json.loads(self.job.text())["Modified_Time"], self.record["Modified_Time"], "the file's Modified_Time")

    def left(self, *names):
        """The directory has what it had, and local files of these @names."""
        equal(set(self.mount.list(self.folder)) - self.names, set(names), "files left behind")
        equal(self.names - set(self.mount.list(self.folder)), set(), "files gone")


@contextlib.contextmanager
def desk(read_only=False):
    """In the end, when all that waited was sent, nothing was deleted or made; nor written, if it is @read_only."""
    with Emulator("Leads=2", "--notes", 40) if NOTES else Emulator("Leads=25") as emulator:
        with writing(emulator) as mount:
            made = Desk(emulator, mount)
            yield made
        equal([one for one in writes(emulator) if one.method != "PUT"], [], "writes that are no PUT")
        equal(emulator.ids(MODULE), made.ids, "ids")
        if read_only:
            no_writes(emulator, 0, "although all was left as it was")


@contextlib.contextmanager
def ordinary(here):
    """The same file where no CRM is."""
    folder = work_folder("ordinary")
    job = Job(os.path.join(folder, "records", here.name), os.path.join(folder, "outside"))
    os.makedirs(job.folder)
    put(job.path, here.text)
    yield job


def put(path, text):
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)


def rehearse(program, here):
    """The program does its work in an ordinary folder. Returns the names of the files it leaves there."""
    old = json.loads(here.text)
    with ordinary(here) as job:
        with program.open(job) as save:
            for value in VALUES:
                save(value)
                got = json.loads(job.text())
                equal({key: one for key, one in got.items() if one != old.get(key)}, {FIELD: value},
                      "changed in an ordinary folder")
                equal(sorted(got), sorted(old), "keys in an ordinary folder")
        return set(os.listdir(job.folder)) - {job.name}


def saves_twice(program):
    with desk() as here:
        left = rehearse(program, here)
        with program.open(here.job) as save:
            # Somebody changes another field without a trace: it would be undone if it was sent.
            if not NOTES:
                edit(here.emulator, MODULE, here.number, touch=False, City="Elsewhere")
                here.changed()
            for value in VALUES:
                here.saves(save, value)
                here.shows(value)
        here.left(*left)


def add_case(program):
    @case(f"{program.title}: two saves")
    def run():
        saves_twice(program)


for one in PROGRAMS:
    if LONG or not one.long:
        add_case(one)


# ---- with trouble -----------------------------------------------------------------------------------------------

@contextlib.contextmanager
def vim(here, *settings):
    with Vim(here.job, *settings) as editor:
        yield editor
        editor.quit()


def fails_then_saves(*settings, leaves=()):
    """The text is no JSON at first; then the record is as it was, and the text still in the editor."""
    with desk() as here:
        mark = here.emulator.mark()
        with vim(here, *settings) as editor:
            editor.set("+1 555 0303")
            editor.command("$delete")
            editor.refused()
            here.mount.wait_quiet()
            no_writes(here.emulator, mark, "of a bad text")
            equal(here.changed(), {}, "changed by a bad text")
            wait_until(lambda: here.name in here.mount.list(here.folder), "the record to be back")
            equal(here.job.text(), here.text, "the file after a bad text")
            equal(len(here.mount.list(".zohofs/drafts", MODULE)), 1, "drafts")
            check(here.name in here.mount.read(".zohofs/errors.jsonl").decode(), "errors.jsonl names the file")
            editor.command('call append("$", "}")')
            for value in VALUES:
                here.saves(editor.save, value)
                here.shows(value)
        here.left(*(here.name + ending for ending in leaves))


@case("vim: a text that is refused, then good ones")
def vim_fails():
    fails_then_saves()


@case("vim, backupcopy=yes: a text that is refused, then good ones")
def vim_fails_copy():
    """After a failure it copies its backup back, and leaves it."""
    fails_then_saves("set backupcopy=yes", leaves=["~"])


@case("vim, nowritebackup: a text that is refused, then good ones")
def vim_fails_bare():
    fails_then_saves("set nowritebackup")


def vim_meanwhile():
    rule = {"module": MODULE, "when_field": "Phone", "set_field": "Designation", "value": "Set by a rule"}
    with desk() as here:
        here.emulator.post("settings", {"workflow": json.dumps(rule)})
        with vim(here) as editor:
            here.saves(editor.save, VALUES[0], elsewhere=["Designation"])
            here.shows(VALUES[0])
            equal(here.record["Designation"], "Set by a rule", "Designation")
            here.emulator.edit(MODULE, here.number, City="Set by somebody else")
            here.changed()
            here.saves(editor.save, VALUES[1], elsewhere=["Designation"], surprises=1)
            here.shows(VALUES[1])
            equal(here.record["City"], "Set by somebody else", "City")
        here.left()


if not NOTES:
    case("vim: between two saves a rule of the server and somebody else change other fields")(vim_meanwhile)


@case("a text with nothing but the changed key")
def partial():
    with desk() as here:
        for value in VALUES:
            here.saves(lambda text: put(here.job.path, json.dumps({FIELD: text})), value)
            here.shows(value)
        here.left()


# ---- nothing to save -------------------------------------------------------------------------------------------------

def cost_nothing(*steps):
    """What each of @steps does to a file costs no call at all."""
    with desk(read_only=True) as here:
        with ordinary(here) as job:
            for step in steps:
                step(job)
                equal(json.loads(job.text()), json.loads(here.text), "the text in an ordinary folder")
                put(job.path, here.text)
            left = set(os.listdir(job.folder)) - {job.name}
        mark = here.emulator.mark()
        for step in steps:
            step(here.job)
            here.mount.wait_quiet()
            equal(here.emulator.calls(since=mark), [], "calls")
            equal(here.job.text(), here.text, "the file")
        here.left(*left)
        equal(here.emulator.calls(since=mark), [], "calls in the end")


def by_shell(*scripts):
    """Steps that know the file as $1 and a copy of it outside as $2."""
    def step(script):
        def run(job):
            copy = os.path.join(job.outside, "copy", job.name)
            os.makedirs(os.path.dirname(copy), exist_ok=True)
            put(copy, job.text())
            job.shell(script, copy)
        return run
    return map(step, scripts)


@case("opening, closing, touching: no call")
def untouched():
    def opens(job):
        for flags in os.O_RDWR, os.O_WRONLY | os.O_APPEND:
            os.close(os.open(job.path, flags))
    cost_nothing(opens, *by_shell(
        'cat "$1" > /dev/null', 'touch "$1"', 'touch -d "2020-01-01 00:00" "$1"', 'chmod 600 "$1"; chmod 644 "$1"',
        ': >> "$1"', 'sync "$1"', 'mv "$1" "$1~"; mv "$1~" "$1"', 'ln "$1" link 2> /dev/null || cat "$1" > /dev/null'))


@case("the same text, or the same in another form: no call")
def reformatted():
    scripts = ['cp "$2" "$1"', 'cp -p "$2" "$1"', 'mv "$2" "$1"', 'cat "$2" > "$1"', 'tee "$1" < "$2" > /dev/null',
               'rsync -a --ignore-times "$2" "$1"', 'rsync -a --inplace --ignore-times "$2" "$1"',
               'tar -C "${2%/*}" -cf new.tar .; tar -C "${1%/*}" -xf new.tar "./${1##*/}"',
               'printf "\\n\\n  " >> "$1"', 'sed -i "s/no such text//" "$1"', 'sed "s/^ *//" "$2" > "$1"',
               'tr "\\n" " " < "$2" > "$1"', 'sed "s/$/\\r/" "$2" > "$1"', 'perl -pi -e "s/: /  :  /" "$1"']
    cost_nothing(*by_shell(*scripts))


@case("jq, python and node write it out again: no call")
def written_again():
    def python(job):
        put(job.path, json.dumps(dict(reversed(json.loads(job.text()).items()))))
    node = "const fs = require('fs'), path = process.argv[1];" \
           "fs.writeFileSync(path, JSON.stringify(JSON.parse(fs.readFileSync(path))))"
    scripts = (['jq . "$2" > "$1"', 'jq -c -a . "$2" > "$1.tmp"; mv "$1.tmp" "$1"'] if shutil.which("jq") else []) + \
              ([f'node -e "{node}" "$1"'] if shutil.which("node") else [])
    cost_nothing(python, *by_shell(*scripts))


@case("editors that are opened and closed, or save what is there: no call")
def looked_at():
    def vim_quits(job):
        with Vim(job) as editor:
            editor.quit()

    def vim_writes(job):
        with Vim(job) as editor:
            editor.write()
            editor.write()
            editor.quit()

    def nano_quits(job):
        with Terminal(job, "nano", job.path) as editor:
            editor.wait(r'"id": ')
            editor.keys("C-x")
            editor.wait_end()

    def emacs_quits(job):
        with Terminal(job, "emacs", "-nw", job.path) as editor:
            editor.wait(r'"id": ')
            editor.keys("C-x", "C-c")
            editor.wait_end()
    steps = {"vim": [vim_quits, vim_writes], "nano": [nano_quits], "emacs": [emacs_quits]}
    cost_nothing(*(step for name in steps if shutil.which(name) for step in steps[name]))


main()
