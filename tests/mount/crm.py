"""What a module's files must be, computed from the API in the plainest way: one GET for each record. And what a whole
module may cost."""
import json
import math

PAGE = 200
FULL = 100       # ids for each call of fetch_full_data, if they fit
FULL_BYTES = 1024
LISTED = 500     # characters of a rich text that a list page gives
FIELDS = 50      # names in a list call
FIELDS_BYTES = 1024
DEEP_TYPES = ("subform", "multiselectlookup", "multiuserlookup")
# What says nothing about a subform's row that its own fields do not.
NOT_OF_A_ROW = {"Parent_Id", "Layout", "Owner", "Created_By", "Modified_By", "Last_Activity_Time", "Tag",
                "Record_Status__s", "Record_Image", "Currency", "Exchange_Rate", "Locked__s", "Name"}


class Number(str):
    """A number as it was written."""


def parse(text):
    return json.loads(text, parse_int=Number, parse_float=Number)


def quote(text):
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def canonical(value, depth=0):
    """Keys sorted, two blanks of indent, raw UTF-8; without the final newline."""
    inner, outer = "\n" + "  " * (depth + 1), "\n" + "  " * depth
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, dict) and value:
        return "{" + ",".join(f"{inner}{quote(key)}: {canonical(value[key], depth + 1)}"
                              for key in sorted(value)) + outer + "}"
    if isinstance(value, list) and value:
        return "[" + ",".join(inner + canonical(one, depth + 1) for one in value) + outer + "]"
    return json.dumps(value)


class Module:
    """A module as its metadata tells."""

    def __init__(self, emulator, name):
        self.emulator, self.name = emulator, name
        rows = json.loads(emulator.api("settings/fields", module=name))["fields"]
        self.fields = {row["api_name"]: row for row in rows if row.get("visible", True) and row["api_name"] != "id"}
        self.deep = {key: row for key, row in self.fields.items() if row["data_type"] in DEEP_TYPES}
        self.rich = sorted(key for key, row in self.fields.items()
                           if (row.get("textarea") or {}).get("type") == "rich_text")
        self.row_fields = {}  # of subforms, by the parent's field
        for key, row in self.deep.items():
            if row["data_type"] == "subform":
                self.row_fields[key] = self.fields_of_rows(self.deep_module(key))

    def fields_of_rows(self, module):
        rows = json.loads(self.emulator.api("settings/fields", module=module))["fields"]
        return {row["api_name"] for row in rows
                if row.get("visible", True) and row["api_name"] not in NOT_OF_A_ROW | {"id"}}

    def deep_module(self, field):
        """The subform or linking module behind @field."""
        row = self.deep[field]
        if row["data_type"] == "subform":
            target = (row.get("associated_module") or row.get("subform"))["module"]
        else:
            target = row[row["data_type"]]["linking_details"]["module"]
        return target["api_name"] if isinstance(target, dict) else target

    def deep_modules(self):
        return sorted({self.deep_module(field) for field in self.deep})

    # ---- the document ----

    def row(self, field, row):
        """A row of @field as the document has it."""
        if field in self.row_fields:
            return {"id": row["id"], **{key: row.get(key) for key in self.row_fields[field]}}
        details = self.deep[field][self.deep[field]["data_type"]]["connected_details"]
        other = details.get("lookup_field") or details.get("field")
        other = other["api_name"] if isinstance(other, dict) else other
        value = row.get(other)
        return {"id": row["id"], other: value and {"id": value["id"], "name": value.get("name")}}

    def document(self, number):
        """The bytes of the file of record @number."""
        record = parse(self.emulator.api(f"{self.name}/{number}"))["data"][0]
        if self.rich:
            full = self.emulator.api(f"{self.name}/{number}/actions/fetch_full_data", fields=",".join(self.rich))
            record.update({key: value for key, value in parse(full or '{"data":[{}]}')["data"][0].items()
                           if key in self.rich})
        keys = set(self.fields) | ({"$se_module"} if "What_Id" in self.fields else set())
        shown = {key: record.get(key) for key in keys}
        for field in self.deep:
            rows = shown.get(field) or []
            if (record.get("$has_more") or {}).get(field):
                rows = self.rows_beyond(field, record["id"])
            rows = [self.row(field, row) for row in rows]
            shown[field] = sorted(rows, key=lambda row: int(row["id"]))
        shown = {key: None if value == [] else value for key, value in shown.items()}
        return (canonical({**shown, "id": record["id"]}) + "\n").encode()

    def rows_beyond(self, field, number):
        """All rows of record @number, where a GET embeds only the first ones."""
        if field in self.row_fields:
            parent, fields = "Parent_Id", self.row_fields[field] | {"Parent_Id"}
        else:
            details = self.deep[field][self.deep[field]["data_type"]]
            other = details["connected_details"].get("lookup_field") or details["connected_details"].get("field")
            parent = details["linking_details"]["lookup_field"]["api_name"]
            fields = {parent, other["api_name"]}
        return [row for row in self.rows_of(self.deep_module(field), ",".join(sorted(fields)), parse)
                if (row.get(parent) or {}).get("id") == number]

    # ---- the cost ----

    def listed_fields(self):
        names = [key for key in self.fields if key not in self.deep]
        return sorted(names + (["$se_module"] if "What_Id" in self.fields else []))

    def slices(self):
        """How many list calls bring all fields of a row. Each carries Modified_Time."""
        count, names, size = 1, 1, len("Modified_Time")
        for name in self.listed_fields():
            if name == "Modified_Time":
                continue
            if names == FIELDS or size + 1 + len(name) > FIELDS_BYTES:
                count, names, size = count + 1, 1, len("Modified_Time")
            names, size = names + 1, size + 1 + len(name)
        return count

    def rows_of(self, module, fields, loads=json.loads):
        """All rows of @module, by pages."""
        rows, token = [], {}
        while True:
            text = self.emulator.api(module, fields=fields, per_page=PAGE, **token)
            page = loads(text) if text else {"data": [], "info": {"more_records": False}}
            rows += page["data"]
            if not page["info"]["more_records"]:
                return rows
            token = {"page_token": page["info"]["next_page_token"]}

    def cut(self):
        """How many records have a rich text that a list page may have cut."""
        if not self.rich:
            return 0
        return sum(any(len(row.get(key) or "") >= LISTED for key in self.rich)
                   for row in self.rows_of(self.name, ",".join(self.rich[:FIELDS])))

    def deep_rows(self):
        return {module: len(self.rows_of(module, "Created_Time,Modified_Time")) for module in self.deep_modules()}


class Cost:
    """What reading a whole module of @count records costs."""

    def __init__(self, module, count):
        self.slices, self.deep = module.slices(), module.deep_rows()
        self.pages = pages_of(self.slices, count)
        self.deep_pages = {name: max(1, math.ceil(rows / PAGE)) for name, rows in self.deep.items()}
        longest = len(module.emulator.ids(module.name)[-1]) if count else 1
        self.full = math.ceil(module.cut() / min(FULL, (FULL_BYTES + 1) // (longest + 1)))
        self.module = module.name
        # Two chains meet only where page numbers do not reach.
        self.meetings = self.slices if count > 10 * PAGE else 0

    def least(self):
        return self.pages + sum(self.deep_pages.values()) + self.full

    def most(self):
        """Modules, fields, count, closing delta, deleted; and the deep modules' fields; and the meetings."""
        return self.least() + 5 + len(self.deep) + self.meetings


def pages_of(slices, count):
    return slices * max(1, math.ceil(count / PAGE))
