"""Us and the peers side by side, on the same rows, turn about; bench/run starts it."""
import argparse
import math
import pathlib
import sys

import report
import suite_csv
import suite_forecast
import suite_forests
import suite_pipeline
import suite_quality
import suite_service
import suite_validate
from contest import Failure
from plan import Plan

SUITES = {
    "forests": suite_forests,
    "csv": suite_csv,
    "validate": suite_validate,
    "forecast": suite_forecast,
    "quality": suite_quality,
    "service": suite_service,
    "pipeline": suite_pipeline,
}
# What is compared unless something else is asked for: forecasting wants PyTorch, which is large, quality real series,
# service MLflow, pipeline MLflow and PostgreSQL.
USUAL = ("forests", "csv", "validate")
FULL = {
    "rows": 1_000_000,
    "forest_rows": [100_000, 1_000_000],
    "sizes": [10_000, 100_000, 1_000_000],
    "repeats": 5,
    "budget": 120,
    "trees": 100,
}
SHORT = dict(FULL, rows=100_000, forest_rows=[100_000], sizes=[10_000, 100_000], repeats=3, budget=15)
SELF_CHECK = dict(FULL, rows=2_000, forest_rows=[1_000], sizes=[1_000, 2_000], repeats=2, budget=10, trees=10)


def arguments():
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"{', '.join(SUITES)}; forests, csv and validate by default")
    parser.add_argument("--short", action="store_true", help="100,000 rows and few turns: minutes")
    parser.add_argument("--self-check", action="store_true", help="a handful of rows: does the harness work?")
    parser.add_argument("--repeats", type=int, help="how many turns each gets")
    parser.add_argument("--without", metavar="PEERS", default="", help="peers to leave out, with commas between")
    given = parser.parse_args()
    for suite in given.suites:
        if suite not in SUITES:
            parser.error(f"no suite '{suite}'")
    return given


def growth_lines(plan, suite):
    """Time over rows x log rows, against the smallest size: 1 or less is no worse growth than that."""
    heads = ["ours as rows grow"] + [f"{rows:,} s" for rows in plan.sizes] + ["cost / (rows log rows)", ""]
    lines = [heads]
    for what, times in suite.growth(plan):
        cost = [time / (rows * math.log(rows)) for time, rows in zip(times, plan.sizes)]
        grown = ", ".join(f"{value / cost[0]:.2f}" for value in cost)
        lines.append([what, *(report.seconds(time) for time in times), grown, ""])
    return report.aligned(lines)


def main():
    given = arguments()
    settings = dict(SELF_CHECK if given.self_check else SHORT if given.short else FULL)
    if given.repeats:
        settings["repeats"] = given.repeats
    plan = Plan(given.build, without=given.without.split(","), **settings)
    print("\n".join(report.machine(plan)), flush=True)
    failed = False
    for name in given.suites or USUAL:
        suite = SUITES[name]
        jobs, checks = suite.run(plan)
        grown = ["", *growth_lines(plan, suite)] if hasattr(suite, "growth") else []
        print("", *(report.table(jobs) if jobs else []), *grown, "", *checks, sep="\n", flush=True)
        failed = failed or any(line.startswith("FAILED") for line in checks)
        # A self-check is there to find a contender that does not run.
        failed = failed or given.self_check and any(len(job.finished()) < len(job.contenders) for job in jobs)
    return failed


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(str(failure))
