"""Golden values of T5's and Funnel's layers and of the MMD transformer, from Transformers' own modules."""

import os

os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")

from golden import write

import numpy as np
import torch
from torch import nn
from transformers import FunnelConfig, T5Config
from transformers.models.funnel.modeling_funnel import FunnelEncoder, upsample
from transformers.models.t5.modeling_t5 import T5Attention, T5LayerFF, T5Stack

SEED = 20200813
PACKAGES = ["torch", "transformers", "numpy"]
BUCKETS = [(32, 128), (8, 12), (6, 20), (16, 100)]


def randomise(module, random):
    """Gives every parameter random numbers: norms near 1, the rest small, none of them zero."""
    for name, parameter in module.named_parameters():
        scale, offset = (0.2, 1.0) if "norm" in name and name.endswith("weight") else (0.3, 0.0)
        parameter.data = torch.tensor(offset + scale * random.standard_normal(tuple(parameter.shape)), dtype=torch.float32)


def kernel(parameter):
    """torch keeps a linear layer's weight as [out, in], we as [in, out]."""
    return parameter.T


def gradients(value, named):
    """Of a sum with unequal weights, so that no two numbers count alike."""
    weighed = (value * (1 + 0.5 * torch.sin(torch.arange(1, value.numel() + 1))).reshape(value.shape)).sum()
    grads = torch.autograd.grad(weighed, list(named.values()))
    return {f"d / d {name}": grad for name, grad in zip(named, grads)}


def t5_attention(prefix, attention):
    names = {"query": "q", "key": "k", "value": "v", "output": "o"}
    return {f"{prefix}.{ours}.kernel": getattr(attention, theirs).weight for ours, theirs in names.items()}


def t5_weights(stack):
    """Our names for the parameters of a T5Stack; kernels are still as torch has them."""
    named = {"positions.table": stack.block[0].layer[0].SelfAttention.relative_attention_bias.weight}
    for index, block in enumerate(stack.block):
        own, wide = block.layer[0], block.layer[-1]
        layer = {"selfNorm.scale": own.layer_norm.weight} | t5_attention("attention", own.SelfAttention)
        if stack.is_decoder:
            cross = block.layer[1]
            layer |= {"crossNorm.scale": cross.layer_norm.weight} | t5_attention("crossAttention", cross.EncDecAttention)
        layer |= {"feedForwardNorm.scale": wide.layer_norm.weight}
        layer |= {"wide.kernel": wide.DenseReluDense.wi.weight, "narrow.kernel": wide.DenseReluDense.wo.weight}
        named |= {f"layers.{index}.{name}": parameter for name, parameter in layer.items()}
    return named | {"norm.scale": stack.final_layer_norm.weight}


def t5_stack(random, is_decoder, **sizes):
    config = T5Config(
        vocab_size=2, num_layers=2, dropout_rate=0.0, is_decoder=is_decoder, is_encoder_decoder=False,
        use_cache=False, attn_implementation="eager", **sizes,
    )
    stack = T5Stack(config).eval()
    randomise(stack, random)
    return stack


def in_our_layout(named):
    return {name: kernel(value) if name.endswith(".kernel") else value for name, value in named.items()}


def layout_of_gradients(grads):
    return {name: kernel(value) if name.endswith(".kernel") else value for name, value in grads.items()}


