#!/usr/bin/env python3
"""Malformed requests against an emulator of our own: it may refuse them or hang up, but it must go on answering.

    fuzz_http.py EMULATOR [SEED [ROUNDS]]

Sends what is broken on purpose (HTTP that is none, JSON that is none, wrong types, wrong lengths), then mutations of good
requests drawn from SEED. Prints TAP; the failing request is shown as bytes."""

import json
import random
import socket
import sys

from suite import Api, Emulator

WAIT_S = 60
DEEP = 200000
TREES = [None, True, 0, -1, 1.5, 10 ** 400, "", "x" * 70000, "\ud83d\ude00", [], {}, [[]], [None], {"": None}, {"id": {}},
         {"id": "99999999999999999999999999"}, "7010000000201", "\\u0000", "${EMPTY}"]
BODIES = [b"", b"{", b"nul", b"\xff\xfe", b'{"a":\x00}', b'{"data":[', b'"' * 1000, b"[" * DEEP, b'{"a":' * DEEP,
          b'{"data":[{"Last_Name":"\\ud800"}]}', b'{"data":1e999}', b'{"data":' + b"9" * 5000 + b"}",
          b'{"a":1,"a":2}', b"\xef\xbb\xbf{}", b"--b\r\n\r\n\r\n--b--", b"--b\r\nContent-Disposition: form-data; name=\"",
          b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\nPK\x03\x04\r\n--b--\r\n",
          b'{"data":[{"Last_Name":"\\u00015"}]}', b'{"select_query":"' + b"(" * 60000 + b'"}',
          b'{"select_query":"select id from Leads where ' + b"(id = 1 and " * 3000 + b'"}']
PATHS = ["/", "//", "/crm", "/crm/v8", "/crm/v8/", "/crm/v8//", "/crm/v8/Leads/%00", "/crm/v8/Leads/%", "/crm/v8/%ff",
         "/crm/v8/Leads?fields=%zz", "/crm/v8/Leads?" + "a&" * 3000, "/crm/v8/Leads?fields=" + "x," * 2000,
         "/crm/v8/Leads?page=-1&fields=id", "/crm/v8/Leads?page=99999999999999999999&fields=Last_Name",
         "/crm/v8/Leads/search?criteria=" + "(" * 3000, "/crm/v8/Leads/99999999999999999999", "/crm/v8/Leads/-1",
         "/crm/v8/Leads/" + "9" * 3000, "/crm/v8/" + "a/" * 1000, "/crm/bulk/v8/read/../../x", "/crm/bulk/v8/write/x/result",
         "/_emulator", "/_emulator/settings", "/_emulator/faults", "/oauth/v2/token", "/oauth/v2/token?" + "=" * 100,
         "/oauth/v2/auth", "/oauth/v3/device/code", "/oauth/v3/device/token", "*", "http://elsewhere/crm/v8/Leads",
         "/crm/v8/Leads/deleted?type=%00", "/crm/v8/coql", "/crm/v8/upload", "/crm/v8/files", "/crm/v8/settings/fields?module="]
POSTED = ["/crm/v8/Leads", "/crm/v8/Leads/upsert", "/crm/v8/Notes", "/crm/v8/coql", "/crm/bulk/v8/read",
          "/crm/bulk/v8/write", "/crm/v8/actions/watch", "/crm/v8/upload", "/crm/v8/files",
          "/crm/v8/Leads/1/Attachments", "/crm/v8/Leads/1/photo", "/crm/v8/Leads/1/actions/convert",
          "/crm/v8/Leads/actions/add_tags", "/crm/v8/settings/tags?module=Leads", "/oauth/v2/token", "/_emulator/settings",
          "/_emulator/faults", "/_emulator/reset", "/_emulator/nothing"]
