"""Right and wrong answers to every exercise and every graded task, one file a chapter or assignment.

A file is cut into parts, as an editor cuts a script into cells, by lines such as

    # %% setup
    # %% mean_or_sum | right | another order of the sums
    # %% mean_or_sum | wrong | the map itself | 144 times too large

``setup`` runs before each answer. Behind a wrong answer's name stands a piece of the message that it must meet.
"""

import re
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Answer:
    """One answer to ``task``: kind is right or wrong, ``says`` a piece of the message for a wrong one."""

    task: str
    kind: str
    name: str
    says: str
    source: str


def load(name):
    """The source of the set-up and the list of answers in ``answers/<name>.py``."""
    setup, answers = "", []
    head, *parts = re.split(r"^# %% ", (HERE / f"{name}.py").read_text(), flags=re.M)
    for part in parts:
        title, source = part.split("\n", 1)
        if title.strip() == "setup":
            setup = source
            continue
        task, kind, what, *says = map(str.strip, title.split("|"))
        if kind not in ("right", "wrong") or len(says) != (kind == "wrong"):
            raise ValueError(f"answers/{name}.py: {title!r} is not 'task | right | name' or 'task | wrong | name | says'")
        answers.append(Answer(task, kind, what, *says or [""], source))
    return setup, answers
