"""Runs a student's cells and calls their functions. It is started inside the sandbox, and imports nothing of ours.

It reads one JSON object a line, and answers each with one:
    {"run": source}                                        -> {"outputs": [notebook outputs]}
    {"get": name}                                          -> {"value": ...} or {"error": [type, message]}
    {"call": name, "args": [...], "kwargs": {...}, "seconds": s}    -> the same
While a call runs, the student's code may call back a function that it was given: {"callback": n, "args", "kwargs"},
which is answered by {"value": ...} or {"error": ...}. Only data crosses: see ``encode``.
"""

import base64
import builtins
import contextlib
import io
import json
import os
import resource
import signal
import sys

import numpy as np

MOST = 1_000_000  # characters of text kept of one cell, and of one picture times 20


def encode(value, function=None):
    """``value`` as JSON: numbers, text, arrays, and lists, tuples, sets and dicts of them; anything else by its type.

    ``function(value)`` encodes a callable or another object that has to be named, or returns None.
    """
    if value is None or isinstance(value, (bool, str)) or type(value) in (int, float):
        return value
    if isinstance(value, (list, tuple, set, frozenset)):
        kind = "list" if isinstance(value, list) else "tuple" if isinstance(value, tuple) else "set"
        return {kind: [encode(part, function) for part in value]}
    if isinstance(value, dict):
        return {"dict": [[encode(key, function), encode(part, function)] for key, part in value.items()]}
    named = function(value) if function else None
    if named is not None:
        return named
    with contextlib.suppress(Exception):
        array = np.asarray(value)
        if array.dtype.kind in "buif" and array.dtype.itemsize <= 8:
            data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
            return {"array": [array.dtype.str, list(array.shape), data, isinstance(value, np.generic)]}
    return {"other": type(value).__name__}


def decode(value, function=None):
    """The value that ``encode`` wrote; what was no data comes back as ``Other``."""
    if not isinstance(value, dict):
        return value
    (kind, content), = value.items()
    if kind in ("dict", "set") and len(content) > 10_000:
        raise ValueError(f"a {kind} of {len(content)}")
    if kind in ("list", "tuple", "set"):
        return {"list": list, "tuple": tuple, "set": set}[kind](decode(part, function) for part in content)
    if kind == "dict":
        return {decode(key, function): decode(part, function) for key, part in content}
    if kind == "array":
        dtype, shape, data, single = content
        if np.dtype(dtype).kind not in "buif":
            raise ValueError(f"an array of {dtype}")
        array = np.frombuffer(base64.b64decode(data), dtype).reshape(shape).copy()
        return array[()] if single else array
    if kind == "other":
        return Other(str(content))
    return function(kind, content) if function else Other(kind)


class Other:
    """What a student's answer is when it is no data: it has the name of its type, and nothing else."""

    def __init__(self, kind):
        self.kind = kind

    def __repr__(self):
        return f"<{self.kind}>"


class Bounded(io.StringIO):
    """Text that is kept up to a length, and then thrown away."""

    def write(self, text):
        if self.tell() < MOST:
            super().write(text[:MOST - self.tell()])
            if self.tell() >= MOST:
                super().write("\n... cut here")
        return len(text)


