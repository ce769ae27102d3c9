"""Build the input of a conversation turn: segments of past turns, the turn, and future turns (Kim and Vossen 2021)."""

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
    """Return the ids of ``<s> past </s></s> target </s></s> future </s>``, at most ``limit`` of them.

    Context is added from near to far, past and future alternately, until a turn doesn't fit. The target is
    cut, at its end, only if it doesn't fit alone.

    Args:
        past: past turns in the order in which they were spoken; ids without special tokens. An empty list
            makes an empty segment, None makes none.
        target: ids of the turn to classify.
        future: future turns, like ``past``.
        first: id of the first token.
        last: id of the separator.
        between: separator ids between segments (RoBERTa has two).
        limit: most ids.

    >>> conversation([[5], [6]], [7], None, first=0, last=2, between=[2, 2], limit=20)
    [0, 5, 6, 2, 2, 7, 2]
    >>> conversation([], [7], None, first=0, last=2, between=[2, 2], limit=20)
    [0, 2, 2, 7, 2]
    """
    frame = 2 + sum(len(between) for context in (past, future) if context is not None)
    if len(target) + frame > limit and (past is not None or future is not None):  # no room for segments
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
    """Select the context turns that fit into ``room`` tokens: nearest past turn, nearest future turn, and so on.

    The first turn that doesn't fit ends the selection for both directions, as in the released code.

    >>> nearest([[1], [2]], [[3], [4, 5]], 3)
    ([[1], [2]], [[3]])
    """
    before: list[Ids] = []
    after: list[Ids] = []
    for past_turn, future_turn in zip_longest(reversed(past), future):
        for turn, selected in ((past_turn, before), (future_turn, after)):
            if turn is None:
                continue
            room -= len(turn)
            if room < 0:
                return before[::-1], after
            selected.append(turn)
    return before[::-1], after
