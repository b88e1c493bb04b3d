"""Queries: .coql by one descriptor and by separate opens, /queries, and the command; what each costs, and who sees what."""
import contextlib
import csv
import errno
import io
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys

import harness
from harness import (PATIENCE, Emulator, Mount, Skip, case, check, equal, fails, is_sanitized, main, running, tool,
                     wait_until, work_folder)

LONG = os.environ.get("COQL") == "long"
ALL = "select Last_Name from Leads where id is not null"
FRON = "select Last_Name fron Leads where id is not null"
NOBODY = 65534
C_READER = r"""
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int
main (int argc, char **argv)
{
  char bytes[65536];
  ssize_t got;
  off_t at = 0;
  int fd = open (argv[1], O_RDWR);

  if (fd < 0 || write (fd, argv[2], strlen (argv[2])) < 0)
    return 1;
  while ((got = pread (fd, bytes, sizeof bytes, at)) > 0)
    {
      fwrite (bytes, 1, (size_t)got, stdout);
      at += got;
    }
  return got < 0 ? 2 : close (fd) < 0;
}
"""


def queries(emulator, since=0):
    return len(emulator.calls("POST", "/crm/v8/coql", since))


def ask(path, query, flags=os.O_RDWR):
    """The answer by one descriptor, as bytes."""
    fd = os.open(path, flags)
    try:
        os.write(fd, query.encode())
        return b"".join(iter(lambda: os.read(fd, 1 << 17), b""))
    finally:
        os.close(fd)


def ids_of(text):
    return [row["id"] for row in json.loads(text)]


def refusal_of(text):
    answer = json.loads(text)
    equal(list(answer), ["error"], "keys of a refusal")
    return answer["error"]


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def last_error(mount):
    return json.loads(mount.read(".zohofs/errors.jsonl").splitlines()[-1])


def bash(script, *arguments, status=0):
    return tool("bash", "-c", script, "bash", *arguments, status=status)


# ---- one descriptor --------------------------------------------------------------------------------------------------

@case("one descriptor from bash: a query, its rows, another query, its rows")
def by_bash():
    with Emulator("Leads=450") as emulator, Mount(emulator) as mount:
        script = ("exec 3<>\"$1\"; echo 'select Last_Name' >&3; echo 'from Leads where id is not null' >&3; cat <&3; "
                  "echo ---; cat <&3; echo ---; echo 'select Company from Leads where id is not null limit 3' >&3; cat <&3")
        first, again, second = bash(script, mount.at(".coql")).split("---\n")
        equal(ids_of(first), emulator.ids("Leads"), "rows")
        equal(again, "", "what follows the end")
        equal([list(row) for row in json.loads(second)], [["Company", "id"]] * 3, "keys of the second query's rows")
        equal(queries(emulator), 4, "calls")


@case("one descriptor from Python: seeking, reading again, a refusal and its reason")
def by_python():
    with Emulator("Leads=30") as emulator, Mount(emulator) as mount:
        with open(mount.at(".coql"), "r+b", buffering=0) as file:
            file.write(ALL.encode())
            file.seek(0)
            first = file.read()
            equal(ids_of(first), emulator.ids("Leads"), "rows")
            file.seek(0)
            equal(file.read(), first, "the same again")
            equal(queries(emulator), 1, "calls for what is still here")
            file.write(FRON.encode())
            file.seek(0)
            fails(errno.EINVAL, os.read, file.fileno(), 100)
            error = refusal_of(file.read())
            equal((error["code"], error["line"], error["column"], error["errno"]), ("SYNTAX_ERROR", 1, 18, "EINVAL"),
                  "reason")
            check("fron" in error["message"], error["message"])
            equal(queries(emulator), 2, "calls")
        with open(mount.at(".coql"), "r+", encoding="utf-8") as file:
            file.write(ALL)
            file.flush()
            file.seek(0)
            equal(ids_of(file.read()), emulator.ids("Leads"), "rows by text")


