# Rows from a real PostgreSQL: every type, every refusal, a server that goes away.
load "$MLOPS_SOURCE/tests/cli/support"
load "$MLOPS_SOURCE/tests/live/postgres"

setup_file() {
	postgres_alone
	[ -n "$POSTGRES" ] || return 0
	psql -q "$URL" <<- 'END'
		CREATE SCHEMA plant;
		CREATE TYPE plant.quality AS ENUM ('Good', 'Bad');
		CREATE TABLE plant.readings (ts timestamptz, machine_id text, temp float8, vib real, load numeric(12,4), n int,
			ok boolean, q plant.quality, failure int);
		INSERT INTO plant.readings SELECT timestamptz '2024-01-01 00:00Z' + i * interval '1 min', 'pump-' || i % 4,
			60 + (i * 7919 % 1000) / 100.0, (i % 17) / 3.0, i * 1.0001, i, i % 2 = 0, CASE i % 5 WHEN 0 THEN 'Bad'
			ELSE 'Good' END::plant.quality, (i * 7919 % 1000 > 900)::int FROM generate_series(1, 10000) i;
		CREATE TABLE public."Odd Table" ("a ""b"" c" int, "x,y" int);
		INSERT INTO public."Odd Table" VALUES (1, 2);
		CREATE VIEW public.recent AS SELECT * FROM plant.readings WHERE n > 9000;
		CREATE ROLE guest LOGIN PASSWORD 'guest';
		CREATE TABLE public.scores (ts timestamptz, machine_id text, score float8, probability float8, anomaly boolean);
	END
	mlops-train -q -m anomaly_detection -f temp,vib,load --set trees=3 --set sample_size=64 -o "$BATS_FILE_TMPDIR/model.onnx" \
		<<< "$(psql -q "$URL" -c '\copy plant.readings TO STDOUT CSV HEADER')" > /dev/null
}

teardown_file() {
	postgres_remove
}

need_postgres() {
	[ -n "$POSTGRES" ] || skip "PostgreSQL is not installed (or MLOPS_POSTGRES does not name its programs)"
	export DATABASE_URL=$URL
	model=$BATS_FILE_TMPDIR/model.onnx
}

sql() {
	psql -qAt "$URL" -c "$1"
}

# server TEXT...: how often statements with this text are running.
running() {
	sql "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%$1%' AND state = 'active' AND pid <> pg_backend_pid()"
}

# waits_for TEXT COUNT: until so many statements with this text are running.
waits_for() {
	for _ in {1..100}; do
		[ "$(running "$1")" != "$2" ] || return 0
		sleep 0.1
	done
	return 1
}

@test "a table gives the scores that its CSV gives" {
	need_postgres
	sql "SET timezone = 'UTC'; COPY plant.readings TO STDOUT CSV HEADER" | sed 's/ \(..:..:..\)+00/T\1Z/' > rows.csv
	mlops-score -m "$model" --time ts --keep temp,n,load rows.csv > from_csv
	mlops-score -m "$model" --keep temp,n,load --table plant.readings > from_table
	[ "$(wc -l < from_table)" -eq 10000 ]
	[ "$(sed 's/"load":[^,]*,//' from_table | cmp - <(sed 's/"load":[^,]*,//' from_csv))" = "" ]
	mlops-score -m "$model" --query 'SELECT * FROM plant.readings ORDER BY n DESC -- the newest first;' |
		tac | cmp - <(mlops-score -m "$model" --table plant.readings)
	mlops-score -m "$model" --threads 1 --table recent | cmp - <(tail -n 1000 <(mlops-score -m "$model" --table plant.readings))
}

