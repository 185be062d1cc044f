"""A run over many photos that may be killed at any moment, and goes on where it stopped.

Every file is written under another name and renamed when it is complete. An overlay carries its line of
results in its own PNG, and with it a key made of the photo's bytes and of all settings. So both appear in
the same instant, and the next run sees what it need not do again. The photos are cut into the same batches
each time, and a batch is computed as a whole or not at all: the last digits do not depend on interruptions.
"""

import errno
import hashlib
import json
import os
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from . import contact_sheet
from .errors import CamlibError
from .explain import Photo, answer, draw, load_photo, result
from .networks import file_digest

try:
    import fcntl
except ImportError:  # Windows: two runs into one folder are not kept apart there
    fcntl = None

PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".avif", ".ppm", ".pgm")
RESULTS, PART = "results.jsonl", ".camlib-part"
BAD_NAME = (errno.ENAMETOOLONG, errno.EISDIR, errno.ENOTDIR, errno.EEXIST)  # this photo's trouble, not the disk's


def camlib_version():
    """The version of camlib as installed."""
    try:
        return version("camlib")
    except PackageNotFoundError:
        return "unknown"


def find_photos(place, out):
    """Return {name: path} of the photo, or of all pictures in the folder ``place`` and below it, sorted by name.

    A file is a picture by its suffix. Left out: hidden files and folders, links to folders, and ``out``.
    Raises CamlibError if there is nothing, or if ``out`` is the folder itself.
    """
    if os.path.isfile(place):
        if contact_sheet.NAME.fullmatch(f"{os.path.basename(place)}.png"):
            raise CamlibError(f"the overlay of {place} would have the name of a contact sheet: rename the photo")
        return {os.path.basename(place): place}
    if not os.path.isdir(place):
        raise CamlibError(f"{place} is no file and no folder: name a photo, or a folder of photos")
    found, skipped = {}, os.path.realpath(out)
    if os.path.realpath(place) == skipped:
        raise CamlibError(f"the overlays cannot go into the folder of the photos, {place}: name another with --out")

    def add(path):
        found[os.path.relpath(path, place).replace(os.sep, "/")] = path

    for folder, inner, files in os.walk(place, onerror=lambda error: add(error.filename)):
        inner[:] = [name for name in inner
                    if not name.startswith(".") and os.path.realpath(os.path.join(folder, name)) != skipped]
        for name in files:
            if name.lower().endswith(PICTURES) and not name.startswith("."):
                add(os.path.join(folder, name))
    if not found:
        raise CamlibError(f"no picture in {place}: camlib looks for files that end in {' '.join(PICTURES)}")
    return dict(sorted(found.items()))


@contextmanager
def locked(out):
    """Make the folder ``out`` and keep other runs out of it; a run that is killed leaves no lock behind."""
    if os.path.exists(out) and not os.path.isdir(out):
        raise CamlibError(f"{out} is a file: name a folder with --out")
    os.makedirs(out, exist_ok=True)
    if fcntl is None:
        yield
        return
    folder = os.open(out, os.O_RDONLY)
    try:
        _lock(folder, out)
        yield
    finally:
        os.close(folder)


def _lock(folder, out):
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as cause:
        raise CamlibError(f"another run is writing to {out}: wait for it, or name another folder with --out") from cause
    except OSError:
        pass  # a file system without locks


def _carried(path):
    """What a picture of ours carries besides its pixels; {} if there is no whole picture of ours at ``path``."""
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            picture.load()  # a file that was cut off elsewhere does not count
            return dict(json.loads(picture.info["camlib"]))
    except Exception:  # missing, damaged or another program's: it is made anew in any case
        return {}


