# A large table of PostgreSQL over several connections: what is read, and in which order, is what one connection reads.
load "$MLOPS_SOURCE/tests/cli/support"
load "$MLOPS_SOURCE/tests/live/postgres"

setup_file() {
	postgres_alone
	[ -n "$POSTGRES" ] || return 0
	# Rows that were deleted leave holes, those that were changed lie at the end; rows of "slow" take the server a
	# millisecond each when they are read as text, and three of them fill a block.
	psql -q -v ON_ERROR_STOP=1 "$URL" <<- 'END'
		CREATE SCHEMA plant;
		CREATE TABLE plant.large (n int, a real, b float8, early float8, late float8, machine text, moment timestamptz, filler text)
			WITH (autovacuum_enabled = off);
		INSERT INTO plant.large SELECT i, (i::bigint * 7919 % 100003) / 7.0, CASE WHEN i % 97 > 0 THEN sin(i) END,
			CASE i WHEN 5 THEN float8 'Infinity' ELSE i END, CASE WHEN i IN (200001, 290000) THEN float8 'Infinity' ELSE i END,
			CASE WHEN i % 11 > 0 THEN 'pump-' || i % 13 END, timestamptz '2024-01-01 00:00Z' + i * interval '1 s',
			repeat('x', 100) FROM generate_series(1, 300000) i;
		UPDATE plant.large SET b = -b WHERE n BETWEEN 1000 AND 90000 AND n % 7 = 0;
		DELETE FROM plant.large WHERE n BETWEEN 100000 AND 150000 OR n % 1000 = 1;
		VACUUM plant.large;
		INSERT INTO plant.large SELECT -i, i, i, i, i, 'late', timestamptz '2025-01-01 00:00Z' + i * interval '1 s', ''
			FROM generate_series(1, 30000) i;
		CREATE TYPE plant.pause AS (x int);
		CREATE FUNCTION plant.pause_text(plant.pause) RETURNS text LANGUAGE plpgsql AS
			'BEGIN PERFORM pg_sleep(0.001); RETURN $1.x; END';
		CREATE CAST (plant.pause AS text) WITH FUNCTION plant.pause_text;
		CREATE TABLE plant.slow (x int, pause plant.pause, filler text);
		ALTER TABLE plant.slow ALTER filler SET STORAGE PLAIN;
		INSERT INTO plant.slow SELECT i, ROW(i)::plant.pause, repeat('x', 2500) FROM generate_series(1, 15000) i;
		CREATE TABLE plant.live (n int, version int, filler text) WITH (autovacuum_enabled = off);
		INSERT INTO plant.live SELECT i, 0, repeat('x', 350) FROM generate_series(1, 100000) i;
		CREATE ROLE lonely LOGIN PASSWORD 'lonely' CONNECTION LIMIT 1;
		GRANT USAGE ON SCHEMA plant TO lonely;
		GRANT SELECT ON ALL TABLES IN SCHEMA plant TO lonely;
		ALTER SYSTEM SET log_statement = 'all';
		ALTER SYSTEM SET log_line_prefix = '%p %a ';
		SELECT pg_reload_conf();
	END
}

teardown_file() {
	postgres_remove
}

need_postgres() {
	[ -n "$POSTGRES" ] || skip "PostgreSQL is not installed (or MLOPS_POSTGRES does not name its programs)"
	export DATABASE_URL=$URL
	log_begins
}

# The test, or what it looks at in the server's log, begins.
log_begins() {
	seen=$(stat -c %s "$PG_DIR/log")
}

server_log() {
	tail -c +$((seen + 1)) "$PG_DIR/log"
}

sql() {
	psql -qAt "$URL" -c "$1"
}

# How many sessions of TOOL have copied since the test began.
readers() { # TOOL
	server_log | grep -E "^[0-9]+ $1 .*COPY \(SELECT" | cut -d ' ' -f 1 | sort -u | wc -l
}

# Sessions of ours that there are.
left() {
	sql "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'mlops-%'$1"
}

# Until there are so many of them, or more.
wait_for_readers() { # COUNT
	for _ in {1..200}; do
		[ "$(left " AND query LIKE '%COPY (SELECT%' AND state = 'active'")" -lt "$1" ] || return 0
		sleep 0.05
	done
	return 1
}

