"""Real mounts against the emulator: both are started and always ended, each case is one line of TAP, and a case that
fails shows the daemon's log and the calls the emulator saw.

A test file registers its cases with @case and ends with main(). Its arguments are the paths of zohofs and of
zoho-emulator; further ones choose cases by a part of their names. ZOHO_EMULATOR in the environment is another emulator,
such as a faster one for a daemon with a sanitizer."""
import contextlib
import ctypes
import http.client
import itertools
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
import traceback
import urllib.parse

# Generous, for slow machines and sanitizers; nothing waits this long unless it hangs.
PATIENCE = 120
CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN = "1000.DEMO", "demo-secret", "1000.demo.refresh"
# What a sanitizer says when it has found something.
SANITIZER_WORDS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error: ", "WARNING: ThreadSanitizer")

zohofs = emulator = None
cases = []
reports = []  # of what broke inside the running case: lines for people
numbers = itertools.count(1)


# The kernel may drop what it holds of a file at any time; a case that counts on it has so many tries.
TRIES = 3


class Skip(Exception):
    """The case cannot be run here."""


class Forgotten(AssertionError):
    """The kernel has asked for more than it had to: once is no proof that we made it."""


def case(name):
    """Registers a function as the test case @name."""
    def add(function):
        cases.append((name, function))
        return function
    return add


def equal(got, wanted, what="value"):
    if got != wanted:
        raise AssertionError(f"{what}: got {shorten(got)}, wanted {shorten(wanted)}")


def check(truth, what):
    if not truth:
        raise AssertionError(what)


def check_kept(truth, what):
    """The same for what the kernel holds; the case is tried again."""
    if not truth:
        raise Forgotten(what)


def shorten(value):
    text = repr(value)
    return text if len(text) <= 2000 else f"{text[:1500]} ... {text[-300:]}"


def fails(number, function, *arguments):
    """function(*arguments) fails with errno @number."""
    try:
        result = function(*arguments)
    except OSError as error:
        equal(os.strerror(error.errno), os.strerror(number), f"errno of {function.__name__}{shorten(arguments)}")
        return
    raise AssertionError(f"{function.__name__}{shorten(arguments)} gave {shorten(result)}, not "
                         f"\"{os.strerror(number)}\"")


def wait_until(ready, what, patience=PATIENCE):
    """Asks until ready() gives something true, and returns that. For what nothing can be waited for."""
    end = time.monotonic() + patience
    for tries in itertools.count():
        answer = ready()
        if answer:
            return answer
        check(time.monotonic() < end, f"waited too long for {what}")
        time.sleep(min(0.01 * (tries + 1), 0.2))


def has_fuse():
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
        return True
    except OSError:
        return False


def is_sanitized(program):
    """Was it built with a sanitizer? Then memory and time mean nothing."""
    with open(program, "rb") as file:
        text = file.read()
    return b"__asan_init" in text or b"__tsan_init" in text


def is_mounted(path):
    escaped = path.replace("\\", "\\134").replace(" ", "\\040").replace("\t", "\\011")
    with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as mounts:
        return any(line.split()[1] == escaped for line in mounts)


def work_root():
    """Where this process works: below the build, or elsewhere if that is in /tmp, which some programs treat in their
    own way."""
    build = os.environ.get("MESON_BUILD_ROOT") or os.getcwd()
    name = f"{os.path.basename(sys.argv[0])}-{os.getpid()}"
    if os.path.realpath(build).startswith("/tmp/") and os.access("/var/tmp", os.W_OK):
        return os.path.join("/var/tmp", f"zohofs-{os.getuid()}-{name}")
    return os.path.join(build, "tests", "mount", "work", name)


def work_folder(name):
    path = os.path.join(work_root(), f"{next(numbers)}-{name}")
    os.makedirs(path, 0o700)
    return path


def remove_work():
    shutil.rmtree(work_root(), ignore_errors=True)


def tail(path, lines=60):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()[-lines:]
    except OSError as error:
        return [str(error)]


