"""What is removed is deleted, in few calls and only if it was meant; what was a save of the same record is no delete;
and nothing of it is lost whatever ends the mount."""
import errno
import os
import signal
import sys

import harness
import saving
from harness import PATIENCE, Emulator, case, check, equal, fails, main, running, tool, wait_until
from saving import (changed, drain, mounted, name_of, no_writes, one_put, put_local, save, settings, wait_gone, writes,
                    writing)


def deletes(emulator, since=0):
    return writes(emulator, since, "DELETE")


def there(mount, module, number):
    return os.path.exists(mount.at(module, f"{number}.json"))


def no_delete(emulator, mount, mark, count, module="Leads"):
    """Not even what waits is a delete."""
    drain(mount)
    equal(deletes(emulator, mark), [], "DELETE calls")
    equal(len(emulator.ids(module)), count, "records")
    equal(len(mount.list(module)), count, "files")


# ---- deleting --------------------------------------------------------------------------------------------------------

@case("rm of 1,000 records is at most 10 DELETE calls")
def many():
    with mounted("Leads=1010") as (emulator, mount):
        numbers = emulator.ids("Leads")
        gone, mark = numbers[:1000], emulator.mark()
        names = {name.split(".")[-2]: name for name in mount.list("Leads")}
        tool("rm", *(mount.at("Leads", names[number]) for number in gone))
        equal(len(mount.list("Leads")), 10, "files, at once")
        wait_gone(emulator, "Leads", gone)
        calls = deletes(emulator, mark)
        check(len(calls) <= 10, f"{len(calls)} DELETE calls")
        equal(emulator.ids("Leads"), numbers[1000:], "the other records")
        wait_until(lambda: len(saving.audit(mount)) == 1000, "an audit line for each")
        equal({(line["verb"], line["module"], line["outcome"]) for line in saving.audit(mount)},
              {("delete", "Leads", "deleted")}, "audit lines")


@case("every name of a record is gone at once, and the record after the delay")
def names():
    with mounted() as (emulator, mount):
        number = emulator.ids("Leads")[0]
        name = name_of(mount, "Leads", number)
        with open(mount.at("Leads", name), "rb") as held:
            text = held.read()
            os.unlink(mount.at("Leads", name))
            for other in name, f"{number}.json", f"Other_label.{number}.json":
                fails(errno.ENOENT, os.stat, mount.at("Leads", other))
            check(name not in mount.list("Leads"), "it is not listed")
            held.seek(0)
            equal(held.read(), text, "what is open can be read")
        check(saving.has(emulator, "Leads", number), "it is not deleted at once")
        drain(mount)
        wait_gone(emulator, "Leads", [number])
        fails(errno.ENOENT, os.stat, mount.at("Leads", f"{number}.json"))


@case("zohofs drain sends what waits, and ends when it is sent")
def drained():
    with mounted() as (emulator, mount):
        gone, mark = emulator.ids("Leads")[:3], emulator.mark()
        for number in gone:
            os.unlink(mount.at("Leads", f"{number}.json"))
        no_writes(emulator, mark, "before the drain")
        drain(mount)
        equal(len(deletes(emulator, mark)), 1, "DELETE calls")
        check(not set(gone) & set(emulator.ids("Leads")), "they are deleted when the drain has ended")


@case("the delete waits while the program that unlinked goes on")
def still_running():
    program = ("import os, sys\nos.unlink(sys.argv[1])\nprint('unlinked', flush=True)\nsys.stdin.read(1)\n")
    with mounted(ttl=3600) as (emulator, mount):
        number, mark = emulator.ids("Leads")[0], emulator.mark()
        path = mount.at("Leads", f"{number}.json")
        local = os.path.join(mount.folder, "fifo")
        os.mkfifo(local)
        with running(["sh", "-c", 'exec "$0" -c "$1" "$2" < "$3"', sys.executable, program, path, local]) as (one,):
            with open(local, "wb"):
                equal(one.stdout.readline(), b"unlinked\n", "what the program says")
                saving.in_time(4)
                no_writes(emulator, mark, "while the program runs")
            one.wait(timeout=PATIENCE)
        wait_gone(emulator, "Leads", [number])


# ---- not deleting ----------------------------------------------------------------------------------------------------

@case("mv of a file from outside onto a record is a save")
def moved():
    with mounted() as (emulator, mount):
        number = emulator.ids("Leads")[0]
        name, mark = name_of(mount, "Leads", number), emulator.mark()
        text = changed(mount, "Leads", name, Company="From outside")
        tool("mv", "-f", put_local(mount, name, text), mount.at("Leads", name))
        one_put(emulator, mark, ["Company"], "mv onto a record")
        no_delete(emulator, mount, mark, 6)
        saving.as_served(emulator, mount, "Leads", number)


