"""The programs that people change a record's file with, each as itself: one row of PROGRAMS says how it is started and
told to change one field (FIELD); those with a window run in a real terminal.

A program is a context manager that is given a Job and gives a function which makes the program save one value. What
runs once for each save is told by @command, what stays open between saves by @session."""
import contextlib
import difflib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

from harness import PATIENCE, Skip, check, end_process, equal, wait_until

# Said by editors when the file is not as they left it, or when they could not save.
COMPLAINTS = re.compile(r"WARNING|changed since|has changed|changed on disk|is newer|modified by another|Error writing|"
                        r"\bE\d{2,4}:|[Cc]ould ?n.t write", re.MULTILINE)
PROGRAMS = []
FIELD = "Phone"  # a text; another key follows it


class Program:
    """How one program changes a file. @long: it is left out of the short form."""

    def __init__(self, title, needs, long, session):
        self.title, self.needs, self.long, self.session = title, needs, long, session

    def open(self, job):
        for name in self.needs.split():
            if shutil.which(name) is None:
                raise Skip(f"there is no {name} here")
        return self.session(job)


class Job:
    """A file to change, and a folder outside of its own for the program's configuration and for new texts."""

    def __init__(self, path, outside):
        self.path, self.outside = path, outside
        self.folder, self.name = os.path.split(path)
        self.home = os.path.join(outside, "home")
        os.makedirs(self.home, exist_ok=True)
        self.environment = dict(os.environ, HOME=self.home, LC_ALL="C.UTF-8", GIT_LITERAL_PATHSPECS="1", FIELD=FIELD)
        for name in "XDG_CONFIG_HOME", "VIMINIT", "EXINIT", "RUBYOPT", "PYTHONPATH", "TMUX", "GIT_DIR":
            self.environment.pop(name, None)

    def text(self):
        with open(self.path, encoding="utf-8", newline="") as file:
            return file.read()

    def edited(self, value):
        return re.sub(f'(?m)^  "{FIELD}": .*$', lambda _: line_of(value), self.text())

    def prepare(self, value, folder="new"):
        """Puts the new text into a file of the same name outside. Returns its path."""
        path = os.path.join(self.outside, folder, self.name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        text = self.edited(value)
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        return path

    def line_number(self):
        return 1 + next(number for number, line in enumerate(self.text().split("\n")) if line.startswith(f'  "{FIELD}": '))

    def run(self, *arguments, stdin=None, folder=None):
        """Runs a program to its end, which must be a good and silent one. Returns its output."""
        done = subprocess.run(arguments, input=stdin, stdin=None if stdin is not None else subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=2 * PATIENCE, check=False,
                              env=self.environment, cwd=folder or self.outside, encoding="utf-8")
        equal((done.returncode, done.stderr), (0, ""), f"end and complaints of {arguments[0]}")
        return done.stdout

    def shell(self, script, *arguments):
        """@script knows the file as $1 and @arguments as $2 and so on."""
        return self.run("bash", "-c", f"set -e -o pipefail; {script}", "bash", self.path, *arguments)


def line_of(value):
    return f'  "{FIELD}": "{value}",'


def command(title, needs, long=False):
    """Registers what is started anew for each save: a function of job and value."""
    def add(function):
        @contextlib.contextmanager
        def session(job):
            yield lambda value: function(job, value)
        PROGRAMS.append(Program(title, needs, long, session))
        return function
    return add


def session(title, needs, *options, long=False):
    """Registers what stays open: a context manager of job and @options."""
    def add(function):
        PROGRAMS.append(Program(title, needs, long, lambda job: function(job, *options)))
        return function
    return add


# ---- a terminal ------------------------------------------------------------------------------------------------------

class Terminal:
    """A program in a terminal of its own, kept by a tmux that nobody else knows. `with` ends both."""

    def __init__(self, job, *arguments):
        if shutil.which("tmux") is None:
            raise Skip("there is no tmux here")
        if os.path.realpath(job.path).startswith(os.path.join(tempfile.gettempdir(), "")):
            raise Skip("editors make no backups below /tmp: build elsewhere")
        self.job = job
        self.folder = tempfile.mkdtemp(prefix="terminal-")  # the name of a socket must be short
        with open(f"{self.folder}/conf", "w", encoding="utf-8") as file:
            file.write("set -g remain-on-exit on\nset -g escape-time 0\nset -g status off\n")
        self.tmux("new-session", "-d", "-x", "160", "-y", "80", "-c", job.outside,
                  "sh", "-c", '"$@"; echo $? > "$0"', f"{self.folder}/status", *arguments)

    def tmux(self, *arguments):
        return self.job.run("tmux", "-u", "-S", f"{self.folder}/socket", "-f", f"{self.folder}/conf", *arguments)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        with contextlib.suppress(AssertionError):
            self.tmux("kill-server")
        shutil.rmtree(self.folder, ignore_errors=True)

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def keys(self, *names):
        """Presses keys as tmux names them."""
        self.tmux("send-keys", *names)

    def type(self, text):
        self.tmux("send-keys", "-l", text)

    def wait(self, wanted, absent=False, complaints=COMPLAINTS):
        """Until the regular expression @wanted is on the screen, or is not any more. Returns the screen."""
        screen = ""

        def shown():
            nonlocal screen
            screen = self.screen()
            bad = complaints.search(screen) if complaints else None
            check(not bad, f"the editor says {bad and bad[0]!r}:\n{screen.rstrip()}")
            return (re.search(wanted, screen) is None) == absent
        try:
            wait_until(shown, f"{wanted!r} on the screen", PATIENCE)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{screen.rstrip()}") from error
        return screen

    def wait_end(self):
        """Until the program has ended, as it should."""
        def ended():
            with contextlib.suppress(OSError), open(f"{self.folder}/status", encoding="utf-8") as file:
                return file.read().strip()
        equal(wait_until(ended, "the editor to end"), "0", "the editor's exit status")


class Vim(Terminal):
    """A running vim. @settings: commands once the file is open."""

    def __init__(self, job, *settings):
        super().__init__(job, "vim", *(word for one in settings for word in ("-c", one)), "--", job.path)
        self.echoes = 0

    def __enter__(self):
        try:
            self.wait(r'"id": ')
        except BaseException:
            self.end()
            raise
        return self

    def command(self, text):
        self.type(f":{text}")
        self.keys("Enter")

    def settle(self, complaints=COMPLAINTS):
        """Until all that was typed is done, and its message has gone from the screen."""
        self.echoes += 1
        self.command(f'echo "ready-" . {self.echoes}')
        self.wait(rf"(?m)^ready-{self.echoes}\b", complaints=complaints)

    def write(self):
        self.command("w")
        self.wait(r"\d+B written\b")
        self.settle()

    def refused(self):
        """A save that fails."""
        self.command("w")
        self.wait(r"\bE\d{2,4}:", complaints=None)
        self.keys("Enter")
        self.settle(complaints=None)
        self.settle()

    def set(self, value):
        self.command(f'%s/"{FIELD}": .*/"{FIELD}": "{value}",/')

    def save(self, value):
        self.set(value)
        self.write()

    def quit(self):
        self.command("q")
        self.wait_end()


# ---- editors ---------------------------------------------------------------------------------------------------------

@session("vim", "vim")
@session("vim -u NONE", "vim", "set nocompatible", "source $VIMRUNTIME/plugin/matchparen.vim", long=True)
@session("vim, backupcopy=yes", "vim", "set backupcopy=yes")
@session("vim, backupcopy=no", "vim", "set backupcopy=no", long=True)
@session("vim, nowritebackup", "vim", "set nowritebackup")
@session("vim, backup", "vim", "set backup", long=True)
@session("vim, nofsync", "vim", "set nofsync", long=True)
@contextlib.contextmanager
def vim(job, *settings):
    with Vim(job, *settings) as editor:
        yield editor.save
        editor.quit()


NANO_MODIFIED = r"\A.*(?: \*|\bModified) *\n"  # in its first line


@session("nano", "nano")
@session("nano -B", "nano", "-B")
@session("nano -G", "nano", "-G", long=True)
@contextlib.contextmanager
def nano(job, *options):
    with Terminal(job, "nano", *options, f"+{job.line_number()}", job.path) as editor:
        def save(value):
            editor.wait(r"GNU nano")
            editor.keys("C-k")
            editor.type(line_of(value))
            editor.keys("Enter", "Up")
            editor.wait(re.escape(value))
            editor.wait(NANO_MODIFIED)
            editor.keys("C-s")
            editor.wait(r"\bWrote \d+ lines\b")
            editor.wait(NANO_MODIFIED, absent=True)
        yield save
        editor.keys("C-x")
        editor.wait_end()


@session("emacs", "emacs", "(setq create-lockfiles t)")
@session("emacs, backup-by-copying", "emacs", "(setq backup-by-copying t)", long=True)
@session("emacs, no backup and no lock", "emacs", "(setq make-backup-files nil create-lockfiles nil)", long=True)
@session("emacs, write-region-inhibit-fsync nil", "emacs", "(setq write-region-inhibit-fsync nil)", long=True)
@contextlib.contextmanager
def emacs(job, *settings):
    words = [word for one in settings for word in ("--eval", one)]
    with Terminal(job, "emacs", "-nw", *words, f"+{job.line_number()}", job.path) as editor:
        def save(value):
            editor.keys("C-a", "C-k")
            editor.type(line_of(value))
            editor.wait(re.escape(value))
            equal(os.path.islink(os.path.join(job.folder, f".#{job.name}")), "lockfiles nil" not in settings[-1],
                  "the file is locked")
            editor.keys("C-x", "C-s")
            editor.wait(r"(?m)^Wrote ")
        editor.wait(r"(?m)^-UU")
        yield save
        editor.keys("C-x", "C-c")
        editor.wait_end()


@session("micro", "micro")
@contextlib.contextmanager
def micro(job):
    with Terminal(job, "micro", job.path) as editor:
        def save(value):
            editor.keys("C-e")
            editor.wait(r"(?m)^>\s*$")
            editor.type(f"replaceall '\"{FIELD}\": .*' '\"{FIELD}\": \"{value}\",'")
            editor.keys("Enter")
            editor.wait(r"Replaced 1 occurrence")
            editor.keys("C-s")
            editor.wait(r"(?m)^Saved ")
        editor.wait(r'"id": ')
        yield save
        editor.keys("C-q")
        editor.wait_end()


@session("joe", "joe")
@contextlib.contextmanager
def joe(job):
    with Terminal(job, "joe", f"+{job.line_number()}", job.path) as editor:
        def save(value):
            editor.keys("C-y")
            editor.type(line_of(value))
            editor.keys("Enter", "Up", "Home")
            editor.wait(re.escape(value))
            editor.keys("C-k", "d")
            editor.wait(r"Name of file to save")
            editor.keys("Enter")
            editor.wait(r"File .* saved")
        editor.wait(f'"{FIELD}": ')
        yield save
        editor.keys("C-c")
        editor.wait_end()


@command("ed", "ed")
def ed(job, value):
    job.run("ed", "-s", job.path, stdin=f'/"{FIELD}"/c\n{line_of(value)}\n.\nw\nq\n')


@command("ex", "vim", long=True)
def ex(job, value):
    job.run("vim", "-e", "-s", "-c", f'%s/"{FIELD}": .*/"{FIELD}": "{value}",/', "-c", "wq", "--", job.path)


# ---- in place, by a program ------------------------------------------------------------------------------------------

def substitution(value):
    return f's/"{FIELD}": .*/"{FIELD}": "{value}",/'


@command("sed -i", "sed")
def sed(job, value):
    job.run("sed", "-i", substitution(value), job.path)


@command("sed -i.bak", "sed")
def sed_backup(job, value):
    job.run("sed", "-i.bak", substitution(value), job.path)


@command("perl -pi", "perl")
def perl(job, value):
    job.run("perl", "-pi", "-e", substitution(value), job.path)


@command("perl -pi.bak", "perl")
def perl_backup(job, value):
    job.run("perl", "-pi.bak", "-e", substitution(value), job.path)


@command("ruby -i", "ruby")
def ruby(job, value):
    job.run("ruby", "-i", "-pe", f'$_.sub!(/"{FIELD}": .*/, %q("{FIELD}": "{value}",))', job.path)


@command("ruby -i.bak", "ruby", long=True)
def ruby_backup(job, value):
    job.run("ruby", "-i.bak", "-pe", f'$_.sub!(/"{FIELD}": .*/, %q("{FIELD}": "{value}",))', job.path)


PYTHON_START = """
import json, os, sys
path, value = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    record = json.load(file)
record[os.environ["FIELD"]] = value
"""


def python(job, value, script):
    job.run(sys.executable, "-c", PYTHON_START + script, job.path, value)


@command("python: open and write", "")
def python_write(job, value):
    python(job, value, """
text = json.dumps(record, indent=2, ensure_ascii=False)
with open(path, "w", encoding="utf-8") as file:
    file.write(text)
""")


@command("python: json.dump in small pieces", "")
def python_dump(job, value):
    python(job, value, """
with open(path, "w", buffering=64, encoding="utf-8") as file:
    json.dump(record, file, indent=4)
""")


@command("python: json.dump, never closed", "", long=True)
def python_leave(job, value):
    python(job, value, """
file = open(path, "w", encoding="utf-8")
json.dump(record, file, indent=4)
file.flush()
os._exit(0)
""")


@command("python: r+, write and truncate", "")
def python_update(job, value):
    python(job, value, """
with open(path, "r+", encoding="utf-8") as file:
    json.dump(record, file)
    file.truncate()
""")


@command("python: os.replace", "")
def python_replace(job, value):
    python(job, value, """
with open(path + ".tmp", "w", encoding="utf-8") as file:
    json.dump(record, file, indent=2)
    file.flush()
    os.fsync(file.fileno())
os.replace(path + ".tmp", path)
""")


@command("python: tempfile and os.replace", "", long=True)
def python_tempfile(job, value):
    python(job, value, """
import tempfile
with tempfile.NamedTemporaryFile("w", dir=os.path.dirname(path), delete=False, encoding="utf-8") as file:
    json.dump(record, file, indent=2)
os.replace(file.name, path)
""")


NODE = """
const fs = require("fs");
const [path, value] = process.argv.slice(1);
const record = JSON.parse(fs.readFileSync(path, "utf8"));
record[process.env.FIELD] = value;
"""


@command("node: fs.writeFile", "node")
def node(job, value):
    job.run("node", "-e", NODE + """
fs.writeFile(path, JSON.stringify(record, null, 2), error => { if (error) throw error; });
""", job.path, value)


@command("node: write-file-atomic", "node", long=True)
def node_atomic(job, value):
    job.run("node", "-e", NODE + """
const file = fs.openSync(`${path}.${process.pid}${Date.now()}.tmp`, "wx", 0o644);
const name = fs.readlinkSync(`/proc/self/fd/${file}`);
fs.writeSync(file, JSON.stringify(record));
fs.fsyncSync(file);
fs.closeSync(file);
fs.renameSync(name, path);
""", job.path, value)


# What Visual Studio Code does, which stays open and compares time and size before it saves. A line of input is a value.
CODE = """
import os, re, sys
path, atomic = sys.argv[1], sys.argv[2] == "atomic"

def about():
    status = os.stat(path)
    return status.st_mtime_ns, status.st_size

def write(name, text, flags):
    file = os.open(name, os.O_WRONLY | flags, 0o666)
    os.write(file, text)
    os.fdatasync(file)
    os.close(file)

with open(path, "rb") as file:
    text = file.read()
known, field = about(), os.environ["FIELD"].encode()
print("open", flush=True)
for value in sys.stdin:
    text = re.sub(b'"%s": .*' % field, b'"%s": "%s",' % (field, value.strip().encode()), text)
    if about() != known:
        sys.exit("The content of the file is newer.")
    if atomic:
        write(path + ".vsctmp", text, os.O_CREAT | os.O_TRUNC)
        os.rename(path + ".vsctmp", path)
    else:
        write(path, text, os.O_TRUNC)
    known = about()
    print("saved", flush=True)
"""


@session("Visual Studio Code's calls", "", "plain")
@session("Visual Studio Code's calls, atomic", "", "atomic")
@contextlib.contextmanager
def code(job, way):
    process = subprocess.Popen([sys.executable, "-c", CODE, job.path, way], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", env=job.environment)

    def hear(wanted):
        said = process.stdout.readline()
        equal(said, wanted, f"said by the editor, besides {'' if said else process.stderr.read()!r}")

    def save(value):
        process.stdin.write(f"{value}\n")
        process.stdin.flush()
        hear("saved\n")
    try:
        hear("open\n")
        yield save
        process.stdin.close()
        equal(process.wait(timeout=PATIENCE), 0, "exit status")
    finally:
        end_process(process)
        for pipe in process.stdin, process.stdout, process.stderr:
            with contextlib.suppress(OSError):
                pipe.close()


# ---- the shell and its tools -----------------------------------------------------------------------------------------

@command("jq to a temporary file, then mv", "jq")
def jq(job, value):
    job.shell(f'jq --arg value "$2" ".{FIELD} = \\$value" "$1" > "$1.tmp"; mv "$1.tmp" "$1"', value)


@command("jq to a file outside, then mv", "jq", long=True)
def jq_outside(job, value):
    job.shell(f'jq --arg value "$2" ".{FIELD} = \\$value" "$1" > jq-output; mv jq-output "$1"', value)


@command("sed | sponge", "sponge")
def sponge(job, value):
    job.shell('sed "$2" "$1" | sponge "$1"', substitution(value))


# The new text lies outside, as $2.
SCRIPTS = (
    ("tee", "tee", 'tee "$1" < "$2" > /dev/null'),
    ("cp", "cp", 'cp "$2" "$1"'),
    ("cp -p", "cp", 'cp -p "$2" "$1"'),
    ("cp --remove-destination", "cp", 'cp --remove-destination "$2" "$1"'),
    ("cp --backup", "cp", 'cp --backup "$2" "$1"'),
    ("install", "install", 'install -m 644 "$2" "$1"'),
    ("mv from another file system", "mv", 'mv "$2" "$1"'),
    ("dd", "dd", 'dd if="$2" of="$1" bs=512 status=none'),
    ("dd conv=fsync", "dd", 'dd if="$2" of="$1" bs=512 conv=fsync status=none'),
    ("truncate, then write", "truncate dd", 'truncate -s 0 "$1"; dd if="$2" of="$1" conv=notrunc status=none'),
    ("the shell's >", "", 'printf "%s\\n" "$(cat "$2")" > "$1"'),
    ("truncate, then >>", "truncate", 'truncate -s 0 "$1"; cat "$2" >> "$1"'),
    (": > and >>", "", ': > "$1"; cat "$2" >> "$1"'),
    ("{ cat a; cat b; } >", "", 'head -c 400 "$2" > a; tail -c +401 "$2" > b; { cat a; cat b; } > "$1"'),
    ("rm, then cp", "", 'rm "$1"; cp "$2" "$1"'),
    ("mv away, then cp", "", 'mv "$1" "$1.bak"; cp "$2" "$1"'),
    ("rsync -a", "rsync", 'rsync -a "$2" "$1"'),
    ("rsync -a, a folder", "rsync", 'rsync -rt "${2%/*}/" "${1%/*}/"'),
    ("rsync --inplace", "rsync", 'rsync -a --inplace "$2" "$1"'),
    ("rsync --inplace --no-whole-file", "rsync", 'rsync -a --inplace --no-whole-file "$2" "$1"'),
    ("rsync --backup", "rsync", 'rsync -a --backup "$2" "$1"'),
    ("tar x", "tar", 'tar -C "${2%/*}" -cf new.tar .; tar -C "${1%/*}" -xf new.tar "./${1##*/}"'),
    ("tar x --overwrite", "tar",
     'tar -C "${2%/*}" -cf new.tar .; tar -C "${1%/*}" -x --overwrite -f new.tar "./${1##*/}"'),
)
LONG_SCRIPTS = {"cp --remove-destination", "cp --backup", "install", "dd conv=fsync", "rm, then cp", "mv away, then cp",
                "rsync -a, a folder", "rsync --inplace --no-whole-file", "rsync --backup", "tar x --overwrite",
                "truncate, then >>"}


def add_script(title, needs, script):
    @command(title, needs, title in LONG_SCRIPTS)
    def run(job, value):
        job.shell(script, job.prepare(value))


for row in SCRIPTS:
    add_script(*row)


@command("patch", "patch")
def patch(job, value):
    old, new = job.text(), job.edited(value)
    lines = difflib.unified_diff(old.splitlines(True), new.splitlines(True), "old", "new")
    job.run("patch", "-s", job.path, stdin="".join(lines))


@command("patch -b", "patch", long=True)
def patch_backup(job, value):
    old, new = job.text(), job.edited(value)
    lines = difflib.unified_diff(old.splitlines(True), new.splitlines(True), "old", "new")
    job.run("patch", "-s", "-b", job.path, stdin="".join(lines))


@command("git checkout", "git")
def git(job, value):
    """The repository knows the old text, then the new one, and puts that into the folder."""
    repository = os.path.join(job.outside, "repository")

    def run(work, *arguments):
        job.run("git", f"--git-dir={repository}", f"--work-tree={work}", "-c", "user.name=a",
                "-c", "user.email=a@localhost", *arguments, folder=work)

    def commit(work):
        run(work, "add", "--", job.name)
        run(work, "commit", "-q", "--allow-empty", "-m", "text")
    if not os.path.exists(repository):
        job.run("git", "init", "-q", "--bare", "-b", "main", repository)
    commit(job.folder)
    commit(os.path.dirname(job.prepare(value)))
    run(job.folder, "checkout", "-q", "HEAD", "--", job.name)
