"""Golden values of the likelihood of tokens: sums over sequences and their gradients, from PyTorch."""

from golden import write

import numpy as np
import torch
from torch.nn import functional as F

SEED = 20160628
BATCH, STEPS, VOCABULARY = 3, 5, 11
SMOOTHING = 0.1
LARGE = 1e4  # logits so far apart that exp overflows


def sequence(logits, ids, counted, smoothing=0.0):
    per_token = F.cross_entropy(logits.flatten(0, 1), ids.flatten().long(), reduction="none", label_smoothing=smoothing)
    return (per_token.reshape(ids.shape) * counted).sum(1)


def main():
    random = np.random.default_rng(SEED)
    logits = torch.tensor(3 * random.standard_normal((BATCH, STEPS, VOCABULARY)), dtype=torch.float32, requires_grad=True)
    large = torch.tensor(LARGE * random.standard_normal((BATCH, STEPS, VOCABULARY)), dtype=torch.float32, requires_grad=True)
    ids = torch.tensor(random.integers(1, VOCABULARY, (BATCH, STEPS)), dtype=torch.int32)
    for row, length in enumerate([5, 3, 1]):
        ids[row, length:] = 0
    counted = (ids != 0).float()
    upstream = torch.tensor(random.standard_normal(BATCH), dtype=torch.float32)
    everything = torch.ones_like(counted)
    losses = {
        "nll": (sequence(logits, ids, counted), logits),
        "nllOfAll": (sequence(logits, ids, everything), logits),
        "nllOfLarge": (sequence(large, ids, counted), large),
        "smoothed": (sequence(logits, ids, counted, SMOOTHING), logits),
    }
    expected = {"perToken": F.cross_entropy(logits.flatten(0, 1), ids.flatten().long(), reduction="none").reshape(ids.shape)}
    for name, (loss, at) in losses.items():
        expected[name] = loss
        (expected[f"d {name}"],) = torch.autograd.grad((loss * upstream).sum(), at)
    inputs = {"logits": logits, "large": large, "ids": ids, "counted": counted, "upstream": upstream}
    write("text", seed=SEED, packages=["torch", "numpy"], settings={"smoothing": SMOOTHING}, inputs=inputs, expected=expected)


if __name__ == "__main__":
    main()
