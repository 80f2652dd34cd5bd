#!/usr/bin/env python3
"""Judges the shipped models on texts that no training step sees, through Casemate itself, and writes models/EVALUATION.md.

    ./dev model eval                    everything, about 20 minutes on two cores
    ./dev model eval --quick            some of each kind, printed only
    ./dev model eval --only a,b --answerer build/models/answerer/answerer.gguf --out /tmp/EVALUATION.md

The same files, corpus and seed ask the same questions in the same order. README.md says what the sets are.
"""
import argparse
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))
import asking  # noqa: E402
import end_to_end  # noqa: E402
import leaks  # noqa: E402
import passages  # noqa: E402
import questions as sets  # noqa: E402
import report  # noqa: E402
import runs  # noqa: E402

CONTEXT = 2048           # of the answerer
PREVIOUS_CONTEXT = 320   # of the first weights
# Questions of each set; c: by rule, and every so many of those by hand; d: of a, b and c; e: and entries of FOLDOC, manual pages at most.
SIZES = {"full": {"a": 2000, "b": 600, "c": (170, 1), "d": (120, 40, 80), "e": (300, 400), "f": 300},
         "quick": {"a": 100, "b": 50, "c": (20, 7), "d": (6, 3, 6), "e": (30, 60), "f": 30}}
