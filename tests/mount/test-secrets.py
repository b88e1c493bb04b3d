"""No secret is anywhere but in its own file: not in what the daemon or a command writes, logs or shows, in arguments or in
the environment, whatever goes right or wrong."""
import contextlib
import json
import os
import re
import signal
import subprocess

import harness
import saving
from harness import CLIENT_SECRET, Emulator, Mount, PATIENCE, REFRESH_TOKEN, case, check, equal, main, wait_until

# The files that are there for it, below a mount's home, and the mode that they must have.
OWN = "state/client_secret", "state/refresh_token", "cache/access_token"
# What is set up by the test itself, or is no regular file.
NOT_LOOKED_AT = ("mnt",)


def access_token(mount):
    """What is in the file of the access token, as it goes over the wire."""
    with open(f"{mount.cache}/access_token", encoding="utf-8") as file:
        words = [word for word in file.read().replace('"', " ").replace(",", " ").split() if word.startswith("1000.")]
    check(words, "there is no access token")
    return words[0]


def files_of(folder):
    for where, names, files in os.walk(folder):
        names[:] = [name for name in names if not (where == folder and name in NOT_LOOKED_AT)]
        for name in files:
            yield os.path.join(where, name)


def contents(path):
    with open(path, "rb") as file:
        return file.read()


def no_secret(secrets, text, what):
    for secret in secrets:
        check(secret.encode() not in text, f"{what} has the secret {secret}")


def look_through(mount, secrets):
    """All that the mount has written."""
    own = {f"{mount.home}/{path}" for path in OWN}
    seen = 0
    for folder in {mount.folder, mount.home}:
        for path in files_of(folder):
            if path in own:
                equal(f"{os.stat(path).st_mode & 0o777:o}", "600", f"mode of {path}")
                continue
            no_secret(secrets, contents(path), path)
            seen += 1
    check(seen > 5, f"only {seen} files were looked at")


def look_at_process(pid, secrets):
    for name in "cmdline", "environ", "status", "comm":
        no_secret(secrets, contents(f"/proc/{pid}/{name}"), f"/proc/{pid}/{name}")


def processes_of(program):
    """Those that run @program, children that it started for a moment included."""
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/{name}/exe") == program:
                yield int(name)


def look_at_control_files(mount, secrets):
    for name in mount.list(".zohofs"):
        path = mount.at(".zohofs", name)
        if os.path.isfile(path):
            no_secret(secrets, contents(path), path)
    for path in "README.md", ".zohofs/status.json", ".zohofs/metrics", ".zohofs/errors.jsonl", ".zohofs/audit.jsonl":
        no_secret(secrets, contents(mount.at(path)), path)


