"""What the middle of the decoder is told while it trains, a word at a time: which passage a word
stands in, with which word its sentence begins, and whether that sentence answers the question.

An answer gives one signal an example about where it came from; these give one a word, so that the
parts that finding is made of are there when the answer needs them. Nothing of this is in the file.
"""

import numpy
import torch
import torch.nn.functional as F

import prompt
import words

MOST_PASSAGES = 32
RELEVANCE_WEIGHT, PASSAGE_WEIGHT, BEGINNING_WEIGHT = 0.5, 0.2, 0.2
BEGINNING_SHARE = 0.2  # of words, drawn: a whole vocabulary is compared for each


def labels(tokenizer, encoding, example):
    """int32 [3, tokens of the prompt]: passage (0: outside of all), first token of the sentence, 1
    where the sentence is the answer's."""
    made = numpy.zeros((3, len(encoding.ids)), dtype=numpy.int32)
    if not example.passages:
        return made
    ends = numpy.array([end for _, end in encoding.offsets])
    text = prompt.prompt(example.question, example.passages)
    at = text.index(prompt.TASK) + len(prompt.TASK)
    for number, line in enumerate(example.passages, 1):
        at += len(f"\n[{number}] ")
        pieces = words.sentences(line)
        if example.number == number and example.span not in pieces:
            begin = line.index(example.span)  # after a term, or cut otherwise than here
            pieces = [line[:begin], example.span, line[begin + len(example.span):]]
        for piece in pieces:
            begin = line.index(piece) if piece in line else 0
            inside = (ends > at + begin) & (ends <= at + begin + len(piece))
            if piece.strip() and inside.any():
                made[0, inside] = number
                made[1, inside] = tokenizer.encode(piece.strip()).ids[0]
                made[2, inside] = example.number == number and piece == example.span
        at += len(line)
    return made


class Guide(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.relevance = torch.nn.Parameter(torch.zeros(1, width))
        self.passage = torch.nn.Parameter(torch.zeros(MOST_PASSAGES, width))
        self.beginning = torch.nn.Parameter(torch.eye(width) * 0.1)

    def forward(self, decoder, middle, told):
        """`told`: [rows, 3, tokens] as `labels` has them. The loss to add to the answer's, and the
        share of sentences' last words whose relevance is judged rightly where it is 1."""
        passage, beginning, relevant = told.unbind(1)
        inside = passage > 0
        if not inside.any():
            return middle.new_zeros(()).float(), middle.new_zeros(())
        seen = F.rms_norm(middle[inside], middle.shape[-1:])
        judged = F.linear(seen, self.relevance.to(seen.dtype)).float().squeeze(-1)
        truth = relevant[inside].float()
        loss = RELEVANCE_WEIGHT * F.binary_cross_entropy_with_logits(judged, truth)
        numbers = F.linear(seen, self.passage.to(seen.dtype)).float()
        loss = loss + PASSAGE_WEIGHT * F.cross_entropy(numbers, passage[inside].clamp(max=MOST_PASSAGES - 1))
        drawn = torch.rand(len(seen), device=seen.device) < BEGINNING_SHARE
        if drawn.any():
            logits = decoder.logits(F.linear(seen[drawn], self.beginning.to(seen.dtype)))
            loss = loss + BEGINNING_WEIGHT * F.cross_entropy(logits, beginning[inside][drawn])
        found = truth > 0
        return loss, ((judged.detach() > 0)[found].float().mean() if found.any() else truth.new_zeros(()))
