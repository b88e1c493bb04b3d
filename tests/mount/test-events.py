"""What changed in the CRM is a line of events.jsonl, once, at the look that finds it; the files of .zohofs that grow or
change at each look have exact sizes, and reading them ends."""
import contextlib
import errno
import json
import os
import re
import select
import subprocess
from datetime import datetime

from harness import PATIENCE, Emulator, Mount, case, check, end_process, equal, fails, main, tail, tool, wait_until

TTL = 1
EVENTS = ".zohofs/events.jsonl"
# Fields that the server moves by itself with any edit.
STAMPS = {"Modified_Time", "Modified_By", "Last_Activity_Time"}


def behind(mount):
    """The file behind EVENTS."""
    return f"{mount.folder}/state/events.jsonl"


def add_line(mount, **values):
    """Adds a line as another mount of the profile does. Returns its text."""
    line = json.dumps(values) + "\n"
    with open(behind(mount), "ab", buffering=0) as file:
        file.write(line.encode())
    return line


@contextlib.contextmanager
def following(mount, *options):
    """`tail` of EVENTS. Gives a function that waits for its next line; its own words come as lines, too."""
    process = subprocess.Popen(["tail", "-s", "0.1", *options, mount.at(EVENTS)], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(os.environ, LC_ALL="C"))
    rest = bytearray()

    def next_line():
        while b"\n" not in rest:
            ready, _, _ = select.select([process.stdout], [], [], PATIENCE)
            part = os.read(process.stdout.fileno(), 65536) if ready else b""
            check(part, f"tail says nothing more: {bytes(rest)}")
            rest.extend(part)
        line, _, left = rest.partition(b"\n")
        rest[:] = left
        return line.decode() + "\n"
    try:
        yield next_line
    finally:
        end_process(process)
        process.stdout.close()


@case("before anything changed: an empty file that is read-only")
def empty():
    with Emulator("Leads=3") as emulator, Mount(emulator) as mount:
        mount.list("Leads")
        equal(mount.read(EVENTS), b"", "text")
        about = os.stat(mount.at(EVENTS))
        equal((about.st_size, about.st_mode), (0, 0o100444), "size and mode")
        fails(errno.EACCES, os.open, mount.at(EVENTS), os.O_WRONLY | os.O_APPEND)
        check(not os.path.exists(behind(mount)), "no file is made for nothing")


@case("an open file grows: the size and the bytes are those of now")
def grows():
    with Emulator("Leads=3") as emulator, Mount(emulator) as mount:
        wanted = add_line(mount, n=1).encode()
        handle = os.open(mount.at(EVENTS), os.O_RDONLY)
        try:
            for number in range(2, 60):
                equal(os.fstat(handle).st_size, len(wanted), "size by handle")
                equal(os.stat(mount.at(EVENTS)).st_size, len(wanted), "size by name")
                equal(os.pread(handle, 1 << 20, 0), wanted, "text")
                equal(os.pread(handle, 5, len(wanted) - 5), wanted[-5:], "a part")
                equal(os.pread(handle, 5, len(wanted)), b"", "past the end")
                end = len(wanted)
                wanted += add_line(mount, n=number, text="x" * 3000).encode()
                equal(os.pread(handle, 1 << 20, end), wanted[end:], "what was added")
        finally:
            os.close(handle)
        equal(int(tool("wc", "-c", mount.at(EVENTS)).split()[0]), len(wanted), "wc -c")
        equal(mount.read(EVENTS), wanted, "text")
        tool("cmp", mount.at(EVENTS), behind(mount))


@case("tail -F and tail -f follow it, also over its rotation")
def follow():
    with Emulator("Leads=3") as emulator, Mount(emulator) as mount:
        first = add_line(mount, n=1)
        with following(mount, "-n", "+1", "-F") as next_line, following(mount, "-n", "+1", "-f") as next_of_handle:
            equal((next_line(), next_of_handle()), (first, first), "what is there")
            for number in range(3):
                line = add_line(mount, n=number, text="y" * 40)
                equal((next_line(), next_of_handle()), (line, line), "what was added")
            os.rename(behind(mount), behind(mount) + ".1")
            line = add_line(mount, n=10)
            for read in next_line, next_of_handle:
                check("truncated" in read(), "tail sees that it began anew")
                equal(read(), line, "the first line of the new file")


@case("grep -r over .zohofs ends, and finds what is there")
def grep():
    with Emulator("Leads=3") as emulator, Mount(emulator) as mount:
        add_line(mount, word="a needle in the events")
        found = tool("grep", "-rl", "-e", "a needle in the events", "-e", "zohofs_api_calls_total", mount.at(".zohofs"))
        equal(sorted(found.split()), [mount.at(EVENTS), mount.at(".zohofs/metrics")], "files")


