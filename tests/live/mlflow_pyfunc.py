"""Does MLflow say what mlops says?

    python mlflow_pyfunc.py rows {URI ROWS.csv SCORED.csv}...           mlflow.pyfunc on a DataFrame, and what mlops-score wrote
    python mlflow_pyfunc.py histories URI HISTORIES.jsonl FORECASTS.jsonl   on an array, and what mlops-forecast wrote
    python mlflow_pyfunc.py serve PORT ROWS.csv SCORED.csv              rows sent to `mlflow models serve`
    python mlflow_pyfunc.py serve-histories PORT HISTORIES.jsonl FORECASTS.jsonl

URI is a directory or models:/NAME@ALIAS.  Numbers to 1e-5, decisions exactly.  Prints how many values were compared; exit status
1 and the first difference when they do not agree.
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


def read_lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def load(uri):
    import mlflow.pyfunc

    return mlflow.pyfunc.load_model(uri)


def compare(ours, theirs, what):
    if isinstance(ours, str) or isinstance(theirs, str):
        same = ours == theirs
    else:
        same = abs(float(ours) - float(theirs)) <= TOLERANCE * max(1, abs(float(ours)))
    if not same:
        sys.exit(f"{what}: mlops says {ours!r}, MLflow {theirs!r}")


def compare_rows(scored_path, predictions):
    scored = pandas.read_csv(scored_path)
    names = list(predictions[0])
    if len(predictions) != len(scored) or not set(names) <= set(scored.columns) or len(names) < 2:
        sys.exit(f"mlops has {len(scored)} rows of {list(scored.columns)}, MLflow {len(predictions)} of {names}")
    for row, (ours, theirs) in enumerate(zip(scored[names].to_dict("records"), predictions)):
        for name in names:
            compare(ours[name], theirs[name], f"row {row}, {name}")
    return len(scored) * len(names)


def compare_histories(forecasts, answer):
    count = 0
    for name in ("forecast", "lower", "upper"):
        if len(answer[name]) != len(forecasts):
            sys.exit(f"{name}: {len(answer[name])} histories, mlops has {len(forecasts)}")
        for row, (ours, theirs) in enumerate(zip((line[name] for line in forecasts), answer[name])):
            if len(ours) != len(theirs):
                sys.exit(f"{name}: {len(theirs)} steps, mlops has {len(ours)}")
            for step, values in enumerate(zip(ours, theirs)):
                compare(*values, f"history {row}, {name}, step {step}")
            count += len(ours)
    return count


def rows(*arguments):
    count = 0
    for uri, rows_path, scored_path in zip(*[iter(arguments)] * 3):
        model = load(uri)
        # Columns in another order, and one that no model knows.
        frame = read_rows(rows_path)
        frame = frame[list(reversed(frame.columns))].assign(unknown=1.0)
        count += compare_rows(scored_path, model.predict(frame).to_dict("records"))
        if len(model.predict(model.input_example)) != 1:
            sys.exit("the example of the input is not taken")
    print(count)


def histories(uri, histories_path, forecasts_path):
    model = load(uri)
    values = [line["historical_data"] for line in read_lines(histories_path)]
    answer = model.predict(numpy.array(values, dtype=numpy.float64))
    if set(model.predict(model.input_example)) != {"forecast", "lower", "upper"}:
        sys.exit("the example of the input is not taken")
    print(compare_histories(read_lines(forecasts_path), answer))


def ask(port, body):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/invocations", json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request, timeout=60))["predictions"]


def serve(port, rows_path, scored_path):
    split = json.loads(read_rows(rows_path).to_json(orient="split", index=False))
    print(compare_rows(scored_path, ask(port, {"dataframe_split": split})))


def serve_histories(port, histories_path, forecasts_path):
    values = [line["historical_data"] for line in read_lines(histories_path)]
    print(compare_histories(read_lines(forecasts_path), ask(port, {"inputs": values})))


if __name__ == "__main__":
    {"rows": rows, "histories": histories, "serve": serve, "serve-histories": serve_histories}[sys.argv[1]](*sys.argv[2:])
