"""Golden values of lib/models/hypernetwork: the Keras guide's hypernetwork, one example at a time as the guide runs it.

The guide's own code with small sizes. Keras 3 lets nobody set a Dense layer's kernel, so its private `_kernel` is set instead. The signed
variant is the same hypernetwork without its sigmoid, its weights times the scale of their block.
"""

from golden import write

import keras
import numpy as np
import tensorflow as tf

SEED = 20200412
BATCH, INPUTS, HIDDEN, WIDTHS, LEARNING_RATE = 3, 6, 4, (6, 5, 3), 0.01
SHAPES = [("kernel0", WIDTHS[:2]), ("bias0", WIDTHS[1:2]), ("kernel1", WIDTHS[1:]), ("bias1", WIDTHS[2:])]
SCALES = {"kernel0": (2 / WIDTHS[0]) ** 0.5, "bias0": WIDTHS[0] ** -0.5, "kernel1": WIDTHS[1] ** -0.5, "bias1": WIDTHS[1] ** -0.5}


def build(weights, output):
    """The hypernetwork with given weights, and the main network that makes no weights of its own."""
    size = sum(int(np.prod(shape)) for _, shape in SHAPES)
    hypernetwork = keras.Sequential(
        [keras.Input((INPUTS,)), keras.layers.Dense(HIDDEN, activation="relu"), keras.layers.Dense(size, activation=output)]
    )
    hypernetwork.set_weights(list(weights.values()))
    main_network = keras.Sequential([keras.layers.Dense(WIDTHS[1], activation="relu"), keras.layers.Dense(WIDTHS[2])])
    for layer in main_network.layers:
        layer.built = True
    return hypernetwork, main_network


def logits_of(hypernetwork, main_network, x, signed):
    """The guide's forward pass for one example [1, D]."""
    row, start, parts = hypernetwork(x), 0, {}
    for name, shape in SHAPES:
        size = int(np.prod(shape))
        parts[name] = tf.reshape(row[:, start : start + size], shape) * (SCALES[name] if signed else 1.0)
        start += size
    for layer, index in zip(main_network.layers, "01"):
        layer._kernel, layer.bias = parts["kernel" + index], parts["bias" + index]
    return main_network(x), row, parts


def run(weights, x, labels, signed):
    hypernetwork, main_network = build(weights, None if signed else "sigmoid")
    loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    with tf.GradientTape() as tape:
        results = [logits_of(hypernetwork, main_network, x[i : i + 1], signed) for i in range(BATCH)]
        losses = [loss_fn(labels[i : i + 1], results[i][0]) for i in range(BATCH)]
        loss = tf.add_n(losses) / BATCH
    gradients = tape.gradient(loss, hypernetwork.trainable_weights)
    keras.optimizers.Adam(LEARNING_RATE).apply_gradients(zip(gradients, hypernetwork.trainable_weights))
    expected = {
        "logits": np.concatenate([logits for logits, _, _ in results]),
        "rows": np.concatenate([row for _, row, _ in results]),
        "crossEntropy": np.array(losses),
    }
    expected |= {name: np.stack([parts[name] for _, _, parts in results]) for name, _ in SHAPES}
    expected |= {f"d {name}": value.numpy() for name, value in zip(weights, gradients)}
    return expected | {f"after Adam {name}": value for name, value in zip(weights, hypernetwork.get_weights())}


def main():
    random = np.random.default_rng(SEED)
    draw = lambda *shape: (0.6 * random.standard_normal(shape)).astype("float32")
    size = sum(int(np.prod(shape)) for _, shape in SHAPES)
    weights = {
        "hidden.kernel": draw(INPUTS, HIDDEN),
        "hidden.bias": draw(HIDDEN),
        "output.kernel": draw(HIDDEN, size),
        "output.bias": draw(size),
    }
    x = random.uniform(size=(BATCH, INPUTS)).astype("float32")
    labels = np.array([2, 0, 1], dtype="int32")
    expected = {}
    for variant in ("sigmoid", "signed"):
        values = run(weights, x, labels, variant == "signed")
        expected |= {f"{variant} {name}": value for name, value in values.items()}
    write(
        "hypernetwork",
        seed=SEED,
        packages=["keras", "tensorflow-cpu", "numpy"],
        settings={"inputs": INPUTS, "hidden": HIDDEN, "learningRate": LEARNING_RATE},
        inputs={"x": x, "labels": labels},
        weights=weights,
        expected=expected,
    )


if __name__ == "__main__":
    main()
