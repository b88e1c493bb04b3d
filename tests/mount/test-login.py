"""Signing in and out against the emulator's accounts server, each way, also in a real browser; what is refused on the
way; a mount that comes back to life; processes that share one access token."""
import base64
import contextlib
import errno
import http.client
import json
import os
import queue
import re
import shutil
import signal
import socket
import stat
import subprocess
import threading
import urllib.parse
import urllib.request

import harness
from harness import (CLIENT_ID, CLIENT_SECRET, Emulator, Mount, PATIENCE, REFRESH_TOKEN, Skip, case, check, end_process,
                     equal, fails, main, wait_until, work_folder)

SECRETS = "client_secret", "refresh_token"


class TwoCenters(Emulator):
    """An emulator with a second data centre."""

    def __init__(self, *arguments):
        super().__init__("Leads=3", "--second", *arguments)

    def read_url(self):
        url = super().read_url()
        match = re.match(r"second data centre on (http://127\.0\.0\.1:\d+)$", self.process.stdout.readline().decode())
        check(match, "no second data centre")
        self.second_url = match[1]
        return url


class Profile:
    """A profile in folders of its own."""

    def __init__(self, emulator, **account):
        self.emulator, self.folder = emulator, work_folder("profile")
        self.state, self.cache = f"{self.folder}/state", f"{self.folder}/cache"
        account = {"accounts_url": emulator.url, "api_url": emulator.url, "client_id": CLIENT_ID, **account}
        self.write("profile.conf", "[account]\n" + "".join(f"{key}={value}\n" for key, value in account.items()))
        self.write("secret", CLIENT_SECRET + "\n")
        self.places = ["-o", f"config={self.folder}/profile.conf,state_dir={self.state},cache_dir={self.cache}"]

    def write(self, name, text):
        handle = os.open(f"{self.folder}/{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)

    def kept(self, name):
        """What the state folder has; None: nothing."""
        try:
            with open(f"{self.state}/{name}", encoding="utf-8") as file:
                equal(stat.S_IMODE(os.fstat(file.fileno()).st_mode), 0o600, f"mode of {name}")
                return file.read().strip()
        except FileNotFoundError:
            return None

    def run(self, *arguments, text="", environment=None, wrapper=()):
        """Runs a command of zohofs to its end. Returns its status and all that it said."""
        done = subprocess.run([*wrapper, harness.zohofs, *arguments, *self.places], input=text.encode(),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE, check=False,
                              env=dict(os.environ, **(environment or {})), start_new_session=True)
        return done.returncode, done.stdout.decode()

    def login(self, *arguments, text=""):
        return self.run("login", "work", "--client-secret-file", f"{self.folder}/secret", *arguments, text=text)

    def sign_in(self, token=REFRESH_TOKEN):
        status, words = self.login("--refresh-token", "-", text=token)
        equal(status, 0, f"exit status; it said {words}")

    def start(self, *arguments, environment=None):
        return Login(self, arguments, environment)

    def mount(self):
        return Signed(self)

    def nothing_kept(self):
        equal([name for name in SECRETS if self.kept(name)], [], "secrets that were kept")
        check(not os.path.exists(f"{self.cache}/access_token"), "an access token was kept")


class Signed(Mount):
    """A mount of a profile as it is signed in."""

    def __init__(self, profile):
        self.profile = profile
        super().__init__(profile.emulator)

    def write_profile(self, limits):
        self.home, self.cache = self.profile.folder, self.profile.cache
        shutil.copy(f"{self.profile.folder}/profile.conf", f"{self.folder}/profile.conf")

    def write_secrets(self, refresh_token):
        pass


class Login:
    """`zohofs login` while it runs. `with` ends it."""

    def __init__(self, profile, arguments, environment=None):
        self.said, self.lines = "", queue.Queue()
        self.process = subprocess.Popen(
            [harness.zohofs, "login", "work", "--client-secret-file", f"{profile.folder}/secret", *arguments,
             *profile.places], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True, env=dict(os.environ, **{"DISPLAY": "", **(environment or {})}))
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.decode())
        self.lines.put(None)

    def line(self, pattern):
        """Waits for a line that matches, and returns the match."""
        while True:
            line = self.lines.get(timeout=PATIENCE)
            check(line is not None, f"no line has {pattern}; it said {self.said}")
            self.said += line
            match = re.search(pattern, line)
            if match:
                return match

    def page(self):
        """The address of Zoho's page."""
        return self.line(r"^  (http\S+/oauth/v2/auth\S+)$")[1]

    def device_page(self):
        """The address of the page for the user's code, and that code."""
        return self.line(r"^  (http\S+/oauth/v3/device)$")[1], self.line(r"^  ([0-9a-f]{4}-[0-9a-f]{4})$")[1]

    def ends(self, status, *words):
        """Waits for the end."""
        equal(self.process.wait(timeout=PATIENCE), status, "exit status")
        self.reader.join(PATIENCE)
        while not self.lines.empty():
            self.said += self.lines.get() or ""
        for word in words:
            check(word in self.said, f"it does not say {word!r}: {self.said}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end_process(self.process)
        self.reader.join(PATIENCE)
        self.process.stdout.close()


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def browse(url, follow=True, **headers):
    """What a browser does, without the pictures. Returns status, text, and where it was or would be sent."""
    handlers = [urllib.request.ProxyHandler({})] + ([] if follow else [Stay()])
    try:
        with urllib.request.build_opener(*handlers).open(urllib.request.Request(url, headers=headers),
                                                         timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode(), answer.url
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), error.headers.get("Location")


def query_of(url):
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))


