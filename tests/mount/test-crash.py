"""Programs save, create and delete, and the daemon is killed in the middle, over and over: what a program was told is
saved is in the CRM, just once; of everything else the text is in the CRM just once, or in the drafts.

Each mount goes on where the killed one stopped. CRASH=long in the environment kills 200 times, CRASH_SEED chooses
other moments."""
import collections
import errno
import json
import os
import random
import subprocess
import sys
import time
import traceback

import crm
from harness import PATIENCE, Emulator, Mount, case, check, equal, main, reports, wait_until
from model import draft_texts

LONG = os.environ.get("CRASH") == "long"
MOMENTS = 200 if LONG else 12
LIMITS = {"deadline": 10}  # of calls that stall
SEED = int(os.environ.get("CRASH_SEED", "50"))
WRITERS = 3
# Each save of a record in one run is of a field of its own, so that all of them can be seen in the end.
FIELDS = ("City", "State", "Country", "Street", "Designation", "Zip_Code", "First_Name", "Company", "Description")
WRITES = "^(PUT|POST|DELETE) /crm/v8/Leads"
DIED = (errno.ENOTCONN, errno.ECONNABORTED)
FEWEST, MOST = 40, 80  # records at the begin of a run


class Writer:
    """A process that saves, creates and deletes until the mount is dead. What it does, and what it was told, is in the
    file @log: {"begin": {...}}, {"written": step} when all of a text was taken, {"end": step, "errno": number}."""

    def __init__(self, mount, run, number, names, log):
        self.mount, self.random = mount, random.Random(f"{SEED} {run} {number}")
        self.prefix, self.names, self.log = f"r{run}w{number}", names, log
        self.saved = collections.Counter()
        self.pid = os.fork()
        if self.pid == 0:
            self.live()

    def live(self):
        status = 1
        try:
            self.handle = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            self.work()
            status = 0
        except BaseException:  # pylint: disable=broad-except
            traceback.print_exc(file=sys.stderr)
        finally:
            os._exit(status)

    def say(self, **line):
        os.write(self.handle, json.dumps(line).encode() + b"\n")

    def work(self):
        kinds = (self.overwrite, self.overwrite, self.patch, self.replace, self.replace, self.vim, self.in_place,
                 self.create, self.create, self.create_by_rename, self.touch_first, self.delete)
        for step in range(10**6):
            kind = self.random.choice(kinds)
            self.token = f"{self.prefix}s{step}x{self.random.randrange(10**9)}"
            try:
                kind()
                told = 0
            except OSError as error:
                told = error.errno
            self.say(end=self.token, errno=told)
            if told in DIED:
                return

    def at(self, name):
        return self.mount.at("Leads", name)

    def begin(self, kind, **more):
        self.say(begin={"kind": kind, "token": self.token, **more})

    def written(self):
        self.say(written=self.token)

    def choose(self):
        """A record of ours and the field that it is saved with next."""
        number = self.random.choice([one for one in self.names if self.saved[one] < len(FIELDS)])
        field = FIELDS[self.saved[number]]
        self.saved[number] += 1
        return number, field, self.names[number]

    def changed(self, kind):
        """Begins a save of a whole text. Returns the file's path and the text."""
        number, field, name = self.choose()
        with open(self.at(name), "rb") as file:
            record = json.loads(file.read())
        record[field] = self.token
        self.begin(kind, id=number, field=field)
        return self.at(name), json.dumps(record, indent=2).encode()

    def put(self, path, text, flags=os.O_WRONLY | os.O_CREAT | os.O_TRUNC, sync=False):
        """As programs write: in pieces. The close tells what became of it."""
        handle = os.open(path, flags, 0o666)
        try:
            for start in range(0, len(text), 500):
                os.write(handle, text[start:start + 500])
            if os.fstat(handle).st_size > len(text):
                os.ftruncate(handle, len(text))
            self.written()
            if sync:
                os.fsync(handle)
        except OSError:
            try:
                os.close(handle)
            except OSError:
                pass
            raise
        os.close(handle)

    # ---- what programs do ----

    def overwrite(self):
        self.put(*self.changed("truncate and write"))

    def patch(self):
        number, field, name = self.choose()
        self.begin("write the changed key alone", id=number, field=field)
        self.put(self.at(name), json.dumps({field: self.token}).encode())

    def in_place(self):
        path, text = self.changed("write in place and sync")
        self.put(path, text, os.O_RDWR, True)

    def scratch(self, text):
        path = self.at(f"{self.prefix}.tmp")
        with open(path, "wb") as file:
            file.write(text)
        return path

    def replace(self):
        path, text = self.changed("write beside and rename")
        os.rename(self.scratch(text), path)

    def vim(self):
        path, text = self.changed("rename to a backup, write anew, remove the backup")
        os.rename(path, path + "~")
        self.put(path, text, sync=True)
        os.unlink(path + "~")

    def new(self, kind):
        self.begin(kind, create=True)
        return self.at(f"new-{self.token}.json"), json.dumps({"Last_Name": self.token, "Company": "Harbor"}).encode()

    def create(self):
        self.put(*self.new("create"))

    def create_by_rename(self):
        path, text = self.new("create by a rename")
        os.rename(self.scratch(text), path)

    def touch_first(self):
        path, text = self.new("create empty, then write")
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT))
        self.put(path, text)

    def delete(self):
        """By a process that ends at once, as rm does."""
        if len(self.names) < 5:
            return
        number = self.random.choice(list(self.names))
        path = self.at(self.names.pop(number))
        self.begin("delete", id=number, delete=True)
        pid = os.fork()
        if pid == 0:
            told = 0
            try:
                os.unlink(path)
            except OSError as error:
                told = error.errno
            os._exit(told)
        told = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if told:
            raise OSError(told, "unlink")


