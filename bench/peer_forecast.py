"""Times a peer's network of two LSTM layers in one process and prints a JSON object, as lstm_inner does for us.

    python peer_forecast.py torch|onnxruntime train|score|one-window HIDDEN PARAMETERS WINDOWS [--calls N] [--threads N]

PARAMETERS and WINDOWS as for lstm_inner.  Seconds are those of a window.
"""
import argparse
import json
import resource
import time

import numpy

STEPS, BATCH = 60, 32
TRAIN_BATCHES, SCORE_BATCHES, SINGLES = 5, 20, 200


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("job", choices=["train", "score", "one-window"])
    parser.add_argument("hidden", type=int)
    parser.add_argument("parameters")
    parser.add_argument("windows")
    parser.add_argument("--calls", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", help="keeps the outputs of score as float32")
    return parser.parse_args()


def tensors(flat, hidden):
    """The flat vector's matrices and vectors, in PyTorch's order."""
    shapes, at = [], 0
    for inputs in (1, hidden):
        shapes += [(4 * hidden, inputs), (4 * hidden, hidden), (4 * hidden,), (4 * hidden,)]
    for shape in [*shapes, (1, hidden), (1,)]:
        size = int(numpy.prod(shape))
        yield flat[at : at + size].reshape(shape)
        at += size
    assert at == len(flat)


class Torch:
    def __init__(self, weights, hidden, threads):
        import torch

        torch.set_num_threads(threads)
        self.torch = torch
        self.lstm = torch.nn.LSTM(1, hidden, num_layers=2, batch_first=True, dropout=0.2)
        self.head = torch.nn.Linear(hidden, 1)
        self.parameters = [*self.lstm.parameters(), *self.head.parameters()]
        with torch.no_grad():
            for parameter, values in zip(self.parameters, weights):
                parameter.copy_(torch.from_numpy(values.copy()))
        self.optimizer = torch.optim.Adam(self.parameters, lr=0.001)

    def network(self, x):
        return self.head(self.lstm(x)[0][:, -1])

    def train(self, windows):
        self.lstm.train()
        x = self.torch.from_numpy(windows)
        self.optimizer.zero_grad()
        loss = self.torch.nn.functional.mse_loss(self.network(x), x[:, 0])
        loss.backward()
        self.torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()

    def score(self, windows):
        self.lstm.eval()
        with self.torch.inference_mode():
            return self.network(self.torch.from_numpy(windows)).numpy()


class OnnxRuntime:
    """Trains nothing: runs the same network as a graph."""

    def __init__(self, weights, hidden, threads):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        model = self.graph(list(weights), hidden).SerializeToString()
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    @staticmethod
    def graph(weights, hidden):
        from onnx import TensorProto, helper, numpy_helper

        def gates(matrix):
            i, f, g, o = numpy.split(matrix, 4)
            return numpy.concatenate([i, o, f, g])[None]

        values, nodes, x = {"axes": numpy.array([1], numpy.int64)}, [], "turned"
        nodes.append(helper.make_node("Transpose", ["X"], ["turned"], perm=[1, 0, 2]))
        for layer in range(2):
            w, r, b, c = weights[4 * layer : 4 * layer + 4]
            values[f"W{layer}"], values[f"R{layer}"] = gates(w), gates(r)
            values[f"B{layer}"] = numpy.concatenate([gates(b), gates(c)], axis=1)
            given = [x, f"W{layer}", f"R{layer}", f"B{layer}"]
            nodes.append(helper.make_node("LSTM", given, [f"all{layer}", f"last{layer}"], hidden_size=hidden))
            x = f"step{layer}"
            nodes.append(helper.make_node("Squeeze", [f"all{layer}", "axes"], [x]))
        nodes.pop()
        values["first"] = numpy.array([0], numpy.int64)
        nodes.append(helper.make_node("Squeeze", ["last1", "first"], ["last"]))
        values["head"], values["bias"] = weights[8], weights[9]
        nodes.append(helper.make_node("Gemm", ["last", "head", "bias"], ["Y"], transB=1))
        graph = helper.make_graph(
            nodes,
            "network",
            [helper.make_tensor_value_info("X", TensorProto.FLOAT, ["N", STEPS, 1])],
            [helper.make_tensor_value_info("Y", TensorProto.FLOAT, ["N", 1])],
            [numpy_helper.from_array(numpy.ascontiguousarray(value), name) for name, value in values.items()],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    def score(self, windows):
        return self.session.run(None, {"X": windows})[0]


PEERS = {"torch": Torch, "onnxruntime": OnnxRuntime}


def call_of(given, peer, windows):
    """What is timed, as a function, and into how many parts its time goes."""
    size, times = {"train": (BATCH, TRAIN_BATCHES), "score": (BATCH, SCORE_BATCHES)}.get(given.job, (1, SINGLES))
    verb = peer.train if given.job == "train" else peer.score
    verb(windows[:size])

    def call():
        for i in range(times):
            start = i * size % len(windows)
            result = verb(windows[start : start + size])
        return result

    return call, size * times


def main():
    given = arguments()
    windows = numpy.fromfile(given.windows, dtype=numpy.float32).reshape(-1, STEPS, 1)
    flat = numpy.fromfile(given.parameters, dtype=numpy.float32)
    peer = PEERS[given.peer](tensors(flat, given.hidden), given.hidden, given.threads)
    call, parts = call_of(given, peer, windows)
    seconds, cpu = [], []
    for _ in range(given.calls):
        start, cpu_start = time.perf_counter(), time.process_time()
        call()
        seconds.append((time.perf_counter() - start) / parts)
        cpu.append((time.process_time() - cpu_start) / parts)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if given.out:
        numpy.asarray(peer.score(windows[:BATCH]), dtype=numpy.float32).tofile(given.out)
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak_bytes": peak}))


main()
