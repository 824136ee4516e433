"""Times a peer that reads a CSV file of numbers into float32 columns in memory, and prints a JSON object.

    python peer_csv.py polars|pandas|pyarrow|duckdb FILE [--calls N] [--threads N]

"wrong" counts the cells that are not the float32 nearest to the double that the text says (what strtod
gives); the true ones lie in columns.f32 beside FILE.
"""
import argparse
import json
import os
import pathlib
import resource
import time


def reader_of(name, path, threads):
    """A function without arguments that reads path; its result maps names to columns."""
    if name == "polars":
        os.environ["POLARS_MAX_THREADS"] = str(threads)
        import polars

        return lambda: polars.read_csv(path, schema_overrides=[polars.Float32] * 20)
    if name == "pandas":
        import numpy
        import pandas
        import pyarrow

        pyarrow.set_cpu_count(threads)
        return lambda: pandas.read_csv(path, engine="pyarrow", dtype=numpy.float32)
    if name == "pyarrow":
        import pyarrow
        import pyarrow.csv

        pyarrow.set_cpu_count(threads)
        types = {f"f{i}": pyarrow.float32() for i in range(20)}
        options = pyarrow.csv.ConvertOptions(column_types=types)
        return lambda: pyarrow.csv.read_csv(path, convert_options=options)
    import duckdb

    connection = duckdb.connect(config={"threads": threads})
    types = ", ".join(f"'f{i}': 'FLOAT'" for i in range(20))
    query = f"SELECT * FROM read_csv('{path}', header=true, types={{{types}}})"
    return lambda: connection.execute(query).fetchnumpy()


def wrong_cells(table, path):
    import numpy

    truth = numpy.fromfile(pathlib.Path(path).with_name("columns.f32"), dtype=numpy.float32).reshape(20, -1)
    wrong = 0
    for i in range(20):
        column = numpy.asarray(table[f"f{i}"])
        if column.dtype != numpy.float32:
            return -1
        wrong += int((column != truth[i]).sum())
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("reader")
    parser.add_argument("file")
    parser.add_argument("--calls", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    read = reader_of(given.reader, given.file, given.threads)
    seconds, cpu = [], []
    table = None
    for _ in range(given.calls):
        del table
        start, cpu_start = time.perf_counter(), time.process_time()
        table = read()
        seconds.append(time.perf_counter() - start)
        cpu.append(time.process_time() - cpu_start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    wrong = wrong_cells(table, given.file)
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak_bytes": peak, "wrong": wrong}))


main()
