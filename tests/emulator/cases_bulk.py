"""Bulk read and bulk write: jobs, their states, their files, and what they refuse."""

import csv
import http.server
import io
import json
import queue
import threading
import zipfile

READ = "/crm/bulk/v8/read"
WRITE = "/crm/bulk/v8/write"
UPLOAD = "/crm/v8/upload"
BOUNDARY = "suite-boundary"


def multipart(content, name="file", file_name="rows.zip"):
    head = ('--%s\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\nContent-Type: application/zip\r\n\r\n'
            % (BOUNDARY, name, file_name))
    return head.encode() + content + ("\r\n--%s--\r\n" % BOUNDARY).encode()


def zipped(text, name="rows.csv"):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text)
    return out.getvalue()


def unzipped(content):
    """(name, text) of a ZIP with one file."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        (name,) = archive.namelist()
        return name, archive.read(name).decode()


def table(content):
    return list(csv.DictReader(io.StringIO(unzipped(content)[1], newline="")))


UPLOAD_HEADERS = {"feature": "bulk-write", "X-CRM-ORG": "7010000000900",
                  "Content-Type": "multipart/form-data; boundary=" + BOUNDARY}


def upload(api, text):
    answer = api.call("POST", UPLOAD, body=multipart(zipped(text)), headers=UPLOAD_HEADERS)
    assert answer.status == 200 and answer.json["code"] == "FILE_UPLOAD_SUCCESS", answer.body
    return answer.json["details"]["file_id"]


def start(api, query, **more):
    answer = api.call("POST", READ, {"query": query, **more})
    assert answer.status == 201, answer.body
    entry = answer.json["data"][0]
    assert entry["code"] == "ADDED_SUCCESSFULLY" and entry["details"]["state"] == "ADDED", entry
    return entry["details"]["id"]


def finished(api, path, job):
    """Asks until the job is complete; its JSON and the states seen."""
    states = []
    for _ in range(20):
        shown = api.call("GET", "%s/%s" % (path, job)).json
        shown = shown["data"][0] if "data" in shown else shown
        states.append(shown.get("state") or shown.get("status"))
        if states[-1] in ("COMPLETED", "FAILURE", "FAILED"):
            return shown, states
    raise AssertionError(states)


def rows_of(api, query, **more):
    """The job's JSON and the rows of its CSV."""
    shown, _ = finished(api, READ, start(api, query, **more))
    assert shown["state"] == "COMPLETED", shown
    answer = api.call("GET", shown["result"]["download_url"])
    assert answer.status == 200 and answer.headers["content-type"].startswith("application/zip"), answer.headers
    rows = table(answer.body)
    assert len(rows) == shown["result"]["count"], (len(rows), shown["result"])
    return shown, rows


def leads(api, *names):
    made = api.call("POST", "/crm/v8/Leads", {"data": [{"Last_Name": name, "Company": "Bulk, \"Cases\"",
                                                        "Annual_Revenue": 10 * index, "Email": "b%d@bulk.example" % index}
                                                       for index, name in enumerate(names)]})
    assert made.status == 201, made.body
    return [entry["details"]["id"] for entry in made.json["data"]]


def reads_to_the_file(api):
    ids = leads(api, "Bulk One", "Bulk Two")
    job = start(api, {"module": {"api_name": "Leads"}, "fields": ["Last_Name", "Company"],
                      "criteria": {"field": {"api_name": "Last_Name"}, "comparator": "starts_with", "value": "Bulk "}})
    shown, states = finished(api, READ, job)
    assert states == ["QUEUED", "IN PROGRESS", "COMPLETED"], states
    assert shown["id"] == job and shown["operation"] == "read" and shown["file_type"] == "csv", shown
    assert shown["result"] == {"page": 1, "per_page": 200000, "count": 2, "more_records": False,
                               "download_url": "%s/%s/result" % (READ, job)}, shown["result"]
    answer = api.call("GET", shown["result"]["download_url"])
    assert job + ".zip" in answer.headers["content-disposition"], answer.headers
    name, text = unzipped(answer.body)
    assert name == job + ".csv", name
    assert text.splitlines()[0] == "Last_Name,Company,id", text
    got = table(answer.body)
    assert got == [{"Last_Name": "Bulk One", "Company": 'Bulk, "Cases"', "id": ids[0]},
                   {"Last_Name": "Bulk Two", "Company": 'Bulk, "Cases"', "id": ids[1]}], got


