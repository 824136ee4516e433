"""Are the drift figures of mlops-validate those of Evidently?

    python drift_evidently.py REFERENCE.csv CURRENT.csv VALIDATED.jsonl

Compares the summary line's "drift" with what Evidently's own tests give for the columns of numbers, to 1e-9.  Exit status 1
where they do not agree.  Needs evidently, and a pandas that it works with: evidently==0.7.23 pandas==2.2.3.
"""
import json
import pathlib
import sys
import warnings

import numpy
import pandas

warnings.simplefilter("ignore")
from evidently.legacy.calculations import stattests
from evidently.legacy.core import ColumnType

TESTS = {"psi": stattests.psi_stat_test, "wasserstein": stattests.wasserstein_stat_test,
         "jensen_shannon": stattests.jensenshannon_stat_test}


def main(reference_path, current_path, validated):
    reference, current = pandas.read_csv(reference_path), pandas.read_csv(current_path)
    drift = json.loads(pathlib.Path(validated).read_text(encoding="utf-8").splitlines()[-1])["drift"]
    wrong = 0
    for name in reference:
        both = [table[name].dropna().astype(numpy.float32).astype(float) for table in (reference, current)]
        for figure, test in TESTS.items():
            expected = test(*both, ColumnType.Numerical, 0.1).drift_score
            if not abs(drift[name][figure] - expected) <= 1e-9:
                print(f"{name}: {figure} is {drift[name][figure]}, Evidently says {expected}")
                wrong += 1
    print(json.dumps({"columns": len(reference.columns), "wrong": wrong}))
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
