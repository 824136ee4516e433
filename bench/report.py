"""The machine, the versions and the table."""
import importlib.metadata
import os
import pathlib
import platform
import statistics

from contest import OURS

HEADS = ("", "calls", "min s", "median s", "CPU s", "peak MB", "time/ours", "memory/ours", "")


def line_of(path, key):
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        if line.startswith(key):
            return line.split(":", 1)[1].strip()
    return "unknown"


def packages(top):
    return (top / "requirements.txt").read_text(encoding="utf-8").split()


def versions(top):
    found = []
    for package in packages(top):
        try:
            found.append(f"{package} {importlib.metadata.version(package.split('[')[0])}")
        except importlib.metadata.PackageNotFoundError:
            found.append(f"{package} missing")
    return found


def machine(plan):
    memory = int(line_of("/proc/meminfo", "MemTotal").split()[0]) / 2**20
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    return [
        f"machine   {line_of('/proc/cpuinfo', 'model name')}, {plan.threads} CPUs, {memory:.0f} GiB",
        f"system    {platform.system()} {platform.release()}, Python {platform.python_version()}",
        f"threads   {plan.threads}; load when it began {load}",
        f"rows      {plan.rows:,} x 20, seed {plan.seed}; {plan.repeats} turns at most, "
        f"{plan.budget:.0f} s a contender and job",
        "peers     " + ", ".join(versions(plan.top)),
    ]


def seconds(value):
    return f"{value:.3g}" if value < 0.001 else f"{value:.4f}" if value < 10 else f"{value:.1f}"


def ratio(value):
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


def rows_of(job):
    ours = job.ours()
    yield (job.title,) + ("",) * (len(HEADS) - 1)
    for contender in job.contenders:
        if contender.failure:
            yield (f"  {contender.who}",) + ("",) * (len(HEADS) - 2) + (f"failed: {contender.failure}",)
            continue
        yield (
            f"  {contender.who}",
            str(len(contender.seconds)),
            seconds(min(contender.seconds)),
            seconds(contender.median()),
            seconds(statistics.median(contender.cpu)),
            f"{contender.peak / 1e6:.1f}",
            ratio(contender.median() / ours.median()),
            ratio(contender.peak / ours.peak),
            contender.quality,
        )


def aligned(rows):
    rows = list(rows)
    widths = [
        max(len(row[i]) for row in rows if i > 0 or any(row[1:-1])) for i in range(len(rows[0]))
    ]
    for row in rows:
        cells = [row[0].ljust(widths[0])] + [row[i].rjust(widths[i]) for i in range(1, len(row) - 1)]
        yield ("  ".join(cells) + "  " + row[-1]).rstrip()


def best(jobs):
    """A line a job: the fastest peer, the one with the least memory."""
    for job in jobs:
        peers = [contender for contender in job.finished() if contender.who != OURS]
        if not peers:
            continue
        fast = min(peers, key=lambda peer: peer.median())
        small = min(peers, key=lambda peer: peer.peak)
        yield (
            job.title,
            seconds(job.ours().median()),
            f"{ratio(fast.median() / job.ours().median())} x",
            f"{fast.who}",
            f"{ratio(small.peak / job.ours().peak)} x",
            f"{small.who}",
        )


def table(jobs):
    yield from aligned([HEADS] + [row for job in jobs for row in rows_of(job)])
    yield ""
    heads = ("against the best peer", "our s", "faster", "than", "smaller", "than")
    yield from aligned([heads, *best(jobs)])