# Nobody is left within three seconds.
none_left() {
	for _ in {1..30}; do
		[ "$(left '')" -gt 0 ] || return 0
		sleep 0.1
	done
	sql "SELECT pid, state, query FROM pg_stat_activity WHERE application_name LIKE 'mlops-%'"
	return 1
}

both() { # COMMAND...: writes what it gives with one thread and with four to the files one and four
	"$@" --threads 1 > one
	"$@" --threads 4 > four
}

@test "every row and cell, in the same order" {
	need_postgres
	both mlops-validate -q --checks columns --good good.csv --table plant.large
	cmp one four
	[ "$(readers mlops-validate)" -ge 3 ]
	mlops-validate -q --checks columns --threads 1 --good one.csv --table plant.large > /dev/null
	cmp one.csv good.csv
	sql "COPY (SELECT n, a, b, machine, filler FROM plant.large) TO STDOUT CSV HEADER" > expected.csv
	[ "$(wc -l < expected.csv)" -gt 270000 ]
	mlops-validate -q --checks columns --threads 4 --good good.csv --table plant.large > /dev/null
	cut -d , -f 1 good.csv | cmp - <(cut -d , -f 1 expected.csv)
}

@test "a model, and the ledger's words for it" {
	need_postgres
	for threads in 1 2 4; do
		log_begins
		mlops-train -q -m anomaly_detection --set trees=5 -f n,a,b --threads "$threads" -o "$threads.onnx" --table plant.large |
			jq -c 'del(.output, .duration_seconds)' > "$threads.json"
		[ "$(readers mlops-train)" -eq "$threads" ]
		cmp 1.onnx "$threads.onnx"
		cmp 1.json "$threads.json"
	done
	[ "$(jq .rows 1.json)" = "$(sql 'SELECT count(*) FROM plant.large')" ]
}

@test "a bad cell far into the table: the same row, the same counts" {
	need_postgres
	train=(mlops-train -q -m anomaly_detection --set trees=5 -f "n,late" -o x.onnx --table plant.large)
	row=$(sql "SELECT r FROM (SELECT n, row_number() OVER () r FROM plant.large) rows WHERE n = 290000")
	for threads in 1 4; do
		run -65 "${train[@]}" --threads "$threads"
		[ "$output" = "mlops-train: postgresql: table plant.large (postgres at 127.0.0.1):$row: column \"late\": 'Infinity' is infinite or too large for float32" ]
		for choice in skip null; do
			run -0 "${train[@]}" --on-error "$choice" --threads "$threads"
			jq -c 'del(.duration_seconds)' <<< "$output" > "$choice.$threads"
		done
	done
	cmp skip.1 skip.4
	cmp null.1 null.4
	[ "$(jq .rows null.4)" -eq $(($(jq .rows skip.4) + 1)) ]
	both mlops-validate -q --checks not_finite --columns late --table plant.large || true
	cmp one four
}

@test "an error near the beginning ends all sessions" {
	need_postgres
	run -65 mlops-train -q -m anomaly_detection -f n,early -o x.onnx --threads 4 --table plant.large
	[[ $output == *":5: column \"early\": 'Infinity' is infinite or too large for float32" ]]
	none_left
}

@test "a table whose rows take time: whoever goes away takes all sessions along" {
	need_postgres
	mlops-validate -q --checks columns --threads 4 --table plant.slow > out 3>&- &
	wait_for_readers 3
	kill -TERM $!
	none_left
	mlops-train -q -m anomaly_detection -f x --threads 2 -o x.onnx --statement-timeout 1ms --table plant.slow && status=0 || status=$?
	[ "$status" -eq 69 ]
	none_left
}

@test "a session that is ended: 69, in the server's words" {
	need_postgres
	for pick in min max; do
		mlops-validate -q --checks columns --threads 4 --table plant.slow > out 2> err 3>&- &
		wait_for_readers 3
		sql "SELECT pg_terminate_backend($pick(pid)) FROM pg_stat_activity WHERE application_name = 'mlops-validate'" > /dev/null
		wait $! && status=0 || status=$?
		cat err
		[ "$status" -eq 69 ]
		grep 'terminating connection due to administrator command' err
		none_left
	done
}

