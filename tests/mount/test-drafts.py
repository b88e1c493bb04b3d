"""Refused drafts can be listed and read as they are now, and the files of failures and of writes are there."""
import contextlib
import errno
import json
import os

from harness import Emulator, Mount, case, check, equal, fails, main, tool, wait_until

DRAFTS = ".zohofs/drafts"


def behind(mount, *parts):
    return os.path.join(mount.home, "state", *parts)


def add_draft(mount, module, name, text, mtime=1700000000):
    """Puts a draft where the journal of drafts does, without a note: the text is what counts."""
    os.makedirs(behind(mount, "drafts", module), 0o700, exist_ok=True)
    temporary = behind(mount, "drafts", ".new")
    with open(temporary, "wb") as file:
        file.write(text)
    os.utime(temporary, (mtime, mtime))
    os.rename(temporary, behind(mount, "drafts", module, name))


def appears(mount, *parts):
    """The kernel believes for a moment that a name is not there."""
    wait_until(lambda: os.path.exists(mount.at(DRAFTS, *parts)), "/".join(parts))


@contextlib.contextmanager
def mounted(*options):
    """A mount whose listings never age, and the promise that nothing here asks the CRM."""
    with Emulator("Leads=3") as emulator, Mount(emulator, options=options) as mount:
        mount.wait_quiet()
        mark = emulator.mark()
        yield mount
        mount.wait_quiet()
        equal(emulator.calls(since=mark), [], "calls")


@case("before anything was refused: an empty folder and empty files, all read-only")
def empty():
    with mounted() as mount:
        equal(mount.list(DRAFTS), [], "drafts")
        equal(os.stat(mount.at(DRAFTS)).st_mode, 0o40555, "mode")
        for name in "errors.jsonl", "audit.jsonl":
            equal(mount.read(".zohofs", name), b"", name)
            about = os.stat(mount.at(".zohofs", name))
            equal((about.st_size, about.st_mode), (0, 0o100444), f"size and mode of {name}")
            check(not os.path.exists(behind(mount, name)), "no file is made for nothing")
            fails(errno.EACCES, os.open, mount.at(".zohofs", name), os.O_WRONLY | os.O_APPEND)
        check(not os.path.exists(behind(mount, "drafts")), "no folder is made for nothing")
        fails(errno.ENOENT, os.stat, mount.at(DRAFTS, "Leads"))
        fails(errno.EROFS, os.mkdir, mount.at(DRAFTS, "Leads"))


@case("lines of errors.jsonl and audit.jsonl are seen as they come")
def lines():
    with mounted() as mount:
        for name in "errors.jsonl", "audit.jsonl":
            wanted = b""
            for number in range(3):
                line = json.dumps({"name": name, "n": number}).encode() + b"\n"
                with open(behind(mount, name), "ab", buffering=0) as file:
                    file.write(line)
                wanted += line
                equal(os.stat(mount.at(".zohofs", name)).st_size, len(wanted), "size")
                equal(mount.read(".zohofs", name), wanted, "text")


@case("drafts are listed by module and read with exact sizes and times")
def reads():
    with mounted() as mount:
        texts = {("Leads", "Okafor.7010000000201.json"): b"{ \"Email\": }\n", ("Leads", "new.json"): b"",
                 ("Deals", "Ünïcode name.json.2"): b"x" * 300_000, ("No_such_module", "a"): b"text"}
        for number, ((module, name), text) in enumerate(texts.items()):
            add_draft(mount, module, name, text, 1700000000 + number)
        equal(mount.list(DRAFTS), ["Deals", "Leads", "No_such_module"], "modules")
        equal(mount.list(DRAFTS, "Leads"), ["Okafor.7010000000201.json", "new.json"], "names")
        for number, ((module, name), text) in enumerate(texts.items()):
            about = os.stat(mount.at(DRAFTS, module, name))
            equal((about.st_size, about.st_mtime, about.st_mode), (len(text), 1700000000 + number, 0o100444),
                  f"attributes of {name}")
            equal(mount.read(DRAFTS, module, name), text, name)
            tool("cmp", mount.at(DRAFTS, module, name), behind(mount, "drafts", module, name))
            fails(errno.EACCES, os.open, mount.at(DRAFTS, module, name), os.O_WRONLY)
        for module in "Deals", "Leads":
            equal(os.stat(mount.at(DRAFTS, module)).st_mtime, int(os.stat(behind(mount, "drafts", module)).st_mtime),
                  f"time of {module}")
        numbers = {os.stat(mount.at(DRAFTS, *names)).st_ino for names in texts}
        equal(len(numbers), len(texts), "inode numbers")
        equal({entry.inode() for entry in os.scandir(mount.at(DRAFTS, "Leads"))},
              {os.stat(mount.at(DRAFTS, "Leads", name)).st_ino for name in mount.list(DRAFTS, "Leads")},
              "inode numbers of the listing")