def metrics(mount):
    """The samples of .zohofs/metrics, checked against the text format 0.0.4."""
    text = mount.read(".zohofs/metrics").decode()
    check(text.endswith("\n"), "the last line ends")
    samples, told, kinds = {}, {}, {}
    for line in text.splitlines():
        comment = re.fullmatch(r"# (HELP|TYPE) (zohofs_[a-z_]+) (\S.*)", line)
        if comment:
            place = told if comment[1] == "HELP" else kinds
            check(comment[2] not in place, f"{comment[1]} of {comment[2]} comes once")
            place[comment[2]] = comment[3]
            continue
        sample = re.fullmatch(r'(zohofs_[a-z_]+)((?:\{(?:[a-z_]+="(?:[^"\\]|\\[\\"n])*",?)+\})?) (-?[0-9]+)', line)
        check(sample, f"no sample: {line!r}")
        check(sample[1] in told, f"{sample[1]} is explained before it comes")
        equal(kinds.get(sample[1]), "counter" if sample[1].endswith("_total") else "gauge", f"type of {sample[1]}")
        check(sample[1] + sample[2] not in samples, f"{sample[1]}{sample[2]} comes once")
        samples[sample[1] + sample[2]] = int(sample[3])
    return samples


@case("metrics: Prometheus reads them, and they are the numbers of status.json")
def prometheus():
    with Emulator("Leads=30") as emulator, Mount(emulator, limits={"daily_credits": 5000}) as mount:
        for name in mount.list("Leads"):
            mount.read("Leads", name)
        mount.wait_quiet()
        status, samples = mount.status(), metrics(mount)
        equal(samples["zohofs_api_calls_total"], status["calls"], "calls")
        equal(samples["zohofs_api_calls_total"], len(emulator.calls()), "calls that the emulator saw")
        equal(samples["zohofs_api_credits_total"], status["credits"]["spent"], "credits")
        equal(samples["zohofs_api_credits_budget"], 5000, "budget")
        equal(samples["zohofs_records"], status["cache"]["records"], "records")
        equal(samples["zohofs_offline"], 0, "offline")
        equal(samples["zohofs_disk_cap_bytes"], status["cache"]["disk_cap_bytes"], "cap of the cache on disk")
        equal(samples["zohofs_disk_unused"], 0, "cache on disk")
        equal(samples['zohofs_fuse_requests_total{kind="readdir"}'], status["fuse"]["readdir"], "readdirs")
        equal({re.search('kind="(.*)"', name)[1] for name in samples if name.startswith("zohofs_fuse_requests_total")},
              set(status["fuse"]), "kinds of requests")
        check(any(name.startswith("zohofs_info{") and 'profile="mounted"' in name for name in samples), "info")
        text = mount.read(".zohofs/metrics")
        equal(os.stat(mount.at(".zohofs/metrics")).st_size, len(text), "size")


@case("metrics without a budget have no line for it")
def no_budget():
    with Emulator("Leads=3") as emulator, Mount(emulator) as mount:
        check("zohofs_api_credits_budget" not in metrics(mount), "no budget")


# ---- what the store finds --------------------------------------------------------------------------------------------

def events(mount):
    """All lines so far."""
    return [json.loads(line) for line in mount.read(EVENTS).decode().splitlines()]


def look(mount, module):
    """A look after the TTL, until all that it set off is done. Returns the lines it added."""
    before = len(events(mount))
    mount.expire()
    for name in mount.list(module):
        os.stat(mount.at(module, name))
    mount.wait_quiet()
    return events(mount)[before:]


def name_of(mount, module, number):
    return next(name for name in mount.list(module) if name.split(".")[-2] == number)


def assert_event(event, module, number, what, name, fields):
    """@fields: of an edit, without what the server stamps; None: null."""
    equal(set(event), {"time", "module", "id", "what", "name", "fields", "modified"}, "keys")
    equal((event["module"], event["id"], event["what"], event["name"]), (module, number, what, name), "event")
    check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", event["time"]), f"time {event['time']}")
    if fields is None:
        equal(event["fields"], None, "fields")
    else:
        equal(set(event["fields"] or ["none"]) - STAMPS, fields, "fields")