class Worker:
    """A student's notebook, between the pipes ``read`` and ``write``."""

    def __init__(self, read, write):
        from IPython.core.interactiveshell import InteractiveShell

        self.read, self.write = read, write
        self.shell = InteractiveShell.instance()
        self.shell._tee = lambda channel: contextlib.nullcontext()  # it keeps all that is printed, however much
        self.shell.enable_gui = self.shell.ask_exit = lambda *args, **kwargs: None  # as %matplotlib and exit() ask
        self.shell.displayhook.write_output_prompt = lambda: None
        self.shell.history_manager.enabled = False

    def serve(self):
        for line in self.read:
            asked = json.loads(line)
            self.say(self.run(asked["run"]) if "run" in asked else self.answer(asked))

    def say(self, answer):
        try:
            line = json.dumps(answer)
        except (ValueError, RecursionError) as problem:  # a number of ten thousand digits
            line = json.dumps({"error": ["ValueError", str(problem)], "outputs": []})
        self.write.write(line + "\n")
        self.write.flush()

    def run(self, source):
        """Run one cell as a notebook does; its outputs, in the order text, errors, results and figures."""
        from IPython.utils.capture import capture_output

        streams = {"stdout": Bounded(), "stderr": Bounded()}
        with contextlib.redirect_stdout(streams["stdout"]), contextlib.redirect_stderr(streams["stderr"]), \
                capture_output(stdout=False, stderr=False) as shown, timer(RUN_SECONDS):
            problem, pictures = self.ran(source), list(figures())
        outputs = [{"output_type": "stream", "name": name, "text": text.getvalue()}
                   for name, text in streams.items() if text.tell()]
        for rich in [*(rich.data for rich in shown.outputs), *pictures]:
            kept = {kind: base64.b64encode(data).decode() if isinstance(data, bytes) else str(data)
                    for kind, data in rich.items() if kind in ("text/plain", "image/png")}
            if sum(map(len, kept.values())) < 20 * MOST:
                outputs.append({"output_type": "display_data", "data": kept, "metadata": {}})
        if problem:
            outputs = [o for o in outputs if "Traceback" not in o.get("text", "")]
            outputs.append({"output_type": "error", "ename": type(problem).__name__, "evalue": str(problem)[:2000],
                            "traceback": [f"{type(problem).__name__}: {str(problem)[:2000]}"]})
        return {"outputs": outputs}

    def ran(self, source):
        """What a cell raises, or None."""
        try:
            result = self.shell.run_cell(source, store_history=False)
        except BaseException as problem:  # a second alarm, while the first was being told
            return problem
        return result.error_before_exec or result.error_in_exec

    def answer(self, asked):
        """The value of a name, or of a call; an error is told by its type and message."""
        try:
            name = asked.get("get") or asked["call"]
            if name not in self.shell.user_ns:
                raise NameError(f"name '{name}' is not defined")
            value = self.shell.user_ns[name]
            if "get" in asked:
                return {"value": {"function": name} if callable(value) else encode(value)}
            args, kwargs = ([decode(v, self.given) for v in asked["args"]],
                            {k: decode(v, self.given) for k, v in asked["kwargs"].items()})
            with contextlib.redirect_stdout(Bounded()), contextlib.redirect_stderr(Bounded()), timer(asked["seconds"]):
                return {"value": encode(value(*args, **kwargs))}
        except BaseException as problem:  # the student's code may raise anything, SystemExit too
            return {"error": [type(problem).__name__, str(problem)[:2000]]}

    def given(self, kind, content):
        """What the grader handed over that is no data: an object that a locked cell made, or a function of its own."""
        if kind == "name":
            return self.shell.user_ns[content]

        def callback(*args, **kwargs):
            self.say({"callback": content, "args": [encode(v) for v in args],
                      "kwargs": {k: encode(v) for k, v in kwargs.items()}})
            reply = json.loads(self.read.readline())
            if "error" in reply:
                name, message = reply["error"]
                kind = getattr(builtins, name, RuntimeError)
                raise (kind if isinstance(kind, type) and issubclass(kind, Exception) else RuntimeError)(message)
            return decode(reply["value"])

        return callback


def figures():
    """Yield the figures that are open, as pictures, and close them."""
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        for number in pyplot.get_fignums():
            picture = io.BytesIO()
            try:
                pyplot.figure(number).savefig(picture, format="png")
                yield {"image/png": picture.getvalue(), "text/plain": "<a figure>"}
            except Exception as problem:  # a formula in a title that is none, a picture too large
                yield {"text/plain": f"a figure that cannot be drawn: {problem}"[:2000]}
            pyplot.close(number)


@contextlib.contextmanager
def timer(seconds):
    """Raise TimeoutError in the body after ``seconds``, and again, in case it is caught."""
    def stop(*_):
        raise TimeoutError(f"stopped after {seconds:g} seconds")

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 2)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


RUN_SECONDS = 60


def main():
    """Set the limits (given as NAME=number), keep the pipes, and serve; what is printed goes nowhere."""
    global RUN_SECONDS
    for limit in sys.argv[1:]:
        name, number = limit.split("=")
        if name == "RUN_SECONDS":
            RUN_SECONDS = float(number)
        else:
            resource.setrlimit(getattr(resource, name), (int(number), int(number)))
    read, write = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    Worker(read, write).serve()


if __name__ == "__main__":
    main()