@test "training from a table is training from its CSV, and the ledger says where from" {
	need_postgres
	sql "SET timezone = 'UTC'; COPY plant.readings TO STDOUT CSV HEADER" | sed 's/,t,/,1,/; s/,f,/,0,/' > rows.csv
	train=(mlops-train -q -m failure_prediction -t failure --time ts -f "temp,vib,load,ok,q" --set trees=5)
	"${train[@]}" -o csv.onnx rows.csv | jq -c 'del(.output, .duration_seconds)' > csv.json
	"${train[@]}" -o table.onnx --table plant.readings | jq -c 'del(.output, .duration_seconds)' > table.json
	cmp csv.json table.json
	cmp csv.onnx table.onnx
	"${train[@]}" --name fromdb --table plant.readings
	[ "$(mlops-registry runs fromdb | field source)" = "postgresql: table plant.readings (postgres at 127.0.0.1)" ]
	! grep -r secret "$MLOPS_REGISTRY"
}

@test "the registry compares two models on a table, and rows are validated there" {
	need_postgres
	for seed in 1 2; do
		mlops-train -q -m failure_prediction --name two -t failure -f temp,vib,load --set trees=3 --seed "$seed" --table recent
	done
	run -0 mlops-registry compare two/1 two/2 --target failure --table plant.readings
	[ "$(jq -c '[.on, .rows]' <<< "$output")" = '["postgresql: table plant.readings (postgres at 127.0.0.1)",10000]' ]
	run mlops-validate -q --time ts --table plant.readings
	[ "$(jq -c '[.summary, .rows]' <<< "${lines[-1]}")" = '[true,10000]' ]
}

@test "every type: as text, as number, missing" {
	need_postgres
	printf 'f0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n' | mlops-train -q -m anomaly_detection -o one.onnx --min-rows 2 > /dev/null
	query="SELECT 1::smallint f0, -2::int i, 9007199254740993::bigint b, 0.1::real r, 1e-300::float8 d, 123456789.123456789::numeric(20,10) n,
		true t, 'x'::char(3) c, 'y'::varchar v, 'z'::name w, '123e4567-e89b-12d3-a456-426614174000'::uuid u,
		date '2024-01-31' dt, timestamp '2024-01-31 18:00:00.5' ts, timestamptz '2024-01-31 18:00+01' tz, 'Good'::plant.quality q,
		5::oid o, 'é'::text e, '\"'::\"char\" ch
		UNION ALL SELECT 2, null, null, 'NaN', 'NaN', 'NaN', null, null, null, null, null, null, null, null, null, null, null, null"
	run -0 mlops-score -m one.onnx --keep i,b,r,d,n,t,c,v,w,u,dt,tz,q,o,e,ch --time ts --query "$query"
	[ "$(jq -c 'del(.anomaly_score, .anomaly_probability, .anomaly)' <<< "${lines[0]}")" = \
		'{"ts":"2024-01-31T18:00:00.500000","i":-2,"b":9007199254740993,"r":0.1,"d":1e-300,"n":123456789.1234567890,"t":"true","c":"x  ","v":"y","w":"z","u":"123e4567-e89b-12d3-a456-426614174000","dt":"2024-01-31","tz":"2024-01-31T17:00:00Z","q":"Good","o":5,"e":"é","ch":"\""}' ] ||
		{ echo "${lines[0]}"; [[ ${lines[0]} == *'"b":9007199254740993,"r":0.1,"d":1e-300,"n":123456789.1234567890,"t":"true","c":"x  ","v":"y","w":"z"'* ]]; }
	[ "$(jq -c '[.ts, .i, .b, .r, .d, .n, .t, .c, .u, .dt, .tz, .q, .o, .e]|unique' <<< "${lines[1]}")" = '[null]' ]
}

@test "numerics are the numbers that their text is" {
	need_postgres
	query='SELECT (i * 7919.123456789 / 10 ^ (i % 25))::numeric AS f0, (i * 7919.123456789 / 10 ^ (i % 25))::numeric::text AS t FROM
		generate_series(-3000, 3000) i'
	mlops-train -q -m anomaly_detection --set trees=20 -o n.onnx -f f0 --query "$query" > /dev/null
	mlops-score -m n.onnx --query "$query" | jq .anomaly_score > numbers
	sql "COPY (SELECT t AS f0 FROM ($query) q) TO STDOUT CSV HEADER" | mlops-score -m n.onnx | jq .anomaly_score | cmp - numbers
}

