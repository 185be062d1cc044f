"""Whatever goes in, a result comes out or one of camlib's own errors: never another exception, never half a file.

More than a thousand inputs, drawn at random but the same on every run.
"""

import contextlib
import io
import json
import tempfile
from pathlib import Path

import hypothesis
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from skimage import data

import camlib
from camlib import cli, folder, plots, scenes
from camlib.errors import CamlibError
from camlib.localization import box_masks
from camlib.runtime import keras

hypothesis.configuration.set_hypothesis_home_dir(tempfile.gettempdir())  # not into the repository
FORMATS = {"png": "PNG", "jpg": "JPEG", "gif": "GIF", "bmp": "BMP", "webp": "WEBP", "tif": "TIFF", "avif": "AVIF",
           "ppm": "PPM"}


def mostly(good, odd=None, times=9):
    """Something good nine (``times``) times out of ten, so that not every call fails at its first argument."""
    return st.sampled_from([good] * times + [odd_values if odd is None else odd]).flatmap(lambda chosen: chosen)


odd_values = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 40), st.sampled_from([2**31, 10**9, 2**63, -2**63, 10**20]),
    st.floats(), st.text(max_size=5), st.binary(max_size=5),
    st.lists(st.integers(-3, 40) | st.floats(), max_size=4), st.just(object()), st.just({}), st.just({"a": 1}),
    st.just([[1, 2], [3]]), st.just(np.array("map")), st.just(np.array([None, 1], object)), st.complex_numbers())
dtypes = st.sampled_from(["f4", "f8", "f2", "i4", "u1", "?", "c8", "O", "U3", "i8", "M8[s]"])
any_array = arrays.arrays(dtypes, arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5))
a_map = arrays.arrays(st.sampled_from(["f4", "f8", "i4"]), arrays.array_shapes(min_dims=2, max_dims=3, max_side=6),
                      elements={"min_value": -9, "max_value": 9})
a_batch = mostly(arrays.arrays("f4", (2, 4, 5), elements=st.floats(-9, 9, width=32)),
                 st.just(np.full((2, 4, 5), np.nan)))
boxes = arrays.arrays("i4", mostly(st.just((2, 4)), st.sampled_from([(3, 4), (4,), (0, 4), (2, 3)])),
                      elements=st.integers(-3, 9))
wild = arrays.arrays(st.sampled_from(["f4", "f8"]), arrays.array_shapes(min_dims=2, max_dims=3, max_side=4),
                     elements=st.sampled_from([0, 1, -2.5, 1e-30, 3e38, np.nan, np.inf, -np.inf]))
anything = a_map | a_batch | wild | any_array | odd_values


def tries(count):
    """So many inputs, the same every time, as long as each may take."""
    return settings(max_examples=count, derandomize=True, deadline=None, database=None,
                    suppress_health_check=list(hypothesis.HealthCheck))


def result_or_error(function, *args, **options):
    """Call the function; one of camlib's errors is as good as a result, if it says something. Others come through."""
    try:
        return function(*args, **options)
    except CamlibError as error:
        assert len(str(error)) > 20
        return None


# -- files -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def files():
    """The bytes of a real photograph in every format."""
    stored = {}
    for suffix, format in FORMATS.items():
        buffer = io.BytesIO()
        Image.fromarray(data.chelsea()[100:160, 150:230]).save(buffer, format)
        stored[suffix] = buffer.getvalue()
    return stored


