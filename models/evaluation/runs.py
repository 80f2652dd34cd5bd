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


def with_model(server, name, model, questions, fit=False, **options):
    """`fit`: the model's context is small, and passages are cut to it. Else a question that is over the context has fewer passages
    in the run's `questions`."""

    def one(question):
        if fit:
            return question, server.fitted(model, question["question"], question["passages"], **options)
        said = server.answer(model, question["question"], question["passages"], **options)
        while said.get("error") == "context_length_exceeded" and len(question["passages"]) > 1:
            question = fewer(question)
            said = server.answer(model, question["question"], question["passages"], **options)
        return question, said

    begun = time.monotonic()
    found = ask_all(one, questions)
    return Run(name, [q for q, _ in found], [said for _, said in found], time.monotonic() - begun)


def fewer(question):
    """The question without a sixteenth of its passages, the last ones but the right one."""
    texts, gold = list(question["passages"]), question["gold"]
    for _ in range(max(1, len(texts) // 16)):
        at = len(texts) if gold != len(texts) else len(texts) - 1
        if at == 0:
            break
        del texts[at - 1]
        gold -= at < gold
    return {**question, "passages": texts, "gold": gold}


def by_bm25(pool, questions):
    begun = time.monotonic()
    said = [{"text": bm25.quote_best(pool.by_segment, q["question"], q["passages"], passages.sentences)} for q in questions]
    return Run("BM25-and-quote", questions, said, time.monotonic() - begun)
