"""Golden values of lib/models/sinusoid-autoencoder: seed 002's model in PyTorch, whose GRU has MXNet's equations.

Signals of 50 samples with one coin a step, as the source, and of 18 samples (no multiple of a frame) with a coin for each example.
"""

from golden import write

import numpy as np
import torch
from torch import nn

SEED = 20190701
BATCH, LATENTS, FRAME = 4, 2, 5
KL_WEIGHT, LEARNING_RATE, EPSILON = 0.01, 1e-3, 1e-7


class FrameDecoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell, self.projection = nn.GRUCell(LATENTS + FRAME, 20), nn.Linear(20, FRAME)

    def forward(self, z, length, signal=None, coins=None):
        frame, state, frames = z.new_zeros(len(z), FRAME), None, []
        for step in range(-(-length // FRAME)):
            if step > 0 and coins is not None:
                truth = signal[:, (step - 1) * FRAME : step * FRAME]
                frame = torch.where(coins[..., step].reshape(-1, 1) > 0, truth, frame)
            state = self.cell(torch.cat((z, frame), 1), state)
            frame = self.projection(state)
            frames.append(frame)
        return torch.cat(frames, 1)[:, :length]


class SinusoidAutoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.latent, self.decoder = nn.GRU(1, 10, batch_first=True), nn.Linear(10, 2 * LATENTS), FrameDecoder()

    def forward(self, signal, epsilon, coins=None):
        mean, log_var = self.latent(self.encoder(signal[..., None])[1][0]).chunk(2, 1)
        z = mean + (0.5 * log_var).exp() * epsilon
        decoded = self.decoder(z, signal.shape[1], signal, coins)
        l2 = 0.5 * (signal - decoded).square().mean(1)
        kl = -0.5 * (1 + log_var - mean.square() - log_var.exp()).sum(1)
        return {"mean": mean, "logVar": log_var, "decoded": decoded, "l2": l2, "kl": kl}


def main():
    torch.manual_seed(SEED)
    random = np.random.default_rng(SEED)
    model = SinusoidAutoencoder()
    assert sum(p.numel() for p in model.parameters()) == 2279
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.4)
    weights = {name: value.detach().clone() for name, value in model.state_dict().items()}
    signals = np.sin(np.arange(50) * random.normal(0.5, 0.05, (BATCH, 1)) + random.normal(3, 1.5, (BATCH, 1)))
    signal = torch.tensor(signals, dtype=torch.float32)
    epsilon = torch.tensor(random.standard_normal((BATCH, LATENTS)), dtype=torch.float32)
    coins = {
        "forced": torch.tensor(random.random(10) < 0.5).float(),
        "short": torch.tensor(random.random((BATCH, 4)) < 0.5).float(),
        "free": None,
    }
    expected = {}
    for name, coin in coins.items():
        output = model(signal[:, :18] if name == "short" else signal, epsilon, coin)
        expected |= {f"{name} {key}": value for key, value in output.items()}
        if name != "free":
            gradients = torch.autograd.grad((output["l2"] + KL_WEIGHT * output["kl"]).mean(), list(model.parameters()))
            expected |= {f"{name} d {key}": value for (key, _), value in zip(model.named_parameters(), gradients)}

    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, eps=EPSILON)
    output = model(signal, epsilon, coins["forced"])
    (output["l2"] + KL_WEIGHT * output["kl"]).mean().backward()
    optimizer.step()
    expected |= {f"after Adam {name}": value for name, value in model.named_parameters()}

    write(
        "sinusoid-autoencoder",
        seed=SEED,
        packages=["torch", "numpy"],
        settings={"klWeight": KL_WEIGHT, "learningRate": LEARNING_RATE, "epsilon": EPSILON},
        inputs={"signal": signal, "epsilon": epsilon, "forced coins": coins["forced"], "short coins": coins["short"]},
        weights=weights,
        expected=expected,
    )


if __name__ == "__main__":
    main()
