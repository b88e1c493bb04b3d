"""A file is a pure function of its record: read by pages, one by one, or after a remount, its bytes are the same, and
they are those of the reference in crm.py."""
import filecmp
import os
import time

import crm
from harness import Emulator, Mount, case, check, equal, main, tool


def copy_all(mount, module, target):
    """A copy made by reading the whole directory."""
    os.makedirs(target)
    tool("rsync", "-a", mount.at(module) + "/", target + "/")


def copy_singly(emulator, mount, module, target):
    """A copy made without ever listing the directory."""
    os.makedirs(target)
    for number in emulator.ids(module):
        text = mount.read(module, f"{number}.json")
        about = os.stat(mount.at(module, f"{number}.json"))
        equal(about.st_size, len(text), f"size of {number}")
        path = os.path.join(target, f"{number}.json")
        with open(path, "wb") as file:
            file.write(text)
        os.utime(path, (about.st_mtime, about.st_mtime))


def rename_to_ids(folder):
    for name in os.listdir(folder):
        os.rename(os.path.join(folder, name), os.path.join(folder, ".".join(name.split(".")[-2:])))


def same(one, other):
    """No difference of names, bytes or times."""
    tool("diff", "-r", one, other)
    names = sorted(os.listdir(one))
    equal(sorted(os.listdir(other)), names, "names")
    match, mismatch, errors = filecmp.cmpfiles(one, other, names, shallow=False)
    equal((len(match), mismatch, errors), (len(names), [], []), "files")
    for name in names:
        equal(os.stat(os.path.join(one, name)).st_mtime, os.stat(os.path.join(other, name)).st_mtime,
              f"time of {name}")


def against_reference(emulator, module, folder):
    reference = crm.Module(emulator, module)
    numbers = emulator.ids(module)
    equal(sorted(os.listdir(folder)), sorted(f"{number}.json" for number in numbers), "names")
    for number in numbers:
        with open(os.path.join(folder, f"{number}.json"), "rb") as file:
            got = file.read()
        wanted = reference.document(number)
        if got != wanted:
            pairs = zip(got.decode().split("\n"), wanted.decode().split("\n"))
            first = next(((one, other) for one, other in pairs if one != other), ("", "the shorter text"))
            raise AssertionError(f"{module}/{number}: got {first[0][:300]!r}, wanted {first[1][:300]!r}")


def next_second():
    """What is read in the second of its last change is read again, since that has no finer time."""
    begun = int(time.time())
    while int(time.time()) == begun:
        time.sleep(0.05)


def purity(module, count, prepare=None, beside=""):
    """@beside: what else the org has."""
    with Emulator(f"{module}={count}{beside}") as emulator:
        if prepare is not None:
            prepare(emulator)
            next_second()
        rows = crm.Module(emulator, module).deep_rows()
        check(all(rows.values()), f"all deep fields of {module} have rows: {rows}")
        with Mount(emulator) as mount:
            whole = os.path.join(mount.folder, "whole")
            copy_all(mount, module, whole)
            check(not emulator.singles(module), f"single reads of a whole directory: {emulator.singles(module)[:5]}")
        rename_to_ids(whole)
        with Mount(emulator) as mount:
            mark = emulator.mark()
            singly = os.path.join(mount.folder, "singly")
            copy_singly(emulator, mount, module, singly)
            equal([call for call in emulator.pages(module, mark) if call.status == 200], [],
                  "list calls of single reads")
        same(whole, singly)
        with Mount(emulator) as mount:
            again = os.path.join(mount.folder, "again")
            copy_all(mount, module, again)
        rename_to_ids(again)
        same(whole, again)
        against_reference(emulator, module, whole)


def long_texts(emulator):
    """Rich texts at the bound of what a list gives, in one-byte and in longer characters."""
    module = crm.Module(emulator, "Projects")
    check(module.rich, "Projects has a rich text field")
    texts = [sign * size for size in (0, 1, 499, 500, 501, 49000) for sign in ("x", "漢", "🎉", "é")]
    for number, text in zip(emulator.ids("Projects"), texts):
        emulator.edit("Projects", number, **{module.rich[0]: text})


@case("Leads: plain fields")
def leads():
    purity("Leads", 230)


@case("Quotes: line items")
def quotes():
    with Emulator("Quotes=3") as emulator:
        check(any(row["data_type"] == "subform" for row in crm.Module(emulator, "Quotes").deep.values()),
              "Quotes has a subform")
    purity("Quotes", 120)


@case("Projects: subforms, multi-select lookups, rich text of 499 to 49,000 characters")
def projects():
    purity("Projects", 120, long_texts, ",Contacts=120")


@case("Wide: 120 fields in slices, 16-digit decimals, nulls")
def wide():
    with Emulator("Wide=3") as emulator:
        check(crm.Module(emulator, "Wide").slices() >= 3, "Wide needs three slices")
    purity("Wide", 210)


@case("Tasks: $se_module where a record has What_Id")
def tasks():
    purity("Tasks", 60)


@case("numbers keep their digits")
def digits():
    with Emulator("Deals=4,Wide=4") as emulator, Mount(emulator) as mount:
        for module in "Deals", "Wide":
            reference = crm.Module(emulator, module)
            field = next(key for key, row in reference.fields.items() if row["data_type"] == "currency")
            numbers = emulator.ids(module)
            for number, text in zip(numbers, ("1234567890123456.78", "0.1", "9999999999999999", "-0.01")):
                body = '{"module":"%s","id":"%s","fields":{"%s":%s}}' % (module, number, field, text)
                status, answer = emulator.request("POST", "/_emulator/edit", body, {"Content-Type": "application/json"})
                check(status < 300, f"edit: {answer[:300]}")
            mount.list(module)
            for number, text in zip(numbers, ("1234567890123456.78", "0.1", "9999999999999999", "-0.01")):
                document = mount.read(module, f"{number}.json").decode()
                check(f'"{field}": {text},' in document or f'"{field}": {text}\n' in document,
                      f"{module}.{field} is {text} in {number}")
                equal(document.encode(), reference.document(number), "document")


if __name__ == "__main__":
    main()
