"""``fecbench run NAME``: train an objective on a data set, and test it."""

from __future__ import annotations

import signal
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from fecbench.cli.terminal.fast_import import fast_import
from fecbench.cli.terminal.output import percent, print_json, print_table, score_columns
from fecbench.core import registry
from fecbench.core.errors import FecbenchError, UsageError
from fecbench.core.options import PATH, options
from fecbench.core.plugin_errors import out_of_memory
from fecbench.core.settings import RunSettings
from fecbench.core.strict_json import loads
from fecbench.data.datasets.locations import DataLocations
from fecbench.runs.observers import TRACKERS

if TYPE_CHECKING:
    from fecbench.objective.objective import Objective
    from fecbench.runs.plan import Plan
    from fecbench.runs.provenance import Content
    from fecbench.runs.record import Record

PLACE_OPTIONS: list[click.Parameter] = [
    click.Option(["--data-dir"], type=PATH, help="folder with a folder for each data set"),
    click.Option(["--run-dir"], type=PATH, help="directory of the run's record  [default: a new one under runs/]"),
    click.Option(
        ["--resume"],
        is_flag=True,
        help="continue the unfinished run in --run-dir, or the newest of the same settings under runs/",
    ),
    click.Option(
        ["--tracker"], type=click.Choice(TRACKERS), multiple=True, help="log to this tracker too (may be repeated)"
    ),
    click.Option(["--json"], is_flag=True, help="print the result as JSON"),
    click.Option(
        ["--dry-run"],
        is_flag=True,
        help="print every setting as this run would use it, and where it comes from; run nothing",
    ),
    click.Option(
        ["--settings"],
        help="settings as a JSON object, which flags overrule; the runs of a benchmark's spec are started so",
    ),
    click.Option(
        ["--expected"],
        help="digests of rows and code as a JSON object; a run of others is refused, as a benchmark wants it",
    ),
    click.Option(
        ["--stop-with-stdin"],
        is_flag=True,
        help="stop as on Ctrl-C when standard input ends: a benchmark's runs end with it",
    ),
]


class Objectives(click.Group):
    """Each registered objective is a command; listing reads metadata alone, asking for one imports it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all registered objectives."""
        return list(registry.objectives)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        """The command of one objective: run flags and its own options."""
        registry.objectives.origin(cmd_name)  # a wrong name is told before anything heavy is imported
        with fast_import():
            from fecbench.objective.check import get_objective

            kind = get_objective(cmd_name)
        return _command(cmd_name, kind)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table of objectives."""
        with formatter.section("Objectives"):
            formatter.write_dl([(origin.name, str(origin)) for origin in registry.objectives.origins()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Objectives that begin so, by metadata alone, and options."""
        origins = [origin for origin in registry.objectives.origins() if origin.name.startswith(incomplete)]
        named = [CompletionItem(origin.name, help=str(origin)) for origin in origins]
        return named + click.Command.shell_complete(self, ctx, incomplete)


@click.command(cls=Objectives, subcommand_metavar="OBJECTIVE --dataset NAME [OPTIONS]")
def run() -> None:
    """Train an objective on a data set, and test it.

    `fecbench run OBJECTIVE --help` shows its own options.
    """


def _command(name: str, kind: type[Objective]) -> click.Command:
    own = options(kind.Config)
    params = [*options(RunSettings), *PLACE_OPTIONS, *own]
    summary = (kind.__doc__ or "").strip()
    source = f"\n\nSource: {kind.citation}" if kind.citation else ""
    return _ObjectiveCommand(
        name, kind, params=params, callback=lambda **given: _run(name, given), help=f"{summary}{source}", own=own
    )


