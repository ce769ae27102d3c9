"""Decide whether two runs are the same, in five senses.

====================  ===============  ==============  =============  =============  ==================
compared              computation      rows and code   planned run    settings       comparable
function              difference,      RowsAndCode     run_key        same_settings  differing_settings
                      computation
====================  ===============  ==============  =============  =============  ==================
objective             yes              no              yes            yes            no
settings              all (1)          no              all            all but        the run's own (2)
                                                                      device
local paths           as given (1)     no              as given       by last name   not compared
rows (fingerprint)    yes              yes             yes            no             checked apart
labels, label texts   yes              yes (4)         no             no             noted
code                  yes              yes             yes            no             no
device, ranks         yes (1)          no              no             no             no
precision             yes              no              as a setting   as a setting   as a setting
package versions      yes (1)          no              no (3)         no             no
settings that a       differ           not compared    differ         count as       count as
record lacks                                           (new records)  their default  their default
used for              resuming;        a bench's run,  folder of a    a planned run  notes beside
                      digest of a      stale or not    bench's run    of a spec and  compared runs
                      record                                          its records
====================  ===============  ==============  =============  =============  ==================

(1) The digest of a record leaves out device, ranks, versions and the settings that are local to a machine. It has the
last names of local paths, since a published copy has them in their place. It adds the text length, which is known
later.

(2) The settings that all objectives have, without those that choose the rows (``ROW_SETTINGS``). The rows of a board go
by these and by the objective's options: its cells hold runs that differ only in ``VARIES_IN_A_CELL``.

(3) A bench repeats an unfinished run of another computation, such as one of other package versions or of another
device; a complete one stays.

(4) Unless the record has no label texts, being older. The rows don't tell label texts: their fingerprint has label
names alone.

Two narrower comparisons are elsewhere: a board compares encoders and budgets by
``results.leaderboard.board.condition``, and a sensitivity plot compares configurations by
``results.plots.panels.differing_names``.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fecbench.core.settings import RunSettings
from fecbench.runs.local_paths import name_of, without_local_paths

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fecbench.core.settings import Setting
    from fecbench.runs.record import Record
    from fecbench.runs.schema import RunFile


# digests of records never had them, and must stay the same
LOCAL_SETTINGS = ("dataset", "encoder", "device", "train_file", "validation_file", "test_file")
VARIES_IN_A_CELL = ("seed", "fold", "device", "dataset")  # the data set counts by its rows
ROW_SETTINGS = (  # the fingerprint tells their effect
    "dataset",
    "split_seed",
    "folds",
    "fold",
    "train_file",
    "validation_file",
    "test_file",
    "text_column",
    "label_column",
    "label_columns",
    "label_separator",
    "labelling",
    "raters",
    "rater_column",
    "id_column",
    "group_column",
    "delimiter",
    "header",
    "quotes",
)
# Older records have these values where a newer one has none, which leaves the choice to a description of the data.
OLDER_DEFAULTS = {"text_column": "text", "label_column": "label", "quotes": "csv"}


@dataclass(frozen=True)
class RowsAndCode:
    """Digests of a run's rows and code, and of its labels with their texts; None for those of older records."""

    rows: str
    code: str
    labels: str | None = None

    @classmethod
    def of(cls, identity: Mapping[str, Any]) -> RowsAndCode:
        """Return the digests of a computation (:func:`fecbench.runs.provenance.identify`) or of ``run.json``."""
        dataset = identity["dataset"]
        labels = labels_digest(dataset["labels"], dataset.get("label_texts"))
        return cls(dataset["fingerprint"], identity["code"], labels)

    def difference(self, other: RowsAndCode) -> str:
        """Return in words what differs from ``other``; "" if nothing does."""
        if self.rows != other.rows:
            return "the rows of its data"
        if self.code != other.code:
            return "the code of fecbench or of one of its plugins"
        return "" if None in (self.labels, other.labels) or self.labels == other.labels else "the texts of its labels"


def labels_digest(labels: Sequence[str], texts: Sequence[str] | None) -> str | None:
    """Return the digest of labels and their texts; None without ``texts``, which older records lack."""
    return None if texts is None else _digest([list(labels), list(texts)])


