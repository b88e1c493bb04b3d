"""Searches as directories: what finds what, how values are escaped, and what it costs."""
import errno
import json
import os
import threading

from harness import Emulator, Mount, case, check, equal, fails, main, tool


def searches(emulator, mark=0):
    return emulator.calls(path="/crm/v8/[A-Za-z_]+/search", since=mark)


def ids_in(names):
    return sorted(name.split(".")[-2] if name.count(".") > 1 else name.split(".")[0] for name in names)


@case("word=, email=, phone= and criteria= find records, as symlinks to them")
def forms():
    with Emulator("Leads=30") as emulator, Mount(emulator) as mount:
        number = emulator.ids("Leads")[2]
        emulator.edit("Leads", number, Last_Name="Zwetschge", Email="zw@example.com", Phone="+49 30 1234567")
        for term in "Zwetschge", "word=Zwetschge", "email=zw@example.com", "phone=+49 30 1234567", \
                    "criteria=(Last_Name:equals:Zwetschge)", "criteria=Last_Name:equals:Zwetschge", \
                    "criteria=((Last_Name:equals:Zwetschge)and(Email:equals:zw@example.com))":
            names = mount.list("Leads/.search", term)
            equal(ids_in(names), [number], term)
            path = mount.at("Leads/.search", term, names[0])
            equal(os.readlink(path), f"../../{names[0]}", "the target")
            equal(json.loads(mount.read("Leads/.search", term, names[0]))["id"], number, "what it leads to")
            equal(os.lstat(path).st_size, len(os.fsencode(os.readlink(path))), "size of the link")
        equal(mount.list("Leads/.search", "nobody-is-called-that"), [], "no hits")


@case(".search lists nothing; a term costs nothing before it is read, and one call while it is fresh")
def costs():
    with Emulator("Leads=30") as emulator, Mount(emulator) as mount:
        name = json.loads(mount.read("Leads", mount.list("Leads")[-1]))["Last_Name"] or "Okafor"
        mark = emulator.mark()
        equal(mount.list("Leads/.search"), [], ".search")
        check(os.path.isdir(mount.at("Leads/.search", name)), "the term")
        tool("find", mount.path, "-maxdepth", "2")
        for nothing in ".git/HEAD", ".hidden", "a", "email=", "phone=12", "criteria=nonsense", "criteria=", "Smith/.git", \
                       "Smith/README.md", "\x01\x02":
            fails(errno.ENOENT, os.stat, mount.at("Leads/.search", nothing))
        equal(searches(emulator, mark), [], "searches nobody asked for")
        threads = [threading.Thread(target=mount.list, args=("Leads/.search", name)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        tool("ls", "-lL", mount.at("Leads/.search", name))
        equal(len(searches(emulator, mark)), 1, "searches")


@case("parentheses, commas, backslashes and slashes of values arrive as they are")
def escaping():
    with Emulator("Leads=10") as emulator, Mount(emulator) as mount:
        for term, sent in ((r"criteria=Company:equals:Foo (Bar), Inc", r"(Company:equals:Foo \(Bar\)\, Inc)"),
                           ("criteria=Company:equals:back\\slash\\", "(Company:equals:back\\slash\\\\)"),
                           ("criteria=Company:in:a,b (c)", r"(Company:in:a,b \(c\))"),
                           (r"criteria=(Company:equals:Foo \(Bar\)\, Inc)", r"(Company:equals:Foo \(Bar\)\, Inc)"),
                           ("criteria=Company:equals:a%2Fb%25", "(Company:equals:a/b%)")):
            mark = emulator.mark()
            mount.list("Leads/.search", term)
            equal([call.query["criteria"] for call in searches(emulator, mark)], [sent], term)


@case("a record is found by a value of such signs alone")
def awkward():
    with Emulator("Leads=10") as emulator, Mount(emulator) as mount:
        number = emulator.ids("Leads")[4]
        emulator.edit("Leads", number, Company="Foo (Bar), Inc")
        equal(ids_in(mount.list("Leads/.search", "criteria=Company:equals:Foo (Bar), Inc")), [number], "hits")


@case("what Zoho refuses is EINVAL, with its words in status.json; unknown modules are not there")
def refused():
    with Emulator("Leads=10") as emulator, Mount(emulator) as mount:
        for term in "criteria=(No_Such_Field:equals:x)", "criteria=(Last_Name:equals:x", "criteria=Last_Name:nonsense:x":
            fails(errno.EINVAL, os.listdir, mount.at("Leads/.search", term))
        check("nvalid" in json.dumps(mount.status()), "the words")
        fails(errno.ENOENT, os.listdir, mount.at("No_Such_Module/.search/Smith"))
        fails(errno.ENOENT, os.listdir, mount.at("Users/.search/Smith"))
        fails(errno.ENAMETOOLONG, os.stat, mount.at("Leads/.search", "x" * 256))
        equal(mount.list("Leads/.search", "x" * 255), [], "a term of 255 bytes")
        fails(errno.EROFS, os.mkdir, mount.at("Leads/.search/new-term/folder"))


@case("2,000 hits are all that Zoho gives, and MORE.txt says so")
def many():
    with Emulator("Leads=2300") as emulator, Mount(emulator) as mount:
        term = "criteria=id:greater_than:1"
        mark = emulator.mark()
        names = mount.list("Leads/.search", term)
        equal(len(names), 2001, "names")
        check("MORE.txt" in names and b"2,000" in mount.read("Leads/.search", term, "MORE.txt"), "MORE.txt")
        equal(len(searches(emulator, mark)), 10, "searches")
        fails(errno.ENOENT, os.stat, mount.at("Leads/.search/nobody-is-called-that/MORE.txt"))


main()
