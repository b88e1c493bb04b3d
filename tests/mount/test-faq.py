"""The errors that README.md explains are produced, one by one, and what is printed then is compared with its words; the
figures of its table of costs are measured. An entry without a producer here fails, and so does a producer without an
entry.

An entry is a heading of the third level below "## Errors", and the indented block under it: lines that appear in what
the producer prints, in that order, where `...` stands for whatever varies. A line that is indented by 8 more goes on
with the one before."""
import contextlib
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request

import harness
import saving
from harness import (CLIENT_ID, CLIENT_SECRET, Emulator, Mount, PATIENCE, Skip, case, check, end_process, equal, main,
                     tool, work_folder)

README = os.path.join(os.path.dirname(__file__), "..", "..", "README.md")
FOREVER = 1000000
NOBODY = 65534
producers, measures = {}, {}


def produces(title):
    """Registers what produces the words of the entry @title, as a text."""
    def add(function):
        producers[title] = function
        return function
    return add


def costs_of(what):
    """Registers what measures the row @what of the table of costs: the number of calls."""
    def add(function):
        measures[what] = function
        return function
    return add


# ---- README.md -------------------------------------------------------------------------------------------------------

def section(title):
    """The lines below the heading @title of the second level."""
    with open(README, encoding="utf-8") as file:
        lines = file.read().splitlines()
    rest = lines[lines.index(f"## {title}") + 1:]
    return list(itertools.takewhile(lambda line: not line.startswith("## "), rest))


def entries():
    """By title the lines of its block."""
    found, title = {}, None
    for line in section("Errors"):
        if line.startswith("### "):
            title = line[4:]
            check(title not in found, f"README.md has two entries \"{title}\"")
            found[title] = []
        elif line.startswith(" " * 12) and title:
            found[title][-1] += f" {line.strip()}"
        elif line.startswith("    ") and title:
            found[title].append(line.strip())
    return found


def costs():
    """By the words of its first column the calls of each row."""
    rows = [line.strip("|").split("|") for line in section("Costs") if line.startswith("|")]
    return {row[0].strip(): row[1].strip() for row in rows[2:]}


def pattern_of(line):
    return re.compile(".+".join(re.escape(part) for part in line.split("...")))


def assert_said(wanted, text):
    """The lines are in the text, in their order."""
    check(wanted, "the entry has no block")
    rest = iter(" ".join(line.split()) for line in text.splitlines())
    for line in wanted:
        pattern = pattern_of(" ".join(line.split()))
        check(any(pattern.fullmatch(one) for one in rest), f"no line (any more) is\n  {line}\nin\n{text}")


# ---- what the producers share ----------------------------------------------------------------------------------------

def said(*command, **options):
    """All that a program prints."""
    options.setdefault("stdin", subprocess.DEVNULL)
    if "input" in options:
        del options["stdin"]
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          timeout=PATIENCE, env=dict(os.environ, LC_ALL="C.UTF-8", **options.pop("environment", {})),
                          **options)
    return done.stdout.decode(errors="replace")


class Home:
    """A home folder with a configuration, an empty mount point and a sign-in. @server: an emulator, or none."""

    def __init__(self, server=None, text=None):
        url = server.url if server else "http://127.0.0.1:9"
        self.folder = work_folder("home")
        self.config, self.state = f"{self.folder}/.config/zohofs", f"{self.folder}/.local/state/zohofs/default"
        self.mountpoint, self.secret = f"{self.folder}/crm", f"{self.folder}/secret"
        for folder in self.config, self.state, self.mountpoint:
            os.makedirs(folder, 0o700)
        self.write(f"{self.config}/default.conf", text or f"[account]\naccounts_url={url}\napi_url={url}\n"
                                                          f"client_id={CLIENT_ID}\n[limits]\ndeadline=3\n")
        self.write(self.secret, CLIENT_SECRET + "\n")
        self.write(f"{self.state}/client_secret", CLIENT_SECRET + "\n")
        self.write(f"{self.state}/refresh_token", harness.REFRESH_TOKEN + "\n")
        self.environment = {"HOME": self.folder, "DISPLAY": "", "XDG_CONFIG_HOME": "", "XDG_STATE_HOME": "",
                            "XDG_CACHE_HOME": ""}

    @staticmethod
    def write(path, text):
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)

    def zohofs(self, *arguments, **options):
        return said(harness.zohofs, *arguments, environment=self.environment, **options)

    def mount(self, *options):
        """Tries to, which is to fail."""
        words = self.zohofs(self.mountpoint, *options)
        check(not harness.is_mounted(self.mountpoint), "it was mounted")
        return words

    def login(self, *arguments, **options):
        return self.zohofs("login", "--client-secret-file", self.secret, *arguments, **options)


