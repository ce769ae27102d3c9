"""Compare an iteration of AML on sets of labels with one on the first label of the same texts; see the README here."""

import os
import platform
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path
from statistics import median, quantiles

import click
import torch
from material import SHAPE, encoder
from trainee import Trainee, finished

from fecbench import Batch
from fecbench.training.optimizers import assign_parameters
from fecbench.training.stepper import Stepper
from fecbench_aml import AML

WANTED = 1.05


def single_label(batch: Batch) -> Batch:
    """Return the same texts with one label each: the first of their labels, or label 0."""
    return Batch(batch.tokens, batch.targets.argmax(1), batch.rows, batch.key, classes=batch.targets.shape[1])


def stepper_of_single_labels(trainee: Trainee) -> Stepper:
    """Return a stepper of AML for single labels, with the model of ``trainee``."""
    chosen, built = trainee.plan, trainee.built
    task = replace(built.objective.task, labelling="single", background=(), soft=False)
    objective = AML(chosen.options, task).to(trainee.device).train()
    players = assign_parameters(objective, built.model, chosen.settings, chosen.who)
    return Stepper(objective, built.model, players, trainee.stepper.precision, chosen.who, chosen.settings.clip)


def seconds(stepper: Stepper, batch: Batch, device: torch.device) -> float:
    """Return the seconds of one iteration."""
    start = finished(device)
    stepper.step(batch, 1.0)
    return finished(device) - start


def compare(trainee: Trainee, batches: Iterable[Batch]) -> list[tuple[float, float]]:
    """Return the seconds of both iterations on each batch, on sets first; they take turns at being first."""
    single, device, pairs = stepper_of_single_labels(trainee), trainee.device, []
    for number, batch in enumerate(batches):
        cases = [(trainee.stepper, batch.to(device)), (single, single_label(batch).to(device))]
        turn = slice(None, None, -1 if number % 2 else 1)
        measured = [seconds(stepper, case, device) for stepper, case in cases[turn]][turn]
        pairs.append((measured[0], measured[1]))
    return pairs


@click.command(help=__doc__)
@click.option("--data-dir", type=click.Path(path_type=Path), help="folder of the data sets, one subfolder each")
@click.option("--dataset", default="ge-multi", show_default=True, help="a data set of texts with several labels")
@click.option("--encoder", "encoders", multiple=True, default=("minilm", SHAPE), show_default=True)
@click.option("--overlap", default="jaccard", show_default=True)
@click.option("--batch-size", default=64, show_default=True)
@click.option("--steps", default=24, show_default=True, help="batches, each measured in the second of two passes")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1 ...")
def main(
    data_dir: Path | None,
    dataset: str,
    encoders: tuple[str, ...],
    overlap: str,
    batch_size: int,
    steps: int,
    device: str,
) -> None:
    os.environ["HF_HUB_OFFLINE"] = "1"
    print(f"{date.today()}, {platform.machine()}, {torch.get_num_threads()} threads, {dataset}, batch {batch_size}")
    with tempfile.TemporaryDirectory() as folder:
        for name in encoders:
            flags = {"encoder": encoder(name, Path(folder) / "shape"), "overlap": overlap, "device": device, "lr": 1e-5}
            settings = {**flags, "dataset": dataset, "batch_size": batch_size}
            trainee = Trainee.of("aml", settings, data_dir, steps)
            compare(trainee, trainee.first_batches())  # a pass in which every width is new
            pairs = compare(trainee, trainee.first_batches())
            ratios = [sets / single for sets, single in pairs]
            low, _, high = quantiles(ratios, n=4)
            sets, single = (1e3 * median(part) for part in zip(*pairs, strict=True))
            print(
                f"{name}, {trainee.device}: {sets:.1f} ms on sets of labels, {single:.1f} ms on single labels; ratio "
                f"{median(ratios):.3f} ({low:.3f}-{high:.3f}), wanted at most {WANTED}"
            )


if __name__ == "__main__":
    main()
