"""Requests that insert, update, upsert, delete, clone, convert, tag, link and purge, and what they must answer.

Each case finds the emulator as at its start, so the first record it makes has the id FIRST."""

import time

FIRST = "7900000000001"
SECOND = "7900000000002"
THIRD = "7900000000003"
NOBODY = "7999999999999"
CASES = []


def settings(**knobs):
    return ("POST", "/_emulator/settings", knobs)


def insert(module, **fields):
    return ("POST", "/crm/v8/" + module, {"data": [fields]})


def case(name, method, path, body=None, status=200, expect=None, check=None, setup=(), headers=None):
    row = {"name": "write: " + name, "setup": list(setup), "method": method, "path": "/crm/v8/" + path,
           "headers": headers or {}, "expect_status": status}
    if isinstance(body, str):
        row["body"] = body.encode()
    elif body is not None:
        row["json"] = body
    if expect is not None:
        row["expect"] = expect
    if check is not None:
        row["check"] = check
    CASES.append(row)


def rows(*data, **keys):
    return {"data": list(data), **keys}


def error(code, message=None, **details):
    entry = {"code": code, "status": "error"}
    if message is not None:
        entry["message"] = message
    if details:
        entry["details"] = details
    return entry


def success(message, **keys):
    return {"code": "SUCCESS", "status": "success", "message": message, **keys}


def at(name, row=0):
    return {"api_name": name, "json_path": "$.data[%d].%s" % (row, name)}


LEAD = insert("Leads", Last_Name="Okafor", Company="Harbor Tiles", Email="okafor@write-cases.example")
CONTACT = insert("Contacts", Last_Name="Vega", Ext_Contact="write-ext-1")
PROJECT = insert("Projects", Name="Quay", Phases=["Plan"],
                 Milestones=[{"Title": "one", "Weight": 1.5}, {"Title": "two"}])


def exact_keys(answer):
    details = answer["data"][0]["details"]
    assert set(details) == {"id", "Modified_Time", "Modified_By", "Created_Time", "Created_By", "$approval_state"}, details
    assert set(details["Created_By"]) == {"name", "id"}, details


def all_errors(answer):
    codes = sorted(error["code"] for error in answer["data"][0]["details"]["errors"])
    assert codes == ["INVALID_DATA", "INVALID_DATA", "MANDATORY_NOT_FOUND"], codes


def just(field, value):
    """The one row's field is exactly this."""

    def check(answer):
        assert answer["data"][0][field] == value, answer["data"][0][field]

    return check


# ---- insert

case("insert answers 201 with the record's stamps", "POST", "Leads", rows({"Last_Name": "A"}), 201,
     rows(success("record added", details={"id": FIRST, "$approval_state": "approved"})), exact_keys)
case("partly good rows answer 207, in order", "POST", "Leads",
     rows({"Last_Name": "A"}, {"Company": "none"}, {"Last_Name": "C"}), 207,
     rows(success("record added"), error("MANDATORY_NOT_FOUND", "required field not found", **at("Last_Name", 1)),
          success("record added")))
case("no good row answers 400", "POST", "Leads", rows({"Company": "none"}), 400,
     rows(error("MANDATORY_NOT_FOUND", **at("Last_Name"))))
case("an empty mandatory field is missing", "POST", "Leads", rows({"Last_Name": ""}), 400,
     rows(error("MANDATORY_NOT_FOUND", **at("Last_Name"))))
case("an unknown field", "POST", "Leads", rows({"Last_Name": "A", "Nonsense": 1}), 400,
     rows(error("INVALID_DATA", "the field api name given seems to be invalid", **at("Nonsense"))))
case("an unknown field, ignored by knob", "POST", "Leads", rows({"Last_Name": "A", "Nonsense": 1}), 201,
     setup=[settings(unknown_keys="ignore")])
case("an unknown body key", "POST", "Leads", rows({"Last_Name": "A"}, nonsense=1), 400,
     error("INVALID_DATA", api_name="nonsense", json_path="$.nonsense"))
case("an unknown body key, ignored by knob", "POST", "Leads", rows({"Last_Name": "A"}, nonsense=1), 201,
     setup=[settings(unknown_keys="ignore")])
