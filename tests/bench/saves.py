"""How fast changes get into the CRM, and for how many calls: programs that copy texts onto records and to new names,
beside the same changes made through the API by curl, one by one. A process for each change on either side."""
import json
import os
import subprocess
import time

import harness
import places
import report

MODULE = places.MODULE
WRITERS = (1, 16)
FIELD = "Designation"


def finish(command):
    """Seconds that a program took, which must do well."""
    start = time.monotonic()
    harness.tool("sh", "-c", *command)
    return time.monotonic() - start


def at_once(writers, each, files, *arguments):
    """A command for sh: runs @each, in which {} is a name of @files, @writers at a time."""
    return f'xargs -P {writers} -I{{}} {each} < "{files}"', "sh", *arguments


def write_names(scratch, names):
    path = os.path.join(scratch, "names")
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(f"{name}\n" for name in names))
    return path


def fresh(scratch):
    folder = os.path.join(scratch, "saves")
    subprocess.run(["rm", "-rf", folder], check=True)
    os.mkdir(folder)
    return folder


class Saves:
    """One run: @count changes of each kind at a latency."""

    def __init__(self, results, count, latency, scratch):
        self.results, self.count, self.latency, self.scratch = results, count, latency, scratch

    def emulator(self):
        return harness.Emulator(f"{MODULE}={self.count}", "--latency-ms", self.latency)

    def add(self, emulator, work, system, writers, command):
        """Runs it and looks what it cost."""
        before = emulator.get("stats")["requests"]
        sample = {"seconds": finish(command)}
        sample["calls"] = emulator.get("stats")["requests"] - before
        sample["each"] = sample["calls"] / self.count
        sample["rate"] = self.count / sample["seconds"]
        state = f"{writers} writer{'s' if writers > 1 else ''}"
        self.results.add(report.Key(self.count, self.latency, work, system, state), sample)

    def changed(self, emulator, value):
        done = [number for number in emulator.ids(MODULE)
                if emulator.get("record", module=MODULE, id=number)[FIELD] == value]
        harness.equal(len(done), self.count, "records that were changed")

    def made(self, emulator, count):
        harness.equal(len(emulator.ids(MODULE)), count, "records after the creates")

    # ---- zohofs ----

    def texts(self, mount, value):
        """The files as an editor would write them, in a folder."""
        folder = fresh(self.scratch)
        for name in mount.list(MODULE):
            text = json.loads(mount.read(MODULE, name))
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                json.dump({**text, FIELD: value}, file, ensure_ascii=False, indent=2)
        return folder

    def new_texts(self):
        folder = fresh(self.scratch)
        for number in range(self.count):
            with open(os.path.join(folder, f"new{number}.json"), "w", encoding="utf-8") as file:
                json.dump({"Last_Name": f"Writer {number}", "Company": "Bench"}, file)
        return folder

    def copy(self, emulator, mount, work, writers, folder):
        files = write_names(self.scratch, sorted(os.listdir(folder)))
        mount.wait_quiet()
        self.add(emulator, work, "zohofs", writers, at_once(writers, 'cp "$1/{}" "$2/{}"', files, folder,
                                                            mount.at(MODULE)))

    def zohofs(self):
        for writers in WRITERS:
            with self.emulator() as emulator, harness.Mount(emulator, limits={"concurrency": 5},
                                                            options=["rw"]) as mount:
                value = f"Saved by {writers}"
                self.copy(emulator, mount, "save", writers, self.texts(mount, value))
                self.changed(emulator, value)
                self.copy(emulator, mount, "create", writers, self.new_texts())
                self.made(emulator, 2 * self.count)

    # ---- curl ----

    def curl(self, emulator, work, method, url):
        header = f"Authorization: Zoho-oauthtoken {emulator.token()}"
        files = os.path.join(self.scratch, "names")
        self.add(emulator, work, "curl", 1, at_once(
            1, f'curl -sS --fail -o /dev/null -X {method} -H "$1" -H "Content-Type: application/json" '
            f'--data-binary @"$2/{{}}" "{emulator.url}/crm/v8/{MODULE}{url}"', files, header,
            os.path.join(self.scratch, "saves")))

    def bodies(self, rows):
        """Names of files, each the body of a call."""
        folder = fresh(self.scratch)
        for name, row in rows.items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                json.dump({"data": [row]}, file)
        write_names(self.scratch, rows)

    def script(self):
        with self.emulator() as emulator:
            self.bodies({number: {FIELD: "Saved by curl"} for number in emulator.ids(MODULE)})
            self.curl(emulator, "save", "PUT", "/{}")
            self.changed(emulator, "Saved by curl")
            self.bodies({f"new{number}": {"Last_Name": f"Writer {number}", "Company": "Bench"}
                         for number in range(self.count)})
            self.curl(emulator, "create", "POST", "")
            self.made(emulator, 2 * self.count)
