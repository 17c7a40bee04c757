"""The dense VAE in PyTorch.  --mode eager|compile  --adam plain|fused"""
import peer

import torch
from torch import nn
from torch_step import training_step

peer.imported()
OPTIONS = peer.options(mode=("eager", "compile"), adam=("plain", "fused"))
PIXELS, HIDDEN, LATENTS, BATCH = 784, 64, 32, 32
torch.manual_seed(1)


def dense(inputs, units):
    layer = nn.Linear(inputs, units)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


class Vae(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = dense(PIXELS, HIDDEN), dense(LATENTS, HIDDEN)
        self.mean, self.log_var = dense(HIDDEN, LATENTS), dense(HIDDEN, LATENTS)
        self.pixels = dense(HIDDEN, PIXELS)

    def forward(self, x):
        hidden = torch.relu(self.encoder(x))
        mean, log_var = self.mean(hidden), self.log_var(hidden)
        z = mean + torch.exp(0.5 * log_var) * torch.randn_like(mean)
        y = torch.sigmoid(self.pixels(torch.relu(self.decoder(z))))
        kl = -0.5 * (log_var - mean.square() - log_var.exp() + 1).mean()
        return nn.functional.mse_loss(y, x) + kl


vae = Vae()
train_step = training_step(vae, 1e-3, OPTIONS)

images = peer.batched(peer.table(OPTIONS.data, "images", PIXELS), BATCH)
weights = sum(p.numel() for p in vae.parameters())
peer.serve(train_step, [torch.from_numpy(x) for x in images], weights, (torch,))
