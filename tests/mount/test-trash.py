"""What was deleted, as Zoho still tells of it."""
import errno
import json
import os

from harness import Emulator, Mount, case, check, equal, fails, main, tool


@case("a module's deleted records: who deleted them, when, and whether they can be restored")
def deleted():
    with Emulator("Leads=8") as emulator, Mount(emulator) as mount:
        numbers = emulator.ids("Leads")[:3]
        for number in numbers:
            emulator.delete("Leads", number)
        mark = emulator.mark()
        names = mount.list(".zohofs/trash/Leads")
        found = {}
        for name in names:
            text = mount.read(".zohofs/trash/Leads", name)
            equal(os.stat(mount.at(".zohofs/trash/Leads", name)).st_size, len(text), "size")
            found[name] = json.loads(text)
            check(found[name]["id"] in name, "the name")
        check(set(numbers) <= {value["id"] for value in found.values()}, f"the records: {names}")
        one = next(value for value in found.values() if value["id"] == numbers[0])
        equal(sorted(one), ["created_by", "deleted_by", "deleted_time", "display_name", "id", "type"], "keys")
        equal(one["type"], "recycle", "type")
        check(one["deleted_by"]["id"] and one["deleted_time"], "who and when")
        check({value["type"] for value in found.values()} <= {"recycle", "permanent"}, "types")
        tool("grep", "-r", "-c", "deleted_by", mount.at(".zohofs/trash/Leads"))
        equal(len(emulator.calls(since=mark)) - len(emulator.calls(path=".*/settings/modules", since=mark)), 1,
              "calls for the module")


@case("pages of it, whatever Zoho still tells")
def pages():
    with Emulator("Leads=450") as emulator, Mount(emulator) as mount:
        numbers = emulator.ids("Leads")[:420]
        for number in numbers:
            emulator.delete("Leads", number)
        found = {name.split(".")[-2] if name.count(".") > 1 else name.split(".")[0]
                 for name in mount.list(".zohofs/trash/Leads")}
        check(set(numbers) <= found, f"{len(found)} names")


@case("it is for reading, and .zohofs is not walked by who walks the mount")
def reading():
    with Emulator("Leads=8") as emulator, Mount(emulator) as mount:
        number = emulator.ids("Leads")[0]
        emulator.delete("Leads", number)
        name = next(name for name in mount.list(".zohofs/trash/Leads") if number in name)
        path = mount.at(".zohofs/trash/Leads", name)
        for function, *arguments in (os.unlink, path), (os.rename, path, path + "x"), \
                                    (os.mkdir, mount.at(".zohofs/trash/Leads/x")):
            fails(errno.EROFS, function, *arguments)
        fails(errno.ENOENT, os.stat, mount.at(".zohofs/trash/No_Such_Module"))
        fails(errno.ENOENT, os.stat, mount.at(".zohofs/trash/Leads/7019999999999.json"))
        fails(errno.ENOENT, os.stat, mount.at(".zohofs/trash/Leads/x"))
        check("trash" in mount.list(".zohofs"), "listed there")


main()