def write_t5():
    random = np.random.default_rng(SEED)
    sizes = {"d_model": 12, "num_heads": 3, "d_kv": 5, "d_ff": 10}
    sizes |= {"relative_attention_num_buckets": 8, "relative_attention_max_distance": 6}
    draw = lambda *shape: torch.tensor(random.standard_normal(shape), dtype=torch.float32, requires_grad=True)
    x, memory = draw(2, 9, 12), draw(2, 4, 12)
    seen = torch.tensor([[1] * 9, [1] * 6 + [0] * 3])
    inputs, weights, expected = {"x": x, "memory": memory, "hidden": 1 - seen}, {}, {}
    for name, is_decoder in {"encoder": False, "decoder": True}.items():
        stack = t5_stack(random, is_decoder, **sizes)
        weights |= {f"{name}.{weight}": value for weight, value in in_our_layout(t5_weights(stack)).items()}
        extra = {"encoder_hidden_states": memory} if is_decoder else {"attention_mask": seen}
        output = stack(inputs_embeds=x, **extra).last_hidden_state
        expected[f"{name} output"] = output
        of = {"x": x} | ({"memory": memory} if is_decoder else {}) | t5_weights(stack)
        grads = layout_of_gradients(gradients(output, of))
        expected |= {f"{name} {key}": value for key, value in grads.items()}
    distances = torch.arange(-300, 301)
    for buckets, furthest in BUCKETS:
        for kind, bidirectional in {"both": True, "past": False}.items():
            ids = T5Attention._relative_position_bucket(distances, bidirectional, buckets, furthest)
            expected[f"buckets {buckets} {furthest} {kind}"] = ids
    settings = {"buckets": 8, "furthest": 6, "width": 12, "heads": 3, "headWidth": 5, "hidden": 10}
    write("t5", seed=SEED, packages=PACKAGES, inputs=inputs, weights=weights, expected=expected, settings=settings)


def linear(prefix, module):
    return {f"{prefix}.kernel": module.weight, f"{prefix}.bias": module.bias}


def norm(prefix, module):
    return {f"{prefix}.scale": module.weight, f"{prefix}.bias": module.bias}


def funnel_weights(encoder):
    named = {}
    for block, layers in enumerate(encoder.blocks):
        for index, layer in enumerate(layers):
            attention, ffn = layer.attention, layer.ffn
            own = {"query.kernel": attention.q_head.weight} | linear("key", attention.k_head) | linear("value", attention.v_head)
            own |= {"distance": attention.r_kernel, "biases.content": attention.r_w_bias, "biases.distance": attention.r_r_bias}
            own |= linear("output", attention.post_proj) | norm("norm", attention.layer_norm)
            own |= linear("feedForward.hidden", ffn.linear_1) | linear("feedForward.output", ffn.linear_2)
            own |= norm("feedForwardNorm", ffn.layer_norm)
            named |= {f"blocks.{block}.{index}.{name}": value for name, value in own.items()}
    return named


def funnel_layout(named):
    """As our tensors: kernels transposed, [D, H, Dh] and [H, Dh] flat in their heads."""
    ours = {}
    for name, value in named.items():
        if name.endswith(".kernel"):
            ours[name] = kernel(value)
        elif name.endswith(".distance") and value.ndim == 3:
            ours[f"{name}.kernel"] = value.reshape(value.shape[0], -1)
        elif ".biases." in name:
            ours[name] = value.reshape(-1)
        else:
            ours[name] = value
    return ours


def funnel_encoder(random, blocks, **options):
    config = FunnelConfig(
        vocab_size=2, block_sizes=blocks, n_head=2, d_head=3, d_model=8, d_inner=10,
        hidden_dropout=0.0, attention_dropout=0.0, activation_dropout=0.0, **options,
    )
    encoder = FunnelEncoder(config).eval()
    randomise(encoder, random)
    return encoder


FUNNELS = {
    "default": {},
    "whole": {"separate_cls": False},
    "kept": {"truncate_seq": False},
    "pooled keys": {"pool_q_only": False},
}


