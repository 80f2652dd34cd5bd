#!/usr/bin/env python3
"""Judges the embedder on held-back documents: retrieval.py CORPUS EMBEDDER.gguf [--quick].

Passages and queries with known answers come from documents that no training step saw (retrieval_set.py). BM25 is
SQLite FTS5's with Porter stems, over the passages' text; vectors come from the shipped files through libllama
(llama-server of llama.cpp-tools); hybrid is Casemate's weighted reciprocal rank fusion of both (src/retrieval/fusion.h).
"""
import argparse
import http.client
import json
import math
import pathlib
import random
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from retrieval_set import KINDS, STOP, RetrievalSet

PREVIOUS = pathlib.Path(__file__).resolve().parents[1] / "casemate-answer-q8_0.gguf"
DEPTH = 50  # of each ranking
KEYWORD_WEIGHT, VECTOR_WEIGHT, RANK_CONSTANT = 0.8, 0.2, 10  # as FusionOptions has them
SEED = 1
CONTEXT = 512  # tokens of a text


def bm25(passages, queries):
    """For each query the numbers of the best passages, as keyword_index.cc asks FTS5: words OR-ed, without stop words."""
    database = sqlite3.connect(":memory:")
    database.execute("CREATE VIRTUAL TABLE passage USING fts5(text, tokenize=porter)")
    database.executemany("INSERT INTO passage(rowid, text) VALUES(?, ?)", enumerate(passages))
    ranked = []
    for query in queries:
        words = re.findall(r"[A-Za-z0-9\x80-\U0010ffff]+", query.lower())
        words = [w for w in words if w not in STOP] or words
        expression = " OR ".join(f'"{w}"' for w in words)
        ranked.append([row for row, in database.execute(
            "SELECT rowid FROM passage WHERE passage MATCH ? ORDER BY bm25(passage), rowid LIMIT ?", (expression, DEPTH))]
            if words else [])
    return ranked


