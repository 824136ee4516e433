"""What a user of scikit-learn writes in place of mlops-score: rows in, a line with score and decision out.

    python score_csv.py pandas|pyarrow MODEL FILE THREADS > lines

With pandas the lines are JSON, as ours; pyarrow can write CSV only, which is less work.
"""
import sys

import joblib
import numpy

reader, model_path, path, threads = sys.argv[1:]
model = joblib.load(model_path)
if reader == "pandas":
    import pandas

    X = pandas.read_csv(path, engine="pyarrow", dtype=numpy.float32).to_numpy()
else:
    import pyarrow.csv

    table = pyarrow.csv.read_csv(path)
    X = numpy.column_stack([column.to_numpy() for column in table.columns]).astype(numpy.float32)
with joblib.parallel_config(backend="threading", n_jobs=int(threads)):
    score = -model.score_samples(X)
anomaly = -score - model.offset_ < 0
if reader == "pandas":
    lines = pandas.DataFrame({"anomaly_score": score, "anomaly": anomaly})
    lines.to_json(sys.stdout, orient="records", lines=True)
else:
    lines = pyarrow.table({"anomaly_score": score, "anomaly": anomaly})
    pyarrow.csv.write_csv(lines, sys.stdout.buffer)
