"""Read a list of seeds from the command line."""

from fecbench.core.errors import UsageError


def seed_numbers(text: str) -> list[int]:
    """Return the seeds of a list such as ``0-4`` or ``0,1,7``.

    Raises:
        UsageError: the text is no such list, or names a seed twice.

    >>> seed_numbers("0-2,7")
    [0, 1, 2, 7]
    """
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not (first.isdecimal() and (last.isdecimal() or not dash)):
            raise UsageError(f"--seeds must be numbers such as 0-4 or 0,1,7, but is {text!r}; correct it")
        found += range(int(first), int(last or first) + 1)
    if not found or len(set(found)) < len(found):
        raise UsageError(f"--seeds must name each seed once, the smaller first, but is {text!r}; correct it")
    return found
