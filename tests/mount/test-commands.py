"""The commands beside the mount: what they print, in words and as JSON, their help and their exit statuses."""
import contextlib
import email.utils
import errno
import json
import os
import pty
import re
import select
import socket
import subprocess
import time

import harness
import saving
from harness import Emulator, Mount, PATIENCE, case, check, equal, fails, main

COMMANDS = "login", "logout", "status", "why", "drain", "audit", "query", "doctor"


class Run:
    """A command that has ended."""

    def __init__(self, *arguments, environment=None):
        done = subprocess.run([harness.zohofs, *map(str, arguments)], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE, check=False,
                              env=dict(os.environ, LC_ALL="C.UTF-8", TZ="UTC", **(environment or {})))
        self.status, self.out, self.err = done.returncode, done.stdout.decode(), done.stderr.decode()

    def good(self):
        equal((self.status, self.err), (0, ""), "exit status and stderr")
        return self.out

    def bad(self, *words, status=1):
        equal(self.status, status, f"exit status; it said {self.out} {self.err}")
        for word in words:
            check(word in self.err, f"{self.err!r} does not say {word!r}")


def folders(mount):
    """Options for the commands that look for a profile's files."""
    return ["-o", f"config={mount.folder}/profile.conf,state_dir={mount.home}/state,cache_dir={mount.cache}"]


class Audited(Mount):
    """A mount with an [audit] of its own in the configuration."""

    audit = {}

    def write_profile(self, limits):
        super().write_profile(limits)
        with open(f"{self.folder}/profile.conf", "a", encoding="utf-8") as file:
            file.write("[audit]\n" + "".join(f"{key}={value}\n" for key, value in self.audit.items()))


def audit_path(mount, suffix=""):
    return f"{mount.home}/state/audit.jsonl{suffix}"


def change(emulator, mount, **fields):
    """Changes the first lead through the mount; returns its name."""
    name = saving.name_of(mount, "Leads", emulator.ids("Leads")[0])
    text = saving.changed(mount, "Leads", name, **fields)
    with open(mount.at("Leads", name), "wb") as file:
        file.write(text)
    return name


# ---- help ------------------------------------------------------------------------------------------------------------

@case("each command has a help of its own, with its exit statuses")
def helps():
    for command in COMMANDS:
        words = Run(command, "--help").good()
        check(words.startswith(f"zohofs {command} "), f"help of {command}: {words!r}")
        check("Exit status: 0 " in words and "; 2 " in words, f"help of {command} has no exit statuses")
        equal(Run(command, "-h").good(), words, f"-h of {command}")
        check(f"zohofs {command} " in Run("--help").good(), f"--help leaves out {command}")
        check(max(map(len, words.splitlines())) <= 120, f"long lines in the help of {command}")


@case("what a command does not take is refused")
def refused_switches():
    Run("drain", "--json").bad("--json goes with: zohofs status, zohofs audit, zohofs doctor", status=2)
    Run("audit", "--watch").bad("--watch goes with: zohofs status", status=2)
    Run("/mnt", "--since", "2h").bad("--since goes with: zohofs audit", status=2)
    Run("audit", "--since", "yesterday").bad("neither a time ago", status=2)
    Run("doctor", "a", "b").bad("Too many arguments", status=2)


# ---- status ----------------------------------------------------------------------------------------------------------

@case("status as JSON")
def status_json():
    with Emulator("Leads=3") as emulator, Mount(emulator) as mount:
        found = json.loads(Run("status", mount.path, "--json").good())
        equal([one["account"]["mountpoint"] for one in found], [mount.path], "mounts")
        equal(found[0]["account"]["state"], f"{mount.home}/state", "state folder")
    Run("status", mount.path, "--json").bad("No zohofs is mounted at")


