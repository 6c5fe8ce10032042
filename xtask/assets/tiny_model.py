"""Writes a llama model of random weights, small enough to be made and loaded in a second.

    tiny_model.py OUT [--seed N] [--tools]

It says nothing that makes sense, and says it fast: two layers of 64 dimensions over a vocabulary of
a few hundred tokens. What a test needs of a model is all there: a chat template with tools, and every
byte as a token, so that a grammar can force any JSON. It does not end by itself: an answer ends where
the limit of tokens or a grammar ends it, which makes a test of cancellation reliable.

With `--tools` the model likes to begin tool calls, and does end. See `steer`.
"""

import argparse

import gguf
import numpy as np

CONTEXT = 4096
DIMENSIONS = 64
HEADS = 4
FEED_FORWARD = 160
LAYERS = 2

# Token types of llama.cpp.
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6

# The first tokens, by place.
UNK, BOS, PAD, TURN, END, CALL, CALL_END = range(7)

WORDS = """
the of and to in is you that it he was for on are as with his they at be this have from or one had
by word but not what all were we when your can said there use an each which she do how their if will
up other about out many then them these so some her would make like him into time has look two more
write go see number no way could people my than first water been call who oil its now find long down
day did get come made may part over new sound take only little work know place year live me back
""".split()

CHARACTERS = (
    "▁abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:;!?'\"-_(){}[]/\\\n"
)

# The turns of a conversation, and tools in the form that llama.cpp reads back as tool calls.
CHAT_TEMPLATE = """\
{%- if tools %}<|im_start|>system
# Tools
You may call one or more functions.
<tools>
{%- for tool in tools %}
{{ tool | tojson }}
{%- endfor %}
</tools>
For each function call return a json object inside <tool_call></tool_call>:
<tool_call>
{"name": <function-name>, "arguments": <args-json-object>}
</tool_call><|im_end|>
{% endif -%}
{%- for m in messages %}<|im_start|>{{ m.role }}
{% if m.role == 'tool' %}<tool_response>{{ m.content }}</tool_response>\
{% elif m.tool_calls %}{% for tc in m.tool_calls %}<tool_call>
{"name": "{{ tc.function.name }}", "arguments": {{ tc.function.arguments | tojson }}}
</tool_call>{% endfor %}{% else %}{{ m.content }}{% endif %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""


def vocabulary():
    """Tokens as (text, type, score). A higher score is merged first."""
    tokens = [("<unk>", UNKNOWN, 0.0), ("<s>", CONTROL, 0.0), ("</s>", CONTROL, 0.0)]
    tokens += [("<|im_start|>", CONTROL, 0.0), ("<|im_end|>", CONTROL, 0.0)]
    tokens += [("<tool_call>", USER_DEFINED, 0.0), ("</tool_call>", USER_DEFINED, 0.0)]
    tokens += [(f"<0x{byte:02X}>", BYTE, 0.0) for byte in range(256)]
    for word in WORDS:
        tokens.append(("▁" + word, NORMAL, -float(len(tokens))))
    for character in CHARACTERS:
        tokens.append((character, NORMAL, -float(len(tokens)) - 1000))
    return tokens


def embeddings(random, tokens):
    """The input rows and the output rows of the vocabulary."""
    inputs = normal(random, len(tokens), DIMENSIONS)
    outputs = normal(random, len(tokens), DIMENSIONS) * np.float32(0.35)
    for row, (_, kind, _) in enumerate(tokens):
        if kind != NORMAL:
            outputs[row] *= np.float32(0.02)  # words are likely, everything else is not
    return inputs, outputs


def steer(tokens, inputs, outputs, tools):
    """Makes some tokens likely or unlikely.

    Two dimensions are taken out of chance. The first is high in every input, so an output row that
    holds it is likely everywhere, and unlikely where it holds its negative: the end token, and with
    `tools` also `<tool_call>`. The second is high only in the input of `<tool_call>`, so a row that
    holds it is likely right behind that token: the line end. What follows it is forced by the grammar
    that llama.cpp makes of the tools.
    """
    everywhere, behind_call = 0, 1
    inputs[:, everywhere] = 6.0
    inputs[:, behind_call] = 0.0
    outputs[:, everywhere] = 0.0
    outputs[:, behind_call] = 0.0
    outputs[END, everywhere] = 1.2 if tools else -3.0
    if tools:
        inputs[CALL, behind_call] = 14.0
        line_end = [text for text, _, _ in tokens].index("\n")
        outputs[line_end, behind_call] = 3.0
        outputs[CALL] = 0.0
        outputs[CALL, everywhere] = 2.0


def normal(random, *shape):
    # NumPy makes doubles of these, and llama.cpp reads doubles as if they were floats: it crashes.
    return random.standard_normal(shape).astype(np.float32)


def add_head(writer, tokens):
    writer.add_name("tiny-random")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(DIMENSIONS)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(DIMENSIONS // HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_file_type(0)
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([text for text, _, _ in tokens])
    writer.add_token_types([kind for _, kind, _ in tokens])
    writer.add_token_scores([score for _, _, score in tokens])
    writer.add_unk_token_id(UNK)
    writer.add_bos_token_id(BOS)
    writer.add_pad_token_id(PAD)
    writer.add_eos_token_id(END)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    # With a space before the text every grammar fails at its first token.
    writer.add_add_space_prefix(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def add_layers(writer, random):
    shapes = {
        "attn_q": (DIMENSIONS, DIMENSIONS),
        "attn_k": (DIMENSIONS, DIMENSIONS),
        "attn_v": (DIMENSIONS, DIMENSIONS),
        "attn_output": (DIMENSIONS, DIMENSIONS),
        "ffn_gate": (FEED_FORWARD, DIMENSIONS),
        "ffn_up": (FEED_FORWARD, DIMENSIONS),
        "ffn_down": (DIMENSIONS, FEED_FORWARD),
    }
    for layer in range(LAYERS):
        for name in ("attn_norm", "ffn_norm"):
            ones = np.ones(DIMENSIONS, np.float32)
            writer.add_tensor(f"blk.{layer}.{name}.weight", ones)
        for name, shape in shapes.items():
            weights = normal(random, *shape) / np.float32(np.sqrt(shape[-1]))
            writer.add_tensor(f"blk.{layer}.{name}.weight", weights)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tools", action="store_true")
    arguments = parser.parse_args()

    random = np.random.default_rng(arguments.seed)
    tokens = vocabulary()
    writer = gguf.GGUFWriter(arguments.out, "llama")
    add_head(writer, tokens)
    inputs, outputs = embeddings(random, tokens)
    steer(tokens, inputs, outputs, arguments.tools)
    writer.add_tensor("token_embd.weight", inputs)
    writer.add_tensor("output.weight", outputs)
    writer.add_tensor("output_norm.weight", np.ones(DIMENSIONS, np.float32))
    add_layers(writer, random)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
