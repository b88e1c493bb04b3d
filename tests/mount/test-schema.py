"""schema.json: valid for every document the mount gives, and for nothing else that matters."""
import copy
import json
import os

from harness import Emulator, Mount, Skip, case, check, equal, main

try:
    import jsonschema
except ImportError:
    jsonschema = None

RECORDS = "Leads=40,Contacts=40,Accounts=40,Deals=30,Tasks=30,Events=30,Calls=30,Invoices=15,Quotes=15,Projects=30,Cases=15," \
          "Products=15,Price_Books=10,Campaigns=10,Wide=10"


def validator(mount, module):
    if jsonschema is None:
        raise Skip("python3-jsonschema is not installed")
    schema = json.loads(mount.read(".zohofs/modules", module, "schema.json"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())


def documents(mount, module):
    for name in mount.list(module):
        if name.endswith(".json"):
            yield name, json.loads(mount.read(module, name))


@case("every document of every module is valid")
def all_valid():
    with Emulator(RECORDS) as emulator, Mount(emulator) as mount:
        seen = 0
        for module in mount.list():
            if module in ("README.md", "Users", "queries") or not os.path.isdir(mount.at(module)):
                continue
            valid = validator(mount, module)
            for name, document in documents(mount, module):
                error = next(valid.iter_errors(document), None)
                check(error is None, f"{module}/{name}: {error and (list(error.path), error.message[:300])}")
                seen += 1
        check(seen > 300, f"only {seen} documents")


BROKEN = [
    ("no object", lambda record: []),
    ("an unknown key", lambda record: dict(record, No_Such_Field=1)),
    ("a key in small letters", lambda record: dict(record, last_name="x")),
    ("a number as text", lambda record: dict(record, Annual_Revenue="12")),
    ("a text as number", lambda record: dict(record, Last_Name=12)),
    ("a truth as text", lambda record: dict(record, Locked__s="true")),
    ("a text too long", lambda record: dict(record, Last_Name="x" * 5000)),
    ("a long city", lambda record: dict(record, City="x" * 5000)),
    ("no mandatory field", lambda record: {key: record[key] for key in record if key != "Last_Name"}),
    ("an address without @", lambda record: dict(record, Email="nobody")),
    ("an address as array", lambda record: dict(record, Email=["a@example.com"])),
    ("a lookup as text", lambda record: dict(record, Owner="Sample Owner")),
    ("a lookup without id", lambda record: dict(record, Owner={"name": "Sample Owner"})),
    ("a lookup with a number", lambda record: dict(record, Owner={"id": 7010000000001})),
    ("a lookup with another id", lambda record: dict(record, Owner={"id": "me"})),
    ("tags as texts", lambda record: dict(record, Tag=["vip"])),
    ("tags as one text", lambda record: dict(record, Tag="vip")),
    ("a time without a date", lambda record: dict(record, Modified_Time=10)),
    ("a picklist's value as array", lambda record: dict(record, Lead_Source=["Web"])),
    ("a picklist's value as number", lambda record: dict(record, Lead_Source=7)),
    ("an id of letters", lambda record: dict(record, id="new")),
    ("an id as number", lambda record: dict(record, id=7010000000001)),
]


@case("broken ones are refused: 22 of leads, others of subforms, dates and activities")
def broken():
    with Emulator(RECORDS) as emulator, Mount(emulator) as mount:
        valid = validator(mount, "Leads")
        _, good = next(documents(mount, "Leads"))
        for what, break_it in BROKEN:
            check(not valid.is_valid(break_it(copy.deepcopy(good))), f"{what} was let pass")
        for module, fields in (("Invoices", {"Invoiced_Items": [{"Quantity": "three"}]}),
                               ("Invoices", {"Invoiced_Items": {"Quantity": 3}}),
                               ("Campaigns", {"Start_Date": "02.03.2026"}), ("Campaigns", {"Start_Date": 20260302}),
                               ("Projects", {"Phases": "Plan"}), ("Accounts", {"Employees": 1.5}),
                               ("Tasks", {"Remind_At": "tomorrow"}), ("Tasks", {"Recurring_Activity": {"rule": "x"}}),
                               ("Events", {"Participants": [{"participant": "1"}]}),
                               ("Events", {"Remind_At": [{"unit": 1}]})):
            valid = validator(mount, module)
            _, good = next(documents(mount, module))
            check(valid.is_valid(good), module)
            check(not valid.is_valid(dict(good, **fields)), f"{module}: {fields} was let pass")


@case("it tells what people and editors want to know, for the price of the fields")
def told():
    with Emulator("Leads=3") as emulator, Mount(emulator) as mount:
        mount.list()
        mark = emulator.mark()
        schema = json.loads(mount.read(".zohofs/modules/Leads/schema.json"))
        equal([call.path for call in emulator.calls(since=mark) if not call.path.endswith("/count")],
              ["/crm/v8/settings/fields"], "calls")
        properties = schema["properties"]
        equal(schema["required"], ["Last_Name"], "mandatory")
        check(properties["Created_Time"]["readOnly"] and "readOnly" not in properties["Last_Name"], "read-only")
        check(properties["Last_Name"]["maxLength"] > 0, "lengths")
        check(all(value.get("description") for key, value in properties.items() if key != "id"), "descriptions")
        check("enum" in json.dumps(properties["Lead_Source"]), "values of a picklist")
        equal(sorted(properties), sorted(json.loads(mount.read("Leads", mount.list("Leads")[0]))), "keys")


main()
