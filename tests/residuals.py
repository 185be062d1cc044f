"""How exactly do the equations hold? ``python -m pytest -p tests.residuals --residuals FILE -m equation`` measures.

While a test marked ``equation`` runs, every comparison that holds is noted: NumPy's ``assert_allclose`` and
``assert_array_equal``, ``pytest.approx``, and what plain assertions compare: ``abs(a - b) <= 1e-6 * scale`` or
``gap <= 1e-5`` with a literal tolerance, ``a == b``, and inequalities. FILE gets one record a test function:

``residual``   the largest difference over the largest expected magnitude; 0 is exact
``tolerance``  what that comparison allows, in the same unit
``numbers``    how many numbers were compared
``held``       how many inequalities held
"""

import ast
import datetime
import functools
import inspect
import itertools
import json
import operator
import platform
import sys
import textwrap
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

ORDERS = {ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge}
TRUTHS = ("np.allclose", "np.array_equal", "np.isclose")


# -- what one test compared ----------------------------------------------------------------------------------

class Record:
    """The comparisons of one test function, over all its cases."""

    def __init__(self):
        self.groups, self.new, self.held = {}, itertools.count(), 0

    def compare(self, found, expected, rtol=0, atol=0, place=None):
        """Note a comparison; the single numbers of one ``place`` in the code share the largest of them as scale."""
        found, expected = (np.asarray(values) for values in (found, expected))
        if not all(values.size and values.dtype.kind in "biuf" for values in (found, expected)):
            return
        found, expected = np.broadcast_arrays(found.astype(float), expected.astype(float))
        with np.errstate(all="ignore"):
            off = np.abs(np.where(found == expected, 0, found - expected))
            off, size = (np.where(np.isfinite(values), values, 0).max() for values in (off, np.abs(expected)))
        group = self.groups.setdefault(next(self.new) if expected.size > 1 or place is None else place, np.zeros(4))
        group[:3] = np.maximum(group[:3], [off, size, atol + rtol * size])
        group[3] += expected.size

    def share(self, value, scale, tolerance):
        """Note ``value <= tolerance * scale``, where ``value`` is a difference already."""
        self.groups[next(self.new)] = np.array([value, scale, tolerance * scale, 1], float)

    def summary(self):
        """The worst comparison, in two digits; without numbers, how many inequalities held."""
        worst = max(((off / (size or 1), allowed / (size or 1)) for off, size, allowed, _ in self.groups.values()),
                    default=None)
        found = {"held": self.held} if self.held else {}
        if worst:
            residual, tolerance = (float(f"{value:.1e}") for value in worst)
            found |= {"numbers": int(sum(group[3] for group in self.groups.values())),
                      "residual": residual, "tolerance": tolerance}
        return found


# -- assertions that note what they compare ------------------------------------------------------------------

class Noting(ast.NodeTransformer):
    """Rewrite ``assert`` so that each comparison in it that must hold goes through ``Notes``."""

    def visit_Assert(self, node):
        node.test = self.claim(node.test)
        return node

    def claim(self, node):
        """The expression ``node``, which is asserted to be true, rewritten."""
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
            node.values = [self.claim(value) for value in node.values]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in TRUTHS:
            return call("truth", node.func, *node.args, keywords=node.keywords)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "all":
            node.func.value = self.claim(node.func.value)
        elif isinstance(node, ast.Compare):
            return self.comparison(node)
        return node

    def comparison(self, node):
        left, op, right = node.left, node.ops[0], node.comparators[-1]
        sides = [left, *node.comparators]
        if all(isinstance(one, ast.Eq) for one in node.ops):
            if isinstance(left, (ast.Compare, ast.Call)) and isinstance(right, ast.Name) and len(sides) == 2:
                node.left = self.claim(left)  # assert (gap <= 1e-5) == holds
            if node.left is left and not any(unlike_numbers(side) for side in sides):
                return call("equal", *sides)
        elif len(sides) == 2 and type(op) in ORDERS:
            tolerance = literal(right) if isinstance(op, ast.LtE) else None
            if tolerance and (terms := difference(left)):
                return call("within", ast.Constant(node.lineno), left, right, *terms)
            if tolerance and small(tolerance):
                return call("small", left, right, tolerance)
            return call("ordered", ast.Constant(type(op).__name__), left, right)
        return node


def call(name, *args, keywords=()):
    """The expression ``_notes.name(...)``."""
    return ast.Call(ast.Attribute(ast.Name("_notes", ast.Load()), name, ast.Load()), list(args), list(keywords))


def unlike_numbers(side):
    """Whether a side of ``==`` is a question of its own: yes or no, a shape, or noted by ``approx``."""
    code = ast.unparse(side)
    return isinstance(side, ast.Compare) or "approx(" in code or code.endswith((".shape", ".dtype"))


def literal(node):
    """The tolerance that stands in the code, as in ``1e-5``, ``1e-5 * scale`` and ``1e-5 if linear else 0.03``."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        node = node.left
    return node if all(isinstance(leaf, ast.Constant) for leaf in branches(node)) else None


def branches(node):
    return (node.body, node.orelse) if isinstance(node, ast.IfExp) else (node,)


def small(tolerance):
    """Whether a literal can only be a tolerance."""
    return all(0 < leaf.value < 0.05 for leaf in branches(tolerance))


def difference(node):
    """The two sides of ``abs(a - b)`` or ``np.abs(a - b).max()``, or None."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "max":
        node = node.func.value
    if isinstance(node, ast.Call) and ast.unparse(node.func) in ("abs", "np.abs") and len(node.args) == 1:
        inner = node.args[0]
        if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Sub):
            return inner.left, inner.right
    return None


