#!/usr/bin/env python3
"""Trains the embedder: train.py --corpus DIR --out DIR [--quick].

Writes OUT/casemate-embed-q8_0.gguf, OUT/run.json and OUT/loss.svg. Contrastive: a query's passage against all others of
its batch, among them the neighbours of its document. --quick: about two minutes on two cores, a test of the recipe.
"""
import argparse
import json
import os
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import numpy
import torch
from torch.nn import functional

import curve
import model as models
import pairs
import tokens

SEED = 1
PASS_SEED = 500  # of the first pass's pairs
WIDTH, CONTEXT, VOCABULARY = 1024, 512, 9216
NEIGHBOURS = 8  # pairs of one document stand together in a batch: they are the hard wrong answers
QUERY_TOKENS, PASSAGE_TOKENS = 64, 160
SCALE = 20.0  # of cosines in the loss
DROPPED = 0.3  # of a text's pieces, each time it is shown: else rare pieces learn their documents by heart
BATCH, RATE = 1024, 0.02
STEPS, QUICK_STEPS, QUICK_SHARE = 240, 30, 0.2  # share: of the documents


def say(text):
    print(f"embedder: {text}", flush=True)


def weights_of(encoded, vocabulary):
    """Each piece's weight at the beginning, 0 to 1: its inverse document frequency."""
    frequency = numpy.zeros(vocabulary)
    for text in encoded:
        frequency[numpy.unique(text)] += 1
    weights = numpy.log(1 + len(encoded) / (1 + frequency))
    weights /= weights.max()
    weights[:tokens.MASK + 1] = 0
    return weights


class Pass:
    """The pairs of one seed, encoded; batches of them in an order that the seed gives."""

    def __init__(self, corpus, tokenizer, seed, share=1.0):
        made = pairs.make(corpus, seed, share)
        self.queries = tokens.encode(tokenizer, [p[0] for p in made], QUERY_TOKENS)
        self.passages = tokens.encode(tokenizer, [p[1] for p in made], PASSAGE_TOKENS)
        self.groups = numpy.array([p[2] for p in made])
        self.seed = seed

    def batches(self, size, number):
        starts = list(range(number % NEIGHBOURS, len(self.groups), NEIGHBOURS))
        random.Random(self.seed * 1000 + number).shuffle(starts)
        for at in range(0, len(starts) - size // NEIGHBOURS + 1, size // NEIGHBOURS):
            yield [i for start in starts[at:at + size // NEIGHBOURS]
                   for i in range(start, min(start + NEIGHBOURS, len(self.groups)))]


def thinned(text, chance):
    """A text without some of its pieces; those that begin and end it stay."""
    kept = chance.random(len(text)) >= DROPPED
    kept[0] = kept[-1] = True
    return text[kept] if kept.sum() > 3 else text


def flat(texts):
    offsets = numpy.cumsum([0] + [len(t) for t in texts[:-1]])
    return torch.from_numpy(numpy.concatenate(texts).astype(numpy.int64)), torch.from_numpy(offsets)


def loss_of(queries, passages, groups):
    """Each query's passage against the batch's, and the other way round; passages of its own section are no wrong answers."""
    with torch.autocast("cpu", torch.bfloat16):
        scores = (SCALE * queries @ passages.T).float()
    same = groups[:, None] == groups[None, :]
    scores = scores.masked_fill(same & ~torch.eye(len(groups), dtype=torch.bool), -1e4)
    right = torch.arange(len(groups))
    return (functional.cross_entropy(scores, right) + functional.cross_entropy(scores.T, right)) / 2


def learn(model, pass_of, steps, begun):
    optimizer = torch.optim.Adam(model.learnt(), lr=RATE, betas=(0.9, 0.98), fused=True)
    chance = numpy.random.default_rng(SEED)
    log, number = [], 0
    while len(log) < steps:
        data = pass_of(number)
        number += 1
        for rows in data.batches(BATCH, number):
            step = len(log)
            for group in optimizer.param_groups:
                group["lr"] = RATE * min(1, (step + 1) / 20) * max(0.02, 1 - step / steps)
            texts = [thinned(data.queries[i], chance) for i in rows] + [thinned(data.passages[i], chance) for i in rows]
            both = model.bags(*flat(texts))
            loss = loss_of(both[:len(rows)], both[len(rows):], torch.from_numpy(data.groups[rows]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            log.append({"step": step + 1, "loss": round(loss.item(), 4), "pairs": len(rows), "tokens": sum(map(len, texts)),
                        "seconds": round(time.time() - begun, 1)})
            if len(log) % 20 == 0 or len(log) == steps:
                say(f"step {len(log)}/{steps} loss {sum(r['loss'] for r in log[-20:]) / 20:.3f} {log[-1]['seconds']:.0f} s")
            if len(log) == steps:
                break
    return log


def train(corpus, out, quick):
    torch.manual_seed(SEED)
    begun, share = time.time(), QUICK_SHARE if quick else 1.0
    out.mkdir(parents=True, exist_ok=True)
    made = pairs.make(corpus, SEED, share)
    tokenizer = tokens.learn((text for pair in made for text in pair[:2]), VOCABULARY)
    pieces = tokens.pieces(tokenizer)
    first = Pass(corpus, tokenizer, PASS_SEED, share)
    model = models.Encoder(len(pieces), WIDTH, CONTEXT)
    model.begin(weights_of(first.passages, len(pieces)), SEED)
    say(f"{len(pieces)} pieces, {len(first.groups)} pairs a pass, {time.time() - begun:.0f} s")
    learning = time.time()
    log = learn(model, lambda n: first if n == 0 else Pass(corpus, tokenizer, PASS_SEED + n, share), QUICK_STEPS if quick else STEPS, begun)
    seconds = time.time() - learning
    file = out / "casemate-embed-q8_0.gguf"
    models.write(model, pieces, file, "casemate-embed")
    run = {"quick": quick, "seed": SEED, "pieces": len(pieces), "width": WIDTH, "context": CONTEXT, "steps": len(log), "batch": BATCH,
           "pairs": sum(r["pairs"] for r in log), "tokens": sum(r["tokens"] for r in log), "first_loss": log[0]["loss"],
           "last_loss": round(sum(r["loss"] for r in log[-20:]) / len(log[-20:]), 4), "device": "CPU", "threads": torch.get_num_threads(),
           "torch": torch.__version__, "seconds": round(time.time() - begun), "learning_seconds": round(seconds),
           "tokens_per_s": round(sum(r["tokens"] for r in log) / seconds), "log": log}
    (out / "run.json").write_text(json.dumps(run, indent=1) + "\n")
    (out / "loss.svg").write_text(curve.svg([(r["step"], r["loss"]) for r in log], "Embedder: loss by step"))
    say(f"wrote {file}, {os.path.getsize(file)} bytes, {run['seconds']} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--corpus", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    train(options.corpus, options.out, options.quick)
