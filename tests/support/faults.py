"""Fork fecbench commands, each of which meets a fault at its n-th write: a kill, a power cut, a full disk.

Run as ``python faults.py``. It imports once what commands need, and reads orders from standard input, JSON lines::

    {"arguments": ["run", "ce"], "folder": "/where/writes/count", "fault": "kill", "at": 3, "room": 0,
     "cwd": ".", "environment": {}, "background": false}

Its answer is ``{"code": -9, "said": "...", "writes": ["open run.json"]}``. A write is counted before it happens,
whenever Python opens, renames, makes or removes something in the folder. The faults:

- ``kill`` ends the process at write ``at``.
- ``cut`` does so too, and content that wasn't flushed to the disk is lost, though file names stay.
- ``tear`` ends it as soon after that as a file would grow beyond ``room`` bytes.
- ``fill`` makes such a write fail instead, in Python as in compiled libraries.
- ``deny`` refuses root what file modes refuse everybody else.

``"after": 0.5`` ends the process that many seconds after its start, wherever it is. With ``"background": true`` a
thread writes a run's checkpoints, as on a GPU.
"""

import json
import os
import resource
import signal
import sys
import threading
import traceback
from importlib import import_module

CHANGES = {
    "os.rename": "rename",
    "os.remove": "remove",
    "os.mkdir": "make",
    "os.rmdir": "remove",
    "os.truncate": "truncate",
}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1 << 1, 1 << 2
NEEDED = (
    "datasets",
    "fecbench.cli.leaderboard",
    "fecbench.cli.run",
    "fecbench.runs.experiment",
    "sklearn.metrics",
    "transformers.models.bert",
)


class Writes:
    """An audit hook that counts writes, reports each, and brings the fault about."""

    def __init__(self, order, report):
        self.folder, self.report = order["folder"], report
        self.fault, self.at, self.room = order.get("fault"), order.get("at"), order.get("room", 0)
        self.count, self.flush = 0, os.fsync
        self.flushed = {path: os.path.getsize(path) for path in self.files()}  # noqa: PTH202
        os.fsync = self.fsync
        # now, since a write may strike in a thread, where no signal's handler can be set
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL if self.fault == "tear" else signal.SIG_IGN)

    def __call__(self, event, arguments):
        what = "open" if event == "open" and arguments[2] & WRITING else CHANGES.get(event)
        path = arguments[0] if arguments else None
        inside = isinstance(path, str | os.PathLike) and os.path.abspath(path).startswith(self.folder)  # noqa: PTH100
        if what and inside:
            os.write(self.report, f"{what} {os.path.basename(arguments[0])}\n".encode())  # noqa: PTH119
            self.count += 1
            if self.count - 1 == self.at:
                self.strike()
            if what == "rename":
                self.renamed(*map(os.path.abspath, arguments[:2]))

    def strike(self):
        if self.fault == "cut":
            for path in self.files():
                os.truncate(path, min(self.flushed.get(path, 0), os.path.getsize(path)))  # noqa: PTH202
        if self.fault in ("kill", "cut"):
            os.kill(os.getpid(), signal.SIGKILL)
        elif self.fault in ("tear", "fill"):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.room, resource.RLIM_INFINITY))

    def renamed(self, old, new):
        """Count the flushed bytes of a file, or of all files of a folder, for its new name."""
        self.flushed[new] = self.flushed.pop(old, 0)
        for path in [path for path in self.flushed if path.startswith(f"{old}{os.sep}")]:
            self.flushed[new + path.removeprefix(old)] = self.flushed.pop(path)

    def files(self):
        walk = os.walk(self.folder)
        return [os.path.join(folder, name) for folder, _, names in walk for name in names]  # noqa: PTH118

    def fsync(self, descriptor):
        self.flush(descriptor)
        self.flushed[os.readlink(f"/proc/self/fd/{descriptor}")] = os.fstat(descriptor).st_size  # noqa: PTH115


def deny():
    """Give up root's right to pass over file modes; nobody else has it."""
    import ctypes

    if os.geteuid():
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header, data = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    libc.capget(header, data)
    data[0] &= ~(CAP_DAC_OVERRIDE | CAP_DAC_READ_SEARCH)
    if libc.capset(header, data):
        raise OSError(ctypes.get_errno(), "capset")


def carry_out(order, out, report):
    """The child: one command from beginning to end."""
    from fecbench.cli import main
    from fecbench.runs import experiment
    from fecbench.training.checkpoints import Checkpoints

    if order.get("background"):
        experiment.Checkpoints = lambda folder, run, background: Checkpoints(folder, run, background=True)
    os.chdir(order.get("cwd", "."))
    os.environ.update(order.get("environment", {}))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(out, number)
        setattr(sys, name, os.fdopen(number, "w"))
    sys.argv = ["fecbench", *order["arguments"]]
    if order.get("fault") == "deny":
        deny()
    sys.addaudithook(Writes(order, report))
    signal.setitimer(
        signal.ITIMER_REAL, order.get("after", 0)
    )  # nobody handles the alarm, so that it ends the process as a kill does
    code = 1
    try:
        main()
        code = 0
    except SystemExit as stop:
        code = stop.code or 0
    except BaseException:
        traceback.print_exc()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def answer(order):
    said, out = os.pipe()
    written, report = os.pipe()
    child = os.fork()
    if not child:
        carry_out(order, out, report)
    os.close(out)
    os.close(report)
    found = {}
    readers = [
        threading.Thread(target=lambda n=n, f=f: found.update({n: os.fdopen(f, "rb").read()}))
        for n, f in ((0, said), (1, written))
    ]
    for reader in readers:
        reader.start()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    for reader in readers:
        reader.join()
    return {"code": code, "said": found[0].decode(), "writes": found[1].decode().splitlines()}


if __name__ == "__main__":
    for module in NEEDED:
        import_module(module)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
