"""``fecbench run OBJECTIVE``: train an objective on a data set and test it."""

from __future__ import annotations

import shlex
import tomllib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from fecbench.cli.common_options import DATA_DIR_HELP
from fecbench.core import registry
from fecbench.core.errors import FecbenchError, UsageError
from fecbench.core.options import PATH, options
from fecbench.core.plugin_errors import out_of_memory
from fecbench.core.settings import RunSettings
from fecbench.core.strict_json import loads
from fecbench.data.datasets.locations import DataLocations
from fecbench.runs.observers import TRACKERS
from fecbench.runs.record import ROOT, TABLE
from fecbench.terminal.echo import echo
from fecbench.terminal.fast_import import fast_import
from fecbench.terminal.output import print_if_watched, print_json, print_table, score_columns, score_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from fecbench.objective.objective import Objective
    from fecbench.runs.identity import RowsAndCode
    from fecbench.runs.plan import Plan
    from fecbench.runs.record import Record
    from fecbench.runs.schema import RecordedTrial

# Options that are not settings: where a run reads and writes, and what it prints.
COMMAND_OPTIONS: list[click.Parameter] = [
    click.Option(["--data-dir"], type=PATH, help=DATA_DIR_HELP),
    click.Option(
        ["--run-dir"],
        type=PATH,
        help="folder for the run's record; with --seeds or --folds, for all records  [default: a new one under runs/, "
        "or runs/METHOD-DATASET-K-folds, -N-seeds]",
    ),
    click.Option(
        ["--resume"],
        is_flag=True,
        help="continue the unfinished run in --run-dir, or the newest one with the same settings under runs/",
    ),
    click.Option(
        ["--tracker"], type=click.Choice(TRACKERS), multiple=True, help="tracker to log to as well (may be repeated)"
    ),
    click.Option(
        ["--metric"],
        multiple=True,
        help="further metric to compute, such as micro_f1:without=neutral, which leaves out a label (may be repeated)",
    ),
    click.Option(
        ["--predictions"],
        type=PATH,
        help=".csv or .jsonl file for the predicted labels of the test rows, with their ids and the probabilities",
    ),
    click.Option(["--json"], is_flag=True, help="print the result as JSON"),
    click.Option(
        ["--dry-run"],
        is_flag=True,
        help="print every setting of this run with its value and origin, and run nothing",
    ),
    click.Option(
        ["--seeds"],
        help="several seeds, such as 0-4 or 0,1,7: a run for each, and a table of mean and spread; the same command "
        "continues them",
    ),
    click.Option(
        ["--config"],
        type=PATH,
        help=".toml or .json file of settings by name, which flags override; also the output of --dry-run --json",
    ),
    click.Option(
        ["--settings"],
        help="settings as a JSON object, which flags override (`fecbench bench` starts its runs with it)",
    ),
    click.Option(
        ["--expected"],
        help="digests of rows and code as a JSON object; a run with other digests is refused (for `fecbench bench`)",
    ),
    click.Option(
        ["--trial"],
        help="digest of a search and number of its trial as a JSON object, to be recorded (for `fecbench bench`)",
    ),
    click.Option(
        ["--stop-with-stdin"],
        is_flag=True,
        help="stop as on Ctrl-C when standard input ends (for `fecbench bench`, whose runs end with it)",
    ),
]

METHODS_HELP = (
    "`fecbench run OBJECTIVE --help` describes the method, its source and its options; docs/methods/ of the repository "
    "has a page for each of fecbench's own methods."
)


class Objectives(click.Group):
    """A group with a command for each registered objective.

    Listing the objectives reads package metadata only; getting a command imports its objective.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all registered objectives."""
        return list(registry.objectives)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        """Return the command of one objective, with the run settings and the objective's own options."""
        registry.objectives.origin(cmd_name)  # refuse an unknown name before the slow import of torch
        with fast_import():
            from fecbench.objective.check import get_objective

            kind = get_objective(cmd_name)
        return _command(cmd_name, kind)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of objectives and a pointer to their descriptions, which only an import could give."""
        with formatter.section("Objectives"):
            formatter.write_dl([(origin.name, str(origin)) for origin in registry.objectives.origins()])
        formatter.write_paragraph()
        formatter.write_text(METHODS_HELP)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the objectives and options that begin with ``incomplete``, from package metadata only."""
        origins = [origin for origin in registry.objectives.origins() if origin.name.startswith(incomplete)]
        objectives = [CompletionItem(origin.name, help=str(origin)) for origin in origins]
        return objectives + click.Command.shell_complete(self, ctx, incomplete)


