"""The documentation says what is so."""

import importlib.util
import re

import pytest

from fecbench import Objective
from fecbench.data.datasets.locations import DataLocations
from fecbench.runs.experiment import Workplace, run
from fecbench.runs.plan import plan
from tests.support import ROOT


def test_the_command_line_page_is_up_to_date():
    spec = importlib.util.spec_from_file_location("make_cli", ROOT / "docs" / "make_cli.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text(encoding="utf-8") == module.page(), "run: python docs/make_cli.py"


@pytest.mark.parametrize("page", ["README.md", "docs/plugins.md"])
def test_python_blocks_run_and_their_objectives_train(page, toy, tmp_path, monkeypatch, registered):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, page, "exec"), names)
    kinds = [
        kind
        for kind in names.values()
        if isinstance(kind, type) and issubclass(kind, Objective) and kind is not Objective
    ]
    assert kinds
    for kind in kinds:
        flags = {"dataset": str(toy), "encoder": "scratch", "epochs": 2, "device": "cpu"}
        record = run(
            plan(registered(kind.__name__.lower(), kind), flags), Workplace(DataLocations(), tmp_path / kind.__name__)
        )
        assert record.status == "complete"


@pytest.mark.parametrize(
    "page", [*sorted(ROOT.glob("docs/**/*.md")), ROOT / "README.md"], ids=lambda page: str(page.relative_to(ROOT))
)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert link.startswith("http") or (page.parent / link).exists(), link
