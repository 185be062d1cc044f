"""A process for a student's code: no network, another user, its own files, and limits on what it may use.

The walls are bubblewrap's (Linux namespaces); the limits are the kernel's (setrlimit), and for memory a watch over all
processes of the sandbox together. Where bubblewrap does not work, there is no sandbox: see ``missing``.
"""

import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import psutil

WORKER = Path(__file__).with_name("worker.py")
CAMLIB = find_spec("camlib").submodule_search_locations[0]  # found without waiting for TensorFlow
EXCHANGE = "/usr/local/share/nbgrader"  # where nbgrader keeps everybody's submissions, if it was not told otherwise
USER = "64000"  # nobody's number, so that a count of this user's processes is a count of the students'


class Stopped(Exception):
    """The sandbox was ended; the message says why."""


@dataclass(frozen=True)
class Limits:
    """What one submission may use: bytes, processes and threads, seconds for a cell, a call, and in all."""

    memory: int = 3 << 30
    disk: int = 256 << 20
    answer: int = 16 << 20
    processes: int = 100
    cell: float = 60
    call: float = 30
    total: float = 600


@cache
def missing():
    """Why submissions cannot be isolated here, or nothing if they can."""
    if not shutil.which("bwrap"):
        return "bubblewrap is not installed (on Debian and Ubuntu: apt install bubblewrap; it needs Linux)"
    probe = ("import os; assert os.getuid(), 'it runs as root'\n"
             "assert [line.split(':')[0].strip() for line in open('/proc/net/dev')][2:] == ['lo'], 'it has a network'")
    tried = subprocess.run([*walls(Limits()), sys.executable, "-I", "-c", probe], capture_output=True, text=True)
    return f"bubblewrap does not work here: {tried.stderr.strip()[-300:]}" if tried.returncode else ""


def walls(limits):
    """The command behind which a program has the system's and Python's files to read, a small /tmp, nothing else."""
    system = [path for path in ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32", "/etc/ld.so.cache", "/etc/fonts",
                                "/etc/alternatives") if os.path.exists(path)]
    python = [sys.base_prefix, sys.prefix, CAMLIB, str(WORKER)]
    folders = sorted({str(folder) for path in python for folder in Path(path).parents[:-1]})
    readable = [*(part for path in system for part in ("--ro-bind", path, path)),
                *(part for folder in folders if not under(folder, system) for part in ("--perms", "0755", "--dir", folder)),
                *(part for path in python if not under(path, system) for part in ("--ro-bind", path, path))]
    variables = {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8", "MPLBACKEND": "agg",
                 "MPLCONFIGDIR": "/tmp/matplotlib", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
                 "TF_NUM_INTRAOP_THREADS": "2", "TF_NUM_INTEROP_THREADS": "2"}
    root = os.getuid() == 0
    return [
        "bwrap", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--die-with-parent",
        "--new-session",
        *([] if root else ["--unshare-user", "--uid", USER, "--gid", USER]),
        *("--cap-drop", "ALL"), *(("--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID") if root else ()),
        "--proc", "/proc", "--dev", "/dev", *(part for folder in ("/tmp", "/dev/shm") for part in
                                              ("--perms", "1777", "--size", str(limits.disk), "--tmpfs", folder)),
        *readable, *(("--tmpfs", EXCHANGE) if os.path.exists(EXCHANGE) else ()),
        "--remount-ro", "/dev", "--remount-ro", "/",
        "--chdir", "/tmp", "--clearenv", *(part for pair in variables.items() for part in ("--setenv", *pair)), "--",
        *(["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--no-new-privs"] if root else []),
    ]


def under(path, folders):
    """Is ``path`` one of ``folders``, or inside of one?"""
    return any(Path(path).is_relative_to(folder) for folder in folders)


class Sandbox:
    """One student's process. ``isolated=False`` keeps the limits and drops the walls."""

    def __init__(self, limits=Limits(), isolated=True):
        self.limits, self.ended, self.end = limits, "", time.monotonic() + limits.total
        rlimits = {"RLIMIT_DATA": limits.memory, "RLIMIT_FSIZE": limits.disk, "RLIMIT_CPU": int(limits.total) + 60,
                   "RLIMIT_CORE": 0, "RLIMIT_NOFILE": 512, **({"RLIMIT_NPROC": limits.processes} if isolated else {})}
        command = [*(walls(limits) if isolated else []), sys.executable, "-I", str(WORKER),
                   *(f"{name}={number}" for name, number in rlimits.items()), f"RUN_SECONDS={limits.cell}"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
                                        stderr=subprocess.DEVNULL, start_new_session=True)
        os.set_blocking(self.process.stdin.fileno(), False)
        self.rest, self.shared = b"", psutil.virtual_memory().shared
        threading.Thread(target=self._watch, daemon=True).start()

    def ask(self, request, seconds, callback=None):
        """Send ``request`` and return the answer. Raises Stopped if it takes too long, too much, or no form."""
        until = min(self.end, time.monotonic() + seconds + 5)  # the worker's own timer comes first
        self._send(request, until)
        while "callback" in (answer := self._receive(until)):
            self._send(callback(answer), until)
        return answer

    def close(self, why="it was over"):
        """End every process of the sandbox, and its pipes."""
        self._kill(why)
        for pipe in (self.process.stdin, self.process.stdout):
            pipe.close()

    def _kill(self, why):
        self.ended = self.ended or why
        for stop in (lambda: os.killpg(self.process.pid, signal.SIGKILL), self.process.kill):
            try:
                stop()
            except ProcessLookupError:
                pass
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _send(self, message, until):
        data = memoryview(json.dumps(message).encode() + b"\n")
        while data:
            self._wait(self.process.stdin, selectors.EVENT_WRITE, until)
            try:
                data = data[os.write(self.process.stdin.fileno(), data[:1 << 16]):]
            except (BrokenPipeError, BlockingIOError, ValueError):
                self._stop("it ended itself")

    def _receive(self, until):
        while b"\n" not in self.rest:
            self._wait(self.process.stdout, selectors.EVENT_READ, until)
            part = os.read(self.process.stdout.fileno(), 1 << 20)
            if not part:
                self._stop("it ended itself")
            if len(self.rest) > self.limits.answer:
                self._stop("it answered with too much")
            self.rest += part
        line, self.rest = self.rest.split(b"\n", 1)
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError):
            answer = None
        return answer if isinstance(answer, dict) else self._stop("it answered in no known form")

    def _wait(self, stream, event, until):
        if self.ended:
            self._stop(self.ended)
        with selectors.DefaultSelector() as selector:
            selector.register(stream, event)
            left = until - time.monotonic()
            if left < 0 or not selector.select(left):
                self._stop("it took too long")

    def _stop(self, why):
        self.close(why)
        raise Stopped(self.ended)

    def _watch(self):
        """End the sandbox when all of its processes together use more memory than one submission may.

        Files in memory belong to no process: what the whole system has more of since the start counts as well.
        """
        while self.process.poll() is None:
            used = max(0, psutil.virtual_memory().shared - self.shared)
            try:
                parent = psutil.Process(self.process.pid)
                for process in [parent, *parent.children(recursive=True)]:
                    used += process.memory_info().rss
            except psutil.Error:
                pass
            if used > self.limits.memory:
                self._kill(f"it used more than {self.limits.memory >> 20} MiB of memory")
            time.sleep(0.2)
