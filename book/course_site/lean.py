"""Pages load what they use: no style or script of things they do not show, and nothing waits for a script."""

import shutil
from pathlib import Path

SHOWN_BY = {  # files and inline scripts, by how they begin; a page without one of these words has no work for them
    "copybutton": ['class="highlight'], "clipboard": ['class="highlight'], "mystnb": ['class="cell'],
    "exercise": ["exercise"], "sphinx-design": ['"sd-', " sd-"], "design-tabs": ["sd-tab"],
    **dict.fromkeys(["togglebutton", "let toggle", "var toggle"], ["dropdown", '"toggle', " toggle"]),
}
FIRST = ("documentation_options.js", "doctools.js", "sphinx_highlight.js")  # the search page's scripts call these
UNUSED = ("**/*.map", "locales", "scripts/fontawesome.js", "vendor/**/*.ttf")
# Without a script a page is light; with one it has its colours before anything is painted.
COLOURS = """{
  const page = document.documentElement.dataset;
  if (!localStorage.getItem("mode")) page.mode = "auto";
  if (page.mode === "auto") page.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}"""
# A browser lets no page read another's text from a folder, so the results there come without excerpts.
NO_EXCERPTS = 'if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;'


def choose(app, pagename, templatename, context, doctree):
    """Leave out what the page has no use for; let the other scripts wait for the page, not it for them."""
    if pagename == "search":
        app.add_js_file(None, body=NO_EXCERPTS)
    for kind in ("css_files", "script_files"):
        context[kind] = [file for file in context[kind] if used(file, context.get("body", ""))]
    for script in context["script_files"]:
        if script.filename and not str(script.filename).endswith(FIRST):
            script.attributes["defer"] = "defer"


def used(file, body):
    """Whether a page with this ``body`` has use for a style sheet or script."""
    name = Path(file.filename).name if file.filename else file.attributes.get("body", "")
    return all(any(word in body for word in words) for start, words in SHOWN_BY.items() if name.startswith(start))


def clean(app, error):
    """Remove the files that no page loads."""
    for pattern in UNUSED if app.builder.format == "html" else ():
        for path in list((Path(app.outdir) / "_static").glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def setup(app):
    app.add_js_file(None, body=COLOURS, priority=100)
    app.connect("html-page-context", choose, priority=950)  # when all others have added theirs
    app.connect("build-finished", clean)
