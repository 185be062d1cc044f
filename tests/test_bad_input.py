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
from camlib import checks, cli, enhancement, evaluation, folder, league, plots, scenes
from camlib.errors import CamlibError
from camlib.grad_cam import (
    ablation_cam, eigen_cam, grad_cam_plus_plus, guided_grad_cam, hires_cam, layer_cam, score_cam, weighted_maps,
    xgrad_cam,
)
from camlib.intervals import mean_interval
from camlib.localization import box_hits, box_masks, energy_in_mask
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
    for shares in (result_or_error(energy_in_mask, maps, map), result_or_error(box_hits, maps, a, threshold)):
        assert shares is None or shares.shape == (len(maps),) and (shares >= 0).all() and (shares <= 1).all()
    best = result_or_error(camlib.max_box_accuracy, maps, a, thresholds, threshold)
    assert best is None or 0 <= best[0] <= 1
    masks = result_or_error(box_masks, a, size)
    assert masks is None or masks.dtype == bool


@tries(100)
@given(a=mostly(a_batch, wild | anything), b=mostly(a_batch, wild | anything), n=st.sampled_from([0, 1, 2, None, "a"]),
       size=mostly(st.integers(1, 9)), seed=mostly(st.integers(0, 10)))
def test_judging_maps(a, b, n, size, seed):
    """An order holds each pixel once, a correlation lies in -1..1, and maps to beat have the size asked for."""
    order = result_or_error(evaluation.removal_order, a, seed)
    assert order is None or (np.sort(order, 1) == np.arange(np.asarray(a)[0].size)).all()
    agreement = result_or_error(evaluation.rank_correlation, a, b)
    assert agreement is None or (np.abs(agreement) <= 1 + 1e-9).all()
    for drawn in (result_or_error(evaluation.center_map, n, size),
                  result_or_error(evaluation.random_map, n, size, seed)):
        assert drawn is None or drawn.ndim == 3 and len(drawn) == n and np.isfinite(drawn).all()
    result_or_error(evaluation.area, a)


# -- pictures changed by their maps ------------------------------------------------------------------


@tries(150)
@given(pictures=mostly(arrays.arrays("f4", (2, 8, 6, 3), elements=st.floats(0, 1, width=32)), anything),
       maps=mostly(a_batch, wild | anything), fill=mostly(st.floats(0, 1), anything),
       threshold=mostly(st.floats(0.01, 1)), windows=mostly(boxes, anything), size=mostly(st.integers(1, 9)),
       margin=mostly(st.floats(0, 3)), side=mostly(st.none() | st.integers(1, 9)), seed=mostly(st.integers(0, 10)))
def test_changing_pictures(pictures, maps, fill, threshold, windows, size, margin, side, seed):
    """Changed pictures are finite; windows are as many as boxes and lie inside."""
    for changed in (result_or_error(enhancement.weight, pictures, maps, fill),
                    result_or_error(enhancement.mask, pictures, maps, threshold, fill)):
        assert changed is None or changed.shape == pictures.shape and np.isfinite(changed).all()
    crops = result_or_error(enhancement.crop, pictures, windows, size)
    assert crops is None or len(crops) == len(pictures) and np.isfinite(crops).all()
    found = result_or_error(enhancement.map_boxes, maps, threshold)
    assert found is None or found.shape == (len(maps), 4)
    for moved in (result_or_error(enhancement.windows_around, windows, size, margin, side),
                  result_or_error(enhancement.center_windows, windows, size),
                  result_or_error(enhancement.random_windows, windows, size, seed)):
        assert moved is None or (moved >= 0).all() and (moved <= np.max(size)).all()


# -- numbers -----------------------------------------------------------------------------------------

some_numbers = st.lists(st.floats(-1e9, 1e9) | st.integers(-9, 9) | st.booleans(), min_size=1, max_size=5)
some_answers = arrays.arrays("?", st.sampled_from([(4,), (4,), (2,), (1,), (2, 2)]))


@tries(150)
@given(values=mostly(some_numbers, anything), before=mostly(some_answers, anything),
       after=mostly(some_answers, anything), level=mostly(st.floats(0.01, 0.99)), seed=mostly(st.integers(0, 10)))
def test_intervals(values, before, after, level, seed):
    """The ends of an interval are in order and finite, or words say why there is none."""
    found = result_or_error(mean_interval, values, level, 20, seed)
    assert found is None or found[1] <= found[2] and np.isfinite(found).all()
    counted = result_or_error(enhancement.paired, before, after, level)
    assert counted is None or counted.low <= counted.high and 0 <= counted.chance <= 1


a_row = st.fixed_dictionaries({"x": mostly(some_numbers), "drop": mostly(some_numbers)})


@tries(150)
@given(rows=mostly(st.dictionaries(st.text(max_size=3), mostly(a_row), max_size=2)), a=mostly(a_row), b=mostly(a_row),
       columns=mostly(st.lists(st.sampled_from(["x", "drop", "y"]), max_size=3)), digits=mostly(st.integers(-1, 4)))