case("malformed JSON", "POST", "Leads", '{"data":[', 400, error("INVALID_DATA"))
case("no body", "POST", "Leads", "", 400, error("INVALID_DATA", expected_data_type="jsonobject"))
case("no data", "POST", "Leads", {}, 400, error("MANDATORY_NOT_FOUND", api_name="data", json_path="$.data"))
case("data is no array", "POST", "Leads", {"data": {}}, 400,
     error("INVALID_DATA", expected_data_type="jsonarray", api_name="data"))
case("a row is no object", "POST", "Leads", rows(1), 400, rows(error("INVALID_DATA", expected_data_type="jsonobject")))
case("100 rows", "POST", "Leads", rows(*[{"Last_Name": "n%d" % i} for i in range(100)]), 201)
case("101 rows", "POST", "Leads", rows(*[{"Last_Name": "n%d" % i} for i in range(101)]), 400,
     error("LIMIT_EXCEEDED", maximum_length=100, api_name="data", json_path="$.data"))
case("a known trigger", "POST", "Leads", rows({"Last_Name": "A"}, trigger=["workflow", "blueprint"]), 201)
case("an unknown trigger", "POST", "Leads", rows({"Last_Name": "A"}, trigger=["magic"]), 400,
     error("INVALID_DATA", api_name="trigger"))
case("an unknown module", "POST", "Nowhere", rows({"Name": "A"}), 400, error("INVALID_MODULE"))
case("a computed field is not taken", "POST", "Leads", rows({"Last_Name": "A", "Full_Name": "B"}), 201)
case("a computed field, refused by knob", "POST", "Leads", rows({"Last_Name": "A", "Full_Name": "B"}), 400,
     rows(error("INVALID_DATA", **at("Full_Name"))), setup=[settings(computed_fields="refuse")])
case("several mistakes in a row", "POST", "Leads", rows({"Email": "nonsense", "No_of_Employees": "many"}), 400,
     rows(error("MULTIPLE_OR_MULTI_ERRORS")),
     all_errors)

WRONG = [
    ("Leads", "No_of_Employees", "many", "integer"),
    ("Leads", "No_of_Employees", 1.5, "integer"),
    ("Leads", "Email", "no address", "email"),
    ("Leads", "Phone", "call me \u260e", "phone"),
    ("Leads", "Website", "two words", "website"),
    ("Leads", "Company", 12, "text"),
    ("Leads", "Email_Opt_Out", "true", "boolean"),
    ("Leads", "Annual_Revenue", "12", "double"),
    ("Leads", "Lead_Source", 1, "picklist"),
    ("Leads", "Owner", "7010000000001", "jsonobject"),
    ("Projects", "Phases", "Plan", "jsonarray"),
    ("Projects", "Reference_Number", "12x", "bigint"),
    ("Projects", "Start_Date", "2026-02-30", "date"),
    ("Projects", "Start_Date", "02/03/2026", "date"),
    ("Projects", "Kickoff", "2026-03-02", "datetime"),
    ("Projects", "Kickoff", "2026-03-02T10:00:00.123+00:00", "datetime"),
    ("Projects", "Account", "Harbor", "jsonobject"),
    ("Projects", "Milestones", {}, "jsonarray"),
]
for module, field, value, kind in WRONG:
    case("%s does not take %r" % (field, value), "POST", module,
         rows({"Last_Name" if module == "Leads" else "Name": "A", field: value}), 400,
         rows(error("INVALID_DATA", "invalid data", expected_data_type=kind, **at(field))))

RIGHT = [
    ("Leads", "No_of_Employees", 999999999),
    ("Leads", "Annual_Revenue", 12.5),
    ("Leads", "Lead_Source", "Never heard of"),
    ("Leads", "Lead_Source", None),
    ("Leads", "Owner", {"id": "7010000000001"}),
    ("Projects", "Phases", ["Plan", "Build, Test"]),
    ("Projects", "Reference_Number", "001234567890123456"),
    ("Projects", "Start_Date", "2028-02-29"),
    ("Projects", "Kickoff", "2026-03-02T10:00:00Z"),
    ("Projects", "Kickoff", "2026-03-02T10:00:00+05:30"),
]
for module, field, value in RIGHT:
    case("%s takes %r" % (field, value), "POST", module,
         rows({"Last_Name" if module == "Leads" else "Name": "A", field: value}), 201)

case("a text at its length", "POST", "Leads", rows({"Last_Name": "\u00fc" * 80}), 201)
case("a text over its length", "POST", "Leads", rows({"Last_Name": "\u00fc" * 81}), 400,
     rows(error("INVALID_DATA", maximum_length=80, **at("Last_Name"))))
