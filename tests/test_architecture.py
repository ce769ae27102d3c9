"""One direction of imports: each room sees the rooms to its left; core sees no plugin; plugins see public names alone."""

import ast
from pathlib import Path

import pytest

import fecbench
from fecbench.cli.run import PLACE_OPTIONS
from fecbench.objective import RUN_FLAGS
from fecbench.settings import RunSettings

ROOT = Path(__file__).parent.parent
ROOMS = [
    "errors",
    "paths",
    "strictjson",
    "guard",
    "markdown",
    "atomic",
    "registry",
    "hooks",
    "settings",
    "hub",
    "datasets",
    "encoders",
    "packing",
    "attention",
    "forms",
    "tokenising",
    "batching",
    "streams",
    "distributed",
    "clustering",
    "contrast",
    "separation",
    "heads",
    "language",
    "model",
    "objective",
    "players",
    "metrics",
    "stepper",
    "evaluation",
    "checkpoints",
    "trainer",
    "devices",
    "tracking",
    "defaults",
    "planning",
    "building",
    "schema",
    "seals",
    "runs",
    "recording",
    "provenance",
    "resuming",
    "experiment",
    "specs",
    "matrix",
    "slots",
    "safepath",
    "jobs",
    "engine",
    "done",
    "benchmark",
    "estimates",
    "progress",
    "prediction",
    "export",
    "comparison",
    "cases",
    "plots",
    "leaderboard",
    "testing",
    "cli",
]
SOURCES = sorted((ROOT / "fecbench").rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(ROOT / "fecbench").parts[0].removesuffix(".py")


def imported(path: Path) -> list[str]:
    """Full names of everything a file imports, inside functions and type-checking blocks too."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_imports_only_rooms_to_its_left(path):
    here = room(path)
    if here in ("__init__", "__main__", "testing", "cli"):  # the command line and the test kit see everything
        return
    for name in imported(path):
        parts = name.split(".")
        assert not parts[0].startswith("fecbench_"), f"core imports the plugin {name}"
        if parts[0] == "fecbench" and len(parts) > 1 and parts[1] in ROOMS:
            assert ROOMS.index(parts[1]) <= ROOMS.index(here), f"{here} imports {name}, which is to its right"


def test_every_file_is_in_a_room():
    assert {room(path) for path in SOURCES} - {"__init__", "__main__"} == set(ROOMS)


@pytest.mark.parametrize("path", sorted((ROOT / "plugins").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_plugins_import_only_public_names(path):
    own = path.relative_to(ROOT / "plugins").parts[0]
    for name in imported(path):
        parts = name.split(".")
        if parts[0] == "fecbench":
            assert parts[1] in fecbench.__all__, f"{name} is no public name"
        assert parts[0] == own or not parts[0].startswith("fecbench_"), f"{own} imports another plugin, {name}"


def test_public_names_are_there():
    assert sorted(fecbench.__all__) == sorted(fecbench._HOMES)
    for name in fecbench.__all__:
        assert getattr(fecbench, name).__module__.startswith("fecbench") or name == "hookimpl"
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        fecbench.Nothing  # noqa: B018


def test_run_flags_are_known_where_clashes_are_refused():
    flags = {option.name for option in PLACE_OPTIONS} | set(RunSettings.model_fields) | {"help"}
    assert flags == RUN_FLAGS
