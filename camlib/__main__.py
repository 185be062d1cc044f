"""``python -m camlib`` is the command ``camlib``."""

import sys

from .cli import main

sys.exit(main())
