"""Golden values of lesson 4: the latent of vae_bart.py between Transformers' BART encoder and decoder, and the mended one.

The source's forward is written in its own layout (time first, fairseq's), with PyTorch's MultiheadAttention, whose arithmetic
is fairseq's; its loss is PyTorch's label-smoothed cross-entropy summed over the tokens, plus the weighted KL, over the number of
tokens. Kernels of the latent's own layers are stored as [in, out]; BART's weights under Transformers' names, as they are.
"""

from golden import write

import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Normal, kl_divergence
from transformers import BartConfig, BartModel

SEED = 20210126
WIDTH, HEADS, HIDDEN, LAYERS, VOCABULARY, POSITIONS = 8, 2, 12, 1, 11, 8
LATENTS, TOKENS, SMOOTHING, BETA, FREE_BITS = 3, 2, 0.1, 0.7, 0.4
PAD, SOS, EOS = 0, 1, 2
IDS = [[1, 5, 6, 7, 8, 2], [1, 9, 10, 2, 0, 0], [1, 4, 4, 5, 2, 0]]


def backbone():
    return BartModel(
        BartConfig(
            vocab_size=VOCABULARY, d_model=WIDTH, encoder_layers=LAYERS, decoder_layers=LAYERS, encoder_attention_heads=HEADS,
            decoder_attention_heads=HEADS, encoder_ffn_dim=HIDDEN, decoder_ffn_dim=HIDDEN, max_position_embeddings=POSITIONS,
            activation_function="gelu", dropout=0.0, attention_dropout=0.0, activation_dropout=0.0, pad_token_id=PAD,
            bos_token_id=SOS, eos_token_id=EOS, decoder_start_token_id=SOS, forced_eos_token_id=None,
        )
    )  # fmt: skip


def mlp(outputs):
    return nn.Sequential(nn.Linear(WIDTH, WIDTH // 2), nn.ReLU(), nn.Linear(WIDTH // 2, outputs))


class Latent(nn.Module):
    """What stands between encoder and decoder. `source` is vae_bart.py's forward; otherwise the mended one."""

    def __init__(self, source):
        super().__init__()
        self.source = source
        self.mean, self.logVar = mlp(WIDTH if source else LATENTS), mlp(WIDTH if source else LATENTS)
        self.bridge = nn.MultiheadAttention(WIDTH, 2) if source else nn.Linear(LATENTS, TOKENS * WIDTH)

    def forward(self, states, counted, epsilon):
        """states [B, T, C] → mean, logVar, z [B, L], memory [B, M, C]"""
        if self.source:
            x = states.transpose(0, 1).contiguous()  # [T, B, C], as fairseq has it
            xt = x.view((x.size(1), x.size(0), x.size(2))).mean(dim=1)
        else:
            xt = (states * counted[..., None]).sum(1) / counted.sum(1, keepdim=True)
        mean, log_var = self.mean(xt), self.logVar(xt)
        z = mean + (0.5 * log_var).exp() * epsilon
        if self.source:
            memory = self.bridge(x, z[None], z[None])[0].transpose(0, 1)  # z is one key
        else:
            memory = self.bridge(z).view(-1, TOKENS, WIDTH)
        return mean, log_var, z, memory


def run(bart, latent, ids, epsilon):
    given, wanted = ids[:, :-1], ids[:, 1:]
    hidden = (ids != PAD).float()
    states = bart.encoder(ids, attention_mask=hidden).last_hidden_state
    mean, log_var, z, memory = latent(states, hidden, epsilon)
    output = bart.decoder(given, encoder_hidden_states=memory, use_cache=False).last_hidden_state
    logits = output @ bart.shared.weight.T
    counted = (wanted != PAD).float()
    flat = lambda smoothing: F.cross_entropy(
        logits.reshape(-1, VOCABULARY), wanted.reshape(-1), reduction="none", label_smoothing=smoothing
    ).view_as(counted)
    reconstruction, smoothed = [(flat(s) * counted).sum(1) for s in (0.0, SMOOTHING)]
    per_latent = kl_divergence(Normal(mean, (0.5 * log_var).exp()), Normal(0.0, 1.0))
    kl = per_latent.sum(1)
    if latent.source:
        loss = (smoothed.sum() + BETA * kl.mean()) / counted.sum()
    else:
        loss = reconstruction.mean() + BETA * per_latent.mean(0).clamp(min=FREE_BITS).sum()
    return {
        "states": states, "mean": mean, "logVar": log_var, "z": z, "memory": memory, "logits": logits,
        "reconstruction": reconstruction, "smoothed": smoothed, "kl": kl, "loss": loss,
    }  # fmt: skip


def ours(latent):
    """Names and tensors of the latent's own weights, kernels as [in, out]."""
    named = {}
    for head in ("mean", "logVar"):
        for layer, index in (("hidden", 0), ("output", 2)):
            linear = getattr(latent, head)[index]
            named |= {f"head.{head}.{layer}.kernel": (linear.weight, True), f"head.{head}.{layer}.bias": (linear.bias, False)}
    if not latent.source:
        return named | {"bridge.kernel": (latent.bridge.weight, True), "bridge.bias": (latent.bridge.bias, False)}
    for index, part in enumerate(("query", "key", "value")):
        rows = slice(index * WIDTH, (index + 1) * WIDTH)
        named |= {f"bridge.{part}.kernel": (latent.bridge.in_proj_weight, True, rows)}
        named |= {f"bridge.{part}.bias": (latent.bridge.in_proj_bias, False, rows)}
    out = latent.bridge.out_proj
    return named | {"bridge.output.kernel": (out.weight, True), "bridge.output.bias": (out.bias, False)}


def part(tensor, entry):
    _, is_kernel, *rows = entry
    cut = tensor[rows[0]] if rows else tensor
    return cut.T if is_kernel else cut


def main():
    torch.manual_seed(SEED)
    torch.set_default_dtype(torch.float64)
    bart = backbone()
    latents = {"source": Latent(True), "mended": Latent(False)}
    for module in (bart, *latents.values()):
        for parameter in module.parameters():
            nn.init.normal_(parameter, std=0.4)
    ids = torch.tensor(IDS)
    noise = {"source": torch.randn(3, WIDTH), "mended": torch.randn(3, LATENTS)}
    stored = {f"bart.{name}": value for name, value in bart.named_parameters()}
    weights, expected = dict(stored), {}
    for case, latent in latents.items():
        entries = ours(latent)
        weights |= {f"{case}.{name}": part(entry[0], entry) for name, entry in entries.items()}
        bart.zero_grad()
        terms = run(bart, latent, ids, noise[case])
        terms["loss"].backward()
        expected |= {f"{case} {name}": value for name, value in terms.items()}
        expected |= {f"{case} gradient {name}": part(entry[0].grad, entry) for name, entry in entries.items()}
        for name, parameter in bart.named_parameters():
            if parameter.grad is not None:
                expected[f"{case} gradient bart.{name}"] = parameter.grad.clone()
    write(
        "bart-vae",
        seed=SEED,
        packages=["torch", "transformers", "numpy"],
        settings={
            "width": WIDTH, "heads": HEADS, "hidden": HIDDEN, "layers": LAYERS, "vocabulary": VOCABULARY, "positions": POSITIONS,
            "latents": LATENTS, "tokens": TOKENS, "smoothing": SMOOTHING, "beta": BETA, "freeBits": FREE_BITS,
        },
        inputs={"ids": ids, "source epsilon": noise["source"], "mended epsilon": noise["mended"]},
        weights=weights,
        expected=expected,
    )  # fmt: skip


main()
