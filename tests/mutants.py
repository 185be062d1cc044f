"""Small changes to a right answer, one at a time: a good check notices each that changes the result.

The classic changes of mutation testing (DeMillo, Lipton and Sayward 1978): operators and constants replaced,
statements deleted, arguments dropped or swapped. What cannot change a result is left alone: the order of max(a, b),
a seed.
"""

import ast
import contextlib
import copy
import difflib
import importlib
import inspect
import io
import signal
import sys
import warnings

from . import answers, assignments

OPERATORS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
             ast.FloorDiv: ast.Div, ast.Mod: ast.FloorDiv, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE,
             ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.And: ast.Or, ast.Or: ast.And,
             ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd}
NAMES = dict(pair for a, b in (("sum", "mean"), ("max", "min"), ("maximum", "minimum"), ("argmax", "argmin"),
                               ("zeros", "ones"), ("zeros_like", "ones_like"), ("floor", "ceil"), ("any", "all"))
             for pair in ((a, b), (b, a)))
SYMMETRIC = {"max", "min", "maximum", "minimum", "allclose", "isclose", "array_equal", "multiply", "add", "corrcoef"}


def mutants(source):
    """Yield (what was changed, the changed source), each once, for every change the rules below find in ``source``."""
    tree = ast.parse(source)
    seen = {ast.unparse(tree)}
    seeds = {part for call in ast.walk(tree) if isinstance(call, ast.Call) and _name(call.func) == "default_rng"
             for part in ast.walk(call)}  # another seed is no mistake
    for place, node in enumerate(ast.walk(tree)):
        if node in seeds:
            continue
        for number in range(len(_changes(node))):
            changed = copy.deepcopy(tree)
            twin = next(n for i, n in enumerate(ast.walk(changed)) if i == place)
            _changes(twin)[number]()
            text = ast.unparse(changed)
            if text not in seen:
                seen.add(text)
                yield _difference(ast.unparse(tree), text), text


def _difference(old, new):
    """The lines that differ, as "old -> new"."""
    lines = [line for line in difflib.ndiff(old.splitlines(), new.splitlines()) if line[0] in "+-"]
    return " -> ".join(" ".join(line[2:].strip() for line in lines if line[0] == sign) for sign in "-+")


def _name(function):
    """The last part of a function's name."""
    return getattr(function, "attr", getattr(function, "id", ""))


def _changes(node):
    """The changes to ``node``, as functions that make them in place."""
    changes = []
    for field in ("op", "ops"):
        operator = getattr(node, field, None)
        operator = operator[0] if isinstance(operator, list) else operator
        if type(operator) in OPERATORS:
            new = OPERATORS[type(operator)]()
            changes.append(lambda field=field, new=new: setattr(node, field, [new] if field == "ops" else new))
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        changes.append(lambda: setattr(node, "value", not node.value))
    elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        changes += [lambda step=step: setattr(node, "value", node.value + step) for step in (1, -1)]
    if isinstance(node, ast.Name) and node.id in NAMES:
        changes.append(lambda: setattr(node, "id", NAMES[node.id]))
    if isinstance(node, ast.Attribute) and node.attr in NAMES:
        changes.append(lambda: setattr(node, "attr", NAMES[node.attr]))
    if isinstance(node, ast.Call):
        changes += [lambda i=i: node.keywords.pop(i) for i in range(len(node.keywords))]
        if len(node.args) > 1 and _name(node.func) not in SYMMETRIC:
            changes.append(lambda: node.args.__setitem__(slice(0, 2), node.args[1::-1]))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        changes.append(lambda: node.__dict__.update(left=node.right, right=node.left))
    for body in (getattr(node, "body", None), getattr(node, "orelse", None)):
        if isinstance(body, list):
            changes += [lambda body=body, i=i: body.__setitem__(i, ast.Pass()) for i, statement in enumerate(body)
                        if isinstance(statement, (ast.Assign, ast.AugAssign, ast.Expr, ast.If, ast.For))
                        and not isinstance(getattr(statement, "value", None), ast.Constant)]
    if isinstance(node, ast.UnaryOp):
        changes.append(lambda: node.__dict__.update(op=ast.UAdd()) if not isinstance(node.op, ast.Not)
                       else node.__dict__.update(op=ast.Not(), operand=ast.UnaryOp(ast.Not(), node.operand)))
    return changes


def survivors(source, passes):
    """(how many mutants of ``source`` there are, what was changed in those for which ``passes(source)`` is true)."""
    made = list(mutants(source))
    return len(made), [what for what, text in made if passes(text)]


def main():
    """Print how many mutants each check notices: of the chapters named, or of the names behind ``--assignments``."""
    names = sys.argv[1:]
    if names[:1] == ["--assignments"]:
        for name in names[1:] or assignments.NAMES:
            of_assignment(name)
    for chapter in () if names[:1] == ["--assignments"] else names:
        of_chapter(chapter)


def of_chapter(chapter):
    """The mutants of the first right answer to each exercise."""
    setup, every = answers.load(chapter)
    start = {}
    exec(setup, start)
    first = {answer.task: answer for answer in reversed(every) if answer.kind == "right"}
    for task, answer in reversed(first.items()):
        check = getattr(importlib.import_module(f"camlib.exercises.{chapter}"), task)

        def passes(source, check=check):
            namespace = dict(start)
            exec(source, namespace)
            check.__wrapped__(*(namespace[name] for name in inspect.signature(check).parameters))

        report(f"{chapter}.{task}", answer.source, passes)


def of_assignment(name):
    """The mutants of the reference solution of each autograded task."""
    for task in assignments.tasks(name).values():
        defined = assignments.namespace(task.setup)
        report(f"{name}.{task.name}", task.solution, lambda source: assignments.grade(task, source, defined))


def report(name, source, check):
    """Print how many mutants of ``source`` ``check(source)`` notices, by an error of any kind, and list the others."""
    total, left = survivors(source, lambda text: _quiet(check, text))
    print(f"{name:40s} {total - len(left):3d} of {total:3d} noticed", *(f"\n    {what}" for what in left), flush=True)
    return total, left


def _quiet(check, source):
    try:
        with limit(20), warnings.catch_warnings(action="ignore"), contextlib.redirect_stdout(io.StringIO()):
            check(source)
    except (Exception, SystemExit):
        return False
    return True


@contextlib.contextmanager
def limit(seconds):
    """Raise TimeoutError in the body after ``seconds``: a mutant may run for ever."""
    def stop(*_):
        raise TimeoutError(f"longer than {seconds} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


if __name__ == "__main__":
    main()
