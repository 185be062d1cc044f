"""The errors of the course: each says what is wrong and what to do next."""

import difflib
import operator


class CamlibError(Exception):
    """Base class: ``except CamlibError`` catches everything camlib raises on purpose."""


class ImageError(CamlibError, ValueError):
    """An image, or the file it should come from, cannot be used."""


class MapError(CamlibError, ValueError):
    """A heat map has the wrong shape or values outside the range a step needs."""


class TargetError(CamlibError, ValueError):
    """The target is no class of this network."""


class LayerError(CamlibError, ValueError):
    """The layer does not exist or has no spatial output."""


class HeadError(CamlibError, ValueError):
    """The head of the network is not one that CAM is defined for."""


class WeightsError(CamlibError, ValueError):
    """Weights are missing, corrupt or not finite."""


def near_names(name, names):
    """Return a hint ``" Did you mean ...?"`` with the names nearest to ``name``, or the last few if none is near."""
    near = difflib.get_close_matches(str(name), names, n=3, cutoff=0.5)
    if near:
        return f" Did you mean {' or '.join(map(repr, near))}?"
    shown = ", ".join(map(repr, list(names)[-8:]))
    return f" The last ones are: {shown}."


def whole(value, least, name):
    """``value`` as an int of at least ``least``; raises CamlibError."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise CamlibError(f"{name} is a whole number, {least} or more, not {value!r}")
    return number
