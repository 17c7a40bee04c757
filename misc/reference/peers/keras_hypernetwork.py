"""The hypernetwork of the Keras guide for researchers, batch 1, with its @tf.function step.  --mode step|xla

Porting note: Dense.kernel has no setter in Keras 3, so the generated kernel goes to Dense._kernel.
"""
import peer

import numpy as np
import tensorflow as tf
import keras
from keras import layers

peer.imported()
OPTIONS = peer.options(mode=("step", "xla"))
PIXELS, HIDDEN, CLASSES, BOTTLENECK = 784, 64, 10, 16
SHAPES = ((PIXELS, HIDDEN), (HIDDEN,), (HIDDEN, CLASSES), (CLASSES,))
GENERATED = sum(int(np.prod(shape)) for shape in SHAPES)
keras.utils.set_random_seed(1)

main_network = [layers.Dense(HIDDEN, activation="relu"), layers.Dense(CLASSES)]
for layer in main_network:
    layer.built = True
hypernetwork = keras.Sequential(
    [layers.Dense(BOTTLENECK, activation="relu"), layers.Dense(GENERATED, activation="sigmoid")]
)
cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
optimizer = keras.optimizers.Adam(1e-4)


@tf.function(jit_compile=OPTIONS.mode == "xla")
def train_step(x, y):
    with tf.GradientTape() as tape:
        generated = hypernetwork(x)
        start, parts = 0, []
        for shape in SHAPES:
            size = int(np.prod(shape))
            parts.append(tf.reshape(generated[:, start : start + size], shape))
            start += size
        for layer, kernel, bias in zip(main_network, parts[::2], parts[1::2]):
            layer._kernel, layer.bias = kernel, bias
        loss = cross_entropy(y, main_network[1](main_network[0](x)))
    gradients = tape.gradient(loss, hypernetwork.trainable_weights)
    optimizer.apply_gradients(zip(gradients, hypernetwork.trainable_weights))
    return loss


images = peer.batched(peer.table(OPTIONS.data, "images", PIXELS), 1)
labels = peer.batched(peer.table(OPTIONS.data, "labels", 1)[:, 0].astype("int32"), 1)
batches = [(tf.constant(x), tf.constant(y)) for x, y in zip(images, labels)]
peer.serve(lambda batch: train_step(*batch), batches, 877690, (tf, keras))
