"""The dense VAE in JAX, the whole step jitted."""
import peer

import jax
import jax.numpy as jnp
import optax

peer.imported()
from jax_step import Trainer

OPTIONS = peer.options()
PIXELS, HIDDEN, LATENTS, BATCH = 784, 64, 32, 32
SIZES = {
    "encoder": (PIXELS, HIDDEN),
    "mean": (HIDDEN, LATENTS),
    "log_var": (HIDDEN, LATENTS),
    "decoder": (LATENTS, HIDDEN),
    "pixels": (HIDDEN, PIXELS),
}
glorot = jax.nn.initializers.glorot_uniform()
keys = jax.random.split(jax.random.key(1), len(SIZES))
weights = {n: (glorot(k, size), jnp.zeros(size[1])) for (n, size), k in zip(SIZES.items(), keys)}


def loss_fn(weights, x, key):
    def dense(name, a):
        kernel, bias = weights[name]
        return a @ kernel + bias

    hidden = jax.nn.relu(dense("encoder", x))
    mean, log_var = dense("mean", hidden), dense("log_var", hidden)
    z = mean + jnp.exp(0.5 * log_var) * jax.random.normal(key, mean.shape)
    y = jax.nn.sigmoid(dense("pixels", jax.nn.relu(dense("decoder", z))))
    return jnp.mean((y - x) ** 2) - 0.5 * jnp.mean(log_var - mean**2 - jnp.exp(log_var) + 1)


trainer = Trainer(loss_fn, weights, optax.adam(1e-3, eps=1e-7))
images = peer.batched(peer.table(OPTIONS.data, "images", PIXELS), BATCH)
peer.serve(trainer.step, [jnp.asarray(x) for x in images], trainer.size, (jax, optax))
