"""A run's record as the leaderboard needs it: read once, checked, without what a table has no use for."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from fecbench.core.errors import RunError
from fecbench.core.text import shortened
from fecbench.model.encoders.tiny import FAMILIES
from fecbench.results.leaderboard.board import condition
from fecbench.runs.local_paths import name_of
from fecbench.runs.schema import RecordedEncoder
from fecbench.training.metrics import PRIMARY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from fecbench.runs.record import Record
    from fecbench.runs.schema import ResultFile, RunFile

    Report = Callable[[str], None]  # takes what a command is doing, in words


RANDOM = ("scratch", "none", *(f"tiny-{family}" for family in FAMILIES))  # of which older records don't say it


@dataclass(frozen=True)
class Run:
    """A run, complete or not.

    Attributes:
        record: where it is.
        status: ``complete``, ``running``, ``failed``, ``interrupted`` or ``unfinished``.
        started: when, as ISO 8601 text; it orders runs.
        objective: the method's name.
        variant_of: the method that it is a variant of; empty where it is none, None where an older record doesn't say it.
        dataset: the data set's name; ``title`` is its long one.
        fingerprint: of the data's rows; equal exactly for equal data.
        labels: in the run's own numbering.
        settings: every resolved setting's value.
        limit: the limit of training rows that left some out; None where all were read.
        encoder: the encoder's name as it was given, a path's last part alone. In ``settings`` rows have a name without their like.
        weights: digest of the encoder's weights before training; empty in older records.
        pretrained: whether these come from a checkpoint; None in older records.
        weights_shown: what tells the encoder from others of its name; empty where there are none.
        sources: versions of the code by package; empty in older records.
        versions: of Python and of installed packages; empty in older records.
        device: what it ran on, with the number of ranks where there are several.
        code: version of all the code, ``precision`` and ``revision`` (of the encoder; empty where it has none): what it was computed with.
        notes: what the record itself tells its readers.
        scores: test scores by metric, fractions; empty unless complete.
        support: number of true test rows by label; empty unless complete.
    """

    record: Record
    status: str
    started: str
    objective: str
    variant_of: str | None
    dataset: str
    title: str
    fingerprint: str
    labels: tuple[str, ...]
    settings: Mapping[str, Any]
    limit: int | None
    encoder: str
    weights: str
    pretrained: bool | None
    sources: Mapping[str, str]
    versions: Mapping[str, str]
    device: str
    code: str
    precision: str
    revision: str
    notes: tuple[str, ...]
    scores: Mapping[str, float]
    support: Mapping[str, int]
    weights_shown: str = ""

    @property
    def seed(self) -> int:
        """The run's seed."""
        return int(self.settings["seed"])

    def condition(self, key: str) -> Any:
        """What counts of a setting of encoder or budget (:func:`~fecbench.results.leaderboard.board.condition`)."""
        return self.limit if key == "limit" else condition(self.settings, key)

    @property
    def reason(self) -> str:
        """Why it isn't complete, on one line."""
        if self.status == "failed":
            message = str(self.record.failure.get("message", "")).partition("\n")[0]
            told = (
                message.partition(":")[0] if "/" in message or "\\" in message else message
            )  # paths of the machine are nobody's business
            return f"failed: {told}" if told else "failed"
        return {"unfinished": "stopped without a word"}.get(self.status, self.status)


def read_run(record: Record) -> Run:
    """The run that ``record`` describes.

    Raises:
        RunError: a file of it is missing or broken, or lacks what a table needs.
    """
    try:
        run_file, status = record.run_file, record.status
        data, encoder = run_file.dataset, run_file.encoder or RecordedEncoder()
        settings, scores, support = record.settings(), {}, {}
        if status == "complete":
            scores = _scores(record.result_file.metrics.test)
            support = _support(record.result_file, data.labels)
        return Run(
            record=record,
            status=status,
            started=run_file.started,
            objective=run_file.objective.name,
            variant_of=run_file.objective.variant_of,
            dataset=data.name,
            title=data.name if data.title is None else data.title,
            fingerprint=data.fingerprint,
            labels=tuple(data.labels),
            settings=settings,
            limit=record.limit,
            encoder=str(name_of("encoder", str(run_file.settings["encoder"].value))),
            weights=encoder.weights or "",
            pretrained=False if settings["encoder"] in RANDOM else encoder.pretrained,
            sources=run_file.sources or {},
            versions=run_file.versions or {},
            device=_device(run_file),
            code=run_file.code,
            precision=run_file.precision or "",
            revision=encoder.revision or "",
            notes=tuple(run_file.notes),
            scores=scores,
            support=support,
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise RunError(
            f"{record.folder} must be a whole run record, but reading it found {error!r}; restore it or delete the run"
        ) from error


def _scores(recorded: Mapping[str, float]) -> dict[str, float]:
    scores = {name: float(score) for name, score in recorded.items()}
    if not scores.keys() >= set(PRIMARY) or not all(map(isfinite, scores.values())):
        raise ValueError(f"scores must be finite, and {', '.join(PRIMARY)} among them")
    return scores


def _support(result: ResultFile, labels: Iterable[str]) -> dict[str, int]:
    if result.per_class is None:
        raise ValueError("per_class must have the support of each label")
    return {label: int(result.per_class[label].support) for label in labels}


def _device(run_file: RunFile) -> str:
    device = run_file.device or ""
    return device if run_file.ranks in (None, 1) else f"{device}, {run_file.ranks} ranks"


def silent(_: str) -> None:
    """Report nothing."""


def read_runs(records: Iterable[Record], report: Report = silent) -> tuple[tuple[Run, ...], tuple[str, ...]]:
    """Return all runs that can be read, in the order given, and a note that names those that can't.

    ``report`` gets a line for each record: what is being done.
    """
    found, broken = [], []
    for number, record in enumerate(records, 1):
        report(f"reading record {number:,}: {record.id}")
        try:
            found.append(read_run(record))
        except RunError:
            broken.append(record.id)
    return tuple(found), ((f"left out, since their records are broken: {shortened(broken)}",) if broken else ())
