"""Scratch files in a module's directory are files as POSIX has them, except that mkdir and link are refused; they never
cost a call and are gone after the mount. Each case first runs on a plain directory, which proves that the case asks for
no more than any file system gives.

FSX_SEED and FSX_STEPS in the environment choose another run of the random test, and its length."""
import contextlib
import ctypes
import errno
import fcntl
import json
import mmap
import os
import random
import shutil
import sqlite3
import stat
import struct
import subprocess
import threading
import time
import traceback

from harness import PATIENCE, Emulator, Mount, case, check, equal, fails, main, tool, wait_until, work_folder

SEED = int(os.environ.get("FSX_SEED", "50"))
STEPS = int(os.environ.get("FSX_STEPS", "3000"))
NAMES = ("x.tmp", ".foo.swp", "notes.txt", "backup~", ".#lock", "sedAb12Cd", "with blanks, ünïcode.txt", "no-ending")
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2
OLD = 1_000_000_000


class Place:
    """Two directories of one file system."""

    def __init__(self, path, mounted):
        self.path, self.mounted = os.path.join(path, "Leads"), mounted
        self.other = os.path.join(path, "Vendors")
        self.records = set(os.listdir(self.path)) if mounted else set()

    def at(self, name):
        return os.path.join(self.path, name)

    def write(self, name, data=b"", mode="wb"):
        with open(self.at(name), mode) as file:
            file.write(data)
        return self.at(name)

    def read(self, name):
        with open(self.at(name), "rb") as file:
            return file.read()

    def names(self):
        """What is listed beside the records."""
        listed = os.listdir(self.path)
        equal(len(set(listed)), len(listed), "names listed twice")
        check(self.records <= set(listed), "records are missing in the listing")
        return sorted(set(listed) - self.records)

    def clear(self):
        for name in self.names():
            os.unlink(self.at(name))
        equal(self.names(), [], "names after all was unlinked")


@contextlib.contextmanager
def plain_place():
    folder = work_folder("plain")
    os.mkdir(os.path.join(folder, "Leads"))
    os.mkdir(os.path.join(folder, "Vendors"))
    yield Place(folder, False)
    shutil.rmtree(folder)


@contextlib.contextmanager
def mounted_place():
    """Promises that nothing here asks the CRM."""
    with Emulator("Leads=5,Vendors=5") as emulator, Mount(emulator, options=["rw"]) as mount:
        mount.list("Vendors")
        place = Place(mount.path, True)
        mount.wait_quiet()
        mark = emulator.mark()
        yield place
        mount.wait_quiet()
        equal(emulator.calls(since=mark), [], "calls")


def scratch(name):
    """Registers a function of a Place as a case: on a plain directory, then on a mount."""
    def add(function):
        def both():
            for make in plain_place, mounted_place:
                with make() as place:
                    function(place)
                    place.clear()
        case(name)(both)
        return function
    return add


@contextlib.contextmanager
def opened(path, flags, mode=0o666):
    handle = os.open(path, flags, mode)
    try:
        yield handle
    finally:
        with contextlib.suppress(OSError):
            os.close(handle)


