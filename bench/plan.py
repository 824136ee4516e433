"""How large, how often, where: what all jobs of one comparison share."""
import os
import pathlib
import subprocess
import sys

from rows import FEATURES

TOP = pathlib.Path(__file__).resolve().parent


class Plan:
    def __init__(self, build, rows, forest_rows, sizes, repeats, budget, trees, without=()):
        self.top, self.build = TOP, build
        self.rows = rows  # that are scored, and that isolation forests are fitted on
        self.forest_rows = forest_rows  # that random forests are fitted on, one job each
        self.sizes = sizes  # to see how the cost grows
        self.repeats, self.budget, self.trees = repeats, budget, trees
        self.without = without  # peers that sit this one out
        self.limit = 10 * budget  # seconds, then a contender is stopped
        self.seed = 1
        self.test_rows = min(rows, 50_000)
        # Few rows tell models apart less well; the slack of quality.py is for 50,000.
        self.slack = (50_000 / self.test_rows) ** 0.5
        self.threads = len(os.sched_getaffinity(0))
        self.measure = build / "bench" / "measure"
        self.environment = dict(os.environ, OMP_NUM_THREADS=str(self.threads), PYTHONDONTWRITEBYTECODE="1")
        self.peers = pathlib.Path(sys.executable).parent  # where programs of the peers are, too
        self.models = build / "models"
        self.models.mkdir(exist_ok=True)

    def directory(self, rows, part=0):
        """The folder with that many rows, which are made if need be."""
        directory = self.build / "rows" / f"{rows}-{self.seed}-{part}"
        if not (directory / "rows.csv").exists():
            print(f"making {rows:,} rows", file=sys.stderr)
            self.python("rows.py", directory, rows, self.seed, part)
        return directory

    def test_directory(self):
        return self.directory(self.test_rows, part=1)

    def python_command(self, script, *words):
        return [sys.executable, str(TOP / script), *(str(word) for word in words)]

    def python(self, script, *words):
        self.output(self.python_command(script, *words))

    def output(self, command):
        """What a command prints that must not fail and isn't timed."""
        words = [str(word) for word in command]
        return subprocess.run(words, env=self.environment, check=True, stdout=subprocess.PIPE).stdout

    def ours(self, job, directory, rows, *words, calls=1, threads=None):
        """A command of forest_inner."""
        options = ["-n", calls, "-t", threads or self.threads, *words]
        files = [directory / "columns.f32", directory / "failure.u8"]
        return [self.build / "bench" / "forest_inner", *options, job, rows, FEATURES, *files]

    def peer(self, who, job, directory, *words, calls=1, threads=None):
        """The same of peer.py."""
        options = ["--rows", directory, "--calls", calls, "--threads", threads or self.threads]
        return self.python_command("peer.py", who, job, *options, "--trees", self.trees, *words)

    def model(self, who, kind):
        return self.models / f"{who}.{kind}{'.onnx' if who in ('mlops', 'onnxruntime') else ''}"
