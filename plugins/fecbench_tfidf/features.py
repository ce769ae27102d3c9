"""TF-IDF features of word n-grams with hashed columns.

The columns are 31-bit hashes instead of words because a run's record holds them, and records must not hold
texts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

HASHES = 2**31 - 1  # scikit-learn's maximum; among 150,000 n-grams about five pairs share a hash


@dataclass(frozen=True)
class NGrams:
    """The selected n-grams.

    Attributes:
        hashes: hashes of the n-grams, ascending ``[K]``.
        longest: most words of an n-gram.
    """

    hashes: np.ndarray
    longest: int

    @classmethod
    def of(cls, texts: Sequence[str], longest: int, most: int, fewest_texts: int = 1) -> "NGrams":
        """Select the n-grams that occur in at least ``fewest_texts`` of ``texts``: the ``most`` most frequent ones."""
        counts = _hashed(texts, longest)
        hashes, texts_of = np.unique(counts.indices, return_counts=True)
        frequent = np.argsort(-texts_of, kind="stable")[:most]
        return cls(hashes[np.sort(frequent[texts_of[frequent] >= fewest_texts])], longest)

    def counts(self, texts: Sequence[str]) -> csr_matrix:
        """Count the selected n-grams in each text ``[N, K]``."""
        counts = _hashed(texts, self.longest).tocoo()
        columns = np.searchsorted(self.hashes, counts.col)
        selected = self.hashes.take(columns, mode="clip") == counts.col
        cells = counts.row[selected], columns[selected]
        return csr_matrix((counts.data[selected], cells), shape=(len(texts), len(self.hashes)))


def weighted(counts: csr_matrix, idf: np.ndarray) -> csr_matrix:
    """Weight counts ``[N, K]`` by ``(1 + log count) * idf`` and scale each row to length 1."""
    transformer = TfidfTransformer(sublinear_tf=True)
    transformer.idf_ = idf
    return transformer.transform(counts)


def inverse_document_frequencies(counts: csr_matrix) -> np.ndarray:
    """Return scikit-learn's smoothed ``idf [K]``: ``log((1 + N) / (1 + texts with it)) + 1``."""
    return np.asarray(TfidfTransformer(sublinear_tf=True).fit(counts).idf_)


def _hashed(texts: Sequence[str], longest: int) -> csr_matrix:
    # No alternating signs: they would make counts negative, and `weighted` takes their logarithm.
    vectorizer = HashingVectorizer(ngram_range=(1, longest), n_features=HASHES, alternate_sign=False, norm=None)
    return vectorizer.transform(texts)
