"""Every network of ``keras.applications``, with random weights, through the probe: the table of the page.

Run as a program it writes that page: ``python -m tests.architectures book/architectures.md``, as ``make architectures``
does. Each network has a process of its own, so that memory holds one at a time.
"""

import inspect
import json
import re
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np

from camlib import Probe, class_activation_map, grad_cam
from camlib.cam import law_residual
from camlib.errors import HeadError
from camlib.runtime import keras, repeatable

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "book" / "architectures.md"
SIZES = (32, 48, 64, 71, 75, 96, 128, 224, 331)  # heights that are tried, from below
WIDER = 32        # a picture is so much wider than high, so that swapped axes show
CLASSES = 10
AGREES = 1e-4     # what rounding explains: two ways to one number differ by less of the largest
DIFFERS = 1e-2    # what is no rounding: what has to vary varies by more
COLUMNS = ("Constructor", "Input", "Layer chosen", "Maps", "Grad-CAM", "CAM",
           "{eq}`7.6` holds to", "{eq}`8.3` holds to")

# Why a head is no average and Dense layer, by the layer that is in the way.
EXPLAINED = {
    "Flatten": "Flatten gives every cell its own class weights, and ReLU layers follow",
    "LayerNormalization": "LayerNormalization divides the averages by their own spread, so what a cell adds to a logit "
                          "depends on all others",
    "Activation": "a convolution with hard-swish lies behind the average, and hard-swish is not linear",
}


def constructors():
    """{name: function}: what keras.applications builds networks with, each once, by inspection."""
    places = [keras.applications, *(m for _, m in inspect.getmembers(keras.applications, inspect.ismodule))]
    found = {f: name for place in places for name, f in inspect.getmembers(place, inspect.isfunction)
             if name[0].isupper() and "weights" in inspect.signature(f).parameters}
    return {name: f for f, name in sorted(found.items(), key=lambda item: _natural(item[1]))}


