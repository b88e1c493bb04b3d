"""Names, attributes and what is where: the rules of doc/tree.md, as a program with nothing but POSIX sees them."""
import errno
import json
import os
import stat
import unicodedata

import crm
from harness import Emulator, Mount, case, check, equal, fails, main, tool

NASTY = {
    "slash/and\\back": "slash_and_back",
    "two\nlines\tand \"quotes\"": "two_lines_and_quotes",
    "dots.in.it": "dots_in_it",
    "ends in 1234567890123": "ends_in_1234567890123",
    "1234567890123": "1234567890123",
    ".hidden": "_hidden",
    "..": "",
    "Ålesund Ωmega 漢字 हिन्दी": None,
    "party 🎉 time": "party_time",
    "a-b+c@d": "a-b+c@d",
    "x" * 300: "x" * 80,
    "é" * 60: "é" * 40,
    "a" + "漢" * 60: "a" + "漢" * 26,
    "   ": "",
    "=1+1": "_1+1",
    "#start#": "_start",
}


def letters_only(text):
    """The rule of labels in its plainest form; marks belong to the letters they stand on, and no "_" ends it."""
    out = ""
    for sign in text:
        keep = sign in "-+@" or unicodedata.category(sign)[0] in "LNM"
        if keep:
            out += sign
        elif not out.endswith("_"):
            out += "_"
    return out.rstrip("_")


def name_of(mount, module, number):
    """The listed name of a record."""
    found = [name for name in mount.list(module) if f".{name}".endswith(f".{number}.json")]
    equal(len(found), 1, f"names of {number}")
    return found[0]


@case("how a name in a module is read")
def reading_rules():
    with Emulator("Leads=20") as emulator, Mount(emulator) as mount:
        number = emulator.ids("Leads")[3]
        there = [f"{number}.json", f"any label.{number}.json".replace(" ", "_"), f"a-b+c@d.{number}.json",
                 f"4913.{number}.json", f"漢字.{number}.json", f"9999999999999.{number}.json"]
        inodes = {os.stat(mount.at("Leads", name)).st_ino for name in there}
        equal(len(inodes), 1, "inodes of one record's names")
        texts = {mount.read("Leads", name) for name in there}
        equal(len(texts), 1, "texts under one record's names")
        calls = emulator.mark()
        not_there = ["4913", f".#x.{number}.json", f"#{number}.json#", f"{number}.json~", f".{number}.json.swp",
                     f"two.dots.{number}.json", f"a b.{number}.json", f"sla sh.{number}", f"{number}.json.tmp",
                     "123456789.json", "12345678901234567890.json", "Last_Name=Okafor.json.tmp", f"{number}.txt",
                     f"{number}.JSON", "new.json", ".json", "0000000000.json", "9999999999999999999.json",
                     f"x.-{number}.json", f"x.+{number}.json", f".{number}.json", ".DS_Store", ".hidden", "x" * 255]
        for name in not_there:
            fails(errno.ENOENT, os.stat, mount.at("Leads", name))
        equal(emulator.singles("Leads", calls), [], "calls for names that are no records")
        fails(errno.ENAMETOOLONG, os.stat, mount.at("Leads", "x" * 256))


@case("9 digits are a name, 10 and 19 an id, 20 not")
def digits():
    with Emulator("Leads=3") as emulator, Mount(emulator) as mount:
        for name, calls in ("123456789.json", 0), ("1234567890.json", 1), ("1234567890123456789.json", 1), \
                           ("12345678901234567890.json", 0):
            mark = emulator.mark()
            fails(errno.ENOENT, os.stat, mount.at("Leads", name))
            equal(len(emulator.singles("Leads", mark)), calls, f"calls for {name}")


@case("an unknown id is remembered for a moment")
def negative():
    with Emulator("Leads=3") as emulator, Mount(emulator) as mount:
        for _ in range(5):
            fails(errno.ENOENT, os.stat, mount.at("Leads/7019999999999.json"))
            fails(errno.ENOENT, os.stat, mount.at("Leads/label.7019999999999.json"))
        equal(len(emulator.singles("Leads")), 1, "calls for an id that is not there")
        mark = emulator.mark()
        fails(errno.ENOENT, os.stat, mount.at("No_Such_Module"))
        fails(errno.ENOENT, os.stat, mount.at("..no such module"))
        fails(errno.ENOENT, os.stat, mount.at("autorun.inf"))
        equal(emulator.calls(since=mark), [], "calls for modules that are not there")


