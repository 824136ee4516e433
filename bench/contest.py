"""Runs contenders in turn (A B C A B C ...) and collects what they took.

A contender is a command.  Inner calls print a JSON object with lists "seconds" and "cpu" and "peak_bytes"; a
whole process is measured from outside by bench/measure.  The figures of every call of every turn go into one
list; what a process printed besides is in `facts` (of the last turn) and `every`.
"""
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

OURS = "mlops"


class Failure(Exception):
    pass


class Contender:
    """first: what the first turn's command gets besides, for instance to keep a model."""

    def __init__(self, who, command, first=(), whole=False):
        self.who, self.whole = who, whole
        self.command, self.first = [str(word) for word in command], [str(word) for word in first]
        self.seconds, self.cpu, self.peak, self.facts, self.every = [], [], 0, {}, []
        self.spent, self.turns, self.failure, self.quality = 0.0, 0, None, ""

    def turn(self, plan):
        """One process.  What it prints besides, if anything, is in facts."""
        command = self.command + (self.first if self.turns == 0 else [])
        self.turns += 1
        with tempfile.TemporaryDirectory() as directory:
            figures = pathlib.Path(directory) / "figures"
            done = subprocess.run(
                # timeout ends all of its process group.
                ["timeout", str(plan.limit), str(plan.measure), str(figures), *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL if self.whole else subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=plan.environment,
                check=False,
            )
            if done.returncode == 124:
                self.failure = f"took more than {plan.limit} s"
                return
            if done.returncode != 0:
                lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
                self.failure = f"status {done.returncode}: {lines[-1]}"
                return
            process = json.loads(figures.read_text(encoding="utf-8"))
        self.spent += process["seconds"]
        if self.whole:
            self.seconds.append(process["seconds"])
            self.cpu.append(process["cpu"])
            self.peak = max(self.peak, process["peak_bytes"])
            return
        self.facts = json.loads(done.stdout.decode().strip().splitlines()[-1])
        self.every.append(self.facts)
        self.seconds += self.facts["seconds"]
        self.cpu += self.facts["cpu"]
        self.peak = max(self.peak, self.facts.get("peak_bytes", process["peak_bytes"]))

    def median(self):
        return statistics.median(self.seconds)


class Job:
    """What is to be done, by whom; ours comes first."""

    def __init__(self, title, contenders):
        self.title, self.contenders = title, contenders

    def ours(self):
        return next(contender for contender in self.contenders if contender.who == OURS)

    def run(self, plan):
        """Turn about; who has used up the plan's seconds sits the other turns out."""
        self.contenders = [contender for contender in self.contenders if contender.who not in plan.without]
        for turn in range(plan.repeats):
            for contender in self.contenders:
                if contender.failure or (turn > 0 and contender.spent >= plan.budget):
                    continue
                print(f"{self.title}: {contender.who}, turn {turn + 1} of {plan.repeats}", file=sys.stderr)
                contender.turn(plan)
                if contender.failure:
                    print(f"{self.title}: {contender.who} failed: {contender.failure}", file=sys.stderr)
        if self.ours().failure:
            raise Failure(f"{self.title}: {self.ours().failure}")
        return self

    def finished(self):
        return [contender for contender in self.contenders if not contender.failure]