@case("vim, when its save fails: the old file is put back, and nothing is sent")
def failing_vim():
    with mounted() as (emulator, mount):
        number = emulator.ids("Leads")[0]
        name, mark = name_of(mount, "Leads", number), emulator.mark()
        path = mount.at("Leads", name)
        os.rename(path, path + "~")
        handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
        os.ftruncate(handle, 0)
        os.write(handle, b'{"Company": half')
        fails(errno.EINVAL, os.fsync, handle)
        fails(errno.EINVAL, os.close, handle)
        os.unlink(path)
        os.rename(path + "~", path)
        no_delete(emulator, mount, mark, 6)
        no_writes(emulator, mark, "of a save that failed")
        equal(len(mount.list(saving.DRAFTS, "Leads")), 1, "drafts")
        saving.as_served(emulator, mount, "Leads", number)


@case("vim, when it may not rename: copy to a backup, unlink, create")
def copying_vim():
    with mounted() as (emulator, mount):
        number = emulator.ids("Leads")[0]
        name, mark = name_of(mount, "Leads", number), emulator.mark()
        path, text = mount.at("Leads", name), changed(mount, "Leads", name, Company="By unlink and create")
        save(path + "~", mount.read("Leads", name))
        os.unlink(path)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        os.write(handle, text)
        os.fsync(handle)
        os.close(handle)
        os.unlink(path + "~")
        one_put(emulator, mark, ["Company"], "unlink and create")
        no_delete(emulator, mount, mark, 6)


@case("ruby -i: the file is unlinked while it is read, and made again")
def in_place():
    with mounted() as (emulator, mount):
        number = emulator.ids("Leads")[0]
        name, mark = name_of(mount, "Leads", number), emulator.mark()
        path, before = mount.at("Leads", name), mount.read("Leads", name)
        wanted = changed(mount, "Leads", name, Company="In place")
        with open(path, "rb") as old:
            os.unlink(path)
            with open(path, "wb") as new:
                equal(old.read(), before, "what is read of the unlinked file")
                new.write(wanted)
        one_put(emulator, mark, ["Company"], "ruby -i")
        no_delete(emulator, mount, mark, 6)


@case("ruby -i.bak and perl -pi.bak: the file is renamed and made again")
def in_place_with_backup():
    with mounted() as (emulator, mount):
        number = emulator.ids("Leads")[0]
        name, mark = name_of(mount, "Leads", number), emulator.mark()
        path, wanted = mount.at("Leads", name), changed(mount, "Leads", name, Company="In place")
        with open(path, "rb") as old:
            os.rename(path, path + ".bak")
            save(path, wanted)
            check(old.read(), "what is read of the renamed file")
        check(f"{name}.bak" in mount.list("Leads"), "the backup is there")
        os.unlink(path + ".bak")
        one_put(emulator, mark, ["Company"], "an edit in place")
        no_delete(emulator, mount, mark, 6)


@case("rsync -a --delete of a backup whose records have other labels now deletes nothing")
def relabelled():
    with Emulator("Leads=30") as emulator:
        with writing(emulator) as mount:
            folder = os.path.join(mount.folder, "backup")
            tool("rsync", "-a", mount.at("Leads") + "/", folder + "/")
        numbers = emulator.ids("Leads")
        for number in numbers[::3]:
            emulator.edit("Leads", number, Last_Name=f"Renamed {number[-3:]}")
        with writing(emulator, ["stale=overwrite"]) as other:
            mark = emulator.mark()
            tool("rsync", "-a", "--delete", folder + "/", other.at("Leads") + "/")
            no_delete(emulator, other, mark, 30)
            equal(emulator.ids("Leads"), numbers, "ids")
            equal([one.method for one in writes(emulator, mark) if one.method != "PUT"], [], "other calls than PUT")


@case("unlinked and renamed back under another label")
def other_label():
    with mounted() as (emulator, mount):
        number, mark = emulator.ids("Leads")[0], emulator.mark()
        name, text = name_of(mount, "Leads", number), mount.read("Leads", f"{number}.json")
        os.unlink(mount.at("Leads", name))
        save(mount.at("Leads", f"Old_label.{number}.json"), text)
        no_writes(emulator, mark, "of the same text")
        no_delete(emulator, mount, mark, 6)


# ---- refusing --------------------------------------------------------------------------------------------------------

@case("one process may delete so many records and no more: EPERM, with the reason")
def too_many():
    with mounted("Leads=30", options=["max_deletes=20"]) as (emulator, mount):
        numbers = emulator.ids("Leads")
        for number in numbers[:20]:
            os.unlink(mount.at("Leads", f"{number}.json"))
        name = name_of(mount, "Leads", numbers[20])
        fails(errno.EPERM, os.unlink, mount.at("Leads", name))
        line = saving.told(mount, "Leads", name, errno.EPERM)
        check("20" in line["message"] and "max_deletes" in line["message"] + line["todo"], f"the reason: {line}")
        tool("rm", mount.at("Leads", f"{numbers[21]}.json"))
        drain(mount)
        equal(emulator.ids("Leads"), [numbers[20], *numbers[22:]], "records that are left")