class Server:
    """llama-server with one embedding model; ends with the block."""

    def __init__(self, file):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            ["llama-server", "-m", str(file), "--embedding", "--pooling", "mean", "--host", "127.0.0.1", "--port", str(self.port),
             "-c", str(CONTEXT * 8), "-np", "8", "-b", "4096", "-ub", "4096", "-t", "1", "-tb", "1", "--no-webui"],
            stdout=self.log, stderr=subprocess.STDOUT)

    def __enter__(self):
        for _ in range(600):
            if self.process.poll() is not None:
                break
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", "/health")
                if connection.getresponse().status == 200:
                    return self
            except OSError:
                pass
            time.sleep(0.1)
        self.__exit__()
        self.log.seek(0)
        raise RuntimeError("llama-server did not start: " + self.log.read().decode(errors="replace")[-1000:])

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def vectors(self, texts):
        rows = []
        for at in range(0, len(texts), 64):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
            connection.request("POST", "/v1/embeddings", json.dumps({"input": texts[at:at + 64]}), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            body = json.loads(answer.read())
            if answer.status != 200:
                raise RuntimeError(f"llama-server: {body}")
            rows += [entry["embedding"] for entry in sorted(body["data"], key=lambda entry: entry["index"])]
        import numpy  # here, so that what needs no vectors runs without it

        found = numpy.array(rows, dtype=numpy.float32)
        return found / numpy.linalg.norm(found, axis=1, keepdims=True)


def by_vectors(file, passages, queries):
    """For each query the numbers of the passages nearest to it, and texts a second."""
    with Server(file) as server:
        begun = time.monotonic()
        of_passages, of_queries = server.vectors(passages), server.vectors(queries)
        speed = (len(passages) + len(queries)) / (time.monotonic() - begun)
    return [list(map(int, (-row).argsort(kind="stable")[:DEPTH])) for row in of_queries @ of_passages.T], speed


def fuse(keyword, vector):
    scores = {}
    for ranked, weight in ((keyword, KEYWORD_WEIGHT), (vector, VECTOR_WEIGHT)):
        for place, passage in enumerate(ranked, 1):
            scores[passage] = scores.get(passage, 0) + weight / (RANK_CONSTANT + place)
    return sorted(scores, key=lambda passage: (-scores[passage], passage))


def ndcg(ranked, relevant):
    gain = sum(1 / math.log2(place + 1) for place, passage in enumerate(ranked[:10], 1) if passage in relevant)
    return gain / sum(1 / math.log2(place + 1) for place in range(1, min(10, len(relevant)) + 1))


def recall(ranked, relevant):
    return len(relevant.intersection(ranked[:5])) / min(5, len(relevant))


def mean(values):
    return sum(values) / len(values)


def interval(differences):
    """95 % of the means of 1,000 samples with replacement lie between."""
    chance = random.Random(SEED)
    means = sorted(mean(chance.choices(differences, k=len(differences))) for _ in range(1000))
    return [round(means[25], 4), round(means[974], 4)]


def figures(queries, ranked):
    out = {}
    for kind in (*KINDS, "all"):
        chosen = [(r, q["relevant"]) for q, r in zip(queries, ranked) if kind in (q["kind"], "all")]
        out[kind] = {"ndcg_10": round(mean([ndcg(*c) for c in chosen]), 4), "recall_5": round(mean([recall(*c) for c in chosen]), 4)}
    return out


def evaluate(corpus_dir, embedder_gguf, quick=False, previous=PREVIOUS):
    """Figures of every system by kind of query. `previous`: the model to compare with, left out where it is not there."""
    chosen = RetrievalSet(corpus_dir, passages=1500, queries=40, seed=SEED) if quick else RetrievalSet(corpus_dir, seed=SEED)
    passages, queries = chosen.passages, chosen.queries
    asked = [q["text"] for q in queries]
    ranked, speed = {"BM25": bm25(passages, asked)}, {}
    for name, file in (("embedder", embedder_gguf), ("previous", previous)):
        if pathlib.Path(file).exists():
            ranked[name], speed[name] = by_vectors(file, passages, asked)
    ranked["hybrid"] = [fuse(k, v) for k, v in zip(ranked["BM25"], ranked["embedder"])]
    gains = {f"{one} over {other}": interval([ndcg(a, q["relevant"]) - ndcg(b, q["relevant"])
                                              for q, a, b in zip(queries, ranked[one], ranked[other])])
             for one, other in (("embedder", "BM25"), ("hybrid", "BM25"), ("hybrid", "embedder"))}
    kinds = {kind: sum(q["kind"] == kind for q in queries) for kind in KINDS}
    misses = [{"kind": q["kind"], "query": q["text"], "expected": passages[min(q["relevant"])][:200],
               "found": passages[r[0]][:200] if r else ""}
              for q, r in zip(queries, ranked["hybrid"]) if not q["relevant"].intersection(r[:10])]
    return {"embedder": str(pathlib.Path(embedder_gguf).name), "passages": len(passages), "queries": len(queries), "kinds": kinds,
            "sources": {s: sum(q["source"] == s for q in queries) for s in sorted({q["source"] for q in queries})},
            "systems": {name: figures(queries, r) for name, r in ranked.items()},
            "texts_per_s": {name: round(s) for name, s in speed.items()},
            "gain": gains,
            "missed": len(misses), "misses": random.Random(SEED).sample(misses, min(12, len(misses)))}


NAMES = {"BM25": "BM25 (FTS5)", "embedder": "embedder", "previous": "previous (answerer, mean-pooled)", "hybrid": "hybrid"}


def cell(text):
    return text.replace("|", "\\|").replace("\n", " ")


def markdown(found):
    """The figures as the section of a page, without its heading."""
    kinds = [*KINDS, "all"]
    lines = [f"{found['queries']:,} queries over {found['passages']:,} passages of documents that no training step saw: "
             + ", ".join(f"{count} {kind}" for kind, count in found["kinds"].items()) + ".", "",
             "- title: a section's heading; right are its passages, which do not show it",
             "- question: \"What is X?\" and other forms, against X's entry; the FAQ's own questions, against their answers",
             "- keyword: three words that stand near each other in the passage",
             "- sentence: a paragraph's first sentence, against the rest of it",
             "- paraphrase: a manual page's NAME line, against its description; a word, against a synonym's gloss", "",
             "nDCG@10 / recall@5:", "", "| system | " + " | ".join(kinds) + " | texts/s |", "|---" * (len(kinds) + 2) + "|"]
    for name, label in NAMES.items():
        if name in found["systems"]:
            row = [f"{found['systems'][name][k]['ndcg_10']:.3f} / {found['systems'][name][k]['recall_5']:.3f}" for k in kinds]
            lines.append(f"| {label} | " + " | ".join(row) + f" | {found['texts_per_s'].get(name, '')} |")
    lines += ["", "Differences in nDCG@10 over all queries, 95 % of 1,000 resamplings between: " + "; ".join(
        f"{name} {low:+.3f} to {high:+.3f}" for name, (low, high) in found["gain"].items()) + ".", "",
        f"Hybrid has no right passage among its first ten for {found['missed']} queries. Some of them:", "",
        "| kind | query | expected | found first |", "|---|---|---|---|"]
    for miss in found["misses"]:
        lines.append("| " + " | ".join(cell(miss[k]) for k in ("kind", "query", "expected", "found")) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpus")
    parser.add_argument("embedder")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = evaluate(options.corpus, options.embedder, options.quick)
    print(json.dumps(result, indent=1) if options.json else markdown(result))
