"""Somebody edits records all the time while programs read the mount over and over: no program fails, no file is torn,
and in the end nothing is stale. SOAK=long in the environment makes it last a minute."""
import collections
import contextlib
import json
import os
import random
import subprocess
import threading
import time

import crm
from harness import PATIENCE, Emulator, Mount, case, check, main, shorten
from looks import assert_shows, documents, first_row, number_of

TTL = 1
RATE = 50  # changes a second
SECONDS = 60 if os.environ.get("SOAK") == "long" else 8
RECORDS = "Leads=300,Vendors=60,Quotes=40,Wide=50"
MODULES = ("Leads", "Vendors", "Quotes", "Wide")
WIDE_FIELDS = ("Wide_Column_With_A_Name_001_Txt", "Wide_Column_With_A_Name_091_Txt")
VANISHED = 24  # what rsync ends with when files went away while it read


class Editor(threading.Thread):
    """Changes records and keeps each text that a file may have had."""

    def __init__(self, emulator):
        super().__init__(name="editor")
        self.emulator, self.random = emulator, random.Random(50)
        self.over, self.failure, self.counts = threading.Event(), None, collections.Counter()
        self.references = {module: crm.Module(emulator, module) for module in MODULES}
        self.live = {module: emulator.ids(module) for module in MODULES}
        self.texts = collections.defaultdict(set)  # by module and id
        for module in MODULES:
            for number in self.live[module]:
                self.note(module, number)
        self.rows = self.find_rows()

    def find_rows(self):
        """Rows of quotes: their module, id, text field, and quote."""
        found = []
        for number in self.live["Quotes"]:
            with contextlib.suppress(AssertionError):  # it has none
                record, module, row, field = first_row(self.emulator, "Quotes", [number])
                found.append((module, row, field, record))
        check(len(found) > 5, f"{len(found)} quotes have rows")
        return found

    def note(self, module, number):
        self.texts[module, number].add(self.references[module].document(number))

    def edit(self):
        number = self.random.choice(self.live["Leads"])
        self.emulator.edit("Leads", number, Company="x" * self.random.randrange(1, 190), City=str(self.random.random()))
        self.note("Leads", number)

    def edit_wide(self):
        """The two fields come with different calls of a listing."""
        number, text = self.random.choice(self.live["Wide"]), str(self.random.random())
        self.emulator.edit("Wide", number, **dict.fromkeys(WIDE_FIELDS, text))
        self.note("Wide", number)

    def rename(self):
        number = self.random.choice(self.live["Vendors"])
        self.emulator.edit("Vendors", number, Vendor_Name=f"Harbor {self.random.randrange(10**6)}")
        self.note("Vendors", number)

    def create(self):
        number = self.emulator.create("Leads", Last_Name=f"New {self.random.randrange(10**6)}", Company="New")
        self.note("Leads", number)
        self.live["Leads"].append(number)

    def delete(self):
        self.emulator.delete("Leads", self.live["Leads"].pop(self.random.randrange(len(self.live["Leads"]))))

    def edit_row(self):
        module, row, field, quote = self.random.choice(self.rows)
        self.emulator.edit(module, row, **{field: "y" * self.random.randrange(1, 200)})
        self.note("Quotes", quote)

    def change(self):
        kinds = (self.edit, self.edit, self.edit_wide, self.rename, self.edit_row, self.create, self.delete)
        kind = self.random.choice(kinds)
        kind()
        self.counts[kind.__name__] += 1

    def run(self):
        begin = time.monotonic()
        try:
            for index in range(SECONDS * RATE):
                # What a slow machine is behind is not made up for at once.
                if self.over.wait(max(0, begin + index / RATE - time.monotonic())):
                    return
                self.change()
        except Exception as error:  # pylint: disable=broad-except
            self.failure = error
        finally:
            self.over.set()


class Reader(threading.Thread):
    """Runs look() over and over until the editor is done."""

    def __init__(self, editor, look):
        super().__init__(name=look.__name__)
        self.editor, self.look, self.rounds, self.failure = editor, look, 0, None

    def run(self):
        try:
            while not self.editor.over.is_set() or self.rounds == 0:
                self.look()
                self.rounds += 1
        except Exception as error:  # pylint: disable=broad-except
            self.failure = error


def run(*command, good=(0,)):
    """Runs a program, of whose complaints only those are forgiven that are about files that have gone away."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          check=False, timeout=4 * PATIENCE, env=dict(os.environ, LC_ALL="C"))
    words = [line for line in done.stderr.decode(errors="replace").splitlines()
             if "No such file or directory" not in line and "vanished" not in line]
    check(not words, f"{command[0]} says {shorten(words)}")
    check(done.returncode in good or done.stderr, f"{command[0]} ended with {done.returncode}")
    check(done.returncode in (*good, 1, 2, VANISHED), f"{command[0]} ended with {done.returncode}")


def read_all(way, folder, seen):
    """Adds the text of each file to the set @seen, as who read it, module, id and text."""
    for module in MODULES:
        for name in os.listdir(os.path.join(folder, module)):
            with contextlib.suppress(FileNotFoundError), open(os.path.join(folder, module, name), "rb") as file:
                seen.add((way, module, number_of(name), file.read()))


def looks(mount, seen):
    """What the readers do, as functions."""
    copy = os.path.join(mount.folder, "copy")
    folders = [mount.at(module) for module in MODULES]

    def grep():
        run("grep", "-r", "-c", "no such text", *folders, good=(0, 1))

    def rsync():
        run("rsync", "-a", *folders, copy)
        read_all("rsync", copy, seen)

    def list_all():
        run("ls", "-lR", *folders)

    def read():
        read_all("read()", mount.path, seen)

    return grep, rsync, list_all, read


def assert_whole(editor, seen):
    """Each text that was read is one that the record has had."""
    for way, module, number, text in seen:
        try:
            json.loads(text)
        except ValueError:
            raise AssertionError(f"{way}: {module}/{number} is torn, {len(text)} bytes: "
                                 f"{text[:100]} ... {text[-200:]}") from None
        check(text in editor.texts[module, number], f"{way}: {module}/{number} has never been {shorten(text)}")


@case(f"{RATE} changes a second for {SECONDS} seconds under grep, rsync, ls and cat")
def soak():
    seen = set()
    with Emulator(RECORDS) as emulator, Mount(emulator, ttl=TTL) as mount:
        editor = Editor(emulator)
        threads = [Reader(editor, look) for look in looks(mount, seen)]
        editor.start()
        for thread in threads:
            thread.start()
        for thread in (editor, *threads):
            thread.join()
        for thread in (editor, *threads):
            if thread.failure is not None:
                raise AssertionError(f"{thread.name} failed") from thread.failure
        print(f"# {dict(editor.counts)}; rounds: {({thread.name: thread.rounds for thread in threads})}")
        assert_whole(editor, seen)
        mount.wait_quiet()
        mount.expire()
        for module in MODULES:
            assert_shows(mount, module, documents(emulator, module))


if __name__ == "__main__":
    main()