LENGTHS = (512, 1024, CONTEXT)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answerer", type=pathlib.Path, help="GGUF file (default: the shipped one, models/*answer*.gguf)")
    parser.add_argument("--embedder", type=pathlib.Path, help="GGUF file (default: the shipped one, models/*embed*.gguf, if any)")
    parser.add_argument("--previous", type=pathlib.Path, help="the first weights, to compare with (default: left out)")
    parser.add_argument("--corpus", type=pathlib.Path, default=ROOT / "build/models/corpus", help="made by models/corpus/build.py if it is not there")
    parser.add_argument("--only", default="a,b,c,d,e,f,g", help="sets, with commas between them")
    parser.add_argument("--quick", action="store_true", help="about 2 minutes, printed only")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "models/EVALUATION.md")
    parser.add_argument("--json", type=pathlib.Path, default=ROOT / "build/models/evaluation.json", help="every answer and its verdict")
    return parser.parse_args()


def shipped(word):
    found = sorted((ROOT / "models").glob(f"*{word}*.gguf"))
    return found[0] if found else None


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def command(arguments_):
    """What was run; of files outside this folder the name alone, because their place is this machine's own."""
    return " ".join(["./dev model eval", *(pathlib.Path(a).name if a.startswith("/") and not a.startswith(str(ROOT)) else
                                           a.replace(str(ROOT) + "/", "") for a in arguments_)])


def say(text):
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)


class Evaluation:
    def __init__(self, options):
        self.options = options
        self.sizes = SIZES["quick" if options.quick else "full"]
        self.only = set(options.only.split(","))
        self.answerer = options.answerer or shipped("answer")
        self.embedder = options.embedder or shipped("embed")
        self.results = {"runs": {}}
        self.begun = time.monotonic()

    def run(self):
        options = self.options
        subprocess.run([sys.executable, ROOT / "models/corpus/build.py", options.corpus], check=True, stdout=sys.stderr)
        self.results["about"] = self.about()
        if self.only & set("abcdef"):
            say("reading the corpus and looking for what training saw")
            self.documents = passages.read(options.corpus / "held_out.jsonl") + passages.read(options.corpus / "held_in.jsonl")
            self.pool = sets.Pool(self.documents, options.corpus / "train.jsonl")
            self.results["pool"] = {"definitions": len(self.pool.definitions), "seen": len(self.pool.seen)}
            self.ask()
        if "g" in self.only:
            self.retrieval()
        self.results["about"]["seconds"] = round(time.monotonic() - self.begun)
        return self.results

    def about(self):
        files = {"answerer": self.answerer, "embedder": self.embedder, "previous": self.options.previous}
        manifest = json.loads((self.options.corpus / "manifest.json").read_text())
        return {"files": {role: {"name": path.name, "bytes": path.stat().st_size, "sha256": digest(path)}
                          for role, path in files.items() if path},
                "command": command(sys.argv[1:]), "quick": self.options.quick, "seed": sets.SEED,
                "sources": manifest["sources"], "cores": len(os.sched_getaffinity(0))}

    def ask(self):
        models = {"answerer": (self.answerer, CONTEXT)}
        if self.options.previous:
            models["previous"] = (self.options.previous, PREVIOUS_CONTEXT)
        server = asking.Server(models, self.answerer, self.embedder)
        try:
            self.ask_sets(server)
        finally:
            server.close()

    def ask_sets(self, server):
        drawn = {}
        if self.only & set("adf"):
            drawn["a"] = sets.answerable(self.pool, self.sizes["a"])
        if self.only & set("bdf"):
            drawn["b"] = sets.unanswerable(self.pool, self.sizes["b"])
        if self.only & set("cdf"):
            drawn["c"] = self.unseen(sets.facts(self.pool, *self.sizes["c"]))
        for name in "abc":
            if name in self.only:
                self.put(server, name, drawn[name])
        if "d" in self.only:
            self.lengths(server, drawn)
        if "f" in self.only:
            self.sampled(server, drawn)
        if "e" in self.only:
            say("e: end to end")
            self.results["e"] = {"held": end_to_end.run(server, "answerer", self.documents, self.pool, *self.sizes["e"])}

    def unseen(self, questions):
        """Without those whose passage stands in the training text all the same."""
        texts = {q.get("sentence") or q["passages"][q["about_passage"] - 1] for q in questions}
        seen = leaks.found(texts, self.options.corpus / "train.jsonl")
        kept = [q for q in questions if (q.get("sentence") or q["passages"][q["about_passage"] - 1]) not in seen]
        self.results["facts_seen"] = len(questions) - len(kept)
        return kept

    def put(self, server, name, questions, previous=True):
        """One set to every system."""
        systems = [("answerer, held to quote", "answerer", {"quotes": "verbatim"}), ("answerer, free", "answerer", {"quotes": "free"})]
        if previous and self.options.previous:
            systems.append(("previous model, free", "previous", {"quotes": "free", "fit": True, "max_tokens": 96}))
        found = []
        for title, model, how in systems:
            say(f"{name}: {len(questions)} questions, {title}")
            found.append(runs.with_model(server, title, model, questions, **how))
            if not how.get("fit"):
                questions = found[-1].questions  # the same prompts for whoever comes next
        found.append(runs.by_bm25(self.pool, questions))
        self.results["runs"][name] = found

    def lengths(self, server, drawn):
        definitions, none, facts = self.sizes["d"]
        by_hand = [q for q in drawn["c"] if q["made"] == "hand" and q["gold"]]
        some = drawn["a"][::max(1, len(drawn["a"]) // definitions)][:definitions] + drawn["b"][:none] + by_hand[:facts]
        per_token = self.characters_per_token(server, drawn["c"])
        self.results["characters_per_token"] = per_token
        for length in LENGTHS:
            room = length - (asking.ANSWER_TOKENS + 40 if length == CONTEXT else 30)  # for what is no passage
            questions = sets.longer(self.pool, some, int(room * per_token))
            self.put(server, f"d {length}", questions, previous=False)

    def characters_per_token(self, server, questions):
        """Of this model's tokenizer, on passages such as those of the questions."""
        characters = tokens = 0
        for question in questions[:8]:
            said = server.answer("answerer", question["question"], question["passages"], max_tokens=1)
            characters += sum(len(text) + 5 for text in question["passages"]) + len(question["question"])
            tokens += said["prompt_tokens"]
        return characters / tokens

    def sampled(self, server, drawn):
        some = [q for name in "abc" for q in drawn[name][:self.sizes["f"] // 3]]
        self.results["runs"]["f"] = [
            runs.with_model(server, f"answerer, {title}", "answerer", some, quotes=quotes, temperature=0.7, seed=sets.SEED)
            for title, quotes in (("held to quote", "verbatim"), ("free", "free"))]

    def retrieval(self):
        try:
            import retrieval
        except ImportError:
            say("g: models/evaluation/retrieval.py is not there")
            return
        if self.embedder is None:
            say("g: there is no embedder")
            return
        say("g: retrieval")
        found = retrieval.evaluate(self.options.corpus, self.embedder, self.options.quick)
        self.results["retrieval"] = found
        self.results["retrieval_markdown"] = retrieval.markdown(found)


def main():
    options = arguments()
    results = Evaluation(options).run()
    text = report.markdown(results)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(report.plain(results), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if options.quick:
        print(text)
    else:
        options.out.write_text(text, encoding="utf-8")
        say(f"wrote {options.out} and {options.json}")


if __name__ == "__main__":
    main()
