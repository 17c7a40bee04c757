"""Random small BARTs of transformers, and what they compute: states, logits, gradients, greedy and beam outputs.

test/golden/bart/NAME/  config.json, generation_config.json and model.safetensors as `save_pretrained` writes them,
                        and gradients.safetensors under the same names
test/golden/bart.json   inputs and states of each under 'NAME …'; the generated ids with their options under `generations`

A search that rounding could turn would test nothing: the same ids must come from weights that are a little off, or the
next seed is taken.
"""

import copy
import json
import shutil

from golden import GOLDEN, provenance, stored_tensor

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import BartConfig, BartForConditionalGeneration

SEED = 20191029
PAD, BOS, EOS = 1, 0, 2
MODELS = {
    "padded": {
        "vocab_size": 23, "d_model": 12, "max_position_embeddings": 20, "encoder_layers": 2, "decoder_layers": 2,
        "encoder_attention_heads": 2, "decoder_attention_heads": 3, "encoder_ffn_dim": 20, "decoder_ffn_dim": 24,
    },
    "scaled": {
        "vocab_size": 31, "d_model": 16, "max_position_embeddings": 24, "encoder_layers": 1, "decoder_layers": 3,
        "encoder_attention_heads": 4, "decoder_attention_heads": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 16,
        "activation_function": "relu", "scale_embedding": True,
    },
    "deep": {
        "vocab_size": 40, "d_model": 8, "max_position_embeddings": 32, "encoder_layers": 4, "decoder_layers": 1,
        "encoder_attention_heads": 1, "decoder_attention_heads": 4, "encoder_ffn_dim": 12, "decoder_ffn_dim": 40,
        "activation_function": "gelu_new", "decoder_start_token_id": 0,
    },
}  # fmt: skip
LENGTHS = {"padded": [[9, 4, 6], [7, 7, 3]], "scaled": [[8, 8], [6, 6]], "deep": [[5, 10, 1], [4, 9, 2]]}
SEARCHES = [
    {"max_length": 14},
    {"max_length": 16, "min_length": 7, "no_repeat_ngram_size": 2},
    {"max_length": 12, "no_repeat_ngram_size": 3, "forced_bos_token_id": BOS, "forced_eos_token_id": EOS},
    {"max_length": 14, "num_beams": 3},
    {"max_length": 15, "num_beams": 4, "early_stopping": True, "no_repeat_ngram_size": 3},
    {"max_length": 18, "num_beams": 4, "length_penalty": 2.0, "min_length": 6, "no_repeat_ngram_size": 2},
    {"max_length": 16, "num_beams": 3, "length_penalty": 0.0, "early_stopping": "never"},
    {"max_length": 13, "num_beams": 2, "length_penalty": 1.5, "early_stopping": "never", "no_repeat_ngram_size": 1},
    {"max_length": 17, "num_beams": 5, "length_penalty": -0.7},
    {"max_length": 12, "num_beams": 4, "forced_bos_token_id": BOS, "forced_eos_token_id": EOS, "early_stopping": True, "no_repeat_ngram_size": 3},
]  # fmt: skip


DEVIATIONS = {"embed_positions": 1.2, "shared": 0.5, "norm": 0.3}
END = {"padded": 2.5, "scaled": 1.5, "deep": 0.5}


def make(name, seed):
    torch.manual_seed(seed)
    ids = {"pad_token_id": PAD, "bos_token_id": BOS, "eos_token_id": EOS, "decoder_start_token_id": EOS}
    config = BartConfig(**(ids | {"forced_eos_token_id": None} | MODELS[name]))
    model = BartForConditionalGeneration(config).eval()
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            deviation = next((value for part, value in DEVIATIONS.items() if part in key), 0.6)
            is_scale = "norm" in key and key.endswith("weight")
            torch.nn.init.normal_(parameter, mean=1.0 if is_scale else 0.0, std=deviation)
        model.final_logits_bias.normal_(std=0.5)
        model.final_logits_bias[:, EOS] += END[name]  # texts end before they are cut off
    model.tie_weights()
    return model


def shaken(model, seed):
    """The same model with every weight off by 3e-6 or so."""
    torch.manual_seed(seed)
    other = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(3e-6 * torch.randn_like(parameter))
    return other


def rows(random, lengths, vocabulary):
    ids = np.full((len(lengths), max(lengths)), PAD)
    for row, length in zip(ids, lengths):
        row[:length] = random.integers(3, vocabulary, length)
        row[length - 1] = EOS
    return torch.tensor(ids)


def differences(model, inputs, targets):
    """States, logits, the loss and its gradients."""
    shown = (inputs != PAD).long()
    labels = targets.masked_fill(targets == PAD, -100)
    output = model(input_ids=inputs, attention_mask=shown, labels=labels, output_hidden_states=True)
    output.loss.backward()
    gradients = {key: value.grad.clone() for key, value in model.named_parameters()}
    model.zero_grad()
    values = {
        "encoder": output.encoder_last_hidden_state,
        "decoder": output.decoder_hidden_states[-1],
        "logits": output.logits,
        "loss": output.loss,
    }
    return values, gradients


def generate(model, inputs, options):
    settings = {"do_sample": False, "num_beams": 1, "return_dict_in_generate": True, "output_scores": True}
    output = model.generate(inputs, attention_mask=(inputs != PAD).long(), **(settings | options))
    texts = []
    for row in output.sequences.tolist():
        end = row.index(EOS, 1) if EOS in row[1:] else len(row) - 1
        texts.append(row[: end + 1])
    scores = output.sequences_scores.tolist() if options.get("num_beams", 1) > 1 else None
    return {"options": options, "ids": texts, "scores": scores}


def steady(name, seed, inputs):
    """A model and its searches, or None where weights that are a little off give another text."""
    model, searches = make(name, seed), []
    others = [shaken(model, step) for step in range(2)]
    for options in SEARCHES:
        generation = generate(model, inputs, options)
        if any(generate(other, inputs, options)["ids"] != generation["ids"] for other in others):
            print(f"{name}, seed {seed}: {options} is too close to call")
            return None
        searches.append({"model": name} | generation)
    return model, searches


def main():
    random = np.random.default_rng(SEED)
    inputs, expected, generations = {}, {}, []
    for number, name in enumerate(MODELS):
        source, target = (rows(random, lengths, MODELS[name]["vocab_size"]) for lengths in LENGTHS[name])
        model, searches = next(filter(None, (steady(name, SEED + 100 * number + step, source) for step in range(100))))
        inputs |= {f"{name} ids": source, f"{name} targets": target}
        values, gradients = differences(model, source, target)
        expected |= {f"{name} {key}": value for key, value in values.items()}
        folder = GOLDEN / "bart" / name
        shutil.rmtree(folder, ignore_errors=True)
        model.save_pretrained(folder)
        save_file(gradients, folder / "gradients.safetensors")
        generations += searches
    content = {
        "provenance": provenance(SEED, ["transformers", "torch", "safetensors", "numpy"]),
        "inputs": {key: stored_tensor(value) for key, value in inputs.items()},
        "expected": {key: stored_tensor(value) for key, value in expected.items()},
        "generations": generations,
    }
    path = GOLDEN / "bart.json"
    path.write_text(json.dumps(content, allow_nan=False, separators=(",", ":")) + "\n")
    print(f"{path.name}: {path.stat().st_size / 1024:.1f} KiB")
    for generation in generations:
        print(generation["model"], generation["options"], *generation["ids"], sep="\n  ")


if __name__ == "__main__":
    main()
