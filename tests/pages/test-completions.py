"""Each shell, as far as it is here, completes what the program takes: asked as the shell itself asks. ZOHOFS in the
environment is the program."""
import os
import pty
import re
import select
import shutil
import subprocess
import tempfile
import time
import unittest

import tables
from tables import Home, PATIENCE, ROOT

FOLDER = f"{ROOT}/contrib/completions"
MOUNT_SWITCHES = "--foreground", "--debug", "--help"
WORDS = (*tables.mount_words(), "allow_other", "allow_root", "default_permissions")


class Bash:
    name = "bash"

    def complete(self, home, *words):
        script = (f'source {FOLDER}/zohofs.bash; compopt() {{ :; }}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
                  '_zohofs; printf "%s\\n" "${COMPREPLY[@]}"')
        status, text = home.run("bash", "--noprofile", "--norc", "-c", script, "bash", *words)
        assert status == 0, text
        return text.splitlines()


class Fish:
    name = "fish"

    def complete(self, home, *words):
        line = " ".join(words).replace("'", "\\'")
        status, text = home.run("fish", "--no-config", "-c", f"source {FOLDER}/zohofs.fish; complete -C '{line}'")
        assert status == 0, text
        return [candidate.split("\t")[0] for candidate in text.splitlines()]


class Zsh:
    """Has no way to be asked but by a key on a terminal."""

    name = "zsh"

    def __init__(self):
        # What it knows of all its completions is collected once, and not for each question.
        self.known = tempfile.TemporaryDirectory(prefix="zohofs-zsh-", dir="/var/tmp")
        unittest.addModuleCleanup(self.known.cleanup)

    def complete(self, home, *words):
        ours, theirs = pty.openpty()
        with subprocess.Popen(["setsid", "--ctty", "zsh", "-f", "-i"], stdin=theirs, stdout=theirs, stderr=theirs,
                              cwd=home.folder, env=home.environment(TERM="dumb", LINES="500", COLUMNS="500")) as process:
            os.close(theirs)
            try:
                # A key is one only after the line's editor has begun.
                self.say(ours, f"LISTMAX=9999; fpath=({FOLDER} $fpath); autoload -Uz compinit; "
                               f"compinit -u -d {self.known.name}/dump; "
                               "stty rows 500 cols 500; zle-line-init() { print -n READY-$((1+1)) }; "
                               "zle -N zle-line-init\n", "READY-2")
                # ^D lists, ^U drops the line.
                text = self.say(ours, " ".join(words) + "\x04\x15echo END-$((1+1))\n", "END-2")
            finally:
                process.kill()
                process.wait(timeout=PATIENCE)
                os.close(ours)
        listing = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "\n").split("\n")[1:]
        return [word for line in listing if not line.startswith(" ".join(words))
                for word in re.split(r"\s{2,}| -- ", line)]

    @staticmethod
    def say(terminal, text, until):
        os.write(terminal, text.encode())
        seen, end = b"", time.monotonic() + PATIENCE
        while until.encode() not in seen:
            assert time.monotonic() < end, seen.decode(errors="replace")
            if select.select([terminal], [], [], 1)[0]:
                seen += os.read(terminal, 65536)
        return seen.decode(errors="replace")


class Completions:
    """What each shell is to know. @shell: how it is asked."""

    shell = None

    def setUp(self):
        if shutil.which(self.shell.name) is None:
            self.skipTest(f"there is no {self.shell.name} here")
        self.home = self.enterContext(Home())
        self.home.keep(".config/zohofs/acme.conf", "")
        self.home.keep("folder/file", "")

    def candidates(self, *words):
        return self.shell.complete(self.home, "zohofs", *words)

    def offers(self, wanted, *words):
        found = {re.split("[=:]", candidate)[0] for candidate in self.candidates(*words)}
        self.assertEqual([one for one in wanted if one not in found], [], f"{words}: {sorted(found)}")

    def test_commands_and_profiles(self):
        self.offers([*tables.commands(), "acme"], "")
        for command in "login", "logout", "doctor", "status", "drain", "audit":
            self.offers(["acme"], command, "")

    def test_switches(self):
        everything = {switch for switches in tables.commands().values() for switch in switches}
        for command, switches in tables.commands().items():
            self.offers([*switches, "--help"], command, "--")
            found = {word.split("=")[0] for word in self.candidates(command, "--")}
            self.assertEqual(sorted(found & (everything - set(switches))), [], f"{command} does not take them")
        self.offers(MOUNT_SWITCHES, "--")

    def test_options_of_the_mount(self):
        self.offers(WORDS, "acme", "-o", "")

    def test_files_of_why(self):
        found = self.candidates("why", "folder/")
        self.assertTrue(any(word.endswith("file") for word in found), found)


class InBash(Completions, unittest.TestCase):
    shell = Bash()


class InZsh(Completions, unittest.TestCase):
    shell = Zsh()


class InFish(Completions, unittest.TestCase):
    shell = Fish()


if __name__ == "__main__":
    unittest.main(verbosity=2)