def end_process(process, number=signal.SIGTERM):
    """Ends a process of ours, kindly first."""
    if process.poll() is None:
        process.send_signal(number)
        try:
            process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            print(f"# process {process.pid} had to be killed:", *threads_of(process), sep="\n# ", flush=True)
            process.kill()
            process.wait(timeout=PATIENCE)


def threads_of(process):
    """Where its threads are, for people; as far as a debugger is here."""
    if shutil.which("gdb") is None:
        return []
    words = subprocess.run(["gdb", "-p", str(process.pid), "-batch", "-ex", "thread apply all backtrace 12"],
                           stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False)
    return [line for line in words.stdout.splitlines() if line.startswith(("Thread", "#"))]


# ---- the emulator ----------------------------------------------------------------------------------------------------

class Call:
    """One request that the emulator saw."""

    def __init__(self, entry):
        self.method, self.status = entry["method"], entry["status"]
        self.path = urllib.parse.unquote(entry["path"])
        query = entry.get("query") or ""
        self.query = query if isinstance(query, dict) else dict(urllib.parse.parse_qsl(query, keep_blank_values=True))

    def __repr__(self):
        query = "&".join(f"{key}={value[:60]}" for key, value in self.query.items())
        return f"{self.method} {self.path}{'?' if query else ''}{query} -> {self.status}"


