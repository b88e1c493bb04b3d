"""What a mount leaves on disk for the next one: it saves calls and never gives a wrong byte, whatever happens to it."""
import contextlib
import ctypes
import ctypes.util
import os
import random
import shutil
import struct
import subprocess
import time

import crm
from harness import PATIENCE, Emulator, Mount, Skip, case, check, equal, main, reports, running, tail, wait_until
from looks import assert_shows, documents, first_row, number_of

TTL = 1
FOLDER = "documents-1"
NEWER = 99  # a format that no version of today knows
SECOND_TOKEN = "1000.user2.refresh"
PAGE_SIZE = os.sysconf("SC_PAGESIZE")  # LMDB's too


# ---- what is compared ------------------------------------------------------------------------------------------------

def snapshot(mount, module):
    """Names to all that a program can see of a file; "" is the directory."""
    seen = {}
    for name in mount.list(module):
        text, state = mount.read(module, name), os.stat(mount.at(module, name))
        seen[name] = text, state.st_ino, state.st_mtime_ns, state.st_size
    state = os.stat(mount.at(module))
    return {**seen, "": (state.st_ino, state.st_mtime_ns)}


def texts(files):
    return {number_of(name): file[0] for name, file in files.items() if name}


def assert_same_files(after, before):
    """The snapshots are the same."""
    equal(sorted(after), sorted(before), "names")
    for name, old in before.items():
        equal(after[name], old, f"all of {name or 'the directory'}")


def wait_written(mount):
    """Until all that is known is on disk."""
    mount.wait_quiet()
    wait_until(lambda: mount.status()["cache"]["queued_bytes"] == 0, "the cache to be written")


def fill(emulator, *modules, **more):
    """A mount that has read @modules wholly, and was unmounted. Returns it and the snapshots."""
    with Mount(emulator, **more) as mount:
        files = [snapshot(mount, module) for module in modules]
        mount.wait_quiet()
    return mount, *files


def assert_calls(emulator, module, calls, changed=()):
    """@calls are only metadata, the refresh of @module, and what @changed was asked for: no page of a listing."""
    deep = crm.Module(emulator, module).deep_modules()
    allowed = ["/crm/v8/settings/modules"] + ["/crm/v8/settings/fields"] * (1 + len(deep))
    allowed += [path for name in (module, *deep) for path in (f"/crm/v8/{name}", f"/crm/v8/{name}/deleted")]
    allowed += [f"/crm/v8/{module}/{number}" for number in changed]
    for call in calls:
        if changed and "fetch_full_data" in call.path:
            continue
        check(call.path in allowed, f"{call} is not among the calls left of those allowed, {allowed}; all: {calls}")
        allowed.remove(call.path)
        if not changed and "/settings/" not in call.path:
            check(call.status in (204, 304), f"nothing changed, and yet {call}")
    refresh = [call.path for call in calls if call.path == f"/crm/v8/{module}"]
    equal(len(refresh), 1, f"refreshes of {module}")


def assert_remount(emulator, earlier, wanted, changed=()):
    """A mount with the cache of @earlier shows the Leads @wanted and pays for metadata, a refresh and @changed alone."""
    mark = emulator.mark()
    with Mount(emulator, keep=earlier) as mount:
        assert_shows(mount, "Leads", wanted)
        mount.wait_quiet()
        calls = emulator.calls(since=mark)
    assert_calls(emulator, "Leads", calls, changed)


# ---- unchanged, and changed meanwhile --------------------------------------------------------------------------------

def assert_same(module, count):
    with Emulator(f"{module}={count}") as emulator:
        mount, before = fill(emulator, module)
        for _ in range(2):
            mark = emulator.mark()
            with Mount(emulator, keep=mount) as mount:
                after = snapshot(mount, module)
                mount.wait_quiet()
                calls = emulator.calls(since=mark)
            assert_same_files(after, before)
            assert_calls(emulator, module, calls)
        equal(texts(before), documents(emulator, module), "texts")


@case("a remount, unchanged: metadata and a refresh; the same names, texts, inodes and times")
def same():
    assert_same("Leads", 450)