def states_by_time(api):
    job = start(api, {"module": {"api_name": "Leads"}, "fields": ["Last_Name"]})
    for _ in range(4):
        state = api.call("GET", READ + "/" + job).json["data"][0]["state"]
        assert state != "COMPLETED", state
    api.admin("settings", {"advance_s": 120})
    assert api.call("GET", READ + "/" + job).json["data"][0]["state"] == "COMPLETED"


def result_too_early(api):
    job = start(api, {"module": {"api_name": "Leads"}})
    answer = api.call("GET", "%s/%s/result" % (READ, job))
    assert answer.status == 404 and answer.json["code"] == "RESOURCE_NOT_FOUND", answer.body


def all_fields(api):
    ids = leads(api, "Bulk Whole")
    fields = api.call("GET", "/crm/v8/settings/fields?module=Leads").json["fields"]
    _, rows = rows_of(api, {"module": {"api_name": "Leads"},
                            "criteria": {"field": {"api_name": "id"}, "comparator": "equal", "value": ids[0]}})
    plain = {field["api_name"] for field in fields
             if field["data_type"] in ("text", "email", "phone", "picklist", "currency", "boolean")}
    assert plain <= set(rows[0]), plain - set(rows[0])
    assert rows[0]["id"] == ids[0] and rows[0]["Email_Opt_Out"] == "false", rows


def joins(api):
    account = api.call("POST", "/crm/v8/Accounts", {"data": [{"Account_Name": "Bulk Harbor"}]}).json["data"][0]
    account = account["details"]["id"]
    made = api.call("POST", "/crm/v8/Contacts", {"data": [{"Last_Name": "Bulk Join", "Account_Name": {"id": account}}]})
    assert made.status == 201, made.body
    _, rows = rows_of(api, {"module": {"api_name": "Contacts"},
                            "fields": ["id", "Account_Name", "Account_Name.Account_Name"],
                            "criteria": {"field": {"api_name": "Account_Name"}, "comparator": "equal", "value": account}})
    assert rows == [{"id": made.json["data"][0]["details"]["id"], "Account_Name": account,
                     "Account_Name.Account_Name": "Bulk Harbor"}], rows


COMPARATORS = [
    ("Annual_Revenue", "equal", 10, [1]),
    ("Annual_Revenue", "not_equal", 10, [0, 2, 3]),
    ("Annual_Revenue", "less_than", "20", [0, 1]),
    ("Annual_Revenue", "less_equal", "20", [0, 1, 2]),
    ("Annual_Revenue", "greater_than", "20", [3]),
    ("Annual_Revenue", "greater_equal", "20", [2, 3]),
    ("Annual_Revenue", "between", ["10", "20"], [1, 2]),
    ("Annual_Revenue", "not_between", ["10", "20"], [0, 3]),
    ("Last_Name", "in", ["Compare a", "Compare c"], [0, 2]),
    ("Last_Name", "not_in", ["Compare a", "Compare c"], [1, 3]),
    ("Last_Name", "contains", "pare B", [1]),
    ("Last_Name", "not_contains", "pare b", [0, 2, 3]),
    ("Last_Name", "starts_with", "compare d", [3]),
    ("Last_Name", "ends_with", " d", [3]),
    ("Phone", "equal", "${EMPTY}", [0, 1, 2, 3]),
    ("Phone", "not_equal", "${EMPTY}", []),
]


def comparators(api):
    ids = leads(api, "Compare a", "Compare b", "Compare c", "Compare d")
    ours = {"field": {"api_name": "id"}, "comparator": "in", "value": ids}
    api.admin("settings", {"bulk_downloads": 100})
    for field, comparator, value, wanted in COMPARATORS:
        criteria = {"group_operator": "and",
                    "group": [ours, {"field": {"api_name": field}, "comparator": comparator, "value": value}]}
        _, rows = rows_of(api, {"module": {"api_name": "Leads"}, "fields": ["id"], "criteria": criteria})
        got = [ids.index(row["id"]) for row in rows]
        assert got == wanted, (field, comparator, value, got)