def copy(mount, value, path):
    """What `cp` of a text onto a file of the mount says, and `zohofs why` after it."""
    local = saving.put_local(mount, "draft.json", value if isinstance(value, bytes) else saving.text_of(value))
    return said("cp", local, mount.at(path)) + saving.why(mount.at(path))


@contextlib.contextmanager
def lead(**more):
    """A mount, its emulator, and the path and the id of a lead."""
    with saving.mounted(**more) as (emulator, mount):
        number = emulator.ids("Leads")[0]
        yield emulator, mount, f"Leads/{saving.name_of(mount, 'Leads', number)}", number


# ---- mounting --------------------------------------------------------------------------------------------------------

@produces("There is no configuration")
def no_configuration():
    home = Home()
    os.unlink(f"{home.config}/default.conf")
    return home.mount()


@produces("An unknown key")
def unknown_key():
    return Home(text="[account]\ndata_centre=eu\nclient_id=1000.A\n").mount()


@produces("Not signed in")
def not_signed_in():
    home = Home()
    shutil.rmtree(home.state)
    return home.mount()


@produces("Others may read a secret")
def secret_for_all():
    home = Home()
    os.chmod(f"{home.state}/refresh_token", 0o644)
    return home.mount()


@produces("The sign-in is dead when a mount begins")
def dead_at_start():
    with Emulator() as emulator:
        home = Home(emulator)
        home.write(f"{home.state}/refresh_token", "1000.revoked.token\n")
        return home.mount()


@produces("Zoho does not know the client")
def wrong_client():
    with Emulator() as emulator:
        home = Home(emulator)
        home.write(f"{home.state}/client_secret", "another\n")
        return home.mount()


@produces("Another data centre")
def other_data_center():
    with Emulator() as emulator:
        home = Home(emulator)
        body = json.dumps({"access_token": "1000.a.b", "api_domain": "https://www.zohoapis.eu", "expires_in": 3600})
        emulator.faults({"match": "/oauth/v2/token", "count": FOREVER, "status": 200, "body": body})
        return home.mount()


@produces("Zoho cannot be reached when a mount begins")
def nobody_there():
    return Home().mount()


@produces("The mount point cannot be used")
def mount_point():
    with Emulator() as emulator:
        home = Home(emulator)
        home.write(f"{home.mountpoint}/something", "")
        words = home.mount()
        shutil.rmtree(home.mountpoint)
        words += home.mount()
        with Mount(emulator) as mount:
            return words + home.zohofs(mount.path)


def as_nobody(home, prepare, *options):
    """Mounts as a user without rights, in a place that this user reaches, with a view of the machine of its own, in
    which the script @prepare was run; $1 is an empty file that is closed to all."""
    if os.geteuid() != 0:
        raise Skip("needs root, to become somebody else")
    folder = tempfile.mkdtemp(prefix="zohofs-faq-", dir="/var/tmp")
    try:
        shutil.copytree(home.folder, f"{folder}/home")
        program = shutil.copy(harness.zohofs, folder)
        Home.write(f"{folder}/closed", "")
        for top, _, names in os.walk(folder):
            for path in [top, *(f"{top}/{name}" for name in names)]:
                os.chown(path, NOBODY, NOBODY)
        script = f'{{ {prepare}; }} || {{ echo unprepared; exit; }}; shift; ' \
                 f'exec setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups "$@"'
        words = said("unshare", "-m", "sh", "-c", script, "sh", f"{folder}/closed", program, f"{folder}/home/crm",
                     *options, environment={**home.environment, "HOME": f"{folder}/home"})
    finally:
        shutil.rmtree(folder)
    if "unprepared" in words or "unshare failed" in words:
        raise Skip(f"no mounts of another view here: {words}")
    return words


@produces("No permission to mount")
def no_device():
    with Emulator() as emulator:
        return as_nobody(Home(emulator), 'chmod 0 "$1" && mount --bind "$1" /dev/fuse')


@produces("allow_other is not allowed")
def no_allow_other():
    device = "mount -t tmpfs none /mnt && mknod -m 666 /mnt/fuse c 10 229 && mount --bind /mnt/fuse /dev/fuse"
    with Emulator() as emulator:
        return as_nobody(Home(emulator), f'{device} && mount --bind "$1" /etc/fuse.conf', "-o", "allow_other")


