"""Cross-entropy fine-tuning: an encoder, a classification head and softmax cross-entropy.

Where texts have several labels, it is the sum of the labels' binary cross-entropies.

With the native head it gives the rows "BERT", "RoBERTa" and "ELECTRA" of comparison tables (AML paper,
table 2). Most other objectives add terms to it. Options correct for imbalanced classes: class weights, logit
adjustment, focal and asymmetric loss.
"""

from fecbench_ce.class_weights import balanced_weights, effective_number_weights, log_odds, log_priors
from fecbench_ce.config import CrossEntropyConfig
from fecbench_ce.objective import CrossEntropy

__all__ = [
    "CrossEntropy",
    "CrossEntropyConfig",
    "balanced_weights",
    "effective_number_weights",
    "log_odds",
    "log_priors",
]