@case("one descriptor from C, with pread(2)")
def by_c():
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise Skip("there is no C compiler")
    folder = work_folder("c")
    write(f"{folder}/reader.c", C_READER)
    tool(compiler, "-o", f"{folder}/reader", f"{folder}/reader.c")
    with Emulator("Leads=450") as emulator, Mount(emulator) as mount:
        equal(ids_of(tool(f"{folder}/reader", mount.at(".coql"), ALL)), emulator.ids("Leads"), "rows")
        equal(queries(emulator), 3, "calls")
        tool(f"{folder}/reader", mount.at(".coql"), FRON, status=2)


@case("ten processes of one session with a descriptor each see their own rows alone")
def ten_descriptors():
    program = ("import os, sys; fd = os.open(sys.argv[1], os.O_RDWR); os.write(fd, sys.argv[2].encode()); "
               "print('written', flush=True); sys.stdin.readline(); "
               "sys.stdout.buffer.write(b''.join(iter(lambda: os.read(fd, 1 << 16), b'')))")
    with Emulator("Leads=2100") as emulator, Mount(emulator) as mount, contextlib.ExitStack() as stack:
        ids = emulator.ids("Leads")
        asked = [f"select Last_Name from Leads where id > {ids[200 * number]} limit 205" for number in range(10)]
        readers = [stack.enter_context(subprocess.Popen([sys.executable, "-c", program, mount.at(".coql"), one],
                                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)) for one in asked]
        for reader in readers:
            equal(reader.stdout.readline(), b"written\n", "first line")
        equal(queries(emulator), 0, "calls before anything is read")
        for reader in readers:
            reader.stdin.write(b"\n")
            reader.stdin.flush()
        for number, reader in enumerate(readers):
            equal(ids_of(reader.communicate(timeout=PATIENCE)[0]), ids[200 * number + 1:][:205], f"rows of {number}")
        equal(queries(emulator), 20, "calls")


@case("what pages the answer: order, groups, limits, offsets")
def paging():
    with Emulator("Leads=900") as emulator, Mount(emulator) as mount:
        ids = emulator.ids("Leads")
        table = [
            ("select id from Leads where id is not null", ids, 5),
            (f"select id from Leads where id > {ids[9]} or id = {ids[0]} limit 401;\n", [ids[0], *ids[10:410]], 3),
            ("select id from Leads where (id is not null and id > 0) limit 400", ids[:400], 2),
            ("select id from Leads where id between 0 and 9000000000000000000 offset 300", ids[300:], 3),
            ("select id from Leads where id is not null order by id desc", ids[::-1], 5),
            ("select id from Leads where id is not null order by id desc limit 350 offset 100", ids[::-1][100:450], 2),
            ("select id from Leads where id is not null limit 100, 300", ids[100:400], 2),
            ("select Last_Name as id from Leads where id is not null limit 1", None, 1),
            ("select id from Leads where Last_Name = 'O''Nobody'", [], 1),
        ]
        for query, wanted, calls in table:
            mark = emulator.mark()
            text = ask(mount.at(".coql"), query)
            if wanted is not None:
                equal(ids_of(text), wanted, f"ids of {query}")
            equal(queries(emulator, mark), calls, f"calls of {query}")
        equal(json.loads(ask(mount.at(".coql"), "select COUNT(id) as n from Leads where id is not null")), [{"n": 900}],
              "count")
        groups = json.loads(ask(mount.at(".coql"), "select Lead_Source, COUNT(id) as n from Leads where id is not null "
                                                   "group by Lead_Source"))
        equal(sum(row["n"] for row in groups), 900, "grouped rows")


