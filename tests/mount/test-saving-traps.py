"""Saves under rare circumstances: what the local disk does not take, files that are unlinked while they are open, and
calls that programs seldom make."""
import contextlib
import errno
import os
import subprocess
import threading

import harness
from harness import Emulator, Skip, case, check, equal, fails, main, tool, wait_until
from saving import (as_served, attempt, drain, mounted, name_of, no_writes, record, save, text_of, told, writing)

# More than any disk takes, and than a draft may have.
TOO_MUCH = 1 << 62


def first_record(emulator, mount):
    number = emulator.ids("Leads")[0]
    return number, name_of(mount, "Leads", number)


@case("a record that cannot be made longer")
def cannot_grow():
    with mounted() as (emulator, mount):
        number, name = first_record(emulator, mount)
        before, mark = record(emulator, "Leads", number), emulator.mark()
        fails(errno.EFBIG, os.truncate, mount.at("Leads", name), TOO_MUCH)
        told(mount, "Leads", name, errno.EFBIG)
        no_writes(emulator, mark, "of a text that could not be made longer")
        equal(record(emulator, "Leads", number), before, "the record in the CRM")
        as_served(emulator, mount, "Leads", number, name)


@case("an open file that cannot be made longer")
def cannot_grow_open():
    with mounted() as (emulator, mount):
        number, name = first_record(emulator, mount)
        for path in mount.at("Leads", name), mount.at("Leads", "scratch.tmp"):
            with open(path, "wb") as file:
                fails(errno.EFBIG, os.ftruncate, file.fileno(), TOO_MUCH)
                file.truncate(0)
                file.write(text_of({"Company": "Whole again"}))
        equal(record(emulator, "Leads", number)["Company"], "Whole again", "what was written after the failure")
        fails(errno.EFBIG, os.truncate, mount.at("Leads", "scratch.tmp"), TOO_MUCH)


@case("a new file that cannot be made longer")
def new_cannot_grow():
    with mounted() as (emulator, mount):
        mark, path = emulator.mark(), mount.at("Leads", "new.json")
        handle = os.open(path, os.O_WRONLY | os.O_CREAT)
        os.write(handle, text_of({"Last_Name": "New"}))
        fails(errno.EFBIG, os.ftruncate, handle, TOO_MUCH)
        fails(errno.EFBIG, os.close, handle)
        told(mount, "Leads", "new.json", errno.EFBIG)
        no_writes(emulator, mark, "of a new file that could not be made longer")


@case("a temporary file that is too long for a record")
def too_long_to_rename():
    with mounted() as (emulator, mount):
        number, name = first_record(emulator, mount)
        mark, path = emulator.mark(), mount.at("Leads", "scratch.tmp")
        with open(path, "wb") as file:
            file.truncate(1 << 30)
        fails(errno.EFBIG, os.rename, path, mount.at("Leads", name))
        told(mount, "Leads", name, errno.EFBIG)
        no_writes(emulator, mark, "of a text that is too long")
        equal(os.stat(path).st_size, 1 << 30, "size of the temporary file")
        as_served(emulator, mount, "Leads", number, name)


@case("a record that is back while its unlinked file is open")
def back_while_open():
    with mounted() as (emulator, mount):
        number, name = first_record(emulator, mount)
        path = mount.at("Leads", name)
        with open(path, "r+b", buffering=0) as file:
            os.unlink(path)
            file.write(b"short")
            file.truncate(5)
            equal(os.fstat(file.fileno()).st_size, 5, "size of the open file")
            emulator.faults({"match": "^DELETE ", "status": 400, "code": "INVALID_DATA"})
            drain(mount)
            emulator.faults()
            as_served(emulator, mount, "Leads", number, name)
            equal(os.pread(file.fileno(), 10, 0), b"short", "what the open file says")
        as_served(emulator, mount, "Leads", number, name)


@case("a record that is made again while its unlinked file is open")
def again_while_open():
    with mounted() as (emulator, mount):
        number, name = first_record(emulator, mount)
        path, text = mount.at("Leads", name), text_of({"Company": "Made again"})
        with open(path, "r+b", buffering=0) as file:
            os.unlink(path)
            with open(path, "xb", buffering=0) as again:
                again.write(text)
                file.write(b"short")
                file.truncate(5)
                equal(os.stat(path).st_size, len(text), "size of the new file")
                equal(os.pread(file.fileno(), 10, 0), b"short", "what the unlinked file says")
        equal(record(emulator, "Leads", number)["Company"], "Made again", "what is saved")
        as_served(emulator, mount, "Leads", number, name)


@contextlib.contextmanager
def small_disk(size):
    """A folder on a disk of its own."""
    path = harness.work_folder("disk")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", path],
                          stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise Skip(f"no right to mount a tmpfs: {done.stderr.decode(errors='replace').strip()}")
    try:
        yield path
    finally:
        tool("umount", path)


@contextlib.contextmanager
def filled(folder):
    """Nothing more goes onto the disk of @folder meanwhile."""
    path = os.path.join(folder, "fill")
    with open(path, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)) > 0:
            pass
    try:
        yield
    finally:
        os.unlink(path)


class Home:
    """Where a mount keeps its state."""

    def __init__(self, folder):
        self.home = folder