def views(api):
    shown = api.call("GET", "/crm/v8/settings/custom_views?module=Leads").json["custom_views"]
    me = api.call("GET", "/crm/v8/users?type=CurrentUser").json["users"][0]["id"]
    count = api.call("GET", "/crm/v8/Leads/actions/count").json["count"]
    sizes = []
    for view in shown:
        _, rows = rows_of(api, {"module": {"api_name": "Leads"}, "fields": ["Owner"], "cvid": view["id"]})
        sizes.append(len(rows))
        assert len(rows) == count or {row["Owner"] for row in rows} <= {me}, view
    assert max(sizes) == count and min(sizes) < count, sizes


def groups(api):
    ids = leads(api, "Group a", "Group b", "Group c")
    criteria = {"group_operator": "and", "group": [
        {"field": {"api_name": "Last_Name"}, "comparator": "starts_with", "value": "Group "},
        {"group_operator": "or", "group": [
            {"field": {"api_name": "Annual_Revenue"}, "comparator": "equal", "value": "0"},
            {"field": {"api_name": "Annual_Revenue"}, "comparator": "equal", "value": "20"}]}]}
    shown, rows = rows_of(api, {"module": {"api_name": "Leads"}, "fields": ["id"], "criteria": criteria})
    assert [row["id"] for row in rows] == [ids[0], ids[2]], rows
    assert shown["query"]["criteria"]["group"][0]["field"]["id"].isdigit(), shown["query"]


def pages(api):
    count = api.call("GET", "/crm/v8/Leads/actions/count").json["count"]
    query = {"module": {"api_name": "Leads"}, "fields": ["id"]}
    _, every = rows_of(api, query)
    api.admin("settings", {"bulk_page_rows": 1000, "bulk_downloads": 100})
    shown, first = rows_of(api, {**query, "page": 1})
    assert shown["result"]["more_records"] is True and shown["result"]["count"] == 1000, shown["result"]
    token = shown["result"]["next_page_token"]
    _, second = rows_of(api, {**query, "page": 2})
    by_token, again = rows_of(api, {**query, "page_token": token})
    assert again == second, "a token gives another page"
    last, third = rows_of(api, {**query, "page_token": by_token["result"]["next_page_token"]})
    assert last["result"]["more_records"] is False and "next_page_token" not in last["result"], last["result"]
    assert first + second + third == every and len(every) == count, len(every)
    for changed, code in (({"fields": ["Last_Name"]}, "TOKEN_BOUND_DATA_MISMATCH"), ({"page": 2},
                          "AMBIGUITY_DURING_PROCESSING"), ({"page_token": "x"}, "INVALID_DATA")):
        answer = api.call("POST", READ, {"query": {**query, "page_token": token, **changed}})
        assert answer.status == 400 and answer.json["code"] == code, answer.body
    api.admin("settings", {"advance_s": 25 * 3600})
    api.token = None
    answer = api.call("POST", READ, {"query": {**query, "page_token": token}})
    assert answer.status == 400 and answer.json["code"] == "EXPIRED_VALUE", answer.body


def downloads_limited(api):
    shown, _ = finished(api, READ, start(api, {"module": {"api_name": "Deals"}, "fields": ["Deal_Name"]}))
    answers = [api.call("GET", shown["result"]["download_url"]) for _ in range(11)]
    assert [answer.status for answer in answers] == [200] * 10 + [429], [answer.status for answer in answers]
    assert answers[-1].json["code"] == "TOO_MANY_REQUESTS", answers[-1].body
    api.admin("settings", {"advance_s": 61})
    assert api.call("GET", shown["result"]["download_url"]).status == 200


def failing_job(api):
    shown, states = finished(api, READ, start(api, {"module": {"api_name": "Leads"}}))
    assert states[-1] == "FAILURE" and shown["result"]["error_message"], shown


def events_as_ics(api):
    api.call("POST", "/crm/v8/Events", {"data": [{"Event_Title": "Bulk; meeting", "Start_DateTime":
             "2026-03-02T10:00:00+00:00", "End_DateTime": "2026-03-02T11:00:00+00:00"}]})
    shown, _ = finished(api, READ, start(api, {"module": {"api_name": "Events"}}, file_type="ics"))
    assert shown["result"]["per_page"] == 20000, shown
    name, text = unzipped(api.call("GET", shown["result"]["download_url"]).body)
    assert name.endswith(".ics") and text.startswith("BEGIN:VCALENDAR") and text.endswith("END:VCALENDAR\r\n"), text[:60]
    assert "DTSTART:20260302T100000Z\r\n" in text and "SUMMARY:Bulk\\; meeting\r\n" in text, text[-300:]


