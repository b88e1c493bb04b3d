"""Requests to {module}/search and what it must answer. The leads looked for are inserted by the cases themselves."""

from urllib.parse import quote

SETTINGS = "/_emulator/settings"


def lead(**fields):
    """Inserts a lead, or finds it again by its Email."""
    body = {"data": [{"Company": "Search Cases", **fields}], "trigger": [], "duplicate_check_fields": ["Email"]}
    return ("POST", "/crm/v8/Leads/upsert", body)


LEADS = [
    lead(Last_Name="Searchable Alpha", Email="alpha@search-cases.example", Phone="+1 (555) 010-9901", Annual_Revenue=11,
         No_of_Employees=1),
    lead(Last_Name="Searchable Beta, Ltd (old)", Email="beta@search-cases.example", Mobile="555 010 9902",
         Annual_Revenue=22.5, No_of_Employees=2, Email_Opt_Out=True),
    lead(Last_Name="Searchable Gamma", Annual_Revenue=33, No_of_Employees=3),
]


def search(name, query, status=200, expect=None, check=None, setup=LEADS, module="Leads"):
    row = {
        "name": "search: " + name,
        "setup": list(setup),
        "method": "GET",
        "path": "/crm/v8/%s/search?%s" % (module, query),
        "headers": {},
        "expect_status": status,
    }
    if expect is not None:
        row["expect"] = expect
    if check is not None:
        row["check"] = check
    return row


def criteria(name, text, last_names=None, status=200, **more):
    """@last_names: the endings of the last names found, in any order and however often they were inserted."""

    def check(answer):
        got = {row["Last_Name"] for row in answer["data"]}
        assert got == {"Searchable " + name for name in last_names}, got

    return search(name, "fields=Last_Name,Annual_Revenue&criteria=" + quote(text), status,
                  check=check if last_names else None, **more)


def refused(name, query, code, details, **more):
    def check(answer):
        assert answer["details"] == details, answer

    return search(name, query, 400, {"code": code, "status": "error"}, check, setup=[], **more)


def bad(name, text, **details):
    """Criteria refused with INVALID_QUERY that has at least @details."""
    return search(name, "criteria=" + quote(text), 400,
                  {"code": "INVALID_QUERY", "message": "Invalid query formed", "details": details}, setup=[])


def full_width(answer):
    for row in answer["data"]:
        assert len(row) > 20 and any(key.startswith("$") for key in row), row
        assert all(not isinstance(value, list) or key in ("Tag",) or all(isinstance(item, str) for item in value)
                   or key.startswith("$") for key, value in row.items()), row


def only_keys(*keys):
    def check(answer):
        for row in answer["data"]:
            assert set(row) == set(keys), row

    return check


def sorted_by(key, descending):
    def check(answer):
        values = [row[key] for row in answer["data"]]
        assert values == sorted(values, reverse=descending), values

    return check


OURS = "(Last_Name:starts_with:Searchable)"
A, B, C = "Alpha", "Beta, Ltd (old)", "Gamma"

FOUND = [
    criteria("equals on text is contains", "(Last_Name:equals:searchable alph)", [A]),
    criteria("equals on text finds a word in the middle", "((Last_Name:equals:gamma)and(Company:equals:search cases))", [C]),
    criteria("starts_with", OURS, [A, B, C]),
    criteria("escaped signs", "(Last_Name:equals:Searchable Beta\\, Ltd \\(old\\))", [B]),
    criteria("an escaped comma in a list", "(Last_Name:in:Searchable Beta\\, Ltd \\(old\\),Searchable Gamma)", [B, C]),
    criteria("not_equal", "(%s and (Last_Name:not_equal:Searchable Alpha))" % OURS, [B, C]),
    criteria("between", "(%s and (Annual_Revenue:between:11,22.5))" % OURS, [A, B]),
    criteria("greater_than", "(%s and (Annual_Revenue:greater_than:11))" % OURS, [B, C]),
    criteria("less_equal", "(%s and (Annual_Revenue:less_equal:11))" % OURS, [A]),
    criteria("in with numbers", "(%s and (No_of_Employees:in:1,3))" % OURS, [A, C]),
    criteria("a boolean", "(%s and (Email_Opt_Out:equals:true))" % OURS, [B]),
    criteria("or", "((Email:equals:alpha@search-cases.example) or (Email:equals:beta@search-cases.example))", [A, B]),
    criteria("nested", "((%s and (Annual_Revenue:greater_equal:22.5)) and (No_of_Employees:less_than:3))" % OURS, [B]),
    criteria("instants with an offset", "(%s and (Created_Time:greater_than:2000-01-01T00:00:00+05:30))" % OURS, [A, B, C]),
    criteria("an empty value", "(%s and (Email:equals:${EMPTY}))" % OURS, [C]),
    search("email", "email=alpha@search-cases.example",
           check=lambda answer: all(row["Email"] == "alpha@search-cases.example" for row in answer["data"])),
    search("phone by its digits", "phone=5550109902&fields=Mobile", expect={"data": [{"Mobile": "555 010 9902"}]}),
    search("word", "word=searchable%20gamma&fields=Last_Name", expect={"data": [{"Last_Name": "Searchable Gamma"}]}),
    search("criteria go before email, phone and word",
           "word=gamma&phone=5550109902&email=alpha&criteria=%s&fields=Last_Name" % quote("(Last_Name:equals:Beta)"),
           expect={"data": [{"Last_Name": "Searchable Beta, Ltd (old)"}]}),
    search("email goes before word", "word=gamma&email=alpha%40search-cases.example&fields=Last_Name",
           expect={"data": [{"Last_Name": "Searchable Alpha"}]}),
    search("nothing found", "word=nothingsuchanywhere", 204),
    search("without fields: full width, $ keys, no rows", "word=searchable", check=full_width),
    search("with fields: only those", "word=searchable&fields=Last_Name,Email", check=only_keys("id", "Last_Name", "Email")),
    search("info", "word=searchable&per_page=2&page=1&fields=Last_Name",
           expect={"info": {"per_page": 2, "count": 2, "page": 1, "more_records": True, "sort_by": "id",
                            "sort_order": "desc"}}),
    search("newest first", "word=searchable&fields=Last_Name",
           check=lambda answer: sorted_by("id", True)(answer)),
    search("sort_by and sort_order", "criteria=%s&sort_by=Annual_Revenue&sort_order=asc&fields=Annual_Revenue" % quote(OURS),
           check=sorted_by("Annual_Revenue", False)),
    search("raw parentheses and a plus for a blank", "criteria=(Last_Name:equals:Searchable+Alpha)&fields=Last_Name",
           expect={"data": [{"Last_Name": "Searchable Alpha"}]}),
    search("a lagging index misses what is new", "word=lagging&fields=Last_Name", 204,
           setup=[("POST", SETTINGS, {"search_lag_s": 3600}), lead(Last_Name="Lagging Leaf")]),
    search("11 criteria where 15 are taken (C8)", "fields=Last_Name&criteria=" + quote("or".join([OURS] * 11)),
           setup=[("POST", SETTINGS, {"search_criteria": 15}), *LEADS], check=only_keys("id", "Last_Name")),
    search("an index that has caught up", "word=lagging&fields=Last_Name", expect={"data": [{"Last_Name": "Lagging Twig"}]},
           setup=[("POST", SETTINGS, {"search_lag_s": 0}), lead(Last_Name="Lagging Twig")]),
]

