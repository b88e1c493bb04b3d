"""Nobody can be asked: what is known is shown as it was, past its TTL, and that is said; -o offline=fail is for those who
would rather know. Back online it heals by itself."""
import contextlib
import errno
import os
import signal

import crm
from harness import Emulator, Mount, case, check, equal, is_mounted, main, shorten, tail, wait_until
from looks import assert_shows, documents, number_of, snapshot

TTL = 1
# A call gives up after so many seconds of trying.
LIMITS = {"deadline": 8}
GONE = (errno.ENETUNREACH, errno.ETIMEDOUT)


@contextlib.contextmanager
def resetting(emulator):
    """Each connection breaks off, those for tokens too."""
    emulator.faults({"match": ".*", "reset": True})
    yield
    emulator.faults()


@contextlib.contextmanager
def refusing(emulator):
    """Nobody listens; later somebody does who knows no token that was given before."""
    emulator.stop()
    yield
    emulator.restart()


@contextlib.contextmanager
def silent(emulator):
    """Connections are taken and nothing ever comes."""
    emulator.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        emulator.process.send_signal(signal.SIGCONT)


WAYS = {"each connection is reset": resetting, "nobody listens": refusing, "nobody answers": silent}


def fails_as_gone(function, *arguments):
    try:
        result = function(*arguments)
    except OSError as error:
        check(error.errno in GONE, f"errno of {function.__name__}{arguments}: {error}")
        return
    raise AssertionError(f"{function.__name__}{arguments} gave {shorten(result)}")


def said(mount, words):
    return [line for line in tail(mount.log, 100000) if words in line]


def assert_heals(emulator, mount, numbers):
    """Changes made from now on show, without a remount."""
    emulator.edit("Leads", numbers[3], Company="Back again")
    emulator.delete("Leads", numbers[4])
    made = emulator.create("Leads", Last_Name="Newcomer", Company="New")

    def shown():
        with contextlib.suppress(OSError):  # of a strict mount, until it knows
            names = mount.list("Leads")
            return any(made in name for name in names) and not any(numbers[4] in name for name in names)
        return False
    wait_until(shown, "what changed to show")
    equal(mount.status()["offline"], False, "offline")
    mount.expire()
    assert_shows(mount, "Leads", documents(emulator, "Leads"))
    check(is_mounted(mount.path), "it is still mounted")


def assert_offline(way):
    with Emulator("Leads=250") as emulator, Mount(emulator, ttl=TTL, limits=LIMITS) as mount:
        before, numbers = snapshot(mount, "Leads"), emulator.ids("Leads")
        mount.wait_quiet()
        equal(mount.status()["offline"], False, "offline at first")
        with WAYS[way](emulator):
            for _ in range(2):
                mount.expire()
                equal(snapshot(mount, "Leads"), before, "what is shown")
            equal(mount.status()["offline"], True, "offline")
            check(said(mount, "Leads is shown as it was"), "a line in the log")
            fails_as_gone(mount.list, "Contacts")
        assert_heals(emulator, mount, numbers)


for name in WAYS:
    case(f"{name}: listings and contents past their TTL, and it says so")(lambda way=name: assert_offline(way))


@case("a record that was looked at alone is read past its TTL")
def single():
    with Emulator("Leads=40") as emulator, Mount(emulator, ttl=TTL, limits=LIMITS) as mount:
        number, other = emulator.ids("Leads")[7:9]
        text = mount.read("Leads", f"{number}.json")
        with resetting(emulator):
            mount.expire()
            equal(mount.read("Leads", f"{number}.json"), text, "text")
            equal(mount.status()["offline"], True, "offline")
            fails_as_gone(mount.read, "Leads", f"{other}.json")
        emulator.edit("Leads", number, Company="Back again")
        wanted = crm.Module(emulator, "Leads").document(number)
        wait_until(lambda: mount.read("Leads", f"{number}.json") == wanted, "the new text")
        equal(mount.status()["offline"], False, "offline")


@case("contents that are only on disk are read offline")
def from_disk():
    with Emulator("Leads=250") as emulator:
        with Mount(emulator, limits=LIMITS) as first:
            wanted = {number_of(name): text for name, (text, _) in snapshot(first, "Leads").items()}
        with Mount(emulator, ttl=TTL, limits=LIMITS, keep=first) as mount:
            mount.list("Leads")
            mount.wait_quiet()
            with refusing(emulator):
                mount.expire()
                assert_shows(mount, "Leads", wanted)


@case("-o offline=fail: listings and contents past their TTL fail, and heal")
def strict():
    with Emulator("Leads=250") as emulator:
        with Mount(emulator, ttl=TTL, limits=LIMITS, options=["offline=fail"]) as mount:
            before, numbers = snapshot(mount, "Leads"), emulator.ids("Leads")
            name = next(iter(before))
            mount.wait_quiet()
            with resetting(emulator):
                mount.expire()
                fails_as_gone(mount.list, "Leads")
                fails_as_gone(mount.read, "Leads", name)
            assert_heals(emulator, mount, numbers)
            equal(os.stat(mount.at("Leads", name)).st_ino, before[name][1], "inode")


if __name__ == "__main__":
    main()
