"""Under valgrind: 10,000 lookups and forgets, and nothing is lost."""
import os
import shutil
import sys

import crm
from harness import Emulator, Mount, case, check, equal, is_sanitized, main, skip_all

LOOKUPS = 10000
STATUS = 99
VALGRIND = ["valgrind", "--sim-hints=fuse-compatible", "--leak-check=full", "--show-leak-kinds=definite,indirect",
            "--errors-for-leak-kinds=definite,indirect", f"--error-exitcode={STATUS}", "--num-callers=30", "--quiet"]


def forgets(mount):
    return mount.status()["fuse"]["forget"]


@case("10,000 lookups and forgets")
def lookups():
    with Emulator("Leads=2500") as emulator, Mount(emulator, ttl=1, wrapper=VALGRIND,
                                                   environment={"G_SLICE": "always-malloc"}) as mount:
        names = mount.list("Leads")
        equal(len(names), 2500, "names")
        done = 0
        while done < LOOKUPS or forgets(mount) < LOOKUPS:
            for index, name in enumerate(names):
                # Another label each time, so that each look is a lookup.
                os.stat(mount.at("Leads", f"label{done + index}.{name.split('.')[-2]}.json"))
            done += len(names)
            mount.read("Leads", names[done // len(names) % len(names)])
            # The kernel forgets what it need not keep.
            with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
                file.write("2")
            check(done < 20 * LOOKUPS, f"{forgets(mount)} forgets after {done} lookups")
        number = emulator.ids("Leads")[0]
        equal(mount.read("Leads", f"{number}.json"), crm.Module(emulator, "Leads").document(number), "text")


if __name__ == "__main__":
    if shutil.which("valgrind") is None or is_sanitized(sys.argv[1]) or not os.access("/proc/sys/vm/drop_caches",
                                                                                   os.W_OK):
        skip_all("no valgrind, no right to drop the kernel's caches, or a program built with a sanitizer")
    main()
