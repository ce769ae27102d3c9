"""Read a run's record once, check it and keep the parts that a leaderboard needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fecbench.core.errors import RunError
from fecbench.core.text import shortened
from fecbench.model.encoders.tiny import FAMILIES
from fecbench.results.leaderboard.board import condition
from fecbench.runs.identity import repetition
from fecbench.runs.local_paths import name_of
from fecbench.runs.majority import recorded_majority
from fecbench.runs.schema import RecordedEncoder
from fecbench.training.metrics import PRIMARY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from fecbench.data.datasets.dataset import Labelling
    from fecbench.runs.majority import Majority
    from fecbench.runs.record import Record
    from fecbench.runs.schema import RunFile

    Report = Callable[[str], None]  # takes what a command is doing, in words


# encoders with random weights, by name: older records have no field for it
RANDOM = ("scratch", "none", *(f"tiny-{family}" for family in FAMILIES))
UNSCORED = "no test scores, because the test split has no labels"
SOFT = "shares of labels, which boards don't compare"
UNSHOWN = {"unscored": UNSCORED, "soft": SOFT}  # reasons by status for which no table shows a complete run
# metrics of every run; a method without probabilities has none that ranks labels or needs their likelihood
ALWAYS = {"single": PRIMARY, "multi": ("macro_f1", "micro_f1", "jaccard")}


@dataclass(frozen=True)
class Run:
    """A run as the leaderboard shows it, complete or not.

    Attributes:
        record: the run's record.
        status: ``complete``, ``running``, ``failed``, ``interrupted`` or ``unfinished``; ``unscored`` for a complete
            run without test scores, ``soft`` for one on shares of labels.
        started: the start as ISO 8601 text, by which runs are ordered.
        objective: the method's name.
        variant_of: the method that this one is a variant of; empty for no variant, None in older records.
        dataset: the data set's name.
        title: the data set's long name.
        fingerprint: the digest of the data rows; equal exactly for equal data. The folds of a cross-validation share
            that of all their rows.
        labels: the labels in the run's own numbering.
        label_texts: their texts; empty in older records.
        labelling: ``multi`` if a text can have several labels, else ``single``.
        settings: every resolved setting's value. In the rows of a table the encoder has a name
            that no other encoder of the table has.
        limit: the limit on training rows; None if it left no row out.
        encoder: the encoder's name as in the record, with a path reduced to its last part.
        weights: the digest of the encoder's weights before training; empty in older records.
        pretrained: True if the weights come from a checkpoint; None in older records.
        sources: the versions of the code by package; empty in older records.
        versions: the versions of Python and of installed packages; empty in older records.
        device: the device, with the number of ranks if there are several.
        code: the version of all code.
        precision: the floating-point precision.
        revision: the encoder's revision; empty if it has none.
        notes: the record's own notes.
        scores: the test scores by metric, as fractions; empty unless complete.
        support: the number of test rows with each label; empty unless complete.
        majority: the most frequent training class and its scores; None in older records and unless complete.
        weights_shown: the text that tells the encoder's weights from others of the same name; empty if not needed.
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
    label_texts: tuple[str, ...]
    labelling: Labelling
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
    majority: Majority | None = None
    weights_shown: str = ""

    @property
    def seed(self) -> int:
        """The run's seed."""
        return int(self.settings["seed"])

    @property
    def fold(self) -> int | None:
        """The number of the fold that was the test split; None without folds."""
        return None if self.settings.get("folds") is None else int(self.settings["fold"])

    @property
    def test_rows(self) -> int:
        """The number of test rows."""
        rows = self.record.run_file.dataset.rows
        # Where each row has one label, their counts tell it for older records too.
        return rows.test if self.labelling == "multi" and rows else sum(self.support.values())

    @property
    def repetition(self) -> int | str:
        """The run's identifier within its cell: the seed, or `seed/fold`."""
        return repetition(self.settings)

    def condition(self, key: str) -> Any:
        """Return the value by which a setting counts when budgets are compared.

        See :func:`~fecbench.results.leaderboard.board.condition`.
        """
        return self.limit if key == "limit" else condition(self.settings, key)

    @property
    def reason(self) -> str:
        """The reason why the run isn't complete, on one line."""
        if self.status == "failed":
            message = str(self.record.failure.get("message", "")).partition("\n")[0]
            if "/" in message or "\\" in message:  # a board must show no path of the machine
                message = message.partition(":")[0]
            return f"failed: {message}" if message else "failed"
        words = {"unfinished": "stopped without an error message", **UNSHOWN}
        return words.get(self.status, self.status)


def read_run(record: Record) -> Run:
    """Read the run of ``record``.

    Raises:
        RunError: a file of the record is missing or broken, or lacks a field that a table needs.
    """
    try:
        run_file, status = record.run_file, record.status
        data, encoder = run_file.dataset, run_file.encoder or RecordedEncoder()
        settings, scores, support = record.settings(), {}, {}
        if status == "complete" and record.result_file.metrics.test is None:
            status = "unscored"
        elif status == "complete" and data.soft:
            status = "soft"
        if status == "complete":
            scores, support = _test_scores(record, data.labelling), _support(record, data.labels)
        return Run(
            record=record,
            status=status,
            started=run_file.started,
            objective=run_file.objective.name,
            variant_of=run_file.objective.variant_of,
            dataset=data.name,
            title=data.name if data.title is None else data.title,
            fingerprint=data.version,
            labels=tuple(data.labels),
            label_texts=tuple(data.label_texts or ()),
            labelling=data.labelling,
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
            majority=recorded_majority(record.result_file) if status == "complete" else None,
        )
    except (KeyError, TypeError) as error:  # no encoder among the settings; a limit that is no number
        raise _incomplete(record, f"settings that can't be read ({error!r})") from error


def _test_scores(record: Record, labelling: Labelling) -> dict[str, float]:
    """Return the test scores by metric. Raises RunError if one that every run has is missing."""
    scores = record.result_file.metrics.of("test")
    missing = [name for name in ALWAYS[labelling] if name not in scores]
    if missing:
        raise _incomplete(record, f"no {' and no '.join(missing)} of the test rows")
    return dict(scores)


def _support(record: Record, labels: Iterable[str]) -> dict[str, int]:
    """Return the number of test rows by label. Raises RunError if one is missing."""
    recorded = record.result_file.per_class or {}
    missing = [label for label in labels if label not in recorded]
    if missing:
        raise _incomplete(record, f"no per_class support of {shortened(missing)}")
    return {label: int(recorded[label].support) for label in labels}


def _incomplete(record: Record, finding: str) -> RunError:
    return RunError(f"{record.folder} must be a whole run record, but has {finding}; restore it or delete the run")


def _device(run_file: RunFile) -> str:
    device = run_file.device or ""
    return device if run_file.ranks in (None, 1) else f"{device}, {run_file.ranks} ranks"


def newest_first(runs: Iterable[Run]) -> list[Run]:
    """Return runs by the time of their start, the newest first."""
    return sorted(runs, key=lambda run: run.started, reverse=True)


def silent(_: str) -> None:
    """Report nothing."""


def read_runs(records: Iterable[Record], report: Report = silent) -> tuple[tuple[Run, ...], tuple[str, ...]]:
    """Return the readable runs in the given order, and a note that names the broken records.

    ``report`` is called with a line for each record.
    """
    found, broken = [], []
    for number, record in enumerate(records, 1):
        report(f"reading record {number:,}: {record.id}")
        try:
            found.append(read_run(record))
        except RunError:
            broken.append(record.id)
    return tuple(found), ((f"left out because their records are broken: {shortened(broken)}",) if broken else ())
