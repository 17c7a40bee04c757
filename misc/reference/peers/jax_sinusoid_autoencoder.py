"""The GRU autoencoder of sinusoids in JAX: lax.scan over time, the whole step jitted."""
import peer

import jax
import jax.numpy as jnp
import optax

peer.imported()
from jax_step import Trainer

OPTIONS = peer.options()
LENGTH, FRAME, LATENTS, BATCH = 50, 5, 2, 32
KL_WEIGHT = 0.01
glorot = jax.nn.initializers.glorot_uniform()
keys = iter(jax.random.split(jax.random.key(1), 6))


def gru(inputs, units):
    return {
        "input": glorot(next(keys), (inputs, 3 * units)),
        "recurrent": glorot(next(keys), (units, 3 * units)),
        "input_bias": jnp.zeros(3 * units),
        "recurrent_bias": jnp.zeros(3 * units),
    }


def dense(inputs, units):
    return {"kernel": glorot(next(keys), (inputs, units)), "bias": jnp.zeros(units)}


weights = {
    "encoder": gru(1, 10),
    "latent": dense(10, 2 * LATENTS),
    "cell": gru(LATENTS + FRAME, 20),
    "projection": dense(20, FRAME),
}


def cell(w, from_input, state):
    """One step; from_input is x @ w["input"] + w["input_bias"]."""
    reset_in, update_in, new_in = jnp.split(from_input, 3, -1)
    from_state = state @ w["recurrent"] + w["recurrent_bias"]
    reset_state, update_state, new_state = jnp.split(from_state, 3, -1)
    update = jax.nn.sigmoid(update_in + update_state)
    new = jnp.tanh(new_in + jax.nn.sigmoid(reset_in + reset_state) * new_state)
    return (1 - update) * new + update * state


def loss_fn(weights, batch, key):
    signal, coins = batch
    reader, writer = weights["encoder"], weights["cell"]
    from_signal = signal.T[:, :, None] * reader["input"] + reader["input_bias"]
    start = jnp.zeros((BATCH, 10))
    state, _ = jax.lax.scan(lambda h, g: (cell(reader, g, h), None), start, from_signal)
    both = state @ weights["latent"]["kernel"] + weights["latent"]["bias"]
    mean, log_var = jnp.split(both, 2, 1)
    z = mean + jnp.exp(0.5 * log_var) * jax.random.normal(key, mean.shape)
    frames = signal.reshape(BATCH, -1, FRAME).swapaxes(0, 1)
    before = jnp.concatenate((jnp.zeros((1, BATCH, FRAME)), frames[:-1]))

    def write(carry, given):
        state, frame = carry
        truth, coin = given
        x = jnp.concatenate((z, jnp.where(coin, truth, frame)), 1)
        state = cell(writer, x @ writer["input"] + writer["input_bias"], state)
        frame = state @ weights["projection"]["kernel"] + weights["projection"]["bias"]
        return (state, frame), frame

    start = (jnp.zeros((BATCH, 20)), jnp.zeros((BATCH, FRAME)))
    _, decoded = jax.lax.scan(write, start, (before, coins))
    error = decoded.swapaxes(0, 1).reshape(BATCH, LENGTH) - signal
    l2 = 0.5 * jnp.mean(error**2, 1)
    kl = -0.5 * jnp.sum(1 + log_var - mean**2 - jnp.exp(log_var), 1)
    return jnp.mean(l2 + KL_WEIGHT * kl)


trainer = Trainer(loss_fn, weights, optax.adam(1e-3, eps=1e-7))
signals = peer.batched(peer.table(OPTIONS.data, "signals", LENGTH), BATCH)
coins = peer.table(OPTIONS.data, "coins", LENGTH // FRAME) > 0.5
batches = [(jnp.asarray(x), jnp.asarray(c)) for x, c in zip(signals, coins)]
peer.serve(trainer.step, batches, trainer.size, (jax, optax))
