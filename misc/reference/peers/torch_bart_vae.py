"""The BART-style VAE of seed 001 on Transformers' BartModel.  --mode eager|compile  --adam plain|fused

The seed's own fairseq is no longer maintained. Kept are its heads and the attention of the encoder's states
to z alone; the mean over time is a sentence's own, without its padding. Nothing is dropped.
"""
import peer

import torch
from torch import nn
from torch.nn import functional as F
from torch_layers import load, read_weights
from torch_step import training_step
from transformers import BartConfig, BartModel

peer.imported()
OPTIONS = peer.options(mode=("eager", "compile"), adam=("plain", "fused"))
VOCABULARY, LENGTH, BATCH = 2000, 32, 16
WIDTH, HEADS, HIDDEN, LAYERS = 128, 4, 512, 2
KL_WEIGHT = 0.1
CALM = OPTIONS.weights is not None
torch.manual_seed(1)


def head():
    hidden, output = nn.Linear(WIDTH, WIDTH // 2), nn.Linear(WIDTH // 2, WIDTH)
    return nn.ModuleDict({"hidden": hidden, "output": output})


class BartVae(nn.Module):
    def __init__(self):
        super().__init__()
        side = {"layers": LAYERS, "attention_heads": HEADS, "ffn_dim": HIDDEN}
        sides = {f"{part}_{key}": n for part in ("encoder", "decoder") for key, n in side.items()}
        ids = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1}
        self.bart = BartModel(
            BartConfig(
                vocab_size=VOCABULARY, d_model=WIDTH, max_position_embeddings=LENGTH,
                dropout=0.0, **sides, **ids,
            )
        )
        self.mean, self.log_var = head(), head()
        self.bridge = nn.MultiheadAttention(WIDTH, 2, batch_first=True)

    def forward(self, ids):
        shown = (ids != 0).float()
        states = self.bart.encoder(ids, attention_mask=shown).last_hidden_state
        pooled = (states * shown[:, :, None]).sum(1) / shown.sum(1, keepdim=True)
        mean, log_var = (
            part["output"](F.relu(part["hidden"](pooled))) for part in (self.mean, self.log_var)
        )
        epsilon = torch.full_like(mean, 0.5) if CALM else torch.randn_like(mean)
        z = (mean + torch.exp(0.5 * log_var) * epsilon)[:, None]
        memory = self.bridge(states, z, z, need_weights=False)[0]
        written = self.bart.decoder(
            ids[:, :-1], encoder_hidden_states=memory, encoder_attention_mask=shown, use_cache=False
        ).last_hidden_state
        logits = written @ self.bart.shared.weight.t()
        nats = F.cross_entropy(
            logits.flatten(0, 1), ids[:, 1:].flatten(), ignore_index=0, reduction="sum"
        )
        kl = -0.5 * (1 + log_var - mean.square() - log_var.exp()).sum(1)
        return nats / BATCH + KL_WEIGHT * kl.mean()


RENAMED = [
    ("shared.table", "shared.weight"),
    ("positions.table", "embed_positions.weight"),
    ("embedding_norm", "layernorm_embedding"),
    ("cross_attention_norm", "encoder_attn_layer_norm"),
    ("self_attention_norm", "self_attn_layer_norm"),
    ("attention_norm", "self_attn_layer_norm"),
    ("cross_attention", "encoder_attn"),
    ("self_attention", "self_attn"),
    (".attention.", ".self_attn."),
    ("query", "q_proj"), ("key", "k_proj"), ("value", "v_proj"), ("attn.output", "attn.out_proj"),
    ("feed_forward.hidden", "fc1"), ("feed_forward.output", "fc2"),
    ("output_norm", "final_layer_norm"),
    ("head.mean", "mean"), ("head.logVar", "log_var"),
]


def bart_name(name):
    for ours, theirs in RENAMED:
        name = name.replace(ours, theirs)
    return name


def equal_weights(model, file):
    """Ours into theirs. nn.MultiheadAttention keeps its three projections in one matrix."""
    given = read_weights(file)
    parts = [f"bridge.{name}" for name in ("query", "key", "value")]
    bridge = model.bridge
    with torch.no_grad():
        bridge.in_proj_weight.copy_(torch.cat([given.pop(f"{p}.kernel").t() for p in parts]))
        bridge.in_proj_bias.copy_(torch.cat([given.pop(f"{p}.bias") for p in parts]))
        bridge.out_proj.weight.copy_(given.pop("bridge.output.kernel").t())
        bridge.out_proj.bias.copy_(given.pop("bridge.output.bias"))
    others = [name for name, _ in model.named_parameters() if not name.startswith("bridge")]
    load(model, given, bart_name, others)


model = BartVae()
if CALM:
    equal_weights(model, OPTIONS.weights)
train_step = training_step(model, 1e-3, OPTIONS)

rows = peer.batched(peer.table(OPTIONS.data, "targets", LENGTH), BATCH)
batches = [torch.from_numpy(row).long() for row in rows]
if CALM:
    peer.serve_losses(train_step, batches)
else:
    peer.serve(train_step, batches, sum(p.numel() for p in model.parameters()), (torch,))
