"""The Debian package: built from this tree, installed in a clean root, used there for a mount of the emulator's org, and
removed without leaving anything.

Needs root, debhelper, debootstrap and a mirror; skipped where one is missing. Arguments as for tests of mounts, of which
only the emulator is used: the program is the package's."""
import glob
import os
import re
import select
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f"{ROOT}/tests/mount")

# pylint: disable=wrong-import-position
import harness
from harness import CLIENT_ID, CLIENT_SECRET, Emulator, PATIENCE, REFRESH_TOKEN, case, check, equal, main, skip_all

INSIDE = "ZOHOFS_TEST_INSIDE"
# Packages and a whole root come from the network, perhaps a slow one.
LONG = 1200
PROGRAMS = "debootstrap", "dpkg-buildpackage", "dh", "unshare", "chroot"
FILES = """usr/bin/zohofs usr/lib/systemd/user/zohofs@.service usr/share/man/man1/zohofs.1.gz
    usr/share/man/man5/zohofs.conf.5.gz usr/share/bash-completion/completions/zohofs
    usr/share/zsh/vendor-completions/_zohofs usr/share/fish/vendor_completions.d/zohofs.fish
    usr/share/doc/zohofs/copyright usr/share/doc/zohofs/examples/default.conf
    usr/share/doc/zohofs/examples/zohofs-server.service""".split()
# What dpkg and fusermount3 write for themselves.
BOOKS = "var/lib/dpkg", "var/cache", "var/log", "proc", "dev", "tmp", "usr/share/doc-base"
LOCK = "etc/mtab.fuselock"
PROFILE = "root/.config/zohofs/demo.conf"
STATE = "root/.local/state/zohofs/demo"


def run(*command, patience=PATIENCE, status=0):
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=patience, check=False,
                          env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8",
                               **{name: os.environ[name] for name in os.environ if name.lower().endswith("_proxy")}})
    words = done.stdout.decode(errors="replace")
    check(status is None or done.returncode == status, f"{command} ended with {done.returncode}: {words[-3000:]}")
    return words


def build():
    folder = harness.work_folder("deb")
    run(f"{ROOT}/contrib/build-deb", folder, patience=LONG)
    found = glob.glob(f"{folder}/zohofs_*.deb")
    equal(len(found), 1, "packages")
    return found[0]


def look_at(package):
    """By lintian, where it is there."""
    if shutil.which("lintian") is None:
        print("# there is no lintian", flush=True)
        return
    words = run("lintian", "--allow-root", "--tag-display-limit", "0", package, patience=LONG, status=None)
    equal(words, "", "what lintian says")


def clean_root(package):
    """A Debian with what the package needs, and nothing more."""
    folder = harness.work_folder("root")
    os.chmod(folder, 0o755)
    needed = [re.sub(r"\(.*?\)|\|.*", "", one).strip() for one in run("dpkg-deb", "-f", package, "Depends").split(",")]
    release = re.search(r"(?m)^VERSION_CODENAME=(\w+)$", open("/etc/os-release", encoding="utf-8").read())
    done = subprocess.run(["debootstrap", "--variant=minbase", f"--include={','.join(needed)}", release[1], folder],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LONG,
                          check=False)
    if done.returncode != 0:
        raise harness.Skip(f"no clean root can be made: {done.stdout.decode(errors='replace').splitlines()[-1:]}")
    subprocess.run(["mount", "-t", "proc", "proc", f"{folder}/proc"], check=True, timeout=PATIENCE)
    subprocess.run(["mount", "--bind", "/dev", f"{folder}/dev"], check=True, timeout=PATIENCE)
    return folder


def files_of(root):
    found = set()
    for folder, names, files in os.walk(root):
        inside = os.path.relpath(folder, root)
        names[:] = [name for name in names if os.path.normpath(f"{inside}/{name}") not in BOOKS]
        found.update(os.path.normpath(f"{inside}/{name}") for name in [*names, *files])
    return found