def callback(page, **query):
    """The address that @page's answer goes to, with this answer."""
    return query_of(page)["redirect_uri"] + "?" + urllib.parse.urlencode(query)


def token_calls(emulator):
    return sum(entry["path"].startswith("/oauth/v2/token") for entry in emulator.seen())


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_closed(url):
    address = urllib.parse.urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((address.hostname, address.port)) == errno.ECONNREFUSED


def looked_at(pid):
    """Arguments and environment of a process, where they can be read."""
    text = b""
    for name in "cmdline", "environ":
        with contextlib.suppress(PermissionError):
            with open(f"/proc/{pid}/{name}", "rb") as file:
                text += file.read()
    return text


def files_below(folder):
    for top, _, names in os.walk(folder):
        yield from (os.path.join(top, name) for name in names)


# ---- the browser -----------------------------------------------------------------------------------------------------

@case("in a browser, from the page to the mount")
def browser():
    with Emulator("Leads=3") as emulator:
        profile = Profile(emulator)
        with profile.start() as login:
            page = login.page()
            asked = query_of(page)
            for scope in asked["scope"].split(","):
                check(f"  {scope} " in login.said, f"{scope} was not shown")
            check("ZohoCRM.modules.ALL" in asked["scope"], f"scopes: {asked['scope']}")
            equal((asked["access_type"], asked["prompt"]), ("offline", "consent"), "what the page is asked for")
            equal(asked["code_challenge_method"], "S256", "the kind of challenge")
            check(len(base64.urlsafe_b64decode(asked["state"] + "=")) >= 32, "the state is short")
            check(re.match(r"http://127\.0\.0\.1:\d+/callback$", asked["redirect_uri"]), "the address to come back to")
            status, text, _ = browse(page)
            equal(status, 200, f"the last page: {text}")
            check("<h1>You are signed in</h1>" in text, f"the last page: {text}")
            login.ends(0, "Signed in: profile work at")
        check(is_closed(asked["redirect_uri"]), "somebody still listens")
        equal(profile.kept("client_secret"), CLIENT_SECRET, "client secret")
        with profile.mount() as mount:
            check(len(mount.list("Leads")) >= 3, "leads")
        equal(token_calls(emulator), 1, "calls for tokens: the exchange alone")


