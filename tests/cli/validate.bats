#!/usr/bin/env bats
load "$MLOPS_SOURCE/tests/cli/support"

data=${MLOPS_DATA:-}

need_data() {
	[ -n "$data" ] && [ -e "$data/$1" ] || skip "no $1 below MLOPS_DATA"
}

# of CHECK MEMBER < findings
of() {
	jq -c --arg check "$1" "select(.check == \$check) | .$2"
}

@test "valid rows: a summary, status 0" {
	rows 2000 | sed 's/,pump-[0-9]/,pump-1/' > rows.csv
	run -0 --separate-stderr mlops-validate rows.csv
	[ -z "$stderr" ]
	[ "$(jq -c '[.summary, .valid, .rows, .invalid_rows]' <<< "${lines[-1]}")" = '[true,true,2000,0]' ]
	[ "$(jq -c '.missing_ratio | keys' <<< "${lines[-1]}")" = '["failure","pressure","temperature","vibration"]' ]
}

@test "what can't be read is a finding with its line, and status 1" {
	printf 'time,x,y\n2024-01-01T00:00:00Z,1,2\n2024-01-01T00:01:00Z,abc,2\nyesterday,1,1e99\n2024-01-01T00:02:00Z,1\n' > bad.csv
	run -1 --separate-stderr mlops-validate bad.csv
	[ "$(of parse lines <<< "$output")" = '[3,4]' ]
	[ "$(of not_finite lines <<< "$output")" = '[4]' ]
	[ "$(of ragged first_line <<< "$output")" = 5 ]
	[ "$(of time_missing first_line <<< "$output")" = 4 ]
	[ "$(jq -c '[.invalid_rows, .reasons.parse, .reasons.not_finite, .reasons.timestamp]' <<< "${lines[-1]}")" = '[3,3,1,1]' ]
}

@test "rows that are skipped are invalid ones" {
	printf 'x,y\n1,2\nabc,2\n3,4\n' > bad.csv
	run -0 --separate-stderr mlops-validate --on-error skip bad.csv
	[ "$(jq -c '[.valid, .rows, .invalid_rows]' <<< "${lines[-1]}")" = '[true,3,1]' ]
	run -65 --separate-stderr mlops-validate --on-error stop bad.csv
	[ "$stderr" = "mlops-validate: bad.csv:3: column \"x\": 'abc' is not a number" ]
}

