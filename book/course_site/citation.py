"""What CITATION.cff and _config.yml say, for the page on citing: a directive whose text names their fields."""

from pathlib import Path
from string import Template

import yaml
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective


def people(authors):
    """The authors as a reference list and as BibTeX name them; a group's name is never cut into first and last."""
    persons = [author.get("name") or f"{author['family-names']}, {author['given-names']}" for author in authors]
    bibtex = [f"{{{name}}}" if "name" in author else name for name, author in zip(persons, authors, strict=True)]
    return "; ".join(persons), " and ".join(bibtex)


def fields(cff, config):
    """The fields a page may name: those of CITATION.cff, the authors in two forms, the year and the address."""
    authors, bibtex = people(cff["authors"])
    address = config.html_theme_options.get("repository_url", "").rstrip("/")
    return cff | dict(authors=authors, bibtex=bibtex, year=str(cff.get("date-released", config.copyright))[:4],
                      address=address, url=f"\n  url     = {{{address}}}," if address else "",
                      repository=address or "https://github.com/OWNER/NAME")


class FromCitation(SphinxDirective):
    """Markdown in which ``$title`` stands for a field; a field that there is not fails the build."""

    has_content = True

    def run(self):
        path = Path(self.env.srcdir, "CITATION.cff")
        self.env.note_dependency(str(path))
        known = fields(yaml.safe_load(path.read_text()), self.config)
        text = Template("\n".join(self.content)).substitute(known)
        parent = nodes.Element()
        self.state.nested_parse(StringList(text.splitlines(), source=""), self.content_offset, parent)
        return parent.children


def setup(app):
    app.add_directive("from-citation", FromCitation)
