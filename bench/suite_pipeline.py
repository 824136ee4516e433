"""The nightly job: both forests from a table of PostgreSQL to a new champion that a service has taken up.

mlops-retrain against the same job in Python with pandas, scikit-learn and MLflow's client, each with a first champion in place.
Both register with one MLflow server.  The peer fits each forest once, on the training part, and keeps that model; ours fits
once more, on all rows.
"""
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

from contest import OURS, Contender, Failure, Job

TOKEN = "bench"
PEER = "pandas, scikit-learn, MLflow"
FORESTS = {"anomaly": ("anomaly_detection", "anomaly"), "failure": ("failure_prediction", "failure")}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(ready, what):
    for _ in range(1800):
        if ready():
            return
        time.sleep(0.1)
    raise Failure(f"{what} does not get ready")


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


class Servers:
    """PostgreSQL with the rows, MLflow, and the service; all end with the block."""

    def __init__(self, plan, python):
        self.plan, self.python, self.started = plan, python, []
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="mlops-bench-"))
        self.directory.chmod(0o755)

    def start(self, command, log, **options):
        words = [str(word) for word in command]
        with open(self.directory / log, "wb") as out:
            self.started.append(subprocess.Popen(words, stdout=out, stderr=out, stdin=subprocess.DEVNULL, **options))
        return self.started[-1]

    def programs(self):
        found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if not found:
            raise Failure("PostgreSQL is not installed")
        return found[-1].parent

    def postgres(self):
        programs, data, port = self.programs(), self.directory / "postgres", free_port()
        data.mkdir()
        # PostgreSQL refuses to run as root.
        user = {"user": "nobody", "cwd": "/"} if os.getuid() == 0 else {}
        if user:
            os.chown(data, pwd.getpwnam("nobody").pw_uid, -1)
        options = ["-D", data, "-U", "plant", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run([programs / "initdb", *options], check=True, stdout=subprocess.DEVNULL, **user)
        server = [programs / "postgres", "-D", data, "-k", data, "-p", port, "-c", "listen_addresses=127.0.0.1"]
        self.start(server + ["-c", "fsync=off", "-c", "max_wal_size=8GB"], "postgres.log", **user)
        wait_for(
            lambda: subprocess.run(["pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)], check=False).returncode == 0,
            "PostgreSQL",
        )
        self.database = f"postgresql://plant@127.0.0.1:{port}/postgres"

    def fill(self):
        """A table with a time, the twenty features, and what is to be found."""
        names = [f"f{i}" for i in range(20)]
        directory = self.plan.directory(self.plan.rows)
        columns = ", ".join(f"{name} float8" for name in names)
        sql = (
            f"CREATE TABLE given (i serial, {columns}); CREATE TABLE flags (i serial, anomaly int, failure int);\n"
            f"\\copy given ({', '.join(names)}) FROM '{directory}/rows.csv' CSV HEADER\n"
            f"\\copy flags (anomaly, failure) FROM '{self.flags(directory)}' CSV\n"
            "CREATE TABLE readings AS SELECT timestamptz '2024-01-01 00:00Z' + i * interval '1 second' AS timestamp, "
            f"{', '.join(names)}, anomaly, failure FROM given JOIN flags USING (i) ORDER BY i; VACUUM ANALYZE readings;\n"
        )
        subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", self.database], input=sql.encode(), check=True)

    def flags(self, directory):
        path = self.directory / "flags.csv"
        pairs = zip((directory / "anomaly.u8").read_bytes(), (directory / "failure.u8").read_bytes())
        path.write_text("".join(f"{anomaly},{failure}\n" for anomaly, failure in pairs), encoding="ascii")
        return path

    def mlflow(self):
        port = free_port()
        store = f"sqlite:///{self.directory}/mlflow.db"
        command = [self.python, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", port, "--workers", 1]
        self.start([*command, "--backend-store-uri", store, "--artifacts-destination", self.directory / "artifacts"], "mlflow.log")
        self.tracking = f"http://127.0.0.1:{port}"
        wait_for(lambda: answers(f"{self.tracking}/health"), "MLflow")

    def serve(self):
        port = free_port()
        environment = dict(os.environ, SYSTEM_ADMIN_TOKEN=TOKEN, **self.registry())
        self.start([self.plan.build / "mlops-serve", "--port", port], "serve.log", env=environment)
        self.service = f"http://127.0.0.1:{port}"
        wait_for(lambda: answers(f"{self.service}/healthz"), "mlops-serve")

    def registry(self):
        return {"MLOPS_REGISTRY": str(self.directory / "registry"), "MLFLOW_TRACKING_URI": self.tracking}

    def __enter__(self):
        try:
            self.postgres()
            self.fill()
            self.mlflow()
            self.serve()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.started):
            process.send_signal(signal.SIGINT)
        for process in self.started:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(self.directory)


def configurations(plan, servers, source):
    directory = pathlib.Path(tempfile.mkdtemp(dir=servers.directory))
    for name, (kind, target) in FORESTS.items():
        other = next(column for _, column in FORESTS.values() if column != target)
        lines = [f"KIND={kind}", f"TARGET={target}", f"IGNORE={other}", source, f"SETTINGS=trees={plan.trees}"]
        # Of few rows a new champion may be much worse by chance, which would end the job with 1.
        lines += [f"TEXTFILE_DIRECTORY={servers.directory}", "CRITICAL_LOSS=1"]
        (directory / f"{name}.conf").write_text("\n".join(lines) + "\n", encoding="ascii")
    return directory


def environment(servers):
    facts = {"DATABASE_URL": servers.database, "SYSTEM_ADMIN_TOKEN": TOKEN, "ML_SERVICE_URL": servers.service}
    return dict(facts, **servers.registry())


def contenders(plan, servers, python, source, trees):
    words = ["env", f"PATH={plan.build}:{os.environ['PATH']}", *(f"{k}={v}" for k, v in environment(servers).items())]
    ours = [*words, "mlops-retrain", "--all", "--threads", plan.threads, "--config-dir", configurations(plan, servers, source)]
    theirs = [*words, python, plan.top / "peer_pipeline.py", trees, plan.threads, servers.directory / "peer.prom"]
    return [Contender(OURS, ours, whole=True), Contender(PEER, theirs, whole=True)]


def judge(plan, servers, ours):
    """After one more run: both forests have a new champion, it is served, and it is as good as it should be."""
    lines = [json.loads(line) for line in plan.output(ours.command).decode().splitlines()]
    with urllib.request.urlopen(f"{servers.service}/models", timeout=10) as answer:
        served = {model["name"]: model["version"] for model in json.load(answer)["models"]}
    for line in lines:
        name, precision = line["model"], line["metrics"]["average_precision"]
        fine = line["exit_status"] == 0 and served.get(name) == line["champion"] and precision > 0.2
        steps = ", ".join(f"{step} {seconds:.2f} s" for step, seconds in line["steps"].items())
        yield f"{'' if fine else 'FAILED '}{name}: {line['outcome']}, average precision {precision:.3f}; {steps}"


def run(plan):
    python = os.environ.get("MLOPS_BENCH_MLFLOW", sys.executable)
    with Servers(plan, python) as servers:
        pair = contenders(plan, servers, python, "TABLE=readings", plan.trees)
        # scikit-learn takes a quarter of an hour for a random forest of a million rows.
        plan.limit = max(plan.limit, 3600)
        # The first champions: ours of rows without the last day's, the peer's of few trees, or it would take that time twice.
        earlier = f"QUERY='SELECT * FROM readings LIMIT {plan.rows * 9 // 10}'"
        for first in contenders(plan, servers, python, earlier, max(1, plan.trees // 20)):
            first.turn(plan)
            if first.failure:
                raise Failure(f"{first.who}, the first champion: {first.failure}")
        job = Job(f"nightly job, both forests, from {plan.rows:,} x 20 rows in PostgreSQL", pair).run(plan)
        return [job], list(judge(plan, servers, pair[0]))
