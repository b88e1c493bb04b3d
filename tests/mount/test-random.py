"""Random calls of a few processes on records, new files and scratch files, each compared with what a model of the
directory and of the CRM allows: no text is lost, no record goes that was not unlinked for good, and none is doubled.

RANDOM=long in the environment plays for minutes, RANDOM_SEED chooses another game."""
import collections
import errno
import json
import os
import random
import re
import sys
import time
import traceback

import crm
import model as models
from harness import Emulator, Mount, case, check, equal, main, reports, wait_until

LONG = os.environ.get("RANDOM") == "long"
SEED = int(os.environ.get("RANDOM_SEED", "50"))
GAMES, STEPS = (40, 400) if LONG else (3, 150)
PROCESSES = 3
RECORDS = 5
FIELDS = ("City", "State", "Country", "Street", "Designation")
SCRATCH = ("a.tmp", "b.txt", ".c.swp")
TOKEN = re.compile(r"token\d+x\d+")


class Process:
    """Does one call after the other, as it is told."""

    def __init__(self, folder):
        self.handles = {}
        self.folder = folder
        (self.orders, theirs), (mine, self.answers) = os.pipe(), os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(theirs)
            os.close(mine)
            self.serve()
        os.close(self.orders)
        os.close(self.answers)
        self.orders, self.answers = open(theirs, "w", encoding="utf-8"), open(mine, encoding="utf-8")

    def serve(self):
        try:
            with open(self.orders, encoding="utf-8") as orders, open(self.answers, "w", encoding="utf-8") as answers:
                os.chdir(self.folder)
                for line in orders:
                    if line == "\n":
                        break
                    print(json.dumps(self.do(*json.loads(line))), file=answers, flush=True)
        except BaseException:  # pylint: disable=broad-except
            traceback.print_exc(file=sys.stderr)
        finally:
            os._exit(0)

    def do(self, name, *arguments):
        try:
            return 0, getattr(self, f"do_{name}")(*arguments)
        except OSError as error:
            return error.errno, None

    def do_open(self, number, name, flags):
        self.handles[number] = os.open(name, flags, 0o666)

    def do_close(self, number):
        os.close(self.handles.pop(number))

    def do_read(self, number):
        return os.pread(self.handles[number], 1_000_000, 0).decode("latin-1")

    def do_write(self, number, text, offset):
        return os.pwrite(self.handles[number], text.encode("latin-1"), offset)

    def do_shorten(self, number, size):
        os.ftruncate(self.handles[number], size)

    def do_empty(self, name):
        os.truncate(name, 0)

    def do_sync(self, number):
        os.fsync(self.handles[number])

    def do_rename(self, old, new):
        os.rename(old, new)

    def do_unlink(self, name):
        os.unlink(name)

    def do_load(self, name):
        with open(name, encoding="latin-1") as file:
            return file.read()

    def call(self, *order):
        """Returns the errno and the result."""
        print(json.dumps(order), file=self.orders, flush=True)
        return json.loads(self.answers.readline())

    def end(self):
        """Its handles are closed, and its deletes are due."""
        print(file=self.orders, flush=True)
        self.orders.close()
        self.answers.close()
        os.waitpid(self.pid, 0)


