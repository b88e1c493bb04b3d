"""The life of the program: into the background and out of it, signals, the forms of mount(8), news for systemd."""
import json
import os
import resource
import signal
import socket
import subprocess
import unittest

import account
from account import Case, has_ended, wait_until


class Background(Case):
    def test_returns_when_the_mount_is_ready(self):
        pid = self.mount()
        self.assertTrue(self.profile.is_mounted())
        self.assertIn("README.md", os.listdir(self.profile.mountpoint))
        self.assertEqual(os.getsid(pid), pid)
        self.assertEqual(os.readlink(f"/proc/{pid}/cwd"), "/")
        self.assertEqual(os.readlink(f"/proc/{pid}/fd/2"), "/dev/null")
        self.profile.unmount()
        wait_until(lambda: has_ended(pid))

    def test_unmount_ends_it(self):
        pid = self.mount()
        self.profile.unmount()
        wait_until(lambda: has_ended(pid))
        self.assertFalse(self.profile.is_mounted())

    def test_signals_end_it(self):
        for number in signal.SIGTERM, signal.SIGINT, signal.SIGHUP:
            with self.subTest(number):
                pid = self.mount()
                os.kill(pid, number)
                wait_until(lambda pid=pid: has_ended(pid))
                self.assertFalse(self.profile.is_mounted())

    def test_killed_one_leaves_no_stuck_mount_after_the_next_start(self):
        pid = self.mount()
        os.listdir(self.profile.mountpoint)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: has_ended(pid))
        self.mount()
        self.assertIn("README.md", os.listdir(self.profile.mountpoint))
        self.profile.unmount()
        self.assertFalse(self.profile.is_mounted())

    def test_dies_with_the_reason_when_stopped_early(self):
        self.server.gate.clear()
        process = subprocess.Popen([account.ZOHOFS, self.profile.name, self.profile.mountpoint],
                                   env=self.profile.environment, text=True, stdin=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE)
        wait_until(lambda: self.server.token_calls > 0)
        child = int(subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True,
                                   check=True).stdout)
        os.kill(child, signal.SIGTERM)
        _, words = process.communicate(timeout=account.PATIENCE)
        self.assertEqual(process.returncode, 1)
        self.assertIn("Stopped by a signal", words)
        self.assertFalse(self.profile.is_mounted())

    def test_core_dumps_are_off(self):
        pid = self.mount()
        with open(f"/proc/{pid}/limits", encoding="utf-8") as limits:
            core = next(line for line in limits if line.startswith("Max core file size"))
        self.assertEqual(core.split()[4:6], ["0", "0"])
        self.profile.unmount()


class Started(Case):
    def start(self, *arguments, **environment):
        self.profile.environment.update(environment)
        process = self.profile.start(*arguments)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        wait_until(lambda: self.profile.is_mounted() or process.poll() is not None)
        return process


class Foreground(Started):
    def test_ends_cleanly(self):
        status, _ = self.end(self.start())
        self.assertEqual(status, 0)
        self.assertFalse(self.profile.is_mounted())

    def test_unmount_ends_it(self):
        process = self.start()
        self.profile.unmount()
        self.assertEqual(process.wait(account.PATIENCE), 0)

    def test_logs_to_stderr_by_level(self):
        _, words = self.end(self.start("-o", "log=info"))
        self.assertIn(f"info: Profile {self.profile.name} is mounted", words)

    def test_traces(self):
        process = self.start("-d")
        os.stat(self.profile.mountpoint + "/README.md")
        _, words = self.end(process)
        self.assertIn("LOOKUP", words)

    def test_no_secret_is_logged(self):
        process = self.start("-d")
        os.listdir(self.profile.mountpoint)
        _, words = self.end(process)
        for secret in "1000.access.token", "1000.refresh", "secret":
            self.assertNotIn(secret, words)

    def test_failure_reaches_the_exit_status(self):
        self.server.token = {"error": "invalid_code"}
        process = self.start()
        self.assertEqual(process.wait(account.PATIENCE), 1)

    def test_tells_systemd(self):
        path = self.profile.folder + "/notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as news:
            news.bind(path)
            news.settimeout(account.PATIENCE)
            process = self.start(NOTIFY_SOCKET=path)
            self.assertEqual(news.recv(100), b"READY=1")
            process.send_signal(signal.SIGTERM)
            self.assertEqual(news.recv(100), b"STOPPING=1")
            self.assertEqual(process.wait(account.PATIENCE), 0)


