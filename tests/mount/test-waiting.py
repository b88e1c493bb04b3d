"""A slow or dead network holds up only those who need it, interruptibly, and never longer than a deadline."""
import errno
import os
import select
import signal
import subprocess
import sys

import crm
from harness import PATIENCE, Emulator, Mount, case, check, equal, fails, is_mounted, main, running, tool, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
# Opens its argument, and prints the errno of the first try: Ctrl-C must not be tried again.
OPENER = ("import signal, sys; sys.dont_write_bytecode = True; sys.path.insert(0, sys.argv[1]); import harness; "
          "signal.signal(signal.SIGINT, lambda *_: None); signal.siginterrupt(signal.SIGINT, True); "
          "print(harness.raw_open(sys.argv[2]), flush=True)")
# The same for a directory, which waits when it is read.
READER = OPENER.replace("raw_open", "raw_readdir")
FIRST = "import os, sys; print(next(os.scandir(sys.argv[1])).name)"


def stall(emulator, match, **more):
    emulator.faults({"match": match, "count": 1000000, "stall": True, **more})


def stalled_first_page(command):
    """Runs @command while all pages but the first are held up, until it prints a name."""
    with Emulator("Leads=100000", "--latency-ms", 100) as emulator:
        with Mount(emulator, limits={"deadline": 3600}) as mount:
            stall(emulator, r"GET /crm/v8/Leads\?.*(&page=([2-9]|1[0-9])|sort_order=asc|page_token=)")
            with running(command(mount.at("Leads"))) as (reader,):
                names = b""
                while b".json\n" not in names:
                    check(select.select([reader.stdout], [], [], PATIENCE)[0], "a name comes in time")
                    more = os.read(reader.stdout.fileno(), 65536)
                    check(more, "a name comes before the end")
                    names += more
                answered = [call for call in emulator.pages("Leads") if call.status == 200]
                reader.kill()  # it waits for the next page, as it would without the pipe's end
                emulator.faults()
            check(len(answered) <= 1, f"{len(answered)} pages were answered before the first name came")


@case("ls -f of 100,000 prints names while all pages but the first are held up")
def first_page_ls():
    stalled_first_page(lambda path: ["ls", "-f", path])


@case("the first entry of 100,000 comes while all pages but the first are held up")
def first_page_scandir():
    stalled_first_page(lambda path: [sys.executable, "-uc", FIRST, path])


@case("ls -f | head -1 of 100,000 at 100 ms leaves most pages unfetched")
def first_page_free():
    with Emulator("Leads=100000", "--latency-ms", 100) as emulator, Mount(emulator) as mount:
        tool("sh", "-c", "ls -f \"$0\" | head -n 3", mount.at("Leads"))
        pages = len(emulator.pages("Leads"))
        check(1 <= pages < 250, f"{pages} of 500 pages when the first name was there")


@case("100 reads wait on a stalled API: what is cached and / are answered")
def many_wait():
    with Emulator("Leads=300,Accounts=50", "--concurrency", 50) as emulator:
        with Mount(emulator, limits={"deadline": 3600}) as mount:
            listed = tool("ls", "-l", mount.at("Accounts"))
            account = mount.list("Accounts")[0]
            text = mount.read("Accounts", account)
            numbers = emulator.ids("Leads")[:100]
            stall(emulator, "/crm/v8/Leads")
            with running(*(["cat", mount.at("Leads", f"{number}.json")] for number in numbers)) as cats:
                mount.wait_calls(100)
                mark = emulator.mark()
                equal(tool("ls", "-l", mount.at("Accounts")), listed, "listing of a cached directory")
                equal(mount.read("Accounts", account), text, "a cached file")
                tool("stat", mount.path, mount.at("README.md"), mount.at(".zohofs"))
                tool("df", mount.path)
                check("Accounts" in mount.list(), "a cached root")
                equal([call for call in emulator.calls(since=mark) if "/Leads" not in call.path], [], "further calls")
                equal([cat.poll() for cat in cats], [None] * 100, "the waiting reads wait")
                emulator.faults()
                texts = {number: cat.communicate(timeout=PATIENCE)[0] for number, cat in zip(numbers, cats)}
                equal([cat.returncode for cat in cats], [0] * 100, "the waiting reads end well")
            leads = crm.Module(emulator, "Leads")
            for number in numbers[::20]:
                equal(texts[number], leads.document(number), f"text of {number}")
            equal(len({texts[number] for number in numbers}), 100, "different texts")


