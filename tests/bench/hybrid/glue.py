"""Hybrid search by tantivy and usearch, joined here: what `run.mjs` compares with.

    python3 glue.py --data BEIR_DIR --split SPLIT --vectors DIR [--rounds 3]

BM25 over stemmed titles and texts, and an HNSW graph over the vectors; a hundred of each, joined by the
sum of their scores, each scaled to 0 to 1 over its hundred. Titles and texts of the ten are read. One
JSON object: queries a second of the best round, and the first ten of each query.
"""

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import tantivy
from usearch.index import Index

DIMS = 384
DEPTH = 100


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines() if line]


def scaled(hits):
    """Scores from 0 to 1, by row."""
    if not hits:
        return {}
    low, high = min(hits.values()), max(hits.values())
    return {row: (score - low) / ((high - low) or 1.0) for row, score in hits.items()}


class Glue:
    def __init__(self, documents, vectors):
        self.documents = documents
        schema = tantivy.SchemaBuilder()
        schema.add_text_field("title", stored=True, tokenizer_name="en_stem")
        schema.add_text_field("text", stored=True, tokenizer_name="en_stem")
        schema.add_integer_field("row", fast=True)
        self.words = tantivy.Index(schema.build())
        writer = self.words.writer(heap_size=200_000_000, num_threads=1)
        for row, document in enumerate(documents):
            title = document.get("title") or ""
            writer.add_document(tantivy.Document(title=title, text=document["text"], row=row))
        writer.commit()
        writer.wait_merging_threads()
        self.words.reload()
        self.searcher = self.words.searcher()
        self.graph = Index(ndim=DIMS, metric="ip", dtype="f32")
        self.graph.add(np.arange(len(vectors)), vectors, threads=1)

    def ask(self, text, vector):
        """The rows of the ten best, whose titles and texts were read."""
        query, _ = self.words.parse_query_lenient(text, ["title", "text"], field_boosts={"title": 2.0})
        hits = self.searcher.search(query, DEPTH).hits
        rows = self.searcher.fast_field_values("row", [at for _, at in hits])
        places = {row: at for row, (_, at) in zip(rows, hits)}
        lexical = scaled({row: score for row, (score, _) in zip(rows, hits)})
        near = self.graph.search(vector, DEPTH)
        dense = scaled({int(row): 1 - far for row, far in zip(near.keys, near.distances)})
        joined = dict(lexical)
        for row, score in dense.items():
            joined[row] = joined.get(row, 0) + score
        best = sorted(joined, key=lambda row: -joined[row])[:10]
        # From the store, or where vectors alone found one, from the corpus at hand.
        shown = [self.searcher.doc(places[row]) if row in places else self.documents[row] for row in best]
        assert len(shown) == len(best)
        return best


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="test")
    parser.add_argument("--vectors", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()

    documents, queries = lines(args.data / "corpus.jsonl"), lines(args.data / "queries.jsonl")
    judged = (args.data / "qrels" / f"{args.split}.tsv").read_text().splitlines()[1:]
    judged = {line.split("\t")[0] for line in judged}
    base, asked = (
        np.fromfile(args.vectors / f"{name}.f32", dtype="<f4").reshape(-1, DIMS) for name in ["base", "queries"]
    )
    assert len(base) == len(documents) and len(asked) == len(queries), "one vector for each line"
    begin = time.perf_counter()
    glue = Glue(documents, base)
    built = time.perf_counter() - begin
    pairs = [(query, vector) for query, vector in zip(queries, asked) if str(query["_id"]) in judged]
    best, found = math.inf, {}
    for _ in range(args.rounds):
        begin = time.perf_counter()
        rows = [glue.ask(query["text"], vector) for query, vector in pairs]
        best = min(best, time.perf_counter() - begin)
        for (query, _), hits in zip(pairs, rows):
            found[str(query["_id"])] = [str(documents[row]["_id"]) for row in hits]
    print(json.dumps({"per_second": len(pairs) / best, "build_seconds": built, "found": found}))


if __name__ == "__main__":
    main()