case("an integer of ten digits", "POST", "Leads", rows({"Last_Name": "A", "No_of_Employees": 1000000000}), 400,
     rows(error("INVALID_DATA", maximum_length=9, **at("No_of_Employees"))))
case("a lookup to nowhere", "POST", "Contacts", rows({"Last_Name": "A", "Account_Name": {"id": NOBODY}}), 400,
     rows(error("INVALID_DATA", "the related id given seems to be invalid", api_name="Account_Name",
                json_path="$.data[0].Account_Name.id")))
case("an unknown owner", "POST", "Leads", rows({"Last_Name": "A", "Owner": {"id": NOBODY}}), 400,
     rows(error("INVALID_DATA", api_name="Owner")))
case("a unique value that is taken", "POST", "Leads", rows({"Last_Name": "B", "Email": "OKAFOR@write-cases.example"}),
     400, rows(error("DUPLICATE_DATA", "duplicate data", duplicate_record={"id": FIRST, "module": {"api_name": "Leads"}},
                     **at("Email"))), setup=[LEAD])
case("a unique value taken by an earlier row", "POST", "Leads",
     rows({"Last_Name": "A", "Email": "x@write-cases.example"}, {"Last_Name": "B", "Email": "x@write-cases.example"}), 207,
     rows(success("record added"), error("DUPLICATE_DATA")))
case("in approval when asked", "POST", "Leads", rows({"Last_Name": "A", "$approved": False}), 201,
     rows(success("record added", details={"$approval_state": "pending"})))
case("a long currency is kept to the digit", "GET", "Projects/" + FIRST, None, 200, rows({"Budget": 1234567890123456.25}),
     setup=[insert("Projects", Name="Big", Budget=1234567890123456.25)])

# ---- update

case("update answers 200", "PUT", "Leads/" + FIRST, rows({"Company": "B"}), 200,
     rows(success("record updated", details={"id": FIRST})), exact_keys, setup=[LEAD])
case("update leaves the rest", "GET", "Leads/" + FIRST, None, 200,
     rows({"Last_Name": "Okafor", "Company": None, "Full_Name": "Ada Okafor"}),
     setup=[LEAD, ("PUT", "/crm/v8/Leads/" + FIRST, rows({"Company": None, "First_Name": "Ada"}))])
case("update of many", "PUT", "Leads", rows({"id": FIRST, "Company": "B"}, {"id": NOBODY, "Company": "B"}, {"Company": "B"}),
     207, rows(success("record updated"), error("INVALID_DATA", "the id given seems to be invalid", **at("id", 1)),
               error("MANDATORY_NOT_FOUND", **at("id", 2))), setup=[LEAD])
case("update of an unknown id", "PUT", "Leads/" + NOBODY, rows({"Company": "B"}), 400,
     error("INVALID_DATA", "the id given seems to be invalid", resource_path_index=1))
case("update of an unknown id as the guide has it", "PUT", "Leads/" + NOBODY, rows({"Company": "B"}), 404,
     setup=[settings(unknown_id="404")])
case("update clears no mandatory field", "PUT", "Leads/" + FIRST, rows({"Last_Name": None}), 400,
     rows(error("MANDATORY_NOT_FOUND", **at("Last_Name"))), setup=[LEAD])
case("101 updates", "PUT", "Leads", rows(*[{"id": FIRST}] * 101), 400, error("LIMIT_EXCEEDED", maximum_length=100))
case("unmodified since: later than the record", "PUT", "Leads/" + FIRST, rows({"Company": "B"}), 200, setup=[LEAD],
     headers={"If-Unmodified-Since": "2099-01-01T00:00:00+00:00"})
case("unmodified since: earlier than the record", "PUT", "Leads/" + FIRST, rows({"Company": "B"}), 412,
     rows(error("ALREADY_MODIFIED", "record updated time has already passed if-unmodified-since time", id=FIRST)),
     setup=[LEAD], headers={"If-Unmodified-Since": "2001-01-01T00:00:00Z"})
case("unmodified since: no time", "PUT", "Leads/" + FIRST, rows({"Company": "B"}), 400, error("INVALID_DATA"),
     setup=[LEAD], headers={"If-Unmodified-Since": "yesterday"})
case("delete takes no lock", "DELETE", "Leads/" + FIRST, None, 200, setup=[LEAD],
     headers={"If-Unmodified-Since": "2001-01-01T00:00:00Z"})
