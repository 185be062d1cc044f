"""Runs the graded cells outside the sandbox: the student's names are fetched as data, their functions called from afar.

A graded cell reads the same here and in the student's notebook. Here it runs in the grader's process, together with the
locked cells; the student's own cells run in the sandbox. Marks come from this process alone, so that no print, patch or
forged output of a student can change them, and hidden tests never enter the sandbox.
"""

import ast
import builtins
import contextlib
import io
import re
from concurrent.futures import ThreadPoolExecutor
from types import FunctionType

import numpy as np
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_locked, is_solution
from traitlets import Bool, Dict

from . import sandbox
from .worker import decode, encode

RESTARTS = 3
SHOWN = 20 << 20  # bytes of outputs kept of one submission
MEMORY = 6 << 30  # bytes that the grader's own process may use: an answer may be large when it is compared


class Judge(NbGraderPreprocessor):
    """nbgrader's step that runs a notebook, in place of ``Execute``."""

    isolated = Bool(True, help="Run submissions in a sandbox; without one, they run as you.").tag(config=True)
    variants = Bool(False, help="Each student had numbers of their own, drawn from the name.").tag(config=True)

    limits = Dict(help="Limits of the sandbox that differ from its own, by name.").tag(config=True)

    def preprocess(self, nb, resources):
        if self.isolated and sandbox.missing():
            raise RuntimeError(f"submissions cannot be isolated: {sandbox.missing()}")
        student = resources["nbgrader"]["student"]
        for cell in nb.cells:
            if self.variants and is_locked(cell):
                cell.source = for_student(cell.source, student)
        with Student(sandbox.Limits(**self.limits), self.isolated) as answers:
            judge(nb, answers)
        return nb, resources


def for_student(source, student):
    """A locked cell with the student's name where the variants are drawn from."""
    return re.sub(r'^STUDENT = "everyone"', lambda _: f"STUDENT = {student!r}", source, flags=re.M)


def judge(nb, answers):
    """Fill in the outputs of each code cell: the student's run in the sandbox, the graded ones here."""
    trusted = {"__name__": "__main__"}
    with ThreadPoolExecutor(1) as beside:
        for cell in nb.cells:
            if cell.cell_type != "code":
                continue
            if is_grade(cell) and not is_solution(cell):
                cell.outputs = graded(cell.source, trusted, answers)
                continue
            running = beside.submit(answers.run, cell.source)  # imports take seconds, on both sides
            if is_locked(cell):
                with contextlib.redirect_stdout(io.StringIO()):
                    exec(compile(cell.source, "<locked cell>", "exec"), trusted)
            cell.outputs = running.result()


def graded(source, trusted, answers):
    """The outputs of a graded cell: none if it passes, an error with its message if it does not."""
    names = {**trusted}
    answers.objects = {id(value): name for name, value in trusted.items()}
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            for name in asked_of_student(source, trusted):
                names[name] = answers.get(name)
            exec(compile(source, "<graded cell>", "exec"), names)
    except Exception as problem:
        kind, text = type(problem).__name__, str(problem)
        return [NotebookNode(output_type="error", ename=kind, evalue=text, traceback=[f"{kind}: {text}"])]
    return [NotebookNode(output_type="stream", name="stdout", text=said.getvalue())] if said.getvalue() else []


def asked_of_student(source, trusted):
    """The names that a graded cell uses and that neither it nor the locked cells define."""
    nodes = list(ast.walk(ast.parse(source)))
    own = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    own |= {node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    own |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    own |= {(a.asname or a.name).split(".")[0] for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom))
            for a in node.names}
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    return sorted(used - own - set(trusted) - set(dir(builtins)))