@case("saves that unlink first do not count as deletes")
def not_counted():
    with mounted("Leads=6", options=["max_deletes=3"]) as (emulator, mount):
        number = emulator.ids("Leads")[0]
        path = mount.at("Leads", f"{number}.json")
        for turn in range(10):
            text = changed(mount, "Leads", f"{number}.json", Company=f"Turn {turn}")
            os.unlink(path)
            save(path, text, os.O_EXCL)
        no_delete(emulator, mount, 0, 6)


@case("1,000 is the most without that option")
def usual_most():
    with mounted("Leads=1005") as (emulator, mount):
        names = {name.split(".")[-2]: name for name in mount.list("Leads")}
        numbers = emulator.ids("Leads")
        for number in numbers[:1000]:
            os.unlink(mount.at("Leads", names[number]))
        fails(errno.EPERM, os.unlink, mount.at("Leads", names[numbers[1000]]))
        drain(mount)
        equal(emulator.ids("Leads"), numbers[1000:], "records that are left")


@case("what the CRM does not delete comes back, and it is told why")
def comes_back():
    with mounted() as (emulator, mount):
        numbers = emulator.ids("Leads")
        name = name_of(mount, "Leads", numbers[1])
        settings(emulator, record_locked=numbers[1])
        for number in numbers[:3]:
            os.unlink(mount.at("Leads", f"{number}.json"))
        drain(mount)
        wait_until(lambda: there(mount, "Leads", numbers[1]), "the refused file")
        equal(emulator.ids("Leads"), [numbers[1], *numbers[3:]], "records that are left")
        check(name in mount.list("Leads"), "it is listed")
        saving.as_served(emulator, mount, "Leads", numbers[1])
        line = saving.told(mount, "Leads", saving.errors(mount)[-1]["path"].split("/")[1], errno.EBUSY, "RECORD_LOCKED")
        check(numbers[1] in line["path"], f"path of {line}")


@case("no permission to delete: all come back")
def not_permitted():
    with mounted() as (emulator, mount):
        numbers = emulator.ids("Leads")
        emulator.post("module", {"module": "Leads", "deletable": False})
        for number in numbers[:3]:
            os.unlink(mount.at("Leads", f"{number}.json"))
        drain(mount)
        wait_until(lambda: len(mount.list("Leads")) == 6, "the files")
        equal(emulator.ids("Leads"), numbers, "records")
        equal([line["errno"] for line in saving.errors(mount)], ["EACCES"] * 3, "errnos that are told")


@case("somebody else deleted it first: that is no failure")
def gone_already():
    with mounted() as (emulator, mount):
        number, other = emulator.ids("Leads")[:2]
        os.unlink(mount.at("Leads", f"{number}.json"))
        os.unlink(mount.at("Leads", f"{other}.json"))
        emulator.delete("Leads", number)
        drain(mount)
        equal(saving.errors(mount), [], "errors.jsonl")
        check(not there(mount, "Leads", number) and not there(mount, "Leads", other), "both are gone")
        check(not saving.has(emulator, "Leads", other), "the other one is deleted")


# ---- endings ---------------------------------------------------------------------------------------------------------

@case("rm, then unmount at once")
def unmounted():
    with Emulator("Leads=6") as emulator:
        numbers = emulator.ids("Leads")
        with writing(emulator) as mount:
            mount.list("Leads")
            tool("rm", mount.at("Leads", f"{numbers[0]}.json"))
        equal(emulator.ids("Leads"), numbers[1:], "records after the unmount")


@case("rm, then SIGTERM at once")
def terminated():
    with Emulator("Leads=6") as emulator:
        numbers = emulator.ids("Leads")
        with writing(emulator) as mount:
            mount.list("Leads")
            tool("rm", mount.at("Leads", f"{numbers[0]}.json"))
            mount.process.send_signal(signal.SIGTERM)
            mount.process.wait(timeout=PATIENCE)
            equal(emulator.ids("Leads"), numbers[1:], "records after SIGTERM")


@case("killed inside the delay: the journal is kept, and the next mount tells and finishes")
def killed():
    with Emulator("Leads=6") as emulator:
        numbers = emulator.ids("Leads")
        with writing(emulator) as mount:
            mount.list("Leads")
            os.unlink(mount.at("Leads", f"{numbers[0]}.json"))
            mount.kill()
        equal(emulator.ids("Leads"), numbers, "records after the kill")
        with writing(emulator, keep=mount) as again:
            fails(errno.ENOENT, os.stat, again.at("Leads", f"{numbers[0]}.json"))
            equal(len(again.list("Leads")), 5, "files of the next mount")
            wait_gone(emulator, "Leads", [numbers[0]])
            wait_until(lambda: "sent now: 1" in "".join(open(again.log, encoding="utf-8")), "the next mount to tell")
            wait_until(lambda: [line["outcome"] for line in saving.audit(again)] == ["deleted"], "the audit line")


