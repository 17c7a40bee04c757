"""Golden values of lib/layers' transformer parts: outputs and gradients of torch.nn's modules of the same names."""

from golden import write

import numpy as np
import torch
from torch import nn

SEED = 20170612
BATCH, STEPS, MEMORY, WIDTH, HEADS, HIDDEN = 2, 4, 3, 8, 2, 12
KEY_WIDTH, VALUE_WIDTH, ENTRIES = 5, 6, 7
FIRST_EPSILON, BART_EPSILON = 1e-6, 1e-5


def attention_weights(prefix, module):
    """A nn.MultiheadAttention's parameters under our names: kernels are [inputs, units], one for each projection."""
    if module.in_proj_weight is None:
        kernels = [module.q_proj_weight, module.k_proj_weight, module.v_proj_weight]
    else:
        kernels = module.in_proj_weight.chunk(3)
    names = ["query", "key", "value"]
    named = {f"{prefix}.{name}.kernel": kernel.T for name, kernel in zip(names, kernels)}
    named |= {f"{prefix}.{name}.bias": bias for name, bias in zip(names, module.in_proj_bias.chunk(3))}
    return named | linear_weights(f"{prefix}.output", module.out_proj)


def linear_weights(prefix, module):
    return {f"{prefix}.kernel": module.weight.T, f"{prefix}.bias": module.bias}


def norm_weights(prefix, module):
    return {f"{prefix}.scale": module.weight, f"{prefix}.bias": module.bias}


def encoder_weights(prefix, module):
    return (
        attention_weights(f"{prefix}.attention", module.self_attn)
        | norm_weights(f"{prefix}.attention_norm", module.norm1)
        | linear_weights(f"{prefix}.feed_forward.hidden", module.linear1)
        | linear_weights(f"{prefix}.feed_forward.output", module.linear2)
        | norm_weights(f"{prefix}.output_norm", module.norm2)
    )


def decoder_weights(prefix, module):
    return (
        attention_weights(f"{prefix}.self_attention", module.self_attn)
        | norm_weights(f"{prefix}.self_attention_norm", module.norm1)
        | attention_weights(f"{prefix}.cross_attention", module.multihead_attn)
        | norm_weights(f"{prefix}.cross_attention_norm", module.norm2)
        | linear_weights(f"{prefix}.feed_forward.hidden", module.linear1)
        | linear_weights(f"{prefix}.feed_forward.output", module.linear2)
        | norm_weights(f"{prefix}.output_norm", module.norm3)
    )


