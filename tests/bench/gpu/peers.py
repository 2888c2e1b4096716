"""What PyTorch does on the same GPU: matmul and topk over as many vectors, and a model of MiniLM's
shape in fp16 (its speed does not depend on its weights, which are random here).

    python3 tests/bench/gpu/peers.py [ROWS ...]
"""

import sys
import time

import torch


def least(f, n=5):
    f()
    torch.cuda.synchronize()
    best = 1e9
    for _ in range(n):
        start = time.perf_counter()
        f()
        torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
    return best


print("GPU:", torch.cuda.get_device_name(), "| torch", torch.__version__)
a = torch.empty(1 << 30, dtype=torch.uint8, device="cuda")
b = torch.empty_like(a)
print(f"copy: {2 * a.numel() / least(lambda: b.copy_(a)) / 1e9:.0f} GB/s read and written")
del a, b
print("vectors | queries | ms, matmul in fp16 and topk 10")
for n in [int(x) for x in sys.argv[1:]] or [1_000_000, 10_000_000]:
    rows = torch.randn(n, 384, device="cuda", dtype=torch.float16)
    for batch in [1, 8, 64, 256]:
        queries = torch.randn(batch, 384, device="cuda", dtype=torch.float16)
        ms = least(lambda: (queries @ rows.T).topk(10, dim=1)) * 1e3
        print(f"{n} | {batch} | {ms:.3f}")
    del rows

from transformers import BertConfig, BertModel

config = BertConfig(hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536)
model = BertModel(config, add_pooling_layer=False).half().cuda().eval()
print("tokens a text | texts/s, fp16")
for length in [128, 256]:
    best = 0
    for batch in [64, 256, 1024]:
        ids = torch.randint(1000, 29000, (batch, length), device="cuda")
        mask = torch.ones_like(ids)

        def run():
            with torch.inference_mode():
                vectors = model(input_ids=ids, attention_mask=mask).last_hidden_state
                return torch.nn.functional.normalize(vectors.mean(1), dim=1)

        best = max(best, batch / least(run))
    print(f"{length} | {best:.0f}")
