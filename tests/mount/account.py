"""A sign-in to test the program with: a profile in folders of its own, and a server that gives out tokens.

The server is as small as these tests allow, because they need answers that no healthy server gives. ZOHOFS in the
environment is the program."""
import errno
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ZOHOFS = os.path.abspath(os.environ["ZOHOFS"])
# Generous, for slow machines and sanitizers; nothing waits this long unless it hangs.
PATIENCE = 120


def has_fuse():
    """Can mounts be made here?"""
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
        return True
    except OSError:
        return False


def main():
    """Runs the tests of the calling file; 77 tells meson that it was skipped."""
    if os.environ.get("NEEDS_FUSE") and not has_fuse():
        print("skipped: /dev/fuse cannot be used here")
        sys.exit(77)
    # What is started in the background ignores it, and so would the programs that we start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    unittest.main(verbosity=2)


def wait_until(check):
    """Returns when check() is true."""
    end = time.monotonic() + PATIENCE
    while not check():
        if time.monotonic() > end:
            raise AssertionError("waited too long")
        time.sleep(0.02)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def reply(self, status, body):
        text = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json;charset=utf-8")
        if status != 204:
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.token_calls += 1
        self.server.gate.wait(PATIENCE)
        self.reply(200, self.server.token)

    def do_GET(self):
        self.server.gate.wait(PATIENCE)
        self.reply(*self.server.answer)

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    """Answers each POST with `token` and each GET with `answer`, a pair of status and body, once `gate` is open."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.token = {"access_token": "1000.access.token", "api_domain": self.url, "token_type": "Bearer",
                      "expires_in": 3600}
        self.answer = (204, None)
        self.token_calls = 0
        self.gate = threading.Event()
        self.gate.set()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """A client that was ended leaves its connection in the middle; that is what some tests do."""

    def stop(self):
        self.gate.set()
        self.shutdown()
        self.server_close()


class Profile:
    """A profile below a folder of its own, outside /tmp, where some programs behave differently. No other has its name,
    since some commands take all mounts of a name."""

    def __init__(self, url):
        self.folder = tempfile.mkdtemp(prefix="zohofs-test-", dir="/var/tmp")
        self.name = os.path.basename(self.folder)
        self.environment = dict(os.environ, HOME=self.folder, XDG_CONFIG_HOME=self.folder + "/config",
                                XDG_STATE_HOME=self.folder + "/state", XDG_CACHE_HOME=self.folder + "/cache")
        self.config = self.folder + f"/config/zohofs/{self.name}.conf"
        self.state = self.folder + f"/state/zohofs/{self.name}"
        self.mountpoint = self.folder + "/mnt"
        os.makedirs(os.path.dirname(self.config))
        os.makedirs(self.state, 0o700)
        os.mkdir(self.mountpoint)
        self.configure(f"[account]\naccounts_url={url}\napi_url={url}\nclient_id=1000.TEST\n[limits]\ndeadline=60\n")
        self.keep("client_secret", "secret")
        self.keep("refresh_token", "1000.refresh")

    def configure(self, text):
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(text)

    def keep(self, name, text, mode=0o600):
        path = f"{self.state}/{name}"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        os.chmod(path, mode)

    def run(self, *arguments, program=ZOHOFS, **options):
        """Runs the program to its end, or until it is in the background."""
        return subprocess.run([program, *arguments], env=self.environment, text=True, timeout=PATIENCE,
                              stdin=options.pop("stdin", subprocess.DEVNULL), capture_output=True, check=False,
                              **options)

    def try_mount(self, *arguments, **options):
        return self.run(self.name, self.mountpoint, *arguments, **options)

    def start(self, *arguments):
        """Starts the program in the foreground."""
        return subprocess.Popen([ZOHOFS, self.name, self.mountpoint, "-f", *arguments], env=self.environment, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def is_mounted(self):
        with open("/proc/self/mounts", encoding="utf-8") as mounts:
            return any(line.split()[1] == self.mountpoint for line in mounts)

    def status(self):
        with open(self.mountpoint + "/.zohofs/status.json", encoding="utf-8") as file:
            return json.load(file)

    def unmount(self):
        subprocess.run(["fusermount3", "-u", self.mountpoint], check=True, timeout=PATIENCE)

    def remove(self):
        if self.is_mounted():
            subprocess.run(["fusermount3", "-u", "-z", self.mountpoint], check=False, timeout=PATIENCE)
        shutil.rmtree(self.folder, ignore_errors=True)


def has_ended(pid):
    """Is process @pid gone, or waiting to be buried?"""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


class Case(unittest.TestCase):
    """A test with a server and a profile that is signed in to it."""

    def setUp(self):
        self.server = Server()
        self.profile = Profile(self.server.url)
        self.addCleanup(self.server.stop)
        self.addCleanup(self.profile.remove)

    def mount(self, *arguments):
        """Mounts in the background; returns the daemon's process id."""
        result = self.profile.try_mount(*arguments)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return self.profile.status()["pid"]

    def assert_refused(self, result, *words, status=1):
        """It failed with one line that has all of the words."""
        self.assertEqual(result.returncode, status, result.stderr)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        self.assertTrue(result.stderr.startswith("zohofs: "), result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)
        self.assertFalse(self.profile.is_mounted())

    def assert_fails(self, number, function, *arguments):
        with self.assertRaises(OSError) as caught:
            function(*arguments)
        self.assertEqual(errno.errorcode[caught.exception.errno], errno.errorcode[number])

    def end(self, process, number=signal.SIGTERM):
        """Signals a process started in the foreground; returns its status and what it said."""
        process.send_signal(number)
        _, words = process.communicate(timeout=PATIENCE)
        return process.returncode, words
