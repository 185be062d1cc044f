"""The laws of the command: it says what the library says, loses nothing when killed, reports what it cannot read.

The network is the course's own, so nothing is downloaded; MobileNetV2 is tried where its weights lie in Keras' folder.
"""

import fcntl
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import sysconfig
import termios
import textwrap
import time
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import camlib
from camlib import cli, contact_sheet, folder, pretrained, scenes
from camlib.explain import METHODS, answer, load_photo
from camlib.images import resize_image
from camlib.networks import open_network
from camlib.runtime import keras

# Keras 3.15 saves a model with a call that NumPy 2 is going to drop; loading one does without.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:keras")

ROOT = Path(__file__).parents[1]
BROKEN = ("cut.jpg", "cut.png", "empty.jpg", "text.jpg", "gone.png", "noise.webp", "pipe.png", "sub/headless.tif")

# Runs the command again and again in forks of one process, because TensorFlow takes seconds to import.
FORKS = """
    import json, os, resource, sys
    import camlib.cli
    print("ready", flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        pid = os.fork()
        if pid == 0:
            os.chdir(job["cwd"])
            os.setsid()
            for fd, path in ((1, job["stdout"]), (2, job["stderr"])):
                os.dup2(path if isinstance(path, int) else os.open(path, os.O_WRONLY | os.O_CREAT), fd)
            sys.stdout, sys.stderr = open(1, "w"), open(2, "w", buffering=1)
            if job["limit"]:
                resource.setrlimit(resource.RLIMIT_FSIZE, (job["limit"], job["limit"]))
            try:
                code = camlib.cli.main(job["argv"])
            except SystemExit as end:
                code = end.code
            os._exit(code)
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


class Forks:
    """``with start(cwd, *argv) as (pid, end)`` runs the command beside the test; ``end()`` waits for its exit code."""

    def __init__(self, inherited):
        self.process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(FORKS)], text=True, pass_fds=inherited,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self.process.stdout.readline() == "ready\n"

    def start(self, cwd, *argv, stdout=os.devnull, stderr=os.devnull, limit=None):
        job = {"cwd": str(cwd), "argv": list(map(str, argv)), "stdout": stdout, "stderr": stderr, "limit": limit}
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline()), lambda: int(self.process.stdout.readline())

    def run(self, cwd, *argv, **options):
        return self.start(cwd, *argv, **options)[1]()

    def show(self, cwd, *argv, terminal, bar):
        """Run the command with the end ``bar`` of a terminal as its stderr; return what its other end shows."""
        _, end = self.start(cwd, *argv, stderr=bar)
        shown, waiting = b"", [terminal, self.process.stdout]
        while ready := select.select(waiting, [], [], 0 if waiting == [terminal] else None)[0]:
            shown += os.read(terminal, 100_000) if terminal in ready else b""
            waiting = [terminal] if self.process.stdout in ready else waiting  # it has ended: the rest of it
        return end(), shown.decode()


@pytest.fixture(scope="module")
def ends():
    """Both ends of a terminal, and of a pipe that nobody reads."""
    (terminal, bar), (reader, writer) = pty.openpty(), os.pipe()
    os.close(reader)
    termios.tcsetwinsize(bar, (24, 80))
    yield {"terminal": {"terminal": terminal, "bar": bar}, "pipe": writer}
    for end in (terminal, bar, writer):
        os.close(end)


@pytest.fixture(scope="module")
def forks(ends):
    started = Forks((ends["terminal"]["bar"], ends["pipe"]))
    yield started
    started.process.stdin.close()
    started.process.wait()
    started.process.stdout.close()


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder of 58 pictures: 50 that can be read, of all kinds and from real photographs, and the 8 BROKEN ones."""
    place, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    (place / "sub" / "deeper").mkdir(parents=True)
    real = [(255 * image).astype(np.uint8) for image in pretrained.photographs().values()]
    suffixes = ("jpg", "png", "webp", "bmp", "gif", "tif", "ppm", "JPEG")
    for i in range(40):
        image = real[i % 4]
        side = rng.integers(60, 250, 2)
        y, x = rng.integers(0, np.array(image.shape[:2]) - side)
        where = place / ("", "sub", "sub/deeper")[i % 3] / f"{i:02d}.{suffixes[i % 8]}"
        Image.fromarray(image[y:y + side[0], x:x + side[1]]).save(where)
    cat = Image.fromarray(real[0])
    exif = Image.Exif()
    exif[0x0112] = 6
    cat.save(place / "turned.jpg", exif=exif)
    cat.convert("CMYK").save(place / "cmyk.jpg")
    cat.resize((1, 1)).save(place / "1x1.png")
    cat.resize((900, 2)).save(place / "long.png")
    cat.convert("RGBA").rotate(30).save(place / "rgba.png")
    cat.save(place / "animated.gif", save_all=True, append_images=[cat.rotate(90)])
    Image.fromarray(np.asarray(cat.convert("L")).astype(np.uint16) * 257).save(place / "16bit.png")
    cat.resize((1400, 1200)).save(place / "large.jpg")
    cat.resize((80, 60)).save(place / "same.png")
    cat.resize((80, 60)).save(place / "same.jpg")
    for name in ("cut.jpg", "cut.png"):
        cat.save(place / name)
        (place / name).write_bytes((place / name).read_bytes()[:9000])
    (place / "empty.jpg").touch()
    (place / "text.jpg").write_text("this is no picture\n")
    (place / "noise.webp").write_bytes(rng.bytes(5000))
    (place / "gone.png").symlink_to("nowhere.png")
    os.mkfifo(place / "pipe.png")
    (place / "sub" / "headless.tif").write_bytes((place / "cmyk.jpg").read_bytes()[200:])
    (place / "notes.txt").write_text("no picture, and it does not say it is one")
    (place / "sub" / "loop").symlink_to(place)
    return place


