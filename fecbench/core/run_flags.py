"""Names of all flags of ``fecbench run``, which an objective's own options must not have."""

from fecbench.core.settings import RunSettings

# Flags that are no settings: where a run reads and writes, and what it prints. The command defines them in the wing
# `cli`, which this wing can't import; a test compares the two.
COMMAND_FLAGS = frozenset(
    {
        "data_dir",
        "run_dir",
        "resume",
        "tracker",
        "json",
        "settings",
        "expected",
        "trial",
        "dry_run",
        "predictions",
        "stop_with_stdin",
        "help",
        "metric",
        "seeds",
        "config",
    }
)
RUN_FLAGS = COMMAND_FLAGS | set(RunSettings.model_fields)
