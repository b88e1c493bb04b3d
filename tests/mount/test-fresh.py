"""What changes in the CRM shows after the TTL, at the next look; what did not change stays and costs nothing."""
import errno
import os

import crm
from harness import Emulator, Mount, case, check, equal, fails, main, tool

TTL = 1


def snapshot(mount, module):
    """Names to texts and inodes, of a whole directory."""
    return {name: (mount.read(module, name), os.stat(mount.at(module, name)).st_ino) for name in mount.list(module)}


def assert_current(emulator, mount, module):
    """Each file is as the reference has it, and no other is there."""
    reference = crm.Module(emulator, module)
    files = snapshot(mount, module)
    numbers = emulator.ids(module)
    equal(sorted(name.split(".")[-2] for name in files), sorted(numbers), f"ids listed in {module}")
    for name, (text, _) in files.items():
        number = name.split(".")[-2]
        equal(text, reference.document(number), f"text of {name}")
        equal(os.stat(mount.at(module, name)).st_size, len(text), f"size of {name}")


def assert_change(module, count, change, others_same=True):
    """Makes change(emulator, numbers), which names the id it touched, and looks again after the TTL."""
    with Emulator(f"{module}={count}") as emulator, Mount(emulator, ttl=TTL) as mount:
        before = snapshot(mount, module)
        touched = change(emulator, emulator.ids(module))
        mount.expire()
        assert_current(emulator, mount, module)
        after = snapshot(mount, module)
        check(after != before, "something changed")
        for name, old in before.items():
            if name.split(".")[-2] != touched and others_same:
                equal(after.get(name), old, f"{name}, which did not change")


@case("an edit")
def edit():
    def change(emulator, numbers):
        emulator.edit("Leads", numbers[2], Company="Another Company of a longer name", Email=None)
        return numbers[2]
    assert_change("Leads", 40, change)


@case("an edit of a file that was looked at alone")
def edit_single():
    with Emulator("Leads=40") as emulator, Mount(emulator, ttl=TTL) as mount:
        number = emulator.ids("Leads")[5]
        name = f"{number}.json"
        old = mount.read("Leads", name)
        emulator.edit("Leads", number, Company="Grown")
        mount.expire()
        new = mount.read("Leads", name)
        equal(new, crm.Module(emulator, "Leads").document(number), "text")
        check(new != old, "it changed")
        equal(os.stat(mount.at("Leads", name)).st_size, len(new), "size")


@case("a new record")
def create():
    def change(emulator, numbers):
        return emulator.create("Leads", Last_Name="Newcomer", Company="New")
    assert_change("Leads", 40, change)


@case("a deleted record")
def delete():
    with Emulator("Leads=40") as emulator, Mount(emulator, ttl=TTL) as mount:
        before = snapshot(mount, "Leads")
        number = emulator.ids("Leads")[7]
        emulator.delete("Leads", number)
        mount.expire()
        assert_current(emulator, mount, "Leads")
        fails(errno.ENOENT, os.stat, mount.at("Leads", f"{number}.json"))
        fails(errno.ENOENT, os.stat, mount.at("Leads", next(name for name in before if number in name)))


@case("a restored record")
def restore():
    with Emulator("Leads=40") as emulator, Mount(emulator, ttl=TTL) as mount:
        number = emulator.ids("Leads")[7]
        snapshot(mount, "Leads")
        emulator.delete("Leads", number)
        mount.expire()
        snapshot(mount, "Leads")
        emulator.restore("Leads", number)
        mount.expire()
        assert_current(emulator, mount, "Leads")


@case("another label: the listed name changes, the old one still opens the same file")
def label():
    with Emulator("Vendors=40") as emulator, Mount(emulator, ttl=TTL) as mount:
        number = emulator.ids("Vendors")[3]
        old = next(name for name in mount.list("Vendors") if number in name)
        inode = os.stat(mount.at("Vendors", old)).st_ino
        emulator.edit("Vendors", number, Vendor_Name="Renamed Harbor")
        mount.expire()
        new = f"Renamed_Harbor.{number}.json"
        listed = mount.list("Vendors")
        check(new in listed and old not in listed, f"{new} is listed, {old} is not: {listed}")
        for name in old, new:
            equal(os.stat(mount.at("Vendors", name)).st_ino, inode, f"inode of {name}")
        assert_current(emulator, mount, "Vendors")


