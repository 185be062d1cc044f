"""The command ``camlib``: what it is asked, what it says and how it ends; ``explain`` and ``folder`` do the work."""

import argparse
import os
import sys
from collections import Counter
from contextlib import suppress

import numpy as np
from PIL import Image
from tqdm import tqdm

from . import runtime, scenes
from .contact_sheet import called, page_names, printable
from .errors import CamlibError
from .explain import METHODS, ask
from .folder import RESULTS, Run, camlib_version, find_photos
from .networks import PRETRAINED, SCALES, open_network

ABOUT = "See which parts of a photo speak for a class: class activation maps of any Keras network."
CODES = """\
exit codes:
  0    every photo was explained
  1    some were not; the others are done, and results.jsonl says why
  2    nothing could be done, or not go on: an argument, the model, the disk
  130  stopped with Ctrl-C; the same command goes on where it stopped
"""
EXPLAIN = """\
examples:
  camlib explain cat.jpg                       what MobileNetV2 sees, and where
  camlib explain cat.jpg --class tabby         where it sees one class
  camlib explain photos --out maps             a folder, and the folders in it
  camlib explain photos --model my.keras --labels names.txt --method grad-cam++

what it writes into the folder --out:
  NAME.png           each photo under its map, with the box; NAME has the photo's own suffix
  results.jsonl      a line of JSON a photo: classes, box, peak, energy, or why there is none
  contact_sheet.png  all photos beside their maps (contact_sheet_1.png, ... beyond 60)

Stop it whenever you like. The same command goes on where it stopped; what was made with
other settings, or from a photo that has changed since, is made again.

""" + CODES
DEMO = """\
The scenes are drawn, so the true object is known: the command counts how many maps peak on it.
It needs no internet.

""" + CODES


def main(argv=None):
    """Run the command with the arguments ``argv`` (those of the process if None); return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):  # a file's name may be no text in the terminal's encoding
            stream.reconfigure(errors="backslashreplace")
    try:
        options = parser().parse_args(argv)
        with suppress(CamlibError):  # in a process that has computed before, its threads stay as they are
            runtime.repeatable(0, threads=os.cpu_count())
        return options.command(options)
    except CamlibError as cause:
        return fail(cause)
    except OSError as cause:
        return fail(f"{cause.filename or 'writing'}: {cause.strerror or cause}")
    except KeyboardInterrupt:
        return fail("stopped; the same command goes on from here", 130)


def say(text):
    """Print a line; if nobody reads it any more, the work goes on without a word."""
    try:
        print(printable(text), flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def fail(why, code=2):
    """Say on stderr, in one line, what is wrong; return the exit code."""
    print(f"camlib: {printable(why)}", file=sys.stderr)
    return code


# -- the arguments -----------------------------------------------------------------------------------


class Parser(argparse.ArgumentParser):
    """Argparse's own, but an argument that it complains about cannot break the line."""

    def error(self, message):
        """Say on one line what is wrong with the arguments, and exit."""
        super().error(printable(message))


def parser():
    """Return the parser of the command's arguments."""
    layout = {"formatter_class": argparse.RawDescriptionHelpFormatter, "allow_abbrev": False}
    top = Parser("camlib", description=ABOUT, epilog=CODES, **layout)
    top.add_argument("--version", action="version", version=f"camlib {camlib_version()}")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    add_explain(commands.add_parser("explain", help="explain a photo or a folder of photos", epilog=EXPLAIN,
                                    description="Explain a photo, or all photos in a folder.", **layout))
    add_demo(commands.add_parser("demo", help="try it on drawn scenes with the network that ships with camlib",
                                 description="Draw scenes and explain them with the network that ships with camlib.",
                                 epilog=DEMO, **layout))
    return top


def add_explain(parser):
    """Give ``parser`` the arguments of ``camlib explain``."""
    add, models = parser.add_argument, ", ".join((*PRETRAINED, "course"))
    add("place", metavar="PHOTO_OR_FOLDER", help="a picture file, or a folder: all pictures in it and below")
    add("--model", metavar="NAME|FILE", default="mobilenetv2",
        help=f"{models}, or a .keras or .h5 file (default: %(default)s)")
    add("--method", choices=METHODS, metavar="METHOD",
        help=f"{', '.join(METHODS)} (default: cam if the network's head allows it, otherwise grad-cam)")
    add("--class", dest="target", metavar="NAME|INDEX", help="the class to look for (default: each photo's top class)")
    add("--top", type=whole, default=3, metavar="K", help="how many classes to report (default: %(default)s)")
    add("--layer", metavar="NAME", help="the layer whose maps are used (default: the last); not for cam")
    add("--threshold", type=fraction, default=0.2, metavar="T",
        help="the box encloses what reaches this fraction of the map's maximum (default: %(default)s)")
    add("--batch", type=whole, default=16, metavar="N", help="photos at a time; fewer need less memory (default: 16)")
    add_common(parser, "explained")
    own = parser.add_argument_group("only for a model file", "Its own preprocessing is not known. Photos are squashed "
                                    "to its input size, not cropped, and are RGB or grey, as it has channels.")
    own.add_argument("--scale", choices=SCALES, metavar="RANGE",
                     help=f"the range of its pixels: {', '.join(SCALES)} (default: 0..1); write --scale=-1..1")
    own.add_argument("--size", type=whole, metavar="PIXELS", help="side of its input, if it takes any")
    own.add_argument("--labels", metavar="FILE", help="names of its classes, one a line (default: their numbers)")
    parser.set_defaults(command=explain)