def write_funnel():
    random = np.random.default_rng(SEED + 1)
    draw = lambda *shape: torch.tensor(random.standard_normal(shape), dtype=torch.float32, requires_grad=True)
    inputs = {"even": draw(2, 12, 8), "odd": draw(2, 11, 8), "short": draw(1, 5, 8)}
    seen = torch.tensor([[1] * 12, [1] * 7 + [0] * 5])
    encoder = funnel_encoder(random, [1, 2, 1])
    weights, expected = funnel_layout(funnel_weights(encoder)), {}
    for name, options in FUNNELS.items():
        other = funnel_encoder(np.random.default_rng(0), [1, 2, 1], **options)
        other.load_state_dict(encoder.state_dict())
        for key, x in inputs.items():
            shown = seen if key == "even" else torch.ones(x.shape[:2])
            output = other(x, attention_mask=shown).last_hidden_state
            expected[f"{name} {key}"] = output
            if key != "even":
                continue
            # the loss must not see the two parts that need segments of text
            of = {"x": x} | funnel_weights(other)
            for weight, grad in gradients(output, of).items():
                shown_name, value = next(iter(funnel_layout({weight: grad}).items()))
                if name in ["default", "whole"]:
                    expected[f"{name} {shown_name}"] = value
    codes = draw(2, 5, 8)
    for length in [17, 20, 40]:
        for name, (separate, truncate) in {"default": (True, True), "whole": (False, False), "kept": (True, False)}.items():
            expected[f"upsample {name} {length}"] = upsample(codes, 4, length, separate, truncate)
    inputs |= {"codes": codes, "hidden": 1 - seen}
    settings = {"width": 8, "heads": 2, "headWidth": 3, "hidden": 10}
    write("funnel", seed=SEED + 1, packages=PACKAGES, inputs=inputs, weights=weights, expected=expected, settings=settings)


def seed_kernel(x, y):
    return torch.exp(-((x[:, None] - y[None]) ** 2).mean(2) / x.shape[1])


def prior_kernel(x, y):
    return torch.exp(-((x[:, None] - y[None]) ** 2).sum(2) / (2 * x.shape[1]))


def off_diagonal(k):
    return (k.sum() - k.diagonal().sum()) / (k.shape[0] * (k.shape[0] - 1))


class Twin(nn.Module):
    """The seed's model from Transformers' modules: Funnel's encoder, a latent of n tokens, T5's decoder."""

    def __init__(self, random, vocabulary, width, tokens, latents, upsamples):
        super().__init__()
        self.tokens, self.upsamples = tokens, upsamples
        self.embedding = nn.Embedding(vocabulary, width)
        self.encoder = funnel_encoder(random, [1, 1, 1])
        self.to_mean = nn.Linear(width, latents)
        self.from_latents = nn.Linear(latents, width)
        self.latent_norm = nn.LayerNorm(width, 1e-9)
        sizes = {"d_model": width, "num_heads": 2, "d_kv": 3, "d_ff": 10}
        sizes |= {"relative_attention_num_buckets": 8, "relative_attention_max_distance": 20}
        self.decoder = t5_stack(random, True, **sizes)
        randomise(self, random)

    def encode(self, ids):
        states = self.encoder(self.embedding(ids), attention_mask=(ids != 0).long()).last_hidden_state
        return torch.tanh(self.to_mean(states))[:, : self.tokens]

    def memory(self, z):
        tokens = self.latent_norm(self.from_latents(z))
        return upsample(tokens, 4, 12, True, True) if self.upsamples else tokens

    def decode(self, z, ids):
        entering = torch.cat([torch.zeros_like(ids[:, :1]), ids[:, :-1]], 1)
        states = self.decoder(inputs_embeds=self.embedding(entering), encoder_hidden_states=self.memory(z)).last_hidden_state
        return states * states.shape[-1] ** -0.5 @ self.embedding.weight.T

    def in_our_layout(self, values):
        """Our names; values are the parameters themselves or their gradients."""
        ours = {"embedding.table": self.embedding.weight}
        ours |= {f"encoder.{name}": value for name, value in funnel_weights(self.encoder).items()}
        ours |= linear("toMean", self.to_mean) | linear("fromLatents", self.from_latents) | norm("latentNorm", self.latent_norm)
        ours |= {f"decoder.{name}": value for name, value in t5_weights(self.decoder).items()}
        return funnel_layout({name: values(parameter) for name, parameter in ours.items()})