def with_hook(use):
    """Calls @use with the URL of a server of ours and a queue of the JSON it is sent."""
    got = queue.Queue()

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
            got.put(body)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        use("http://127.0.0.1:%d/hook" % server.server_port, got)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def callbacks(api):
    def use(url, got):
        job = start(api, {"module": {"api_name": "Deals"}, "fields": ["Deal_Name"]}, callback={"url": url,
                                                                                              "method": "post"})
        told = got.get(timeout=60)
        assert told["data"][0]["id"] == job and told["data"][0]["state"] == "COMPLETED", told
        assert api.call("GET", told["data"][0]["result"]["download_url"]).status == 200

    with_hook(use)


def credits_of(api, call):
    """How many credits @call used, by the request log."""
    call()
    return api.admin("requests")[-1]["credits"]


def credits_switch(api):
    query = {"query": {"module": {"api_name": "Deals"}, "fields": ["Deal_Name"]}}
    assert credits_of(api, lambda: api.call("POST", READ, query)) == 0
    api.admin("settings", {"bulk_credits": True})
    assert credits_of(api, lambda: api.call("POST", READ, query)) == 50
    file_id = upload(api, "Last_Name,Company\nCredits,Us\n")
    assert credits_of(api, lambda: write(api, "insert", file_id)) == 500


def write(api, operation, file_id, module="Leads", **more):
    top = {key: more.pop(key) for key in ("ignore_empty", "callback", "character_encoding") if key in more}
    answer = api.call("POST", WRITE, {"operation": operation, **top, "resource": [
        {"type": "data", "module": {"api_name": module}, "file_id": file_id, **more}]})
    assert answer.status == 201 and answer.json["code"] == "SUCCESS", answer.body
    return answer.json["details"]["id"]


def written(api, job):
    """The job's resource, and the rows of its result."""
    shown, states = finished(api, WRITE, job)
    assert states == ["ADDED", "INPROGRESS", "COMPLETED"] or states[-1] == "COMPLETED", states
    answer = api.call("GET", shown["result"]["download_url"])
    assert answer.status == 200, answer.body
    return shown["resource"][0], table(answer.body)


def record(api, module, record_id):
    return api.call("GET", "/crm/v8/%s/%s" % (module, record_id)).json["data"][0]


def inserts(api):
    file_id = upload(api, "surname;firm;born;worth;out\nInsert A;Tiles;03/02/2026;1234567890123456.5;true\n"
                          "Insert B;Tiles;31.12.2026;12;false\n;Tiles;;x;\n")
    mappings = [{"api_name": "Last_Name", "index": 0}, {"api_name": "Company", "index": 1},
                {"api_name": "Annual_Revenue", "index": 3}, {"api_name": "Email_Opt_Out", "index": 4},
                {"api_name": "Lead_Source", "default_value": {"value": "Trade Show"}}]
    resource, rows = written(api, write(api, "insert", file_id, field_mappings=mappings, ignore_empty=True))
    assert resource["file"] == {"status": "COMPLETED", "name": "data.csv", "added_count": 2, "updated_count": 0,
                                "skipped_count": 1, "total_count": 3}, resource["file"]
    assert list(rows[0]) == ["Last_Name", "Company", "Annual_Revenue", "STATUS", "RECORD_ID", "ERRORS"], rows[0]
    assert [row["STATUS"] for row in rows] == ["added", "added", "skipped"], rows
    assert "INVALID_DATA-Annual_Revenue" in rows[2]["ERRORS"] and rows[2]["RECORD_ID"] == "", rows[2]
    got = record(api, "Leads", rows[0]["RECORD_ID"])
    assert got["Email_Opt_Out"] is True and got["Lead_Source"] == "Trade Show", got
    text = api.call("GET", "/crm/v8/Leads/%s?fields=Annual_Revenue" % rows[0]["RECORD_ID"]).body
    assert b"1234567890123456.5" in text, text