@case("status again and again, until the mount is gone")
def status_watch():
    with Emulator("Leads=3") as emulator, Mount(emulator) as mount:
        with subprocess.Popen([harness.zohofs, "status", "--watch", "--json", mount.path], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as watch:
            lines = [json.loads(watch.stdout.readline()) for _ in range(2)]
            check(lines[1][0]["uptime_s"] >= lines[0][0]["uptime_s"], "time goes on")
            mount.end()
            _, words = watch.communicate(timeout=PATIENCE)
            equal(watch.returncode, 1, "exit status")
            check(b"No zohofs is mounted at" in words, f"last words: {words}")


@case("df -i shows the day's credits, once they are known")
def credits_by_df():
    with Emulator("Leads=3") as emulator, Mount(emulator) as mount:
        stat = os.statvfs(mount.path)
        equal((stat.f_files, stat.f_ffree), (0, 0), "what is not known, which is not that none is left")
    # Zoho says what is left when half is used.
    with Emulator("Leads=3", "--credits", 6) as emulator, Mount(emulator) as mount:
        mount.list("Leads")
        mount.wait_quiet()
        known = mount.status()["credits"]
        stat = os.statvfs(mount.path)
        check(0 < known["remaining"] <= 3, f"credits: {known}")
        equal((stat.f_favail, stat.f_files - stat.f_ffree), (known["remaining"], known["today"]), "left and used")
    with Emulator("Leads=3") as emulator, Mount(emulator, limits={"daily_credits": 700}) as mount:
        mount.list("Leads")
        mount.wait_quiet()
        known, stat = mount.status()["credits"], os.statvfs(mount.path)
        check(known["today"] > 0, "nothing was spent")
        equal((stat.f_files, stat.f_favail), (700, 700 - known["today"]), "the mount's own budget, and what is left")


# ---- audit -----------------------------------------------------------------------------------------------------------

@case("audit in words, as JSON, by mount point, by profile and without a mount")
def audit():
    with Emulator("Leads=3") as emulator:
        with Mount(emulator) as mount:
            check("Nothing was changed so far" in Run("audit", mount.path).good(), "nothing yet")
            name = change(emulator, mount, City="Lagos", Company="Secret Ventures")
            words = Run("audit", mount.path).good()
            check(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  python3?\S* \(process \d+, user \S+\): change Leads/"
                               + re.escape(name) + r" \(City, Company\): saved\n", words), f"words: {words!r}")
            equal(Run("audit", "mounted", *folders(mount)).good(), words, "by profile")
            line = json.loads(Run("audit", mount.path, "--json").good())
            equal((line["verb"], line["fields"], line["pid"]), ("update", ["City", "Company"], os.getpid()), "line")
        equal(Run("audit", "elsewhere", *folders(mount)).good(), words, "without a mount")
        with open(audit_path(mount), encoding="utf-8") as file:
            text = file.read()
        check("Lagos" not in text and "Secret Ventures" not in text, "a value is in the audit")
    Run("audit", "/nowhere").bad("No zohofs is mounted at /nowhere")
    Run("audit", "nobody", environment={"XDG_STATE_HOME": mount.home}).bad("There is no profile nobody")


@case("audit since when")
def audit_since():
    with Emulator("Leads=3") as emulator, Mount(emulator) as mount:
        change(emulator, mount, City="Lagos")
    line = json.loads(Run("audit", *folders(mount), "--json").good())
    with open(audit_path(mount), "w", encoding="utf-8") as file:
        for stamp in "2026-03-01T23:59:59+00:00", "2026-03-02T00:00:00+00:00", line["time"]:
            file.write(json.dumps({**line, "time": stamp}) + "\n")
        file.write("no JSON\n[]\n{\"time\": 5, \"fields\": {}, \"path\": \"\\u001b[31m\"}\n")
    for since, lines in ("2026-03-01", 3), ("2026-03-02", 2), ("2026-03-02T00:00:00Z", 2), ("5000d", 3):
        found = Run("audit", *folders(mount), "--since", since).good().splitlines()
        equal(len(found), lines, f"lines since {since}: {found}")
    found = Run("audit", *folders(mount)).good()
    check("\x1b" not in found and "at an unknown time" in found, f"a strange line: {found!r}")


