#!/usr/bin/env python3
"""Trains the answerer from nothing and writes it as GGUF.

  train.py --corpus build/models/corpus --out build/models/answerer [--quick]

Two processes of one thread each share every step's examples on a CPU: PyTorch's own threads meet
at a barrier in every small operation, these only at the gradient. With a GPU there is one process.
Writes OUT/casemate-answer-q8_0.gguf, tokenizer.json, run.json, loss.svg and checkpoint.pt, the last
now and then also on the way.
"""

import argparse
import json
import os
import pathlib
import random
import time

import torch
import torch.distributed
import torch.nn.functional as F

import curve
import gguf_file
import tokens
from decoder import Decoder, Shape
from examples import Corpus, Maker
from guide import Guide
from muon import Muon

SEED = 20261123
STEP_TOKENS = (4096, 12288)  # of all processes together: many small steps first
STEP_GROWS = 0.5  # of the run: the second from here
ROW_TOKENS = 2048  # of one forward pass, padding included
POOL = 192  # examples sorted by length at a time, so that little is padding
OTHER_WEIGHT = 0.2  # of tokens that are not the answer's, while they count
OTHER_SHARE = 0.12  # of them drawn
OTHER_UNTIL = 0.35  # of the run: language is learned first, reading all along
MUON_RATE, ADAM_RATE = 0.01, 0.002
DECAY_FROM = 0.6  # of the run
FIRST = (0.03, 0.1)
DRILLS = ((0.3, 0.5), (0.5, 0.2), (1.0, 0.02))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--tokens", type=float, default=40e6, help="to train on (default 40e6)")
    parser.add_argument("--minutes", type=float, help="end after this time instead: then the result depends on the machine")
    parser.add_argument("--from", dest="begin", type=pathlib.Path, help="a checkpoint.pt whose weights to go on from")
    parser.add_argument("--quick", action="store_true", help="a test of the recipe in minutes")
    given = parser.parse_args()
    if given.quick:
        given.tokens = 6e5
    return given


def passage_size(progress, rng):
    """How long examples are: short ones while copying is learned, then more and longer passages."""
    if rng.random() > (progress - FIRST[0]) / (FIRST[1] - FIRST[0]):
        return -1.0
    top = min(1.0, max(0.05, (progress - 0.1) / 0.6))
    return rng.random() * top


