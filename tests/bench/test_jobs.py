"""Jobs shared by independent benches, and device slots; a stub stands in for each process."""

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from threading import Thread

import pytest
import torch

from fecbench.bench.device_slots import slot
from fecbench.bench.job import Job, carry_out, claimed
from fecbench.bench.workers import Workers, execute
from fecbench.core.errors import FecbenchError, RunError, UsageError
from fecbench.runs.record import FAILURE, RESULT


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Jobs whose process is a stub that notes its name and ends as told: ``stand_in("complete", "failed")``."""
    (tmp_path / "logs").mkdir()
    script = tmp_path / "process"
    script.write_text(
        '#!/bin/sh\nmkdir -p "$3"; echo "$4" >> "$3/../started"\n'
        'n=0; while test "$(wc -l < "$3/../started")" -lt "$5" && test $n -lt 600; do sleep 0.1; n=$((n + 1)); done\n'
        'test $n -lt 600 || touch "$3/../alone"\n'
        'test "$4" = complete && echo "{}" > "$3/result.json" || echo "{\\"status\\": \\"$4\\"}" > "$3/failure.json"\n'
    )
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))

    def make(*ends: str, together: int = 1) -> list[Job]:
        def folder(number):
            return str(tmp_path / f"{number}")

        log = tmp_path / "logs"
        return [Job((folder(n), end, str(together)), folder(n), str(log / f"{n}.log")) for n, end in enumerate(ends)]

    return make


def started(tmp_path: Path) -> list[str]:
    return (tmp_path / "started").read_text().split()


def test_what_a_process_prints_goes_to_no_file_elsewhere(stand_in, tmp_path):
    """A root that somebody sent could hold a link in the place of a log, or a pipe, which nobody reads."""
    linked, piped = stand_in("complete", "complete")
    (tmp_path / "mine").write_text("kept")
    Path(linked.log).symlink_to(tmp_path / "mine")
    os.mkfifo(piped.log)
    with pytest.raises(RunError, match=r"0\.log must be a file in .*logs, but leads to .*mine"):
        carry_out(linked)
    with pytest.raises(RunError, match=r"1\.log can't be written: it isn't a file"):
        carry_out(piped)
    assert (tmp_path / "mine").read_text() == "kept"
    assert not (tmp_path / "started").exists()


def test_what_another_is_at_is_left_to_it(stand_in, tmp_path):
    one, other = stand_in("complete", "complete")
    with claimed(one) as mine:
        assert mine
        assert one.is_taken
        assert not carry_out(one)
        assert carry_out(other)
    assert not one.is_taken
    assert carry_out(one)
    assert carry_out(one)
    assert started(tmp_path) == ["complete", "complete"]


@pytest.mark.parametrize(("left", "starts"), [("complete", 1), ("failed", 1), ("interrupted", 2), ("unfinished", 2)])
def test_what_another_gave_up_is_taken_over_and_what_failed_is_not_tried_twice(stand_in, tmp_path, left, starts):
    one, other = stand_in("complete", "complete")
    with claimed(one):
        bench = Thread(target=execute, args=([one, other], Workers()))
        bench.start()
        waited = time.monotonic()
        while other.status != "complete" and time.monotonic() - waited < 300:
            time.sleep(0.05)
        assert other.status == "complete"
        assert one.status == "unfinished"
        assert bench.is_alive()
        Path(one.folder).mkdir()
        if left == "complete":
            (Path(one.folder) / RESULT).write_text("{}")
        elif left != "unfinished":
            (Path(one.folder) / FAILURE).write_text(json.dumps({"status": left}))
    bench.join(60)
    assert not bench.is_alive()
    assert len(started(tmp_path)) == starts


def test_benches_that_start_together_do_not_walk_in_step(stand_in, tmp_path):
    jobs = stand_in(*["complete"] * 8, together=4)
    benches = [Thread(target=lambda: [carry_out(job) for job in jobs]) for _ in range(4)]
    for bench in benches:
        bench.start()
    for bench in benches:
        bench.join()
    assert not (tmp_path / "alone").exists()  # a job ends once four have begun
    assert started(tmp_path) == ["complete"] * 8


def test_devices_are_named_and_leased(tmp_path, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 73)
    with pytest.raises(UsageError, match="found 'gpu0'"):
        Workers(devices=("gpu0",))
    devices = ("cuda:71", "cuda:72")
    with slot(devices, 1) as one, slot(devices, 1) as other:
        assert {one["CUDA_VISIBLE_DEVICES"], other["CUDA_VISIBLE_DEVICES"]} == {"71", "72"}
    with slot(devices, 1) as free:
        assert free == {"CUDA_VISIBLE_DEVICES": "71"}
    with slot(("cuda:0",), 2) as one, slot(("cuda:0",), 2) as other:
        assert one == other == {"CUDA_VISIBLE_DEVICES": "0"}
    with slot(("cpu",), 1) as none:
        assert none == {"CUDA_VISIBLE_DEVICES": ""}
    with slot((), 1) as unnamed:
        assert unnamed == {}


def test_a_device_that_is_not_there_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "83,84")  # what a scheduler gave
    with slot(("cuda:1",), 1) as given:
        assert given == {"CUDA_VISIBLE_DEVICES": "84"}
    with (
        pytest.raises(FecbenchError, match=r"cuda:2 isn't among the 2 GPUs .*CUDA_VISIBLE_DEVICES is '83,84'"),
        slot(("cuda:2",), 1),
    ):
        pass
    (tmp_path / "file").touch()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "file"))
    with pytest.raises(RunError, match="set TMPDIR"), slot(("cpu",), 1):
        pass
