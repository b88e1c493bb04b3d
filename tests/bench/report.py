"""What came out: the table of all samples, the goals as ratios within the run, JSON and a picture."""
import collections
import json
import math
import os
import shutil
import statistics
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
MIB = 1 << 20
BELOW = 1e-6  # less than any axis of the picture shows
Key = collections.namedtuple("Key", "records latency work system state")


def requests(fuse):
    """FORGETs are counted by inode and need no answer."""
    return sum(count for kind, count in fuse.items() if kind != "forget")


class Results:
    def __init__(self):
        self.samples, self.notes = {}, []

    def add(self, key, sample):
        self.samples.setdefault(key, []).append(sample)

    def median(self, key, what="seconds"):
        """None where nothing was measured."""
        values = [requests(one["fuse"]) if what == "requests" else one.get(what) for one in self.samples.get(key, ())
                  if what != "requests" or "fuse" in one]
        return statistics.median(values) if values and None not in values else None

    def largest(self, *rest, least=0, most=1 << 62, latency=None):
        """The key of most records (then of most latency) that ends with @rest: work, system, state."""
        found = [key for key in self.samples if key[2:] == rest and least <= key.records <= most
                 and latency in (None, key.latency)]
        return max(found, default=None)


# ---- the table -------------------------------------------------------------------------------------------------------

def text_of(value, scale=1, form="{:.0f}"):
    return "-" if value is None else form.format(value / scale)


def markdown(rows):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["| " + " | ".join(text.ljust(width) for text, width in zip(row, widths)) + " |" for row in rows]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]


def table(results):
    rows = [("records", "latency", "work", "system", "state", "seconds", "least", "most", "CPU s", "calls", "FUSE",
             "peak MiB", "private MiB")]
    for key, samples in results.samples.items():
        seconds = [one["seconds"] for one in samples]
        rows.append((f"{key.records:,}", f"{key.latency} ms", *key[2:], f"{statistics.median(seconds):.3f}",
                     f"{min(seconds):.3f}", f"{max(seconds):.3f}", text_of(results.median(key, "cpu"), form="{:.2f}"),
                     text_of(results.median(key, "calls")),
                     text_of(results.median(key, "requests")), text_of(results.median(key, "peak"), MIB),
                     text_of(results.median(key, "private"), MIB)))
    return markdown(rows)


def rates(results):
    """Of what was changed in the CRM."""
    rows = [("work", "system", "by", "latency", "a second", "calls each")]
    for key, samples in results.samples.items():
        if "rate" in samples[0]:
            rows.append((*key[2:], f"{key.latency} ms", text_of(results.median(key, "rate"), form="{:.1f}"),
                         text_of(results.median(key, "each"), form="{:.2f}")))
    return markdown(rows)


# ---- the goals -------------------------------------------------------------------------------------------------------

def compared(results, key, system, state, what="seconds", work=None):
    """How @key compares with the same work (or @work) on another system; None when either is missing."""
    if key is None:
        return None
    other = key._replace(system=system, state=state, work=work or key.work)
    own, other = results.median(key, what), results.median(other, what)
    return None if own is None or not other else own / other


def by_file(results, key, kind=None):
    """FUSE requests, or those of a kind, for each file."""
    fuse = [one["fuse"] for one in results.samples.get(key, ()) if "fuse" in one]
    if not fuse:
        return None
    return statistics.median(one[kind] if kind else requests(one) for one in fuse) / key.records