class Chromium:
    """A real browser without a window, driven by WebDriver."""

    def __init__(self):
        if not shutil.which("chromedriver") or not shutil.which("chromium"):
            raise Skip("there is no chromium or no chromedriver here")
        self.folder = work_folder("chromium")
        self.port = free_port()
        with open(f"{self.folder}/log", "wb") as log:
            self.process = subprocess.Popen(["chromedriver", f"--port={self.port}"], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, start_new_session=True)

    def __enter__(self):
        def is_ready():
            with contextlib.suppress(OSError):
                return self.ask("GET", "/status")["ready"]
        wait_until(is_ready, "chromedriver")
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server",
                     f"--user-data-dir={self.folder}/profile"]
        wanted = {"browserName": "chrome", "goog:chromeOptions": {"args": arguments}}
        self.session = ""
        try:
            made = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        except BaseException:
            self.__exit__()
            raise
        self.session = f"/session/{made['sessionId']}"
        return self

    def __exit__(self, *_):
        with contextlib.suppress(Exception):
            if self.session:
                self.ask("DELETE", self.session)
        end_process(self.process)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request(method, path, json.dumps(body) if body is not None else None,
                               {"Content-Type": "application/json"})
            answer = connection.getresponse()
            value = json.loads(answer.read())["value"]
            check(answer.status == 200, f"chromedriver: {path}: {value}")
            return value

    def open(self, url):
        self.ask("POST", f"{self.session}/url", {"url": url})

    def text(self, selector):
        found = self.ask("POST", f"{self.session}/element", {"using": "css selector", "value": selector})
        return self.ask("GET", f"{self.session}/element/{list(found.values())[0]}/text")

    def click(self, selector):
        found = self.ask("POST", f"{self.session}/element", {"using": "css selector", "value": selector})
        self.ask("POST", f"{self.session}/element/{list(found.values())[0]}/click", {})

    def waits_for(self, title):
        wait_until(lambda: self.ask("GET", f"{self.session}/title") == title, f"the page {title!r}")


def desktop(profile):
    """An environment whose xdg-open writes what it was told to open into a file."""
    folder = f"{profile.folder}/bin"
    os.makedirs(folder, exist_ok=True)
    profile.write("bin/xdg-open", f"#!/bin/sh\nprintf '%s\\n' \"$*\" > {profile.folder}/opening\n"
                                  f"mv {profile.folder}/opening {profile.folder}/opened\n")
    os.chmod(f"{folder}/xdg-open", 0o700)
    return {"DISPLAY": ":77", "PATH": f"{folder}:{os.environ['PATH']}"}


def opened(profile):
    def look():
        with contextlib.suppress(FileNotFoundError), open(f"{profile.folder}/opened", encoding="utf-8") as file:
            return file.read().strip()
    return wait_until(look, "the browser to be started")


@case("in a real Chromium: started by itself, agreed with a click")
def chromium():
    with Emulator("Leads=3", "--set", "consent=page") as emulator, Chromium() as chrome:
        profile = Profile(emulator)
        with profile.start("--read-only", environment=desktop(profile)) as login:
            page, link = login.page(), opened(profile)
            for name in "state", "code_challenge":
                check(query_of(page)[name] not in link, f"the browser's argument has the {name}: {link}")
            chrome.open(link)
            chrome.waits_for("Consent")
            check("ZohoCRM.modules.READ" in chrome.text("#scope"), "the page shows other scopes")
            equal(browse(link)[0], 404, "the link a second time")
            chrome.click("#accept")
            chrome.waits_for("zohofs: You are signed in")
            check("You can close this page" in chrome.text("p"), "the last page")
            login.ends(0, "This page was opened in your browser", "Signed in")
        with profile.mount() as mount:
            check(len(mount.list("Leads")) >= 3, "leads")


@case("in a real Chromium: refused with a click")
def chromium_denied():
    with Emulator("Leads=3", "--set", "consent=page") as emulator, Chromium() as chrome:
        profile = Profile(emulator)
        with profile.start() as login:
            chrome.open(login.page())
            chrome.click("#reject")
            chrome.waits_for("zohofs: Not signed in")
            login.ends(1, "access_denied")
        profile.nothing_kept()


@case("the permission is denied")
def denied():
    with Emulator("Leads=3", "--set", "consent=deny") as emulator:
        profile = Profile(emulator)
        with profile.start() as login:
            status, text, _ = browse(login.page())
            equal(status, 400, "status of the last page")
            check("<h1>Not signed in</h1>" in text and "access_denied" in text, f"the last page: {text}")
            login.ends(1, "access_denied")
        profile.nothing_kept()
        equal(token_calls(emulator), 0, "calls for tokens")


