"""Seconds of a training step beside those of `sentence-transformers` with `peft`, on the same machine.

    pip install sentence-transformers peft
    python tune/speed.py --model FOLDER --pairs PAIRS [--trainer PROGRAM] [--steps 12]
                              [--batch 32] [--tokens 128] [--threads 0]

FOLDER is an encoder in 32 bits (`littoral model pull minilm --keep FOLDER`), PAIRS a folder of `littoral tune
prepare`, PROGRAM `littoral-train`. Both train the same matrices at the same rank on the same rows, with one
hard negative a pair, texts cut at the same length, on as many threads. They take turns; the median step of
each counts, after the first of each turn.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time

import torch
from peft import LoraConfig, get_peft_model
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

MATRICES = ["query", "key", "value", "attention-output"]
TARGETS = ["query", "key", "value", "attention.output.dense"]
TURNS = 2


def rows(pairs):
    with open(os.path.join(pairs, "train.jsonl"), encoding="utf-8") as lines:
        read = [json.loads(line) for line in lines]
    return [row for row in read if "negative_1" in row]


def ours(options):
    """Seconds of each step, and the memory of the process at most, in bytes."""
    with tempfile.TemporaryDirectory() as folder:
        job = {
            "model": options.model, "data": options.pairs, "output": folder, "from": None,
            "threads": options.threads, "leaks": 0,
            "options": {
                "rank": 8, "alpha": 16.0, "matrices": MATRICES, "steps": options.steps,
                "batch": options.batch, "negatives": 1, "rate": 5e-4, "warm_up": 0.1, "decay": 0.01,
                "temperature": 0.05, "dims": [], "tokens": options.tokens, "look": 1 << 20,
                "patience": 3, "kept_tokens": 1 << 20, "seed": 1,
            },
        }
        path = os.path.join(folder, "job.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(job, file)
        seconds = []
        run = subprocess.Popen([options.trainer, path], stdout=subprocess.PIPE, text=True)
        for line in run.stdout:
            event = json.loads(line)
            if event["event"] == "failed":
                raise SystemExit(event["message"])
            if event["event"] == "step":
                seconds.append(event["seconds"])
                # The look behind the last step is not measured.
                if len(seconds) == options.steps - 1:
                    run.kill()
        run.wait()
    return seconds


def theirs(options, lines):
    torch.manual_seed(1)
    model = SentenceTransformer(options.model, device="cpu")
    model.max_seq_length = options.tokens
    settings = LoraConfig(r=8, lora_alpha=16, lora_dropout=0.0, target_modules=TARGETS)
    model[0].model = get_peft_model(model[0].model, settings)
    loss = MultipleNegativesRankingLoss(model, scale=20.0)
    trained = [p for p in model.parameters() if p.requires_grad]
    numbers = sum(p.numel() for p in trained), sum(p.numel() for p in model.parameters())
    adam = torch.optim.AdamW(trained, lr=5e-4, weight_decay=0.01)
    model.train()
    seconds = []
    for step in range(options.steps - 1):
        batch = [lines[(step * options.batch + i) % len(lines)] for i in range(options.batch)]
        start = time.perf_counter()
        columns = ["anchor", "positive", "negative_1"]
        features = [model.preprocess([row[name] for row in batch]) for name in columns]
        value = loss(features, None)
        value.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        adam.step()
        adam.zero_grad()
        seconds.append(time.perf_counter() - start)
    return seconds, numbers


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--pairs", required=True)
    parser.add_argument("--trainer", default="../../target/release/littoral-train")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--threads", type=int, default=0)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    lines = rows(options.pairs)
    taken = {"littoral-train": [], "sentence-transformers + peft": []}
    for _ in range(TURNS):
        taken["littoral-train"] += ours(options)[1:]
        seconds, numbers = theirs(options, lines)
        taken["sentence-transformers + peft"] += seconds[1:]
    print(f"{numbers[0]} of {numbers[1]} numbers trained; {options.batch} pairs, {options.tokens} tokens, "
          f"{options.threads or os.cpu_count()} threads")
    medians = {name: statistics.median(seconds) for name, seconds in taken.items()}
    for name, median in medians.items():
        print(f"{name:<30} {median:.3f} s a step, of {len(taken[name])}")
    mine, other = medians.values()
    print(f"speed beside theirs: {other / mine:.2f}")


main()
