"""The hypernetwork in JAX, batch 1, the whole step jitted."""
import peer

import jax
import jax.numpy as jnp
import numpy as np
import optax

peer.imported()
from jax_step import Trainer

OPTIONS = peer.options()
PIXELS, HIDDEN, CLASSES, BOTTLENECK = 784, 64, 10, 16
SIZES = (PIXELS * HIDDEN, HIDDEN, HIDDEN * CLASSES, CLASSES)
glorot = jax.nn.initializers.glorot_uniform()
first, second = jax.random.split(jax.random.key(1))
weights = {
    "first": (glorot(first, (PIXELS, BOTTLENECK)), jnp.zeros(BOTTLENECK)),
    "second": (glorot(second, (BOTTLENECK, sum(SIZES))), jnp.zeros(sum(SIZES))),
}


def loss_fn(weights, batch, key):
    x, y = batch
    (first, first_bias), (second, second_bias) = weights["first"], weights["second"]
    hidden = jax.nn.relu(x @ first + first_bias)
    generated = jax.nn.sigmoid(hidden @ second + second_bias)[0]
    w0, b0, w1, b1 = jnp.split(generated, np.cumsum(SIZES)[:-1])
    hidden = jax.nn.relu(x @ w0.reshape(PIXELS, HIDDEN) + b0)
    return -jax.nn.log_softmax(hidden @ w1.reshape(HIDDEN, CLASSES) + b1)[0, y]


trainer = Trainer(loss_fn, weights, optax.adam(1e-4, eps=1e-7))
images = peer.batched(peer.table(OPTIONS.data, "images", PIXELS), 1)
labels = peer.table(OPTIONS.data, "labels", 1)[:, 0].astype("int32")
batches = [(jnp.asarray(x), jnp.asarray(y)) for x, y in zip(images, labels)]
peer.serve(trainer.step, batches, trainer.size, (jax, optax))
