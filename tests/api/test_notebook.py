"""The example notebook runs from its first cell to its last, and shows what it says."""

import json
import os
import subprocess
import sys

import pytest

from tests.support import ROOT

pytestmark = pytest.mark.slow

NOTEBOOK = ROOT / "examples" / "notebook.ipynb"
# In a process of its own: the threads and sockets of a kernel's client outlive the call.
EXECUTE = """
import sys
import nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
client = NotebookClient(notebook, timeout=900, kernel_name="python3", resources={"metadata": {"path": sys.argv[2]}})
client.execute()
nbformat.write(notebook, sys.argv[3])
"""


@pytest.fixture(scope="module")
def outputs(tmp_path_factory) -> dict[str, str]:
    """The output of each cell as JSON text, by the cell's id."""
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    home = tmp_path_factory.mktemp("notebook")
    folders = {"IPYTHONDIR": "ipython", "JUPYTER_RUNTIME_DIR": "runtime", "JUPYTER_CONFIG_DIR": "config"}
    environment = {
        **os.environ,
        **{name: str(home / folder) for name, folder in folders.items()},
        "JUPYTER_PLATFORM_DIRS": "1",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-c", EXECUTE, NOTEBOOK, home, home / "done.ipynb"]
    done = subprocess.run(list(map(str, command)), env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    cells = json.loads((home / "done.ipynb").read_text(encoding="utf-8"))["cells"]
    return {cell["id"]: json.dumps(cell.get("outputs", []), ensure_ascii=False) for cell in cells}


def test_a_run_shows_its_epochs_scores_and_curve(outputs):
    assert "epoch 2/2" in outputs["train"]
    assert "<polyline" in outputs["train"]
    assert "macro_f1" in outputs["scores"]


def test_the_bar_is_gone_at_the_end_and_asks_for_no_widgets(outputs):
    shown = "".join(outputs.values())
    assert "<progress" not in shown
    assert "ipywidgets" not in shown


def test_predictions_and_tables_are_shown(outputs):
    assert "<th>probability</th>" in outputs["predict"]
    assert "test_macro_f1" in outputs["more-runs"]
    assert "supcon" in outputs["leaderboard"]


def test_scikit_learn_scores_and_predicts(outputs):
    assert "array([" in outputs["sklearn"]
    assert "array([" in outputs["fitted"]


def test_the_notebook_is_committed_without_outputs():
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in cells if cell["cell_type"] == "code")
