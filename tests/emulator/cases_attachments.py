"""Requests about attachments, photos and uploaded files, and what they must answer. The lead is the answer of setup call 0."""

LEAD = ("POST", "/crm/v8/Leads", {"data": [{"Last_Name": "Okafor"}]})
NOBODY = "7999999999999"
BOUNDARY = "a-boundary"
MULTIPART = {"Content-Type": "multipart/form-data; boundary=" + BOUNDARY}
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
CASES = []


def part(name, content, file_name=None, kind=None):
    head = 'Content-Disposition: form-data; name="%s"' % name
    if file_name is not None:
        head += '; filename="%s"' % file_name
    if kind is not None:
        head += "\r\nContent-Type: " + kind
    return ("--%s\r\n%s\r\n\r\n" % (BOUNDARY, head)).encode() + content + b"\r\n"


def form(*parts):
    return b"".join(parts) + ("--%s--\r\n" % BOUNDARY).encode()


FILE = form(part("file", b"a \r\n--a file", "Quote \u00fc.txt", "text/plain"))
LINK = form(part("attachmentUrl", b"https://example.com/x"), part("title", b"A link"))


def upload(api, path, body):
    answer = api.call("POST", "/crm/v8/" + path, headers=MULTIPART, body=body)
    assert answer.status == 200, (answer.status, answer.body)
    return answer.json


def lead(api):
    return api.call(*LEAD).json["data"][0]["details"]["id"]


def case(name, method, path, body=None, status=200, expect=None, check=None, setup=(LEAD,), settings=None, headers=None):
    row = {"name": "attachments: " + name, "setup": list(setup), "method": method, "path": "/crm/v8/" + path,
           "headers": headers or (MULTIPART if body is not None else {}), "expect_status": status}
    for key, value in (("body", body), ("expect", expect), ("check", check), ("settings", settings)):
        if value is not None:
            row[key] = value
    CASES.append(row)


def scene(name):
    """A case of several requests."""

    def add(run):
        CASES.append({"name": "attachments: " + name, "run": run})
        return run

    return add


def refused(code, **details):
    return {"code": code, "status": "error", "details": details}


PATH = "Leads/{id0}/Attachments"


def stamps(answer):
    entry = answer["data"][0]
    assert set(entry["details"]) == {"id", "Modified_Time", "Modified_By", "Created_Time", "Created_By"}, entry


case("upload answers 200", "POST", PATH, FILE, 200,
     {"data": [{"code": "SUCCESS", "message": "attachment uploaded successfully"}]}, stamps)
case("a link", "POST", PATH, LINK, 200, {"data": [{"code": "SUCCESS"}]})
case("a link to nowhere", "POST", PATH, form(part("attachmentUrl", b"no address")), 400,
     refused("INVALID_DATA", param_name="attachmentUrl"))
case("nothing", "POST", PATH, form(part("other", b"x")), 400, refused("REQUIRED_PARAM_MISSING", param_name="file"))
case("a body that is no form", "POST", PATH, b"plain", 400, refused("REQUIRED_PARAM_MISSING", param_name="file"))
case("a form without its end", "POST", PATH, FILE[:60], 400, refused("REQUIRED_PARAM_MISSING", param_name="file"))
case("too large", "POST", PATH, FILE, 413, refused("FILE_SIZE_MORE_THAN_ALLOWED_SIZE"), settings={"attachment_limit": 100})
case("on an unknown record", "POST", "Leads/%s/Attachments" % NOBODY, FILE, 400,
     refused("INVALID_DATA", resource_path_index=1))
case("none", "GET", PATH + "?fields=id,File_Name", None, 204)
case("a list without fields", "GET", PATH, None, 400, refused("REQUIRED_PARAM_MISSING", param_name="fields"))
case("an unknown one", "GET", PATH + "/" + NOBODY, None, 204)
case("delete of an unknown one", "DELETE", PATH + "/" + NOBODY, None, 400, refused("INVALID_DATA", resource_path_index=3))


