"""The questions: each is a dict with "set", "source", "question", "passages" (as the prompt has them, in their order), "gold" (number of
the right one from 1, 0: none answers) and what a right answer holds ("defining", or "fact" and its "sentence"; see judging.py).

Everything is drawn with the fixed seed, from documents that no training step sees.
"""
import json
import pathlib
import random
import re

import bm25
import leaks
import passages
from judging import defining_text, holds

SEED = 20261123
HERE = pathlib.Path(__file__).resolve().parent

# How people ask what something is; "%s" is the term. The first ones are the common ones and are drawn more often.
WHAT_IS = ["What is %s?", "What is %s?", "What does %s mean?", "Explain %s.", "Define %s.", "Can you tell me what %s is?",
           "What do the documents say about %s?", "I came across %s. What is that?", "How is %s defined?", "Please explain what %s means."]
WHAT_DOES = ["What does %s do?", "What does %s do?", "What is %s?", "What is %s for?", "Explain %s.", "What do the documents say about %s?",
             "What is the purpose of %s?", "Can you explain %s?", "Tell me about %s.", "Describe %s."]
DOING = {"manpages", "erlang-doc", "python3-doc", "libssl-doc", "nodejs-doc", "apache2-doc", "freebsd-manpages"}

# Of 2,000 questions; what a source has not is taken from the first.
SHARES = {"dict-foldoc": 900, "manpages": 400, "wordnet-base": 280, "erlang-doc": 130, "python3-doc": 100, "postgresql-doc-18": 60,
          "dict-jargon": 40, "debian-handbook": 30, "debian-faq": 30, "apache2-doc": 15, "libssl-doc": 15}


def ask(definition, rng):
    forms = WHAT_DOES if definition.source in DOING else WHAT_IS
    return rng.choice(forms) % definition.asked


class Pool:
    """Everything that can be asked about, and the indexes that find what lies near. Definitions that stand in
    the training text all the same (FOLDOC and the Jargon File share entries) are left out, and counted in `seen`."""

    def __init__(self, documents, train_path=None):
        every = passages.definitions(documents)
        candidates = [d for d in passages.only_once(every) if passages.askable(d)]
        self.seen = leaks.found([d.sentence for d in candidates], train_path) if train_path else set()
        self.definitions = [d for d in candidates if d.sentence not in self.seen]
        self.texts = list(dict.fromkeys(d.passage for d in every))
        self.terms = {}
        for definition in every:
            self.terms.setdefault(definition.passage, passages.normal(definition.asked))
        self.by_text = bm25.Index(self.texts)
        self.segments = passages.segments(documents)
        self.by_segment = bm25.Index([s.text for s in self.segments])

    def near_definitions(self, definition, question, count, wanted=lambda text: True):
        """The nearest passages to the question that are not about the same term; then those nearest to the definition."""
        same = passages.normal(definition.asked)
        found = []
        for query in (question, definition.passage):
            for at, _ in self.by_text.nearest(query, 8 * count + 40):
                text = self.texts[at]
                if (text not in found and self.terms[text] != same and wanted(text)
                        and not holds(text, defining_text(definition.sentence))):
                    found.append(text)
                if len(found) == count:
                    return found
        return found

    def near_segments(self, question, count, wanted):
        found = []
        for at, _ in self.by_segment.nearest(question, 8 * count + 40):
            segment = self.segments[at]
            if wanted(segment) and segment.text not in found:
                found.append(segment.text)
            if len(found) == count:
                break
        return found


def placed(right, others, rng):
    """(passages, number of the right one): the right one anywhere among the others."""
    at = rng.randrange(len(others) + 1)
    return [*others[:at], right, *others[at:]], at + 1


