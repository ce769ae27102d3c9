"""The parts of a run, made one by one with a method on a device."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from unittest.mock import patch

import torch
from accelerate.utils import set_seed

from fecbench.core.hooks import Observers
from fecbench.data.batches import TrainingBatches
from fecbench.data.streams import with_streams
from fecbench.runs.build import build, stage_of, streams_of
from fecbench.training.checkpoints import Checkpoints
from fecbench.training.devices import Precision
from fecbench.training.logs import Window
from fecbench.training.optimizers import assign_parameters
from fecbench.training.stepper import Stepper
from fecbench.training.trainer import Trainer

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from fecbench.data.datasets.dataset import EmotionData
    from fecbench.runs.plan import Plan
    from fecbench.testing.device_check.fake_device import FakeDevice
    from fecbench.testing.device_check.gpu import GPU

STEPS = 1000  # steps of the run of which the first two are made
CPU = torch.device("cpu")


class MethodOnDevice:
    """A method whose modules are on a device, ready for the parts of a run.

    Attributes:
        predicted: number of batches predicted.
    """

    def __init__(self, plan: Plan, data: EmotionData, device: FakeDevice | GPU, bf16: bool) -> None:
        settings = plan.settings
        plan.needs.check(data, settings.batch_size, settings.limit, plan.who)
        built = build(plan, data, CPU)
        # Once at full speed, so that a stage's caches are filled: recording would slow its many small operations down.
        built.objective.before_training(stage_of(built, data, settings, CPU))
        device.receive(built.model, built.objective)
        self.model, self.objective, self.device = built.model, built.objective, device.device
        self.predicted = 0
        self._stage = stage_of(built, data, settings, self.device)
        self._test = built.splits["test"]
        train = TrainingBatches(built.splits["train"], settings.batch_size, settings.seed, needs=plan.needs)
        self._batches = chain(train.epoch(1), train.epoch(2))  # an epoch may have a single batch
        self._streams = streams_of(built, data, train)
        self._step, self._logs = 0, cast("list[tuple[str, Tensor]]", [])
        players = assign_parameters(built.objective, built.model, settings, plan.who)
        self._precision = Precision(self.device, bf16)
        self._stepper = Stepper(built.objective, built.model, players, self._precision, plan.who, settings.clip)
        self._trainer = Trainer(
            stepper=self._stepper,
            batches=train,
            validation=built.splits["validation"],
            settings=settings,
            metrics={},
            checkpoints=Checkpoints(Path()),
            observers=Observers(),
            run=cast("Any", None),
        )

    @property
    def parts(self) -> dict[str, Callable[[], object]]:
        """The parts of a run by name, in their order."""
        return {
            "before_training": lambda: self.objective.before_training(self._stage),
            "first step": self._train,
            "step": self._train,
            "logs": self._fetch,
            "weights": lambda: self._trainer.check_weights("before training", ""),
            "after_training": self._after_training,
            "prediction": self._predict,
        }

    def _train(self) -> None:
        self.model.train()
        self.objective.train()
        set_seed(self._step)
        batch = with_streams(next(self._batches), self._streams, self._step).to(self.device)
        # Audited as the trainer audits a run's first batches; all others are as the second one here.
        self._logs = self._stepper.step(batch, 1.0, self._step == 0, self._step, STEPS)
        self._step += 1

    def _fetch(self) -> None:
        window = Window()
        window.add(0, self._logs)
        window.fetch(self._stepper.who, 1)

    def _after_training(self) -> None:
        with self._precision.autocast():
            self.objective.after_training(self._stage)

    def _predict(self) -> None:
        with patch.object(self.objective, "predict", wraps=self.objective.predict) as predict:
            try:
                self._trainer.logits(self._test)
            finally:
                self.predicted = predict.call_count
