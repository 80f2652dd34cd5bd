"""Queries with known answers over passages of the corpus's held-back documents."""
import json
import pathlib
import random
import re

KINDS = ("title", "question", "keyword", "sentence", "paraphrase")
SOURCES = ("debian-handbook", "debian-faq", "developers-reference", "manpages", "dict-foldoc")
LONGEST = 90  # words of a passage
GENERIC = set("description notes introduction overview usage options functions example examples bugs history synopsis "
              "return summary standards errors files environment authors caveats diagnostics details values".split())
STOP = set("a an and are as at be been but by can could did do does for from had has have he her his how i if in into is it its "
           "may might more most must no nor not of on one only or other our over own she should so some such than that the their "
           "them then there these they this those through to too under until up us very was we were what when where which while "
           "who whom why will with would you your also any each both used using use".split())
FORMS = ("What is {}?", "what does {} mean", "Define {}.", "Tell me about {}.", "Explain {}", "What is meant by {}?")


def words_of(text):
    return re.findall(r"[A-Za-z][A-Za-z0-9_]+", text)


def documents(corpus):
    """Held-back documents: whole sources, and the held-back part of the trained ones."""
    for name in ("held_out", "held_in"):
        with open(pathlib.Path(corpus) / f"{name}.jsonl", encoding="utf-8") as file:
            yield from map(json.loads, file)


def passages_of(block):
    """A block's text as passages of at most LONGEST words, cut between sentences."""
    text = f"{block['term']}: {block['text']}" if block["kind"] == "definition" else block["text"]
    if len(text.split()) <= LONGEST:
        return [text]
    parts, part = [], []
    for sentence in re.split(r"(?<=[.!?])\s+", text):
        if part and len(" ".join([*part, sentence]).split()) > LONGEST:
            parts.append(" ".join(part))
            part = []
        part.append(sentence)
    return [" ".join(p.split()[:LONGEST]) for p in (*parts, " ".join(part))]


class RetrievalSet:
    """passages: texts; queries: {"kind", "text", "relevant": set of passage numbers, "source"}."""

    def __init__(self, corpus, passages=8000, queries=400, seed=1):
        self.random = random.Random(seed)
        self.passages, self.numbers, self.queries = [], {}, []
        candidates = {kind: [] for kind in KINDS}
        filler = []
        for document in documents(corpus):
            self.read(document, candidates, filler)
        whole = set()
        for kind in KINDS:
            self.random.shuffle(candidates[kind])
            for text, right, source, *parent in self.spread(candidates[kind], queries):
                self.queries.append({"kind": kind, "text": text, "source": source, "relevant": {self.number(p) for p in right},
                                     "parent": parent})
                whole.update(parent)
        for query in self.queries:
            # The paragraph that a query was cut from answers it too, where another query needs that paragraph.
            query["relevant"] |= {self.numbers[p] for p in query.pop("parent") if p in self.numbers}
        filler = [p for p in filler if p not in whole]
        self.random.shuffle(filler)
        for passage in filler:
            if len(self.passages) >= passages:
                break
            self.number(passage)

    def spread(self, candidates, count):
        """At most a third of a kind's queries from one source, while others have some."""
        taken, left, of = [], [], {}
        for candidate in candidates:
            if of.get(candidate[2], 0) < count // 3:
                of[candidate[2]] = of.get(candidate[2], 0) + 1
                taken.append(candidate)
            else:
                left.append(candidate)
        return (taken + left)[:count]

    def number(self, passage):
        if passage not in self.numbers:
            self.numbers[passage] = len(self.passages)
            self.passages.append(passage)
        return self.numbers[passage]

    def read(self, document, candidates, filler):
        source = document["source"]
        for section in document["sections"]:
            blocks = [b for b in section["blocks"] if b["kind"] != "code"]
            texts = [p for b in blocks for p in passages_of(b)]
            filler.extend(texts)
            if not texts:
                continue
            heading = section["heading"][-1] if section["heading"] else ""
            prose = [p for b in blocks if b["kind"] == "prose" for p in passages_of(b)]
            words = [w.lower() for w in words_of(heading)]
            if prose and source in SOURCES[:4] and len(prose) <= 12 and len(words) >= 2 and not GENERIC & set(words):
                # Many of the FAQ's headings are questions that somebody asked.
                candidates["question" if heading.endswith("?") else "title"].append((heading, prose, source))
            for block in blocks:
                self.from_block(block, source, candidates)
        if source in ("manpages", "libssl-doc", "freebsd-manpages"):
            self.from_name_line(document, candidates["paraphrase"])

    def from_block(self, block, source, candidates):
        texts = passages_of(block)
        if block["kind"] == "definition":
            term = block["term"]
            if source == "dict-foldoc" and len(words_of(term)) >= 1 and len(block["text"].split()) >= 6:
                candidates["question"].append((self.random.choice(FORMS).format(term), texts[:1], source))
            lemmas = term.split(", ")
            if source == "wordnet-base" and len(lemmas) > 1 and len(block["text"].split()) >= 6:
                # Another word for it: the passage names the first one only.
                first, other = lemmas[0], self.random.choice(lemmas[1:])
                if not set(words_of(first.lower())) & set(words_of(other.lower())):
                    candidates["paraphrase"].append((other, [f"{first}: {block['text']}"], source, texts[0]))
            return
        sentences = re.split(r"(?<=[.!?])\s+(?=[A-Z])", block["text"])
        if len(sentences) >= 3 and 8 <= len(sentences[0].split()) <= 30 and len(texts) == 1:
            candidates["sentence"].append((sentences[0], [" ".join(sentences[1:])], source, texts[0]))
        words = list(dict.fromkeys(w.lower() for w in words_of(texts[0]) if w.lower() not in STOP and len(w) > 3))
        if len(words) >= 12:
            first = self.random.randrange(len(words) - 6)
            candidates["keyword"].append((" ".join(self.random.sample(words[first:first + 6], 3)), texts[:1], source))

    def from_name_line(self, document, paraphrases):
        """What a manual page's NAME line says of it, against how its description begins."""
        name = document["sections"][0]["blocks"][0]
        described = [s for s in document["sections"] if s["heading"][-1:] == ["Description"]]
        if name["kind"] == "definition" and described and len(name["text"].split()) >= 3:
            prose = [p for b in described[0]["blocks"] if b["kind"] == "prose" for p in passages_of(b)][:3]
            if prose:
                paraphrases.append((name["text"], prose, document["source"]))
