"""A BERT folder as ONNX graphs for the peer: `export.py FOLDER OUT`.

Writes OUT/model.onnx (plain operators), OUT/fused.onnx (onnxruntime's own operators for attention,
normalisation and GELU, as its optimizer makes them) and of both an int8 form by `quantize_dynamic`.
The output is the mean of the last layer's vectors, `[batch, hidden]`. Needs numpy, onnx, onnxruntime
and safetensors.
"""

import json
import math
import pathlib
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.numpy import load_file


class Graph:
    def __init__(self, tensors):
        self.tensors, self.nodes, self.constants = tensors, [], {}

    def constant(self, name, value):
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def weight(self, name, transposed=False):
        value = self.tensors[name].astype(np.float32)
        return self.constant(name, value.T if transposed else value)

    def op(self, kind, *inputs, domain="", **attributes):
        out = f"t{len(self.nodes)}"
        node = helper.make_node(kind, list(inputs), [out], name=f"n{len(self.nodes)}", domain=domain, **attributes)
        self.nodes.append(node)
        return out

    def linear(self, x, name):
        return self.op("Add", self.op("MatMul", x, self.weight(f"{name}.weight", True)), self.weight(f"{name}.bias"))

    def norm(self, x, name, epsilon):
        return self.op("LayerNormalization", x, self.weight(f"{name}.weight"), self.weight(f"{name}.bias"),
                       axis=-1, epsilon=epsilon)

    def model(self, hidden):
        ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "tokens"])
        out = helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["batch", hidden])
        graph = helper.make_graph(self.nodes, "bert", [ids], [out], list(self.constants.values()))
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def build(tensors, config, fused):
    g = Graph(tensors)
    n, heads, epsilon = config["hidden_size"], config["num_attention_heads"], config["layer_norm_eps"]
    width = n // heads
    shape = g.op("Shape", "input_ids")
    length = g.op("Gather", shape, g.constant("one", np.array([1], np.int64)))
    x = g.op("Gather", g.weight("embeddings.word_embeddings.weight"), "input_ids")
    positions = g.op("Slice", g.weight("embeddings.position_embeddings.weight"),
                     g.constant("zero", np.array([0], np.int64)), length)
    x = g.op("Add", g.op("Add", x, positions),
             g.constant("kind", tensors["embeddings.token_type_embeddings.weight"][0].astype(np.float32)))
    x = g.norm(x, "embeddings.LayerNorm", epsilon)

    def skip(x, y, name):
        if fused:
            return g.op("SkipLayerNormalization", y, x, g.weight(f"{name}.weight"), g.weight(f"{name}.bias"),
                        domain="com.microsoft", epsilon=epsilon)
        return g.norm(g.op("Add", y, x), name, epsilon)

    for layer in range(config["num_hidden_layers"]):
        at = f"encoder.layer.{layer}"
        parts = [f"{at}.attention.self.{part}" for part in ("query", "key", "value")]
        if fused:
            weights = np.concatenate([tensors[f"{p}.weight"].T for p in parts], axis=1).astype(np.float32)
            biases = np.concatenate([tensors[f"{p}.bias"] for p in parts]).astype(np.float32)
            mixed = g.op("Attention", x, g.constant(f"{at}.qkv", weights), g.constant(f"{at}.qkv_bias", biases),
                         domain="com.microsoft", num_heads=heads)
        else:
            split = g.constant("split", np.array([0, 0, heads, width], np.int64))
            q, k, v = (g.op("Reshape", g.linear(x, p), split) for p in parts)
            q = g.op("Transpose", q, perm=[0, 2, 1, 3])
            k = g.op("Transpose", k, perm=[0, 2, 3, 1])
            v = g.op("Transpose", v, perm=[0, 2, 1, 3])
            scores = g.op("Div", g.op("MatMul", q, k), g.constant("root", np.float32(math.sqrt(width))))
            mixed = g.op("MatMul", g.op("Softmax", scores, axis=-1), v)
            mixed = g.op("Reshape", g.op("Transpose", mixed, perm=[0, 2, 1, 3]),
                         g.constant("joined", np.array([0, 0, n], np.int64)))
        x = skip(x, g.linear(mixed, f"{at}.attention.output.dense"), f"{at}.attention.output.LayerNorm")
        if fused:
            wide = g.op("MatMul", x, g.weight(f"{at}.intermediate.dense.weight", True))
            wide = g.op("BiasGelu", wide, g.weight(f"{at}.intermediate.dense.bias"), domain="com.microsoft")
        else:
            wide = g.linear(x, f"{at}.intermediate.dense")
            erf = g.op("Erf", g.op("Div", wide, g.constant("root2", np.float32(math.sqrt(2)))))
            wide = g.op("Mul", g.op("Mul", wide, g.op("Add", erf, g.constant("one_f", np.float32(1)))),
                        g.constant("half", np.float32(0.5)))
        x = skip(x, g.linear(wide, f"{at}.output.dense"), f"{at}.output.LayerNorm")
    g.nodes.append(helper.make_node("ReduceMean", [x], ["vector"], axes=[1], keepdims=0))
    return g.model(n)


def main(folder, out):
    folder, out = pathlib.Path(folder), pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    config = json.loads((folder / "config.json").read_text())
    tensors = load_file(folder / "model.safetensors")
    for name, fused in (("model", False), ("fused", True)):
        save(build(tensors, config, fused), out / f"{name}.onnx")
        quantize_dynamic(
            out / f"{name}.onnx",
            out / f"{name}-int8.onnx",
            weight_type=QuantType.QInt8,
            extra_options={"DefaultTensorType": TensorProto.FLOAT},
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
