"""What the kernel asks for each file: with opens, without them (-o noopen), and when texts are pushed. And that what it
keeps is right all the same."""
import contextlib
import ctypes
import errno
import json
import os
import threading

import crm
from harness import Emulator, Mount, Skip, case, check, check_kept, equal, fails, main, running, tool, wait_until
from looks import assert_shows, documents, number_of

COUNT = 1500
# Requests that do not depend on the number of files: the directory, the look at status.json, a thread that reads ahead.
SOME = 30
MS_REMOUNT, MS_NOSUID, MS_NODEV = 32, 2, 4


def counts(mount):
    return mount.status()["fuse"]


@contextlib.contextmanager
def counting(mount):
    """Fills the dictionary it gives with the requests by kind since."""
    before, since = counts(mount), {}
    yield since
    since.update({kind: count - before[kind] for kind, count in counts(mount).items()}, read_before=before["read"])


def asked(since):
    """The requests that make a program wait. Where files can be written, the kernel asks once more for the times of each
    one that it had to read itself; these do not count."""
    asked_for = sum(count for kind, count in since.items() if kind not in ("forget", "pushed", "read_before"))
    return asked_for - min(since["getattr"], since["read_before"])


def forget_pages(paths):
    """The kernel lets go of the contents of files."""
    for path in paths:
        handle = os.open(path, os.O_RDONLY)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)


def paths_of(mount, module="Leads"):
    return [entry.path for entry in os.scandir(mount.at(module))]


def number_at(path):
    return number_of(os.path.basename(path))


def run_grep(mount, module="Leads"):
    tool("grep", "-r", "-c", "no such text", mount.at(module), status=1)


def run_archive(mount):
    target = os.path.join(mount.folder, "archive.tar")
    tool("tar", "-C", mount.path, "-cf", target, "Leads")
    os.unlink(target)


def run_copy(mount):
    tool("rsync", "-a", mount.at("Leads") + "/", os.path.join(mount.folder, "copy") + "/")


LOOKS = {
    "ls -l": lambda mount: tool("ls", "-l", mount.at("Leads")),
    "find -newer": lambda mount: tool("find", mount.at("Leads"), "-newermt", "2001-01-01", "-size", "+0"),
    "du": lambda mount: tool("du", "-s", mount.at("Leads")),
    "second rsync": run_copy,
}
READERS = {"grep -r": run_grep, "tar": run_archive}


def assert_looks_are_free(mount):
    for name, look in LOOKS.items():
        with counting(mount) as since:
            look(mount)
        check_kept(asked(since) <= SOME, f"{name}: {since}")


@case("what only looks costs no request for a file, not even after files were read")
def looks_are_free():
    with Emulator(f"Leads={COUNT}") as emulator, Mount(emulator) as mount:
        run_copy(mount)
        assert_looks_are_free(mount)
        run_grep(mount)
        assert_looks_are_free(mount)


@case("who reads again opens and closes, no more")
def reading_again():
    with Emulator(f"Leads={COUNT}") as emulator, Mount(emulator) as mount:
        run_grep(mount)
        for name, read in READERS.items():
            with counting(mount) as since:
                read(mount)
            check_kept(COUNT <= since["open"] <= COUNT + SOME, f"{name}: {since}")
            check_kept(asked(since) - since["open"] - since["release"] <= SOME, f"{name}: {since}")


@case("without opens who reads again asks nothing")
def reading_again_unopened():
    with Emulator(f"Leads={COUNT}") as emulator, Mount(emulator, options=["noopen"]) as mount:
        run_copy(mount)
        run_grep(mount)
        for name, read in READERS.items():
            with counting(mount) as since:
                read(mount)
            check_kept(asked(since) <= COUNT / 50, f"{name}: {since}")
        assert_looks_are_free(mount)


def assert_free_after_ttl(options):
    with Emulator(f"Leads={COUNT}") as emulator, Mount(emulator, ttl=1, options=options) as mount:
        run_copy(mount)
        for name, look in LOOKS.items():
            mount.expire()
            with counting(mount) as since:
                look(mount)
            check_kept(asked(since) <= SOME, f"{name}: {since}")
        if options:
            mount.expire()
            with counting(mount) as since:
                run_grep(mount)
            check_kept(asked(since) <= SOME, f"grep -r: {since}")


