"""Random forests of scikit-learn as ONNX files, with what scikit-learn itself says.

    python make_sklearn.py OUTDIR

For each case OUTDIR gets CASE.onnx (skl2onnx), CASE.csv (rows without the target) and CASE.jsonl
(predict_proba as mlops-score prints it).  Seeded: the same rows and forests each
time.  Needs scikit-learn and skl2onnx.
"""
import csv
import json
import pathlib
import sys

import numpy
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier

ROWS, FEATURES = 1500, 6
OPSETS = {"": 17, "ai.onnx.ml": 3}


def rows(rng, missing):
    values = rng.normal(size=(ROWS, FEATURES)).astype(numpy.float32)
    values[:, 2] = numpy.round(values[:, 2] * 2)
    risk = values[:, 0] + values[:, 1] * values[:, 2] + 0.5 * rng.normal(size=ROWS)
    if missing:
        values[rng.random(values.shape) < 0.15] = numpy.nan
    return values, risk


def complete_missing(model, forest):
    """skl2onnx (1.20) writes 0 for each node of a random forest, though scikit-learn has a side for
    missing values in each; the operator has room for it."""
    attributes = {attribute.name: attribute for attribute in model.graph.node[0].attribute}
    sides = numpy.concatenate([tree.tree_.missing_go_to_left for tree in forest.estimators_])
    leaves = [mode == b"LEAF" for mode in attributes["nodes_modes"].strings]
    sides[numpy.array(leaves)] = 0
    attributes["nodes_missing_value_tracks_true"].ints[:] = [int(side) for side in sides]


def write(directory, case, forest, values, zipmap):
    model = to_onnx(forest, values[:1], target_opset=OPSETS, options={id(forest): {"zipmap": zipmap}})
    if numpy.isnan(values).any():
        complete_missing(model, forest)
    (directory / f"{case}.onnx").write_bytes(model.SerializeToString())
    with open(directory / f"{case}.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([f"f{i}" for i in range(FEATURES)])
        for row in values:
            writer.writerow(["" if numpy.isnan(v) else repr(float(v)) for v in row])
    with open(directory / f"{case}.jsonl", "w", encoding="utf-8") as file:
        for shares in forest.predict_proba(values):
            line = {"failure_probability": shares[1]}
            if len(shares) > 2:
                line = {"probabilities": {str(c): p for c, p in zip(forest.classes_, shares)}}
            file.write(json.dumps(line) + "\n")


def main(outdir):
    directory = pathlib.Path(outdir)
    directory.mkdir(parents=True, exist_ok=True)
    for case, labels, missing, zipmap in [
        ("binary", [0, 1], False, False),
        ("binary_zipmap", [0, 1], False, True),
        ("binary_words", ["no", "yes"], True, True),
        ("binary_missing", [0, 1], True, False),
        ("classes", ["bearing", "none", "valve"], False, True),
        ("classes_missing", ["bearing", "none", "valve"], True, False),
        ("classes_numbers", [1, 2, 5, 9], True, True),
    ]:
        rng = numpy.random.default_rng(17)
        values, risk = rows(rng, missing)
        cuts = numpy.quantile(risk, numpy.linspace(0, 1, len(labels) + 1)[1:-1])
        target = numpy.array(labels)[numpy.searchsorted(cuts, risk)]
        forest = RandomForestClassifier(n_estimators=25, max_depth=9, random_state=3)
        half = ROWS // 2
        forest.fit(values[:half], target[:half])
        write(directory, case, forest, values, zipmap)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