def write_model():
    random = np.random.default_rng(SEED + 2)
    vocabulary, width, tokens, latents, batch, steps = 11, 8, 2, 3, 3, 12
    model = Twin(random, vocabulary, width, tokens, latents, True)
    ids = torch.tensor(random.integers(1, vocabulary, (batch, steps)))
    ids[1, 9:], ids[2, 7:] = 0, 0
    prior = torch.tensor(random.standard_normal((batch, tokens, latents)), dtype=torch.float32)
    weight = 0.7
    weights = {name: value.detach() for name, value in model.in_our_layout(lambda parameter: parameter).items()}
    expected = {}
    for name, upsamples in {"upsampled": True, "as it is": False}.items():
        model.upsamples = upsamples
        z = model.encode(ids)
        logits = model.decode(z, ids)
        tokens_nll = nn.functional.cross_entropy(logits.transpose(1, 2), ids, ignore_index=0, reduction="none")
        cross_entropy = tokens_nll.sum() / (ids != 0).sum()
        codes, draws = z.reshape(-1, latents), prior.reshape(-1, latents)
        mmd = seed_kernel(draws, draws).mean() + seed_kernel(codes, codes).mean() - 2 * seed_kernel(draws, codes).mean()
        regulariser = mmd / batch * tokens
        seed_loss = cross_entropy + weight * regulariser
        right = off_diagonal(prior_kernel(codes, codes)) + off_diagonal(prior_kernel(draws, draws)) - 2 * prior_kernel(codes, draws).mean()
        loss = tokens_nll.sum(1).mean() + weight * 5 * right
        terms = {"z": z, "memory": model.memory(z), "logits": logits, "reconstruction": tokens_nll.sum(1), "crossEntropy": cross_entropy}
        terms |= {"seed mmd": mmd, "regulariser": regulariser, "seed loss": seed_loss, "mmd": right, "loss": loss}
        expected |= {f"{name} {term}": value for term, value in terms.items()}
        for kind, value in {"seed": seed_loss, "nats": loss}.items():
            model.zero_grad(set_to_none=True)
            value.backward(retain_graph=True)
            grads = model.in_our_layout(lambda parameter: parameter.grad)
            if (name, kind) in [("upsampled", "seed"), ("as it is", "nats")]:
                expected |= {f"{name} {kind} d / d {weight_name}": grad for weight_name, grad in grads.items()}
        with torch.no_grad():
            written = torch.zeros(batch, 0, dtype=torch.long)
            for _ in range(steps):
                padded = torch.cat([written, torch.zeros(batch, 1, dtype=torch.long)], 1)
                written = torch.cat([written, model.decode(z, padded)[:, -1:].argmax(-1)], 1)
        expected[f"{name} greedy"] = written
    inputs = {"ids": ids, "prior": prior}
    settings = {"vocabulary": vocabulary, "width": width, "latentTokens": tokens, "latents": latents, "steps": steps}
    settings |= {"weight": weight, "scale": 5, "hidden": 10, "heads": 2, "headWidth": 3, "layers": 2, "buckets": 8, "furthest": 20}
    write("mmd-transformer", seed=SEED + 2, packages=PACKAGES, inputs=inputs, weights=weights, expected=expected, settings=settings)


def write_latent_norm():
    """What follows the layer that widens a latent token, where it is T5's feed-forward part: the seed's t5_norm."""
    random = np.random.default_rng(SEED + 3)
    width, latents, hidden = 8, 3, 10
    widened = nn.Linear(latents, width)
    part = T5LayerFF(T5Config(d_model=width, d_ff=hidden, dropout_rate=0.0)).eval()
    for module in (widened, part):
        randomise(module, random)
    z = torch.tensor(random.standard_normal((2, 4, latents)), dtype=torch.float32, requires_grad=True)
    named = linear("fromLatents", widened) | {"latentNorm.norm.scale": part.layer_norm.weight}
    named |= {"latentNorm.wide.kernel": part.DenseReluDense.wi.weight, "latentNorm.narrow.kernel": part.DenseReluDense.wo.weight}
    memory = part(widened(z))
    grads = layout_of_gradients(gradients(memory, {"z": z} | named))
    expected = {"memory": memory, "plain memory": widened(z)} | grads
    settings = {"width": width, "latents": latents, "hidden": hidden, "latentTokens": 4}
    weights = in_our_layout(named)
    write("latent-norm", seed=SEED + 3, packages=PACKAGES, inputs={"z": z}, weights=weights, expected=expected, settings=settings)


if __name__ == "__main__":
    write_t5()
    write_funnel()
    write_model()
    write_latent_norm()
