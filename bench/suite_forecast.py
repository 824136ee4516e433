"""Forecasting: networks of two LSTM layers, windows of 60 steps, batches of 32; seconds are those of a window.

PyTorch is run by $MLOPS_BENCH_TORCH, a Python that has it, or by this one.
"""
import math
import os
import sys

import numpy

from contest import OURS, Contender, Job

STEPS, BATCH, WINDOWS = 60, 32, 512
CALLS = 10
CLOSE = 1e-5


def operations(hidden):
    """Of one window forwards, as multiplications and additions; training takes three times that."""
    return STEPS * 2 * 4 * hidden * (1 + 3 * hidden)


def files(plan, hidden):
    """Parameters and windows, the same for everybody."""
    parameters, windows = plan.models / f"network-{hidden}.f32", plan.models / "windows.f32"
    rng = numpy.random.default_rng(plan.seed)
    count = 4 * hidden * (1 + 3 * hidden + 4) + hidden + 1
    bound = 1 / math.sqrt(hidden)
    rng.uniform(-bound, bound, count).astype(numpy.float32).tofile(parameters)
    rng.normal(size=(WINDOWS, STEPS)).astype(numpy.float32).tofile(windows)
    return parameters, windows


def job(plan, kind, hidden, title, peers):
    words = [kind, hidden, *files(plan, hidden)]
    inner = plan.build / "bench" / "lstm_inner"
    contenders = [Contender(OURS, [inner, "-n", CALLS, "-t", plan.threads, *words])]
    for peer in peers:
        python = os.environ.get("MLOPS_BENCH_TORCH", sys.executable) if peer == "torch" else sys.executable
        for threads in sorted({1, plan.threads}):
            command = [python, plan.top / "peer_forecast.py", peer, *words, "--calls", CALLS, "--threads", threads]
            contenders.append(Contender(f"{peer}, {threads} thread{'s' if threads > 1 else ''}", command))
    return Job(f"{title}: {hidden} units, a window", contenders)


def peak(plan):
    """Operations a second of the products alone, all threads, on numbers that stay next to the processor."""
    products = Contender(OURS, [plan.build / "bench" / "lstm_inner", "-n", CALLS, "-t", plan.threads, "products", 64,
                                *files(plan, 64)])
    Job("products of matrices", [products]).run(plan)
    return 2 * 32 * 256 * 64 / min(products.seconds)


def judge(done, work, limit):
    for contender in done.finished():
        rate = 1 / contender.median()
        contender.quality = f"{rate:,.0f} windows/s, {100 * rate * work / limit:.0f} % of the arithmetic peak"
    return done


def same_outputs(plan, hidden):
    """Does everybody say the same of the same windows?"""
    words = ["score", hidden, *files(plan, hidden)]
    ours, theirs = plan.models / "ours.f32", plan.models / "theirs.f32"
    plan.output([plan.build / "bench" / "lstm_inner", "-o", ours, *words])
    plan.output([sys.executable, plan.top / "peer_forecast.py", "onnxruntime", *words, "--out", theirs])
    miss = numpy.abs(numpy.fromfile(ours, numpy.float32) - numpy.fromfile(theirs, numpy.float32)).max()
    yield f"{'' if miss <= CLOSE else 'FAILED '}outputs: {miss:.1g} from ONNX Runtime's at most"


def run(plan):
    limit = peak(plan)
    jobs = []
    for hidden in (64, 50):
        work = operations(hidden)
        jobs.append(judge(job(plan, "train", hidden, "training", ["torch"]).run(plan), 3 * work, limit))
    both = ["onnxruntime", "torch"]
    jobs.append(judge(job(plan, "score", 64, "scoring, 32 at a time", both).run(plan), operations(64), limit))
    jobs.append(judge(job(plan, "one-window", 64, "scoring, one at a time", both).run(plan), operations(64), limit))
    checks = list(same_outputs(plan, 64))
    checks.append(f"arithmetic peak (products of matrices alone): {limit / 1e9:.0f} GFLOP/s")
    return jobs, checks