def _natural(name):
    """Sort ResNet50 before ResNet101."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


# -- a network to try --------------------------------------------------------------------------------


def built(name, size=None):
    """The network ``name`` without weights of its own, for pictures (size, size + WIDER, 3), or its own size."""
    keras.utils.clear_session()  # so that layers get the names they have in a fresh process
    shape = {} if size is None else {"input_shape": (size, size + WIDER, 3)}
    return constructors()[name](weights=None, classes=CLASSES, **shape)


def last_maps(model):
    """What in the graph makes the last maps (N, h, w, K) with more than one cell, and its place from the end.

    It reads the shapes that Keras wrote down while it built the network; the probe looks at it running.
    What makes them is a layer or a bare operation, like a plus sign between two tensors.
    """
    for place, operation in enumerate(reversed(model.operations)):
        shape = getattr(operation.output, "shape", ())
        if len(shape) == 4 and shape[1] * shape[2] > 1:
            return operation, (place, type(operation).__name__)
    return None, (None, None)


def smallest(name):
    """The first of SIZES that the constructor takes and at which the last maps are those of the network's own size.

    They are to have two rows at least. A network that takes any size is built for 224 to compare.
    """
    model = built(name)
    own = model.input_shape[1] or 224
    wanted = last_maps(model if model.input_shape[1] else built(name, own))[1]
    for size in (s for s in SIZES if s < own):
        try:
            layer, place = last_maps(built(name, size))
        except ValueError:  # too small for it
            continue
        if place == wanted and min(layer.output.shape[1:3]) > 1:
            return size
    return own


def randomized(model, rng):
    """Give ``model`` weights that hide nothing: no bias is zero, no stored figure is 0 or 1. Returns it.

    Kernels are normal with variance 2 / inputs, which keeps activations the same size through ReLU layers; biases
    and shifts are normal, scales 0.5 to 1.5. BatchNormalization stores what it measures on eight random pictures.
    """
    for weight in model.trainable_variables:
        shape, name = tuple(weight.shape), weight.path.split("/")[-1]
        if "kernel" in name:
            inputs = np.prod(shape[:2] if "depthwise" in name else shape[:-1])
            values = rng.standard_normal(shape, np.float32)
            values *= np.float32(np.sqrt(2 / inputs))
        elif "gamma" in name:
            values = rng.uniform(0.5, 1.5, shape)
        else:
            values = rng.normal(0, 0.3, shape)
        weight.assign(values)
    norms = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization)]
    before = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0
    model(pictures(model, 8, rng), training=True)
    for layer, momentum in zip(norms, before, strict=True):
        layer.momentum = momentum
    return model


def pictures(model, n, rng):
    """Random pictures (n, H, W, 3) in the range that ``model`` takes: 0..255 if it prepares them itself, or -1..1."""
    prepares = any(isinstance(x, (keras.layers.Rescaling, keras.layers.Normalization)) for x in model.layers)
    values = rng.random((n, *model.input_shape[1:]), np.float32)
    return 255 * values if prepares else 2 * values - 1


# -- a row of the table ------------------------------------------------------------------------------


def row(name, size=None):
    """What camlib finds in the network ``name``, a dict; ``size`` is searched for if it is not given."""
    started = time.monotonic()
    size = smallest(name) if size is None else size
    rng = np.random.default_rng(0)
    model = randomized(built(name, size), rng)
    x = pictures(model, 2, rng)
    found = {"name": name, "input": list(model.input_shape[1:3]), "layer": "", "maps": [], "cam": ""}
    try:
        found |= _looked(model, x)
    except Exception as cause:
        found |= {"failed": f"{type(cause).__name__}: {cause}"}
    return found | {"seconds": time.monotonic() - started}


def _looked(model, x):
    """The row's findings: layer, maps, CAM, and how far two ways to the same number are apart."""
    look, classes = Probe(model), np.array([1, 2])
    A, S, G = look.gradient(x, classes)
    heat = grad_cam(look, x, classes)
    found = {"layer": look.path, "maps": list(A.shape[1:])}
    found |= _independent(model, look, x, A, S)
    found |= {"bend": _bend(look, x, A)}
    last = last_maps(model)[0]
    wrong = {
        f"the last maps are those of `{last.name}`{'' if isinstance(last, keras.Layer) else ', which is no layer'}":
            look.layer is not last,
        "a map of the wrong shape": heat.shape != A.shape[:3],
        "a map that is not finite": not np.isfinite(heat).all(),
        "a flat map": any(np.ptp(m) < DIFFERS * np.abs(m).max() or not m.any() for m in heat),
        "one map for both pictures": _apart(*A) < DIFFERS,
        "no slopes": not np.abs(G).max((1, 2, 3)).all(),
        "other maps than a sub-model": not found["same maps"] < AGREES,
        "other logits than the model": not found["same output"] < AGREES,
        "other slopes than a tape": not found["same slopes"] < AGREES,
    }
    if any(wrong.values()):
        return found | {"failed": ", ".join(what for what, is_so in wrong.items() if is_so)}
    try:
        W, b = look.head()
        M = class_activation_map(look, x, classes)
    except HeadError as cause:
        return found | {"cam": reason(cause)}
    return found | {"cam": "exact", "law": law_residual(A, W, b, S), "gap": _apart(heat * M[0].size, M),
                    "bias": float(np.abs(b).max() / np.abs(S).max()), "spread": _apart(*S)}


def _independent(model, look, x, A, S):
    """How far maps, output and slopes are from those of a sub-model and a tape, as parts of the largest number.

    The model gives probabilities p, and log p_c - log p_d = S_c - S_d: c and d are the two likeliest classes.
    The sub-model is compiled, as the probe is. Through 152 layers an uncompiled one rounds so differently that
    it differs from the compiled one by 2e-4 of the largest number.
    """
    import tensorflow as tf

    last = next(operation for operation in model.operations if operation.name == look.path)
    tensors = keras.Model(model.inputs, [last.output, model.output])

    @tf.function
    def run(images):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(images)
            maps, p = tensors(images, training=False)
            two, classes = tf.math.top_k(p, 2)
            apart = tf.reduce_sum(tf.math.log(two[:, 0]) - tf.math.log(two[:, 1]))
        return maps, p, tape.gradient(apart, maps), classes

    maps, p, slopes, classes = (a.numpy() for a in run(tf.constant(x)))
    c, d = classes.T
    return {"same maps": _apart(A, maps),
            "same output": _apart(keras.ops.convert_to_numpy(keras.ops.softmax(S)), p),
            "same slopes": _apart(look.gradient(x, c)[2] - look.gradient(x, d)[2], slopes)}


