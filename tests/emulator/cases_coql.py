"""Requests to COQL and what it must answer.

Most look at Users, whose dozen is always the same, or at leads that the case itself inserts; what the seed makes is only
looked at for properties every record has.
"""


def coql(name, query, status=200, expect=None, check=None, setup=(), **body):
    """A row of CASES that posts @query."""
    row = {
        "name": "coql: " + name,
        "setup": list(setup),
        "method": "POST",
        "path": "/crm/v8/coql",
        "json": {"select_query": query, **body},
        "headers": {},
        "expect_status": status,
    }
    if expect is not None:
        row["expect"] = expect
    if check is not None:
        row["check"] = check
    return row


def refused(name, query, code, details, message=None, setup=()):
    """A query that is answered with an error of shape A whose details are just @details."""

    def check(answer):
        assert answer["details"] == details, answer

    expect = {"code": code, "status": "error"}
    if message is not None:
        expect["message"] = message
    return coql(name, query, 400, expect, check, setup)


def rows(*expected, more=False):
    """The answer has just these rows in this order."""

    def check(answer):
        assert answer["data"] == list(expected), answer["data"]
        assert answer["info"] == {"count": len(expected), "more_records": more}, answer["info"]

    return check


def column(key, *values):
    """The rows have these values under @key, in this order."""

    def check(answer):
        got = [row[key] for row in answer["data"]]
        assert got == list(values), got

    return check


def ascending_ids(count):
    def check(answer):
        ids = [int(row["id"]) for row in answer["data"]]
        assert len(ids) == count and ids == sorted(set(ids)), ids

    return check


def every(test):
    """There are rows, and each passes."""

    def check(answer):
        assert answer["data"]
        for row in answer["data"]:
            assert test(row), row

    return check


def keys(*expected):
    return every(lambda row: set(row) == set(expected))


def user(number):
    return str(7010000000000 + number)


def set_knob(**knobs):
    return ("POST", "/_emulator/settings", knobs)


def lead(**fields):
    """Inserts a lead, or finds it again by its Email."""
    body = {"data": [{"Company": "Coql Cases", **fields}], "trigger": [], "duplicate_check_fields": ["Email"]}
    return ("POST", "/crm/v8/Leads/upsert", body)


QUOTES = [lead(Last_Name="Quill O'Neil \"Q\"", Email="quill@coql-quotes.example", Annual_Revenue=1234567.25)]
GROUPS = [
    lead(Last_Name="Group One", Company="Coql Groups", Annual_Revenue=10, No_of_Employees=3),
    lead(Last_Name="Group Two", Company="Coql Groups", Annual_Revenue=20.5, No_of_Employees=4),
    lead(Last_Name="Group Three", Company="Coql Groups"),
]

USER_KEYS = ["id", "full_name", "first_name", "last_name", "email", "phone", "alias", "time_zone", "locale", "language",
             "status", "confirm", "role", "profile", "created_time", "Modified_Time", "Modified_By"]
WIDE = ["%s.%s" % (lookup, key) for lookup in ("Owner", "Created_By", "Modified_By") for key in USER_KEYS]