@case("a condition alone is completed in a module, and the rules of reading it are Zoho's")
def bare():
    with Emulator("Leads=30,Deals=20") as emulator, Mount(emulator) as mount:
        ids = emulator.ids("Leads")
        rows = json.loads(ask(mount.at("Leads/.coql"), f"where id > {ids[19]} limit 5"))
        equal([row["id"] for row in rows], ids[20:25], "ids")
        check(5 < len(rows[0]) <= 50 and {"Last_Name", "Company", "Modified_Time"} <= set(rows[0]), f"keys: {rows[0]}")
        for module in "Leads", "Deals", "Accounts", "Contacts", "Tasks":
            ask(mount.at(module, ".coql"), "id is not null")
        equal(ids_of(ask(mount.at("Deals/.coql"), ALL)), ids, "a whole query for another module")
        fd = os.open(mount.at("Leads/.coql"), os.O_RDWR)
        os.write(fd, b"Nonsense = 1")
        fails(errno.EINVAL, os.read, fd, 100)
        error = refusal_of(os.read(fd, 65536))
        os.close(fd)
        check("Nonsense" in error["message"] and error["query"].endswith("from Leads where Nonsense = 1"), error)
        equal((last_error(mount)["path"], last_error(mount)["errno"]), ("Leads/.coql", "EINVAL"), "line of errors.jsonl")


# ---- separate opens --------------------------------------------------------------------------------------------------

@case("written and closed, then read: the rows are there for the next open of the session, once")
def separate():
    with Emulator("Leads=450") as emulator, Mount(emulator) as mount:
        script = "echo \"$2\" > \"$1\"; cat \"$1\"; echo ---; cat \"$1\""
        rows, again = bash(script, mount.at(".coql"), ALL).split("---\n")
        equal((ids_of(rows), again), (emulator.ids("Leads"), ""), "rows, and what a second reader gets")
        equal(queries(emulator), 3, "calls")
        write(mount.at(".coql"), "select id from Leads where id is not null limit 2")
        equal(queries(emulator), 4, "calls by the close")
        equal(len(ids_of(mount.read(".coql"))), 2, "rows")
        equal(queries(emulator), 4, "calls by the reading")
        equal(mount.read("Leads/.coql"), b"", "another file")


@case("another session and another user do not get the rows; which wait for their owner")
def whose():
    if os.getuid() != 0:
        raise Skip("needs to become another user")
    with Emulator("Leads=30") as emulator, Mount(emulator, options=("allow_other",)) as mount:
        for folder in mount.folder, os.path.dirname(mount.folder), os.path.dirname(os.path.dirname(mount.folder)):
            os.chmod(folder, 0o711)
        path = mount.at(".coql")
        write(path, "select id from Leads where id is not null limit 3")
        equal(tool("cat", path, start_new_session=True), "", "another session's")
        equal(tool("cat", path, user=NOBODY), "", "another user's")
        theirs = tool("sh", "-c", "echo 'select id from Leads where id is not null limit 7' > \"$0\"; cat \"$0\"", path,
                      user=NOBODY)
        equal(len(json.loads(theirs)), 7, "rows of the other user")
        other = tool("sh", "-c", "echo 'select id from Leads where id is not null limit 5' > \"$0\"; cat \"$0\"", path,
                     start_new_session=True)
        equal(len(json.loads(other)), 5, "rows of the other session")
        equal(len(ids_of(mount.read(".coql"))), 3, "rows of ours")
        equal(queries(emulator), 3, "calls")