@case("the TTL makes the kernel ask for directories, not for files")
def after_ttl():
    assert_free_after_ttl([])
    assert_free_after_ttl(["noopen"])


# ---- pushing ---------------------------------------------------------------------------------------------------------

def by_inode(mount):
    return [entry.path for entry in sorted(os.scandir(mount.at("Leads")), key=lambda entry: entry.inode())]


def by_name(mount):
    return sorted(paths_of(mount), key=os.fsencode)


ORDERS = {"listing": paths_of, "inode": by_inode, "name": by_name}


def read_file(path):
    with open(path, "rb") as file:
        return file.read()


def wait_pushed(mount, count):
    """Until @count texts have been pushed in all. Returns how many were."""
    return wait_until(lambda: counts(mount)["pushed"] if counts(mount)["pushed"] >= count else 0,
                      f"{count} texts to be pushed")


def assert_pushed(emulator, options, order):
    """After a few files in a row the next ones are there before they are asked for."""
    wanted = documents(emulator, "Leads")
    with Mount(emulator, options=options) as mount:
        paths = ORDERS[order](mount)
        mount.wait_quiet()
        equal(counts(mount)["pushed"], 0, "pushed before anything was read")
        for at in range(4, 44, 4):
            for path in paths[at - 4:at]:
                read_file(path)
            # What is pushed comes a moment after the read that set it off; nothing tells that it will not come.
            with contextlib.suppress(AssertionError):
                wait_until(lambda: counts(mount)["pushed"] > 0, "the first push", patience=0.5)
                break
        wait_pushed(mount, 50)
        with counting(mount) as since:
            for path in paths[at:at + 50]:
                equal(read_file(path), wanted[number_at(path)], path)
        check_kept(since["read"] <= 10, f"50 files after {at} by {order}: {since}")


@case("files are pushed in the order in which they are read")
def pushed_in_order():
    with Emulator("Leads=400") as emulator:
        for order in ORDERS:
            assert_pushed(emulator, [], order)
            assert_pushed(emulator, ["noopen"], order)


@case("who reads here and there is pushed nothing")
def scattered():
    with Emulator(f"Leads={COUNT}") as emulator, Mount(emulator) as mount:
        for path in by_inode(mount)[::97]:
            read_file(path)
        check(counts(mount)["pushed"] <= 64, f"pushed: {counts(mount)}")


@case("a first grep -r without opens has few reads, and finds everything")
def first_grep():
    with Emulator(f"Leads={COUNT}") as emulator:
        wanted = documents(emulator, "Leads")
        # How far pushing gets before the reader is the scheduler's business: once is proof enough.
        for _ in range(10):
            with Mount(emulator, options=["noopen"]) as mount:
                tool("ls", "-U", mount.at("Leads"))
                mount.wait_quiet()
                with counting(mount) as since:
                    found = tool("grep", "-r", "-h", '^  "id": "', mount.at("Leads"))
                equal(len(found.splitlines()), COUNT, "lines found")
                assert_shows(mount, "Leads", wanted)
            if since["read"] <= COUNT / 10:
                return
        check(False, f"the last of many: {since}")


@case("unmounting while files are pushed")
def unmount_while_pushing():
    with Emulator(f"Leads={COUNT}") as emulator:
        for options in [], ["noopen"], [], ["noopen"]:
            with Mount(emulator, options=options) as mount:
                for path in by_inode(mount)[:4]:
                    read_file(path)


# ---- changes ---------------------------------------------------------------------------------------------------------

class Editor:
    """Edits records one after the other until the end of the `with`."""

    def __init__(self, emulator, numbers):
        self.emulator, self.numbers, self.stop, self.failure = emulator, numbers, threading.Event(), None
        self.thread = threading.Thread(target=self.run)

    def run(self):
        count = 0
        try:
            while not self.stop.is_set():
                number = self.numbers[count * 7 % len(self.numbers)]
                count += 1
                self.emulator.edit("Leads", number, Company="x" * (count * 37 % 5000 + 1))
        except Exception as failure:  # pylint: disable=broad-except
            self.failure = failure

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        if self.failure is not None:
            raise self.failure


