"""Where the work is done: directories with the same files, served by whom we compare. Each tells what it cost: calls of
the API, requests of the kernel, memory of its process."""
import asyncio
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import threading

import harness

MODULE = "Leads"
METHODS = (b"GET", b"HEAD", b"OPTIONS", b"PROPFIND")

floor = None  # the program


def memory_of(pid):
    """Bytes: the most that was resident; private to the process now; and of that, what no file backs."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        peak = next(int(line.split()[1]) for line in file if line.startswith("VmHWM:"))
    with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as file:
        sizes = {line.split(":")[0]: int(line.split()[1]) for line in file if line.rstrip().endswith(" kB")}
    return {"peak": peak * 1024, "private": (sizes["Private_Dirty"] + sizes["Private_Clean"]) * 1024,
            "anonymous": sizes["Anonymous"] * 1024}


def cpu_of(pid):
    """Seconds of processor time that a process has used so far."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def difference(after, before):
    return {key: after[key] - before.get(key, 0) for key in after}


class Tmpfs:
    """The files themselves."""

    name = "tmpfs"

    def __init__(self, path):
        self.path, self.process = path, None

    def mark(self):
        pass

    def since(self):
        return {}


class Zohofs:
    """A mount of the emulator's org."""

    def __init__(self, name, emulator, mount):
        self.name, self.emulator, self.mount, self.process = name, emulator, mount, mount.process
        self.path = mount.at(MODULE)
        self.calls = self.requests = self.price = None

    def mark(self):
        """Looking at the status costs requests too: what, is seen by looking twice."""
        self.mount.wait_quiet()
        first = self.mount.status()["fuse"]
        self.requests = self.mount.status()["fuse"]
        self.price = difference(self.requests, first)
        self.calls = self.emulator.get("stats")["requests"]

    def since(self):
        memory = memory_of(self.process.pid)
        requests = difference(difference(self.mount.status()["fuse"], self.requests), self.price)
        self.mount.wait_quiet()
        return {"calls": self.emulator.get("stats")["requests"] - self.calls, "fuse": requests, **memory}


class Served(harness.Mount):
    """A mount by somebody else's program, in the foreground. `with` unmounts it and ends the program."""

    def __init__(self, name, command, environment=None):  # pylint: disable=super-init-not-called
        self.name, self.ended, self.killed = name, False, False
        self.folder = harness.work_folder(name.split()[0])
        self.path = os.path.join(self.folder, "mnt")
        self.log = os.path.join(self.folder, "log")
        os.mkdir(self.path)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([*command, self.path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                            stderr=log, start_new_session=True,
                                            env=dict(os.environ, **(environment or {})))
        try:
            self.wait_mounted()
        except BaseException:
            self.report()
            self.end()
            raise

    def __exit__(self, kind, *_):
        if kind is not None:
            self.report()
        status = self.end()
        self.process.stdout.close()
        if kind is None and status != 0:
            raise AssertionError(f"{self.name} ended with {status}")


class Floor(Served):
    """floor.c: what FUSE itself costs."""

    def __init__(self, files, *options):
        super().__init__(" ".join(("floor", *options)), [floor, *options, files])
        self.requests = None

    def counts(self):
        self.process.send_signal(signal.SIGUSR1)
        ready, _, _ = select.select([self.process.stdout], [], [], harness.PATIENCE)
        harness.check(ready, "floor does not tell its counts")
        return json.loads(self.process.stdout.readline())

    def mark(self):
        self.requests = self.counts()

    def since(self):
        return {"fuse": difference(self.counts(), self.requests), **memory_of(self.process.pid)}


class Rclone(Served):
    """rclone mount of the files over WebDAV, what one would take without zohofs; with a cache of its own, its best."""

    def __init__(self, server):
        self.server, self.calls = server, 0
        super().__init__("rclone", ["rclone", "mount", ":webdav:", "--webdav-url", server.url, "--webdav-vendor",
                                    "other", "--read-only", "--dir-cache-time", "1h", "--vfs-cache-mode", "full"],
                         server.environment)

    def mark(self):
        self.calls = self.server.calls

    def since(self):
        return {"calls": self.server.calls - self.calls, **memory_of(self.process.pid)}


class WebDav:
    """`rclone serve webdav` of a directory, behind a wire on which each request takes @latency ms."""

    def __init__(self, files, latency):
        self.folder = harness.work_folder("webdav")
        self.log = os.path.join(self.folder, "log")
        self.environment = {"RCLONE_CONFIG": "/dev/null", "RCLONE_CACHE_DIR": self.folder}
        self.delay, self.calls, self.url, self.done = latency / 1000, 0, None, None
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(["rclone", "serve", "webdav", files, "--addr", f"127.0.0.1:{self.port}"],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=dict(os.environ, **self.environment))
        self.ready, self.loop = threading.Event(), asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_until_complete, args=(self.serve(),), daemon=True)

    def __enter__(self):
        try:
            harness.wait_until(self.answers, "rclone serve webdav")
            self.thread.start()
            harness.check(self.ready.wait(harness.PATIENCE), "the wire to WebDAV is not there")
        except BaseException:
            harness.reports.extend(harness.tail(self.log))
            harness.end_process(self.process)
            raise
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.done.set)
        self.thread.join(harness.PATIENCE)
        harness.end_process(self.process)

    def answers(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            return True
        harness.check(self.process.poll() is None, "rclone serve webdav ended")
        return False

    async def serve(self):
        self.done = asyncio.Event()
        server = await asyncio.start_server(self.connect, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self.ready.set()
        async with server:
            await self.done.wait()
        connections = asyncio.all_tasks() - {asyncio.current_task()}
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    async def connect(self, reader, writer):
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.port)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await asyncio.gather(self.pass_requests(reader, up_writer), self.pass_answers(up_reader, writer))
        up_writer.close()
        writer.close()

    async def pass_requests(self, reader, writer):
        """A request is answered before the next one comes, so a body behind its head does not wait again."""
        while data := await reader.read(1 << 16):
            if data.split(b" ", 1)[0] in METHODS:
                self.calls += 1
                await asyncio.sleep(self.delay)
            writer.write(data)
            await writer.drain()
        writer.write_eof()

    async def pass_answers(self, reader, writer):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
