"""Read a list of seeds from the command line."""

from fecbench.core.errors import UsageError

MOST = 20_000  # seeds of a range, as a spec may have runs: a longer one would fill the memory


def seed_numbers(text: str) -> list[int]:
    """Return the seeds of a list such as ``0-4`` or ``0,1,7``.

    Raises:
        UsageError: the text is no such list, names a seed twice, or has a range of more than ``MOST`` seeds.

    >>> seed_numbers("0-2,7")
    [0, 1, 2, 7]
    """
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not (first.isdecimal() and (last.isdecimal() or not dash)):
            raise UsageError(f"--seeds must be numbers such as 0-4 or 0,1,7, but is {text!r}; correct it")
        low, high = int(first), int(last or first)
        if high - low >= MOST:
            raise UsageError(f"--seeds may have at most {MOST:,} seeds in a range, but is {text!r}; shorten it")
        found += range(low, high + 1)
    if not found or len(set(found)) < len(found):
        raise UsageError(f"--seeds must name each seed once, the smaller first, but is {text!r}; correct it")
    return found
