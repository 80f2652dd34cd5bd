"""Okapi BM25 over short texts (k1 = 1.2, b = 0.75), for distractors and for the baseline that quotes its best sentence."""
import collections
import heapq
import math
import re

WORD = re.compile(r"[^\W_]+")
STOP = frozenset("""a about an and any are as at be been but by can could did do does documents explain find for from had has have how i if in
into is it its may me mean means my no not of on or our should so such tell than that the their them then there these they this those to
us was we were what when where which who whom whose why will with word would you your define definition term stand stands called known came across say purpose
please many much long often""".split())


def words(text):
    return [w for w in WORD.findall(text.lower()) if w not in STOP]


def stem(word):
    """Plurals and the commonest endings off: enough for 'packages' to find 'package'."""
    for ending in ("ies", "es", "ed", "ing", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[:-len(ending)]
    return word


def terms(text):
    return [stem(w) for w in words(text)]


class Index:
    def __init__(self, texts, k1=1.2, b=0.75):
        self.k1, self.b = k1, b
        self.postings = collections.defaultdict(list)
        self.lengths = []
        for at, text in enumerate(texts):
            counts = collections.Counter(terms(text))
            self.lengths.append(sum(counts.values()))
            for term, count in counts.items():
                self.postings[term].append((at, count))
        self.average = max(1.0, sum(self.lengths) / max(1, len(self.lengths)))

    def weight(self, term):
        n = len(self.postings.get(term, ()))
        return math.log(1 + (len(self.lengths) - n + 0.5) / (n + 0.5))

    def score(self, term, count, length):
        return self.weight(term) * count * (self.k1 + 1) / (count + self.k1 * (1 - self.b + self.b * length / self.average))

    def nearest(self, query, count):
        """(number, score) of the `count` texts of highest score, the best first; ties by number."""
        scores = collections.defaultdict(float)
        for term in sorted(set(terms(query))):
            for at, times in self.postings.get(term, ()):
                scores[at] += self.score(term, times, self.lengths[at])
        return heapq.nsmallest(count, scores.items(), key=lambda pair: (-pair[1], pair[0]))


def quote_best(index, question, passages, sentences):
    """BM25-and-quote: the sentence of highest score among the passages, as an answer; refuses where no content word matches.
    Weights of terms come from `index`, `sentences` splits a passage."""
    wanted = sorted(set(terms(question)))
    best = (0.0, 0, 0, "")
    for number, passage in enumerate(passages, 1):
        for at, sentence in enumerate(sentences(passage)):
            counts = collections.Counter(terms(sentence))
            length = sum(counts.values())
            score = sum(index.score(term, counts[term], length) for term in wanted if counts[term])
            if score > best[0]:
                best = (score, number, at, sentence)
    if best[0] <= 0:
        return "The documents do not say."
    return f'The documents say: "{best[3]}" [{best[1]}]'
