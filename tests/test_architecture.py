"""One direction of imports: a wing imports only wings to its left, core knows no plugin, plugins use public names."""

import ast
from pathlib import Path

import pytest

import fecbench
from fecbench.cli.run import COMMAND_OPTIONS
from fecbench.core.run_flags import COMMAND_FLAGS
from tests.support import ROOT

PACKAGE = ROOT / "fecbench"
WINGS = [
    *("core", "data", "model", "objective", "training", "runs", "bench", "results"),
    *("terminal", "api", "sklearn", "testing", "cli"),
]
PLUGINS = sorted(path for path in (ROOT / "plugins").iterdir() if path.is_dir() and path.name.startswith("fecbench_"))


def imported(path: Path) -> list[str]:
    """Full names of all that a file imports, in functions, type-checking blocks and ``import_module`` calls too."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Call) and _called(node.func) == "import_module":
            names.append(_literal_start(node.args[0]))
    return names


def _called(function: ast.expr) -> str:
    """Return the last name of a called function: ``importlib.import_module`` -> ``import_module``."""
    return getattr(function, "attr", getattr(function, "id", ""))


def _literal_start(text: ast.expr) -> str:
    """Return a string literal, or what an f-string begins with; "" for any other expression."""
    if isinstance(text, ast.JoinedStr) and text.values:
        text = text.values[0]
    return str(text.value) if isinstance(text, ast.Constant) else ""


def relative_imports(folder: Path) -> list[str]:
    """Return the files and lines of ``from . import x``, whose wing :func:`imported` can't name."""
    return [
        f"{path.relative_to(ROOT)}, line {node.lineno}"
        for path in sorted(folder.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    ]


def offences(folder: Path, is_allowed) -> list[str]:
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sorted(folder.rglob("*.py"))
        for name in imported(path)
        if not is_allowed(name.split("."))
    ]


def test_the_package_holds_its_wings_and_no_loose_module():
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == set(WINGS)
    assert {path.name for path in PACKAGE.glob("*.py")} == {"__init__.py", "__main__.py"}


@pytest.mark.parametrize("wing", WINGS)
def test_a_wing_imports_only_wings_to_its_left(wing):
    allowed = WINGS[: WINGS.index(wing) + 1]

    def is_allowed(parts):
        return parts[0] != "fecbench" or (len(parts) > 1 and parts[1] in allowed)

    assert offences(PACKAGE / wing, is_allowed) == []


@pytest.mark.parametrize("folder", [PACKAGE, *PLUGINS], ids=lambda path: path.name)
def test_imports_are_absolute(folder):
    assert relative_imports(folder) == []


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("from fecbench.cli import run", ["fecbench.cli.run"]),
        ("def f():\n    import fecbench.cli", ["fecbench.cli"]),
        ('import_module("fecbench.cli.run")', ["fecbench.cli.run"]),
        ('importlib.import_module(f"fecbench.cli.{name}")', ["fecbench.cli."]),
        ("import_module(name)", [""]),
    ],
)
def test_imports_of_every_form_are_seen(tmp_path, code, names):
    (tmp_path / "code.py").write_text(code)
    assert imported(tmp_path / "code.py") == names


def test_no_wing_imports_a_plugin():
    assert offences(PACKAGE, lambda parts: not parts[0].startswith("fecbench_")) == []


@pytest.mark.parametrize("wing", WINGS)
def test_a_wing_says_what_it_is_for(wing):
    doc = ast.get_docstring(ast.parse((PACKAGE / wing / "__init__.py").read_text(encoding="utf-8"))) or ""
    assert 2 <= len(doc.splitlines()) <= 5 or wing in ("testing", "cli")


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_plugins_import_only_public_names(plugin):
    def is_allowed(parts):
        if parts[0] == "fecbench":
            return parts[1] in fecbench.__all__
        return parts[0] == plugin.name or not parts[0].startswith("fecbench_")

    assert offences(plugin, is_allowed) == []


def test_tests_import_helpers_from_support_alone():
    def is_allowed(parts):
        return parts[0] != "tests" or parts[1] == "support"

    assert offences(ROOT / "tests", is_allowed) == []


def test_public_names_are_there():
    assert sorted(fecbench.__all__) == sorted(fecbench._HOMES)
    for name in fecbench.__all__:
        assert getattr(fecbench, name).__module__.startswith("fecbench") or name in ("hookimpl", "PATH")
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        fecbench.Nothing  # noqa: B018


def test_no_public_name_is_hidden_by_a_wing():
    assert not {*WINGS} & {*fecbench.__all__}


def test_run_flags_are_known_where_clashes_are_refused():
    assert {option.name for option in COMMAND_OPTIONS} | {"help"} == COMMAND_FLAGS
