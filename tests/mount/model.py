"""What a module's directory and the CRM must show after a sequence of calls, in the plainest way: which name is what,
who has it open, and which texts are owed. doc/saving.md has the rules.

The calls come one after the other. What happens by itself after a time (a record that was renamed away is back, a
delete goes out) may have happened or not: then both are allowed, and the answer tells."""
import errno
import json
import os
import re

SCRATCH, NEW, RECORD, NAMELESS = "scratch", "new", "record", "nameless"
THERE, AWAY, UNLINKED, GONE = "there", "away", "unlinked", "gone"
REFUSED = (errno.EINVAL, errno.EBUSY)


def parse(text):
    """The object that @text is; None when it is none."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


class Node:
    """A file as those know it who have it open. @commits: how often its text was tried to be saved."""

    def __init__(self, kind, number=None):
        self.kind, self.id, self.commits, self.refused = kind, number, 0, False

    def __repr__(self):
        return f"<{self.kind} {self.id or ''}>"


class Handle:
    def __init__(self, process, node):
        self.process, self.node = process, node
        self.wrote = None  # how often the node had been tried to be saved when this wrote last
        self.failed = 0    # what fsync has told, which close tells again

    def has_written(self):
        return self.wrote == self.node.commits


class Model:
    """@is_scratch: what tells names of local files."""

    def __init__(self, numbers, is_scratch):
        self.records = dict.fromkeys(numbers, THERE)
        self.nodes = {}    # of records that were opened, by id
        self.locals = {}   # scratch and new files, by name
        self.aliases = {}  # names under which records were made
        self.handles = {}
        self.is_scratch = is_scratch
        self.saves = self.creates = self.refusals = 0

    # ---- names ----

    def record_of(self, name):
        """The id of the record that @name means, whether it is there or not; None: none."""
        match = re.search(r"(?:^|\.)(\d{10,19})\.json$", name)
        number = self.aliases.get(name) or (match and match[1])
        return number if number and self.records.get(number, GONE) != GONE else None

    def exists(self, name):
        """None: it may be or not."""
        if name in self.locals:
            return True
        state = self.records.get(self.record_of(name))
        return None if state == AWAY else state == THERE

    def node_of(self, name):
        """The node of a name that is there."""
        if name in self.locals:
            return self.locals[name]
        number = self.record_of(name)
        self.records[number] = THERE
        return self.nodes.setdefault(number, Node(RECORD, number))

    def cut_off(self, name):
        """The name is taken from its node, which lives on for those who have it open."""
        node = self.locals.pop(name, None) or self.nodes.pop(self.record_of(name), None)
        if node:
            node.kind = NAMELESS

    def listed(self):
        """Local names; ids that must be listed; and ids that may be."""
        states = self.records.items()
        return (set(self.locals), {number for number, state in states if state == THERE},
                {number for number, state in states if state == AWAY})

    # ---- opening ----

    def open_errors(self, name, creates, exclusive):
        there = self.exists(name)
        errors = set()
        if there is not True and not creates:
            errors.add(errno.ENOENT)
        if there is not False and creates and exclusive:
            errors.add(errno.EEXIST)
        if there is None or not errors:
            errors.add(0)
        return errors

    def opened(self, process, handle, name):
        if not self.exists(name) and self.record_of(name) is None:
            self.aliases.pop(name, None)
            self.locals[name] = Node(SCRATCH if self.is_scratch(name) else NEW)
        self.handles[handle] = Handle(process, self.node_of(name))

    # ---- texts ----

    def wrote(self, handle):
        one = self.handles[handle]
        one.wrote = one.node.commits

    def text_errors(self, node, text):
        """What a save of @text as @node answers."""
        value = parse(text)
        if node.kind in (SCRATCH, NAMELESS) or not text:
            return {0}
        if value is None or (node.kind == RECORD and value.get("id", node.id) != node.id):
            return {errno.EINVAL}
        if node.kind == NEW:
            return {0} if value.get("Last_Name") else {errno.EINVAL}
        return {0, errno.EBUSY}

    def commit_errors(self, handle, text):
        """Of close and fsync; @text: what the handle reads."""
        one = self.handles[handle]
        if one.has_written():
            return self.text_errors(one.node, text)
        return {0} | ({errno.EINVAL} if one.node.refused else set())

    def sync_errors(self, handle, text):
        """Who wrote nothing saves what others wrote, once it is complete."""
        one = self.handles[handle]
        return self.text_errors(one.node, text) if self.is_sync(handle, text) else self.commit_errors(handle, text)

    def is_commit(self, handle, text):
        """Would its close save @text?"""
        one = self.handles[handle]
        return bool(one.has_written() and one.node.kind in (NEW, RECORD) and text)

    def is_sync(self, handle, text):
        """Would its fsync?"""
        node = self.handles[handle].node
        return self.is_commit(handle, text) or bool(self.is_dirty(node) and node.kind in (NEW, RECORD) and parse(text))

    def is_dirty(self, node):
        return any(one.node is node and one.has_written() for one in self.handles.values())

    def committed(self, node, error, made):
        """@made: the id of a record that has appeared."""
        node.commits += 1
        node.refused = error in REFUSED and node.kind == NEW
        self.refusals += error != 0
        if error == 0 and node.kind == NEW:
            self.become(node, made)
        self.saves += error == 0

    def become(self, node, made):
        for name in [name for name, other in self.locals.items() if other is node]:
            del self.locals[name]
            self.aliases[name] = made
        node.kind, node.id = RECORD, made
        self.records[made], self.nodes[made] = THERE, node
        self.creates += 1

    def synced(self, handle, error):
        self.handles[handle].failed = error

    def close_errors(self, handle, text):
        one = self.handles[handle]
        if one.failed and not one.has_written():
            return {one.failed}
        return self.commit_errors(handle, text)

    def closed(self, handle):
        del self.handles[handle]

    # ---- unlinking and renaming ----

    def unlink_errors(self, name):
        return {True: {0}, False: {errno.ENOENT}, None: {0, errno.ENOENT}}[self.exists(name)]

    def unlinked(self, name):
        number = None if name in self.locals else self.record_of(name)
        self.cut_off(name)
        if number:
            self.records[number] = UNLINKED

    def rename_errors(self, old, new, text):
        """@text: what is in @old; None when it could not be read."""
        if self.exists(old) is False:
            return {errno.ENOENT}
        maybe = set() if self.exists(old) else {errno.ENOENT}
        from_record, onto = old not in self.locals, None if new in self.locals else self.record_of(new)
        if old == new or (from_record and self.record_of(old) == onto):
            return {0} | maybe
        if self.is_scratch(new):
            return {0} | maybe
        if from_record:
            return {errno.EPERM} | maybe
        if onto:
            return self.text_errors(Node(RECORD, onto), text) if text else {errno.EINVAL}
        return {0} if self.locals[old].kind == NEW else self.text_errors(Node(NEW), text)

    def is_rename_commit(self, old, new, text):
        if old == new or old not in self.locals or self.is_scratch(new) or not text:
            return False
        onto = None if new in self.locals else self.record_of(new)
        return bool(onto) or self.locals[old].kind == SCRATCH

    def rename_refused(self, old, new):
        """A record that was to be deleted is back all the same."""
        onto = None if new in self.locals else self.record_of(new)
        if onto:
            self.records[onto] = THERE
        self.locals[old].commits += 1
        self.refusals += 1

    def renamed(self, old, new, made):
        """It was done."""
        onto = None if new in self.locals else self.record_of(new)
        from_record = old not in self.locals
        if old == new or (from_record and self.record_of(old) == onto):
            return
        number = self.record_of(old)
        node = self.node_of(old)
        self.cut_off(new)
        if from_record:
            self.nodes.pop(number)
            self.records[number] = AWAY
        else:
            del self.locals[old]
        self.place(node, new, onto, made)

    def place(self, node, name, onto, made):
        """@node gets the name @name, which means the record @onto."""
        if self.is_scratch(name):
            node.kind, node.id = SCRATCH, None
            self.locals[name] = node
        elif onto:
            node.kind, node.id = RECORD, onto
            self.nodes[onto], self.records[onto] = node, THERE
            node.commits += 1
            self.saves += 1
        else:
            self.aliases.pop(name, None)
            node.kind = NEW
            self.locals[name] = node
            if made:
                node.commits += 1
                self.become(node, made)


def draft_texts(state):
    """All texts that are in the drafts of the state folder @state."""
    texts = []
    for path, folders, names in os.walk(os.path.join(state, "drafts")):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            with open(os.path.join(path, name), encoding="utf-8", errors="replace") as file:
                texts.append(file.read())
    return "\n".join(texts)
