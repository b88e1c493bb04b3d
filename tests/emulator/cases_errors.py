"""Errors that belong to no endpoint of their own: paths, methods, bodies, credits, concurrency, faults; the request log;
the switches of the conflicts C1 to C9 that the other files do not show; and what Zoho's SDKs send."""

import contextlib
import json
import socket
import time
from urllib.parse import quote

V8 = "/crm/v8/"
LEADS = V8 + "Leads"
LIST = LEADS + "?fields=Last_Name&per_page=1"
CASES = []


def case(name, method, path, code=None, status=400, **more):
    row = {"name": "errors: " + name, "method": method, "path": path, "expect_status": status, **more}
    if code is not None:
        row["expect"] = {"code": code, "status": "error", **row.get("expect", {})}
    CASES.append(row)


def flow(name, **more):
    def add(run):
        CASES.append({"name": "errors: " + name, "run": run, **more})
        return run

    return add


def lead(**fields):
    return ("POST", LEADS, {"data": [{"Last_Name": "Error Case", **fields}], "trigger": []})


case("a path that is none", "GET", V8 + "Leads/1/2/3/4/5", "INVALID_URL_PATTERN", 404)
case("a version that is none", "GET", "/crm/v1/Leads", "INVALID_URL_PATTERN", 404)
case("a method that is wrong", "PATCH", V8 + "coql", "INVALID_REQUEST_METHOD", 405)
case("a method that is wrong as 400 (C6)", "PATCH", V8 + "coql", "INVALID_REQUEST_METHOD", settings={"method_status": 400})
case("a body that is no JSON", "POST", LEADS, "INVALID_DATA", body=b"{", headers={"Content-Type": "application/json"})
case("no body", "POST", LEADS, None, (400,), headers={"Content-Type": "application/json"}, body=b"")
case("data that is no list", "POST", LEADS, "INVALID_DATA", json={"data": {}})
case("no data", "POST", LEADS, "MANDATORY_NOT_FOUND", json={})
case("101 rows", "POST", LEADS, "LIMIT_EXCEEDED", json={"data": [{"Last_Name": "A"}] * 101},
     expect={"details": {"maximum_length": 100, "api_name": "data"}})
case("an unknown key of the body", "POST", LEADS, "INVALID_DATA", json={"data": [{"Last_Name": "A"}], "nope": 1})
case("an unknown parameter, let through", "GET", LIST + "&nope=1", status=200, settings={"unknown_params": "ignore"})
case("an escape that is none", "GET", LEADS + "?fields=%zz", "INVALID_DATA")


@flow("a request of 101 MB")
def too_large(api):
    answer = api.call("POST", LEADS, body=b" " * 112 * 1000 * 1000, headers={"Content-Type": "application/json"})
    assert answer.status == 413 and answer.json["code"] == "BODY_SIZE_REACHED", (answer.status, answer.body)


@flow("credits: spent, told from half on, used up, back after a day", settings={"credits": 10})
def credits(api):
    for left in (9, 8, 7, 6, 5, 4, 3, 2, 1, 0):
        answer = api.call("GET", LIST)
        assert answer.status == 200, answer.body
        told = answer.headers.get("x-api-credits-remaining")
        assert told == (str(left) if left <= 5 else None), (left, told)
    answer = api.call("GET", LIST)
    assert answer.status == 429 and answer.json["code"] == "TOO_MANY_REQUESTS", answer.body
    assert answer.json["status"] == "error" and "retry-after" not in answer.headers, answer.headers
    api.admin("settings", {"advance_s": 86400 + 120})
    api.token = None
    assert api.call("GET", LIST).status == 200


def costs(api, method, path, data=None):
    answer = api.call(method, path, data)
    last = api.admin("requests")[-1]
    assert last["status"] == answer.status and last["method"] == method, last
    return last["credits"]


