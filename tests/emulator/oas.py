#!/usr/bin/env python3
"""Validates the requests and answers of the suite against Zoho's OpenAPI 3.1 files (oas/, as published, version 8.0).

    oas.py EMULATOR [-v]

What of a request is checked: the body and the query parameters of those that succeeded, since the others are wrong on
purpose. Of an answer: its status, and its JSON. Where the files are not sound, or say less than Zoho's documentation,
oas_exempt.py says so with the reason. Exits with 77 (skipped) without the Python module jsonschema."""

import collections
import glob
import io
import json
import os
import re
import sys
import warnings
from urllib.parse import parse_qsl, urlsplit

warnings.simplefilter("ignore", DeprecationWarning)
try:
    from jsonschema import Draft202012Validator, RefResolver
except ImportError:
    print("1..0 # SKIP no jsonschema")
    sys.exit(77)

import oas_exempt
import suite

HERE = os.path.dirname(os.path.abspath(__file__))
METHODS = ("get", "post", "put", "patch", "delete")
MOST_ERRORS = 20


class Operation:
    def __init__(self, document, path, method, base):
        self.file = document["_file"]
        self.document = document
        self.method = method.upper()
        self.definition = document["paths"][path][method]
        self.name = "%s %s %s" % (self.file, self.method, path)
        self.literals = len([part for part in path.split("/") if part and "{" not in part])
        self.segments = path.count("/")
        pattern = "".join("[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"({[^}]+})", path))
        self.pattern = re.compile(re.escape(base) + pattern + "$")
        self.resolver = RefResolver.from_schema(document)
        self.parameters = {}
        for each in document["paths"][path].get("parameters", []) + self.definition.get("parameters", []):
            each = self.resolve(each)
            if each.get("in") == "query":
                self.parameters[each["name"]] = each

    def resolve(self, node):
        while isinstance(node, dict) and "$ref" in node:
            node = self.resolver.resolve(node["$ref"])[1]
        return node

    def errors(self, schema, value):
        """Texts of what is wrong, the most telling ones of alternatives."""
        validator = Draft202012Validator(schema, resolver=self.resolver)
        for error in list(validator.iter_errors(value))[:MOST_ERRORS]:
            yield from leaves(error)


def in_short(error):
    """What is wrong without the values, which differ from call to call."""
    kind, rule, value = error.validator, error.validator_value, error.instance
    if kind == "required":
        return "lacks " + error.message.split("'")[1]
    if kind == "additionalProperties":
        return "has more: " + ", ".join(sorted(set(value) - set(error.schema.get("properties", {}))))
    if kind == "type":
        names = {type(None): "null", str: "string", bool: "boolean", int: "integer", float: "number", list: "array",
                 dict: "object"}
        return "is %s, not %s" % (names[type(value)], rule)
    if kind in ("enum", "const", "pattern", "format"):
        return "%s: %r" % (kind, value if isinstance(value, (str, int, type(None))) else type(value))
    return "%s %s" % (kind, rule if isinstance(rule, int) else "")


def leaves(error):
    """Of alternatives that all fail, the one that fits best: that with the fewest errors, none of them about "code"."""
    if not error.context:
        yield "%s: %s" % (error.json_path, in_short(error))
        return
    branches = collections.defaultdict(list)
    for inner in error.context:
        branches[inner.schema_path[0]].append(inner)

    def badness(branch):
        texts = [leaf for inner in branch for leaf in leaves(inner)]
        return sum(10 if re.search(r"\.code: |\.status: ", text) else 1 for text in texts)

    for inner in min(branches.values(), key=badness):
        yield from leaves(inner)


def soften(node):
    """Python's patterns know no classes like \\p{L}; \\w is what they come down to here."""
    if isinstance(node, dict):
        if isinstance(node.get("pattern"), str):
            node["pattern"] = re.sub(r"\\p\{\w+\}", r"\\w", node["pattern"])
        node = list(node.values())
    for each in node if isinstance(node, list) else ():
        soften(each)


def load():
    operations = []
    for path in sorted(glob.glob(os.path.join(HERE, "oas", "*.json"))):
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        soften(document)
        document["_file"] = os.path.basename(path)
        base = "/crm/bulk/v8" if "/crm/bulk/" in document["servers"][0]["url"] else "/crm/v8"
        for pattern in document["paths"]:
            operations += [Operation(document, pattern, method, base) for method in METHODS
                           if method in document["paths"][pattern]]
    return sorted(operations, key=lambda each: (-each.literals, each.segments))