case("a multi-select picklist is replaced", "GET", "Projects/" + FIRST, None, 200,
     check=just("Phases", ["Ship"]),
     setup=[PROJECT, ("PUT", "/crm/v8/Projects/" + FIRST, rows({"Phases": ["Ship"]}))])
case("a multi-select picklist is appended to", "GET", "Projects/" + FIRST, None, 200,
     check=just("Phases", ["Plan", "Ship"]),
     setup=[PROJECT, ("PUT", "/crm/v8/Projects/" + FIRST,
                      rows({"Phases": ["Ship"], "$append_values": {"Phases": True}}))])


def titles(*wanted):
    def check(answer):
        got = [row["Title"] for row in answer["data"][0]["Milestones"]]
        assert got == list(wanted), got

    return check


def put_rows(*milestones):
    return ("PUT", "/crm/v8/Projects/" + FIRST, rows({"Milestones": list(milestones)}))


ONE, TWO = SECOND, THIRD  # the project's rows came right after it
for name, sent, left in [
    ("added, changed, kept", [{"id": ONE, "Title": "uno"}, {"id": TWO}, {"Title": "three"}], ["uno", "two", "three"]),
    ("deleted by _delete", [{"id": ONE}, {"id": TWO, "_delete": None}], ["one"]),
    ("omitted ones go", [{"id": TWO}], ["two"]),
    ("all cleared", [], []),
]:
    case("subform rows: " + name, "GET", "Projects/" + FIRST, None, 200, check=titles(*left),
         setup=[PROJECT, put_rows(*sent)])
case("subform rows: omitted ones stay by knob", "GET", "Projects/" + FIRST, None, 200, check=titles("one", "deux"),
     setup=[settings(omitted_rows="keep"), PROJECT, put_rows({"id": TWO, "Title": "deux"})])
case("a subform row of another record", "PUT", "Projects/" + FIRST, rows({"Milestones": [{"id": NOBODY}]}), 400,
     rows(error("INVALID_DATA", api_name="id", json_path="$.data[0].Milestones[0].id")), setup=[PROJECT])
case("a wrong value in a subform row", "PUT", "Projects/" + FIRST, rows({"Milestones": [{"Weight": "heavy"}]}), 400,
     rows(error("INVALID_DATA", expected_data_type="double", json_path="$.data[0].Milestones[0].Weight")),
     setup=[PROJECT])
case("links of a multi-select lookup", "GET", "Projects/" + SECOND, None, 200,
     rows({"Team_Contacts": [{"Contact": {"id": FIRST, "name": "Vega"}}]}),
     setup=[CONTACT, insert("Projects", Name="Quay", Team_Contacts=[{"Contact": {"id": FIRST}, "Part": "lead"}])])
case("the same link twice", "POST", "Projects",
     rows({"Name": "Quay", "Team_Contacts": [{"Contact": {"id": FIRST}}, {"Contact": {"id": FIRST}}]}), 400,
     rows(error("DUPLICATE_LINKING_DATA")), setup=[CONTACT])
case("users of a multi-user field", "POST", "Projects",
     rows({"Name": "Quay", "Members": [{"Member": {"id": "7010000000001"}}]}), 201)
case("an unknown file", "POST", "Projects", rows({"Name": "Quay", "Documents": [{"File_Id__s": "nothing"}]}), 400,
     rows(error("INVALID_DATA", api_name="Documents")))

# ---- states

for knob, code in [("record_locked", "RECORD_LOCKED"), ("record_in_approval", "NOT_APPROVED"),
                   ("record_in_blueprint", "RECORD_IN_BLUEPRINT")]:
    case("refused by " + knob, "PUT", "Leads/" + FIRST, rows({"Company": "B"}), 400, rows(error(code)),
         setup=[LEAD, settings(**{knob: int(FIRST)})])
case("a locked record is not deleted", "DELETE", "Leads?ids=" + FIRST, None, 400,
     rows(error("RECORD_LOCKED", action="delete", id=FIRST)), setup=[LEAD, settings(record_locked=int(FIRST))])

# ---- the workflow

RULE = '{"module":"Leads","when_field":"Company","set_field":"Industry","value":"ASP"}'
case("the workflow changes a field after a save", "GET", "Leads/" + FIRST, None, 200, rows({"Industry": "ASP"}),
     setup=[settings(workflow=RULE), LEAD])