def difference(run_file: RunFile, identity: Mapping[str, Any]) -> str:
    """Return the first difference between a record and the computation ``identity``, in words; "" if there is none.

    ``identity`` comes from :func:`fecbench.runs.provenance.identify`.
    """
    if run_file.objective.name != identity["objective"]["name"]:
        return f"its objective was {run_file.objective.name}"
    for key, setting in identity["settings"].items():
        value = run_file.settings[key].value if key in run_file.settings else None
        if value != setting["value"]:
            return f"its {key} was {value}, not {setting['value']}"
    dataset, wanted = run_file.dataset, identity["dataset"]
    if dataset.fingerprint != wanted["fingerprint"]:
        return "its data rows were different"
    if (dataset.labels, dataset.label_texts) != (wanted["labels"], wanted["label_texts"]):
        return "its labels had another order or other descriptions"
    for key in ("device", "precision", "ranks", "versions"):
        recorded = getattr(run_file, key)
        if recorded != identity[key]:
            return f"its {key} was {recorded}, not {identity[key]}"
    return (
        "" if run_file.code == identity["code"] else "the code of fecbench or of one of its plugins has changed since"
    )


def computation(about: Mapping[str, Any]) -> list[Any]:
    """Return what identifies the computation of ``run.json`` on any machine; a record holds its digest.

    It is that of a published copy too, in whose ``run.json`` local paths have become their last names.
    """
    settings = {key: setting["value"] for key, setting in about["settings"].items()}
    return without_local_paths(computation_as_given(about), settings)


def computation_as_given(about: Mapping[str, Any]) -> list[Any]:
    """Return :func:`computation` with local paths as given; older records hold its digest."""
    settings = {key: setting["value"] for key, setting in about["settings"].items() if key not in LOCAL_SETTINGS}
    dataset = about["dataset"]
    rows = [dataset["fingerprint"], list(dataset["labels"]), dataset.get("label_texts")]
    return [about["objective"]["name"], rows, settings, about["code"], about.get("precision"), about.get("max_length")]


def run_key(objective: str, settings: Mapping[str, Any], fingerprint: str, code: str) -> str:
    """Return the digest of a planned run: SHA-256 of objective, settings, rows and code."""
    return _digest([objective, settings, fingerprint, code])


def _digest(content: list[Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def same_settings(wanted: Mapping[str, Setting], settings: Mapping[str, Any]) -> bool:
    """Return True if a record's ``settings`` are the ``wanted`` ones, on any device.

    Local paths are compared by their last names. A setting that the record lacks, being newer, must be the default.
    """
    compared = {key: setting for key, setting in wanted.items() if key != "device"}
    missing = compared.keys() - settings.keys()
    if settings.keys() - {*compared, "device"} or any(compared[key].origin != "default" for key in missing):
        return False
    return all(_is_same(key, settings[key], compared[key].value) for key in compared.keys() - missing)


def _is_same(key: str, recorded: Any, wanted: Any) -> bool:
    if wanted is None and key in OLDER_DEFAULTS:
        return recorded in (None, OLDER_DEFAULTS[key])
    return bool(name_of(key, recorded) == name_of(key, wanted))


def differing_settings(records: Sequence[Record]) -> dict[str, list[Any]]:
    """Return the settings, without objectives' options, that aren't the same in all ``records``: a value for each."""
    # A limit that left out no row makes no difference.
    settings = [{**record.settings(), "limit": record.limit} for record in records]
    values = {name: [each[name] for each in settings] for name in RunSettings.model_fields if name not in ROW_SETTINGS}
    return {name: each for name, each in values.items() if any(value != each[0] for value in each)}


def repetition(settings: Mapping[str, Any]) -> int | str:
    """Return the identifier of a run among its repetitions: its seed, or `seed/fold`.

    >>> repetition({"seed": 1, "folds": None, "fold": 0}), repetition({"seed": 1, "folds": 5, "fold": 2})
    (1, '1/2')
    """
    seed = int(settings["seed"])
    return seed if settings.get("folds") is None else f"{seed}/{settings['fold']}"


def order_of(repetition: int | str) -> tuple[int, ...]:
    """Return the sort key of a repetition: seed, then fold.

    >>> sorted(["1/2", "0/10", "0/9"], key=order_of)
    ['0/9', '0/10', '1/2']
    """
    return tuple(map(int, str(repetition).split("/")))


def repetition_words(repetition: int | str) -> str:
    """Return a repetition in words.

    >>> repetition_words(3), repetition_words("0/2")
    ('seed 3', 'seed 0, fold 2')
    """
    return f"seed {repetition}".replace("/", ", fold ")
