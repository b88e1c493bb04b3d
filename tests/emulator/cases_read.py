"""Reading: lists, one record, rich texts, counts, what was deleted, related lists, metadata, users, and each endpoint that
the guide names."""

from urllib.parse import quote

V8 = "/crm/v8/"
LEADS = V8 + "Leads"
FIRST = "7900000000001"
NOBODY = "7999999999999"
OLD = "2000-01-01T00:00:00+00:00"
FUTURE = "2999-01-01T00:00:00+00:00"
INFO = {"per_page", "count", "page", "sort_by", "sort_order", "more_records", "next_page_token", "previous_page_token",
        "page_token_expiry", "call", "email"}
CASES = []


def case(name, path, status=200, expect=None, check=None, **more):
    row = {"name": "read: " + name, "path": V8 + path, "expect_status": status, **more}
    if expect is not None:
        row["expect"] = expect
    if check is not None:
        row["check"] = check
    CASES.append(row)


def holds(test):
    def check(answer):
        assert test(answer), answer

    return check


def flow(name, **more):
    def add(run):
        CASES.append({"name": "read: " + name, "run": run, **more})
        return run

    return add


def refused(name, path, code, status=400, details=None, **more):
    expect = {"code": code, "status": "error"}
    if details is not None:
        expect["details"] = details
    case("refused: " + name, path, status, expect, **more)


def insert(module, **fields):
    return ("POST", V8 + module, {"data": [fields], "trigger": []})


LEAD = insert("Leads", Last_Name="Read Case", Company="Readers", Email="read@read-cases.example")


def get(api, path, status=200, **headers):
    answer = api.call("GET", V8 + path, headers=headers)
    assert answer.status == status, (path, answer.status, answer.body[:400])
    return answer.json


def make(api, module, *rows):
    answer = api.call("POST", V8 + module, {"data": list(rows), "trigger": []})
    assert answer.status == 201, answer.body
    return [entry["details"]["id"] for entry in answer.json["data"]]


def sweep(api, path):
    """All rows by page tokens."""
    rows, token = [], ""
    while token is not None:
        page = get(api, path + ("&page_token=" + token if token else ""))
        rows += page["data"]
        token = page["info"]["next_page_token"]
        assert page["info"]["more_records"] is (token is not None), page["info"]
    return rows


# ---- lists


def full_page(answer):
    ids = [int(row["id"]) for row in answer["data"]]
    assert len(ids) == 200 and ids == sorted(ids, reverse=True), "not the newest first"
    assert set(answer["info"]) == INFO, answer["info"]
    assert all(set(row) == {"id", "Last_Name", "Email"} for row in answer["data"]), answer["data"][0]
    assert isinstance(answer["info"]["next_page_token"], str) and answer["info"]["page_token_expiry"], answer["info"]


case("a list has the fields asked for and id, newest first", "Leads?fields=Last_Name,Email", expect={"info": {
    "per_page": 200, "count": 200, "page": 1, "sort_by": "id", "sort_order": "desc", "more_records": True,
    "previous_page_token": None, "call": False, "email": False}}, check=full_page)


@flow("ten pages reach 2,000 rows, tokens the rest; both give the same")
def pages(api):
    count = get(api, "Leads/actions/count")["count"]
    assert isinstance(count, int) and count > 2000, count
    by_page = [row["id"] for page in range(1, 11)
               for row in get(api, "Leads?fields=Last_Name&per_page=200&page=%d" % page)["data"]]
    by_token = [row["id"] for row in sweep(api, "Leads?fields=Last_Name")]
    assert len(by_page) == 2000 and by_token[:2000] == by_page, "pages and tokens differ"
    assert len(by_token) == len(set(by_token)) == count, (len(by_token), count)


@flow("a token goes on after its row while others come and go")
def token_stable(api):
    first = get(api, "Leads?fields=Last_Name&per_page=5")
    new = make(api, "Leads", {"Last_Name": "Between"})[0]
    gone = get(api, "Leads?fields=Last_Name&per_page=8")["data"][7]["id"]
    assert api.call("DELETE", LEADS + "/" + gone).status == 200
    second = get(api, "Leads?fields=Last_Name&per_page=5&page_token=" + first["info"]["next_page_token"])
    ids = [row["id"] for row in first["data"] + second["data"]]
    assert len(set(ids)) == 10 and new not in ids and gone not in ids, ids