REFUSED = [
    refused("none of the four", "fields=Last_Name", "EXPECTED_PARAM_MISSING",
            {"param_names": ["criteria", "email", "phone", "word"]}),
    refused("row 2,001", "word=ab&page=11", "LIMIT_REACHED", {"limit": "2000"}),
    search("11 criteria (C8)", "criteria=" + quote("or".join(["(id:equals:1)"] * 11)), 400,
           {"code": "CRITERIA_LIMIT_EXCEEDED", "details": {}, "status": "error"},
           setup=[("POST", SETTINGS, {"search_criteria": 10})]),
    refused("3,001 characters", "criteria=" + quote("(Last_Name:equals:%s)" % ("x" * 2982)), "INVALID_DATA",
            {"maximum_length": 3000, "param_name": "criteria"}),
    refused("a word of one letter", "word=a", "INVALID_DATA", {"minimum_length": 2, "param_name": "word"}),
    refused("a phone of two digits", "phone=12", "INVALID_DATA", {"minimum_length": 3, "param_name": "phone"}),
    refused("per_page 201", "word=ab&per_page=201", "INVALID_DATA",
            {"expected_data_type": "integer", "param_name": "per_page"}),
    refused("page 0", "word=ab&page=0", "INVALID_DATA", {"expected_data_type": "integer", "param_name": "page"}),
    refused("an order that is none", "word=ab&sort_order=up", "PATTERN_NOT_MATCHED", {"param_name": "sort_order"}),
    refused("a sort field that is none", "word=ab&sort_by=Nope", "INVALID_DATA", {"param_name": "sort_by"}),
    refused("converted that is none", "word=ab&converted=maybe", "PATTERN_NOT_MATCHED", {"param_name": "converted"}),
    refused("attachments are not searched", "word=ab", "NOT_SUPPORTED", {"module": "Attachments"}, module="Attachments"),
    refused("subforms are not searched", "word=ab", "NOT_SUPPORTED", {"module": "Milestones"}, module="Milestones"),
    search("101 values", "criteria=" + quote("(id:in:%s)" % ",".join(str(i) for i in range(1, 102))), 400,
           {"code": "INVALID_QUERY", "message": 'Only 100 values are allowed in "IN" criteria',
            "details": {"api_name": "id", "param_name": "criteria"}}, setup=[]),
    bad("an unknown field", "(Nope:equals:x)", api_name="Nope"),
    bad("an unknown operator", "(Last_Name:like:x)", api_name="Last_Name", operator="like"),
    bad("an operator of another type", "(Last_Name:greater_than:x)", api_name="Last_Name", operator="greater_than"),
    bad("in on a textarea", "(Description:in:x,y)", api_name="Description", operator="in"),
    bad("starts_with on a picklist", "(Lead_Source:starts_with:x)", api_name="Lead_Source", operator="starts_with"),
    bad("a text as number", "(Annual_Revenue:equals:much)", api_name="Annual_Revenue", expected_data_type="double"),
    bad("between with one value", "(Annual_Revenue:between:1)", api_name="Annual_Revenue"),
    bad("no parentheses", "Last_Name:equals:x", api_name="criteria"),
    bad("an open parenthesis", "((Last_Name:equals:x)", api_name="criteria"),
    bad("an unescaped parenthesis", "(Last_Name:equals:a(b))", api_name="criteria"),
    bad("no value", "(Last_Name:equals:)", api_name="criteria"),
    bad("something after the end", "(Last_Name:equals:x)x", api_name="criteria"),
]

CASES = FOUND + REFUSED