@test "a schema is learnt, read back, and rows are held against it" {
	rows 3000 1 > january.csv
	rows 3000 2 > february.csv
	mlops-validate --infer january.csv > schema.json
	[ "$(jq -c '[.mlops_schema, .time, .id, (.sensors | sort)]' schema.json)" = \
		'[1,"timestamp","machine_id",["pump-0","pump-1","pump-2","pump-3"]]' ]
	run -0 mlops-validate --schema schema.json february.csv
	sed '100s/,pump-[0-9],[0-9.]*/,pump-9,1000/' february.csv > broken.csv
	run -1 mlops-validate --schema schema.json broken.csv
	[ "$(of range first_line <<< "$output")" = 100 ]
	[ "$(of sensors lines <<< "$output")" = '[100]' ]
	cut -d, -f 1-4 february.csv > narrow.csv
	run -1 mlops-validate --schema schema.json narrow.csv
	[ "$(of columns column <<< "$output")" = '"pressure"
"failure"' ]
}

# Both ways round; columns that are labels, or that come in one half only, are left out.
passes_other_half() {
	local file=$1 n
	shift
	n=$(($(wc -l < "$file") / 2))
	head -n "$n" "$file" > first.csv
	{ head -n 1 "$file"; tail -n "+$((n + 1))" "$file"; } > second.csv
	mlops-validate --quiet "$@" --infer first.csv > schema.json
	mlops-validate "$@" --schema schema.json second.csv > found.jsonl || { cat found.jsonl; return 1; }
	mlops-validate --quiet "$@" --infer second.csv > schema.json
	mlops-validate "$@" --schema schema.json first.csv > found.jsonl || { cat found.jsonl; return 1; }
}

@test "a schema of one half of a clean file passes the other" {
	need_data anomaly/nab
	passes_other_half "$data/anomaly/nab/realKnownCause/nyc_taxi.csv"
	passes_other_half "$data/failure/ai4i2020.csv"
	passes_other_half "$data/anomaly/tabular/shuttle.csv" --ignore label
	passes_other_half "$data/anomaly/tabular/thyroid.csv" --ignore label
	passes_other_half "$data/forecast/PRSA_data_2010.1.1-2014.12.31.csv"
}

@test "NAB's machine temperature: the backward hour and its 12 duplicates" {
	need_data anomaly/nab
	file=$data/anomaly/nab/realKnownCause/machine_temperature_system_failure.csv
	run -1 mlops-validate "$file"
	[ "$(of backward_time lines <<< "$output")" = '[10151]' ]
	[ "$(of duplicate_time lines <<< "$output")" = \
		'[10151,10152,10153,10154,10155,10156,10157,10158,10159,10160,10161,10162]' ]
	file=$data/anomaly/nab/realKnownCause/ec2_request_latency_system_failure.csv
	run -1 mlops-validate "$file"
	[ "$(of duplicate_time rows <<< "$output")" = 11 ]
	[ "$(of gap rows <<< "$output")" -ge 1 ]
}

@test "the verdict is the same for any number of threads and any format" {
	rows 30000 | sed '2000s/,[0-9.]*,/,999,/; 9000s/T[0-9:]*/T00:00:00/' > rows.csv
	mlops-validate --threads 1 --profile rows.csv > one.jsonl || true
	for threads in 2 3 8; do
		mlops-validate --threads $threads --profile rows.csv > other.jsonl || true
		cmp one.jsonl other.jsonl
	done
	[ "$(wc -l < one.jsonl)" -gt 5 ]
	mlops-validate --profile < rows.csv > other.jsonl || true
	cmp one.jsonl other.jsonl
}

@test "checks are chosen and set" {
	printf 'x\n1\n2\n300\n' > x.csv
	run -1 mlops-validate --set range.most=100 x.csv
	[ "$(of range message <<< "$output")" = '"column \"x\": 1 value outside -infinity to 100, the worst 300 in line 4"' ]
	run -0 mlops-validate --set range.most=100 --set range.severity=warning x.csv
	[ "$(of range severity <<< "$output")" = '"warning"' ]
	run -1 mlops-validate --set range.most=100 --set range.severity=warning --strict x.csv
	run -0 mlops-validate --set range.most=100 --checks gap,spike x.csv
	run -1 mlops-validate --set rows.least=4 x.csv
	[ "$(of rows message <<< "$output")" = '"3 usable rows, at least 4 are needed (--min-rows)"' ]
	run -0 mlops-validate --checks help
	[[ $output == *"
  spike (warning)
      a value far from both neighbours, on the same side
      spike.most=learnt"* ]]
}

@test "the manual names every check and setting" {
	for check in $(mlops-validate --checks help | sed -n 's/^  \([a-z_]*\) (.*/\1/p'); do
		grep -qE "^\.It Cm (.* )?$check( ,|\$)" "$MLOPS_SOURCE/man/mlops-validate.1"
		grep -qE "(^|[ .])$check( |\$)" "$MLOPS_SOURCE/man/mlops-schema.5"
	done
}

@test "mistakes name the nearest word" {
	printf 'x\n1\n' > x.csv
	run -64 --separate-stderr mlops-validate --checks rnage x.csv
	[ "$stderr" = "mlops-validate: unknown check 'rnage'; did you mean 'range'?" ]
	run -64 --separate-stderr mlops-validate --set range.mots=1 x.csv
	[ "$stderr" = "mlops-validate: unknown setting of range 'mots'; did you mean 'most'?" ]
	echo '{"mlops_schema":1,"columns":[{"name":"x","spiek":{"most":1}}]}' > schema.json
	run -78 --separate-stderr mlops-validate --schema schema.json x.csv
	[ "$stderr" = "mlops-validate: schema.json: column \"x\": unknown key \"spiek\"; did you mean \"spike\"?" ]
	echo '{' > schema.json
	run -78 --separate-stderr mlops-validate --schema schema.json x.csv
	[[ $stderr == "mlops-validate: schema.json:"*": not JSON: "* ]]
	run -74 --separate-stderr mlops-validate --schema nowhere.json x.csv
	run -65 --separate-stderr mlops-validate --time tiem x.csv
}

@test "options that contradict each other" {
	run -64 --separate-stderr mlops-validate --infer --schema s.json x.csv
	[ "${stderr_lines[0]}" = "mlops-validate: --infer makes a schema; with --schema there is one already" ]
	run -64 mlops-validate --infer --reference x.csv x.csv
	run -64 mlops-validate --infer --junit x.xml x.csv
	run -64 mlops-validate --climatology day x.csv
	run -64 mlops-validate --reference - -
}

@test "drift against rows and against a model's training data" {
	rows 3000 1 > reference.csv
	rows 3000 2 > same.csv
	awk -F, -v OFS=, 'NR > 1 { $3 += 8 } 1' same.csv > warmer.csv
	run -0 mlops-validate --reference reference.csv same.csv
	[ "$(jq '.drift.temperature.psi < 0.1' <<< "${lines[-1]}")" = true ]
	run -1 mlops-validate --reference reference.csv warmer.csv
	[ "$(of drift_psi column <<< "$output")" = '"temperature"' ]
	mlops-train --model anomaly_detection --name pumps --promote --ignore failure reference.csv
	run -1 mlops-validate --reference pumps warmer.csv
	[ "$(of drift_psi column <<< "$output")" = '"temperature"' ]
	[ "$(jq '.drift.vibration.ks < 0.05' <<< "${lines[-1]}")" = true ]
	mlops-registry export pumps model.onnx
	mlops-validate --reference model.onnx warmer.csv > from_file.jsonl || true
	diff <(echo "$output") from_file.jsonl
	run -65 --separate-stderr mlops-validate --reference pums warmer.csv
	[[ $stderr == *"did you mean 'pumps'?"* ]]
}

@test "JUnit XML" {
	printf 'x\n1\n300\n' > x.csv
	run -1 mlops-validate --set range.most=100 --junit x.xml x.csv
	grep -q '<testcase classname="x.csv" name="range">' x.xml
	[ "$(grep -c '<failure ' x.xml)" = 1 ]
	python3 -c 'import xml.dom.minidom, sys; xml.dom.minidom.parse(sys.argv[1])' x.xml
}

@test "a full disk is an error" {
	rows 100 > rows.csv
	run -74 bash -c 'mlops-validate rows.csv > /dev/full'
	[ "$output" = "mlops-validate: standard output: No space left on device" ]
}

@test "memory does not grow with the rows" {
	command -v /usr/bin/time > /dev/null || skip "no time(1)"
	[ -z "$MLOPS_SANITIZED" ] || skip "sanitizers need memory themselves"
	peak() { /usr/bin/time -f %M mlops-validate --threads 1 --profile "$@" 2>&1 > /dev/null | tail -n 1; }
	rows 20000 | tail -n +2 > rows
	{ rows 1; for _ in {1..3}; do cat rows; done; } > few.csv
	{ rows 1; for _ in {1..30}; do cat rows; done; } > many.csv
	few=$(peak few.csv) many=$(peak many.csv)
	echo "$few KB for 60,000 rows, $many KB for 600,000"
	[ "$many" -lt $((few + 2000)) ]
	# With drift, and threads that each have rows in their hands: below 100 MB.
	many=$(peak --threads 4 --reference many.csv many.csv)
	echo "$many KB with a reference and four threads"
	[ "$many" -lt 100000 ]
}

@test "rows are split by their verdict in the same pass" {
	rows 20000 | sed '100s/\(,pump-[0-9],\)[0-9.]*/\19999/; 15000s/,[0-9.]*$/,abc/' > rows.csv
	run -1 --separate-stderr mlops-validate --set range.most=1000 --good good.csv --bad bad.csv rows.csv
	[ "$(jq .invalid_rows <<< "${lines[-1]}")" = 2 ]
	diff bad.csv <(sed -n '1p;100p;15000p' rows.csv)
	diff good.csv <(sed '100d;15000d' rows.csv)
	mlops-validate --set range.most=1000 --bad other.csv < rows.csv > /dev/null || true
	cmp bad.csv other.csv
	run -0 mlops-validate --set range.most=1000 good.csv
	run -64 --separate-stderr mlops-validate --good x --bad x rows.csv
	[ "${stderr_lines[0]}" = "mlops-validate: --good and --bad name the same file" ]
	run -74 mlops-validate --good nowhere/good.csv rows.csv
	run -74 mlops-validate --good /dev/full --checks rows rows.csv
}

@test "counts by reason are kept in the ledger" {
	printf 'time,x\n2024-01-01T00:00:00Z,1\n2024-01-01T00:01:00Z,300\n2024-01-01T00:01:00Z,4\n' > x.csv
	run -1 mlops-validate --set range.most=100 --name pumps x.csv
	run -0 mlops-validate --name pumps --checks range x.csv
	run -65 mlops-validate --name pumps --on-error stop --time x <(printf 'x\nabc\n')
	run -0 mlops-registry runs pumps
	[ "$(jq -c '[.action, .outcome, .reason]' <<< "$output")" = '["validate","FAILED","invalid_data"]
["validate","FINISHED",null]
["validate","FAILED","invalid_data"]' ]
	[ "$(sqlite3 "$MLOPS_REGISTRY/ledger.db" "SELECT group_concat(r.reason || '=' || r.row_count) FROM validation_reasons r
		JOIN validations v USING (run) WHERE NOT v.valid AND r.row_count > 0")" = "duplicate=1,out_of_range=1" ]
	run -64 mlops-validate --infer --name pumps x.csv
	run -64 --separate-stderr mlops-validate --name 'a b/c' x.csv
}

@test "a training takes only rows that are valid, and fails in the same words" {
	rows 1000 > rows.csv
	sed '500s/\(,pump-[0-9],\)[0-9.]*/\19999/' rows.csv > broken.csv
	mlops-validate --infer rows.csv > schema.json
	run -0 mlops-train --model anomaly_detection --name pumps --ignore failure --schema schema.json rows.csv
	mlops-train --model anomaly_detection --name pumps --ignore failure rows.csv > plain.jsonl
	[ "$(jq -r .sha256 <<< "$output")" = "$(jq -r .sha256 plain.jsonl)" ]
	run -0 bash -c 'mlops-train --model anomaly_detection --name pumps --ignore failure --schema schema.json < rows.csv'
	[ "$(jq -r .sha256 <<< "$output")" = "$(jq -r .sha256 plain.jsonl)" ]

	message=$(mlops-validate --schema schema.json broken.csv | jq -r 'select(.check == "range") | .message')
	run -65 --separate-stderr mlops-train --model anomaly_detection --name pumps --ignore failure --schema schema.json broken.csv
	[ "$stderr" = "mlops-train: broken.csv:500: $message" ]
	[ "$(mlops-registry runs pumps | head -n 1 | jq -r '.outcome, .reason')" = 'FAILED
invalid_data' ]

	message=$(mlops-validate --min-rows 2000 rows.csv | jq -r 'select(.check == "rows") | .message')
	[ "$message" = "1000 usable rows, at least 2000 are needed (--min-rows)" ]
	for schema in "" "--schema schema.json"; do
		# shellcheck disable=SC2086
		run -65 --separate-stderr mlops-train --model anomaly_detection --name pumps --ignore failure --min-rows 2000 $schema rows.csv
		[ "$stderr" = "mlops-train: rows.csv: $message" ]
		[ "$(mlops-registry runs pumps | head -n 1 | jq -r .reason)" = insufficient_data ]
	done
	run -78 mlops-train --model anomaly_detection --schema <(echo '{') rows.csv
}