@case("labels of nasty values")
def labels():
    with Emulator("Leads=3") as emulator, Mount(emulator) as mount:
        wanted = {emulator.create("Accounts", Account_Name=value): label if label is not None else letters_only(value)
                  for value, label in NASTY.items()}
        listed = mount.list("Accounts")
        for number, label in wanted.items():
            name = f"{label}.{number}.json" if label else f"{number}.json"
            check(name in listed, f"{name} is not listed; {[one for one in listed if number in one]} is")
            text = mount.read("Accounts", name)
            equal(json.loads(text)["id"], number, "id in the text")
            equal(mount.read("Accounts", f"{number}.json"), text, "text under the bare id")


@case("an empty label leaves the id alone")
def empty_label():
    with Emulator("Leads=3") as emulator, Mount(emulator) as mount:
        number = emulator.ids("Leads")[0]
        emulator.edit("Leads", number, First_Name=None, Last_Name="", Full_Name="")
        equal(name_of(mount, "Leads", number), f"{number}.json", "name")


@case("two records with the same label")
def same_label():
    with Emulator("Leads=3") as emulator, Mount(emulator) as mount:
        both = [emulator.create("Accounts", Account_Name="Harbor Tiles") for _ in range(2)]
        names = [f"Harbor_Tiles.{number}.json" for number in both]
        check(set(names) <= set(mount.list("Accounts")), "both are listed")
        equal([json.loads(mount.read("Accounts", name))["id"] for name in names], both, "ids")


@case("-o names=id lists bare ids, labels still open")
def bare_names():
    with Emulator("Leads=12") as emulator, Mount(emulator, options=["names=id"]) as mount:
        numbers = emulator.ids("Leads")
        equal(mount.list("Leads"), sorted(f"{number}.json" for number in numbers), "names")
        equal(mount.read("Leads", f"label.{numbers[0]}.json"), mount.read("Leads", f"{numbers[0]}.json"), "text")