def keep(root, path, text):
    os.makedirs(os.path.dirname(f"{root}/{path}"), 0o700, exist_ok=True)
    with open(f"{root}/{path}", "w", encoding="utf-8") as file:
        file.write(text + "\n")
    os.chmod(f"{root}/{path}", 0o600)


def write_profile(root, url):
    keep(root, PROFILE, f"[account]\naccounts_url={url}\napi_url={url}\nclient_id={CLIENT_ID}")
    keep(root, f"{STATE}/client_secret", CLIENT_SECRET)
    keep(root, f"{STATE}/refresh_token", REFRESH_TOKEN)


def use(root, url):
    """A mount in the clean root, by the program of the package."""
    write_profile(root, url)
    os.mkdir(f"{root}/mnt/crm")
    run("chroot", root, "zohofs", "demo", "/mnt/crm")
    equal(run("chroot", root, "ls", "/mnt/crm/Leads").count(".json\n"), 3, "records")
    words = run("chroot", root, "zohofs", "doctor", "demo")
    check("FAILED" not in words, words)
    check("sign-in     good" in run("chroot", root, "zohofs", "status", "demo"), "status")
    pid = os.pidfd_open(int(re.search(r"process (\d+)", run("chroot", root, "zohofs", "status", "demo"))[1]))
    run("chroot", root, "fusermount3", "-u", "/mnt/crm")
    check(select.select([pid], [], [], PATIENCE)[0], "the daemon does not end")
    os.close(pid)
    os.rmdir(f"{root}/mnt/crm")
    for folder in ".config", ".local", ".cache":
        shutil.rmtree(f"{root}/root/{folder}", ignore_errors=True)


@case("the package is built, installed in a clean root, used there and removed without leftovers")
def package():
    begun = time.monotonic()
    built = build()
    print(f"# built in {time.monotonic() - begun:.0f} s", flush=True)
    look_at(built)
    root = clean_root(built)
    before = files_of(root)
    shutil.copy(built, f"{root}/tmp/zohofs.deb")
    run("chroot", root, "dpkg", "-i", "/tmp/zohofs.deb", patience=LONG)
    for path in FILES:
        check(os.path.isfile(f"{root}/{path}"), f"{path} is not installed")
    with open(f"{ROOT}/meson.build", encoding="utf-8") as file:
        version = re.search(r"version: '([^']+)'", file.read())[1]
    equal(run("chroot", root, "zohofs", "--version"), f"zohofs {version}\n", "version")
    equal(run("dpkg-deb", "-f", built, "Version").strip(), version, "version of the package")
    with Emulator("Leads=3") as emulator:
        use(root, emulator.url)
    run("chroot", root, "dpkg", "--purge", "zohofs")
    equal(sorted((files_of(root) ^ before) - {LOCK}), [], "files that came or went")
    for folder in "dev", "proc":  # the work folder is removed with all that is in it
        subprocess.run(["umount", "--recursive", "--lazy", f"{root}/{folder}"], check=True, timeout=PATIENCE)


@case("meson installs the same files")
def meson_install():
    build_root = os.environ["MESON_BUILD_ROOT"]
    folder = harness.work_folder("install")
    done = subprocess.run(["meson", "install", "--no-rebuild", "--quiet", "-C", build_root], timeout=PATIENCE,
                          env=dict(os.environ, DESTDIR=folder), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    equal(done.returncode, 0, done.stdout.decode(errors="replace"))
    found = {os.path.basename(path) for path in files_of(folder)}
    names = {os.path.basename(path).removesuffix(".gz") for path in FILES} - {"copyright"}
    equal(sorted(names - found), [], "files that are not installed")


def go_inside():
    """Begins again in a mount namespace, so that no mount stays behind whatever happens."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if os.geteuid() != 0 or missing:
        skip_all(f"only root can do this, with {', '.join(missing or PROGRAMS)}")
    done = subprocess.run(["unshare", "--mount", "--propagation", "private", sys.executable, "-B", *sys.argv],
                          env=dict(os.environ, **{INSIDE: "1"}), check=False)
    sys.exit(done.returncode)


if __name__ == "__main__":
    if not os.environ.get(INSIDE) and harness.has_fuse():
        go_inside()
    main()