class Writing(Started):
    """What a mount that writes has beyond one that reads."""

    def news(self):
        """What systemd is told; to be bound before the start."""
        news = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(news.close)
        news.bind(self.profile.folder + "/notify")
        news.settimeout(account.PATIENCE)
        return news

    def limit(self, pid, name):
        with open(f"/proc/{pid}/limits", encoding="utf-8") as limits:
            return next(line for line in limits if line.startswith(name)).removeprefix(name).split()[:2]

    def test_many_files_may_be_open(self):
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (200, limits[1]))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
        pid = self.mount("-o", "rw")
        soft, hard = self.limit(pid, "Max open files")
        self.assertEqual(int(soft), min(int(hard), 1 << 20))
        self.profile.unmount()

    def test_reading_alone_needs_no_journal(self):
        for name in "journal", "scratch":
            self.profile.keep(name, "in the way")
        self.assert_refused(self.profile.try_mount("-o", "rw"), self.profile.state)
        self.mount("-o", "ro")
        self.assertTrue(self.profile.status()["saving"]["read_only"])
        self.profile.unmount()

    def test_no_room_for_scratch(self):
        self.profile.keep("scratch", "in the way")
        self.assert_refused(self.profile.try_mount("-o", "rw"), "scratch")
        self.assertEqual(os.listdir(self.profile.state + "/journal"), ["lock"])

    def test_waits_for_the_mount_before(self):
        before = self.start("-o", "rw")
        news = self.news()
        os.kill(before.pid, signal.SIGSTOP)
        self.addCleanup(before.send_signal, signal.SIGCONT)
        subprocess.run(["fusermount3", "-u", "-z", self.profile.mountpoint], check=True, timeout=account.PATIENCE)
        self.profile.environment["NOTIFY_SOCKET"] = news.getsockname()
        after = self.profile.start("-o", "rw")
        self.addCleanup(after.kill)
        self.addCleanup(after.stderr.close)
        self.addCleanup(after.stdout.close)
        self.assertIn(b"STATUS=Waiting for the mount before", news.recv(1000))
        self.assertFalse(self.profile.is_mounted())
        os.kill(before.pid, signal.SIGCONT)
        self.assertEqual(before.wait(account.PATIENCE), 0)
        self.assertEqual(news.recv(1000), b"STATUS=")
        self.assertEqual(news.recv(1000), b"READY=1")
        self.assertEqual(self.profile.status()["pid"], after.pid)
        status, words = self.end(after)
        self.assertEqual(status, 0)
        self.assertIn("still sends what was written", words)

    def test_a_mount_that_lives_on_is_not_waited_for(self):
        self.mount("-o", "rw")
        result = self.profile.try_mount("-o", "rw")
        self.assertEqual(result.returncode, 1)
        self.assertIn("mounted", result.stderr)
        self.profile.unmount()

    def test_status(self):
        self.mount("-o", "rw,dry_run")
        status = self.profile.status()
        self.assertEqual(status["saving"], {"drafts": 0, "queued": 0, "deletes": 0, "refused": 0, "read_only": False,
                                            "dry_run": True})
        self.assertEqual(status["written"], {"updates": 0, "creates": 0, "deletes": 0})
        os.makedirs(self.profile.state + "/drafts/Leads", 0o700)
        self.profile.keep("drafts/Leads/x.json", "{}")
        self.assertEqual(self.profile.status()["saving"]["refused"], 1)
        self.assertIn("1 refused (see .zohofs/drafts); a dry run", self.profile.run("status", self.profile.name).stdout)
        with open(self.profile.mountpoint + "/.zohofs/metrics", encoding="utf-8") as file:
            self.assertIn("\nzohofs_saving_refused 1\n", file.read())
        self.profile.unmount()

    def test_why(self):
        self.mount()
        path = self.profile.mountpoint + "/Leads/Okafor.7010000000201.json"
        result = self.profile.run("why", path)
        self.assertEqual(result.returncode, 1)
        self.assertIn("No save of", result.stderr)
        line = {"path": "Leads/Okafor.7010000000201.json", "id": "7010000000201", "message": "Email is no address"}
        self.profile.keep("errors.jsonl", json.dumps(line))
        wait_until(lambda: self.profile.run("why", path).returncode == 0)
        self.assertIn("why    Email is no address", self.profile.run("why", path).stdout)
        self.profile.unmount()

    def test_drain(self):
        self.assert_refused(self.profile.run("drain", self.profile.mountpoint), "No zohofs is mounted")
        for option in "ro", "rw":
            self.mount("-o", option)
            for target in self.profile.name, self.profile.mountpoint:
                result = self.profile.run("drain", target)
                self.assertEqual((result.returncode, result.stderr), (0, ""))
                self.assertIn(f"{self.profile.mountpoint}: everything is in the CRM.\n", result.stdout)
            self.profile.unmount()


