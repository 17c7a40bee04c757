"""What the PyTorch peers of sentences share: attention, layers, and weights from our names."""
import math

import torch
from torch import nn
from torch.nn import functional as F


class Attention(nn.Module):
    """Multi-head attention over torch's fused kernel. keep is true where a key is seen."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.value, self.output = nn.Linear(width, width), nn.Linear(width, width)

    def in_heads(self, x):
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(self, x, keep, before=None):
        """before: keys and values [B, H, 1, Dh] that come first"""
        query, key, value = (self.in_heads(part(x)) for part in (self.query, self.key, self.value))
        if before is not None:
            key, value = torch.cat((before[0], key), 2), torch.cat((before[1], value), 2)
        seen = F.scaled_dot_product_attention(query, key, value, attn_mask=keep)
        return self.output(seen.transpose(1, 2).flatten(2))


class Layer(nn.Module):
    """Attention and feed-forward, each with dropout, a sum and a normalisation."""

    def __init__(self, width, heads, hidden, rate, attention_name):
        super().__init__()
        self.attention_name = attention_name
        self.add_module(attention_name, Attention(width, heads))
        self.add_module(f"{attention_name}_norm", nn.LayerNorm(width, eps=1e-6))
        wide = {"hidden": nn.Linear(width, hidden), "output": nn.Linear(hidden, width)}
        self.feed_forward = nn.ModuleDict(wide)
        self.output_norm = nn.LayerNorm(width, eps=1e-6)
        self.dropout = nn.Dropout(rate)

    def forward(self, x, keep, before=None):
        attention = getattr(self, self.attention_name)
        norm = getattr(self, f"{self.attention_name}_norm")
        a = norm(x + self.dropout(attention(x, keep, before)))
        part = self.feed_forward
        return self.output_norm(a + self.dropout(part["output"](F.relu(part["hidden"](a)))))


def positions(steps, width):
    """[steps, width], sines and cosines by turns"""
    angles = torch.arange(steps)[:, None] / 10000 ** (torch.arange(0, width, 2) / width)
    return torch.stack((angles.sin(), angles.cos()), -1).flatten(1)


def embed(table, ids, places):
    """√D · table[id] + position"""
    return table(ids) * math.sqrt(places.shape[1]) + places[: ids.shape[1]]


LEAVES = {"kernel": "weight", "scale": "weight", "table": "weight"}


def read_weights(file):
    """Our weights by name."""
    from safetensors.torch import load_file

    return load_file(file)


def load(model, weights, rename=lambda name: name, among=None):
    """Our weights into a module whose parts have our names, or those that `rename` makes of them.

    among  the parameters that are to be given, if not all of the module's
    """
    parameters = dict(model.named_parameters())
    missing = set(parameters if among is None else among)
    with torch.no_grad():
        for name, value in weights.items():
            *path, leaf = rename(name).split(".")
            own = ".".join((*path, LEAVES.get(leaf, leaf)))
            parameters[own].copy_(value.t() if leaf == "kernel" else value)
            missing.remove(own)
    if missing:
        raise ValueError(f"Without weights: {sorted(missing)}")
