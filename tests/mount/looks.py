"""What a directory shows, beside what it must show."""
import difflib
import os

import crm
from harness import check, equal, shorten


def snapshot(mount, module):
    """Names to texts and inodes, of a whole directory."""
    return {name: (mount.read(module, name), os.stat(mount.at(module, name)).st_ino) for name in mount.list(module)}


def number_of(name):
    """The id in a file's name."""
    return name.split(".")[-2]


def documents(emulator, module):
    """Ids, of the plain list, to the texts that the files must have, one GET each."""
    reference = crm.Module(emulator, module)
    return {row["id"]: reference.document(row["id"]) for row in reference.rows_of(module, "Modified_Time")}


def assert_shows(mount, module, wanted):
    """The directory lists the records of @wanted, each file has its text, and no other file is there."""
    texts = {number_of(name): mount.read(module, name) for name in mount.list(module)}
    equal(sorted(texts), sorted(wanted), f"ids listed in {module}")
    wrong = [number for number, text in texts.items() if text != wanted[number]]
    check(not wrong, f"{len(wrong)} of {len(texts)} texts are wrong: "
          + "; ".join(f"{module}/{number} {difference(texts[number], wanted[number])}" for number in wrong[:3]))


def difference(got, wanted):
    """The lines in which two texts differ."""
    old, new = (text.decode(errors="backslashreplace").splitlines() for text in (wanted, got))
    return shorten(list(difflib.unified_diff(old, new, "wanted", "got", lineterm="", n=1)))


def assert_current(emulator, mount, module, files=None):
    """Each file of the snapshot @files (None: of now) is as the reference has it, and no other is there."""
    if files is None:
        files = snapshot(mount, module)
    wanted = documents(emulator, module)
    equal(sorted(map(number_of, files)), sorted(wanted), f"ids listed in {module}")
    for name, (text, _) in files.items():
        equal(text, wanted[number_of(name)], f"text of {name}")
        equal(os.stat(mount.at(module, name)).st_size, len(text), f"size of {name}")


def reads(mount):
    """How often the kernel has asked for contents; the look itself is one or two of them."""
    return mount.status()["fuse"]["read"]


def first_row(emulator, module, numbers):
    """The first of records @numbers with rows in a subform: its id, their module, a row's id, a text field of it."""
    reference = crm.Module(emulator, module)
    for field, names in reference.row_fields.items():
        text = next((name for name in ("Description", "Product_Description", "Note", "Comment") if name in names), None)
        for number in numbers if text else ():
            rows = crm.parse(emulator.api(f"{module}/{number}"))["data"][0].get(field)
            if rows:
                return number, reference.deep_module(field), rows[0]["id"], text
    check(False, f"no record of {module} has rows")
    return None
