"""TF-IDF and logistic regression: a baseline without a network that trains in seconds."""

from fecbench_tfidf.features import NGrams
from fecbench_tfidf.objective import TfIdf, TfIdfConfig

__all__ = ["NGrams", "TfIdf", "TfIdfConfig"]
