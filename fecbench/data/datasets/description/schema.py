"""The schema of ``dataset.toml``; flags of a run replace some of its keys.

::

    title = "MELD"
    licence = "GPL-3.0"

    [files]
    train = "data/MELD/train_sent_emo.csv"    # also a list, a glob, "x.zip/train.csv", "x.json#rows.train"
    validation = "data/MELD/dev_sent_emo.csv"
    test = "data/MELD/test_sent_emo.csv"

    [columns]
    text = "Utterance"
    label = "Emotion"
    group = "Dialogue_ID"

    [labels]
    map = { sad = ["sadness"] }
    drop = ["neutral"]

Every key is optional. :class:`Description` lists them all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from fecbench.core.settings import Config
from fecbench.data.datasets.dataset import SPLITS, Labelling

if TYPE_CHECKING:
    from collections.abc import Callable


Text = Annotated[str, Field(min_length=1)]
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
"""The name of a label, without white space around it, as cells are read."""
Rows = Annotated[int, Field(ge=0)]
Column = Text | Annotated[int, Field(ge=1)]
"""The name of a column, or its number, counted from 1."""
Files = Text | Annotated[list[Text], Field(min_length=1)]
"""A file, or several that follow one another."""


class SplitFiles(Config):
    """The files of each split, relative to the folder of the data set.

    A file may be a glob (``**/train-*.parquet``), a file in a zip archive (``data.zip/train.csv``), or rows within a
    JSON file (``data.json#rows``, in which ``rows`` is a JMESPath expression).
    """

    train: Files | None = Field(default=None, description="files of the training rows")
    validation: Files | None = Field(
        default=None, description="files of the validation rows; else they are cut from train"
    )
    test: Files | None = Field(default=None, description="files of the test rows; else they are cut from train")

    def of(self, split: str) -> list[str]:
        """Return the files of a split."""
        files: Files | None = getattr(self, split)
        return [] if files is None else [files] if isinstance(files, str) else files

    @property
    def listed(self) -> list[str]:
        """The files of all splits."""
        return [file for split in SPLITS for file in self.of(split)]

    def renamed(self, new_name: Callable[[str], str]) -> Self:
        """Return these files with their names replaced by ``new_name`` of each."""

        def renamed(split: str) -> Files | None:
            names = [new_name(file) for file in self.of(split)]
            # A file that isn't in a list stays so: records hold the declared values.
            return names if isinstance(getattr(self, split), list) else next(iter(names), None)

        return self.model_copy(update={split: renamed(split) for split in SPLITS})


class FileFormat(Config):
    """The format of the files, where their endings don't tell it."""

    kind: Literal["csv", "tsv", "json", "jsonl", "parquet", "lines"] | None = Field(
        default=None, description="format of the files; by default their endings tell it. lines: one text a line"
    )
    delimiter: str | None = Field(default=None, min_length=1, max_length=1, description="delimiter of CSV files")
    header: bool = Field(default=True, description="false if the first line of a CSV file is a row")
    columns: list[Text] | None = Field(
        default=None,
        min_length=1,
        description="names for the columns of files without a header, and of JSON arrays as rows",
    )
    quotes: Literal["csv", "plain"] = Field(
        default="csv",
        description="csv: quoted cells may hold delimiters and line breaks; plain: a quote is a character",
    )
    encoding: Text = Field(
        default="utf-8", description="encoding of text files, such as latin-1; files of names may be UTF-8"
    )
    pattern: Text | None = Field(
        default=None,
        description="regular expression of a line, with groups named as columns: (?P<label>\\S+) (?P<text>.+)",
    )
    turns: Text | None = Field(
        default=None,
        description="mark between the texts of a line, such as __eou__; a line has as many labels as texts",
    )

    @field_validator("delimiter", mode="before")
    @classmethod
    def _take_name_of_tab(cls, value: Any) -> Any:
        return "\t" if value in ("tab", "\\t") else value  # as the flag does

    @model_validator(mode="after")
    def _check_header(self) -> Self:
        if self.columns and self.header and "header" in self.model_fields_set:
            raise ValueError(
                "columns names those of files without a header, but header is true; leave one of them out (text and "
                "label under [columns] say which columns of a header are read)"
            )
        return self


class ColumnNames(Config):
    """The columns of a file, by name or by number from 1."""

    text: Column | Annotated[list[Column], Field(min_length=1)] | None = Field(
        default=None, description="column of the text (default: text), or several, which are joined"
    )
    join: Literal["space", "newline", "named"] = Field(
        default="space", description="mark between several text columns; named writes `name: text` on a line for each"
    )
    label: Column | Annotated[list[Column], Field(min_length=2)] | None = Field(
        default=None,
        description="column of the label (default: label), or a column of 0 and 1, or of shares, for each label",
    )
    id: Column | None = Field(default=None, description="column that names each row, for files of predictions")
    group: Column | None = Field(
        default=None,
        description="column of groups, such as dialogues or authors; the rows of a group stay in one split",
    )
    rater: Column | None = Field(
        default=None, description="column of the rater of a row; the rows of one id become shares of their labels"
    )
    where: dict[Text, str | int | bool] = Field(
        default_factory=dict, description="rows to read: those with this value in this column"
    )
    empty: Literal["refuse", "drop"] = Field(default="refuse", description="rows without a text: an error, or left out")


class LabelDescription(Config):
    """The names of labels, and the rows that have several or none."""

    names: Text | Annotated[list[Label], Field(min_length=2)] | None = Field(
        default=None, description="label names in the order of their numbers, or the file that holds them, one a line"
    )
    files: SplitFiles = Field(
        default_factory=SplitFiles, description="files of the labels, one a line, if they are apart from the texts"
    )
    first: int = Field(default=0, ge=0, description="number of the first name")
    separator: str | None = Field(
        default=None, description="mark between several labels in one cell; empty if a cell is always one label"
    )
    labelling: Labelling | None = Field(
        default=None, description="multi if a text can have several labels, single if its labels exclude one another"
    )
    raters: int | None = Field(default=None, ge=1, description="raters of each text; numbers of labels are then votes")
    background: list[Label] = Field(
        default_factory=list, description="labels that say that a text has none of the others, such as neutral"
    )
    several: Literal["refuse", "drop"] = Field(
        default="refuse", description="rows with several labels: an error, or left out"
    )
    none: Label | Literal["refuse", "drop"] = Field(
        default="refuse",
        description="rows without a label: an error (refuse), left out (drop), or of the label named here",
    )
    map: dict[Label, Annotated[list[Label], Field(min_length=1)]] = Field(
        default_factory=dict, description="new names: each stands for the labels in its list"
    )
    drop: list[Label] = Field(default_factory=list, description="labels, by their new names, whose rows are left out")
    keep: list[Label] = Field(
        default_factory=list, description="labels, by their new names, to keep; others are left out"
    )
    descriptions: dict[Label, Text] = Field(
        default_factory=dict, description="a short sentence for each label, which heads and methods read"
    )

    @model_validator(mode="after")
    def _check_map(self) -> Self:
        if self.drop and self.keep:
            raise ValueError("drop and keep exclude each other; give the shorter one")
        listed = [old for olds in self.map.values() for old in olds]
        if repeated := [old for old in listed if listed.count(old) > 1]:
            raise ValueError(f"map must list each label once, but lists {repeated[0]!r} twice; remove one")
        if isinstance(self.names, list) and (repeated := [name for name in self.names if self.names.count(name) > 1]):
            raise ValueError(f"names must name each label once, but names {repeated[0]!r} twice; remove one")
        return self

    @property
    def map_of_old(self) -> dict[str, str]:
        """The new name of each old one in the map."""
        return {old: new for new, olds in self.map.items() for old in olds}


class SplitRows(Config):
    """The numbers of rows of each split, in all or of each label. Rows that are cut from train count as train."""

    train: Rows | dict[Label, Rows] | None = Field(
        default=None, description="rows of train: their number, or that of each label"
    )
    validation: Rows | dict[Label, Rows] | None = Field(default=None, description="rows of validation")
    test: Rows | dict[Label, Rows] | None = Field(default=None, description="rows of test")

    @property
    def declared(self) -> dict[str, int | dict[str, int]]:
        """The numbers of the splits that have some."""
        return self.model_dump(exclude_none=True)

    @property
    def totals(self) -> dict[str, int]:
        """The number of all rows of the splits that have one."""
        return {split: rows if isinstance(rows, int) else sum(rows.values()) for split, rows in self.declared.items()}


class Description(Config):
    """A data set's name, files and format."""

    name: Text | None = Field(default=None, description="name of the data set; by default that of its folder")
    title: Text | None = Field(default=None, description="title for lists and model cards")
    display: str = Field(default="", description="name in tables of papers, such as MELD")
    licence: Text | None = Field(default=None, description="licence of the data")
    homepage: str = Field(default="", description="address of the source")
    language: str = Field(default="", description="language of the texts, such as English or zh")
    citation: str = Field(default="", description="paper to cite")
    metric: str = Field(default="", description="metric that the field reports, such as weighted_f1")
    download: str = Field(
        default="", description="how to get the files, such as git clone https://github.com/owner/name"
    )
    note: str = Field(default="", description="remark shown with every run")
    classes: int | None = Field(default=None, ge=2, description="number of labels, checked")
    rows: SplitRows = Field(default_factory=SplitRows, description="numbers of rows, checked")
    files: SplitFiles = Field(default_factory=SplitFiles, description="files of the splits")
    format: FileFormat = Field(default_factory=FileFormat, description="format of the files")
    columns: ColumnNames = Field(default_factory=ColumnNames, description="columns of the files")
    labels: LabelDescription = Field(default_factory=LabelDescription, description="names of the labels")
    replace: dict[Text, str] = Field(
        default_factory=dict, description="repairs of the texts: each string with its replacement"
    )