# ---- signing in ------------------------------------------------------------------------------------------------------

@produces("The permission was not given")
def denied():
    with Emulator("Leads=3", "--set", "consent=deny") as emulator:
        home = Home(emulator)
        command = [harness.zohofs, "login", "--no-browser", "--client-secret-file", home.secret]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, env=dict(os.environ, **home.environment)) as login:
            try:
                page = next(line.strip() for line in login.stdout if "/oauth/v2/auth" in line)
                opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
                with contextlib.suppress(urllib.error.HTTPError):
                    opener.open(page, timeout=PATIENCE).close()
                return login.communicate(timeout=PATIENCE)[0]
            finally:
                end_process(login)


@produces("A code is not taken")
def used_code():
    with Emulator() as emulator:
        return Home(emulator).login("--self-client", "-", input=b"1000.used.code\n")


@produces("The port is taken")
def port_taken():
    with Emulator() as emulator:
        return Home(emulator).login("--port", emulator.url.rsplit(":", 1)[1], "--no-browser")


# ---- reading ---------------------------------------------------------------------------------------------------------

def status_error(mount):
    return said(harness.zohofs, "status", mount.path)


@produces("Key has expired")
def expired():
    with Emulator("Leads=3") as emulator, Mount(emulator, ttl=0) as mount:
        mount.list("Leads")
        mount.wait_quiet()
        emulator.post("expire_tokens", {})
        dead = {"status": 200, "body": '{"error":"invalid_code"}'}
        emulator.faults({"match": "/oauth/v2/token", "count": FOREVER, **dead})
        return said("ls", mount.at("Contacts")) + status_error(mount)


@produces("Network is unreachable")
def unreachable():
    with Emulator("Leads=3,Contacts=3") as emulator, Mount(emulator, limits={"deadline": 3}) as mount:
        mount.list("Leads")
        mount.wait_quiet()
        emulator.stop()
        try:
            return said("ls", mount.at("Contacts")) + status_error(mount)
        finally:
            emulator.restart()


@produces("Connection timed out")
def timed_out():
    with Emulator("Leads=3") as emulator, Mount(emulator, limits={"deadline": 3}) as mount:
        mount.list()
        emulator.faults({"match": "GET /crm/v8/Leads", "count": FOREVER, "stall": True})
        words = said("ls", mount.at("Leads")) + status_error(mount)
        emulator.faults()
        return words


@produces("Disk quota exceeded")
def quota():
    with Emulator("Leads=900") as emulator, Mount(emulator, limits={"daily_credits": 4}) as mount:
        words = said("ls", mount.at("Leads")) + status_error(mount)
    with lead() as (emulator, mount, path, _):
        saving.settings(emulator, credits=emulator.get("stats")["credits_in_day"])
        return words + copy(mount, {"City": "Oslo"}, path)


@produces("Permission denied, by the sign-in")
def scope():
    with Emulator("Leads=6,Contacts=3") as emulator:
        saving.settings(emulator, scope="ZohoCRM.modules.READ,ZohoCRM.settings.ALL,ZohoCRM.users.READ,ZohoCRM.org.READ,"
                                        "ZohoCRM.coql.READ")
        with saving.writing(emulator) as mount:
            return copy(mount, {"City": "Oslo"}, f"Leads/{mount.list('Leads')[0]}")


@produces("Permission denied, by the CRM")
def permission():
    with lead() as (emulator, mount, path, _):
        emulator.post("module", {"module": "Leads", "editable": False})
        return copy(mount, {"City": "Oslo"}, path)


@produces("Permission denied, by the configuration")
def access():
    with Emulator("Leads=6") as emulator, saving.writing(emulator, groups={"access": {"Leads": "read"}}) as mount:
        return said("cp", README, mount.at("Leads", mount.list("Leads")[0]))


@produces("Input/output error")
def broken():
    with Emulator("Leads=6") as emulator, Mount(emulator, limits={"deadline": 10}) as mount:
        mount.list()
        emulator.faults({"match": "/crm/v8/Leads", "count": FOREVER, "html": True})
        return said("ls", mount.at("Leads")) + status_error(mount)


@produces("Transport endpoint is not connected")
def dead_daemon():
    with Emulator("Leads=3") as emulator, Mount(emulator) as mount:
        mount.process.kill()
        mount.process.wait(timeout=PATIENCE)
        mount.killed = True
        return said("ls", mount.path)