case("no trigger, no workflow", "GET", "Leads/" + FIRST, None, 200, rows({"Industry": None}),
     setup=[settings(workflow=RULE), ("POST", "/crm/v8/Leads", rows({"Last_Name": "A", "Company": "B"}, trigger=[]))])
case("another field, no workflow", "GET", "Leads/" + FIRST, None, 200, rows({"Industry": None}),
     setup=[settings(workflow=RULE), insert("Leads", Last_Name="A")])



def scene(name):
    """A case of several requests."""

    def add(run):
        CASES.append({"name": "write: " + name, "run": run})
        return run

    return add


@scene("the workflow changes a field a while after the save")
def late_workflow(api):
    api.admin("settings", {"workflow": RULE[:-1] + ',"delay_s":60}'})
    path = "/crm/v8/Leads/" + api.call(*LEAD).json["data"][0]["details"]["id"]
    first = api.call("GET", path).json["data"][0]
    assert first["Industry"] is None, first
    api.admin("settings", {"advance_s": 61})
    deadline = time.monotonic() + 60
    while (later := api.call("GET", path).json["data"][0])["Industry"] is None:
        assert time.monotonic() < deadline, later
    assert later["Industry"] == "ASP" and later["Modified_Time"] > first["Modified_Time"], later
    assert later["Modified_By"]["id"] != first["Modified_By"]["id"], later


@scene("a row costs a tenth of a credit, a tag a fiftieth")
def credits(api):
    def cost(method, path, data):
        before = api.admin("stats")["credits"]
        assert api.call(method, "/crm/v8/" + path, data).status < 300
        return api.admin("stats")["credits"] - before

    many = rows(*[{"Last_Name": "n%d" % index} for index in range(11)])
    assert cost("POST", "Leads", many) == 2
    assert cost("POST", "Leads", rows({"Last_Name": "A"})) == 1
    assert cost("POST", "Leads/%s/actions/convert" % FIRST, rows({})) == 5
    ids = [str(int(FIRST) + index) for index in range(1, 11)]
    assert cost("POST", "Leads/actions/add_tags", {"tags": [{"name": "vip"}], "ids": ids}) == 1


@scene("a converted lead has left the list")
def converted(api):
    lead = api.call(*LEAD).json["data"][0]["details"]["id"]
    assert api.call("POST", "/crm/v8/Leads/%s/actions/convert" % lead, rows({})).status == 200
    newest = api.call("GET", "/crm/v8/Leads?fields=Last_Name&per_page=1").json["data"][0]
    assert newest["id"] != lead, newest
    both = api.call("GET", "/crm/v8/Leads?fields=Last_Name&per_page=1&converted=true").json["data"][0]
    assert both["id"] == lead, both


@scene("generated records are found by their unique values")
def generated_unique(api):
    with_email = [row for row in api.call("GET", "/crm/v8/Leads?fields=Email").json["data"] if row["Email"]]
    taken = with_email[17]
    clash = api.call("POST", "/crm/v8/Leads", rows({"Last_Name": "A", "Email": taken["Email"].upper()}))
    assert clash.json["data"][0]["details"]["duplicate_record"]["id"] == taken["id"], clash.body
    changed = api.call("PUT", "/crm/v8/Leads/" + taken["id"], rows({"Email": None}))
    assert changed.status == 200, changed.body
    free = api.call("POST", "/crm/v8/Leads/upsert", rows({"Last_Name": "A", "Email": taken["Email"]}))
    assert free.json["data"][0]["action"] == "insert", free.body


@scene("generated records are found by their names")
def generated_names(api):
    accounts = api.call("GET", "/crm/v8/Accounts?fields=Account_Name&sort_by=id&sort_order=asc").json["data"]
    name = next(row["Account_Name"] for row in accounts if len(row["Account_Name"]) > 9)
    oldest = next(row for row in accounts if row["Account_Name"].casefold() == name.casefold())
    saved = api.call("POST", "/crm/v8/Accounts/upsert", rows({"Account_Name": name, "Phone": "1"})).json["data"][0]
    assert saved["details"]["id"] == oldest["id"] and saved["duplicate_field"] == "Account_Name", saved


# ---- upsert

EMAIL = "okafor@write-cases.example"
case("upsert inserts", "POST", "Leads/upsert", rows({"Last_Name": "A", "Email": EMAIL}), 200,
     rows(success("record added", action="insert", duplicate_field=None)))
case("upsert updates by the system's field", "POST", "Leads/upsert", rows({"Last_Name": "A", "Email": EMAIL}), 200,
     rows(success("record updated", action="update", duplicate_field="Email", details={"id": FIRST})), setup=[LEAD])
