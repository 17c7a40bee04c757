"""A byte-level BPE tokenizer in the layout of BART's tokenizer.json, trained here, and the ids and texts it gives.

test/golden/tokenizer.json  the tokenizer.json under `tokenizer`; texts with their ids and what decoding gives under `cases`
"""

import json

from golden import GOLDEN, provenance

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

SEED = 0  # training is deterministic
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]
CORPUS = [
    "The old gardener waters the roses before the sun rises.",
    "She has written three letters, but nobody has answered them.",
    "We won't walk to the river; they're walking there already!",
    "The children didn't see the lantern that the sailor carried.",
    "In 1998 the river rose by 12 metres, and 340 houses were lost.",
    "A café near the harbour sells crème brûlée and naïve paintings.",
    "Does the writer remember what the gardener had said?",
    "The sailors were singing while the children were sleeping.",
]
TEXTS = [
    "The gardener waters the roses.",
    " The gardener waters the roses.",
    "They won't remember, and I'll say: “she's late” — 42%!",
    "two  spaces,   three; a tab\tand\na new line \n ",
    "café naïve Ελληνικά 東京 🌹🌹",
    "lanterns<mask> sleeping <mask> in 1998</s>x",
    "",
    " ",
    "antidisestablishmentarianism",
]


def main():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        special_tokens=SPECIAL,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True)])
    tokenizer.post_processor = processors.RobertaProcessing(
        sep=("</s>", tokenizer.token_to_id("</s>")),
        cls_token=("<s>", tokenizer.token_to_id("<s>")),
        trim_offsets=True,
        add_prefix_space=False,
    )
    cases = []
    for text in TEXTS:
        ids = tokenizer.encode(text).ids
        cases.append(
            {
                "text": text,
                "ids": ids,
                "plain": tokenizer.encode(text, add_special_tokens=False).ids,
                "tokens": [tokenizer.id_to_token(id) for id in ids],
                "decoded": tokenizer.decode(ids),
                "whole": tokenizer.decode(ids, skip_special_tokens=False),
            }
        )
    content = {
        "provenance": provenance(SEED, ["tokenizers"]),
        "inputs": {},
        "expected": {},
        "cases": cases,
        "tokenizer": json.loads(tokenizer.to_str()),
    }
    path = GOLDEN / "tokenizer.json"
    path.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(f"{path.name}: {path.stat().st_size / 1024:.1f} KiB, {tokenizer.get_vocab_size()} tokens")


if __name__ == "__main__":
    main()
