"""Writes a tiny generator with random weights into the folder argv[1]; its words are those of the conversations
in the file argv[2], so that it can learn them."""

import json
import sys

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

folder, conversations = sys.argv[1:]
splitter = Whitespace()
words = {"system", "user", "assistant"}
with open(conversations, encoding="utf-8") as file:
    for line in file:
        for message in json.loads(line)["messages"]:
            words.update(word for word, _ in splitter.pre_tokenize_str(message["content"]))
specials = ["<unk>", "<pad>", "<s>", "</s>"]
vocabulary = {word: i for i, word in enumerate(specials + sorted(words))}
tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))
tokenizer.pre_tokenizer = splitter
fast = PreTrainedTokenizerFast(
    tokenizer_object=tokenizer, unk_token="<unk>", pad_token="<pad>", bos_token="<s>", eos_token="</s>"
)
fast.chat_template = (
    "{% for m in messages %}<s> {{ m['role'] }} {{ m['content'] }} </s>{% endfor %}"
    "{% if add_generation_prompt %}<s> assistant {% endif %}"
)
fast.save_pretrained(folder)
torch.manual_seed(7)
config = LlamaConfig(
    vocab_size=len(vocabulary),
    hidden_size=64,
    intermediate_size=128,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=512,
    pad_token_id=1,
    bos_token_id=2,
    eos_token_id=3,
)
LlamaForCausalLM(config).save_pretrained(folder)
