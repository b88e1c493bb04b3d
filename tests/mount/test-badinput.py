"""Bad input: each mistake gets one clear line and an exit status that is not 0, and never a mount."""
import errno
import os
import shutil
import subprocess
import unittest

import account
from account import Case

NOBODY = 65534


class Command(Case):
    def test_unknown_option_is_named_with_the_nearest(self):
        self.assert_refused(self.profile.try_mount("-o", "tll=5"), "tll", "ttl", status=2)

    def test_no_mount_point(self):
        self.assert_refused(self.profile.run(), "No mount point", status=2)

    def test_value_out_of_range(self):
        self.assert_refused(self.profile.try_mount("-o", "ttl=-1"), "ttl=-1", status=2)

    def test_token_as_argument_is_refused(self):
        self.assert_refused(self.profile.run("login", self.profile.name, "--refresh-token", "1000.refresh.token"),
                            "standard input", status=2)


class Configuration(Case):
    def refused(self, *words):
        self.assert_refused(self.profile.try_mount(), self.profile.config, *words)

    def test_none(self):
        os.unlink(self.profile.config)
        self.refused("There is no configuration")

    def test_unknown_key(self):
        self.profile.configure("[account]\ndata_centre=us\nclient_id=1000.A\n")
        self.refused("data_centre", 'did you mean "data_center"')

    def test_unknown_group(self):
        self.profile.configure("[limit]\n")
        self.refused('"limit"', 'did you mean "limits"')

    def test_unknown_data_center(self):
        self.profile.configure("[account]\ndata_center=de\nclient_id=1000.A\n")
        self.refused("data_center=de", "eu")

    def test_plain_http_to_others(self):
        self.profile.configure("[account]\naccounts_url=http://a.example\napi_url=http://b.example\nclient_id=1000.A\n")
        self.refused("in the clear")

    def test_no_text(self):
        self.profile.configure("[account]\nclient_id=\0\n")
        self.refused("not a text file")

    def test_too_large(self):
        self.profile.configure("#" * 70000)
        self.refused("more than")

    def test_is_a_folder(self):
        os.unlink(self.profile.config)
        os.mkdir(self.profile.config)
        self.refused("not a regular file")

    def test_secret_in_it_is_not_shown(self):
        self.profile.configure("[account]\nclient_secret=hush-hush\n")
        result = self.profile.try_mount()
        self.assert_refused(result, "client_secret", "zohofs login")
        self.assertNotIn("hush-hush", result.stderr)


class SignIn(Case):
    def refused(self, *words):
        self.assert_refused(self.profile.try_mount(), *words)

    def test_none(self):
        os.unlink(self.profile.state + "/refresh_token")
        self.refused("not signed in", f"zohofs login {self.profile.name}")

    def test_readable_by_others(self):
        os.chmod(self.profile.state + "/refresh_token", 0o640)
        self.refused("others may read", "chmod 600")

    def test_secret_readable_by_others(self):
        os.chmod(self.profile.state + "/client_secret", 0o604)
        self.refused("others may read", "chmod 600")

    def test_dead_refresh_token(self):
        self.server.token = {"error": "invalid_code"}
        self.refused("zohofs login")

    def test_wrong_client(self):
        self.server.token = {"error": "invalid_client"}
        self.refused("client")

    def test_wrong_data_center(self):
        self.server.token["api_domain"] = "https://www.zohoapis.eu"
        self.refused("zohoapis.eu")

    def test_nonsense_instead_of_a_token(self):
        self.server.token = ["?"]
        self.refused()

    def test_nobody_there(self):
        self.server.shutdown()
        self.server.server_close()
        self.profile.configure(f"[account]\naccounts_url={self.server.url}\napi_url={self.server.url}\n"
                               "client_id=1000.TEST\n[limits]\ndeadline=1\n")
        self.refused()


