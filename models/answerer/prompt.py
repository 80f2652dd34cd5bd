"""The form in which the answerer reads and writes, and its chat template.

The template puts the question before the documents. A decoder reads in one direction: when it
knows the question first, every word of a passage can be held against it as it is read, and eight
thin layers are enough; the other way round all of it must be kept until the question comes.
"""

TASK = "Answer from the documents."
SAY = "The documents say:"
REFUSAL = "The documents do not say."
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")

CHAT_TEMPLATE = (
    "{%- for message in messages -%}{%- if message['role'] != 'system' -%}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{%- endif -%}{%- endfor -%}"
    "{%- for message in messages -%}{%- if message['role'] == 'system' -%}"
    "{{ '<|im_start|>system\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{%- endif -%}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}")


def system(passages):
    return "\n".join([TASK, *(f"[{i}] {line}" for i, line in enumerate(passages, 1))])


def prompt(question, passages):
    """As the template makes it. Without passages there is no system message either."""
    read = f"<|im_start|>system\n{system(passages)}<|im_end|>\n" if passages else ""
    return f"<|im_start|>user\n{question}<|im_end|>\n{read}<|im_start|>assistant\n"


def answer(span, number):
    """`number` is None: the documents do not say."""
    text = REFUSAL if number is None else f'{SAY} "{span}" [{number}]'
    return text + "<|im_end|>"
