"""Plugins that can't be imported are named with their fault, and hurt no other plugin."""

import json
from collections.abc import Iterable
from typing import Any

import pytest

IMPORTS = {
    "nowhere": ("no_such_module:Thing", "", "ModuleNotFoundError"),
    "no such name": ("sick:Nothing", "x = 1", "AttributeError"),
    "an odd address": ("sick:a b:c", "", "can't be imported"),
    "an empty address": ("", "", "can't be imported"),
    "a private folder": (".sick:Thing", "", "can't be imported"),
    "syntax": ("sick:Thing", "def (", "SyntaxError"),
    "indentation": ("sick:Thing", "if 1:\nx = 1", "IndentationError"),
    "a missing package": ("sick:Thing", "import no_such_package", "ModuleNotFoundError"),
    "an exception": ("sick:Thing", "raise ValueError('boom')", "boom"),
    "an exception without words": ("sick:Thing", "raise ValueError", "ValueError"),
    "an exception that can't be printed": (
        "sick:Thing",
        "class Odd(Exception):\n    def __str__(self): raise ValueError\nraise Odd",
        "Odd",
    ),
    "division": ("sick:Thing", "1 / 0", "ZeroDivisionError"),
    "an exit": ("sick:Thing", "import sys; sys.exit(0)", "SystemExit"),
    "an exit with words": ("sick:Thing", "raise SystemExit('bye')", "bye"),
    "endless recursion": ("sick:Thing", "def f(): return f()\nf()", "RecursionError"),
    "an assertion": ("sick:Thing", "assert False", "AssertionError"),
    "a cycle": ("sick:Thing", "from sick import Thing", "ImportError"),
    "no memory": ("sick:Thing", "raise MemoryError", "MemoryError"),
    "a missing file": ("sick:Thing", "open('/no/such/file')", "FileNotFoundError"),
    "null bytes": ("sick:Thing", "x = 1\0", "can't be imported"),
}
USES = {
    "objectives": ["run", "sick", "--dataset", "demo"],
    "datasets": ["run", "ce", "--dataset", "sick"],
    "encoders": ["run", "ce", "--dataset", "demo", "--encoder", "sick"],
    "heads": ["run", "ce", "--dataset", "demo", "--head", "sick"],
}


def crossed(kinds: Iterable[str]) -> list[Any]:
    """Every fault in every kind: all of the first kind and a few of each always, the others marked ``trust``."""
    first, *_ = kinds
    few = ("nowhere", "syntax", "an exit")
    cases = [(kind, fault) for kind in kinds for fault in IMPORTS]
    rare = {case: [] if case[0] == first or case[1] in few else [pytest.mark.trust] for case in cases}
    return [
        pytest.param(kind, *IMPORTS[fault], id=f"{kind}: {fault}", marks=rare[kind, fault]) for kind, fault in cases
    ]


@pytest.mark.parametrize(("kind", "value", "code", "says"), crossed(USES))
def test_what_cannot_be_imported(judge, install, kind, value, code, says):
    install("sick-plugin", f"fecbench_{kind}", sick=value, code=code)
    judge.refuses(*USES[kind], says=("sick", "sick-plugin", "can't be imported", says, "fix or uninstall"))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["hooks", "metrics", "formats"])
def test_what_cannot_be_imported_and_is_only_met(judge, install, kind):
    """``fecbench plugins --check`` names it and all others work; the group's help still answers."""
    sick = {f"sick{number}": fault for number, fault in enumerate(IMPORTS.values())}
    for name, (value, code, _) in sick.items():
        entry = {name: value.replace("sick", name)}
        install(
            f"{name}-plugin",
            "fecbench" if kind == "hooks" else f"fecbench_{kind}",
            **entry,
            code=code.replace("sick", name),
        )
    answer = judge("plugins", "--check", "--json")
    assert answer.code == 1
    problems = {row["name"]: row["problem"] for row in json.loads(answer.out) if row["problem"]}
    assert set(problems) == set(sick)
    for name, (_, _, says) in sick.items():
        assert "can't be imported" in problems[name]
        assert says.replace("sick", name) in problems[name]
    assert judge("--help").code == 0
