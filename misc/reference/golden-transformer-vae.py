"""Golden values of the transformer-VAE and its parts, in PyTorch: pooling, pseudo-self-attention, the whole model.

Written from the equations (Vaswani et al. 2017; Ziegler et al. 2019, eq. 5; Fang et al. 2021), with PyTorch's own attention, layer
norm, GELU, cross-entropy and KL. Kernels are [in, out]. One set of weights serves every case; a case names those that it uses.
"""

from golden import write

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch.distributions import Normal, kl_divergence

SEED = 20220217
WIDTH, HEADS, HIDDEN, LATENTS, VOCABULARY, LAYERS = 6, 2, 8, 3, 9, 2
BETA, KL_WEIGHT = 0.7, 0.25
PAD = 0
X = [[4, 5, 6, 7, 2], [8, 3, 2, 0, 0], [5, 5, 4, 2, 0]]
Y = [[1, 6, 4, 8, 3, 2], [1, 7, 2, 0, 0, 0], [1, 3, 3, 8, 2, 0]]


def names():
    """Every weight with its shape."""
    dense = lambda name, inputs, units: {f"{name}.kernel": (inputs, units), f"{name}.bias": (units,)}
    norm = lambda name: {f"{name}.scale": (WIDTH,), f"{name}.bias": (WIDTH,)}
    attention = lambda name: {
        key: shape for part in ("query", "key", "value", "output") for key, shape in dense(f"{name}.{part}", WIDTH, WIDTH).items()
    }
    shapes = {"encoder.embedding.table": (VOCABULARY, WIDTH), "encoder.segments.table": (2, WIDTH)}
    shapes |= {"decoder.embedding.table": (VOCABULARY, WIDTH)}
    for side, own in (("encoder", "attention"), ("decoder", "self_attention")):
        for layer in range(LAYERS):
            place = f"{side}.layer_{layer}"
            shapes |= attention(f"{place}.{own}") | norm(f"{place}.{own}_norm") | norm(f"{place}.output_norm")
            shapes |= dense(f"{place}.feed_forward.hidden", WIDTH, HIDDEN) | dense(f"{place}.feed_forward.output", HIDDEN, WIDTH)
    for layer in range(LAYERS):
        shapes |= dense(f"decoder.latent_{layer}", LATENTS, 2 * WIDTH)
    shapes |= {"encoder.pooling.learned_query": (1, WIDTH)} | attention("encoder.pooling")
    shapes |= dense("prior", WIDTH, 2 * LATENTS) | dense("posterior", WIDTH, 2 * LATENTS)
    shapes |= {"decoder.latent_input.kernel": (LATENTS, WIDTH)}
    shapes |= dense("decoder.latent_output.hidden", LATENTS, HIDDEN) | dense("decoder.latent_output.logits", HIDDEN, VOCABULARY)
    return shapes | dense("decoder.logits", WIDTH, VOCABULARY)


