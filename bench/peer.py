"""Times calls of one peer in one process and prints a JSON object, as forest_inner does for us.

    python peer.py PEER fit-isolation|fit-random|score|one-row|load --rows DIRECTORY [--calls N] ...

The first call may be colder than the others; the peak memory is what the process had until the last call.
"""
import argparse
import json
import pathlib
import resource
import time

import numpy

from peers import PEERS
from rows import FEATURES

LATENCY_ROWS = 200
# A small fit before the first timed one: what is imported, compiled or started late is not the work.
WARM_UP_ROWS = 500


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("job")
    parser.add_argument("--rows", type=pathlib.Path)
    parser.add_argument("--calls", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--model", help="the model that scores or is loaded")
    parser.add_argument("--out", help="keeps the model (fit) or the scores (score)")
    return parser.parse_args()


def file_bytes(path):
    files = pathlib.Path(path), pathlib.Path(f"{path}.ubj")
    return sum(file.stat().st_size for file in files if file.exists())


def call_of(given, peer):
    """What is timed, as a function, and into how many parts its time goes."""
    if given.job == "load":
        return lambda: peer.load(given.model), 1
    X = numpy.fromfile(given.rows / "rows.f32", dtype=numpy.float32).reshape(-1, FEATURES)
    if given.job == "fit-isolation":
        peer.isolation_fit(X[:WARM_UP_ROWS])
        return lambda: peer.isolation_fit(X), 1
    if given.job == "fit-random":
        y = numpy.fromfile(given.rows / "failure.u8", dtype=numpy.uint8).astype(numpy.int32)
        peer.random_fit(X[:WARM_UP_ROWS], y[:WARM_UP_ROWS])
        return lambda: peer.random_fit(X, y), 1
    model = peer.load(given.model)
    if given.job == "score":
        return lambda: peer.score(model, X), 1
    few = min(LATENCY_ROWS, len(X))

    def one_by_one():
        for row in range(few):
            peer.score(model, X[row : row + 1])

    return one_by_one, few


def main():
    given = arguments()
    peer = PEERS[given.peer](given.threads, given.trees)
    call, parts = call_of(given, peer)
    seconds, cpu = [], []
    for _ in range(given.calls):
        start, cpu_start = time.perf_counter(), time.process_time()
        result = call()
        seconds.append((time.perf_counter() - start) / parts)
        cpu.append((time.process_time() - cpu_start) / parts)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if given.out and given.job == "score":
        numpy.asarray(result, dtype=numpy.float32).tofile(given.out)
    elif given.out:
        peer.save(result, given.out)
    size = file_bytes(given.model) if given.model else 0
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak_bytes": peak, "file_bytes": size}))


main()
