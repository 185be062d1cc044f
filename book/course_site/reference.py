"""The reference of camlib, read from its source: nothing is imported, so the site builds without TensorFlow.

``{reference}`` takes a line a group: ``7: cam`` stands under the title of chapter 7, ``Shared: probe, images`` under
its own. Docstrings are plain text: only what ``TOKEN`` finds becomes a link or code.
"""

import json
import re
from itertools import groupby
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode
from sphinxcontrib.bibtex.roles import CiteRole

from .numbers import chapter_of
from .source import PACKAGE, Module, homes

TOKEN = re.compile(r"""
    ``(?P<code>.+?)``
  | \[(?P<cite>[a-z]+\d{4}[a-z]?(?:,\ [a-z]+\d{4}[a-z]?)*)\]
  | (?P<equation>\(\d+\.\d+\))
  | (?P<chapter>\b[Cc]hapter\ \d+)
  | \*(?P<stress>[a-z][a-z ]*)\*
  | (?P<error>\b[A-Z]\w*Error\b)""", re.X)


class Reference(SphinxDirective):
    """List modules of camlib, group by group."""

    has_content = True

    def run(self):
        groups = [line.partition(":")[::2] for line in self.content if line.strip()]
        return [self.group(title.strip(), modules.replace(",", " ").split()) for title, modules in groups]

    def group(self, title, modules):
        """A section: the title of a chapter, which leads there, or another; then its modules."""
        title = self.chapter(int(title)) if title.isdigit() else nodes.Text(title)
        section = nodes.section("", nodes.title("", "", title), ids=[nodes.make_id(title.astext())])
        for name in modules:
            section += self.module(Module(name))
            if name == "exercises":
                modules = [Module(f"exercises.{path.stem}") for path in PACKAGE.glob("exercises/[!_]*.py")]
                for checks in sorted(modules, key=lambda one: int(re.search(r"chapter (\d+)", one.docstring)[1])):
                    section += self.self_checks(checks)
        return section

    def module(self, module):
        """A section: what a module is for, its functions and classes in the order of the source, its constants."""
        self.env.note_dependency(str(module.path))
        anchor = f"module-{module.name}"
        if not module.hidden:
            self.env.domains["py"].note_object(module.name, "module", anchor, location=self.get_location())
        section = nodes.section("", nodes.title("", "", nodes.literal("", module.name)), ids=[anchor])
        section += self.paragraphs(module.docstring, module)
        section += [self.entry(module, one) for one in module.definitions]
        section += [self.constants(module, values, comment) for values, comment in module.constants]
        return section

    def self_checks(self, module):
        """What an exercise module is for, and its functions, one a line."""
        self.env.note_dependency(str(module.path))
        rows = nodes.bullet_list(support_smartquotes=False)
        for one in module.definitions:
            rows += self.item(f"{one.name}({', '.join(one.parameters)})", one.docstring, module, one.parameters)
            rows[-1]["ids"] = [f"{module.name}.{one.name}"]
        return [*self.paragraphs(module.docstring, module), rows]

    # -- one entry ---------------------------------------------------------------------------------------

    def entry(self, module, one):
        """A function, class or method: its signature, its docstring, and what belongs to a class."""
        signature = self.signature(module, one.kind, one.path, "camlib." if module.exports(one.path) else "")
        if one.kind in ("class", "exception"):
            signature.insert(0, addnodes.desc_annotation("", f"{one.kind} "))
        if one.parameters is not None:
            shown = [addnodes.desc_parameter("", "", nodes.inline("", text, classes=["sig-param"]), noemph=True)
                     for text in one.parameters]
            signature += addnodes.desc_parameterlist("", "", *shown)
        scope = {re.match(r"\**(\w*)", text)[1] for text in one.parameters or ()}
        content = self.paragraphs(one.docstring, module, scope, one.owner or one.name)
        if one.fields:
            items = [self.item(name, comment, module, scope) for name, comment in one.fields]
            content.append(nodes.bullet_list("", *items, support_smartquotes=False))
        content += [self.entry(module, method) for method in one.methods]
        return self.described(one.kind, [signature], content)

    def constants(self, module, values, comment):
        """The constants that one statement sets, and the comment on it."""
        signatures = [self.signature(module, "data", name) for name in values]
        for signature, value in zip(signatures, values.values(), strict=True):
            signature += addnodes.desc_annotation("", f" = {value}")
        return self.described("data", signatures, self.paragraphs(comment, module))

    def signature(self, module, kind, path, before=""):
        """The line an entry starts with: its name, ``before`` it what a caller writes, and the anchor."""
        name, domain = f"{module.name}.{path}", self.env.domains["py"]
        domain.note_object(name, kind, name, location=self.get_location())
        if module.exports(path.partition(".")[0]):
            domain.note_object(f"camlib.{path}", kind, name, aliased=True)
        shown = [addnodes.desc_addname("", before)] * bool(before) + [addnodes.desc_name("", path.rpartition(".")[2])]
        return addnodes.desc_signature("", "", *shown, ids=[name], classes=["py"])

    def described(self, kind, signatures, content):
        content = addnodes.desc_content("", *content)
        return addnodes.desc("", *signatures, content, domain="py", objtype=kind, desctype=kind, classes=["py", kind])

    # -- text --------------------------------------------------------------------------------------------

    def item(self, name, text, *where):
        """A list item that says what a name means."""
        return nodes.list_item("", nodes.paragraph("", "", nodes.literal("", name), nodes.Text(": "),
                                                   *self.inline(text, *where)))

    def paragraphs(self, text, *where):
        """The paragraphs of a docstring; neighbouring lines with gaps in them are the rows of a table."""
        found = []
        for block in filter(None, re.split(r"\n\s*\n", text)):
            for columns, lines in groupby(block.splitlines(), lambda line: bool(re.search(r"\S {2,}\S", line))):
                found.append(self.table(list(lines), *where) if columns else
                             nodes.paragraph("", "", *self.inline(" ".join(lines), *where), support_smartquotes=False))
        return found

    def table(self, lines, *where):
        """A table from lines whose cells start below each other."""
        starts = sorted({0}.union(*({gap.end() for gap in re.finditer(" {2,}", line)} for line in lines)))
        cells = [[line[start:end].strip() for start, end in zip(starts, [*starts[1:], None], strict=True)]
                 for line in lines]
        rows = [nodes.row("", *(nodes.entry("", nodes.paragraph("", "", *self.inline(text, *where))) for text in row))
                for row in cells]
        group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in starts), nodes.tbody("", *rows), cols=len(starts))
        return nodes.table("", group, support_smartquotes=False)

    def inline(self, text, *where):
        """The nodes of a text: links and code where ``TOKEN`` finds any, and all else as it is."""
        found, end = [], 0
        for token in TOKEN.finditer(text):
            found += [nodes.Text(text[end:token.start()]), *self.token(token.lastgroup, token[token.lastgroup], *where)]
            end = token.end()
        return [*found, nodes.Text(text[end:])]

    def token(self, kind, text, module, scope=(), owner=""):
        """The nodes of one token. A name in code leads to its entry, unless it is a parameter, in ``scope``.

        What is near comes first: of the same class, of the same module. Where a module speaks, it speaks of others.
        """
        if kind == "cite":
            return CiteRole()("cite:p", text, text.replace(" ", ""), self.lineno, self.state.inliner)[0]
        if kind == "equation":
            return [self.reference("math", "eq", text.strip("()"), nodes.inline("", text))]
        if kind == "chapter":
            return [self.chapter(int(text.split()[1]), text)]
        if kind == "stress":
            return [nodes.emphasis("", text)]
        name = re.match(r"[\w.]*", text)[0]
        known = homes().get(name, [])
        near, far = [f"{module.name}.{owner}.{name}", f"{module.name}.{name}"], [f"camlib.{name}", name]
        places = [*(near + far if owner else far + near), *(known if len(known) == 1 else [])]
        shown = nodes.literal if kind == "code" else nodes.inline
        return [shown("", text, leads_to=[] if text in scope else places)]

    def chapter(self, number, text=None):
        """A link to a chapter, which shows its title, or ``text``."""
        page = next((page for page in self.env.found_docs if chapter_of(page) == number), f"chapter {number}")
        if text is None:
            source = self.env.doc2path(page)
            self.env.note_dependency(source)
            text = "".join(json.loads(Path(source).read_text())["cells"][0]["source"]).splitlines()[0].lstrip("# ")
        return self.reference("std", "doc", f"/{page}", nodes.inline("", text))

    def reference(self, domain, kind, target, shown):
        return addnodes.pending_xref("", shown, refdomain=domain, reftype=kind, reftarget=target, refexplicit=True,
                                     refdoc=self.env.docname, refwarn=True)


class LinkNames(SphinxPostTransform):
    """``camlib.grad_cam`` in any text, and a public name in a docstring, lead to their entry."""

    default_priority = 20  # when the text's own references are links

    def run(self, **_):
        objects = self.env.domains["py"].objects
        for code in list(self.document.findall(nodes.TextElement)):
            names = code.get("leads_to")
            if names is None and isinstance(code, nodes.literal):
                names = re.findall(r"^camlib[\w.]*\w", code.astext())
            entry = next((objects[name] for name in names or () if name in objects), None)
            if entry and not any(isinstance(up, (nodes.reference, nodes.title)) for up in ancestors(code)):
                code.replace_self(make_refnode(self.app.builder, self.env.docname, entry.docname, entry.node_id,
                                               code.deepcopy()))


def ancestors(node):
    while node := node.parent:
        yield node


def setup(app):
    app.add_directive("reference", Reference)
    app.add_post_transform(LinkNames)