@flow("a hidden record is not found, not deleted, and comes back as it was")
def hidden(api):
    record = make(api, "Leads", {"Last_Name": "Put out of Sight", "Company": "Readers"})[0]
    before = get(api, "Leads/actions/count")["count"]
    whole = get(api, "Leads/" + record)
    assert api.call("POST", "/_emulator/hide", {"module": "Leads", "id": record}).status == 200
    assert get(api, "Leads/actions/count")["count"] == before - 1
    get(api, "Leads/" + record, 204)
    get(api, "Leads?fields=Last_Name&ids=" + record, 204)
    get(api, "Leads/search?criteria=(Last_Name:equals:Put%20out%20of%20Sight)", 204)
    query = {"select_query": "select id from Leads where id = " + record}
    assert api.call("POST", V8 + "coql", query).status == 204
    assert api.call("PUT", LEADS + "/" + record, {"data": [{"Company": "Nobody"}]}).status == 400
    gone = api.call("GET", V8 + "Leads/deleted?type=all").json or {"data": []}
    assert record not in [row["id"] for row in gone["data"]], gone
    assert api.call("POST", "/_emulator/hide", {"module": "Leads", "id": record, "hidden": False}).status == 200
    assert get(api, "Leads/" + record) == whole and get(api, "Leads/actions/count")["count"] == before


@flow("orders")
def orders(api):
    for key in ("id", "Created_Time", "Modified_Time"):
        for order in ("asc", "desc"):
            page = get(api, "Leads?fields=Created_Time,Modified_Time&sort_by=%s&sort_order=%s" % (key, order))
            values = [int(row["id"]) if key == "id" else row[key] for row in page["data"]]
            assert values == sorted(values, reverse=order == "desc"), (key, order, values[:5])
            assert page["info"]["sort_by"] == key and page["info"]["sort_order"] == order, page["info"]


@flow("If-Modified-Since: 304 without body, or what is newer")
def modified_since(api):
    (record,) = make(api, "Leads", {"Last_Name": "Newest"})
    when = get(api, "Leads/%s?fields=Modified_Time" % record)["data"][0]["Modified_Time"]
    page = get(api, "Leads?fields=Last_Name", **{"If-Modified-Since": OLD})
    assert page["info"]["more_records"] is True, page["info"]
    answer = api.call("GET", LEADS + "?fields=Last_Name", headers={"If-Modified-Since": FUTURE})
    assert answer.status == 304 and not answer.body, (answer.status, answer.body)
    api.admin("settings", {"advance_s": 100})
    assert api.call("PUT", LEADS + "/" + record, {"data": [{"Company": "Newer"}]}).status == 200
    page = get(api, "Leads?fields=Last_Name", **{"If-Modified-Since": when.replace("+00:00", "Z")})
    assert record in [row["id"] for row in page["data"]], page["data"]
    answer = api.call("GET", LEADS + "/" + record, headers={"If-Modified-Since": FUTURE})
    assert answer.status == 304 and not answer.body, (answer.status, answer.body)


@flow("ids")
def by_ids(api):
    ids = make(api, "Leads", {"Last_Name": "Ids a"}, {"Last_Name": "Ids b"})
    page = get(api, "Leads?fields=Last_Name&ids=%s,%s" % (",".join(ids), NOBODY))
    assert sorted(row["id"] for row in page["data"]) == sorted(ids), page


@flow("converted leads leave the list and are not deleted")
def converted(api):
    (record,) = make(api, "Leads", {"Last_Name": "Convert me", "Company": "Converted"})
    answer = api.call("POST", LEADS + "/%s/actions/convert" % record, {"data": [{}]})
    assert answer.status == 200, answer.body
    for which, there in (("false", False), ("true", True), ("both", True)):
        page = api.call("GET", LEADS + "?fields=Last_Name&ids=%s&converted=%s" % (record, which))
        assert (page.status == 200) is there, (which, page.status, page.body)
    answer = api.call("GET", LEADS + "/deleted")
    assert answer.status == 204 or record not in [row["id"] for row in answer.json["data"]], answer.body


