#!/usr/bin/env python3
"""Runs the table-driven suite: requests to an emulator of our own and the answers they must get.

    suite.py EMULATOR [WORD...]     only cases whose names contain one of the words

The cases are in the cases_*.py beside this file; each has a list CASES of dictionaries:

    name            what is shown
    setup           calls made before: (method, path, json) tuples; those below /_emulator change knobs, faults, ...
    settings        knobs for this case
    method, path    the request; GET if left out
    json or body    what it carries: JSON, or bytes
    headers         in addition to Authorization (None as a value takes a header away)
    token           another access token than the suite's own; None: no Authorization at all
    expect_status   one status, or a tuple of those that are right
    expect          JSON that the answer must contain: every key of an object, the elements of a list in order
    check           called with the answer's JSON (its bytes where it is none, None where it is empty), and with the Answer
                    itself where it takes two arguments; asserts
    run             instead of a request: called with the Api; asserts

In a path or in JSON, "{id0}" stands for the first id in the answer of setup call 0, and so on. After a case that changes
anything the emulator is reset. Prints TAP.
"""

import glob
import http.client
import importlib.util
import inspect
import json
import os
import re
import select
import subprocess
import sys
import time
import traceback
from urllib.parse import urlencode, urlsplit

HERE = os.path.dirname(os.path.abspath(__file__))
RECORDS = "Leads=2400,Accounts=60,Contacts=60,Deals=40,Tasks=30,Events=30,Calls=30,Quotes=20,Products=20,Campaigns=20"
OPTIONS = ["--port", "0", "--records", RECORDS, "--notes", "60", "--seed", "7"]
CLIENT = {"client_id": "1000.DEMO", "client_secret": "demo-secret"}
REFRESH = {"grant_type": "refresh_token", "refresh_token": "1000.demo.refresh", **CLIENT}
SCOPES = ("ZohoCRM.modules.ALL,ZohoCRM.settings.ALL,ZohoCRM.users.ALL,ZohoCRM.org.ALL,ZohoCRM.coql.READ,ZohoCRM.bulk.ALL,"
          "ZohoCRM.notifications.ALL,ZohoSearch.securesearch.READ,ZohoFiles.files.ALL")
START_S = 60
ANSWER_S = 120


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body

    @property
    def json(self):
        """The JSON of the body; its bytes where it is none; None where there is none."""
        if not self.body:
            return None
        if "json" in self.headers.get("content-type", ""):
            return json.loads(self.body)
        return self.body