@flow("what calls cost")
def prices(api):
    rows = [{"Last_Name": "Cost %d" % number} for number in range(25)]
    assert costs(api, "GET", LIST) == 1
    assert costs(api, "GET", V8 + "settings/modules") == 1
    assert costs(api, "POST", LEADS, {"data": rows[:1]}) == 1
    assert costs(api, "POST", LEADS, {"data": rows[:10]}) == 1
    assert costs(api, "POST", LEADS, {"data": rows}) == 3
    query = {"select_query": "select Last_Name from Leads where id > 0"}
    assert costs(api, "POST", V8 + "coql", query) == 1
    assert costs(api, "DELETE", LEADS + "?ids=1,2") == 1


def wait_for(api, key, value):
    """Until the counter has this value."""
    deadline = time.monotonic() + 60
    while api.admin("stats")[key] != value:
        assert time.monotonic() < deadline, api.admin("stats")
        time.sleep(0.01)


@contextlib.contextmanager
def under_way(api, path, count, key):
    """So many calls are being answered, and will be until the end."""
    api.admin("settings", {"latency_ms": 600000})
    text = "GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: Zoho-oauthtoken %s\r\n\r\n" % (path, api.access_token())
    peers = [socket.create_connection((api.emulator.host, api.emulator.port)) for _ in range(count)]
    try:
        for peer in peers:
            peer.sendall(text.encode())
        wait_for(api, key, count)
        api.admin("settings", {"latency_ms": 0})
        yield
    finally:
        for peer in peers:
            peer.close()
    wait_for(api, key, 0)


@flow("more calls at a time than allowed: 429", settings={"concurrency": 2})
def concurrency(api):
    with under_way(api, LIST, 1, "in_flight"):
        assert api.call("GET", LIST).status == 200
    with under_way(api, LIST, 2, "in_flight"):
        answer = api.call("GET", LIST)
        assert answer.status == 429 and answer.json["code"] == "TOO_MANY_REQUESTS", answer.body
    assert api.call("GET", LIST).status == 200


@flow("more heavy calls at a time than allowed: 429", settings={"concurrency": 20, "sub_concurrency": 1})
def sub_concurrency(api):
    with under_way(api, LIST + "&sort_by=Modified_Time", 1, "heavy_in_flight"):
        heavy = [("GET", LIST + "&sort_by=Modified_Time", None), ("GET", LEADS + "/search?word=abc", None),
                 ("POST", V8 + "coql", {"select_query": "select id from Leads where id > 0"}),
                 ("POST", LEADS, {"data": [{"Last_Name": "Heavy"}] * 11})]
        for method, path, data in heavy:
            answer = api.call(method, path, data)
            assert answer.status == 429, (method, path, answer.status, answer.body)
        assert api.call("GET", LIST).status == 200
        assert api.call("POST", LEADS, {"data": [{"Last_Name": "Light"}] * 10}).status == 201


FAULTS = [(429, "TOO_MANY_REQUESTS"), (429, "RATE_LIMIT_EXCEEDED"), (500, "INTERNAL_ERROR"), (502, "SERVICE_UNAVAILABLE"),
          (503, "SERVICE_UNAVAILABLE"), (401, "INVALID_TOKEN"), (401, "INVALID_OAUTHTOKEN"), (400, "AUTHORIZATION_FAILED"),
          (400, "NOT_APPROVED"), (400, "NOT_REVIEWED"), (400, "RECORD_LOCKED"), (400, "NOT_ALLOWED"),
          (400, "CANNOT_PERFORM_ACTION"), (400, "CANNOT_PROCESS"), (400, "MAPPING_MISMATCH"), (400, "RECORD_IN_BLUEPRINT"),
          (400, "API_NOT_SUPPORTED"), (400, "FEATURE_NOT_SUPPORTED"), (400, "STORAGE_SPACE_EXCEEDED"), (400, "INVALID_HOST"),
          (400, "DEPENDENT_MISMATCH"), (400, "DEPENDENT_FIELD_MISSING"), (400, "DUPLICATE_LINKING_DATA"),
          (413, "FILE_SIZE_EXCEEDS"), (403, "NO_PERMISSION")]


