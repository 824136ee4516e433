load support

three_versions() {
	rows 300 > sensors.csv
	for trees in 5 6 7; do
		mlops-train -q -m failure_prediction -n pumps -t failure -s trees=$trees "$@" sensors.csv > /dev/null
	done
}

@test "list, show and the champion" {
	three_versions
	run --separate-stderr mlops-registry list
	[ "$output" = '{"name":"pumps","kind":"failure_prediction","versions":3,"newest":3,"champion":null}' ]
	run mlops-registry list pumps
	[ "${#lines[@]}" -eq 3 ]
	[ "$(jq -r .version <<< "$output" | tr '\n' ' ')" = "1 2 3 " ]
	run --separate-stderr mlops-score -m pumps sensors.csv
	[ "$status" -eq 65 ]
	[[ "$stderr" == *"no champion"* ]]
	run mlops-registry promote pumps 2
	[ "$status" -eq 0 ]
	run mlops-registry show pumps
	[ "$(field version <<< "$output")" = 2 ]
	[ "$(field champion <<< "$output")" = true ]
	[ "$(field file.trees <<< "$output")" = 6 ]
	[ "$(field file.settings.trees <<< "$output")" = 6 ]
	[ "$(jq '.file.profile.features | length' <<< "$output")" = 3 ]
}