@pytest.fixture
def few(tmp_path):
    """A folder with three drawn scenes."""
    (tmp_path / "few").mkdir()
    for name, image in zip("abc", scenes.make(3, seed=2).images, strict=True):
        Image.fromarray((255 * image).astype(np.uint8)).save(tmp_path / "few" / f"{name}.png")
    return tmp_path / "few"


def explain(place, out, *options, model="course"):
    return cli.main(["explain", str(place), "--out", str(out), "--model", str(model), *map(str, options)])


def results(out):
    return [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]


def contents(out):
    """Every file below ``out`` with its bytes."""
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def wait_for(condition, seconds=120):
    """Wait until the condition holds, looking often, so that what comes next happens right then."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.001)


def whole_files(out):
    """Check that every picture below ``out`` opens to its end and every line of JSON is one; return the overlays."""
    for path in out.rglob("*.png"):
        with Image.open(path) as picture:
            picture.load()
    if (out / "results.jsonl").exists():
        assert (out / "results.jsonl").read_text().endswith("\n") and results(out)
    return [path for path in out.rglob("*.png") if not path.name.startswith("contact_sheet")]


# -- a folder ----------------------------------------------------------------------------------------


def test_a_killed_run_loses_nothing(photos, tmp_path, forks):
    """kill -9 at seven moments, then once more to the end: every file has the bytes of an undisturbed run.

    After each kill every picture opens, every line parses, and what was explained before is not explained again.
    """
    options = ("explain", photos, "--model", "course", "--batch", 4)
    assert forks.run(tmp_path, *options, "--out", "undisturbed") == 1
    out, had = tmp_path / "killed", 0
    for more in (1, 3, 5, 7, 9, 12, 6):
        pid, end = forks.start(tmp_path, *options, "--out", "killed")
        wait_for(lambda: sum(1 for _ in out.rglob("*.png")) >= had + more)
        os.kill(pid, signal.SIGKILL)
        assert end() == -signal.SIGKILL
        overlays = whole_files(out)
        assert len(overlays) >= had + more
        assert {path.name for path in out.iterdir() if path.is_file()} - {path.name for path in overlays} <= {
            "results.jsonl", folder.PART}
        had = len(overlays)
    assert had < 50, "killed too late to prove anything"
    times = {path: path.stat().st_mtime_ns for path in overlays}
    assert forks.run(tmp_path, *options, "--out", "killed") == 1
    assert sum(path.stat().st_mtime_ns == time for path, time in times.items()) >= had - 3  # but for one batch
    assert contents(out) == contents(tmp_path / "undisturbed")
    assert len(results(out)) == 58 and folder.PART not in contents(out)


def test_what_cannot_be_read_is_reported_and_the_rest_explained(photos, tmp_path, capsys):
    """50 of 58 pictures are explained, the other 8 are named with a reason, and the exit code is 1."""
    assert explain(photos, tmp_path / "out") == 1
    lines = {line["file"]: line for line in results(tmp_path / "out")}
    assert list(lines) == sorted(lines) and len(lines) == 58
    assert sorted(name for name, line in lines.items() if "error" in line) == sorted(BROKEN)
    for name in BROKEN:
        assert name in lines[name]["error"] and not (tmp_path / "out" / f"{name}.png").exists()
    assert len(whole_files(tmp_path / "out")) == 50
    said = capsys.readouterr()
    assert len(said.err.splitlines()) == 8 and all(line.startswith("camlib: ") for line in said.err.splitlines())
    assert "50 explained, 8 failed" in said.out
    with Image.open(tmp_path / "out" / "large.jpg.png") as overlay:
        assert overlay.size == (1024, 878) and lines["large.jpg"]["size"] == [1400, 1200]
    assert lines["turned.jpg"]["size"] == [300, 451]  # upright
    assert lines["1x1.png"]["peak"] in (None, [0, 0])


def test_batches_change_no_result(photos, tmp_path):
    """One photo at a time or sixteen: the same lines, but for the last of the printed digits."""
    explain(photos, tmp_path / "one", "--batch", 1)
    explain(photos, tmp_path / "many", "--batch", 16)
    for one, many in zip(results(tmp_path / "one"), results(tmp_path / "many"), strict=True):
        assert one.get("box") == many.get("box") and one.get("class") == many.get("class")
        for a, b in zip(one.get("top", ()), many.get("top", ()), strict=True):
            assert a["probability"] == pytest.approx(b["probability"], abs=1.01e-4)


def test_every_batch_has_the_same_size(photos, tmp_path, monkeypatch):
    """58 photos in batches of at most 13 make five of 12, however many can be read: no shape is compiled anew."""
    shapes = []

    def seen(question, x):
        shapes.append(x.shape)
        return answer(question, x)

    monkeypatch.setattr(folder, "answer", seen)
    assert explain(photos, tmp_path / "out", "--batch", 13) == 1
    assert shapes == [(12, 96, 96, 3)] * 5


def test_only_what_changed_is_explained_again(few, tmp_path, capsys):
    """Nothing changed: nothing is written. Another photo, another setting, a damaged overlay: just that is new."""
    out = tmp_path / "out"
    explain(few, out)
    first, before = contents(out), {path: path.stat().st_mtime_ns for path in out.glob("*.png")}
    assert explain(few, out) == 0
    assert "0 explained, 3 kept" in capsys.readouterr().out
    assert contents(out) == first and {path: path.stat().st_mtime_ns for path in out.glob("*.png")} == before

    times = os.stat(few / "b.png")
    with Image.open(few / "b.png") as picture:
        flipped = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    flipped.save(few / "b.png")
    os.utime(few / "b.png", ns=(times.st_atime_ns, times.st_mtime_ns))  # the same time, yet another photo
    assert explain(few, out) == 0
    assert "3 explained (1 anew" in capsys.readouterr().out
    second = contents(out)
    assert second["b.png.png"] != first["b.png.png"] and second["contact_sheet.png"] != first["contact_sheet.png"]
    assert second["a.png.png"] == first["a.png.png"] and second["c.png.png"] == first["c.png.png"]

    for damaged in ("c.png.png", "contact_sheet.png"):
        (out / damaged).write_bytes(second[damaged][:-200])
    assert explain(few, out) == 0
    assert contents(out) == second


@pytest.mark.parametrize("change", [("--method", "grad-cam"), ("--class", "key"), ("--top", 2), ("--threshold", 0.5)])
def test_other_settings_never_mix(few, tmp_path, capsys, change):
    """Into the folder of a run with other settings goes what goes into a new folder, and the command says so."""
    explain(few, tmp_path / "out")
    explain(few, tmp_path / "new", *change)
    capsys.readouterr()
    assert explain(few, tmp_path / "out", *change) == 0
    assert "3 explained (3 anew" in capsys.readouterr().out
    assert contents(tmp_path / "out") == contents(tmp_path / "new")


def test_a_batch_goes_through_whole(few, tmp_path, monkeypatch):
    """One overlay of a batch is gone: the network sees what it saw before, row by row, so no digit can differ."""
    seen = []
    monkeypatch.setattr(folder, "answer", lambda question, x: seen.append(x) or answer(question, x))
    explain(few, tmp_path / "out")
    before = contents(tmp_path / "out")
    (tmp_path / "out" / "b.png.png").unlink()
    explain(few, tmp_path / "out")
    np.testing.assert_array_equal(seen[0], seen[1])
    assert len(seen) == 2 and contents(tmp_path / "out") == before


def test_killed_with_other_settings(photos, tmp_path, forks):
    """A run with another method is killed: no line and no sheet of the old one stands beside the new overlays."""
    options = ("explain", photos, "--model", "course", "--out", "out", "--batch", 4)
    assert forks.run(tmp_path, *options) == 1
    pid, end = forks.start(tmp_path, *options, "--method", "hirescam")
    wait_for(lambda: "hirescam" in (tmp_path / "out" / "results.jsonl").read_text())
    os.kill(pid, signal.SIGKILL)
    assert end() == -signal.SIGKILL
    assert {line["method"] for line in results(tmp_path / "out") if "error" not in line} == {"hirescam"}
    assert not list((tmp_path / "out").glob("contact_sheet*"))


def test_a_photo_that_became_unreadable_loses_its_old_overlay(few, tmp_path):
    """What results.jsonl calls failed has no overlay; the others keep theirs. Whole again, it is explained."""
    whole = (few / "b.png").read_bytes()
    explain(few, tmp_path / "out")
    before = contents(tmp_path / "out")
    (few / "b.png").write_bytes(whole[:100])
    assert explain(few, tmp_path / "out") == 1
    assert sorted(path.name for path in whole_files(tmp_path / "out")) == ["a.png.png", "c.png.png"]
    (few / "b.png").write_bytes(whole)
    assert explain(few, tmp_path / "out") == 0
    assert contents(tmp_path / "out") == before


def test_odd_names(tmp_path, capsys):
    """Blanks, a line break, letters of other scripts, bytes that are no text: each photo has its overlay and line."""
    place = tmp_path / "odd"
    (place / "a b").mkdir(parents=True)
    names = [os.fsdecode(b"\xff\xfe.png"), "new\nline.png", "Zoë 猫.png", "-q.png", "a b/%s{}.png", "same.png",
             "same.PNG"]
    for name in names:
        Image.new("RGB", (20, 10), "teal").save(place / name, "PNG")
    Image.new("RGB", (20, 10), "teal").save(place / ("x" * 250 + ".png"))  # no room for a suffix
    (place / "new\nbroken.png").touch()
    assert explain(place, tmp_path / "out") == 1
    lines = {line["file"]: line for line in results(tmp_path / "out")}
    assert {name for name, line in lines.items() if "error" not in line} == set(names)
    assert all((tmp_path / "out" / f"{name}.png").is_file() for name in names)
    assert "too long" in lines["x" * 250 + ".png"]["error"]
    said = capsys.readouterr()
    assert len(said.err.splitlines()) == 2 and "new\\nbroken.png" in said.err
    assert cli.main(["explain", str(place / names[0]), "--model", "course", "--out", str(tmp_path / "one")]) == 0
    assert "\\udcff\\udcfe.png" in capsys.readouterr().out


def test_the_results_are_never_taken_for_photos(few, tmp_path, capsys):
    """The folder of results may lie inside the folder of photos, but not be it. Hidden files are left out."""
    Image.new("RGB", (9, 9)).save(few / ".hidden.png")
    for _ in range(2):
        assert explain(few, few / "maps") == 0
        assert [line["file"] for line in results(few / "maps")] == ["a.png", "b.png", "c.png"]
    before = contents(few)
    assert explain(few, few) == 2 and "name another with --out" in capsys.readouterr().err
    assert contents(few) == before


def test_many_photos_fill_several_sheets(tmp_path):
    """61 photos: a page of 60 and a page of one. With fewer photos, the pages that are too many go."""
    place = tmp_path / "many"
    place.mkdir()
    for i in range(61):
        Image.new("RGB", (8, 8), (4 * i, 0, 90)).save(place / f"{i:02d}.png")
    assert explain(place, tmp_path / "out") == 0
    assert {name for name in contents(tmp_path / "out") if contact_sheet.NAME.fullmatch(name)} == {
        "contact_sheet_1.png", "contact_sheet_2.png"}
    (place / "60.png").unlink()
    assert explain(place, tmp_path / "out") == 0
    assert [path.name for path in (tmp_path / "out").glob("contact_sheet*")] == ["contact_sheet.png"]


def test_a_contact_sheet_shows_each_photo_beside_its_overlay(few, tmp_path):
    """In each tile the left square is the photo and the right one its overlay, resized; under them stands text."""
    explain(few, tmp_path / "out")
    sheet = camlib.load_image(tmp_path / "out" / "contact_sheet.png")
    for i, name in enumerate("abc"):
        x = contact_sheet.GAP + i * (2 * contact_sheet.THUMB + contact_sheet.GAP)
        side = contact_sheet.THUMB - 2
        for place, path in ((x + 1, few / f"{name}.png"), (x + 161, tmp_path / "out" / f"{name}.png.png")):
            expected = resize_image(camlib.load_image(path), (side, side))
            np.testing.assert_allclose(sheet[41:41 + side, place:place + side], expected, atol=1 / 255)
        below = sheet[40 + contact_sheet.THUMB:, x:x + 300]
        assert (below < 0.5).any() and (below == 1).mean() > 0.5


# -- one photo ---------------------------------------------------------------------------------------


def test_a_line_says_what_the_library_says(few, tmp_path, network, capsys):
    """Class, probabilities, box, peak and energy are those of camlib's own functions, in pixels of the photo."""
    with Image.open(few / "a.png") as picture:
        picture.resize((150, 70)).save(few / "a.png")
    assert explain(few / "a.png", tmp_path / "out", "--top", 8) == 0
    (line,) = results(tmp_path / "out")
    image = camlib.load_image(few / "a.png")
    x = resize_image(image, (96, 96))[None]
    logits = camlib.Probe(network).forward(x)[1][0].astype(float)
    full = camlib.resize_map(camlib.class_activation_map(network, x)[0], (70, 150))
    assert [one["index"] for one in line["top"]] == np.argsort(-logits).tolist()
    np.testing.assert_allclose([one["probability"] for one in line["top"]],
                               np.sort(np.exp(logits) / np.exp(logits).sum())[::-1], atol=5.1e-5)
    assert line["class"] == {"index": int(logits.argmax()), "name": scenes.CLASSES[logits.argmax()]}
    assert line["box"] == camlib.bounding_boxes(full)[0].tolist() and line["size"] == [150, 70]
    assert full[line["peak"][1], line["peak"][0]] == full.max()
    x0, y0, x1, y1 = line["box"]
    positive = np.maximum(full, 0)
    assert line["energy"] == pytest.approx(positive[y0:y1, x0:x1].sum() / positive.sum(), abs=1e-4)
    assert (line["file"], line["model"], line["method"], line["layer"]) == ("a.png", "course", "cam", "relu4")
    assert line["class"]["name"] in capsys.readouterr().out