@produces("A query is refused")
def query():
    with Emulator("Leads=3") as emulator, Mount(emulator) as mount:
        return said(harness.zohofs, "query", "select Last_Name from Leads where Citty = 'Oslo'", mount.path)


# ---- saving ----------------------------------------------------------------------------------------------------------

@produces("Invalid argument: no JSON")
def no_json():
    with lead() as (_, mount, path, _):
        return copy(mount, b'{\n  "City": "Oslo"\n  "Company": "Harbor"\n}\n', path)


@produces("Invalid argument: an unknown field")
def unknown_field():
    with lead() as (_, mount, path, _):
        return copy(mount, {"Compnay": "Harbor"}, path)


@produces("Invalid argument: a value")
def bad_value():
    with lead(records="Leads=6,Projects=3") as (_, mount, path, _):
        words = copy(mount, {"Email": "nowhere"}, path)
        return words + copy(mount, {"Kind": "Interal"}, f"Projects/{mount.list('Projects')[0]}")


@produces("Invalid argument: something is missing")
def missing():
    with lead() as (_, mount, _, _):
        return copy(mount, {"Company": "Harbor"}, "Leads/new.json")


@produces("Device or resource busy: changed meanwhile")
def changed_meanwhile():
    with lead() as (emulator, mount, path, number):
        text = {**json.loads(mount.read(path)), "City": "Oslo"}
        saving.edit(emulator, "Leads", number, City="Lagos")
        return copy(mount, text, path)


@produces("Device or resource busy: an old backup")
def old_backup():
    with lead() as (_, mount, path, _):
        old = {**json.loads(mount.read(path)), "City": "Oslo", "Modified_Time": "2020-03-02T10:00:00+00:00"}
        return copy(mount, old, path)


@produces("Device or resource busy: locked")
def locked():
    with lead() as (emulator, mount, path, number):
        saving.settings(emulator, record_locked=number)
        return copy(mount, {"City": "Oslo"}, path)


@produces("File exists")
def duplicate():
    with lead() as (emulator, mount, path, _):
        other = emulator.ids("Leads")[1]
        return copy(mount, {"Email": saving.record(emulator, "Leads", other)["Email"]}, path)


@produces("Read-only file system")
def read_only():
    with lead(options=["ro"]) as (_, mount, path, _):
        return said("cp", README, mount.at(path))


@produces("Operation not permitted: too many deletes")
def too_many():
    with lead(options=["max_deletes=1"]) as (_, mount, _, _):
        names = mount.list("Leads")[:2]
        words = said("rm", *(mount.at("Leads", name) for name in names))
        return words + saving.why(mount.at("Leads", names[1]))


@produces("Operation not permitted: not by files")
def not_by_files():
    with lead() as (_, mount, path, _):
        words = said("mkdir", mount.at("Leads", "archive"))
        words += said("mv", mount.at(path), mount.at("Leads", "Renamed.json"))
        return words + said("mv", mount.at(path), mount.folder)


@produces("File too large")
def too_large():
    with lead() as (_, mount, path, _):
        large = saving.put_local(mount, "large.iso", b"x")
        os.truncate(large, 101 << 20)
        folder = f"{path[:-len('.json')]}/attachments"
        mount.list(folder)
        return said("cp", large, mount.at(folder)) + saving.why(mount.at(folder, "large.iso"))


@produces("Not everything could be sent")
def drained():
    with lead(limits={"deadline": 3}) as (emulator, mount, path, _):
        emulator.faults({"match": "^DELETE ", "count": FOREVER, "status": 500})
        os.unlink(mount.at(path))
        words = said(harness.zohofs, "drain", mount.path)
        emulator.faults()
        return words


@produces("A mount cannot be taken away")
def busy_mount():
    with lead() as (_, mount, path, _):
        with open(mount.at(path), "rb"):
            return said("fusermount3", "-u", mount.path)


# ---- costs -----------------------------------------------------------------------------------------------------------

class Org:
    """A mount of 1,000 leads, and the calls of what is done with it."""

    def __init__(self, emulator, mount):
        self.emulator, self.mount, self.leads = emulator, mount, mount.at("Leads")

    def id(self, index=0):
        return self.emulator.ids("Leads")[index]

    def calls(self, *command, since=None):
        """The calls that a program costs. @since: of emulator.mark(), else now."""
        return self.calls_of(lambda: tool(*command), since)

    def calls_of(self, function, since=None):
        since = self.emulator.mark() if since is None else since
        function()
        self.mount.wait_quiet()
        return len(self.emulator.calls(since=since))