@flow("what a list leaves out and one record has")
def list_omits(api):
    rows = [{"Title": "one"}, {"Title": "two"}]
    fields = {field["api_name"]: field for field in get(api, "settings/fields?module=Projects")["fields"]}
    rich = [name for name, field in fields.items() if field["data_type"] == "textarea"
            and field.get("textarea", {}).get("type") == "rich_text"][0]
    (record,) = make(api, "Projects", {"Name": "Quay", "Milestones": rows, rich: "<b>%s</b>" % ("x" * 3000)})
    whole = get(api, "Projects/" + record)["data"][0]
    assert [row["Title"] for row in whole["Milestones"]] == ["one", "two"], whole["Milestones"]
    assert {"id", "Parent_Id", "Created_Time", "Modified_Time"} <= set(whole["Milestones"][0]), whole["Milestones"]
    assert any(key.startswith("$") for key in whole) and len(whole[rich]) == 3007, len(whole[rich])
    row = get(api, "Projects?fields=Name,Milestones,%s&ids=%s" % (rich, record))["data"][0]
    assert not row.get("Milestones") and len(row[rich]) == 500 and not [key for key in row if key[0] == "$"], row
    for path in ("Projects/%s/actions/fetch_full_data", "Projects/actions/fetch_full_data?ids=%s&fields=" + rich):
        full = get(api, path % record)["data"][0]
        assert full["id"] == record and len(full[rich]) == 3007 and "Name" not in full, full.keys()
    lines = get(api, fields["Milestones"]["associated_module"]["module"] + "?fields=Title&per_page=2")["data"]
    assert {"one", "two"} == {line["Title"] for line in lines}, lines
    api.admin("settings", {"get_cuts_rich_text": True})
    assert len(get(api, "Projects/" + record)["data"][0][rich]) == 500


@flow("custom views, three credits")
def views(api):
    shown = get(api, "settings/custom_views?module=Leads")["custom_views"]
    for view in shown:
        assert api.call("GET", LEADS + "?fields=Last_Name&cvid=" + view["id"]).status in (200, 204)
    assert api.admin("requests")[-1]["credits"] == 3, "a list with cvid"


@flow("an empty module: 204 without a body")
def empty_list(api):
    answer = api.call("GET", V8 + "Solutions?fields=Solution_Title")
    assert answer.status == 204 and not answer.body, (answer.status, answer.body)


case("a list's parameters with blanks, a trailing & and empty values", "Leads?fields=Last_Name,%20Email&page=&per_page=3&",
     check=holds(lambda answer: len(answer["data"]) == 3))
case("fields as escaped commas", "Leads?fields=" + quote("Last_Name,Email", safe="") + "&per_page=1",
     check=holds(lambda answer: set(answer["data"][0]) == {"id", "Last_Name", "Email"}))
refused("a list without fields", "Leads", "REQUIRED_PARAM_MISSING", details={"param_name": "fields"})
refused("51 fields", "Leads?fields=" + ",".join("F%d" % i for i in range(51)), "LIMIT_EXCEEDED",
        details={"limit": 50, "param_name": "fields"})
refused("fields of 1,025 characters", "Leads?fields=" + ",".join(["x" * 40] * 25), "INVALID_DATA",
        details={"param_name": "fields"})
refused("id alone", "Leads?fields=id", "INVALID_DATA", details={"param_name": "fields"})
refused("page 11", "Leads?fields=Last_Name&page=11", "DISCRETE_PAGINATION_LIMIT_EXCEEDED", details={"limit": 2000})
refused("page 0", "Leads?fields=Last_Name&page=0", "INVALID_DATA", details={"param_name": "page"})
refused("201 per page", "Leads?fields=Last_Name&per_page=201", "INVALID_DATA", details={"param_name": "per_page"})
refused("a token that is none", "Leads?fields=Last_Name&page_token=nope", "INVALID_DATA",
        details={"param_name": "page_token"})
refused("an order of none", "Leads?fields=Last_Name&sort_by=Email", "INVALID_DATA", details={"param_name": "sort_by"})
refused("a direction of none", "Leads?fields=Last_Name&sort_order=up", "INVALID_DATA",
        details={"param_name": "sort_order"})
