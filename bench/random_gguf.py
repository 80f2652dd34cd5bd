#!/usr/bin/env python3
"""Writes a model of random weights, so that speeds mean something: random_gguf.py OUT [--shape S] [--seed N] [--context N].

The llama architecture in q8_0, with the tokenizer and chat template of the shipped model. The same seed gives
the same bytes. What it says has no sense; how long it takes to say it is that of a trained model of its shape.
"""
import argparse
import pathlib
import random
import struct

SHIPPED = pathlib.Path(__file__).resolve().parents[1] / "models/casemate-answer-q8_0.gguf"
#                 layers, width, heads, key/value heads, feed-forward
SHAPES = {"tiny": (4, 256, 4, 2, 512), "0.5b": (24, 1280, 20, 4, 3840),
          "1b": (16, 2048, 32, 8, 8192), "3b": (28, 3072, 24, 8, 8192), "8b": (32, 4096, 32, 8, 14336)}
F32, Q8_0 = 0, 8
SPECIAL = 8  # first tokens of the vocabulary, the ends of answers among them: rows of zeros, never the likeliest
BLOCK = 32  # weights of one q8_0 block: a half-precision scale and 32 signed bytes
ALIGNMENT = 32
SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}  # GGUF value types of fixed size


def text(value):
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def skip_value(data, at, kind):
    if kind == 8:
        return at + 8 + struct.unpack_from("<Q", data, at)[0]
    if kind == 9:
        element, count = struct.unpack_from("<IQ", data, at)
        at += 12
        if element in SIZES:
            return at + SIZES[element] * count
        for _ in range(count):
            at = skip_value(data, at, element)
        return at
    return at + SIZES[kind]


def tokenizer_of(path):
    """The raw key-value pairs of the tokenizer, and the vocabulary's size."""
    data = path.read_bytes()
    magic, version, _, pairs = struct.unpack_from("<4sIQQ", data)
    assert magic == b"GGUF" and version == 3, f"{path} is no GGUF file of version 3"
    at, kept, vocabulary = 24, [], 0
    for _ in range(pairs):
        begin = at
        length = struct.unpack_from("<Q", data, at)[0]
        key = data[at + 8:at + 8 + length].decode()
        at += 8 + length
        kind = struct.unpack_from("<I", data, at)[0]
        if key == "tokenizer.ggml.tokens":
            vocabulary = struct.unpack_from("<Q", data, at + 8)[0]
        at = skip_value(data, at + 4, kind)
        if key.startswith("tokenizer."):
            kept.append(data[begin:at])
    return kept, vocabulary


def pair_u32(key, value):
    return text(key) + struct.pack("<II", 4, value)


def pair_f32(key, value):
    return text(key) + struct.pack("<If", 6, value)


def pair_text(key, value):
    return text(key) + struct.pack("<I", 8) + text(value)


def tensors_of(layers, width, heads, kv_heads, forward, vocabulary):
    kv = width // heads * kv_heads
    yield "token_embd.weight", (width, vocabulary), Q8_0
    for i in range(layers):
        block = f"blk.{i}."
        yield block + "attn_norm.weight", (width,), F32
        yield block + "attn_q.weight", (width, width), Q8_0
        yield block + "attn_k.weight", (width, kv), Q8_0
        yield block + "attn_v.weight", (width, kv), Q8_0
        yield block + "attn_output.weight", (width, width), Q8_0
        yield block + "ffn_norm.weight", (width,), F32
        yield block + "ffn_gate.weight", (width, forward), Q8_0
        yield block + "ffn_up.weight", (width, forward), Q8_0
        yield block + "ffn_down.weight", (forward, width), Q8_0
    yield "output_norm.weight", (width,), F32


def size_of(shape, kind):
    count = 1
    for dimension in shape:
        count *= dimension
    return 4 * count if kind == F32 else count // BLOCK * (2 + BLOCK)


def write(path, shape, seed, context=4096):
    layers, width, heads, kv_heads, forward = SHAPES[shape]
    tokenizer, vocabulary = tokenizer_of(SHIPPED)
    pairs = [pair_text("general.architecture", "llama"), pair_text("general.name", f"random {shape} seed {seed}"),
             pair_u32("llama.context_length", context), pair_u32("llama.embedding_length", width),
             pair_u32("llama.block_count", layers), pair_u32("llama.feed_forward_length", forward),
             pair_u32("llama.attention.head_count", heads), pair_u32("llama.attention.head_count_kv", kv_heads),
             pair_f32("llama.attention.layer_norm_rms_epsilon", 1e-5),
             pair_u32("llama.rope.dimension_count", width // heads), pair_f32("llama.rope.freq_base", 10000.0),
             pair_u32("llama.vocab_size", vocabulary), pair_u32("general.file_type", 7), *tokenizer]
    tensors = list(tensors_of(layers, width, heads, kv_heads, forward, vocabulary))
    header = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(pairs)) + b"".join(pairs)
    offset = 0
    for name, dimensions, kind in tensors:
        header += text(name) + struct.pack(f"<I{len(dimensions)}Q", len(dimensions), *dimensions)
        header += struct.pack("<IQ", kind, offset)
        offset += -(-size_of(dimensions, kind) // ALIGNMENT) * ALIGNMENT
    # Weights of about the spread that training begins with: 73 (uniform bytes) * scale = 0.02.
    generator = random.Random(seed)
    scale = struct.pack("<e", 0.02 / 73)
    pool = b"".join(scale + generator.randbytes(BLOCK) for _ in range(1 << 16))
    with open(path, "wb") as file:
        file.write(header + bytes(-len(header) % ALIGNMENT))
        for name, dimensions, kind in tensors:
            left = size = size_of(dimensions, kind)
            if name == "token_embd.weight":
                special = size_of((width, SPECIAL), kind)
                file.write(bytes(special))
                left -= special
            if kind == F32:
                file.write(struct.pack("<f", 1.0) * (size // 4))
                left = 0
            while left:
                begin = generator.randrange(1 << 16) * (2 + BLOCK)
                piece = pool[begin:begin + left]
                file.write(piece)
                left -= len(piece)
            file.write(bytes(-size % ALIGNMENT))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out")
    parser.add_argument("--shape", choices=SHAPES, default="0.5b")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--context", type=int, default=4096, help="tokens (default 4096)")
    options = parser.parse_args()
    write(options.out, options.shape, options.seed, options.context)
