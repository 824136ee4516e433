"""Validation: whole processes from CSV to the figures of every column, and to a verdict."""
import datetime
import json
import os
import shutil

import numpy

import postgres
import quality
import suite_csv
from contest import OURS, Contender, Job

FEATURES = 20
PROFILERS = ("duckdb", "polars")
CHECKERS = ("duckdb", "pandera", "great_expectations")
CLIENTS = ("psycopg", "connectorx", "adbc")


def ours(plan, path, *words):
    return [plan.build / "mlops-validate", "-q", "--threads", plan.threads, *words, path]


def peer(plan, who, job, path):
    return Contender(who, plan.python_command("peer_validate.py", who, job, path, plan.threads), whole=True)


def profile_job(plan, rows, peers):
    path = plan.directory(rows) / "rows.csv"
    contenders = [Contender(OURS, ours(plan, path, "--profile", "--checks", "rows"), whole=True)]
    contenders += [peer(plan, who, "profile", path) for who in peers]
    if peers and xan(plan):
        for who, words in (("xan", ["--all"]), ("xan, no quantiles", [])):
            command = [xan(plan), "stats", *words, "--threads", plan.threads, path]
            contenders.append(Contender(who, command, whole=True))
    return Job(f"profile of every column: {rows:,} rows", contenders)


def xan(plan):
    """The program, which no package index of Python has: in the path, or beside the peers."""
    return shutil.which("xan", path=f"{os.environ.get('PATH', '')}:{plan.peers}")


def schema(plan):
    path = plan.build / "validate-schema.json"
    limits = {"missing": {"most": 0}, "range": {"least": -50, "most": 50}}
    columns = [{"name": f"f{i}", **limits} for i in range(FEATURES)]
    path.write_text(json.dumps({"mlops_schema": 1, "columns": columns}), encoding="utf-8")
    return path


def check_job(plan, peers):
    path = plan.directory(plan.rows) / "rows.csv"
    words = ["--schema", schema(plan), "--checks", "columns,parse,not_finite,ragged,rows,missing,range"]
    contenders = [Contender(OURS, ours(plan, path, *words), whole=True)]
    contenders += [peer(plan, who, "check", path) for who in peers]
    return Job(f"columns, missing values and ranges: {plan.rows:,} rows", contenders)


def timed(plan, rows):
    """The rows with a time, a minute apart, so that the checks of times have something to do."""
    path = plan.directory(rows) / "timed.csv"
    if not path.exists():
        start = datetime.datetime(2023, 11, 14)
        with open(plan.directory(rows) / "rows.csv", encoding="utf-8") as lines, \
                open(path.with_suffix(".part"), "w", encoding="utf-8") as out:
            out.write("time," + next(lines))
            for i, line in enumerate(lines):
                out.write(f"{(start + datetime.timedelta(minutes=i)).isoformat()}Z,{line}")
        path.with_suffix(".part").rename(path)
    return path


def all_job(plan, rows, against="a model"):
    """What a model's file says of its training data is the reference, or rows, which are read as well."""
    path, limits = timed(plan, rows), plan.build / "validate-all.json"
    reference = path if against == "rows" else plan.models / "validate-all.onnx"
    limits.write_bytes(plan.output([plan.build / "mlops-validate", "-q", "--infer", path]))
    if against != "rows":
        words = ["-m", "anomaly_detection", "--test-fraction", "0", "-o", reference]
        plan.output([plan.build / "mlops-train", "-q", *words, path])
    command = ours(plan, path, "--schema", limits, "--profile", "--reference", reference)
    return Job(f"all checks, with drift against {against}: {rows:,} rows", [Contender(OURS, command, whole=True)])


