"""CSV: text to float32 columns in memory, and whole processes from text to scored lines."""
import json

import numpy

import quality
from contest import OURS, Contender, Job

READERS = ("polars", "pandas", "duckdb", "pyarrow")
FEW = 100


def columns_job(plan, rows, readers):
    path = plan.directory(rows) / "rows.csv"
    ours = [plan.build / "bench" / "csv_columns", "-n", 3, "-t", plan.threads, path]
    contenders = [Contender(OURS, ours)]
    for reader in readers:
        command = plan.python_command("peer_csv.py", reader, path, "--calls", 3, "--threads", plan.threads)
        contenders.append(Contender(reader, command))
    size = path.stat().st_size / 1e6
    return Job(f"CSV to float32 columns: {rows:,} rows, {size:.0f} MB", contenders)


def checksum(columns):
    """As csv_columns has it: FNV-1a over the cells' bits, column by column."""
    total = 0xCBF29CE484222325
    for word in columns.view(numpy.uint32).tolist():
        total = ((total ^ word) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{total:016x}"


def judge_columns(plan, job):
    truth = quality.read(plan.directory(plan.rows) / "columns.f32")
    same = job.ours().facts["checksum"] == checksum(truth)
    job.ours().quality = "every cell exact" if same else "some cells are wrong"
    for contender in job.finished():
        if contender.who != OURS:
            wrong = contender.facts["wrong"]
            contender.quality = f"{wrong:,} cells not the nearest float32" if wrong else "every cell exact"
    yield f"{'' if same else 'FAILED '}CSV to float32 columns: ours {job.ours().quality}"


def models(plan):
    """Isolation forests of ours and of scikit-learn, for the processes below."""
    directory = plan.directory(plan.rows)
    ours, theirs = plan.model(OURS, "whole"), plan.model("scikit-learn", "whole")
    plan.output(plan.ours("fit-isolation", directory, plan.rows, "-s", f"trees={plan.trees}", "-o", ours))
    plan.output(plan.peer("scikit-learn", "fit-isolation", directory, "--out", theirs))
    return ours, theirs


def whole_job(plan, rows, path, ours, theirs):
    score = [plan.build / "mlops-score", "-q", "--threads", plan.threads, "--model", ours, path]
    contenders = [Contender(OURS, score, whole=True)]
    for reader in ("pyarrow", "pandas") if theirs else ():
        command = plan.python_command("score_csv.py", reader, theirs, path, plan.threads)
        contenders.append(Contender(f"{reader} + scikit-learn", command, whole=True))
    return Job(f"process: {rows:,} rows of CSV in, scored lines out to /dev/null", contenders)


def lines_of(plan, contender):
    """Scores by line, in any of the formats."""
    lines = plan.output(contender.command).decode().splitlines()
    if lines[0].startswith("{"):
        return numpy.array([json.loads(line)["anomaly_score"] for line in lines])
    return numpy.array([float(line.split(",")[0]) for line in lines[1:]])


def judge_whole(plan, job):
    truth = quality.read(plan.directory(plan.rows) / "anomaly.u8", numpy.uint8).astype(bool)
    aucs = {}
    for contender in job.finished():
        scores = lines_of(plan, contender)
        if len(scores) != len(truth):
            yield f"FAILED {job.title}: {contender.who} wrote {len(scores)} lines"
            continue
        aucs[contender.who] = quality.auc(scores, truth)
        contender.quality = f"AUC {aucs[contender.who]:.4f}"
    yield quality.no_worse("scored lines: AUC", aucs, quality.AUC_SLACK * plan.slack)


def few_rows(plan):
    """The first rows of the file, as a file."""
    few = plan.build / "rows" / f"first-{FEW}-of-{plan.rows}.csv"
    with open(plan.directory(plan.rows) / "rows.csv", encoding="ascii") as file:
        few.write_text("".join(next(file) for _ in range(FEW + 1)), encoding="ascii")
    return few


def growth(plan):
    ours, _ = models(plan)
    columns, whole = [], []
    for rows in plan.sizes:
        columns.append(columns_job(plan, rows, ()).run(plan).ours().median())
        path = plan.directory(rows) / "rows.csv"
        whole.append(whole_job(plan, rows, path, ours, None).run(plan).ours().median())
    yield "CSV to float32 columns", columns
    yield "process, CSV in, scored lines out", whole


def run(plan):
    columns = columns_job(plan, plan.rows, READERS).run(plan)
    checks = list(judge_columns(plan, columns))
    ours, theirs = models(plan)
    whole = whole_job(plan, plan.rows, plan.directory(plan.rows) / "rows.csv", ours, theirs).run(plan)
    checks += judge_whole(plan, whole)
    few = whole_job(plan, FEW, few_rows(plan), ours, theirs).run(plan)
    return [columns, whole, few], checks
