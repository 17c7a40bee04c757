"""Golden values for texts: the likelihood of tokens and its gradients, from PyTorch; BLEU, from NLTK and sacreBLEU."""

from golden import write

import numpy as np
import sacrebleu
import torch
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
from torch.nn import functional as F

SEED = 20160628
BATCH, STEPS, VOCABULARY = 3, 5, 11
SMOOTHING = 0.1
LARGE = 1e4  # logits so far apart that exp overflows


def sequence(logits, ids, counted, smoothing=0.0):
    per_token = F.cross_entropy(logits.flatten(0, 1), ids.flatten().long(), reduction="none", label_smoothing=smoothing)
    return (per_token.reshape(ids.shape) * counted).sum(1)


def draw_texts(random, count, longest, words=6):
    """Few words, so that n-grams of all orders are shared; some texts are shorter than four words."""
    return [random.integers(words, size=random.integers(2, longest + 1)).tolist() for _ in range(count)]


def padded(texts):
    longest = max(map(len, texts))
    return np.array([text + [-1] * (longest - len(text)) for text in texts])


def bleu_values(random):
    texts, first, second = (draw_texts(random, 12, 14) for _ in range(3))
    texts[0] = list(first[0])  # one that is equal to a reference
    joined = lambda many: [" ".join(map(str, text)) for text in many]
    corpus = lambda references: sacrebleu.corpus_bleu(
        joined(texts), [joined(reference) for reference in references], smooth_method="none", tokenize="none", force=True
    )
    method1 = SmoothingFunction().method1
    score = lambda text, references: sentence_bleu(references, text, smoothing_function=method1)
    of_others = [score(text, texts[:index] + texts[index + 1 :]) for index, text in enumerate(texts)]
    expected = {
        "bleuOfOne": corpus([first]).score / 100,
        "bleuOfTwo": corpus([first, second]).score / 100,
        "sentences": [score(text, [first[index], second[index]]) for index, text in enumerate(texts)],
        "selfBleu": np.mean(of_others),
    }
    return {"texts": padded(texts), "first": padded(first), "second": padded(second)}, expected


def main():
    random = np.random.default_rng(SEED)
    logits = torch.tensor(3 * random.standard_normal((BATCH, STEPS, VOCABULARY)), dtype=torch.float32, requires_grad=True)
    large = torch.tensor(LARGE * random.standard_normal((BATCH, STEPS, VOCABULARY)), dtype=torch.float32, requires_grad=True)
    ids = torch.tensor(random.integers(1, VOCABULARY, (BATCH, STEPS)), dtype=torch.int32)
    for row, length in enumerate([5, 3, 1]):
        ids[row, length:] = 0
    counted = (ids != 0).float()
    upstream = torch.tensor(random.standard_normal(BATCH), dtype=torch.float32)
    everything = torch.ones_like(counted)
    losses = {
        "nll": (sequence(logits, ids, counted), logits),
        "nllOfAll": (sequence(logits, ids, everything), logits),
        "nllOfLarge": (sequence(large, ids, counted), large),
        "smoothed": (sequence(logits, ids, counted, SMOOTHING), logits),
    }
    expected = {"perToken": F.cross_entropy(logits.flatten(0, 1), ids.flatten().long(), reduction="none").reshape(ids.shape)}
    for name, (loss, at) in losses.items():
        expected[name] = loss
        (expected[f"d {name}"],) = torch.autograd.grad((loss * upstream).sum(), at)
    inputs = {"logits": logits, "large": large, "ids": ids, "counted": counted, "upstream": upstream}
    texts, scores = bleu_values(random)
    inputs, expected = inputs | texts, expected | scores
    packages = ["torch", "numpy", "nltk", "sacrebleu"]
    write("text", seed=SEED, packages=packages, settings={"smoothing": SMOOTHING}, inputs=inputs, expected=expected)


if __name__ == "__main__":
    main()
