"""The service under load, beside MLflow's scoring server and one made of FastAPI and ONNX Runtime.

All have the same models, are asked by the same wrk at 32 connections, and share the machine's CPUs with it.  MLflow
serves one model a process; the others have three.  $MLOPS_BENCH_SERVICE is a Python that has the peers.
"""
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys

from contest import OURS, Contender, Job

MODELS = ("anomaly_detection", "failure_prediction", "time_series_forecast")
ROWS = 1000  # of a CSV body
WINDOW, STEPS = 48, 6
PEERS = ("fastapi-1", "fastapi-2", "mlflow-1", "mlflow-2")
CLOSE = 1e-4

# Runs under the peers' Python: the same ONNX files as MLflow wants them.
SAVE = """
import sys, onnx, mlflow.onnx
for name in sys.argv[2:]:
    mlflow.onnx.save_model(onnx.load(f"{sys.argv[1]}/models/{name}.onnx"), f"{sys.argv[1]}/mlflow/{name}")
"""


def python():
    return pathlib.Path(os.environ.get("MLOPS_BENCH_SERVICE", sys.executable))


def registry_environment(plan, files):
    return dict(plan.environment, MLOPS_REGISTRY=str(files / "registry"), PATH=f"{plan.build}:{plan.environment['PATH']}")


def train(plan, files):
    """A registry with the three champions, and a second version of one; made anew each time."""
    subprocess.run(["rm", "-rf", str(files)], check=True)
    for folder in ("models", "mlflow"):
        (files / folder).mkdir(parents=True)
    environment = registry_environment(plan, files)

    def shell(command):
        return subprocess.run(["sh", "-c", command], cwd=files, env=environment, check=True, stdout=subprocess.PIPE).stdout

    days = 10 if plan.rows <= 10_000 else 60
    shell(f"{plan.build}/examples/plant-simulator --days {days} --labels --anomalies > plant.csv")
    trained = {
        "anomaly_detection": "--target anomaly --ignore failure",
        "failure_prediction": "--target failure --ignore anomaly",
        "time_series_forecast": f"--target flow --ignore failure,anomaly --every 1h --set seq_length={WINDOW} "
        f"--set forecast_horizon={STEPS} --set hidden=16 --set epochs=2",
    }
    for name, options in trained.items():
        facts = json.loads(shell(f"mlops-train -q --model {name} {options} plant.csv"))
        (files / "models" / f"{name}.json").write_text(json.dumps(facts), encoding="utf-8")
        shell(f"mlops-registry promote {name} 1 && mlops-registry export {name}/1 models/{name}.onnx")
    shell("mlops-train -q --model anomaly_detection --target anomaly --ignore failure --seed 1 plant.csv")
    bodies(files, json.loads((files / "models" / "failure_prediction.json").read_text(encoding="utf-8"))["features"])
    subprocess.run([str(python()), "-c", SAVE, str(files), *MODELS], env=plan.environment, check=True,
                   stdout=subprocess.DEVNULL)


def bodies(files, features):
    """What is asked: a row, rows, a history, each as everybody wants it."""
    lines = (files / "plant.csv").read_text(encoding="utf-8").splitlines()
    names = lines[0].split(",")
    kept = []
    for line in lines[1:]:
        cells = dict(zip(names, line.split(",")))
        row = [cells[feature] for feature in features]
        # Missing values are left out: each peer has another word for them.
        if all(row):
            kept.append(row)
        if len(kept) == ROWS:
            break
    history = [round(104 + 4 * math.sin(step / 4), 2) for step in range(WINDOW)]
    numbers = [float(cell) for cell in kept[0]]

    def write(name, value):
        text = value if isinstance(value, str) else json.dumps(value)
        (files / name).write_text(text, encoding="utf-8")

    write("rows.csv", "\n".join(",".join(row) for row in [features, *kept]) + "\n")
    write("row.json", dict(zip(features, numbers)))
    write("row.mlflow.json", {"dataframe_split": {"columns": features, "data": [numbers]}})
    write("history.json", {"sensor_id": "pump-01", "historical_data": history, "forecast_steps": STEPS})
    write("history.mlflow.json", {"inputs": [history]})


def contenders(plan, files, job, peers):
    seconds = 1 if plan.rows <= 10_000 else 3 if plan.rows <= 100_000 else 10
    words = ["--files", files, "--build", plan.build, "--python", python(), "--seconds", seconds]
    return [Contender(who, plan.python_command("service_load.py", who, job, *words)) for who in (OURS, *peers)]


def judge(job, unit, factor=1):
    for contender in job.finished():
        contender.quality = f"{factor / contender.median():,.0f} {unit}/s"
        contender.p99 = statistics.median(facts["p99"] for facts in contender.every)
        contender.quality += f", p99 {1000 * contender.p99:.1f} ms"
    return job


def compared(job, prefix, wanted):
    """How many times faster than the best peer of a kind, and by how much shorter the 99th percentile is."""
    peers = [contender for contender in job.finished() if contender.who.startswith(prefix)]
    if not peers:
        return
    ratio = min(peer.median() for peer in peers) / job.ours().median()
    tail = min(peer.p99 for peer in peers) / job.ours().p99
    yield f"{job.title}: {ratio:.0f} x {prefix}, p99 {tail:.0f} x shorter (wanted: {wanted})"


def same_answers(job):
    ours = job.ours().facts["values"]
    for peer in job.finished():
        theirs = peer.facts["values"]
        same = len(ours) == len(theirs) and all(abs(a - b) <= CLOSE * max(1, abs(a)) for a, b in zip(ours, theirs))
        if not same:
            yield f"FAILED {job.title}: {peer.who} answers otherwise"


def run(plan):
    files = plan.build / "service"
    train(plan, files)
    jobs, checks = [], []
    loads = (
        ("row", "one row a request", "requests", 1, (("mlflow", "20 x, p99 10 x"), ("fastapi", "8 x, p99 10 x"))),
        ("csv-failure", "1,000 rows of CSV, random forest", "rows", ROWS, (("mlflow", "10 x"), ("fastapi", "10 x"))),
        ("csv-anomaly", "1,000 rows of CSV, isolation forest", "rows", ROWS, (("mlflow", "10 x"), ("fastapi", "10 x"))),
        ("forecast", "POST /forecast", "requests", 1, (("mlflow", "5 x"), ("fastapi", "5 x"))),
    )
    for word, title, unit, factor, targets in loads:
        job = judge(Job(title, contenders(plan, files, word, PEERS)).run(plan), unit, factor)
        jobs.append(job)
        checks += same_answers(job)
        for prefix, wanted in targets:
            checks += compared(job, prefix, wanted)
    jobs.append(Job("start, until it answers", contenders(plan, files, "start", PEERS)).run(plan))
    ours = jobs[-1].ours()
    checks.append(f"start: {1000 * ours.median():.0f} ms (wanted: 50), {ours.peak / 1e6:.0f} MB with three models (wanted: 30)")
    jobs.append(Job("rollback, until it is confirmed", contenders(plan, files, "rollback", ())).run(plan))
    checks.append(f"rollback: {1000 * jobs[-1].ours().median():.0f} ms (wanted: 1000)")
    return jobs, checks