refused("a view and an order", "Leads?fields=Last_Name&cvid=70100000001310&sort_by=id", "INVALID_DATA")
refused("a view that is none", "Leads?fields=Last_Name&cvid=1", "INVALID_DATA", details={"param_name": "cvid"})
refused("101 ids", "Leads?fields=Last_Name&ids=" + ",".join("7%d" % i for i in range(101)), "LIMIT_EXCEEDED",
        details={"limit": 100, "param_name": "ids"})
refused("ids that are none", "Leads?fields=Last_Name&ids=1,x", "UNABLE_TO_PARSE_DATA_TYPE", details={"param_name": "ids"})
refused("an unknown parameter", "Leads?fields=Last_Name&nope=1", "INVALID_DATA", details={"param_name": "nope"})
refused("a time that is none", "Leads?fields=Last_Name", "INVALID_DATA", headers={"If-Modified-Since": "yesterday"})
refused("an unknown module", "Nope?fields=Last_Name", "INVALID_MODULE", details={"resource_path_index": 0})
refused("a module the API does not reach", "Home?fields=Name", "INVALID_MODULE")


@flow("tokens: changed parameters, another page, expired, at their end")
def token_rules(api):
    token = get(api, "Leads?fields=Last_Name&per_page=5")["info"]["next_page_token"]

    def code(query):
        answer = api.call("GET", LEADS + "?" + query + "&page_token=" + token)
        assert answer.status == 400, answer.body
        return answer.json["code"]

    assert code("fields=Last_Name,Email&per_page=5") == "TOKEN_BOUND_DATA_MISMATCH"
    assert code("fields=Last_Name&per_page=5&page=2") == "AMBIGUITY_DURING_PROCESSING"
    api.admin("settings", {"token_rows": 5})
    assert code("fields=Last_Name&per_page=5") == "PAGINATION_LIMIT_EXCEEDED"
    api.admin("settings", {"token_rows": 100000, "advance_s": 25 * 3600})
    api.token = None
    assert code("fields=Last_Name&per_page=5") == "EXPIRED_VALUE"


@flow("page and token together, as the guide has it (C2)", settings={"page_with_token": True})
def page_with_token(api):
    first = get(api, "Leads?fields=Last_Name&per_page=5")
    answer = api.call("GET", LEADS + "?fields=Last_Name&per_page=5&page=2&page_token=" + first["info"]["next_page_token"])
    assert answer.status == 200, answer.body


# ---- one record

case("one record", "Leads/{id0}", setup=[LEAD],
     expect={"data": [{"Last_Name": "Read Case", "Email": "read@read-cases.example", "id": "{id0}"}]},
     check=holds(lambda answer: {"Owner", "Created_By", "Modified_Time", "Tag"} <= set(answer["data"][0])))
case("only some of its fields", "Leads/{id0}?fields=Last_Name", setup=[LEAD],
     expect={"data": [{"Last_Name": "Read Case"}]}, check=holds(lambda answer: "Email" not in answer["data"][0]))
case("an unknown record: 204", "Leads/" + NOBODY, 204)
refused("an unknown record as 404 (C5)", "Leads/" + NOBODY, "INVALID_DATA", 404, settings={"unknown_id": "404"})
refused("an unknown record as 400 (C5)", "Leads/" + NOBODY, "INVALID_DATA", settings={"unknown_id": "400"},
        details={"resource_path_index": 1})
refused("an id that is none", "Leads/nope", "INVALID_DATA", details={"resource_path_index": 1})
refused("full data without ids", "Projects/actions/fetch_full_data", "REQUIRED_PARAM_MISSING",
        details={"param_name": "ids"})
case("by an external id", "Contacts/read-ext-1", setup=[insert("Contacts", Last_Name="Ext", Ext_Contact="read-ext-1")],
     headers={"X-EXTERNAL": "Contacts.Ext_Contact"}, expect={"data": [{"id": "{id0}", "Last_Name": "Ext"}]})
case("by an unknown external id: 204", "Contacts/nobody", 204, headers={"X-EXTERNAL": "Contacts.Ext_Contact"})


