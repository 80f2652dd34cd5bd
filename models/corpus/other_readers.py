"""Dictionaries, WordNet and calendars as documents of many definitions."""
import gzip
import re

from text import Writer, clean

DIGITS = {c: i for i, c in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")}
PARTS = {"data.noun": "noun", "data.verb": "verb", "data.adj": "adjective", "data.adv": "adverb"}
MONTHS = ("January February March April May June July August September October November December").split()


def number(text):
    """dictd's numbers: base 64, the most significant digit first."""
    value = 0
    for c in text:
        value = value * 64 + DIGITS[c]
    return value


def entries(folder, name):
    """(headword, text) of a dictd dictionary, in the order of its file."""
    data = gzip.open(f"{folder}/{name}.dict.dz").read()
    places = {}
    with open(f"{folder}/{name}.index", encoding="utf-8", errors="replace") as index:
        for line in index:
            word, offset, length = line.rstrip("\n").split("\t")[:3]
            if not word.startswith("00-database") and not word.startswith("00database"):
                places.setdefault((number(offset), number(length)), word)
    for (offset, length), word in sorted(places.items()):
        yield word, data[offset:offset + length].decode("utf-8", "replace")


def grouped(definitions, source, size, title):
    """Documents of `size` definitions each; the first and last term name them."""
    for at in range(0, len(definitions), size):
        group, out = definitions[at:at + size], Writer()
        out.head(1, f"{title}: {group[0][0]} to {group[-1][0]}")
        for term, texts in group:
            out.define(term, texts[0])
            for text in texts[1:]:
                out.prose(text)
        yield out.document(source, f"{at // size:04d}", out.path[0][1])


def plain(text):
    text = re.sub(r"\{\s*([^{}]*?)\s*(?:\([^()]*://[^()]*\)\s*)?\}", r"\1", text, flags=re.S)
    return clean(re.sub(r"\s+([.,;:)])", r"\1", re.sub(r"\(https?://\S+\)", "", text)))


def jargon(folder):
    found = []
    for word, entry in entries(folder, "jargon"):
        lines = entry.split("\n")
        head, paragraphs = lines[0].strip(), "\n".join(lines[1:]).split("\n\n")
        body = [plain(p) for p in paragraphs if p.startswith("    ") or "\n    " in p]
        body = [re.sub(r"^(?:\[[^\]]*\]\s*)+(?:\d\.\s+)?|^\d+\.\s+(?:\[[^\]]*\]\s*)?", "", p) for p in body]
        body = [re.sub(r"^(?:(?:n|v|vt|vi|adj|adv|interj|suff|pref|prep|prov|obs|excl|quant|abbrev|pl)\.,?\s*)+", "", p) for p in body]
        body = [p for p in body if len(p.split()) >= 4]
        if head and body and len(head.split()) <= 6:
            found.append((head, body))
    yield from grouped(found, "dict-jargon", 100, "The Jargon File")


def foldoc(folder):
    found = []
    for word, entry in entries(folder, "foldoc"):
        head, _, rest = entry.partition("\n")
        rest = re.sub(r"\n(?=\S)", " ", rest)  # lines that their editor broke
        body = [plain(p) for p in re.split(r"\n\s*\n", rest)]
        body = [re.sub(r"^(?:<[^>]*>\s*)+|^\d+\.\s+(?:<[^>]*>\s*)*", "", p) for p in body]
        body = [p for p in body if len(p.split()) >= 4 and p[0] not in "[(" and "http" not in p and not p.startswith("Home")]
        if head.strip() and body:
            found.append((head.strip(), [re.sub(r'^\("[^"]*"\)\s+', "", body[0]), *body[1:]]))
    yield from grouped(found, "dict-foldoc", 100, "FOLDOC")


def wordnet(folder):
    """Each synset: its words, and its gloss without the examples."""
    for name, part in PARTS.items():
        found = []
        with open(f"{folder}/{name}", encoding="utf-8") as data:
            for line in data:
                if line.startswith("  "):
                    continue
                fields, _, gloss = line.partition("|")
                fields = fields.split()
                words = [w.split("(")[0].replace("_", " ") for w in fields[4:4 + 2 * int(fields[3], 16):2]]
                gloss = re.split(r'[;:]\s*"', gloss, maxsplit=1)[0].strip(" ;:")
                if len(gloss.split()) >= 3:
                    found.append((", ".join(words), [gloss]))
        for document in grouped(found, "wordnet-base", 200, f"WordNet, {part}s"):
            document["document"] = f"{part}-{document['document']}"
            yield document


def calendar(path, name):
    """The facts of one calendar file, each with its date in words."""
    out = Writer()
    with open(path, encoding="utf-8", errors="replace") as file:
        text = re.sub(r"/\*.*?\*/", " ", file.read(), flags=re.S)
    topic = name.removeprefix("calendar.").capitalize()
    out.head(1, f"Calendar: {topic}")
    for line in re.sub(r"\n[ \t]+(?=\S)", " ", text).splitlines():
        found = re.fullmatch(r"(\d\d)/(\d\d)\*?\t+(.+)", line)
        if found and 1 <= int(found[1]) <= 12:
            fact = clean(found[3]).rstrip(".")
            if len(fact.split()) >= 3:
                out.define(f"{int(found[2])} {MONTHS[int(found[1]) - 1]}", fact + ".")
    return out.document("calendar", name, f"Calendar: {topic}")
