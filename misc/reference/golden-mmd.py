"""Golden values of lib/probability/mmd and kernels: estimates and gradients in double precision, from PyTorch."""

from golden import write

import numpy as np
import torch

SEED = 20120313
CODES, PRIOR, WIDTH = 7, 5, 6
BATCH, TOKENS = 4, 3
SCALES = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0]
ALPHA, LAMBDA = 0.25, 3.0


def squared(x, y):
    return ((x[:, None, :] - y[None, :, :]) ** 2).sum(-1)


def seed_kernel(x, y):
    """As the seed writes it: a mean over coordinates, then a division by their number."""
    return torch.exp(-((x[:, None, :] - y[None, :, :]) ** 2).mean(2) / x.shape[1])


def prior_kernel(x, y):
    return torch.exp(-squared(x, y) / (2 * x.shape[1]))


def imq_kernel(x, y):
    c = 2.0 * x.shape[1]
    return sum(s * c / (s * c + squared(x, y)) for s in SCALES)


def off_diagonal_mean(k):
    return (k.sum() - k.diagonal().sum()) / (k.shape[0] * (k.shape[0] - 1))


def biased(kernel, x, y):
    return kernel(x, x).mean() + kernel(y, y).mean() - 2 * kernel(x, y).mean()


def unbiased(kernel, x, y):
    return off_diagonal_mean(kernel(x, x)) + off_diagonal_mean(kernel(y, y)) - 2 * kernel(x, y).mean()


def main():
    random = np.random.default_rng(SEED)
    single = lambda *shape: torch.tensor(random.standard_normal(shape).astype(np.float32))
    inputs = {"x": 1.5 * single(CODES, WIDTH) + 0.3, "y": single(PRIOR, WIDTH)}
    inputs |= {"z": torch.tanh(single(BATCH, TOKENS, WIDTH)), "prior": single(BATCH * TOKENS, WIDTH)}
    inputs |= {"kl": 3 * single(BATCH) ** 2}
    x, y, z, prior = (inputs[name].double().requires_grad_() for name in ["x", "y", "z", "prior"])

    kernels = {"seed": seed_kernel, "prior": prior_kernel, "imq": imq_kernel}
    expected = {}
    for name, kernel in kernels.items():
        expected[f"{name} mean kernel"] = off_diagonal_mean(kernel(x, x))
        for kind, estimate in {"biased": biased, "unbiased": unbiased}.items():
            value = estimate(kernel, x, y)
            expected[f"{name} {kind}"] = value
            gradients = torch.autograd.grad(value, [x, y])
            expected |= {f"d {name} {kind} / d {of}": gradient for of, gradient in zip("xy", gradients)}

    mmd = biased(seed_kernel, prior, z.reshape(-1, WIDTH))
    regulariser = mmd / BATCH * TOKENS
    expected |= {"seed mmd": mmd, "seed regulariser": regulariser}
    expected |= {"d seed regulariser / d z": torch.autograd.grad(regulariser, z)[0]}
    right = unbiased(prior_kernel, z.reshape(-1, WIDTH), prior)
    expected |= {"infoVae": (1 - ALPHA) * inputs["kl"] + (ALPHA + LAMBDA - 1) * right}
    pairs = torch.nn.functional.pdist(x).square()
    expected |= {"median": pairs.sort().values[(len(pairs) - 1) // 2]}

    settings = {"alpha": ALPHA, "lambda": LAMBDA}
    write("mmd", seed=SEED, packages=["torch", "numpy"], inputs=inputs, expected=expected, settings=settings)


if __name__ == "__main__":
    main()