class _ObjectiveCommand(click.Command):
    """Shows the objective's own options apart from those of every run, each with the default that the objective's runs use."""

    def __init__(self, name: str, kind: type[Objective], own: list[click.Parameter], **arguments: Any):
        super().__init__(name, **arguments)
        self.kind, self.own = kind, own

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Two sections."""
        from fecbench.runs import defaults

        known = defaults.everywhere(str(self.name), self.kind)
        told = {key: text for key, default in known.items() if (text := defaults.shown(default, str(self.name)))}
        for title, params in (
            (f"Options of {self.name}", self.own),
            ("Options of every run", [p for p in self.get_params(ctx) if p not in self.own]),
        ):
            rows = [(row, told.get(param.name or "")) for param in params if (row := param.get_help_record(ctx))]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(
                        [(flag, f"{text}  [default: {default}]" if default else text) for (flag, text), default in rows]
                    )


def _run(name: str, given: dict[str, Any]) -> None:
    places = {option.name: given.pop(option.name) for option in PLACE_OPTIONS if option.name}
    flags = {key: value for key, value in given.items() if value is not None}
    with fast_import():
        from fecbench.runs.plan import plan
    chosen = plan(name, flags, _spec_settings(places["settings"]))
    if places["dry_run"]:
        _print_settings(chosen, places)
    else:
        _carry_out(chosen, places)


def _carry_out(chosen: Plan, places: dict[str, Any]) -> None:
    with fast_import():
        import datasets  # noqa: F401  this and the next: the run needs them in a moment
        import transformers.modeling_utils  # noqa: F401
        from accelerate import PartialState

        from fecbench.cli.terminal.interrupt import Stop
        from fecbench.cli.terminal.run_progress import RunProgress
        from fecbench.runs.experiment import Workplace
        from fecbench.runs.experiment import run as carry_out

    expected, stop = _expected(places["expected"]), Stop()
    if places["stop_with_stdin"]:
        stop.with_stdin()
    observers = [RunProgress(), stop]
    workplace = Workplace(
        DataLocations(places["data_dir"]), places["run_dir"], places["resume"], places["tracker"], observers, expected
    )
    for number in (signal.SIGINT, signal.SIGTERM):  # a scheduler's stop is a user's stop: clean and resumable
        signal.signal(number, stop.ask)
    try:
        record = carry_out(chosen, workplace)
    except KeyboardInterrupt:
        raise FecbenchError(
            "stopped; the same command with --resume continues after the last finished epoch (without, it starts afresh)"
        ) from None
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise FecbenchError(f"memory ran out: {reason}; lower --batch-size or --max-length") from error
    if PartialState().is_main_process:
        _report(record, places["json"])


def _print_settings(chosen: Plan, places: dict[str, Any]) -> None:
    """Print every setting of a planned run with its value and origin, the objective's own options first.

    Raises:
        UsageError: there is no such data set, device or tracker.
        EncoderError: there is no such folder.
        NeedsError: the batch is too small.
    """
    from fecbench.data.datasets.load import check_dataset_name
    from fecbench.model.encoders.load import check_encoder_name
    from fecbench.runs import defaults
    from fecbench.training import devices

    check_dataset_name(chosen.settings.dataset)
    check_encoder_name(chosen.settings.encoder)
    chosen.needs.check_size(chosen.settings.batch_size, chosen.who)
    devices.check(chosen.settings.device, places["tracker"])
    own = [key for key in chosen.origins if key in type(chosen.options).model_fields]
    settings = {key: chosen.origins[key] for key in dict.fromkeys([*own, *chosen.origins])}
    if places["json"]:
        print_json({"objective": chosen.name, "settings": {key: asdict(setting) for key, setting in settings.items()}})
        return
    rows = [
        [f"--{key.replace('_', '-')}", defaults.text(setting.value), setting.origin]
        for key, setting in settings.items()
    ]
    print_table(["setting", "value", "origin"], rows, f"{chosen.name} on {chosen.settings.dataset}: nothing is run")


def _spec_settings(text: str | None) -> dict[str, Any]:
    """The settings that ``--settings`` gives.

    Raises:
        UsageError: it is no JSON object.
    """
    try:
        given = {} if text is None else loads(text)
    except ValueError as error:
        raise UsageError(f"--settings must be a JSON object: {error}; correct it") from error
    if not isinstance(given, dict):
        raise UsageError(f"--settings must be a JSON object of settings by name, found {text}; write one")
    return given


def _expected(text: str | None) -> Content | None:
    """The rows and code that ``--expected`` names.

    Raises:
        UsageError: it names something else.
    """
    from fecbench.runs.provenance import Content

    try:
        return None if text is None else Content(**loads(text))
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"--expected must be a JSON object of the digests rows and code: {error}; leave it out"
        ) from None


def _report(record: Record, as_json: bool) -> None:
    run_file, result = record.run_file, record.result_file
    if as_json:
        print_json(
            {
                "id": record.id,
                "folder": str(record.folder),
                "objective": record.about["objective"],
                "dataset": run_file.dataset.name,
                **record.result,
            }
        )
        return
    scores = result.metrics.by_split()
    names = score_columns(scores["test"])
    data, best = run_file.dataset, result.best_epoch
    title = f"{run_file.objective.name} on {data.name}: {data.title or 'untitled'} (best epoch {best}, in %)"
    print_table(
        ["split", *names], [[split, *(percent(scores[split][name]) for name in names)] for split in scores], title
    )
