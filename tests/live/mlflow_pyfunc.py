"""Does MLflow say of rows what mlops says?

    python mlflow_pyfunc.py rows URI ROWS.csv SCORED.csv        mlflow.pyfunc on a DataFrame, and what mlops-score wrote
    python mlflow_pyfunc.py serve URL ROWS.csv SCORED.csv       the same rows sent to `mlflow models serve`
    python mlflow_pyfunc.py histories URI HISTORIES.jsonl FORECASTS.jsonl

URI is a directory or models:/NAME@ALIAS.  Scores to 1e-5, decisions exactly.  Prints how many values were compared; exit status 1
and the first difference when they do not agree.
"""
import json
import sys
import urllib.request

import numpy
import pandas

TOLERANCE = 1e-5


def read_rows(path):
    """Columns as they are, but whole numbers as decimal ones: a signature of doubles takes nothing else."""
    rows = pandas.read_csv(path)
    return rows.astype({name: float for name in rows.columns if rows[name].dtype.kind in "iub"})


def compare(ours, theirs, what):
    if isinstance(ours, str) or isinstance(theirs, str):
        same = ours == theirs
    else:
        same = abs(float(ours) - float(theirs)) <= TOLERANCE
    if not same:
        sys.exit(f"{what}: mlops says {ours!r}, MLflow {theirs!r}")


def compare_rows(scored_path, predictions, columns):
    scored = pandas.read_csv(scored_path)
    given = [name for name in scored.columns if name in columns]
    if len(predictions) != len(scored) or len(given) != len(columns):
        sys.exit(f"mlops has {len(scored)} rows of {list(scored.columns)}, MLflow {len(predictions)} of {list(columns)}")
    for row, (ours, theirs) in enumerate(zip(scored[given].to_dict("records"), predictions)):
        for name in given:
            compare(ours[name], theirs[name], f"row {row}, {name}")
    print(len(scored) * len(given))


def load(uri):
    import mlflow.pyfunc

    return mlflow.pyfunc.load_model(uri)


def rows(uri, rows_path, scored_path):
    model = load(uri)
    # Columns in another order, and one that no model knows.
    frame = read_rows(rows_path)
    frame = frame[list(reversed(frame.columns))].assign(unknown=1.0)
    answer = model.predict(frame)
    compare_rows(scored_path, answer.to_dict("records"), answer.columns)
    example = model.input_example
    if len(model.predict(example)) != 1:
        sys.exit("the example of the input is not taken")


def serve(url, rows_path, scored_path):
    frame = read_rows(rows_path)
    names = json.loads(urllib.request.urlopen(url + "/version", timeout=60).read() and b"[]")
    body = json.dumps({"dataframe_split": json.loads(frame.to_json(orient="split", index=False))}).encode()
    request = urllib.request.Request(url + "/invocations", body, {"Content-Type": "application/json"})
    predictions = json.load(urllib.request.urlopen(request, timeout=60))["predictions"]
    compare_rows(scored_path, predictions, names or list(predictions[0]))


def histories(uri, histories_path, forecasts_path):
    with open(histories_path, encoding="utf-8") as file:
        values = [json.loads(line)["values"] for line in file]
    with open(forecasts_path, encoding="utf-8") as file:
        forecasts = [json.loads(line) for line in file]
    answer = load(uri).predict(numpy.array(values, dtype=numpy.float64))
    count = 0
    for row, ours in enumerate(forecasts):
        for name in ("forecast", "lower", "upper"):
            for step, value in enumerate(ours[name]):
                theirs = answer[name][row][step]
                if abs(value - theirs) > 1e-4 * max(1, abs(value)):
                    sys.exit(f"history {row}, {name}, step {step}: mlops says {value}, MLflow {theirs}")
                count += 1
    print(count)


if __name__ == "__main__":
    {"rows": rows, "serve": serve, "histories": histories}[sys.argv[1]](*sys.argv[2:])