@case("an edit is one line with its fields; nothing changed is no line")
def edit():
    with Emulator("Leads=30") as emulator, Mount(emulator, ttl=TTL) as mount:
        equal(look(mount, "Leads"), [], "the first look")
        equal(look(mount, "Leads"), [], "the second look")
        number = emulator.ids("Leads")[4]
        name = name_of(mount, "Leads", number)
        with following(mount, "-n", "0", "-F") as next_line:
            emulator.edit("Leads", number, Phone="+49 30 1234567", City=None)
            added = look(mount, "Leads")
            equal(len(added), 1, f"lines {added}")
            assert_event(added[0], "Leads", number, "changed", name, {"Phone", "City"})
            equal(json.loads(next_line()), added[0], "what tail -F prints")
        stamp = json.loads(mount.read("Leads", name))["Modified_Time"]
        equal(datetime.fromisoformat(added[0]["modified"]), datetime.fromisoformat(stamp), "modified")
        equal(look(mount, "Leads"), [], "the look after it")
        check(mount.read(EVENTS).endswith(b"\n"), "lines end")
        equal(os.stat(mount.at(EVENTS)).st_size, len(mount.read(EVENTS)), "size")


@case("a new record, a deleted and a restored one")
def come_and_go():
    with Emulator("Leads=30") as emulator, Mount(emulator, ttl=TTL) as mount:
        look(mount, "Leads")
        number = emulator.create("Leads", Last_Name="Newcomer", Company="New")
        name = f"Newcomer.{number}.json"
        for change, what in ((None, "created"), (emulator.delete, "deleted"), (emulator.restore, "restored")):
            if change:
                change("Leads", number)
            added = look(mount, "Leads")
            equal(len(added), 1, f"lines {added}")
            assert_event(added[0], "Leads", number, what, name, None)


@case("another label is a line that says renamed, with the name of now")
def label():
    with Emulator("Vendors=30") as emulator, Mount(emulator, ttl=TTL) as mount:
        look(mount, "Vendors")
        number = emulator.ids("Vendors")[3]
        emulator.edit("Vendors", number, Vendor_Name="Renamed Harbor")
        added = look(mount, "Vendors")
        equal(len(added), 1, f"lines {added}")
        assert_event(added[0], "Vendors", number, "renamed", f"Renamed_Harbor.{number}.json", {"Vendor_Name"})


@case("many at once: each a line, once")
def many():
    with Emulator("Leads=450") as emulator, Mount(emulator, ttl=TTL) as mount:
        look(mount, "Leads")
        numbers = emulator.ids("Leads")
        wanted = set()
        for number in numbers[5:450:30]:
            emulator.edit("Leads", number, Company="x" * 100)
            wanted.add((number, "changed"))
        for number in numbers[11:450:40]:
            emulator.delete("Leads", number)
            wanted.discard((number, "changed"))
            wanted.add((number, "deleted"))
        wanted |= {(emulator.create("Leads", Last_Name=f"New {index}", Company="New"), "created") for index in range(7)}
        added = look(mount, "Leads")
        equal(sorted((event["id"], event["what"]) for event in added), sorted(wanted), "lines")
        equal(look(mount, "Leads"), [], "the look after it")


@case("two mounts of a profile share the file, and each adds its line")
def shared():
    with Emulator("Leads=30") as emulator, Mount(emulator, ttl=TTL) as mount, \
            Mount(emulator, ttl=TTL, options=(f"state_dir={mount.folder}/state",)) as other:
        look(mount, "Leads")
        look(other, "Leads")
        number = emulator.ids("Leads")[9]
        emulator.edit("Leads", number, Company="Shared")
        equal([event["id"] for event in look(mount, "Leads") + look(other, "Leads")], [number] * 2, "lines")
        equal(other.read(EVENTS), mount.read(EVENTS), "text")


@case("a file that cannot be written is told once and disturbs nothing")
def unwritable():
    with Emulator("Leads=30") as emulator, Mount(emulator, ttl=TTL) as mount:
        os.mkdir(behind(mount))
        look(mount, "Leads")
        for number in emulator.ids("Leads")[:3]:
            emulator.edit("Leads", number, Company="Still read")
            equal(look(mount, "Leads"), [], "lines")
            check(b"Still read" in mount.read("Leads", f"{number}.json"), "the new text is there")
        wait_until(lambda: any("events.jsonl" in line for line in tail(mount.log, 10000)), "the warning")
        equal(sum("events.jsonl" in line for line in tail(mount.log, 10000)), 1, "warnings")
        os.rmdir(behind(mount))
        emulator.edit("Leads", number, Company="Written again")
        equal([event["id"] for event in look(mount, "Leads")], [number], "lines")


if __name__ == "__main__":
    main()