@case("what comes with another state, to another host or by another method is not used, and the right answer still is")
def wrong_state():
    with Emulator("Leads=3") as emulator:
        profile = Profile(emulator)
        with profile.start() as login:
            page = login.page()
            code = {"code": "1000.a.b"}
            for answer in {**code, "state": "x" * 43}, code, {"error": "access_denied"}, {}:
                status, text, _ = browse(callback(page, **answer))
                equal(status, 403, f"status for {answer}")
                check("Not this sign-in" in text, f"the page: {text}")
            right = callback(page, code="1000.a.b", state=query_of(page)["state"])
            equal(browse(right, Host="zohofs.example")[0], 403, "status for another host")
            address = urllib.parse.urlsplit(right)
            for method in "POST", "HEAD", "PUT":
                with contextlib.closing(http.client.HTTPConnection(address.netloc, timeout=PATIENCE)) as connection:
                    with contextlib.suppress(http.client.HTTPException, OSError):
                        connection.request(method, f"{address.path}?{address.query}")
                        check(connection.getresponse().status >= 400, f"{method} was served")
            equal(browse(f"http://{address.netloc}/")[0], 404, "status of another page")
            with socket.create_connection((address.hostname, address.port)):  # says nothing, and holds up nobody
                equal(token_calls(emulator), 0, "calls for tokens")
                equal(browse(page)[0], 200, "the right answer")
            login.ends(0)


@case("a code that is replayed, expired, or of another sign-in is refused")
def bad_codes():
    with Emulator("Leads=3") as emulator:
        profile = Profile(emulator)
        with profile.start() as login:
            page = login.page()
            first = browse(page, follow=False)[2]
            equal(browse(first)[0], 200, "the first use")
            login.ends(0)
        kept = profile.kept("refresh_token")
        # Replayed into the next sign-in.
        with profile.start() as login:
            page = login.page()
            again = callback(page, code=query_of(first)["code"], state=query_of(page)["state"])
            equal(browse(again)[0], 400, "replayed")
            login.ends(1, "works once", "invalid_code")
        # A code that was never used, of a sign-in at the very same address: PKCE.
        port = str(free_port())
        with profile.start("--port", port) as login:
            stolen = query_of(browse(login.page(), follow=False)[2])["code"]
        with profile.start("--port", port) as login:
            page = login.page()
            equal(browse(callback(page, code=stolen, state=query_of(page)["state"]))[0], 400, "stolen")
            login.ends(1, "invalid_code")
        with profile.start() as login:
            late = browse(login.page(), follow=False)[2]
            emulator.post("settings", {"advance_s": 181})
            equal(browse(late)[0], 400, "expired")
            login.ends(1, "invalid_code")
        equal(profile.kept("refresh_token"), kept, "the sign-in of before")


@case("an answer is taken once")
def answered_twice():
    with Emulator("Leads=3") as emulator:
        profile = Profile(emulator)
        with profile.start() as login:
            back = browse(login.page(), follow=False)[2]
            emulator.faults({"match": "POST /oauth/v2/token", "stall": True})
            pages = []
            first = threading.Thread(target=lambda: pages.append(browse(back)[0]))
            first.start()
            wait_until(lambda: token_calls(emulator), "the exchange")
            equal(browse(back)[0], 410, "the same answer again")
            emulator.faults()
            first.join(PATIENCE)
            equal(pages, [200], "the first")
            login.ends(0)
        equal(token_calls(emulator), 1, "calls for tokens")


@case("a port that is taken, and one where nobody listens any more")
def closed_port():
    with Emulator("Leads=3") as emulator, socket.socket() as taken:
        profile = Profile(emulator)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with profile.start("--port", str(port)) as login:
            login.ends(1, f"Port {port} of 127.0.0.1", "--port", "--device")
        taken.close()
        with profile.start("--port", str(port)) as login:
            page = login.page()
            equal(query_of(page)["redirect_uri"], f"http://127.0.0.1:{port}/callback", "the address to come back to")
            back = browse(page, follow=False)[2]
        check(is_closed(back), "somebody listens after the end")
        profile.nothing_kept()


