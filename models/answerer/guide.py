"""What the middle of the decoder is told while it trains, a word at a time: early on whether a word
stands in the question too; later which passage it stands in, with which word its sentence begins,
and whether that sentence answers the question.

An answer gives one signal an example about where it came from; these give one a word, so that the
parts that finding is made of are there when the answer needs them. Nothing of this is in the file.
"""

import re

import numpy
import torch
import torch.nn.functional as F

import prompt
import words

MOST_PASSAGES = 32
WORD = re.compile(r"[A-Za-z0-9_][\w.+/-]*\w|\w")  # as words.content_words cuts
ASKED_WEIGHT, RELEVANCE_WEIGHT, PASSAGE_WEIGHT, BEGINNING_WEIGHT = 1.0, 0.5, 0.2, 0.2
BEGINNING_SHARE = 0.2  # of words, drawn: a whole vocabulary is compared for each


def labels(tokenizer, encoding, example):
    """int32 [4, tokens of the prompt]: passage (0: outside of all), first token of the sentence, 1
    where the sentence is the answer's, 1 where the word is one of the question's."""
    made = numpy.zeros((4, len(encoding.ids)), dtype=numpy.int32)
    if not example.passages:
        return made
    ends = numpy.array([end for _, end in encoding.offsets])
    text = prompt.prompt(example.question, example.passages)
    at = text.index(prompt.TASK) + len(prompt.TASK)
    asked = {word.lower() for word in words.content_words(example.question)}
    for match in WORD.finditer(text, at):
        if match[0].lower() in asked:
            made[3, (ends > match.start()) & (ends <= match.end())] = 1
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
        self.asked = torch.nn.Parameter(torch.zeros(1, width))
        self.relevance = torch.nn.Parameter(torch.zeros(1, width))
        self.passage = torch.nn.Parameter(torch.zeros(MOST_PASSAGES, width))
        self.beginning = torch.nn.Parameter(torch.eye(width) * 0.1)

    def forward(self, decoder, layers, told):
        """`layers`: hidden states after the layers of decoder.GUIDED. `told`: [rows, 4, tokens] as
        `labels` has them. The loss to add to the answer's, and how much of what is asked for and of
        what is relevant is judged so."""
        passage, beginning, relevant, asked = told.unbind(1)
        inside = passage > 0
        nothing = layers[0].new_zeros(()).float()
        if not inside.any():
            return nothing, nothing, nothing
        early, late = (F.rms_norm(x[inside], x.shape[-1:]) for x in layers)

        def judge(seen, weight, truth):
            logits = F.linear(seen, weight.to(seen.dtype)).float().squeeze(-1)
            right = (logits.detach() > 0)[truth > 0].float()
            return F.binary_cross_entropy_with_logits(logits, truth.float()), right.mean() if len(right) else nothing

        asked_loss, asked_found = judge(early, self.asked, asked[inside])
        relevance_loss, relevant_found = judge(late, self.relevance, relevant[inside])
        numbers = F.linear(late, self.passage.to(late.dtype)).float()
        passage_loss = F.cross_entropy(numbers, passage[inside].clamp(max=MOST_PASSAGES - 1))
        loss = ASKED_WEIGHT * asked_loss + RELEVANCE_WEIGHT * relevance_loss + PASSAGE_WEIGHT * passage_loss
        drawn = torch.rand(len(late), device=late.device) < BEGINNING_SHARE
        if drawn.any():
            logits = decoder.logits(F.linear(late[drawn], self.beginning.to(late.dtype)))
            loss = loss + BEGINNING_WEIGHT * F.cross_entropy(logits, beginning[inside][drawn])
        return loss, asked_found, relevant_found