def assert_whole(path, tries):
    text = read_file(path)
    try:
        value = json.loads(text)
    except ValueError as failure:
        if tries > 1:
            assert_whole(path, tries - 1)
            return
        raise AssertionError(f"{path} is torn: {failure}: {text!r}") from failure
    equal(value["id"], number_at(path), f"id in {path}")


def assert_changes_race(options):
    with Emulator("Leads=600") as emulator, Mount(emulator, ttl=1, options=options) as mount:
        paths = paths_of(mount)
        with Editor(emulator, emulator.ids("Leads")):
            for _ in range(12):
                forget_pages(paths)
                tool("grep", "-r", "-q", "no such text", mount.at("Leads"), status=1)
                forget_pages(paths[::2])
                for path in by_inode(mount):
                    # Without an open nothing holds the old text between two read(2) of one reader.
                    assert_whole(path, 3 if options else 1)
        check(counts(mount)["pushed"] > 0, "something was pushed")
        mount.expire()
        mount.list("Leads")
        mount.wait_quiet()
        assert_shows(mount, "Leads", documents(emulator, "Leads"))


@case("changes while files are pushed: nothing torn, and in the end all is as it must be")
def changes_race():
    assert_changes_race([])


@case("the same without opens")
def changes_race_unopened():
    assert_changes_race(["noopen"])


def read_all(mount):
    return {path: read_file(path) for path in paths_of(mount)}


def assert_only(mount, before, number, text):
    """Record @number has @text now; no other file is read anew."""
    with counting(mount) as since:
        after = read_all(mount)
    # The one that changed, the look itself, and what readers in a row are given.
    check_kept(since["read"] <= 4, f"reads of all files: {since}")
    for path, old in after.items():
        equal(old, text if number_at(path) == number else before[path], path)


@case("without opens a change shows after opendir, and touches nothing else")
def change_after_opendir():
    with Emulator("Leads=300") as emulator, Mount(emulator, ttl=1, options=["noopen"]) as mount:
        read_all(mount)
        before = read_all(mount)
        number = emulator.ids("Leads")[5]
        emulator.edit("Leads", number, Company="Another Company of a longer name")
        mount.expire()
        mount.list("Leads")
        text = crm.Module(emulator, "Leads").document(number)
        assert_only(mount, before, number, text)
        check(text not in before.values(), "it changed")


@case("without opens a change shows in the background, to who only reads the file")
def change_in_background():
    with Emulator("Leads=300") as emulator, Mount(emulator, ttl=1, options=["noopen"]) as mount:
        before = read_all(mount)
        number = emulator.ids("Leads")[5]
        path = next(path for path in before if number_at(path) == number)
        emulator.edit("Leads", number, Company="Another Company of a longer name")
        text = crm.Module(emulator, "Leads").document(number)
        wait_until(lambda: read_file(path) == text, "the change to show")
        equal(os.stat(path).st_size, len(text), "size")
        assert_only(mount, before, number, text)


@case("without opens a record looked at alone is asked for again after the TTL")
def change_of_single():
    with Emulator("Leads=300") as emulator, Mount(emulator, ttl=1, options=["noopen"]) as mount:
        number = emulator.ids("Leads")[5]
        name = f"{number}.json"
        old = mount.read("Leads", name)
        emulator.edit("Leads", number, Company="Grown to a longer name")
        mount.expire()
        text = mount.read("Leads", name)
        equal(text, crm.Module(emulator, "Leads").document(number), "text")
        check(text != old, "it changed")


@case("without opens deleted and new records show")
def come_and_go():
    with Emulator("Leads=300") as emulator, Mount(emulator, ttl=1, options=["noopen"]) as mount:
        before = read_all(mount)
        number = emulator.ids("Leads")[5]
        gone = next(path for path in before if number_at(path) == number)
        emulator.delete("Leads", number)
        emulator.create("Leads", Last_Name="Newcomer", Company="New")
        wait_until(lambda: not os.path.exists(gone), "the record to go")
        mount.expire()
        assert_shows(mount, "Leads", documents(emulator, "Leads"))