class Batches:
    """Rows of about the same length, without end."""

    def __init__(self, maker, tokenizer, context):
        self.maker, self.tokenizer, self.context = maker, tokenizer, context
        self.random = random.Random(maker.random.random())
        self.ready = []

    def next(self, progress):
        """(tokens [rows, length], answer mask, other mask, what the guide tells): masks say which
        tokens are predicted."""
        if not self.ready:
            self.fill(progress)
        rows = self.ready.pop()
        length = max(len(ids) for ids, _, _ in rows)
        told = torch.zeros(len(rows), 4, length, dtype=torch.long)
        batch = torch.zeros(len(rows), length, dtype=torch.long)
        answer = torch.zeros(len(rows), length, dtype=torch.bool)
        other = torch.zeros(len(rows), length, dtype=torch.bool)
        for i, (ids, begin, labels) in enumerate(rows):
            batch[i, : len(ids)] = torch.from_numpy(ids)
            told[i, :, :begin] = torch.from_numpy(labels)
            answer[i, begin : len(ids)] = True
            other[i, 1:begin] = True
        return batch, answer, other, told

    def fill(self, progress):
        pool = []
        drills = next((share for until, share in DRILLS if progress <= until), 0.0)
        while len(pool) < POOL:
            drill = self.random.random() < drills
            example = self.maker.drill() if drill else self.maker.next(passage_size(progress, self.random))
            row = tokens.of_example(self.tokenizer, example)
            if len(row[0]) <= self.context:
                pool.append(row)
        pool.sort(key=lambda row: len(row[0]))
        while pool:
            longest = len(pool[-1][0])
            count = max(1, ROW_TOKENS // longest)
            self.ready.append(pool[-count:])
            del pool[-count:]
        self.random.shuffle(self.ready)


def loss_of(decoder, guide, batch, progress, device):
    """(loss to follow, answer loss, shares: of answer tokens predicted rightly, of words asked for
    and of relevant ones found)."""
    ids, answer, other, told = (t.to(device) for t in batch)
    hidden, layers = decoder(ids)
    guided, asked, relevant = guide(decoder, layers, told)
    hidden = hidden[:, :-1]
    target, answer, other = ids[:, 1:], answer[:, 1:], other[:, 1:]
    logits = decoder.logits(hidden[answer])
    answer_loss = F.cross_entropy(logits, target[answer])
    right = (logits.detach().argmax(-1) == target[answer]).float().mean()
    total = answer_loss + guided
    if progress < OTHER_UNTIL:
        drawn = other & (torch.rand(other.shape, device=device) < OTHER_SHARE)
        if drawn.any():
            total = total + OTHER_WEIGHT * F.cross_entropy(decoder.logits(hidden[drawn]), target[drawn])
    return total, answer_loss.detach(), right, asked, relevant


def rate(progress, step):
    warm = min(1.0, (step + 1) / 60)
    return warm * (1.0 if progress < DECAY_FROM else max(0.02, (1 - progress) / (1 - DECAY_FROM)))


class Together:
    """What the processes of one run do with each other: nothing where there is one."""

    def __init__(self, rank, count, meeting):
        self.rank, self.count = rank, count
        if count > 1:
            torch.distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=count)

    def mean(self, values):
        if self.count > 1:
            torch.distributed.all_reduce(values)
            values /= self.count
        return values

    def average_gradients(self, parameters):
        if self.count == 1:
            return
        flat = self.mean(torch.cat([p.grad.flatten() for p in parameters]))
        for p, piece in zip(parameters, flat.split([p.numel() for p in parameters])):
            p.grad.copy_(piece.view_as(p))

    def share(self, parameters):
        """This process's part of the matrices to make orthogonal; `exchange` gives it to the rest."""
        return parameters[self.rank :: self.count]

    def exchange(self, parameters):
        for i in range(self.count if self.count > 1 else 0):
            mine = parameters[i :: self.count]
            flat = torch.cat([p.detach().flatten() for p in mine])
            torch.distributed.broadcast(flat, i)
            for p, piece in zip(mine, flat.split([p.numel() for p in mine])):
                p.data.copy_(piece.view_as(p))


