"""camlib as it is written: what is public in it, with signature and docstring, read without importing anything."""

import ast
import io
import re
import tokenize
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).parents[2] / "camlib"


class Definition(NamedTuple):
    """A public function, class or method."""

    kind: str          # function, class, exception or method
    name: str
    owner: str         # the class of a method, otherwise empty
    docstring: str
    parameters: list   # as text, less their types; None for a class that names none
    fields: list       # (name, comment) of what a class holds
    methods: list

    @property
    def path(self):
        return f"{self.owner}.{self.name}" if self.owner else self.name


class Module:
    """A module of camlib, by its name in the package."""

    def __init__(self, name):
        self.stem, self.name = name, f"camlib.{name}"
        path = PACKAGE / name.replace(".", "/")
        self.path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        self.source = self.path.read_text()
        self.tree = ast.parse(self.source)
        self.docstring = ast.get_docstring(self.tree) or ""

    def exports(self, name):
        """Whether ``camlib`` itself offers this name."""
        return exported().get(name) == self.stem

    @property
    def hidden(self):
        """Whether ``camlib.`` and the module's name mean a function instead."""
        return self.stem in exported()

    @cached_property
    def comments(self):
        """{(line, whether code stands before it): comment}."""
        words = tokenize.generate_tokens(io.StringIO(self.source).readline)
        return {(word.start[0], bool(word.line[:word.start[1]].strip())): word.string.lstrip("# ")
                for word in words if word.type == tokenize.COMMENT}

    @cached_property
    def definitions(self):
        """The public functions and classes, in the order of the source."""
        return [self._class(node) if isinstance(node, ast.ClassDef) else self._function(node)
                for node in public(self.tree, ast.FunctionDef | ast.ClassDef)]

    @cached_property
    def constants(self):
        """[({name: value}, comment)] for each statement that sets constants; its comment is beside or above it."""
        found = []
        for node in self.tree.body:
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            names = [name.id for name in getattr(target, "elts", [target]) if isinstance(name, ast.Name)]
            if names and all(re.fullmatch("[A-Z][A-Z_]+", name) for name in names):
                values = node.value.elts if len(names) > 1 else [node.value]
                texts = [text if len(text) <= 60 else "…" for text in map(self.text, values)]
                beside, above = self.comments.get((node.end_lineno, True)), self.comments.get((node.lineno - 1, False))
                found.append((dict(zip(names, texts, strict=True)), beside or above or ""))
        return found

    def text(self, node):
        """A part of the source, on one line."""
        return " ".join(ast.get_source_segment(self.source, node).split())

    def _function(self, node, owner=""):
        parameters = self._parameters(node.args)[bool(owner):]
        return Definition("method" if owner else "function", node.name, owner, ast.get_docstring(node) or "",
                          parameters, [], [])

    def _class(self, node):
        error = any(ast.unparse(base).endswith(("Error", "Exception")) for base in node.bases)
        held = [part for part in node.body if isinstance(part, ast.AnnAssign)]
        made = [part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__init__"]
        fields = [(field.target.id, self.comments.get((field.end_lineno, True))) for field in held]
        parameters = [self._parameter(field.target.id, field.value) for field in held] or None
        return Definition("exception" if error else "class", node.name, "", ast.get_docstring(node) or "",
                          self._parameters(made[0].args)[1:] if made else parameters,
                          [field for field in fields if field[1]],
                          [self._function(part, node.name) for part in public(node, ast.FunctionDef)])

    def _parameters(self, args):
        defaults = [None] * (len(args.args) - len(args.defaults)) + args.defaults
        texts = [self._parameter(arg.arg, default) for arg, default in zip(args.args, defaults, strict=True)]
        if args.vararg or args.kwonlyargs:
            texts.append("*" + (args.vararg.arg if args.vararg else ""))
        texts += [self._parameter(arg.arg, value) for arg, value in zip(args.kwonlyargs, args.kw_defaults, strict=True)]
        return texts + ([f"**{args.kwarg.arg}"] if args.kwarg else [])

    def _parameter(self, name, default):
        return name if default is None else f"{name}={self.text(default)}"


def public(node, kinds):
    """The public definitions in a module or a class."""
    return [part for part in node.body if isinstance(part, kinds) and not part.name.startswith("_")]


@cache
def exported():
    """{name: its module} of the functions and classes that ``camlib`` itself offers."""
    imports = [node for node in Module("").tree.body if isinstance(node, ast.ImportFrom) and node.module]
    return {name.name: node.module for node in imports for name in node.names}


@cache
def homes():
    """{bare name: the full names it may mean} of the public functions and classes but the self-checks."""
    found = {}
    for path in PACKAGE.glob("[!_]*.py"):
        for one in Module(path.stem).definitions:
            found.setdefault(one.name, []).append(f"camlib.{path.stem}.{one.name}")
    return found
