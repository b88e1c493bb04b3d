"""Folders of records: their related lists as symlinks, which link and delink; and what looking at them costs."""
import errno
import json
import os

from harness import Emulator, Mount, case, check, equal, fails, main, tool, wait_until
from saving import audit, errors

RECORDS = "Leads=8,Accounts=6,Contacts=12,Campaigns=3,Deals=4"


def related_ids(emulator, module, number, related):
    """What the API says is in a list of a record."""
    text = emulator.api(f"{module}/{number}/{related}", fields="Modified_Time")
    return sorted(row["id"] for row in json.loads(text)["data"]) if text else []


def with_children(emulator):
    """An account that has contacts, and their ids."""
    for number in emulator.ids("Accounts"):
        contacts = related_ids(emulator, "Accounts", number, "Contacts")
        if contacts:
            return number, contacts
    raise AssertionError("no account has contacts")


def ids_in(names):
    return sorted(name.split(".")[-2] if name.count(".") > 1 else name.split(".")[0] for name in names)


def link(mount, campaign, lead, name=None, target=None):
    os.symlink(target or f"../../../Leads/{lead}.json", mount.at("Campaigns", campaign, "Leads", name or f"{lead}.json"))


@case("a folder is reachable by any name of its record, listed only with -o folders, and costs only when named")
def folders():
    with Emulator(RECORDS) as emulator, Mount(emulator) as mount:
        number = emulator.ids("Leads")[0]
        names = mount.list("Leads")
        equal([name for name in names if not name.endswith(".json") and name != "notes"], [], "folders listed")
        mark = emulator.mark()
        for name in number, f"any.{number}", next(name for name in names if number in name)[:-len(".json")]:
            check(os.path.isdir(mount.at("Leads", name)), f"{name} is a folder")
        fails(errno.ENOENT, os.stat, mount.at("Leads", "7039999999999"))
        fails(errno.ENOENT, os.stat, mount.at("Leads", number, ".git"))
        equal(emulator.calls(path=".*related_lists.*", since=mark), [], "calls for folders alone")
        lists = mount.list("Leads", number)
        check({"Campaigns", "Products", "Tasks"} <= set(lists), f"the related lists: {lists}")
        fails(errno.ENOENT, os.stat, mount.at("Leads", number, "Contacts"))
        equal(len(emulator.calls(path=".*/settings/related_lists", since=mark)), 1, "calls for the lists' names")
        equal(emulator.calls(path=f"/crm/v8/Leads/{number}/.*", since=mark), [], "calls for lists nobody looked into")


@case("-o folders lists a folder beside each record")
def listed():
    with Emulator(RECORDS) as emulator, Mount(emulator, options=["folders"]) as mount:
        names = [name for name in mount.list("Leads") if name != "notes"]
        equal(len(names), 16, "names")
        for name in names:
            check(os.path.isdir(mount.at("Leads", name)) != name.endswith(".json"), name)
        equal({name + ".json" for name in names if not name.endswith(".json")},
              {name for name in names if name.endswith(".json")}, "a folder for each record")
        equal(emulator.calls(path="/crm/v8/Leads/[0-9]+.*"), [], "calls for single records")


@case("related records are symlinks to their own files, one call for a list while it is fresh")
def related():
    with Emulator(RECORDS) as emulator, Mount(emulator) as mount:
        account, contacts = with_children(emulator)
        mount.list("Contacts")
        mark = emulator.mark()
        names = mount.list("Accounts", account, "Contacts")
        equal(ids_in(names), contacts, "contacts")
        for name in names:
            path = mount.at("Accounts", account, "Contacts", name)
            check(os.path.islink(path) and os.readlink(path) == f"../../../Contacts/{name}", f"the target of {name}")
            equal(os.lstat(path).st_size, len(os.fsencode(os.readlink(path))), "size of a link")
            equal(os.stat(path).st_ino, os.stat(mount.at("Contacts", name)).st_ino, "what it leads to")
            check(name.split(".")[-2] in mount.read("Accounts", account, "Contacts", name).decode(), "its text")
        tool("ls", "-lR", mount.at("Accounts", account, "Contacts"))
        equal(len(emulator.calls(path=f"/crm/v8/Accounts/{account}/Contacts", since=mark)), 1, "calls for the list")
        equal(emulator.singles("Contacts", mark), [], "calls for each contact")


@case("what changed in a list shows after the TTL")
def fresh():
    with Emulator(RECORDS) as emulator, Mount(emulator, ttl=1) as mount:
        account, contacts = with_children(emulator)
        equal(ids_in(mount.list("Accounts", account, "Contacts")), contacts, "before")
        emulator.edit("Contacts", contacts[0], Account_Name=None)
        wait_until(lambda: ids_in(mount.list("Accounts", account, "Contacts")) == contacts[1:], "the list without it")