def postgres_job(plan, server, rows, peers):
    """A table into float32 columns in memory; psql's \\copy writes a file instead."""
    path = plan.build / "copied"
    plan.environment.update(server.environment, DATABASE_URL=server.url)
    ours = [plan.build / "bench" / "csv_columns", "-d", "-n", 3, "-t", plan.threads, "rows"]
    contenders = [Contender(OURS, ours)]
    for who in peers:
        contenders.append(Contender(who, plan.python_command("peer_postgres.py", who, "rows", "--calls", 3)))
    for kind in ("csv", "binary") if peers else ():
        copy = f"\\copy rows TO '{path}' (FORMAT {kind})"
        contenders.append(Contender(f"psql, {kind} to a file", ["psql", "-q", "-c", copy], whole=True))
    job = Job(f"PostgreSQL to float32 columns: {rows:,} rows", contenders).run(plan)
    path.unlink(missing_ok=True)
    return job


def judge_postgres(plan, job):
    truth = quality.read(plan.directory(plan.rows) / "columns.f32")
    same = job.ours().facts["checksum"] == suite_csv.checksum(truth)
    job.ours().quality = "every cell exact" if same else "some cells are wrong"
    yield f"{'' if same else 'FAILED '}PostgreSQL to float32 columns: ours {job.ours().quality}"


def from_postgres(plan):
    """Jobs and checks; where there is no server, why."""
    environment = dict(plan.environment)
    try:
        with postgres.server() as server:
            server.load(plan.directory(plan.rows) / "rows.csv", [f"f{i}" for i in range(FEATURES)])
            job = postgres_job(plan, server, plan.rows, CLIENTS)
        return [job], list(judge_postgres(plan, job))
    except postgres.Missing as missing:
        return [], [f"PostgreSQL to float32 columns: left out, {missing}"]
    finally:
        plan.environment = environment


def judge_profile(plan, job):
    """Least, largest, mean and deviation as numpy has them; ranks of quantiles, and counts, within the stated error."""
    columns = quality.read(plan.directory(plan.rows) / "columns.f32").reshape(FEATURES, -1)
    lines = [json.loads(line) for line in plan.output(job.ours().command).decode().splitlines()]
    worst_rank = worst_count = worst_mean = 0.0
    exact = True
    for line in lines:
        if "profile" not in line:
            continue
        values = columns[int(line["profile"][1:])]
        least, most = numpy.float32(line["min"]), numpy.float32(line["max"])
        exact = exact and line["count"] == len(values) and least == values.min() and most == values.max()
        wide = values.astype(float)
        worst_mean = max(worst_mean, abs(line["mean"] - wide.mean()), abs(line["deviation"] - wide.std()))
        for share, value in line["quantiles"].items():
            low, high = (values < numpy.float32(value)).mean(), (values <= numpy.float32(value)).mean()
            worst_rank = max(worst_rank, low - float(share) / 100, float(share) / 100 - high)
        distinct = len(numpy.unique(values))
        worst_count = max(worst_count, abs(line["distinct"] / distinct - 1))
    fine = exact and worst_mean < 1e-9 and worst_rank < 0.0015 and worst_count < 0.06
    job.ours().quality = f"ranks within {worst_rank:.4f}, counts within {100 * worst_count:.1f} %"
    yield f"{'' if fine else 'FAILED '}profile: {job.ours().quality}, mean and deviation within {worst_mean:.1g}"


def growth(plan):
    yield "profile of every column", [profile_job(plan, rows, ()).run(plan).ours().median() for rows in plan.sizes]
    yield "all checks, with drift", [all_job(plan, rows).run(plan).ours().median() for rows in plan.sizes]


def run(plan):
    profiles = profile_job(plan, plan.rows, PROFILERS).run(plan)
    checks = list(judge_profile(plan, profiles))
    if not xan(plan):
        checks.append("xan: left out, it is not installed (cargo install xan)")
    everything = [all_job(plan, plan.rows, against).run(plan) for against in ("a model", "rows")]
    tables, notes = from_postgres(plan)
    jobs = [profiles, check_job(plan, CHECKERS).run(plan), *everything, *tables]
    return jobs, checks + notes
