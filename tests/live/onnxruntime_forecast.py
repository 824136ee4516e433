"""Is what mlops-forecast says what ONNX Runtime says?

    python onnxruntime_forecast.py histories MODEL.onnx ROWS.csv COLUMN > HISTORIES.jsonl
    python onnxruntime_forecast.py compare MODEL.onnx HISTORIES.jsonl FORECASTS.jsonl

The first makes histories as long as the model takes, of the rows of each machine_id (of all rows where there is no such
column), one of them of huge values.  The second runs the model on them and compares forecast, lower and upper with the
lines of mlops-forecast: to 1e-5 of each value.  Prints the largest difference; exit status 1 when they do not agree.
Needs numpy and onnxruntime.
"""
import csv
import json
import sys

import numpy
import onnxruntime

TOLERANCE = 1e-5


def histories(model, path, column):
    length = onnxruntime.InferenceSession(model).get_inputs()[0].shape[1]
    series = {}
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row[column]:
                series.setdefault(row.get("machine_id", "all"), []).append(float(row[column]))
    for name, values in series.items():
        for start in range(0, len(values) - length, 7):
            print(json.dumps({"sensor_id": name, "historical_data": values[start : start + length]}))
    print(json.dumps({"sensor_id": "huge", "historical_data": [(-1) ** i * 3e38 for i in range(length)]}))


def compare(model, asked, answered):
    session = onnxruntime.InferenceSession(model)
    with open(asked, encoding="utf-8") as file:
        values = numpy.array([json.loads(line)["historical_data"] for line in file], dtype=numpy.float32)
    with open(answered, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    outputs = dict(zip(["forecast", "lower", "upper"], session.run(["forecast", "lower", "upper"], {"history": values})))
    largest = 0.0
    for name, expected in outputs.items():
        found = numpy.array([line[name] for line in lines], dtype=numpy.float64)
        if found.shape != expected.shape:
            sys.exit(f"{name}: {found.shape} numbers, ONNX Runtime gives {expected.shape}")
        if not numpy.isfinite(expected).all():
            sys.exit(f"{name}: ONNX Runtime gives numbers that are not finite")
        difference = numpy.abs(found - expected) / numpy.maximum(numpy.abs(expected), 1e-3)
        largest = max(largest, float(difference.max()))
    print(json.dumps({"histories": len(lines), "largest_difference": largest}))
    if largest > TOLERANCE:
        sys.exit(1)


if __name__ == "__main__":
    {"histories": histories, "compare": compare}[sys.argv[1]](*sys.argv[2:])
