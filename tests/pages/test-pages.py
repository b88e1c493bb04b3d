"""The manuals, the help and the examples say what the program takes, all of it and nothing else. ZOHOFS in the
environment is the program."""
import itertools
import json
import os
import re
import shlex
import shutil
import subprocess
import unittest

import tables
from tables import Home, ROOT, ZOHOFS, source

MANUALS = "contrib/zohofs.1", "contrib/zohofs.conf.5"
# Written about, and no row of a table: libfuse's words, and rules for names of modules.
FUSE_WORDS = "allow_other", "allow_root", "default_permissions"
ACCESS_KEYS = "default", "hide"


def plain(text):
    """A manual's source without its marks."""
    return re.sub(r"\\f[A-Z]", "", text.replace("\\-", "-").replace("\\&", "").replace("\\e", "\\"))


def listed(text):
    """What stands as the name of a list's entry: all words of the lines after .TP."""
    names = []
    for line in re.findall(r"(?m)^\.TP\n\.(?:B|BI|BR|I|IR)\s+(.*)$", text):
        names += re.findall(r"[A-Za-z_][\w-]*|--?[a-z][\w-]*", plain(line))
    return names


def section(text, title):
    """From a heading to the next."""
    found = re.search(rf"(?ms)^\.S[HS] {re.escape(title)}\n(.*?)(?=^\.S[HS] |\Z)", text)
    assert found, title
    return found[1]


def literal(text):
    """The blocks between .nf and .fi, lines that were broken for the page put together."""
    return [re.sub(r"\\\n", "", plain(part)) for part in re.findall(r"(?ms)^\.nf\n(.*?)^\.fi$", text)]


def config_state(home, text):
    """What `zohofs doctor` finds about a configuration; it asks nobody, since there is no sign-in."""
    path = home.keep("some.conf", text)
    _, words = home.run(ZOHOFS, "doctor", "some", "--json", "-o",
                        f"config={path},state_dir={home.folder}/state,cache_dir={home.folder}/cache")
    found = next(one for one in json.loads(words)["checks"] if one["check"] == "config")
    return found["state"], found["words"]


class Manuals(unittest.TestCase):
    def test_options_of_the_mount(self):
        names = listed(source("contrib/zohofs.1"))
        for word in (*tables.mount_words(), *FUSE_WORDS[:2]):
            self.assertIn(word, names, "not in zohofs(1)")
        _, words = self.home.run(ZOHOFS, "--help")
        for word in (*tables.mount_words(), *FUSE_WORDS):
            self.assertRegex(words, rf"(?m)^  (.*, )?{word}\b", "not in the help")

    def test_switches(self):
        manual = source("contrib/zohofs.1")
        for command, switches in tables.commands().items():
            self.assertIn(f".B zohofs {command}", manual)
            _, words = self.home.run(ZOHOFS, command, "--help")
            for switch in switches:
                self.assertRegex(words, rf"(?<![\w-]){switch}(?![\w-])", f"not in the help of {command}")
                self.assertIn(switch, listed(manual), f"not in zohofs(1): {command}")
        for switch in tables.general_switches():
            self.assertRegex(plain(manual), rf"(?<![\w-]){switch}(?![\w-])", "not in zohofs(1)")
            self.assertRegex(self.home.run(ZOHOFS, "--help")[1], rf"(?<![\w-]){switch}(?![\w-])", "not in the help")

    def test_nothing_else(self):
        known = {*tables.general_switches(), *itertools.chain(*tables.commands().values())}
        lines = [line for line in plain(source("contrib/zohofs.1")).splitlines() if "systemctl" not in line]
        for switch in set(re.findall(r"(?<![\w-])--[a-z][\w-]*", "\n".join(lines))):
            self.assertIn(switch, known, "zohofs(1) has what is no switch")

    def test_exit_statuses(self):
        manual = section(source("contrib/zohofs.1"), "EXIT STATUS")
        self.assertEqual(re.findall(r"(?m)^\.TP\n\.B (\d+)$", manual), ["0", "1", "2"])

    def test_keys(self):
        manual = source("contrib/zohofs.conf.5")
        for group, keys in tables.config_keys().items():
            names = listed(section(manual, f"[{group}]"))
            for key in keys:
                self.assertIn(key, names, f"[{group}] in zohofs.conf(5)")
            self.assertEqual([name for name in names if name not in keys], [], f"[{group}] has no such keys")
        for key in ACCESS_KEYS:
            self.assertIn(f".B {key}\n", section(manual, "[access]"))

    def test_marks(self):
        """No warnings of those who print them."""
        for manual in MANUALS:
            for command in ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z"], \
                    ["mandoc", "-T", "lint", "-W", "warning"]:
                if shutil.which(command[0]) is None:
                    continue
                pages = subprocess.DEVNULL if command[0] == "man" else subprocess.PIPE
                done = subprocess.run([*command, f"{ROOT}/{manual}"], stdin=subprocess.DEVNULL, stdout=pages,
                                      stderr=subprocess.PIPE, timeout=tables.PATIENCE, check=False,
                                      env=dict(os.environ, MANWIDTH="80", LC_ALL="C.UTF-8"))
                self.assertEqual((done.returncode, done.stdout or b"", done.stderr), (0, b"", b""), f"{command[0]} {manual}")

    def test_versions(self):
        version = re.search(r"version: '([^']+)'", source("meson.build"))[1]
        for manual in MANUALS:
            self.assertIn(f'"zohofs {version}"', source(manual).splitlines()[0])
        self.assertIn(f"zohofs ({version})", source("contrib/debian/changelog").splitlines()[0])

    def setUp(self):
        self.home = self.enterContext(Home())


