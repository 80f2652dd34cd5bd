"""What questions are made with: WordNet's lists of verbs and nouns (to turn "returns" into
"return"), sentence ends, and which words carry meaning."""

import functools
import pathlib
import re

WORDNET = pathlib.Path("/usr/share/wordnet")
FUNCTION_WORDS = frozenset("""a an the of to in on at by for from with without into onto and or but nor not no as
is are was were be been being am do does did has have had can could will would shall should may might must
it its this that these those there here he she they them their his her you your we our us i me my who whom
which what when where why how many much if then than so such only also any all each every some other more most
very too just about over under between through during before after above below up down out off again further
once same own both few one two use used using via per etc""".split())
ABBREVIATIONS = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|cf|approx|Mr|Mrs|Ms|Dr|St|No|Fig|Sec|Inc|Ltd|Jr|Sr|Prof|al|ca|[A-Z])|\.\.)\.$")


def sentences(text):
    """Sentences of one line; the same ends as the server's (". ", "! ", "? ") but for abbreviations."""
    found, begin = [], 0
    for match in re.finditer(r"[.!?][)\]']?(?= )", text):
        piece = text[begin:match.end()]
        if ABBREVIATIONS.search(piece) or not re.match(r" [\"'(\[]?[A-Z0-9]", text[match.end():]):
            continue
        found.append(piece)
        begin = match.end() + 1
    if begin < len(text):
        found.append(text[begin:])
    return found


@functools.cache
def lemmas(part):
    """The single-word lemmas of a part of speech ("verb", "noun", "adj")."""
    with open(WORDNET / f"index.{part}", encoding="latin-1") as lines:
        return frozenset(line.split(" ", 1)[0] for line in lines if not line.startswith("  "))


@functools.cache
def irregular():
    with open(WORDNET / "verb.exc", encoding="latin-1") as lines:
        return dict(line.split()[:2] for line in lines)


@functools.cache
def base_of_verb(word):
    """"returns" -> "return"; None where it is no verb in the third person."""
    word = word.lower()
    if word in ("is", "has", "does", "was"):
        return None
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("shes", "sh"), ("ches", "ch"),
                            ("xes", "x"), ("zes", "ze"), ("oes", "o"), ("es", "e"), ("s", "")):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            stem = word[: -len(ending)] + instead
            if stem in lemmas("verb"):
                return stem
    return None


@functools.cache
def synonyms():
    """word -> other lemmas of its most frequent sense, for verbs and nouns."""
    found = {}
    for part in ("verb", "noun"):
        sets = {}
        with open(WORDNET / f"data.{part}", encoding="latin-1") as lines:
            for line in lines:
                if line.startswith("  "):
                    continue
                fields = line.split(" ")
                count = int(fields[3], 16)
                sets[fields[0]] = [fields[4 + 2 * i] for i in range(count)]
        with open(WORDNET / f"index.{part}", encoding="latin-1") as lines:
            for line in lines:
                if line.startswith("  "):
                    continue
                fields = line.split()
                lemma, offset = fields[0], fields[6 + int(fields[3])]
                others = [w for w in sets.get(offset, ()) if w != lemma and w.isalpha() and w.islower()]
                if others and lemma.isalpha() and lemma not in found:
                    found[lemma] = others[:3]
    return found


def content_words(text):
    return [w for w in re.findall(r"[A-Za-z0-9_][\w.+/-]*\w|\w", text)
            if w.lower() not in FUNCTION_WORDS]


def lower_first(phrase):
    """A sentence's beginning in the middle of a question: "The size" -> "the size"; names stay."""
    first, _, rest = phrase.partition(" ")
    plain = first.lower()
    capitalised = first[:1].isupper() and (first[1:].islower() or len(first) == 1)
    if capitalised and (
            plain in FUNCTION_WORDS or plain in lemmas("noun") or plain in lemmas("adj")
            or plain.rstrip("s") in lemmas("noun")):
        first = plain
    return f"{first} {rest}" if rest else first
