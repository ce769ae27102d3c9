"""Record the operations, copies and waits of every method: ``python -m tests.cuda.record_operations``."""

import json

from fecbench.testing.device_check.measure import device_reports
from tests.support.device_cases import BUDGETS, LABELS, case, counts, recorded


def main() -> None:
    """Write the file, and print what changed."""
    before = recorded() if BUDGETS.exists() else {}
    reports = dict(zip(LABELS, device_reports([case(label) for label in LABELS]), strict=True))
    now = {label: counts(report) for label, report in reports.items()}
    BUDGETS.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")
    for label, found in now.items():
        changes = [f"{key} {before.get(label, {}).get(key)} -> {n}" for key, n in found.items()
                   if before.get(label, {}).get(key) != n]  # fmt: skip
        print(f"{label}: {', '.join(changes) or 'unchanged'}")


if __name__ == "__main__":
    main()