def draw(pool, count, rng, but=frozenset()):
    """Definitions of every source by its share of `count`; FOLDOC, and then the others, fill what a source has not."""
    chosen, by_source = [], {}
    for definition in sorted(pool.definitions, key=lambda d: (d.source, d.asked)):
        if definition not in but:
            by_source.setdefault(definition.source, []).append(definition)
    for found in by_source.values():
        rng.shuffle(found)
    for source, share in sorted(SHARES.items(), key=lambda pair: -pair[1]):
        chosen += by_source.get(source, [])[:share * count // sum(SHARES.values())]
    taken = set(chosen)
    rest = [d for source in sorted(by_source, key=lambda s: (s != "dict-foldoc", s)) for d in by_source[source] if d not in taken]
    chosen += rest[:count - len(chosen)]
    return chosen


def answerable(pool, count):
    """Set a: a definition among three near ones."""
    rng, made = random.Random(SEED), []
    for definition in draw(pool, count, rng):
        question = ask(definition, rng)
        texts, gold = placed(definition.passage, pool.near_definitions(definition, question, 3), rng)
        made.append({"set": "a", "source": definition.source, "question": question, "passages": texts, "gold": gold,
                     "defining": definition.sentence, "term": definition.asked})
    return made


def says_what_it_is(text, term):
    return bool(re.search(r"\b" + re.escape(term) + r"(?:'s|\)|\")?\s*(?:is|are|was|were|means|refers|\(|, an?\b|: )", text, re.I))


def unanswerable(pool, count):
    """Set b: as a, with four near passages of which none says what the thing is; they may mention it."""
    rng, made = random.Random(SEED + 1), []
    used = {q["term"] for q in answerable_terms(pool)}
    for definition in draw(pool, count, rng, frozenset(d for d in pool.definitions if d.asked in used)):
        question = ask(definition, rng)
        texts = pool.near_definitions(definition, question, 4, lambda text: not says_what_it_is(text, definition.asked))
        rng.shuffle(texts)
        made.append({"set": "b", "source": definition.source, "question": question, "passages": texts, "gold": 0,
                     "term": definition.asked})
    return made


def answerable_terms(pool):
    """Terms that set a of the full run asks for, so that b asks for others also in a short run. Sources with few definitions serve both."""
    rng = random.Random(SEED)
    return [{"term": d.asked} for d in draw(pool, 2000, rng) if d.source == "dict-foldoc"]


def by_hand(path=HERE / "questions.json"):
    return json.loads(path.read_text(encoding="utf-8"))


def place_of(item, segments):
    """The segment that a question of questions.json was written from. Raises LookupError: it is not there, or without the answer."""
    about = item.get("about") if item["source"] in passages.HEADWORDS else None
    found = [s for s in segments if s.source == item["source"] and item["key"] in s.text and (about is None or s.about == about)]
    if not found:
        raise LookupError(f"{item['source']}: no passage holds '{item['key']}' ({item['question']})")
    if item["answer"] is not None and not holds(found[0].text, item["answer"]):
        raise LookupError(f"{item['source']}: '{item['answer']}' does not stand by '{item['key']}' ({item['question']})")
    return found[0]


def sentence_with(text, fact, key=""):
    """The sentence that holds the fact; of several the one with the key."""
    found = [s for s in passages.sentences(text) if holds(s, fact)] or [text]
    return next((s for s in found if key and key in s), found[0])


def mentions(text, about):
    return about.lower() in text.lower()


def facts(pool, derived_count, every=1):
    """Set c: who, when, where, how many, how. Those of questions.json (by hand; each, or every so many), and `derived_count` by rule."""
    made = []
    for item in by_hand()[::every]:
        rng = random.Random(f"{SEED} {item['question']}")
        segment = place_of(item, pool.segments)
        answer = item["answer"]

        def other(near):
            if near.text == segment.text or (near.source in passages.HEADWORDS and near.about == segment.about):
                return False
            return not holds(near.text, answer) if answer is not None else not mentions(near.text, item["about"])

        texts, gold = placed(segment.text, pool.near_segments(item["question"], 3, other), rng)
        question = {"set": "c", "made": "hand", "source": item["source"], "question": item["question"], "passages": texts,
                    "kind": item["kind"], "gold": gold if answer is not None else 0, "about_passage": gold}
        if answer is not None:
            question |= {"fact": answer, "sentence": sentence_with(segment.text, answer, item["key"])}
        made.append(question)
    return made + by_rule(pool, derived_count)


VERBS = "written|developed|designed|invented|created|proposed|introduced|founded|coined|devised|produced|published|built|implemented"
NAME = r"(?:the )?([A-Z][\w&.'-]*(?:,? (?:[A-Z][\w&'-]*\.?(?=[ ,.)])|[A-Z]\.|de|van|von))*)"
RULES = [
    ("who", re.compile(rf"\b({VERBS}) (?:in [\d-]+ |at [A-Z][\w ]+ )?by {NAME}"), "Who %s %s?"),
    ("when", re.compile(rf"\b({VERBS})\b[^.;]*? (?:in|ca\.|circa|around|on) ((?:[A-Z][a-z]+ )?(?:19|20)\d\d(?:-\d\d)*)\b(?!s)"), "When was %s %s?"),
    ("where", re.compile(rf"\b({VERBS})\b[^.;]*? (?:at|of) (?:the )?(University of [A-Z]\w+|[A-Z]\w+ University|MIT|Bell Labs|Stanford|CERN|Xerox PARC)"),
     "Where was %s %s?"),
]
PAST = {"written": "wrote"}


def by_rule(pool, count):
    """Questions from first sentences of FOLDOC's definitions: "A language designed by N. N. in 1986" answers who and when."""
    rng, found = random.Random(SEED + 2), {kind: [] for kind, _, _ in RULES}
    for definition in sorted(pool.definitions, key=lambda d: d.asked):
        if definition.source != "dict-foldoc":
            continue
        for kind, rule, form in RULES:
            match = rule.search(definition.sentence)
            if match and len(match[2]) > 2 and match[2] not in definition.asked:
                verb = match[1]
                words = (PAST.get(verb, verb), definition.asked) if kind == "who" else (definition.asked, verb)
                found[kind].append((definition, form % words, match[2].rstrip(".,").removesuffix("'s")))
    made = []
    for kind, share in (("who", 4), ("when", 4), ("where", 2)):
        rng.shuffle(found[kind])
        for definition, question, fact in found[kind][:count * share // 10]:
            segment = next((s for s in pool.segments if s.source == definition.source and s.about == definition.term and
                            holds(s.text, fact)), None)
            if segment is None:
                continue
            others = pool.near_segments(question, 3, lambda near: near.about != segment.about and not holds(near.text, fact))
            texts, gold = placed(segment.text, others, rng)
            made.append({"set": "c", "made": "rule", "source": definition.source, "question": question, "passages": texts, "gold": gold,
                         "kind": kind, "fact": fact, "sentence": sentence_with(segment.text, fact, definition.sentence)})
    return made


def longer(pool, questions, characters, most=64):
    """Set d: the same questions with as many near passages as fill `characters`, the right one anywhere among them."""
    made = []
    for question in questions:
        rng = random.Random(f"{SEED} {characters} {question['question']}")
        keep = question["passages"]
        right = keep[question["gold"] - 1] if question["gold"] else None
        others = [text for text in keep if text != right]
        used = sum(len(text) + 8 for text in keep)
        if used > characters:  # fewer of the near ones, where even four are too many
            others = within(others, characters - (len(right) + 8 if right else 0))
        else:
            others += within(more_passages(pool, question, set(keep)), characters - used)[:most - len(keep)]
        if right is None:
            rng.shuffle(others)
            texts, gold = others, 0
        else:
            texts, gold = placed(right, others, rng)
        made.append({**question, "set": "d", "of": question["set"], "passages": texts, "gold": gold})
    return made


def within(texts, characters):
    kept, used = [], 0
    for text in texts:
        if used + len(text) + 8 <= characters:
            kept.append(text)
            used += len(text) + 8
    return kept


def more_passages(pool, question, but):
    """Further passages near the question that neither answer it nor are about the same term."""
    term = question.get("term")

    def wanted(text):
        if text in but:
            return False
        if "fact" in question:
            return not holds(text, question["fact"])
        return not says_what_it_is(text, term) and ("defining" not in question or not holds(text, defining_text(question["defining"])))

    if term is None:
        found = pool.near_segments(question["question"] + " " + question.get("sentence", ""), 60, lambda s: wanted(s.text))
    else:
        near = [question["question"] + " " + question.get("defining", ""), " ".join(question["passages"])]
        found = list(dict.fromkeys(pool.texts[at] for query in near for at, _ in pool.by_text.nearest(query, 200)))
        same = passages.normal(term)
        found = [text for text in found if pool.terms[text] != same and wanted(text)]
    return found