def subform_of(emulator, module):
    reference = crm.Module(emulator, module)
    field = next(key for key, row in reference.deep.items() if row["data_type"] == "subform")
    return reference, field


@case("a subform's row alone, which leaves the parent's Modified_Time")
def subform_row():
    def change(emulator, numbers):
        reference, field = subform_of(emulator, "Quotes")
        rows, rows_module = reference.row_fields[field], reference.deep_module(field)
        for number in numbers:
            record = crm.parse(emulator.api(f"Quotes/{number}"))["data"][0]
            if record.get(field):
                text = next(key for key in ("Description", "Product_Description", "Note", "Comment") if key in rows)
                emulator.edit(rows_module, record[field][0]["id"], **{text: "a row of another text"})
                after = crm.parse(emulator.api(f"Quotes/{number}"))["data"][0]
                equal(after["Modified_Time"], record["Modified_Time"], "the parent's time")
                return number
        raise AssertionError("no quote has line items")
    assert_change("Quotes", 20, change)


@case("a rich text alone")
def rich_text():
    def change(emulator, numbers):
        field = crm.Module(emulator, "Projects").rich[0]
        emulator.edit("Projects", numbers[1], **{field: "<b>new</b>" * 400})
        return numbers[1]
    assert_change("Projects", 20, change)


@case("many at once: edits, new ones, deleted ones, on several pages")
def many():
    def change(emulator, numbers):
        for number in numbers[5:450:30]:
            emulator.edit("Leads", number, Company="x" * 200)
        for number in numbers[10:450:40]:
            emulator.delete("Leads", number)
        for index in range(7):
            emulator.create("Leads", Last_Name=f"New {index}", Company="New")
        return None
    assert_change("Leads", 450, change, others_same=False)


@case("within the TTL nothing is asked, whatever changed")
def within():
    with Emulator("Leads=40") as emulator, Mount(emulator, ttl=3600) as mount:
        before = snapshot(mount, "Leads")
        mount.wait_quiet()
        emulator.edit("Leads", emulator.ids("Leads")[0], Company="Later")
        mark = emulator.mark()
        equal(snapshot(mount, "Leads"), before, "files")
        equal(emulator.calls(since=mark), [], "calls")


def assert_idle(module, count, deep):
    with Emulator(f"{module}={count}") as emulator, Mount(emulator, ttl=TTL) as mount:
        before = snapshot(mount, module)
        mount.wait_quiet()
        for _ in range(3):
            mount.expire()
            mark = emulator.mark()
            mount.list(module)
            mount.wait_quiet()
            calls = emulator.calls(since=mark)
            check(1 <= len(calls) <= 2 + 2 * deep, f"{len(calls)} calls of an idle refresh of {module}: {calls}")
            check(all(call.status in (204, 304) for call in calls if not call.path.endswith("modules")),
                  f"all say that nothing is new: {calls}")
        mount.expire()
        equal(snapshot(mount, module), before, "files")


@case("an idle refresh is two calls, for 30 records and for 2,001")
def idle():
    assert_idle("Leads", 30, 0)
    assert_idle("Leads", 2001, 0)


@case("an idle refresh with a subform is two calls more")
def idle_deep():
    with Emulator("Quotes=3") as emulator:
        deep = len(crm.Module(emulator, "Quotes").deep_modules())
    assert_idle("Quotes", 210, deep)


@case("opening many files after the TTL is one refresh, not one call each")
def open_many():
    with Emulator("Leads=400") as emulator, Mount(emulator, ttl=TTL) as mount:
        names = mount.list("Leads")
        tool("grep", "-r", "-c", "no such text", mount.at("Leads"), status=1)
        mount.wait_quiet()
        mount.expire()
        mark = emulator.mark()
        for name in names:
            mount.read("Leads", name)
        mount.wait_quiet()
        equal(emulator.singles("Leads", mark), [], "single reads")


if __name__ == "__main__":
    main()
