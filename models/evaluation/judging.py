"""What counts as right, and how sure a count is. Every rule is strict where it could be lax: white space is collapsed, nothing else
is normalised."""
import math
import re

# More than this quoted for one fact is a copied passage, not an answer; a longer sentence that holds the fact may be quoted whole.
MOST_WORDS_OF_A_FACT = 60

CITATION = re.compile(r"\[(\d{1,3})\]")
QUOTATION = re.compile(r'"([^"]*)"')
REFUSAL = re.compile(r"\bdocuments? (?:do|does) not (?:say|answer|tell|mention)\b", re.I)
TOKEN = re.compile(r"\w+|[^\w\s]")
STUTTER = re.compile(r"([^\W\d]\w{0,11}?)\1{9}")  # within one word: "antantantant"


def collapse(text):
    return " ".join(text.split())


def wilson(good, of, z=1.959964):
    """Wilson's score interval of a share, as (low, high) between 0 and 1 (E. B. Wilson, JASA 22, 1927, pp. 209-212)."""
    if of == 0:
        return 0.0, 1.0
    share = good / of
    middle = share + z * z / (2 * of)
    half = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    scale = 1 + z * z / of
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)


def edge_before(text, at):
    return at == 0 or not (text[at - 1].isalnum() and text[at].isalnum())


def holds(text, wanted):
    """`wanted` stands in `text` as whole words: "4 GB" is not in "14 GB", "1993" not in "19930"."""
    text, wanted = collapse(text), collapse(wanted)
    at = text.find(wanted) if wanted else -1
    while at >= 0:
        end = at + len(wanted)
        if edge_before(text, at) and (end == len(text) or edge_before(text, end)):
            return True
        at = text.find(wanted, at + 1)
    return False


def defining_text(sentence):
    """The sentence that a right answer holds, without the full stop that a quotation may leave out."""
    return collapse(sentence).rstrip(" .;:,")


def citations(answer):
    """Numbers of the passages that the answer's own words name; what is quoted cites nothing."""
    own = QUOTATION.sub(" ", answer)
    return sorted({int(number) for number in CITATION.findall(own)})


def refused(answer):
    """The answer says that the documents do not say, and quotes and cites nothing beside."""
    return bool(REFUSAL.search(answer)) and not QUOTATION.search(answer) and not citations(answer)


def quoted(answer):
    """What the answer gives as the documents' words: its quotations; without any, all of it up to the citation."""
    spans = QUOTATION.findall(answer)
    return " ".join(spans) if spans else CITATION.sub(" ", answer)


def verbatim(answer, passages):
    """(quotations, those that stand byte for byte in the passage that the number after them names)."""
    found = re.findall(r'"([^"]*)"\s*\[(\d{1,3})\]', answer)
    good = sum(1 for text, n in found if 0 < int(n) <= len(passages) and text and text in passages[int(n) - 1])
    return max(len(QUOTATION.findall(answer)), len(found)), good


def repeats(text, size=8, times=3):
    """An n-gram of `size` tokens (words and marks) stands `times` times, or a word says the same ten times over: the answer runs in a
    circle."""
    if STUTTER.search(text):
        return True
    tokens = TOKEN.findall(text)
    seen = {}
    for at in range(len(tokens) - size + 1):
        gram = tuple(tokens[at:at + size])
        seen[gram] = seen.get(gram, 0) + 1
        if seen[gram] >= times:
            return True
    return False


def judge(question, answer):
    """The verdict on one answer: {"refused", "answer", "citation", "right", "words", "repeats"}.

    A question has "gold" (the right passage's number from 1, 0 where no passage answers) and what a right answer holds: "defining"
    (the defining sentence) or "fact" (a string that stands in "sentence").
    """
    said = {"refused": refused(answer), "citation": citations(answer) == [question["gold"]], "repeats": repeats(answer)}
    text = quoted(answer)
    said["words"] = len(text.split())
    if question["gold"] == 0:
        said["answer"] = said["right"] = said["refused"]
        return said
    if "defining" in question:
        said["answer"] = not said["refused"] and holds(answer, defining_text(question["defining"]))
    else:
        most = max(MOST_WORDS_OF_A_FACT, len(question["sentence"].split()))
        said["answer"] = not said["refused"] and holds(text, question["fact"]) and said["words"] <= most
    said["right"] = said["answer"] and said["citation"]
    return said
