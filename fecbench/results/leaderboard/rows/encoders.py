"""Which encoder a run was made with: pretrained weights are one encoder wherever they lie, and other weights are another one.

A record holds a digest of the encoder's weights before training. Encoders with random weights have another digest under each seed by
design, so that their name identifies them, as it does where an older record holds no digest.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from fecbench.runs.local_paths import without_places

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence, Set
    from pathlib import Path

    from fecbench.results.leaderboard.run import Run

    Identity = tuple[str, str]  # a kind, and a digest or a name


SHORTEST = 8  # digits of a digest that are shown
WEIGHTS, RANDOM, UNKNOWN = "weights", "random", "unknown"


def identities(runs: Sequence[Run]) -> dict[Path, Identity]:
    """Identify the encoder of each run, by the run's folder."""
    alike: dict[str, list[Run]] = defaultdict(list)
    seeds: dict[str, set[int]] = defaultdict(set)
    for run in runs:
        alike[_given(run)].append(run)
        seeds[run.weights].add(run.seed)
    shared = {weights for weights, under in seeds.items() if weights and len(under) > 1}
    return {
        run.record.folder: identity
        for group in alike.values()
        for run, identity in zip(group, _of_one_name(group, shared), strict=True)
    }


def _of_one_name(runs: Sequence[Run], shared: Set[str]) -> Iterator[Identity]:
    """Identify the encoders of runs that name theirs alike; no weights that seeds share are random."""
    given, digests = _given(runs[0]), {run.weights for run in runs if run.weights}
    located = any(mark in given for mark in "/\\")  # a path or hub id
    pretrained = located or any(run.pretrained for run in runs) or bool(digests & shared)
    for run in runs:
        if run.pretrained is False:
            yield RANDOM, given
        elif run.weights and pretrained:
            yield WEIGHTS, run.weights
        elif pretrained and len(digests) == 1:  # an older record, and no other encoder has its name
            yield WEIGHTS, next(iter(digests))
        else:
            yield UNKNOWN, given


def with_encoder_names(runs: Sequence[Run]) -> dict[Path, Run]:
    """Give each run its encoder's name, by the run's folder: the same for the same encoder, no path, with a digest where names clash."""
    found = identities(runs)
    names = {
        found[run.record.folder]: run.encoder for run in sorted(runs, key=lambda run: (run.started, run.encoder))
    }  # the newest stays
    apart = dict(_told_apart(names))
    return {
        run.record.folder: _named(run, names[found[run.record.folder]], apart.get(found[run.record.folder], ""))
        for run in runs
    }


def _named(run: Run, name: str, apart: str) -> Run:
    shown = f"{name} (weights {apart})" if apart else name
    return replace(
        run,
        settings={**run.settings, "encoder": shown},
        notes=without_places(run.notes, run.settings),
        weights_shown=apart,
    )


def _told_apart(names: Mapping[Identity, str]) -> Iterator[tuple[Identity, str]]:
    """What is said of the weights of encoders that share a name."""
    groups: dict[str, list[Identity]] = defaultdict(list)
    for identity, name in names.items():
        groups[name].append(identity)
    digests = {
        identity[1] for group in groups.values() if len(group) > 1 for identity in group if identity[0] == WEIGHTS
    }
    length = next((n for n in range(SHORTEST, 64) if len({digest[:n] for digest in digests}) == len(digests)), 64)
    for group in groups.values():
        if len(group) > 1:
            yield from ((identity, identity[1][:length]) for identity in group if identity[0] == WEIGHTS)
            for kind in (RANDOM, UNKNOWN):
                alike = sorted(identity for identity in group if identity[0] == kind)
                yield from (
                    (identity, kind if number == 1 else f"{kind}, {number}") for number, identity in enumerate(alike, 1)
                )


def _given(run: Run) -> str:
    return str(run.settings["encoder"])
