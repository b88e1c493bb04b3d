"""The units, and a line of /etc/fstab, under a real systemd: that runs as the first process of namespaces of its own, in
which the machine's files can be changed without changing them, so no container, network or reboot is needed."""
import contextlib
import os
import re
import shutil
import subprocess

import harness
from harness import (CLIENT_ID, CLIENT_SECRET, Emulator, PATIENCE, REFRESH_TOKEN, Skip, case, check, equal, main,
                     wait_until)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAMS = "systemctl", "unshare", "nsenter", "setpriv", "fusermount3", "mount.fuse3"
SYSTEMD = "/lib/systemd/systemd"
USER = 61002
USER_MOUNT = f"/home/{USER}/zoho/work"
SERVER_MOUNT = "/srv/crm"

# What the machine's systemd has is left out; only what a case starts is started. All in here ends with the namespaces.
BEGIN = r"""set -eu
work=$0 root=$0/root
mount -t tmpfs tmpfs "$work"
mkdir "$work/upper" "$work/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/work" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/dev"
for name in null zero full random urandom tty; do
  : >"$root/dev/$name"
  mount --bind "/dev/$name" "$root/dev/$name"
done
mknod -m 666 "$root/dev/fuse" c 10 229
mkdir "$root/dev/shm" "$root/dev/pts" "$root/old"
ln -s /proc/self/fd "$root/dev/fd"
if [ -e /dev/autofs ]; then mknod "$root/dev/autofs" c "$(stat -c %Hr /dev/autofs)" "$(stat -c %Lr /dev/autofs)"; fi
mount -t sysfs sysfs "$root/sys"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
: >"$root/run/words"
chmod 666 "$root/run/words"
CGROUPS
rm -rf "$root/etc/systemd" "$root/etc/machine-id"
mkdir -p "$root/etc/systemd/system"
printf '[Unit]\nDefaultDependencies=no\n' >"$root/etc/systemd/system/still.target"
for kind in service mount; do
  mkdir -p "$root/etc/systemd/system/$kind.d" "$root/etc/systemd/user/$kind.d"
  printf '[%s]\nStandardOutput=append:%s\nStandardError=append:%s\n' "${kind}" /run/words /run/words |
    sed 's/^.s/[S/; s/^.m/[M/' >"$root/etc/systemd/system/$kind.d/log.conf"
  cp "$root/etc/systemd/system/$kind.d/log.conf" "$root/etc/systemd/user/$kind.d/"
done
printf '0123456789abcdef0123456789abcdef\n' >"$root/etc/machine-id"
printf 'user_allow_other\n' >"$root/etc/fuse.conf"
: >"$root/etc/fstab"
cd "$root"
pivot_root . old
umount -l /old
export container=test
echo BEGUN
exec SYSTEMD --system --unit=still.target --log-target=console --show-status=no </dev/null
"""


# Options of a mount that say nothing about which hierarchy it is.
GENERAL = "rw", "ro", "nosuid", "nodev", "noexec", "relatime", "xattr", "nsdelegate", "memory_recursiveprot"


def cgroup_mounts():
    """Each hierarchy that systemd has a use for: where it is mounted, its type, and how to mount it."""
    found = []
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        for line in mounts:
            _, at, kind, options = line.split()[:4]
            names = [word for word in options.split(",") if word not in GENERAL]
            if kind == "cgroup" and names[0] in ("name=systemd", "pids", "memory", "devices"):
                found.append((at, kind, ",".join((["none"] if names[0].startswith("name=") else []) + names)))
            elif kind == "cgroup2":
                found.append((at, kind, ""))
    return found


def own_groups(mounts):
    """The folders of this process in the hierarchies."""
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        own = {controllers: path for _, controllers, path in (line.rstrip("\n").split(":", 2) for line in file)}
    for at, kind, options in mounts:
        name = "" if kind == "cgroup2" else options.removeprefix("none,")
        for controllers, path in own.items():
            if sorted(controllers.split(",")) == sorted(name.split(",")):
                yield os.path.normpath(f"{at}/{path}")


