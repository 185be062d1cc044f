"""Packs the built site and the PDF into one zip: ``python -m book.bundle _build/html _build/course.zip --pdf FILE``.

The site in it opens from a folder, without the internet. The same files give the same bytes.
"""

import argparse
import hashlib
import zipfile
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
START = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>body {{ font: 1.2rem/1.6 sans-serif; margin: 4rem auto; max-width: 34rem; padding: 0 1rem }}</style>
<h1>{title}</h1>
<p>Version {version}. Everything is in this folder; nothing needs the internet.</p>
<ul>
<li><a href="site/index.html">Read the course</a></li>
{pdf}<li><a href="LICENSE">Licences</a></li>
</ul>
</html>
"""


def files(site, pdf=None):
    """What goes into the bundle: name in it, and bytes."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    link = '<li><a href="course.pdf">The whole course as a PDF</a></li>\n' if pdf else ""
    yield "LICENSE", (ROOT / "LICENSE").read_bytes()
    yield "START-HERE.html", START.format(**citation, pdf=link).encode()
    if pdf:
        yield "course.pdf", pdf.read_bytes()
    for path in sorted(path for path in site.rglob("*") if path.is_file()):
        yield f"site/{path.relative_to(site).as_posix()}", path.read_bytes()


def write(target, site, pdf=None):
    """Write the zip, without dates, readable by everyone once unpacked; return its SHA-256."""
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files(site, pdf):
            entry = zipfile.ZipInfo(f"course/{name}")
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED, 9)
    return hashlib.sha256(target.read_bytes()).hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site", type=Path, help="the folder of the built site")
    parser.add_argument("target", type=Path, help="the zip to write")
    parser.add_argument("--pdf", type=Path, help="a PDF to put beside the site")
    asked = parser.parse_args()
    print(f"{write(asked.target, asked.site, asked.pdf)}  {asked.target}")


if __name__ == "__main__":
    main()