class Emulator:
    """A running emulator. `with` ends it; a body that fails shows what it was asked."""

    def __init__(self, records="Leads=30", *arguments):
        self.folder = work_folder("emulator")
        self.log = os.path.join(self.folder, "log")
        self.arguments = ["--records", records, "--seed", "7", *map(str, arguments)]
        self.start(0)

    def start(self, port):
        """Begins with the records as they are generated."""
        self.access_token = None
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([emulator, "--port", str(port), *self.arguments],
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        try:
            self.url = self.read_url()
        except BaseException:
            end_process(self.process)
            reports.extend(["the emulator did not start:", *tail(self.log)])
            raise
        # What most cases count is a module's records: only where there are notes may they be seen, and have their folder.
        if "--notes" not in self.arguments:
            self.post("module", {"module": "Notes", "viewable": False})

    def read_url(self):
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        line = self.process.stdout.readline().decode() if ready else ""
        match = re.match(r"listening on (http://127\.0\.0\.1:\d+)$", line.strip())
        check(match, f"the emulator's first line is {line!r}")
        return match[1]

    def stop(self):
        """Nobody listens at its address any more."""
        end_process(self.process)
        self.process.stdout.close()

    def restart(self):
        """Listens where it did before stop(); all that was changed is forgotten."""
        self.start(urllib.parse.urlsplit(self.url).port)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None and kind is not Skip:
            self.report()
        self.stop()
        words = [line for line in tail(self.log, 100000) if any(word in line for word in SANITIZER_WORDS)]
        if kind is None and words:
            reports.extend(tail(self.log, 100))
            raise AssertionError(f"the emulator: {words[0]}")

    def report(self):
        reports.extend(["the emulator's log:", *tail(self.log, 20)])
        with contextlib.suppress(Exception):
            seen = self.calls()
            reports.append(f"the last of {len(seen)} calls:")
            reports.extend(map(repr, seen[-40:]))

    def request(self, method, path, body=None, headers=()):
        """Returns the status and the body's bytes."""
        address = urllib.parse.urlsplit(self.url)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.read()

    # The admin's side.

    def get(self, what, **query):
        status, body = self.request("GET", f"/_emulator/{what}?{urllib.parse.urlencode(query)}")
        check(status == 200, f"/_emulator/{what}: {status} {body[:500]}")
        return json.loads(body)

    def post(self, what, value):
        status, body = self.request("POST", f"/_emulator/{what}", json.dumps(value),
                                    {"Content-Type": "application/json"})
        check(200 <= status < 300, f"/_emulator/{what}: {status} {body[:500]}")
        return json.loads(body) if body else None

    def faults(self, *faults):
        """Sets the faults; none lets everything through again, also what is held up."""
        self.post("faults", list(faults))

    def edit(self, module, number, **fields):
        return self.post("edit", {"module": module, "id": number, "fields": fields})

    def create(self, module, **fields):
        """Returns the new id."""
        answer = self.post("create", {"module": module, "fields": fields})
        return str(answer["id"] if isinstance(answer, dict) else answer)

    def delete(self, module, number):
        return self.post("delete", {"module": module, "id": number})

    def restore(self, module, number):
        return self.post("restore", {"module": module, "id": number})

    def hide(self, module, number, hidden=True):
        """The user may not see the record any more."""
        return self.post("hide", {"module": module, "id": number, "hidden": hidden})

    def ids(self, module):
        """All live ids, ascending."""
        answer = self.get("ids", module=module)
        return [str(number) for number in (answer["ids"] if isinstance(answer, dict) else answer)]

    def seen(self):
        """The log of all requests so far, the admin's left out."""
        answer = self.get("requests")
        return [entry for entry in (answer["requests"] if isinstance(answer, dict) else answer)
                if not entry["path"].startswith("/_emulator")]

    def mark(self):
        """A point in the log, for calls(since=...)."""
        return len(self.seen())

    def calls(self, method=None, path=None, since=0):
        """The calls of the API (not of tokens) whose path matches @path wholly."""
        found = [Call(entry) for entry in self.seen()[since:]]
        return [call for call in found
                if call.path.startswith("/crm/") and method in (None, call.method)
                and (path is None or re.fullmatch(path, call.path))]

    def pages(self, module, since=0):
        """The calls that listed @module."""
        return self.calls("GET", f"/crm/v8/{module}", since)

    def singles(self, module, since=0):
        """The calls for one record."""
        return self.calls("GET", f"/crm/v8/{module}/[0-9]+", since)

    def token_calls(self, since=0):
        return sum("/oauth/" in entry["path"] for entry in self.seen()[since:])

    # The API's side, for the reference.

    def token(self):
        if self.access_token is None:
            form = urllib.parse.urlencode({"grant_type": "refresh_token", "client_id": CLIENT_ID,
                                           "client_secret": CLIENT_SECRET, "refresh_token": REFRESH_TOKEN})
            _, body = self.request("POST", "/oauth/v2/token", form,
                                   {"Content-Type": "application/x-www-form-urlencoded"})
            answer = json.loads(body)
            check("access_token" in answer, f"no token: {answer}")
            self.access_token = answer["access_token"]
        return self.access_token

    def api(self, path, **query):
        """The body's text; None when there is none."""
        target = f"/crm/v8/{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        status, body = self.request("GET", target, None, {"Authorization": f"Zoho-oauthtoken {self.token()}"})
        if status == 401:
            self.access_token = None
            return self.api(path, **query)
        check(status in (200, 204), f"{target}: {status} {body[:500]}")
        return body.decode() if status == 200 else None


# ---- the mount -------------------------------------------------------------------------------------------------------

class Mount:
    """A mount in the foreground. `with` unmounts it and ends the daemon, whose exit must be a clean one.

    @ttl: in seconds. @limits: the configuration's group of that name. @wrapper: what runs the daemon. @keep: another
    mount, running or ended, whose state and cache folders this one goes on with. @groups: more of the configuration."""

    def __init__(self, emulator, ttl=3600, limits=None, options=(), wrapper=(), environment=None, keep=None,
                 refresh_token=REFRESH_TOKEN, groups=None):
        self.emulator, self.ttl, self.ended, self.killed = emulator, ttl, False, False
        self.folder = work_folder("mount")
        self.home = keep.home if keep else self.folder
        self.cache = os.path.join(self.home, "cache")
        self.path = os.path.join(self.folder, "mnt")
        self.log = os.path.join(self.folder, "log")
        os.mkdir(self.path)
        self.write_profile({"limits": limits or {}, **(groups or {})})
        self.write_secrets(refresh_token)
        words = [f"config={self.folder}/profile.conf", f"state_dir={self.home}/state", f"cache_dir={self.cache}",
                 f"ttl={ttl}", *options]
        escaped = ",".join(word.replace("\\", "\\\\").replace(",", "\\,") for word in words)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([*wrapper, zohofs, "mounted", self.path, "-f", "-o", escaped],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                                            env=dict(os.environ, **(environment or {})))
        try:
            self.wait_mounted()
        except BaseException:
            self.report()
            self.end()
            raise

    def write_profile(self, groups):
        lines = ["[account]", f"accounts_url={self.emulator.url}", f"api_url={self.emulator.url}",
                 f"client_id={CLIENT_ID}"]
        for group, values in groups.items():
            lines += [f"[{group}]", *(f"{key}={value}" for key, value in values.items())]
        with open(f"{self.folder}/profile.conf", "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")

    def write_secrets(self, refresh_token):
        os.makedirs(f"{self.home}/state", 0o700, exist_ok=True)
        for name, secret in ("client_secret", CLIENT_SECRET), ("refresh_token", refresh_token):
            handle = os.open(f"{self.home}/state/{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(handle, "w", encoding="utf-8") as file:
                file.write(secret + "\n")

    def wait_mounted(self):
        """The kernel tells when its list of mounts changes, and when the process ends."""
        end = time.monotonic() + 2 * PATIENCE
        with open("/proc/self/mounts", "rb") as mounts:
            poll = select.poll()
            poll.register(mounts, select.POLLPRI | select.POLLERR)
            pid = os.pidfd_open(self.process.pid)
            try:
                poll.register(pid, select.POLLIN)
                while not is_mounted(self.path):
                    check(self.process.poll() is None, f"zohofs ended with {self.process.returncode}")
                    check(time.monotonic() < end, "zohofs does not mount")
                    poll.poll(1000)
            finally:
                os.close(pid)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None and kind is not Skip:
            self.report()
        status = self.end()
        words = [line for line in tail(self.log, 100000) if any(word in line for word in SANITIZER_WORDS)]
        if kind is None and (words or status != (-signal.SIGKILL if self.killed else 0)):
            self.report(150)
            raise AssertionError(f"zohofs: {words[0]}" if words else f"zohofs ended with {status}")

    def report(self, lines=60):
        reports.extend([f"the daemon's log ({self.log}):", *tail(self.log, lines)])

    def kill(self):
        """The daemon dies on the spot, and the dead mount is taken away."""
        self.killed = self.ended = True
        self.process.kill()
        self.process.wait(timeout=PATIENCE)
        self.unmount()

    def unmount(self):
        """Unmounts; what still holds it (a program that was just ended) gets a moment to let go."""
        def gone():
            return not is_mounted(self.path) or subprocess.run(
                ["fusermount3", "-u", self.path], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                timeout=PATIENCE, check=False).returncode == 0
        wait_until(gone, "the mount to be let go", 30)

    def end(self):
        """Unmounts and waits for the daemon. Returns its exit status."""
        if self.ended:
            return self.process.returncode
        self.ended = True
        try:
            self.unmount()
        except (AssertionError, subprocess.TimeoutExpired):
            reports.append("the mount had to be taken away lazily")
            subprocess.run(["fusermount3", "-u", "-z", self.path], stdin=subprocess.DEVNULL, timeout=PATIENCE,
                           check=False)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=PATIENCE)
        if self.process.poll() is None:
            reports.extend(["the daemon did not end by itself:", *threads_of(self.process)])
            end_process(self.process, signal.SIGKILL)
        return self.process.returncode

    def at(self, *parts):
        return os.path.join(self.path, *parts)

    def list(self, *parts):
        return sorted(os.listdir(self.at(*parts)))

    def read(self, *parts):
        with open(self.at(*parts), "rb") as file:
            return file.read()

    def status(self):
        return json.loads(self.read(".zohofs/status.json"))

    def wait_quiet(self):
        """Until no call is under way: what a look set off is done, and the emulator's log is whole."""
        def quiet():
            status = self.status()
            return status["in_flight"] == status["queued"] == status["landing"] == 0
        wait_until(quiet, "the calls to end")

    def wait_calls(self, count):
        """Until @count calls wait for their answers."""
        def waiting():
            status = self.status()
            return status["in_flight"] + status["queued"] >= count
        wait_until(waiting, f"{count} calls to be under way")

    def expire(self):
        """Lets the TTL pass: what is known is not fresh any more. Real time, which the kernel's timeouts need."""
        time.sleep(self.ttl + 0.2)

    def memory(self):
        """Most resident bytes so far."""
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:"))


# ---- programs --------------------------------------------------------------------------------------------------------

def tool(*arguments, status=0, **options):
    """Runs a program to its end. Returns its output as text."""
    done = subprocess.run(list(map(str, arguments)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=2 * PATIENCE, check=False,
                          env=dict(os.environ, LC_ALL="C.UTF-8"), **options)
    words = done.stderr.decode(errors="replace")
    check(status is None or done.returncode == status,
          f"{shorten(arguments)} ended with {done.returncode}: {words[-1000:]}")
    return done.stdout.decode(errors="surrogateescape")


@contextlib.contextmanager
def running(*commands, **options):
    """Programs that may wait for long; what still runs at the end is killed."""
    processes = []
    try:
        for command in commands:
            processes.append(subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL,
                                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options))
        yield processes
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
        for process in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=PATIENCE)


