"""The embedder's WordPiece vocabulary: learnt from the corpus, and read as libllama reads it.

libllama's tokenizer for "bert" (WPM) decomposes characters (NFD), drops accents, lower-cases, splits at white space, makes each
punctuation mark a word, takes the longest piece at each place of a word, and makes a word with a part that is in no
piece one [UNK]. It adds [CLS] before a text and [SEP] after it.
"""
import numpy
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

PAD, UNK, CLS, SEP, MASK = range(5)
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LONGEST_WORD = 100_000  # libllama has no bound; a text has one


def blank(vocabulary=None):
    tokenizer = Tokenizer(models.WordPiece(vocab=vocabulary or {t: i for i, t in enumerate(SPECIAL)}, unk_token="[UNK]",
                                           max_input_chars_per_word=LONGEST_WORD))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.BertNormalizer(strip_accents=True, lowercase=True)])
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def learn(texts, size):
    """A vocabulary of at most `size` pieces, the special ones first."""
    tokenizer = blank()
    tokenizer.train_from_iterator(texts, trainers.WordPieceTrainer(vocab_size=size, min_frequency=3, special_tokens=SPECIAL,
                                                                   limit_alphabet=200, show_progress=False))
    return tokenizer


def pieces(tokenizer):
    """The vocabulary in the order of its numbers."""
    return [text for text, _ in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])]


def encode(tokenizer, texts, limit):
    """Each text's numbers with [CLS] and [SEP] around, at most `limit`, as arrays."""
    found = tokenizer.encode_batch(texts, add_special_tokens=False)
    return [numpy.array([CLS, *e.ids[:limit - 2], SEP], dtype=numpy.int32) for e in found]