case("upsert updates by a named field", "POST", "Contacts/upsert",
     rows({"Last_Name": "A", "Ext_Contact": "write-ext-1"}, duplicate_check_fields=["Ext_Contact"]), 200,
     rows(success("record updated", action="update", duplicate_field="Ext_Contact")), setup=[CONTACT])
case("upsert updates by id", "POST", "Leads/upsert", rows({"id": FIRST, "Company": "B"}), 200,
     rows(success("record updated", action="update", duplicate_field=None)), setup=[LEAD])
case("upsert of both kinds", "POST", "Leads/upsert",
     rows({"Last_Name": "A", "Email": EMAIL}, {"Last_Name": "B", "Email": "b@write-cases.example"}, {"Company": "C"}), 207,
     rows({"action": "update"}, {"action": "insert"}, error("MANDATORY_NOT_FOUND")), setup=[LEAD])
case("upsert by a field that cannot tell", "POST", "Leads/upsert",
     rows({"Last_Name": "A"}, duplicate_check_fields=["Company"]), 400,
     error("INVALID_DATA", json_path="$.duplicate_check_fields[0]"))
case("upsert with a lock", "POST", "Leads/upsert", rows({"Last_Name": "A", "Email": EMAIL}), 412,
     rows(error("ALREADY_MODIFIED")), setup=[LEAD], headers={"If-Unmodified-Since": "2001-01-01T00:00:00Z"})
for module in ("Tasks", "Events", "Calls"):
    case("no upsert of " + module, "POST", module + "/upsert", rows({"Subject": "A"}), 400, error("NOT_SUPPORTED"))

# ---- delete and the bin

case("delete", "DELETE", "Leads/" + FIRST, None, 200, rows(success("record deleted", details={"id": FIRST})), setup=[LEAD])
case("delete what is gone", "DELETE", "Leads/" + FIRST, None, 400,
     error("INVALID_DATA", "record not deleted", resource_path_index=1))
case("delete by ids", "DELETE", "Leads?ids=%s,%s" % (FIRST, NOBODY), None, 207,
     rows(success("record deleted"), error("INVALID_DATA", "record not deleted", id=NOBODY)), setup=[LEAD])
case("delete without ids", "DELETE", "Leads", None, 400, error("REQUIRED_PARAM_MISSING", param_name="ids"))
case("delete with malformed ids", "DELETE", "Leads?ids=x", None, 400, error("UNABLE_TO_PARSE_DATA_TYPE"))
case("delete of 101", "DELETE", "Leads?ids=" + ",".join([NOBODY] * 101), None, 400,
     error("LIMIT_EXCEEDED", limit="100", param_name="ids"))
case("delete without workflows", "DELETE", "Leads/%s?wf_trigger=false" % FIRST, None, 200, setup=[LEAD])
case("a wrong wf_trigger", "DELETE", "Leads/%s?wf_trigger=maybe" % FIRST, None, 400, error("INVALID_DATA"), setup=[LEAD])
DELETED = [LEAD, ("DELETE", "/crm/v8/Leads/" + FIRST, None)]
case("the deleted lies in the bin", "GET", "settings/recycle_bin", None, 200,
     {"recycle_bin": [{"id": FIRST, "display_name": "Okafor", "module": {"api_name": "Leads"}}],
      "info": {"count": 1, "more_records": False}}, setup=DELETED)
case("an empty bin", "GET", "settings/recycle_bin", None, 204)
case("one of the bin", "GET", "settings/recycle_bin/" + FIRST, None, 200, {"recycle_bin": [{"id": FIRST}]}, setup=DELETED)
case("purge", "DELETE", "settings/recycle_bin/" + FIRST, None, 200, {"recycle_bin": [{"code": "SUCCESS"}]}, setup=DELETED)
case("purge what is not there", "DELETE", "settings/recycle_bin/" + FIRST, None, 400,
     {"recycle_bin": [{"code": "CANNOT_DELETE"}]})
case("restore", "GET", "Leads/" + FIRST, None, 200, rows({"Last_Name": "Okafor"}),
     setup=[*DELETED, ("POST", "/crm/v8/settings/recycle_bin/%s/actions/restore" % FIRST, None)])
case("deleted for good by knob", "GET", "settings/recycle_bin", None, 204, setup=[settings(delete_permanently=True), *DELETED])

# ---- external ids

