"""Notifications: channels, their expiry and limits, and what is sent when records change."""

import datetime
import queue

from cases_bulk import with_hook

WATCH = "/crm/v8/actions/watch"
CHANNEL = "1000000068001"


def in_seconds(seconds):
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    return (now + datetime.timedelta(seconds=seconds)).isoformat()


def instant(text):
    return datetime.datetime.fromisoformat(text)


def channel(**more):
    row = {"channel_id": CHANNEL, "events": ["Leads.all"], "notify_url": "https://hook.example/zoho?mount=a", **more}
    return {key: value for key, value in row.items() if value is not None}


def subscribe(api, method="POST", **more):
    answer = api.call(method, WATCH, {"watch": [channel(**more)]})
    assert answer.status == (201 if method == "POST" else 200), answer.body
    entry = answer.json["watch"][0]
    assert entry["code"] == "SUCCESS" and entry["status"] == "success", entry
    return entry["details"]["events"]


def shown(api):
    answer = api.call("GET", WATCH + "?channel_id=" + CHANNEL)
    return answer.json["watch"] if answer.status == 200 else []


def life(api, expiry):
    """How many seconds from now a channel with this channel_expiry lives."""
    events = subscribe(api, channel_expiry=expiry)
    return (instant(events[0]["channel_expiry"]) - datetime.datetime.now(datetime.timezone.utc)).total_seconds()


def subscribes(api):
    events = subscribe(api, events=["Leads.create", "Leads.edit", "Deals.all"], token="s3cr3t",
                       channel_expiry=in_seconds(3000))
    assert [event["resource_name"] for event in events] == ["Leads", "Deals"], events
    for event in events:
        assert event["channel_id"] == CHANNEL and event["resource_id"].isdigit(), event
        assert event["resource_uri"].endswith("/crm/v8/" + event["resource_name"]), event
    rows = shown(api)
    assert [row["resource_name"] for row in rows] == ["Leads", "Deals"], rows
    assert rows[0]["events"] == ["Leads.create", "Leads.edit"] and rows[1]["events"] == ["Deals.all"], rows
    assert rows[0]["token"] == "s3cr3t" and rows[0]["notify_url"] == "https://hook.example/zoho?mount=a", rows
    assert rows[0]["notify_on_related_action"] is True and rows[0]["return_affected_field_values"] is False, rows
    only = api.call("GET", WATCH + "?module=Deals").json
    assert [row["resource_name"] for row in only["watch"]] == ["Deals"], only
    assert only["info"] == {"per_page": 200, "count": 1, "page": 1, "more_records": False}, only
    page = api.call("GET", WATCH + "?per_page=1&page=2").json
    assert page["watch"][0]["resource_name"] == "Deals" and page["info"]["more_records"] is False, page


def expiry_rules(api):
    assert 3500 <= life(api, None) <= 3600, "none given: an hour"
    assert 6.9 * 86400 <= life(api, in_seconds(7 * 86400 - 60)) <= 7 * 86400, "just below a week"
    assert 3500 <= life(api, in_seconds(8 * 86400)) <= 3600, "beyond a week: an hour"


def expires(api):
    subscribe(api)
    assert len(shown(api)) == 1
    api.admin("settings", {"advance_s": 3700})
    api.token = None
    assert shown(api) == []
    answer = api.call("PUT", WATCH, {"watch": [channel()]})
    assert answer.status == 400 and answer.json["watch"][0]["code"] == "NOT_SUBSCRIBED", answer.body
    subscribe(api)
    assert len(shown(api)) == 1


def replaces(api):
    subscribe(api, token="old", channel_expiry=in_seconds(86400))
    subscribe(api, "PUT", events=["Deals.create"])
    (row,) = shown(api)
    assert row["events"] == ["Deals.create"] and row["token"] is None, row


def patches(api):
    subscribe(api, token="old", events=["Leads.create", "Leads.edit"])
    before = shown(api)[0]["channel_expiry"]
    subscribe(api, "PATCH", events=None, notify_url=None, token="new")
    (row,) = shown(api)
    assert row["token"] == "new" and row["events"] == ["Leads.create", "Leads.edit"], row
    assert row["channel_expiry"] == before, row
    subscribe(api, "PATCH", events=["Leads.edit"], notify_url=None, _delete_events=True)
    assert shown(api)[0]["events"] == ["Leads.create"]
    subscribe(api, "PATCH", events=["Leads.create"], notify_url=None, _delete_events=True)
    assert shown(api) == []