def add_demo(parser):
    """Give ``parser`` the arguments of ``camlib demo``."""
    parser.add_argument("--count", type=whole, default=12, metavar="N", help="how many scenes (default: %(default)s)")
    add_common(parser, "camlib-demo")
    parser.set_defaults(command=demo)


def add_common(parser, folder):
    """Give ``parser`` what both commands take; ``folder`` is where the results go."""
    parser.add_argument("--out", metavar="DIR", default=folder, help="where the results go (default: %(default)s)")
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")


def whole(text):
    """A whole number of 1 or more."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"a whole number, 1 or more, is needed, not {text!r}")
    return number


def fraction(text):
    """A number above 0 and at most 1."""
    with suppress(ValueError):
        if 0 < float(text) <= 1:
            return float(text)
    raise argparse.ArgumentTypeError(f"a number above 0 and at most 1 is needed, not {text!r}")


# -- the commands ------------------------------------------------------------------------------------


def explain(options):
    """``camlib explain``: return the exit code."""
    photos = find_photos(options.place, options.out)
    network = open_network(options.model, scale=options.scale, size=options.size, labels=options.labels)
    question = ask(network, options.method, options.layer, options.target, options.top, options.threshold)
    lines, states = go(question, photos, options, options.batch)
    if len(lines) == 1 and not states["failed"] and not options.quiet:
        for text in in_words(lines[0]):
            say(text)
    return summary(states, options)


def demo(options):
    """``camlib demo``: return the exit code."""
    question, drawn = ask(open_network("course")), scenes.make(options.count, seed=2)
    folder = os.path.join(options.out, "scenes")
    os.makedirs(folder, exist_ok=True)
    photos = {f"{i:03d}.png": os.path.join(folder, f"{i:03d}.png") for i in range(options.count)}
    for path, image in zip(photos.values(), drawn.images, strict=True):
        Image.fromarray(np.rint(255 * image).astype(np.uint8)).save(path)
    lines, states = go(question, photos, options, batch=16)
    if not states["failed"] and not options.quiet:
        right = sum(line["top"][0]["index"] == label for label, line in zip(drawn.labels, lines, strict=True))
        hits = sum(bool(line["peak"] and mask[line["peak"][1], line["peak"][0]])
                   for mask, line in zip(drawn.masks, lines, strict=True))
        say(f"{right} of {len(lines)} scenes recognised, {hits} of {len(lines)} maps peak on the object")
    return summary(states, options)


def go(question, photos, options, batch):
    """Explain the photos, say what fails; return the lines of results and how often each state came up."""
    run = Run(question, photos, options.out, batch)
    if not options.quiet:
        say(f"{run.title}: {len(photos)} photo{'s' * (len(photos) > 1)}")
    lines, states = [], Counter()
    hidden = options.quiet or len(photos) == 1 or not (sys.stderr and sys.stderr.isatty())
    with tqdm(total=len(photos), unit=" photos", disable=hidden, leave=False) as bar:
        for line, state in run:
            lines.append(line)
            states[state] += 1
            if "error" in line:
                with bar.external_write_mode(file=sys.stderr):
                    fail(line["error"])
            bar.update()
    return lines, states


def in_words(line):
    """What a line of results says, for a person: two lines."""
    yield f"{line['file']}: " + ", ".join(f"{called(one)} {one['probability']:.1%}" for one in line["top"])
    shown = f"the map of {called(line['class'])}" if line["class"] else "the map"
    if line["box"] is None:
        yield f"{shown} has no positive value, so there is no box"
        return
    (x, y), (x0, y0, x1, y1) = line["peak"], line["box"]
    yield f"{shown} peaks at ({x}, {y}); the box from ({x0}, {y0}) to ({x1}, {y1}) holds {line['energy']:.0%} of it"


def summary(states, options):
    """Say how it went and where the results are; return the exit code."""
    done = states["new"] + states["replaced"]
    if not options.quiet:
        parts = [f"{done} explained", f"{states['kept']} kept from before", f"{states['failed']} failed"]
        replaced = f" ({states['replaced']} anew: other settings or another photo)" if states["replaced"] else ""
        said = ", ".join([parts[0] + replaced, *(part for part in parts[1:] if not part.startswith("0 "))])
        sheets = page_names(states.total())
        say(f"{said}; see {os.path.join(options.out, sheets[0])} and {RESULTS}")
    return 1 if states["failed"] else 0
