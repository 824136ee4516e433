"""The nightly job as one writes it in Python: pandas, scikit-learn, MLflow's client.

    python peer_pipeline.py TREES THREADS METRICS-FILE

Reads DATABASE_URL, MLFLOW_TRACKING_URI, ML_SERVICE_URL and SYSTEM_ADMIN_TOKEN, as mlops-retrain does.  For each forest: reads the
table, validates, fits on the first four fifths in time, judges on the last fifth against the champion, registers, promotes
what is no worse, has the service reload, and writes metrics.
"""
import os
import pathlib
import sys
import urllib.request

import mlflow
import numpy
import pandas
import sqlalchemy
from mlflow.exceptions import MlflowException
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.metrics import accuracy_score, average_precision_score, roc_auc_score

FEATURES = [f"f{i}" for i in range(20)]
# Not "champion": that is what mlops-serve, on the same server, would load.
ALIAS = "production"


def read():
    engine = sqlalchemy.create_engine(os.environ["DATABASE_URL"].replace("postgresql:", "postgresql+psycopg:"))
    return pandas.read_sql("SELECT * FROM readings", engine)


def validate(rows):
    """Missing, infinite, repeated; and drift of each column between the two halves, in ten bins."""
    values = rows[FEATURES]
    invalid = values.isna().any(axis=1) | ~numpy.isfinite(values).all(axis=1) | rows["timestamp"].duplicated()
    if len(rows) < 10 or invalid.any():
        raise SystemExit(f"{int(invalid.sum())} of {len(rows)} rows are not valid")
    half, drift = len(values) // 2, {}
    for name in FEATURES:
        edges = numpy.unique(values[name].iloc[:half].quantile(numpy.linspace(0, 1, 11)))[1:-1]
        before, after = (
            numpy.bincount(numpy.searchsorted(edges, part), minlength=len(edges) + 1) / len(part) + 1e-6
            for part in (values[name].iloc[:half], values[name].iloc[half:])
        )
        drift[name] = float(((after - before) * numpy.log(after / before)).sum())
    return drift


def fit(name, X, y, trees, threads):
    if name == "anomaly":
        return IsolationForest(n_estimators=trees, n_jobs=threads, random_state=0).fit(X)
    return RandomForestClassifier(n_estimators=trees, n_jobs=threads, random_state=0).fit(X, y)


def judge(name, model, X, y):
    score = -model.score_samples(X) if name == "anomaly" else model.predict_proba(X)[:, 1]
    guess = model.predict(X) == -1 if name == "anomaly" else model.predict(X)
    return {
        "average_precision": average_precision_score(y, score),
        "roc_auc": roc_auc_score(y, score),
        "accuracy": accuracy_score(y, guess),
    }


def champion(client, registered):
    try:
        version = client.get_model_version_by_alias(registered, ALIAS)
    except MlflowException:
        return None
    return mlflow.sklearn.load_model(f"models:/{registered}/{version.version}")


def retrain(name, trees, threads):
    rows = read().sort_values("timestamp")
    drift = validate(rows)
    registered, cut = f"peer-{name}", len(rows) * 4 // 5
    X, y = rows[FEATURES].to_numpy(dtype=numpy.float32), rows[name].to_numpy()
    client = mlflow.MlflowClient()
    mlflow.set_experiment("peer")
    with mlflow.start_run(run_name=registered):
        mlflow.log_params({"trees": trees, "rows": len(rows)})
        model = fit(name, X[:cut], y[:cut], trees, threads)
        figures = judge(name, model, X[cut:], y[cut:])
        mlflow.log_metrics(figures)
        info = mlflow.sklearn.log_model(
            model,
            name="model",
            registered_model_name=registered,
            input_example=X[:5],
            serialization_format="cloudpickle",
        )
    old = champion(client, registered)
    better = old is None or figures["average_precision"] >= judge(name, old, X[cut:], y[cut:])["average_precision"]
    if better:
        client.set_registered_model_alias(registered, ALIAS, str(info.registered_model_version))
    return figures, drift


def reload():
    headers = {"Authorization": f"Bearer {os.environ['SYSTEM_ADMIN_TOKEN']}"}
    request = urllib.request.Request(f"{os.environ['ML_SERVICE_URL']}/models/reload", method="POST", headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        answer.read()


def main():
    trees, threads, path = int(sys.argv[1]), int(sys.argv[2]), pathlib.Path(sys.argv[3])
    lines = []
    for name in ("anomaly", "failure"):
        figures, drift = retrain(name, trees, threads)
        reload()
        lines += [f'peer_{figure}{{model="{name}"}} {value}' for figure, value in figures.items()]
        lines += [f'peer_drift{{model="{name}",feature="{feature}"}} {value}' for feature, value in drift.items()]
        part = path.with_suffix(".part")
        part.write_text("\n".join(lines) + "\n", encoding="ascii")
        part.rename(path)


if __name__ == "__main__":
    main()