def missing_mandatory(api):
    file_id = upload(api, "Last_Name,Company\n,Tiles\n")
    _, rows = written(api, write(api, "insert", file_id, ignore_empty=True))
    assert rows[0]["STATUS"] == "skipped" and rows[0]["ERRORS"] == "MANDATORY_NOT_FOUND-Last_Name", rows


def updates(api):
    ids = leads(api, "Update A", "Update B")
    file_id = upload(api, "id,Company,Phone\n%s,New Tiles,555\n%s,,\n42,No,\n" % tuple(ids))
    resource, rows = written(api, write(api, "update", file_id, find_by="id"))
    assert [row["STATUS"] for row in rows] == ["updated", "skipped", "skipped"] or \
        [row["STATUS"] for row in rows] == ["updated", "updated", "skipped"], rows
    assert record(api, "Leads", ids[0])["Company"] == "New Tiles"
    assert rows[2]["ERRORS"] == "INVALID_DATA-id", rows[2]
    assert resource["module"]["api_name"] == "Leads" and resource["module"]["id"].isdigit(), resource


def upserts(api):
    ids = leads(api, "Upsert A")
    file_id = upload(api, "Email,Last_Name,Company\nb0@bulk.example,Upsert Changed,Tiles\nnew@bulk.example,Upsert New,T\n")
    resource, rows = written(api, write(api, "upsert", file_id, find_by="Email"))
    assert [(row["STATUS"], row["Email"]) for row in rows] == [("updated", "b0@bulk.example"),
                                                               ("added", "new@bulk.example")], rows
    assert rows[0]["RECORD_ID"] == ids[0] and record(api, "Leads", ids[0])["Last_Name"] == "Upsert Changed"
    assert resource["file"]["added_count"] == 1 and resource["file"]["updated_count"] == 1, resource


def insert_skips_matches(api):
    leads(api, "Match A")
    file_id = upload(api, "Email,Last_Name,Company\nb0@bulk.example,Match Again,Tiles\n")
    _, rows = written(api, write(api, "insert", file_id, find_by="Email"))
    assert rows[0]["STATUS"] == "skipped" and rows[0]["ERRORS"] == "DUPLICATE_DATA-Email", rows


def lookups_and_dates(api):
    account = api.call("POST", "/crm/v8/Accounts", {"data": [{"Account_Name": "Bulk Target"}]}).json["data"][0]
    account = account["details"]["id"]
    file_id = upload(api, "Last_Name,acc,born\nLook A,Bulk Target,2/3/2026\nLook B,Nobody,\n")
    _, rows = written(api, write(api, "insert", file_id, "Contacts", ignore_empty=True, field_mappings=[
        {"api_name": "Last_Name", "index": 0}, {"api_name": "Account_Name", "index": 1, "find_by": "Account_Name"},
        {"api_name": "Date_of_Birth", "index": 2, "format": "d/M/yyyy"}]))
    got = record(api, "Contacts", rows[0]["RECORD_ID"])
    assert got["Account_Name"]["id"] == account and got["Date_of_Birth"] == "2026-03-02", got
    assert rows[1]["ERRORS"] == "INVALID_DATA-Account_Name", rows[1]


def job_after_a_day(api):
    job = start(api, {"module": {"api_name": "Deals"}, "fields": ["Deal_Name"]})
    api.admin("settings", {"advance_s": 25 * 3600})
    api.token = None
    answer = api.call("GET", READ + "/" + job)
    assert answer.status == 404, answer.body


def flow(name, run, **more):
    return {"name": "bulk: " + name, "run": run, **more}


def refused(name, data, code, status=400, path=READ, details=None, **more):
    expect = {"code": code, "status": "error"}
    if details is not None:
        expect["details"] = details
    return {"name": "bulk: refused: " + name, "method": "POST", "path": path, "json": data, "expect_status": status,
            "expect": expect, **more}


def condition(field="Last_Name", comparator="equal", value="x"):
    return {"field": {"api_name": field}, "comparator": comparator, "value": value}


def query(**more):
    return {"query": {"module": {"api_name": "Leads"}, "fields": ["Last_Name"], **more}}


def resource(**more):
    return {"operation": "insert", "resource": [{"type": "data", "module": {"api_name": "Leads"}, "file_id": "1", **more}]}