@test "infinities and texts in number columns are errors with row and column; --on-error has its say" {
	need_postgres
	query="SELECT 1 AS temp, 2 AS vib, 3 AS load UNION ALL SELECT 'Infinity'::float8, 2, 3"
	run -65 mlops-score -m "$model" --query "$query"
	[ "${lines[-1]}" = "mlops-score: postgresql: query SELECT 1 AS temp, 2 AS vib, 3 AS load UNION ALL SELECT 'Infi… (postgres at 127.0.0.1):2: column \"temp\": 'Infinity' is infinite or too large for float32" ]
	run -0 mlops-score -m "$model" --on-error skip --query "$query"
	[ "${#lines[@]}" -eq 2 ]
	run -65 mlops-score -m "$model" --query "SELECT '1' AS temp, 'x' AS vib, 3 AS load"
	[[ $output == *": column \"vib\": 'x' is not a number" ]]
}

@test "a time zone and several columns of time, as with any reader" {
	need_postgres
	query="SELECT date '2024-01-31' AS d, '18.00.00' AS t, 1 AS temp, 2 AS vib, 3 AS load"
	run -0 mlops-score -m "$model" --time d,t --timezone Europe/Berlin --query "$query"
	[ "$(field timestamp <<< "$output")" = "2024-01-31T17:00:00Z" ]
	run -0 mlops-score -m "$model" --timezone Europe/Berlin --query \
		"SELECT timestamp '2024-07-31 18:00' AS ts, 1 AS temp, 2 AS vib, 3 AS load"
	[ "$(field ts <<< "$output")" = "2024-07-31T16:00:00Z" ]
}

@test "scores go back to the database by psql" {
	need_postgres
	mlops-score --model "$model" --output-format csv --query "SELECT * FROM plant.readings WHERE n <= 100" |
		psql -q "$DATABASE_URL" -c "\\copy public.scores FROM STDIN CSV HEADER"
	[ "$(sql "SELECT count(*), count(DISTINCT machine_id), min(ts) AT TIME ZONE 'UTC', bool_and(score BETWEEN 0 AND 1) FROM scores")" = \
		"100|4|2024-01-01 00:01:00|t" ]
}

@test "names that need quotes, names that are not there" {
	need_postgres
	mlops-train -q -m anomaly_detection --min-rows 2 -o odd.onnx --query \
		"SELECT i AS \"a \"\"b\"\" c\", i * 2 AS \"x,y\" FROM generate_series(1, 20) i" > /dev/null
	run -0 mlops-score -m odd.onnx --table 'Odd Table'
	[ "${#lines[@]}" -eq 1 ]
	run -0 mlops-score -m odd.onnx --table 'public."Odd Table"'
	run -65 mlops-score -m "$model" --table plant.redings
	[ "$output" = 'mlops-score: postgresql: table plant.redings (postgres at 127.0.0.1): no table "plant.redings"; did you mean "plant.readings"?' ]
	run -64 mlops-score -m "$model" --table 'a.b.c'
	[ "$output" = "mlops-score: 'a.b.c' is no name of a table; it is NAME or SCHEMA.NAME" ]
}

@test "what the server does not like is said in its words" {
	need_postgres
	run -65 mlops-score -m "$model" --query 'SELEC 1'
	[ "$output" = 'mlops-score: postgresql: query SELEC 1 (postgres at 127.0.0.1): syntax error at or near "SELEC", at character 1' ]
	run -65 mlops-score -m "$model" --query 'SELECT 1 AS temp, 1 AS vib, 1 / (n - 5000) AS load FROM plant.readings'
	[[ ${lines[-1]} == *": division by zero" ]]
	run -65 mlops-score -m "$model" --query "SELECT 1 AS temp, 1 AS vib, now() - now() AS load"
	[[ $output == *'column "load" has the type interval, which is not read; cast it in a query, as "load"::text or extract(epoch from "load")' ]]
	run -65 mlops-score -m "$model" --query "SELECT 1 AS temp, 2 AS temp"
	[[ $output == *': column "temp" is there twice' ]]
}

