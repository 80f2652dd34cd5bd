"""Finds texts of the test sets in the training text: who is asked about what it learned by heart is not tested."""
import json
import re

RUN = 8  # words

WORD = re.compile(r"[^\W_]+")


def words(text):
    return WORD.findall(text.lower())


def runs(found, size):
    return {tuple(found[at:at + size]) for at in range(len(found) - size + 1)}


def found(texts, train_path):
    """Those of `texts` that stand in the training text: at least half of their runs of 8 words do, or, of a shorter text, all of it as
    one run. Case, marks and white space do not count, so an edited copy is found too."""
    wanted = {}   # a run: the texts that have it
    sizes = set()
    share = {}
    for text in set(texts):
        of = words(text)
        size = min(RUN, len(of))
        if size:
            sizes.add(size)
            share[text] = [0, max(1, len(runs(of, size)))]
            for run in runs(of, size):
                wanted.setdefault(run, []).append(text)
    firsts = {run[0] for run in wanted}
    with open(train_path, encoding="utf-8") as train:
        for line in train:
            for section in json.loads(line)["sections"]:
                for block in section["blocks"]:
                    if block["kind"] == "code":
                        continue
                    of = words(block["text"])
                    for at, word in enumerate(of):
                        if word in firsts:
                            for size in sizes:
                                hit = wanted.pop(tuple(of[at:at + size]), None)
                                for text in hit or ():
                                    share[text][0] += 1
    return {text for text, (seen, of) in share.items() if 2 * seen >= of}