@test "promote, roll back twice, and the history that says who and why" {
	three_versions
	for version in 1 2 3; do
		mlops-registry promote pumps $version --reason "try $version" > /dev/null
	done
	run mlops-registry rollback pumps --reason "alarms at night"
	[ "$status" -eq 0 ]
	[ "$(field to <<< "$output")" = 2 ]
	run mlops-registry rollback pumps
	[ "$(field to <<< "$output")" = 1 ]
	run --separate-stderr mlops-registry rollback pumps
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	run mlops-registry history pumps
	[ "$(jq -r '[.action, .from, .to] | map(tostring) | join(" ")' <<< "$output")" = "rollback 2 1
rollback 3 2
promote 2 3
promote 1 2
promote null 1" ]
	[ "$(jq -r .why <<< "${lines[1]}")" = "alarms at night" ]
	[ "$(jq -r '.who | test("@")' <<< "${lines[0]}")" = true ]
	run --separate-stderr mlops-registry rollback pumps --to 3
	[ "$status" -eq 1 ]
	[[ "$stderr" == *"no earlier champion"* ]]
	mlops-registry promote pumps 3 > /dev/null
	mlops-registry promote pumps 2 > /dev/null
	run mlops-registry rollback pumps --to 1
	[ "$(field to <<< "$output")" = 1 ]
	run mlops-registry history pumps --limit 1
	[ "${#lines[@]}" -eq 1 ]
}

@test "aliases" {
	three_versions
	mlops-registry alias pumps shadow 3 > /dev/null
	[ "$(mlops-registry show pumps@shadow | field version)" = 3 ]
	mlops-registry alias pumps shadow --remove > /dev/null
	run mlops-registry show pumps@shadow
	[ "$status" -eq 65 ]
	run mlops-registry alias pumps latest 3
	[ "$status" -eq 64 ]
	run mlops-registry alias pumps shadow 9
	[ "$status" -eq 65 ]
	run mlops-registry alias pumps shadow
	[ "$status" -eq 64 ]
}

@test "export and import keep the bytes" {
	three_versions
	mlops-registry export pumps/1 one.onnx > /dev/null
	[ "$(sha256sum one.onnx | cut -d' ' -f1)" = "$(mlops-registry show pumps/1 | field sha256)" ]
	run --separate-stderr mlops-registry import one.onnx --name copy --promote --reason "from the other plant"
	[ "$status" -eq 0 ]
	[ "$(field version <<< "$output")" = 1 ]
	[ "$(mlops-registry show copy | field sha256)" = "$(mlops-registry show pumps/1 | field sha256)" ]
	[ "$(mlops-score -m copy sensors.csv | sha256sum)" = "$(mlops-score -m pumps/1 sensors.csv | sha256sum)" ]
	run mlops-registry import one.onnx
	[ "$status" -eq 64 ]
	echo nonsense > no.onnx
	run --separate-stderr mlops-registry import no.onnx --name copy
	[ "$status" -eq 65 ]
	[ "$(mlops-registry list copy | wc -l)" -eq 1 ]
}

@test "verify finds a changed file, and a changed file is never scored" {
	three_versions
	run mlops-registry verify
	[ "$status" -eq 0 ]
	[ "$(jq -r 'select(.summary) | .ok' <<< "$output")" = true ]
	file=$MLOPS_REGISTRY/models/$(mlops-registry show pumps/2 | field sha256).onnx
	chmod u+w "$file"
	printf 'X' | dd of="$file" bs=1 seek=100 conv=notrunc 2> /dev/null
	run --separate-stderr mlops-registry verify pumps
	[ "$status" -eq 1 ]
	[ "$(jq -r 'select(.ok == false and .version) | .version' <<< "$output")" = 2 ]
	run --separate-stderr mlops-score -m pumps/2 sensors.csv
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	rm "$file"
	run mlops-registry verify pumps
	[ "$status" -eq 1 ]
}

@test "prune keeps what is named or could be needed" {
	three_versions
	three_versions
	mlops-registry promote pumps 1 > /dev/null
	mlops-registry promote pumps 6 > /dev/null
	run mlops-registry prune pumps --keep 2 --dry-run
	[ "$(jq -r .version <<< "$output" | sort | tr '\n' ' ')" = "2 3 4 " ]
	[ "$(mlops-registry list pumps | wc -l)" -eq 6 ]
	run mlops-registry prune pumps --keep 2
	[ "$status" -eq 0 ]
	[ "$(mlops-registry list pumps | jq -r .version | tr '\n' ' ')" = "1 5 6 " ]
	run mlops-registry verify
	[ "$status" -eq 0 ]
}

@test "compare by recorded figures, and on a file" {
	three_versions
	rows 200 3 > later.csv
	run --separate-stderr mlops-registry compare pumps/1 pumps/3
	[ "$status" -eq 0 ]
	[ "$(jq '.difference | has("accuracy")' <<< "$output")" = true ]
	run --separate-stderr mlops-registry compare pumps/1 pumps/3 later.csv --target failure
	[ "$status" -eq 0 ]
	[ "$(field rows <<< "$output")" = 200 ]
	[ "$(jq '(.second.metrics.accuracy - .first.metrics.accuracy - .difference.accuracy) | fabs < 1e-9' <<< "$output")" = true ]
	run --separate-stderr mlops-registry compare pumps/1 pumps/3 later.csv
	[ "$status" -eq 65 ]
	mlops-train -q -m anomaly_detection -n other -i failure sensors.csv > /dev/null
	run mlops-registry compare pumps/1 other/1 later.csv --target failure
	[ "$status" -eq 65 ]
	run --separate-stderr mlops-registry compare pumps/1 other/1
	[ "$status" -eq 65 ]
	[ "$stderr" = "mlops-registry: failure_prediction and anomaly_detection can't be compared" ]
	run --separate-stderr mlops-registry compare pumps/1 pumps/3 - --target failure < later.csv
	[ "$(field rows <<< "$output")" = 200 ]
	run --separate-stderr bash -c 'mlops-registry compare pumps/1 pumps/3 - --target failure <&-'
	[ "$status" -eq 74 ]
	[ "$stderr" = "mlops-registry: standard input: Bad file descriptor" ]
}

@test "verbs, options and references that do not exist" {
	run --separate-stderr mlops-registry lst
	[ "$status" -eq 64 ]
	[[ "$stderr" == *list* ]]
	run --separate-stderr mlops-registry list --reason x
	[ "$status" -eq 64 ]
	run --separate-stderr mlops-registry promote pumps
	[ "$status" -eq 64 ]
	run --separate-stderr mlops-registry list
	[ "$status" -eq 78 ]
	[ -z "$output" ]
	[ ! -e "$MLOPS_REGISTRY" ]
	three_versions
	run --separate-stderr mlops-registry promote pump 1
	[ "$status" -eq 65 ]
	[[ "$stderr" == *pumps* ]]
	run --separate-stderr mlops-registry promote pumps 12
	[ "$status" -eq 65 ]
	run --separate-stderr mlops-registry promote pumps one
	[ "$status" -eq 64 ]
}

@test "where the registry is: MLFLOW_TRACKING_URI, MLOPS_REGISTRY, XDG_DATA_HOME, home" {
	rows 100 > sensors.csv
	unset MLOPS_REGISTRY
	export HOME=$BATS_TEST_TMPDIR/home
	train=(mlops-train -q -m anomaly_detection -i failure sensors.csv)
	[ "$("${train[@]}" | field registry)" = "$HOME/.local/share/mlops" ]
	export XDG_DATA_HOME=$BATS_TEST_TMPDIR/xdg
	[ "$("${train[@]}" | field registry)" = "$XDG_DATA_HOME/mlops" ]
	export MLOPS_REGISTRY=$BATS_TEST_TMPDIR/reg
	[ "$("${train[@]}" | field registry)" = "$MLOPS_REGISTRY" ]
	export MLFLOW_TRACKING_URI=file://$BATS_TEST_TMPDIR/uri
	[ "$("${train[@]}" | field registry)" = "$BATS_TEST_TMPDIR/uri" ]
	export MLFLOW_TRACKING_URI=ftp://somewhere
	run "${train[@]}"
	[ "$status" -eq 78 ]
}

@test "two trainings at once both get a version" {
	rows 300 > sensors.csv
	for i in 1 2 3 4; do
		mlops-train -q -m failure_prediction -n pumps -t failure --seed $i sensors.csv > out.$i &
	done
	wait
	[ "$(cat out.* | jq -r .version | sort | tr '\n' ' ')" = "1 2 3 4 " ]
	run mlops-registry verify
	[ "$status" -eq 0 ]
}

@test "fail records a training that never began, once" {
	run -64 mlops-registry fail pumps invalid-data
	[ "${lines[0]}" = "mlops-registry: 'invalid-data' is no reason; did you mean 'invalid_data'?" ]
	run -64 mlops-registry fail pumps x
	[[ "$output" == *"those are insufficient_data, invalid_data, database, registry, quality_gate, internal and signal"* ]]
	[ ! -e "$MLOPS_REGISTRY" ]
	start=$(date +%s.%N)
	line=$(mlops-registry fail pumps database --message 'no "answer"' --started "$start")
	[ "$(jq -r '[.model, .action, .outcome, .reason, .message] | join("|")' <<< "$line")" = \
		'pumps|train|FAILED|database|no "answer"' ]
	[ "$(mlops-registry runs pumps | field run_id)" = "$(field run_id <<< "$line")" ]
	# One that is there already, as mlops-train writes it, is not written again; an older one does not count.
	[ -z "$(mlops-registry fail pumps internal --started "$start")" ]
	[ -n "$(mlops-registry fail pumps internal)" ]
	[ -n "$(mlops-registry fail pumps signal --started "$(date +%s.%N)")" ]
	rows 100 > sensors.csv
	start=$(date +%s.%N)
	run -65 mlops-train -m anomaly_detection -n pumps -f nothing sensors.csv
	[ -z "$(mlops-registry fail pumps internal --started "$start")" ]
	[ "$(mlops-registry runs pumps | field reason | xargs)" = 'invalid_data signal internal database' ]
}
