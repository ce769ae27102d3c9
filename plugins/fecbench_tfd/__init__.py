"""TFD: training-free debiasing (Tu et al., EMNLP 2023). The class ``Debiasing`` debiases any objective."""

from fecbench_tfd.counterfactuals import Counterfactual
from fecbench_tfd.lexicon import Lexicon, read_lexicon
from fecbench_tfd.objective import TFD, Debiasing, DebiasingConfig
from fecbench_tfd.search import Searched, line_search, weighted_f1_scores

__all__ = [
    "TFD",
    "Counterfactual",
    "Debiasing",
    "DebiasingConfig",
    "Lexicon",
    "Searched",
    "line_search",
    "read_lexicon",
    "weighted_f1_scores",
]