@case("ln -s links, rm delinks, both sides know at once, one call each")
def linking():
    with Emulator(RECORDS) as emulator, Mount(emulator) as mount:
        campaign, lead = emulator.ids("Campaigns")[0], emulator.ids("Leads")[0]
        equal(mount.list("Campaigns", campaign, "Leads"), [], "before")
        equal(mount.list("Leads", lead, "Campaigns"), [], "before, from the other side")
        name = next(name for name in mount.list("Leads") if lead in name)
        mark = emulator.mark()
        tool("ln", "-s", f"../../../Leads/{name}", mount.at("Campaigns", campaign, "Leads"))
        equal(related_ids(emulator, "Campaigns", campaign, "Leads"), [lead], "in the CRM")
        equal(mount.list("Campaigns", campaign, "Leads"), [name], "after")
        equal(ids_in(mount.list("Leads", lead, "Campaigns")), [campaign], "after, from the other side")
        equal(len(emulator.calls("PUT", since=mark)), 1, "PUTs")
        tool("rm", mount.at("Campaigns", campaign, "Leads", name))
        equal(related_ids(emulator, "Campaigns", campaign, "Leads"), [], "in the CRM")
        equal(mount.list("Campaigns", campaign, "Leads"), [], "after rm")
        equal(mount.list("Leads", lead, "Campaigns"), [], "after rm, from the other side")
        equal(len(emulator.calls("DELETE", since=mark)), 1, "DELETEs")
        check(lead in emulator.ids("Leads"), "the record itself stays")
        equal([(line["verb"], line["outcome"], line["id"]) for line in audit(mount)],
              [("link", "linked", campaign), ("delink", "delinked", campaign)], "the audit")
        equal(errors(mount), [], "errors")


@case("what cannot be linked is refused with its reason, without a call")
def refused():
    with Emulator(RECORDS) as emulator, Mount(emulator) as mount:
        account, contacts = with_children(emulator)
        campaign, leads = emulator.ids("Campaigns")[0], emulator.ids("Leads")
        name = mount.list("Accounts", account, "Contacts")[0]
        mount.list("Campaigns", campaign, "Leads")
        mark = emulator.mark()
        fails(errno.EPERM, os.unlink, mount.at("Accounts", account, "Contacts", name))
        fails(errno.EPERM, os.symlink, f"../../../Contacts/{contacts[0]}.json",
              mount.at("Accounts", account, "Contacts", "1234567890.json"))
        fails(errno.EINVAL, link, mount, campaign, leads[0], "some-name")
        fails(errno.EINVAL, link, mount, campaign, leads[0], None, f"../../../Leads/{leads[1]}.json")
        fails(errno.EINVAL, link, mount, campaign, leads[0], None, f"../../../Contacts/{leads[0]}.json")
        fails(errno.EINVAL, link, mount, campaign, leads[0], None, "elsewhere")
        fails(errno.ENAMETOOLONG, link, mount, campaign, leads[0], "x" * 256)
        fails(errno.EINVAL, link, mount, campaign, leads[0], "x" * 255)
        equal([call for call in emulator.calls(since=mark) if call.method != "GET"], [], "changes sent")
        lines = errors(mount)
        equal([line["errno"] for line in lines], ["EPERM"] * 2 + ["EINVAL"] * 5, "errors")
        check("lookup field" in lines[0]["message"] and lines[0]["todo"], f"the reason: {lines[0]}")
        check(all(line["outcome"].startswith("refused: ") for line in audit(mount)), "the audit")


@case("what the CRM refuses to link fails with its words")
def refused_by_zoho():
    with Emulator(RECORDS) as emulator, Mount(emulator) as mount:
        campaign = emulator.ids("Campaigns")[0]
        mount.list("Campaigns", campaign, "Leads")
        fails(errno.ENOENT, link, mount, campaign, "7039999999999")
        equal([line["errno"] for line in errors(mount)], ["ENOENT"], "errors")
        check("refused" in audit(mount)[0]["outcome"], "the audit")
        equal(mount.list("Campaigns", campaign, "Leads"), [], "the list")


@case("read-only mounts and dry runs link nothing")
def read_only():
    for options, lines in (["ro"], 0), (["dry_run"], 1):
        with Emulator(RECORDS) as emulator, Mount(emulator, options=options) as mount:
            campaign, lead = emulator.ids("Campaigns")[0], emulator.ids("Leads")[0]
            mount.list("Campaigns", campaign, "Leads")
            fails(errno.EROFS, link, mount, campaign, lead)
            equal(related_ids(emulator, "Campaigns", campaign, "Leads"), [], "in the CRM")
            equal(len(errors(mount)), lines, "errors")


@case("find over everything costs pages, and no related list, search or deleted record")
def walk():
    with Emulator(RECORDS) as emulator, Mount(emulator) as mount:
        tool("find", mount.path, "-printf", "%p %s\n")
        equal(emulator.calls(path="/crm/v8/[A-Za-z_]+/(search|[0-9]+.*)"), [], "calls for single things")
        equal([call for call in emulator.calls() if call.method != "GET"], [], "changes")
        equal(emulator.calls(path=".*related_lists"), [], "related lists")


main()
