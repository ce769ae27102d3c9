"""Compare every method's texts per second with transformers.Trainer's, and time AML's parts; see the README here."""

import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

import click
from material import SHAPE, encoder, excerpt

HERE = Path(__file__).parent
CONTENDERS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "Trainer": ("trainer", "random", {}),
    "Trainer, grouped": ("trainer", "group_by_length", {}),
    "ce": ("fecbench", "ce", {}),
    "ce, label head": ("fecbench", "ce", {"head": "label"}),
    "supcon": ("fecbench", "supcon", {}),
    "lcl": ("fecbench", "lcl", {}),
    "aml": ("fecbench", "aml", {}),
}
Rounds = dict[str, list[dict[str, float]]]
# The last epoch is timed. Two go before it on a GPU, where libraries plan for each width that they meet.
EPOCHS = {"cuda": 3}  # elsewhere 2


@dataclass(frozen=True)
class Bench:
    """The data set, rows and settings that all contenders of a table share."""

    dataset: str
    rows: Path
    settings: dict[str, Any]

    def measure(self, contender: str, folder: Path) -> dict[str, float]:
        """Return the figures of a contender, measured in a process of its own with the run directory ``folder``."""
        from fecbench.objective.check import get_objective

        kind, name, own = CONTENDERS[contender]
        # Given as settings, because presets go by the data set's name, and the excerpt of it is a folder.
        preset = get_objective(name).presets.get(self.dataset, {}) if kind == "fecbench" else {}
        settings = json.dumps({**self.settings, **preset, **own, "dataset": str(self.rows)})
        command = [sys.executable, str(HERE / "contender.py"), kind, name, settings, str(folder)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"failed: {shlex.join(command)}\n{done.stderr}")
        figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return figures

    def rounds(self, count: int, contenders: Iterable[str]) -> Rounds:
        """Return the figures of every round; in a round each contender runs once."""
        rounds: Rounds = {name: [] for name in contenders}
        for number in range(count):
            for name in rounds:
                with tempfile.TemporaryDirectory() as folder:
                    rounds[name].append(self.measure(name, Path(folder)))
                line = f"round {number + 1}, {self.dataset}, {name}: {rounds[name][-1]['texts_per_second']:.1f} texts/s"
                print(line, file=sys.stderr, flush=True)
        return rounds


def ratio(ours: list[float], theirs: list[float]) -> str:
    """Return the median of the ratios within rounds, and their range, as text."""
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    return f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"


def table(title: str, found: Rounds, batch_size: int, parts: dict[str, float]) -> None:
    """Print the figures of a data set with one encoder."""
    print(f"\n{title}")
    print(
        f"{'':18}{'texts/s':>9}{'least-greatest':>17}{'1st epoch':>11}{'/ Trainer':>20}{'/ grouped':>20}"
        f"{'peak MiB':>10}{'predicted/s':>13}"
    )
    speeds = {name: [figures["texts_per_second"] for figures in rounds] for name, rounds in found.items()}
    for name, rounds in found.items():
        against = "".join(
            f"{ratio(speeds[name], speeds[other]) if other in speeds else '':>20}"
            for other in ("Trainer", "Trainer, grouped")
        )
        first, memory, predicted = (
            median(figures[figure] for figures in rounds)
            for figure in ("first_epoch_texts_per_second", "peak_mib", "predicted_per_second")
        )
        spread = f"{min(speeds[name]):.1f}-{max(speeds[name]):.1f}"
        print(f"{name:18}{median(speeds[name]):9.1f}{spread:>17}{first:11.1f}{against}{memory:10.0f}{predicted:13.1f}")
    if "aml" not in speeds:
        return
    for other in ("ce", "ce, label head"):
        if other in speeds:
            print(f"an iteration of aml costs {ratio(speeds[other], speeds['aml'])} times one of {other}")
    iteration = batch_size / median(speeds["aml"])
    print(
        "; ".join(
            f"{name} alone: {1000 * part:.1f} ms, {part / iteration:.1%} of an iteration"
            for name, part in parts.items()
        )
    )