def test_the_overlay_is_the_librarys(few, tmp_path, network):
    """Away from the box's outline the overlay is ``overlay(image, normalize_map(resize_map(map), "relu"))``."""
    assert explain(few / "a.png", tmp_path / "out") == 0
    image = camlib.load_image(few / "a.png")
    map = camlib.resize_map(camlib.class_activation_map(network, image[None])[0], 96)
    expected = camlib.overlay(image, camlib.normalize_map(map, "relu"))
    off = np.abs(camlib.load_image(tmp_path / "out" / "a.png.png") - expected).max(2) > 1.01 / 255
    x0, y0, x1, y1 = results(tmp_path / "out")[0]["box"]
    outline = np.zeros((96, 96), bool)
    outline[max(0, y0 - 1):y1 + 1, max(0, x0 - 1):x1 + 1] = True
    outline[y0 + 2:y1 - 2, x0 + 2:x1 - 2] = False
    assert off.any() and not (off & ~outline).any()


@pytest.mark.parametrize("method", METHODS)
def test_every_method(few, tmp_path, method):
    """Each method explains at the layer asked for, and is named in the line; eigen-cam is for no class."""
    options = () if method == "cam" else ("--layer", "relu3")
    assert explain(few, tmp_path / "out", "--method", method, *options) == 0
    for line in results(tmp_path / "out"):
        assert line["method"] == method and line["layer"] == ("relu4" if method == "cam" else "relu3")
        assert (line["class"] is None) == (method == "eigen-cam")