class Goals:
    def __init__(self, results):
        self.results = results
        self.rows = [("work", "goal", "reached", "by CPU", "met", "measured with")]

    def add(self, work, goal, key, value, most, form="{:.2f} x", least=0, cpu=None):
        met = "-" if value is None else "yes" if least <= value <= most else "NO"
        self.rows.append((work, goal, text_of(value, form=form), text_of(cpu, form=form), met,
                          "not measured" if value is None else f"{key.records:,} records, {key.latency} ms"))

    def ratio(self, work, most, name, key, system, state):
        """@key against the same work on @system, which @name calls by its name."""
        self.add(work, f"<= {most} x {name}", key, compared(self.results, key, system, state), most,
                 cpu=compared(self.results, key, system, state, "cpu"))

    def cold(self, formulas):
        for title, limit, span in (("cold read, N > 2,000", 0.55, {"least": 2001}), ("cold read, N <= 2,000", 0.3,
                                                                                    {"most": 2000})):
            key = self.results.largest("grep -r", "zohofs", "cold", latency=100, **span)
            value = compared(self.results, key, "script", "-", work="export")
            self.add(title, f"<= {limit} x export", key, value, limit)
            if key is not None and key.records in formulas:
                least, most = formulas[key.records]
                calls = self.results.median(key, "calls")
                self.add(title, f"{least} to {most} calls", key, calls, most, "{:.0f} calls", least)

    def warm(self):
        largest = self.results.largest
        key = largest("grep -r", "zohofs", "warm")
        self.ratio("warm grep -r", 1.15, "floor", key, "floor", "warm")
        key = largest("grep -r", "zohofs noopen", "warm")
        self.ratio("warm grep -r, noopen", 1.5, "tmpfs", key, "tmpfs", "-")
        self.add("warm grep -r, noopen", "<= 0.02 requests per file", key, by_file(self.results, key), 0.02, "{:.3f}")

    def remounted(self):
        key = self.results.largest("grep -r", "zohofs noopen", "remount")
        self.ratio("cold grep -r, on disk, noopen", 2.5, "tmpfs", key, "tmpfs", "-")
        self.add("cold grep -r, on disk, noopen", "<= 0.1 READs per file", key, by_file(self.results, key, "read"), 0.1,
                 "{:.3f}")
        key = self.results.largest("grep -r", "zohofs", "remount")
        self.ratio("first grep -r after remount", 1.5, "floor's first", key, "floor", "cold")
        self.add("first grep -r after remount", "<= 4 calls", key, self.results.median(key, "calls"), 4, "{:.0f} calls")

    def refreshed(self):
        key = self.results.largest("rsync -a, again", "zohofs", "after TTL")
        self.ratio("second rsync -a, unchanged", 1.3, "tmpfs", key, "tmpfs", "-")
        self.add("second rsync -a, unchanged", "<= 2 calls", key, self.results.median(key, "calls"), 2, "{:.0f} calls")
        key = self.results.largest("grep -r", "zohofs", "one changed")
        self.add("one changed, after the TTL", "<= 3 calls", key, self.results.median(key, "calls"), 3, "{:.0f} calls")
        # What the kernel forgets by itself is read too, so the least of all is what we made it forget.
        again = [(by_file(self.results, other, "read") * other.records, other) for other in self.results.samples
                 if other.state == "one changed"]
        reads, key = min(again, default=(None, None))
        self.add("one changed, after the TTL", "1 file read again", key, reads, 1, "{:.0f} READs", 1)

    def rest(self):
        key = self.results.largest("ls -f", "zohofs", "listed")
        private = self.results.median(key, "grown")
        self.add("memory of a listing", "<= 150 bytes per record", key, private and private / key.records, 150,
                 "{:.0f} bytes")
        key = self.results.largest("grep -r", "rclone", "warm")
        own = key and key._replace(system="zohofs")
        value = compared(self.results, own, "rclone", "warm")
        self.add("warm grep -r, against rclone", ">= 10 x faster", key, value and 1 / value, math.inf,
                 "{:.1f} x faster", 10)
        key = self.results.largest("grep -r", "rclone", "cold")
        value = compared(self.results, key and key._replace(system="zohofs"), "rclone", "cold", "calls")
        self.add("cold grep -r, against rclone", "<= 0.01 x its requests", key, value, 0.01, "{:.3f} x")

    def saved(self):
        """curl makes one call for each change, without looking what became of it; zohofs looks, so it may take two. Who
        makes records is asked once."""
        for work, writers, most, calls in (("save", "1 writer", 2.5, 2), ("save", "16 writers", 0.6, 2),
                                           ("create", "1 writer", 2.5, 2.05), ("create", "16 writers", 0.6, 1.5)):
            key = self.results.largest(work, "zohofs", writers, latency=100)
            self.add(f"{work}, {writers}", f"<= {most} x curl one by one", key,
                     compared(self.results, key, "curl", "1 writer"), most)
            each = self.results.median(key, "each")
            self.add(f"{work}, {writers}", f"<= {calls} calls each", key, each, calls, "{:.2f} calls")


def goals(results, formulas):
    """@formulas: for numbers of records, the least and the most calls that a cold read may cost."""
    found = Goals(results)
    found.cold(formulas)
    found.warm()
    found.remounted()
    found.refreshed()
    found.rest()
    found.saved()
    return markdown(found.rows)


# ---- files -----------------------------------------------------------------------------------------------------------

def write_json(results, path):
    rows = [dict(key._asdict(), runs=samples) for key, samples in results.samples.items()]
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"results": rows, "notes": results.notes}, file, indent=1)
        file.write("\n")


def write_panel(path, works, series, rows, scale):
    """A row for each work, a column for each system and state. What is zero or missing lies below the axis."""
    with open(path, "w", encoding="utf-8") as file:
        names = [system if state == "-" else f"{system} {state}" for system, state in series]
        file.write("\t".join(["work", *names]) + "\n")
        for work, cells in zip(works, rows):
            file.write("\t".join([work, *(repr(cell / scale if cell else BELOW) for cell in cells)]) + "\n")


def plot(results, path, folder):
    """A picture of the most records with most systems: four panels, a bar for each system and state."""
    if shutil.which("gnuplot") is None:
        return "No picture: gnuplot is missing (Debian: gnuplot-nox)."
    shown = collections.Counter((key.records, key.latency) for key in results.samples)
    records, latency = max(shown, key=lambda pair: (shown[pair], pair))
    keys = [key for key in results.samples if (key.records, key.latency) == (records, latency)]
    works = list(dict.fromkeys(key.work for key in keys))
    series = list(dict.fromkeys((key.system, key.state) for key in keys))
    by_place = {(key.work, key.system, key.state): key for key in keys}
    for what, scale in (("seconds", 1), ("calls", 1), ("requests", 1), ("peak", MIB)):
        rows = [[results.median(by_place.get((work, *pair)), what) for pair in series] for work in works]
        write_panel(os.path.join(folder, what), works, series, rows, scale)
    heading = f"{records:,} records, {latency} ms latency; no bar: zero, or not measured"
    done = subprocess.run(["gnuplot", "-e", f"folder='{folder}'; picture='{os.path.abspath(path)}'; "
                           f"series={len(series)}; heading='{heading}'", os.path.join(HERE, "plot.gnuplot")],
                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False, timeout=120)
    return f"The picture is {path}." if done.returncode == 0 else f"No picture: {done.stderr.decode()[-500:]}"