GOOD = [
    ("/crm/v8/Leads", {"data": [{"Last_Name": "F", "Company": "C", "Annual_Revenue": 5, "Email": "f@fuzz.example",
                                 "Owner": {"id": "7010000000001"}, "Tag": [{"name": "a"}]}], "trigger": []}),
    ("/crm/v8/Projects", {"data": [{"Name": "P", "Phases": ["Plan"], "Milestones": [{"Title": "one", "Weight": 1.5}]}]}),
    ("/crm/v8/Leads/upsert", {"data": [{"Last_Name": "F", "Email": "f@fuzz.example"}], "duplicate_check_fields": ["Email"]}),
    ("/crm/v8/Tasks", {"data": [{"Subject": "T", "What_Id": {"id": "1"}, "$se_module": "Leads", "Remind_At": {"ALARM":
                       "FREQ=DAILY"}, "Due_Date": "2026-03-02"}]}),
    ("/crm/v8/Notes", {"data": [{"Note_Title": "n", "Note_Content": "c", "Parent_Id": {"module": {"api_name": "Leads"},
                                                                                     "id": "1"}}]}),
    ("/crm/v8/coql", {"select_query": "select Last_Name, Owner.id from Leads where (id > 1 and Last_Name like '%a%') "
                                      "order by id desc limit 2", "include_meta": ["fields"]}),
    ("/crm/bulk/v8/read", {"query": {"module": {"api_name": "Deals"}, "fields": ["Deal_Name"], "page": 1, "criteria": {
        "group_operator": "and", "group": [{"field": {"api_name": "Amount"}, "comparator": "between",
                                            "value": ["1", "2"]}]}}, "file_type": "csv"}),
    ("/crm/bulk/v8/write", {"operation": "upsert", "resource": [{"type": "data", "module": {"api_name": "Leads"},
                            "file_id": "1", "find_by": "id", "field_mappings": [{"api_name": "id", "index": 0}]}]}),
    ("/crm/v8/actions/watch", {"watch": [{"channel_id": "1", "events": ["Leads.all"], "notify_url": "https://h.example/",
                               "token": "t", "notification_condition": [{"type": "field_selection", "module": {
                                   "api_name": "Leads"}, "field_selection": {"field": {"api_name": "Phone"}}}]}]}),
    ("/crm/v8/Leads/actions/add_tags", {"tags": [{"name": "a"}], "ids": ["1"], "over_write": False}),
    ("/_emulator/settings", {"bulk_polls": 1}),
]


def request(method, path, body=b"", kind="application/json", token=None, more=""):
    auth = "Authorization: Zoho-oauthtoken %s\r\n" % token if token else ""
    head = "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%sContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n" % (
        method, path, auth, kind, len(body), more)
    return head.encode("latin-1", "replace") + body