class Model:
    """The equations over a dictionary of weights."""

    def __init__(self, weights, injection, *, source=False, pooling="attention"):
        self.weights, self.injection, self.source, self.pooling = weights, injection, source, pooling

    def dense(self, name, x):
        return x @ self.weights[f"{name}.kernel"] + self.weights[f"{name}.bias"]

    def norm(self, name, x):
        return F.layer_norm(x, (WIDTH,), self.weights[f"{name}.scale"], self.weights[f"{name}.bias"], eps=1e-6)

    def positions(self, length):
        place, column = torch.arange(length)[:, None].float(), torch.arange(WIDTH)[None, :]
        angle = place / 10000 ** (2 * torch.div(column, 2, rounding_mode="floor") / WIDTH)
        return torch.where(column % 2 == 0, angle.sin(), angle.cos()).float()

    def heads(self, x):
        return x.reshape(len(x), -1, HEADS, WIDTH // HEADS).transpose(1, 2)

    def attend(self, name, x, visible, latent=None, z=None):
        """Multi-head self-attention; with z, pseudo-self-attention: z gives one more key and value, in front."""
        query, key, value = (self.heads(self.dense(f"{name}.{part}", x)) for part in ("query", "key", "value"))
        if z is not None:
            ofKey, ofValue = self.dense(latent, z)[:, None, :].chunk(2, dim=-1)
            key, value = torch.cat((self.heads(ofKey), key), dim=2), torch.cat((self.heads(ofValue), value), dim=2)
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=visible)
        return self.dense(f"{name}.output", mixed.transpose(1, 2).reshape(x.shape))

    def layer(self, side, index, x, visible, z=None):
        place = f"{side}.layer_{index}"
        own = f"{place}.attention" if side == "encoder" else f"{place}.self_attention"
        x = self.norm(f"{own}_norm", x + self.attend(own, x, visible, f"{side}.latent_{index}", z))
        wide = self.dense(f"{place}.feed_forward.hidden", x).relu()
        return self.norm(f"{place}.output_norm", x + self.dense(f"{place}.feed_forward.output", wide))

    def pool(self, h, shown):
        """[B, T, D] and [B, T] to [B, D]."""
        if self.pooling == "mean":
            return (h * shown[..., None]).sum(1) / shown.sum(1, keepdim=True)
        if self.pooling == "mean with padding":
            return h.mean(1)
        query = self.dense("encoder.pooling.query", self.weights["encoder.pooling.learned_query"])  # [1, D]
        logits = (self.dense("encoder.pooling.key", h) * query).sum(-1)  # [B, T]
        logits = F.gelu(logits) if self.source else logits / math.sqrt(WIDTH)
        self.pooled = logits.masked_fill(shown == 0, -torch.inf).softmax(-1)
        mixed = (self.pooled[..., None] * self.dense("encoder.pooling.value", h)).sum(1)
        return self.dense("encoder.pooling.output", mixed)

    def embed(self, side, ids):
        return self.weights[f"{side}.embedding.table"][ids] * math.sqrt(WIDTH)

    def encode(self, x, y=None):
        ids = x if y is None else torch.cat((x, y), dim=1)
        h = self.embed("encoder", ids)
        if self.source:
            h = h + self.positions(ids.shape[1])
        else:
            segment = torch.zeros(x.shape[1], dtype=torch.long)
            place = self.positions(x.shape[1])
            if y is not None:
                segment, place = torch.cat((segment, torch.ones(y.shape[1], dtype=torch.long))), torch.cat((place, self.positions(y.shape[1])))
            h = h + place + self.weights["encoder.segments.table"][segment]
        shown = ids != PAD
        for layer in range(LAYERS):
            h = self.layer("encoder", layer, h, shown[:, None, None, :])
        return self.pool(h, shown.float())

    def gaussian(self, head, pooled):
        mean, log_var = self.dense(head, pooled).chunk(2, dim=-1)
        return mean, log_var

    def decode(self, entering, z):
        length = entering.shape[1]
        h = self.embed("decoder", entering) + self.positions(length)
        visible = torch.ones(length, length, dtype=torch.bool).tril()
        if self.injection == "attention":
            diagonal = 0 if self.source else 1
            visible = torch.ones(length, length + 1, dtype=torch.bool).tril(diagonal)
        if self.source:
            shown = entering != PAD
            if self.injection == "attention":
                shown = torch.cat((torch.ones(len(shown), 1, dtype=torch.bool), shown), dim=1)
            visible = visible & shown[:, None, None, :]
        if self.injection == "input":
            h = h + (z @ self.weights["decoder.latent_input.kernel"])[:, None, :]
        for layer in range(LAYERS):
            h = self.layer("decoder", layer, h, visible, z if self.injection == "attention" else None)
        logits = self.dense("decoder.logits", h)
        if self.injection == "output":
            hidden = F.leaky_relu(self.dense("decoder.latent_output.hidden", z), 0.3)
            logits = logits + self.dense("decoder.latent_output.logits", hidden)[:, None, :]
        return logits

    def reconstruction(self, y, z):
        logits = self.decode(y[:, :-1], z)
        return F.cross_entropy(logits.transpose(1, 2), y[:, 1:], ignore_index=PAD, reduction="none").sum(1)

    def terms(self, x, y, epsilon):
        """Both features for the right model; in the source one feature for both heads."""
        of_pair = self.encode(x, y)
        q = self.gaussian("posterior", of_pair)
        p = self.gaussian("prior", of_pair if self.source else self.encode(x))
        of_q, of_p = (Normal(mean, (0.5 * log_var).exp()) for mean, log_var in (q, p))
        z, from_prior = (d.mean + d.stddev * epsilon for d in (of_q, of_p))
        reconstruction, kl = self.reconstruction(y, z), kl_divergence(of_q, of_p).sum(1)
        weight = of_p.log_prob(z).sum(1) - of_q.log_prob(z).sum(1) - reconstruction
        tokens = (y[:, 1:] != PAD).sum()
        return {
            "posterior mean": q[0], "posterior logVar": q[1], "prior mean": p[0], "prior logVar": p[1],
            "logits": self.decode(y[:, :-1], z), "reconstruction": reconstruction, "kl": kl,
            "prior reconstruction": self.reconstruction(y, from_prior), "log weight": weight,
            "loss": reconstruction.sum() / tokens + KL_WEIGHT * kl.mean() if self.source else (reconstruction + BETA * kl).mean(),
        }  # fmt: skip


