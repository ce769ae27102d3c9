"""The remedy that messages name when a loss, log or weight becomes infinite or NaN."""

from __future__ import annotations


def divergence_remedy(epoch: int) -> str:
    """Return what to try after a NaN or infinity in ``epoch``, and which weights are kept.

    >>> divergence_remedy(3).partition(", ")[0], divergence_remedy(3).rpartition("(")[2]
    ('try a lower --lr', 'the weights of epoch 2 are kept)')
    """
    kept = f"the weights of epoch {epoch - 1} are kept" if epoch > 1 else "there are no weights to keep yet"
    return f"try a lower --lr, --clip 1 or --precision float32 in a new run, since --resume would repeat it ({kept})"