def find(operations, method, path):
    for operation in operations:
        if operation.method == method and operation.pattern.match(path):
            return operation
    return None


def request_errors(operation, call, query):
    for name, value in query:
        parameter = operation.parameters.get(name)
        if parameter is None:
            yield "query.%s: not described" % name
            continue
        schema = operation.resolve(parameter.get("schema", {}))
        kinds = schema.get("type")
        if "integer" in ([kinds] if isinstance(kinds, str) else kinds or []) and value.isdigit():
            value = int(value)
        elif "boolean" in ([kinds] if isinstance(kinds, str) else kinds or []) and value in ("true", "false"):
            value = value == "true"
        elif "array" in ([kinds] if isinstance(kinds, str) else kinds or []):
            value = value.split(",")
        for text in operation.errors(schema, value):
            yield "query.%s%s" % (name, text[1:])
    content = operation.resolve(operation.definition.get("requestBody", {})).get("content", {})
    schema = content.get("application/json", {}).get("schema")
    if schema is not None and call["body"]:
        for text in operation.errors(schema, json.loads(call["body"])):
            yield "body " + text


def answer_errors(operation, answer):
    responses = operation.definition["responses"]
    response = responses.get(str(answer.status))
    if response is None:
        yield "status: not described"
        return
    content = operation.resolve(response).get("content", {})
    if not answer.body:
        if content:
            yield "no body"
        return
    if "json" not in answer.headers.get("content-type", ""):
        return
    schema = content.get("application/json", {}).get("schema")
    if schema is None:
        yield "body: not described"
        return
    for text in operation.errors(schema, answer.json):
        yield "body " + text


class Report:
    """Counts what deviates, by exemption and without one."""

    def __init__(self):
        self.exempt = [(re.compile(pattern), reason) for pattern, reason in oas_exempt.EXEMPT]
        self.used = collections.Counter()
        self.found = collections.Counter()
        self.checked = collections.Counter()
        self.described = collections.Counter()

    def add(self, operation, text):
        line = "%s: %s" % (operation.name, re.sub(r"\[\d+\]", "[]", text)[:300])
        for pattern, reason in self.exempt:
            if pattern.search(line):
                self.used[reason] += 1
                return
        self.found[line] += 1


def check(operations, calls):
    report = Report()
    for call in calls:
        parts = urlsplit(call["path"])
        if not parts.path.startswith("/crm/"):
            continue
        operation = find(operations, call["method"], parts.path)
        if operation is None:
            report.described["no operation for " + call["method"] + " " + re.sub(r"/\d+", "/ID", parts.path)] += 1
            continue
        answer = call["answer"]
        if call["faulty"]:
            continue
        report.checked[operation.name] += 1
        if answer.status < 300 and answer.status != 207:
            for text in request_errors(operation, call, parse_qsl(parts.query)):
                report.add(operation, "request: " + text)
        for text in answer_errors(operation, answer):
            report.add(operation, "%d: %s" % (answer.status, text))
    return report


def main():
    verbose = "-v" in sys.argv[2:]
    calls = []
    suite.run(sys.argv[1], record=calls, out=io.StringIO())
    report = check(load(), calls)
    print("1..2")
    enough = len(report.checked) >= 40
    print("%s 1 - %d calls to %d operations were checked" % ("ok" if enough else "not ok", sum(report.checked.values()),
                                                              len(report.checked)))
    print("%s 2 - they are as the OpenAPI files say, but for the exemptions" % ("not ok" if report.found else "ok"))
    for line, count in sorted(report.found.items()):
        print("# %dx %s" % (count, line))
    for reason, count in report.used.most_common() if verbose else ():
        print("# exempted %dx: %s" % (count, reason))
    unused = {reason for _, reason in report.exempt} - set(report.used)
    for reason in sorted(unused) if verbose else ():
        print("# exemption not needed: " + reason)
    for line, count in report.described.most_common() if verbose else ():
        print("# %dx %s" % (count, line))
    sys.exit(1 if report.found or not enough else 0)


if __name__ == "__main__":
    main()