def _bend(look, x, A):
    """How far S(A) is from the mean of S(A - D) and S(A + D), for random D: not at all if the head is affine.

    As a part of the largest step from S(A - D) to S(A + D).
    """
    D = np.random.default_rng(1).normal(0, np.abs(A).max() / 2, A.shape).astype(np.float32)
    low, middle, high = (look.logits_from(x, A + step * D) for step in (-1, 0, 1))
    return float(np.abs((low + high) / 2 - middle).max() / np.abs(high - low).max())


def _apart(a, b):
    """The largest difference of two arrays, as a part of the largest number in either."""
    return float(np.abs(a - b).max() / max(np.abs(a).max(), np.abs(b).max()))


def reason(error):
    """What is in the way of CAM, in short: the message of a HeadError without rule and advice."""
    text = str(error).split(":")[0].split("; ")[-1]
    return re.sub(r"^(this head has|behind '\S+' this head has) ", "", text).replace("'", "`")


def rows(names):
    """The row of each network, from one process a network; progress goes to stderr."""
    for number, name in enumerate(names, 1):
        print(f"{number:2}/{len(names)} {name} ...", end=" ", file=sys.stderr, flush=True)
        yield (found := answers([name])[0])
        print(f"{found.get('failed') or found['cam']}, {found['seconds']:.0f} s", file=sys.stderr, flush=True)


