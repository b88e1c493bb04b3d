"""What changes in the CRM shows after the TTL, at the next look; what did not change stays and costs nothing."""
import contextlib
import errno
import json
import os
import time

import crm
from harness import Emulator, Mount, case, check, check_kept, equal, fails, main, tool, wait_until
from looks import assert_current, documents, first_row, number_of, reads, snapshot

TTL = 1
METADATA = 15 * TTL  # how long modules and fields pass as fresh
SWEEP = 3


def assert_untouched(before, after, touched):
    """The files of the snapshots are the same, but for those of the ids @touched."""
    for name, old in before.items():
        if number_of(name) not in touched:
            equal(after.get(name), old, f"{name}, which did not change")


def assert_look(emulator, mount, module, before, touched):
    """The next look shows what changed, asks for no record but those @touched, and reads no other file again."""
    mark, seen = emulator.mark(), reads(mount)
    after = snapshot(mount, module)
    seen = reads(mount) - seen
    mount.wait_quiet()
    asked = {call.path.split("/")[4] for call in emulator.singles(module, mark)}
    check(asked <= set(touched), f"single reads of {asked}, where {touched} changed")
    check_kept(seen <= 4 + 4 * len(touched), f"{seen} reads of {len(after)} files, where {touched} changed")
    assert_current(emulator, mount, module, after)
    check({name: text for name, (text, _) in after.items()} != {name: text for name, (text, _) in before.items()},
          "something changed")
    assert_untouched(before, after, touched)


def assert_change(module, count, change):
    """Makes change(emulator, numbers), which names the id it touched, and looks again after the TTL."""
    with Emulator(f"{module}={count}") as emulator, Mount(emulator, ttl=TTL) as mount:
        before = snapshot(mount, module)
        mount.wait_quiet()
        touched = change(emulator, emulator.ids(module))
        mount.expire()
        assert_look(emulator, mount, module, before, [touched])


def assert_change_swept(module, count, change, hidden=None):
    """The same, for what no delta tells: the first look after the sweep of all ids is due sets that off, and what it
    finds shows. @hidden: the index of a record that is hidden at first."""
    with Emulator(f"{module}={count}") as emulator:
        if hidden is not None:
            emulator.hide(module, emulator.ids(module)[hidden])
        with Mount(emulator, ttl=TTL, options=[f"sweep={SWEEP}"]) as mount:
            before = snapshot(mount, module)
            mount.wait_quiet()
            touched = change(emulator, emulator.ids(module))
            wanted = documents(emulator, module)
            time.sleep(SWEEP + 0.2)
            wait_until(lambda: shows(mount, module, wanted), "the sweep to find it")
            assert_untouched(before, snapshot(mount, module), [touched])


def shows(mount, module, wanted):
    """Has each file of @wanted, ids to texts, come, and no other been left?"""
    with contextlib.suppress(FileNotFoundError):  # it goes while we look
        return {number_of(name): text for name, (text, _) in snapshot(mount, module).items()} == wanted
    return False


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
        assert_look(emulator, mount, "Leads", before, [number])
        fails(errno.ENOENT, os.stat, mount.at("Leads", f"{number}.json"))
        fails(errno.ENOENT, os.stat, mount.at("Leads", next(name for name in before if number in name)))


@case("a restored record")
def restore():
    with Emulator("Leads=40") as emulator, Mount(emulator, ttl=TTL) as mount:
        number = emulator.ids("Leads")[7]
        whole = snapshot(mount, "Leads")
        emulator.delete("Leads", number)
        mount.expire()
        before = snapshot(mount, "Leads")
        equal(len(before), len(whole) - 1, "files while it is deleted")
        mount.wait_quiet()
        emulator.restore("Leads", number)
        mount.expire()
        assert_look(emulator, mount, "Leads", before, [number])


def convert_lead(emulator, number):
    status, body = emulator.request("POST", f"/crm/v8/Leads/{number}/actions/convert", json.dumps({"data": [{}]}),
                                    {"Authorization": f"Zoho-oauthtoken {emulator.token()}",
                                     "Content-Type": "application/json"})
    equal(status, 200, f"status of the conversion: {body[:500]}")


@case("a converted lead leaves the list with the sweep of all ids")
def convert():
    def change(emulator, numbers):
        convert_lead(emulator, numbers[4])
        return numbers[4]
    assert_change_swept("Leads", 40, change)


@case("a record that the user may not see any more goes with the sweep of all ids")
def permission_lost():
    def change(emulator, numbers):
        emulator.hide("Leads", numbers[300])
        return numbers[300]
    assert_change_swept("Leads", 450, change)