ANSWERS = [
    coql("users, default order and keys", "select last_name from Users where id is not null",
         check=every(lambda row: set(row) == {"last_name", "id"})),
    coql("id is added, alias is the key", "select email as mail from Users where last_name = 'Owner'",
         check=rows({"mail": "user1@harbor.example", "id": user(1)})),
    coql("key words in any case", "SeLeCt last_name FROM Users WHERE id IN (%s) ORDER BY id DESC LIMIT 5" % user(2),
         check=rows({"last_name": "Editor", "id": user(2)})),
    coql("ids bare and quoted", "select last_name from Users where id in ('%s', %s)" % (user(1), user(2)),
         check=column("last_name", "Owner", "Editor")),
    coql("text is compared case aside", "select id from Users where last_name = 'oKAFOR'", check=rows({"id": user(3)})),
    coql("letters beyond ASCII too", "select id from Users where last_name = 'żÓŁĆ'", check=rows({"id": user(4)})),
    coql("like at the start", "select last_name from Users where last_name like 'o%'",
         check=column("last_name", "Owner", "Okafor", "O'Neil / Sons")),
    coql("like at the end", "select last_name from Users where last_name like '%or'",
         check=column("last_name", "Editor", "Okafor")),
    coql("like anywhere", "select last_name from Users where last_name like '%eil / s%'",
         check=column("last_name", "O'Neil / Sons")),
    coql("not like", "select last_name from Users where (last_name not like '%o%' and status = 'active')",
         check=every(lambda row: "o" not in row["last_name"].lower())),
    coql("a doubled quote", "select id from Users where last_name = 'O''Neil / Sons'", check=rows({"id": user(7)})),
    coql("double quotes", 'select id from Users where last_name = "O\'Neil / Sons"', check=rows({"id": user(7)})),
    coql("is null", "select id from Users where first_name is null", check=rows({"id": user(8)})),
    coql("null differs from nothing, as in SQL", "select id from Users where first_name != 'Sample'",
         check=every(lambda row: row["id"] not in (user(1), user(8)))),
    coql("not in", "select id from Users where status not in ('active', 'deleted', 'disabled')",
         check=rows({"id": user(9)}, {"id": user(10)})),
    coql("a boolean", "select id from Users where confirm = 'false'", check=rows({"id": user(8)}, {"id": user(12)})),
    coql("role by id and by name", "select role.name, profile from Users where role.name = 'CEO'",
         check=every(lambda row: row["role.name"] == "CEO" and row["profile"]["name"] == "Administrator")),
    coql("pairs in parentheses",
         "select last_name from Users where ((last_name = 'Owner' or last_name = 'Editor') and status = 'active')",
         check=column("last_name", "Owner", "Editor")),
    coql("pairs the other way round",
         "select last_name from Users where (status = 'active' and (last_name = 'Owner' or last_name = 'Editor'))",
         check=column("last_name", "Owner", "Editor")),
    coql("no rows", "select id from Users where last_name = 'nobody at all'", 204),
    coql("order by two columns", "select status, last_name from Users where status in ('inactive', 'disabled') "
         "order by status desc, id desc", check=column("id", user(10), user(9), user(12))),
    coql("order by an alias", "select last_name as n from Users where status = 'inactive' order by n, id desc",
         check=column("id", user(10), user(9))),
    coql("limit", "select id from Users where id is not null limit 2",
         check=rows({"id": user(1)}, {"id": user(2)}, more=True)),
    coql("limit and offset", "select id from Users where id is not null limit 1 offset 2",
         check=rows({"id": user(3)}, more=True)),
    coql("limit with two numbers: offset first", "select id from Users where id is not null limit 2, 1",
         check=rows({"id": user(3)}, more=True)),
    coql("the last page has no more", "select id from Users where id >= %s limit 200" % user(12),
         check=rows({"id": user(12)})),
    coql("past the end", "select id from Users where id is not null limit 10 offset 5000", 204),
    coql("keyset page of leads", "select id from Leads where id > 0 order by id asc limit 3", check=ascending_ids(3)),
    coql("descending ids", "select id from Leads where id is not null order by id desc limit 3",
         check=lambda answer: ascending_ids(3)({"data": answer["data"][::-1]})),
    coql("group by, count", "select status, COUNT(id) from Users where id is not null group by status order by status",
         check=rows({"status": "active", "COUNT(id)": 8}, {"status": "deleted", "COUNT(id)": 1},
                    {"status": "disabled", "COUNT(id)": 1}, {"status": "inactive", "COUNT(id)": 2})),
    coql("aggregates have no id", "select COUNT(id) as n from Users where id is not null", check=rows({"n": 12})),
    coql("order by an aggregate", "select status, COUNT(id) as n from Users where id is not null group by status "
         "order by n desc limit 1", check=rows({"status": "active", "n": 8}, more=True)),
    coql("a group of null", "select first_name, COUNT(id) from Users where id in (%s) group by first_name" % user(8),
         check=rows({"first_name": None, "COUNT(id)": 1})),
    coql("numbers: sum, avg, min, max, count of values",
         "select SUM(Annual_Revenue), AVG(No_of_Employees), MIN(Annual_Revenue), MAX(Annual_Revenue), "
         "COUNT(Annual_Revenue) from Leads where Company = 'Coql Groups'", setup=GROUPS,
         check=every(lambda row: row["AVG(No_of_Employees)"] == 3.5 and row["MIN(Annual_Revenue)"] == 10
                     and row["MAX(Annual_Revenue)"] == 20.5
                     and row["SUM(Annual_Revenue)"] == 15.25 * row["COUNT(Annual_Revenue)"])),
    coql("quotes of both kinds in one text", "select Last_Name from Leads where (Email = 'quill@coql-quotes.example' and "
         "Last_Name = 'Quill O''Neil \"Q\"')", setup=QUOTES, check=every(lambda row: "O'Neil" in row["Last_Name"])),
    coql("no lag: what was just inserted is there", "select Annual_Revenue from Leads where Annual_Revenue between "
         "1234567.2 and 1234567.3", setup=QUOTES, check=every(lambda row: row["Annual_Revenue"] == 1234567.25)),
    coql("instants with an offset", "select Created_Time from Leads where Created_Time > '1999-12-31T23:30:00-05:30' "
         "limit 3", check=ascending_ids(3)),
    coql("a lookup shows name and id", "select Owner from Leads where id is not null limit 5",
         check=every(lambda row: set(row["Owner"]) == {"name", "id"})),
    coql("a path through a lookup", "select Account_Name, Account_Name.Account_Name from Contacts where "
         "Account_Name is not null limit 5",
         check=every(lambda row: row["Account_Name"]["name"] == row["Account_Name.Account_Name"])),
    coql("a path to a user's profile", "select Owner.profile.name, Owner.last_name from Leads where id is not null limit 5",
         check=every(lambda row: row["Owner.profile.name"] in ("Administrator", "Standard"))),
    coql("the module's own prefix", "select !Leads.Last_Name from Leads where id is not null limit 1",
         check=keys("!Leads.Last_Name", "id")),
    coql("a quoted column", "select 'Last_Name' from Leads where 'Last_Name' is not null limit 1",
         check=keys("Last_Name", "id")),
    coql("a lookup into several modules", "select What_Id, 'What_Id->Accounts.Account_Name' from Tasks where What_Id is "
         "not null limit 50", check=every(lambda row: set(row["What_Id"]) == {"id"})),
    coql("metadata of the columns", "select Last_Name from Leads where id is not null limit 1", include_meta=["fields"],
         expect={"fields": {"Last_Name": {"api_name": "Last_Name", "data_type": "text"}}}),
    coql("2,000 rows where the cap is lifted (C1)", "select id from Leads where id is not null limit 2000",
         setup=[set_knob(coql_rows=2000)], check=every(lambda row: set(row) == {"id"})),
    coql("51 columns where the cap is lifted", "select %s from Leads where id is not null limit 1" % ", ".join(WIDE),
         setup=[set_knob(coql_columns=500)], check=keys("id", *WIDE)),
]

