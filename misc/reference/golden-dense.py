"""Golden values of lib/layers/dense: outputs and gradients of Keras's Dense with each activation."""

from golden import write

import keras
import numpy as np
import tensorflow as tf

SEED = 20100101
BATCH, INPUTS, UNITS = 4, 5, 3


def main():
    random = np.random.default_rng(SEED)
    draw = lambda *shape: random.standard_normal(shape).astype("float32")
    x, kernel, bias = tf.constant(draw(BATCH, INPUTS)), draw(INPUTS, UNITS), draw(UNITS)
    upstream = tf.constant(draw(BATCH, UNITS))
    expected = {}
    for activation in ["linear", "relu", "tanh", "sigmoid"]:
        layer = keras.layers.Dense(UNITS, activation=activation)
        layer.build(x.shape)
        layer.set_weights([kernel, bias])
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
            value = tf.reduce_sum(y * upstream)
        gradients = tape.gradient(value, [x, layer.kernel.value, layer.bias.value])
        expected[activation] = y
        expected |= {f"d {activation} / d {name}": g for name, g in zip(["x", "kernel", "bias"], gradients)}
    # The limit of Keras's own initialiser, read off a large draw: it is the half-width of the uniform.
    wide = keras.initializers.GlorotUniform(seed=SEED)((300, 100))
    expected["largest initial weight, 300 to 100"] = np.abs(np.asarray(wide)).max()
    write(
        "dense",
        seed=SEED,
        packages=["keras", "tensorflow-cpu", "numpy"],
        inputs={"x": x, "upstream": upstream},
        weights={"kernel": kernel, "bias": bias},
        expected=expected,
    )


if __name__ == "__main__":
    main()