@flow("details of the download's headers")
def response_headers(api):
    answer = api.call("GET", LEADS + "?fields=Last_Name&per_page=1")
    assert answer.headers["content-type"] == "application/json;charset=utf-8", answer.headers
    assert answer.headers["content-disposition"] == "attachment; filename=response.json", answer.headers
    assert "x-accesstoken-reset" in answer.headers and "x-api-credits-remaining" not in answer.headers, answer.headers


# ---- count, deleted

case("a count is a number", "Leads/actions/count", check=holds(lambda answer: answer["count"] > 0))
case("a count of some", "Leads/actions/count?criteria=" + quote("(Email:equals:read@read-cases.example)"), setup=[LEAD],
     expect={"count": 1})
refused("a count by view and criteria", "Leads/actions/count?cvid=1&word=abc", "AMBIGUITY_DURING_PROCESSING")
case("nothing deleted: 204", "Leads/deleted", 204)


@flow("deleted records, purged records")
def deleted(api):
    one, two = make(api, "Leads", {"Last_Name": "Gone one"}, {"Last_Name": "Gone two"})
    assert api.call("DELETE", LEADS + "?ids=%s,%s" % (one, two)).status == 200
    assert api.call("DELETE", V8 + "settings/recycle_bin/" + two).status == 200
    page = get(api, "Leads/deleted?type=all")
    rows = {row["id"]: row for row in page["data"]}
    assert page["info"] == {"per_page": 200, "count": 2, "page": 1, "more_records": False}, page["info"]
    assert rows[one]["type"] == "recycle" and rows[one]["display_name"] == "Gone one", rows
    assert set(rows[one]["deleted_by"]) == {"name", "id"} and rows[one]["deleted_time"], rows
    assert rows[two]["type"] == "permanent" and rows[two]["deleted_by"] is None, rows
    assert [row["id"] for row in get(api, "Leads/deleted?type=recycle")["data"]] == [one]
    assert [row["id"] for row in get(api, "Leads/deleted?type=permanent")["data"]] == [two]
    assert get(api, "Leads/deleted?per_page=1&page=2")["info"]["more_records"] is False
    assert api.call("GET", LEADS + "/deleted", headers={"If-Modified-Since": FUTURE}).status == 204
    api.admin("settings", {"deleted_304": True})
    assert api.call("GET", LEADS + "/deleted", headers={"If-Modified-Since": FUTURE}).status == 304
    assert api.call("GET", LEADS + "/" + one).status == 204


refused("another type of deleted", "Leads/deleted?type=some", "PATTERN_NOT_MATCHED", details={"param_name": "type"})


# ---- related lists


@flow("related lists: their metadata, their rows, one row")
def related(api):
    lists = get(api, "settings/related_lists?module=Accounts")["related_lists"]
    names = {each["api_name"]: each for each in lists}
    assert {"Notes", "Attachments", "Contacts"} <= set(names), names.keys()
    for each in lists:
        assert each["href"] and each["id"].isdigit() and each["type"] and each["status"], each
    assert "{ENTITYID}" in names["Contacts"]["href"], names["Contacts"]
    (account,) = make(api, "Accounts", {"Account_Name": "Related"})
    one, two = make(api, "Contacts", {"Last_Name": "Rel a", "Account_Name": {"id": account}},
                    {"Last_Name": "Rel b", "Account_Name": {"id": account}})
    path = "Accounts/%s/Contacts" % account
    page = get(api, path + "?fields=Last_Name")
    assert {row["id"] for row in page["data"]} == {one, two} and page["info"]["count"] == 2, page
    assert get(api, path + "/%s?fields=Last_Name" % one)["data"][0]["Last_Name"] == "Rel a"
    assert api.call("GET", V8 + path + "?fields=Last_Name", headers={"If-Modified-Since": FUTURE}).status == 304
    assert api.call("GET", V8 + "Accounts/%s/Deals?fields=Deal_Name" % account).status == 204
    answer = api.call("POST", V8 + "Accounts/%s/actions/get_related_records_count" % account,
                      {"get_related_records_count": [{"related_list": {"api_name": "Contacts",
                                                                       "id": names["Contacts"]["id"]}}]})
    assert answer.status == 200, answer.body
    assert answer.json["get_related_records_count"][0]["count"] == 2, answer.json