def parts(weights, random):
    """The layers by themselves, with the gradients of a weighed sum."""
    draw = lambda *shape: torch.tensor(random.standard_normal(shape), dtype=torch.float32)
    h, z, weighing, of_pooled = draw(3, 5, WIDTH), draw(3, LATENTS), draw(3, 5, WIDTH), draw(3, WIDTH)
    h.requires_grad_(), z.requires_grad_()
    shown = torch.tensor(X) != PAD
    inputs, expected = {"h": h, "z": z, "weighing": weighing, "weighing of pooled": of_pooled}, {}
    own = [name for name in weights if name.startswith(("decoder.layer_0.self_attention.", "decoder.latent_0."))]
    for mask, diagonal in (("right", 1), ("source", 0)):
        visible = torch.ones(5, 6, dtype=torch.bool).tril(diagonal)
        output = Model(weights, "attention").attend("decoder.layer_0.self_attention", h, visible, "decoder.latent_0", z)
        gradients = torch.autograd.grad((output * weighing).sum(), [h, z, *(weights[name] for name in own)])
        expected |= {f"attention {mask}": output, f"attention {mask} d h": gradients[0], f"attention {mask} d z": gradients[1]}
        expected |= {f"attention {mask} d {name}": g for name, g in zip(own, gradients[2:])}
    own = [name for name in weights if name.startswith("encoder.pooling.")]
    for source in (False, True):
        model, name = Model(weights, "input", source=source), "gelu" if source else "scaled"
        pooled = model.pool(h, shown.float())
        gradients = torch.autograd.grad((pooled * of_pooled).sum(), [h, *(weights[name] for name in own)])
        expected |= {f"pooling {name}": pooled, f"pooling {name} weights": model.pooled, f"pooling {name} d h": gradients[0]}
        expected |= {f"pooling {name} d {key}": g for key, g in zip(own, gradients[1:])}
    for kind in ("mean", "mean with padding"):
        expected[f"pooling {kind}"] = Model(weights, "input", pooling=kind).pool(h, shown.float())
    return inputs, expected


def main():
    random = np.random.default_rng(SEED)
    weights = {
        name: torch.tensor(random.normal(1 if name.endswith("scale") else 0, 0.4, shape), dtype=torch.float32).requires_grad_()
        for name, shape in names().items()
    }
    inputs, expected = parts(weights, random)
    settings = {"width": WIDTH, "heads": HEADS, "hidden": HIDDEN, "latents": LATENTS, "vocabulary": VOCABULARY, "layers": LAYERS}
    common = {"seed": SEED, "packages": ["torch", "numpy"], "settings": settings | {"beta": BETA, "klWeight": KL_WEIGHT}}
    ids = {"x": torch.tensor(X, dtype=torch.int32), "padding": (torch.tensor(X) == PAD).float()}
    write("pseudo-self-attention", **common, inputs=inputs | ids, weights=weights, expected=expected)

    x, y = torch.tensor(X), torch.tensor(Y)
    epsilon = torch.tensor(random.standard_normal((len(X), LATENTS)), dtype=torch.float32)
    expected = {}
    cases = {injection: Model(weights, injection) for injection in ("input", "attention", "output")}
    cases |= {"mean": Model(weights, "input", pooling="mean"), "source": Model(weights, "attention", source=True)}
    for case, model in cases.items():
        terms = model.terms(x, y, epsilon)
        expected |= {f"{case} {name}": value for name, value in terms.items()}
        gradients = torch.autograd.grad(terms["loss"], list(weights.values()), allow_unused=True)
        expected |= {f"{case} d {name}": g for name, g in zip(weights, gradients) if g is not None}
    inputs = {"x": x.int(), "y": y.int(), "epsilon": epsilon}
    write("transformer-vae", **common, inputs=inputs, weights=weights, expected=expected)


if __name__ == "__main__":
    main()
