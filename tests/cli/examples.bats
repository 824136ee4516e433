#!/usr/bin/env bats
# The EXAMPLES of the manual pages, run one after the other as they stand, in a directory that holds sensors.csv.

setup() {
	cd "$BATS_TEST_TMPDIR"
	export MLOPS_REGISTRY=$PWD/registry LC_ALL=C
	unset MLFLOW_TRACKING_URI
	"$MLOPS_BUILD/examples/plant-simulator" --labels --days 31 --machines 4 > sensors.csv
}

# The lines behind a "$ " in the page's EXAMPLES, and those that go on from them.
examples() {
	sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "$MLOPS_SOURCE/man/$1" |
		awk '/^\$ / || (inside && /^    /) { inside = 1; sub(/^\$ /, ""); gsub(/\\e/, "\\"); print; next } { inside = 0 }'
}

run_examples() {
	examples "$1" > examples.sh
	[ "$(wc -l < examples.sh)" -ge "$2" ]
	run bash -e -x examples.sh
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "the examples of mlops-train" {
	run_examples mlops-train.1 4
	[ -s pumps.onnx ]
}

@test "the examples of mlops-score" {
	run_examples mlops-score.1 3
	[[ $output == *'"anomaly":true'* ]]
}

@test "the examples of mlops-forecast" {
	jq -nc '{sensor_id: "pump-01", historical_data: [range(60)], forecast_steps: 3}' > histories.jsonl
	run_examples mlops-forecast.1 4
	[ "$(grep -c '"forecast_steps":6' <<< "$output")" -eq 4 ]
	[ "$(grep -c '"forecast_steps":3' <<< "$output")" -eq 1 ]
}

@test "the examples of mlops-registry" {
	run_examples mlops-registry.1 10
}

@test "the examples of mlops" {
	run_examples mlops.7 3
}

@test "the examples of mlops-validate" {
	run_examples mlops-validate.1 4
	[[ $output == *'"valid":true'* ]]
}

@test "the examples of mlops-retrain" {
	mkdir conf
	export MLOPS_CONFIG_DIR=$PWD/conf
	printf '%s\n' KIND=anomaly_detection IGNORE=failure FILE=../sensors.csv > conf/pumps.conf
	run_examples mlops-retrain.1 3
	[ "$(mlops-registry list pumps | wc -l)" -eq 2 ]
}

@test "the configurations in the manual are some" {
	mkdir conf
	for file in pumps.conf defaults; do
		sed '1,/^\.Sh EXAMPLES/d' "$MLOPS_SOURCE/man/mlops-retrain.conf.5" | awk -v file="$file" '$0 ~ "^\\.Pa " file { on = 1 } on && /^\.Ed/ { on = 0 } on && !/^(\.|[a-z])/' \
			> "conf/$file"
		[ "$(wc -l < "conf/$file")" -ge 5 ]
	done
	echo postgresql://127.0.0.1:9/x > conf/database-url
	run mlops-retrain --dry-run "$PWD/conf/pumps.conf"
	[ "$status" -eq 69 ]
}

@test "the schema in the manual is one" {
	sed -n '/^\.Bd/,/^\.Ed/p' "$MLOPS_SOURCE/man/mlops-schema.5" | grep -v '^\.' > schema.json
	printf 'timestamp,machine_id,inlet,starts,state\n2024-01-01T00:00:00Z,pump-01,20,1,on\n' > rows.csv
	mlops-validate --schema schema.json rows.csv
}