def test_a_class_by_name_or_number(few, tmp_path):
    """--class key and --class with its number ask for the same map, whatever the top class is."""
    number = scenes.CLASSES.index("key")
    for out, wanted in (("name", "Key"), ("number", number)):
        assert explain(few, tmp_path / out, "--class", wanted) == 0
        assert all(line["class"] == {"index": number, "name": "key"} for line in results(tmp_path / out))
    assert contents(tmp_path / "name") == contents(tmp_path / "number")


def test_a_map_without_a_positive_value_has_no_box(tmp_path, capsys):
    """Where nothing speaks for the class the line says so; there is no box, and nobody looks at a made-up one."""
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3, padding="same", activation="relu"),
                              keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3)])
    kernel, bias, W, b = model.get_weights()
    model.set_weights([np.abs(kernel), bias + 1, -np.ones_like(W), b])
    model.save(tmp_path / "never.keras")
    Image.new("RGB", (30, 20), "white").save(tmp_path / "white.png")
    assert explain(tmp_path / "white.png", tmp_path / "out", model=tmp_path / "never.keras") == 0
    (line,) = results(tmp_path / "out")
    assert (line["box"], line["peak"], line["energy"]) == (None, None, None) and "no positive" in line["note"]
    assert "so there is no box" in capsys.readouterr().out