class Forms(Case):
    def test_options_of_an_fstab_line(self):
        self.mount("-o", "rw,dev,suid,nosuid,_netdev,noauto,user,nofail,x-systemd.automount,comment=x,ttl=5")
        self.assertEqual(self.profile.status()["ttl_s"], 5)
        self.profile.unmount()

    def test_mount_fuse3(self):
        environment = dict(self.profile.environment)
        environment["PATH"] = os.path.dirname(account.ZOHOFS) + ":" + environment["PATH"]
        for name, *kind in [self.profile.name, "-t", "fuse.zohofs"], [f"zohofs#{self.profile.name}"]:
            with self.subTest(name):
                subprocess.run(["/sbin/mount.fuse3", name, self.profile.mountpoint, *kind,
                                "-o", "rw,nosuid,nodev,_netdev,ttl=5"], env=environment,
                               stdin=subprocess.DEVNULL, check=True, timeout=account.PATIENCE)
                self.assertEqual(self.profile.status()["account"]["profile"], self.profile.name)
                self.profile.unmount()

    def test_folders_by_option(self):
        moved = self.profile.folder + "/moved,with comma"
        os.rename(self.profile.state, moved)
        self.mount("-o", f"config={self.profile.config}", "-o", "state_dir=" + moved.replace(",", "\\,"),
                   "-o", f"cache_dir={self.profile.folder}/elsewhere")
        self.profile.unmount()

    def test_status(self):
        pid = self.mount()
        for target in self.profile.name, self.profile.mountpoint:
            result = self.profile.run("status", target)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn(f"process {pid}", result.stdout)
            self.assertIn("sign-in     good", result.stdout)
        self.profile.unmount()
        self.assert_refused(self.profile.run("status", self.profile.mountpoint), "No zohofs is mounted")

    def test_status_has_no_secrets(self):
        self.mount()
        with open(self.profile.mountpoint + "/.zohofs/status.json", encoding="utf-8") as file:
            text = file.read()
        for secret in "1000.access.token", "1000.refresh", "1000.TEST", "secret":
            self.assertNotIn(secret, text)
        self.profile.unmount()

    def test_help_and_version(self):
        self.assertIn("zohofs status", self.profile.run("--help").stdout)
        self.assertRegex(self.profile.run("--version").stdout, r"^zohofs \d+\.\d+")


if __name__ == "__main__":
    account.main()
