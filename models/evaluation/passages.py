"""Documents of the corpus (models/corpus) as what can be asked about: definitions and passages of up to 200 words."""
import dataclasses
import json
import re

from judging import collapse

PASSAGE_WORDS = 200
DEFINITION_WORDS = 80
GROUPED = {"dict-foldoc", "dict-jargon", "wordnet-base"}  # each entry stands for itself, its neighbours are its neighbours by name

HEADWORDS = {"dict-foldoc", "dict-jargon"}

# A full stop after these ends no sentence.
ABBREVIATION = re.compile(r"(?:\b(?:[A-Za-z]|e\.g|i\.e|ca|cf|vs|etc|Inc|Ltd|Co|Corp|Dr|Prof|Mr|Mrs|St|No|Vol|Fig|Sec|pp|ed|eds|al|approx|"
                          r"resp|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec|Univ|U\.S|a\.k\.a|c|esp|incl|orig))\.$")


def sentences(text):
    found, begin = [], 0
    for end in re.finditer(r"[.!?][\"')\]]*(?= +[\"'(\[]?[A-Z0-9])", text):
        piece = text[begin:end.end()]
        if not ABBREVIATION.search(piece):
            found.append(piece.strip())
            begin = end.end()
    if text[begin:].strip():
        found.append(text[begin:].strip())
    return found


def cut(text, most_words):
    """Whole sentences of `text` from its first one on, as many as fit; the first one always."""
    kept = []
    for sentence in sentences(text):
        if kept and len(" ".join([*kept, sentence]).split()) > most_words:
            break
        kept.append(sentence)
    return " ".join(kept)


@dataclasses.dataclass(frozen=True)
class Definition:
    source: str
    document: str
    term: str      # as the document has it
    asked: str     # as a person would write it
    text: str      # whole
    name_line: bool  # the NAME line of a manual page

    @property
    def sentence(self):
        return sentences(self.text)[0]

    @property
    def passage(self):
        return f"{self.term}: {cut(self.text, DEFINITION_WORDS)}"


@dataclasses.dataclass(frozen=True)
class Segment:
    source: str
    document: str
    about: str     # the term of a dictionary's entry, else the nearest heading
    text: str


def read(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def asked_form(term, headword=False):
    """'heapq.heappush(heap, item)' is asked for as 'heapq.heappush', 'keel, ridge' as 'keel', 'tcp_abc (Integer)' as 'tcp_abc'; a
    dictionary's headword as it is."""
    return collapse(term if headword else re.split(r"\(|,| - |;|=|\[", term)[0]).strip(" :\"'")


def askable(definition):
    asked, sentence = definition.asked, definition.sentence
    if not 2 <= len(asked) <= 40 or len(asked.split()) > 5 or not re.search(r"[A-Za-z]{2}", asked):
        return False
    if definition.source == "manpages" and not definition.name_line and not re.fullmatch(r"(?=.*[_/A-Z])[\w./-]{4,}", asked):
        return False  # an option or a field has no name of its own
    least = 3 if definition.name_line else 5
    return least <= len(sentence.split()) <= 60 and not re.match(r"[(/\[]|(See|Same|As|Like|Alternative|Plural|Equivalent)\b", sentence)


def definitions(documents):
    found = []
    for document in documents:
        manual = document["source"] in ("manpages", "freebsd-manpages", "libssl-doc")
        first = True
        for section in document["sections"]:
            for block in section["blocks"]:
                if block["kind"] == "definition":
                    found.append(Definition(document["source"], document["document"], block["term"],
                                            asked_form(block["term"], document["source"] in HEADWORDS),
                                            collapse(block["text"]), manual and first))
                    first = False
    return found


def only_once(found):
    """Those whose term stands once: with two meanings there is no one right answer."""
    counts = {}
    for definition in found:
        key = normal(definition.asked)
        counts[key] = counts.get(key, 0) + 1
    return [d for d in found if counts[normal(d.asked)] == 1]


def normal(term):
    return re.sub(r"[\W_]+", " ", term.lower()).strip()


def segments(documents):
    """Passages of up to 200 words: neighbouring blocks of one section, long ones cut between sentences."""
    found = []
    for document in documents:
        grouped = document["source"] in GROUPED
        for section in document["sections"]:
            texts, about = [], section["heading"][-1] if section["heading"] else document["title"]

            def close():
                if texts:
                    found.append(Segment(document["source"], document["document"], about, " ".join(texts)))
                    texts.clear()

            for block in section["blocks"]:
                if block["kind"] == "code":
                    continue
                if grouped and block["kind"] == "definition":
                    close()
                    about = block["term"]
                text = f"{block['term']}: {block['text']}" if block["kind"] == "definition" else block["text"]
                for sentence in sentences(collapse(text)):
                    if texts and len(" ".join([*texts, sentence]).split()) > PASSAGE_WORDS:
                        close()
                    texts.append(" ".join(sentence.split()[:PASSAGE_WORDS]))
            close()
    return found