def main():
    random = np.random.default_rng(SEED)
    draw = lambda *shape, scale=1.0: torch.tensor(scale * random.standard_normal(shape), dtype=torch.float32)

    def shaken(module):
        """Every parameter random, so that none hides a mistake by being zero or one. In training mode, where
        torch composes its layers of their parts: its shortcut for inference treats padding otherwise."""
        with torch.no_grad():
            for name, parameter in module.named_parameters():
                is_scale = "norm" in name and name.endswith("weight") or isinstance(module, nn.LayerNorm)
                parameter.copy_(draw(*parameter.shape, scale=0.4) + (1.0 if is_scale else 0.0))
        return module.train()

    x, memory = draw(BATCH, STEPS, WIDTH), draw(BATCH, MEMORY, WIDTH)
    key_states, value_states = draw(BATCH, MEMORY, KEY_WIDTH), draw(BATCH, MEMORY, VALUE_WIDTH)
    weighing = draw(BATCH, STEPS, WIDTH)
    for tensor in (x, memory, key_states, value_states):
        tensor.requires_grad_()
    ids = torch.tensor([[3, 1, 3, 6], [0, 5, 6, 2]])
    padded = torch.tensor([[False, False, False, True], [False, False, False, False]])
    memory_padded = torch.tensor([[False, False, True], [False, False, False]])
    causal = torch.triu(torch.ones(STEPS, STEPS, dtype=torch.bool), 1)

    weights, expected = {}, {}

    def record(name, output, inputs):
        """The output, and the gradients of the sum of its numbers, each times a number of its own."""
        expected[name] = output
        loss = (output * weighing).sum()
        for key, tensor in inputs.items():
            expected[f"d {name} / d {key}"] = torch.autograd.grad(loss, tensor, retain_graph=True)[0]

    def record_module(name, module, under_our_names, run, inputs):
        output = run(module)
        record(name, output, inputs)
        (output * weighing).sum().backward()
        weights.update({key: tensor.detach().clone() for key, tensor in under_our_names(name, module).items()})
        # A module of gradients in place of parameters gives their gradients our names.
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.copy_(parameter.grad)
        for key, gradient in under_our_names(name, module).items():
            expected[f"d {name} / d {key.removeprefix(name + '.')}"] = gradient.detach().clone()

    attention = shaken(nn.MultiheadAttention(WIDTH, HEADS, kdim=KEY_WIDTH, vdim=VALUE_WIDTH, batch_first=True))
    attend = lambda module: module(
        x, key_states, value_states, key_padding_mask=memory_padded, need_weights=True, average_attn_weights=False
    )
    expected["attention weights"] = attend(attention)[1].detach()
    inputs = {"x": x, "key": key_states, "value": value_states}
    record_module("attention", attention, attention_weights, lambda m: attend(m)[0], inputs)

    selfish = shaken(nn.MultiheadAttention(WIDTH, HEADS, batch_first=True))
    run = lambda m: m(x, x, x, attn_mask=causal, need_weights=False)[0]
    record_module("self", selfish, attention_weights, run, {"x": x})

    for name, activation, epsilon in [("encoder", "gelu", BART_EPSILON), ("first encoder", "relu", FIRST_EPSILON)]:
        layer = nn.TransformerEncoderLayer(
            WIDTH, HEADS, HIDDEN, 0.0, activation, layer_norm_eps=epsilon, batch_first=True
        )
        run = lambda m: m(x, src_key_padding_mask=padded)
        record_module(name, shaken(layer), encoder_weights, run, {"x": x})

    layer = nn.TransformerDecoderLayer(
        WIDTH, HEADS, HIDDEN, 0.0, "gelu", layer_norm_eps=BART_EPSILON, batch_first=True
    )
    run = lambda m: m(x, memory, tgt_mask=causal, memory_key_padding_mask=memory_padded)
    record_module("decoder", shaken(layer), decoder_weights, run, {"x": x, "memory": memory})

    norm = shaken(nn.LayerNorm(WIDTH, eps=BART_EPSILON))
    record_module("norm", norm, norm_weights, lambda m: m(x * 3 + 1), {"x": x})

    embedding = shaken(nn.Embedding(ENTRIES, WIDTH))
    table = lambda prefix, module: {f"{prefix}.table": module.weight}
    record_module("embedding", embedding, table, lambda m: m(ids), {})
    tied = shaken(nn.Embedding(ENTRIES, WIDTH))
    logits = lambda m: (m(ids) + x) @ m.weight.T
    expected["tied logits"] = logits(tied).detach()
    # As many numbers as weighing has: the logits once more through the table.
    record_module("tied", tied, table, lambda m: logits(m) @ m.weight, {"x": x})

    record("gelu", nn.functional.gelu(x * 2), {"x": x})
    record("geluTanh", nn.functional.gelu(x * 2, approximate="tanh"), {"x": x})

    write(
        "transformer-layers",
        seed=SEED,
        packages=["torch", "numpy"],
        settings={"width": WIDTH, "heads": HEADS, "hidden": HIDDEN, "keyWidth": KEY_WIDTH, "valueWidth": VALUE_WIDTH,
                  "entries": ENTRIES, "epsilon of the first": FIRST_EPSILON, "epsilon": BART_EPSILON},
        inputs={"x": x, "memory": memory, "key": key_states, "value": value_states, "weighing": weighing, "ids": ids,
                "mask": padded.float()[:, None, None, :], "memory mask": memory_padded.float()[:, None, None, :]},
        weights=weights,
        expected=expected,
    )


if __name__ == "__main__":
    main()