def child(function, *arguments):
    """What function(*arguments) returns in a process of its own."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            answer = json.dumps(function(*arguments))
        except BaseException:  # pylint: disable=broad-except
            answer = json.dumps({"failed": traceback.format_exc()})
        os.write(writer, answer.encode())
        os._exit(0)
    os.close(writer)
    with open(reader, "rb") as file:
        answer = json.loads(file.read())
    os.waitpid(pid, 0)
    check(not (isinstance(answer, dict) and "failed" in answer), answer)
    return answer


def errno_of(function, *arguments):
    """0 when it works."""
    try:
        function(*arguments)
    except OSError as error:
        return error.errno
    return 0


def renameat2(old, new, flags):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(-100, os.fsencode(old), -100, os.fsencode(new), flags) != 0:
        raise OSError(ctypes.get_errno(), "renameat2")


# ---- opening ---------------------------------------------------------------------------------------------------------

@scratch("names of every kind are made, read, listed and removed")
def kinds_of_names(place):
    for name in NAMES:
        fails(errno.ENOENT, os.stat, place.at(name))
        place.write(name, name.encode())
        about = os.stat(place.at(name))
        equal((stat.S_ISREG(about.st_mode), about.st_size, about.st_nlink), (True, len(name.encode()), 1), name)
        equal((about.st_uid, about.st_gid), (os.getuid(), os.getgid()), f"owner of {name}")
    for name in NAMES:
        equal(place.read(name), name.encode(), f"text of {name}")
    equal(place.names(), sorted(NAMES), "names")
    for name in NAMES:
        os.unlink(place.at(name))
        fails(errno.ENOENT, os.stat, place.at(name))
        fails(errno.ENOENT, os.unlink, place.at(name))


@scratch("creating: modes, O_EXCL, O_TRUNC, and what is there is left as it is")
def creating(place):
    old = os.umask(0o027)
    try:
        for mode, wanted in (0o666, 0o640), (0o777, 0o750), (0o600, 0o600), (0o444, 0o440):
            name = f"mode-{mode:o}.tmp"
            with opened(place.at(name), os.O_RDWR | os.O_CREAT | os.O_EXCL, mode) as handle:
                equal(os.write(handle, b"text"), 4, "written through the handle that made it")
            equal(stat.S_IMODE(os.stat(place.at(name)).st_mode), wanted, f"mode of {name}")
    finally:
        os.umask(old)
    fails(errno.EEXIST, os.open, place.at("mode-666.tmp"), os.O_RDWR | os.O_CREAT | os.O_EXCL)
    with opened(place.at("mode-666.tmp"), os.O_RDWR | os.O_CREAT, 0o600) as handle:
        equal(os.read(handle, 9), b"text", "opened with O_CREAT")
    equal(stat.S_IMODE(os.stat(place.at("mode-666.tmp")).st_mode), 0o640, "mode after O_CREAT again")
    with opened(place.at("mode-666.tmp"), os.O_WRONLY | os.O_TRUNC) as handle:
        equal(os.fstat(handle).st_size, 0, "size after O_TRUNC")
    with opened(place.at("read-only.tmp"), os.O_RDONLY | os.O_CREAT) as handle:
        equal(os.read(handle, 9), b"", "made for reading")


@scratch("what cannot be opened, and what a handle was not opened for")
def opening_fails(place):
    path = place.write("file.tmp", b"text")
    fails(errno.ENOENT, os.open, place.at("nothing.tmp"), os.O_RDWR)
    fails(errno.ENOENT, os.open, place.at("nothing.tmp"), os.O_RDWR | os.O_TRUNC)
    for below in "file.tmp/below", "file.tmp/below/more":
        fails(errno.ENOTDIR, os.open, place.at(below), os.O_RDONLY)
        fails(errno.ENOTDIR, os.open, place.at(below), os.O_WRONLY | os.O_CREAT)
    fails(errno.ENOTDIR, os.open, path, os.O_RDONLY | os.O_DIRECTORY)
    fails(errno.ENOTDIR, os.listdir, path)
    fails(errno.ENOTDIR, os.rmdir, path)
    fails(errno.EISDIR, os.open, place.path, os.O_WRONLY)
    os.symlink("file.tmp", place.at("link.tmp"))
    fails(errno.ELOOP, os.open, place.at("link.tmp"), os.O_RDONLY | os.O_NOFOLLOW)
    with opened(path, os.O_WRONLY) as handle:
        fails(errno.EBADF, os.read, handle, 1)
    with opened(path, os.O_RDONLY) as handle:
        fails(errno.EBADF, os.write, handle, b"x")
        fails(errno.EINVAL, os.ftruncate, handle, 0)
    equal(place.read("file.tmp"), b"text", "text")
    for wrong in "x" * 256, "x" * 252 + ".tmp":
        fails(errno.ENAMETOOLONG, os.open, place.at(wrong), os.O_RDWR | os.O_CREAT)
        fails(errno.ENAMETOOLONG, os.stat, place.at(wrong))
        fails(errno.ENAMETOOLONG, os.rename, path, place.at(wrong))
        fails(errno.ENAMETOOLONG, os.symlink, "file.tmp", place.at(wrong))
    longest = "y" * 251 + ".tmp"
    place.write(longest, b"long")
    equal(place.read(longest), b"long", "text of the longest name")
    if os.getuid() != 0:
        os.chmod(path, 0)
        fails(errno.EACCES, os.open, path, os.O_RDONLY)


@scratch("appending goes to the end whatever was sought, of several processes, too")
def appending(place):
    path = place.write("log.txt", b"first\n")

    def append(letter):
        with opened(path, os.O_WRONLY | os.O_APPEND) as handle:
            for _ in range(200):
                os.write(handle, letter * 9 + b"\n")
    with opened(path, os.O_RDWR | os.O_APPEND) as handle:
        os.lseek(handle, 0, os.SEEK_SET)
        os.write(handle, b"second\n")
        equal(os.lseek(handle, 0, os.SEEK_CUR), 13, "offset after an append")
        place.write("log.txt", b"third\n", "ab")
        os.lseek(handle, 2, os.SEEK_SET)
        os.write(handle, b"fourth\n")
    equal(place.read("log.txt"), b"first\nsecond\nthird\nfourth\n", "text")
    place.write("log.txt")
    for letter in b"a", b"b":
        child(append, letter)
    equal(place.read("log.txt"), (b"a" * 9 + b"\n") * 200 + (b"b" * 9 + b"\n") * 200, "text of two processes")
    threads = [threading.Thread(target=append, args=(letter,)) for letter in (b"c", b"d", b"e")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = place.read("log.txt").split(b"\n")
    equal(sorted(set(lines)), [b"", *(letter * 9 for letter in (b"a", b"b", b"c", b"d", b"e"))], "lines")
    equal(len(lines), 1001, "how many lines")


# ---- contents --------------------------------------------------------------------------------------------------------

@scratch("handles and processes see each other's writes; holes are zeros; large offsets work")
def contents(place):
    path = place.write("data.tmp", b"0123456789")
    with opened(path, os.O_RDWR) as one, opened(path, os.O_RDWR) as two:
        os.pwrite(one, b"AB", 3)
        equal(os.pread(two, 20, 0), b"012AB56789", "seen by the other handle")
        child(os.pwrite, two, b"C", 0)
        equal(os.pread(one, 20, 0), b"C12AB56789", "written by another process")
        equal(child(lambda: place.read("data.tmp").decode()), "C12AB56789", "read by another process")
        equal(os.pread(one, 5, 100), b"", "past the end")
        equal(os.pwrite(one, b"end", 10_000), 3, "past the end")
        equal(os.pread(two, 20_000, 0), b"C12AB56789" + bytes(9990) + b"end", "with a hole")
        equal(os.writev(one, [b"a", b"bc", b"", b"def"]), 6, "writev")
        equal(os.pread(two, 6, 0), b"abcdef", "after writev")
        parts = [bytearray(2), bytearray(4)]
        equal((os.readv(two, parts), parts), (6, [bytearray(b"ab"), bytearray(b"cdef")]), "readv")
        equal(os.lseek(one, 0, os.SEEK_END), 10_003, "end")
        equal(os.lseek(one, 0, os.SEEK_DATA), 0, "first data")
        check(10 <= os.lseek(one, 0, os.SEEK_HOLE) <= 10_003, "first hole")
        fails(errno.ENXIO, os.lseek, one, 10_003, os.SEEK_DATA)
        far = 3 * 2**30 + 7
        equal(os.pwrite(one, b"far", far), 3, "far away")
        equal((os.pread(two, 9, far - 2), os.fstat(two).st_size), (b"\0\0far", far + 3), "far away")
        check(os.stat(path).st_blocks * 512 < 2**30, "a hole takes no room")
        os.fsync(one)
        os.fdatasync(two)
    big = random.Random(1).randbytes(3_000_000)
    place.write("big.tmp", big)
    equal(place.read("big.tmp") == big, True, "3 MB")
    shutil.copyfile(place.at("big.tmp"), place.at("copy.tmp"))
    tool("cmp", place.at("big.tmp"), place.at("copy.tmp"))
    with opened(place.at("big.tmp"), os.O_RDONLY) as source, \
            opened(place.at("range.tmp"), os.O_RDWR | os.O_CREAT) as to:
        equal(os.copy_file_range(source, to, 1000, 5, 0), 1000, "copy_file_range")
        equal(os.pread(to, 2000, 0) == big[5:1005], True, "its text")


@scratch("truncating by path and by handle, to less and to more, while it is open and while it is not")
def truncating(place):
    path = place.write("file.tmp", b"0123456789")
    os.truncate(path, 4)
    equal(place.read("file.tmp"), b"0123", "shorter")
    os.truncate(path, 8)
    equal(place.read("file.tmp"), b"0123\0\0\0\0", "longer")
    with opened(path, os.O_RDWR) as one, opened(path, os.O_RDWR) as two:
        os.ftruncate(one, 2)
        equal((os.fstat(two).st_size, os.stat(path).st_size), (2, 2), "size after ftruncate")
        os.ftruncate(one, 5000)
        equal(os.pread(two, 9000, 0), b"01" + bytes(4998), "no old bytes come back")
        os.truncate(path, 1)
        equal(os.pread(one, 9, 0), b"0", "truncated by path while open")
        os.lseek(one, 100, os.SEEK_SET)
        with opened(path, os.O_WRONLY | os.O_TRUNC):
            equal(os.pread(one, 9, 0), b"", "truncated by another open")
        equal(os.write(one, b"x"), 1, "write at an offset past the end")
        equal(place.read("file.tmp"), bytes(100) + b"x", "text")
        fails(errno.EINVAL, os.ftruncate, one, -1)
    fails(errno.EINVAL, os.truncate, path, -1)
    fails(errno.ENOENT, os.truncate, place.at("nothing.tmp"), 0)
    fails(errno.ENOTDIR, os.truncate, place.at("file.tmp/below"), 0)
    fails(errno.EISDIR, os.truncate, place.path, 0)


def map_of(handle, size, offset=0, flags=mmap.MAP_SHARED):
    return mmap.mmap(handle, size, flags, mmap.PROT_READ | mmap.PROT_WRITE, offset=offset)


@scratch("shared mappings are written and read, by several processes and beside plain calls")
def mapping(place):
    path = place.write("map.tmp", bytes(3 * mmap.PAGESIZE))
    with opened(path, os.O_RDWR) as handle, map_of(handle, 3 * mmap.PAGESIZE) as view:
        view[10:14] = b"view"
        view.flush()
        equal(os.pread(handle, 4, 10), b"view", "read what was mapped")
        os.pwrite(handle, b"call", mmap.PAGESIZE)
        equal(view[mmap.PAGESIZE:mmap.PAGESIZE + 4], b"call", "mapped what was written")

        def change():
            with opened(path, os.O_RDWR) as other, map_of(other, mmap.PAGESIZE, 2 * mmap.PAGESIZE) as theirs:
                theirs[0:5] = b"child"
        child(change)
        equal(view[2 * mmap.PAGESIZE:2 * mmap.PAGESIZE + 5], b"child", "mapped what another process mapped")
        with map_of(handle, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE) as own:
            own[0:3] = b"own"
            equal(view[0:3], b"\0\0\0", "a private mapping is private")
    text = place.read("map.tmp")
    equal((text[10:14], len(text)), (b"view", 3 * mmap.PAGESIZE), "text")
    with opened(path, os.O_RDWR) as handle:
        view = map_of(handle, mmap.PAGESIZE)
    view[0:6] = b"closed"
    view.close()
    wait_until(lambda: place.read("map.tmp")[:6] == b"closed", "what was mapped when the handle was closed")


class Fsx:
    """Random calls on one file, each followed by a look at what must be there. As fsx does it."""

    LARGEST = 200_000

    def __init__(self, path, seed):
        self.path, self.random, self.model, self.log = path, random.Random(seed), bytearray(), []
        self.handles = [os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL), os.open(path, os.O_RDWR)]

    def handle(self):
        return self.random.choice(self.handles)

    def span(self, limit):
        """An offset and a size within @limit; both often small or at the borders of pages."""
        offset = self.random.choice((self.random.randrange(limit), self.random.randrange(limit) & -mmap.PAGESIZE))
        size = self.random.choice((self.random.randrange(1, 65536), self.random.randrange(1, 100), mmap.PAGESIZE))
        return offset, min(size, limit - offset)

    def put(self, offset, data):
        if offset > len(self.model):
            self.model.extend(bytes(offset - len(self.model)))
        self.model[offset:offset + len(data)] = data

    def write(self):
        offset, size = self.span(self.LARGEST)
        data = self.random.randbytes(size)
        equal(os.pwrite(self.handle(), data, offset), size, "bytes written")
        self.put(offset, data)
        return offset, size

    def append(self):
        data = self.random.randbytes(self.random.randrange(1, 5000))
        if len(self.model) + len(data) <= self.LARGEST:
            with opened(self.path, os.O_WRONLY | os.O_APPEND) as handle:
                os.write(handle, data)
            self.put(len(self.model), data)
        return len(data)

    def read(self):
        offset, size = self.span(self.LARGEST)
        self.same(os.pread(self.handle(), size, offset), offset, size)
        return offset, size

    def truncate(self):
        size = self.random.randrange(self.LARGEST)
        if self.random.random() < 0.5:
            os.ftruncate(self.handle(), size)
        else:
            os.truncate(self.path, size)
        del self.model[size:]
        self.model.extend(bytes(size - len(self.model)))
        return size

    def mapped(self):
        """A span inside the file, and its pages."""
        offset, size = self.span(len(self.model))
        start = offset & -mmap.PAGESIZE
        return offset, size, start, map_of(self.handle(), offset + size - start, start)

    def map_read(self):
        if not self.model:
            return None
        offset, size, start, view = self.mapped()
        with view:
            self.same(view[offset - start:offset - start + size], offset, size)
        return offset, size

    def map_write(self):
        if not self.model:
            return None
        offset, size, start, view = self.mapped()
        data = self.random.randbytes(size)
        with view:
            view[offset - start:offset - start + size] = data
            if self.random.random() < 0.5:
                view.flush()
        self.put(offset, data)
        return offset, size

    def reopen(self):
        index = self.random.randrange(len(self.handles))
        os.close(self.handles[index])
        self.handles[index] = os.open(self.path, os.O_RDWR)
        return index

    def sync(self):
        os.fsync(self.handle())

    def same(self, got, offset, size):
        wanted = bytes(self.model[offset:offset + size])
        if got != wanted:
            first = next((i for i, (a, b) in enumerate(zip(got, wanted)) if a != b), min(len(got), len(wanted)))
            raise AssertionError(f"at {offset + first} of {offset}+{size}: {len(got)} bytes, {got[first:first + 8]!r}; "
                                 f"wanted {len(wanted)}, {wanted[first:first + 8]!r}; steps: {self.log[-20:]}")

    def step(self, number):
        kinds = (self.write, self.write, self.append, self.read, self.read, self.truncate, self.map_read,
                 self.map_write, self.map_write, self.reopen, self.sync)
        kind = self.random.choice(kinds)
        self.log.append((number, kind.__name__))
        self.log[-1] += (kind(),)
        equal(os.fstat(self.handle()).st_size, len(self.model), f"size after {self.log[-5:]}")
        if number % 50 == 0:
            self.same(os.pread(self.handle(), self.LARGEST + 1, 0), 0, self.LARGEST + 1)

    def run(self, steps):
        for number in range(steps):
            self.step(number)
        for handle in self.handles:
            os.close(handle)
        with open(self.path, "rb") as file:
            self.same(file.read(), 0, self.LARGEST + 1)


@scratch(f"random reads, writes, truncations and mappings end as in memory (seed {SEED})")
def fsx(place):
    Fsx(place.at("fsx.tmp"), SEED).run(STEPS)
    Fsx(place.at("notes.txt"), SEED + 1).run(STEPS // 4)


# ---- names -----------------------------------------------------------------------------------------------------------

@scratch("renaming: to a free name, over another file, while open, onto itself, and what cannot be")
def renaming(place):
    first, second = place.write("first.tmp", b"first"), place.write("second.txt", b"second")
    inode = os.stat(first).st_ino
    os.rename(first, place.at("third.tmp"))
    fails(errno.ENOENT, os.stat, first)
    equal((os.stat(place.at("third.tmp")).st_ino, place.read("third.tmp")), (inode, b"first"), "renamed")
    with open(second, "rb") as old, opened(place.at("third.tmp"), os.O_RDWR) as moved:
        os.rename(place.at("third.tmp"), second)
        equal((os.stat(second).st_ino, place.read("second.txt")), (inode, b"first"), "renamed over another")
        equal(old.read(), b"second", "who had the other open")
        equal(os.fstat(old.fileno()).st_nlink, 0, "links of a file that was replaced")
        os.pwrite(moved, b"FIRST and more", 0)
        equal(place.read("second.txt"), b"FIRST and more", "written after the rename")
    os.rename(second, second)
    equal(place.read("second.txt"), b"FIRST and more", "renamed onto itself")
    fails(errno.ENOENT, os.rename, first, place.at("other.tmp"))
    fails(errno.ENOENT, os.rename, first, second)
    fails(errno.ENOTDIR, os.rename, place.at("second.txt/below"), first)
    place.write("first.tmp", b"new")
    fails(errno.EEXIST, renameat2, first, second, RENAME_NOREPLACE)
    renameat2(first, place.at("fourth.tmp"), RENAME_NOREPLACE)
    equal(place.names(), ["fourth.tmp", "second.txt"], "names")
    swapped = errno_of(renameat2, place.at("fourth.tmp"), second, RENAME_EXCHANGE)
    check(swapped in (0, errno.EINVAL), f"RENAME_EXCHANGE: errno {swapped}")
    texts = [b"FIRST and more", b"new"]
    equal([place.read("fourth.tmp"), place.read("second.txt")], texts if swapped == 0 else texts[::-1], "texts")


@scratch("mv into another module's directory moves or copies, as between file systems")
def moving(place):
    path, target = place.write("notes.txt", b"text"), os.path.join(place.other, "notes.txt")
    os.chmod(path, 0o640)
    tool("mv", path, target)
    fails(errno.ENOENT, os.stat, path)
    with open(target, "rb") as file:
        equal((file.read(), stat.S_IMODE(os.stat(target).st_mode)), (b"text", 0o640), "moved")
    os.unlink(target)
    check("notes.txt" not in os.listdir(place.other), "the listing there")


@scratch("unlinked files live on for those who have them open, and the name is free at once")
def unlinking(place):
    path = place.write("file.tmp", b"old")
    inode = os.stat(path).st_ino
    with opened(path, os.O_RDWR) as handle:
        os.unlink(path)
        fails(errno.ENOENT, os.open, path, os.O_RDONLY)
        equal(os.pread(handle, 9, 0), b"old", "unlinked and open")
        equal(os.fstat(handle).st_nlink, 0, "links of a file that was unlinked")
        os.pwrite(handle, b"er", 3)
        place.write("file.tmp", b"new")
        check(os.stat(path).st_ino != inode, "the new file is another one")
        os.ftruncate(handle, 4)
        os.fchmod(handle, 0o600)
        with map_of(handle, 4) as view:
            view[0:1] = b"O"
        equal((os.pread(handle, 9, 0), place.read("file.tmp")), (b"Olde", b"new"), "both")
        os.fsync(handle)
    equal(place.read("file.tmp"), b"new", "the new file")
    os.symlink("file.tmp", place.at("link.tmp"))
    os.unlink(place.at("link.tmp"))
    equal(place.read("file.tmp"), b"new", "when a link to it was unlinked")
    fails(errno.EISDIR, os.unlink, place.path)
    fails(errno.ENOTDIR, os.unlink, place.at("file.tmp/below"))


@scratch("symbolic links are made, read, followed, renamed and removed")
def linking(place):
    path, link = place.write("file.txt", b"text"), place.at("link.tmp")
    os.symlink("file.txt", link)
    about = os.lstat(link)
    equal((stat.S_ISLNK(about.st_mode), about.st_size, os.readlink(link)), (True, 8, "file.txt"), "the link")
    equal(os.stat(link).st_ino, os.stat(path).st_ino, "what stat follows")
    place.write("link.tmp", b"through the link")
    equal(place.read("file.txt"), b"through the link", "written through it")
    fails(errno.EEXIST, os.symlink, "else", link)
    fails(errno.EEXIST, os.open, link, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    fails(errno.EINVAL, os.readlink, path)
    fails(errno.ENOENT, os.symlink, "", place.at("empty.tmp"))
    os.rename(link, place.at("moved.tmp"))
    equal((os.readlink(place.at("moved.tmp")), place.read("moved.tmp")), ("file.txt", b"through the link"), "moved")
    place.write("over.tmp", b"over")
    os.rename(place.at("over.tmp"), place.at("moved.tmp"))
    equal((place.read("moved.tmp"), place.read("file.txt")), (b"over", b"through the link"), "a file over a link")
    os.symlink("target.tmp", place.at("dangling.tmp"))
    fails(errno.ENOENT, os.stat, place.at("dangling.tmp"))
    place.write("dangling.tmp", b"made")
    equal(place.read("target.tmp"), b"made", "made through the link")
    os.symlink("loop-b.tmp", place.at("loop-a.tmp"))
    os.symlink("loop-a.tmp", place.at("loop-b.tmp"))
    fails(errno.ELOOP, os.stat, place.at("loop-a.tmp"))
    os.symlink("t" * 4095, place.at("long.tmp"))
    equal((len(os.readlink(place.at("long.tmp"))), os.lstat(place.at("long.tmp")).st_size), (4095, 4095), "long target")
    os.symlink("host.1234:5678", place.at(".#lock"))
    equal(os.readlink(place.at(".#lock")), "host.1234:5678", "an editor's lock")


@scratch("directories cannot be made, and a file has one name")
def refused(place):
    path = place.write("file.tmp", b"text")
    if not place.mounted:
        return
    for name in "folder", "folder.tmp", ".git":
        fails(errno.EPERM, os.mkdir, place.at(name))
    fails(errno.EPERM, os.link, path, place.at("second.tmp"))
    fails(errno.EEXIST, os.mkdir, path)
    fails(errno.EEXIST, os.link, path, path)
    equal((place.names(), os.stat(path).st_nlink), (["file.tmp"], 1), "names")


# ---- attributes and locks --------------------------------------------------------------------------------------------

def old_times(path):
    os.utime(path, (OLD, OLD))
    equal((os.stat(path).st_atime, os.stat(path).st_mtime), (OLD, OLD), "times set back")


@scratch("chmod, chown and times are kept, and what is written moves them")
def attributes(place):
    path = place.write("file.tmp", b"text")
    for mode in 0o600, 0o444, 0o755, 0o4711 if os.getuid() == 0 else 0o711, 0o640:
        os.chmod(path, mode)
        equal(stat.S_IMODE(os.stat(path).st_mode), mode, "mode")
    with opened(path, os.O_RDONLY) as handle:
        os.fchmod(handle, 0o666)
        equal(stat.S_IMODE(os.fstat(handle).st_mode), 0o666, "mode by handle")
    os.chown(path, os.getuid(), os.getgid())
    if os.getuid() == 0:
        os.chown(path, 12345, -1)
        os.chown(path, -1, 23456)
        equal((os.stat(path).st_uid, os.stat(path).st_gid), (12345, 23456), "owner")
    os.utime(path, ns=(1_234_567_890_123_456_789, 1_111_111_111_987_654_321))
    about = os.stat(path)
    equal((about.st_atime_ns, about.st_mtime_ns), (1_234_567_890_123_456_789, 1_111_111_111_987_654_321), "times")
    before = time.time() - 5
    os.utime(path)
    check(os.stat(path).st_mtime > before, "now")
    for change in (lambda: place.write("file.tmp", b"new"), lambda: os.truncate(path, 1), lambda: os.truncate(path, 9)):
        old_times(path)
        change()
        check(os.stat(path).st_mtime > before, "time of a change")
    old_times(path)
    with opened(path, os.O_RDWR) as handle:
        os.pwrite(handle, b"more", 20)
        os.utime(handle, (OLD, OLD))
    about = os.stat(path)
    equal((about.st_mtime, about.st_size), (OLD, 24), "a time set after writing stays when it is closed")
    check(about.st_ctime > before, "ctime")
    check(about.st_blocks > 0 and about.st_blksize > 0, "blocks")
    check(os.access(path, os.R_OK | os.W_OK), "access")
    shutil.copy2(path, place.at("copy.tmp"))
    equal(os.stat(place.at("copy.tmp")).st_mtime, OLD, "time of a copy")
    fails(errno.ENOENT, os.chmod, place.at("nothing.tmp"), 0o600)
    fails(errno.ENOENT, os.utime, place.at("nothing.tmp"))


@scratch("flock keeps others out, until it is released or its holder is gone")
def flocks(place):
    path = place.write("x.lock")

    def attempt(how):
        with opened(path, os.O_RDWR) as other:
            return errno_of(fcntl.flock, other, how | fcntl.LOCK_NB)
    with opened(path, os.O_RDWR) as handle:
        fcntl.flock(handle, fcntl.LOCK_SH)
        equal((child(attempt, fcntl.LOCK_SH), child(attempt, fcntl.LOCK_EX)), (0, errno.EAGAIN), "beside a shared one")
        fcntl.flock(handle, fcntl.LOCK_EX)
        equal((child(attempt, fcntl.LOCK_SH), attempt(fcntl.LOCK_EX)), (errno.EAGAIN, errno.EAGAIN), "beside one")
        fcntl.flock(handle, fcntl.LOCK_UN)
        equal(child(attempt, fcntl.LOCK_EX), 0, "after it was released")
        fcntl.flock(handle, fcntl.LOCK_EX)
        waiting = subprocess.Popen(["flock", path, "echo", "locked"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    equal(waiting.communicate(timeout=PATIENCE)[0], b"locked\n", "who waited for it")


def lock_seen(handle, start, size):
    """The type of the lock that is in the way."""
    asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, start, size, 0)
    return struct.unpack("hhqqi4x", fcntl.fcntl(handle, fcntl.F_GETLK, asked))[0]


@scratch("fcntl locks hold for ranges and processes")
def record_locks(place):
    path = place.write("ranges.tmp", bytes(100))

    def attempt(start, size):
        with opened(path, os.O_RDWR) as other:
            return errno_of(fcntl.lockf, other, fcntl.LOCK_EX | fcntl.LOCK_NB, size, start)

    def look(start, size):
        with opened(path, os.O_RDWR) as other:
            return lock_seen(other, start, size)
    with opened(path, os.O_RDWR) as handle:
        fcntl.lockf(handle, fcntl.LOCK_EX, 10, 20)
        equal([child(attempt, *span) in (errno.EAGAIN, errno.EACCES) for span in ((0, 20), (15, 10), (29, 1), (30, 9))],
              [False, True, True, False], "who is kept out")
        equal((child(look, 20, 1), child(look, 50, 1), lock_seen(handle, 20, 1)),
              (fcntl.F_WRLCK, fcntl.F_UNLCK, fcntl.F_UNLCK), "what F_GETLK tells")
        fcntl.lockf(handle, fcntl.LOCK_UN, 5, 20)
        equal((child(attempt, 20, 5), child(attempt, 25, 5) != 0), (0, True), "after half of it was released")
    equal(child(attempt, 0, 0), 0, "after it was closed")


# ---- listings and programs -------------------------------------------------------------------------------------------

@scratch("listings have all names once, with their types and inodes, also while files come and go")
def listings(place):
    wanted = {f"file-{number}.tmp" for number in range(300)}
    for name in wanted:
        place.write(name)
    os.symlink("file-1.tmp", place.at("link.tmp"))
    equal(place.names(), sorted(wanted | {"link.tmp"}), "names")
    for entry in os.scandir(place.path):
        if entry.name in wanted or entry.name == "link.tmp":
            equal((entry.is_symlink(), entry.is_file(follow_symlinks=False), entry.inode()),
                  (entry.name == "link.tmp", entry.name != "link.tmp", os.lstat(entry.path).st_ino), entry.name)
    for number, entry in enumerate(os.scandir(place.path)):
        if entry.name in wanted and number % 2:
            os.unlink(entry.path)
            wanted.remove(entry.name)
    equal(place.names(), sorted(wanted | {"link.tmp"}), "names after half of them went while they were listed")
    equal(len(tool("find", place.path, "-name", "file-*.tmp").split()), len(wanted), "what find sees")


@scratch("real programs work on them: sed -i, perl -i and -i.bak, sqlite, sort -o, tar")
def programs(place):
    path = place.write("notes.txt", b"one\ntwo\n")
    tool("sed", "-i", "s/one/ONE/", path)
    equal(place.read("notes.txt"), b"ONE\ntwo\n", "sed -i")
    if shutil.which("perl"):
        tool("perl", "-pi", "-e", "s/two/TWO/", path)
        tool("perl", "-pi.bak", "-e", "s/ONE/1/", path)
        equal((place.read("notes.txt"), place.read("notes.txt.bak")), (b"1\nTWO\n", b"ONE\nTWO\n"), "perl -i.bak")
    tool("sort", "-r", "-o", path, path)
    equal(place.read("notes.txt")[:3], b"TWO" if shutil.which("perl") else b"two", "sort -o")
    tool("tar", "-C", place.path, "-cf", place.at("notes.tar"), "notes.txt")
    os.unlink(path)
    tool("tar", "-C", place.path, "-xf", place.at("notes.tar"))
    check(os.path.exists(path), "what tar brought back")
    for mode in "delete", "wal":
        with contextlib.closing(sqlite3.connect(place.at(f"{mode}.tmp"))) as base:
            equal(base.execute(f"pragma journal_mode={mode}").fetchone()[0], mode, "journal mode")
            base.execute("create table numbers (n)")
            for start in range(0, 500, 100):
                base.executemany("insert into numbers values (?)", [(n,) for n in range(start, start + 100)])
                base.commit()
        with contextlib.closing(sqlite3.connect(place.at(f"{mode}.tmp"))) as base:
            equal(base.execute("select sum(n) from numbers").fetchone()[0], 499 * 250, "sum")
            equal(base.execute("pragma integrity_check").fetchone()[0], "ok", "integrity")


@case("after the mount they are gone, and take no room in its folders")
def gone():
    def stored(mount):
        return sum(os.stat(os.path.join(folder, name)).st_blocks * 512
                   for root in ("state", "cache") for folder, _, names in os.walk(os.path.join(mount.home, root))
                   for name in names if not name.endswith(".mdb"))
    with Emulator("Leads=5") as emulator:
        with Mount(emulator, options=["rw"]) as mount:
            records = mount.list("Leads")
            for name in NAMES:
                with open(mount.at("Leads", name), "wb") as file:
                    file.write(bytes(1_000_000))
            os.symlink("x.tmp", mount.at("Leads", "link.tmp"))
            equal(mount.list("Leads"), sorted([*records, *NAMES, "link.tmp"]), "names")
            mount.wait_quiet()
            mark = emulator.mark()
        check(stored(mount) < 1_000_000, f"{stored(mount)} bytes stay")
        equal([call for call in emulator.calls(since=mark) if call.method != "GET"], [], "calls that change something")
        with Mount(emulator, options=["rw"], keep=mount) as again:
            equal(again.list("Leads"), records, "names at the next mount")
            equal(again.list(".zohofs/drafts"), [], "drafts")
            for name in NAMES:
                fails(errno.ENOENT, os.stat, again.at("Leads", name))
            with open(again.at("Leads", "x.tmp"), "wb") as file:
                file.write(bytes(1_000_000))
            again.kill()
        with Mount(emulator, options=["rw"], keep=mount) as last:
            equal(last.list("Leads"), records, "names after a kill")
            check(stored(mount) < 1_000_000, f"{stored(mount)} bytes stay after a kill")


if __name__ == "__main__":
    main()