@case("a record that the user may see from now on comes with the sweep of all ids")
def permission_gained():
    def change(emulator, numbers):
        emulator.hide("Leads", numbers[6], hidden=False)
        return numbers[6]
    assert_change_swept("Leads", 40, change, hidden=6)


@case("what a formula gives otherwise, without an edit of its record, shows with the sweep of all ids")
def formula():
    def change(emulator, numbers):
        emulator.post("edit", {"module": "Projects", "id": numbers[5], "fields": {"Team_Size": 4711}, "touch": False})
        return numbers[5]
    assert_change_swept("Projects", 40, change)


@case("a record looked at alone, which the user may not see any more, is gone at its next open")
def permission_lost_single():
    with Emulator("Leads=40") as emulator, Mount(emulator, ttl=TTL) as mount:
        number, other = emulator.ids("Leads")[5:7]
        text = mount.read("Leads", f"{number}.json"), mount.read("Leads", f"{other}.json")
        check(text[0] and text[1], "both are read")
        emulator.hide("Leads", number)
        mount.expire()
        fails(errno.ENOENT, open, mount.at("Leads", f"{number}.json"), "rb")
        equal(mount.read("Leads", f"{other}.json"), text[1], "another record's text")


@case("a renamed module has its new name at the next look at the modules")
def module_renamed():
    with Emulator("Vendors=40,Leads=10") as emulator, Mount(emulator, ttl=TTL) as mount:
        before = {name: text for name, (text, _) in snapshot(mount, "Vendors").items()}
        leads = snapshot(mount, "Leads")
        mount.wait_quiet()
        emulator.post("module", {"module": "Vendors", "api_name": "Suppliers"})
        time.sleep(METADATA + 0.2)
        mount.list()  # waits for nobody, but has the modules looked at again
        mount.wait_quiet()
        listed = mount.list()
        check("Suppliers" in listed and "Vendors" not in listed, f"Suppliers, not Vendors, in {listed}")
        wait_until(lambda: not os.path.exists(mount.at("Vendors")), "the kernel to be told that the old name is gone")
        assert_current(emulator, mount, "Suppliers")
        equal({name: text for name, (text, _) in snapshot(mount, "Suppliers").items()}, before, "its files")
        equal(snapshot(mount, "Leads"), leads, "files of another module")


@case("an added field is in every document at the next look at the fields; a field taken away is not")
def field_added():
    with Emulator("Leads=250,Vendors=20") as emulator, Mount(emulator, ttl=TTL) as mount:
        before, vendors = snapshot(mount, "Leads"), snapshot(mount, "Vendors")
        emulator.post("field", {"module": "Leads", "add": "Shoe_Size text:80"})
        emulator.post("field", {"module": "Leads", "field": "Mobile", "visible": False})
        mount.wait_quiet()
        time.sleep(METADATA + 0.2)
        after = snapshot(mount, "Leads")
        assert_current(emulator, mount, "Leads", after)
        equal({name: node for name, (_, node) in after.items()}, {name: node for name, (_, node) in before.items()},
              "names and inodes")
        keys = json.loads(next(iter(after.values()))[0]).keys()
        check("Shoe_Size" in keys and "Mobile" not in keys, f"Shoe_Size, not Mobile, among {sorted(keys)}")
        mount.wait_quiet()
        mark, seen = emulator.mark(), reads(mount)
        equal(snapshot(mount, "Vendors"), vendors, "files of another module")
        check(reads(mount) - seen <= 4, "files of another module are not read again")
        equal(emulator.singles("Vendors", mark), [], "single reads of another module")


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


@case("a subform's row alone, which leaves the parent's Modified_Time")
def subform_row():
    def change(emulator, numbers):
        number, rows, row, field = first_row(emulator, "Quotes", numbers)
        before = crm.parse(emulator.api(f"Quotes/{number}"))["data"][0]
        emulator.edit(rows, row, **{field: "a row of another text"})
        after = crm.parse(emulator.api(f"Quotes/{number}"))["data"][0]
        equal(after["Modified_Time"], before["Modified_Time"], "the parent's time")
        return number
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
    with Emulator("Leads=450") as emulator, Mount(emulator, ttl=TTL) as mount:
        before, numbers = snapshot(mount, "Leads"), emulator.ids("Leads")
        mount.wait_quiet()
        edited, deleted = numbers[5:450:30], numbers[10:450:40]
        for number in edited:
            emulator.edit("Leads", number, Company="x" * 200)
        for number in deleted:
            emulator.delete("Leads", number)
        made = [emulator.create("Leads", Last_Name=f"New {index}", Company="New") for index in range(7)]
        mount.expire()
        assert_look(emulator, mount, "Leads", before, edited + deleted + made)


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