def test_leagues(rows, a, b, columns, digits):
    """A line for each row and one above them; a difference inside its interval."""
    text = result_or_error(league.table, rows, columns, digits)
    assert text is None or len(text.split("\n")) >= 1 + len(rows)
    found = result_or_error(league.better, a, b, "drop")
    assert found is None or found[1] <= found[2]


def verdict(check, *args):
    """A check passes or fails, or says with one of camlib's errors that it is no check."""
    try:
        return result_or_error(check, *args)
    except AssertionError as failed:
        assert len(str(failed)) > 10


@tries(200)
@given(yours=mostly(a_map, anything), right=mostly(a_map, anything), rtol=mostly(st.just(1e-4)),
       low=mostly(st.integers(-9, 9)), high=mostly(st.integers(-9, 9)), bias=mostly(st.floats(-9, 9), anything),
       logits=mostly(arrays.arrays("f4", (2,), elements=st.floats(-9, 9, width=32)), anything),
       maps=mostly(a_batch, anything), accepts=mostly(st.dictionaries(st.text(max_size=2), odd_values, max_size=2)))
def test_any_answer(yours, right, rtol, low, high, bias, logits, maps, accepts):
    """Whatever a learner hands in, there is a verdict."""
    verdict(checks.same, yours, right, "it", rtol)
    verdict(checks.within, yours, low, high)
    verdict(checks.cam_law, maps, bias, logits)
    for checker in (lambda answer: answer > 0, low):
        verdict(checks.fair, checker, accepts, {"one": 1})


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


FAMILY = [hires_cam, xgrad_cam, layer_cam, grad_cam_plus_plus, ablation_cam, score_cam, eigen_cam, guided_grad_cam]


@tries(60)
@given(given_images=mostly(images, anything), target=mostly(st.none() | st.integers(-1, 4), targets),
       layer=st.sampled_from([None, "first", "second", "gap", "x"]),
       A=mostly(arrays.arrays("f4", (2, 4, 2, 5), elements=st.floats(-9, 9, width=32)), anything),
       weights=mostly(arrays.arrays("f4", (2, 5)), anything))
def test_the_family(tiny, given_images, target, layer, A, weights):
    """Every relative of Grad-CAM gives finite maps, guided Grad-CAM of the images' size, or says what is wrong."""
    for method in FAMILY:
        maps = result_or_error(method, tiny, given_images, target, layer)
        cells = (8, 6, 3) if method is guided_grad_cam else (6, 4) if layer == "first" else (4, 2)
        assert maps is None or maps.shape == (len(given_images), *cells) and np.isfinite(maps).all()
    sums = result_or_error(weighted_maps, A, weights)
    assert sums is None or sums.shape == np.shape(A)[:3]


@tries(80)
@given(given_images=mostly(images, anything),
       maps=mostly(arrays.arrays("f4", (2, 8, 6), elements=st.floats(-9, 9, width=32)), anything),
       target=mostly(st.none() | st.integers(-1, 4), targets), fill=mostly(st.sampled_from(["mean", "blur", 0.5, "x"])),
       steps=st.sampled_from([1, 2, 0, None, "a"]), seed=mostly(st.integers(0, 10)),
       limits=mostly(st.sampled_from([(0, 1), (-1, 1), (1, 0)])), eps=mostly(st.floats(0.01, 1)),
       shuffled=mostly(st.sampled_from(["first", "x"]) | st.just(["first", "logits"])),
       region=mostly(arrays.arrays("?", (4, 2)), anything))
def test_asking_the_network(tiny, given_images, maps, target, fill, steps, seed, limits, eps, shuffled, region):
    """Curves and drops are shares, misled pictures keep to their limits, second looks are probabilities, or words."""
    curve = result_or_error(evaluation.deletion_curve, tiny, given_images, maps, target, steps=steps, fill=fill,
                            seed=seed)
    assert curve is None or curve.shape == (len(given_images), steps + 1) and 0 <= curve.min() and curve.max() <= 1
    drop = result_or_error(evaluation.confidence_drop, tiny, given_images, maps, target, fill)
    assert drop is None or (drop[0] >= 0).all() and (drop[0] <= 1).all()
    moved = result_or_error(evaluation.mislead, tiny, given_images, region, target, steps=steps, limits=limits, eps=eps)
    assert moved is None or limits[0] <= moved.min() and moved.max() <= limits[1]
    result_or_error(evaluation.randomized, tiny, shuffled, seed)
    agreement = result_or_error(evaluation.stability, lambda x: x.mean(3), given_images, eps, seed)
    assert agreement is None or (np.abs(agreement) <= 1 + 1e-9).all()
    looks = result_or_error(enhancement.second_look, tiny, given_images, maps)
    assert looks is None or looks.both.shape == looks.first.shape


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
