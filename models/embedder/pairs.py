"""Pairs of a query and the passage that answers it, made from the corpus's documents."""
import json
import random
import re

LONGEST = 110  # words of a passage; longer blocks are cut between sentences
GENERIC = set("description notes introduction overview usage options functions example examples bugs history synopsis return "
              "summary standards errors files environment authors caveats diagnostics details values".split())
STOP = set("a an and are as at be been but by can could did do does for from had has have he her his how i if in into is it its "
           "may might more most must no nor not of on one only or other our over own she should so some such than that the their "
           "them then there these they this those through to too under until up us very was we were what when where which while "
           "who whom why will with would you your also any each both used using use".split())
WHAT_IS = ("What is {}?", "what is {}", "What does {} mean?", "what does {} mean", "Define {}.", "Tell me about {}.", "Explain {}",
           "What is meant by {}?", "{}", "{}", "definition of {}", "What does {} do?", "describe {}", "how does {} work")
ABOUT = ("{}", "{}", "{}", "How does {} work?", "what about {}", "Tell me about {}.", "Explain {}.", "What should I know about {}?",
         "How do I use {}?", "information on {}", "What is said about {}?", "help with {}")


def documents(corpus):
    with open(f"{corpus}/train.jsonl", encoding="utf-8") as file:
        yield from map(json.loads, file)


def sentences(text):
    return re.split(r"(?<=[.!?])\s+(?=[A-Z\"'(])", text)


def parts_of(text):
    if len(text.split()) <= LONGEST:
        return [text]
    parts, part = [], []
    for sentence in sentences(text):
        if part and len(" ".join([*part, sentence]).split()) > LONGEST:
            parts.append(" ".join(part))
            part = []
        part.append(sentence)
    return [" ".join(p.split()[:LONGEST]) for p in (*parts, " ".join(part))]


class Maker:
    """One pass over the corpus; the seed decides which of the possible pairs a block gives."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.pairs = []  # (query, passage, group): passages of one group may answer the same query

    def add(self, query, passage, group):
        query = " ".join(query.split()[:48])
        if query and passage and query != passage:
            self.pairs.append((query, passage, group))

    def headed(self, path, text):
        """A passage as Casemate embeds it, below its headings, or alone."""
        return " > ".join(path) + "\n" + text if path and self.random.random() < 0.4 else text

    def ask(self, forms, text):
        text = re.sub(r"\(.*?\)$", "", text) if self.random.random() < 0.5 else text
        if text.endswith("?"):
            return text
        return self.random.choice(forms).format(text if self.random.random() < 0.7 else text.lower())

    def keywords(self, text):
        words = list(dict.fromkeys(w for w in re.findall(r"[A-Za-z0-9_]{3,}", text.lower()) if w not in STOP))
        if len(words) < 6:
            return None
        count = self.random.randint(2, 5)
        first = self.random.randrange(max(1, len(words) - 2 * count))
        picked = [w for w in words[first:first + 2 * count]]
        return " ".join(self.random.sample(picked, min(count, len(picked))))

    def document(self, number, document):
        wordnet = document["source"] == "wordnet-base"
        name = document["sections"][0]["blocks"][0]
        for index, section in enumerate(document["sections"]):
            group, path = number * 1000 + index % 1000, section["heading"]
            blocks = [b for b in section["blocks"] if b["kind"] != "code"]
            for at, block in enumerate(blocks):
                if block["kind"] == "definition":
                    # Each definition has its own query.
                    self.definition(block, [] if wordnet else path, (number * 1000 + index) * 1000 + at + (1 << 40), wordnet)
                else:
                    following = blocks[at + 1]["text"] if at + 1 < len(blocks) and blocks[at + 1]["kind"] == "prose" else None
                    self.prose(block["text"], path, document["title"], group, following)
            if path[-1:] == ["Description"] and name["kind"] == "definition":
                for block in blocks[:2]:
                    self.add(name["text"], parts_of(block["text"])[0], group)

    def definition(self, block, path, group, wordnet):
        term, text = block["term"], parts_of(block["text"])[0]
        lemmas = term.split(", ") if wordnet else [term]
        asked = self.random.choice(lemmas)
        shown = f"{lemmas[0] if len(lemmas) > 1 and self.random.random() < 0.6 else term}: {text}"
        kind = self.random.random()
        if kind < 0.55:
            self.add(self.ask(WHAT_IS, asked), self.headed(path, shown), group)
        elif kind < 0.75:
            self.add(self.ask(WHAT_IS, asked), text, group)
        elif kind < 0.9:
            self.add(text, shown.split(":")[0] if self.random.random() < 0.5 else f"{asked}: {text[:len(text) // 2]}", group)
        else:
            self.add(self.keywords(text) or asked, self.headed(path, shown), group)

    def prose(self, text, path, title, group, following):
        for part in parts_of(text):
            kind = self.random.random()
            split = sentences(part)
            if kind < 0.35 and path:
                heading = path[-1]
                if {w.lower() for w in heading.split()} & GENERIC or len(heading.split()) < 2:
                    heading = f"{path[-2]} {heading}" if len(path) > 1 else f"{title} {heading}"
                self.add(self.ask(ABOUT, heading), self.headed(path[:-1], part), group)
            elif kind < 0.65 and len(split) >= 2:
                at = self.random.randrange(len(split))
                rest = " ".join(split[:at] + split[at + 1:])
                if len(split[at].split()) >= 4 and len(rest.split()) >= 6:
                    self.add(split[at], self.headed(path, rest), group)
            elif kind < 0.8:
                words = self.keywords(part)
                if words:
                    self.add(words, self.headed(path, part), group)
            elif kind < 0.9 and following and len(part.split()) < 60:
                self.add(split[-1], parts_of(following)[0], group)
            else:
                sentence = self.random.choice(split)
                kept = [w for w in sentence.split() if self.random.random() < 0.6]
                if len(kept) >= 3:
                    self.add(" ".join(kept), self.headed(path, part), group)


def make(corpus, seed, share=1.0):
    """All pairs of one pass, in the documents' order. `share`: of the documents."""
    maker = Maker(seed)
    chosen = random.Random(seed)
    for number, document in enumerate(documents(corpus)):
        if chosen.random() < share:
            maker.document(number, document)
    return maker.pairs
