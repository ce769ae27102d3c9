"""Identify the encoder of each run by the digest of its weights, and give every encoder a name of its own.

A record holds a digest of the encoder's weights before training. Equal pretrained weights are the same encoder
whatever their path; different ones are different encoders. Random weights have another digest under each seed, so that
the name identifies the encoder. The name also identifies it in older records, which hold no digest.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from fecbench.runs.local_paths import without_local_paths

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence, Set
    from pathlib import Path

    from fecbench.results.leaderboard.run import Run

    Identity = tuple[str, str]  # a kind, and a digest or a name


SHORTEST = 8  # digits of a digest to show at least
WEIGHTS, RANDOM, UNKNOWN = "weights", "random", "unknown"


def identities(runs: Sequence[Run]) -> dict[Path, Identity]:
    """Return the identity of each run's encoder, by the run's folder."""
    alike: dict[str, list[Run]] = defaultdict(list)
    seeds: dict[str, set[int]] = defaultdict(set)
    for run in runs:
        alike[_given(run)].append(run)
        seeds[run.weights].add(run.seed)  # under "" the older records without a digest
    shared = {weights for weights, under in seeds.items() if weights and len(under) > 1}
    return {
        run.record.folder: identity
        for group in alike.values()
        for run, identity in zip(group, _of_one_name(group, shared), strict=True)
    }


def _of_one_name(runs: Sequence[Run], shared: Set[str]) -> Iterator[Identity]:
    """Yield the identities of encoders of one name. Weights that several seeds share can't be random."""
    given, digests = _given(runs[0]), {run.weights for run in runs if run.weights}
    located = any(mark in given for mark in "/\\")  # a path or hub id has pretrained weights
    pretrained = located or any(run.pretrained for run in runs) or bool(digests & shared)
    for run in runs:
        if run.pretrained is False:
            yield RANDOM, given
        elif run.weights and pretrained:
            yield WEIGHTS, run.weights
        elif pretrained and len(digests) == 1:  # an older record without digest: the only known weights of this name
            yield WEIGHTS, next(iter(digests))
        else:
            yield UNKNOWN, given


def with_encoder_names(runs: Sequence[Run]) -> dict[Path, Run]:
    """Return the runs by folder, with the encoder's name in their settings.

    Equal encoders have equal names, without paths. Different encoders of one name get a digest added.
    """
    identity_of = identities(runs)
    oldest_first = sorted(runs, key=lambda run: (run.started, run.encoder))
    names = {identity_of[run.record.folder]: run.encoder for run in oldest_first}  # the newest run's name stays
    suffixes = dict(_weight_suffixes(names))
    named = {}
    for run in runs:
        identity = identity_of[run.record.folder]
        named[run.record.folder] = _named(run, names[identity], suffixes.get(identity, ""))
    return named


def _named(run: Run, name: str, suffix: str) -> Run:
    shown = f"{name} (weights {suffix})" if suffix else name
    return replace(
        run,
        settings={**run.settings, "encoder": shown},
        notes=without_local_paths(run.notes, run.settings),
        weights_shown=suffix,
    )


def _weight_suffixes(names: Mapping[Identity, str]) -> Iterator[tuple[Identity, str]]:
    """Yield a text that tells the weights apart for each encoder that shares its name with another one."""
    groups: dict[str, list[Identity]] = defaultdict(list)
    for identity, name in names.items():
        groups[name].append(identity)
    shared = [group for group in groups.values() if len(group) > 1]
    length = _distinct_length({value for group in shared for kind, value in group if kind == WEIGHTS})
    for group in shared:
        yield from (((kind, value), value[:length]) for kind, value in group if kind == WEIGHTS)
        for kind in (RANDOM, UNKNOWN):
            of_kind = sorted(identity for identity in group if identity[0] == kind)
            for number, identity in enumerate(of_kind, 1):
                yield identity, kind if number == 1 else f"{kind}, {number}"


def _distinct_length(digests: Set[str]) -> int:
    """Return the number of digits that tell all digests apart, at least ``SHORTEST``."""
    lengths = range(SHORTEST, 64)
    return next((length for length in lengths if len({digest[:length] for digest in digests}) == len(digests)), 64)


def _given(run: Run) -> str:
    return str(run.settings["encoder"])
