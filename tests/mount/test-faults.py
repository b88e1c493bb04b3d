"""A server that fails: the right errno or the right bytes, never a wrong file, never a crash; and once it is well again
so is the mount, without a remount."""
import contextlib
import errno
import json
import os

import crm
from harness import (PATIENCE, Emulator, Mount, case, check, equal, fails, is_sanitized, main, running, tool,
                     wait_until)
import harness

LIST, SINGLE = "GET /crm/v8/Leads", "GET /crm/v8/Leads/"
FOREVER = 1000000
# What an answer that makes no sense may give.
NONSENSE = (errno.EIO, errno.EFBIG, errno.EINVAL)


@contextlib.contextmanager
def org(count=600, limits=None, **more):
    with Emulator(f"Leads={count}") as emulator, Mount(emulator, limits=limits, **more) as mount:
        yield emulator, mount


def assert_well(emulator, mount, count):
    """All is as it should be: the names, and some texts."""
    emulator.faults()
    numbers = emulator.ids("Leads")
    equal(len(numbers), count, "live records")
    equal(sorted(name.split(".")[-2] for name in mount.list("Leads")), sorted(numbers), "ids listed")
    leads = crm.Module(emulator, "Leads")
    for number in (numbers[0], numbers[len(numbers) // 2], numbers[-1]):
        equal(mount.read("Leads", f"{number}.json"), leads.document(number), f"text of {number}")


def assert_list_fails_or_is_right(emulator, mount, count, errors=NONSENSE):
    """A listing either fails as it may or is right. Returns whether it failed."""
    try:
        names = mount.list("Leads")
    except OSError as error:
        check(error.errno in errors, f"errno of the listing: {error}")
        return True
    equal(sorted(name.split(".")[-2] for name in names), sorted(emulator.ids("Leads")), "ids listed")
    return False


def assert_read_fails_or_is_right(emulator, mount, number, errors=NONSENSE):
    try:
        text = mount.read("Leads", f"{number}.json")
    except OSError as error:
        check(error.errno in errors, f"errno of the read: {error}")
        return True
    emulator.faults()
    equal(text, crm.Module(emulator, "Leads").document(number), f"text of {number}")
    return False


def passes(name, count=600, **fault):
    """The fault strikes some calls, and nobody notices but the log."""
    @case(f"{name}: tried again, nothing is lost")
    def run():
        with org(count) as (emulator, mount):
            emulator.faults({"match": LIST, "count": 2, **fault})
            numbers = emulator.ids("Leads")
            equal(sorted(name.split(".")[-2] for name in mount.list("Leads")), sorted(numbers), "ids listed")
            mount.wait_quiet()
            # Where a kept connection was lost, curl itself may have tried again.
            check(mount.status()["retries"] >= 1 or "reset" in fault, "there were retries")
            assert_well(emulator, mount, count)
        with org(count) as (emulator, mount):
            number = emulator.ids("Leads")[1]
            emulator.faults({"match": SINGLE, "count": 1, **fault})
            text = mount.read("Leads", f"{number}.json")
            emulator.faults()
            equal(text, crm.Module(emulator, "Leads").document(number), "text")


passes("429", status=429, code="TOO_MANY_REQUESTS")
passes("500", status=500, code="INTERNAL_ERROR")
passes("503 without a body", status=503, body="")
passes("reset connections", reset=True)


@case("a call that fails on and on gives EIO, and later all is well")
def server_down():
    with org(limits={"deadline": 8}) as (emulator, mount):
        number = emulator.ids("Leads")[0]
        mount.list()
        emulator.faults({"match": "/crm/v8/Leads", "count": FOREVER, "status": 500, "code": "INTERNAL_ERROR"})
        for look in (lambda: mount.read("Leads", f"{number}.json")), (lambda: mount.list("Leads")):
            try:
                look()
            except OSError as error:
                check(error.errno in (errno.EIO, errno.ETIMEDOUT), f"errno: {error}")
            else:
                raise AssertionError("a call that always fails gave something")
        assert_well(emulator, mount, 600)


@case("a server that is gone gives ENETUNREACH; cached files stay readable")
def unreachable():
    with org(limits={"deadline": 8}) as (emulator, mount):
        name = mount.list("Leads")[0]
        text = mount.read("Leads", name)
        mount.wait_quiet()
        number = emulator.ids("Leads")[0]
        emulator.process.kill()
        emulator.process.wait(timeout=PATIENCE)
        equal(mount.read("Leads", name), text, "a cached file")
        equal(len(mount.list("Leads")), 600, "a cached listing")
        try:
            mount.list("Contacts")
        except OSError as error:
            check(error.errno in (errno.ENETUNREACH, errno.ETIMEDOUT), f"errno: {error}")
        else:
            raise AssertionError("a listing without a server")
        check(number in " ".join(mount.list("Leads")), "the listing is whole")


@case("a token that ends in mid-listing is renewed once")
def token_in_listing():
    with org(4000, limits={"deadline": 3600}) as (emulator, mount):
        mount.list()
        mark, tokens = emulator.mark(), emulator.token_calls()
        emulator.faults({"match": LIST, "skip": 1, "count": FOREVER, "stall": True})
        with running(["ls", mount.at("Leads")]) as (lister,):
            wait_until(lambda: emulator.pages("Leads", mark), "the first page")
            mount.wait_calls(1)
            emulator.post("expire_tokens", {})
            emulator.access_token = None
            emulator.faults()
            words, errors = lister.communicate(timeout=PATIENCE)
        equal((lister.returncode, errors), (0, b""), "ls")
        equal(len(words.split()), 4000, "names")
        check([call for call in emulator.calls(since=mark) if call.status == 401], "a call met the dead token")
        equal(emulator.token_calls() - tokens, 1, "token calls")
        assert_well(emulator, mount, 4000)


@case("a token that ends while nobody looks is renewed once for all who come")
def token_between():
    with org(300) as (emulator, mount):
        mount.list()
        numbers = emulator.ids("Leads")[:30]
        tokens = emulator.token_calls()
        emulator.post("expire_tokens", {})
        with running(*(["cat", mount.at("Leads", f"{number}.json")] for number in numbers)) as cats:
            texts = [cat.communicate(timeout=PATIENCE)[0] for cat in cats]
            equal([cat.returncode for cat in cats], [0] * len(cats), "the reads")
        equal([json.loads(text)["id"] for text in texts], numbers, "ids read")
        equal(emulator.token_calls() - tokens, 1, "token calls")


@case("a call that stalls gives ETIMEDOUT, and later all is well")
def stall():
    with org(limits={"deadline": 8}) as (emulator, mount):
        mount.list()
        emulator.faults({"match": LIST, "skip": 1, "count": FOREVER, "stall": True})
        fails(errno.ETIMEDOUT, mount.list, "Leads")
        assert_well(emulator, mount, 600)


def nonsense(name, errors=NONSENSE, limits=None, **fault):
    """The fault spoils every answer about leads: first a record's, then the listing's."""
    @case(f"{name}: an error or the right bytes")
    def run():
        with org(limits=limits or {"deadline": 8}) as (emulator, mount):
            mount.list()
            number = emulator.ids("Leads")[0]
            # Before the listings, of which a first page may tell all of the record.
            emulator.faults({"match": SINGLE, "count": FOREVER, **fault})
            check(assert_read_fails_or_is_right(emulator, mount, number, errors), "a spoilt read fails")
            for skip in 0, 1:
                emulator.faults({"match": LIST, "skip": skip, "count": FOREVER, **fault})
                check(assert_list_fails_or_is_right(emulator, mount, 600, errors), "a spoilt listing fails")
            equal(mount.process.poll(), None, "the daemon lives")
            assert_well(emulator, mount, 600)


def row(**more):
    return {"id": "7010000000201", "Last_Name": "Okafor", "Modified_Time": "2026-03-02T10:00:00+00:00", **more}


def rows(*of, **info):
    return json.dumps({"data": list(of), "info": {"more_records": False, "count": len(of), "page": 1, **info}})


LOST = NONSENSE + (errno.ETIMEDOUT, errno.ENETUNREACH)
nonsense("a body cut short", LOST, cut=True)
nonsense("malformed JSON", malformed=True)
nonsense("HTML instead of JSON", html=True)
nonsense("an empty 200", status=200, body="")
nonsense("a bare number", status=200, body="17")
nonsense("rows that are no array", status=200, body='{"data":{"id":"7010000000201"},"info":{"more_records":false}}')
nonsense("rows that are no objects", status=200, body=rows(1, "x", None))
nonsense("ids that are numbers", status=200, body=rows(row(id=7010000000201)))
nonsense("ids that are no numbers", status=200, body=rows(row(id="../../etc/passwd")))
nonsense("ids too long", status=200, body=rows(row(id="123456789012345678901234567890")))
nonsense("ids below zero", status=200, body=rows(row(id="-7010000000201")))
nonsense("ids that are missing", status=200, body=rows({"Last_Name": "Okafor"}))
nonsense("nesting without end", status=200, body="[" * 100000)
nonsense("bytes that are no UTF-8", status=200, body='{"data":[{"id":"7010000000201","Last_Name":"\\ud800"}]}')
nonsense("no permission", (errno.EACCES,), status=403, code="NO_PERMISSION")
nonsense("a scope that is missing", (errno.EACCES,), status=401, code="OAUTH_SCOPE_MISMATCH")


@case("another record's answer is not taken for the one asked for")
def other_record():
    with org(30) as (emulator, mount):
        mount.list()
        one, other = emulator.ids("Leads")[:2]
        body = emulator.api(f"Leads/{other}")
        emulator.faults({"match": f"GET /crm/v8/Leads/{one}", "count": FOREVER, "status": 200, "body": body})
        fails(errno.EIO, mount.read, "Leads", f"{one}.json")
        assert_well(emulator, mount, 30)


@case("values of wrong types are shown as they are, or refused")
def wrong_types():
    with org(30, limits={"deadline": 8}) as (emulator, mount):
        mount.list()
        number = emulator.ids("Leads")[0]
        for spoilt in (row(id=number, Modified_Time=17), row(id=number, Modified_Time={"x": []}),
                       row(id=number, Last_Name=["x"], Full_Name={"name": 5}), row(id=number, Owner="x"),
                       row(id=number, Tag={"a": 1}, Email=1.5, Full_Name=None), row(id=number, Modified_Time="never")):
            emulator.faults({"match": f"GET /crm/v8/Leads/{number}", "count": 1, "status": 200, "body": rows(spoilt)})
            try:
                document = json.loads(mount.read("Leads", f"{number}.json"))
            except OSError as error:
                check(error.errno in NONSENSE, f"errno: {error}")
                continue
            equal(document["id"], number, "id")
            break
        emulator.faults()
        check("Leads" in mount.list(), "the mount goes on")


@case("pages that overlap: no name twice")
def duplicates():
    with org(600) as (emulator, mount):
        mount.list()
        first = emulator.api("Leads", fields="Last_Name,Modified_Time", per_page=200, page=1)
        mark = emulator.mark()
        emulator.faults({"match": LIST, "skip": 1, "count": FOREVER, "stall": True})
        with running(["ls", "-f", mount.at("Leads")]) as (lister,):
            wait_until(lambda: emulator.pages("Leads", mark), "the first page")
            # All further rows move down by three, since the newest come first.
            made = [emulator.create("Leads", Last_Name=f"Newcomer {index}", Company="New") for index in range(3)]
            emulator.faults()
            words, _ = lister.communicate(timeout=PATIENCE)
        names = [name for name in words.decode().split() if name.endswith(".json")]
        equal(len(names), len(set(names)), "different names")
        numbers = {name.split(".")[-2] for name in names}
        equal(sorted(set(emulator.ids("Leads")) - set(made) - numbers), [], "records that the listing lost")
        check(json.loads(first)["data"], "the first page has rows")
        assert_well(emulator, mount, 603)


@case("the same rows on every page: the listing ends")
def same_page():
    with org(600, limits={"deadline": 20}) as (emulator, mount):
        mount.list()
        numbers = emulator.ids("Leads")[-200:]
        body = rows(*(row(id=number) for number in reversed(numbers)), more_records=True, next_page_token="again")
        emulator.faults({"match": LIST, "count": FOREVER, "status": 200, "body": body})
        try:
            names = mount.list("Leads")
            equal(len(names), len(set(names)), "different names")
        except OSError as error:
            check(error.errno in LOST, f"errno: {error}")
        emulator.faults()
        check("Leads" in mount.list(), "the mount goes on")


@case("deleted records in mid-listing: none of the others is lost")
def deleted_in_listing():
    with org(900) as (emulator, mount):
        mount.list()
        numbers = emulator.ids("Leads")
        mark = emulator.mark()
        emulator.faults({"match": LIST, "skip": 1, "count": FOREVER, "stall": True})
        with running(["ls", "-f", mount.at("Leads")]) as (lister,):
            wait_until(lambda: emulator.pages("Leads", mark), "the first page")
            for number in numbers[-20:]:
                emulator.delete("Leads", number)
            emulator.faults()
            lister.communicate(timeout=PATIENCE)
        mount.wait_quiet()
        listed = {name.split(".")[-2] for name in mount.list("Leads")}
        equal(sorted(set(numbers[:-20]) - listed), [], "records that the listing lost")


@case("a page token that is refused: the listing starts again and is whole")
def page_token():
    with org(2600) as (emulator, mount):
        mount.list()
        body = json.dumps({"code": "EXPIRED_VALUE", "details": {"api_name": "page_token"}, "status": "error",
                           "message": "the page_token has expired"})
        emulator.faults({"match": "page_token=", "count": 1, "status": 400, "body": body})
        equal(len(mount.list("Leads")), 2600, "names")
        assert_well(emulator, mount, 2600)


@case("an answer of 300 MB is refused in bounded memory")
def huge():
    with org(300, limits={"deadline": 120}) as (emulator, mount):
        mount.list()
        number = emulator.ids("Leads")[0]
        before = mount.memory()
        emulator.faults({"match": SINGLE, "count": 1, "huge_mb": 300})
        fails(errno.EFBIG, mount.read, "Leads", f"{number}.json")
        emulator.faults({"match": LIST, "count": FOREVER, "huge_mb": 300})
        fails(errno.EFBIG, mount.list, "Leads")
        emulator.faults()
        grown = (mount.memory() - before) >> 20
        check(is_sanitized(harness.zohofs) or grown < 150, f"the daemon grew by {grown} MB")
        assert_well(emulator, mount, 300)


@case("metadata that makes no sense gives an error, and later all is well")
def metadata():
    for path in "settings/modules", "settings/fields":
        for fault in ({"malformed": True}, {"status": 200, "body": '{"fields":17,"modules":17}'},
                      {"status": 200, "body": '{"fields":[null,{"api_name":"../x"}],"modules":[{"api_name":"a/b"}]}'}):
            with org(30, limits={"deadline": 8}) as (emulator, mount):
                emulator.faults({"match": f"/crm/v8/{path}", "count": FOREVER, **fault})
                try:
                    check(not [name for name in mount.list("Leads") if "/" in name], "names")
                except OSError as error:
                    check(error.errno in NONSENSE + (errno.ENOENT,), f"errno: {error}")
                emulator.faults()
                if path == "settings/fields":
                    continue
                tool("ls", mount.path)
                os.stat(mount.at("README.md"))


@case("credits that are spent give EDQUOT or wait")
def credits():
    with org(30, limits={"deadline": 8}) as (emulator, mount):
        mount.list()
        emulator.faults({"match": "/crm/v8/Leads", "count": FOREVER, "status": 429, "code": "TOO_MANY_REQUESTS"})
        try:
            mount.list("Leads")
        except OSError as error:
            check(error.errno in (errno.EDQUOT, errno.ETIMEDOUT), f"errno: {error}")
        else:
            raise AssertionError("a listing without credits")
        assert_well(emulator, mount, 30)


@case("a budget of our own gives EDQUOT")
def budget():
    with org(900, limits={"daily_credits": 4}) as (emulator, mount):
        fails(errno.EDQUOT, mount.list, "Leads")
        check(len(emulator.calls()) <= 4, f"the budget holds: {emulator.calls()}")


if __name__ == "__main__":
    main()