# -- models of one's own -----------------------------------------------------------------------------


def saved(path, *head, channels=3, size=16, seed=0):
    """Save a little model with random weights and return it."""
    model = keras.Sequential([keras.Input((size, size, channels)),
                              keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="maps"), *head])
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(size=weight.shape) for weight in model.weights])
    model.save(path)
    return model


def test_a_model_file(few, tmp_path):
    """A .keras and an .h5 file: RGB in the range asked for, classes by number or by the names in a file."""
    layers = keras.layers
    for suffix in ("keras", "h5"):
        model = saved(tmp_path / f"own.{suffix}", layers.GlobalAveragePooling2D(), layers.Dense(3, "softmax"))
        (tmp_path / "names.txt").write_text("cat\ndög\nowl\n", encoding="utf-8")
        assert explain(few, tmp_path / suffix, "--scale=-1..1", "--labels", tmp_path / "names.txt",
                       model=tmp_path / f"own.{suffix}") == 0
        (line, *_) = results(tmp_path / suffix)
        x = 2 * resize_image(camlib.load_image(few / "a.png"), (16, 16))[None] - 1
        p = keras.ops.convert_to_numpy(model(x))[0]
        np.testing.assert_allclose([one["probability"] for one in line["top"]], np.sort(p)[::-1], atol=5.1e-5)
        assert line["class"]["name"] == ("cat", "dög", "owl")[p.argmax()] and line["method"] == "cam"
    assert explain(few, tmp_path / "out", "--class", "7", model=tmp_path / "own.h5") == 2


