"""Attachments: reading, attaching, replacing and deleting them by ordinary programs, and what that costs in calls."""
import contextlib
import errno
import hashlib
import json
import os
import signal
import sys

import harness
from attached import Attached
from harness import (Emulator, Mount, PATIENCE, case, check, equal, fails, is_sanitized, main, running, tool,
                     wait_until)

LONG = os.environ.get("ATTACHMENTS") == "long"
# Long: 99 MB, as much as goes. Short: more than a download runs ahead of its reader.
BIG = 99 * 1000 * 1000 if LONG else 20 * 1000 * 1000
MEGABYTE = 1000 * 1000


def content(size, seed=b"a"):
    """@size bytes that no two places have in common."""
    block = b"".join(hashlib.sha256(seed + bytes([number])).digest() for number in range(256))
    parts = (hashlib.sha256(seed + str(number).encode()).digest() + block for number in range(size // len(block) + 1))
    return b"".join(parts)[:size]


def digest(text):
    return hashlib.sha256(text).hexdigest()


class Org(Attached):
    """An emulator whose first lead is @record."""

    def __init__(self, server):
        super().__init__(server, server.ids("Leads")[0])

    def link(self, title, url):
        body = "".join(f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
                       for name, value in (("attachmentUrl", url), ("title", title))) + "--b--\r\n"
        return json.loads(self.call("POST", "", body.encode(), {"Content-Type": "multipart/form-data; boundary=b"}))

    def rows(self):
        """What is attached: dicts, oldest first."""
        text = self.call("GET", "?fields=id,File_Name,Size,Modified_Time")
        return json.loads(text)["data"] if text else []

    def names(self):
        return [row["File_Name"] for row in self.rows()]

    def text(self, number):
        return self.call("GET", f"/{number}")


@contextlib.contextmanager
def mounted(*options, **arguments):
    with Emulator("Leads=5") as server:
        org = Org(server)
        with Mount(server, options=options, **arguments) as mount:
            yield org, mount, mount.at("Leads", org.record, "attachments")


def calls(org, since):
    """The calls about attachments, as "METHOD what"."""
    path = f"/crm/v8/Leads/{org.record}/Attachments"
    return [f"{call.method} {'one' if call.path != path else 'list' if call.method == 'GET' else 'new'}"
            for call in org.server.calls(path=path + "(/.*)?", since=since)]


def write(path, text, flags=os.O_WRONLY | os.O_CREAT | os.O_TRUNC):
    """Writes and closes; raises what the close says."""
    handle = os.open(path, flags, 0o644)
    try:
        done = 0
        while done < len(text):
            done += os.write(handle, text[done:done + MEGABYTE])
    except OSError:
        os.close(handle)
        raise
    os.close(handle)


def lines(mount, name):
    return [json.loads(line) for line in mount.read(".zohofs", name).decode().splitlines()]


def read(path):
    with open(path, "rb") as file:
        return file.read()


def source(mount, name, text):
    """A file outside of the mount."""
    path = os.path.join(mount.folder, name)
    with open(path, "wb") as file:
        file.write(text)
    return path


# ---- reading ---------------------------------------------------------------------------------------------------------

@case("a record's attachments are listed with exact sizes and read, one call each")
def read_them():
    with mounted() as (org, mount, folder):
        org.attach("offer.txt", b"hello\n")
        org.attach("empty.bin", b"")
        org.attach("nul.bin", bytes(range(256)) * 300)
        since = org.server.mark()
        equal(sorted(os.listdir(folder)), ["empty.bin", "nul.bin", "offer.txt"])
        equal([os.stat(os.path.join(folder, name)).st_size for name in sorted(os.listdir(folder))], [0, 76800, 6])
        equal(calls(org, since), ["GET list"])
        equal(read(os.path.join(folder, "offer.txt")), b"hello\n")
        equal(read(os.path.join(folder, "empty.bin")), b"")
        equal(read(os.path.join(folder, "nul.bin")), bytes(range(256)) * 300)
        equal(calls(org, since), ["GET list"] + ["GET one"] * 3)
        fails(errno.ENOENT, os.stat, os.path.join(folder, "other"))
        equal(os.stat(folder).st_mode & 0o222, 0o200)


@case("names that repeat are told apart by id, and odd ones fit a directory")
def odd_names():
    with mounted() as (org, mount, folder):
        first, second = org.attach("a.txt", b"1"), org.attach("a.txt", b"22")
        third = org.attach("a.txt", b"333")
        org.attach("x/y", b"4")
        org.attach("..", b"5")
        org.attach("l" * 300 + ".pdf", b"6")
        equal(sorted(os.listdir(folder)), sorted(["a.txt", f"a.{first}.txt", f"a.{second}.txt", "x_y", "_.",
                                                  "l" * 251 + ".pdf"]))
        equal(read(os.path.join(folder, "a.txt")), b"333")
        equal(read(os.path.join(folder, f"a.{first}.txt")), b"1")
        # Who knows one by its id finds it whatever becomes of the others.
        equal(read(os.path.join(folder, f"a.{third}.txt")), b"333")
        os.unlink(os.path.join(folder, "a.txt"))
        equal(read(os.path.join(folder, f"a.{second}.txt")), b"22")
        equal(read(os.path.join(folder, "a.txt")), b"22")


@case("links are .url files, and writing one makes one")
def links():
    with mounted() as (org, mount, folder):
        org.link("Site", "https://example.com/a?b=c")
        path = os.path.join(folder, "Site.url")
        text = b"[InternetShortcut]\nURL=https://example.com/a?b=c\n"
        since = org.server.mark()
        equal(os.stat(path).st_size, len(text))
        equal(read(path), text)
        write(os.path.join(folder, "Mine.url"), b"[InternetShortcut]\r\nURL=https://example.org/\r\n")
        equal(calls(org, since), ["GET list", "POST new"])
        row = org.rows()[1]
        equal((row["File_Name"], row["$link_url"]), ("Mine", "https://example.org/"))
        equal(read(os.path.join(folder, "Mine.url")), b"[InternetShortcut]\nURL=https://example.org/\n")
        fails(errno.EINVAL, write, os.path.join(folder, "bad.url"), b"[InternetShortcut]\nURL=nothing\n")
        write(os.path.join(folder, "text.url"), b"no shortcut\n")
        equal(read(os.path.join(folder, "text.url")), b"no shortcut\n")


@case("walking and looking downloads nothing")
def walkers():
    with mounted() as (org, mount, folder):
        org.attach("a.bin", content(MEGABYTE))
        since = org.server.mark()
        tool("find", mount.at("Leads"), "-ls")
        tool("grep", "-r", "nowhere", mount.at("Leads"), status=1)
        equal(calls(org, since), [])
        tool("find", mount.at("Leads", org.record), "-type", "f", "-size", "+1", "-ls")
        tool("ls", "-lR", mount.at("Leads", org.record))
        tool("du", "-a", mount.at("Leads", org.record))
        equal(calls(org, since), ["GET list"])
        os.close(os.open(os.path.join(folder, "a.bin"), os.O_RDONLY))
        equal(calls(org, since), ["GET list"])


@case("sizes that the list does not tell are found out before they are shown")
def unknown_size():
    with mounted() as (org, mount, folder):
        number = org.attach("a.bin", content(3 * MEGABYTE))
        org.server.faults({"match": r"GET /crm/v8/Leads/[0-9]+/Attachments\?", "body": {"data": [
            {"id": number, "File_Name": "a.bin", "Size": "2.9 MB"}], "info": {"more_records": False}}})
        since = org.server.mark()
        equal(os.listdir(folder), ["a.bin"])
        equal(calls(org, since), ["GET list"])
        equal(os.stat(os.path.join(folder, "a.bin")).st_size, 3 * MEGABYTE)
        equal(os.stat(os.path.join(folder, "a.bin")).st_size, 3 * MEGABYTE)
        equal(calls(org, since), ["GET list", "GET one"])


@case("any part can be read in any order through one open, for one call")
def seeks():
    text = content(5 * MEGABYTE)
    with mounted() as (org, mount, folder):
        org.attach("a.bin", text)
        since = org.server.mark()
        with open(os.path.join(folder, "a.bin"), "rb", buffering=0) as file:
            for offset in 4 * MEGABYTE, 17, 2 * MEGABYTE + 1, len(text) - 10, 0, len(text) + 5:
                file.seek(offset)
                equal(file.read(1000), text[offset:offset + 1000], f"bytes at {offset}")
        equal(calls(org, since), ["GET list", "GET one"])


@case("a download that breaks goes on from the start, and gives each byte once")
def resumes():
    text = content(BIG)
    with mounted() as (org, mount, folder):
        org.attach("a.bin", text)
        since = org.server.mark()
        org.server.faults({"match": r"Attachments/[0-9]+", "cut": True, "count": 1})
        equal(digest(read(os.path.join(folder, "a.bin"))), digest(text))
        equal(calls(org, since), ["GET list", "GET one", "GET one"])
        # One that never gets further is not tried for ever.
        org.server.faults({"match": r"Attachments/[0-9]+", "cut": True})
        since = org.server.mark()
        fails(errno.ENETUNREACH, read, os.path.join(folder, "a.bin"))
        equal(calls(org, since), ["GET one"] * 4)


@case("other bytes than before are not mixed with those that were read")
def changed_meanwhile():
    text, other = content(12 * MEGABYTE), content(12 * MEGABYTE, b"b")
    with mounted() as (org, mount, folder):
        org.attach("a.bin", text)
        name = source(mount, "other", other)
        with open(os.path.join(folder, "a.bin"), "rb", buffering=0) as file:
            org.server.faults({"match": r"Attachments/[0-9]+", "cut": True, "count": 1},
                              {"match": r"Attachments/[0-9]+", "body": read(name).hex()})
            equal(file.read(1000), text[:1000])
            file.seek(11 * MEGABYTE)
            fails(errno.EBUSY, file.read, 1000)


@case("who is killed or reads no further stops the download")
def stops():
    with mounted(limits={"concurrency": 1}) as (org, mount, folder):
        org.attach("a.bin", content(BIG))
        with open(os.path.join(folder, "a.bin"), "rb", buffering=0) as file:
            file.read(1000)
        # The one call at a time that there is belongs to somebody else now.
        wait_until(lambda: mount.status()["in_flight"] == 0, "the download to stop")
        org.server.faults({"match": r"Attachments/[0-9]+", "stall": True, "count": 1})
        with running(["cat", os.path.join(folder, "a.bin")]) as (cat,):
            wait_until(lambda: mount.status()["in_flight"] == 1, "the download")
            cat.send_signal(signal.SIGKILL)
            equal(cat.wait(timeout=PATIENCE), -signal.SIGKILL)
            wait_until(lambda: mount.status()["in_flight"] == 0, "the download to stop")
        org.server.faults()


@case("a reader who waits does not hold up others for long")
def slow_reader():
    with mounted(limits={"concurrency": 1}) as (org, mount, folder):
        text = content(BIG)
        org.attach("a.bin", text)
        with open(os.path.join(folder, "a.bin"), "rb", buffering=0) as file:
            file.read(1000)
            wait_until(lambda: mount.status()["in_flight"] == 0, "the rest to come to the disk")
            since = org.server.mark()
            file.seek(BIG - 1000)
            equal(file.read(1000), text[-1000:])
            equal(calls(org, since), [])


# ---- writing ---------------------------------------------------------------------------------------------------------

@case("cp attaches a file with one call, and it is there with the bytes it had")
def copies():
    with mounted() as (org, mount, folder):
        since = org.server.mark()
        tool("cp", source(mount, "offer.pdf", content(MEGABYTE)), folder)
        equal(calls(org, since), ["GET list", "POST new"])
        path = os.path.join(folder, "offer.pdf")
        equal(os.stat(path).st_size, MEGABYTE)
        equal(os.listdir(folder), ["offer.pdf"])
        equal(calls(org, since), ["GET list", "POST new"])
        equal(org.names(), ["offer.pdf"])
        equal(digest(read(path)), digest(content(MEGABYTE)))
        audit = [(line["verb"], line["program"], line["outcome"]) for line in lines(mount, "audit.jsonl")]
        equal(audit, [("attach", "cp", "saved")])
        equal(os.listdir(mount.at(".zohofs/drafts")), [])


@case("names with quotes, backslashes and other scripts come back as they were")
def strange_names():
    with mounted() as (org, mount, folder):
        names = ['a "b" c.txt', "back\\slash.txt", "Ünïcødé 文.txt", "-x", "semi;colon=1.txt", " two  blanks "]
        for name in names:
            write(os.path.join(folder, name), name.encode())
        equal(sorted(org.names()), sorted(names))
        equal([read(os.path.join(folder, name)) for name in names], [name.encode() for name in names])


@case("copying over a file replaces it: the new one is there before the old one goes")
def replaces():
    with mounted() as (org, mount, folder):
        path = os.path.join(folder, "a.txt")
        write(path, b"old\n")
        old = org.rows()[0]["id"]
        since = org.server.mark()
        tool("cp", source(mount, "new", b"new and longer\n"), path)
        equal(calls(org, since), ["POST new", "DELETE one"])
        equal((read(path), os.listdir(folder)), (b"new and longer\n", ["a.txt"]))
        equal([row["id"] != old for row in org.rows()], [True])
        # Refused: what was there stays.
        org.server.faults({"match": "POST .*Attachments", "status": 403, "code": "NO_PERMISSION"})
        fails(errno.EACCES, write, path, b"third\n")
        org.server.faults()
        equal((read(path), org.names()), (b"new and longer\n", ["a.txt"]))
        # Emptied and left: nothing happens.
        write(path, b"")
        equal(read(path), b"new and longer\n")
        # A part of an attachment cannot be changed.
        fails(errno.EPERM, os.open, path, os.O_WRONLY)
        fails(errno.EPERM, os.open, path, os.O_WRONLY | os.O_APPEND)
        fails(errno.EPERM, os.truncate, path, 3)
        fails(errno.EPERM, os.rename, path, path + "2")
        equal(read(path), b"new and longer\n")


@case("rm deletes at once, and says so when it is refused")
def deletes():
    with mounted() as (org, mount, folder):
        org.attach("a.txt", b"1")
        org.attach("b.txt", b"2")
        equal(len(os.listdir(folder)), 2)
        since = org.server.mark()
        tool("rm", os.path.join(folder, "a.txt"))
        equal((org.names(), os.listdir(folder)), (["b.txt"], ["b.txt"]))
        equal(calls(org, since)[:1], ["DELETE one"])
        org.server.faults({"match": "DELETE", "status": 403, "code": "NO_PERMISSION"})
        fails(errno.EACCES, os.unlink, os.path.join(folder, "b.txt"))
        fails(errno.ENOENT, os.unlink, os.path.join(folder, "c.txt"))
        equal((org.names(), os.listdir(folder)), (["b.txt"], ["b.txt"]))
        equal(lines(mount, "errors.jsonl")[-1]["errno"], "EACCES")
        equal([line["outcome"].split(":")[0] for line in lines(mount, "audit.jsonl")], ["deleted", "refused"])


@case("programs that write beside the name and rename, or keep times, work")
def programs():
    with mounted() as (org, mount, folder):
        path = source(mount, "a.txt", b"one\n")
        tool("cp", "-p", path, os.path.join(folder, "cp-p.txt"))
        tool("rsync", "-a", path, os.path.join(folder, "rsync.txt"))
        tool("rsync", "-a", "--inplace", path, os.path.join(folder, "inplace.txt"))
        tool("install", "-m", "600", path, os.path.join(folder, "install.txt"))
        tool("curl", "-s", "-o", os.path.join(folder, "curl.txt"), f"file://{path}")
        tool("dd", f"if={path}", f"of={folder}/dd.txt", "conv=fsync", "status=none")
        tool("sh", "-c", f"{{ echo one; echo two; cat {path}; }} > {folder}/sh.txt")
        tool("tar", "-C", mount.folder, "-cf", os.path.join(folder, "a.tar"), "a.txt")
        tool("mv", path, os.path.join(folder, "mv.txt"))
        wanted = ["cp-p.txt", "rsync.txt", "inplace.txt", "install.txt", "curl.txt", "dd.txt", "sh.txt", "a.tar",
                  "mv.txt"]
        equal(org.names(), wanted)
        equal(sorted(os.listdir(folder)), sorted(wanted))
        equal(read(os.path.join(folder, "sh.txt")), b"one\ntwo\none\n")
        equal(sum(call == "POST new" for call in calls(org, 0)), len(wanted))
        check(not os.path.exists(path), "mv left its source")
        equal(lines(mount, "errors.jsonl"), [])


@case("a file of a temporary name stays local until it is renamed")
def temporary():
    with mounted() as (org, mount, folder):
        since = org.server.mark()
        temporary_path = os.path.join(folder, ".a.txt.Ab12Cd")
        write(temporary_path, b"text\n")
        equal((os.listdir(folder), org.names()), ([".a.txt.Ab12Cd"], []))
        os.rename(temporary_path, os.path.join(folder, "a.txt"))
        equal((os.listdir(folder), org.names()), (["a.txt"], ["a.txt"]))
        equal(read(os.path.join(folder, "a.txt")), b"text\n")
        # Onto what is there; and removed, it was never anywhere.
        write(temporary_path, b"other\n")
        os.rename(temporary_path, os.path.join(folder, "a.txt"))
        equal((read(os.path.join(folder, "a.txt")), org.names()), (b"other\n", ["a.txt"]))
        write(temporary_path, b"never\n")
        os.unlink(temporary_path)
        equal(calls(org, since).count("POST new"), 2)
        # A rename that is refused says so, and the text is in the drafts.
        write(temporary_path, b"refused\n")
        org.server.faults({"match": "POST .*Attachments", "status": 403, "code": "NO_PERMISSION"})
        fails(errno.EACCES, os.rename, temporary_path, os.path.join(folder, "b.txt"))
        equal(mount.read(".zohofs/drafts/Leads/b.txt"), b"refused\n")


@case("too large is told by the write that crosses the limit, and nothing of it is attached")
def too_large():
    with mounted() as (org, mount, folder):
        since = org.server.mark()
        path = os.path.join(folder, "big.bin")
        handle = os.open(path, os.O_WRONLY | os.O_CREAT)
        equal(os.pwrite(handle, b"x", 99 * MEGABYTE), 1)
        fails(errno.EFBIG, os.pwrite, handle, b"x" * 4096, 100 * MEGABYTE - 2000)
        # What is there is not the file: some programs close it all the same.
        fails(errno.EFBIG, os.ftruncate, handle, 0)
        fails(errno.EFBIG, os.close, handle)
        equal((os.listdir(folder), org.names(), calls(org, since).count("POST new")), ([], [], 0))
        line = lines(mount, "errors.jsonl")[-1]
        equal((line["errno"], line["draft"], os.path.basename(line["path"])), ("EFBIG", None, "big.bin"))
        with open(path, "wb") as file:
            fails(errno.EFBIG, os.ftruncate, file.fileno(), 100 * MEGABYTE)
            fails(errno.EFBIG, file.close)
        equal((os.listdir(folder), calls(org, since).count("POST new")), ([], 0))
        # Zoho's own limit is lower than ours: its answer is the close's.
        org.server.post("settings", {"attachment_limit": 1000})
        fails(errno.EFBIG, write, path, b"x" * 2000)
        equal(org.names(), [])
        equal(lines(mount, "errors.jsonl")[-1]["draft"], ".zohofs/drafts/Leads/big.bin")


@case("an upload that is cut leaves a draft, no half attachment, and is looked up before anything else")
def cut_upload():
    with mounted() as (org, mount, folder):
        equal(os.listdir(folder), [])
        path = os.path.join(folder, "a.bin")
        org.server.faults({"match": "POST .*Attachments", "reset": True, "count": 1})
        since = org.server.mark()
        fails(errno.ENETUNREACH, write, path, content(MEGABYTE))
        equal(calls(org, since), ["POST new", "GET list"])
        equal((org.names(), os.listdir(folder)), ([], []))
        equal(digest(mount.read(".zohofs/drafts/Leads/a.bin")), digest(content(MEGABYTE)))
        line = lines(mount, "errors.jsonl")[-1]
        equal((line["errno"], line["draft"]), ("ENETUNREACH", ".zohofs/drafts/Leads/a.bin"))
        # The draft is what it takes to try again.
        tool("cp", mount.at(".zohofs/drafts/Leads/a.bin"), path)
        equal((digest(read(path)), org.names()), (digest(content(MEGABYTE)), ["a.bin"]))


@case("an upload whose answer alone is lost is found, and not made twice")
def lost_answer():
    with mounted() as (org, mount, folder):
        write(os.path.join(folder, "a.txt"), b"same\n")
        org.server.faults({"match": "POST .*Attachments", "cut": True, "count": 1})
        since = org.server.mark()
        write(os.path.join(folder, "b.txt"), b"text\n")
        equal(calls(org, since), ["POST new", "GET list"])
        equal((org.names(), sorted(os.listdir(folder))), (["a.txt", "b.txt"], ["a.txt", "b.txt"]))
        # One that was there before is not taken for it.
        org.server.faults({"match": "POST .*Attachments", "reset": True, "count": 1})
        fails(errno.ENETUNREACH, write, os.path.join(folder, "a.txt"), b"four\n")
        equal((read(os.path.join(folder, "a.txt")), org.names()), (b"same\n", ["a.txt", "b.txt"]))
        equal(len(lines(mount, "errors.jsonl")), 1)


@case("a writer that is killed attaches nothing, and what it wrote is a draft")
def killed_writer():
    with mounted() as (org, mount, folder):
        equal(os.listdir(folder), [])
        words = f"import os,sys,time; f=os.open('{folder}/a.bin', os.O_WRONLY|os.O_CREAT); os.write(f, b'half'); " \
                "print('ready', flush=True); time.sleep(1000)"
        with running([sys.executable, "-c", words]) as (process,):
            equal(process.stdout.readline(), b"ready\n")
            process.send_signal(signal.SIGKILL)
            process.wait(timeout=PATIENCE)
            wait_until(lambda: lines(mount, "errors.jsonl"), "the killed writer's file")
        equal((org.names(), os.listdir(folder)), ([], []))
        equal(mount.read(".zohofs/drafts/Leads/a.bin"), b"half")


@case("a daemon that is killed leaves what was written as a draft")
def killed_daemon():
    with Emulator("Leads=5") as server:
        org = Org(server)
        with Mount(server) as mount:
            handle = os.open(mount.at("Leads", org.record, "attachments", "a.bin"), os.O_WRONLY | os.O_CREAT)
            os.write(handle, b"written")
            mount.process.kill()
            mount.process.wait(timeout=PATIENCE)
            with contextlib.suppress(OSError):
                os.close(handle)
            mount.kill()
            with Mount(server, keep=mount) as second:
                equal(second.read(".zohofs/drafts/Leads/a.bin"), b"written")
                equal(lines(second, "errors.jsonl")[-1]["draft"], ".zohofs/drafts/Leads/a.bin")
                equal(second.list("Leads", org.record, "attachments"), [])
        equal(org.names(), [])


@case("a read-only mount reads and refuses the rest, and so does a dry run without telling")
def read_only():
    with mounted("ro") as (org, mount, folder):
        org.attach("a.txt", b"1")
        path = os.path.join(folder, "a.txt")
        equal(read(path), b"1")
        equal(os.stat(path).st_mode & 0o222, 0)
        for function, *arguments in ((write, os.path.join(folder, "b.txt"), b"x"), (os.unlink, path),
                                     (os.open, path, os.O_WRONLY | os.O_TRUNC), (os.rename, path, path + "x")):
            fails(errno.EROFS, function, *arguments)
        equal(org.names(), ["a.txt"])
    with mounted("dry_run") as (org, mount, folder):
        org.attach("a.txt", b"1")
        write(os.path.join(folder, "b.txt"), b"22")
        os.unlink(os.path.join(folder, "a.txt"))
        equal(org.names(), ["a.txt"])
        equal([line["outcome"] for line in lines(mount, "audit.jsonl")], ["dry run: nothing was sent"] * 2)


@case("ten writers at once attach ten files")
def ten_writers():
    with mounted() as (org, mount, folder):
        path = source(mount, "a", content(MEGABYTE))
        commands = [["cp", path, os.path.join(folder, f"{number}.bin")] for number in range(10)]
        with running(*commands) as processes:
            equal([process.wait(timeout=PATIENCE) for process in processes], [0] * 10)
        equal(sorted(org.names()), [f"{number}.bin" for number in range(10)])
        equal({digest(read(os.path.join(folder, name))) for name in os.listdir(folder)}, {digest(content(MEGABYTE))})


# ---- size ------------------------------------------------------------------------------------------------------------

@case(f"{BIG // MEGABYTE} MB go there and back, and memory stays flat")
def round_trip():
    text = content(BIG)
    with mounted() as (org, mount, folder):
        path = source(mount, "big.bin", text)
        write(os.path.join(folder, "small.bin"), b"1")
        equal(read(os.path.join(folder, "small.bin")), b"1")
        before = mount.memory()
        since = org.server.mark()
        tool("cp", path, folder)
        equal(tool("sha256sum", os.path.join(folder, "big.bin")).split()[0], digest(text))
        equal(calls(org, since), ["POST new", "GET one"])
        grown = mount.memory() - before
        print(f"# memory grew by {grown // 1024} KiB")
        if not is_sanitized(harness.zohofs):
            check(grown < 6 * MEGABYTE, f"memory grew by {grown} bytes")
        equal(os.listdir(os.path.join(mount.home, "state", "uploads")), [])


main()
