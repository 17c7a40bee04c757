"""The transformer-VAE of seed 000 in PyTorch.  --mode eager|compile  --adam plain|fused

The latent enters as one more key and value; x and y are encoded together, and both heads read that.
"""
import peer

import torch
from torch import nn
from torch.nn import functional as F
from torch_layers import Layer, embed, load, positions, read_weights
from torch_step import training_step

peer.imported()
OPTIONS = peer.options(mode=("eager", "compile"), adam=("plain", "fused"))
VOCABULARY, LENGTH, BATCH = 2000, 32, 16
WIDTH, HEADS, HIDDEN, LAYERS = 128, 4, 512, 2
KL_WEIGHT = 0.1
CALM = OPTIONS.weights is not None
RATE = 0.0 if CALM else 0.1
torch.manual_seed(1)


class Pooling(nn.Module):
    """Attention of a learnt query with one head, unscaled, with GELU on the scores."""

    def __init__(self):
        super().__init__()
        self.learned_query = nn.Parameter(0.02 * torch.randn(1, WIDTH))
        self.query, self.key = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.value, self.output = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, h, is_pad):
        scores = F.gelu(self.key(h) @ self.query(self.learned_query).t()).squeeze(2)
        weights = torch.softmax(scores - 1e9 * is_pad, 1)
        return self.output((weights[:, None] @ self.value(h)).squeeze(1))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.layer_0, self.layer_1 = (
            Layer(WIDTH, HEADS, HIDDEN, RATE, "attention") for _ in range(LAYERS)
        )
        self.pooling, self.dropout = Pooling(), nn.Dropout(RATE)
        self.register_buffer("places", positions(2 * LENGTH, WIDTH), persistent=False)

    def forward(self, ids):
        is_pad = ids == 0
        h = self.dropout(embed(self.embedding, ids, self.places))
        for layer in (self.layer_0, self.layer_1):
            h = layer(h, ~is_pad[:, None, None])
        return self.pooling(h, is_pad)


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.layer_0, self.layer_1 = (
            Layer(WIDTH, HEADS, HIDDEN, RATE, "self_attention") for _ in range(LAYERS)
        )
        self.latent_0, self.latent_1 = (nn.Linear(WIDTH, 2 * WIDTH) for _ in range(LAYERS))
        self.logits, self.dropout = nn.Linear(WIDTH, VOCABULARY), nn.Dropout(RATE)
        self.register_buffer("places", positions(LENGTH, WIDTH), persistent=False)
        keep = torch.ones(LENGTH - 1, LENGTH, dtype=torch.bool).tril(1)  # the latent's column first
        self.register_buffer("keep", keep, persistent=False)

    def forward(self, ids, z):
        h = self.dropout(embed(self.embedding, ids, self.places))
        for layer, latent in ((self.layer_0, self.latent_0), (self.layer_1, self.latent_1)):
            before = latent(z).view(BATCH, 2, HEADS, 1, -1).unbind(1)
            h = layer(h, self.keep, before)
        return self.logits(h)


class TransformerVae(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = Encoder(), Decoder()
        self.prior, self.posterior = (nn.Linear(WIDTH, 2 * WIDTH) for _ in range(2))

    def forward(self, x, y):
        pooled = self.encoder(torch.cat((x, y), 1))
        prior_mean, prior_log_var = self.prior(pooled).chunk(2, 1)
        mean, log_var = self.posterior(pooled).chunk(2, 1)
        epsilon = torch.full_like(mean, 0.5) if CALM else torch.randn_like(mean)
        logits = self.decoder(y[:, :-1], mean + torch.exp(0.5 * log_var) * epsilon)
        nats = F.cross_entropy(logits.flatten(0, 1), y[:, 1:].flatten(), ignore_index=0)
        change = log_var - prior_log_var
        distance = (mean - prior_mean).square() / prior_log_var.exp()
        kl = 0.5 * (change.exp() + distance - 1 - change).sum(1)
        return nats + KL_WEIGHT * kl.mean()


model = TransformerVae()
if CALM:
    load(model, read_weights(OPTIONS.weights))
train_step = training_step(model, 1e-3, OPTIONS)

def sentences(name):
    rows = peer.batched(peer.table(OPTIONS.data, name, LENGTH), BATCH)
    return [torch.from_numpy(row).long() for row in rows]


batches = list(zip(sentences("sources"), sentences("targets")))
if CALM:
    peer.serve_losses(train_step, batches)
else:
    peer.serve(train_step, batches, sum(p.numel() for p in model.parameters()), (torch,))