@case("audit files are set aside when they are full")
def audit_rotates():
    Audited.audit = {"size_mb": 1, "generations": 2}
    with Emulator("Leads=3") as emulator:
        with Audited(emulator) as mount:
            change(emulator, mount, City="Lagos")
        with open(audit_path(mount), "rb") as file:
            line = file.read()
        for city in "Abuja", "Kano", "Enugu":
            with open(audit_path(mount), "ab") as file:
                file.write(line * ((1 << 20) // len(line)))
            with Audited(emulator, keep=mount) as other:
                change(emulator, other, City=city)
    sizes = [os.path.getsize(audit_path(mount, suffix)) for suffix in ("", ".1", ".2")]
    check(sizes[0] < 1000 and sizes[1] > 1 << 19 and sizes[2] > 1 << 19, f"sizes: {sizes}")
    check(not os.path.exists(audit_path(mount, ".3")), "a third generation")
    found = Run("audit", *folders(mount)).good().splitlines()
    check(len(found) > 2 * ((1 << 20) // len(line)), f"{len(found)} lines of all generations")
    equal(found[-1][:19], max(line[:19] for line in found), "the newest is last")


@case("audit lines go to syslog if asked")
def audit_syslog():
    if os.path.lexists("/dev/log") or not os.access("/dev", os.W_OK):
        raise harness.Skip("there is a syslog here, which is not to be troubled, or none can be made")
    Audited.audit = {"syslog": "yes"}
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        log.bind("/dev/log")
        stack.callback(os.unlink, "/dev/log")
        log.settimeout(PATIENCE)
        emulator = stack.enter_context(Emulator("Leads=3"))
        mount = stack.enter_context(Audited(emulator))
        name = change(emulator, mount, City="Lagos")
        words = ""
        while "audit: " not in words:
            words = log.recv(8192).decode()
        check(f": change Leads/{name} (City): saved" in words and "Lagos" not in words, f"syslog got {words!r}")


# ---- doctor ----------------------------------------------------------------------------------------------------------

def doctor(mount, status=0):
    """The findings by check: (state, words, todo); of several the worst."""
    run = Run("doctor", *folders(mount), "--json")
    equal(run.status, status, f"exit status of doctor: {run.out} {run.err}")
    answer = json.loads(run.out)
    equal(answer["ok"], status == 0, "ok")
    order = ["skipped", "ok", "warning", "failed"]
    found = {}
    for one in sorted(answer["checks"], key=lambda one: order.index(one["state"])):
        found[one["check"]] = (one["state"], one["words"], one["todo"])
        check(one["todo"] or one["state"] in ("ok", "skipped"), f"what to do? {one}")
    return found


def state_is(found, check_name, state, *words):
    check(check_name in found, f"no {check_name} in {found}")
    equal(found[check_name][0], state, f"{check_name}: {found[check_name]}")
    text = " ".join(filter(None, found[check_name][1:]))
    for word in words:
        check(word in text, f"{check_name}: {text!r} does not say {word!r}")


def write(path, text):
    with open(path, "wb") as file:
        file.write(text)


@contextlib.contextmanager
def profile(records="Leads=3", *arguments):
    """A profile with its folders, an emulator, and no mount any more."""
    with Emulator(records, *arguments) as emulator:
        with Mount(emulator) as mount:
            mount.list("Leads")
        yield emulator, mount


@case("doctor finds all well")
def doctor_well():
    with profile() as (emulator, mount):
        found = doctor(mount)
        for name in "fuse", "state", "cache", "config", "sign-in", "connection", "clock", "users", "modules", "coql", \
                "credits", "journal", "drafts", "mounts":
            state_is(found, name, "ok")
        words = Run("doctor", *folders(mount)).good()
        check(all(line.startswith(("ok ", " ")) for line in words.splitlines()), f"words: {words}")
        check("\x1b" not in words, "colour where no terminal is")
        equal(emulator.calls("POST", "/crm/v8/Leads"), [], "calls that write")


def on_terminal(*arguments, **environment):
    """What a terminal gets from a command."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([harness.zohofs, *arguments], stdin=theirs, stdout=theirs, stderr=theirs,
                          env=dict(os.environ, TERM="xterm", **environment)) as process:
        os.close(theirs)
        text = b""
        end = time.monotonic() + PATIENCE
        with contextlib.suppress(OSError):  # EIO: nobody writes any more
            while time.monotonic() < end and select.select([ours], [], [], PATIENCE)[0]:
                more = os.read(ours, 65536)
                if not more:
                    break
                text += more
        process.wait(timeout=PATIENCE)
    os.close(ours)
    return text.decode()


@case("colour on a terminal alone, and not for who wants none")
def colours():
    with profile() as (_, mount):
        check("\x1b[32mok" in on_terminal("doctor", *folders(mount)), "no colour on a terminal")
        check("\x1b" not in on_terminal("doctor", *folders(mount), NO_COLOR="1"), "colour with NO_COLOR")
        check("\x1b" not in on_terminal("--help"), "colour in the help")


@case("doctor: no configuration, secrets that others can read, folders that others can write")
def doctor_files():
    with profile() as (_, mount):
        os.chmod(f"{mount.home}/state/refresh_token", 0o644)
        os.chmod(mount.cache, 0o777)
        found = doctor(mount, 1)
        state_is(found, "sign-in", "failed", "refresh_token")
        state_is(found, "permissions", "skipped")
        state_is(found, "cache", "failed", "chmod go-rwx")
        os.unlink(f"{mount.folder}/profile.conf")
        found = doctor(mount, 1)
        state_is(found, "config", "failed", "There is no configuration")
        state_is(found, "sign-in", "skipped")


@case("doctor: nobody answers, a dead sign-in, a missing permission")
def doctor_sign_in():
    with profile() as (emulator, mount):
        os.unlink(f"{mount.cache}/access_token")
        saving.settings(emulator, scope="ZohoCRM.modules.contacts.READ,ZohoCRM.settings.ALL,ZohoCRM.org.READ")
        found = doctor(mount)
        state_is(found, "modules", "warning", "Leads", "zohofs login")
        check("Contacts" not in found["modules"][1], f"modules: {found['modules']}")
        state_is(found, "users", "warning", "ZohoCRM.users.READ")
        state_is(found, "coql", "warning")
        os.unlink(f"{mount.cache}/access_token")
        with open(f"{mount.home}/state/refresh_token", "w", encoding="utf-8") as file:
            file.write("1000.wrong.refresh\n")
        state_is(doctor(mount, 1), "sign-in", "failed", "zohofs login")
        emulator.stop()
        state_is(doctor(mount, 1), "sign-in", "failed")
        emulator.restart()


@case("doctor: a clock that is wrong, and an organization without credits")
def doctor_clock():
    with profile() as (emulator, mount):
        for away, words in (-4000, "ahead of Zoho's"), (4000, "behind Zoho's"):
            date = email.utils.formatdate(time.time() + away, usegmt=True)
            emulator.faults({"match": "GET /crm/v8/org", "headers": {"Date": date}})
            state_is(doctor(mount), "clock", "warning", words, "timedatectl")
        emulator.faults({"match": "GET /crm/v8/", "headers": {"X-API-CREDITS-REMAINING": "0"}})
        state_is(doctor(mount, 1), "credits", "failed", "Wait")
        emulator.faults()


@case("doctor: a cache that is damaged, texts that were refused, a mount that was killed")
def doctor_leftovers():
    with Emulator("Leads=3") as emulator:
        with Mount(emulator) as mount:
            mount.list("Leads")
            name = saving.name_of(mount, "Leads", emulator.ids("Leads")[0])
            fails(errno.EINVAL, write, mount.at("Leads", name), b'{"City": 5}\n')
            handle = os.open(mount.at("Leads", name), os.O_WRONLY | os.O_TRUNC)
            os.write(handle, b'{"City": "La')
            state_is(doctor(mount), "drafts", "warning", "1 refused text")
            state_is(doctor(mount), "journal", "ok")
            mount.process.kill()
            mount.process.wait(timeout=PATIENCE)
            with contextlib.suppress(OSError):
                os.close(handle)
            mount.kill()
        found = doctor(mount)
        state_is(found, "journal", "warning", "1 mount")
        data = os.path.join(mount.cache, "documents-1", "data.mdb")
        with open(data, "r+b") as file:
            file.write(b"\xff" * 8192)
        state_is(doctor(mount), "cache", "warning", "damaged")


@case("doctor: a mount whose process is dead")
def doctor_dead_mount():
    with Emulator("Leads=3") as emulator, Mount(emulator) as mount:
        mount.process.kill()
        mount.process.wait(timeout=PATIENCE)
        mount.killed = True
        run = Run("doctor", "mounted", *folders(mount))
        equal(run.status, 1, run.out)
        check(f"fusermount3 -u -z {mount.path}" in run.out, f"words: {run.out}")


if __name__ == "__main__":
    main()
