"""What the site needs beyond stock Sphinx, one module a matter."""

from . import citation, drawings, equations, formulas, icons, lean, live, numbers, pictures, reference, repository

MODULES = (citation, drawings, equations, formulas, icons, lean, live, numbers, pictures, reference, repository)


def setup(app):
    for module in MODULES:
        module.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": False}  # V8, which draws the formulas, cannot fork
