"""Tokenised splits of random token ids."""

import numpy as np

from fecbench.data.batches import TokenisedSplit
from fecbench.data.tokenize import TokenColumn

GENERATOR = np.random.default_rng(0)


def random_split(rows: int, columns=("text",)) -> TokenisedSplit:
    """Random token ids: row r holds 1 to 9 ids, the first of them r. All ``columns`` are equal."""
    lengths = GENERATOR.integers(1, 10, rows)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    ids = GENERATOR.integers(100, 200, offsets[-1])
    ids[offsets[:-1]] = np.arange(rows)
    return TokenisedSplit({name: TokenColumn(ids, offsets, 0) for name in columns}, GENERATOR.integers(0, 3, rows))
