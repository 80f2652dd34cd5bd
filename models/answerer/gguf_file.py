"""Writes the trained decoder as GGUF, llama's architecture, weights as q8_0."""

import json

import gguf
import numpy

import prompt

NAME = "casemate-answer"


def interleaved(weight, heads):
    """Rows of a query or key weight from halves (i, i + d/2) to neighbours (2i, 2i + 1)."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def write(path, decoder, tokenizer, description):
    shape = decoder.shape
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name(NAME)
    writer.add_description(description)
    writer.add_license("Apache-2.0")
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_rope_dimension_count(shape.head_width)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.norm_epsilon)
    writer.add_vocab_size(shape.vocabulary)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    add_tokenizer(writer, tokenizer)

    def add(name, tensor, quantised=True):
        values = numpy.ascontiguousarray(tensor.detach().float().cpu().numpy())
        if quantised:
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, values)

    add("token_embd.weight", decoder.embedding)
    for i, (attention, feed_forward) in enumerate(zip(decoder.attention, decoder.feed_forward)):
        add(f"blk.{i}.attn_norm.weight", attention.norm, False)
        for name, weight in (("q", attention.query), ("k", attention.key)):
            add(f"blk.{i}.attn_{name}.weight", interleaved(weight, shape.heads))
        add(f"blk.{i}.attn_v.weight", attention.value)
        add(f"blk.{i}.attn_output.weight", attention.output)
        add(f"blk.{i}.ffn_norm.weight", feed_forward.norm, False)
        for name in ("gate", "up", "down"):
            add(f"blk.{i}.ffn_{name}.weight", getattr(feed_forward, name))
    add("output_norm.weight", decoder.norm, False)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def add_tokenizer(writer, tokenizer):
    described = json.loads(tokenizer.to_str())
    vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    special = set(prompt.SPECIAL)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([token for token, _ in vocabulary])
    writer.add_token_types([gguf.TokenType.CONTROL if token in special else gguf.TokenType.NORMAL
                            for token, _ in vocabulary])
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge)
                             for merge in described["model"]["merges"]])
    ends = {name: tokenizer.token_to_id(name) for name in prompt.SPECIAL}
    writer.add_bos_token_id(ends["<|endoftext|>"])
    writer.add_eos_token_id(ends["<|im_end|>"])
    writer.add_pad_token_id(ends["<|endoftext|>"])
    writer.add_add_bos_token(False)
    writer.add_chat_template(prompt.CHAT_TEMPLATE)
