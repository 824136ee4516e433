"""Rows made from a seed: the same ones for every contender.

    python rows.py DIRECTORY ROWS SEED PART

DIRECTORY gets columns.f32 (float32, a column after the other), rows.f32 (the same, a row after the other),
rows.csv (the same numbers as text, columns f0 f1 ...), anomaly.u8 and failure.u8 (a byte a row: what is to be
found).

Sensors share a few causes, so they are correlated; an anomaly is a row whose sensors disagree.  A failure
depends on a few sensors and their products, with noise, so that trees grow deep, as on real rows.  Parts are
other rows from the same sensors: one to fit on, one to judge by.
"""
import pathlib
import sys

import numpy

FEATURES = 20
CAUSES = 5
ANOMALIES = 0.02
FAILURES = 0.05


def make(rows, seed, part):
    rng = numpy.random.default_rng([seed, rows, part])
    weights = numpy.random.default_rng(seed).normal(size=(CAUSES, FEATURES))
    values = rng.normal(size=(rows, CAUSES)) @ weights + 0.5 * rng.normal(size=(rows, FEATURES))
    anomaly = rng.random(rows) < ANOMALIES
    values[anomaly] += rng.normal(scale=3, size=(int(anomaly.sum()), FEATURES))
    risk = values[:, 0] + 0.7 * values[:, 1] * values[:, 2] - 0.5 * values[:, 3] ** 2 + values[:, 4]
    risk += rng.normal(scale=0.5, size=rows)
    return numpy.round(values, 6), anomaly, risk > numpy.quantile(risk, 1 - FAILURES)


def write(directory, rows, seed, part):
    import pyarrow
    import pyarrow.csv

    values, anomaly, failure = make(rows, seed, part)
    directory.mkdir(parents=True, exist_ok=True)
    anomaly.astype(numpy.uint8).tofile(directory / "anomaly.u8")
    failure.astype(numpy.uint8).tofile(directory / "failure.u8")
    values.astype(numpy.float32).tofile(directory / "rows.f32")
    numpy.ascontiguousarray(values.T, dtype=numpy.float32).tofile(directory / "columns.f32")
    table = pyarrow.table({f"f{i}": values[:, i] for i in range(FEATURES)})
    options = pyarrow.csv.WriteOptions(quoting_style="none")
    pyarrow.csv.write_csv(table, directory / "rows.csv.part", options)
    (directory / "rows.csv.part").rename(directory / "rows.csv")


if __name__ == "__main__":
    write(pathlib.Path(sys.argv[1]), *(int(word) for word in sys.argv[2:]))
