"""Starts a service, lets wrk ask it, and prints what came out as one line of JSON.

    python service_load.py WHO JOB --files DIR --build DIR --python PYTHON --seconds S

WHO: mlops; fastapi-N, mlflow-N: with N workers.  JOB: row, csv-anomaly, csv-failure, forecast: under load, at
32 connections; start: until the first request is answered; rollback: from the command until it is confirmed.
"seconds" are those of a request (the clock's, shared by all connections) or of the start; memory is the
proportional set size of all of the service's processes, after the load.
"""
import argparse
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

CONNECTIONS = 32
ROLLBACKS = 10
PATIENCE = 120  # seconds for a start
JOBS = {  # model, route, body, media type
    "row": ("failure_prediction", "/models/failure_prediction/score", "row.json", "application/json"),
    "csv-failure": ("failure_prediction", "/models/failure_prediction/score", "rows.csv", "text/csv"),
    "csv-anomaly": ("anomaly_detection", "/models/anomaly_detection/score", "rows.csv", "text/csv"),
    "forecast": ("time_series_forecast", "/forecast", "history.json", "application/json"),
}
# MLflow's scoring server has one route and forms of its own; CSV is the same.
MLFLOW_BODIES = {"row": "row.mlflow.json", "forecast": "history.mlflow.json"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def tree(pid):
    """A process and all below it."""
    pids = [pid]
    for parent in pids:
        for children in pathlib.Path(f"/proc/{parent}/task").glob("*/children"):
            pids += [int(child) for child in children.read_text(encoding="ascii").split()]
    return pids


def memory(pid):
    lines = [pathlib.Path(f"/proc/{one}/smaps_rollup").read_text(encoding="ascii").splitlines() for one in tree(pid)]
    return sum(int(line.split()[1]) * 1024 for process in lines for line in process if line.startswith("Pss:"))


def cpu(pid):
    ticks = 0
    for one in tree(pid):
        fields = pathlib.Path(f"/proc/{one}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


class Service:
    def __init__(self, given, model):
        self.port = free_port()
        self.kind, _, workers = given.who.partition("-")
        environment = dict(os.environ, MLOPS_BENCH_MODELS=str(given.files / "models"), SYSTEM_ADMIN_TOKEN="bench",
                           MLOPS_REGISTRY=str(given.files / "registry"), PYTHONPATH=str(pathlib.Path(__file__).parent))
        environment["PATH"] = f"{given.python.parent}:{environment['PATH']}"
        address = ["--host", "127.0.0.1", "--port", str(self.port), "--workers", workers]
        self.ready, command = {
            "mlops": ("/readyz", [given.build / "mlops-serve", "-q", "--port", self.port]),
            "fastapi": ("/readyz", [given.python, "-m", "uvicorn", "peer_service:app", "--no-access-log",
                                    "--log-level", "error", *address]),
            "mlflow": ("/ping", [given.python, "-m", "mlflow", "models", "serve", "--env-manager", "local",
                                 "-m", given.files / "mlflow" / model, *address]),
        }[self.kind]
        began = time.monotonic()
        self.process = subprocess.Popen([str(word) for word in command], env=environment, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while not self.is_ready():
                if self.process.poll() is not None or time.monotonic() - began > PATIENCE:
                    raise SystemExit(f"{given.who} did not start")
                time.sleep(0.001)
        except BaseException:
            self.stop()
            raise
        self.started = time.monotonic() - began

    def is_ready(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{self.ready}", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def target(self, job, files):
        """URL, body and media type of a job."""
        _, route, body, media_type = JOBS[job]
        if self.kind == "mlflow":
            route, body = "/invocations", MLFLOW_BODIES.get(job, body)
        return f"http://127.0.0.1:{self.port}{route}", files / body, media_type

    def ask(self, job, files):
        url, body, media_type = self.target(job, files)
        request = urllib.request.Request(url, body.read_bytes(), {"Content-Type": media_type})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read().decode()

    def stop(self):
        # MLflow's workers are not its children's concern: all are told.
        pids = tree(self.process.pid)
        for pid in pids:
            try:
                os.kill(pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def flat(value):
    return [number for part in value for number in flat(part)] if isinstance(value, list) else [value]


def values(text):
    """The scores or the forecast of an answer: a line of JSON each, or MLflow's {"predictions":…} with rows or columns."""
    lines = [json.loads(line) for line in text.splitlines()]
    found = lines[0].get("predictions", lines)
    for key in ("anomaly_score", "failure_probability", "forecast"):
        if isinstance(found, dict) and key in found:
            return flat(found[key])
        if isinstance(found, list) and key in found[0]:
            return flat([row[key] for row in found])
    raise SystemExit(f"no scores in {text[:200]}")


def load(service, job, given):
    url, body, media_type = service.target(job, given.files)
    environment = dict(os.environ, BODY=str(body), TYPE=media_type)
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", "--timeout", "30s", "-s", str(pathlib.Path(__file__).parent / "post.lua"), url]
    subprocess.run([*command, "-d1s"], env=environment, check=True, stdout=subprocess.DEVNULL)
    before = cpu(service.process.pid)
    done = subprocess.run([*command, f"-d{given.seconds}s"], env=environment, check=True, stdout=subprocess.PIPE)
    used = cpu(service.process.pid) - before
    facts = json.loads(done.stdout.decode().splitlines()[-1])
    if facts["bad_answers"] or facts["broken"] or not facts["requests"]:
        raise SystemExit(f"{given.who}: {facts}")
    return {"seconds": [facts["seconds"] / facts["requests"]], "cpu": [used / facts["requests"]], "p99": facts["p99"]}


def roll_back(service, given):
    """There and back again; the way back is timed, by the commands that an operator types."""
    environment = dict(os.environ, MLOPS_REGISTRY=str(given.files / "registry"), SYSTEM_ADMIN_TOKEN="bench",
                       ML_SERVICE_URL=f"http://127.0.0.1:{service.port}",
                       PATH=f"{given.build}:{os.environ['PATH']}")
    seconds, used = [], []

    def shell(command):
        begin, before = time.monotonic(), os.times()
        subprocess.run(["sh", "-c", command], env=environment, check=True, stdout=subprocess.DEVNULL)
        after = os.times()
        return time.monotonic() - begin, sum(after[2:4]) - sum(before[2:4])

    for _ in range(ROLLBACKS):
        shell("mlops-registry -q promote anomaly_detection 2 && mlops-reload -q")
        took = shell("mlops-registry -q rollback anomaly_detection && mlops-reload -q")
        seconds.append(took[0])
        used.append(took[1])
    return {"seconds": seconds, "cpu": used}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("who")
    parser.add_argument("job", choices=[*JOBS, "start", "rollback"])
    parser.add_argument("--files", type=pathlib.Path, required=True)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--python", type=pathlib.Path, required=True)
    parser.add_argument("--seconds", type=int, required=True)
    given = parser.parse_args()
    model = JOBS.get(given.job, JOBS["row"])[0]
    service = Service(given, model)
    try:
        if given.job == "start":
            for job in ["row"] if service.kind == "mlflow" else JOBS:
                service.ask(job, given.files)
            facts = {"seconds": [service.started], "cpu": [cpu(service.process.pid)]}
        elif given.job == "rollback":
            facts = roll_back(service, given)
        else:
            facts = {"values": values(service.ask(given.job, given.files))}
            facts.update(load(service, given.job, given))
        facts["peak_bytes"] = memory(service.process.pid)
    finally:
        service.stop()
    json.dump(facts, sys.stdout)
    print()


if __name__ == "__main__":
    main()
