"""The dense VAE of the Keras guide for researchers, with its @tf.function step.  --mode step|xla"""
import peer

import tensorflow as tf
import keras
from keras import layers

peer.imported()
OPTIONS = peer.options(mode=("step", "xla"))
PIXELS, HIDDEN, LATENTS, BATCH = 784, 64, 32, 32
keras.utils.set_random_seed(1)


class Vae(keras.Model):
    def __init__(self):
        super().__init__()
        self.encoder = layers.Dense(HIDDEN, activation="relu")
        self.mean, self.log_var = layers.Dense(LATENTS), layers.Dense(LATENTS)
        self.decoder = layers.Dense(HIDDEN, activation="relu")
        self.pixels = layers.Dense(PIXELS, activation="sigmoid")

    def call(self, x):
        hidden = self.encoder(x)
        mean, log_var = self.mean(hidden), self.log_var(hidden)
        z = mean + tf.exp(0.5 * log_var) * tf.random.normal(tf.shape(mean))
        self.add_loss(-0.5 * tf.reduce_mean(log_var - tf.square(mean) - tf.exp(log_var) + 1))
        return self.pixels(self.decoder(z))


vae = Vae()
optimizer = keras.optimizers.Adam(1e-3)
squared_error = keras.losses.MeanSquaredError()


@tf.function(jit_compile=OPTIONS.mode == "xla")
def train_step(x):
    with tf.GradientTape() as tape:
        loss = squared_error(x, vae(x)) + sum(vae.losses)
    gradients = tape.gradient(loss, vae.trainable_weights)
    optimizer.apply_gradients(zip(gradients, vae.trainable_weights))
    return loss


images = peer.batched(peer.table(OPTIONS.data, "images", PIXELS), BATCH)
peer.serve(train_step, [tf.constant(x) for x in images], 107472, (tf, keras))