class Emulator:
    """An emulator process of our own."""

    def __init__(self, program, options=OPTIONS):
        self.process = subprocess.Popen([program, *options], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        try:
            self.url = self._wait()
        except BaseException:
            self.stop()
            raise
        self.host = urlsplit(self.url).hostname
        self.port = urlsplit(self.url).port

    def _wait(self):
        deadline = time.monotonic() + START_S
        text = b""
        while b"\n" not in text:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise RuntimeError("the emulator does not say where it listens")
            more = os.read(self.process.stdout.fileno(), 4096)
            if not more:
                raise RuntimeError("the emulator ended at once")
            text += more
        return re.search(rb"http://\S+", text).group().decode()

    def alive(self):
        return self.process.poll() is None

    def stop(self):
        """Returns its exit status."""
        if self.alive():
            self.process.terminate()
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            self.process.stdout.close()


class Api:
    """Calls to an emulator, each noted in @record when there is one."""

    def __init__(self, emulator, record=None):
        self.emulator = emulator
        self.record = record
        self.connection = None
        self.token = None
        self.dirty = False
        self.faulty = False

    def send(self, method, path, body, headers):
        for attempt in (0, 1):
            if self.connection is None:
                self.connection = http.client.HTTPConnection(self.emulator.host, self.emulator.port, timeout=ANSWER_S)
            try:
                self.connection.request(method, path, body=body, headers=headers)
                got = self.connection.getresponse()
                return Answer(got.status, got.getheaders(), got.read())
            except (http.client.RemoteDisconnected, ConnectionError):
                self.close()
                if attempt == 1:
                    raise

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def call(self, method, path, data=None, headers=None, body=None, token=""):
        """@token: "" is the suite's own, None is none."""
        sent = {}
        if token is not None and not path.startswith(("/_emulator", "/oauth")):
            sent["Authorization"] = "Zoho-oauthtoken " + (token or self.access_token())
        if data is not None:
            body = json.dumps(data).encode()
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        sent = {name: value for name, value in sent.items() if value is not None}
        if method not in ("GET", "HEAD"):
            self.dirty = True
        self.faulty = self.faulty or path == "/_emulator/faults"
        answer = self.send(method, path, body, sent)
        if self.record is not None:
            self.record.append({"method": method, "path": path, "headers": sent, "body": body, "answer": answer,
                                "faulty": self.faulty})
        return answer

    def access_token(self):
        if self.token is None:
            self.token = self.mint()["access_token"]
        return self.token

    def mint(self, **changes):
        """The token endpoint's JSON for the demo refresh token."""
        form = urlencode({**REFRESH, **changes})
        answer = self.send("POST", "/oauth/v2/token", form.encode(),
                           {"Content-Type": "application/x-www-form-urlencoded"})
        return answer.json

    def admin(self, what, data=None):
        answer = self.call("POST" if data is not None else "GET", "/_emulator/" + what, data)
        assert answer.status in (200, 204), (what, answer.status, answer.body)
        return answer.json

    def reset(self):
        """Everything as at the start."""
        answer = self.send("POST", "/_emulator/reset", b"{}", {"Content-Type": "application/json"})
        assert answer.status in (200, 204), answer.body
        self.token = None
        self.dirty = False
        self.faulty = False


def load_cases():
    """(file, case) of every cases_*.py beside this file."""
    for path in sorted(glob.glob(os.path.join(HERE, "cases_*.py"))):
        name = os.path.basename(path)[:-3]
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        for case in module.CASES:
            yield name, case


def first_id(value):
    """The first "id" in an answer, wherever it is."""
    if isinstance(value, dict):
        if isinstance(value.get("id"), str):
            return value["id"]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            found = first_id(each)
            if found is not None:
                return found
    return None


def fill(value, ids):
    if isinstance(value, str):
        return re.sub(r"\{id(\d+)\}", lambda match: ids[int(match.group(1))] or match.group(), value)
    if isinstance(value, dict):
        return {fill(key, ids): fill(each, ids) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(fill(each, ids) for each in value)
    return value


def contains(got, wanted, where="$"):
    """Asserts that @got has all that @wanted has."""
    if isinstance(wanted, dict):
        assert isinstance(got, dict), "%s: %r is no object" % (where, got)
        for key, value in wanted.items():
            assert key in got, "%s has no %s: %r" % (where, key, got)
            contains(got[key], value, where + "." + key)
    elif isinstance(wanted, list):
        assert isinstance(got, list) and len(got) >= len(wanted), "%s: %r is not %r" % (where, got, wanted)
        for index, value in enumerate(wanted):
            contains(got[index], value, "%s[%d]" % (where, index))
    else:
        assert got == wanted and isinstance(got, bool) == isinstance(wanted, bool), \
            "%s: %r is not %r" % (where, got, wanted)


def run_case(api, case):
    ids = []
    if "settings" in case:
        api.admin("settings", case["settings"])
    for step in case.get("setup", ()):
        method, path, data = (list(step) + [None])[:3]
        made = api.call(method, fill(path, ids), fill(data, ids))
        assert made.status < 300, "setup: %s %s: %d %r" % (method, path, made.status, made.body[:400])
        ids.append(first_id(made.json) if isinstance(made.json, (dict, list)) else None)
    if "run" in case:
        case["run"](api)
        return
    answer = api.call(case.get("method", "GET"), fill(case["path"], ids), fill(case.get("json"), ids),
                      fill(case.get("headers"), ids), case.get("body"), case.get("token", ""))
    wanted = case.get("expect_status", 200)
    assert answer.status in (wanted if isinstance(wanted, (tuple, list)) else (wanted,)), \
        "status %d, not %s: %r" % (answer.status, wanted, answer.body[:600])
    if "expect" in case:
        contains(answer.json, fill(case["expect"], ids))
    if "check" in case:
        if len(inspect.signature(case["check"]).parameters) > 1:
            case["check"](answer.json, answer)
        else:
            case["check"](answer.json)


def run(program, words=(), record=None, out=sys.stdout):
    """Runs all cases. Returns: how many failed."""
    cases = [(file, case) for file, case in load_cases()
             if not words or any(word in file + ": " + case["name"] for word in words)]
    failed = 0
    emulator = Emulator(program)
    api = Api(emulator, record)
    print("1..%d" % (len(cases) + 1), file=out)
    for number, (file, case) in enumerate(cases, 1):
        try:
            run_case(api, case)
            trouble = None
        except Exception as error:
            trouble = str(error) if isinstance(error, AssertionError) and str(error) else traceback.format_exc()
            failed += 1
        print("%s %d - %s: %s" % ("not ok" if trouble else "ok", number, file, case["name"].replace("#", "no.")), file=out)
        for line in (trouble or "").splitlines():
            print("# " + line[:1000], file=out)
        if not emulator.alive():
            print("Bail out! the emulator died of %s" % emulator.process.returncode, file=out)
            emulator.stop()
            return failed + 1
        if api.dirty or trouble:
            api.close()
            api.reset()
    api.close()
    status = emulator.stop()
    failed += status != 0
    print("%s %d - the emulator ends well (%d)" % ("ok" if status == 0 else "not ok", len(cases) + 1, status), file=out)
    return failed


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.stdout.reconfigure(line_buffering=True)
    sys.exit(1 if run(sys.argv[1], sys.argv[2:]) else 0)


if __name__ == "__main__":
    main()