class Notes:
    """What rewritten assertions call: the same truth, and a note in the record if it holds."""

    def __init__(self, record):
        self.record = record

    def equal(self, *values):
        holds = functools.reduce(lambda a, b: a & b, map(operator.eq, values, values[1:]))
        if np.all(holds):
            try:
                self.record.compare(values[0], values[-1], place=id(self))
            except (TypeError, ValueError):  # no numbers, or in no rectangle
                pass
        return holds

    def within(self, line, off, allowed, found, expected):
        if off <= allowed:
            self.record.compare(found, expected, atol=float(allowed), place=line)
        return off <= allowed

    def small(self, off, allowed, tolerance):
        if off <= allowed:
            self.record.share(abs(off), allowed / tolerance, tolerance)
        return off <= allowed

    def ordered(self, op, a, b):
        holds = ORDERS[getattr(ast, op)](a, b)
        self.record.held += int(np.sum(holds))
        return holds

    def truth(self, function, found, expected, **options):
        holds = function(found, expected, **options)
        if np.all(holds):
            allowed = {"rtol": 0, "atol": 0} if function is np.array_equal else {"rtol": 1e-5, "atol": 1e-8}
            self.record.compare(found, expected, **(allowed | options))
        return holds


def noting(function):
    """The code of a test function, its assertions rewritten."""
    lines, first = inspect.getsourcelines(function)
    tree = ast.parse(textwrap.dedent("".join(lines)))
    tree.body[0].decorator_list = []
    ast.increment_lineno(tree, first - 1)
    names = {}
    exec(compile(ast.fix_missing_locations(Noting().visit(tree)), inspect.getsourcefile(function), "exec"), names)
    return names[function.__name__].__code__


# -- comparisons in functions --------------------------------------------------------------------------------

def allclose(record):
    original = np.testing.assert_allclose

    def noted(actual, desired, rtol=1e-7, atol=0, **options):
        original(actual, desired, rtol, atol, **options)
        record.compare(actual, desired, rtol, np.max(atol))
    return noted


def array_equal(record):
    original = np.testing.assert_array_equal

    def noted(actual, desired, *args, **options):
        original(actual, desired, *args, **options)
        record.compare(actual, desired)
    return noted


def approx(record):
    """``pytest.approx``, whose ``==`` notes what it compares."""
    original = pytest.approx

    class Noted:
        __array_ufunc__, __hash__ = None, None

        def __init__(self, expected, rel=None, abs=None, **options):
            self.expected, self.approx = expected, original(expected, rel, abs, **options)
            self.rtol = rel if rel is not None else 1e-6 if abs is None else 0
            self.atol, self.place = 1e-12 if abs is None else abs, sys._getframe(1).f_lineno

        def __eq__(self, found):
            holds = found == self.approx
            if holds:
                record.compare(found, self.expected, self.rtol, self.atol, self.place)
            return holds

        def __repr__(self):
            return repr(self.approx)
    return Noted


# -- the plugin ----------------------------------------------------------------------------------------------

def pytest_addoption(parser):
    parser.addoption("--residuals", type=Path, help="measure the tests marked 'equation' and write this file")


def pytest_configure(config):
    if config.getoption("--residuals"):
        if config.getoption("numprocesses", None):
            raise pytest.UsageError("--residuals needs all tests in one process: leave out -n")
        config.pluginmanager.register(Measure(config.getoption("--residuals")))


class Measure:
    """Measures while the tests run, and writes the file at the end."""

    def __init__(self, file):
        self.file, self.records, self.passed, self.failed = file, {}, set(), set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        if not item.get_closest_marker("equation"):
            return (yield)
        name = item.nodeid.split("[")[0]
        record = self.records.setdefault(name, Record())
        function = inspect.unwrap(item.obj.hypothesis.inner_test if hasattr(item.obj, "hypothesis") else item.obj)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(np.testing, "assert_allclose", allclose(record))
            patch.setattr(np.testing, "assert_array_equal", array_equal(record))
            patch.setattr(pytest, "approx", approx(record))
            patch.setitem(function.__globals__, "_notes", Notes(record))
            patch.setattr(function, "__code__", noting(function))
            try:
                yield
                self.passed.add(name)
            except pytest.skip.Exception:
                raise
            except BaseException:
                self.failed.add(name)
                raise

    def pytest_sessionfinish(self):
        tests = {name: self.records[name].summary() for name in sorted(self.passed - self.failed)}
        self.file.write_text(json.dumps({"measured": circumstances(), "tests": tests}, indent=1) + "\n")


def circumstances():
    """When and on what."""
    return {"date": datetime.date.today().isoformat(), "python": platform.python_version(), "keras": version("keras"),
            "backend": sys.modules["keras"].backend.backend() if "keras" in sys.modules else None,
            "machine": platform.machine()}