def test_a_model_trained_on_is_another_model(few, tmp_path, capsys):
    """Other weights in a file of the same name, other class names, another range: everything is explained again."""
    head = keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3)
    (tmp_path / "names.txt").write_text("cat\ndog\nowl\n")
    names = ("--labels", tmp_path / "names.txt")
    for seed, options in ((0, ()), (1, ()), (None, names), (None, (*names, "--scale", "0..255"))):
        if seed is not None:
            saved(tmp_path / "own.keras", *head, seed=seed)
        capsys.readouterr()
        assert explain(few, tmp_path / "out", *options, model=tmp_path / "own.keras") == 0
        assert ("(3 anew" in capsys.readouterr().out) == (seed != 0)


def test_one_sigmoid_has_two_classes(few, tmp_path):
    """One logit z: class 1 has sigmoid(z), class 0 the rest, and their maps are each other's negative."""
    head = keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(1, "sigmoid")
    model = saved(tmp_path / "one.keras", *head, size=32)
    maps = {}
    for c in (0, 1):
        assert explain(few, tmp_path / f"{c}", "--class", c, model=tmp_path / "one.keras") == 0
        network = open_network(str(tmp_path / "one.keras"))
        x = load_photo(network, few / "a.png").x[None]
        maps[c] = camlib.class_activation_map(network.model, x, c)
        (line, *_) = results(tmp_path / f"{c}")
        p = float(keras.ops.convert_to_numpy(model(x))[0, 0])
        assert {one["index"]: one["probability"] for one in line["top"]} == pytest.approx({0: 1 - p, 1: p}, abs=6e-5)
    np.testing.assert_allclose(maps[0], -maps[1])
    assert results(tmp_path / "0")[0]["peak"] != results(tmp_path / "1")[0]["peak"]


def test_independent_sigmoids(few, tmp_path):
    """A model that ends in several sigmoids gives each class its own probability; they need not add up to 1."""
    model = saved(tmp_path / "many.keras", keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3, "sigmoid"))
    assert explain(few, tmp_path / "out", model=tmp_path / "many.keras") == 0
    x = resize_image(camlib.load_image(few / "a.png"), (16, 16))[None]
    p = np.sort(keras.ops.convert_to_numpy(model(x))[0])[::-1]
    np.testing.assert_allclose([one["probability"] for one in results(tmp_path / "out")[0]["top"]], p, atol=5.1e-5)


def test_the_method_is_chosen_openly(few, tmp_path, capsys):
    """Without --method a head that CAM is not defined for gets Grad-CAM, and says so; --method cam is refused."""
    layers = keras.layers
    saved(tmp_path / "flat.keras", layers.Flatten(), layers.Dense(3), channels=1)
    assert explain(few, tmp_path / "out", model=tmp_path / "flat.keras") == 0
    assert {line["method"] for line in results(tmp_path / "out")} == {"grad-cam"}
    assert "grad-cam at maps" in capsys.readouterr().out
    assert explain(few, tmp_path / "refused", "--method", "cam", model=tmp_path / "flat.keras") == 2
    assert "global average pooling" in capsys.readouterr().err and not (tmp_path / "refused").exists()


