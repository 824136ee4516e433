"""What users of other libraries write to have a table of PostgreSQL as float32 columns in memory.

    python peer_postgres.py psycopg|connectorx|adbc TABLE --calls N

psycopg: a query's rows, of which pandas makes columns.  $DATABASE_URL says where.  Prints seconds of the clock and of
the CPU for each call; the imports are not counted.
"""
import argparse
import json
import os
import resource
import time

parser = argparse.ArgumentParser()
parser.add_argument("who", choices=("psycopg", "connectorx", "adbc"))
parser.add_argument("table")
parser.add_argument("--calls", type=int, default=1)
arguments = parser.parse_args()
url, query = os.environ["DATABASE_URL"], f"SELECT * FROM {arguments.table}"

import numpy
import pandas

if arguments.who == "psycopg":
    import psycopg

    def read():
        with psycopg.connect(url) as connection, connection.cursor(binary=True) as cursor:
            cursor.execute(query)
            names = [column.name for column in cursor.description]
            return pandas.DataFrame(cursor.fetchall(), columns=names, dtype=numpy.float32)

elif arguments.who == "connectorx":
    import connectorx

    def read():
        return connectorx.read_sql(url, query, protocol="binary").astype(numpy.float32)

else:
    from adbc_driver_postgresql import dbapi

    def read():
        with dbapi.connect(url) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            table = cursor.fetch_arrow_table()
            return [column.to_numpy().astype(numpy.float32, copy=False) for column in table.columns]


seconds, cpu = [], []
for _ in range(arguments.calls):
    start, cpu_start = time.monotonic(), time.process_time()
    table = read()
    seconds.append(time.monotonic() - start)
    cpu.append(time.process_time() - cpu_start)
rows = len(table) if arguments.who != "adbc" else len(table[0])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"rows": rows, "seconds": seconds, "cpu": cpu, "peak_bytes": peak}))