class Game:
    """@owed: tokens whose text was closed well, or refused, to the words that say when."""

    def __init__(self, emulator, mount, seed):
        self.emulator, self.mount, self.seed = emulator, mount, seed
        self.random, self.reference = random.Random(f"{SEED} {seed}"), crm.Module(emulator, "Leads")
        self.ids = set(emulator.ids("Leads"))
        self.names = {name.split(".")[-2]: name for name in mount.list("Leads")}
        self.model = models.Model(self.ids, lambda name: not name.endswith(".json"))
        self.pool = [self.names[number] for number in self.random.sample(sorted(self.ids), RECORDS)]
        self.new = [f"new-{seed}{letter}.json" for letter in "abc"]
        self.pool += [*self.new, *SCRATCH]
        self.processes = [Process(mount.at("Leads")) for _ in range(PROCESSES)]
        self.known = {}  # texts of records that were read some time
        self.counts, self.log, self.tokens, self.next_handle = collections.Counter(), [], 0, 0
        self.owed, self.saved_before = {}, set()

    # ---- texts to write ----

    def token(self):
        self.tokens += 1
        return f"token{self.seed}x{self.tokens}"

    def ours(self, text):
        """The tokens of this game in @text."""
        return [token for token in TOKEN.findall(text) if token.startswith(f"token{self.seed}x")]

    def record_text(self, name):
        """A whole text, sometimes from what was read long ago, with one change."""
        if name not in self.known or self.random.random() < 0.8:
            error, text = self.processes[0].call("load", name)
            if error == 0 and models.parse(text):
                self.known[name] = text
        record = dict(models.parse(self.known.get(name, "{}")))
        record[self.random.choice(FIELDS)] = self.token()
        return json.dumps(record, indent=2)

    def text_for(self, name):
        kind = self.random.random()
        if kind < 0.1:
            return '{ "City": "%s", ' % self.token()
        if name in self.new or kind < 0.3:
            return json.dumps({"Last_Name": self.token(), "Company": "Harbor"})
        if kind < 0.5:
            return json.dumps({self.random.choice(FIELDS): self.token()})
        return self.record_text(name if name in self.pool[:RECORDS] else self.pool[0])

    # ---- calls ----

    def say(self, *words):
        self.log.append(" ".join(map(str, words)))

    def expect(self, error, allowed, *words):
        self.say(*words, "->", os.strerror(error) if error else "ok")
        names = [os.strerror(one) if one else "ok" for one in sorted(allowed)]
        check(error in allowed, f"{self.log[-1]}; allowed: {names}")
        self.counts[words[1]] += 1

    def open(self, process, name):
        flags = self.random.choice((0, os.O_CREAT, os.O_CREAT | os.O_TRUNC, os.O_CREAT | os.O_TRUNC, os.O_TRUNC,
                                    os.O_CREAT | os.O_EXCL))
        allowed = self.model.open_errors(name, flags & os.O_CREAT, flags & os.O_EXCL)
        number, self.next_handle = self.next_handle, self.next_handle + 1
        error, _ = self.processes[process].call("open", number, name, flags | os.O_RDWR)
        self.expect(error, allowed, f"process {process}", "open", name, f"{flags:o}", f"as {number}")
        if error == 0:
            self.model.opened(process, number, name)
            if flags & os.O_TRUNC:
                self.model.wrote(number)
                self.forget(self.model.handles[number].node)

    def handle(self):
        """An open handle, and whose it is."""
        number = self.random.choice(list(self.model.handles))
        return number, self.model.handles[number].process

    def name_of(self, number):
        node = self.model.handles[number].node
        if node.kind == models.RECORD and node.id in self.names:
            return self.names[node.id]
        return self.new[0] if node.kind == models.NEW else self.random.choice(self.pool)

    def write(self, number, process):
        text = self.text_for(self.name_of(number))
        if self.random.random() < 0.85:
            self.do_on(number, process, "shorten", 0)
            offset = 0
        else:
            offset = self.random.randrange(200)
        self.do_on(number, process, "write", text, offset)
        if self.random.random() < 0.5:
            error, now = self.processes[process].call("read", number)
            equal((error, now[offset:offset + len(text)] if now else now), (0, text), "what was just written")

    def do_on(self, number, process, call, *arguments):
        error, _ = self.processes[process].call(call, number, *arguments)
        shown = [short(one) for one in arguments]
        self.expect(error, {0}, f"process {process}", call, number, *shown)
        self.model.wrote(number)
        self.forget(self.model.handles[number].node)

    def commit(self, number, process, call):
        """close or fsync."""
        error, text = self.processes[process].call("read", number)
        check(error == 0, f"handle {number} cannot be read: {os.strerror(error)}; last: {self.log[-5:]}")
        node = self.model.handles[number].node
        allowed = (self.model.close_errors if call == "close" else self.model.sync_errors)(number, text)
        saves = (self.model.is_commit if call == "close" else self.model.is_sync)(number, text)
        error, _ = self.processes[process].call(call, number)
        self.expect(error, allowed, f"process {process}", call, number, node, short(text))
        made = self.made()
        check(not made or (saves and error == 0 and node.kind == models.NEW), f"{self.log[-1]} made {made}")
        if saves:
            check(made or error or node.kind != models.NEW, f"{self.log[-1]} made nothing")
            self.model.committed(node, error, made)
            self.account(text, error, node, self.log[-1])
        if call == "sync" and saves:
            self.model.synced(number, error)
        if call == "close":
            self.model.closed(number)

    def unlink(self, process, name):
        allowed = self.model.unlink_errors(name)
        error, _ = self.processes[process].call("unlink", name)
        self.expect(error, allowed, f"process {process}", "unlink", name)
        if error == 0:
            self.disown(name)
            self.model.unlinked(name)

    def disown(self, name):
        """What a local file holds is gone with it, as its owner wants."""
        if name in self.model.locals:
            self.forget(self.model.locals[name])

    def forget(self, node):
        """Its text is overwritten."""
        self.owed = {token: one for token, one in self.owed.items() if one[1] is not node}

    def rename(self, process, old, new):
        error, text = self.processes[process].call("load", old)
        if error:
            text = None
        allowed = self.model.rename_errors(old, new, text)
        saves = self.model.is_rename_commit(old, new, text)
        error, _ = self.processes[process].call("rename", old, new)
        self.expect(error, allowed, f"process {process}", "rename", old, new, short(text))
        made = self.made()
        check(not made or (saves and error == 0), f"{self.log[-1]} made {made}")
        if error == 0:
            if old != new:
                self.disown(new)
            if not new.endswith(".json"):
                self.disown(old)
            self.model.renamed(old, new, made)
        elif saves:
            self.model.rename_refused(old, new)
        if saves:
            self.account(text, error, self.model.node_of(new) if error == 0 else None, self.log[-1])

    def empty(self, process, name):
        allowed = self.model.unlink_errors(name)
        error, _ = self.processes[process].call("empty", name)
        self.expect(error, allowed, f"process {process}", "empty", name)
        if error == 0:
            self.forget(self.model.node_of(name))

    # ---- what must be ----

    def made(self):
        """The id of the record that has appeared in the CRM, if any."""
        now = set(self.emulator.ids("Leads"))
        new, gone = now - self.ids, self.ids - now
        wrong = [number for number in gone if self.model.records[number] != models.UNLINKED]
        check(not wrong, f"deleted, though nobody wanted it: {wrong}; last: {self.log[-5:]}")
        check(len(new) <= 1, f"several appeared: {new}; last: {self.log[-5:]}")
        for number in gone:
            self.model.records[number] = models.GONE
        self.ids = now
        return next(iter(new), None)

    def account(self, text, error, node, words):
        """A save of @text was answered with @error."""
        stays = node if node and node.kind == models.NEW else None
        if error:
            self.owed.update({token: (words, stays) for token in self.ours(text)})
        elif node.kind == models.RECORD:
            self.account_saved(models.parse(text), node.id, words)

    def account_saved(self, record, number, words):
        row = self.emulator.get("record", module="Leads", id=number)
        row = row.get("record", row)
        for field in (*FIELDS, "Last_Name"):
            value = record.get(field)
            if isinstance(value, str) and self.ours(value) == [value] and value not in self.saved_before:
                equal(row[field], value, f"{field} in the CRM after {words}")
                self.saved_before.add(value)

    def look(self):
        """The listing is the records and the local files."""
        self.made()
        listed = self.mount.list("Leads")
        names, must, may = self.model.listed()
        numbers = {name.split(".")[-2]: name for name in listed if name not in names and name.endswith(".json")
                   and name not in self.new}
        equal(set(listed) - set(numbers.values()), names, f"local files after {self.log[-3:]}")
        numbers = set(numbers)
        check(must <= numbers <= must | may,
              f"listed: missing {must - numbers}, too many {numbers - must - may}; last: {self.log[-5:]}")

    # ---- playing ----

    def step(self):
        process = self.random.randrange(PROCESSES)
        kind = self.random.random()
        if not self.model.handles or (kind < 0.2 and len(self.model.handles) < 8):
            self.open(process, self.random.choice(self.pool))
        elif kind < 0.5:
            self.write(*self.handle())
        elif kind < 0.6:
            self.commit(*self.handle(), "sync")
        elif kind < 0.78:
            self.commit(*self.handle(), "close")
        elif kind < 0.9:
            self.rename(process, self.random.choice(self.pool), self.random.choice(self.pool))
        elif kind < 0.96:
            self.unlink(process, self.random.choice(self.pool))
        else:
            self.empty(process, self.random.choice(self.pool))

    def play(self):
        try:
            for _ in range(STEPS):
                self.step()
                self.look()
            while self.model.handles:
                self.commit(*self.handle(), "close")
            self.end()
            self.finish()
        except BaseException:
            reports.append(f"seed {SEED}, game {self.seed}:")
            reports.extend(self.log[-250:])
            self.end()
            raise

    def end(self):
        while self.processes:
            self.processes.pop().end()

    def finish(self):
        """Deletes go out, what was away is back, and every file reads as the CRM has it."""
        wanted = {number for number, state in self.model.records.items() if state in (models.THERE, models.AWAY)}
        wait_until(lambda: set(self.emulator.ids("Leads")) <= wanted, "the deletes")
        equal(set(self.emulator.ids("Leads")), wanted, "records")
        wait_until(lambda: len(self.mount.list("Leads")) >= len(wanted) + len(self.model.locals), "what was away")
        for name in self.mount.list("Leads"):
            if name not in self.model.locals:
                number = name.split(".")[-2]
                wait_until(lambda: self.mount.read("Leads", name), f"{name} to be back")
                equal(self.mount.read("Leads", name), self.reference.document(number), f"text of {name}")
        self.model.records = dict.fromkeys(wanted, models.THERE)
        self.ids = wanted
        self.look()

    def verify_owed(self, state):
        """After the mount: what was refused is in the drafts."""
        kept = set(TOKEN.findall(models.draft_texts(state)))
        for token, (words, _) in self.owed.items():
            check(token in kept or token in self.saved_before, f"{token} is nowhere: {words}")