@case("a remount, unchanged, of a module with subforms, and of one with all kinds of deep fields")
def same_deep():
    assert_same("Quotes", 60)
    assert_same("Projects", 210)


@case("a remount of a module of which one record alone was read")
def single():
    with Emulator("Leads=450") as emulator:
        number = emulator.ids("Leads")[7]
        with Mount(emulator) as first:
            text = first.read("Leads", f"{number}.json")
        emulator.edit("Leads", number, Company="Meanwhile")
        with Mount(emulator, keep=first) as mount:
            new = mount.read("Leads", f"{number}.json")
            equal(new, crm.Module(emulator, "Leads").document(number), "text")
            check(new != text, "it changed")


@case("edits, creations, deletions and a restoration between two mounts: the refresh and what changed")
def changed_meanwhile():
    with Emulator("Leads=450") as emulator:
        first, _ = fill(emulator, "Leads")
        numbers = emulator.ids("Leads")
        emulator.delete("Leads", numbers[40])
        second, before = fill(emulator, "Leads", keep=first)
        check(numbers[40] not in texts(before), "the deleted record is gone")
        for number in numbers[3:400:50]:
            emulator.edit("Leads", number, Company="Meanwhile", Last_Name="Anders")
        for number in numbers[4:400:100]:
            emulator.delete("Leads", number)
        made = [emulator.create("Leads", Last_Name=f"New {index}", Company="New") for index in range(3)]
        emulator.restore("Leads", numbers[40])
        mark = emulator.mark()
        with Mount(emulator, keep=second) as mount:
            after = snapshot(mount, "Leads")
            mount.wait_quiet()
            calls = emulator.calls(since=mark)
        equal(texts(after), documents(emulator, "Leads"), "texts")
        assert_calls(emulator, "Leads", calls, [*numbers[3:400:50], *made, numbers[40]])
        for name, file in before.items():
            if name and number_of(name) not in numbers[3:400:50] + numbers[4:400:100]:
                equal(after[name], file, name)


@case("a subform's row changed between two mounts")
def row_meanwhile():
    with Emulator("Quotes=40") as emulator:
        first, _ = fill(emulator, "Quotes")
        number, rows, row, field = first_row(emulator, "Quotes", emulator.ids("Quotes"))
        emulator.edit(rows, row, **{field: "a row of another text"})
        mark = emulator.mark()
        with Mount(emulator, keep=first) as mount:
            after = snapshot(mount, "Quotes")
            mount.wait_quiet()
            calls = emulator.calls(since=mark)
        equal(texts(after), documents(emulator, "Quotes"), "texts")
        assert_calls(emulator, "Quotes", calls, [number])


@case("a field added between two mounts is in every document")
def field_meanwhile():
    with Emulator("Leads=250") as emulator:
        first, _ = fill(emulator, "Leads")
        emulator.post("field", {"module": "Leads", "add": "Shoe_Size text:80"})
        with Mount(emulator, keep=first) as mount:
            assert_shows(mount, "Leads", documents(emulator, "Leads"))


@case("names=id and names=label go on with each other's cache")
def names():
    with Emulator("Leads=250") as emulator:
        first, _ = fill(emulator, "Leads", options=["names=id"])
        wanted = documents(emulator, "Leads")
        mark = emulator.mark()
        with Mount(emulator, keep=first) as mount:
            assert_shows(mount, "Leads", wanted)
            check(any(name.count(".") > 1 for name in mount.list("Leads")), "labels are in the names")
            mount.wait_quiet()
            calls = emulator.calls(since=mark)
        assert_calls(emulator, "Leads", calls)


# ---- killed ----------------------------------------------------------------------------------------------------------

@case("killed in the middle of a listing")
def killed_listing():
    with Emulator("Leads=2600") as emulator:
        wanted = documents(emulator, "Leads")
        emulator.faults({"match": r"GET /crm/v8/Leads\?", "skip": 6, "stall": True})
        with Mount(emulator) as first:
            mark = emulator.mark()
            with running(["ls", "-f", first.at("Leads")]):
                wait_until(lambda: sum(call.status == 200 for call in emulator.pages("Leads", mark)) >= 6, "six pages")
                first.kill()
        emulator.faults()
        with Mount(emulator, keep=first) as mount:
            assert_shows(mount, "Leads", wanted)
        assert_remount(emulator, mount, wanted)


