"""Requests about notes and what they must answer. Each case finds the emulator as at its start: the lead is FIRST, its note SECOND."""

FIRST = "7900000000001"
SECOND = "7900000000002"
NOBODY = "7999999999999"
LEAD = ("POST", "/crm/v8/Leads", {"data": [{"Last_Name": "Okafor"}]})
OTHER = ("POST", "/crm/v8/Leads", {"data": [{"Last_Name": "Other"}]})
NOTE = ("POST", "/crm/v8/Leads/%s/Notes" % FIRST, {"data": [{"Note_Title": "Call", "Note_Content": "Left a message"}]})
PARENT = {"module": {"api_name": "Leads"}, "id": FIRST}
CASES = []


def case(name, method, path, body=None, status=200, expect=None, check=None, setup=(LEAD,), headers=None):
    row = {"name": "notes: " + name, "setup": list(setup), "method": method, "path": "/crm/v8/" + path,
           "headers": headers or {}, "expect_status": status}
    if body is not None:
        row["json"] = body
    if expect is not None:
        row["expect"] = expect
    if check is not None:
        row["check"] = check
    CASES.append(row)


def rows(*data, **keys):
    return {"data": list(data), **keys}


def no_approval_state(answer):
    assert set(answer["data"][0]["details"]) == {"id", "Modified_Time", "Modified_By", "Created_Time", "Created_By"}, answer


EMPTY = {"code": "EXPECTED_FIELD_MISSING", "message": "should contain either content or title",
         "details": {"expected_fields": [{"api_name": "Note_Content", "json_path": "$.data[0].Note_Content"},
                                         {"api_name": "Note_Title", "json_path": "$.data[0].Note_Title"}]}}

case("create", "POST", "Notes", rows({"Parent_Id": PARENT, "Note_Title": "T", "Note_Content": "C"}), 201,
     rows({"code": "SUCCESS", "message": "record added", "details": {"id": SECOND}}), no_approval_state)
case("create under the record", "POST", "Leads/%s/Notes" % FIRST, rows({"Note_Content": "C"}), 201)
case("create with a title alone", "POST", "Leads/%s/Notes" % FIRST, rows({"Note_Title": "T"}), 201)
case("create with neither title nor content", "POST", "Leads/%s/Notes" % FIRST, rows({"Note_Title": ""}), 400, rows(EMPTY))
case("create without a parent", "POST", "Notes", rows({"Note_Title": "T"}), 400,
     rows({"code": "MANDATORY_NOT_FOUND", "details": {"api_name": "Parent_Id"}}))
case("create under nothing", "POST", "Notes", rows({"Note_Title": "T", "Parent_Id": {**PARENT, "id": NOBODY}}), 400,
     rows({"code": "INVALID_DATA", "details": {"json_path": "$.data[0].Parent_Id.id"}}))
case("create in an unknown module", "POST", "Notes",
     rows({"Note_Title": "T", "Parent_Id": {"module": {"api_name": "Nowhere"}, "id": FIRST}}), 400,
     rows({"code": "INVALID_DATA"}))
case("create under an unknown record", "POST", "Leads/%s/Notes" % NOBODY, rows({"Note_Title": "T"}), 400,
     {"code": "INVALID_DATA", "details": {"resource_path_index": 1}})
case("a title of 120", "POST", "Leads/%s/Notes" % FIRST, rows({"Note_Title": "\u00fc" * 120}), 201)
case("a title of 121", "POST", "Leads/%s/Notes" % FIRST, rows({"Note_Title": "x" * 121}), 400,
     rows({"code": "INVALID_DATA", "details": {"maximum_length": 120, "api_name": "Note_Title"}}))
case("a content of 65,535", "POST", "Leads/%s/Notes" % FIRST, rows({"Note_Content": "x" * 65535}), 201)
case("a content of 65,536", "POST", "Leads/%s/Notes" % FIRST, rows({"Note_Content": "x" * 65536}), 400,
     rows({"code": "INVALID_DATA",
           "details": {"maximum_length": 65535, "api_name": "Note_Content", "json_path": "$.data[0].Note_Content"}}))
case("a content that is no text", "POST", "Leads/%s/Notes" % FIRST, rows({"Note_Content": 5}), 400,
     rows({"code": "INVALID_DATA"}))
case("an unknown key", "POST", "Leads/%s/Notes" % FIRST, rows({"Note_Title": "T", "Nonsense": 1}), 400,
     rows({"code": "INVALID_DATA", "details": {"api_name": "Nonsense"}}))
case("101 notes", "POST", "Leads/%s/Notes" % FIRST, rows(*[{"Note_Title": "T"}] * 101), 400,
     {"code": "INVALID_DATA", "details": {"maximum_length": 100, "api_name": "data", "json_path": "$.data"}})
case("partly good", "POST", "Leads/%s/Notes" % FIRST, rows({"Note_Title": "T"}, {}), 207,
     rows({"code": "SUCCESS"}, {"code": "EXPECTED_FIELD_MISSING"}))

