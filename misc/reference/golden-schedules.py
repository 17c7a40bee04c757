"""Golden values of lib/training/schedules, from the schedules of optax and Keras."""

from golden import write

import keras
import numpy as np
import optax

STEPS = np.arange(0, 40)


def values(schedule):
    return np.array([float(schedule(int(step))) for step in STEPS])


def main():
    line = optax.linear_schedule(0.2, 0.9, 15)
    # One cycle is a rise and a plateau; optax joins four of them, as many as fit into 32 steps.
    cycle = optax.linear_schedule(0.0, 1.0, 4)
    cyclical = optax.join_schedules([cycle] * 4 + [optax.constant_schedule(1.0)], [8, 16, 24, 32])
    zero = optax.join_schedules([optax.constant_schedule(0.0), cycle], [2])
    from_zero = optax.join_schedules([zero] * 4 + [optax.constant_schedule(1.0)], [8, 16, 24, 32])
    decay = keras.optimizers.schedules.ExponentialDecay(2.0, decay_steps=1, decay_rate=float(np.exp(-0.05)))
    write(
        "schedules",
        seed=0,
        packages=["optax", "keras", "numpy"],
        inputs={"steps": STEPS},
        expected={
            "linear": values(line),
            "cyclical": values(cyclical),
            "cyclicalFromZero": values(from_zero),
            "exponentialDecay": values(decay),
        },
    )


if __name__ == "__main__":
    main()
