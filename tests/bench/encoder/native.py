"""MiniLM natively beside onnxruntime int8: `native.py --onnx FOLDER --model FILE --encoder PROGRAM`.

FOLDER is what export.py wrote, FILE a packed model, PROGRAM the built example
(`cargo build --release -p littoral-tests --example encoder`). Both take turns on one machine; CPU time of
the fastest of several rounds counts, for the peer that of its faster graph. Prints one JSON object:
milliseconds a call of both, and the ratio, above 1 where Littoral is faster.
"""

import argparse
import json
import pathlib
import subprocess
import time

import numpy as np
import onnxruntime

SHAPES = [(1, 8), (1, 16), (1, 32), (1, 128), (8, 128)]


def peer(path, rounds):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    found = {}
    for n, tokens in SHAPES:
        ids = np.array([[1000 + t * 977 + i * 131 for i in range(tokens)] for t in range(n)], np.int64) % 30522
        run = lambda: session.run(None, {"input_ids": ids})
        runs, best = max(400 // n // tokens, 3), None
        for _ in range(rounds):
            start = time.process_time()
            for _ in range(runs):
                run()
            spent = (time.process_time() - start) / runs * 1e3
            best = spent if best is None else min(best, spent)
        found[f"{n}x{tokens}"] = best
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--onnx", type=pathlib.Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--encoder", required=True)
    parser.add_argument("--kernel", default=None)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    command = [arguments.encoder, "bench", arguments.model] + ([arguments.kernel] if arguments.kernel else [])
    least = lambda a, b: {key: min(a.get(key, value), value) for key, value in b.items()}
    own, other = {}, {}
    for _ in range(arguments.rounds):
        own = least(own, json.loads(subprocess.check_output(command)))
        for name in ("model-int8.onnx", "fused-int8.onnx"):
            other = least(other, peer(arguments.onnx / name, 5))
    ratios = {key: round(other[key] / own[key], 2) for key in own}
    rounded = {key: round(value, 3) for key, value in other.items()}
    print(json.dumps({"onnxruntime": onnxruntime.__version__, "littoral_ms": own, "onnxruntime_ms": rounded, "ratio": ratios}))


if __name__ == "__main__":
    main()
