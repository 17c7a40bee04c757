"""The GRU autoencoder of sinusoids in PyTorch.  --mode eager|compile  --adam plain|fused"""
import peer

import torch
from torch import nn
from torch_step import training_step

peer.imported()
OPTIONS = peer.options(mode=("eager", "compile"), adam=("plain", "fused"))
LENGTH, FRAME, LATENTS, BATCH = 50, 5, 2, 32
KL_WEIGHT = 0.01
torch.manual_seed(1)


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.latent = nn.GRU(1, 10), nn.Linear(10, 2 * LATENTS)
        self.cell, self.projection = nn.GRUCell(LATENTS + FRAME, 20), nn.Linear(20, FRAME)

    def forward(self, signal, coins):
        out, _ = self.encoder(signal.t().unsqueeze(2))
        mean, log_var = self.latent(out[-1]).chunk(2, 1)
        z = mean + torch.exp(0.5 * log_var) * torch.randn_like(mean)
        frame, state, frames = signal.new_zeros(BATCH, FRAME), signal.new_zeros(BATCH, 20), []
        for i in range(LENGTH // FRAME):
            if i > 0:
                truth = signal[:, (i - 1) * FRAME : i * FRAME]
                # Compiled, a coin that is a tensor gives one graph for all patterns of coins.
                if OPTIONS.mode == "compile":
                    frame = torch.where(coins[i], truth, frame)
                elif coins[i]:
                    frame = truth
            state = self.cell(torch.cat((z, frame), 1), state)
            frame = self.projection(state)
            frames.append(frame)
        l2 = 0.5 * (torch.cat(frames, 1) - signal).square().mean(1)
        kl = -0.5 * (1 + log_var - mean.square() - log_var.exp()).sum(1)
        return (l2 + KL_WEIGHT * kl).mean()


model = Autoencoder()
if OPTIONS.mode == "compile":
    torch._dynamo.config.allow_rnn = True  # or the frame with nn.GRU stays eager
train_step = training_step(model, 1e-3, OPTIONS)

signals = peer.batched(peer.table(OPTIONS.data, "signals", LENGTH), BATCH)
coins = peer.table(OPTIONS.data, "coins", LENGTH // FRAME) > 0.5
coins = torch.from_numpy(coins) if OPTIONS.mode == "compile" else coins.tolist()
batches = [(torch.from_numpy(x), c) for x, c in zip(signals, coins)]
peer.serve(train_step, batches, sum(p.numel() for p in model.parameters()), (torch,))
