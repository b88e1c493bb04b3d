"""A module of more records than page tokens reach: 100,000 from either end, and queries on id for what lies between."""
import os

import crm
from harness import Emulator, Mount, case, check, equal, main
from looks import number_of

COUNT = 203_000
MIDDLE = COUNT - 2 * 100_000
BATCH = 60  # at least so many of the emulator's ids fit an `ids` parameter


def queries(emulator, since=0):
    return emulator.calls("POST", "/crm/v8/coql", since)


@case("more than 200,000 records are listed, their documents are right, and a remount knows them all")
def large():
    with Emulator(f"Leads={COUNT}") as emulator:
        numbers = emulator.ids("Leads")
        reference = crm.Module(emulator, "Leads")
        with Mount(emulator) as mount:
            names = mount.list("Leads")
            mount.wait_quiet()
            equal(sorted(map(number_of, names)), numbers, "ids listed")
            pages, asked = emulator.pages("Leads"), queries(emulator)
            check(len(pages) <= 2 * 500 + 1, f"{len(pages)} pages")
            check(MIDDLE // 200 <= len(asked) <= MIDDLE // 200 + 4 + 1, f"{len(asked)} queries for {MIDDLE} names")

            # Names in the middle of the listing lack their documents: these come many at a time.
            mark = emulator.mark()
            middle = sorted(names, key=number_of)[COUNT // 2:COUNT // 2 + 3 * BATCH]
            for name in middle[::20]:
                equal(mount.read("Leads", name), reference.document(number_of(name)), f"text of {name}")
                equal(os.stat(mount.at("Leads", name)).st_size, len(mount.read("Leads", name)), f"size of {name}")
            mount.wait_quiet()
            asked = [call for call in emulator.pages("Leads", mark) if "ids" in call.query]
            check(1 <= len(asked) <= 8, f"{len(asked)} calls for the neighbours of {len(middle)} files")
            labels = {number_of(name): name for name in names}

        number = numbers[COUNT // 2 + 7]
        emulator.edit("Leads", number, Company="Changed meanwhile")
        with Mount(emulator, keep=mount) as mount:
            mark = emulator.mark()
            equal({number_of(name): name for name in mount.list("Leads")}, labels, "names after a remount")
            mount.wait_quiet()
            calls = emulator.calls(since=mark)
            check(len(calls) <= 4, f"calls of a remount: {calls}")
            equal(mount.read("Leads", f"{number}.json"), reference.document(number), "what changed meanwhile")


if __name__ == "__main__":
    main()