def upload_refused(name, code, status=400, body=None, **headers):
    sent = {**UPLOAD_HEADERS, **headers}
    return {"name": "bulk: upload refused: " + name, "method": "POST", "path": UPLOAD, "headers": sent,
            "body": multipart(zipped("a\n1\n")) if body is None else body, "expect_status": status,
            "expect": {"code": code, "status": "error"}}


def write_refused(name, code, operation="insert", text="Last_Name,Company\nA,B\n", **more):
    def run(api):
        body = {"operation": operation, "resource": [
            {"type": "data", "module": {"api_name": "Leads"}, "file_id": upload(api, text), **more}]}
        answer = api.call("POST", WRITE, body)
        assert answer.status == 400 and answer.json["code"] == code, answer.body

    return flow("write refused: " + name, run)


READS = [
    flow("a read from the job to the file", reads_to_the_file),
    flow("states over time", states_by_time, settings={"bulk_seconds": 60}),
    flow("no result before it is complete", result_too_early),
    flow("all fields when none are named", all_fields),
    flow("lookups as ids, dotted as values", joins),
    flow("every comparator", comparators, settings={"bulk_polls": 0}),
    flow("groups of criteria", groups),
    flow("views", views),
    flow("pages and page tokens", pages, settings={"bulk_polls": 0}),
    flow("ten downloads a minute", downloads_limited),
    flow("a job that fails", failing_job, settings={"bulk_fail": True}),
    flow("events as ICS", events_as_ics),
    flow("a callback when it is done", callbacks),
    flow("credits: none, or 50 and 500 (C4)", credits_switch),
    flow("a job is forgotten after a day", job_after_a_day),
    {"name": "bulk: an unknown job", "path": READ + "/42", "expect_status": 404,
     "expect": {"code": "RESOURCE_NOT_FOUND", "details": {"resource": "42"}, "status": "error"}},
    {"name": "bulk: an unknown job's result", "path": READ + "/42/result", "expect_status": 404,
     "expect": {"code": "RESOURCE_NOT_FOUND"}},
    {"name": "bulk: an unknown write job", "path": WRITE + "/42", "expect_status": 404,
     "expect": {"code": "RESOURCE_NOT_FOUND"}},
]

REFUSED = [
    refused("no content type", None, "MEDIA_TYPE_NOT_SUPPORTED", 415, body=json.dumps(query()).encode()),
    refused("another content type", query(), "MEDIA_TYPE_NOT_SUPPORTED", 415, headers={"Content-Type": "text/plain"}),
    refused("a write without content type", None, "MEDIA_TYPE_NOT_SUPPORTED", 415, WRITE, body=b"{}"),
    refused("a body that is no JSON", None, "REQUEST_BODY_NOT_READABLE", headers={"Content-Type": "application/json"},
            body=b"{"),
    refused("an empty body", None, "REQUEST_BODY_IS_EMPTY", headers={"Content-Type": "application/json"}, body=b""),
    refused("an unknown key", {**query(), "nope": 1}, "REQUEST_BODY_NOT_SUPPORTED"),
    refused("no query", {"file_type": "csv"}, "INVALID_REQUEST"),
    refused("no module", {"query": {}}, "INVALID_REQUEST"),
    refused("an unknown key of the query", query(nope=1), "QUERY_NOT_SUPPORTED"),
    refused("an unknown module", {"query": {"module": {"api_name": "Nope"}}}, "MODULE_NOT_AVAILABLE",
            details={"module": "Nope"}),
    refused("notes", {"query": {"module": {"api_name": "Notes"}}}, "MODULE_NOT_SUPPORTED"),
    refused("an unknown field", query(fields=["Nope"]), "FIELD_NOT_SUPPORTED", details={"api_name": "Nope"}),
    refused("a view", query(cvid="7010000000001"), "CVID_NOT_SUPPORTED"),
    refused("page 501", query(page=501), "PAGE_RANGE_EXCEEDED", details={"max_limit": 500}),
    refused("page 0", query(page=0), "PAGE_RANGE_EXCEEDED"),
    refused("26 criteria", query(criteria={"group_operator": "and", "group": [condition()] * 26}),
            "CRITERIA_LIMIT_EXCEEDED", details={"max_limit": 25}),
    refused("201 values", query(criteria=condition(comparator="in", value=["x"] * 201)),
            "VALUE_LIMIT_EXCEEDED_IN_CRITERIA", details={"max_limit": 200}),
    refused("an unknown field in the criteria", query(criteria=condition("Nope")), "INVALID_CRITERIA",
            details={"api_name": "Nope"}),
    refused("an unknown comparator", query(criteria=condition(comparator="like")), "INVALID_CRITERIA"),
    refused("a value of the wrong type", query(criteria=condition("Annual_Revenue", value="much")), "INVALID_CRITERIA"),
    refused("contains on a number", query(criteria=condition("Annual_Revenue", "contains", "1")), "INVALID_CRITERIA"),
    refused("one value for between", query(criteria=condition("Annual_Revenue", "between", ["1"])), "INVALID_CRITERIA"),
    refused("an unknown group operator", query(criteria={"group_operator": "xor", "group": [condition()]}),
            "GROUP_OPERATOR_NOT_SUPPORTED"),
    refused("group and field at once", query(criteria={**condition(), "group_operator": "and", "group": [condition()]}),
            "AMBIGUOUS_CRITERIA"),
    refused("a callback that is no URL", {**query(), "callback": {"url": "nope", "method": "post"}},
            "INVALID_CALLBACK_URL"),
    refused("a callback with GET", {**query(), "callback": {"url": "https://hook.example/b", "method": "get"}},
            "INVALID_CALLBACK_METHOD"),
    refused("ICS of leads", {"query": {"module": {"api_name": "Leads"}}, "file_type": "ics"}, "INVALID_DATA"),
    refused("another file type", {**query(), "file_type": "xlsx"}, "INVALID_DATA",
            details={"api_name": "file_type"}),
]

