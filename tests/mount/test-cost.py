"""API calls are money: reading a module costs its pages, whatever program reads it, and a second time nothing."""
import os

import crm
from costs import assert_module
from harness import Emulator, Mount, case, check, equal, main, tool


def add_size(count):
    @case(f"{count} leads: ls -l, find, du, grep -r, tar, rsync -a")
    def leads():
        with Emulator(f"Leads={count}") as emulator:
            assert_module(emulator, "Leads", count)


for size in 1, 200, 201, 1000, 2001:
    add_size(size)


@case("Quotes with line items")
def quotes():
    with Emulator("Quotes=450") as emulator:
        assert_module(emulator, "Quotes", 450, ("ls -l", "grep -r", "rsync -a"))


@case("Projects: subform, linking module, rich text")
def projects():
    with Emulator("Projects=430,Contacts=120") as emulator:
        module = crm.Module(emulator, "Projects")
        check(module.cut() and all(module.deep_rows().values()), "there are rows of all kinds and cut texts")
        assert_module(emulator, "Projects", 430, ("ls -l", "grep -r", "tar"))


@case("Wide: slices")
def wide():
    with Emulator("Wide=601") as emulator:
        assert_module(emulator, "Wide", 601, ("find", "grep -r"))


@case("names alone cost no documents")
def names_alone():
    with Emulator("Projects=430") as emulator, Mount(emulator) as mount:
        mark = emulator.mark()
        equal(len(tool("ls", "-f", mount.at("Projects")).split("\n")) - 1, 432, "lines of ls -f")
        mount.wait_quiet()
        check(len(emulator.calls(since=mark)) <= crm.Cost(crm.Module(emulator, "Projects"), 430).most(), "ls -f costs "
              "no more than reading all")
        equal(emulator.singles("Projects", mark), [], "single reads")


@case("one record of an unlisted module is one call, a second look none")
def one_record():
    with Emulator("Leads=5000,Quotes=300") as emulator, Mount(emulator) as mount:
        for module in "Leads", "Quotes":
            number = emulator.ids(module)[100]
            mark = emulator.mark()
            mount.read(module, f"{number}.json")
            mount.read(module, f"x.{number}.json")
            os.stat(mount.at(module, f"{number}.json"))
            equal(len(emulator.singles(module, mark)), 1, f"single reads of {module}")
            equal(emulator.pages(module, mark), [], f"list calls of {module}")


if __name__ == "__main__":
    main()