class Run:
    """Explains ``photos`` {name: path} into the folder ``out``, at most ``batch`` at a time."""

    def __init__(self, question, photos, out, batch=16):
        self.question, self.photos, self.out = question, photos, Path(out)
        self.batch = -(-len(photos) // -(-len(photos) // batch))  # batches of one size, as far as possible
        self.keys, network = {}, question.network
        self.title = f"{network.name}, {question.method} at {question.layer}"
        self.settings = [camlib_version(), *question[1:], network.name, network.names, network.digest, network.prepared]

    def __iter__(self):
        """Do the work; yield (line, state) for each photo: "new", "replaced", "kept" or "failed"."""
        names, lines = list(self.photos), []
        with locked(self.out):
            for start in range(0, len(names), self.batch):
                states = set()
                for line, state in self._group(names[start:start + self.batch]):
                    lines.append(line)
                    states.add(state)
                    yield line, state
                if states & {"new", "replaced"}:
                    self._write_results(lines)
            self._write_results(lines)
            self._draw_sheets(lines)

    def _group(self, names):
        """Yield (line, state) for the photos of one batch; none is computed if all are there."""
        self.keys |= {name: self._key(name) for name in names}
        records = {name: _carried(self._overlay(name)) for name in names}
        done = [name for name in names if records[name].get("key") == self.keys[name]]
        photos = self._load([name for name in names if name not in done])
        if any(isinstance(photo, Photo) for photo in photos.values()):
            photos |= self._load(done)
            photos, done = {name: photos[name] for name in names}, []  # in the order of an undisturbed run
        answers = self._answers({name: photo for name, photo in photos.items() if isinstance(photo, Photo)})
        for name in names:
            if name in done:
                yield records[name]["line"], "kept"
                continue
            replaces = records[name].get("key") not in (None, self.keys[name])
            if replaces:
                self._remove_sheets()  # what they show is going
            line = self._save(name, photos[name], answers.get(name, photos[name]))
            yield line, "failed" if "error" in line else "replaced" if replaces else "new"

    # -- what is there -----------------------------------------------------------------------------

    def _overlay(self, name):
        return self.out / f"{name}.png"

    def _key(self, name):
        """A text that is another one if the photo, its name or any setting is."""
        try:
            photo = file_digest(self.photos[name]) if os.path.isfile(self.photos[name]) else ""
        except OSError:
            photo = ""  # loading it will say why
        return hashlib.sha256(json.dumps([self.settings, name, photo]).encode()).hexdigest()

    # -- what is computed --------------------------------------------------------------------------

    def _load(self, names):
        """Return {name: Photo, or the error that says why there is none}."""
        photos = {}
        for name in names:
            try:
                photos[name] = load_photo(self.question.network, self.photos[name])
            except CamlibError as cause:
                photos[name] = cause
        return photos

    def _answers(self, photos):
        """Return {name: (map, class, probabilities), or an error}; the network always sees as many at a time."""
        if not photos:
            return {}
        x = [photo.x for photo in photos.values()]
        x += x[:1] * (self.batch - len(x))
        try:
            return dict(zip(photos, zip(*answer(self.question, np.stack(x)), strict=True), strict=False))
        except CamlibError as cause:
            if len(photos) == 1:
                return dict.fromkeys(photos, cause)
        alone = [self._answers({name: photo}) for name, photo in photos.items()]
        return {name: one for part in alone for name, one in part.items()}

    # -- what is written ---------------------------------------------------------------------------

    def _save(self, name, photo, answer):
        """Write the overlay with its line of results in it, and return the line; of an error the line alone."""
        if isinstance(answer, CamlibError):
            if _carried(self._overlay(name)):
                self._overlay(name).unlink()
            return {"file": name, "error": str(answer)}
        line = {"file": name} | result(self.question, photo, *answer)
        try:
            self._write_picture(self._overlay(name), draw(photo, answer[0], line["box"]),
                                {"key": self.keys[name], "line": line})
        except OSError as cause:
            if cause.errno not in BAD_NAME:
                raise
            return {"file": name, "error": f"its overlay cannot be written ({cause.strerror}): rename the photo"}
        return line

    def _write_results(self, lines):
        text = "".join(json.dumps(line) + "\n" for line in lines)
        self._write(self.out / RESULTS, lambda file: file.write(text.encode()))

    def _draw_sheets(self, lines):
        """Write the contact sheets that are not there yet, and remove those that are of no use any more."""
        pages = contact_sheet.page_names(len(lines))
        for i, page in enumerate(pages):
            part = lines[i * contact_sheet.TILES:(i + 1) * contact_sheet.TILES]
            title = self.title + (f", page {i + 1} of {len(pages)}" if len(pages) > 1 else "")
            keys = [title, part, [self.keys[line["file"]] for line in part]]
            key = hashlib.sha256(json.dumps(keys).encode()).hexdigest()
            if _carried(self.out / page).get("key") != key:
                tiles = [(self.photos[line["file"]], self._overlay(line["file"]), line) for line in part]
                self._write_picture(self.out / page, contact_sheet.draw_page(tiles, title), {"key": key})
        self._remove_sheets(keep=pages)

    def _remove_sheets(self, keep=()):
        for path in self.out.iterdir():
            if contact_sheet.NAME.fullmatch(path.name) and path.name not in keep:
                path.unlink()

    def _write_picture(self, path, picture, carried):
        info = PngInfo()
        info.add_text("camlib", json.dumps(carried))
        self._write(path, lambda file: picture.save(file, "PNG", pnginfo=info, compress_level=3))

    def _write(self, path, save):
        """Let ``save(file)`` write a file that appears at ``path`` complete, or not at all."""
        part = self.out / PART
        try:
            with open(part, "wb") as file:
                save(file)
                file.flush()
                os.fsync(file.fileno())
            path.parent.mkdir(parents=True, exist_ok=True)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
