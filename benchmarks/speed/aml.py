"""What AML costs: training beside cross-entropy, mining and discriminator alone, and prediction; see the README beside this file."""

import argparse
import os
import statistics
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from compare import measure

BATCH, WIDTH, PAIRS = 64, 128, 20
RUNS = {"ce, label head": ["ce", "--head", "label"], "ce, native head": ["ce"], "aml": ["aml"]}


def train(name: str, folder: Path, given: argparse.Namespace) -> float:
    """Seconds of an iteration."""
    place = ["--dataset", "ge-prepared", "--data-dir", str(given.data_dir), "--run-dir", str(folder / name), "--json"]
    size = ["--encoder", given.encoder, "--epochs", "1", "--limit", str(given.rows), "--batch-size", str(BATCH), "--device", given.device]
    speed, _ = measure([sys.executable, "-m", "fecbench", "run", *RUNS[name], *place, *size])
    return BATCH / speed


def predict(name: str, folder: Path, given: argparse.Namespace) -> float:
    """Texts a second of the run that was just trained, on the test split."""
    from fecbench import Predictor, data_of, find_run

    record = find_run(str(folder / name))
    texts = data_of(record, given.data_dir).splits["test"]["text"][:]
    predictor = Predictor.load(record, given.device)
    predictor.probabilities(texts[:BATCH])
    start = time.perf_counter()
    predictor.probabilities(texts)
    return len(texts) / (time.perf_counter() - start)


def parts(given: argparse.Namespace) -> dict[str, float]:
    """Seconds of mining, and of the discriminator's part of both updates, on features and labels like a batch of GoEmotions."""
    import torch
    from torch.utils.benchmark import Timer

    from fecbench import Task
    from fecbench_aml import AML, AMLConfig, mine_hard_pairs

    device = torch.device("cuda" if given.device.startswith("cuda") else "cpu")
    torch.manual_seed(0)
    z = torch.randn(BATCH, WIDTH, device=device, requires_grad=True)
    labels = torch.multinomial(torch.arange(27, 0, -1.0), BATCH, replacement=True).to(device)
    objective = AML(AMLConfig(k_pos=PAIRS, k_neg=PAIRS), Task("ge", tuple("abc"), (), WIDTH, WIDTH, 0)).to(device)
    phi = list(objective.discriminator.parameters())
    pairs = mine_hard_pairs(z, labels, k_pos=PAIRS, k_neg=PAIRS)

    def mining() -> None:
        mine_hard_pairs(z, labels, k_pos=PAIRS, k_neg=PAIRS)

    def discriminator() -> None:
        objective.discriminator_update(z.detach(), pairs).loss.backward(inputs=phi)
        objective.pair_loss(objective.judge(z, pairs), pairs).backward(inputs=[z])

    threads = torch.get_num_threads()
    return {
        function.__name__: Timer("f()", globals={"f": function}, num_threads=threads).blocked_autorange(min_run_time=2).median
        for function in (mining, discriminator)
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True, help="folder that holds ge-prepared")
    parser.add_argument("--rows", type=int, default=1920, help="training rows (one epoch)")
    parser.add_argument("--encoder", default="minilm")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    given.data_dir = given.data_dir.resolve()
    os.environ |= {"OMP_NUM_THREADS": str(given.threads), "HF_HUB_OFFLINE": "1"}
    iterations: dict[str, list[float]] = {name: [] for name in RUNS}
    predictions: dict[str, list[float]] = {name: [] for name in RUNS}
    for _ in range(given.rounds):
        with tempfile.TemporaryDirectory() as folder:
            for name in RUNS:
                iterations[name].append(train(name, Path(folder), given))
            for name in RUNS:
                predictions[name].append(predict(name, Path(folder), given))
                print(f"{name}: {iterations[name][-1]:.3f} s, {predictions[name][-1]:.0f} texts/s", file=sys.stderr, flush=True)
    print(f"{date.today()}, {given.device}, {given.threads} threads, {given.encoder}, {given.rows} rows, {given.rounds} rounds (medians)")
    print(f"{'':18}{'iteration s':>12}{'aml / it':>18}{'predict texts/s':>17}{'aml / it':>18}")
    for name in RUNS:
        print(
            f"{name:18}{statistics.median(iterations[name]):12.3f}{ratio(iterations['aml'], iterations[name]):>18}"
            f"{statistics.median(predictions[name]):17.0f}{ratio(predictions['aml'], predictions[name]):>18}"
        )
    whole = statistics.median(iterations["aml"])
    for name, seconds in parts(given).items():
        print(f"{name} alone: {1000 * seconds:.1f} ms, {seconds / whole:.1%} of an aml iteration")


def ratio(ours: list[float], theirs: list[float]) -> str:
    """The median of ratios within rounds, and their range."""
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"


if __name__ == "__main__":
    main()