@case("a code goes to no server but Zoho's and the configured ones")
def sent_elsewhere():
    with Emulator("Leads=3") as emulator, socket.socket() as foreign:
        foreign.bind(("127.0.0.1", 0))
        foreign.listen()
        foreign.setblocking(False)
        profile = Profile(emulator)
        address = f"http://127.0.0.1:{foreign.getsockname()[1]}"
        for server in (address, "https://accounts.zoho.com.example", "https://accounts.zoho.com@127.0.0.1",
                       "http://accounts.zoho.com", "https://accounts.zoho.com:444", "file:///etc/passwd", ""):
            with profile.start() as login:
                page = login.page()
                answer = {"code": "1000.a.b", "state": query_of(page)["state"], "accounts-server": server}
                status, text, _ = browse(callback(page, **answer))
                equal(status, 400, f"status for {server}")
                check("nothing was sent there" in text, f"the page: {text}")
                login.ends(1, "neither a data centre of Zoho's nor configured")
        with profile.start() as login:
            page = login.page()
            browse(callback(page, code="1000.a.b", state=query_of(page)["state"], location="atlantis"))
            login.ends(1, "atlantis")
        fails(errno.EAGAIN, foreign.accept)
        equal(token_calls(emulator), 0, "calls for tokens")
        profile.nothing_kept()


@case("an account in another data centre, by browser and by device, up to the mount")
def other_data_centre():
    with TwoCenters("--set", "users_in_second=1", "--set", "device_interval_ms=1000") as emulator:
        configured = {"other_accounts_url": emulator.second_url, "other_api_url": emulator.second_url}
        profile = Profile(emulator, **configured)
        with profile.start() as login:
            equal(browse(login.page())[0], 200, "the last page")
            login.ends(0, "another data centre", f"at {emulator.second_url}")
        equal(json.loads(profile.kept("hosts"))["api_url"], emulator.second_url, "where it belongs")
        with profile.mount() as mount:
            equal(mount.status()["account"]["api"], emulator.second_url, "the API's address")
            check(len(mount.list("Leads")) >= 3, "leads")
            emulator.post("expire_tokens", {})
            mount.read(".zohofs", "modules", "Leads", "fields.json")
        device = Profile(emulator, **configured)
        status, words = device.login("--device")
        equal(status, 0, words)
        check(f"at {emulator.second_url}" in words, words)
        # A configuration that names neither is not led there.
        strict = Profile(emulator)
        with strict.start() as login:
            equal(browse(login.page())[0], 400, "the last page")
            login.ends(1, "nothing was sent there")
        strict.nothing_kept()
        equal(device.run("logout", "work")[0], 0, "logout there")


# ---- other ways ------------------------------------------------------------------------------------------------------

@case("by device: shown, awaited, slower when told so, agreed")
def device():
    with Emulator("Leads=3", "--set", "device=pending", "--set", "device_interval_ms=1000") as emulator:
        profile = Profile(emulator)
        with profile.start("--device", "--modules", "Leads,Sales_Orders,Projects") as login:
            page, code = login.device_page()
            for scope in "leads.ALL", "salesorders.ALL", "custom.ALL", "notes.ALL", "attachments.ALL":
                check(f"  ZohoCRM.modules.{scope} " in login.said, f"{scope} was not shown: {login.said}")
            check("ZohoCRM.modules.ALL" not in login.said, "all modules were asked for")

            def polls():
                return sum(entry["path"] == "/oauth/v3/device/token" for entry in emulator.seen())
            wait_until(lambda: polls() >= 2, "two questions")
            emulator.post("settings", {"device": "slow_down"})
            before = polls()
            wait_until(lambda: polls() > before, "the question that is too early")
            check("Thank you" in browse(f"{page}?user_code={code}&answer=accept")[1], "the page")
            login.ends(0, "Signed in")
        with profile.mount() as mount:
            check(len(mount.list("Leads")) >= 3, "leads")


