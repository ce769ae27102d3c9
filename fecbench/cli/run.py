"""``fecbench run OBJECTIVE``: train an objective on a data set and test it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from fecbench.cli.common_options import DATA_DIR_HELP
from fecbench.cli.run_inputs import expected_digests, recorded_trial, settings_below_flags
from fecbench.cli.seed_numbers import seed_numbers
from fecbench.core import registry
from fecbench.core.errors import FecbenchError, UsageError
from fecbench.core.options import PATH, options
from fecbench.core.plugin_errors import out_of_memory
from fecbench.core.settings import RunSettings
from fecbench.data.datasets.locations import DataLocations
from fecbench.runs.observers import TRACKERS
from fecbench.terminal.fast_import import fast_import
from fecbench.terminal.output import print_if_watched, print_json, print_table

if TYPE_CHECKING:
    from fecbench.objective.objective import Objective
    from fecbench.runs.plan import Plan

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
        type=seed_numbers,
        metavar="SEEDS",
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
        help="digests of rows, code and labels as a JSON object; a run with other digests is refused (for `fecbench "
        "bench`)",
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
      fecbench run aml --dataset demo --seeds 0-4
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
    spec, seeds = settings_below_flags(command), command["seeds"]
    if seeds and "seed" in flags:
        raise UsageError("--seeds and --seed both choose seeds; leave one of them out")
    if seeds:
        flags["seed"] = seeds[0]
    chosen = plan(name, flags, spec)
    if command["dry_run"]:
        _print_settings(chosen, command)
    elif repeats(chosen, {**spec, **flags}, seeds):
        carry_out_all(chosen, flags, spec, command)
    else:
        _carry_out(chosen, command)


def _carry_out(chosen: Plan, command: dict[str, Any]) -> None:
    with fast_import():
        import datasets  # noqa: F401  the run imports both anyway; here they are imported with the collector off
        import transformers.modeling_utils  # noqa: F401
        from accelerate import PartialState

        from fecbench.cli.run_report import report
        from fecbench.runs.experiment import RunContext
        from fecbench.runs.experiment import run as carry_out
        from fecbench.terminal.interrupt import Stop, handle_stop_signals
        from fecbench.terminal.run_progress import PREPARING, RunProgress

    stop = Stop()
    if command["stop_with_stdin"]:
        stop.with_stdin()
    context = RunContext(
        DataLocations(command["data_dir"]),
        command["run_dir"],
        command["resume"],
        command["tracker"],
        [RunProgress(), stop],
        expected_digests(command["expected"]),
        command["predictions"],
        command["metric"],
        recorded_trial(command["trial"]),
    )
    handle_stop_signals(stop.ask)
    print_if_watched(PREPARING)
    try:
        record = carry_out(chosen, context)
    except KeyboardInterrupt:
        if not (stop.began or command["resume"]):
            raise FecbenchError("stopped before the training; give the same command to start again") from None
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
        report(record, command["json"], command["predictions"])


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
    seeds = command["seeds"] or ()
    about = f"dry run of the first of {len(seeds)} seeds" if len(seeds) > 1 else "dry run"
    print_table(["setting", "value", "origin"], rows, f"{chosen.name} on {chosen.settings.dataset} ({about})")
