from . import runtime
