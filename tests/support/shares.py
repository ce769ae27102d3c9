"""Data sets whose texts have shares of labels, made of the demo rows, and their registration for a test."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import catalogue

from fecbench.core import registry
from fecbench.data.datasets.builtin.demo import demo, demo_multi
from fecbench.data.datasets.rows import split_from_columns

if TYPE_CHECKING:
    from fecbench.data.datasets.dataset import EmotionData


class Shares:
    """Loader of ``demo`` or ``demo-multi`` with shares of labels.

    One label a text: every third text has a third of its votes for the next label. Several: every label of a text but
    its first has a share of 0.75.
    """

    def __init__(self, of):
        self.of = of
        labelling = of.info.labelling
        self.info = replace(of.info, name=f"shares-{labelling}", soft=True, settings={"encoder": "scratch"})

    def source(self, places):
        return self.of.source(places)

    def load(self, places) -> EmotionData:
        data = self.of.load(places)
        splits = {name: shared(split, len(data.labels)) for name, split in data.splits.items()}
        return replace(data, info=self.info, splits=splits)


def shared(split, classes):
    """Return the rows of a split with shares."""
    if "label" in split.column_names:
        rows = [
            ([label, (label + 1) % classes], [2 / 3, 1 / 3]) if number % 3 == 0 else ([label], [1.0])
            for number, label in enumerate(split["label"][:])
        ]
    else:
        rows = [(labels, [1.0, *[0.75] * (len(labels) - 1)]) for labels in split["labels"][:]]
    labels, weights = (list(column) for column in zip(*rows, strict=True))
    return split_from_columns({"text": split["text"][:], "labels": labels, "weights": weights})


SINGLE, MULTI = Shares(demo), Shares(demo_multi)


@contextmanager
def registered(kind: str, **plugins):
    """Register plugins of a kind, such as ``datasets``, within the block; ``_`` in a name stands for ``-``."""
    registries = {each.kind: each for each in registry.ALL}
    names = {name.replace("_", "-") if kind == "datasets" else name: plugin for name, plugin in plugins.items()}
    for name, plugin in names.items():
        registries[kind].register(name, plugin)
    try:
        yield
    finally:
        for name in names:
            catalogue._remove(("fecbench", kind, name))
            del registries[kind]._here[name]