def unsubscribes(api):
    subscribe(api)
    subscribe(api, channel_id="1000000068002")
    answer = api.call("DELETE", WATCH + "?channel_ids=" + CHANNEL + ",42")
    assert answer.status == 207, answer.body
    good, bad = answer.json["watch"]
    assert good["code"] == "SUCCESS" and good["details"]["channel_id"] == CHANNEL, good
    assert bad["code"] == "NOT_SUBSCRIBED" and bad["status"] == "error", bad
    assert shown(api) == []
    assert len(api.call("GET", WATCH).json["watch"]) == 1


def partly(api):
    answer = api.call("POST", WATCH, {"watch": [channel(), channel(channel_id="1000000068002", events=["Nope.all"])]})
    assert answer.status == 207, answer.body
    assert [entry["code"] for entry in answer.json["watch"]] == ["SUCCESS", "INVALID_DATA"], answer.json
    assert answer.json["watch"][1]["details"]["json_path"] == "$.watch[1].events[0]", answer.json


def channel_limit(api):
    for number in (1, 2):
        subscribe(api, channel_id=str(number))
    answer = api.call("POST", WATCH, {"watch": [channel(channel_id="3")]})
    assert answer.status == 400 and answer.json["watch"][0]["code"] == "LIMIT_REACHED", answer.body
    subscribe(api, channel_id="2")


def lead(api, **fields):
    made = api.call("POST", "/crm/v8/Leads", {"data": [{"Last_Name": "Watched", "Company": "Watch", **fields}],
                                              "trigger": []})
    assert made.status == 201, made.body
    return made.json["data"][0]["details"]["id"]


def edit(api, record, **fields):
    saved = api.call("PUT", "/crm/v8/Leads/" + record, {"data": [fields], "trigger": []})
    assert saved.status == 200, saved.body


def tells_of_changes(api):
    def use(url, got):
        subscribe(api, notify_url=url + "?mount=a&note=b%20c", token="s3cr3t", return_affected_field_values=True)
        record = lead(api)
        edit(api, record, Mobile="123")
        assert api.call("DELETE", "/crm/v8/Leads/" + record).status == 200
        inserted, updated, deleted = (got.get(timeout=60) for _ in range(3))
        assert [each["operation"] for each in (inserted, updated, deleted)] == ["insert", "update", "delete"]
        for each in (inserted, updated, deleted):
            assert each["module"] == "Leads" and each["ids"] == [record] and each["channel_id"] == CHANNEL, each
            assert each["token"] == "s3cr3t" and each["query_params"] == {"mount": "a", "note": "b c"}, each
            assert each["resource_uri"].endswith("/crm/v8/Leads"), each
            assert each["server_time"] > 10 ** 12, each
        assert "Mobile" in updated["affected_fields"][0][record], updated
        values = updated["affected_values"][0]
        assert values["record_id"] == record and values["values"]["Mobile"] == "123", values

    with_hook(use)


def only_what_was_asked(api):
    def use(url, got):
        subscribe(api, notify_url=url, events=["Leads.edit"])
        record = lead(api)
        api.call("POST", "/crm/v8/Accounts", {"data": [{"Account_Name": "Not watched"}]})
        edit(api, record, Mobile="1")
        first = got.get(timeout=60)
        assert first["operation"] == "update" and first["ids"] == [record], first
        assert "affected_values" not in first and first["query_params"] == {}, first
        assert api.call("DELETE", WATCH + "?channel_ids=" + CHANNEL).status == 200
        subscribe(api, notify_url=url, channel_id="5", events=["Leads.delete"])
        edit(api, record, Mobile="2")
        api.call("DELETE", "/crm/v8/Leads/" + record)
        second = got.get(timeout=60)
        assert second["operation"] == "delete" and second["channel_id"] == "5", second

    with_hook(use)


def conditions(operator):
    return [{"type": "field_selection", "module": {"api_name": "Leads"}, "field_selection": {
        "group_operator": operator, "group": [{"field": {"api_name": "Mobile"}}, {"field": {"api_name": "Phone"}}]}}]


def conditions_sift(api):
    def use(url, got):
        record = lead(api)
        subscribe(api, notify_url=url, notification_condition=conditions("or"))
        edit(api, record, Company="Elsewhere")
        edit(api, record, Phone="1")
        assert "Phone" in got.get(timeout=60)["affected_fields"][0][record]
        subscribe(api, notify_url=url, notification_condition=conditions("and"))
        edit(api, record, Phone="2")
        edit(api, record, Phone="3", Mobile="3")
        assert {"Phone", "Mobile"} <= set(got.get(timeout=60)["affected_fields"][0][record])
        api.call("DELETE", "/crm/v8/Leads/" + record)
        assert got.get(timeout=60)["operation"] == "delete"
        try:
            raise AssertionError(got.get_nowait())
        except queue.Empty:
            pass

    with_hook(use)


def flow(name, run, **more):
    return {"name": "watch: " + name, "run": run, **more}