def commands(mount, secrets):
    """What the commands say about the profile."""
    folders = ["-o", f"config={mount.folder}/profile.conf,state_dir={mount.home}/state,cache_dir={mount.cache}"]
    for arguments in ["status", mount.path], ["status", "--json", mount.path], ["doctor", *folders], \
            ["doctor", "--json", *folders], ["audit", mount.path], ["drain", mount.path]:
        done = subprocess.run([harness.zohofs, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=PATIENCE, check=False)
        no_secret(secrets, done.stdout, " ".join(arguments))


def use(emulator, mount):
    """What goes right and what goes wrong: saves, a refused one, an answer that repeats the token, an access token that is
    taken no more."""
    number = emulator.ids("Leads")[0]
    name = saving.name_of(mount, "Leads", number)
    for text in saving.changed(mount, "Leads", name, City="Lagos"), b'{"City": 5}\n', b"no JSON\n":
        with contextlib.suppress(OSError), open(mount.at("Leads", name), "wb") as file:
            file.write(text)
    emulator.faults({"match": f"^(PUT|PATCH) /crm/v8/Leads/{number}", "status": 400,
                     "body": {"code": "INVALID_DATA", "message": f"{access_token(mount)} {REFRESH_TOKEN} is no good"}})
    text = saving.changed(mount, "Leads", name, City="Kano")
    with contextlib.suppress(OSError), open(mount.at("Leads", name), "wb") as file:
        file.write(text)
    emulator.faults()


def wait_logged_in_again(emulator, mount, before):
    def again():
        with contextlib.suppress(OSError):
            os.listdir(mount.at("Contacts"))
        return emulator.token_calls() > before
    wait_until(again, "another access token")


@case("nothing but the three files has a secret")
def secrets_stay():
    with Emulator("Leads=5,Contacts=3") as emulator:
        with Mount(emulator, options=["rw", "log=debug"], ttl=1) as mount:
            mount.list("Leads")
            secrets = [CLIENT_SECRET, REFRESH_TOKEN, access_token(mount)]
            use(emulator, mount)
            # The old token is refused from now on, and a second one is fetched.
            before = emulator.token_calls()
            emulator.post("expire_tokens", {})
            wait_logged_in_again(emulator, mount, before)
            secrets.append(access_token(mount))
            look_at_control_files(mount, secrets)
            look_at_process(mount.process.pid, secrets)
            for pid in processes_of(harness.zohofs):
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                    look_at_process(pid, secrets)
            commands(mount, secrets)
            look_through(mount, secrets)
        look_through(mount, secrets)


def login(mount, home, *arguments, said=b"", status=0):
    """Signs in to a profile of its own, with all that can be logged. Returns what it said."""
    os.makedirs(home, 0o700, exist_ok=True)
    given = f"{home}/given"
    with open(os.open(given, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(CLIENT_SECRET)
    folders = f"config={mount.folder}/profile.conf,state_dir={home}/state,cache_dir={home}/cache"
    done = subprocess.run([harness.zohofs, "login", *arguments, "--client-secret-file", given, "-o", f"log=debug,{folders}"],
                          input=said, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE, check=False)
    os.unlink(given)
    equal(done.returncode, status, f"login {arguments}: {done.stdout}")
    return done.stdout


@case("nor has the trace of a mount, nor what login and a refused sign-in say")
def trace():
    with Emulator("Leads=5") as emulator, Mount(emulator, options=["log=debug"]) as mount:
        mount.list("Leads")
        secrets = [CLIENT_SECRET, REFRESH_TOKEN, access_token(mount)]
        other = os.path.join(mount.folder, "other")
        wrong = "1000.0123456789abcdef.0123456789abcdef"
        words = login(mount, other, "--refresh-token", "-", said=REFRESH_TOKEN.encode())
        words += login(mount, other, "--refresh-token", "-", said=wrong.encode(), status=1)
        no_secret([*secrets, "1000.0123456789abcdef"], words, "login")
        for path in files_of(other):
            if os.path.basename(path) not in ("client_secret", "refresh_token", "access_token"):
                no_secret(secrets, contents(path), path)
        no_secret(secrets, contents(mount.log), "the log")


def kept(home):
    """The secrets of a profile that has signed in."""
    found = [contents(f"{home}/state/{name}").decode().strip() for name in ("client_secret", "refresh_token")]
    with open(f"{home}/cache/access_token", encoding="utf-8") as file:
        return [*found, json.load(file)["access_token"]]


@case("nor what the other ways to sign in say, whether they work or not")
def ways():
    with Emulator("Leads=3", "--set", "device_interval_ms=1000") as emulator, Mount(emulator) as mount:
        for number, (arguments, said) in enumerate([(["--device"], b""), (["--self-client", "-"], b"1000.code.self")]):
            if arguments[0] == "--self-client":
                _, body = emulator.request("POST", "/oauth/v2/self_client_code", "", {"Content-Length": "0"})
                said = json.loads(body)["code"].encode()
            home = f"{mount.folder}/way{number}"
            words = login(mount, home, *arguments, said=said)
            secrets = [*kept(home), said.decode() or REFRESH_TOKEN]
            no_secret(secrets, words, f"login {arguments}")
            for path in files_of(home):
                if os.path.relpath(path, home) not in OWN:
                    no_secret(secrets, contents(path), path)
        code = "1000.0123456789abcdef.0123456789abcdef"
        words = login(mount, f"{mount.folder}/none", "--self-client", "-", said=code.encode(), status=1)
        no_secret([code, CLIENT_SECRET], words, "login with a wrong code")


@case("nor has the trace of every operation, and of the way to a server that answers nonsense")
def traced():
    with Emulator("Leads=5") as emulator:
        with Mount(emulator, ttl=1, wrapper=["sh", "-c", 'exec "$@" -d', "sh"]) as mount:
            mount.list("Leads")
            secrets = [CLIENT_SECRET, REFRESH_TOKEN, access_token(mount)]
            token = secrets[2]
            for status, body in (500, token), (401, f"<html>{token}</html>"), (200, f'{{"data": "{token}'):
                emulator.faults({"match": "GET /crm/v8/Contacts", "status": status, "body": body})
                with contextlib.suppress(OSError):
                    mount.list("Contacts")
                look_at_control_files(mount, secrets)
                emulator.faults()
            check(b"LOOKUP" in contents(mount.log).upper(), "nothing is traced")
            no_secret(secrets, contents(mount.log), "the trace")


def crashes(folder, wrapper=(), *command):
    """Where the kernel would leave a core, and what makes it do so."""
    os.makedirs(folder, 0o700, exist_ok=True)
    return [*wrapper, "sh", "-c", f'ulimit -c unlimited && cd {folder} && exec "$@"', "sh", *command]


def dies_of(process, number):
    """Returns: did it leave a core?"""
    process.send_signal(number)
    _, status = os.waitpid(process.pid, 0)
    process.returncode = -number
    equal(os.WTERMSIG(status), number, "the signal that ended it")
    return os.WCOREDUMP(status)


@case("no core is dumped when it crashes, whatever the limits were")
def no_core():
    if harness.is_sanitized(harness.zohofs):
        raise harness.Skip("a sanitizer catches the signals")
    folder = harness.work_folder("cores")
    with subprocess.Popen(crashes(folder, (), "sleep", "1000"), stdin=subprocess.DEVNULL) as other:
        wait_until(lambda: contents(f"/proc/{other.pid}/comm") == b"sleep\n", "sleep to run")
        if not dies_of(other, signal.SIGSEGV):
            raise harness.Skip("this machine dumps no cores at all")
    for path in files_of(folder):
        os.unlink(path)
    for number in signal.SIGSEGV, signal.SIGABRT, signal.SIGQUIT:
        with Emulator("Leads=3") as emulator, Mount(emulator, wrapper=crashes(folder)) as mount:
            mount.list("Leads")
            limit = re.search(rb"Max core file size +(\d+) +(\d+) ", contents(f"/proc/{mount.process.pid}/limits"))
            check(limit and limit.groups() == (b"0", b"0"), "the limit of cores")
            check(not dies_of(mount.process, number), f"a core was dumped after signal {number}")
            mount.kill()
            mount.process.returncode = -signal.SIGKILL  # what a mount is expected to end with that was killed
        equal(list(files_of(folder)), [], "files")


if __name__ == "__main__":
    main()