def aml_parts(device: str, batch_size: int, classes: int = 27, width: int = 128, k: int = 20) -> dict[str, float]:
    """Return the seconds of mining and of the discriminator's part of an iteration.

    The features are random, the labels as uneven as those of GoEmotions.
    """
    import torch
    from growth import discriminate
    from torch.utils.benchmark import Timer

    from fecbench import Task
    from fecbench_aml import AML, AMLConfig, mine_hard_pairs

    torch.manual_seed(0)
    z = torch.randn(batch_size, width, device=device, requires_grad=True)
    labels = torch.multinomial(torch.arange(classes, 0, -1.0), batch_size, replacement=True).to(device)
    objective = AML(AMLConfig(k_pos=k, k_neg=k), Task("", (), (), width, width, 0)).to(device)
    pairs = mine_hard_pairs(z, labels, k_pos=k, k_neg=k)
    calls = {
        "mining": lambda: mine_hard_pairs(z, labels, k_pos=k, k_neg=k),
        "the discriminator": lambda: discriminate(objective, z, pairs),
    }
    threads = torch.get_num_threads()
    timers = {name: Timer("call()", globals={"call": call}, num_threads=threads) for name, call in calls.items()}
    return {name: timer.blocked_autorange(min_run_time=1).median for name, timer in timers.items()}


@click.command(help=__doc__)
@click.option("--data-dir", type=click.Path(path_type=Path), help="folder of the data sets, one subfolder each")
@click.option("--dataset", "names", multiple=True, default=("ge-prepared", "ed-prepared"), show_default=True)
@click.option("--encoder", "encoders", multiple=True, default=("minilm", SHAPE), show_default=True)
@click.option(
    "--contender",
    "contenders",
    multiple=True,
    type=click.Choice(list(CONTENDERS)),
    default=tuple(CONTENDERS),
    help="[default: all]",
)
@click.option("--batch-size", default=64, show_default=True)
@click.option(
    "--steps",
    type=int,
    help="batches of an epoch [on a GPU: 50, and the third epoch is timed; on a CPU: 24, and 6 with roberta-base's "
    "shape, of which a step takes seconds, and the second is timed: a round of everything takes about an hour on two "
    "cores]",
)
@click.option("--rounds", default=3, show_default=True, help="how often contenders take turns; figures are medians")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1 ...")
@click.option(
    "--precision",
    default="auto",
    show_default=True,
    help="auto (bf16 on a GPU that has it), float32, bf16; the Trainer's too",
)
@click.option("--compile", is_flag=True, help="torch.compile, the Trainer's too")
@click.option("--threads", default=os.cpu_count(), show_default="all")
def main(
    data_dir: Path | None,
    names: tuple[str, ...],
    encoders: tuple[str, ...],
    contenders: tuple[str, ...],
    batch_size: int,
    steps: int | None,
    rounds: int,
    device: str,
    precision: str,
    compile: bool,  # noqa: A002
    threads: int,
) -> None:
    import torch

    os.environ |= {"OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1"}
    torch.set_num_threads(threads)
    device = hide_other_gpus(device)
    print(
        f"{date.today()}, {platform.machine()}, {device}, {threads} threads, batch {batch_size}, {rounds} "
        f"rounds (medians)"
    )
    with tempfile.TemporaryDirectory() as temporary:
        for asked in encoders:
            count = steps or (50 if device == "cuda" else 6 if asked == SHAPE else 24)
            epochs = EPOCHS.get(device, 2)
            settings = {
                "encoder": encoder(asked, Path(temporary) / "shape"),
                "epochs": epochs,
                "patience": epochs,
                "limit": count * batch_size,
                "batch_size": batch_size,
                "device": device,
                "precision": precision,
                "compile": compile,
                "lr": 1e-5,
            }
            for name in names:
                rows = excerpt(name, data_dir, count * batch_size, Path(temporary) / f"{asked} {name}")
                found = Bench(name, rows, settings).rounds(rounds, contenders)
                title = f"{asked} on {name}, {count} batches ({precision} precision{', compiled' if compile else ''})"
                table(title, found, batch_size, aml_parts(device, batch_size))


def hide_other_gpus(device: str) -> str:
    """Hide all GPUs but one, because the Trainer uses every GPU that it sees, and return ``cpu`` or ``cuda``."""
    import torch

    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, number = device.partition(":")
    if kind == "cuda" and (number or "CUDA_VISIBLE_DEVICES" not in os.environ):
        os.environ["CUDA_VISIBLE_DEVICES"] = number or "0"
    return kind


if __name__ == "__main__":
    main()