@flow("every other code by a fault")
def faults(api):
    for status, code in FAULTS:
        api.admin("faults", [{"match": "^GET /crm/v8/Leads", "status": status, "code": code, "count": 1}])
        answer = api.call("GET", LIST)
        assert answer.status == status and answer.json["code"] == code, (code, answer.status, answer.body)
        assert answer.json["status"] == "error" and isinstance(answer.json["details"], dict), answer.json
        assert api.call("GET", LIST).status == 200, "a fault with count 1 acts once"


@flow("bodies that are broken on purpose")
def broken_bodies(api):
    api.admin("faults", [{"match": "Leads", "html": True, "status": 503, "count": 1}])
    answer = api.call("GET", LIST)
    assert answer.status == 503 and answer.headers["content-type"].startswith("text/html"), answer.headers
    api.admin("faults", [{"match": "Leads", "malformed": True, "count": 1}])
    answer = api.call("GET", LIST)
    try:
        json.loads(answer.body)
        raise AssertionError(answer.body)
    except ValueError:
        pass


@flow("a module without permission")
def permissions(api):
    api.admin("module", {"module": "Vendors", "viewable": False, "creatable": False, "deletable": False})
    answer = api.call("GET", V8 + "Vendors?fields=Vendor_Name")
    assert answer.status == 403 and answer.json["code"] == "NO_PERMISSION", answer.body
    assert answer.json["details"]["permissions"], answer.json
    answer = api.call("POST", V8 + "Vendors", {"data": [{"Vendor_Name": "V"}]})
    assert answer.status == 403 and answer.json["code"] == "NO_PERMISSION", answer.body


@flow("the notes of all are for administrators")
def notes_need_admin(api):
    token = api.mint(refresh_token="1000.user3.refresh")["access_token"]
    answers = [api.call("GET", V8 + "Notes?fields=Note_Title", token=api.mint(refresh_token="1000.user%d.refresh" % user)
                        ["access_token"]) for user in range(2, 8)]
    assert {answer.status for answer in answers} & {403}, [answer.status for answer in answers]
    refused = [answer for answer in answers if answer.status == 403][0]
    assert refused.json["code"] == "NOT_SUPPORTED" and token, refused.body


# ---- the request log


@flow("wrong requests are in the log as rejected")
def log(api):
    wrong = ["", "?fields=Last_Name&page=11", "?fields=Last_Name&nope=1", "?fields=" + ",".join("F%d" % n for n in range(51))]
    for query in wrong:
        assert api.call("GET", LEADS + query).status == 400
        last = api.admin("requests")[-1]
        assert last["rejected"] is True and last["path"] == LEADS and last["status"] == 400, last
    assert api.call("GET", LIST, token="wrong").status == 401
    assert api.admin("requests")[-1]["rejected"] is True
    assert api.call("POST", LEADS, {"data": [{"Nope": 1}]}).status == 400
    assert api.admin("requests")[-1]["rejected"] is True and "body" not in api.admin("requests")[-1]
    assert json.loads(api.admin("requests?bodies=1")[-1]["body"]) == {"data": [{"Nope": 1}]}
    assert api.call("GET", LIST).status == 200
    last = api.admin("requests")[-1]
    assert last["rejected"] is False and last["query"] == "fields=Last_Name&per_page=1" and last["ms"] >= 0, last
    stats = api.admin("stats")
    assert stats["requests"] >= 7 and stats["credits"] >= 1, stats


# ---- switches


@flow("COQL: 200 rows, or 2,000 (C1)")
def coql_cap(api):
    query = {"select_query": "select Last_Name from Leads where id > 0 limit 201"}
    answer = api.call("POST", V8 + "coql", query)
    assert answer.status == 400 and answer.json["code"] == "LIMIT_EXCEEDED", answer.body
    api.admin("settings", {"coql_rows": 2000})
    answer = api.call("POST", V8 + "coql", query)
    assert answer.status == 200 and len(answer.json["data"]) == 201, answer.status


