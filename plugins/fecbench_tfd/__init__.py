"""TFD: training-free debiasing (Tu et al., EMNLP 2023). The class ``Debiasing`` debiases any objective."""

from fecbench_tfd.counterfactuals import Counterfactual
from fecbench_tfd.lexicon import Lexicon, read_lexicon
from fecbench_tfd.objective import TFD, Debiasing, DebiasingConfig
from fecbench_tfd.ranking import ranking_scores
from fecbench_tfd.search import Searched, answer_scores, line_search, weighted_f1_scores

__all__ = [
    "TFD",
    "Counterfactual",
    "Debiasing",
    "DebiasingConfig",
    "Lexicon",
    "Searched",
    "answer_scores",
    "line_search",
    "ranking_scores",
    "read_lexicon",
    "weighted_f1_scores",
]
