"""What the program takes, read from the tables of its source, for tests of what is written about it."""
import os
import re
import shutil
import subprocess
import tempfile

ZOHOFS = os.path.abspath(os.environ["ZOHOFS"])
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATIENCE = 120
# For the program's own use.
INTERNAL = "check-cache", "keyring"


def source(path):
    with open(f"{ROOT}/{path}", encoding="utf-8") as file:
        return file.read()


def block(text, begin):
    """From @begin to the end of that table."""
    start = text.index(begin)
    return text[start:text.index("};", start)]


def mount_words():
    """The -o words of ours: those that do something here. "rw" is what is so without."""
    table = block(source("src/app/options.c"), "static const Word words[]")
    words = re.findall(r'\{ "(\w+)", set_\w+', table)
    assert len(words) > 10, words
    return [word for word in words if word != "rw"]


def commands():
    """The commands and the switches that each takes besides those of all."""
    table = block(source("src/app/options.c"), "static const Command commands[]")
    found = {name: " ".join(re.findall(r'"([^"]*)"', rest)).split()
             for name, rest in re.findall(r'\{ "([\w-]+)", \w+,?([^}]*)\}', table)}
    assert len(found) > 8, found
    return {name: switches for name, switches in found.items() if name not in INTERNAL}


def general_switches():
    table = block(source("src/app/options.c"), "static const char *const switches[]")
    own = {switch for switches in commands().values() for switch in switches}
    return [switch for switch in re.findall(r'"(-[\w-]+)"', table) if switch not in own]


def config_keys():
    """The configuration's groups and their keys."""
    text = source("src/app/config.c")
    groups = re.findall(r'"(\w+)"', block(text, "static const char *const groups[]"))
    found = {group: re.findall(r'"(\w+)"', block(text, f"{group}_keys[]"))
             for group in groups if f"{group}_keys[]" in text}
    assert len(found) > 2, found
    return found


class Home:
    """A user's folder. `with` removes it."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="zohofs-pages-", dir="/var/tmp")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    def environment(self, **more):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "ZDOT", "DISPLAY"))}
        return dict(kept, HOME=self.folder, LC_ALL="C.UTF-8", **more)

    def keep(self, name, text):
        path = f"{self.folder}/{name}"
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def run(self, *command, **environment):
        """Returns its status and words."""
        done = subprocess.run(list(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=PATIENCE, check=False, cwd=self.folder, env=self.environment(**environment))
        return done.returncode, done.stdout.decode(errors="replace")
