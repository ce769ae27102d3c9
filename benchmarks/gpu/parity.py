"""Compare packed and padded encoders with a padded one in float64 on the same device: states and gradients.

Dropout is off. Figures are ``|x - reference| / |reference|``. Float32 must be far under 1e-3, bf16 between 1e-3 and
about 1e-2, float64 near 1e-12.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from recorded_steps import relative
from results import Results, options, settings
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from trainee import Trainee

from fecbench.data.layout import GRID_COST_ELSEWHERE, attention_layout

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from fecbench import Batch
    from fecbench.model.text_encoder import TextEncoder

SEVERAL = 1000.0  # a cost of grids at which texts of different lengths get grids of their own
OTHERS = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]


@dataclass(frozen=True)
class Case:
    """A way to compute states: precision, packed or padded, and the kernels of attention.

    Attributes:
        cost: the cost of a grid of packed texts; None for padded texts.
        kernels: the kernels that attention may use; None for all.
    """

    name: str
    bf16: bool
    cost: float | None
    kernels: list[SDPBackend] | None = None

    def attention(self) -> AbstractContextManager[object]:
        return nullcontext() if self.kernels is None else sdpa_kernel(self.kernels)


FLOAT64 = (
    Case("float64 packed", False, GRID_COST_ELSEWHERE),
    Case("float64 packed, several grids", False, SEVERAL),
)
FLOAT32 = tuple(
    Case(f"{name} {kind}", bf16, cost)
    for name, bf16 in (("float32", False), ("bf16", True))
    for kind, cost in (("padded", None), ("packed", GRID_COST_ELSEWHERE), ("packed, several grids", SEVERAL))
)
KERNELS = (
    Case("bf16 packed, no cuDNN", True, GRID_COST_ELSEWHERE, OTHERS),
    Case("bf16 packed, math", True, GRID_COST_ELSEWHERE, [SDPBackend.MATH]),
)


@contextmanager
def computing(encoder: TextEncoder, case: Case) -> Iterator[None]:
    """Make the encoder compute as the case says."""
    encoder.packs = case.cost is not None
    kind = torch.bfloat16 if case.bf16 else encoder.network.dtype
    encoder.layout = lambda tokens: attention_layout(tokens, kind, case.cost)  # type: ignore[method-assign]
    with case.attention():
        yield


def outputs(encoder: TextEncoder, batch: Batch, bf16: bool) -> tuple[Tensor, Tensor]:
    """Return pooled states, and the gradients of all parameters in one vector, of a fixed loss."""
    with torch.autocast(batch.labels.device.type, dtype=torch.bfloat16, enabled=bf16):
        states = encoder(batch.tokens)
    noise = torch.Generator().manual_seed(0)
    weights = torch.randn(states.shape, generator=noise, dtype=torch.float64).to(states.device)
    parameters = [parameter for parameter in encoder.parameters() if parameter.requires_grad]
    gradients = torch.autograd.grad((states.double() * weights).mean(), parameters, allow_unused=True)
    vector = torch.cat([gradient.double().flatten() for gradient in gradients if gradient is not None])
    return states.detach().double(), vector


def check(given: argparse.Namespace, name: str, pooling: str) -> None:
    """Compare all cases of an encoder."""
    results, title = Results("parity", given.device), name.rpartition("/")[2]
    trainee = Trainee.of("ce", settings(given, encoder=name, head="linear", pooling=pooling), steps=1)
    encoder, batch = trainee.stepper.model.encoder.eval(), next(trainee.first_batches()).to(trainee.device)
    if not encoder.packs:
        results.say(title, failed="the encoder isn't packed")
        return
    with computing(encoder.double(), Case("reference", False, None)):
        states, gradients = outputs(encoder, batch, bf16=False)
    for cases, kind in ((FLOAT64, torch.float64), (FLOAT32 + KERNELS, torch.float32)):
        encoder.to(kind)
        for case in cases:
            with results.case(f"{title}, {case.name}"), computing(encoder, case):
                grids = len(encoder.layout(batch.tokens).biases) if encoder.packs else 0
                found = outputs(encoder, batch, case.bf16)
                apart = {"states": relative(found[0], states), "gradients": relative(found[1], gradients)}
                results.say(f"{title}, {case.name}", grids=grids, **apart)


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--also", default="minilm", help="a second encoder, pooled by the mean")
    given = parser.parse_args()
    for name, pooling in ((given.encoder, "first"), (given.also, "mean")):
        check(given, name, pooling)


if __name__ == "__main__":
    main()
