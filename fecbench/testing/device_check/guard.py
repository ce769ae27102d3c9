"""Compile the library that gives a build of torch without CUDA a fake CUDA device; once for each version of torch."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import torch
from filelock import FileLock
from platformdirs import user_cache_path

from fecbench.core.text import shortened
from fecbench.testing.findings import NotHere
from fecbench.training.devices import compiler

SOURCE = Path(__file__).with_name("guard.cpp")
TORCH = Path(torch.__file__).parent


def library() -> Path:
    """Return the compiled library of ``guard.cpp``, from the user's cache folder if it is there.

    Raises:
        NotHere: the system isn't Linux, there is no compiler, it fails, or the cache folder can't be written.
    """
    if sys.platform != "linux":
        raise NotHere(f"the fake CUDA device needs Linux, but this is {sys.platform}; check on a machine with a GPU")
    path = user_cache_path("fecbench") / "fake-cuda" / f"{torch.__version__}-{_digest()}.so"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            if not path.exists():
                _compile(path)
    except OSError as error:
        raise NotHere(f"the fake CUDA device needs a writable cache folder: {error}") from error
    return path


def _digest() -> str:
    return hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:12]


def _compile(path: Path) -> None:
    program = compiler()
    if program is None:
        raise NotHere(
            "the fake CUDA device needs a C++ compiler (g++ or clang++, or one that CXX names), but there is none; "
            "install one, or check on a machine with a GPU"
        )
    draft = path.with_suffix(f".{os.getpid()}.unfinished")
    done = subprocess.run([program, *_arguments(draft)], capture_output=True, text=True, errors="replace")
    if done.returncode:
        lines = done.stderr.splitlines()
        errors = [line for line in lines if "error" in line] or lines or [f"exit status {done.returncode}"]
        raise NotHere(f"the fake CUDA device can't be compiled by {program}: {shortened(errors, 2)}")
    draft.replace(path)


def _arguments(output: Path) -> list[str]:
    abi = f"-D_GLIBCXX_USE_CXX11_ABI={int(torch.compiled_with_cxx11_abi())}"
    compiling = ["-shared", "-fPIC", "-std=c++20", "-O0", abi, f"-I{TORCH / 'include'}", str(SOURCE)]
    linking = [f"-L{TORCH / 'lib'}", f"-Wl,-rpath,{TORCH / 'lib'}", "-Wl,--no-as-needed", "-ltorch_cpu", "-lc10"]
    return [*compiling, "-o", str(output), *linking]
