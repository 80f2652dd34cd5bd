"""What every reader of the corpus shares: how text is cleaned, and how blocks become a document."""
import re

QUOTES = str.maketrans({"\u201c": '"', "\u201d": '"', "\u201e": '"', "\u2018": "'", "\u2019": "'", "\u201a": "'",
                        "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u00ad": None, "\u200b": None, "\ufeff": None,
                        "\u2010": "-", "\u2011": "-", "\u2212": "-", "\u02c6": "^", "\u02dc": "~", "\u00b6": None})
NUMBERING = re.compile(r"^(?:(?:Chapter|Appendix|Part|Section)\s+[\dA-Z]+\.\s+|(?:[A-Z]\.)?\d+(?:\.\d+)*\.?\s+(?=\D))")
MAIL = re.compile(r"\s*[<(]?[\w.+-]+@[\w-]+\.[\w.-]+[>)]?")
WORD = re.compile(r"""["'(\[]*[A-Za-z][a-z'-]*[.,:;!?)\]"']*|[A-Z]+s?[.,:;)]?|[\d.,]+""")
LONGEST = 400  # words of one block; what is longer is split between sentences


def clean(text):
    """White space collapsed to single spaces, typographic quotes plain, no invisible characters."""
    return " ".join(text.translate(QUOTES).split())


def heading(text):
    return re.sub(r" \([\w.]+ v[\d.]+\)$", "", NUMBERING.sub("", clean(text).rstrip("# "))).strip()


def without_mail(text):
    return MAIL.sub("", text)


def sentences(text):
    return re.split(r"(?<=[.!?])\s+(?=[A-Z\"'(])", text)


def pieces(text):
    """`text` in parts of at most LONGEST words, cut between sentences."""
    if len(text.split()) <= LONGEST:
        return [text]
    parts, part, words = [], [], 0
    for sentence in sentences(text):
        length = len(sentence.split())
        if part and words + length > LONGEST:
            parts.append(" ".join(part))
            part, words = [], 0
        part.append(sentence)
        words += length
    parts.append(" ".join(part))
    return [p for p in parts if len(p.split()) <= LONGEST]


class Writer:
    """Collects headings and blocks in reading order into the sections of one document."""

    def __init__(self):
        self.path = []  # (level, heading)
        self.sections = []
        self.open = None

    def head(self, level, text):
        text = heading(text)
        self.path = [(at, name) for at, name in self.path if at < level]
        if text:
            self.path.append((level, text))
        self.open = None

    def leave(self, level):
        """Ends what stood under headings of `level` and deeper."""
        if any(at >= level for at, _ in self.path):
            self.path = [(at, name) for at, name in self.path if at < level]
            self.open = None

    def blocks(self):
        if self.open is None:
            self.open = {"heading": [name for _, name in self.path], "blocks": []}
            self.sections.append(self.open)
        return self.open["blocks"]

    def prose(self, text):
        for part in pieces(clean(text)):
            if part:
                self.blocks().append({"kind": "prose", "text": part})

    def define(self, term, text):
        term, text = clean(term), clean(text)
        if term and text and len(text.split()) <= LONGEST:
            self.blocks().append({"kind": "definition", "term": term, "text": text})
        else:
            self.prose(text)

    def code(self, text):
        text = text.translate(QUOTES).strip("\n").rstrip()
        if text and len(text) <= 4000:
            self.blocks().append({"kind": "code", "text": text})

    def items(self, items):
        """A list: short ones close the sentence that announces them, whole sentences stand alone."""
        items = [clean(item) for item in items]
        items = [item for item in items if item]
        if not items:
            return
        last = self.open["blocks"][-1] if self.open and self.open["blocks"] else None
        words = sum(len(item.split()) for item in items)
        if last and last["kind"] == "prose" and last["text"].endswith(":") and words <= 100:
            whole = all(item[-1] in ".!?" for item in items)
            joined = " ".join(items) if whole else "; ".join(item.rstrip(";,.") for item in items) + "."
            last["text"] += " " + joined
            return
        for item in items:
            if len(item.split()) >= 6 and item[0].isupper():
                self.prose(item if item[-1] in ".!?:" else item + ".")

    def document(self, source, name, title):
        sections = [s for s in self.sections if s["blocks"]]
        return {"source": source, "document": name, "title": heading(title), "sections": sections}


def sound(block):
    """Whether a block reads as text: words, not symbols, signatures or cut lines."""
    if block["kind"] == "code":
        return True
    text = block["text"]
    words = text.split()
    if block["kind"] == "definition":
        if len(words) < 2 or len(block["term"]) > 160 or text[-1] in ",(:":
            return False
    elif len(words) < 5 or text[-1] not in ".!?:)\"'" or re.search(r"[(,] ?(?:e\.g|i\.e)\.$", text):
        return False
    elif sum(bool(WORD.fullmatch(w)) for w in words) < 0.6 * len(words):
        return False
    letters = sum(c.isalpha() or c == " " for c in text)
    return letters >= 0.72 * len(text) and sum(c.isascii() for c in text) >= 0.97 * len(text)
