"""The transformer-VAE of seed 000 on Keras 3, with a @tf.function step.  --mode step|xla

The seed's encoder, decoder and loss on the layers of TensorFlow's transformer tutorial. On Keras 3 the
learnt query has to come from add_weight (a bare tf.Variable is silently not trained), and the mask of
the decoder lets a token see the latent, those before it and itself.
"""
import peer

import numpy as np
import tensorflow as tf
import keras
from keras import layers

peer.imported()
OPTIONS = peer.options(mode=("step", "xla"))
VOCABULARY, LENGTH, BATCH = 2000, 32, 16
WIDTH, HEADS, HIDDEN, LAYERS = 128, 4, 512, 2
KL_WEIGHT = 0.1
CALM = OPTIONS.weights is not None
RATE = 0.0 if CALM else 0.1
keras.utils.set_random_seed(1)


def positions(steps, width):
    angles = np.arange(steps)[:, None] / 10000 ** (np.arange(0, width, 2) / width)
    both = np.stack((np.sin(angles), np.cos(angles)), -1).reshape(steps, width)
    return tf.constant(both, tf.float32)


class Attention(layers.Layer):
    """mask: 1 where a key is hidden. before: keys and values that come first."""

    def __init__(self, heads=HEADS, is_plain=True):
        super().__init__()
        self.heads, self.is_plain = heads, is_plain
        self.query, self.key = layers.Dense(WIDTH), layers.Dense(WIDTH)
        self.value, self.output_ = layers.Dense(WIDTH), layers.Dense(WIDTH)

    def in_heads(self, x):
        shape = (BATCH, -1, self.heads, WIDTH // self.heads)
        return tf.transpose(tf.reshape(x, shape), (0, 2, 1, 3))

    def call(self, query, states, mask, before=None):
        query = self.in_heads(self.query(query))
        key, value = self.in_heads(self.key(states)), self.in_heads(self.value(states))
        if before is not None:
            key, value = tf.concat((before[0], key), 2), tf.concat((before[1], value), 2)
        scores = tf.matmul(query, key, transpose_b=True)
        if self.is_plain:
            scores /= tf.sqrt(float(WIDTH // self.heads))
        else:
            scores = tf.nn.gelu(scores)
        weights = tf.nn.softmax(scores - 1e9 * mask)
        seen = tf.transpose(tf.matmul(weights, value), (0, 2, 1, 3))
        return self.output_(tf.reshape(seen, (BATCH, -1, WIDTH)))


class FeedForward(layers.Layer):
    def __init__(self):
        super().__init__()
        self.hidden, self.output_ = layers.Dense(HIDDEN, activation="relu"), layers.Dense(WIDTH)

    def call(self, x):
        return self.output_(self.hidden(x))


class Layer(layers.Layer):
    def __init__(self):
        super().__init__()
        self.attention, self.feed_forward = Attention(), FeedForward()
        self.attention_norm = layers.LayerNormalization(epsilon=1e-6)
        self.output_norm = layers.LayerNormalization(epsilon=1e-6)
        self.dropout_1, self.dropout_2 = layers.Dropout(RATE), layers.Dropout(RATE)

    def call(self, x, mask, before=None):
        seen = self.dropout_1(self.attention(x, x, mask, before), training=True)
        a = self.attention_norm(x + seen)
        return self.output_norm(a + self.dropout_2(self.feed_forward(a), training=True))


class Stack(layers.Layer):
    def __init__(self, steps):
        super().__init__()
        self.embedding, self.places = layers.Embedding(VOCABULARY, WIDTH), positions(steps, WIDTH)
        self.layer_0, self.layer_1 = (Layer() for _ in range(LAYERS))
        self.dropout = layers.Dropout(RATE)

    def embed(self, ids):
        h = self.embedding(ids) * tf.sqrt(float(WIDTH)) + self.places[: ids.shape[1]]
        return self.dropout(h, training=True)


class Pooling(Attention):
    def __init__(self):
        super().__init__(heads=1, is_plain=False)
        normal = keras.initializers.RandomNormal(stddev=0.02)
        self.learned_query = self.add_weight(shape=(1, WIDTH), initializer=normal)

    def call(self, states, mask):
        query = tf.tile(self.learned_query[None], (BATCH, 1, 1))
        return super().call(query, states, mask)


class Encoder(Stack):
    def __init__(self):
        super().__init__(2 * LENGTH)
        self.pooling = Pooling()

    def call(self, ids):
        mask = tf.cast(ids == 0, tf.float32)[:, None, None]
        h = self.embed(ids)
        for layer in (self.layer_0, self.layer_1):
            h = layer(h, mask)
        return self.pooling(h, mask)[:, 0]


class Decoder(Stack):
    def __init__(self):
        super().__init__(LENGTH)
        self.latent_0, self.latent_1 = (layers.Dense(2 * WIDTH) for _ in range(LAYERS))
        self.logits = layers.Dense(VOCABULARY)

    def call(self, ids, z):
        steps = ids.shape[1]
        mask = 1 - tf.linalg.band_part(tf.ones((steps, steps + 1)), -1, 1)
        h = self.embed(ids)
        for layer, latent in ((self.layer_0, self.latent_0), (self.layer_1, self.latent_1)):
            key, value = tf.split(latent(z)[:, None], 2, 2)
            in_heads = layer.attention.in_heads
            h = layer(h, mask, (in_heads(key), in_heads(value)))
        return self.logits(h)


class TransformerVae(keras.Model):
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = Encoder(), Decoder()
        self.prior, self.posterior = layers.Dense(2 * WIDTH), layers.Dense(2 * WIDTH)

    def call(self, x, y):
        pooled = self.encoder(tf.concat((x, y), 1))
        prior_mean, prior_log_var = tf.split(self.prior(pooled), 2, 1)
        mean, log_var = tf.split(self.posterior(pooled), 2, 1)
        epsilon = tf.fill(mean.shape, 0.5) if CALM else tf.random.normal(mean.shape)
        logits = self.decoder(y[:, :-1], mean + tf.exp(0.5 * log_var) * epsilon)
        wanted = y[:, 1:]
        counted = tf.cast(wanted != 0, tf.float32)
        nats = tf.nn.sparse_softmax_cross_entropy_with_logits(wanted, logits)
        distance = tf.square(mean - prior_mean) / tf.exp(prior_log_var)
        change = log_var - prior_log_var
        kl = 0.5 * tf.reduce_sum(tf.exp(change) + distance - 1 - change, 1)
        per_token = tf.reduce_sum(nats * counted) / tf.reduce_sum(counted)
        return per_token + KL_WEIGHT * tf.reduce_mean(kl)


LEAVES = {"scale": "gamma", "table": "embeddings", "output": "output_"}


def load(model, file):
    """Our weights into the parts of the same names."""
    from safetensors.numpy import load_file

    given = load_file(file)
    for name, value in given.items():
        part = model
        path = name.replace("self_attention", "attention").split(".")
        for step in path:
            is_norm = isinstance(part, layers.LayerNormalization)
            part = getattr(part, "beta" if is_norm and step == "bias" else LEAVES.get(step, step))
        part.assign(value)
    if len(given) != len(model.trainable_variables):
        raise ValueError(f"{len(given)} weights given, {len(model.trainable_variables)} wanted")


def sentences(name):
    return peer.batched(peer.table(OPTIONS.data, name, LENGTH), BATCH)


model = TransformerVae()
optimizer = keras.optimizers.Adam(1e-3)


@tf.function(jit_compile=OPTIONS.mode == "xla")
def train_step(x, y):
    with tf.GradientTape() as tape:
        loss = model(x, y)
    gradients = tape.gradient(loss, model.trainable_weights)
    if CALM:
        # Keras's Adam squares the rows of a sparse gradient before rows of the same word are added.
        gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
    optimizer.apply_gradients(zip(gradients, model.trainable_weights))
    return loss


pairs = zip(sentences("sources"), sentences("targets"))
batches = [tuple(tf.constant(ids, tf.int32) for ids in pair) for pair in pairs]
model(*batches[0])
if CALM:
    load(model, OPTIONS.weights)
    peer.serve_losses(lambda batch: train_step(*batch), batches)
else:
    weights = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    peer.serve(lambda batch: train_step(*batch), batches, weights, (tf, keras))