refused("a related list without fields", "Accounts/{id0}/Contacts", "REQUIRED_PARAM_MISSING",
        setup=[insert("Accounts", Account_Name="Related")], details={"param_name": "fields"})
refused("an unknown related list", "Accounts/{id0}/Nope?fields=Name", "INVALID_DATA",
        setup=[insert("Accounts", Account_Name="Related")])


# ---- metadata


def module_list(answer):
    modules = {module["api_name"]: module for module in answer["modules"]}
    assert {"Leads", "Contacts", "Accounts", "Deals", "Tasks", "Events", "Calls", "Notes", "Projects"} <= set(modules)
    assert modules["Home"]["api_supported"] is False and modules["Events"]["module_name"] == "Meetings", modules["Home"]
    assert modules["Notes"]["status"] == "system_hidden", modules["Notes"]
    kinds = {module["generated_type"] for module in modules.values()}
    assert {"default", "custom", "subform", "linking"} <= kinds, kinds
    lead = modules["Leads"]
    for key in ("creatable", "viewable", "editable", "deletable", "show_as_tab", "convertable", "recycle_bin_on_delete"):
        assert isinstance(lead[key], bool), (key, lead)
    assert lead["id"].isdigit() and lead["singular_label"] == "Lead", lead


def field_list(answer):
    fields = {field["api_name"]: field for field in answer["fields"]}
    assert fields["Last_Name"]["system_mandatory"] is True, fields["Last_Name"]
    assert fields["Full_Name"]["operation_type"]["api_create"] is False, fields["Full_Name"]
    assert fields["Email"]["unique"] is not None and fields["Lead_Source"]["pick_list_values"], fields["Email"]
    for field in answer["fields"]:
        assert field["data_type"] and field["json_type"] and field["id"].isdigit(), field
        assert isinstance(field["visible"], bool) and "length" in field, field


case("all modules", "settings/modules", check=module_list)
case("modules by status", "settings/modules?status=visible",
     check=holds(lambda answer: {each["status"] for each in answer["modules"]} == {"visible"}))
case("one module", "settings/modules/Leads", expect={"modules": [{"api_name": "Leads", "plural_label": "Leads"}]})
case("the fields of a module", "settings/fields?module=Leads", check=field_list)
refused("fields of no module", "settings/fields", "REQUIRED_PARAM_MISSING", details={"param_name": "module"})
refused("fields of an unknown module", "settings/fields?module=Nope", "INVALID_MODULE")
refused("an unknown module's metadata", "settings/modules/Nope", "INVALID_MODULE")
refused("related lists of an unknown module", "settings/related_lists?module=Nope", "INVALID_MODULE")


@flow("one field")
def one_field(api):
    field = get(api, "settings/fields?module=Leads")["fields"][3]
    got = get(api, "settings/fields/%s?module=Leads" % field["id"])["fields"]
    assert [each["api_name"] for each in got] == [field["api_name"]], got
    assert api.call("GET", V8 + "settings/fields/42?module=Leads").status in (204, 400)


@flow("types: every one of the guide's table is somewhere")
def types(api):
    seen = set()
    for module in get(api, "settings/modules")["modules"]:
        if module["api_supported"]:
            answer = api.call("GET", V8 + "settings/fields?module=" + module["api_name"])
            assert answer.status in (200, 204), (module["api_name"], answer.body)
            seen |= {field["data_type"] for field in (answer.json or {"fields": []})["fields"]}
    wanted = {"text", "textarea", "email", "phone", "website", "autonumber", "picklist", "multiselectpicklist", "boolean",
              "integer", "bigint", "double", "currency", "percent", "date", "datetime", "lookup", "ownerlookup",
              "multiselectlookup", "subform", "fileupload", "formula"}
    assert wanted <= seen, wanted - seen


case("layouts", "settings/layouts?module=Leads",
     check=holds(lambda answer: answer["layouts"][0]["sections"][0]["fields"]))
case("roles", "settings/roles", check=holds(lambda answer: answer["roles"][0]["id"].isdigit()))
case("profiles", "settings/profiles", check=holds(lambda answer: answer["profiles"][0]["id"].isdigit()))
case("the organization", "org", check=holds(lambda answer: answer["org"][0]["zgid"].isdigit()))