class Student:
    """A student's notebook in its sandbox. If it has to be stopped, the cells before are run again in a new one."""

    def __init__(self, limits=sandbox.Limits(), isolated=True):
        self.limits, self.isolated = limits, isolated
        self.cells, self.objects, self.restarts, self.shown = [], {}, 0, 0
        self.sandbox = sandbox.Sandbox(limits, isolated)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sandbox.close()

    def run(self, source):
        """Run a cell; its outputs as nbformat has them, only text, errors and pictures."""
        try:
            outputs = self.sandbox.ask({"run": source}, self.limits.cell)["outputs"]
            outputs = [clean(output) for output in outputs]
            self.shown += sum(len(str(output)) for output in outputs)
            if self.shown > SHOWN:
                outputs = [error("Stopped", f"your notebook has more than {SHOWN >> 20} MiB of outputs: not shown")]
        except sandbox.Stopped as problem:
            self._restart()
            return [error("Stopped", f"your notebook was stopped in this cell: {problem}")]
        except Exception:  # an answer of no known form
            return [error("Stopped", "your notebook answered in no known form")]
        self.cells.append(source)
        return outputs

    def get(self, name):
        """The value of the student's ``name``: data, or a function to be called from afar."""
        value = self._ask({"get": name}, self.limits.call, {})
        if isinstance(value, Function):
            return lambda *args, **kwargs: self.call(name, args, kwargs)
        return value

    def call(self, name, args, kwargs):
        """Call the student's function; what it raises is raised here, if it is one of Python's own errors."""
        callbacks = []

        def hand_over(value):
            if isinstance(value, (np.ndarray, np.generic)):
                return None  # by value: the student may have changed the array of the same name
            if id(value) in self.objects and not isinstance(value, FunctionType):
                return {"name": self.objects[id(value)]}  # a network, say: the student's side has one, too
            if callable(value):
                callbacks.append(value)
                return {"callback": len(callbacks) - 1}
            return None

        request = {"call": name, "args": [encode(v, hand_over) for v in args], "seconds": self.limits.call,
                   "kwargs": {k: encode(v, hand_over) for k, v in kwargs.items()}}
        return self._ask(request, self.limits.call, callbacks)

    def _ask(self, request, seconds, callbacks):
        def call_back(answer):
            try:
                args = [decode(v) for v in answer["args"]]
                kwargs = {str(k): decode(v) for k, v in answer["kwargs"].items()}
                return {"value": encode(callbacks[answer["callback"]](*args, **kwargs))}
            except Exception as problem:
                return {"error": [type(problem).__name__, str(problem)]}

        what = request.get("call") or request["get"]
        try:
            answer = self.sandbox.ask(request, seconds, call_back)
        except sandbox.Stopped as problem:
            self._restart()
            raise AssertionError(f"{what}: it had to be stopped: {problem}") from None
        if "error" in answer:
            raise raised(*map(str, answer["error"]))
        try:
            return decode(answer["value"], lambda kind, _: Function() if kind == "function" else None)
        except Exception:
            raise AssertionError(f"{what}: the answer cannot be read") from None

    def _restart(self):
        self.restarts += 1
        self.sandbox.close()
        self.sandbox, end = sandbox.Sandbox(self.limits, self.isolated), self.sandbox.end
        self.sandbox.end = end
        try:
            if self.restarts > RESTARTS:
                self.sandbox.close("it had been stopped too often")
            for source in self.cells:
                self.sandbox.ask({"run": source}, self.limits.cell)
        except sandbox.Stopped:
            self.sandbox.close("it cannot be run again")


class Function:
    """Stands for a function of the student."""


def raised(kind, message):
    """The error that a student's function raised, if it is one of Python's own; else a RuntimeError that names it."""
    known = getattr(builtins, kind, None)
    if isinstance(known, type) and issubclass(known, Exception) and known is not StopIteration:  # would end our loops
        with contextlib.suppress(TypeError):
            return known(message)
    return RuntimeError(f"{kind}: {message}")


def error(kind, message):
    return NotebookNode(output_type="error", ename=kind, evalue=message, traceback=[f"{kind}: {message}"])


def clean(output):
    """An output as nbformat has it, whatever the sandbox sent: a text, an error or a picture."""
    kind = output["output_type"]
    if kind == "stream":
        return NotebookNode(output_type=kind, name="stderr" if output["name"] == "stderr" else "stdout",
                            text=str(output["text"]))
    if kind == "error":
        return error(str(output["ename"]), str(output["evalue"]))
    data = {mime: str(text) for mime, text in output["data"].items() if mime in ("text/plain", "image/png")}
    return NotebookNode(output_type="display_data", data=NotebookNode(data), metadata=NotebookNode())