EXTERNAL = {"X-EXTERNAL": "Contacts.Ext_Contact"}
case("update by external id", "PUT", "Contacts/write-ext-1", rows({"Title": "B"}), 200,
     rows(success("record updated", details={"id": FIRST})), setup=[CONTACT], headers=EXTERNAL)
case("update rows by external id", "PUT", "Contacts", rows({"Ext_Contact": "write-ext-1", "Title": "B"}), 200,
     setup=[CONTACT], headers=EXTERNAL)
case("delete by external id", "DELETE", "Contacts?ids=write-ext-1", None, 200, setup=[CONTACT], headers=EXTERNAL)
case("an unknown external id", "DELETE", "Contacts/write-ext-2", None, 400, error("INVALID_DATA"), setup=[CONTACT],
     headers=EXTERNAL)
case("a lookup by external id", "POST", "Contacts",
     rows({"Last_Name": "B", "Account_Name": {"Ext_Account": "write-acc-1"}}), 201,
     setup=[insert("Accounts", Account_Name="Harbor", Ext_Account="write-acc-1")],
     headers={"X-EXTERNAL": "Contacts.Account_Name.Ext_Account"})

# ---- Tasks, Events, Calls

CALL = {"Subject": "A", "Call_Type": "Outbound", "Call_Start_Time": "2026-03-02T10:00:00+00:00", "Call_Duration": "00:10"}
EVENT = {"Event_Title": "A", "Start_DateTime": "2026-03-02T10:00:00+00:00", "End_DateTime": "2026-03-02T11:00:00+00:00"}
case("What_Id with $se_module", "POST", "Tasks", rows({"Subject": "A", "What_Id": {"id": FIRST}, "$se_module": "Leads"}),
     201, setup=[LEAD])
case("What_Id without $se_module", "POST", "Tasks", rows({"Subject": "A", "What_Id": {"id": FIRST}}), 400, setup=[LEAD])
case("What_Id in another module", "POST", "Tasks",
     rows({"Subject": "A", "What_Id": {"id": FIRST}, "$se_module": "Accounts"}), 400,
     rows(error("INVALID_DATA", api_name="What_Id")), setup=[LEAD])
case("a call", "POST", "Calls", rows(CALL), 201)
case("a call of no length", "POST", "Calls", rows({**CALL, "Call_Duration": "00:00"}), 400,
     rows(error("INVALID_DATA", **at("Call_Duration"))))
case("a call of an unknown type", "POST", "Calls", rows({**CALL, "Call_Type": "Shouted"}), 400,
     rows(error("INVALID_DATA", **at("Call_Type"))))
case("a call without its mandatory fields", "POST", "Calls", rows({"Subject": "A"}), 400,
     rows(error("MULTIPLE_OR_MULTI_ERRORS")))
case("an event", "POST", "Events", rows(EVENT), 201)
case("an event that ends before its start", "POST", "Events",
     rows({**EVENT, "End_DateTime": "2026-03-02T09:00:00+00:00"}), 400, rows(error("INVALID_DATA", **at("End_DateTime"))))
case("an event of 51", "POST", "Events",
     rows({**EVENT, "Participants": [{"type": "email", "participant": "p%d@x.example" % i} for i in range(51)]}), 400,
     rows(error("INVALID_DATA", maximum_length=50, api_name="Participants")))

# ---- clone, convert

case("clone", "POST", "Projects/%s/actions/clone" % FIRST, None, 201, rows(success("record added")), setup=[PROJECT])
case("a clone has the rows anew", "GET", "Projects/7900000000004", None, 200, check=titles("one", "two"),
     setup=[PROJECT, ("POST", "/crm/v8/Projects/%s/actions/clone" % FIRST, rows({"Name": "Quay 2"}))])
case("clone of nothing", "POST", "Leads/%s/actions/clone" % NOBODY, None, 400, error("INVALID_DATA", resource_path_index=1))
CONVERT = "Leads/%s/actions/convert" % FIRST
case("convert", "POST", CONVERT, rows({}), 200,
     rows(success("The record has been converted successfully",
                  details={"Contacts": {"name": "Okafor"}, "Accounts": {"name": "Harbor Tiles"}, "Deals": None})),
     setup=[LEAD])
case("convert with a deal", "POST", CONVERT, rows({"Deals": {"Deal_Name": "D", "Stage": "Qualification"}}), 200,
     rows({"details": {"Deals": {"name": "D"}}}), setup=[LEAD])
