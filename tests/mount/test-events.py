"""The files of .zohofs that grow or change at each look have exact sizes, and reading them ends."""
import contextlib
import errno
import json
import os
import re
import select
import subprocess

from harness import PATIENCE, Emulator, Mount, case, check, end_process, equal, fails, main, tool

EVENTS = ".zohofs/events.jsonl"


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
        fails(errno.EROFS, os.open, mount.at(EVENTS), os.O_WRONLY | os.O_APPEND)
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
        equal(samples['zohofs_fuse_requests_total{kind="readdir"}'], status["fuse"]["readdir"], "readdirs")
        equal({re.search('kind="(.*)"', name)[1] for name in samples if name.startswith("zohofs_fuse_requests_total")},
              set(status["fuse"]), "kinds of requests")
        check(any(name.startswith("zohofs_info{") and 'profile="test"' in name for name in samples), "info")
        text = mount.read(".zohofs/metrics")
        equal(os.stat(mount.at(".zohofs/metrics")).st_size, len(text), "size")


@case("metrics without a budget have no line for it")
def no_budget():
    with Emulator("Leads=3") as emulator, Mount(emulator) as mount:
        check("zohofs_api_credits_budget" not in metrics(mount), "no budget")


if __name__ == "__main__":
    main()
