"""The theme's icons without its two heavy files: a font with the few icons that the pages show, and no script.

The theme ships all icons as a script and, again, as fonts with a style sheet that suffices. A small font is cut
out of the large one, which stays as it was: should a page show an icon that was missed, the browser loads it.
"""

import base64
import io
import re
from pathlib import Path

import pydata_sphinx_theme
from fontTools import subset
from fontTools.ttLib import TTFont
from jinja2 import DictLoader
from sphinx.util import logging

MACROS = "static/webpack-macros.html"
SCRIPT = "scripts/fontawesome.js"
THEME = Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme" / "static"
FONT = THEME / "vendor" / "fontawesome" / "webfonts" / "fa-solid-900.ttf"
STYLE = """@font-face {{
  font-family: "Font Awesome 6 Free";
  font-weight: 900;
  src: url("data:font/woff;base64,{font}") format("woff");
  unicode-range: {range};
}}

/* What the theme says of the script's drawings, said of letters. */
.bd-header-article .btn .fa-lg {{ font-size: 1.3rem; }}
#pst-search-dialog[open] form.bd-search i {{ font-size: var(--pst-font-size-icon); }}
.prev-next-area i {{ font-size: 1em; }}
.sidebar-secondary-item i {{ padding-right: 0; }}
"""


def drop_script(app):
    """Take the script's line out of the theme's template."""
    if app.builder.format == "html":
        templates = app.builder.templates
        lines = templates.environment.loader.get_source(templates.environment, MACROS)[0].splitlines()
        kept = [line for line in lines if SCRIPT not in line]
        if len(lines) - len(kept) != 1:
            logging.getLogger(__name__).warning("the theme no longer loads %s in one line of %s", SCRIPT, MACROS)
        templates.loaders.insert(0, DictLoader({MACROS: "\n".join(kept)}))


def shown(static, icons):
    """Those of ``icons`` {letter: name} that a page names as a class or a style sheet of the theme writes itself."""
    pages = "".join(page.read_text() for page in static.parent.rglob("*.html"))
    names = set(re.findall(r"\bfa-([a-z-]+)", pages))
    escaped, raw = ((static / "styles" / f"{name}-theme.css").read_text() for name in ("sphinx-book", "pydata-sphinx"))
    marks = {int(code, 16) for code in re.findall(r'"\\(f[0-9a-f]{3})"', escaped)} | set(map(ord, raw))
    return sorted(letter for letter, name in icons.items() if letter >= 0xe000 and (name in names or letter in marks))


def cut_font(app, error):
    """Write the style sheet with the small font."""
    if error or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    font = TTFont(FONT)
    letters = shown(static, font.getBestCmap())
    cutter = subset.Subsetter(subset.Options(layout_features=[], notdef_outline=False))
    cutter.populate(unicodes=letters)
    cutter.subset(font)
    font.flavor = "woff"
    file = io.BytesIO()
    font.save(file)
    (static / "icons.css").write_text(STYLE.format(font=base64.b64encode(file.getvalue()).decode(),
                                                   range=", ".join(f"U+{letter:x}" for letter in letters)))


def setup(app):
    app.add_css_file("icons.css")
    app.connect("builder-inited", drop_script)
    app.connect("build-finished", cut_font)
