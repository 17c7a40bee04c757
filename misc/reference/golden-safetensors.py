"""A file written by the Python safetensors package, and the bytes and arrays that our code has to give back.

test/golden/safetensors.json  the file in base64 (settings: none), and its arrays under `expected`
"""

import base64
import json

from golden import GOLDEN, provenance, stored_tensor

import numpy as np
from safetensors.numpy import load, save

SEED = 20220922


def main():
    random = np.random.default_rng(SEED)
    arrays = {
        "encoder.hidden.kernel": random.standard_normal((3, 5)).astype("float32"),
        "encoder.hidden.bias": random.standard_normal(5).astype("float32"),
        "step": np.array(17, dtype="int32"),
        "10": random.standard_normal(2).astype("float32"),
        "étage": random.standard_normal((0, 4)).astype("float32"),
        "mask": random.uniform(size=(2, 3)) < 0.5,
        "double": random.standard_normal(3),
        "long": np.array([-(2**31), 2**31 - 1], dtype="int64"),
        "bytes": random.integers(0, 256, size=7, dtype="uint8"),
    }
    metadata = {"seed": str(SEED)}
    content = save(arrays, metadata=metadata)
    again = load(content)
    assert all(np.array_equal(again[name], array) for name, array in arrays.items())
    golden = {
        "provenance": provenance(SEED, ["safetensors", "numpy"]),
        "inputs": {},
        "expected": {name: stored_tensor(array) for name, array in arrays.items()},
        "metadata": metadata,
        "base64": base64.b64encode(content).decode(),
    }
    path = GOLDEN / "safetensors.json"
    path.write_text(json.dumps(golden, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(f"{path.name}: {path.stat().st_size / 1024:.1f} KiB")


if __name__ == "__main__":
    main()
