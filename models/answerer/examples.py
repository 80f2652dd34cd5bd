"""Examples: a question, passages, the sentence that answers it or none. Made as they are needed,
from the corpus and from made-up facts, so that no two passes see the same one; what comes is fixed
by the seed."""

import collections
import dataclasses
import json
import random

import facts
import questions
import words

MOST_WORDS = 200  # of a passage
LONGEST_SPAN = 60  # words


@dataclasses.dataclass(frozen=True)
class Example:
    question: str
    passages: list
    span: str | None  # None: not answered by the passages
    number: int | None  # from 1
    kind: str


@dataclasses.dataclass(frozen=True)
class Card:
    """A text that answers something: a definition, or a sentence among its neighbours."""
    document: int
    section: int
    term: str | None  # of a definition
    lines: tuple  # sentences: of the definition, or of the run of prose
    at: int  # the sentence that answers
    heading: str


def names(card):
    """What a definition explains, each name for itself: "data flow, flow of data" are two."""
    return {name.split("(")[0].strip() for name in (card.term or "").lower().split(", ")} - {""}


def quotable(sentence):
    count = len(sentence.split())
    return 3 <= count <= LONGEST_SPAN and '"' not in sentence and len(sentence) < 500


class Corpus:
    """Cards of one file of documents, with an index by word for passages that look alike."""

    def __init__(self, path):
        self.definitions, self.sentences = [], []  # cards
        self.glosses, self.explained = [], []  # of the definitions: WordNet's, and all others
        self.by_section = collections.defaultdict(list)
        self.sections = 0
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines):
                self.add(number, json.loads(line))
        self.definitions = self.glosses + self.explained
        self.index = collections.defaultdict(list)
        self.cards = self.definitions + self.sentences
        for i, card in enumerate(self.cards):
            telling = (card.term or "") + " " + card.lines[card.at]
            for word in {w.lower() for w in words.content_words(telling)}:
                if len(word) > 2:
                    self.index[word].append(i)

    def add(self, number, document):
        definitions = self.glosses if document["source"] == "wordnet-base" else self.explained
        for section in document["sections"]:
            self.sections += 1
            heading = section["heading"][-1] if section["heading"] else ""
            prose = []
            for block in section["blocks"]:
                if block["kind"] == "prose":
                    prose += words.sentences(block["text"])
                elif block["kind"] == "definition":
                    lines = words.sentences(block["text"])
                    if len(block["term"]) <= 80 and len(lines[0].split()) <= LONGEST_SPAN:
                        definitions.append(Card(number, self.sections, block["term"],
                                                tuple(lines[:8]), 0, heading))
            run = tuple(prose)
            for at, sentence in enumerate(run):
                if quotable(sentence) and len(sentence.split()) >= 5 and not sentence.endswith(":"):
                    card = Card(number, self.sections, None, run, at, heading)
                    self.sentences.append(card)
                    self.by_section[number].append(card)