@case("an idle mount without opens makes no call")
def idle():
    with Emulator("Leads=300") as emulator, Mount(emulator, ttl=1, options=["noopen"]) as mount:
        paths = list(read_all(mount))
        mount.expire()
        os.stat(paths[0])
        mount.wait_quiet()
        mark = emulator.mark()
        for _ in range(3):
            mount.expire()
        equal(emulator.calls(since=mark), [], "calls of an idle mount")
        os.stat(paths[0])
        wait_until(lambda: len(emulator.calls(since=mark)) == 2, "the two calls of a refresh")
        mount.wait_quiet()
        equal(len(emulator.calls(since=mark)), 2, "calls after one use")


# ---- the rest of -o noopen -------------------------------------------------------------------------------------------

@case("without opens writing is refused")
def refuses_writes():
    with Emulator("Leads=3") as emulator, Mount(emulator, options=["noopen"]) as mount:
        path = paths_of(mount)[0]
        text = read_file(path)
        for flags in os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_TRUNC, os.O_WRONLY | os.O_APPEND:
            fails(errno.EROFS, os.open, path, flags)
        fails(errno.EROFS, os.open, mount.at("Leads", "new.json"), os.O_WRONLY | os.O_CREAT)
        fails(errno.EROFS, os.truncate, path, 0)
        fails(errno.EROFS, os.unlink, path)
        equal(read_file(path), text, "text")


@case("without opens writing is refused by us, too, when somebody remounts it writable")
def refuses_writes_remounted():
    with Emulator("Leads=3") as emulator, Mount(emulator, options=["noopen"]) as mount:
        path = paths_of(mount)[0]
        text = read_file(path)
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mount(b"zohofs", os.fsencode(mount.path), b"fuse", MS_REMOUNT | MS_NOSUID | MS_NODEV, None) != 0:
            raise Skip(f"remount: {os.strerror(ctypes.get_errno())}")
        fails(errno.EROFS, os.open, path, os.O_WRONLY | os.O_TRUNC)
        fails(errno.EROFS, os.truncate, path, 0)
        fails(errno.EROFS, os.open, mount.at("Leads", "new.json"), os.O_WRONLY | os.O_CREAT)
        handle = os.open(path, os.O_WRONLY)
        fails(errno.EROFS, os.write, handle, b"{}")
        os.close(handle)
        forget_pages([path])
        equal(read_file(path), text, "text")


@case("without opens status.json is whole and new at each look")
def status_unopened():
    with Emulator("Leads=30") as emulator, Mount(emulator, options=["noopen"]) as mount:
        path = mount.at(".zohofs", "status.json")
        seen = [mount.status()["fuse"]["lookup"] for _ in range(50)]
        check(all(one < two for one, two in zip(seen, seen[1:])), f"each look is a new one: {seen}")
        for _ in range(20):
            text = tool("cat", path)
            check(json.loads(text), "status")
            with open(path, "rb") as file:
                equal(os.fstat(file.fileno()).st_size, len(file.read()), "size")
        for name in "README.md", ".zohofs/org.json", ".zohofs/modules/Leads/fields.json":
            equal(os.stat(mount.at(name)).st_size, len(mount.read(name)), f"size of {name}")


@case("without opens a growing file is read to its end")
def events_unopened():
    with Emulator("Leads=30") as emulator, Mount(emulator, ttl=1, options=["noopen"]) as mount:
        path = mount.at(".zohofs", "events.jsonl")
        mount.list("Leads")
        number = emulator.ids("Leads")[3]
        with running(["tail", "-n", "0", "-F", path], text=True) as (follower,):
            for count in range(1, 4):
                emulator.edit("Leads", number, Company=f"Company {count}")
                mount.expire()
                mount.list("Leads")
                wait_until(lambda lines=count: len(read_file(path).splitlines()) == lines, f"line {count}")
            equal(len([follower.stdout.readline() for _ in range(3)]), 3, "lines followed")
        equal(os.stat(path).st_size, len(read_file(path)), "size")


if __name__ == "__main__":
    main()