def broken(token):
    """Bytes that are no proper request in one way or another."""
    for junk in (b"\r\n", b"\0" * 100, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02",
                 b"GET " + b"/a" * 40000 + b" HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                 b"POST /crm/v8/Leads HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
                 b"POST /crm/v8/Leads HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
                 b"POST /crm/v8/Leads HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{",
                 b"POST /crm/v8/Leads HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
                 b"POST /crm/v8/Leads HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
                 b"GET /crm/v8/Leads HTTP/1.1\r\nHost: x\r\nAuthorization: Zoho-oauthtoken\r\n\r\n",
                 b"GET /crm/v8/Leads HTTP/1.1\r\nHost: x\r\nAuthorization: \xff\xfe\r\n\r\n",
                 b"GET /crm/v8/Leads HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 5000 + b"\r\n",
                 b"GET /crm/v8/Leads HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100000 + b"\r\n\r\n"):
        yield junk
    for path in PATHS:
        for method in ("GET", "POST", "DELETE", "BREW"):
            yield request(method, path, token=token)
    for path in POSTED:
        for method in ("POST", "PUT", "PATCH"):
            for kind in ("application/json", "multipart/form-data; boundary=b", "multipart/form-data", "text/plain"):
                for body in BODIES:
                    if kind == "application/json" or len(body) < 2000 and method == "POST":
                        yield request(method, path, body, kind, token, "feature: bulk-write\r\nX-CRM-ORG: 1\r\n")
    for name in ("If-Modified-Since", "If-Unmodified-Since", "X-EXTERNAL", "Accept-Encoding", "Cookie"):
        for value in ("", "x", "9999-99-99T99:99:99Z", "Leads.", ".", "Leads.Nope.Nope->", "\xff" * 10, "y" * 5000):
            for method in ("GET", "PUT", "DELETE"):
                yield request(method, "/crm/v8/Leads/7010000000201?ids=1,,2", b'{"data":[{"id":"1"}]}', token=token,
                              more="%s: %s\r\n" % (name, value))


def mutate(value, chance):
    """@value with one thing in it replaced, now and then more."""
    if chance.random() < 0.15:
        return chance.choice(TREES)
    if isinstance(value, dict) and value:
        key = chance.choice(list(value))
        return {(chance.choice(["nope", "", key + "x", "id", "$x"]) if each == key and chance.random() < 0.1 else each):
                (mutate(inner, chance) if each == key else inner) for each, inner in value.items()}
    if isinstance(value, list) and value:
        if chance.random() < 0.05:
            return value * 150
        index = chance.randrange(len(value))
        return [mutate(inner, chance) if each == index else inner for each, inner in enumerate(value)]
    if isinstance(value, str) and value and chance.random() < 0.7:
        at = chance.randrange(len(value))
        return value[:at] + chance.choice(["", "'", "(", ")", "%", "\\", "\u0001", ".", ",", "\u00e9", " ", "0"]) + \
            value[at + chance.randrange(2):]
    return chance.choice(TREES)


def random_bytes(text, chance):
    out = bytearray(text)
    for _ in range(chance.randrange(1, 4)):
        out[chance.randrange(len(out))] = chance.randrange(256)
    return bytes(out)


def mutated(token, chance, rounds):
    for _ in range(rounds):
        path, tree = chance.choice(GOOD)
        body = json.dumps(mutate(tree, chance)).encode()
        if chance.random() < 0.2:
            body = random_bytes(body, chance)
        text = request(chance.choice(["POST", "POST", "PUT", "PATCH"]), path, body, token=token)
        yield random_bytes(text, chance) if chance.random() < 0.1 else text


def throw(emulator, text):
    """Sends it, hangs up for writing, and reads what comes."""
    with socket.create_connection((emulator.host, emulator.port), timeout=WAIT_S) as peer:
        try:
            peer.sendall(text)
            peer.shutdown(socket.SHUT_WR)
            while peer.recv(65536):
                pass
        except ConnectionError:
            pass


def healthy(api):
    """It still answers; admin calls of the fuzzing may have changed what it answers, so it is reset first."""
    api.close()
    api.reset()
    return api.call("GET", "/crm/v8/Leads?fields=Last_Name&per_page=1").status == 200


def run(emulator, api, name, texts, number):
    count = 0
    last = b""
    for count, text in enumerate(texts, 1):
        last = text
        throw(emulator, text)
        if not emulator.alive() or (count % 200 == 0 and not healthy(api)):
            break
    good = emulator.alive() and healthy(api)
    print("%s %d - %s: %d requests" % ("ok" if good else "not ok", number, name, count))
    if not good:
        print("# after %r" % last[:2000])
        sys.exit(1)


def main():
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 1500
    emulator = Emulator(sys.argv[1])
    api = Api(emulator)
    print("1..3")
    try:
        run(emulator, api, "broken requests", broken(api.access_token()), 1)
        run(emulator, api, "mutated requests, seed %d" % seed, mutated(api.access_token(), random.Random(seed), rounds), 2)
    finally:
        api.close()
        status = emulator.stop()
        print("%s 3 - it ends well (%d)" % ("not ok" if status else "ok", status))
    sys.exit(1 if status else 0)


if __name__ == "__main__":
    main()