@case("by device: denied, expired, and asked with nonsense")
def device_refused():
    with Emulator("Leads=3", "--set", "device=pending", "--set", "device_interval_ms=1000") as emulator:
        profile = Profile(emulator)
        with profile.start("--device") as login:
            page, code = login.device_page()
            browse(f"{page}?user_code={code}&answer=reject")
            login.ends(1, "access_denied")
        with profile.start("--device") as login:
            login.line("Waiting for that")
            emulator.post("settings", {"advance_s": 301})
            login.ends(1, "not entered in time")
        for body in ({"user_code": "\x1b]0;x\x07", "device_code": "a", "verification_url": "https://a"}, {}, [],
                     {"error": "invalid_client"}):
            emulator.faults({"match": "POST /oauth/v3/device/code", "body": body})
            status, words = profile.login("--device")
            equal(status, 1, words)
            check("\x1b" not in words, "the terminal was sent what the server said")
        profile.nothing_kept()


@case("by a self client's code, which is not left among the arguments")
def self_client():
    with Emulator("Leads=3") as emulator:
        profile = Profile(emulator)

        def code():
            _, body = emulator.request("POST", "/oauth/v2/self_client_code", "", {"Content-Length": "0"})
            return json.loads(body)["code"]
        used = code()
        emulator.faults({"match": "POST /oauth/v2/token", "stall": True})
        with profile.start("--self-client", used) as login:
            wait_until(lambda: token_calls(emulator), "the exchange")
            seen = looked_at(login.process.pid)
            check(b"--self-client" in seen, "the arguments cannot be read")
            for secret in used, CLIENT_SECRET:
                check(secret.encode() not in seen, "a secret is in arguments or environment")
            emulator.faults()
            login.ends(0, "Signed in")
        status, words = profile.login("--self-client", used)
        equal(status, 1, words)
        check("works once" in words, words)
        status, words = profile.login("--self-client", "-", text=code() + "\n")
        equal(status, 0, words)
        with profile.mount() as mount:
            check(len(mount.list("Leads")) >= 3, "leads")


@case("what would be asked for can be shown alone")
def scopes():
    with Emulator("Leads=3") as emulator:
        profile = Profile(emulator)
        _, everything = profile.run("login", "--show-scopes")
        status, words = profile.run("login", "--show-scopes", "--read-only", "--modules", "Leads,Contacts")
        equal(status, 0, "exit status")
        asked = words.strip().split(",")
        for scope in "leads", "contacts", "notes", "attachments":
            check(f"ZohoCRM.modules.{scope}.READ" in asked, f"{scope} is missing in {asked}")
        check(all(scope.endswith(".READ") for scope in asked), f"more than reading: {asked}")
        check("ZohoCRM.modules.ALL" in everything.strip().split(","), everything)
        for bad in "", "Leads,", "../x", "Leads Contacts":
            equal(profile.run("login", "--show-scopes", "--modules", bad)[0], 2, f"exit status of --modules {bad}")
        equal(profile.run("login", "--device", "--refresh-token", "-")[0], 2, "two ways")


@case("reading needs no more than what --read-only asks for")
def scopes_suffice():
    with Emulator("Leads=3") as emulator:
        profile = Profile(emulator)
        with profile.start("--read-only", "--modules", "Leads") as login:
            equal(browse(login.page())[0], 200, "the last page")
            login.ends(0)
        with profile.mount() as mount:
            names = mount.list("Leads")
            lead = next(name for name in names if name.endswith(".json"))
            mount.read("Leads", lead)
            mount.read("Users", "me.json")
            with open(mount.at("Leads", lead), "rb") as file:
                text = file.read().replace(b'"City"', b'"City"')
            fails(errno.EACCES, save, mount.at("Leads", lead),
                  re.sub(rb'"Last_Name": "[^"]*"', b'"Last_Name": "Changed"', text))


def save(path, text):
    handle = os.open(path, os.O_WRONLY | os.O_TRUNC)
    try:
        os.write(handle, text)
    except BaseException:
        os.close(handle)
        raise
    os.close(handle)


# ---- the end, and the next beginning ---------------------------------------------------------------------------------