@test "a query can only read, and only be one" {
	need_postgres
	sql "CREATE FUNCTION public.harm() RETURNS int LANGUAGE sql AS 'DELETE FROM public.\"Odd Table\" RETURNING 1'"
	run -65 mlops-score -m "$model" --query "SELECT 1 AS temp, 1 AS vib, public.harm() AS load"
	[[ $output == *"cannot execute DELETE in a read-only transaction"* ]]
	run -65 mlops-score -m "$model" --query "SELECT 1; COMMIT; DROP TABLE public.\"Odd Table\""
	[[ $output == *"cannot insert multiple commands into a prepared statement"* ]]
	run -65 mlops-score -m "$model" --query "SELECT 1) AS rows) TO STDOUT; DROP TABLE public.\"Odd Table\"; --"
	[ "$(sql 'SELECT count(*) FROM public."Odd Table"')" = 1 ]
}

@test "not there: 69; wrong password, missing right: 77; no such database: 78; never a password in a message" {
	need_postgres
	DATABASE_URL=postgresql://plant:hunter2@127.0.0.1:1/postgres run -69 mlops-score -m "$model" --table t
	[[ $output == *"Connection refused"* && $output != *hunter2* ]]
	DATABASE_URL=postgresql://plant:hunter2@127.0.0.1:$PGPORT/postgres run -77 mlops-score -m "$model" --table t
	[[ $output == *'password authentication failed for user "plant"'* && $output != *hunter2* && $output != *auth.c* ]]
	DATABASE_URL=postgresql://plant@127.0.0.1:$PGPORT/postgres run -77 mlops-score -m "$model" --table t
	DATABASE_URL=postgresql://guest:guest@127.0.0.1:$PGPORT/postgres run -77 mlops-score -m "$model" --table plant.readings
	echo "$output"
	[[ $output == *"permission denied for schema plant"* ]]
	DATABASE_URL=postgresql://plant:secret@127.0.0.1:$PGPORT/nowhere run -78 mlops-score -m "$model" --table t
	[[ $output == *'database "nowhere" does not exist' && $output != *secret* ]]
	DATABASE_URL=postgresql://plant:hun@ter2@127.0.0.1/postgres run -78 mlops-score -m "$model" --table t
	[[ $output != *hun* && $output != *ter2* ]]
	DATABASE_URL="postgresql://plant:hunter2@127.0.0.1:xy/postgres" run -78 mlops-score -m "$model" --table t
	[[ $output != *hunter2* ]]
}

@test "where the URL comes from: a file, a driver's name in it, libpq's own variables" {
	need_postgres
	unset DATABASE_URL
	echo "${URL/postgresql:/postgresql+psycopg2:}" > url
	run -0 mlops-score -m "$model" --database-url-file url --query 'SELECT 1 AS temp, 1 AS vib, 1 AS load'
	DATABASE_URL=${URL/postgresql:/postgres:} run -0 mlops-score -m "$model" --query 'SELECT 1 AS temp, 1 AS vib, 1 AS load'
	PGHOST=$PG_DIR PGUSER=plant PGDATABASE=postgres PGPASSWORD=secret run -0 mlops-score -m "$model" \
		--query 'SELECT 1 AS temp, 1 AS vib, 1 AS load'
	echo "127.0.0.1:$PGPORT:*:plant:secret" > pgpass
	chmod 600 pgpass
	PGPASSFILE=$PWD/pgpass DATABASE_URL=postgresql://plant@127.0.0.1:$PGPORT/postgres run -0 mlops-score -m "$model" \
		--query 'SELECT 1 AS temp, 1 AS vib, 1 AS load'
	: > empty
	run -78 mlops-score -m "$model" --database-url-file empty --table t
	[ "$output" = "mlops-score: empty: is empty" ]
}

