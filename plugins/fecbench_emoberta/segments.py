"""The input of a turn in its conversation: past turns, the turn itself, future turns, as three segments (Kim and Vossen 2021)."""

from collections.abc import Sequence
from itertools import zip_longest

Ids = Sequence[int]


def conversation(
    past: Sequence[Ids] | None,
    target: Ids,
    future: Sequence[Ids] | None,
    *,
    first: int,
    last: int,
    between: Ids,
    limit: int,
) -> list[int]:
    """``<s> past </s></s> target </s></s> future </s>`` as ids, ``limit`` at most.

    Turns are ids without special tokens, in the order in which they were spoken. None asks for no segment; an empty list for an empty one.
    Context is taken from near to far, past and future in turn. The target's tail is cut only where it doesn't fit by itself.

    >>> conversation([[5], [6]], [7], None, first=0, last=2, between=[2, 2], limit=20)
    [0, 5, 6, 2, 2, 7, 2]
    >>> conversation([], [7], None, first=0, last=2, between=[2, 2], limit=20)
    [0, 2, 2, 7, 2]
    """
    frame = 2 + sum(len(between) for context in (past, future) if context is not None)
    if len(target) + frame > limit and (past is not None or future is not None):
        return conversation(None, target, None, first=first, last=last, between=between, limit=limit)
    target = target[: limit - 2]
    before, after = nearest(past or [], future or [], limit - frame - len(target))
    ids = [first]
    if past is not None:
        ids += [*(token for turn in before for token in turn), *between]
    ids += target
    if future is not None:
        ids += [*between, *(token for turn in after for token in turn)]
    return [*ids, last]


def nearest(past: Sequence[Ids], future: Sequence[Ids], room: int) -> tuple[list[Ids], list[Ids]]:
    """The turns that fit into ``room`` tokens, the nearest past one, the nearest future one, and so on; the first that doesn't fit ends it.

    >>> nearest([[1], [2]], [[3], [4, 5]], 3)
    ([[1], [2]], [[3]])
    """
    before: list[Ids] = []
    after: list[Ids] = []
    for one, other in zip_longest(reversed(past), future):
        for turn, taken in ((one, before), (other, after)):
            if turn is None:
                continue
            room -= len(turn)
            if room < 0:
                return before[::-1], after
            taken.append(turn)
    return before[::-1], after