@case("logout revokes and removes")
def logout():
    with Emulator("Leads=3") as emulator:
        profile = Profile(emulator)
        with profile.start() as login:
            browse(login.page())
            login.ends(0)
        token = profile.kept("refresh_token")
        emulator.faults({"match": "/oauth/v2/token/revoke", "status": 500})
        status, words = profile.run("logout", "work")
        equal(status, 1, words)
        check("nothing was removed" in words and "--force" in words and token not in words, words)
        equal(profile.kept("refresh_token"), token, "the refresh token")
        emulator.faults()
        status, words = profile.run("logout", "work")
        equal((status, words), (0, "Signed out: profile work.\n"), "logout")
        profile.nothing_kept()
        status, words = profile.login("--refresh-token", "-", text=token)
        equal(status, 1, "the revoked token")
        check("revoked" in words, words)
        equal(profile.run("logout", "work")[0], 0, "logout once more")
        profile.sign_in()
        emulator.stop()
        equal(profile.run("logout", "work")[0], 1, "logout without a connection")
        check(profile.kept("refresh_token"), "the refresh token is gone")
        equal(profile.run("logout", "work", "--force")[0], 0, "logout by force")
        profile.nothing_kept()
        emulator.restart()


@case("a mount whose sign-in is dead comes back to life with the next one")
def back_to_life():
    with Emulator("Leads=3") as emulator:
        profile = Profile(emulator)
        with profile.start() as login:
            browse(login.page())
            login.ends(0)
        with profile.mount() as mount:
            leads = emulator.ids("Leads")
            mount.read("Leads", f"{leads[0]}.json")
            equal(profile.run("logout", "work")[0], 0, "logout")
            fails(errno.EKEYEXPIRED, mount.read, "Leads", f"{leads[1]}.json")
            check(mount.status()["signed_out"], "status.json does not say that the sign-in is dead")
            with profile.start() as login:
                browse(login.page())
                login.ends(0)
            wait_until(lambda: not mount.status()["signed_out"], "the new sign-in to be noticed")
            mount.read("Leads", f"{leads[1]}.json")
            # And while the old one still works: nobody has to see an error.
            profile.sign_in()
            emulator.post("expire_tokens", {})
            mount.read("Leads", f"{leads[2]}.json")


@case("several profiles have sign-ins of their own")
def profiles():
    with Emulator("Leads=3") as emulator:
        one, other = Profile(emulator), Profile(emulator)
        one.sign_in()
        other.sign_in("1000.user2.refresh")
        with one.mount() as first, other.mount() as second:
            users = [json.loads(mount.read("Users", "me.json"))["id"] for mount in (first, second)]
            check(users[0] != users[1], f"both are {users[0]}")
            equal(one.run("logout", "work")[0], 0, "logout of one")
            second.read("Leads", emulator.ids("Leads")[0] + ".json")


# ---- one token for all -----------------------------------------------------------------------------------------------

@case("20 mounts that start at once share one refresh, and the next one")
def twenty():
    with Emulator("Leads=40") as emulator:
        profile = Profile(emulator)
        profile.sign_in()
        emulator.post("reset", {"only": "log"})
        # Slow enough for all to want a token before there is one.
        emulator.faults({"match": "POST /oauth/v2/token", "delay_ms": 1500})
        points = [f"{profile.folder}/mnt{number}" for number in range(20)]
        for point in points:
            os.mkdir(point)
        try:
            starting = [subprocess.Popen([harness.zohofs, "work", point, *profile.places], stdin=subprocess.DEVNULL,
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for point in points]
            equal([process.wait(timeout=PATIENCE) for process in starting], [0] * 20, "exit statuses")
            equal(token_calls(emulator), 1, "calls for tokens")
            emulator.post("expire_tokens", {})
            leads = emulator.ids("Leads")
            readers = [threading.Thread(target=read_whole, args=(f"{point}/Leads/{leads[number]}.json",))
                       for number, point in enumerate(points)]
            for reader in readers:
                reader.start()
            for reader in readers:
                reader.join(PATIENCE)
            equal(token_calls(emulator), 2, "calls for tokens after all had expired")
        finally:
            for point in points:
                subprocess.run(["fusermount3", "-u", "-q", point], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               timeout=PATIENCE, check=False)


def read_whole(path):
    with open(path, "rb") as file:
        return file.read()


@case("no more than ten tokens in ten minutes are asked for, however often they die")
def ten_in_ten_minutes():
    with Emulator("Leads=30", "--set", "token_mints=0") as emulator:
        profile = Profile(emulator)
        profile.sign_in()
        emulator.post("reset", {"only": "log"})
        with profile.mount() as mount:
            leads = emulator.ids("Leads")
            for number in leads[:9]:
                emulator.post("expire_tokens", {})
                mount.read("Leads", f"{number}.json")
            equal(token_calls(emulator), 10, "calls for tokens")
            emulator.post("expire_tokens", {})
            status, words = profile.run("doctor", "work")
            equal(status, 1, words)
            check("too many were asked for" in words, words)
            equal(token_calls(emulator), 10, "calls for tokens, another process included")


# ---- secrets ---------------------------------------------------------------------------------------------------------

@case("secrets are in their files and nowhere else")
def hidden():
    with Emulator("Leads=3") as emulator:
        profile = Profile(emulator)
        with profile.start("-o", "log=debug") as login:
            page = login.page()
            back = browse(page, follow=False)[2]
            seen = looked_at(login.process.pid)
            browse(back)
            login.ends(0)
        secrets = [CLIENT_SECRET, profile.kept("refresh_token"), query_of(back)["code"]]
        with open(f"{profile.cache}/access_token", encoding="utf-8") as file:
            secrets.append(json.load(file)["access_token"])
        with profile.mount() as mount:
            mount.list("Leads")
            seen += looked_at(mount.process.pid) + read_whole(mount.log) + login.said.encode()
            for name in "status.json", "metrics":
                seen += mount.read(".zohofs", name)
        allowed = {f"{profile.state}/client_secret", f"{profile.state}/refresh_token", f"{profile.cache}/access_token",
                   f"{profile.folder}/secret"}
        for path in set(files_below(profile.folder)) - allowed:
            seen += read_whole(path)
        for secret in secrets:
            check(secret.encode() not in seen, f"{secret[:12]}... was seen")
        for path in allowed:
            equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, f"mode of {path}")


