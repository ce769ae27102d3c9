"""The label-aware contrastive loss (Suresh and Ong, Not All Negatives are Equal, EMNLP 2021)."""

from typing import Literal

import torch
from torch import Tensor

from fecbench import anchor_losses, mean_of_anchors, similarities


def label_aware_contrastive_loss(
    features: Tensor,
    labels: Tensor,
    helper_logits: Tensor,
    *,
    temperature: float,
    empty_anchor: Literal["zero", "skip"] = "zero",
    detach_weights: bool = False,
) -> Tensor:
    """Supervised contrast in which row k weighs, for anchor i, what a helper takes class ``y_k`` to be worth for text i.

    With ``w_i`` the softmax of the helper's logits for row i: ``w_i,yi`` times the mean over positives p of
    ``-s_ip + log sum_(k != i) w_i,yk exp(s_ik)`` (the paper's equation 4, the anchor's own weight outside the logarithm, as its authors
    correct it), then the mean over anchors. It can be negative.

    Args:
        features: ``[N, d]``, normalised here; bf16 and float16 are raised to float32.
        labels: int64 ``[N]``.
        helper_logits: ``[N, C]``, raw.
        temperature: tau.
        empty_anchor: an anchor without positives counts as 0 (``"zero"``) or not at all (``"skip"``).
        detach_weights: keep the helper out of this loss's gradient.

    Raises:
        ValueError: the temperature isn't positive, ``empty_anchor`` is none of the above, or rows are missing.

    >>> round(label_aware_contrastive_loss(torch.ones(3, 2), torch.zeros(3, dtype=int), torch.zeros(3, 2), temperature=1.0).item(), 6)
    0.0
    """
    if not len(features) == len(labels) == len(helper_logits):
        raise ValueError(
            f"every row needs features, label and helper logits, found {len(features)}, {len(labels)}, {len(helper_logits)}"
        )
    with torch.autocast(features.device.type, enabled=False):
        similarity = similarities(features, temperature)
        others = ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
        positive = (labels[:, None] == labels) & others
        log_weights = helper_logits.to(similarity.dtype).log_softmax(1)
        log_weights = (log_weights.detach() if detach_weights else log_weights)[:, labels]
        own = log_weights.diagonal().exp()
        return mean_of_anchors(own * anchor_losses(similarity, positive, others, log_weights), positive, empty_anchor)
