"""What a mount may be denied: doc/hardening.md, measured. Runs as root in a mount namespace of its own, in which /dev/fuse
is open to all, as distributions have it, and mounts as an ordinary user."""
import contextlib
import os
import re
import shutil
import stat
import subprocess
import sys

import harness
from harness import CLIENT_ID, CLIENT_SECRET, Emulator, PATIENCE, REFRESH_TOKEN, case, check, equal, main, skip_all

INSIDE = "ZOHOFS_TEST_INSIDE"
NOBODY = 65534
AS_USER = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps=-all"]
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# systemd.exec(5): each of these implies NoNewPrivileges= where the manager or the service is not root.
NEEDS_NO_NEW_PRIVS = """NoNewPrivileges SystemCallFilter SystemCallArchitectures RestrictAddressFamilies RestrictNamespaces
    RestrictRealtime RestrictSUIDSGID MemoryDenyWriteExecute LockPersonality PrivateDevices ProtectClock ProtectHostname
    ProtectKernelLogs ProtectKernelModules ProtectKernelTunables DynamicUser""".split()
NEEDS_NAMESPACE = """PrivateTmp PrivateMounts PrivateUsers ProtectSystem ProtectHome ProtectProc ProtectControlGroups ReadOnlyPaths
    ReadWritePaths InaccessiblePaths TemporaryFileSystem BindPaths BindReadOnlyPaths RootDirectory RootImage
    MountFlags""".split()
DENYING = """LimitCORE UMask TasksMax MemoryMax CapabilityBoundingSet DevicePolicy DeviceAllow KeyringMode Delegate
    NotifyAccess""".split()


