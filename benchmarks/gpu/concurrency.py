"""Measure how many steps a second several processes make together on one GPU.

All start once; then one of them steps, then two, and so on.
"""

import argparse
import time
from typing import Any

import torch
import torch.multiprocessing as mp
from results import Results, options, settings
from trainee import Trainee, finished

FETCHED = 10  # steps between two waits for the device, as in a run that fetches its logs


def rate(trainee: Trainee, batches: list[Any], seconds: float) -> float:
    """Return the steps a second that this process makes in about ``seconds``."""
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        trainee.stepper.step(batches[done % len(batches)], 1.0)
        done += 1
        if done % FETCHED == 0:
            finished(trainee.device)
    return done / (finished(trainee.device) - began)


def work(number: int, given: argparse.Namespace, barrier: Any, rates: Any) -> None:
    """Step, as process ``number``, whenever it is among those that step at a time."""
    torch.set_num_threads(1)
    trainee = Trainee.of("ce", settings(given), steps=given.steps)
    batches = [batch.to(trainee.device) for batch in trainee.first_batches()]
    for batch in batches:
        trainee.stepper.step(batch, 1.0)
    finished(trainee.device)
    for at_once in given.at_once:
        barrier.wait()
        rates[number] = rate(trainee, batches, given.seconds) if number < at_once else 0.0
        barrier.wait()
        if number == 0:
            together = sum(rates[:at_once])
            figures = {"steps_s": together, "ms_each": 1000 * at_once / together}
            Results("concurrency", given.device).say(f"{at_once} at a time", **figures)
        barrier.wait()


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--seconds", type=float, default=4)
    given = parser.parse_args()
    context, processes = mp.get_context("spawn"), max(given.at_once)
    barrier, rates = context.Barrier(processes), context.Array("d", processes, lock=False)
    workers = [
        context.Process(target=work, args=(number, given, barrier, rates), daemon=True) for number in range(processes)
    ]
    for worker in workers:
        worker.start()
    while any(worker.is_alive() for worker in workers):
        if any(worker.exitcode for worker in workers):
            barrier.abort()
            raise SystemExit("a process failed: see above")
        time.sleep(0.2)


if __name__ == "__main__":
    main()
