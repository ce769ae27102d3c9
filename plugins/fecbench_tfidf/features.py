"""Word n-grams as hashed columns, weighted by TF-IDF.

The columns are 31-bit hashes, not words: a run's record holds them, and no record may hold pieces of texts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

HASHES = 2**31 - 1  # scikit-learn's most; two of 150,000 n-grams share one in about five cases


@dataclass(frozen=True)
class NGrams:
    """The hashes of the n-grams that count, ascending ``[K]``, and how many words an n-gram has at most."""

    hashes: np.ndarray
    longest: int

    @classmethod
    def of(cls, texts: Sequence[str], longest: int, most: int) -> "NGrams":
        """Return the n-grams of ``texts``; of more than ``most``, those in the most texts."""
        counts = _hashed(texts, longest)
        hashes, texts_of = np.unique(counts.indices, return_counts=True)
        kept = np.sort(np.argsort(-texts_of, kind="stable")[:most])
        return cls(hashes[kept], longest)

    def counts(self, texts: Sequence[str]) -> csr_matrix:
        """Count each n-gram in each text ``[N, K]``; others are left out."""
        found = _hashed(texts, self.longest).tocoo()
        columns = np.searchsorted(self.hashes, found.col)
        known = self.hashes.take(columns, mode="clip") == found.col
        place = found.row[known], columns[known]
        return csr_matrix((found.data[known], place), shape=(len(texts), len(self.hashes)))


def weighted(counts: csr_matrix, idf: np.ndarray) -> csr_matrix:
    """Weigh counts ``[N, K]`` by ``(1 + log count) * idf`` and scale each row to length 1."""
    transformer = TfidfTransformer(sublinear_tf=True)
    transformer.idf_ = idf
    return transformer.transform(counts)


def inverse_document_frequencies(counts: csr_matrix) -> np.ndarray:
    """Return scikit-learn's smoothed ``idf [K]``: ``log((1 + N) / (1 + texts with it)) + 1``."""
    return np.asarray(TfidfTransformer(sublinear_tf=True).fit(counts).idf_)


def _hashed(texts: Sequence[str], longest: int) -> csr_matrix:
    vectorizer = HashingVectorizer(ngram_range=(1, longest), n_features=HASHES, alternate_sign=False, norm=None)
    return vectorizer.transform(texts)
