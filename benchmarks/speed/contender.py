"""Measure a contender in a process of its own: `fecbench run`, or transformers.Trainer on the same encoder and rows.

All epochs but the last warm up. Nothing is written. The output is JSON: training texts per second in the first epoch
and in the last, peak memory in MiB, and predicted texts per second.
"""

import json
import resource
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.utils.benchmark import Timer
from trainee import Trainee, finished
from transformers import DataCollatorWithPadding, TrainerCallback, TrainingArguments
from transformers import Trainer as TransformersTrainer

from fecbench import Predictor, RunInfo, hookimpl
from fecbench.core.hooks import Observers
from fecbench.data.datasets.load import load_dataset
from fecbench.data.datasets.locations import DataLocations
from fecbench.model.encoders.load import get_encoder
from fecbench.model.encoders.network import classifier_network
from fecbench.runs.plan import Plan, plan
from fecbench.training import devices, metrics
from fecbench.training.checkpoints import Checkpoints
from fecbench.training.trainer import Trainer

PREDICTED = 64


class EpochSeconds:
    """An observer that collects the training seconds of each epoch, as the run reports them."""

    def __init__(self) -> None:
        self.of_epochs: list[float] = []

    @hookimpl
    def epoch_finished(self, seconds: float) -> None:
        self.of_epochs.append(seconds)


class TrainerEpochSeconds(TrainerCallback):
    """A callback that collects the training seconds of each epoch of transformers.Trainer."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.of_epochs: list[float] = []

    def on_epoch_begin(self, *_: Any, **__: Any) -> None:
        self.started = finished(self.device)

    def on_epoch_end(self, *_: Any, **__: Any) -> None:
        self.of_epochs.append(finished(self.device) - self.started)


class Unsaved(Checkpoints):
    """Checkpoints that write nothing: they aren't measured, and roberta-base's take 2 GB an epoch."""

    def save_epoch(self, *_: object, **__: object) -> None:
        pass


def trained(method: str, settings: dict[str, Any], folder: Path, observer: object) -> Trainee:
    """Train as `fecbench run METHOD` does, with its evaluations, and return the trained method.

    Nothing is written: neither checkpoints nor a record.
    """
    trainee = Trainee.of(method, settings)
    chosen, built = trainee.plan, trainee.built
    values = {key: setting.value for key, setting in chosen.origins.items()}
    about = RunInfo("", "", method, chosen.settings.dataset, values, chosen.settings.epochs, len(trainee.batches))
    scores, _ = metrics.all_metrics()
    trainer = Trainer(
        trainee.stepper,
        trainee.batches,
        built.splits["validation"],
        chosen.settings,
        scores,
        Unsaved(folder),
        Observers([observer]),
        about,
        trainee.streams,
    )
    trainer.fit()
    return trainee


def fecbench(method: str, settings: dict[str, Any], folder: Path) -> dict[str, float]:
    """Train and predict as `fecbench run METHOD` and `fecbench predict` do, and return the figures."""
    seconds = EpochSeconds()
    trainee = trained(method, settings, folder, seconds)
    chosen, built = trainee.plan, trainee.built
    memory = peak_mib()  # before the prediction, which is not part of training
    predictor = Predictor(
        built.model.eval(),
        built.objective.eval(),
        built.source.tokenizer,
        built.max_length,
        chosen.settings.batch_size,
        trainee.stepper.precision,
    )
    texts = load_dataset(chosen.settings, DataLocations()).splits["train"]["text"][:PREDICTED]
    return figures(chosen, seconds.of_epochs, memory, len(texts), partial(predictor.probabilities, texts))


def trainer(sampling: str, settings: dict[str, Any], folder: Path) -> dict[str, float]:
    """Train and predict with transformers.Trainer, and return the figures.

    Learning rate, weight decay, precision and batch size are those of `fecbench run ce`; all else is the Trainer's
    default.
    """
    chosen = plan("ce", settings)
    s, data = chosen.settings, load_dataset(chosen.settings, DataLocations())
    rows = data.splits["train"].select(range(s.limit))
    source = get_encoder(s.encoder)(rows["text"][:])
    # RoBERTa's positions begin after its padding id, so that 514 positions hold 512 tokens.
    longest = min(s.max_length, source.config.max_position_embeddings - 2)

    def tokenised(part: Any) -> Any:
        return source.tokenizer(part["text"], truncation=True, max_length=longest, return_token_type_ids=False)

    rows = rows.map(tokenised, batched=True, remove_columns=[name for name in rows.column_names if name != "label"])
    arguments = TrainingArguments(
        str(folder),
        num_train_epochs=s.epochs,
        per_device_train_batch_size=s.batch_size,
        per_device_eval_batch_size=s.batch_size,
        learning_rate=s.lr,
        weight_decay=s.weight_decay,
        train_sampling_strategy=sampling,
        bf16=devices.precision(s.precision, torch.device(s.device)).bf16,
        torch_compile=s.compile,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=s.device == "cpu",
        seed=s.seed,
    )
    collator = DataCollatorWithPadding(source.tokenizer)
    network, seconds = classifier_network(source, data.labels), TrainerEpochSeconds(torch.device(s.device))
    contender = TransformersTrainer(network, arguments, collator, train_dataset=rows, callbacks=[seconds])
    contender.train()
    predicted = rows.select(range(min(PREDICTED, len(rows))))
    return figures(chosen, seconds.of_epochs, peak_mib(), len(predicted), partial(contender.predict, predicted))


def figures(
    chosen: Plan, seconds: list[float], memory: float, texts: int, predict: Callable[[], object]
) -> dict[str, float]:
    """Time the prediction and return all figures of a contender."""
    rows = chosen.settings.limit or 0
    timer = Timer("predict()", globals={"predict": predict}, num_threads=torch.get_num_threads())
    return {
        "texts_per_second": rows / seconds[-1],
        "first_epoch_texts_per_second": rows / seconds[0],
        "peak_mib": memory,
        "predicted_per_second": texts / timer.timeit(1).median,
    }


def peak_mib() -> float:
    """Return the peak memory in MiB: torch's allocations on a GPU, else the memory of the whole process."""
    if torch.cuda.is_available() and (peak := torch.cuda.max_memory_allocated()):
        return peak / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    kind, name, given, run_dir = sys.argv[1:]
    print(json.dumps({"fecbench": fecbench, "trainer": trainer}[kind](name, json.loads(given), Path(run_dir))))