@test "the time for a statement is that for the table" {
	need_postgres
	for threads in 1 4; do
		run -69 mlops-validate -q --checks columns --statement-timeout 1500ms --threads "$threads" --table plant.slow
		[[ $output == *"canceling statement due to statement timeout" ]] || { echo "$output"; false; }
	done
	# The second reading has its own.
	mlops-validate -q --infer --threads 1 --table plant.live > schema.json
	run -0 mlops-train -q -m anomaly_detection --set trees=5 -f n --schema schema.json --statement-timeout 1min --threads 4 \
		-o x.onnx --table plant.live
	none_left
}

@test "where there may be one connection, one reads all" {
	need_postgres
	both mlops-validate -q --checks columns --table plant.large
	log_begins
	export DATABASE_URL=postgresql://lonely:lonely@127.0.0.1:$PGPORT/postgres
	mlops-validate -q --checks columns --threads 4 --table plant.large | cmp - four
	server_log | grep 'too many connections for role "lonely"'
	[ "$(readers mlops-validate)" -eq 1 ]
}

@test "somebody waits for the table to himself: those who come later leave the rows to the first" {
	need_postgres
	mlops-validate -q --checks columns --threads 1 --table plant.large > one
	yes "BEGIN; SET LOCAL lock_timeout = 300; LOCK TABLE plant.large IN ACCESS EXCLUSIVE MODE; ROLLBACK; SELECT pg_sleep(0.001);" |
		head -n 3000 > waits.sql
	for _ in 1 2 3; do
		psql -q "$URL" -f waits.sql > /dev/null 2>&1 3>&- &
		waiters+=($!)
	done
	sleep 0.2
	log_begins
	mlops-validate -q --checks columns --threads 4 --table plant.large > four
	[ "$(readers mlops-validate)" -eq 1 ]
	kill "${waiters[@]}"
	cmp one four
}

@test "one state is read, whatever is written meanwhile" {
	need_postgres
	for _ in {1..6}; do sql 'UPDATE plant.live SET version = version + 1'; done 3>&- &
	writer=$!
	while kill -0 "$writer" 2> /dev/null; do
		mlops-validate -q --profile --checks rows --threads 4 --table plant.live > out
		figures=$(jq -c 'select(.profile == "version" or .profile == "n") | [.count, .min == .max, .max > 99999]' out)
		[ "$figures" = $'[100000,false,true]\n[100000,true,false]' ] || { cat out; false; }
	done
	[ "$(readers mlops-validate)" -gt 3 ]
}

@test "what is no plain table, and what is small, is read by one" {
	need_postgres
	sql "CREATE VIEW plant.seen AS SELECT * FROM plant.large; CREATE TABLE plant.few AS SELECT * FROM plant.large LIMIT 100000;
		CREATE TABLE plant.parent (LIKE plant.large); ALTER TABLE plant.large INHERIT plant.parent"
	for table in seen few parent; do
		log_begins
		both mlops-validate -q --checks columns --table "plant.$table"
		cmp one four
		[ "$(readers mlops-validate)" -eq 2 ]
	done
	sql "ALTER TABLE plant.large NO INHERIT plant.parent"
}

@test "rows come as they lie, though an index has all columns that are read" {
	need_postgres
	sql "CREATE TABLE plant.indexed AS SELECT n, repeat('y', 300) FROM plant.large ORDER BY n % 1000, n; CREATE INDEX ON plant.indexed (n)"
	sql "VACUUM ANALYZE plant.indexed"
	[[ $(sql "EXPLAIN SELECT n FROM plant.indexed") == *"Index Only Scan"* ]]
	for threads in 1 4; do
		mlops-train -q -m anomaly_detection --set trees=5 -f n --threads "$threads" -o "$threads.onnx" --table plant.indexed > /dev/null
	done
	cmp 1.onnx 4.onnx
	sql "COPY (SELECT n FROM plant.indexed ORDER BY ctid) TO STDOUT CSV HEADER" |
		mlops-train -q -m anomaly_detection --set trees=5 -f n -o csv.onnx > /dev/null
	cmp 1.onnx csv.onnx
}