@click.command(cls=Objectives, subcommand_metavar="OBJECTIVE --dataset NAME [OPTIONS]")
def run() -> None:
    """Train an objective on a data set and test it.

    The run's record (settings, history, scores, predictions and weights) is written to a new folder under runs/.
    `fecbench run OBJECTIVE --help` lists the settings of a run and the objective's own options.

    \b
    Examples:
      fecbench run ce --dataset demo
      fecbench run aml --dataset ge --encoder minilm --seed 1
      fecbench run aml --dataset path/to/folder --dry-run
      fecbench run ce --dataset path/to/train.csv --folds 5
    """


def _command(name: str, kind: type[Objective]) -> click.Command:
    text = (kind.__doc__ or "").strip()
    if kind.citation:
        text += f"\n\nSource: {kind.citation}"
    return _ObjectiveCommand(name, kind, callback=lambda **values: _run(name, values), help=text)


class _ObjectiveCommand(click.Command):
    """The command of one objective.

    Its help lists the objective's own options first, and shows each option with the default of the objective's runs.
    """

    def __init__(self, name: str, kind: type[Objective], **arguments: Any):
        self.kind, self.own, self.settings = kind, options(kind.Config), options(RunSettings)
        super().__init__(name, params=[*self.settings, *COMMAND_OPTIONS, *self.own], **arguments)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections of options."""
        from fecbench.runs import defaults

        name = str(self.name)
        known = defaults.everywhere(name, self.kind)
        texts = {key: text for key, default in known.items() if (text := defaults.shown(default, name))}
        others = [param for param in self.get_params(ctx) if param not in (*self.own, *self.settings)]
        sections = {f"Options of {name}": self.own, "Settings of every run": self.settings, "Other options": others}
        for title, params in sections.items():
            records = [(param.get_help_record(ctx), texts.get(param.name or "")) for param in params]
            rows = [_with_default(*record, default) for record, default in records if record]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def _with_default(flag: str, text: str, default: str | None) -> tuple[str, str]:
    return flag, f"{text}  [default: {default}]" if default else text


def _run(name: str, values: dict[str, Any]) -> None:
    command = {option.name: values.pop(option.name) for option in COMMAND_OPTIONS if option.name}
    flags = {key: value for key, value in values.items() if value is not None}
    with fast_import():
        from fecbench.cli.repetitions import carry_out_all, repeats
        from fecbench.runs.plan import plan
    spec = {**_file_settings(command["config"]), **_spec_settings(command["settings"])}
    chosen = plan(name, flags, spec)
    if command["dry_run"]:
        _print_settings(chosen, command)
    elif repeats(chosen, {**spec, **flags}, command["seeds"]):
        carry_out_all(chosen, flags, spec, command)
    else:
        _carry_out(chosen, command)


def _carry_out(chosen: Plan, command: dict[str, Any]) -> None:
    with fast_import():
        import datasets  # noqa: F401  the run imports both anyway; here they are imported with the collector off
        import transformers.modeling_utils  # noqa: F401
        from accelerate import PartialState

        from fecbench.runs.experiment import RunContext
        from fecbench.runs.experiment import run as carry_out
        from fecbench.terminal.interrupt import Stop, handle_stop_signals
        from fecbench.terminal.run_progress import PREPARING, RunProgress

    expected, trial, stop = _expected(command["expected"]), _trial(command["trial"]), Stop()
    if command["stop_with_stdin"]:
        stop.with_stdin()
    observers = [RunProgress(), stop]
    context = RunContext(
        DataLocations(command["data_dir"]),
        command["run_dir"],
        command["resume"],
        command["tracker"],
        observers,
        expected,
        command["predictions"],
        command["metric"],
        trial,
    )
    handle_stop_signals(stop.ask)
    print_if_watched(PREPARING)
    try:
        record = carry_out(chosen, context)
    except KeyboardInterrupt:
        raise FecbenchError(
            "stopped; the same command with --resume continues after the last finished epoch "
            "(without --resume it starts again)"
        ) from None
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise FecbenchError(f"out of memory: {reason}; lower --batch-size or --max-length") from error
    if PartialState().is_main_process:  # of several ranks one prints the result
        _report(record, command["json"])
        echo(f'next: fecbench predict {_reference(record)} "a text", or fecbench leaderboard', err=True)
        _report_predictions(record, command["predictions"])


def _print_settings(chosen: Plan, command: dict[str, Any]) -> None:
    """Print every setting of a planned run with its value and origin, the objective's own options first.

    Raises:
        UsageError: the data set, metric, device or tracker is unknown.
        EncoderError: the encoder's folder does not exist.
        NeedsError: the batch is too small.
    """
    from fecbench.data.datasets.load import check_dataset_name
    from fecbench.model.encoders.load import check_encoder_name
    from fecbench.runs import defaults
    from fecbench.runs.prediction_tables import check_path
    from fecbench.training import devices
    from fecbench.training.metrics import check_metric_name

    if command["predictions"]:
        check_path(command["predictions"], command["run_dir"])
    check_dataset_name(chosen.settings.dataset)
    check_encoder_name(chosen.settings.encoder)
    for metric in command["metric"]:
        check_metric_name(metric)
    chosen.needs.check_size(chosen.settings.batch_size, chosen.who)
    devices.check(chosen.settings.device, command["tracker"])
    own = [key for key in chosen.origins if key in type(chosen.options).model_fields]
    settings = {key: chosen.origins[key] for key in dict.fromkeys([*own, *chosen.origins])}
    if command["json"]:
        print_json({"objective": chosen.name, "settings": {key: asdict(setting) for key, setting in settings.items()}})
        return
    rows = [
        [f"--{key.replace('_', '-')}", defaults.text(setting.value), setting.origin]
        for key, setting in settings.items()
    ]
    print_table(["setting", "value", "origin"], rows, f"{chosen.name} on {chosen.settings.dataset} (dry run)")


def _file_settings(path: Path | None) -> dict[str, Any]:
    """Return the settings in the file of ``--config``.

    Raises:
        UsageError: the file can't be read or holds something else.
    """
    if path is None:
        return {}
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text) if path.suffix.lower() == ".toml" else loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"--config must be a TOML or JSON file of settings, but {path}: {error}; correct it") from None
    settings = content.get("settings", content) if isinstance(content, dict) else content
    if not isinstance(settings, dict):
        raise UsageError(f"--config must hold settings by name, but {path} holds {type(settings).__name__}; correct it")
    # --dry-run --json prints each setting with its origin
    values = {name: given["value"] if isinstance(given, dict) else given for name, given in settings.items()}
    return {name.replace("-", "_"): value for name, value in values.items() if value is not None}


def _spec_settings(text: str | None) -> dict[str, Any]:
    """Return the settings given by ``--settings``.

    Raises:
        UsageError: the text is not a JSON object.
    """
    try:
        settings = {} if text is None else loads(text)
    except ValueError as error:
        raise UsageError(f"--settings must be a JSON object, but {error}; correct it") from error
    if not isinstance(settings, dict):
        raise UsageError(f"--settings must be a JSON object of settings by name, but is {text}; correct it")
    return settings


def _expected(text: str | None) -> RowsAndCode | None:
    """Return the digests of rows and code given by ``--expected``.

    Raises:
        UsageError: the text is not a JSON object of these digests.
    """
    from fecbench.runs.identity import RowsAndCode

    try:
        return None if text is None else RowsAndCode(**loads(text))
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"--expected must be a JSON object of the digests rows and code, but {error}; leave it out"
        ) from None


def _trial(text: str | None) -> RecordedTrial | None:
    """Return the trial of a search given by ``--trial``.

    Raises:
        UsageError: the text is not a JSON object of a trial.
    """
    from fecbench.runs.schema import RecordedTrial

    try:
        return None if text is None else RecordedTrial.model_validate_json(text)
    except ValueError:
        raise UsageError(
            "--trial must be a JSON object of a search's digest and the number of its trial, but isn't; leave it out"
        ) from None


def _reference(record: Record) -> str:
    """Return the name by which other commands find a run: its id if it is under ``runs``, else its folder."""
    return record.id if record.folder.parent == ROOT else shlex.quote(str(record.folder))


def _report(record: Record, as_json: bool) -> None:
    run_file, result = record.run_file, record.result_file
    if as_json:
        print_json(
            {
                "id": record.id,
                "folder": str(record.folder),
                "objective": run_file.objective.model_dump(exclude_unset=True),
                "dataset": run_file.dataset.name,
                **record.result,
            }
        )
        return
    scores = result.metrics.by_split()
    if not scores:  # a method that scores the test split alone, without labels there
        return
    names = score_columns({name: value for of_split in scores.values() for name, value in of_split.items()})
    data, best = run_file.dataset, result.best_epoch  # older records have no best epoch
    title = f"{run_file.objective.name} on {data.name}: {data.title or 'untitled'} (best epoch {best}, in %)"
    baseline = result.majority.scores if result.majority else {}
    print_table(
        ["split", *names],
        [
            *([split, *_texts(scores[split], names)] for split in scores),
            *([f"{split}, most frequent class", *_texts(of_split, names)] for split, of_split in baseline.items()),
        ],
        title,
    )
    if result.majority:
        echo(f"most frequent class: {result.majority.label} of the training rows, predicted for every text")


def _texts(scores: Mapping[str, float], names: Sequence[str]) -> list[str]:
    return [score_text(name, scores.get(name)) for name in names]


def _report_predictions(record: Record, asked: Path | None) -> None:
    """Print the file of the predictions if it was asked for, or if the test rows have no scores."""
    if record.result_file.metrics.test is None:
        echo(f"no test scores: the test split has no labels; its predictions: {record.folder / TABLE}", err=True)
    if asked:
        echo(f"written: {asked}", err=True)