def convert(number):
    """Converts the lead of setup call @number."""
    return ("POST", "/crm/v8/Leads/{id%d}/actions/convert" % number, {"data": [{"overwrite": False}]})


CONVERTED = [lead(Last_Name="Converted in Coql", Email="converted@coql-cases.example"), convert(0)]

VIEWS = [
    coql("the view of all records", "select id from Leads#70100000001010 where id is not null limit 3",
         check=ascending_ids(3)),
    coql("the view of my records", "select Owner from Leads#70100000001011 where id is not null limit 20",
         check=every(lambda row: row["Owner"]["id"] == user(1))),
    coql("converted leads have left", "select id from Leads where id = {id0}", 204, setup=CONVERTED),
    coql("unless the query tests for them", "select id from Leads where (id = {id0} and Converted__s = 'true')",
         setup=[lead(Last_Name="Converted again", Email="converted2@coql-cases.example"), convert(0)],
         expect={"info": {"count": 1}}),
]


def post(api, query, token=""):
    return api.call("POST", "/crm/v8/coql", {"select_query": query}, token=token)


def run_scopes(api):
    api.admin("settings", {"scope": "ZohoCRM.coql.READ,ZohoCRM.modules.contacts.READ"})
    token = api.mint()["access_token"]
    api.admin("settings", {"scope": None})
    assert post(api, "select id from Contacts where id is not null limit 1", token).status == 200
    for query in ("select id from Leads where id is not null limit 1",
                  "select Account_Name.Account_Name from Contacts where id is not null limit 1",
                  "select id from Users where id is not null limit 1"):
        answer = post(api, query, token)
        assert answer.status == 403 and answer.json["code"] == "OAUTH_SCOPE_MISMATCH", (query, answer.status, answer.body)


def run_prices(api):
    api.admin("settings", {"coql_rows": 2000})
    for limit, credits in ((1, 1), (200, 1), (201, 2), (1000, 2), (1001, 3), (2000, 3)):
        before = api.admin("stats")["credits"]
        answer = post(api, "select id from Leads where id is not null limit %d" % limit)
        assert answer.status == 200 and len(answer.json["data"]) == limit, (limit, answer.status)
        assert api.admin("stats")["credits"] - before == credits, limit
    api.admin("settings", {"coql_rows": 200})