@flow("deleted: to the recycle bin, or for good (C7)")
def bin_or_not(api):
    for permanent, kind in ((False, "recycle"), (True, "permanent")):
        api.admin("settings", {"delete_permanently": permanent})
        record = api.call(*lead()).json["data"][0]["details"]["id"]
        assert api.call("DELETE", LEADS + "/" + record).status == 200
        rows = {row["id"]: row for row in api.call("GET", LEADS + "/deleted").json["data"]}
        assert rows[record]["type"] == kind, rows[record]


@flow("criteria: 10, or 15 (C8)")
def criteria_cap(api):
    many = "criteria=" + quote("(%s)" % "or".join(["(id:equals:1)"] * 11))
    assert api.call("GET", LEADS + "/search?" + many).status == 400
    api.admin("settings", {"search_criteria": 15})
    assert api.call("GET", LEADS + "/search?" + many).status == 204


@flow("upsert: ALL, or WRITE (C9)")
def upsert_scope(api):
    rows = {"data": [{"Last_Name": "Scope", "Email": "scope@error-cases.example"}]}
    api.admin("settings", {"scope": "ZohoCRM.modules.leads.CREATE,ZohoCRM.modules.leads.UPDATE"})
    api.token = None
    answer = api.call("POST", LEADS + "/upsert", rows)
    assert answer.status in (401, 403) and answer.json["code"] == "OAUTH_SCOPE_MISMATCH", answer.body
    api.admin("settings", {"upsert_scope": "write"})
    answer = api.call("POST", LEADS + "/upsert", rows)
    assert answer.status in (200, 201), answer.body


# ---- what the SDKs do


@flow("JSON without a content type; Content-Length: 0 on GET; raw and escaped ( ) : ,")
def tolerances(api):
    answer = api.call("POST", LEADS, body=json.dumps({"data": [{"Last_Name": "Tolerant"}]}).encode())
    assert answer.status == 201, answer.body
    assert api.call("GET", LIST + "&", headers={"Content-Length": "0"}).status == 200
    for text in ("(Last_Name:equals:Tolerant)", "%28Last_Name%3Aequals%3ATolerant%29", "((Last_Name:equals:Tolerant)or(id:in:1,2))",
                 "(Last_Name:equals:Tolerant)&"):
        answer = api.call("GET", LEADS + "/search?criteria=" + text)
        assert answer.status == 200 and answer.json["data"][0]["Last_Name"] == "Tolerant", (text, answer.body[:300])
    record = api.call(*lead(Company="Two  Words")).json["data"][0]["details"]["id"]
    for text in ("Two++Words", "Two%20%20Words"):
        answer = api.call("GET", LEADS + "/search?criteria=(Company:equals:%s)" % text)
        assert answer.json["data"][0]["id"] == record, answer.body[:300]
    answer = api.call("GET", LIST, headers={"If-Modified-Since": "2020-01-01T00:00:00Z"})
    assert answer.status == 200, answer.body


@flow("changes by another hand, and Modified_By")
def another_hand(api):
    record = api.call(*lead()).json["data"][0]["details"]["id"]
    mine = api.call("GET", LEADS + "/" + record).json["data"][0]
    api.admin("settings", {"advance_s": 5})
    api.admin("edit", {"module": "Leads", "id": record, "set": {"Company": "Theirs"}})
    theirs = api.call("GET", LEADS + "/" + record).json["data"][0]
    assert theirs["Company"] == "Theirs" and theirs["Modified_Time"] > mine["Modified_Time"], theirs
    assert theirs["Modified_By"]["id"] != mine["Modified_By"]["id"], theirs["Modified_By"]
    answer = api.call("PUT", LEADS + "/" + record, {"data": [{"Company": "Mine"}]},
                      {"If-Unmodified-Since": mine["Modified_Time"]})
    assert answer.status == 412 and answer.json["data"][0]["code"] == "ALREADY_MODIFIED", answer.body