def raw_open(path):
    """open(2) as it is, where Python would try again after EINTR. Returns the errno; 0 when it opened."""
    libc = ctypes.CDLL(None, use_errno=True)
    handle = libc.open(os.fsencode(path), os.O_RDONLY)
    if handle < 0:
        return ctypes.get_errno()
    os.close(handle)
    return 0


def raw_readdir(path):
    """readdir(3) as it is. Returns the errno; 0 when a name came."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.opendir.restype = libc.readdir.restype = ctypes.c_void_p
    libc.readdir.argtypes = libc.closedir.argtypes = [ctypes.c_void_p]
    stream = libc.opendir(os.fsencode(path))
    if stream is None:
        return ctypes.get_errno()
    for _ in range(3):  # "." and ".." come without any call
        ctypes.set_errno(0)
        if libc.readdir(stream) is None:
            break
    failed = ctypes.get_errno()
    libc.closedir(stream)
    return failed


# ---- running ---------------------------------------------------------------------------------------------------------

def run_patiently(function):
    for tried in range(1, TRIES + 1):
        try:
            function()
            return
        except Forgotten as reason:
            print(f"# try {tried}: {reason}", flush=True)
            if tried == TRIES:
                raise
            reports.clear()


def run_case(number, name, function):
    reports.clear()
    start = time.monotonic()
    try:
        run_patiently(function)
    except Skip as reason:
        print(f"ok {number} - {name} # SKIP {reason}", flush=True)
        return True
    except Exception:  # pylint: disable=broad-except
        print(f"not ok {number} - {name}")
        sys.stdout.flush()
        # Of a program that speaks TAP, meson shows the standard error alone.
        print(f"{name}:\n{traceback.format_exc()}", *reports, sep="\n", file=sys.stderr, flush=True)
        return False
    print(f"ok {number} - {name}")
    print(f"# {time.monotonic() - start:.1f} s", flush=True)
    return True


def skip_all(reason):
    """Ends the program; in TAP this is no failure."""
    print(f"1..0 # SKIP {reason}")
    sys.exit(0)


def main():
    """Runs the cases of the calling file as TAP."""
    global zohofs, emulator
    if len(sys.argv) < 3:
        sys.exit(f"usage: {sys.argv[0]} ZOHOFS EMULATOR [PART OF A CASE'S NAME]...")
    zohofs, emulator = map(os.path.abspath, sys.argv[1:3])
    emulator = os.environ.get("ZOHO_EMULATOR", emulator)
    if not has_fuse():
        skip_all("/dev/fuse cannot be used here")
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # What is started in the background ignores these, and so would all that we start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    chosen = [one for one in cases if not sys.argv[3:] or any(part in one[0] for part in sys.argv[3:])]
    print(f"1..{len(chosen)}", flush=True)
    good = [run_case(number, *one) for number, one in enumerate(chosen, 1)]
    if all(good):
        remove_work()
    else:
        print(f"# the logs are in {work_root()}")
    sys.exit(0 if all(good) else 1)