def some_changes(emulator, reference, wanted, chance):
    """Edits, creates and deletes records, and keeps @wanted as it must be."""
    for number in chance.sample(sorted(wanted), 8):
        emulator.edit("Leads", number, Company=f"Company {chance.random()}" * chance.randrange(1, 8))
        wanted[number] = reference.document(number)
    number = chance.choice(sorted(wanted))
    emulator.delete("Leads", number)
    del wanted[number]
    number = emulator.create("Leads", Last_Name="New", Company="New")
    wanted[number] = reference.document(number)


@case("killed at ten random moments while the cache is written")
def killed_writing():
    with Emulator("Leads=600") as emulator:
        reference, wanted = crm.Module(emulator, "Leads"), documents(emulator, "Leads")
        chance, mount = random.Random(10), None
        for _ in range(10):
            with Mount(emulator, keep=mount) as mount:
                with running(["grep", "-rqs", "no such text", mount.at("Leads")]):
                    # The moment to die, from before the listing to after the last write.
                    time.sleep(chance.uniform(0, 0.4))
                    mount.kill()
            some_changes(emulator, reference, wanted, chance)
            with Mount(emulator, keep=mount) as mount:
                assert_shows(mount, "Leads", wanted)
                mount.kill()
        with Mount(emulator, keep=mount) as mount:
            assert_shows(mount, "Leads", wanted)


# ---- no room ---------------------------------------------------------------------------------------------------------