@case("drafts come and go, and a newer one takes over the name")
def changes():
    with mounted() as mount:
        equal(mount.list(DRAFTS), [], "before")
        add_draft(mount, "Leads", "a.json", b"first")
        equal(mount.list(DRAFTS), ["Leads"], "modules")
        appears(mount, "Leads", "a.json")
        with open(mount.at(DRAFTS, "Leads", "a.json"), "rb") as file:
            add_draft(mount, "Leads", "a.json", b"the second one", 1700000001)
            equal(os.stat(mount.at(DRAFTS, "Leads", "a.json")).st_size, 14, "size")
            equal(mount.read(DRAFTS, "Leads", "a.json"), b"the second one", "text")
            equal(file.read(), b"first", "what is open stays")
        add_draft(mount, "Leads", "b.json", b"b")
        equal(mount.list(DRAFTS, "Leads"), ["a.json", "b.json"], "names")
        os.unlink(behind(mount, "drafts", "Leads", "a.json"))
        fails(errno.ENOENT, os.stat, mount.at(DRAFTS, "Leads", "a.json"))
        equal(mount.list(DRAFTS, "Leads"), ["b.json"], "names")
        os.unlink(behind(mount, "drafts", "Leads", "b.json"))
        equal(mount.list(DRAFTS), [], "modules")
        fails(errno.ENOENT, os.stat, mount.at(DRAFTS, "Leads"))


@case("whatever lies in the folder, only drafts are shown and nothing hangs or leads elsewhere")
def hostile():
    with mounted() as mount:
        add_draft(mount, "Leads", "a.json", b"needle")
        folder = behind(mount, "drafts")
        os.mkdir(os.path.join(folder, ".meta"))
        os.mkdir(os.path.join(folder, ".meta", "Leads"))
        os.mkfifo(os.path.join(folder, "Leads", "fifo"))
        os.mkdir(os.path.join(folder, "Leads", "folder"))
        os.symlink("/etc/passwd", os.path.join(folder, "Leads", "link"))
        os.symlink("/etc", os.path.join(folder, "Etc"))
        with open(os.path.join(folder.encode(), b"Leads", b"bad\xff"), "wb"):
            pass
        with open(os.path.join(folder, ".meta", "Leads", "a.json"), "wb") as file:
            file.write(b"\0{" * 1000)
        equal(mount.list(DRAFTS), ["Leads"], "modules")
        equal(mount.list(DRAFTS, "Leads"), ["a.json"], "names")
        for name in "fifo", "folder", "link", b"bad\xff", "x" * 255:
            fails(errno.ENOENT, os.stat, os.path.join(os.fsencode(mount.at(DRAFTS, "Leads")), os.fsencode(name)))
        for name in ".meta", ".new", "Etc":
            fails(errno.ENOENT, os.stat, mount.at(DRAFTS, name))
        equal(mount.read(DRAFTS, "Leads", "a.json"), b"needle", "text")


@case("grep -r, find, tar and cp -r over drafts end and see all of them")
def walks():
    with mounted() as mount:
        for number in range(300):
            add_draft(mount, f"Module_{number % 3}", f"draft-{number}.json", b"needle %d\n" % number)
        found = tool("grep", "-r", "-c", "needle", mount.at(DRAFTS)).splitlines()
        equal(sorted({line.rsplit(":", 1)[1] for line in found}), ["1"], "needles in each")
        equal(len(found), 300, "files that grep saw")
        equal(len(tool("find", mount.at(DRAFTS), "-type", "f", "-size", "-20c").split()), 300, "files that find saw")
        copy = os.path.join(mount.folder, "copy")
        tool("cp", "-r", mount.at(DRAFTS), copy)
        tool("rm", "-rf", behind(mount, "drafts", ".meta"))
        tool("diff", "-r", copy, behind(mount, "drafts"))
        tool("tar", "-C", mount.at(".zohofs"), "-cf", os.path.join(mount.folder, "tar"), "drafts")
        check(DRAFTS.split("/", maxsplit=1)[0] not in mount.list(), ".zohofs is not listed")


@case("without opens they are read to their ends, too")
def unopened():
    with mounted("noopen") as mount:
        add_draft(mount, "Leads", "a.json", b"first")
        equal(tool("cat", mount.at(DRAFTS, "Leads", "a.json")), "first", "text")
        add_draft(mount, "Leads", "a.json", b"the second one, longer")
        equal(tool("cat", mount.at(DRAFTS, "Leads", "a.json")), "the second one, longer", "text")
        equal(os.stat(mount.at(DRAFTS, "Leads", "a.json")).st_size, 22, "size")
        equal(len(tool("grep", "-r", "second", mount.at(DRAFTS)).splitlines()), 1, "lines")


@case("after a remount the drafts are there, with the same inode numbers")
def remount():
    with Emulator("Leads=3") as emulator:
        with Mount(emulator) as mount:
            add_draft(mount, "Leads", "a.json", b"text")
            before = os.stat(mount.at(DRAFTS, "Leads", "a.json"))
        with Mount(emulator, keep=mount) as again:
            after = os.stat(again.at(DRAFTS, "Leads", "a.json"))
            equal((after.st_ino, after.st_size), (before.st_ino, before.st_size), "inode and size")


@case("a folder that cannot be read is an error there, and nowhere else")
def unreadable():
    with mounted() as mount:
        with open(behind(mount, "drafts"), "wb"):
            pass
        fails(errno.EIO, os.listdir, mount.at(DRAFTS))
        check("drafts" in mount.list(".zohofs"), "the listing of .zohofs")
        check(mount.status()["account"], "status")


if __name__ == "__main__":
    main()
