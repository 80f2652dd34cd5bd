"""The embedder: word pieces' vectors, their norm and their mean; and its file, of libllama's `bert` architecture."""
import gguf
import numpy
import torch
from torch import nn
from torch.nn import functional

from tokens import CLS, MASK, PAD, SEP, UNK

EPSILON = 1e-6
RESERVED = 8  # dimensions that carry what a piece's weight leaves over; the last norm drops them
HEADS, FORWARD = 16, 256  # of the layer that changes nothing


class Encoder(nn.Module):
    """Texts as unit vectors: each piece's vector, normed, so that its direction and weight remain; their mean.

    Begins as a random projection of TF-IDF and learns from there. A norm makes all vectors equally long: a piece's weight is
    the share of its length outside the RESERVED dimensions, which the norm's gain of zero then drops.
    """

    def __init__(self, vocabulary, width, context):
        super().__init__()
        self.vocabulary, self.width, self.context = vocabulary, width, context
        self.pieces = nn.Embedding(vocabulary, width)
        self.norm = nn.LayerNorm(width, eps=EPSILON)

    def begin(self, weights, seed):
        """Vectors of random directions, as long as their `weights` (0 to 1) say."""
        generator = torch.Generator().manual_seed(seed)
        directions = torch.randn(self.vocabulary, self.width - RESERVED, generator=generator)
        directions -= directions.mean(1, keepdim=True)
        directions *= self.width ** 0.5 / directions.norm(dim=1, keepdim=True)
        weights = torch.as_tensor(weights, dtype=torch.float32)[:, None].clamp(0, 0.999)
        signs = torch.tensor([1.0, -1.0] * (RESERVED // 2)) * (self.width / RESERVED) ** 0.5
        with torch.no_grad():
            self.pieces.weight.copy_(torch.cat([directions * weights, signs * (1 - weights ** 2).sqrt()], 1))
            self.norm.weight[-RESERVED:] = 0

    def learnt(self):
        return list(self.parameters())

    def bags(self, ids, offsets):
        """Unit vectors of texts laid end to end, each from its offset on."""
        table = self.norm(self.pieces.weight)
        return functional.normalize(functional.embedding_bag(ids, table, offsets, mode="sum"), dim=1)


def write(model, pieces, path, name):
    """The model as a GGUF file. The same model gives the same bytes.

    libllama wants at least one layer: its matrices are zeros, kept in the smallest type there is, so that it hands on what it
    gets, and its last norm is the model's (a norm of what has one changes nothing).
    """
    width = model.width
    writer = gguf.GGUFWriter(path, "bert")
    writer.add_name(name)
    writer.add_license("Apache-2.0")
    writer.add_context_length(model.context)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(FORWARD)
    writer.add_block_count(1)
    writer.add_head_count(HEADS)
    writer.add_layer_norm_eps(EPSILON)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    # libllama marks the beginnings of words where WordPiece marks what continues one.
    special = range(MASK + 1)
    writer.add_token_list([p if i in special else p[2:] if p.startswith("##") else "\u2581" + p for i, p in enumerate(pieces)])
    writer.add_token_types([gguf.TokenType.UNKNOWN if i == UNK else gguf.TokenType.CONTROL if i in special
                            else gguf.TokenType.NORMAL for i in range(len(pieces))])
    writer.add_token_type_count(1)
    writer.add_unk_token_id(UNK)
    writer.add_pad_token_id(PAD)
    writer.add_bos_token_id(CLS)
    writer.add_sep_token_id(SEP)
    writer.add_eos_token_id(SEP)
    writer.add_mask_token_id(MASK)

    def add(tensor, value, kind):
        quantised = gguf.GGMLQuantizationType[kind]
        if kind == "F32":
            writer.add_tensor(tensor, value)
        else:
            writer.add_tensor(tensor, gguf.quants.quantize(value, quantised), raw_dtype=quantised)

    def zeros(*shape):
        return numpy.zeros(shape, dtype=numpy.float32)

    def norm(tensor, weight=None, bias=None):
        add(tensor + ".weight", numpy.ones(width, dtype=numpy.float32) if weight is None else weight, "F32")
        add(tensor + ".bias", zeros(width) if bias is None else bias, "F32")

    add("token_embd.weight", model.pieces.weight.detach().numpy(), "Q8_0")
    add("position_embd.weight", zeros(model.context, width), "Q8_0")
    add("token_types.weight", zeros(1, width), "F32")
    norm("token_embd_norm")
    for tensor, rows, columns in (("attn_q", width, width), ("attn_k", width, width), ("attn_v", width, width),
                                  ("attn_output", width, width), ("ffn_up", FORWARD, width), ("ffn_down", width, FORWARD)):
        add(f"blk.0.{tensor}.weight", zeros(rows, columns), "TQ1_0")
        add(f"blk.0.{tensor}.bias", zeros(rows), "F32")
    norm("blk.0.attn_output_norm")
    norm("blk.0.layer_output_norm", model.norm.weight.detach().numpy(), model.norm.bias.detach().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
