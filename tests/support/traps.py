"""A folder whose modules must not be imported."""

from pathlib import Path

MARK = "import pathlib\npathlib.Path(__file__).with_name('ran').touch()\n"


def set_trap(folder: Path) -> Path:
    """Fill a folder with a metric, and with modules named like those that fecbench and its engines import.

    A module that is imported leaves the file ``ran``. Returns the folder.
    """
    for module in ("catalogue", "evil", "filelock", "joblib", "ray", "distributed", "fecbench_ce", "torch"):
        (folder / f"{module}.py").write_text(MARK)
    found = folder / "evil-1.0.dist-info"
    found.mkdir()
    (found / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    (found / "entry_points.txt").write_text("[fecbench_metrics]\nevil = evil:evil\n")
    return folder