@contextlib.contextmanager
def small_disk(path, size):
    """A file system of @size bytes at @path."""
    os.makedirs(path, 0o700, exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", path],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise Skip(f"no right to mount a tmpfs: {done.stderr.decode(errors='replace').strip()}")
    try:
        yield path
    finally:
        subprocess.run(["umount", path], stdin=subprocess.DEVNULL, check=True)


def assert_full(mount, emulator, wanted):
    """All is right, the log says that the cache has a problem, and so does the status."""
    assert_shows(mount, "Leads", wanted)
    wait_until(lambda: mount.status()["cache"]["problem"], "the problem to be told")
    check(any("cache" in line.lower() for line in tail(mount.log, 100000)), "a line in the log")
    number = sorted(wanted)[5]
    emulator.edit("Leads", number, Company="Later")
    wanted[number] = crm.Module(emulator, "Leads").document(number)
    mount.expire()
    assert_shows(mount, "Leads", wanted)


@case("the disk of the cache is full: right answers, a line in the log, and later all is kept")
def disk_full():
    with Emulator("Leads=1200") as emulator:
        wanted = documents(emulator, "Leads")
        with Mount(emulator) as empty:
            pass
        with small_disk(empty.cache, 700 * 1024):
            with Mount(emulator, ttl=TTL, keep=empty) as mount:
                assert_full(mount, emulator, wanted)
            with Mount(emulator, ttl=TTL, keep=mount) as mount:
                assert_full(mount, emulator, wanted)
        with Mount(emulator, keep=mount) as mount:
            assert_shows(mount, "Leads", wanted)
            wait_written(mount)
            equal(mount.status()["cache"]["problem"], None, "problem")


@case("not a byte is free on the disk of the cache")
def no_room():
    with Emulator("Leads=250") as emulator:
        wanted = documents(emulator, "Leads")
        with Mount(emulator) as empty:
            pass
        with small_disk(empty.cache, 64 * 1024) as folder:
            with contextlib.suppress(OSError), open(os.path.join(folder, "filler"), "wb", buffering=0) as filler:
                while filler.write(bytes(1024)):
                    pass
            with Mount(emulator, ttl=TTL, keep=empty) as mount:
                assert_full(mount, emulator, wanted)


@case("room on the disk of the cache again: what is known is written without a remount")
def room_again():
    with Emulator("Leads=600") as emulator:
        wanted = documents(emulator, "Leads")
        with Mount(emulator) as empty:
            pass
        with small_disk(empty.cache, 400 * 1024) as folder:
            with Mount(emulator, ttl=TTL, keep=empty) as mount:
                assert_full(mount, emulator, wanted)
                enlarge(folder)
                wait_written(mount)
                equal(mount.status()["cache"]["problem"], None, "problem")
            assert_remount(emulator, mount, wanted, [sorted(wanted)[5]])


def enlarge(folder):
    subprocess.run(["mount", "-o", "remount,size=64m", folder], stdin=subprocess.DEVNULL, check=True)


@case("files may not grow: right answers")
def file_limit():
    with Emulator("Leads=1200") as emulator:
        wanted = documents(emulator, "Leads")
        with Mount(emulator, ttl=TTL, wrapper=("prlimit", f"--fsize={300 * 1024}")) as mount:
            assert_full(mount, emulator, wanted)


@case("the folder of the cache is taken away under the mount")
def removed():
    with Emulator("Leads=250") as emulator:
        with Mount(emulator, ttl=TTL) as mount:
            wanted = documents(emulator, "Leads")
            assert_shows(mount, "Leads", wanted)
            wait_written(mount)
            shutil.rmtree(mount.cache)
            some_changes(emulator, crm.Module(emulator, "Leads"), wanted, random.Random(1))
            mount.expire()
            assert_shows(mount, "Leads", wanted)
        with Mount(emulator, keep=mount) as mount:
            assert_shows(mount, "Leads", wanted)


@case("a cache larger than its cap: the oldest goes, answers are right")
def capped():
    with Emulator("Wide=300") as emulator:
        wanted = documents(emulator, "Wide")
        check(sum(map(len, wanted.values())) > 1 << 20, "the documents are more than the cap can hold")
        limits = {"cache_mb": 1}
        with Mount(emulator, limits=limits) as first:
            assert_shows(first, "Wide", wanted)
            wait_written(first)
            cache = first.status()["cache"]
            check(cache["evicted"] > 0, f"something was evicted: {cache}")
            check(cache["disk_bytes"] <= cache["disk_cap_bytes"] == 1 << 20, f"the cap holds: {cache}")
            assert_shows(first, "Wide", wanted)
        with Mount(emulator, limits=limits, keep=first) as mount:
            assert_shows(mount, "Wide", wanted)


# ---- several mounts --------------------------------------------------------------------------------------------------

@case("two mounts of one profile, both cold at once: right in both, after changes too, and after one is killed")
def two_cold():
    with Emulator("Leads=900") as emulator:
        reference, wanted, chance = crm.Module(emulator, "Leads"), documents(emulator, "Leads"), random.Random(2)
        with Mount(emulator, ttl=TTL) as one, Mount(emulator, ttl=TTL, keep=one) as two:
            with running(*(["grep", "-r", "-c", "no such text", mount.at("Leads")] for mount in (one, two))) as greps:
                for grep in greps:
                    equal(grep.communicate(timeout=2 * PATIENCE)[0].count(b"\n"), 900, "files that grep saw")
            for mount in one, two:
                assert_shows(mount, "Leads", wanted)
            for _ in range(3):
                some_changes(emulator, reference, wanted, chance)
                two.expire()
                for mount in two, one:
                    assert_shows(mount, "Leads", wanted)
            two.kill()
            some_changes(emulator, reference, wanted, chance)
            one.expire()
            assert_shows(one, "Leads", wanted)
            with Mount(emulator, ttl=TTL, keep=one) as three:
                assert_shows(three, "Leads", wanted)
                some_changes(emulator, reference, wanted, chance)
                three.expire()
                for mount in one, three:
                    assert_shows(mount, "Leads", wanted)
        mark = emulator.mark()
        with Mount(emulator, keep=one) as mount:
            assert_shows(mount, "Leads", wanted)
            mount.wait_quiet()
            calls = emulator.calls(since=mark)
        check(len(emulator.pages("Leads", mark)) == 1, f"it is not listed again: {calls}")


@case("a second mount beside a first one has what that knows: no listing")
def beside():
    with Emulator("Leads=450") as emulator, Mount(emulator) as one:
        wanted = documents(emulator, "Leads")
        assert_shows(one, "Leads", wanted)
        wait_written(one)
        assert_remount(emulator, one, wanted)
        mark = emulator.mark()
        assert_shows(one, "Leads", wanted)
        equal(emulator.calls(since=mark), [], "calls of the first")


@case("the slower of two mounts does not bring back what the other has seen go")
def slower():
    with Emulator("Leads=250") as emulator, Mount(emulator, ttl=TTL) as quick, Mount(emulator, keep=quick) as slow:
        wanted, chance = documents(emulator, "Leads"), random.Random(3)
        for mount in quick, slow:
            assert_shows(mount, "Leads", wanted)
        old = dict(wanted)
        some_changes(emulator, crm.Module(emulator, "Leads"), wanted, chance)
        quick.expire()
        assert_shows(quick, "Leads", wanted)
        wait_written(quick)
        assert_shows(slow, "Leads", old)
        slow.end()
        quick.end()
        with Mount(emulator, keep=quick) as mount:
            assert_shows(mount, "Leads", wanted)


# ---- foreign and damaged ---------------------------------------------------------------------------------------------

def data_file(mount):
    path = os.path.join(mount.cache, FOLDER, "data.mdb")
    check(os.path.exists(path), f"{path} is there")
    return path


def library(name):
    path = ctypes.util.find_library(name)
    if path is None:
        raise Skip(f"no lib{name}")
    return ctypes.CDLL(path)


class Value(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("data", ctypes.c_void_p)]


def value_of(data):
    """It is not to outlive the bytes @data."""
    return Value(len(data), ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p))