@st.composite
def damage(draw):
    """A function that flips, cuts, repeats or inserts bytes, mostly near the beginning, where the headers are."""
    kind = draw(st.sampled_from(["flip", "cut", "insert", "repeat", "zero"]))
    places = draw(st.lists(st.integers(0, 200) | st.integers(0, 20_000), min_size=1, max_size=6))
    noise = draw(st.binary(min_size=1, max_size=20))

    def change(content):
        content = bytearray(content)
        for place in places:
            at = place % max(1, len(content))
            if kind == "cut":
                del content[at:]
            elif kind == "insert":
                content[at:at] = noise
            elif kind == "repeat":
                content[at:at] = content[at // 2:at]
            else:
                content[at:at + len(noise)] = noise if kind == "flip" else bytes(len(noise))
        return bytes(content)

    return change


@tries(300)
@given(suffix=st.sampled_from(sorted(FORMATS)), change=damage())
def test_damaged_pictures(files, tmp_path_factory, suffix, change):
    """A photograph with changed bytes loads as a picture in 0..1, or is refused with an ImageError."""
    path = tmp_path_factory.getbasetemp() / f"damaged.{suffix}"
    path.write_bytes(change(files[suffix]))
    image = result_or_error(camlib.load_image, path, max_pixels=100_000)
    assert image is None or image.ndim == 3 and image.shape[2] == 3 and 0 <= image.min() and image.max() <= 1


@tries(100)
@given(start=st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"BM", b"II*\0", b"P6 "]),
       rest=st.binary(max_size=200), size=mostly(st.none() | st.integers(1, 20)))
def test_random_bytes(tmp_path_factory, start, rest, size):
    """Noise behind the first bytes of a picture, and any size asked for."""
    path = tmp_path_factory.getbasetemp() / "noise"
    path.write_bytes(start + rest)
    result_or_error(camlib.load_image, path, size, max_pixels=100_000)


@tries(60)
@given(path=st.text(max_size=300) | st.binary(max_size=30) | odd_values)
def test_what_is_no_path(path):
    """Names that no file has, and things that are no names."""
    result_or_error(camlib.load_image, path)


# -- maps and boxes ----------------------------------------------------------------------------------


@tries(150)
@given(map=mostly(mostly(a_map, anything), wild, times=4),
       mode=mostly(st.sampled_from(["relu", "symmetric", "max", "none"])),
       size=mostly(st.integers(-2, 40) | st.lists(st.integers(0, 40), min_size=1, max_size=3)))
def test_scaling_maps(map, mode, size):
    """Normalized and resized maps are finite and have the promised shape and range."""
    normal = result_or_error(camlib.normalize_map, map, mode)
    assert normal is None or np.isfinite(normal).all()
    resized = result_or_error(camlib.resize_map, map, size)
    assert resized is None or np.isfinite(resized).all() and resized.ndim == np.ndim(map)


@tries(150)
@given(image=mostly(arrays.arrays("f4", (6, 7, 3), elements=st.floats(0, 1, width=32)), anything),
       map=mostly(arrays.arrays("f4", (3, 4), elements=st.floats(0, 1, width=32)), anything),
       cmap=mostly(st.sampled_from([None, "viridis", "jet", "jet_r", "RdBu"])) | st.just(np.array(["jet", "hot"])),
       signed=st.booleans(), alpha=mostly(st.floats(0, 1)))
def test_colouring_maps(image, map, cmap, signed, alpha):
    """Colours lie in 0..1 and have three channels."""
    for colors in (result_or_error(camlib.colorize, map, cmap, signed),
                   result_or_error(camlib.overlay, image, map, alpha, cmap, signed)):
        assert colors is None or colors.shape[2] == 3 and 0 <= colors.min() and colors.max() <= 1


@tries(250)
@given(map=mostly(mostly(a_map | a_batch, anything), wild, times=4), maps=mostly(a_batch, wild | anything),
       a=mostly(boxes, anything), b=mostly(boxes, anything), threshold=mostly(st.floats(0.01, 1)),
       thresholds=mostly(st.lists(st.floats(0.01, 1), max_size=3)), size=mostly(st.integers(1, 9)))