def answers(names, sizes=()):
    """The rows of ``names``, all from one fresh process; ``sizes`` if they are known. A warning is an error there."""
    words = [f"{name}={size}" for name, size in zip(names, sizes, strict=True)] if sizes else names
    command = [sys.executable, "-W", "error::UserWarning", "-m", "tests.architectures", "--rows", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        return [{"name": name, "failed": f"the process ended with {done.returncode}: {done.stderr[-300:]}",
                 "input": [], "layer": "", "maps": [], "cam": "", "seconds": 0} for name in names]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


# -- the page ----------------------------------------------------------------------------------------


def line(found):
    """A row as the cells of the table."""
    cam = found.get("failed", "").replace("|", "/").replace("\n", " ")
    cam = cam or (found["cam"] if found["cam"] == "exact" else f"refused: {found['cam']}")
    return [f"`{found['name']}`", " × ".join(map(str, found["input"])),
            f"`{found['layer']}`" if found["layer"] else "", " × ".join(map(str, found["maps"])),
            "failed" if "failed" in found else "✓", cam,
            *(_digit(found[key]) if key in found else "–" for key in ("law", "gap"))]


def _digit(number):
    """A small number with one digit: 3e-7."""
    return f"{number:.0e}".replace("e-0", "e-") if number else "0"


def table(text):
    """{constructor: {column: cell}} of the page ``text``."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return {cells[0].strip("`"): dict(zip(COLUMNS, cells, strict=True)) for cells in lines[2:]}


def page(found):
    """The page of the rows ``found``."""
    import tensorflow as tf

    failed, works = ([r for r in found if ("failed" in r) == has] for has in (True, False))
    refused, exact = ([r for r in works if (r["cam"] == "exact") == is_so] for is_so in (False, True))

    def most(key, rows=works, choose=max):
        return _digit(choose((r[key] for r in rows), default=0))

    return "\n".join([
        "<!-- Written by `make architectures`: change tests/architectures.py, not this page. -->",
        "# Every architecture of Keras", "",
        *_wrapped(f"""The `keras.applications` of Keras {keras.__version__} builds networks with {len(found)}
            constructors. This page tries `camlib` on each of them, with TensorFlow {tf.__version__} and NumPy
            {np.__version__}. A program writes it: `make architectures`."""), "",
        *_wrapped(f"- Grad-CAM works in {len(works)} of {len(found)}, at the layer that `camlib` chooses by itself."),
        *_wrapped(f"- CAM is exact in {len(exact)} of these."),
        *_wrapped(f"""- In the other {len(refused)} of these the head is something else than an average and one Dense
            layer, and `camlib` refuses CAM."""),
        *_wrapped(f"- {len(failed)} of {len(found)} fail. The table says why." if failed else ""), "",
        "Why CAM is refused:", "",
        *_reasons(refused), "",
        "## What was checked", "",
        *_wrapped(f"""Each network gets random weights and {CLASSES} classes. No bias is zero, and every
            BatchNormalization stores figures of its own. So equation {{eq}}`7.6` cannot hold just because $b$ is zero:
            the largest bias is at least {most("bias", exact, min)} of the largest logit. Two random pictures go in,
            one asked for class 1 and one for class 2. They are not square, so that swapped axes would show. Their size
            is the smallest of a short list at which the network has the same last maps as at its own size, with at
            least two rows."""), "",
        "A tick in the column Grad-CAM means all of this:", "",
        *_wrapped("""- The layer is the last one in the network's graph whose output has more than one cell. The graph
            is what Keras wrote down when it built the network; `camlib` watches the network run."""),
        *_wrapped("""- The map is finite and has as many rows and columns as the maps. It is not flat, and the two
            pictures have different maps."""),
        *_wrapped(f"""- The maps are those of an ordinary `keras.Model` that ends at this layer, the softmax of the
            logits is the network's own output, and the slopes are those of TensorFlow's tape, for the difference of two
            logits. The largest deviations are {most("same maps")}, {most("same output")} and {most("same slopes")} of
            the largest number."""), "",
        *_wrapped("""The last two columns say how far two laws are from holding. Equation {eq}`7.6`: the mean of the CAM
            plus the bias is the logit; the gap is a part of the largest logit. Equation {eq}`8.3`: Grad-CAM times the
            number of cells is the CAM; the gap is a part of the largest value."""), "",
        *_wrapped(f"""A refusal is checked, too. Take three stacks of maps, $A - D$, $A$ and $A + D$, with random $D$.
            Behind an affine head the middle logit is the mean of the other two. It is, up to {most("bend", exact)},
            in every network with exact CAM. In every refused one it is off by at least
            {min((r["bend"] for r in refused), default=0):.0%} of the largest step from $A - D$ to $A + D$. So `camlib`
            refuses no head that is affine in the maps."""), "",
        "## The table", "",
        "Input is height × width of the pictures. Maps are rows × columns × channels.", "",
        "| " + " | ".join(COLUMNS) + " |",
        "|" + "|".join([":--"] * 6 + ["--:"] * 2) + "|",
        *("| " + " | ".join(line(r)) + " |" for r in found), "",
        "## What the table does not show", "",
        *_wrapped("""- **Whether a map is right.** The weights are random. No network here knows a class, so no map can
            point at one. [Chapter 9](../notebooks/09_real_networks.ipynb) looks at trained networks."""),
        *_wrapped("""- **The network's own size.** The pictures are small, so that the largest networks can be tried,
            too. At its own size a network has more cells in the same maps."""),
        *_wrapped("""- **Other layers.** The table has the layer that is taken if you name none. It need not be the best
            one. In VGG it lies behind the last pooling; `block5_conv3`, before it, has four times as many cells."""),
        *_wrapped("""- **Networks without their top.** With `include_top=False` there are no logits, and nothing to
            explain."""),
        *_wrapped("- **Other backends.** JAX and PyTorch are tested with small networks, not with these."), "",
    ])


def _wrapped(text):
    """A paragraph, or an item of a list, as lines."""
    return textwrap.wrap(" ".join(text.split()), 118, subsequent_indent="  " if text.startswith("- ") else "",
                         break_long_words=False, break_on_hyphens=False)


def _reasons(refused):
    """A line for each thing that is in the way of CAM: the networks, and the sentence."""
    groups = {}
    for r in refused:
        words = re.findall(r"\w+", r["cam"])
        groups.setdefault(next((EXPLAINED[w] for w in words if w in EXPLAINED), r["cam"]), []).append(r["name"])
    return [line for why, names in groups.items()
            for line in _wrapped(f"- {', '.join(f'`{name}`' for name in names)}: {why}.")]


def main(words):
    """Write the page to the file that is named, or print the rows of the networks behind --rows, as JSON."""
    if words[0] != "--rows":
        found = list(rows(list(constructors())))
        Path(words[0]).write_text(page(found))
        return any("failed" in r for r in found)
    repeatable(0, threads=2)
    for name, _, size in (word.partition("=") for word in words[1:]):
        print(json.dumps(row(name, int(size) if size else None)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
