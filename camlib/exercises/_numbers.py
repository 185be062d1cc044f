"""Several numbers in one answer, checked one by one, so that no message shows the right ones."""

import numpy as np

from ..checks import number


def one_by_one(yours, right, names, wrong=None, rtol=1e-3):
    """Pass if each of ``yours``, one a name, is the number ``right``; ``wrong`` is {what it is: as many numbers}.

    Raises AssertionError with the name of the first that is not.
    """
    if np.shape(yours) != (len(names),):
        raise AssertionError(f"shape {np.shape(yours)}, and {len(names)} numbers are wanted: {', '.join(names)}")
    for i, name in enumerate(names):
        number(yours[i], right[i], name, rtol, {what: values[i] for what, values in (wrong or {}).items()})
