"""Golden values of lib/probability: densities, divergences, likelihoods and their gradients, from PyTorch."""

from golden import write

import numpy as np
import torch
from torch.distributions import Independent, Normal, kl_divergence
from torch.nn import functional as F

SEED = 20140501
BATCH, LATENTS, PIXELS = 4, 3, 5


def gaussian(mean, log_var):
    return Independent(Normal(mean, (0.5 * log_var).exp()), 1)


def main():
    random = np.random.default_rng(SEED)
    draw = lambda *shape, scale=1.0: torch.tensor(scale * random.standard_normal(shape), dtype=torch.float32, requires_grad=True)
    inputs = {
        "mean": draw(BATCH, LATENTS),
        "logVar": draw(BATCH, LATENTS),
        "priorMean": draw(BATCH, LATENTS),
        "priorLogVar": draw(BATCH, LATENTS),
        "epsilon": draw(BATCH, LATENTS),
        "logits": draw(BATCH, PIXELS, scale=4.0),
        "xHat": draw(BATCH, PIXELS),
        "x": torch.tensor(random.uniform(size=(BATCH, PIXELS)), dtype=torch.float32),
    }
    mean, log_var = inputs["mean"], inputs["logVar"]
    q, p = gaussian(mean, log_var), gaussian(inputs["priorMean"], inputs["priorLogVar"])
    prior = gaussian(torch.zeros_like(mean), torch.zeros_like(mean))
    z = mean + (0.5 * log_var).exp() * inputs["epsilon"]
    x, x_hat = inputs["x"], inputs["xHat"]
    variance = ((x - x_hat) ** 2).mean()
    nll = lambda variance: F.gaussian_nll_loss(x_hat, x, variance.expand_as(x), full=True, reduction="none").sum(1)
    expected = {
        "z": z,
        "logDensity": q.log_prob(z),
        "priorLogDensity": prior.log_prob(z),
        "klToStandardNormal": kl_divergence(q, prior),
        "klBetweenGaussians": kl_divergence(q, p),
        "bernoulli": F.binary_cross_entropy_with_logits(inputs["logits"], x, reduction="none").sum(1),
        "gaussian": nll(torch.tensor(0.3)),
        "optimalGaussian": nll(variance),
        "optimalVariance": variance,
    }
    gradients = {
        "logDensity": ["mean", "logVar"],
        "klToStandardNormal": ["mean", "logVar"],
        "klBetweenGaussians": ["mean", "logVar", "priorMean", "priorLogVar"],
        "bernoulli": ["logits"],
        "gaussian": ["xHat"],
        "optimalGaussian": ["xHat"],
    }
    for of, names in gradients.items():
        values = torch.autograd.grad(expected[of].sum(), [inputs[name] for name in names], retain_graph=True)
        expected |= {f"d {of} / d {name}": value for name, value in zip(names, values)}
    write("probability", seed=SEED, packages=["torch", "numpy"], settings={"variance": 0.3}, inputs=inputs, expected=expected)


if __name__ == "__main__":
    main()
