"""Golden values of lib/models/dense-vae, with two losses, from Keras and again from PyTorch.

test/golden/dense-vae.json        Keras: outputs, terms, gradients, weights after one Adam step
test/golden/dense-vae-torch.json  PyTorch: the same model on the same weights; terms and gradients
"""

from golden import write

import keras
import numpy as np
import tensorflow as tf
import torch
from torch.nn import functional as F

SEED = 20131220
BATCH, PIXELS, HIDDEN, LATENTS, BETA, LEARNING_RATE = 4, 7, 6, 3, 0.7, 0.01
SHAPES = {
    "encoder.hidden": (PIXELS, HIDDEN),
    "encoder.mean": (HIDDEN, LATENTS),
    "encoder.logVar": (HIDDEN, LATENTS),
    "decoder.hidden": (LATENTS, HIDDEN),
    "decoder.pixels": (HIDDEN, PIXELS),
}
SETTINGS = {"pixels": PIXELS, "hidden": HIDDEN, "latents": LATENTS, "beta": BETA, "learningRate": LEARNING_RATE}


def draw_all():
    random = np.random.default_rng(SEED)
    draw = lambda *shape: (0.5 * random.standard_normal(shape)).astype("float32")
    weights = {}
    for name, (inputs, units) in SHAPES.items():
        weights |= {f"{name}.kernel": draw(inputs, units), f"{name}.bias": draw(units)}
    x = random.uniform(size=(BATCH, PIXELS)).astype("float32")
    epsilon = random.standard_normal((BATCH, LATENTS)).astype("float32")
    return weights, {"x": x, "epsilon": epsilon}


class KerasVae:
    """The guide's model: five Dense layers, called in the guide's order."""

    def __init__(self, weights):
        self.layers = {}
        for name, (inputs, units) in SHAPES.items():
            relu = name.endswith("hidden")
            layer = keras.layers.Dense(units, activation="relu" if relu else None)
            layer.build((None, inputs))
            layer.set_weights([weights[f"{name}.kernel"], weights[f"{name}.bias"]])
            self.layers[name] = layer

    def forward(self, x, epsilon):
        hidden = self.layers["encoder.hidden"](x)
        mean, log_var = self.layers["encoder.mean"](hidden), self.layers["encoder.logVar"](hidden)
        z = mean + keras.ops.exp(0.5 * log_var) * epsilon
        return mean, log_var, self.layers["decoder.pixels"](self.layers["decoder.hidden"](z))

    def variables(self):
        named = {}
        for name, layer in self.layers.items():
            named |= {f"{name}.kernel": layer.kernel, f"{name}.bias": layer.bias}
        return named


def keras_elbo(x, mean, log_var, logits):
    reconstruction = tf.reduce_sum(keras.losses.binary_crossentropy(x[..., None], logits[..., None], from_logits=True), axis=1)
    kl = -0.5 * tf.reduce_sum(1 + log_var - tf.square(mean) - tf.exp(log_var), axis=1)
    return {"reconstruction": reconstruction, "kl": kl, "loss": tf.reduce_mean(reconstruction + BETA * kl)}


def keras_guide(x, mean, log_var, logits):
    error = keras.losses.MeanSquaredError()(x, tf.sigmoid(logits))
    kl = -0.5 * tf.reduce_mean(log_var - tf.square(mean) - tf.exp(log_var) + 1)
    return {"meanSquaredError": error, "meanKl": kl, "loss": error + kl}


def from_keras(weights, inputs):
    x, epsilon = tf.constant(inputs["x"]), tf.constant(inputs["epsilon"])
    expected = {}
    for name, loss in {"elbo": keras_elbo, "guide": keras_guide}.items():
        vae = KerasVae(weights)
        variables = vae.variables()
        with tf.GradientTape() as tape:
            mean, log_var, logits = vae.forward(x, epsilon)
            terms = loss(x, mean, log_var, logits)
        gradients = tape.gradient(terms["loss"], [variable.value for variable in variables.values()])
        keras.optimizers.Adam(learning_rate=LEARNING_RATE).apply(gradients, list(variables.values()))
        expected |= {"mean": mean, "logVar": log_var, "logits": logits}
        expected |= {f"{name} {term}": value for term, value in terms.items()}
        expected |= {f"{name} gradient {key}": value for key, value in zip(variables, gradients)}
        expected |= {f"{name} after Adam {key}": variable.value for key, variable in variables.items()}
    return expected


def from_torch(weights, inputs):
    w = {name: torch.tensor(value, requires_grad=True) for name, value in weights.items()}
    x, epsilon = torch.tensor(inputs["x"]), torch.tensor(inputs["epsilon"])
    dense = lambda name, value: value @ w[f"{name}.kernel"] + w[f"{name}.bias"]
    hidden = F.relu(dense("encoder.hidden", x))
    mean, log_var = dense("encoder.mean", hidden), dense("encoder.logVar", hidden)
    z = mean + (0.5 * log_var).exp() * epsilon
    logits = dense("decoder.pixels", F.relu(dense("decoder.hidden", z)))
    reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1)
    per_latent = -0.5 * (1 + log_var - mean**2 - log_var.exp())
    kl = per_latent.sum(1)
    error = F.mse_loss(torch.sigmoid(logits), x)
    losses = {
        "elbo": {"reconstruction": reconstruction, "kl": kl, "loss": (reconstruction + BETA * kl).mean()},
        "guide": {"meanSquaredError": error, "meanKl": per_latent.mean(), "loss": error + per_latent.mean()},
    }
    expected = {"mean": mean, "logVar": log_var, "logits": logits}
    for name, terms in losses.items():
        expected |= {f"{name} {term}": value for term, value in terms.items()}
        gradients = torch.autograd.grad(terms["loss"], list(w.values()), retain_graph=True)
        expected |= {f"{name} gradient {key}": value for key, value in zip(w, gradients)}
    return expected


def main():
    weights, inputs = draw_all()
    common = {"seed": SEED, "inputs": inputs, "weights": weights, "settings": SETTINGS}
    write("dense-vae", packages=["keras", "tensorflow-cpu", "numpy"], expected=from_keras(weights, inputs), **common)
    write("dense-vae-torch", packages=["torch", "numpy"], expected=from_torch(weights, inputs), **common)


if __name__ == "__main__":
    main()