# ---- users


def user_list(answer):
    for user in answer["users"]:
        assert user["id"].isdigit() and user["full_name"] and user["status"] and "id" in user["role"], user
        assert "id" in user["profile"] and isinstance(user["confirm"], bool), user
    assert set(answer["info"]) >= {"per_page", "count", "page", "more_records"}, answer["info"]


case("all users", "users?type=AllUsers", check=user_list)
case("users in pages", "users?type=AllUsers&per_page=2&page=2", expect={"info": {"per_page": 2, "page": 2}}, check=user_list)
case("the caller", "users?type=CurrentUser", check=holds(lambda answer: len(answer["users"]) == 1))
case("administrators", "users?type=AdminUsers", check=user_list)
refused("another type of users", "users?type=NiceUsers", "INVALID_DATA")


@flow("one user, and their number")
def one_user(api):
    me = get(api, "users?type=CurrentUser")["users"][0]
    assert get(api, "users/" + me["id"])["users"][0]["email"] == me["email"]
    count = get(api, "users/actions/count?type=AllUsers")["count"]
    assert count == len(get(api, "users?type=AllUsers")["users"]), count
    assert api.call("GET", V8 + "users/42").status in (204, 400)


# ---- each endpoint of the guide


@flow("each of the 24 endpoints answers")
def endpoints(api):
    (lead,) = make(api, "Leads", {"Last_Name": "End", "Email": "end@read-cases.example"})
    (campaign,) = make(api, "Campaigns", {"Campaign_Name": "End"})
    user = get(api, "users?type=CurrentUser")["users"][0]["id"]
    field = get(api, "settings/fields?module=Leads")["fields"][0]["id"]
    parent = {"module": {"api_name": "Leads"}, "id": lead}
    watch = {"channel_id": "24", "events": ["Leads.all"], "notify_url": "https://hook.example/"}
    read = {"query": {"module": {"api_name": "Deals"}, "fields": ["Deal_Name"]}}
    calls = [
        ("GET", "Leads?fields=Last_Name", None, 200), ("GET", "Leads/" + lead, None, 200),
        ("POST", "Leads", {"data": [{"Last_Name": "More"}]}, 201),
        ("PUT", "Leads", {"data": [{"id": lead, "Company": "C"}]}, 200),
        ("PUT", "Leads/" + lead, {"data": [{"Company": "D"}]}, 200),
        ("POST", "Leads/upsert", {"data": [{"Last_Name": "End", "Email": "end@read-cases.example"}]}, 200),
        ("GET", "Leads/search?email=end@read-cases.example", None, 200),
        ("PUT", "Campaigns/%s/Leads/%s" % (campaign, lead), {"data": [{"Member_Status": "Active"}]}, 200),
        ("GET", "Campaigns/%s/Leads?fields=Last_Name" % campaign, None, 200),
        ("POST", "coql", {"select_query": "select Last_Name from Leads where id = %s" % lead}, 200),
        ("GET", "settings/modules", None, 200), ("GET", "settings/fields?module=Leads", None, 200),
        ("GET", "settings/fields/%s?module=Leads" % field, None, 200),
        ("POST", "Notes", {"data": [{"Note_Title": "n", "Note_Content": "c", "Parent_Id": parent}]}, 201),
        ("GET", "Notes?fields=Note_Title", None, 200), ("GET", "Leads/%s/Notes?fields=Note_Title" % lead, None, 200),
        ("POST", "Tasks", {"data": [{"Subject": "t"}]}, 201), ("GET", "Tasks?fields=Subject", None, 200),
        ("GET", "users", None, 200), ("GET", "users/" + user, None, 200),
        ("POST", "actions/watch", {"watch": [watch]}, 201), ("GET", "actions/watch", None, 200),
        ("DELETE", "actions/watch?channel_ids=24", None, 200), ("DELETE", "Leads/" + lead, None, 200),
    ]
    for method, path, data, status in calls:
        answer = api.call(method, V8 + path, data)
        assert answer.status == status, (method, path, answer.status, answer.body[:500])
    answer = api.call("POST", "/crm/bulk/v8/read", read)
    assert answer.status == 201, answer.body