@scene("list, download, delete")
def round_trip(api):
    path = "/crm/v8/Leads/%s/Attachments" % lead(api)
    made = [upload(api, path[8:], body)["data"][0]["details"]["id"] for body in (FILE, FILE, LINK)]
    listed = api.call("GET", path + "?fields=id,File_Name,Size").json
    assert [row["id"] for row in listed["data"]] == made, listed
    assert listed["data"][0]["File_Name"] == "Quote \u00fc.txt" and listed["data"][0]["Size"] == "12", listed
    assert "Owner" not in listed["data"][0] and listed["data"][2]["$link_url"] == "https://example.com/x", listed
    assert listed["info"]["count"] == 3 and listed["info"]["more_records"] is False, listed
    second = api.call("GET", path + "?fields=id&page=2&per_page=2").json
    assert [row["id"] for row in second["data"]] == made[2:], second
    got = api.call("GET", path + "/" + made[0])
    assert got.status == 200 and got.body == b"a \r\n--a file", got.body
    assert got.headers["content-type"].startswith("text/plain"), got.headers
    assert "attachment" in got.headers["content-disposition"], got.headers
    link = api.call("GET", path + "/" + made[2])
    assert link.status == 400 and link.json["code"] == "DOWNLOAD_NOT_ALLOWED", link.body
    assert api.call("DELETE", path + "/" + made[0]).json["data"][0]["message"] == "record deleted"
    mixed = api.call("DELETE", path + "?ids=%s,%s" % (made[1], NOBODY))
    assert mixed.status == 207 and mixed.json["data"][1]["code"] == "INVALID_DATA", mixed.body
    assert len(api.call("GET", path + "?fields=id").json["data"]) == 1


@scene("of a note")
def of_a_note(api):
    note = api.call("POST", "/crm/v8/Leads/%s/Notes" % lead(api), {"data": [{"Note_Title": "T"}]})
    path = "Notes/%s/Attachments" % note.json["data"][0]["details"]["id"]
    upload(api, path, FILE)
    assert len(api.call("GET", "/crm/v8/%s?fields=id" % path).json["data"]) == 1


@scene("a photo")
def photo(api):
    path = "Leads/%s/photo" % lead(api)
    assert api.call("GET", "/crm/v8/" + path).status == 204
    assert upload(api, path, form(part("file", PNG, "me.png", "image/png")))["code"] == "SUCCESS"
    got = api.call("GET", "/crm/v8/" + path)
    assert got.status == 200 and got.body == PNG and got.headers["content-type"] == "image/png", got.headers
    refused_text = api.call("POST", "/crm/v8/" + path, headers=MULTIPART, body=FILE)
    assert refused_text.status == 400 and refused_text.json["code"] == "INVALID_DATA", refused_text.body
    assert api.call("DELETE", "/crm/v8/" + path).json["code"] == "SUCCESS"
    assert api.call("DELETE", "/crm/v8/" + path).status == 400


@scene("files for the fields of records")
def files(api):
    made = upload(api, "files", form(part("file", b"plan", "plan.pdf", "application/pdf")))["data"][0]["details"]
    assert made["name"] == "plan.pdf", made
    assert api.call("GET", "/crm/v8/files?id=" + made["id"]).body == b"plan"
    assert api.call("GET", "/crm/v8/files?id=nothing").status == 204
    project = api.call("POST", "/crm/v8/Projects", {"data": [{"Name": "Quay", "Documents": [{"File_Id__s": made["id"]}]}]})
    path = "/crm/v8/Projects/" + project.json["data"][0]["details"]["id"]
    shown = api.call("GET", path).json["data"][0]["Documents"]
    assert shown[0]["File_Name__s"] == "plan.pdf" and shown[0]["Size__s"] == 4, shown
    gone = api.call("PUT", path, {"data": [{"Documents": [{"id": shown[0]["id"], "_delete": None}]}]})
    assert gone.status == 200 and api.call("GET", path).json["data"][0]["Documents"] == [], gone.body


case("a file over its size", "POST", "files", form(part("file", b"12345", "a.txt")), 415,
     refused("FILE_SIZE_MORE_THAN_ALLOWED_SIZE"), setup=(), settings={"file_limit": 4})
case("eleven files", "POST", "files", form(*[part("file", b"x", "a.txt")] * 11), 400, {"code": "INVALID_REQUEST"}, setup=())
case("files without an id", "GET", "files", None, 400, refused("REQUIRED_PARAM_MISSING", param_name="id"), setup=())
