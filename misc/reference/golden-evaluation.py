"""Golden values of lib/evaluation and lib/models/linear-vae, from PyTorch, SciPy and NumPy in double precision."""

from golden import write

import numpy as np
import torch
from scipy.special import logsumexp
from torch.distributions import Independent, LowRankMultivariateNormal, Normal

SEED = 19990101
BATCH, PIXELS, LATENTS, SAMPLES, EXAMPLES, VARIANCE = 5, 7, 3, 6, 40, 0.4


def rounded(array):
    """What the tests read is float32: compute from exactly those numbers."""
    return np.asarray(array, dtype="float32").astype("float64")


def linear_vae(random):
    draw = lambda *shape: rounded(random.standard_normal(shape))
    weights = {
        "encoder.mean.kernel": 0.5 * draw(PIXELS, LATENTS),
        "encoder.mean.bias": draw(LATENTS),
        "encoder.logVar": draw(LATENTS),
        "decoder.kernel": draw(LATENTS, PIXELS),
        "decoder.bias": draw(PIXELS),
    }
    inputs = {"x": draw(BATCH, PIXELS), "epsilon": draw(SAMPLES, BATCH, LATENTS)}
    w = {name: torch.tensor(value, requires_grad=True) for name, value in weights.items()}
    x, epsilon = torch.tensor(inputs["x"]), torch.tensor(inputs["epsilon"])
    marginal = LowRankMultivariateNormal(w["decoder.bias"], w["decoder.kernel"].T, VARIANCE * torch.ones(PIXELS, dtype=torch.float64))
    mean = x @ w["encoder.mean.kernel"] + w["encoder.mean.bias"]
    q = Independent(Normal(mean, (0.5 * w["encoder.logVar"]).exp().expand_as(mean)), 1)
    z = mean + (0.5 * w["encoder.logVar"]).exp() * epsilon
    decoder = lambda z: Independent(Normal(z @ w["decoder.kernel"] + w["decoder.bias"], VARIANCE**0.5), 1)
    prior = Independent(Normal(torch.zeros(LATENTS, dtype=torch.float64), 1.0), 1)
    log_weights = decoder(z).log_prob(x) + prior.log_prob(z) - q.log_prob(z)
    reconstruction = -decoder(z[0]).log_prob(x)
    kl = 0.5 * (mean**2 + w["encoder.logVar"].exp() - 1 - w["encoder.logVar"]).sum(1)
    loss = (reconstruction + kl).mean()
    gradients = torch.autograd.grad(loss, list(w.values()))
    expected = {
        "logLikelihood": marginal.log_prob(x),
        "logWeights": log_weights,
        "iwae": torch.logsumexp(log_weights, 0) - np.log(SAMPLES),
        "reconstruction": reconstruction,
        "kl": kl,
        "loss": loss,
    }
    return weights, inputs, expected | {f"gradient {key}": value for key, value in zip(w, gradients)}


def information(random):
    mean, log_var = rounded(random.standard_normal((EXAMPLES, LATENTS))), rounded(random.standard_normal((EXAMPLES, LATENTS)) - 2)
    mean[:, 2] *= 0.05  # one latent that hardly moves
    mean = rounded(mean)
    noise = rounded(random.standard_normal((EXAMPLES, LATENTS)))
    z = mean + np.exp(0.5 * log_var) * noise
    density = lambda z, m, lv: -0.5 * (np.log(2 * np.pi) + lv + (z - m) ** 2 / np.exp(lv)).sum(-1)
    pairs = density(z[:, None], mean, log_var)
    aggregate = logsumexp(pairs, axis=1) - np.log(EXAMPLES)
    per_latent = 0.5 * (mean**2 + np.exp(log_var) - 1 - log_var)
    expected = {
        "mutualInformation": (np.diag(pairs) - aggregate).mean(),
        "marginalKl": (aggregate - density(z, 0.0, np.zeros_like(z))).mean(),
        "klPerDimension": per_latent.mean(0),
        "variances": mean.var(0),
    }
    return {"mean": mean, "logVar": log_var, "noise": noise}, expected


def spectrum(random):
    data = rounded(random.standard_normal((EXAMPLES, PIXELS)) @ random.standard_normal((PIXELS, PIXELS)) + 3)
    values, vectors = np.linalg.eigh(np.cov(data.T, bias=True))
    return {"data": data}, {"dataMean": data.mean(0), "eigenvalues": values[::-1], "firstDirection": np.abs(vectors[:, -1])}


def main():
    random = np.random.default_rng(SEED)
    weights, inputs, expected = linear_vae(random)
    for part in (information(random), spectrum(random)):
        inputs, expected = inputs | part[0], expected | part[1]
    write(
        "evaluation",
        seed=SEED,
        packages=["torch", "scipy", "numpy"],
        settings={"variance": VARIANCE, "latents": LATENTS, "pixels": PIXELS},
        inputs=inputs,
        weights=weights,
        expected=expected,
    )


if __name__ == "__main__":
    main()