def short(text):
    """For the log: the tokens, or the beginning."""
    if not isinstance(text, str):
        return text
    found = TOKEN.findall(text)
    return f"[{len(text)} bytes {' '.join(found[-3:]) or text[:20]}]"


@case(f"{GAMES} games of random calls go as the model says (seed {SEED})")
def games():
    counts, sums, begin = collections.Counter(), collections.Counter(), time.monotonic()
    with Emulator("Leads=12") as emulator:
        mount = None
        for number in range(GAMES):
            for _ in range(12 - len(emulator.ids("Leads"))):
                emulator.create("Leads", Last_Name="Okafor", Company="Harbor")
            with Mount(emulator, options=["rw"], keep=mount) as mount:
                game = Game(emulator, mount, number)
                game.play()
            game.verify_owed(os.path.join(mount.home, "state"))
            with Mount(emulator, options=["rw"], keep=mount) as again:
                equal({name.split(".")[-2] for name in again.list("Leads")}, set(emulator.ids("Leads")), "next mount")
            counts.update(game.counts)
            sums.update(saves=game.model.saves, creates=game.model.creates, refusals=game.model.refusals)
    print(f"# {dict(counts)}; {dict(sums)}; {time.monotonic() - begin:.0f} s")
    check(sums["saves"] > sums["refusals"] > 0 and sums["creates"] > 0, f"what happened: {dict(sums)}")


if __name__ == "__main__":
    main()