def run(rank, count, given):
    torch.set_num_threads(1 if count > 1 else os.cpu_count())
    device = "cuda" if torch.cuda.is_available() else "cpu"
    together = Together(rank, count, given.out / f"meeting.{os.getppid() if count > 1 else 0}")
    torch.manual_seed(SEED)
    tokenizer = tokens.Tokenizer.from_file(str(given.out / "tokenizer.json"))
    decoder = Decoder(Shape(vocabulary=tokenizer.get_vocab_size())).to(device)
    if given.begin:
        decoder.load_state_dict(torch.load(given.begin, weights_only=True)["weights"])
    torch.manual_seed(SEED + 1 + rank)
    guide = Guide(decoder.shape.width).to(device)
    parameters, matrices = [*decoder.parameters(), *guide.parameters()], list(decoder.matrices())
    others = [p for p in parameters if not any(p is m for m in matrices)]
    muon = Muon(together.share(matrices), MUON_RATE, weight_decay=0.01)
    adam = torch.optim.AdamW(others, ADAM_RATE, betas=(0.9, 0.95), weight_decay=0.0)
    batches = Batches(Maker(Corpus(given.corpus / "train.jsonl"), SEED + 100 + rank), tokenizer, decoder.shape.context)

    started, last_saved, seen, step, log = time.monotonic(), time.monotonic(), 0, 0, []
    while True:
        elapsed = time.monotonic() - started
        progress = elapsed / (given.minutes * 60) if given.minutes else seen / given.tokens
        progress = float(together.mean(torch.tensor(progress)))
        if progress >= 1:
            break
        mine, losses, rights, matched, found = 0, 0.0, 0.0, 0.0, 0.0
        pieces = []
        while mine < STEP_TOKENS[progress > STEP_GROWS] / count:
            pieces.append(batches.next(progress))
            mine += pieces[-1][0].numel()
        answers = sum(int(p[1].sum()) for p in pieces)
        for piece in pieces:
            share = int(piece[1].sum()) / answers
            total, answer_loss, right, asked, relevant = loss_of(decoder, guide, piece, progress, device)
            (total * share).backward()
            losses += float(answer_loss) * share
            rights += float(right) * share
            matched += float(asked) * share
            found += float(relevant) * share
        together.average_gradients(parameters)
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        for optimiser, top in ((muon, MUON_RATE), (adam, ADAM_RATE)):
            for group in optimiser.param_groups:
                group["lr"] = top * rate(progress, step)
        muon.step()
        adam.step()
        together.exchange(matrices)
        for weight in parameters:
            weight.grad.zero_()
        figures = together.mean(torch.tensor([float(mine), losses, rights, matched, found]))
        seen += int(figures[0] * count)
        step += 1
        log.append((step, seen, round(time.monotonic() - started, 1), round(float(figures[1]), 4), round(float(figures[2]), 4),
                    round(float(figures[3]), 4), round(float(figures[4]), 4)))
        if rank == 0 and step % 20 == 0:
            recent = log[-20:]
            print(f"step {step} {seen / 1e6:.2f}M tokens {progress:.1%} loss {sum(l[3] for l in recent) / 20:.3f} "
                  f"right {sum(l[4] for l in recent) / 20:.3f} asked {sum(l[5] for l in recent) / 20:.3f} found {sum(l[6] for l in recent) / 20:.3f} "
                  f"{seen / (time.monotonic() - started):.0f} tokens/s", flush=True)
        if rank == 0 and time.monotonic() - last_saved > 240:
            save(given, decoder, tokenizer, log, count, device)
            last_saved = time.monotonic()
    if rank == 0:
        save(given, decoder, tokenizer, log, count, device)


def save(given, decoder, tokenizer, log, count, device):
    torch.save({"weights": decoder.state_dict()}, given.out / "checkpoint.new")
    (given.out / "checkpoint.new").replace(given.out / "checkpoint.pt")
    step, seen, seconds = log[-1][:3]
    description = (f"Answers from given passages by quoting them. {sum(p.numel() for p in decoder.parameters()) / 1e6:.1f}M "
                   f"parameters trained on {seen / 1e6:.1f}M tokens; for demonstrations.")
    new = given.out / f"{gguf_file.NAME}-q8_0.gguf.new"
    gguf_file.write(str(new), decoder, tokenizer, description)
    new.replace(given.out / f"{gguf_file.NAME}-q8_0.gguf")
    run_record = {"seed": SEED, "steps": step, "tokens": seen, "seconds": seconds, "tokens_per_s": round(seen / max(seconds, 1)),
                  "device": torch.cuda.get_device_name() if device == "cuda" else f"CPU, {count} processes of one thread",
                  "torch": torch.__version__, "limit": f"{given.minutes} minutes" if given.minutes else f"{given.tokens:.0f} tokens",
                  "went_on_from": bool(given.begin), "parameters": sum(p.numel() for p in decoder.parameters()),
                  "log": {"columns": ["step", "tokens", "seconds", "answer_loss", "answer_tokens_right", "asked_words_found", "relevant_words_found"], "rows": log[:: max(1, len(log) // 400)] + [log[-1]]}}
    (given.out / "run.json").write_text(json.dumps(run_record, indent=0) + "\n")
    (given.out / "loss.svg").write_text(curve.svg(log))


def main():
    given = arguments()
    given.out.mkdir(parents=True, exist_ok=True)
    saved = given.out / "tokenizer.json"
    tokens.train(given.corpus / "train.jsonl", random.Random(SEED)).save(str(saved))
    if torch.cuda.is_available() or os.cpu_count() == 1:
        run(0, 1, given)
        return
    count = min(os.cpu_count(), 8)
    for left in given.out.glob("meeting.*"):
        left.unlink()
    torch.multiprocessing.spawn(run, (count, given), nprocs=count)


if __name__ == "__main__":
    main()
