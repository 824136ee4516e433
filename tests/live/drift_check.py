"""Are the drift figures of mlops-validate those of SciPy?

    python drift_check.py make OUTDIR          seeded rows: OUTDIR/reference.csv, current.csv and, short, few_*.csv
    python drift_check.py compare REFERENCE.csv CURRENT.csv VALIDATED.jsonl ERROR

Compares the summary line's "drift" with scipy.stats.ks_2samp, wasserstein_distance over the reference's standard
deviation (0.001 at least), the population stability index and scipy.spatial.distance.jensenshannon on shares
that numpy.histogram counts, with the bins that Evidently takes: Sturges' over both, or each value where the reference
has at most 20; missing values are left out.  ERROR is what a share may be wrong; 0 asks for equality to 1e-9.
Exit status 1 where they do not agree.  Needs numpy and scipy.
"""
import csv
import json
import pathlib
import sys

import numpy
from scipy import stats
from scipy.spatial import distance

FEW_VALUES = 20


def columns(rng, rows, shift):
    values = {
        "normal": rng.normal(20 + shift, 3, rows),
        "skewed": rng.lognormal(0.2 * shift, 1, rows),
        "quantised": numpy.round(rng.normal(shift, 4, rows), 1),
        "state": rng.choice(5, rows, p=[0.1 + 0.05 * shift, 0.4 - 0.05 * shift, 0.2, 0.2, 0.1]).astype(float),
        "constant": numpy.full(rows, 7.0),
    }
    values["normal"][rng.random(rows) < 0.05 + 0.1 * shift] = numpy.nan
    return {name: column.astype(numpy.float32) for name, column in values.items()}


def write(path, table):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        for row in zip(*table.values()):
            writer.writerow(["" if numpy.isnan(value) else repr(float(value)) for value in row])


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        names, *rows = csv.reader(file)
    table = numpy.array([[numpy.nan if cell == "" else numpy.float32(cell) for cell in row] for row in rows], dtype=float)
    return dict(zip(names, table.T))


def shares(reference, current):
    if len(numpy.unique(reference)) > FEW_VALUES:
        edges = numpy.histogram_bin_edges(numpy.concatenate([reference, current]), bins="sturges")
        counts = [numpy.histogram(values, edges)[0] for values in (reference, current)]
    else:
        keys = numpy.unique(numpy.concatenate([reference, current]))
        counts = [numpy.array([(values == key).sum() for key in keys]) for values in (reference, current)]
    return counts[0] / len(reference), counts[1] / len(current)


def filled(part):
    least = part[part > 0].min()
    return numpy.where(part == 0, least / 1e6 if least <= 0.0001 else 0.0001, part)


def figures(reference, current):
    missing = numpy.isnan(current).mean() - numpy.isnan(reference).mean()
    reference, current = reference[~numpy.isnan(reference)], current[~numpy.isnan(current)]
    a, b = shares(reference, current)
    c, d = filled(a), filled(b)
    return {
        "psi": float(((c - d) * numpy.log(c / d)).sum()),
        "ks": stats.ks_2samp(reference, current).statistic,
        "wasserstein": stats.wasserstein_distance(reference, current) / max(numpy.std(reference), 0.001),
        "jensen_shannon": distance.jensenshannon(a, b),
        "missing": missing,
    }


def compare(reference_path, current_path, validated, error):
    reference, current = read(reference_path), read(current_path)
    drift = json.loads(pathlib.Path(validated).read_text(encoding="utf-8").splitlines()[-1])["drift"]
    wrong = 0
    for name in reference:
        for figure, expected in figures(reference[name], current[name]).items():
            slack = 1e-9 if figure == "missing" else max(1e-9, 20 * error if figure != "ks" else 2 * error)
            if not abs(drift[name][figure] - expected) <= slack:
                print(f"{name}: {figure} is {drift[name][figure]}, SciPy says {expected}")
                wrong += 1
    print(json.dumps({"columns": len(reference), "wrong": wrong}))
    return wrong > 0


def make(directory):
    rng = numpy.random.default_rng(11)
    for prefix, rows in ("few_", 4000), ("", 60000):
        write(directory / f"{prefix}reference.csv", columns(rng, rows, 0))
        write(directory / f"{prefix}current.csv", columns(rng, rows * 3 // 4, 1))


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(pathlib.Path(sys.argv[2]))
    else:
        sys.exit(compare(*sys.argv[2:5], float(sys.argv[5])))