@test "where the URL comes from: systemd's credentials, a file that the environment names" {
	need_postgres
	unset DATABASE_URL
	mkdir credentials
	echo "$URL" > credentials/DATABASE_URL
	CREDENTIALS_DIRECTORY=$PWD/credentials run -0 mlops-score -m "$model" --query 'SELECT 1 AS temp, 1 AS vib, 1 AS load'
	DATABASE_URL_FILE=credentials/DATABASE_URL run -0 mlops-score -m "$model" --query 'SELECT 1 AS temp, 1 AS vib, 1 AS load'
	DATABASE_URL_FILE=nowhere run -78 mlops-score -m "$model" --table t
	[ "$output" = "mlops-score: nowhere: No such file or directory" ]
	printf '%s\nmore\n' "$URL" > credentials/DATABASE_URL
	run -78 mlops-score -m "$model" --database-url-file credentials/DATABASE_URL --table t
	[ "$output" = "mlops-score: credentials/DATABASE_URL: has more than one line" ]
}

@test "forecasts of a table are those of its CSV" {
	need_postgres
	series 200 1 a b > series.csv
	quick -n temperature --promote series.csv > /dev/null
	sql "CREATE TABLE plant.series (\"timestamp\" timestamptz, sensor_id text, value float8)"
	psql -q "$URL" -c '\copy plant.series FROM series.csv CSV HEADER'
	mlops-forecast -m temperature --steps 3 series.csv > expected
	[ "$(wc -l < expected)" -eq 2 ]
	mlops-forecast -m temperature --steps 3 --table plant.series | cmp expected -
	mlops-forecast -m temperature --steps 3 --query "SELECT * FROM plant.series WHERE sensor_id = 'b'" | cmp <(sed -n 2p expected) -
	run -65 mlops-forecast -m temperature --query 'SELECT * FROM plant.series ORDER BY "timestamp", sensor_id LIMIT 20'
	[[ $output == 'mlops-forecast: postgresql: query SELECT'*': sensor "a" has 10 points, the model needs the last 24 (seq_length); --on-error skip leaves it out' ]] || { echo "$output"; false; }
	run -64 mlops-forecast -m temperature --table plant.series series.csv
	[ "$output" = "mlops-forecast: rows come from series.csv or from a database, not both" ]
	run -65 mlops-forecast -m temperature --table plant.seres
	[[ $output == *'did you mean "plant.series"?' ]]
}

@test "columns of other types are text, as in CSV, and are no numbers" {
	need_postgres
	query="SELECT i AS temp, i AS vib, i AS load, jsonb_build_object('i', i) AS extra, ARRAY[i, 2] AS list,
		i * interval '1 s' AS age, '\\x00ff'::bytea AS raw FROM generate_series(1, 50) i"
	mlops-validate --checks columns --query "$query" > found.jsonl
	[ "$(jq -c '[.valid, .rows, (.missing_ratio | keys)]' found.jsonl)" = '[true,50,["age","extra","list","load","raw","temp","vib"]]' ]
	mlops-score -m "$model" --keep extra,list,age,raw --query "$query" > scored.jsonl
	[ "$(sed -n 2p scored.jsonl | jq -c 'del(.anomaly_score, .anomaly_probability, .anomaly)')" = \
		'{"extra":"{\"i\": 2}","list":"{2,2}","age":"00:00:02","raw":"\\x00ff"}' ]
	run -0 --separate-stderr mlops-train -m anomaly_detection -o any.onnx --query "$query"
	[[ $stderr == *extra* ]]
	[ "$(jq -c .features <<< "$output")" = '["temp","vib","load"]' ]
	run -65 mlops-train -m anomaly_detection -f temp,extra -o any.onnx --query "$query"
	[[ $output == *'column "extra" holds text; features here are numbers' ]]
}