@case("modes, links, sizes, blocks, times, owner")
def attributes():
    with Emulator("Leads=20") as emulator, Mount(emulator) as mount:
        for path in "", "Leads", "Users", ".zohofs", ".zohofs/modules", ".zohofs/modules/Leads":
            about = os.stat(mount.at(path))
            mode = 0o755 if path == "Leads" else 0o555
            equal((stat.S_IFMT(about.st_mode), stat.S_IMODE(about.st_mode), about.st_nlink), (stat.S_IFDIR, mode, 1),
                  f"type, mode and links of /{path}")
            equal((about.st_uid, about.st_gid), (os.getuid(), os.getgid()), f"owner of /{path}")
        for name in mount.list("Leads"):
            about = os.stat(mount.at("Leads", name))
            text = mount.read("Leads", name)
            equal((stat.S_IFMT(about.st_mode), stat.S_IMODE(about.st_mode), about.st_nlink), (stat.S_IFREG, 0o644, 1),
                  f"type, mode and links of {name}")
            equal(about.st_size, len(text), f"size of {name}")
            equal(about.st_blocks, -(-about.st_size // 512), f"blocks of {name}")
            record = json.loads(text)
            modified = int(tool("date", "-d", record["Modified_Time"], "+%s"))
            equal((about.st_mtime, about.st_ctime), (modified, modified), f"times of {name}")
            equal((about.st_uid, about.st_gid), (os.getuid(), os.getgid()), f"owner of {name}")
        about = os.stat(mount.at("README.md"))
        equal(about.st_size, len(mount.read("README.md")), "size of README.md")


@case("a listing and a lookup tell the same, and inodes stay over a remount")
def lookup_and_readdir():
    def all_of(mount):
        seen = {}
        for module in "Leads", "Users":
            with os.scandir(mount.at(module)) as entries:
                for entry in entries:
                    about = entry.stat()
                    seen[f"{module}/{entry.name}"] = (entry.inode(), about.st_ino, about.st_size, about.st_mtime)
        return seen

    def looked_up(mount, names):
        seen = {}
        for name in names:
            about = os.stat(mount.at(name))
            seen[name] = (about.st_ino, about.st_ino, about.st_size, about.st_mtime)
        return seen

    with Emulator("Leads=250") as emulator:
        with Mount(emulator) as mount:
            listed = all_of(mount)
            equal(len([name for name in listed if name.startswith("Leads/")]), 250, "records listed")
            equal(len({inodes[0] for inodes in listed.values()}), len(listed), "different inodes")
        with Mount(emulator) as mount:
            some = [name for name in sorted(listed) if name.startswith("Leads/")][:40]
            equal(looked_up(mount, some), {name: listed[name] for name in some}, "lookups of another mount")
        with Mount(emulator) as mount:
            equal(all_of(mount), listed, "listing of another mount")


@case("seeking in a directory, and reading it twice at once")
def seeking():
    with Emulator("Leads=450") as emulator, Mount(emulator) as mount:
        wanted = sorted(mount.list("Leads"))
        equal(len(set(wanted)), 450, "records listed")
        with os.scandir(mount.at("Leads")) as one, os.scandir(mount.at("Leads")) as other:
            mixed = [[], []]
            for first, second in zip(one, other):
                mixed[0].append(first.name)
                mixed[1].append(second.name)
        equal([sorted(names) for names in mixed], [wanted, wanted], "two readers")
        handle = os.open(mount.at("Leads"), os.O_RDONLY | os.O_DIRECTORY)
        try:
            equal([sorted(os.listdir(handle)) for _ in range(2)], [wanted, wanted], "read, rewound and read again")
        finally:
            os.close(handle)
        dots = tool("ls", "-a", "-f", mount.at("Leads")).split("\n")[:-1]
        equal((dots.count("."), dots.count("..")), (1, 1), "the dots")


@case("the root: what is listed and what is only reachable")
def root():
    with Emulator("Leads=3") as emulator, Mount(emulator) as mount:
        listed = mount.list()
        for name in "README.md", "Users", "Leads", "Quotes":
            check(name in listed, f"{name} is listed")
        modules = json.loads(emulator.api("settings/modules"))["modules"]
        wanted = [module["api_name"] for module in modules
                  if module["api_supported"] and module["viewable"] and module["status"] == "visible"
                  and module["generated_type"] in ("default", "custom")]
        equal(sorted(set(listed) - {"README.md", "Users", "queries"}), sorted(wanted), "modules listed")
        for module in modules:
            if module["api_name"] not in wanted:
                fails(errno.ENOENT, os.stat, mount.at(module["api_name"]))
        equal([name for name in tool("find", mount.path, "-maxdepth", "1").split() if ".zohofs" in name], [],
              ".zohofs in a walk")
        check(b"zohofs" in mount.read("README.md"), "README.md is about us")
        check(os.path.isdir(mount.at(".zohofs")), ".zohofs is there")


@case("/ and statfs cost nothing but the modules")
def root_cost():
    with Emulator("Leads=3") as emulator, Mount(emulator) as mount:
        mount.wait_quiet()
        equal([call.path for call in emulator.calls()], ["/crm/v8/settings/modules"], "calls of a mount")
        mark = emulator.mark()
        for _ in range(3):
            os.stat(mount.path)
            os.statvfs(mount.path)
            tool("df", mount.path)
            mount.read("README.md")
            mount.status()
        equal(emulator.calls(since=mark), [], "calls")
        mount.list()
        equal(emulator.calls(since=mark), [], "calls of a listing of /")


@case(".zohofs: status, org, metadata, schema")
def control():
    with Emulator("Leads=3") as emulator, Mount(emulator) as mount:
        equal(mount.list(".zohofs"), ["audit.jsonl", "drafts", "errors.jsonl", "events.jsonl", "metrics", "modules",
                                      "org.json", "status.json", "trash"], "names")
        status = mount.status()
        equal(status["account"]["profile"], "mounted", "profile")
        equal(json.loads(mount.read(".zohofs/org.json"))["id"],
              json.loads(emulator.api("org"))["org"][0]["id"], "org")
        check("Leads" in mount.list(".zohofs/modules"), "Leads has a folder")
        equal(mount.list(".zohofs/modules/Leads"), ["fields.json", "module.json", "related_lists.json", "schema.json"],
              "names")
        equal(json.loads(mount.read(".zohofs/modules/Leads/module.json"))["api_name"], "Leads", "module")
        fields = json.loads(mount.read(".zohofs/modules/Leads/fields.json"))
        fields = fields["fields"] if isinstance(fields, dict) else fields
        names = {field["api_name"] for field in fields}
        check({"Last_Name", "Email", "Modified_Time"} <= names, "fields")
        lists = json.loads(mount.read(".zohofs/modules/Leads/related_lists.json"))
        check(lists, "related lists")
        schema = json.loads(mount.read(".zohofs/modules/Leads/schema.json"))
        record = json.loads(mount.read("Leads", mount.list("Leads")[0]))
        equal(set(record) - set(schema["properties"]), set(), "keys that the schema does not know")
        for path in ".zohofs/org.json", ".zohofs/modules/Leads/schema.json", ".zohofs/modules/Leads/fields.json":
            text = mount.read(path)
            equal(os.stat(mount.at(path)).st_size, len(text), f"size of {path}")
            equal((crm.canonical(crm.parse(text)) + "\n").encode(), text, f"canonical text of {path}")
        fails(errno.ENOENT, os.stat, mount.at(".zohofs/no_such"))
        fails(errno.ENOENT, os.stat, mount.at(".zohofs/modules/No_Such"))


@case("Users and me.json")
def users():
    with Emulator("Leads=3") as emulator, Mount(emulator) as mount:
        wanted = {user["id"]: user for user in json.loads(emulator.api("users", type="AllUsers"))["users"]}
        names = mount.list("Users")
        equal(sorted(name.rsplit(".", 2)[-2] for name in names), sorted(wanted), "ids of users")
        for name in names:
            user = json.loads(mount.read("Users", name))
            equal(user["full_name"], wanted[user["id"]]["full_name"], "name of a user")
            equal(name.split(".")[0], letters_only(user["full_name"]), "label of a user")
        check("me.json" not in names, "me.json is not listed")
        me = json.loads(emulator.api("users", type="CurrentUser"))["users"][0]["id"]
        equal(json.loads(mount.read("Users/me.json"))["id"], me, "me")
        fails(errno.ENOENT, os.stat, mount.at("Users/7019999999999.json"))


@case("with -o ro changes are refused, and nothing changes")
def read_only():
    with Emulator("Leads=3") as emulator, Mount(emulator, options=["ro"]) as mount:
        name = mount.list("Leads")[0]
        path, text = mount.at("Leads", name), mount.read("Leads", name)
        mark = emulator.mark()
        attempts = [
            (open, path, "r+b"), (open, path, "wb"), (open, path, "ab"), (open, mount.at("Leads/new.json"), "wb"),
            (open, mount.at("Leads/.new.swp"), "wb"), (os.unlink, path), (os.rename, path, path + "~"),
            (os.rename, path, mount.at("Users", "x.json")), (os.mkdir, mount.at("Leads/folder")),
            (os.mkdir, mount.at("Module")), (os.rmdir, mount.at("Leads")), (os.symlink, "x", mount.at("Leads/link")),
            (os.link, path, mount.at("Leads/hard")), (os.truncate, path, 0), (os.chmod, path, 0o600),
            (os.utime, path, (1, 1)), (os.mknod, mount.at("Leads/pipe"), stat.S_IFIFO | 0o600),
            (os.unlink, mount.at("README.md")), (open, mount.at("README.md"), "wb"),
            (os.setxattr, path, "user.x", b"1"), (os.unlink, mount.at("Users/me.json")),
        ]
        for function, *arguments in attempts:
            try:
                function(*arguments)
            except OSError as error:
                allowed = {errno.EROFS} | ({errno.ENOTSUP} if function is os.setxattr else set())
                check(error.errno in allowed, f"{function.__name__}{arguments}: {error}")
            else:
                raise AssertionError(f"{function.__name__}{arguments} was not refused")
        equal([call for call in emulator.calls(since=mark) if call.method != "GET"], [], "writes")
        equal(mount.read("Leads", name), text, "text")


@case("mmap, parts, and past the end")
def reading():
    with Emulator("Leads=3") as emulator, Mount(emulator) as mount:
        name = mount.list("Leads")[0]
        text = mount.read("Leads", name)
        handle = os.open(mount.at("Leads", name), os.O_RDONLY)
        try:
            equal(os.pread(handle, 10, 5), text[5:15], "a part")
            equal(os.pread(handle, 100, len(text) - 3), text[-3:], "the end")
            equal(os.pread(handle, 100, len(text)), b"", "past the end")
            equal(os.pread(handle, 100, 1 << 40), b"", "far past the end")
        finally:
            os.close(handle)
        fails(errno.ENOTDIR, os.listdir, mount.at("Leads", name))
        fails(errno.EISDIR, mount.read, "Leads")
        fails(errno.ENOTDIR, os.stat, mount.at("Leads", name, "x"))


if __name__ == "__main__":
    main()