class Examples(unittest.TestCase):
    def setUp(self):
        self.home = self.enterContext(Home())

    def is_understood(self, *arguments):
        """It fails only because this user has no configuration."""
        status, words = self.home.run(ZOHOFS, *arguments)
        self.assertNotEqual(status, 2, f"zohofs {arguments}: {words}")
        self.assertNotIn("Unknown", words)

    def test_commands_of_the_manual(self):
        ran = 0
        for part in literal(source("contrib/zohofs.1")):
            for line in part.splitlines():
                for command in re.split(r"&&|[|;]", line.removeprefix("$ ")):
                    words = shlex.split(command.replace("~", self.home.folder))
                    if words[:1] == ["zohofs"]:
                        self.is_understood(*words[1:])
                        ran += 1
        self.assertGreater(ran, 6)

    def test_lines_of_fstab(self):
        lines = source("contrib/examples/fstab").splitlines()
        lines += [line for part in literal(source("contrib/zohofs.1")) for line in part.splitlines()]
        lines = [line.split() for line in lines if "fuse.zohofs" in line and not line.startswith("#")]
        self.assertGreaterEqual(len(lines), 5)
        for device, at, kind, options, *rest in lines:
            self.assertEqual((kind, rest), ("fuse.zohofs", ["0", "0"]))
            self.assertTrue(device.startswith("zohofs#"))
            self.is_understood(device, self.home.folder + at, "-o", f"rw,{options}")

    def test_units(self):
        for unit in "systemd/zohofs@.service", "examples/zohofs-server.service":
            start = re.search(r"(?m)^ExecStart=((?:.*\\\n)*.*)$", source(f"contrib/{unit}"))[1].replace("\\\n", " ")
            words = shlex.split(start.replace("%i", "work").replace("%h", self.home.folder))
            self.is_understood(*words[words.index("zohofs") + 1:])

    def test_configuration(self):
        """default.conf, as it is, and with each key that is a comment in it."""
        example = source("contrib/examples/default.conf")
        self.assertEqual(config_state(self.home, example)[0], "ok")
        self.assertEqual(config_state(self.home, "[account]\ndatacenter=us\n")[0], "failed")  # it is looked at
        hosts = re.sub(r"(?m)^data_center=.*\n", "", example)
        commented = re.findall(r"(?m)^#(\[?\w+(?:\]|=\S+))$", example)
        self.assertGreater(len(commented), 10)
        others = re.compile(r"(?m)^#((?:other_)?(?:accounts|api)_url=)")
        rest = re.compile(r"(?m)^#(\[\w+\]$|(?!(?:other_)?(?:accounts|api)_url|environment)\w+=\S+$)")
        for text in others.sub(r"\1", hosts), rest.sub(r"\1", example), rest.sub(r"\1", others.sub(r"\1", hosts)), \
                example.replace("#environment", "environment"):
            self.assertEqual(config_state(self.home, text)[0], "ok", f"{config_state(self.home, text)}: {text}")
        for group, keys in tables.config_keys().items():
            for key in keys:
                self.assertRegex(example, rf"(?m)^#?{key}=", f"[{group}]: not in default.conf")
        for example in literal(source("contrib/zohofs.conf.5")):
            self.assertEqual(config_state(self.home, example)[0], "ok", example)


if __name__ == "__main__":
    unittest.main(verbosity=2)
