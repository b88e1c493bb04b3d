"""Programs that read whole modules, and what that may cost: the formula of crm.py and nothing for each file."""
import os
import shutil

import crm
from harness import Mount, check, equal, tool


def copy(mount, path):
    target = os.path.join(mount.folder, "copy")
    tool("rsync", "-a", path + "/", target + "/")
    count = len(os.listdir(target))
    shutil.rmtree(target)
    equal(count, len(mount.list(os.path.basename(path))), "files copied")


def archive(mount, path):
    """GNU tar does not read what it writes to /dev/null."""
    target = os.path.join(mount.folder, "copy.tar")
    tool("tar", "-C", mount.path, "-cf", target, os.path.basename(path))
    equal(len(tool("tar", "-tf", target).split("\n")[:-1]) - 1, len(mount.list(os.path.basename(path))),
          "files archived")
    os.unlink(target)


TOOLS = {
    "ls -l": lambda mount, path: tool("ls", "-l", path),
    "find": lambda mount, path: tool("find", path, "-type", "f", "-newermt", "2001-01-01", "-size", "+0"),
    "du": lambda mount, path: tool("du", "-s", path),
    "grep -r": lambda mount, path: tool("grep", "-r", "-c", "no such text", path, status=1),
    "tar": archive,
    "rsync -a": copy,
}
# These tell how many files they saw, one line each.
LISTERS = {"ls -l": 1, "find": 0, "grep -r": 0}


def assert_cost(emulator, cost, mark, name):
    """The calls since @mark are those of the formula, no more and no less."""
    module, calls = cost.module, emulator.calls(since=mark)
    pages = [call for call in emulator.pages(module, mark) if call.status == 200]
    check(cost.pages <= len(pages) <= cost.pages + cost.meetings,
          f"{name}: {len(pages)} pages of {module}, the formula has {cost.pages}"
          f"{f' and {cost.meetings} for meetings' if cost.meetings else ''}: {pages}")
    for deep, wanted in cost.deep_pages.items():
        equal(len([call for call in emulator.pages(deep, mark) if call.status in (200, 204)]), wanted,
              f"{name}: pages of {deep}")
    full = emulator.calls("GET", rf"/crm/v8/{module}/.*fetch_full_data", mark)
    equal(len(full), cost.full, f"{name}: calls for full texts")
    equal(emulator.singles(module, mark), [], f"{name}: calls for single records")
    check(cost.least() <= len(calls) <= cost.most(),
          f"{name}: {len(calls)} calls, the formula has {cost.least()} to {cost.most()}: {calls}")


def assert_seen(name, output, count):
    if name in LISTERS:
        equal(len(output.split("\n")) - 1 - LISTERS[name], count, f"lines of {name}")


def assert_module(emulator, module, count, tools=tuple(TOOLS)):
    """Each tool on a mount of its own."""
    cost = crm.Cost(crm.Module(emulator, module), count)
    for name in tools:
        with Mount(emulator) as mount:
            mark = emulator.mark()
            assert_seen(name, TOOLS[name](mount, mount.at(module)), count)
            mount.wait_quiet()
            assert_cost(emulator, cost, mark, name)
            mark = emulator.mark()
            for again in "grep -r", name:
                assert_seen(again, TOOLS[again](mount, mount.at(module)), count)
            mount.wait_quiet()
            equal(emulator.calls(since=mark), [], f"calls of a second {name} and a grep -r")
