"""Holds adapters against Python's `peft`, both ways.

    pip install torch transformers peft
    python tune/adapters.py --model FOLDER --adapter ADAPTER [--vectors PROGRAM]

FOLDER is an encoder in 32 bits (`littoral model pull minilm --keep FOLDER`), ADAPTER what `littoral tune
train --target encoder` wrote, PROGRAM the example `adapter-vectors`, which cargo builds otherwise. First
`peft` loads ADAPTER, and its vectors are compared with those computed here; then `peft` makes an adapter with
random numbers, and the program reads it.
"""

import argparse
import json
import subprocess
import sys
import tempfile

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModel, AutoTokenizer

TEXTS = [
    "tide",
    "How do I roll back a failed deployment?",
    "The wing of an aircraft in supersonic flow is heated by friction; what is the temperature of its skin?",
]
LEAST = 0.99999


def by_peft(model, tokenizer):
    vectors = []
    for text in TEXTS:
        tokens = tokenizer(text, return_tensors="pt", truncation=True, max_length=256)
        with torch.no_grad():
            vectors.append(model(**tokens).last_hidden_state[0].mean(0))
    return vectors


def by_littoral(program, model, adapter):
    build = ["cargo", "run", "--quiet", "--workspace", "--example", "adapter-vectors", "--"]
    command = [program] if program else build
    run = subprocess.run(
        [*command, model, adapter, *TEXTS], check=True, stdout=subprocess.PIPE
    )
    return [torch.tensor(json.loads(line)) for line in run.stdout.splitlines()]


def compare(name, ours, theirs):
    cosines = [torch.cosine_similarity(a, b, dim=0).item() for a, b in zip(ours, theirs)]
    print(f"{name}: least cosine {min(cosines):.7f} of {len(cosines)} texts")
    return min(cosines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--adapter", required=True)
    parser.add_argument("--vectors")
    options = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(options.model)

    def base():
        return AutoModel.from_pretrained(options.model, dtype=torch.float32).eval()

    plain = by_peft(base(), tokenizer)
    tuned = PeftModel.from_pretrained(base(), options.adapter).eval()
    theirs = by_peft(tuned, tokenizer)
    ours = by_littoral(options.vectors, options.model, options.adapter)
    compare("an adapter of littoral against no adapter, by peft", plain, theirs)
    least = [compare("an adapter of littoral, by both", ours, theirs)]

    targets = ["query", "key", "value", "attention.output.dense", "intermediate.dense", "output.dense"]
    for by_root in [False, True]:
        torch.manual_seed(1)
        settings = LoraConfig(r=6, lora_alpha=12, target_modules=targets, use_rslora=by_root)
        made = get_peft_model(base(), settings).eval()
        for name, numbers in made.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(numbers, std=0.02)
        theirs = by_peft(made, tokenizer)
        with tempfile.TemporaryDirectory() as folder:
            made.save_pretrained(folder)
            ours = by_littoral(options.vectors, options.model, folder)
        name = f"an adapter of peft (use_rslora={by_root})"
        compare(f"{name} against no adapter, by peft", plain, theirs)
        least.append(compare(f"{name}, by both", ours, theirs))
    sys.exit(0 if min(least) >= LEAST else 1)


main()
