"""Is the library's network PyTorch's?

    python torch_check.py NETWORK_PROBE

Gives both the same weights and sequences and compares what the networks say (1e-6), the gradients of a mean squared
error with PyTorch's in float64 (1e-5 of each tensor's norm) and twenty updates by Adam with clipping: losses and
parameters to 1e-4.  Prints the largest differences of each shape; exit status 1 when one is too large.
Needs numpy and PyTorch.
"""
import json
import struct
import subprocess
import sys

import numpy
import torch

UPDATES, RATE, CLIP = 20, 0.003, 0.05
#        inputs, hidden, outputs, steps, sequences
SHAPES = [(1, 64, 1, 60, 32), (1, 1, 1, 1, 1), (3, 3, 5, 7, 9), (2, 50, 48, 60, 32), (1, 100, 2, 20, 13)]
LIMITS = {"outputs": 1e-6, "gradient": 1e-5, "losses": 1e-4, "parameters": 1e-4}


class Network(torch.nn.Module):
    def __init__(self, inputs, hidden, outputs):
        super().__init__()
        self.lstm = torch.nn.LSTM(inputs, hidden, num_layers=2, batch_first=True)
        self.head = torch.nn.Linear(hidden, outputs)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])


def flat(tensors):
    return numpy.concatenate([tensor.detach().numpy().ravel() for tensor in tensors])


def ask(probe, shape, parameters, x, y):
    """What the probe says, in its four parts."""
    inputs, hidden, outputs, steps, n = shape
    floats = [numpy.array([RATE, CLIP]), parameters, x, y]
    problem = struct.pack("<6Q", inputs, hidden, outputs, steps, n, UPDATES)
    problem += b"".join(part.astype("<f4").tobytes() for part in floats)
    answer = subprocess.run([probe], input=problem, stdout=subprocess.PIPE, check=True).stdout
    sizes = [n * outputs, len(parameters), UPDATES, len(parameters)]
    assert len(answer) == 4 * sum(sizes), len(answer)
    return numpy.split(numpy.frombuffer(answer, "<f4").astype(float), numpy.cumsum(sizes)[:-1])


def train(network, x, y):
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    losses = []
    for _ in range(UPDATES):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(network(x), y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        optimizer.step()
        losses.append(loss.item())
    return numpy.array(losses)


def compare(probe, shape):
    inputs, hidden, outputs, steps, n = shape
    torch.manual_seed(hidden)
    network = Network(inputs, hidden, outputs)
    x, y = torch.randn(n, steps, inputs), torch.randn(n, outputs)
    said, gradient, losses, parameters = ask(probe, shape, flat(network.parameters()), x.numpy(), y.numpy())
    found = {"outputs": numpy.abs(said - flat([network(x)])).max()}
    network, x, y = network.double(), x.double(), y.double()
    torch.nn.functional.mse_loss(network(x), y).backward()
    at, found["gradient"] = 0, 0.0
    for parameter in network.parameters():
        true = parameter.grad.numpy().ravel()
        miss = numpy.linalg.norm(gradient[at : at + len(true)] - true)
        found["gradient"] = max(found["gradient"], miss / (numpy.linalg.norm(true) or 1))
        at += len(true)
    true = train(network, x, y)
    found["losses"] = numpy.abs(losses / true - 1).max()
    found["parameters"] = numpy.abs(parameters - flat(network.parameters())).max()
    return {what: float(f"{miss:.2g}") for what, miss in found.items()}


def main(probe):
    failed = False
    for shape in SHAPES:
        found = compare(probe, shape)
        bad = [what for what, limit in LIMITS.items() if not found[what] <= limit]
        print(json.dumps({"shape": shape, **found, "too large": bad}))
        failed = failed or bool(bad)
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
