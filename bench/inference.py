"""Chat with a model of random weights: Casemate beside llama-server of the same package, same model, same threads."""
import concurrent.futures
import os
import pathlib
import re
import shutil
import tempfile
import threading
import time

from common import Client, LlamaServer, at_once, chat, has_text, median, percentile
import random_gguf
from harness import Deployment

SYNTHETIC = "random-weights"
AGAINST = "llama-server, plain HTTP"


class Pair:
    """Both servers with one model of random weights, and clients of both."""

    def __init__(self, shape, slots, context):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="casemate-bench-", dir="/var/tmp"))
        self.deployment = self.llama = None
        try:
            model = self.work / "model.gguf"
            random_gguf.write(model, shape, 1, context)
            self.deployment = Deployment(base=self.work)
            config = self.deployment.dir / "config.toml"
            config.write_text(re.sub(r"(?m)^#? ?sequences = .*$", f"sequences = {slots}", config.read_text()))
            self.deployment.start()
            self.deployment.casemate("model", "add", model, "--name", SYNTHETIC, "--context-tokens", context)
            key = self.deployment.key()
            self.llama = LlamaServer(model, os.cpu_count(), slots, context)
            ours = [Client(self.deployment.address, self.deployment.dir / "tls/ca.pem", key) for _ in range(slots)]
            self.sides = (ours, [Client(self.llama.address) for _ in range(slots)])
        except BaseException:
            self.close()
            raise

    def close(self):
        if self.llama:
            self.llama.stop()
        if self.deployment:
            self.deployment.close()
        shutil.rmtree(self.work, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def each(self, pairs):
        """(pair, side): both sides in turn, each first as often; the first pair warms both and counts as -1."""
        for pair in range(-1, pairs):
            for side in ((0, 1) if pair % 2 else (1, 0)):
                yield pair, side


def body(side, index, words, tokens):
    return chat(SYNTHETIC, index, words, tokens) | ({"cache_prompt": False} if side == 1 else {})


def same_length(report, both, shape, streams, words, tokens, pairs):
    firsts, decodes, prefills = ([], []), ([], []), ([], [])
    for pair, side in both.each(pairs):
        bodies = [body(side, 100 * (pair + 2) + i, words, tokens) for i in range(streams)]
        results = at_once(both.sides[side][:streams], bodies)
        if pair < 0:
            continue
        firsts[side].append(median([r.first for r in results]) * 1e3)
        prefills[side].append(sum(r.prompt_tokens for r in results) / max(r.first for r in results))
        # From where all prompts are read: before, one stream's tokens compete with another's prompt.
        all_read, end = max(r.times[0] for r in results), max(r.times[-1] for r in results)
        decodes[side].append(sum(r.tokens_after(all_read) for r in results) / (end - all_read))
    name = f"{streams} stream{'s' if streams > 1 else ''}, {shape} q8_0, {words} words"
    target = ">= 0.98" if streams == 1 else "ahead"
    report.add(f"time to first token, {name}", "ms", *firsts, AGAINST, target, better="lower")
    report.add(f"prompt tokens, {name}", "tokens/s", *prefills, AGAINST, target)
    report.add(f"answer tokens, {name}", "tokens/s", *decodes, AGAINST, target)


def mixed_lengths(report, both, shape, lengths, tokens, pairs):
    """Every stream asks with each length once, in another order: what comes and goes is never alike."""
    firsts, rates = ([], []), ([], [])
    for pair, side in both.each(pairs):
        def asks(number, client):
            order = lengths[number:] + lengths[:number]
            return [client.stream(body(side, 1000 * (pair + 2) + 10 * number + i, words, tokens))
                    for i, words in enumerate(order)]

        begin = time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor(len(lengths)) as pool:
            jobs = [pool.submit(asks, i, c) for i, c in enumerate(both.sides[side][:len(lengths)])]
            results = [r for job in jobs for r in job.result()]
        took = time.perf_counter() - begin
        if pair >= 0:
            firsts[side].append(median([r.first for r in results]) * 1e3)
            rates[side].append(sum(r.tokens + r.prompt_tokens for r in results) / took)
    name = f"{len(lengths)} streams, prompts of {', '.join(map(str, lengths))} words, {shape} q8_0"
    report.add(f"prompt and answer tokens, {name}", "tokens/s", *rates, AGAINST, "ahead")
    report.add(f"time to first token, median, {name}", "ms", *firsts, AGAINST, better="lower")


class Talker(threading.Thread):
    """A stream that goes on until it is told to stop; `times` of its pieces."""

    def __init__(self, client, request):
        super().__init__(daemon=True)
        self.client, self.request, self.times, self.enough = client, request, [], False
        self.start()

    def run(self):
        for now, event in self.client.events(self.request):
            if has_text(event):
                self.times.append(now)
            if self.enough:
                break
        self.client.connect()  # hangs up on the rest of the answer


def long_prompt_joins(report, both, shape, words, pairs):
    """How long four answers stall while a long prompt is read, and how long its own first token takes."""
    gaps, firsts, tokens = ([], []), ([], []), 0
    for pair, side in both.each(pairs):
        clients = both.sides[side]
        talkers = [Talker(client, body(side, 5000 + 10 * pair + i, 12, 16000)) for i, client in enumerate(clients[:4])]
        while not all(len(t.times) > 20 for t in talkers):
            assert all(t.is_alive() for t in talkers), "a stream ended before the long prompt came"
            time.sleep(0.01)
        joiner = clients[4].stream(body(side, 7000 + pair, words, 4))
        for talker in talkers:
            talker.enough = True
        for talker in talkers:
            talker.join(60)
        if pair < 0:
            continue
        tokens = joiner.prompt_tokens
        window = (joiner.begin, joiner.times[0])
        between = [1e3 * (b - a) for t in talkers for a, b in zip(t.times, t.times[1:]) if b > window[0] and a < window[1]]
        gaps[side].append(percentile(between, 0.99))
        firsts[side].append(joiner.first * 1e3)
    name = f"while a prompt of {tokens:,} tokens joins 4 streams, {shape} q8_0"
    report.add(f"p99 gap between tokens {name}", "ms", *gaps, AGAINST, ">= 10", better="lower")
    report.add(f"the joiner's time to first token, {tokens:,} tokens, {shape} q8_0", "ms", *firsts, AGAINST,
               ">= 0.77", better="lower")


def bench_inference(report, quick):
    words, tokens, pairs = (40, 8, 2) if quick else (150, 48, 5)
    shape = "tiny" if quick else "0.5b"
    with Pair(shape, 4, 2048) as both:
        same_length(report, both, shape, 1, words, tokens, pairs)
        same_length(report, both, shape, 4, words, tokens, 2 if quick else 3)
        mixed_lengths(report, both, shape, [words // 10, words // 3, words, words * 2], tokens // 2, 2 if quick else 3)
    with Pair("tiny", 5, 20480) as both:
        long_prompt_joins(report, both, "tiny", 500 if quick else 12000, 1 if quick else 3)