# -- what goes wrong ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("options", "words"), [
    (("--model", "mobilenet"), "mobilenetv2"),
    (("--model", "missing.keras"), "existing .keras"),
    (("--model", "text.keras"), "cannot be read"),
    (("--model", "dense.keras"), "not images"),
    (("--model", "any.keras"), "--size"),
    (("--model", "any.keras", "--size", "20", "--labels", "text.keras"), "1 class names"),
    (("--model", "any.keras", "--size", "20", "--labels", "nowhere.txt"), "nowhere.txt"),
    (("--model", "any.keras", "--size", "20", "--class", "cat"), "write a number"),
    (("--scale", "0..255"), "brings its own"),
    (("--layer", "relu9", "--method", "grad-cam"), "relu4"),
    (("--layer", "relu3", "--method", "cam"), "last maps"),
    (("--class", "8"), "0 to 7"),
    (("--class", "9" * 5000), "0 to 7"),
    (("--class", "keys"), "Did you mean 'key'"),
    (("--class", "key", "--method", "eigen-cam"), "no class"),
    (("--out", "text.keras"), "is a file"),
    (("--out", "text.keras/deeper"), "text.keras"),
    (("--out", "/proc/nothing/here"), "/proc/nothing"),
])
def test_what_cannot_start_says_why_and_writes_nothing(few, tmp_path, capsys, monkeypatch, options, words):
    """One line that names the trouble, exit code 2, and no file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.keras").write_text("no model")
    keras.Sequential([keras.Input((5,)), keras.layers.Dense(2)]).save("dense.keras")
    keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(2, 3),
                      keras.layers.GlobalAveragePooling2D()]).save("any.keras")
    before = contents(tmp_path)
    assert cli.main(["explain", "few", "--model", "course", *options]) == 2
    said = capsys.readouterr().err
    assert said.startswith("camlib: ") and said.count("\n") == 1 and words in said
    assert contents(tmp_path) == before


def test_nothing_to_explain(tmp_path, capsys):
    """No pictures, no such place, a photo whose overlay would be the contact sheet: exit code 2, no output folder."""
    (tmp_path / "notes.txt").touch()
    Image.new("RGB", (9, 9)).save(tmp_path / "contact_sheet", "PNG")
    for place, words in ((tmp_path, "no picture"), (tmp_path / "nowhere", "no file and no folder"),
                         (tmp_path / "contact_sheet", "rename")):
        assert explain(place, tmp_path / "out") == 2
        assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("argv", [[], ["explain"], ["explain", "a", "--top", "0"], ["explain", "a", "--threshold", "2"],
                                  ["explain", "a", "--method", "jet"], ["demo", "--count", "many"], ["paint"]])
def test_wrong_arguments_end_with_2(argv, capsys):
    """Argparse's own message and exit code."""
    with pytest.raises(SystemExit) as end:
        cli.main(argv)
    assert end.value.code == 2 and "error:" in capsys.readouterr().err


def test_help_names_everything(capsys):
    """The help of the commands names each option, each method, the exit codes and an example."""
    for argv in (["--help"], ["explain", "--help"], ["demo", "--help"], ["--version"]):
        with pytest.raises(SystemExit) as end:
            cli.main(argv)
        assert end.value.code == 0
    said = capsys.readouterr().out
    for word in ("exit codes", "130", "examples:", "results.jsonl", "camlib 0", *METHODS):
        assert word in said


