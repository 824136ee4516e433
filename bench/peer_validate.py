"""What users of other tools write to look at the columns of a CSV file of numbers, or to check them; a process each.

    python peer_validate.py duckdb|polars profile FILE THREADS
    python peer_validate.py duckdb|pandera|great_expectations check FILE THREADS

profile: count, missing, least, largest, mean, deviation, quartiles and, but for polars, the number of different values
of every column.  check: the columns are there and hold numbers, none is missing, and each lies between -50 and 50;
prints how many of these statements do not hold.
"""
import os
import sys

who, job, path, threads = sys.argv[1:]
NAMES = [f"f{i}" for i in range(20)]
LEAST, MOST = -50, 50


def duckdb_table():
    import duckdb

    connection = duckdb.connect(config={"threads": threads})
    types = ", ".join(f"'{name}': 'FLOAT'" for name in NAMES)
    return connection, f"read_csv('{path}', header=true, types={{{types}}})"


def profile():
    if who == "duckdb":
        connection, table = duckdb_table()
        print(len(connection.execute(f"SUMMARIZE SELECT * FROM {table}").fetchall()))
        return
    os.environ["POLARS_MAX_THREADS"] = threads
    import polars

    print(polars.read_csv(path, schema_overrides=[polars.Float32] * 20).describe().shape[1])


def read_pandas():
    import numpy
    import pandas
    import pyarrow

    pyarrow.set_cpu_count(int(threads))
    return pandas.read_csv(path, engine="pyarrow", dtype=numpy.float32)


def check_duckdb():
    connection, table = duckdb_table()
    parts = [f"count(*) FILTER ({n} IS NULL), count(*) FILTER ({n} NOT BETWEEN {LEAST} AND {MOST})" for n in NAMES]
    return sum(count > 0 for count in connection.execute(f"SELECT {', '.join(parts)} FROM {table}").fetchone())


def check_pandera():
    import pandera.pandas as pandera

    between = pandera.Check.between(LEAST, MOST)
    schema = pandera.DataFrameSchema({name: pandera.Column("float32", between, nullable=False) for name in NAMES})
    try:
        schema.validate(read_pandas(), lazy=True)
        return 0
    except pandera.errors.SchemaErrors as errors:
        return len(errors.schema_errors)


def check_great_expectations():
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations

    context = great_expectations.get_context(mode="ephemeral")
    expect = great_expectations.expectations
    suite = great_expectations.ExpectationSuite(name="rows")
    for name in NAMES:
        suite.add_expectation(expect.ExpectColumnValuesToNotBeNull(column=name))
        suite.add_expectation(expect.ExpectColumnValuesToBeBetween(column=name, min_value=LEAST, max_value=MOST))
    asset = context.data_sources.add_pandas("rows").add_dataframe_asset("rows")
    batch = asset.add_batch_definition_whole_dataframe("rows").get_batch({"dataframe": read_pandas()})
    return sum(not result.success for result in batch.validate(suite).results)


if job == "profile":
    profile()
else:
    print({"duckdb": check_duckdb, "pandera": check_pandera, "great_expectations": check_great_expectations}[who]())