class Machine:
    """A booted systemd. `with` ends it with all that it started."""

    def __init__(self):
        missing = [name for name in PROGRAMS if shutil.which(name) is None]
        if os.geteuid() != 0 or missing or not os.path.exists(SYSTEMD):
            raise Skip(f"only root can do this, with systemd, {', '.join(missing or PROGRAMS)}")
        if harness.is_sanitized(harness.zohofs):
            raise Skip("a program built with a sanitizer needs more than the units allow")
        self.folder = harness.work_folder("machine")
        self.log = f"{harness.work_folder('systemd')}/log"
        self.groups = []

    def make_groups(self, mounts):
        for folder in own_groups(mounts):
            group = f"{folder}/zohofs-test-{os.getpid()}"
            try:
                os.mkdir(group)
            except OSError as error:
                raise Skip(f"no control group can be made: {error}") from error
            self.groups.append(group)

    def __enter__(self):
        mounts = cgroup_mounts()
        try:
            self.make_groups(mounts)
        except Skip:
            self.remove_groups()
            raise
        lines = ['mount -t tmpfs tmpfs "$root/sys/fs/cgroup"'] if any(kind == "cgroup" for _, kind, _ in mounts) else []
        lines += [f'mkdir -p "$root{at}"; mount -t {kind} {"-o " + options if options else ""} {kind} "$root{at}"'
                  for at, kind, options in mounts]
        script = BEGIN.replace("CGROUPS", "\n".join(lines)).replace("SYSTEMD", SYSTEMD)
        joins = "; ".join(f"echo $$ >{group}/cgroup.procs" for group in self.groups)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["sh", "-ec", f'{joins}; exec unshare --mount --pid --fork --kill-child --cgroup --uts --ipc '
                              f'--propagation private sh -c "$1" "$2"', "sh", script, self.folder],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            self.pid = wait_until(self.find_first, "the first process")
            wait_until(self.is_up, "systemd")
            self.run("install", "-m", "755", "/dev/stdin", "/usr/bin/zohofs", text=harness.zohofs)
        except BaseException as error:
            self.__exit__(type(error))
            raise
        return self

    def __exit__(self, kind, *_):
        if kind is not None and kind is not Skip:
            with contextlib.suppress(Exception):
                harness.reports.extend(["the units' words:", *self.words().splitlines()])
        self.process.kill()  # and so the first process of the namespaces, and all others in there
        self.process.wait(timeout=PATIENCE)
        self.remove_groups()

    def remove_groups(self):
        for group in self.groups:
            wait_until(lambda group=group: self.is_removed(group), f"the end of {group}")

    @staticmethod
    def is_removed(group):
        for folder, _, _ in os.walk(group, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(folder)
        return not os.path.exists(group)

    def lives(self):
        """Skips the case where the kernel or a container does not let such a thing be made."""
        if self.process.poll() is not None:
            words = harness.tail(self.log)
            check("BEGUN" not in words, f"systemd ended: {words}")
            raise Skip(f"no systemd can be begun here: {words[-1:]}")

    def find_first(self):
        self.lives()
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="utf-8") as file:
            children = file.read().split()
        return int(children[0]) if children else None

    def is_up(self):
        self.lives()
        return self.run("systemctl", "is-active", "still.target", status=None)[0] == 0

    def run(self, *command, status=0, text=None, patience=PATIENCE):
        """A command in there, by root. @text: a file that is its standard input. Returns its status and words."""
        with open(text or os.devnull, "rb") as given:
            done = subprocess.run(["nsenter", "-t", str(self.pid), "--mount", "--pid", "--uts", "--ipc", "--cgroup",
                                   "--root", *command], stdin=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  timeout=patience, check=False,
                                  env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"})
        words = done.stdout.decode(errors="replace")
        check(status is None or done.returncode == status, f"{command} ended with {done.returncode}: {words}")
        return done.returncode, words

    def user(self, *command, **options):
        """The same by the ordinary user, to whom a manager belongs."""
        return self.run("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "env", f"HOME=/home/{USER}",
                        f"XDG_RUNTIME_DIR=/run/user/{USER}", *command, **options)

    def keep(self, path, text, mode="600", owner=0):
        source = f"{harness.work_folder('kept')}/text"
        with open(source, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        self.run("install", "-D", "-m", mode, "-o", str(owner), "/dev/stdin", path, text=source)

    def profile(self, emulator, config, state, owner):
        self.keep(config, f"[account]\naccounts_url={emulator.url}\napi_url={emulator.url}\nclient_id={CLIENT_ID}",
                  "644", owner)
        self.keep(f"{state}/client_secret", CLIENT_SECRET, owner=owner)
        self.keep(f"{state}/refresh_token", REFRESH_TOKEN, owner=owner)
        self.run("chown", "-R", f"{owner}:{owner}", state)
        self.run("chmod", "-R", "go-rwx", state)

    def words(self):
        """What the programs of the units said."""
        return self.run("cat", "/run/words")[1]

    def is_mounted(self, path):
        return f" {path} fuse" in self.run("cat", "/proc/self/mounts")[1]

    def names(self, folder, **options):
        return self.run("ls", folder, **options)[1].split()


@contextlib.contextmanager
def machine(records="Leads=3"):
    with Emulator(records) as emulator, Machine() as one:
        yield emulator, one


def unit_text(path):
    with open(f"{ROOT}/contrib/{path}", encoding="utf-8") as file:
        return file.read()


def proc_field(one, pid, name):
    return re.search(rf"(?m)^{name}:\s*(.*)$", one.run("cat", f"/proc/{pid}/status")[1])[1]


# ---- a user's --------------------------------------------------------------------------------------------------------

MANAGER = f"""[Service]
User=person
Group=person
Type=notify
Delegate=yes
RuntimeDirectory=user/{USER}
Environment=XDG_RUNTIME_DIR=/run/user/{USER} HOME=/home/{USER}
ExecStart={SYSTEMD} --user --unit=still.target --log-target=console
KillMode=mixed
"""


def begin_user(emulator, one):
    """A user with a manager, a profile and the unit."""
    one.run("install", "-d", "-o", str(USER), "-g", str(USER), f"/home/{USER}")
    one.keep("/etc/passwd", f"root:x:0:0::/root:/bin/sh\nperson:x:{USER}:{USER}::/home/{USER}:/bin/sh", "644")
    one.keep("/etc/group", f"root:x:0:\nperson:x:{USER}:", "644")
    one.profile(emulator, f"/home/{USER}/.config/zohofs/work.conf", f"/home/{USER}/.local/state/zohofs/work", USER)
    one.run("chown", "-R", f"{USER}:{USER}", f"/home/{USER}")
    one.run("sh", "-c", "rm -rf /usr/lib/systemd/user/*.wants")
    one.keep("/usr/lib/systemd/user/zohofs@.service", unit_text("systemd/zohofs@.service"), "644")
    one.keep("/usr/lib/systemd/user/still.target", "[Unit]\nDefaultDependencies=no", "644")
    one.keep("/etc/systemd/system/manager.service", MANAGER, "644")
    one.run("systemctl", "daemon-reload")
    one.run("systemctl", "start", "manager")


@case("the user's unit is started when the mount is there, and what waits is sent before it is stopped")
def user_unit():
    with machine() as (emulator, one):
        begin_user(emulator, one)
        one.user("systemctl", "--user", "start", "zohofs@work")
        check(one.is_mounted(USER_MOUNT), "it is not mounted")
        name = one.user("ls", f"{USER_MOUNT}/Leads")[1].split()[0]
        number = name.split(".")[-2]
        pid = one.user("systemctl", "--user", "show", "--value", "-P", "MainPID", "zohofs@work")[1].strip()
        check("Max core file size        0 " in one.run("cat", f"/proc/{pid}/limits")[1], "it may leave a core")
        one.user("rm", f"{USER_MOUNT}/Leads/{name}")  # which is sent two seconds later
        one.user("systemctl", "--user", "stop", "zohofs@work")
        check(not one.is_mounted(USER_MOUNT), "it is still mounted")
        check(number not in emulator.ids("Leads"), "the deletion was not sent")
        result = one.user("systemctl", "--user", "show", "--value", "-P", "Result", "zohofs@work")[1]
        equal(result, "success\n", "result")


@case("the user's unit takes a mount away whose process was killed, and mounts again")
def user_unit_killed():
    with machine() as (emulator, one):
        begin_user(emulator, one)
        one.user("systemctl", "--user", "start", "zohofs@work")
        one.user("systemctl", "--user", "kill", "-s", "KILL", "zohofs@work")
        state = ["systemctl", "--user", "show", "--value", "-P", "SubState", "zohofs@work"]
        wait_until(lambda: one.user(*state)[1] == "auto-restart\n", "the unit to wait for its next start")
        check(not one.is_mounted(USER_MOUNT), "the dead mount is still there")
        one.user("systemctl", "--user", "restart", "zohofs@work")  # and not in 30 seconds
        equal(len(one.user("ls", f"{USER_MOUNT}/Leads")[1].split()) >= 3, True, "records")
        one.user("systemctl", "--user", "stop", "zohofs@work")


# ---- a server's ------------------------------------------------------------------------------------------------------

def begin_server(emulator, one, *changes):
    """As the unit's first lines say; @changes: what is written otherwise in it."""
    text = unit_text("examples/zohofs-server.service").replace("network-online.target", "still.target")
    for old, new in changes:
        check(old in text, f"the unit has no {old}")
        text = text.replace(old, new)
    one.keep("/etc/passwd", f"root:x:0:0::/root:/bin/sh\ncrm:x:{USER}:{USER}::/var/lib/zohofs:/usr/sbin/nologin", "644")
    one.keep("/etc/group", f"root:x:0:\ncrm:x:{USER}:", "644")
    one.run("install", "-d", "-m", "755", "-o", "crm", "-g", "crm", SERVER_MOUNT)
    one.run("install", "-d", "-m", "700", "-o", "crm", "-g", "crm", "/var/lib/zohofs", "/var/cache/zohofs")
    one.profile(emulator, "/etc/zohofs/crm.conf", "/var/lib/zohofs/crm", USER)
    one.keep("/etc/systemd/system/server.service", text, "644")
    one.run("systemctl", "daemon-reload")


def use_server(emulator, one):
    """What needs other system calls than reading: saves, files for editors, attachments, queries."""
    name = one.names(f"{SERVER_MOUNT}/Leads")[1]
    number = name.split(".")[-2]
    folder = f"{SERVER_MOUNT}/Leads/{name.removesuffix('.json')}"
    script = f"""cd {SERVER_MOUNT}/Leads && sed -i 's/"City": .*/"City": "Lagos",/' {name} &&
                 printf 'a note\\n' >{folder}/attachments/note.txt && cat {folder}/attachments/note.txt &&
                 zohofs query 'select id from Leads where id is not null' {SERVER_MOUNT} --csv"""
    words = one.run("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "sh", "-ec", script)[1]
    equal(words.split("\n")[0], "a note", words)
    check(number in words.split("\n", 1)[1], f"rows: {words}")
    check('"City":"Lagos"' in emulator.api(f"Leads/{number}").replace(" ", ""), "the save is not in the CRM")


@case("the server's unit mounts for all users, with hardly a right, and unmounts")
def server_unit():
    with machine() as (emulator, one):
        begin_server(emulator, one)
        one.run("systemctl", "start", "server")
        check(one.is_mounted(SERVER_MOUNT), "it is not mounted")
        words = one.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "ls", f"{SERVER_MOUNT}/Leads")[1]
        equal(words.count(".json\n"), 3, f"what another user lists: {words}")
        pid = one.run("systemctl", "show", "--value", "-P", "MainPID", "server")[1].strip()
        equal({name: proc_field(one, pid, name) for name in ("Uid", "CapEff", "CapPrm", "CapAmb", "CapBnd", "Seccomp")},
              {"Uid": "\t".join([str(USER)] * 4), "CapEff": f"{0:016x}", "CapPrm": f"{0:016x}", "CapAmb": f"{0:016x}",
               "CapBnd": f"{1 << 21:016x}", "Seccomp": "2"}, "what the daemon may")
        use_server(emulator, one)
        name = one.names(f"{SERVER_MOUNT}/Leads")[0]
        one.run("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "rm", f"{SERVER_MOUNT}/Leads/{name}")
        one.run("systemctl", "stop", "server")
        check(not one.is_mounted(SERVER_MOUNT), "it is still mounted")
        check(name.split(".")[-2] not in emulator.ids("Leads"), "the deletion was not sent")


@case("the server's unit takes a mount away whose process was killed")
def server_unit_killed():
    with machine() as (emulator, one):
        begin_server(emulator, one)
        one.run("systemctl", "start", "server")
        one.run("systemctl", "kill", "-s", "KILL", "server")
        wait_until(lambda: one.run("systemctl", "show", "--value", "-P", "SubState", "server")[1] == "auto-restart\n",
                   "the unit to wait for its next start")
        check(not one.is_mounted(SERVER_MOUNT), "the dead mount is still there")


@case("with User= a filter of system calls would keep the server's unit from mounting")
def server_unit_user():
    with machine() as (emulator, one):
        unit = unit_text("examples/zohofs-server.service")
        start = re.search(r"(?m)^ExecStart=.*\\\n\s*", unit)[0]
        begin_server(emulator, one, (start, "User=crm\nExecStart="))
        status, _ = one.run("systemctl", "start", "server", status=None)
        equal(status, 1, "starting")
        check("fusermount3: mount failed: Operation not permitted" in one.words(), f"the reason: {one.words()}")


# ---- fstab -----------------------------------------------------------------------------------------------------------

@case("a line of fstab is mounted when somebody looks")
def automount():
    with machine() as (emulator, one):
        if "nodev\tautofs" not in harness.tail("/proc/filesystems", 1000):
            raise Skip("the kernel has no autofs")
        line = next(line for line in unit_text("examples/fstab").splitlines() if "x-systemd.automount" in line)
        one.profile(emulator, "/etc/zohofs/work.conf", "/var/lib/zohofs/work", 0)
        one.run("install", "-d", "-m", "755", SERVER_MOUNT)
        one.keep("/etc/fstab", line, "644")
        one.run("systemctl", "daemon-reload")
        one.run("systemctl", "start", "srv-crm.automount")
        check(not one.is_mounted(SERVER_MOUNT), "it is mounted before anybody looks")
        equal(len(one.names(f"{SERVER_MOUNT}/Leads")), 3, "records")
        check(one.is_mounted(SERVER_MOUNT), "it is not mounted")
        equal(emulator.token_calls(), 1, "calls for tokens")
        one.run("systemctl", "stop", "srv-crm.automount", "srv-crm.mount")
        check(not one.is_mounted(SERVER_MOUNT), "it is still mounted")


if __name__ == "__main__":
    main()