@case("Ctrl-C ends a waiting cat at once")
def interrupt_cat():
    with Emulator("Leads=30") as emulator, Mount(emulator, limits={"deadline": 3600}) as mount:
        stall(emulator, "/crm/v8/Leads")
        with running(["cat", mount.at("Leads", f"{emulator.ids('Leads')[0]}.json")]) as (cat,):
            mount.wait_calls(1)
            cat.send_signal(signal.SIGINT)
            equal(cat.wait(timeout=PATIENCE), -signal.SIGINT, "status of cat")
        emulator.faults()


def interrupted(path_of, program=OPENER):
    with Emulator("Leads=30") as emulator, Mount(emulator, limits={"deadline": 3600}) as mount:
        mount.list()
        stall(emulator, "/crm/v8/Leads")
        with running([sys.executable, "-c", program, HERE, path_of(emulator, mount)]) as (opener,):
            mount.wait_calls(1)
            # The call may be on its way before the program waits for it: a signal that comes too early ends nothing.
            while not select.select([opener.stdout], [], [], 0.5)[0]:
                opener.send_signal(signal.SIGINT)
            equal(opener.stdout.readline().decode().strip(), str(errno.EINTR), "errno")
        # Nobody waits for the call any more, and others are served.
        check("Leads" in mount.list(), "the mount goes on")
        emulator.faults()
        number = emulator.ids("Leads")[0]
        equal(mount.read("Leads", f"{number}.json"), crm.Module(emulator, "Leads").document(number), "a later read")


@case("Ctrl-C gives EINTR to who waits for a record")
def interrupt_record():
    interrupted(lambda emulator, mount: mount.at("Leads", f"{emulator.ids('Leads')[0]}.json"))


@case("Ctrl-C gives EINTR to who waits for a directory")
def interrupt_directory():
    interrupted(lambda emulator, mount: mount.at("Leads"), READER)


@case("one who gives up does not end the wait of another")
def two_wait():
    with Emulator("Leads=30") as emulator, Mount(emulator, limits={"deadline": 3600}) as mount:
        number = emulator.ids("Leads")[0]
        stall(emulator, "/crm/v8/Leads")
        path = mount.at("Leads", f"{number}.json")
        other = mount.at("Leads", f"label.{number}.json")
        with running(["cat", path], ["cat", other]) as (first, second):
            mount.wait_calls(1)
            first.send_signal(signal.SIGINT)
            equal(first.wait(timeout=PATIENCE), -signal.SIGINT, "status of the first")
            equal(second.poll(), None, "the second waits")
            emulator.faults()
            words, _ = second.communicate(timeout=PATIENCE)
            equal((second.returncode, words), (0, crm.Module(emulator, "Leads").document(number)), "the second")


@case("a request past its deadline gives ETIMEDOUT, and later all is well")
def deadline():
    with Emulator("Leads=300") as emulator, Mount(emulator, limits={"deadline": 8}) as mount:
        mount.list()
        number = emulator.ids("Leads")[0]
        stall(emulator, "/crm/v8/Leads")
        fails(errno.ETIMEDOUT, mount.read, "Leads", f"{number}.json")
        fails(errno.ETIMEDOUT, mount.list, "Leads")
        emulator.faults()
        equal(mount.read("Leads", f"{number}.json"), crm.Module(emulator, "Leads").document(number), "a later read")
        equal(len(mount.list("Leads")), 300, "a later listing")


@case("SIGTERM with calls under way ends the daemon and the mount")
def terminated():
    with Emulator("Leads=300") as emulator, Mount(emulator, limits={"deadline": 3600}) as mount:
        mount.list()
        numbers = emulator.ids("Leads")[:20]
        stall(emulator, "/crm/v8/Leads")
        with running(["ls", mount.at("Leads")],
                     *(["cat", mount.at("Leads", f"{number}.json")] for number in numbers)) as waiting:
            mount.wait_calls(len(numbers))
            mount.process.send_signal(signal.SIGTERM)
            equal(mount.process.wait(timeout=PATIENCE), 0, "status of the daemon")
            for process in waiting:
                check(process.wait(timeout=PATIENCE) != 0, "those who waited are told")
        check(not is_mounted(mount.path), "the mount is gone")
        emulator.faults()


@case("fusermount3 -u of an idle mount ends the daemon")
def unmounted():
    with Emulator("Leads=30") as emulator, Mount(emulator) as mount:
        mount.list("Leads")
        mount.unmount()
        equal(mount.process.wait(timeout=PATIENCE), 0, "status of the daemon")
        wait_until(lambda: not is_mounted(mount.path), "the mount to go")


if __name__ == "__main__":
    main()