class User:
    """A profile of an ordinary user."""

    def __init__(self, emulator):
        self.folder = harness.work_folder("user")
        self.path = f"{self.folder}/mnt"
        # Build folders may be closed to others.
        self.program = shutil.copy(harness.zohofs, f"{self.folder}/zohofs")
        for name in "mnt", "state", "cache":
            os.mkdir(f"{self.folder}/{name}", 0o700)
        os.chmod(self.path, 0o755)  # fusermount3 goes there as root, perhaps without the right to go everywhere
        self.keep("profile.conf", f"[account]\naccounts_url={emulator.url}\napi_url={emulator.url}\n"
                                  f"client_id={CLIENT_ID}\n")
        self.keep("state/client_secret", CLIENT_SECRET)
        self.keep("state/refresh_token", REFRESH_TOKEN)
        subprocess.run(["chown", "-R", str(NOBODY), self.folder], check=True, timeout=PATIENCE)
        at = self.folder
        while at != "/":
            os.chmod(at, os.stat(at).st_mode | stat.S_IXGRP | stat.S_IXOTH)
            at = os.path.dirname(at)

    def keep(self, name, text):
        with open(f"{self.folder}/{name}", "w", encoding="utf-8") as file:
            file.write(text + "\n")
        os.chmod(f"{self.folder}/{name}", 0o600)

    def folders(self):
        return ["-o", f"config={self.folder}/profile.conf,state_dir={self.folder}/state,"
                      f"cache_dir={self.folder}/cache"]

    def run(self, *command, deny=()):
        done = subprocess.run([*AS_USER, *deny, *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=PATIENCE, check=False, cwd="/",
                              env=dict(os.environ, HOME=self.folder))
        return done.returncode, done.stdout.decode()

    def mount(self, *deny):
        return self.run(self.program, "user", self.path, *self.folders(), deny=deny)

    def pid(self):
        return int(re.search(r'"pid": (\d+)', self.run("cat", f"{self.path}/.zohofs/status.json")[1])[1])

    def works(self, *deny):
        """Mounts, reads and unmounts under the same denial."""
        status, words = self.mount(*deny)
        equal(status, 0, f"mounting with {deny}: {words}")
        check(harness.is_mounted(self.path), "it is not mounted")
        status, words = self.run("ls", f"{self.path}/Leads")
        equal((status, words.count(".json\n")), (0, 3), f"records: {words}")
        pid = os.pidfd_open(self.pid())
        try:
            status, words = self.run("fusermount3", "-u", self.path, deny=deny)
            equal(status, 0, f"unmounting with {deny}: {words}")
            harness.select.select([pid], [], [], PATIENCE)
        finally:
            os.close(pid)
        check(not harness.is_mounted(self.path), "it is still mounted")

    def fails(self, *deny):
        status, words = self.mount(*deny)
        equal(status, 1, f"mounting with {deny}: {words}")
        check("fusermount3: mount failed" in words, words)
        check(not harness.is_mounted(self.path), "it is mounted")


@contextlib.contextmanager
def user():
    with Emulator("Leads=3") as emulator:
        yield User(emulator)


@case("an ordinary user mounts")
def ordinary():
    with user() as one:
        one.works()


@case("without new privileges nobody mounts, and doctor says why")
def no_new_privs():
    with user() as one:
        one.fails("--no-new-privs")
        status, words = one.run(one.program, "doctor", "user", *one.folders(), deny=["--no-new-privs"])
        equal(status, 1, words)
        check("no_new_privs is set here" in words, words)
        status, words = one.run(one.program, "doctor", "user", *one.folders())
        equal(status, 0, words)


@case("of the rights of root CAP_SYS_ADMIN alone must be left to gain")
def bounding_set():
    with user() as one:
        one.fails("--bounding-set=-all")
        one.works("--bounding-set=-all,+sys_admin")
        os.chmod(one.path, 0o700)
        one.fails("--bounding-set=-all,+sys_admin")
        one.works("--bounding-set=-all,+sys_admin,+dac_read_search")


@case("a mount in a namespace of its own is seen in there alone")
def namespace():
    with user() as one:
        inside = " ".join([one.program, "user", one.path, *one.folders()])
        done = subprocess.run(["unshare", "--mount", "--propagation", "slave", "sh", "-c",
                               f"{' '.join(AS_USER)} {inside} && grep -c ' {one.path} ' /proc/self/mounts && "
                               f"{' '.join(AS_USER)} fusermount3 -u {one.path}"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=PATIENCE, check=False)
        equal((done.returncode, done.stdout), (0, b"1\n"), "inside")
        check(not harness.is_mounted(one.path), "it is seen outside")


@case("the memory of the daemon is closed to its own user")
def memory():
    if harness.is_sanitized(harness.zohofs):
        raise harness.Skip("a program built with a sanitizer lets itself be looked at")
    with user() as one:
        equal(one.mount()[0], 0, "mounting")
        pid = one.pid()
        for name in "mem", "environ", "maps":
            check(one.run("cat", f"/proc/{pid}/{name}")[0] != 0, f"/proc/{pid}/{name} can be read")
        equal(one.run("fusermount3", "-u", one.path)[0], 0, "unmounting")


@case("a user's files are the user's alone")
def modes():
    with user() as one:
        one.works()
        for folder, names, files in os.walk(one.folder):
            for name in [*names, *files]:
                about = os.lstat(os.path.join(folder, name))
                check(name in ("mnt", "zohofs") or folder == one.folder or about.st_mode & 0o077 == 0,
                      f"{folder}/{name} has mode {about.st_mode:o}")


def directives(path):
    with open(path, encoding="utf-8") as file:
        return dict(line.strip().split("=", 1) for line in file if re.match(r"[A-Z]\w*=", line))


@case("the units deny nothing that mounting needs, and what the documentation says")
def units():
    with open(f"{ROOT}/doc/hardening.md", encoding="utf-8") as file:
        documented = file.read()
    for unit in "systemd/zohofs@.service", "examples/zohofs-server.service":
        said = directives(f"{ROOT}/contrib/{unit}")
        # A manager that is root denies system calls without no_new_privs, as long as it starts a process of root.
        breaking = {*NEEDS_NAMESPACE, "NoNewPrivileges", "DynamicUser"} if "examples" in unit and "User" not in said \
            else {*NEEDS_NAMESPACE, *NEEDS_NO_NEW_PRIVS}
        equal(sorted(set(said) & breaking), [], f"{unit} says what breaks mounting")
        equal((said["Type"], said["LimitCORE"], said["UMask"]), ("notify", "0", "0077"), unit)
        check("fusermount3 -u -q -z" in said["ExecStopPost"], f"{unit} leaves dead mounts")
        for name in set(said) & {*DENYING, *NEEDS_NO_NEW_PRIVS}:
            check(f"{name}=" in documented, f"{name} of {unit} is not documented")
    for name in NEEDS_NO_NEW_PRIVS:
        check(f"{name}=" in documented, f"{name}= is not documented")


def exposure(unit):
    """What systemd-analyze thinks of a unit: the sum, and the names of what is denied."""
    done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager", unit], timeout=PATIENCE,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          env=dict(os.environ, LC_ALL="C.UTF-8"))
    words = done.stdout.decode()
    if "unrecognized option" in words or "Unknown" in words:
        raise harness.Skip("systemd-analyze is too old to look at files")
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", words)
    check(found, words)
    return float(found[1]), set(re.findall(r"(?m)^\S*✓\S*\s+(\S+)", words))


@case("systemd-analyze finds in the server's unit what the documentation says")
def analyzed():
    if shutil.which("systemd-analyze") is None:
        raise harness.Skip("there is no systemd-analyze")
    level, denied = exposure(f"{ROOT}/contrib/examples/zohofs-server.service")
    with open(f"{ROOT}/doc/hardening.md", encoding="utf-8") as file:
        listed = re.search(r"(?s)<!-- denied -->\n(.*?)\n<!-- -->", file.read())[1]
    equal(sorted(set(re.findall(r"`([^`]+)`", listed)) - denied), [], "documented as denied, and not")
    check(level < 5, f"exposure level {level}")


@case("systemd understands the units")
def verified():
    if shutil.which("systemd-analyze") is None:
        raise harness.Skip("there is no systemd-analyze")
    folder = harness.work_folder("units")
    shutil.copy(harness.zohofs, f"{folder}/zohofs")
    for source, name in ("systemd/zohofs@.service", "zohofs@.service"), ("examples/zohofs-server.service", "server.service"):
        with open(f"{ROOT}/contrib/{source}", encoding="utf-8") as file:
            text = file.read().replace("ExecStart=zohofs", f"ExecStart={folder}/zohofs")
        text = re.sub(r"(?m)^Documentation=.*$", "", text)
        with open(f"{folder}/{name}", "w", encoding="utf-8") as file:
            file.write(text)
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", f"{folder}/{name}"], timeout=PATIENCE,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        words = [line for line in done.stdout.decode().splitlines() if folder in line or name.split(".")[0] in line]
        equal((done.returncode, words), (0, []), f"systemd-analyze verify {name}: {done.stdout.decode()}")


def go_inside():
    """Begins this program again in a namespace whose /dev/fuse everybody may open."""
    if os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("setpriv") is None:
        skip_all("only root can make the namespace for it, with unshare and setpriv")
    node = os.path.join("/var/tmp", f"zohofs-fuse-{os.getpid()}")
    script = ('mknod "$0" c "$(stat -c "%Hr" /dev/fuse)" "$(stat -c "%Lr" /dev/fuse)" && chmod 666 "$0" && '
              'mount --bind "$0" /dev/fuse && rm -f "$0" && exec "$@"')
    done = subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", script, node, sys.executable,
                           "-B", *sys.argv], env=dict(os.environ, **{INSIDE: "1"}), check=False)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(node)
    sys.exit(done.returncode)


if __name__ == "__main__":
    if not os.environ.get(INSIDE) and harness.has_fuse():
        go_inside()
    main()
