"""Holds a reranker that was trained here against `transformers`.

    pip install torch transformers
    python tune/rerankers.py --model FOLDER --index INDEX --query TEXT... [--littoral PROGRAM]

FOLDER is what `littoral tune train --target reranker` wrote. `transformers` reads it as a
`BertForSequenceClassification` and scores the passages of hits; `littoral search --rerank FOLDER`, which packs it
to 8 bits, scores the same.
"""

import argparse
import json
import subprocess
import sys

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

MOST = 0.05


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--index", required=True)
    parser.add_argument("--query", required=True, nargs="+")
    parser.add_argument("--littoral", default="littoral")
    arguments = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    model, loading = AutoModelForSequenceClassification.from_pretrained(
        arguments.model, output_loading_info=True
    )
    if loading["missing_keys"] or loading["unexpected_keys"]:
        sys.exit(f"tensors do not match: {loading}")
    worst, n = 0.0, 0
    for query in arguments.query:
        command = [arguments.littoral, "search", arguments.index, query, "--rerank", arguments.model, "--json"]
        hits = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)["hits"]
        for hit in hits:
            title = hit["document"]["title"]
            above = [title] + [line for line in hit["chunk"]["heading"] if line != title]
            # What an encoder reads of a passage.
            passage = "\n".join([line for line in above if line] + [hit["chunk"]["text"]])
            score = by_transformers(model, tokenizer, query, passage)
            worst, n = max(worst, abs(score - hit["scores"]["rerank"])), n + 1
    print(json.dumps({"passages": n, "largest_difference": worst, "allowed": MOST}))
    sys.exit(worst > MOST)


def by_transformers(model, tokenizer, query, passage):
    tokens = tokenizer(query, passage, return_tensors="pt", truncation="longest_first", max_length=512)
    with torch.no_grad():
        return torch.sigmoid(model(**tokens).logits[0, -1]).item()


if __name__ == "__main__":
    main()
