"""AML: adversarial metric learning (Chen, Wu, Zhang, Hu, ACL 2026): hard pairs, a discriminator, alternating updates.

The mining, the discriminators and the loss are plain functions and modules that work without fecbench. They are
imported on first use, so that listing this plugin's commands doesn't load torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fecbench_aml.discriminator import MetricDiscriminator as MetricDiscriminator
    from fecbench_aml.discriminator import PairDiscriminator as PairDiscriminator
    from fecbench_aml.losses import aml_excess as aml_excess
    from fecbench_aml.losses import aml_loss as aml_loss
    from fecbench_aml.mining import HardPairs as HardPairs
    from fecbench_aml.mining import mine_hard_pairs as mine_hard_pairs
    from fecbench_aml.objective import AML as AML
    from fecbench_aml.objective import AMLConfig as AMLConfig

_HOMES = {
    "AML": "objective",
    "AMLConfig": "objective",
    "HardPairs": "mining",
    "MetricDiscriminator": "discriminator",
    "PairDiscriminator": "discriminator",
    "aml_excess": "losses",
    "aml_loss": "losses",
    "mine_hard_pairs": "mining",
}

__all__ = [
    "AML",
    "AMLConfig",
    "HardPairs",
    "MetricDiscriminator",
    "PairDiscriminator",
    "aml_excess",
    "aml_loss",
    "mine_hard_pairs",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'fecbench_aml' has no attribute {name!r}")
    return getattr(import_module(f"fecbench_aml.{_HOMES[name]}"), name)
