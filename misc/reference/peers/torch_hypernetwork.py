"""The hypernetwork in PyTorch, batch 1.  --mode eager|compile  --adam plain|fused"""
import peer

import torch
from torch import nn
from torch_step import training_step

peer.imported()
OPTIONS = peer.options(mode=("eager", "compile"), adam=("plain", "fused"))
PIXELS, HIDDEN, CLASSES, BOTTLENECK = 784, 64, 10, 16
SIZES = (PIXELS * HIDDEN, HIDDEN, HIDDEN * CLASSES, CLASSES)
torch.manual_seed(1)


class Hypernetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(PIXELS, BOTTLENECK), nn.Linear(BOTTLENECK, sum(SIZES))
        for layer in (self.first, self.second):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x, y):
        generated = torch.sigmoid(self.second(torch.relu(self.first(x))))[0]
        w0, b0, w1, b1 = generated.split(SIZES)
        hidden = torch.relu(x @ w0.view(PIXELS, HIDDEN) + b0)
        return nn.functional.cross_entropy(hidden @ w1.view(HIDDEN, CLASSES) + b1, y)


model = Hypernetwork()
train_step = training_step(model, 1e-4, OPTIONS)

images = peer.batched(peer.table(OPTIONS.data, "images", PIXELS), 1)
labels = peer.batched(peer.table(OPTIONS.data, "labels", 1)[:, 0].astype("int64"), 1)
batches = [(torch.from_numpy(x), torch.from_numpy(y)) for x, y in zip(images, labels)]
peer.serve(train_step, batches, sum(p.numel() for p in model.parameters()), (torch,))
