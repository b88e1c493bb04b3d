"""Tasks, meetings and calls: what only they have is read and written as the API wants it."""
import errno
import json

import crm
from harness import Emulator, Mount, case, check, equal, main
from saving import attempt, changed, document, errors, name_of, one_put, record, save, text_of

RECORDS = "Tasks=4,Events=4,Calls=4,Contacts=3,Deals=3,Leads=3"
ALARM = {"ALARM": "FREQ=NONE;ACTION=EMAIL;TRIGGER=DATE-TIME:2026-07-04T10:00:00+00:00"}
RULE = {"RRULE": "FREQ=WEEKLY;INTERVAL=1;UNTIL=2026-06-01;DTSTART=2026-03-02"}
GUESTS = [{"type": "email", "participant": "jo@example.com"}]


def plain(value):
    """With numbers as Python has them."""
    return json.loads(crm.canonical(value))


def first(emulator, mount, module):
    number = emulator.ids(module)[0]
    return number, name_of(mount, module, number)


def put(emulator, mount, module, what, **fields):
    """Saves, and checks that just these fields go out. Returns the record as the CRM has it."""
    number, name = first(emulator, mount, module)
    mark = emulator.mark()
    save(mount.at(module, name), changed(mount, module, name, **fields))
    one_put(emulator, mark, set(fields), what)
    return plain(record(emulator, module, number))


@case("reminders and recurrences of tasks")
def tasks():
    with Emulator(RECORDS) as emulator, Mount(emulator) as mount:
        equal(put(emulator, mount, "Tasks", "a reminder", Remind_At=ALARM)["Remind_At"], ALARM, "Remind_At")
        equal(put(emulator, mount, "Tasks", "a rule", Recurring_Activity=RULE)["Recurring_Activity"], RULE, "the rule")
        _, name = first(emulator, mount, "Tasks")
        equal(document(mount, "Tasks", name)["Remind_At"], ALARM, "as it is read")
        equal(put(emulator, mount, "Tasks", "none any more", Remind_At=None)["Remind_At"], None, "Remind_At")


@case("participants and reminders of meetings; what the server adds is no change and is not sent")
def events():
    with Emulator(RECORDS) as emulator, Mount(emulator) as mount:
        number, name = first(emulator, mount, "Events")
        user = json.loads(mount.read("Users", mount.list("Users")[0]))["id"]
        guests = GUESTS + [{"type": "user", "participant": user}]
        equal(put(emulator, mount, "Events", "guests", Participants=guests)["Participants"], guests, "Participants")
        reminders = [{"unit": 15, "period": "minutes"}, {"unit": 1, "period": "days"}]
        equal(put(emulator, mount, "Events", "reminders", Remind_At=reminders)["Remind_At"], reminders, "Remind_At")
        mark = emulator.mark()
        told = [dict(guest, name="Jo", invited=True, status="accepted") for guest in reversed(guests)]
        save(mount.at("Events", name), changed(mount, "Events", name, Participants=told))
        equal(emulator.calls("PUT", since=mark), [], "PUTs for what is the same")
        put(emulator, mount, "Events", "one guest less", Participants=told[1:])
        equal(record(emulator, "Events", number)["Participants"], GUESTS, "without what the server adds")


@case("What_Id goes with its module, from $se_module or from within")
def what_id():
    with Emulator(RECORDS) as emulator, Mount(emulator) as mount:
        deal, contact = emulator.ids("Deals")[0], emulator.ids("Contacts")[0]
        for module in "Tasks", "Events", "Calls":
            number, name = first(emulator, mount, module)
            save(mount.at(module, name), changed(mount, module, name, What_Id={"id": deal}, **{"$se_module": "Deals"}))
            now = record(emulator, module, number)
            equal((now["What_Id"]["id"], now["$se_module"]), (deal, "Deals"), module)
            equal(document(mount, module, name)["$se_module"], "Deals", "as it is read")
            save(mount.at(module, name), changed(mount, module, name, Who_Id={"id": contact}))
            equal(record(emulator, module, number)["Who_Id"]["id"], contact, "Who_Id")


@case("each is made and deleted as any record, and listed by its subject or title")
def made():
    with Emulator(RECORDS) as emulator, Mount(emulator) as mount:
        times = {"Start_DateTime": "2026-03-02T10:00:00+00:00", "End_DateTime": "2026-03-02T11:00:00+00:00"}
        for module, fields in (("Tasks", {"Subject": "Call back", "Remind_At": ALARM, "Recurring_Activity": RULE}),
                               ("Events", {"Event_Title": "Kick-off", "Participants": GUESTS, **times}),
                               ("Calls", {"Subject": "Offer", "Call_Type": "Outbound", "Call_Duration": "00:10",
                                          "Call_Start_Time": "2026-03-02T10:00:00+00:00"})):
            before = set(emulator.ids(module))
            mark = emulator.mark()
            save(mount.at(module, "new.json"), text_of(fields))
            equal(len(emulator.calls("POST", f"/crm/v8/{module}", mark)), 1, "POSTs")
            number, = set(emulator.ids(module)) - before
            now = record(emulator, module, number)
            for key, value in fields.items():
                equal(now[key], value, f"{module}.{key}")
            label = fields.get("Subject", fields.get("Event_Title")).replace(" ", "_")
            check(f"{label}.{number}.json" in mount.list(module), "its name")


@case("what is no reminder, rule, participant, duration or end is refused, before the wire where it can be")
def refused():
    with Emulator(RECORDS) as emulator, Mount(emulator) as mount:
        bad = (("Tasks", {"Remind_At": "tomorrow"}), ("Tasks", {"Remind_At": {"ALARM": "tomorrow"}}),
               ("Tasks", {"Remind_At": {"ALARM": "FREQ=NONE;ACTION=EMAIL"}}), ("Tasks", {"Remind_At": {"RRULE": "FREQ=DAILY"}}),
               ("Tasks", {"Recurring_Activity": {"RRULE": "INTERVAL=1"}}),
               ("Tasks", {"Recurring_Activity": {"RRULE": "FREQ=DAILY;" + "X=1;" * 80}}),
               ("Events", {"Participants": "jo"}), ("Events", {"Participants": [{"type": "email", "participant": "jo"}]}),
               ("Events", {"Participants": [{"type": "user", "participant": "jo"}]}),
               ("Events", {"Participants": [{"type": "crowd", "participant": "1"}]}), ("Events", {"Participants": GUESTS * 51}),
               ("Events", {"Remind_At": [{"unit": "soon", "period": "minutes"}]}), ("Events", {"Remind_At": [{"unit": 1}]}),
               ("Events", {"Remind_At": ALARM}))
        mark = emulator.mark()
        for module, fields in bad:
            _, name = first(emulator, mount, module)
            equal(attempt(mount.at(module, name), changed(mount, module, name, **fields)), ("close", errno.EINVAL), fields)
            equal(errors(mount)[-1]["field"].split("[")[0], next(iter(fields)), "the field")
        equal(emulator.calls("PUT", since=mark), [], "PUTs")
        for module, fields in (("Calls", {"Call_Duration": "00:00"}), ("Calls", {"Call_Duration": "long"}),
                               ("Events", {"End_DateTime": "1999-01-01T00:00:00+00:00"})):
            _, name = first(emulator, mount, module)
            equal(attempt(mount.at(module, name), changed(mount, module, name, **fields)), ("close", errno.EINVAL), fields)
            check(errors(mount)[-1]["message"], "the reason")


main()