WITH_NOTE = (LEAD, NOTE)
case("read one", "GET", "Notes/%s?fields=Note_Title,Note_Content,Parent_Id" % SECOND, None, 200,
     rows({"id": SECOND, "Note_Title": "Call", "Note_Content": "Left a message",
           "Parent_Id": {"id": FIRST, "name": "Okafor", "module": {"api_name": "Leads"}}}), setup=WITH_NOTE)
case("the notes of a record", "GET", "Leads/%s/Notes?fields=Note_Title" % FIRST, None, 200,
     rows({"id": SECOND, "Note_Title": "Call"}), setup=WITH_NOTE)
case("no notes", "GET", "Leads/%s/Notes?fields=Note_Title" % FIRST, None, 204)
for path in ("Notes/" + SECOND, "Leads/%s/Notes/%s" % (FIRST, SECOND)):
    case("update by " + path.split("/")[0], "PUT", path, rows({"Note_Title": "New"}), 200,
         rows({"code": "SUCCESS", "message": "record updated", "details": {"id": SECOND}}), no_approval_state,
         setup=WITH_NOTE)
    case("delete by " + path.split("/")[0], "DELETE", path, None, 200,
         rows({"code": "SUCCESS", "message": "record deleted", "details": {"id": SECOND}}), setup=WITH_NOTE)
for path in ("Notes", "Leads/%s/Notes" % FIRST):
    case("update many by " + path.split("/")[0], "PUT", path,
         rows({"id": SECOND, "Note_Title": "New"}, {"Note_Title": "x"}, {"id": NOBODY, "Note_Title": "x"}), 207,
         rows({"code": "SUCCESS"}, {"code": "MANDATORY_NOT_FOUND"}, {"code": "INVALID_DATA"}), setup=WITH_NOTE)
    case("delete many by " + path.split("/")[0], "DELETE", "%s?ids=%s,%s" % (path, SECOND, NOBODY), None, 207,
         rows({"code": "SUCCESS"}, {"code": "INVALID_DATA", "message": "record not deleted"}), setup=WITH_NOTE)
case("delete without ids", "DELETE", "Notes", None, 400, {"code": "REQUIRED_PARAM_MISSING", "details": {"param_name": "ids"}})
case("update to nothing", "PUT", "Notes/" + SECOND, rows({"Note_Title": None, "Note_Content": None}), 400, rows(EMPTY),
     setup=WITH_NOTE)
case("update keeps what is not sent", "GET", "Notes/%s?fields=Note_Title,Note_Content" % SECOND, None, 200,
     rows({"Note_Title": "New", "Note_Content": "Left a message"}),
     setup=(LEAD, NOTE, ("PUT", "/crm/v8/Notes/" + SECOND, rows({"Note_Title": "New"}))))
case("update of an unknown note", "PUT", "Notes/" + NOBODY, rows({"Note_Title": "x"}), 400,
     {"code": "INVALID_DATA", "details": {"resource_path_index": 1}})
case("update of another record's note", "PUT", "Leads/7900000000003/Notes/" + SECOND, rows({"Note_Title": "x"}), 400,
     {"code": "INVALID_DATA", "details": {"resource_path_index": 3}}, setup=(LEAD, NOTE, OTHER))
case("delete of an unknown note", "DELETE", "Notes/" + NOBODY, None, 400,
     {"code": "INVALID_DATA", "message": "record not deleted"})
case("count with the others", "POST", "Leads/%s/actions/get_related_records_count" % FIRST,
     {"get_related_records_count": [{"related_list": {"api_name": "Notes", "id": "1"}},
                                    {"related_list": {"api_name": "Attachments", "id": "2"}}]}, 200,
     {"get_related_records_count": [{"count": 1, "related_list": {"api_name": "Notes"}}, {"count": 0}]}, setup=WITH_NOTE)


def scene(name):
    """A case of several requests."""

    def add(run):
        CASES.append({"name": "notes: " + name, "run": run})
        return run

    return add


def times_after_a_note(api):
    """The lead's Modified_Time before and after a note ten minutes later, and its last activity."""
    lead = api.call(*LEAD).json["data"][0]["details"]
    api.admin("settings", {"advance_s": 600})
    made = api.call("POST", "/crm/v8/Leads/%s/Notes" % lead["id"], rows({"Note_Title": "T"}))
    assert made.status == 201, made.body
    record = api.call("GET", "/crm/v8/Leads/" + lead["id"]).json["data"][0]
    return lead["Modified_Time"], record["Modified_Time"], record["Last_Activity_Time"]


@scene("a note moves its parent's last activity alone")
def parent_untouched(api):
    before, after, activity = times_after_a_note(api)
    assert before == after < activity, (before, after, activity)


@scene("a note touches its parent by knob")
def parent_touched(api):
    api.admin("settings", {"notes_touch_parent": True})
    before, after, activity = times_after_a_note(api)
    assert before < after == activity, (before, after, activity)
