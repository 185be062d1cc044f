"""What the site needs beyond stock Sphinx, one module a matter."""

from . import formulas, live, numbers

MODULES = (formulas, live, numbers)


def setup(app):
    for module in MODULES:
        module.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