class Login(Case):
    def login(self, token, *arguments):
        return self.profile.run("login", self.profile.name, "--refresh-token", "-", *arguments, stdin=None, input=token)

    def secret_file(self):
        path = self.profile.folder + "/secret"
        with open(path, "w", encoding="utf-8") as file:
            file.write("other-secret\n")
        os.chmod(path, 0o600)
        return path

    def kept(self, name):
        with open(f"{self.profile.state}/{name}", encoding="utf-8") as file:
            return file.read().strip()

    def test_keeps_what_zoho_accepts(self):
        shutil.rmtree(self.profile.state)
        result = self.login("1000.new\n", "--client-secret-file", self.secret_file())
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual((self.kept("refresh_token"), self.kept("client_secret")), ("1000.new", "other-secret"))
        self.assertEqual(os.stat(self.profile.state).st_mode & 0o777, 0o700)
        for name in os.listdir(self.profile.state):
            self.assertEqual(os.stat(f"{self.profile.state}/{name}").st_mode & 0o777, 0o600)

    def test_keeps_nothing_else(self):
        self.server.token = {"error": "invalid_code"}
        self.assert_refused(self.login("1000.new\n", "--client-secret-file", self.secret_file()))
        self.assertEqual((self.kept("refresh_token"), self.kept("client_secret")), ("1000.refresh", "secret"))

    def test_refuses_what_is_no_token(self):
        secret = self.secret_file()
        self.assert_refused(self.login("", "--client-secret-file", secret), "empty")
        self.assert_refused(self.login("two words", "--client-secret-file", secret), "blanks")
        self.assert_refused(self.login("x" * 5000, "--client-secret-file", secret), "more than")


class MountPoint(Case):
    def test_missing(self):
        os.rmdir(self.profile.mountpoint)
        self.assert_refused(self.profile.try_mount(), "does not exist")

    def test_no_directory(self):
        os.rmdir(self.profile.mountpoint)
        with open(self.profile.mountpoint, "w", encoding="utf-8"):
            pass
        self.assert_refused(self.profile.try_mount(), "not a directory")

    def test_not_empty(self):
        os.mkdir(self.profile.mountpoint + "/something")
        self.assert_refused(self.profile.try_mount(), "not empty")

    @unittest.skipUnless(account.has_fuse(), "needs /dev/fuse")
    def test_already_mounted(self):
        self.mount()
        result = self.profile.try_mount()
        self.assertEqual(result.returncode, 1)
        self.assertIn("already mounted", result.stderr)
        self.profile.unmount()

    @unittest.skipUnless(account.has_fuse(), "needs /dev/fuse")
    def test_sign_in_that_dies_later(self):
        self.mount("-o", "ttl=0")
        self.server.token = {"error": "invalid_code"}
        self.server.answer = (401, {"code": "INVALID_TOKEN", "details": {}, "message": "invalid oauth token",
                                    "status": "error"})
        self.assert_fails(errno.EKEYEXPIRED, os.listdir, os.path.join(self.profile.mountpoint, "Users"))
        status = self.profile.status()
        self.assertTrue(status["signed_out"])
        self.assertIn("zohofs login", status["last_error"]["message"])
        self.profile.unmount()


@unittest.skipUnless(os.geteuid() == 0, "needs root, to become somebody else")
class AsNobody(Case):
    """What only a user without rights meets. The program is copied to where that user can reach it."""

    def setUp(self):
        super().setUp()
        self.program = self.profile.folder + "/zohofs"
        shutil.copy(account.ZOHOFS, self.program)
        os.chmod(self.profile.folder, 0o755)
        for folder, _, names in os.walk(self.profile.folder):
            for path in [folder, *(f"{folder}/{name}" for name in names)]:
                os.chown(path, NOBODY, NOBODY)

    def run_as_nobody(self):
        return self.profile.try_mount(program=self.program, user=NOBODY, group=NOBODY, extra_groups=[])

    def test_unreadable_configuration(self):
        os.chmod(self.profile.config, 0)
        self.assert_refused(self.run_as_nobody(), self.profile.config, "Permission denied")

    def test_secret_of_another_user(self):
        os.chown(self.profile.state + "/refresh_token", 0, 0)
        os.chmod(self.profile.state + "/refresh_token", 0o644)
        self.assert_refused(self.run_as_nobody(), "belongs to another user")

    def test_no_permission_for_the_device(self):
        closed = self.profile.folder + "/closed"
        with open(closed, "w", encoding="utf-8"):
            os.chmod(closed, 0)
        script = f'mount --bind "{closed}" /dev/fuse || exit 99; ' \
                 'exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"'
        result = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", self.program, self.profile.name,
                                 self.profile.mountpoint], env=self.profile.environment, text=True,
                                stdin=subprocess.DEVNULL, capture_output=True, timeout=account.PATIENCE, check=False)
        if result.returncode == 99 or "unshare failed" in result.stderr:
            self.skipTest("no mount namespaces here")
        self.assert_refused(result, "permission", "/dev/fuse")


if __name__ == "__main__":
    account.main()