def run_keyset(api):
    """Pages by id reach every lead once, whatever is inserted meanwhile."""
    seen, last = [], 0
    while True:
        answer = post(api, "select id from Leads where id > %d order by id asc limit 200" % last)
        if answer.status == 204:
            break
        seen += [int(row["id"]) for row in answer.json["data"]]
        last = seen[-1]
    assert len(seen) >= 2000 and seen == sorted(set(seen)), len(seen)


RUNS = [
    {"name": "coql: each module needs its scope", "run": run_scopes},
    {"name": "coql: credits by LIMIT", "run": run_prices},
    {"name": "coql: keyset pages", "run": run_keyset},
]

REFUSALS = [
    refused("no where", "select id from Leads", "SYNTAX_ERROR", {"clause": "where"}, "missing clause"),
    refused("no from", "select id", "SYNTAX_ERROR", {"clause": "from"}, "missing clause"),
    refused("no select", "update Leads", "SYNTAX_ERROR", {"clause": "select"}, "missing clause"),
    refused("three criteria without pairs", "select id from Leads where id > 1 and id > 2 and id > 3", "SYNTAX_ERROR",
            {"line": 1, "column": 46, "near": "and"}),
    refused("a second line", "select id from Leads\nwhere id ) 1", "SYNTAX_ERROR", {"line": 2, "column": 10, "near": ")"}),
    refused("an open quote", "select id from Leads where Last_Name = 'x", "SYNTAX_ERROR",
            {"line": 1, "column": 40, "near": ""}),
    refused("a missing parenthesis", "select id from Leads where (id > 1", "SYNTAX_ERROR",
            {"line": 1, "column": 35, "near": ""}),
    refused("an operator that is none", "select id from Leads where Last_Name contains 'x'", "SYNTAX_ERROR",
            {"operator": "contains"}),
    refused("a function in lower case", "select sum(Annual_Revenue) from Leads where id > 1", "SYNTAX_ERROR",
            {"line": 1, "column": 11, "near": "("}),
    refused("an unquoted word as value", "select id from Leads where Last_Name = Okafor", "SYNTAX_ERROR",
            {"line": 1, "column": 40, "near": "Okafor"}),
    refused("an empty list", "select id from Leads where id in ()", "SYNTAX_ERROR", {"line": 1, "column": 35, "near": ")"}),
    refused("something after the end", "select id from Leads where id > 1 limit 1 order by id", "SYNTAX_ERROR",
            {"line": 1, "column": 43, "near": "order"}),
    refused("an unknown module", "select id from Nowhere where id > 1", "INVALID_MODULE", {},
            "the given module is not supported in api"),
    refused("notes are not queried", "select id from Notes where id > 1", "INVALID_MODULE", {}),
    refused("an unknown column", "select Nope from Leads where id > 1", "INVALID_QUERY", {"column_name": "Nope"},
            "column given seems to be invalid"),
    refused("an unknown column in where", "select id from Leads where Nope = 'x'", "INVALID_QUERY",
            {"column_name": "Nope"}),
    refused("too deep a path", "select Account_Name.Parent_Account.Parent_Account.id from Contacts where id > 1",
            "INVALID_QUERY", {"column_name": "Account_Name.Parent_Account.Parent_Account.id"}),
    refused("an unknown module in a path", "select 'What_Id->Nowhere.id' from Tasks where id > 1", "INVALID_QUERY",
            {"module": "Nowhere"}),
    refused("greater than on text", "select id from Leads where Last_Name > 'x'", "INVALID_QUERY",
            {"reason": "invalid operator found", "column_name": "Last_Name", "operator": ">"}, "invalid query formed"),
    refused("like on a number", "select id from Leads where Annual_Revenue like '1%'", "INVALID_QUERY",
            {"cv_criteria": False, "column_name": "Annual_Revenue", "value": "1%", "operator": "like"}),
    refused("a lookup is not ordered", "select id from Leads where Owner > 1", "INVALID_QUERY",
            {"reason": "invalid operator found", "column_name": "Owner", "operator": ">"}),
    refused("a text as number", "select id from Leads where Annual_Revenue = 'much'", "INVALID_QUERY",
            {"cv_criteria": False, "column_name": "Annual_Revenue", "value": "much", "operator": "="},
            "value given seems to be invalid for the column"),
    refused("a name as lookup", "select id from Leads where Owner = 'Sample Owner'", "INVALID_QUERY",
            {"cv_criteria": False, "column_name": "Owner", "value": "Sample Owner", "operator": "="}),
    refused("a date as instant", "select id from Leads where Created_Time > '2026-01-01'", "INVALID_QUERY",
            {"cv_criteria": False, "column_name": "Created_Time", "value": "2026-01-01", "operator": ">"}),
    refused("not like at the start", "select id from Leads where Last_Name not like 'x%'", "INVALID_QUERY",
            {"cv_criteria": False, "column_name": "Last_Name", "value": "x%", "operator": "not like"}),
    refused("limit 0", "select id from Leads where id > 1 limit 0", "INVALID_DATA", {},
            "limit should be greater than 0"),
    refused("more than 200 rows (C1)", "select id from Leads where id > 1 limit 201", "LIMIT_EXCEEDED",
            {"limit": 200, "clause": "limit"}, setup=[set_knob(coql_rows=200)]),
    refused("more than 100,000 in all", "select id from Leads where id > 1 limit 200 offset 99900", "LIMIT_EXCEEDED",
            {"limit": 100000, "clause": "offset"}),
    refused("51 columns", "select %s from Leads where id > 1" % ", ".join("c%d" % i for i in range(51)),
            "LIMIT_EXCEEDED", {"limit": 50, "clause": "select"}, setup=[set_knob(coql_columns=50)]),
    refused("101 values", "select id from Leads where id in (%s)" % ",".join(str(i) for i in range(1, 102)),
            "LIMIT_EXCEEDED", {"limit": 100, "clause": "in"}),
    refused("26 criteria", "select id from Leads where %s" % ("(" * 24 + "id = 1" + " or id = 2)" * 24 + " or id = 3"),
            "LIMIT_EXCEEDED", {"limit": 25, "clause": "where"}),
    refused("6 aggregates", "select COUNT(id), COUNT(Email), COUNT(Phone), COUNT(Last_Name), COUNT(Company), COUNT(Mobile) "
            "from Leads where id > 1", "LIMIT_EXCEEDED", {"limit": 5, "clause": "aggregate"}),
    refused("5 groups", "select COUNT(id) from Leads where id > 1 group by Email, Phone, Last_Name, Company, Mobile",
            "LIMIT_EXCEEDED", {"limit": 4, "clause": "group by"}),
    refused("11 orders", "select id from Leads where id > 1 order by %s" % ", ".join("c%d" % i for i in range(11)),
            "LIMIT_EXCEEDED", {"limit": 10, "clause": "order by"}),
    refused("a column twice", "select Email, Email from Leads where id > 1", "DUPLICATE_DATA", {"column_name": "Email"}),
    refused("an aggregate twice", "select COUNT(id), COUNT(id) from Leads where id > 1", "DUPLICATE_DATA",
            {"column_name": "id", "aggregate": "COUNT"}),
    refused("an order twice", "select id from Leads where id is not null order by id, id", "DUPLICATE_DATA",
            {"column_name": "id"}),
    refused("an alias twice", "select Email as a, Phone as a from Leads where id > 1", "DUPLICATE_ALIAS",
            {"alias": "a", "referred_columns": ["Email", "Phone"]}),
    refused("an empty alias", "select Email as '' from Leads where id > 1", "INVALID_ALIAS",
            {"alias": "", "column_name": "Email"}),
    refused("an alias with signs", "select Email as 'a;b' from Leads where id > 1", "INVALID_QUERY",
            {"alias": "a;b", "column_name": "Email"}),
    refused("a column outside the groups", "select Company, COUNT(id) from Leads where id > 1", "INVALID_QUERY",
            {"column_name": "Company", "clause": "group by"}),
    refused("a sum of texts", "select SUM(Company) from Leads where id > 1", "INVALID_DATA",
            {"reason": "aggregate function is not supported for the column", "column": "Company"}),
    refused("an unknown custom view", "select id from Leads#1 where id > 1", "INVALID_QUERY", {"cvid": "1"}),
]


def body(name, json, code, details):
    row = refused(name, "", code, details)
    row["json"] = json
    return row


BODIES = [
    body("no query", {}, "MANDATORY_NOT_FOUND", {"api_name": "select_query"}),
    body("a query that is no text", {"select_query": 1}, "INVALID_DATA",
         {"expected_data_type": "string", "api_name": "select_query", "json_path": "$.select_query"}),
    body("metadata that is no list", {"select_query": "x", "include_meta": "fields"}, "INVALID_DATA",
         {"expected_data_type": "jsonarray", "api_name": "include_meta", "json_path": "$.include_meta"}),
    body("unknown metadata", {"select_query": "x", "include_meta": ["rows"]}, "INVALID_DATA",
         {"api_name": "include_meta", "json_path": "$.include_meta", "supported_values": ["fields"]}),
]

CASES = ANSWERS + VIEWS + RUNS + REFUSALS + BODIES