@case("a refused query fails the close, and reading then gives the reason")
def refused():
    bad = [
        (FRON, "SYNTAX_ERROR", "column 18"), ("select Last_Name from Leads", "SYNTAX_ERROR", "where"),
        ("select Nonsense from Leads where id is not null", "INVALID_QUERY", "Nonsense"),
        ("select id from Nonsense where id is not null", "INVALID_MODULE", "module"),
        ("select id from Leads where id is not null limit 0", "INVALID_DATA", "limit"),
        ("select id from Leads where id is not null limit 5 offset 100000", "LIMIT_EXCEEDED", "offset"),
        ("select Last_Name, Last_Name from Leads where id is not null", "DUPLICATE_DATA", "Last_Name"),
        ("select id from Leads where (id is not null", "SYNTAX_ERROR", "line 1"),
        ("select id from Leads where Last_Name = 'x", None, "line 1, column 40"), ("delete from Leads", None, "SELECT"),
        ("\n\n x", None, "line 3, column 2"), ("select \u00e9 from Leads where id is not null", "SYNTAX_ERROR", "column"),
    ]
    with Emulator("Leads=30") as emulator, Mount(emulator, options=("ro",)) as mount:
        for query, code, words in bad:
            fails(errno.EINVAL, write, mount.at(".coql"), query)
            error = refusal_of(mount.read(".coql"))
            equal((error["code"], error["query"]), (code, query.rstrip(";")), f"code and text of {query}")
            check(words in error["message"], f"{query}: {error['message']}")
            equal(mount.read(".coql"), b"", "the reason, once")
            told = last_error(mount)
            equal((told["path"], told["errno"], told["message"]), (".coql", "EINVAL", error["message"]), "errors.jsonl")
        equal(queries(emulator), sum(code is not None for _, code, _ in bad), "calls")
        check(error["message"] in tool(harness.zohofs, "why", mount.at(".coql")), "zohofs why")
        fails(errno.EFBIG, ask, mount.at(".coql"), ALL + " " * 70000)
        fd = os.open(mount.at(".coql"), os.O_RDWR)
        os.write(fd, b"select \xff from Leads where id is not null")
        fails(errno.EINVAL, os.read, fd, 100)
        os.close(fd)
        equal(len(ids_of(ask(mount.at(".coql"), ALL))), 30, "rows after all that")


# ---- size and cost ---------------------------------------------------------------------------------------------------

def resident(mount):
    with open(f"/proc/{mount.process.pid}/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS:"))


