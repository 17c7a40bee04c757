"""Golden values of lib/layers/gru: states, gradients and one Adam step, from torch.nn.GRU and torch.nn.GRUCell."""

from golden import write

import numpy as np
import torch

SEED = 20140603
BATCH, STEPS, INPUTS, UNITS = 3, 7, 2, 5
LEARNING_RATE, EPSILON = 1e-2, 1e-7


def main():
    random = np.random.default_rng(SEED)
    draw = lambda *shape, scale=1.0: torch.tensor(scale * random.standard_normal(shape), dtype=torch.float32)
    weights = {
        "weight_ih": draw(3 * UNITS, INPUTS, scale=0.7),
        "weight_hh": draw(3 * UNITS, UNITS, scale=0.7),
        "bias_ih": draw(3 * UNITS, scale=0.5),
        "bias_hh": draw(3 * UNITS, scale=0.5),
    }
    x, initial = draw(BATCH, STEPS, INPUTS).requires_grad_(), draw(BATCH, UNITS, scale=0.5).requires_grad_()
    # The loss is the sum of all states, each times a number of its own.
    weighing = draw(BATCH, STEPS, UNITS)

    cell = torch.nn.GRUCell(INPUTS, UNITS)
    cell.load_state_dict(weights)
    gru = torch.nn.GRU(INPUTS, UNITS, batch_first=True)
    gru.load_state_dict({f"{name}_l0": value for name, value in weights.items()})

    def gradients(loss, module):
        named = dict(module.named_parameters()) | {"x": x, "initial": initial}
        values = torch.autograd.grad(loss, list(named.values()))
        return {name.removesuffix("_l0"): value for name, value in zip(named, values)}

    states, last = gru(x, initial[None])
    fresh, fresh_last = gru(x)
    expected = {"states": states, "last": last[0], "states from zero": fresh, "last from zero": fresh_last[0]}
    losses = {"states": (states * weighing).sum(), "last": (gru(x, initial[None])[1][0] * weighing[:, 0]).sum()}
    for of, loss in losses.items():
        expected |= {f"d {of} / d {name}": value for name, value in gradients(loss, gru).items()}

    after = cell(x[:, 0], initial)
    expected["cell"] = after
    expected |= {f"d cell / d {name}": value for name, value in gradients((after * weighing[:, 0]).sum(), cell).items()}

    optimizer = torch.optim.Adam(gru.parameters(), lr=LEARNING_RATE, eps=EPSILON)
    (gru(x, initial[None])[0] * weighing).sum().backward()
    optimizer.step()
    expected |= {f"after Adam {name.removesuffix('_l0')}": value for name, value in gru.named_parameters()}

    write(
        "gru",
        seed=SEED,
        packages=["torch", "numpy"],
        settings={"inputs": INPUTS, "units": UNITS, "learningRate": LEARNING_RATE, "epsilon": EPSILON},
        inputs={"x": x, "initial": initial, "weighing": weighing},
        weights=weights,
        expected=expected,
    )


if __name__ == "__main__":
    main()
