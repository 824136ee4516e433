"""Is what mlops-score says what ONNX Runtime says?

    python onnxruntime_check.py MODEL.onnx ROWS.csv SCORED.jsonl

Runs the model on the rows (a CSV file with a header, empty fields are missing) and compares with the scored
lines, one a row: scores and probabilities to 1e-5, every decision exactly.  Prints the largest difference;
exit status 1 and the first differences when they do not agree.  Needs numpy and onnxruntime.
"""
import csv
import json
import sys

import numpy
import onnxruntime

TOLERANCE = 1e-5
MISSING = {"", "NA", "NaN", "nan", "null", "NULL", "None"}


def read_rows(path, features):
    """The features' columns by name, or all columns in order where the model names none."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        header, *rows = list(csv.reader(file))
    if features is None:
        features = [{"name": name} for name in header]
    columns = []
    for feature in features:
        position = header.index(feature["name"])
        codes = {text: code for code, text in enumerate(feature.get("categories", []))}
        column = []
        for row in rows:
            text = row[position]
            if "categories" in feature:
                column.append(codes.get(text, numpy.nan))
            else:
                column.append(numpy.nan if text.strip() in MISSING else float(text))
        columns.append(column)
    return numpy.array(columns, dtype=numpy.float64).T.astype(numpy.float32)


def probability_table(output, classes):
    """[N, classes] from an array or from the dictionaries of a ZipMap."""
    if isinstance(output, list):
        return numpy.array([[row[c] for c in row] for row in output])
    return numpy.asarray(output).reshape(-1, len(classes)) if classes else numpy.asarray(output)


def expected_lines(session, values):
    """What each scored line should hold, by the outputs of the graph.  A decision may be None: a tie of
    another program's model, which that program and mlops-score may read differently."""
    metadata = session.get_modelmeta().custom_metadata_map
    kind_of_input = session.get_inputs()[0].type
    if kind_of_input == "tensor(double)":
        values = values.astype(numpy.float64)
    names = [output.name for output in session.get_outputs()]
    outputs = dict(zip(names, session.run(None, {session.get_inputs()[0].name: values})))
    if metadata.get("mlops.kind") == "anomaly_detection":
        for score, probability, decision in zip(*(outputs[n][:, 0] for n in names)):
            yield {"anomaly_score": score, "anomaly_probability": probability, "anomaly": bool(decision)}
    elif "failure" in outputs:
        for probability, decision in zip(*(outputs[n][:, 0] for n in names)):
            yield {"failure_probability": probability, "failure": bool(decision)}
    elif "mlops.kind" in metadata:
        classes = json.loads(metadata["mlops.classes"])
        for shares, label in zip(outputs["probabilities"], outputs["label"][:, 0]):
            yield {"label": label, "probabilities": dict(zip(classes, shares))}
    else:
        labels, table = outputs[names[0]], probability_table(outputs[names[1]], None)
        classes = [str(c) for c in (outputs[names[1]][0] if isinstance(outputs[names[1]], list)
                                    else sorted(set(labels)))]
        for label, shares in zip(labels, table):
            if len(shares) == 2:
                tie = abs(shares[1] - 0.5) <= 1e-6
                yield {"failure_probability": shares[1], "failure": None if tie else bool(shares[1] > 0.5)}
            else:
                top = sorted(shares)
                tie = top[-1] - top[-2] <= 1e-6
                yield {"label": None if tie else str(label), "probabilities": dict(zip(classes, shares))}


def flatten(line):
    for key, value in line.items():
        if isinstance(value, dict):
            for inner, number in value.items():
                yield f"{key}.{inner}", number
        else:
            yield key, value


def compare(expected, found):
    """The largest difference of numbers, and what does not agree."""
    largest, wrong = 0.0, []
    found = dict(flatten(found))
    for key, value in flatten(expected):
        if value is None:
            continue
        if key not in found:
            wrong.append(f"{key} is missing")
        elif isinstance(value, (bool, str)):
            if found[key] != value:
                wrong.append(f"{key} is {found[key]!r}, ONNX Runtime says {value!r}")
        else:
            difference = abs(float(found[key]) - float(value))
            largest = max(largest, difference)
            if not difference <= TOLERANCE:
                wrong.append(f"{key} is {found[key]}, ONNX Runtime says {value}")
    return largest, wrong


def main(model, rows, scored):
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    features = session.get_modelmeta().custom_metadata_map.get("mlops.features")
    values = read_rows(rows, json.loads(features) if features else None)
    with open(scored, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    if len(lines) != len(values):
        print(f"{len(lines)} scored lines for {len(values)} rows")
        return 1
    largest, bad = 0.0, 0
    for number, (expected, found) in enumerate(zip(expected_lines(session, values), lines), 1):
        difference, wrong = compare(expected, found)
        largest = max(largest, difference)
        bad += bool(wrong)
        if wrong and bad <= 10:
            print(f"row {number}: {'; '.join(wrong)}")
    print(json.dumps({"rows": len(lines), "missing": int(numpy.isnan(values).sum()), "rows_that_differ": bad,
                      "largest_difference": largest}))
    return 1 if bad else 0


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