def test_measuring_maps(map, maps, a, b, threshold, thresholds, size):
    """Boxes have four sides inside the map; every score lies in 0..1."""
    found = result_or_error(camlib.bounding_boxes, map, threshold)
    assert found is None or found.shape[1] == 4 and (found >= 0).all()
    shared = result_or_error(camlib.intersection_over_union, a, b)
    assert shared is None or (shared >= 0).all() and (shared <= 1).all()
    hits = result_or_error(camlib.pointing_game, maps, map)
    assert hits is None or hits.dtype == bool
    best = result_or_error(camlib.max_box_accuracy, maps, a, thresholds, threshold)
    assert best is None or 0 <= best[0] <= 1
    masks = result_or_error(box_masks, a, size)
    assert masks is None or masks.dtype == bool


# -- networks ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny():
    """A network with two layers of maps and three classes, for images (8, 6, 3)."""
    layers = keras.layers
    return keras.Sequential([keras.Input((8, 6, 3)), layers.Conv2D(4, 3, activation="relu", name="first"),
                             layers.Conv2D(5, 3, activation="relu", name="second"),
                             layers.GlobalAveragePooling2D(name="gap"), layers.Dense(3, name="logits")])


images = arrays.arrays("f4", st.sampled_from([(1, 8, 6, 3), (2, 8, 6, 3)]), elements=st.floats(-1, 1, width=32))
targets = st.lists(st.integers(0, 2), max_size=3) | odd_values


@tries(150)
@given(given_images=mostly(images, anything), target=mostly(st.none() | st.integers(-1, 4), targets),
       layer=st.sampled_from([None, "first", "second", "gap", "x", ""]))
def test_explaining(tiny, given_images, target, layer):
    """A map for each image, finite, of the layer's size; whatever else is asked for is refused in words."""
    for maps, shape in ((result_or_error(camlib.class_activation_map, tiny, given_images, target), (4, 2)),
                        (result_or_error(camlib.grad_cam, tiny, given_images, target, layer),
                         (6, 4) if layer == "first" else (4, 2))):
        assert maps is None or maps.shape == (len(given_images), *shape) and np.isfinite(maps).all()


@tries(60)
@given(model=odd_values, layer=odd_values)
def test_what_is_no_model_or_layer(tiny, model, layer):
    """Neither a model nor a layer: refused."""
    assert result_or_error(camlib.grad_cam, model, np.zeros((1, 8, 6, 3))) is None
    result_or_error(camlib.grad_cam, tiny, np.zeros((1, 8, 6, 3)), 0, layer)


# -- scenes and figures ------------------------------------------------------------------------------


@tries(100)
@given(n=mostly(st.integers(1, 2), odd_values.filter(lambda n: not isinstance(n, int) or n < 3)),
       seed=mostly(st.integers(0, 10)), objects=mostly(st.integers(1, 2)),
       classes=mostly(st.lists(st.sampled_from([*scenes.CLASSES, "cat"]), min_size=1, max_size=2)),
       clutter=mostly(st.tuples(st.integers(0, 5), st.integers(3, 12))), first=mostly(st.integers(0, 5)))
def test_drawing_scenes(n, seed, objects, classes, clutter, first):
    """As many scenes as asked for, or words."""
    drawn = result_or_error(scenes.make, n, seed, objects=objects, classes=classes, clutter=clutter, first=first)
    assert drawn is None or len(drawn.images) == n and np.isfinite(drawn.images).all()


@tries(80)
@given(pictures=mostly(st.lists(mostly(arrays.arrays("f4", st.sampled_from([(5, 4, 3), (4, 6)]),
                                                      elements=st.floats(0, 1, width=32)), a_map | any_array),
                                min_size=1, max_size=2), anything),
       titles=mostly(st.none(), st.lists(st.text(max_size=5), max_size=2) | odd_values),
       columns=mostly(st.none() | st.integers(-1, 3)), limit=mostly(st.none() | st.floats(0.1, 9)),
       boxes=mostly(st.none() | st.lists(boxes, min_size=1, max_size=2), st.lists(odd_values, max_size=3)))
def test_figures(pictures, titles, columns, boxes, limit):
    """A figure with an axis for each picture, or words."""
    with matplotlib.rc_context({"backend": "Agg"}):
        figure = result_or_error(plots.show, pictures, titles, columns=columns, boxes=boxes, limit=limit)
        assert figure is None or len(figure.axes) >= len(pictures)
        plt.close("all")