@case("without a network deletes wait, over an unmount, too")
def offline():
    with Emulator("Leads=6") as emulator:
        numbers = emulator.ids("Leads")
        with writing(emulator) as mount:
            mount.list("Leads")
            mount.wait_quiet()
            emulator.stop()
            try:
                os.unlink(mount.at("Leads", f"{numbers[0]}.json"))
                fails(errno.ENOENT, os.stat, mount.at("Leads", f"{numbers[0]}.json"))
                mount.end()
            finally:
                emulator.restart()
        equal(emulator.ids("Leads"), numbers, "records after the unmount")
        with writing(emulator, keep=mount) as again:
            again.list("Leads")
            wait_gone(emulator, "Leads", [numbers[0]])


# ---- dry run, audit --------------------------------------------------------------------------------------------------

@case("-o dry_run checks, tells and sends nothing")
def dry_run():
    with mounted(options=["dry_run"]) as (emulator, mount):
        numbers, mark = emulator.ids("Leads"), emulator.mark()
        name = name_of(mount, "Leads", numbers[0])
        save(mount.at("Leads", name), changed(mount, "Leads", name, Company="Only tried"))
        saving.as_served(emulator, mount, "Leads", numbers[0])
        save(mount.at("Leads", "new.json"), b'{"Last_Name": "Only tried"}')
        equal(saving.attempt(mount.at("Leads", name), b'{"Last_Name": 5}'), ("close", errno.EINVAL), "a bad text")
        os.unlink(mount.at("Leads", f"{numbers[1]}.json"))
        tool(harness.zohofs, "drain", mount.path, status=None)  # the new file is not in the CRM
        no_writes(emulator, mark, "of a dry run")
        equal(emulator.ids("Leads"), numbers, "records")
        wait_until(lambda: there(mount, "Leads", numbers[1]), "the file that was not deleted")
        lines = [line for line in saving.audit(mount) if "dry run" in line["outcome"]]
        equal(sorted(line["verb"] for line in lines), ["create", "delete", "update"], "verbs of the audit lines")
        update = next(line for line in lines if line["verb"] == "update")
        equal((update["fields"], update["id"]), (["Company"], numbers[0]), "what would be sent")


@case("a line in audit.jsonl for every write")
def audited():
    with mounted() as (emulator, mount):
        numbers = emulator.ids("Leads")
        name = name_of(mount, "Leads", numbers[0])
        tool("cp", put_local(mount, "text", changed(mount, "Leads", name, Company="Audited")), mount.at("Leads", name))
        tool("cp", put_local(mount, "new", b'{"Last_Name": "New"}'), mount.at("Leads", "new.json"))
        tool("rm", mount.at("Leads", f"{numbers[1]}.json"))
        drain(mount)
        wait_until(lambda: len(saving.audit(mount)) >= 3, "three lines")
        lines = saving.audit(mount)
        equal([(line["verb"], line["program"], line["outcome"]) for line in lines],
              [("update", "cp", "saved"), ("create", "cp", "saved"), ("delete", "rm", "deleted")], "lines")
        for line in lines:
            equal((line["uid"], line["module"]), (os.getuid(), "Leads"), "uid and module")
            check(line["pid"] > 0 and line["time"] and line["path"].startswith("Leads/"), f"pid, time and path: {line}")
        equal(lines[0]["id"], numbers[0], "id of the update")
        equal(lines[0]["fields"], ["Company"], "fields of the update")
        check(saving.has(emulator, "Leads", lines[1]["id"]), "id of the create")


@case("status.json counts what waits, and nothing after a drain")
def status():
    with mounted() as (emulator, mount):
        for number in emulator.ids("Leads")[:2]:
            os.unlink(mount.at("Leads", f"{number}.json"))
        equal(mount.status()["saving"]["deletes"], 2, "deletes that wait")
        handle = os.open(mount.at("Leads", "new.json"), os.O_WRONLY | os.O_CREAT)
        os.write(handle, b'{"Last_Name": "Open"}')
        equal(mount.status()["saving"]["drafts"], 1, "open drafts")
        os.close(handle)
        drain(mount)
        now = mount.status()["saving"]
        equal({key: now[key] for key in ("drafts", "queued", "deletes", "refused")},
              {"drafts": 0, "queued": 0, "deletes": 0, "refused": 0}, "after a drain")


if __name__ == "__main__":
    main()