def with_keyring(script):
    """Runs a shell script where there is a desktop's keyring."""
    for program in "dbus-run-session", "gnome-keyring-daemon":
        if not shutil.which(program):
            raise Skip(f"there is no {program} here")
    folder = work_folder("desktop")
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY")}
    environment.update(HOME=folder, XDG_DATA_HOME=f"{folder}/data", XDG_CACHE_HOME=f"{folder}/cache",
                       XDG_RUNTIME_DIR=folder)
    # GLib's threads for D-Bus may be busy when a process ends, with what a sanitizer takes for lost.
    environment["ASAN_OPTIONS"] = "detect_leaks=0"
    done = subprocess.run(["dbus-run-session", "--", "sh", "-ec",
                           "printf word | gnome-keyring-daemon --unlock --components=secrets >/dev/null\n" + script],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE,
                          check=False, env=environment, start_new_session=True)
    return done.returncode, done.stdout.decode()


@case("secrets in the desktop's keyring")
def keyring():
    with Emulator("Leads=3") as emulator:
        profile = Profile(emulator)
        environment = {"DBUS_SESSION_BUS_ADDRESS": "", "XDG_RUNTIME_DIR": "/nowhere"}
        status, words = profile.run("login", "work", "--refresh-token", "-", "--keyring", "--client-secret-file",
                                    f"{profile.folder}/secret", text=REFRESH_TOKEN, environment=environment)
        equal(status, 1, words)
        if "without libsecret" in words:
            raise Skip("built without libsecret")
        check("desktop session" in words, words)
        profile.nothing_kept()
        point = f"{profile.folder}/mnt"
        os.mkdir(point)
        places = f"'{profile.places[1]}'"
        status, words = with_keyring(f"""
            printf {REFRESH_TOKEN} | {harness.zohofs} login work --refresh-token - --keyring \\
                --client-secret-file {profile.folder}/secret -o {places}
            cat {profile.state}/refresh_token {profile.state}/client_secret
            {harness.zohofs} work {point} -o {places}
            ls {point}/Leads | wc -l
            fusermount3 -u {point}
            {harness.zohofs} logout work -o {places}
            ! {harness.zohofs} keyring load {profile.state} refresh_token
            """)
        equal(status, 0, words)
        check(re.search(r"Signed in.*\nkeyring:\nkeyring:\n[3-9]\nSigned out", words), words)
        check(CLIENT_SECRET not in words and REFRESH_TOKEN not in words, words)
        profile.nothing_kept()


main()