@test "rows of a table by their verdict: CSV that is read again" {
	need_postgres
	sql "CREATE TABLE plant.split AS SELECT timestamptz '2024-01-31 18:00+01' + i * interval '1 min' AS ts,
		CASE i WHEN 7 THEN 77777 WHEN 9 THEN 'Infinity' WHEN 11 THEN NULL ELSE i::float8 END AS x,
		CASE i WHEN 8 THEN 'a, \"b\"' || chr(10) || 'c' ELSE 'word' END AS note FROM generate_series(1, 20000) i"
	run -1 --separate-stderr mlops-validate --checks range,not_finite --set range.most=30000 --query \
		'SELECT * FROM plant.split WHERE x <= 5000 OR x IS NULL OR x > 20000' --good good.csv --bad bad.csv
	[ "$(jq -c '[.rows, .invalid_rows]' <<< "${lines[-1]}")" = '[5000,2]' ]
	[ "$(cat bad.csv)" = 'ts,x,note
2024-01-31T17:07:00Z,77777,word
2024-01-31T17:09:00Z,Infinity,word' ]
	[ "$(sed -n '1,2p;8,9p;11p' good.csv)" = 'ts,x,note
2024-01-31T17:01:00Z,1,word
2024-01-31T17:08:00Z,8,"a, ""b""
c"
2024-01-31T17:11:00Z,,word' ] || { sed -n 1,12p good.csv; false; }
	run -0 mlops-validate --checks range,not_finite,rows --set range.most=30000 --set rows.least=4998 good.csv
	[ "$(jq .rows <<< "${lines[-1]}")" = 4998 ]
	run -64 mlops-validate --on-error skip --bad bad.csv --table plant.split
}

@test "a training that checks first sees one state of the table, and says what is wrong with it" {
	need_postgres
	sql "CREATE TABLE public.live AS SELECT ts, temp, vib FROM plant.readings WHERE n <= 1000"
	mlops-validate -q --infer --table live > schema.json
	mlops-train -q -m anomaly_detection --set trees=5 -o plain.onnx --query 'SELECT * FROM live ORDER BY ts' > /dev/null
	mlops-train -q -m anomaly_detection --set trees=5 --schema schema.json -o checked.onnx --query 'SELECT * FROM live ORDER BY ts' > /dev/null
	cmp plain.onnx checked.onnx
	# Each row takes a tenth of a millisecond, so that rows are added while the first reading goes on.
	slow="SELECT ts, temp + length(pg_sleep(0.0005)::text) AS temp, vib FROM live"
	mlops-train -q -m anomaly_detection --set trees=5 --schema schema.json -o grown.onnx --query "$slow" > out.json 3>&- &
	job=$!
	waits_for pg_sleep 1
	sql "INSERT INTO live SELECT ts + interval '1 year', 9999, 9999 FROM live"
	wait "$job"
	[ "$(jq .rows out.json)" = 1000 ]
	run -65 mlops-train -q -m anomaly_detection --schema schema.json -o grown.onnx --table live
	[[ $output == *'postgresql: table live (postgres at 127.0.0.1):1001: column "temp": 1000 values outside '* ]] || { echo "$output"; false; }
}

@test "options that do not go together" {
	need_postgres
	run -64 mlops-score -m "$model" --table t --query 'SELECT 1'
	[ "${lines[0]}" = "mlops-score: --table and --query are two sources of rows" ]
	run -64 mlops-score -m "$model" --table t rows.csv
	[ "$output" = "mlops-score: rows come from rows.csv or from a database, not both" ]
	run -64 mlops-score -m "$model" --statement-timeout 5s
	[ "${lines[0]}" = "mlops-score: options for a database are given, but neither --table nor --query" ]
	run -64 mlops-score -m "$model" --table t --statement-timeout soon
	[ "${lines[0]}" = "mlops-score: option '--statement-timeout': 'soon' is no duration, such as 30s, 5min, 1h or 1d" ]
}

@test "a statement that takes too long is ended: 69, in the server's words" {
	need_postgres
	run -69 mlops-score -m "$model" --statement-timeout 200ms --query 'SELECT 1 AS temp, 1 AS vib, pg_sleep(30)::text AS load'
	[[ $output == *"canceling statement due to statement timeout" ]]
	run -0 mlops-score -m "$model" --statement-timeout none --query "SELECT current_setting('statement_timeout') AS temp, 1 AS vib, 1 AS load"
	[ "${#lines[@]}" -eq 1 ]
}

@test "a server that accepts and says nothing: 69 after --connect-timeout" {
	need_postgres
	command -v python3 > /dev/null || skip "python3 is not installed"
	python3 -c 'import socket, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(); print(s.getsockname()[1], flush=True); time.sleep(60)' > port 3>&- &
	silent=$!
	while [ ! -s port ]; do sleep 0.1; done
	DATABASE_URL=postgresql://plant:hunter2@127.0.0.1:$(cat port)/postgres run -69 mlops-score -m "$model" --connect-timeout 300ms --table t
	kill "$silent"
	[ "$output" = "mlops-score: postgresql: table t (postgres at 127.0.0.1): the server has not answered within 0.300 seconds" ]
}

@test "whoever goes away takes the query along: a closed pipe, SIGINT" {
	need_postgres
	endless='SELECT generate_series(1, 2000000000) AS temp, 1 AS vib, 1 AS load /* endless */'
	mlops-score -m "$model" --query "$endless" | head -n 1 > /dev/null
	waits_for endless 0
	mlops-score -m "$model" --query 'SELECT 1 AS temp, 1 AS vib, pg_sleep(60)::text AS load /* asleep */' 3>&- &
	waits_for asleep 1
	kill -TERM $!
	waits_for asleep 0
}

@test "the nightly job reads a table, and a database that goes away is its reason" {
	need_postgres
	mkdir conf
	printf '%s\n' KIND=anomaly_detection TABLE=plant.readings TIME=ts FEATURES=temp,vib,load SETTINGS=trees=5 > conf/pumps.conf
	export MLOPS_CONFIG_DIR=$PWD/conf
	run -0 --separate-stderr mlops-retrain pumps
	[ "$(jq -c '[.outcome, .champion]' <<< "$output")" = '["promoted",1]' ]
	[ "$(mlops-registry runs pumps --limit 1 | field rows)" = 10000 ]
	[[ "$(mlops-registry runs pumps --limit 1)" != *secret* ]]
	sed -i 's/plant.readings/plant.nothing/' conf/pumps.conf
	run --separate-stderr mlops-retrain pumps
	[ "$status" -ne 0 ]
	[ "$(field champion <<< "$output")" = 1 ]
	DATABASE_URL=postgresql://guest:wrong@127.0.0.1:$PGPORT/postgres run -77 --separate-stderr mlops-retrain pumps
	[ "$(mlops-registry runs pumps --limit 1 | field reason)" = database ]
}

@test "a server killed in mid-COPY: 69, no model, and the run is recorded as failed" {
	need_postgres
	slow='SELECT i AS temp, i AS vib, CASE WHEN i > 20000 THEN length(pg_sleep(0.01)::text) ELSE i END AS load
		FROM generate_series(1, 100000) i /* slow */'
	mlops-train -q -m anomaly_detection --name killed --query "$slow" > out 2> err 3>&- &
	job=$!
	waits_for slow 1
	sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%slow%' AND pid <> pg_backend_pid()" > /dev/null
	wait "$job" && status=0 || status=$?
	cat err
	[ "$status" -eq 69 ]
	grep 'terminating connection due to administrator command' err
	[ ! -s out ]
	[ "$(mlops-registry runs killed | field outcome)" = FAILED ]
	[ -z "$(mlops-registry list killed)" ]
	mlops-train -q -m anomaly_detection -o killed.onnx --query "$slow" > out 2> err 3>&- &
	job=$!
	waits_for slow 1
	postgres_stop QUIT
	wait "$job" && status=0 || status=$?
	cat err
	[ "$status" -eq 69 ]
	[ ! -e killed.onnx ]
}
