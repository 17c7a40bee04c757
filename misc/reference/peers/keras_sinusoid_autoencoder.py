"""The GRU autoencoder of sinusoids on Keras 3, with a @tf.function step.  --mode step|unroll|xla

Keras's GRU with reset_after=True has the equations of gluon's and PyTorch's.
unroll: the encoder's loop over time unrolled; xla: also compiled with jit_compile (a minute).
"""
import peer

import tensorflow as tf
import keras
from keras import layers

peer.imported()
OPTIONS = peer.options(mode=("step", "unroll", "xla"))
LENGTH, FRAME, LATENTS, BATCH = 50, 5, 2, 32
KL_WEIGHT = 0.01
keras.utils.set_random_seed(1)


class Autoencoder(keras.Model):
    def __init__(self):
        super().__init__()
        self.encoder = layers.GRU(10, unroll=OPTIONS.mode != "step")
        self.latent = layers.Dense(2 * LATENTS)
        self.cell, self.projection = layers.GRUCell(20), layers.Dense(FRAME)

    def call(self, signal, coins):
        state = self.encoder(signal[:, :, None])
        mean, log_var = tf.split(self.latent(state), 2, 1)
        z = mean + tf.exp(0.5 * log_var) * tf.random.normal((BATCH, LATENTS))
        frame, state, frames = tf.zeros((BATCH, FRAME)), tf.zeros((BATCH, 20)), []
        for i in range(LENGTH // FRAME):
            if i > 0:
                frame = tf.where(coins[i], signal[:, (i - 1) * FRAME : i * FRAME], frame)
            state, _ = self.cell(tf.concat((z, frame), 1), [state])
            frame = self.projection(state)
            frames.append(frame)
        l2 = 0.5 * tf.reduce_mean(tf.square(tf.concat(frames, 1) - signal), 1)
        kl = -0.5 * tf.reduce_sum(1 + log_var - tf.square(mean) - tf.exp(log_var), 1)
        return tf.reduce_mean(l2 + KL_WEIGHT * kl)


model = Autoencoder()
optimizer = keras.optimizers.Adam(1e-3)


@tf.function(jit_compile=OPTIONS.mode == "xla")
def train_step(signal, coins):
    with tf.GradientTape() as tape:
        loss = model(signal, coins)
    gradients = tape.gradient(loss, model.trainable_weights)
    optimizer.apply_gradients(zip(gradients, model.trainable_weights))
    return loss


signals = peer.batched(peer.table(OPTIONS.data, "signals", LENGTH), BATCH)
coins = peer.table(OPTIONS.data, "coins", LENGTH // FRAME) > 0.5
batches = [(tf.constant(x), tf.constant(c)) for x, c in zip(signals, coins)]
peer.serve(lambda batch: train_step(*batch), batches, 2279, (tf, keras))