def test_two_runs_into_one_folder(few, tmp_path, capsys):
    """While another run holds the folder, the command waits for nothing, touches nothing and says so."""
    (tmp_path / "out").mkdir()
    held = os.open(tmp_path / "out", os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    try:
        assert explain(few, tmp_path / "out") == 2
    finally:
        os.close(held)
    assert "another run" in capsys.readouterr().err and contents(tmp_path / "out") == {}
    assert explain(few, tmp_path / "out") == 0


def test_ctrl_c_stops_in_one_line(photos, tmp_path, forks):
    """Exit code 130, one line that says how to go on, nothing half-written; the same command goes on."""
    options = ("explain", photos, "--model", "course", "--out", "out", "--batch", 4)
    pid, end = forks.start(tmp_path, *options, stderr=str(tmp_path / "said"))
    wait_for((tmp_path / "out" / "results.jsonl").exists)
    os.kill(pid, signal.SIGINT)
    assert end() == 130
    assert "same command" in (tmp_path / "said").read_text().splitlines()[-1]
    assert len(whole_files(tmp_path / "out")) < 50 and folder.PART not in contents(tmp_path / "out")
    assert forks.run(tmp_path, *options, stdout=str(tmp_path / "said")) == 1
    assert "kept from before, 8 failed" in (tmp_path / "said").read_text()


def test_a_full_disk(few, tmp_path, forks):
    """A file that cannot grow: one line, exit code 2, and no file but the whole ones."""
    code = forks.run(tmp_path, "explain", few, "--model", "course", "--out", "out",
                     limit=4000, stderr=str(tmp_path / "said"))
    assert code == 2 and contents(tmp_path / "out") == {}
    assert (tmp_path / "said").read_text().startswith("camlib: ") and "large" in (tmp_path / "said").read_text()


def test_on_a_terminal_a_bar_shows_the_progress(photos, tmp_path, forks, ends):
    """A bar counts the photos and is wiped out at the end; messages stay whole lines; --quiet has no bar."""
    options = ("explain", photos, "--model", "course", "--out", "out", "--batch", 4)
    code, shown = forks.show(tmp_path, *options, **ends["terminal"])
    counts = sorted({int(count) for count in re.findall(r"(\d+)/58", shown)})
    assert code == 1 and counts[0] == 0 and len(counts) > 3 and "photos/s" in shown
    assert shown.split("\r\n")[-1].split("\r")[-1] == "" and shown.endswith(" \r")
    assert sum(line.split("\r")[-1].startswith("camlib: ") for line in shown.split("\r\n")) == 8
    code, shown = forks.show(tmp_path, *options, "--quiet", **ends["terminal"])
    assert code == 1 and shown.count("camlib: ") == 8 and "photos/s" not in shown


def test_nobody_reads_the_output(few, tmp_path, forks, ends):
    """A closed pipe for stdout stops nothing and is no error."""
    code = forks.run(tmp_path, "explain", few, "--model", "course", "--out", "out",
                     stdout=ends["pipe"], stderr=str(tmp_path / "said"))
    assert code == 0 and len(contents(tmp_path / "out")) == 5
    assert (tmp_path / "said").read_text() == ""


# -- the rest ----------------------------------------------------------------------------------------


def test_demo(tmp_path, monkeypatch, capsys):
    """The demo draws scenes, explains them and counts right answers and hits; it runs again without computing."""
    monkeypatch.chdir(tmp_path)
    assert cli.main(["demo", "--count", "6"]) == 0
    out = tmp_path / "camlib-demo"
    drawn, lines = scenes.make(6, seed=2), results(out)
    hits = sum(mask[line["peak"][1], line["peak"][0]] for mask, line in zip(drawn.masks, lines, strict=True))
    said = capsys.readouterr().out
    assert f"{hits} of 6 maps peak on the object" in said and hits >= 4 and len(lines) == 6
    assert len(list((out / "scenes").glob("*.png"))) == 6 and (out / "contact_sheet.png").exists()
    assert cli.main(["demo", "--count", "6", "--quiet"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.skipif(
    not pretrained.available("MobileNetV2"),
    reason='the weights of MobileNetV2 are not on this machine: camlib.pretrained.load("MobileNetV2") fetches them')
def test_mobilenet_explains_photographs(tmp_path):
    """The cat is a cat and the cup holds espresso, as in chapter 9; the peak of "espresso" lies on the cup."""
    place = tmp_path / "photos"
    place.mkdir()
    for name, image in pretrained.photographs().items():
        Image.fromarray(np.rint(255 * image).astype(np.uint8)).save(place / f"{name}.png")
    assert explain(place, tmp_path / "out", model="mobilenetv2") == 0
    lines = {line["file"]: line for line in results(tmp_path / "out")}
    assert lines["chelsea.png"]["class"]["name"] == "Egyptian_cat"
    assert lines["coffee.png"]["class"]["name"] == "espresso"
    network = pretrained.load()
    x = network.prepare([camlib.load_image(place / "coffee.png")])
    map = camlib.resize_map(camlib.class_activation_map(network.model, x)[0], (400, 600))
    assert lines["coffee.png"]["box"] == camlib.bounding_boxes(map)[0].tolist()
    x, y = lines["coffee.png"]["peak"]
    assert 75 <= x < 480 and 15 <= y < 390


def test_the_wheel_runs_on_its_own(tmp_path):
    """``python -m build`` makes a wheel that, installed into a fresh environment, has the command, data and types.

    The environment borrows the other packages from this one; camlib itself comes from the wheel.
    """
    def run(*command):
        done = subprocess.run([*map(str, command)], cwd=tmp_path, env=clean, capture_output=True, text=True, check=True)
        return done.stdout

    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", tmp_path / "dist", ROOT)
    (wheel,), (archive,) = (tmp_path / "dist").glob("*.whl"), (tmp_path / "dist").glob("*.tar.gz")
    assert "camlib/py.typed" in zipfile.ZipFile(wheel).namelist() and archive.stat().st_size > 100_000
    venv.create(tmp_path / "fresh", symlinks=True)
    (site,) = (tmp_path / "fresh").glob("lib/python*/site-packages")
    (site / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    run(sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", tmp_path / "fresh/bin/python",
        "install", "--quiet", "--no-deps", "--no-index", wheel)
    assert "maps peak on the object" in run(tmp_path / "fresh/bin/camlib", "demo", "--count", "4", "--out", "here")
    assert len(whole_files(tmp_path / "here")) == 8 and len(results(tmp_path / "here")) == 4
    code = "import camlib.cli; camlib.plots.use_style(); print(camlib.__file__); camlib.cli.main(['--version'])"
    place, said = run(tmp_path / "fresh/bin/python", "-c", code).splitlines()
    assert place == str(site / "camlib" / "__init__.py") and said == f"camlib {folder.camlib_version()}"