def refused(name, code, row, key=None, method="POST", **more):
    details = {} if key is None else {"api_name": key, "json_path": "$.watch[0]." + key}
    return {"name": "watch: refused: " + name, "method": method, "path": WATCH, "json": {"watch": [row]},
            "expect_status": 400, "expect": {"watch": [{"code": code, "status": "error", "details": details}]}, **more}


CASES = [
    flow("subscribing and looking", subscribes),
    flow("how long a channel lives", expiry_rules),
    flow("a channel ends", expires),
    flow("PUT replaces", replaces),
    flow("PATCH changes parts, and deletes events", patches),
    flow("DELETE", unsubscribes),
    flow("one good, one bad: 207", partly),
    flow("so many channels and no more", channel_limit, settings={"watch_channels": 2}),
    flow("insert, update, delete are told", tells_of_changes),
    flow("only what was subscribed is told", only_what_was_asked),
    flow("conditions sift edits", conditions_sift),
    {"name": "watch: none", "path": WATCH, "expect_status": 204},
    {"name": "watch: an unknown channel", "path": WATCH + "?channel_id=42", "expect_status": 204},
    {"name": "watch: an unknown module", "path": WATCH + "?module=Nope", "expect_status": 400,
     "expect": {"code": "INVALID_MODULE"}},
    {"name": "watch: DELETE without channels", "method": "DELETE", "path": WATCH, "expect_status": 400,
     "expect": {"code": "REQUIRED_PARAM_MISSING", "details": {"param_name": "channel_ids"}}},
    {"name": "watch: DELETE of an unknown channel", "method": "DELETE", "path": WATCH + "?channel_ids=42",
     "expect_status": 400, "expect": {"watch": [{"code": "NOT_SUBSCRIBED"}]}},
    {"name": "watch: no watch at all", "method": "POST", "path": WATCH, "json": {}, "expect_status": 400,
     "expect": {"code": "MANDATORY_NOT_FOUND", "details": {"api_name": "watch"}}},
    {"name": "watch: 51 channels", "method": "POST", "path": WATCH, "json": {"watch": [channel()] * 51},
     "expect_status": 400, "expect": {"code": "INVALID_DATA", "details": {"maximum_length": 50, "api_name": "watch"}}},
    refused("no channel_id", "MANDATORY_NOT_FOUND", channel(channel_id=None), "channel_id"),
    refused("a channel_id that is no number", "INVALID_DATA", channel(channel_id="abc"), "channel_id"),
    refused("no events", "MANDATORY_NOT_FOUND", channel(events=None), "events"),
    refused("events that are no list", "INVALID_DATA", channel(events="Leads.all"), "events"),
    refused("51 events", "INVALID_DATA", channel(events=["Leads.all"] * 51), "events"),
    refused("an unknown verb", "INVALID_DATA", channel(events=["Leads.update"]), "events[0]"),
    refused("notes", "INVALID_DATA", channel(events=["Notes.all"]), "events[0]"),
    refused("no notify_url", "MANDATORY_NOT_FOUND", channel(notify_url=None), "notify_url"),
    refused("a notify_url that is none", "INVALID_DATA", channel(notify_url="nope"), "notify_url"),
    refused("a notify_url of 256 characters", "INVALID_DATA",
            channel(notify_url="https://hook.example/" + "x" * 235), "notify_url"),
    refused("plain http to elsewhere", "INVALID_DATA", channel(notify_url="http://hook.example/"), "notify_url"),
    refused("a token of 51 characters", "INVALID_DATA", channel(token="x" * 51), "token"),
    refused("milliseconds", "INVALID_DATA", channel(channel_expiry="2099-01-01T00:00:00.000+00:00"), "channel_expiry"),
    refused("an expiry in the past", "INVALID_DATA", channel(channel_expiry="2020-01-01T00:00:00+00:00"),
            "channel_expiry"),
    refused("a flag that is none", "INVALID_DATA", channel(return_affected_field_values="yes"),
            "return_affected_field_values"),
    refused("a condition on an unknown field", "INVALID_DATA", channel(notification_condition=[
        {"type": "field_selection", "module": {"api_name": "Leads"},
         "field_selection": {"field": {"api_name": "Nope"}}}]), "notification_condition"),
    refused("a condition on 11 fields", "INVALID_DATA", channel(notification_condition=[
        {"type": "field_selection", "module": {"api_name": "Leads"}, "field_selection": {
            "group_operator": "or", "group": [{"field": {"api_name": "Phone"}}] * 11}}]), "notification_condition"),
    refused("an unknown key", "INVALID_DATA", channel(nope=1), "nope"),
    refused("PUT of an unknown channel", "NOT_SUBSCRIBED", channel(), method="PUT"),
    refused("PATCH of an unknown channel", "NOT_SUBSCRIBED", channel(), method="PATCH"),
]