case("convert with a wrong deal makes nothing", "POST", CONVERT, rows({"Deals": {"Deal_Name": "D"}}), 400,
     rows(error("MANDATORY_NOT_FOUND", api_name="Stage", json_path="$.data[0].Deals.Stage")), setup=[LEAD])
case("convert twice", "POST", CONVERT, rows({}), 400, error("ID_ALREADY_CONVERTED"),
     setup=[LEAD, ("POST", "/crm/v8/" + CONVERT, rows({}))])
case("convert with an unknown key", "POST", CONVERT, rows({"nonsense": 1}), 400, rows(error("INVALID_DATA")), setup=[LEAD])

# ---- tags

TAGS = {"tags": [{"name": "harbour"}]}
case("add a tag to one", "POST", "Leads/%s/actions/add_tags" % FIRST, TAGS, 200,
     {"data": [success("tags updated successfully", details={"tags": [{"name": "harbour"}]})], "success_count": "1",
      "locked_count": "0"}, setup=[LEAD])
case("add tags to many", "POST", "Leads/actions/add_tags", {**TAGS, "ids": [FIRST, NOBODY]}, 207,
     {"data": [success("tags updated successfully"), error("INVALID_DATA")], "success_count": "1"}, setup=[LEAD])
case("remove a tag", "GET", "Leads/" + FIRST, None, 200,
     check=just("Tag", []),
     setup=[LEAD, ("POST", "/crm/v8/Leads/%s/actions/add_tags" % FIRST, TAGS),
            ("POST", "/crm/v8/Leads/%s/actions/remove_tags" % FIRST, TAGS)])
case("tag without tags", "POST", "Leads/%s/actions/add_tags" % FIRST, {}, 400, error("MANDATORY_NOT_FOUND"), setup=[LEAD])
case("tag of 26 characters", "POST", "Leads/%s/actions/add_tags" % FIRST, {"tags": [{"name": "x" * 26}]}, 400,
     error("INVALID_DATA", maximum_length=25), setup=[LEAD])
case("the tags of a module", "GET", "settings/tags?module=Leads", None, 200, {"tags": [{"name": "vip"}]})
case("tags of no module", "GET", "settings/tags", None, 400, error("REQUIRED_PARAM_MISSING", param_name="module"))
case("make a tag", "POST", "settings/tags?module=Leads", {"tags": [{"name": "new one"}]}, 201,
     {"tags": [success("tags created successfully", details={"name": "new one"})]})
case("make a tag twice", "POST", "settings/tags?module=Leads", {"tags": [{"name": "VIP"}]}, 400,
     {"tags": [error("DUPLICATE_DATA", api_name="name")]})
case("tags on insert", "GET", "Leads/" + FIRST, None, 200, rows({"Tag": [{"name": "vip"}]}),
     setup=[insert("Leads", Last_Name="A", Tag=[{"name": "vip"}])])

# ---- link, delink

CAMPAIGN = insert("Campaigns", Campaign_Name="Spring")  # SECOND, after LEAD
LINK = "Campaigns/%s/Leads/%s" % (SECOND, FIRST)
LINKED = [LEAD, CAMPAIGN, ("PUT", "/crm/v8/" + LINK, rows({"Member_Status": "Active"}))]
case("link", "PUT", LINK, rows({"Member_Status": "Active"}), 200, rows(success("relation added", details={"id": FIRST})),
     setup=[LEAD, CAMPAIGN])
case("link many", "PUT", "Campaigns/%s/Leads" % SECOND, rows({"id": FIRST}, {"id": NOBODY}, {}), 207,
     rows(success("relation added"), error("INVALID_DATA"), error("MANDATORY_NOT_FOUND")), setup=[LEAD, CAMPAIGN])
case("the linked are listed", "GET", "Campaigns/%s/Leads?fields=Last_Name" % SECOND, None, 200, rows({"id": FIRST}),
     setup=LINKED)
case("delink", "DELETE", LINK, None, 200, rows(success("relation removed")), setup=LINKED)
case("delink what is not linked", "DELETE", LINK, None, 400, setup=[LEAD, CAMPAIGN])
case("delink by ids", "DELETE", "Campaigns/%s/Leads?ids=%s" % (SECOND, FIRST), None, 200, setup=LINKED)
case("a relation that cannot be linked", "PUT", "Leads/%s/Notes/1" % FIRST, rows({"id": "1"}), 400, setup=[LEAD])