@case("many rows pass while the daemon's memory stays as it is")
def many_rows():
    count = 100000 if LONG else 12000
    with Emulator(f"Leads={count}") as emulator, Mount(emulator) as mount:
        ask(mount.at(".coql"), ALL + " limit 2000")
        before, most, rows = resident(mount), 0, 0
        with running(["bash", "-c", "exec 3<>\"$0\"; echo \"$1\" >&3; cat <&3", mount.at(".coql"), ALL]) as (reader,):
            for line in reader.stdout:
                rows += line.startswith(b"{")
                if rows % 1000 == 0:
                    most = max(most, resident(mount))
            equal(reader.wait(timeout=PATIENCE), 0, "end of the reader")
        equal(rows, count, "rows")
        equal(queries(emulator), 10 + (count + 199) // 200, "calls")
        if not is_sanitized(harness.zohofs):
            check(most < before + (8 << 20), f"{before} bytes before, {most} with {count} rows")


@case("an answer that is larger than can be had ends in EFBIG, unless LIMIT says how much will do")
def too_large():
    if not LONG:
        raise Skip("the long form has 100,000 rows")
    with Emulator("Leads=100100") as emulator, Mount(emulator) as mount:
        fd = os.open(mount.at(".coql"), os.O_RDWR)
        os.write(fd, ALL.encode())
        rows = 0
        with contextlib.suppress(OSError):
            for _ in itertools.count():
                rows += os.read(fd, 1 << 20).count(b"\n{")
        fails(errno.EFBIG, os.read, fd, 100)
        os.close(fd)
        equal(rows, 100000, "rows")
        equal(ask(mount.at(".coql"), ALL + " limit 100000").count(b"\n{"), 100000, "rows with a limit")


@case("head -1 stops the paging")
def head():
    with Emulator("Leads=3000") as emulator, Mount(emulator) as mount:
        write(mount.at(".coql"), ALL)
        equal(bash("head -n 1 \"$1\"", mount.at(".coql")), "[\n", "first line")
        write(mount.at(".coql"), ALL)
        check(bash("head -n 3 \"$1\" | tail -n 1", mount.at(".coql")).startswith("{"), "a row")
        check(queries(emulator) <= 4, f"{queries(emulator)} calls of 15 each")


@case("Ctrl-C ends a wait for rows, and the call is taken back")
def interrupted():
    with Emulator("Leads=30") as emulator, Mount(emulator, limits={"deadline": 3600}) as mount:
        emulator.faults({"match": "/crm/v8/coql", "count": 1000000, "stall": True})
        script = "exec 3<>\"$0\"; echo \"$1\" >&3; exec cat <&3"
        with running(["bash", "-c", script, mount.at(".coql"), ALL]) as (reader,):
            mount.wait_calls(1)
            reader.send_signal(signal.SIGINT)
            equal(reader.wait(timeout=PATIENCE), -signal.SIGINT, "status of cat")
        mount.wait_quiet()
        emulator.faults()
        equal(len(ids_of(ask(mount.at(".coql"), ALL))), 30, "rows afterwards")


@case("walking the tree never starts a query")
def walks():
    with Emulator("Leads=30") as emulator, Mount(emulator) as mount:
        write(mount.at("queries/some.coql"), ALL)
        write(mount.at("queries/other.coql"), "select Company from Leads where id is not null")
        os.unlink(mount.at("queries/other.csv"))
        mark = emulator.mark()
        tool("find", mount.path, "-type", "f", "-size", "+0")
        tool("grep", "-r", "nothing like it", mount.path, status=None)
        tool("ls", "-laR", mount.path)
        tool("du", "-a", mount.path)
        check("some.json" in mount.list("queries") and "other.json" not in mount.list("queries"), mount.list("queries"))
        check(".coql" not in mount.list() and ".coql" not in mount.list("Leads"), "not listed")
        equal(queries(emulator, mark), 0, "calls")
        os.stat(mount.at(".coql"))
        os.stat(mount.at("Leads/.coql"))
        equal(queries(emulator, mark), 0, "calls of a look")


@case("rules of access hold for queries: modules that are off, hidden fields, paths that lead out, users of their own")
def rules():
    groups = {"access": {"default": "full", "Deals": "off", "hide": "Leads.Phone"},
              f"access uid:{NOBODY}": {"default": "full", "Contacts": "off"}}
    with Emulator("Leads=30,Deals=20,Contacts=20") as emulator:
        with Mount(emulator, groups=groups, options=("allow_other",)) as mount:
            for folder in harness.work_root(), mount.folder:
                os.chmod(folder, 0o711)
            table = [("select id from Deals where id is not null", errno.EINVAL),
                     ("select id from dEALS where id is not null", errno.EINVAL),
                     ("select Phone from Leads where id is not null", errno.EACCES),
                     ("select id from leads where \"phone\" is not null", errno.EACCES),
                     ("select Owner.email from Leads where id is not null", errno.EACCES),
                     ("select 'What_Id->Deals.Amount' from Tasks where id is not null", errno.EACCES),
                     ("select id from Leads where id in (select id from Deals where id > 1)", errno.EACCES),
                     ("select id from Leads", errno.EACCES)]
            for query, number in table:
                fails(number, ask, mount.at(".coql"), query)
                fails(number, write, mount.at("queries/q.coql"), query)
            equal(queries(emulator), 0, "calls")
            equal(len(ids_of(ask(mount.at(".coql"), ALL))), 30, "rows of what is allowed")
            rows = json.loads(ask(mount.at("Leads/.coql"), "id is not null"))
            check("Phone" not in rows[0] and "Company" in rows[0], f"keys: {rows[0]}")
            write(mount.at("queries/q.coql"), "select Last_Name from Contacts where id is not null")
            equal(len(json.loads(mount.read("queries/q.json"))), 20, "rows for us")
            if os.getuid() == 0:
                tool("cat", mount.at("queries/q.json"), user=NOBODY, status=1)
                tool("sh", "-c", "echo 'select id from Contacts where id is not null' > \"$0\"; ! grep -q '\"id\"' \"$0\"",
                     mount.at(".coql"), user=NOBODY)


# ---- /queries --------------------------------------------------------------------------------------------------------

@case("queries that are kept: three forms of exact size, made by writing or by a look, held, and kept over a remount")
def kept():
    with Emulator("Leads=450") as emulator:
        with Mount(emulator) as mount:
            equal(mount.list("queries"), [], "at first")
            write(mount.at("queries/leads.coql"), "select Last_Name, Company, Owner from Leads where id is not null\n")
            equal((mount.list("queries"), queries(emulator)), (["leads.coql"], 1), "written: asked for its first page")
            rows = json.loads(mount.read("queries/leads.json"))
            equal([row["id"] for row in rows], emulator.ids("Leads"), "rows")
            equal(queries(emulator), 3, "calls")
            lines = mount.read("queries/leads.jsonl")
            equal([json.loads(line) for line in lines.splitlines()], rows, "JSON Lines")
            table = list(csv.DictReader(io.StringIO(mount.read("queries/leads.csv").decode())))
            equal(list(table[0]), ["Last_Name", "Company", "Owner", "id"], "heading")
            equal([(row["id"], row["Last_Name"], row["Owner"]) for row in table],
                  [(row["id"], row["Last_Name"], row["Owner"]["name"]) for row in rows], "CSV")
            names = ["leads.coql", "leads.csv", "leads.json", "leads.jsonl"]
            equal((mount.list("queries"), queries(emulator)), (names, 3), "listed, and held")
            for name in names:
                equal(os.stat(mount.at("queries", name)).st_size, len(mount.read("queries", name)), f"size of {name}")
            fails(errno.EACCES, open, mount.at("queries/leads.json"), "w")
            fails(errno.ENOENT, open, mount.at("queries/none.json"))
            write(mount.at("queries/leads.coql"), "select Last_Name from Leads where id is not null limit 2")
            equal(len(json.loads(mount.read("queries/leads.json"))), 2, "rows of the new query")
            equal(os.stat(f"{mount.home}/state/queries/leads.coql").st_mode & 0o777, 0o600, "mode on this computer")
        mark = emulator.mark()
        with Mount(emulator, keep=mount, options=("ro",)) as again:
            equal(again.list("queries"), ["leads.coql"], "after a remount")
            equal(len(again.read("queries/leads.jsonl").splitlines()), 2, "rows by a look")
            fails(errno.EROFS, write, again.at("queries/leads.coql"), ALL)
            fails(errno.EROFS, write, again.at("queries/new.coql"), ALL)
            equal(queries(emulator, mark), 1, "calls")


@case("queries are edited by any program; refused ones stay and say why")
def edited():
    with Emulator("Leads=30") as emulator, Mount(emulator) as mount:
        path = mount.at("queries/q.coql")
        write(path, "select id from Leads where id is not null limit 2\n")
        tool("sed", "-i", "s/limit 2/limit 4/", path)
        equal(len(json.loads(mount.read("queries/q.json"))), 4, "rows after sed -i")
        bash("cd \"$1\" && sed 's/limit 4/limit 6/' q.coql > .q.tmp && mv .q.tmp q.coql", mount.at("queries"))
        equal(len(json.loads(mount.read("queries/q.json"))), 6, "rows after mv")
        tool("cp", path, mount.at("queries/copy.coql"))
        equal(mount.read("queries/copy.csv").count(b"\n"), 7, "rows and heading of a copy")
        if shutil.which("vim"):
            tool("vim", "-Nu", "NONE", "-i", "NONE", "-es", "-c", "%s/limit 6/limit 8/", "-c", "wq", path)
            equal(len(json.loads(mount.read("queries/q.json"))), 8, "rows after vim")
        mark = emulator.mark()
        fails(errno.EINVAL, write, path, FRON)
        equal(mount.read("queries/q.coql"), FRON.encode(), "the text stays")
        fails(errno.EINVAL, open, mount.at("queries/q.json"))
        equal(queries(emulator, mark), 1, "calls for what was refused")
        told = last_error(mount)
        equal((told["path"], told["code"], told["errno"]), ("queries/q.coql", "SYNTAX_ERROR", "EINVAL"), "errors.jsonl")
        check("fron" in tool(harness.zohofs, "why", path), "zohofs why")
        fails(errno.EPERM, write, mount.at("queries/own.json"), "[]")
        fails(errno.EFBIG, write, mount.at("queries/large.coql"), "x" * (2 << 20))
        os.unlink(mount.at("queries/large.coql"))
        long_name = "\u00fc" * 125 + ".coql"
        write(mount.at("queries", long_name), "")
        os.unlink(mount.at("queries", long_name))
        os.unlink(path)
        wait_until(lambda: not os.path.exists(mount.at("queries/q.json")), "the rows to go with their query")
        tool("rm", "-rf", *[mount.at("queries", name) for name in mount.list("queries")])
        equal(mount.list("queries"), [], "in the end")


@case("rows are held for the TTL, and a look at what was listed asks nothing")
def held():
    with Emulator("Leads=30") as emulator, Mount(emulator, ttl=1) as mount:
        write(mount.at("queries/q.coql"), ALL)
        equal(queries(emulator), 1, "calls")
        mount.expire()
        equal(mount.list("queries"), ["q.coql"], "not listed any more")
        emulator.create("Leads", Last_Name="New")
        equal(len(json.loads(mount.read("queries/q.json"))), 31, "rows by a look")
        equal(queries(emulator), 2, "calls")


@case("a query of several pages whose reader was stopped goes on where it was")
def goes_on():
    with Emulator("Leads=1000") as emulator, Mount(emulator, limits={"deadline": 3600}) as mount:
        write(mount.at("queries/q.coql"), ALL)
        emulator.faults({"match": "/crm/v8/coql", "count": 1000000, "stall": True})
        with running(["cat", mount.at("queries/q.json")]) as (reader,):
            mount.wait_calls(1)
            reader.send_signal(signal.SIGINT)
            equal(reader.wait(timeout=PATIENCE), -signal.SIGINT, "status of cat")
        emulator.faults()
        with running(*[["cat", mount.at("queries/q.json")]] * 5) as readers:
            for reader in readers:
                equal(ids_of(reader.communicate(timeout=PATIENCE)[0]), emulator.ids("Leads"), "rows")
        equal(queries(emulator), 5, "calls")


# ---- the command -----------------------------------------------------------------------------------------------------

@case("zohofs query: JSON, JSON Lines, CSV, a table, and where a query is wrong")
def command():
    with Emulator("Leads=250") as emulator, Mount(emulator) as mount:
        def run(*words, status=0):
            done = subprocess.run([harness.zohofs, "query", *words, mount.path], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE, check=False)
            equal(done.returncode, status, f"status of {words}: {done.stderr}")
            return done.stdout.decode(), done.stderr.decode()
        query = "select Last_Name, Company from Leads where id is not null"
        rows = json.loads(run(query, "--json")[0])
        equal([row["id"] for row in rows], emulator.ids("Leads"), "JSON")
        equal(run(query)[0], run(query, "--json")[0], "what is not for a terminal")
        equal([json.loads(line) for line in run(query, "--jsonl")[0].splitlines()], rows, "JSON Lines")
        equal(list(csv.DictReader(io.StringIO(run("--csv", query)[0]))), rows, "CSV")
        table = run(query, "--table")[0].splitlines()
        equal((len(table), table[0].split()), (252, ["Last_Name", "Company", "id"]), "lines and heading of a table")
        check(table[2].startswith(rows[0]["Last_Name"]) and table[2].endswith(rows[0]["id"]), table[2])
        _, words = run(FRON, status=1)
        check("column 18" in words and words.startswith(f"  {FRON}\n  {' ' * 17}^\n"), words)
        _, words = run("nonsense", status=1)
        check("SELECT" in words, words)
        equal(run("select id from Leads where id = 1", "--csv")[0], "", "no rows")


if __name__ == "__main__":
    main()
