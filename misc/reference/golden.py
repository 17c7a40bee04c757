"""Writes golden files: values from the Python originals that the TypeScript tests compare with.

A file test/golden/NAME.json holds who made it (script, its SHA-256, seed, library versions) and four parts:
settings (plain numbers), inputs, weights and expected (tensors: shape, dtype, values row by row).
"""

import hashlib
import json
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "test" / "golden"


def provenance(seed, packages):
    """Who makes the file that is being written, for the file itself."""
    script = Path(sys.argv[0]).resolve()
    return {
        "script": script.relative_to(ROOT).as_posix(),
        "scriptSha256": hashlib.sha256(script.read_bytes()).hexdigest(),
        "seed": seed,
        "versions": {"python": platform.python_version()} | {name: version(name) for name in packages},
    }


def write(name, *, seed, packages, inputs, expected, weights=None, settings=None):
    """Writes test/golden/NAME.json; tensors are anything that numpy can read."""
    parts = {"inputs": inputs, "weights": weights or {}, "expected": expected}
    stored = {part: {key: stored_tensor(value) for key, value in tensors.items()} for part, tensors in parts.items()}
    content = {"provenance": provenance(seed, packages), "settings": settings or {}} | stored
    path = GOLDEN / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, allow_nan=False, separators=(",", ":")) + "\n")
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1024:.1f} KiB")


def stored_tensor(value):
    """A tensor as JSON. Floating point numbers keep nine digits: enough to give a float32 back exactly."""
    array = np.asarray(value.detach() if hasattr(value, "detach") else value)
    if array.dtype == bool:
        return {"shape": array.shape, "dtype": "bool", "values": array.astype(int).ravel().tolist()}
    if np.issubdtype(array.dtype, np.integer):
        return {"shape": array.shape, "dtype": "int32", "values": array.ravel().tolist()}
    values = [float(f"{number:.9g}") for number in array.ravel()]
    return {"shape": array.shape, "dtype": "float32", "values": values}