def fails_while_full(mount, known, other):
    """Each call tells, and leaves everything as it was. @known, @other: names of records."""
    away = mount.at("Leads", "away.tmp")
    equal(attempt(mount.at("Leads", known), text_of({"Company": "Full"})), ("open", errno.ENOSPC), "writing a record")
    equal(attempt(mount.at("Leads", "new.json"), text_of({"Last_Name": "Full"}))[1], errno.ENOSPC, "writing a new file")
    fails(errno.ENOSPC, os.rename, mount.at("Leads", other), away)
    check(os.path.exists(mount.at("Leads", other)) and not os.path.exists(away), "both names are as they were")
    fails(errno.ENOSPC, os.truncate, mount.at("Leads", other), 10000)


@case("a full disk, and room again")
def full_disk():
    with Emulator("Leads=6") as emulator, small_disk("1500k") as folder, writing(emulator, keep=Home(folder)) as mount:
        numbers = emulator.ids("Leads")
        names = [name_of(mount, "Leads", number) for number in numbers]
        for name in names:
            mount.read("Leads", name)
        mark = emulator.mark()
        with filled(folder):
            fails_while_full(mount, names[0], names[1])
            no_writes(emulator, mark, "while the disk was full")
            as_served(emulator, mount, "Leads", numbers[1], names[1])
        save(mount.at("Leads", names[0]), text_of({"Company": "Room"}))
        save(mount.at("Leads", "new.json"), text_of({"Last_Name": "Room"}))
        equal(record(emulator, "Leads", numbers[0])["Company"], "Room", "what was saved when there was room")
        equal(len(emulator.ids("Leads")), len(numbers) + 1, "records")
        for number in emulator.ids("Leads"):
            as_served(emulator, mount, "Leads", number)


# ---- new files whose answer was lost, and their names -----------------------------------------------------------------

# The record is made, and nobody can see it for now.
BLIND = [{"match": "^POST /crm/v8/Leads", "cut": True, "count": 1}, {"match": "^POST /crm/v8/coql", "status": 500},
         {"match": "^GET /crm/v8/Leads", "status": 500}]
NEW = text_of({"Last_Name": "Lost"})


def lose(emulator, path):
    """Writes a new file, of which a record comes that nobody hears of."""
    before = len(emulator.ids("Leads"))
    emulator.faults(*BLIND)
    equal(attempt(path, NEW), ("close", errno.EIO), "a save whose answer is lost")
    equal(len(emulator.ids("Leads")), before + 1, "records")


def save_once(emulator, mount, name):
    """Saving the file again makes no other record. It may fail while the mount looks for the one that was lost."""
    emulator.faults()
    before = emulator.ids("Leads")
    wait_until(lambda: attempt(mount.at("Leads", name), NEW) == (None, 0), "the file to be saved")
    equal(emulator.ids("Leads"), before, "records after saving again")


@case("a lost new file that is saved again before the next mount could look for it")
def lost_then_early():
    with mounted() as (emulator, mount):
        lose(emulator, mount.at("Leads", "new.json"))
        before = emulator.ids("Leads")
        mount.end()
        emulator.faults({"match": "^POST /crm/v8/coql", "status": 500})
        with writing(emulator, keep=mount) as again:
            equal(attempt(again.at("Leads", "new.json"), NEW), ("close", errno.EIO), "a save that cannot look for it")
            equal(emulator.ids("Leads"), before, "records")
            save_once(emulator, again, "new.json")


def save_after_remount(emulator, mount, name):
    emulator.faults()
    mount.end()
    with writing(emulator, keep=mount) as again:
        again.list("Leads")
        save_once(emulator, again, name)


@case("a lost new file that was renamed before")
def lost_after_rename():
    with mounted() as (emulator, mount):
        with open(mount.at("Leads", "old.json"), "wb"):
            pass
        os.rename(mount.at("Leads", "old.json"), mount.at("Leads", "new.json"))
        lose(emulator, mount.at("Leads", "new.json"))
        save_after_remount(emulator, mount, "new.json")


@case("a lost new file that is renamed then")
def lost_then_renamed():
    with mounted() as (emulator, mount):
        lose(emulator, mount.at("Leads", "old.json"))
        os.rename(mount.at("Leads", "old.json"), mount.at("Leads", "new.json"))
        save_once(emulator, mount, "new.json")


@case("a lost new file that is renamed and looked for by the next mount")
def lost_then_renamed_then_remounted():
    with mounted() as (emulator, mount):
        lose(emulator, mount.at("Leads", "old.json"))
        os.rename(mount.at("Leads", "old.json"), mount.at("Leads", "new.json"))
        save_after_remount(emulator, mount, "new.json")


@case("a lost new file that was written on while it was being saved")
def lost_copy():
    with mounted() as (emulator, mount):
        path = mount.at("Leads", "new.json")
        emulator.faults({"match": "^POST /crm/v8/Leads", "status": 400, "code": "INVALID_DATA", "delay_ms": 1000})
        first = os.open(path, os.O_WRONLY | os.O_CREAT)
        os.write(first, NEW)
        syncing = threading.Thread(target=fails, args=(errno.EINVAL, os.fsync, first))
        syncing.start()
        mount.wait_calls(1)
        os.pwrite(first, NEW, 0)
        syncing.join()
        emulator.faults(*BLIND)
        fails(errno.EIO, os.close, first)
        save_after_remount(emulator, mount, "new.json")


main()