def checksum(key, head, body):
    """As disk_private.h has it of a value in the main database."""
    hash64 = library("xxhash").XXH3_64bits_withSeed
    hash64.argtypes, hash64.restype = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64), ctypes.c_uint64
    seed = hash64(key, len(key), 4)
    seed = hash64(head, len(head), seed)
    return hash64(body, len(body), seed)


def put_meta(folder, change):
    """Replaces the value at "meta" by change(its format, its account)."""
    lmdb, key = library("lmdb"), b"meta"

    def call(function, *arguments):
        failed = getattr(lmdb, "mdb_" + function)(*arguments)
        check(failed == 0, f"mdb_{function}: {failed}")

    environment, transaction, database = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_uint()
    at, value = value_of(key), Value()
    call("env_create", ctypes.byref(environment))
    call("env_set_maxdbs", environment, 8)
    call("env_open", environment, os.fsencode(folder), 0, 0o600)
    call("txn_begin", environment, None, 0, ctypes.byref(transaction))
    call("dbi_open", transaction, None, 0, ctypes.byref(database))
    call("get", transaction, database, ctypes.byref(at), ctypes.byref(value))
    old = ctypes.string_at(value.data, value.size)
    head, account = change(struct.unpack("=I", old[8:12])[0], old[16:])
    head = struct.pack("=II", head, len(account))
    new = struct.pack("=Q", checksum(key, head, account)) + head + account
    equal(struct.pack("=Q", checksum(key, old[8:16], old[16:])), old[:8], "our way to reckon the checksum")
    call("put", transaction, database, ctypes.byref(at), ctypes.byref(value_of(new)), 0)
    call("txn_commit", transaction)
    lmdb.mdb_env_close(environment)


