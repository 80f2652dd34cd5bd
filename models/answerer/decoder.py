"""The decoder that is trained: llama's architecture (RMSNorm, rotary positions, SwiGLU, tied
embeddings), written so that two CPU cores get through it quickly.

Rotary positions turn pairs (i, i + head_width / 2): whole halves, which a CPU multiplies without
strides. llama.cpp turns neighbours (2i, 2i + 1) for this architecture; gguf_file.py permutes rows.
"""

import dataclasses

import torch
import torch.nn.functional as F


@dataclasses.dataclass(frozen=True)
class Shape:
    vocabulary: int = 8192
    width: int = 256
    layers: int = 8
    heads: int = 4
    hidden: int = 704
    context: int = 2048
    rope_base: float = 10000.0
    norm_epsilon: float = 1e-5

    @property
    def head_width(self):
        return self.width // self.heads


GUIDED = (3, 5)  # after how many layers guide.py looks in
QUERY_CHUNK = 256  # queries of one attention step: keys after the chunk's end are never multiplied


def rotary_table(shape, device):
    """cos and sin of position x pair, float32 [context, head_width / 2]."""
    pairs = torch.arange(0, shape.head_width, 2, dtype=torch.float64)
    rates = shape.rope_base ** (-pairs / shape.head_width)
    angles = torch.outer(torch.arange(shape.context, dtype=torch.float64), rates)
    return angles.cos().float().to(device), angles.sin().float().to(device)


def rotate(x, cosine, sine):
    """x: [rows, heads, tokens, head_width]."""
    first, second = x.chunk(2, -1)
    return torch.cat((first * cosine - second * sine, first * sine + second * cosine), -1)


class Attention(torch.nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.norm = torch.nn.Parameter(torch.ones(shape.width))
        for name in ("query", "key", "value", "output"):
            setattr(self, name, torch.nn.Parameter(torch.empty(shape.width, shape.width)))

    def forward(self, x, cosine, sine, future):
        rows, tokens, width = x.shape
        h, d = self.shape.heads, self.shape.head_width
        normed = F.rms_norm(x, (width,), self.norm.to(x.dtype), self.shape.norm_epsilon)
        joint = torch.cat((self.query, self.key, self.value)).to(x.dtype)
        q, k, v = F.linear(normed, joint).view(rows, tokens, 3, h, d).permute(2, 0, 3, 1, 4)
        q = rotate(q, cosine, sine).reshape(rows * h, tokens, d) * d**-0.5
        k = rotate(k, cosine, sine).reshape(rows * h, tokens, d)
        v = v.reshape(rows * h, tokens, d)
        chunks = []
        for begin in range(0, tokens, QUERY_CHUNK):
            end = min(begin + QUERY_CHUNK, tokens)
            scores = torch.baddbmm(future[begin:end, :end], q[:, begin:end],
                                   k[:, :end].transpose(1, 2))
            chunks.append(torch.bmm(torch.softmax(scores, -1), v[:, :end]))
        mixed = torch.cat(chunks, 1).view(rows, h, tokens, d).transpose(1, 2)
        return x + F.linear(mixed.reshape(rows, tokens, width), self.output.to(x.dtype))


class FeedForward(torch.nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.norm = torch.nn.Parameter(torch.ones(shape.width))
        self.gate = torch.nn.Parameter(torch.empty(shape.hidden, shape.width))
        self.up = torch.nn.Parameter(torch.empty(shape.hidden, shape.width))
        self.down = torch.nn.Parameter(torch.empty(shape.width, shape.hidden))

    def forward(self, x):
        normed = F.rms_norm(x, x.shape[-1:], self.norm.to(x.dtype), self.shape.norm_epsilon)
        both = F.linear(normed, torch.cat((self.gate, self.up)).to(x.dtype))
        gate, up = both.chunk(2, -1)
        return x + F.linear(F.silu(gate) * up, self.down.to(x.dtype))


class Decoder(torch.nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.embedding = torch.nn.Parameter(torch.empty(shape.vocabulary, shape.width))
        self.attention = torch.nn.ModuleList(Attention(shape) for _ in range(shape.layers))
        self.feed_forward = torch.nn.ModuleList(FeedForward(shape) for _ in range(shape.layers))
        self.norm = torch.nn.Parameter(torch.ones(shape.width))
        self.begin()

    def begin(self):
        """Small random weights; those that write into the residual stream start near nothing."""
        torch.nn.init.normal_(self.embedding, std=0.02)
        for attention, feed_forward in zip(self.attention, self.feed_forward):
            for weight in (attention.query, attention.key, attention.value, feed_forward.gate,
                           feed_forward.up):
                torch.nn.init.normal_(weight, std=self.shape.width**-0.5)
            for weight in (attention.output, feed_forward.down):
                torch.nn.init.normal_(weight, std=0.02 / (2 * self.shape.layers) ** 0.5)

    def forward(self, tokens):
        """Hidden states after the last norm, bfloat16 [rows, tokens, width], and those after the
        layers of GUIDED. Rows shorter than the longest end in padding, which nothing before it
        attends to."""
        device = tokens.device
        count = tokens.shape[1]
        if not hasattr(self, "tables") or self.tables[0].device != device:
            self.tables = rotary_table(self.shape, device)
        cosine, sine = (t[:count].to(torch.bfloat16) for t in self.tables)
        future = torch.full((count, count), float("-inf"), device=device,
                            dtype=torch.bfloat16).triu(1)
        x = F.embedding(tokens, self.embedding).to(torch.bfloat16)
        guided = []
        for i, (attention, feed_forward) in enumerate(zip(self.attention, self.feed_forward)):
            x = feed_forward(attention(x, cosine, sine, future))
            if i + 1 in GUIDED:
                guided.append(x)
        return F.rms_norm(x, x.shape[-1:], self.norm.to(x.dtype), self.shape.norm_epsilon), guided

    def logits(self, hidden):
        return F.linear(hidden, self.embedding.to(hidden.dtype)).float()

    def matrices(self):
        """What Muon trains: the weights that multiply; embeddings and norms are not among them."""
        for attention, feed_forward in zip(self.attention, self.feed_forward):
            yield from (attention.query, attention.key, attention.value, attention.output,
                        feed_forward.gate, feed_forward.up, feed_forward.down)