# -- the command -------------------------------------------------------------------------------------


def command(*argv):
    """Run the command; return its exit code and the lines that it wrote to stderr."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        try:
            code = cli.main(list(argv))
        except SystemExit as end:
            code = end.code
    return code, said.getvalue().splitlines()


words = st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), max_size=8)
options = st.sampled_from([
    "--model", "--method", "--method", "--class", "--top", "--layer", "--layer", "--out", "--threshold", "--batch",
    "--scale", "--size", "--labels", "-q", "--unknown"])
values = words | st.sampled_from([
    "course", "cam", "grad-cam", "eigen-cam", "3", "0", "-1", "1e9", "nan", "relu3", "fish", "0..255", "deep/er",
    "photo.png", "photo.png/x", "text.txt", "", ".", "..", "photos"])


@tries(60)
@given(arguments=st.lists(st.tuples(options, values), max_size=3),
       place=mostly(st.sampled_from(["photo.png", "photos", "."]), values),
       first=mostly(st.sampled_from(["explain", "explain", "demo"]), words))
def test_any_arguments(tmp_path_factory, arguments, place, first):
    """An exit code, and if it is not 0 a message whose last line begins with "camlib"; no half-written file."""
    with tempfile.TemporaryDirectory(dir=tmp_path_factory.getbasetemp()) as here, contextlib.chdir(here):
        Image.new("RGB", (9, 7), "teal").save("photo.png")
        Path("text.txt").write_text("no picture")
        Path("photos").mkdir()
        given_argv = [word for pair in arguments for word in pair if pair[0] != "-q" or word == "-q"]
        argv = [first, *(["--count", "1"] if first == "demo" else [place]), "--out=out", *given_argv]
        code, said = command(*argv, *(["--model=course"] if first == "explain" and "--model" not in argv else []))
        assert code in (0, 1, 2)
        assert (code == 0) == (not said) and all(line.startswith("camlib") for line in said[-1:])
        assert nothing_is_torn(Path())


@tries(8)
@given(contents=st.lists(st.tuples(words, st.sampled_from(sorted(FORMATS)), damage(), st.booleans()), min_size=1,
                         max_size=9))
def test_any_folder(tmp_path_factory, files, contents):
    """Damaged photographs under odd names: the exit code says whether one failed, and no file is half-written.

    The second run reports the same, and keeps the bytes of the first.
    """
    with tempfile.TemporaryDirectory(dir=tmp_path_factory.getbasetemp()) as here, contextlib.chdir(here):
        Path("photos").mkdir()
        for name, suffix, change, whole in contents:
            (Path("photos") / f"x{name}.{suffix}").write_bytes(files[suffix] if whole else change(files[suffix]))
        code, said = command("explain", "photos", "--model", "course", "--out", "out")
        lines = [json.loads(line) for line in Path("out/results.jsonl").read_text().splitlines()]
        failed = [line for line in lines if "error" in line]
        assert code == bool(failed) and len(said) == len(failed) and len(lines) == len(list(Path("photos").iterdir()))
        assert nothing_is_torn(Path("out"))
        before = {path: path.read_bytes() for path in Path("out").iterdir()}
        assert command("explain", "photos", "--model", "course", "--out", "out") == (code, said)
        assert {path: path.read_bytes() for path in Path("out").iterdir()} == before


def nothing_is_torn(out):
    """True if every overlay and sheet opens to its end, every line of results is JSON, and no part file is left."""
    for path in out.rglob("*"):
        assert path.name != folder.PART
        if path.name == folder.RESULTS:
            assert path.read_text().endswith("\n") and all(map(json.loads, path.read_text().splitlines()))
        elif path.name.endswith(".png") and "photos" not in path.parts and path.is_file():
            with Image.open(path) as picture:
                picture.load()
    return True
