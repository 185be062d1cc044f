"""Formulas drawn while the site is built: a page shows them at once, without a script and without the internet.

MathJax runs in V8, inside Python. It gives HTML, MathML for screen readers, one style sheet and fonts.
Its files come from a package; only its fonts go into the site.
"""

import functools
import importlib.util
import json
import shutil
from pathlib import Path

from docutils import nodes
from py_mini_racer import MiniRacer
from sphinx.locale import _
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

MATHJAX = Path(importlib.util.find_spec("sphinx-mathjax-offline").origin).parent / "static" / "mathjax"
PARTS = ("core", "loader", "adaptors/liteDOM", "input/tex-full", "output/chtml", "output/chtml/fonts/tex",
         "a11y/assistive-mml")
FONTS = "output/chtml/fonts/woff-v2"
PEN = """
    const {input, output, adaptors, handlers, a11y, mathjax: {mathjax}} = MathJax._;
    const adaptor = adaptors.liteAdaptor.liteAdaptor();
    a11y["assistive-mml"].AssistiveMmlHandler(handlers.html_ts.RegisterHTMLHandler(adaptor));
    const font = new output.chtml.fonts.tex_ts.TeXFont({fontURL: "fonts"});
    const tex = new input.tex_ts.TeX({
        packages: ["base", "ams", "newcommand", "boldsymbol", "cancel", "color", "mathtools"],
        formatError: (_, error) => { throw error; },
    });
    const chtml = new output.chtml_ts.CHTML({font});
    const page = mathjax.document("", {InputJax: tex, OutputJax: chtml});

    function draw(formula, display) {
        try {
            const drawn = page.convert(formula, {display});
            if (display) adaptor.setAttribute(drawn, "tabindex", "0");  // a long one can be scrolled by keys
            return JSON.stringify([adaptor.outerHTML(drawn), null]);
        } catch (error) {
            return JSON.stringify(["", error.message]);
        }
    }

    // A formula's small letters are as tall as those of the text around it.
    const styles = () => adaptor.textContent(chtml.styleSheet(page)) +
        `\\nmjx-container[jax="CHTML"] { font-size: calc(1ex / ${font.params.x_height}); }\\n`;
"""


@functools.cache
def mathjax():
    """MathJax, ready to ``draw(tex, display)`` and to give the ``styles()`` of all that it has drawn."""
    engine = MiniRacer()
    engine.eval("var global = globalThis, MathJax = {};")
    for part in PARTS:
        engine.eval((MATHJAX / f"{part}.js").read_text())
    engine.eval(PEN)
    return engine


@functools.cache
def draw(tex, display):
    """(HTML, None) of a formula, or ("", what is wrong with it)."""
    return json.loads(mathjax().call("draw", tex, display))


def tex_of(node):
    """The TeX of a formula, its paragraphs below one another, as stock Sphinx sets them."""
    text = node.astext()
    if isinstance(node, nodes.math) or node["nowrap"]:
        return text
    parts = [rf"\begin{{split}}{part}\end{{split}}" if r"\\" in part else part
             for part in text.split("\n\n") if part.strip()]
    return parts[0] if len(parts) == 1 else r"\begin{aligned}" + r"\\".join(parts) + r"\end{aligned}"


def drawn(node):
    """The HTML of a formula; a warning, which fails the build, if MathJax cannot read it."""
    html, error = draw(tex_of(node), isinstance(node, nodes.math_block))
    if error:
        logging.getLogger(__name__).warning("MathJax cannot read %r: %s", node.astext(), error, location=node)
    return html


def visit_math(self, node):
    self.body += [self.starttag(node, "span", "", CLASS="math notranslate nohighlight"), drawn(node), "</span>"]
    raise nodes.SkipNode


def visit_math_block(self, node):
    self.body.append(self.starttag(node, "div", "", CLASS="math notranslate nohighlight"))
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, _("Link to this equation"))
        self.body.append("</span>")
    self.body += [drawn(node), "</div>\n"]
    raise nodes.SkipNode


@functools.cache
def write_styles(app):
    """Write the style sheet for every formula of the course, on pages that are not built anew, too, and its fonts."""
    for name in app.env.found_docs:
        for node in app.env.get_doctree(name).findall(lambda n: isinstance(n, (nodes.math, nodes.math_block))):
            draw(tex_of(node), isinstance(node, nodes.math_block))
    folder = Path(app.outdir) / "_static" / "formulas"
    shutil.copytree(MATHJAX / FONTS, folder / "fonts", dirs_exist_ok=True)
    (folder / "formulas.css").write_text(mathjax().call("styles"))


def add_styles(app, pagename, templatename, context, doctree):
    """Give a page with formulas their style sheet."""
    if "<mjx-container" in context.get("body", ""):
        write_styles(app)
        app.add_css_file("formulas/formulas.css")


def setup(app):
    app.add_html_math_renderer("drawn", (visit_math, None), (visit_math_block, None))
    app.connect("html-page-context", add_styles)