class Maker:
    """`size`: a share from 0 (short passages, few) to 1 (up to 2,000 tokens); below 0 one passage or
    two, in which copying is learned soonest."""

    def __init__(self, corpus, seed):
        self.corpus, self.random = corpus, random.Random(seed)
        self.facts = facts.Maker(self.random)
        self.vocabulary = sorted(w for w, cards in corpus.index.items() if len(cards) > 3 and w.isalnum())
        self.askable = [i for i, c in enumerate(corpus.sentences) if questions.of_sentence(c.lines[c.at])]

    def word_budget(self, size):
        """Words of one passage: mostly short, with a tail that grows with `size`."""
        r = self.random
        return int(min(MOST_WORDS, 12 + r.expovariate(1 / (15 + 60 * size)) * (1 if r.random() < 0.8 else 2)))

    def passage(self, card, budget, without=False, question=""):
        """One line with the card's sentence in it, at a place of its own; `without`: all but it."""
        r = self.random
        if card.term is not None:
            lines, count = [card.lines[0]], len(card.lines[0].split())
            for line in card.lines[1:]:
                count += len(line.split())
                if count > budget:
                    break
                lines.append(line)
            return f"{card.term}: {' '.join(lines)}"
        begin = end = card.at
        count = len(card.lines[card.at].split())
        while count < budget and (begin > 0 or end + 1 < len(card.lines)):
            if begin > 0 and (r.random() < 0.5 or end + 1 >= len(card.lines)):
                begin -= 1
                count += len(card.lines[begin].split())
            elif end + 1 < len(card.lines):
                end += 1
                count += len(card.lines[end].split())
        lines = [card.lines[i] for i in range(begin, end + 1) if not (without and i == card.at)]
        text = " ".join(lines)
        if len(text.split()) > MOST_WORDS + 60:
            text = "" if without else card.lines[card.at]
        named = card.heading and card.heading.lower() in question.lower() and \
            card.heading.lower() not in text.lower()
        if text and card.heading and len(card.heading) <= 60 and (named or r.random() < 0.1):
            text = f"{card.heading}: {text}"
        return text

    def alike(self, question, card, tries=12):
        """A card that shares a telling word with the question and is about something else."""
        r = self.random
        asked = [w.lower() for w in words.content_words(question) if len(w) > 2]
        asked = [w for w in asked if len(self.corpus.index.get(w, ())) > 1]
        if not asked:
            return None
        asked.sort(key=lambda w: len(self.corpus.index[w]))
        for _ in range(tries):
            word = asked[min(int(r.expovariate(1.0)), len(asked) - 1)]
            other = self.corpus.cards[r.choice(self.corpus.index[word])]
            if self.different(other, card):
                return other
        return None

    @staticmethod
    def different(other, card):
        if other is card or other.lines[other.at] == card.lines[card.at]:
            return False
        if card.term is not None:
            return not (names(card) & names(other))
        return other.section != card.section

    def distractors(self, question, card, count, size):
        r = self.random
        found = []
        for _ in range(count):
            other = None
            chance = r.random()
            if chance < 0.55:
                other = self.alike(question, card)
            elif chance < 0.75 and card.term is None:
                other = r.choice(self.corpus.by_section[card.document])
            if other is None or not self.different(other, card):
                pool = self.corpus.definitions if (card.term is not None) == (r.random() < 0.85) else self.corpus.sentences
                other = r.choice(pool)
            if self.different(other, card):
                line = self.passage(other, self.word_budget(size), question=question)
                if line and not (card.term is None and card.lines[card.at] in line):
                    found.append(line)
        return found

    def ask(self, card):
        r = self.random
        if card.term is not None:
            term = card.term if "(" in card.term else r.choice(card.term.split(", "))
            return questions.of_definition(term, card.lines[0], r), "definition"
        sentence = card.lines[card.at]
        made = questions.of_sentence(sentence)
        chance = r.random()
        if made and chance < 0.85:
            kind, question = r.choice(made)
            return question, kind
        if chance < 0.95 or not card.heading or card.at > 0:
            made = questions.keywords(sentence, r)
            return made, "keywords"
        return r.choice(questions.HEADING_FORMS).format(card.heading), "heading"

    def of_corpus(self, size):
        r = self.random
        if r.random() < 0.5:
            card = r.choice(self.corpus.glosses if r.random() < 0.5 else self.corpus.explained)
        elif r.random() < 0.8:
            card = self.corpus.sentences[r.choice(self.askable)]
        else:
            card = r.choice(self.corpus.sentences)
        question, kind = self.ask(card)
        if not question:
            return None
        question = questions.roughen(question, r)
        span = card.lines[card.at]
        if not quotable(span):
            if '"' in span or len(span) >= 500:
                return None
        first = size < 0
        size = max(size, 0.0)
        most = 3 + int(5 * size)
        count = r.choice((0, 1, 2, 3, 3, 3)) if r.random() > size else r.randint(2, most)
        if first:
            count = r.choice((0, 0, 1))
        if r.random() < 0.15 * size:  # many short ones
            count, size = r.randint(8, 24), 0.0
        passages = self.distractors(question, card, count, size)
        if r.random() < (0.06 if first else 0.2):
            if card.term is None and r.random() < 0.4:
                line = self.passage(card, self.word_budget(size) + 20, without=True, question=question)
                if line and span not in line:
                    passages.append(line)
            if not passages:
                return None
            r.shuffle(passages)
            return Example(question, passages, None, None, "unanswerable")
        return self.placed(question, passages, self.passage(card, self.word_budget(size), question=question), span, kind)

    def placed(self, question, passages, gold, span, kind):
        if span not in gold:
            return None
        at = self.random.randint(0, len(passages))
        passages = passages[:at] + [gold] + passages[at:]
        return Example(question, passages, span, at + 1, kind)

    def of_facts(self, size):
        r = self.random
        text, asked, unsaid, kind, x = self.facts.passage()
        others = []
        for _ in range(r.choice((0, 1, 2, 3, 3)) + int(3 * size * r.random()) if size >= 0 else 0):
            chance = r.random()
            if chance < 0.6:
                others.append(self.facts.passage(kind)[0])
            elif chance < 0.8:
                others.append(self.facts.passage()[0])
            else:
                others.append(self.passage(r.choice(self.corpus.sentences), self.word_budget(size)))
        others = [o for o in others if o]
        chance = r.random()
        if chance < 0.12 and unsaid:
            at = r.randint(0, len(others))
            what, question = r.choice(unsaid)
            return Example(questions.roughen(question, r) if r.random() < 0.3 else question,
                           others[:at] + [text] + others[at:], None, None, "unanswerable")
        what, question, sentence = r.choice(asked)
        if r.random() < 0.3:
            question = questions.roughen(question, r)
        if chance < 0.22 and others:
            r.shuffle(others)
            return Example(question, others, None, None, "unanswerable")
        return self.placed(question, others, text, sentence, what)

    def drill(self):
        """Sentences of words without sense: nothing but copying and finding gets these right, so
        that these are what is learned. A third is quoted from its first words on; of the others
        some word is named, and all of the sentence that has it is quoted, or none has it."""
        r = self.random
        if r.random() < 0.3:
            lines = [" ".join(r.choice(self.vocabulary) for _ in range(r.randint(5, 18)))
                     for _ in range(r.choice((1, 1, 2, 3, 4)))]
            at = r.randrange(len(lines))
            first = " ".join(lines[at].split()[: r.choice((1, 2, 3))])
            return Example(first + "?", lines, lines[at], at + 1, "drill")
        passages = [[r.sample(self.vocabulary, r.randint(4, 10)) for _ in range(r.choice((1, 1, 2, 3)))]
                    for _ in range(r.choice((1, 2, 3, 4, 4)))]
        at = r.randrange(len(passages))
        words_ = r.choice(passages[at])
        chosen = sorted(r.sample(range(1, len(words_)), min(len(words_) - 1, r.choice((1, 1, 2, 3)))))
        asked = " ".join(words_[i] for i in chosen)
        refuse = r.random() < 0.2
        if refuse:
            asked = " ".join(r.sample(self.vocabulary, len(chosen)))
        text = lambda sentence: sentence[0].capitalize() + " " + " ".join(sentence[1:]) + "."
        lines = [" ".join(map(text, sentences)) for sentences in passages]
        question = r.choice(questions.DEFINITION_FORMS + ("Where is {}?", "When was {}?", "How many {}?", "Who {}?")).format(asked)
        others = {w for p in passages for s in p if s is not words_ for w in s}
        if refuse and not set(asked.split()) & (others | set(words_)):
            return Example(question, lines, None, None, "drill")
        if refuse or set(asked.split()) & others:
            return self.drill()
        return Example(question, lines, text(words_), at + 1, "drill")

    def without_passages(self):
        card = self.random.choice(self.corpus.definitions)
        return Example(self.ask(card)[0], [], None, None, "no passages")

    def next(self, size):
        if self.random.random() < 0.01:
            return self.without_passages()
        while True:
            made = self.of_facts(size) if self.random.random() < 0.25 else self.of_corpus(size)
            if made:
                return made
