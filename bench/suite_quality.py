"""Forecasts of real series, three seeds each: how far off, against forecasts that need no model and a ridge regression.

The series are those of $MLOPS_DATA (default: shared/data beside the checkout). The first 80 % are trained on, every window of
the rest is judged (mlops-train's own held-out part), and nothing is said but what the table of settings shows.
"""
import json
import math
import os
import pathlib
import statistics
import sys

import pandas

SEEDS = (0, 1, 2)
# The share that is covered may miss the level by so much; on fewer windows than MANY, those that share what comes counted
# as one, by two standard errors.
LEVEL, SLACK, MANY = 0.9, 0.03, 50
TAXI = "anomaly/nab/realKnownCause/nyc_taxi.csv"
AIR = "forecast/AirQualityUCI.csv"
AIR_ROWS = ["--target", "T", "--time", "none"]  # of values with the missing ones interpolated, as the ridge line had them
PARTICLES = "forecast/PRSA_data_2010.1.1-2014.12.31.csv"
PARTICLES_ROWS = ["--target", "TEMP", "--time", "year,month,day,hour"]
CO2 = "forecast/statsmodels/co2.csv"
ORDERS = "forecast/statsmodels/elec_equip.csv"
# The ridge line: regression on differences from the last value, measured with scikit-learn (the data's README).
# A week of half hours is 336: the network's 64 values need seq_length=400 to see the one before, as mlops-train says.
SETS = (
    ("nyc_taxi, 1 step", TAXI, [], 1, {}, 679),
    ("nyc_taxi, 48 steps", TAXI, [], 48, {"seq_length": 400}, 2273),
    ("AirQuality T, 1 step", AIR, AIR_ROWS, 1, {}, 0.594),
    ("AirQuality T, 24 steps", AIR, AIR_ROWS, 24, {}, 1.807),
    ("PM2.5 TEMP, 1 step", PARTICLES, PARTICLES_ROWS, 1, {}, 0.842),
    ("PM2.5 TEMP, 24 steps", PARTICLES, PARTICLES_ROWS, 24, {}, 2.111),
    ("co2, 52 steps", CO2, ["--target", "co2", "--time", "none"], 52, {"seq_length": 104}, 0.544),
    ("elec_equip, 12 steps", ORDERS, ["--time", "none"], 12, {}, None),
)


def train(plan, path, rows, horizon, settings, seed):
    command = [plan.build / "mlops-train", "-q", "-m", "time_series_forecast", "--seed", seed, "--no-refit"]
    command += ["-o", plan.models / "quality.onnx", *rows, "--set", f"forecast_horizon={horizon}"]
    for name, value in settings.items():
        command += ["--set", f"{name}={value}"]
    return json.loads(plan.output([*command, path]))


def interpolated(plan, path):
    """The hourly temperatures without the blank rows at the end, missing ones on a straight line."""
    table = pandas.read_csv(path, sep=";", decimal=",", na_values=[-200]).dropna(how="all")
    kept = plan.models / "air-quality.csv"
    table["T"].interpolate().to_csv(kept, index=False)
    return kept


def line(title, horizon, settings, ridge, trained):
    found = [one["metrics"] for one in trained]
    errors = [one["mae"] for one in found]
    covered = [one["coverage"] for one in found]
    naive, seasonal = found[0]["naive_mae"], found[0].get("seasonal_mae")
    simple = [value for value in (naive, seasonal) if value is not None]
    fine = max(errors) < min(simple) and (ridge is None or max(errors) <= ridge)
    apart = trained[0]["test_windows"] / horizon
    slack = SLACK if apart >= MANY else 2 * math.sqrt(LEVEL * (1 - LEVEL) / apart)
    fine = fine and abs(statistics.mean(covered) - LEVEL) <= slack
    given = ", ".join(f"{name}={value}" for name, value in settings.items()) or "defaults"
    return (
        f"{'' if fine else 'FAILED '}{title} ({given}): mean absolute errors "
        f"{', '.join(f'{error:.4g}' for error in errors)}; ridge line {ridge or 'unknown'}, last value {naive:.4g}, "
        f"a season before {seasonal or float('nan'):.4g}; intervals of {LEVEL} cover "
        f"{', '.join(f'{share:.3f}' for share in covered)} (may miss by {slack:.2f})"
    )


def run(plan):
    data = pathlib.Path(os.environ.get("MLOPS_DATA", plan.top.parent.parent / "shared" / "data"))
    checks = []
    for title, name, rows, horizon, settings, ridge in SETS:
        if not (data / name).exists():
            checks.append(f"{title}: left out, there is no {name} below MLOPS_DATA")
            continue
        path = interpolated(plan, data / name) if name == AIR else data / name
        trained = []
        for seed in SEEDS:
            print(f"{title}: seed {seed}", file=sys.stderr)
            trained.append(train(plan, path, rows, horizon, settings, seed))
        checks.append(line(title, horizon, settings, ridge, trained))
        print(checks[-1], file=sys.stderr)
    return [], checks