@contextlib.contextmanager
def org(**more):
    with Emulator("Leads=1000", "--notes", 20) as emulator, Mount(emulator, **more) as mount:
        yield Org(emulator, mount)


@contextlib.contextmanager
def listed(**more):
    with org(**more) as here:
        here.calls("ls", "-l", here.leads)
        yield here


@costs_of("`ls crm`, the first time")
def cost_root():
    with org() as here:
        return here.calls("ls", here.mount.path, since=0)


@costs_of("`ls -l crm/Leads`, the first time")
def cost_listing():
    with org() as here:
        return here.calls("ls", "-l", here.leads, since=0)


@costs_of("then `grep -r`, `tar`, `rsync -a` of it")
def cost_again():
    with listed() as here:
        json_files = ["--include=*.json", "--exclude-dir=notes"]
        return here.calls("grep", "-rc", *json_files, "id", here.leads) \
            + here.calls("tar", "--exclude=notes", "-cf", os.path.join(here.mount.folder, "tar"), here.leads) \
            + here.calls("rsync", "-a", "--exclude=notes", here.leads, os.path.join(here.mount.folder, "copy"))


@costs_of("`ls -l crm/Leads` again, when the TTL (60 s) has passed")
def cost_stale():
    with listed(ttl=5) as here:
        here.mount.expire()
        return here.calls("ls", "-l", here.leads)


@costs_of("the first `grep -r` of a new mount that finds its cache")
def cost_remount():
    with Emulator("Leads=1000") as emulator:
        with Mount(emulator) as first:
            Org(emulator, first).calls("ls", "-l", first.at("Leads"))
        mark = emulator.mark()
        with Mount(emulator, keep=first) as second:
            return Org(emulator, second).calls("grep", "-rc", "id", second.at("Leads"), since=mark)


@costs_of("`cat crm/Leads/ID.json`, of a module that is not listed")
def cost_one():
    with org() as here:
        here.calls("cat", f"{here.leads}/{here.id()}.json")
        return here.calls("cat", f"{here.leads}/{here.id(1)}.json")


@costs_of("a change saved")
def cost_save():
    with listed() as here:
        path = f"{here.leads}/{here.id()}.json"
        return here.calls_of(lambda: saving.save(path, b'{"City": "Oslo"}'))


@costs_of("a new record")
def cost_create():
    with listed() as here:
        text = b'{"Last_Name": "Okafor", "Company": "Harbor Tiles"}'
        saving.save(f"{here.leads}/first.json", text)
        return here.calls_of(lambda: saving.save(f"{here.leads}/new.json", text))


@costs_of("100 records deleted by one `rm`")
def cost_delete():
    with listed() as here:
        paths = [f"{here.leads}/{number}.json" for number in here.emulator.ids("Leads")[:100]]
        return here.calls_of(lambda: (tool("rm", *paths), tool(harness.zohofs, "drain", here.mount.path)))


@costs_of("a search that finds up to 200")
def cost_search():
    with listed() as here:
        return here.calls("ls", f"{here.leads}/.search/Okafor")


@costs_of("a query of 1,000 rows")
def cost_query():
    with listed() as here:
        return here.calls(harness.zohofs, "query", "select Last_Name from Leads where id > 0", here.mount.path)


@costs_of("the notes of one record")
def cost_notes():
    with listed() as here:
        return here.calls("ls", f"{here.leads}/notes/{here.id()}")


@costs_of("a file attached")
def cost_attach():
    with listed() as here:
        tool("cp", README, f"{here.leads}/{here.id()}/attachments/")
        return here.calls("cp", README, f"{here.leads}/{here.id(1)}/attachments/")


# ---- the cases -------------------------------------------------------------------------------------------------------

def add_case(kind, title, produce, judge):
    @case(f"{kind}: {title}")
    def run():
        judge(produce())


def add_cases():
    for title, produce in producers.items():
        add_case("error", title, produce, lambda text, title=title: assert_said(entries().get(title), text))
    for what, measure in measures.items():
        add_case("cost", what, measure, lambda calls, what=what: equal(str(calls), costs().get(what), "calls"))


@case("each entry of README.md has a producer here, and each producer an entry")
def both_ways():
    equal(list(entries()), list(producers), "entries, in their order")
    equal(list(costs()), list(measures), "rows of the costs, in their order")


if __name__ == "__main__":
    add_cases()
    main()
