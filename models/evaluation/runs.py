"""Puts every question to every system and counts."""
import time

import bm25
import judging
import passages
from asking import ask_all

MISSES = 15  # listed of each set: the first ones in the order of the questions


class Run:
    """One set put to one system."""

    def __init__(self, name, questions, said, seconds):
        self.name, self.questions, self.said, self.seconds = name, questions, said, seconds
        self.verdicts = [judging.judge(q, a.get("text", "")) for q, a in zip(questions, said)]

    def count(self, what, wanted=lambda question: True):
        """(how many, of how many) of the questions wanted have a true `what`."""
        of = [v for q, v in zip(self.questions, self.verdicts) if wanted(q)]
        return sum(1 for v in of if v[what]), len(of)

    def quotations(self):
        """(verbatim in the passage that is named, all) quotations."""
        counts = [judging.verbatim(a.get("text", ""), a.get("passages", q["passages"])) for q, a in zip(self.questions, self.said)]
        return sum(good for _, good in counts), sum(all_of for all_of, _ in counts)

    def errors(self):
        return sum(1 for a in self.said if "error" in a)

    def mean(self, key):
        found = [a[key] for a in self.said if key in a]
        return sum(found) / len(found) if found else 0.0

    def misses(self, wanted=lambda question: True, what="right"):
        """The first ones that are wrong, as (question, answer, verdict)."""
        found = [(q, a, v) for q, a, v in zip(self.questions, self.said, self.verdicts) if wanted(q) and not v[what]]
        return found[:MISSES], len(found)

    def transcript(self):
        return [{**{k: q[k] for k in ("set", "source", "question", "gold") if k in q}, "expected": expected(q),
                 "got": a.get("text", a.get("error")), **v} for q, a, v in zip(self.questions, self.said, self.verdicts)]


def expected(question):
    if question["gold"] == 0:
        return "The documents do not say."
    return question.get("fact") or judging.defining_text(question["defining"])


def with_model(server, name, model, questions, progress, fit=False, **options):
    begun = time.monotonic()
    ask = server.fitted if fit else lambda m, q, p, gold, **o: server.answer(m, q, p, **o)
    said = ask_all(lambda q: ask(model, q["question"], q["passages"], q["gold"], **options), questions, progress)
    return Run(name, questions, said, time.monotonic() - begun)


def by_bm25(pool, questions):
    begun = time.monotonic()
    said = [{"text": bm25.quote_best(pool.by_segment, q["question"], q["passages"], passages.sentences)} for q in questions]
    return Run("BM25-and-quote", questions, said, time.monotonic() - begun)
