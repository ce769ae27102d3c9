"""Bounds of propositions 1 and 2 (AML paper, section 3.2) for graded targets; for targets of 0 and 1, the paper's.

With ``eps`` the pair loss and h the weighted mean entropy of the targets, ``eps - h`` is the weighted mean of
``KL(t || s)``. So the mean of one kind of pairs, of weight w, is at most ``c = (eps - h) / w``.
"""

import math


def bernoulli_kl(target: float, score: float) -> float:
    """Return ``KL(t || s)`` of two Bernoulli variables in nats; infinite if s excludes what t allows.

    >>> round(bernoulli_kl(1.0, 0.5), 6)  # log 2
    0.693147
    """
    divergence = _relative_entropy(target, score) + _relative_entropy(1 - target, 1 - score)
    # Near s = t the terms cancel, to 0 or less by rounding, and bounds divide by it. Pinsker's inequality holds there.
    return max(divergence, 2 * (target - score) ** 2)


def kl_inverse(target: float, divergence: float) -> tuple[float, float]:
    """Return the least and the greatest s with ``KL(t || s) <= divergence``, by bisection.

    Both are rounded outwards, so that a bound stays a bound. The mean score of pairs of mean target t and mean
    divergence c lies between them, because the divergence is jointly convex (proposition 1, mean scores). At t = 1 the
    least is ``exp(-c)``, at t = 0 the greatest ``1 - exp(-c)``.

    Raises:
        ValueError: ``divergence`` is negative, or ``target`` not between 0 and 1.

    >>> [round(s, 6) for s in kl_inverse(0.5, 0.1)]
    [0.287121, 0.712879]
    """
    if not (divergence >= 0 and 0 <= target <= 1):
        raise ValueError(f"divergence must be 0 or more and target between 0 and 1, found {divergence} and {target}")
    least = math.exp(-divergence) if target == 1 else _last_outside(target, divergence, 0.0)
    greatest = 1 - math.exp(-divergence) if target == 0 else _last_outside(target, divergence, 1.0)
    return least, greatest


def tail_bound(least_target: float, excess: float, weight: float, delta: float) -> float:
    """Return a bound on the share of pairs with a score of at most ``delta`` (proposition 1, tails).

    ``excess / (w KL(t0 || delta))`` with ``t0`` the least target of these pairs, by Markov's inequality. If ``t0`` is
    at most ``delta`` there is no bound but 1. The same bounds the scores of at least ``1 - delta`` of pairs with
    targets of at most ``1 - t0``.
    """
    return excess / (weight * bernoulli_kl(least_target, delta)) if least_target > delta else 1.0


def margin_bound(loss: float, excess: float, ambiguity: float, margin: float = 0.0) -> float:
    """Return a bound on the weighted share of pairs with a margin of at most ``margin`` (corollary 1).

    The side of a pair is that of 1 if its target is above 1/2, else that of 0; its margin is the logit, signed so that
    it is positive on the pair's side. The bound is the smaller of ``eps / log(1 + e^-m)``, which holds for any target,
    and ``excess / KL(1 - U || sigmoid(m))``.

    Args:
        loss: ``eps``.
        excess: ``eps - h``.
        ambiguity: U, the greatest ``min(t, 1 - t)`` of the pairs; below 1/2.
        margin: m, 0 or more.
    """
    bound, score = loss / math.log1p(math.exp(-margin)), 1 / (1 + math.exp(-margin))
    return min(bound, excess / bernoulli_kl(1 - ambiguity, score)) if score < 1 - ambiguity else bound


def _relative_entropy(p: float, q: float) -> float:
    if p == 0:
        return 0.0
    return p * (math.log(p) - math.log(q)) if q > 0 else math.inf


def _last_outside(target: float, divergence: float, outside: float) -> float:
    """Return the number next to the edge of the scores within ``divergence``, on the side of ``outside``."""
    inside = target
    while (middle := (inside + outside) / 2) not in (inside, outside):
        if bernoulli_kl(target, middle) <= divergence:
            inside = middle
        else:
            outside = middle
    return outside
