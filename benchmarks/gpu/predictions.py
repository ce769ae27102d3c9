"""Compare predictions of complete runs on a device with those on the CPU: probabilities, and answers that differ."""

from dataclasses import replace
from pathlib import Path

import torch
from results import Results, options

from fecbench import Predictor, Record, data_of
from fecbench.training.devices import Precision

TEXTS = 128


def compare(record: Record, results: Results) -> None:
    """Predict a run's first test texts on both devices."""
    texts = data_of(record).splits["test"]["text"][:TEXTS]
    here = Predictor.load(record, results.device)
    on, found = here.precision, here.probabilities(texts)
    host = Precision(torch.device("cpu"))
    there = replace(here, model=here.model.cpu(), objective=here.objective.cpu(), precision=host).probabilities(texts)
    differ = int((found.argmax(1) != there.argmax(1)).sum())
    apart = float((found - there).abs().max())
    case = record.folder.name
    results.say(case, differ=apart, answers_differ=differ, texts=len(texts), on=str(on.device), bf16=on.bf16)


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("folders", nargs="+", type=Path, help="run directories")
    given = parser.parse_args()
    results = Results("predictions", given.device)
    for folder in given.folders:
        with results.case(folder.name):
            compare(Record(folder), results)


if __name__ == "__main__":
    main()
