"""TF-IDF and logistic regression: no network, seconds of training, the floor of every table."""

from fecbench_tfidf.features import NGrams
from fecbench_tfidf.objective import TfIdf, TfIdfConfig

__all__ = ["NGrams", "TfIdf", "TfIdfConfig"]