WRITES = [
    flow("insert: mappings, defaults, errors per row", inserts),
    flow("insert: a mandatory cell is empty", missing_mandatory),
    flow("update by id", updates),
    flow("upsert by Email", upserts),
    flow("insert skips what find_by finds", insert_skips_matches),
    flow("lookups by a field, dates by a format", lookups_and_dates),
    upload_refused("no feature", "MANDATORY_NOT_FOUND", feature=None),
    upload_refused("no organization", "MANDATORY_NOT_FOUND", **{"X-CRM-ORG": None}),
    upload_refused("another feature", "NOT_SUPPORTED_FEATURE", feature="bulk-read"),
    upload_refused("no ZIP", "INVALID_FILE_FORMAT", body=multipart(b"Last_Name\nA\n")),
    upload_refused("no part called file", "MANDATORY_NOT_FOUND", body=multipart(zipped("a\n"), "other")),
    upload_refused("more than 25 MB", "FILE_TOO_LARGE", 413, body=multipart(b"x" * (25 * 1024 * 1024))),
    refused("an unknown operation", {**resource(), "operation": "merge"}, "INVALID_DATA", path=WRITE),
    refused("no operation", {"resource": []}, "MANDATORY_NOT_FOUND", path=WRITE),
    refused("no resource", {"operation": "insert"}, "MANDATORY_NOT_FOUND", path=WRITE),
    refused("an unknown file", resource(), "FILE_NOT_FOUND", path=WRITE),
    refused("writing events", resource(module={"api_name": "Events"}), "MODULE_NOT_AVAILABLE", path=WRITE),
    refused("a write's callback", {**resource(), "callback": {"url": "ftp://x", "method": "post"}}, "FILE_NOT_FOUND",
            path=WRITE),
    write_refused("no find_by", "MANDATORY_NOT_FOUND", "update"),
    write_refused("find_by that is not mapped", "INVALID_DATA", "upsert", find_by="Email"),
    write_refused("a mandatory field without a column", "MANDATORY_FIELDS_NOT_MAPPED", text="Company\nB\n"),
    write_refused("an unknown field", "INVALID_DATA", field_mappings=[{"api_name": "Nope", "index": 0}]),
    write_refused("a file that is not in the ZIP", "FILE_NOT_FOUND", file_names=["other.csv"]),
    write_refused("an open quote", "FILE_NOT_SUPPORTED", text='Last_Name,Company\n"A,B\n'),
    write_refused("an unknown key of a resource", "REQUEST_BODY_NOT_SUPPORTED", nope=1),
]

CASES = READS + REFUSED + WRITES