class Step:
    """What the log tells of one change. @told: an errno, 0: done; None: the mount died before it answered."""

    def __init__(self, begin):
        self.kind, self.token = begin["kind"], begin["token"]
        self.id, self.field = begin.get("id"), begin.get("field")
        self.creates, self.deletes = begin.get("create", False), begin.get("delete", False)
        self.written, self.told = False, None

    def __repr__(self):
        told = "unanswered" if self.told is None else os.strerror(self.told) if self.told else "done"
        return f"<{self.kind} {self.id or ''} {self.field or ''} {self.token}{' written' * self.written}: {told}>"


def read_steps(paths):
    steps = {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for line in map(json.loads, file):
                if "begin" in line:
                    steps[line["begin"]["token"]] = Step(line["begin"])
                elif "written" in line:
                    steps[line["written"]].written = True
                elif line["end"] in steps and line["errno"] not in DIED:
                    steps[line["end"]].told = line["errno"]
    return steps


def some_fault(chance):
    """Returns the faults of a run; half of the runs have none."""
    some = {"match": WRITES, "skip": chance.randrange(8), "count": chance.randrange(1, 4)}
    return chance.choice(([], [], [], [], [{**some, "cut": True}], [{**some, "malformed": True}],
                          [{**some, "reset": True}], [{**some, "status": 500, "code": "INTERNAL_ERROR"}],
                          [{"match": WRITES, "delay_ms": 200}], [{**some, "stall": True}],
                          [{**some, "match": "^GET /crm/v8/Leads/[0-9]+", "status": 500, "code": "INTERNAL_ERROR"}]))


class Run:
    """One life of a mount: programs work on it, it is killed, and the next mount must account for all they did."""

    def __init__(self, number, emulator, reference):
        self.number, self.emulator, self.reference = number, emulator, reference
        self.random = random.Random(f"{SEED} {number}")
        self.before = set(emulator.ids("Leads"))
        self.steps, self.on_wire, self.pending, self.stuck = {}, 0, 0, False

    # ---- until it is dead ----

    def live(self, mount):
        self.faults = some_fault(self.random)
        names = {name.split(".")[-2]: name for name in mount.list("Leads") if name.split(".")[-2] in self.before}
        order = sorted(names)
        logs = [os.path.join(mount.folder, f"writer-{number}") for number in range(WRITERS)]
        self.emulator.faults(*self.faults)
        mark = self.emulator.mark()
        writers = [Writer(mount, self.number, number, {one: names[one] for one in order[number::WRITERS]}, log)
                   for number, log in enumerate(logs)]
        try:
            self.wait_moment(logs, mark)
        finally:
            self.stop(mount)
            statuses = [os.waitpid(writer.pid, 0)[1] for writer in writers]
            seen = self.emulator.seen()[mark:]
            self.emulator.faults()
            mount.kill()
        # What Zoho does after the next mount has looked for it, nobody could know.
        wait_until(lambda: self.emulator.get("stats")["in_flight"] == 0, "the calls of the killed mount to end")
        equal(statuses, [0] * WRITERS, "how the writers ended")
        self.steps = read_steps(logs)
        self.on_wire = sum(entry["status"] == 0 and entry["method"] != "GET" for entry in seen)

    def stop(self, mount):
        """The writers must have seen it die before it is unmounted, or they would find the folder below it. A thread
        that tells the kernel something about a directory in which a rename waits cannot die before that is answered;
        then the mount must be broken off."""
        mount.process.kill()
        try:
            mount.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.stuck = True
            subprocess.run(["umount", "-f", mount.path], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                           timeout=PATIENCE, check=False)
            mount.process.wait(timeout=PATIENCE)

    def wait_moment(self, logs, mark):
        """Some moments are while deletes are on the wire, which they are late."""
        if self.number % 4 == 3:
            self.emulator.faults({"match": "^DELETE", "delay_ms": 100}, *self.faults)
            wait_until(lambda: self.emulator.calls("DELETE", since=mark), "a delete")
            time.sleep(self.random.random() * 0.15)
            return
        lines = self.random.randrange(1, 150)
        wait_until(lambda: sum(os.path.exists(log) and os.path.getsize(log) for log in logs) > 80 * lines, "some steps")
        time.sleep(self.random.random() * 0.05)

    def in_flight(self):
        """Something was: a change was not answered, or was on the wire, or a delete was still to be sent."""
        unanswered = [step for step in self.steps.values() if step.told is None]
        return self.on_wire or self.pending or unanswered

    # ---- what became of it ----

    def settle(self, mount):
        """Until the new mount has looked up what the old one had on the wire."""
        wait_until(lambda: not left_drafts(mount), "what was left to be looked up")
        mount.wait_quiet()
        told = mount.read(".zohofs/errors.jsonl").decode()
        for step in self.steps.values():
            if step.deletes and step.told == 0:
                wait_until(lambda: step.id not in self.emulator.ids("Leads") or step.id in told, f"{step} to be done")
        mount.wait_quiet()

    def verify(self, mount):
        self.rows = {row["id"]: row for row in self.reference.rows_of("Leads", "Last_Name," + ",".join(FIELDS))}
        self.drafts = draft_texts(os.path.join(mount.home, "state"))
        self.deleted = {step.id for step in self.steps.values() if step.deletes}
        for step in self.steps.values():
            if step.deletes:
                self.verify_delete(step)
            elif step.creates:
                self.verify_create(step, mount)
            elif step.id not in self.deleted:
                self.verify_save(step)
            check(self.faults or step.told in (0, None), f"{step}, and nothing was wrong")
        gone = self.before - set(self.rows) - self.deleted
        check(not gone, f"deleted, though nobody did: {gone}")
        made = {row["Last_Name"] for number, row in self.rows.items() if number not in self.before}
        check(made <= set(self.steps), f"made, though nobody did: {made - set(self.steps)}")

    def verify_delete(self, step):
        if step.told:
            check(step.id in self.rows, f"{step}, and is gone")

    def verify_create(self, step, mount):
        found = [number for number, row in self.rows.items() if row["Last_Name"] == step.token]
        check(len(found) <= 1, f"{step}: made {len(found)} times")
        if not found:
            self.check_kept(step)
            return
        # What Zoho did after it had been looked for in vain is the draft's, which says so, and nobody's name for it.
        if step.told and not os.path.exists(mount.at("Leads", f"new-{step.token}.json")):
            check(step.token in self.drafts, f"{step}, made without a name, and not in the drafts")
            return
        with open(mount.at("Leads", f"new-{step.token}.json"), "rb") as file:
            equal(json.loads(file.read())["id"], found[0], f"{step}: the name it was created under")

    def verify_save(self, step):
        if self.rows[step.id][step.field] != step.token:
            self.check_kept(step)

    def check_kept(self, step):
        """It is not in the CRM."""
        check(step.told != 0, f"{step}, and is not in the CRM")
        # Text that was still beside is gone with the mount, and so is what was not all written.
        if step.told is not None or step.written:
            check(step.token in self.drafts, f"{step}, and is neither in the CRM nor in the drafts")

    def verify_view(self, mount):
        """The new mount shows what the CRM has."""
        def shown():
            names = {name.split(".")[-2]: name for name in mount.list("Leads")}
            return names if set(names) == set(self.emulator.ids("Leads")) else None
        listed = wait_until(shown, "the listing to be that of the CRM")
        changed = [step.id for step in self.steps.values() if step.id in listed]
        for number in self.random.sample(changed, min(5, len(changed))):
            equal(mount.read("Leads", listed[number]), self.reference.document(number), f"text of {number}")

    def report(self):
        reports.append(f"run {self.number} of seed {SEED}, faults {self.faults}, {self.on_wire} calls on the wire:")
        reports.extend(repr(step) for step in self.steps.values())


def left_drafts(mount):
    folder = os.path.join(mount.home, "state", "journal")
    return [name for one in os.listdir(folder) for name in list_if_there(os.path.join(folder, one))
            if name.startswith("d") and name[1:2].isdigit()]


def list_if_there(path):
    try:
        return os.listdir(path)
    except OSError:
        return []


def level(emulator, chance):
    """So that runs neither dry out nor swell."""
    ids = emulator.ids("Leads")
    while len(ids) < FEWEST:
        ids.append(emulator.create("Leads", Last_Name=f"Okafor {len(ids)}", Company="Harbor"))
    for number in chance.sample(ids, max(0, len(ids) - MOST)):
        emulator.delete("Leads", number)


def account_for(run, keep):
    """The mount after the killed one."""
    mount = Mount(run.emulator, ttl=1, limits=LIMITS, keep=keep)
    try:
        run.settle(mount)
        run.verify(mount)
        run.verify_view(mount)
    except BaseException as error:
        run.report()
        mount.__exit__(type(error), error, None)
        raise
    return mount


@case(f"kill -9 at {MOMENTS} moments while programs save, create and delete: nothing is lost and nothing doubled")
def killed():
    sums = collections.Counter()
    with Emulator(f"Leads={FEWEST}", "--latency-ms", 10) as emulator:
        reference, mount, number = crm.Module(emulator, "Leads"), Mount(emulator, ttl=1, limits=LIMITS), 0
        while sums["in flight"] < MOMENTS:
            check(number < 2 * MOMENTS + 10, f"in {number} runs something was in flight only {sums['in flight']} times")
            run = Run(number, emulator, reference)
            run.live(mount)
            ids = set(emulator.ids("Leads"))
            run.pending = sum(step.deletes and step.told == 0 and step.id in ids for step in run.steps.values())
            mount = account_for(run, mount)
            level(emulator, run.random)
            add_up(sums, run)
            number += 1
        equal(mount.end(), 0, "exit status of the last mount")
        equal(left_drafts(mount), [], "drafts left by the last mount")
    print(f"# seed {SEED}, {number} runs: " + ", ".join(f"{count} {what}" for what, count in sorted(sums.items())))


def add_up(sums, run):
    steps = run.steps.values()
    sums["in flight"] += bool(run.in_flight())
    sums["with calls on the wire"] += run.on_wire > 0
    sums["with deletes to be sent"] += run.pending > 0
    sums["stuck in the kernel"] += run.stuck
    sums["with faults"] += bool(run.faults)
    sums["changes"] += len(steps)
    sums["unanswered"] += sum(step.told is None for step in steps)
    sums["refused"] += sum(bool(step.told) for step in steps)
    sums["unanswered, in the drafts"] += sum(step.told is None and step.token in run.drafts for step in steps)


if __name__ == "__main__":
    main()