def assert_rebuilt(emulator, first, wanted):
    """The next mount lists anew, and the one after it goes on with that."""
    mark = emulator.mark()
    with Mount(emulator, keep=first) as mount:
        assert_shows(mount, "Leads", wanted)
        check(mount.status()["cache"]["rebuilt"], "it says that the cache was thrown away")
        mount.wait_quiet()
        pages = [call for call in emulator.pages("Leads", mark) if call.status == 200]
        check(len(pages) >= len(wanted) // crm.PAGE, f"it was listed: {pages}")
    assert_remount(emulator, mount, wanted)


@case("a cache of a newer format, and one of a newer LMDB, are built anew")
def newer():
    with Emulator("Leads=450") as emulator:
        first, _ = fill(emulator, "Leads")
        wanted = documents(emulator, "Leads")
        put_meta(os.path.dirname(data_file(first)), lambda version, account: (NEWER, account))
        assert_rebuilt(emulator, first, wanted)
        with open(data_file(first), "r+b") as file:
            for page in 0, 1:
                file.seek(page * PAGE_SIZE)
                head = file.read(64)
                place = head.index(struct.pack("=I", 0xBEEFC0DE)) + 4
                file.seek(page * PAGE_SIZE + place)
                file.write(struct.pack("=I", NEWER))
        assert_rebuilt(emulator, first, wanted)


@case("another account's cache is not served")
def other_account():
    with Emulator("Leads=450") as emulator:
        first, _ = fill(emulator, "Leads")
        wanted = documents(emulator, "Leads")
        for token in SECOND_TOKEN, None:
            mark = emulator.mark()
            with Mount(emulator, keep=first, **({"refresh_token": token} if token else {})) as mount:
                assert_shows(mount, "Leads", wanted)
                mount.wait_quiet()
                pages = [call for call in emulator.pages("Leads", mark) if call.status == 200]
                check(len(pages) >= 3, f"it was listed: {pages}")


def damage_bits(path, chance, first_pages):
    """Flips some bits, of the first pages or anywhere."""
    size = os.path.getsize(path)
    places = [chance.randrange(min(size, 16 * PAGE_SIZE) if first_pages else size)
              for _ in range(chance.choice((1, 1, 1, 8, 64)))]
    with open(path, "r+b") as file:
        for place in places:
            file.seek(place)
            byte = file.read(1)[0] ^ (1 << chance.randrange(8))
            file.seek(place)
            file.write(bytes([byte]))
    return places


def damage_pages(path, chance, _):
    """A page that was never written, or one in another's place."""
    count = os.path.getsize(path) // PAGE_SIZE
    places = chance.randrange(count), chance.randrange(count)
    with open(path, "r+b") as file:
        file.seek(places[0] * PAGE_SIZE)
        page = file.read(PAGE_SIZE) if chance.random() < 0.5 else bytes(PAGE_SIZE)
        file.seek(places[1] * PAGE_SIZE)
        file.write(page)
    return places


def damage_length(path, chance, _):
    """The end is missing."""
    size = chance.randrange(os.path.getsize(path))
    os.truncate(path, size)
    return size


def assert_never_wrong(rounds, damage):
    chance = random.Random(20)
    with Emulator("Leads=400") as emulator:
        mount, _ = fill(emulator, "Leads")
        reference, wanted = crm.Module(emulator, "Leads"), documents(emulator, "Leads")
        found = 0
        for index in range(rounds):
            places = damage(data_file(mount), chance, index % 2 == 0)
            if index % 4 == 3:
                some_changes(emulator, reference, wanted, chance)
            try:
                with Mount(emulator, keep=mount) as mount:
                    assert_shows(mount, "Leads", wanted)
                    cache = mount.status()["cache"]
                    found += cache["rebuilt"] or cache["damaged"] > 0
            except AssertionError:
                reports.append(f"round {index}: damaged at {places}")
                raise
        check(found > 0, "some damage was found")


@case("twenty times flipped bits: never a wrong byte")
def flipped_bits():
    assert_never_wrong(20, damage_bits)


@case("ten times a page in another's place, or of zeroes: never a wrong byte")
def lost_pages():
    assert_never_wrong(10, damage_pages)


@case("five times cut short: never a wrong byte")
def cut_short():
    assert_never_wrong(5, damage_length)


@case("a cache that is no file, a text, and a folder without rights")
def nonsense():
    with Emulator("Leads=250") as emulator:
        first, _ = fill(emulator, "Leads")
        wanted = documents(emulator, "Leads")
        path = data_file(first)
        os.unlink(path)
        os.mkdir(path)
        with Mount(emulator, keep=first) as mount:
            assert_shows(mount, "Leads", wanted)
        shutil.rmtree(path, ignore_errors=True)
        with open(path, "w", encoding="ascii") as file:
            file.write("This is no cache.\n" * 1000)
        assert_rebuilt(emulator, mount, wanted)
        shutil.rmtree(os.path.dirname(path))
        with open(os.path.dirname(path), "w", encoding="ascii") as file:
            file.write("A file where the folder should be.\n")
        with Mount(emulator, keep=first) as mount:
            assert_shows(mount, "Leads", wanted)
            check(mount.status()["cache"]["problem"], "the problem is told")


if __name__ == "__main__":
    main()
