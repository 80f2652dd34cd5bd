"""The answerer's tokenizer (byte-level BPE, GPT-2's way of cutting words), and examples as tokens."""

import json

import numpy
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

import guide
import prompt
from facts import Maker

VOCABULARY = 8192
SAMPLE_BYTES = 24 << 20  # of text that merges are learned from


def texts(corpus_path, random):
    """Every document's text until enough of it, then made-up facts: their names are cut as others."""
    taken = 0
    with open(corpus_path, encoding="utf-8") as lines:
        chosen = list(lines)
    random.shuffle(chosen)
    for line in chosen:
        document = json.loads(line)
        pieces = [(block.get("term", "") + ": " if block["kind"] == "definition" else "") + block["text"]
                  for section in document["sections"] for block in section["blocks"] if block["kind"] != "code"]
        text = "\n".join(pieces)
        taken += len(text)
        yield text
        if taken > SAMPLE_BYTES:
            break
    made = Maker(random)
    for _ in range(4000):
        text, asked, _, _, _ = made.passage()
        yield text + "\n" + "\n".join(question for _, question, _ in asked)
    yield "\n".join([prompt.TASK, prompt.SAY, prompt.REFUSAL] * 200)


def train(corpus_path, random, size=VOCABULARY):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=list(prompt.SPECIAL), show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(texts(corpus_path, random), trainer)
    return tokenizer


def of_example(tokenizer, example):
    """(tokens, length of the prompt, what guide.py tells of the prompt): the answer is what comes
    after the prompt."""
    before = tokenizer.encode(prompt.prompt(example.question, example.passages))
    after = tokenizer.encode(prompt.answer(example.span, example.number)).ids
    ids = numpy.array(before.ids + after, dtype=numpy.int64)
    return ids, len(before.ids), guide.labels(tokenizer, before, example)
