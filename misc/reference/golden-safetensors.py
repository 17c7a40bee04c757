"""A file written by the Python safetensors package, and the bytes and arrays that our code has to give back.

test/golden/safetensors.json  the file in base64 (settings: none), and its arrays under `expected`; under `half` a file of
                              half-precision arrays in base64, and what they are as float32, as bytes in base64
"""

import base64
import json

from golden import GOLDEN, provenance, stored_tensor

import numpy as np
import torch
from safetensors.numpy import load, save
from safetensors.torch import save as save_torch

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
    numbers = torch.tensor([0.0, -0.0, 1.0, -2.5, 6e-8, -6e-5, 6.1e-5, 65504.0, 3e38, -1e-40, float("inf"), 0.1])
    more = torch.tensor(random.standard_normal((4, 5)))
    halves = {f"{kind}".split(".")[1]: torch.cat((numbers, more.flatten())).to(kind) for kind in (torch.float16, torch.bfloat16)}
    metadata = {"seed": str(SEED)}
    content = save(arrays, metadata=metadata)
    again = load(content)
    assert all(np.array_equal(again[name], array) for name, array in arrays.items())
    golden = {
        "provenance": provenance(SEED, ["safetensors", "numpy", "torch"]),
        "inputs": {},
        "expected": {name: stored_tensor(array) for name, array in arrays.items()},
        "metadata": metadata,
        "base64": base64.b64encode(content).decode(),
        "half": {
            "base64": base64.b64encode(save_torch(halves)).decode(),
            "wide": {name: base64.b64encode(half.float().numpy().tobytes()).decode() for name, half in halves.items()},
        },
    }
    path = GOLDEN / "safetensors.json"
    path.write_text(json.dumps(golden, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(f"{path.name}: {path.stat().st_size / 1024:.1f} KiB")


if __name__ == "__main__":
    main()
