"""Self-checks of the exercises: one module a chapter, one function an exercise, named after it.

A check takes the learner's answers and nothing else. It compares them with a law or with another way to the same
result, by ``camlib.checks``, so that its message says what is wrong without showing the way.
"""

from functools import wraps


def exercise(check):
    """Turn ``check``, which raises AssertionError, into a self-check that prints one of three lines.

    "Not answered yet", if an answer is still ``...``; "Not yet", and why; or "Right", and what ``check`` returns: what
    the answer shows, one sentence. Any other error is the learner's own and passes through. ``__wrapped__`` is the
    check itself.
    """
    @wraps(check)
    def told(*answers, **named):
        if any(answer is ... for answer in (*answers, *named.values())):
            print("Not answered yet.")
            return
        try:
            print("Right.", check(*answers, **named))
        except AssertionError as problem:
            print("Not yet.", problem)

    return told
