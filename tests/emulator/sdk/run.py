#!/usr/bin/env python3
"""Zoho's official Node SDK, unchanged, against an emulator of our own: everything that sdk.mjs does must work.

    run.py EMULATOR FOLDER

Installs the SDK into FOLDER once, by npm. Exits with 77 (skipped) where npm or the package cannot be had."""

import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from suite import Emulator  # noqa: E402

PACKAGE = "@zohocrm/nodejs-sdk-8.0"
VERSION = "2.0.0"
INSTALL_S = 300
RUN_S = 300


def skip(why):
    print("skipped: " + why)
    sys.exit(77)


def install(folder):
    if os.path.exists(os.path.join(folder, "node_modules", PACKAGE, "package.json")):
        return
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "package.json"), "w", encoding="utf-8") as file:
        file.write('{"name": "emulator-sdk-test", "private": true}\n')
    try:
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock",
                               PACKAGE + "@" + VERSION], cwd=folder, timeout=INSTALL_S, check=False,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        skip("npm does not come to an end")
    if done.returncode != 0:
        skip("npm cannot install " + PACKAGE)


def main():
    folder = os.path.abspath(sys.argv[2])
    if shutil.which("npm") is None or shutil.which("node") is None:
        skip("no npm")
    install(folder)
    # Node looks for packages from where the program is.
    program = shutil.copy(os.path.join(HERE, "sdk.mjs"), folder)
    emulator = Emulator(sys.argv[1])
    try:
        with tempfile.TemporaryDirectory() as scratch:
            status = subprocess.run(["node", program, emulator.url, scratch], timeout=RUN_S, check=False).returncode
    finally:
        ended = emulator.stop()
    if ended != 0:
        print("the emulator ended with %d" % ended)
    sys.exit(1 if status or ended else 0)


if __name__ == "__main__":
    main()
