load support

@test "an isolation forest is trained, registered and described in one line" {
	rows 500 > sensors.csv
	run --separate-stderr mlops-train --model anomaly_detection --name pumps --ignore failure sensors.csv
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 1 ]
	[ "$(field event <<< "$output")" = trained ]
	[ "$(field model <<< "$output")" = pumps ]
	[ "$(field version <<< "$output")" = 1 ]
	[ "$(field rows <<< "$output")" = 500 ]
	[ "$(jq -c .features <<< "$output")" = '["temperature","vibration","pressure"]' ]
	[ "$(jq -r '.metrics.anomaly_rate >= 0 and .metrics.anomaly_rate <= 1' <<< "$output")" = true ]
	[ "$(jq -c .settings <<< "$output")" = '{"trees":100,"sample_size":256,"contamination":"auto"}' ]
	[ "$(field split <<< "$output")" = time ]
	[ "$(field test_rows <<< "$output")" = 100 ]
	[ "$(jq 'has("champion")' <<< "$output")" = true ]
	# The name is the kind's unless given, and a second training is the next version.
	run --separate-stderr mlops-train --model anomaly_detection --ignore failure sensors.csv
	[ "$(field model <<< "$output")" = anomaly_detection ]
	run --separate-stderr mlops-train --model anomaly_detection --name pumps --ignore failure sensors.csv
	[ "$(field version <<< "$output")" = 2 ]
}

@test "labels that are given only judge an isolation forest" {
	rows 800 > sensors.csv
	run --separate-stderr mlops-train --model anomaly_detection --target failure --split random sensors.csv
	[ "$status" -eq 0 ]
	[ "$(jq -c .features <<< "$output")" = '["temperature","vibration","pressure"]' ]
	[ "$(jq '.metrics.roc_auc > 0.8' <<< "$output")" = true ]
	[ "$(jq '.metrics | has("accuracy") and has("average_precision") and has("anomaly_rate")' <<< "$output")" = true ]
	without=$(mlops-train --model anomaly_detection --ignore failure --output a.onnx sensors.csv | field sha256)
	[ -n "$without" ]
}

@test "a random forest reports figures, classes, out-of-bag estimate and importances" {
	rows 1000 > sensors.csv
	run --separate-stderr mlops-train --model failure_prediction --target failure --set trees=50 sensors.csv
	[ "$status" -eq 0 ]
	[ "$(jq '.metrics.accuracy > 0.9' <<< "$output")" = true ]
	[ "$(jq '.metrics.roc_auc > 0.8' <<< "$output")" = true ]
	[ "$(jq '.metrics.out_of_bag_accuracy > 0.9' <<< "$output")" = true ]
	[ "$(jq -c .classes <<< "$output")" = '["0","1"]' ]
	[ "$(field positive <<< "$output")" = 1 ]
	[ "$(field importance <<< "$output")" = impurity ]
	[ "$(jq '.importances | length' <<< "$output")" = 3 ]
	[ "$(jq '.importances[0].effect >= .importances[1].effect' <<< "$output")" = true ]
	[ "$(jq '[.importances[].effect] | add | . > 0.999 and . < 1.001' <<< "$output")" = true ]
	run --separate-stderr mlops-train --model failure_prediction --target failure --importance permutation sensors.csv
	[ "$(field importance <<< "$output")" = permutation ]
	[ "$(jq '.importances[0].effect > 0' <<< "$output")" = true ]
}

@test "the model is the same for any number of threads, for CSV and JSON, and the seed matters" {
	rows 1500 > sensors.csv
	jq -Rcn '[inputs] | map(split(",")) | .[0] as $h | .[1:][]
		| [$h, .] | transpose | map({(.[0]): (.[1] | if . == "" then null else . end)}) | add
		| .temperature |= tonumber | .vibration |= tonumber | .pressure |= (if . then tonumber else . end) | .failure |= tonumber
		' sensors.csv > sensors.jsonl
	for kind in anomaly_detection failure_prediction; do
		for threads in 1 2 3 7; do
			mlops-train -m $kind -t failure --threads $threads -o $kind.$threads.onnx sensors.csv > /dev/null
			cmp $kind.1.onnx $kind.$threads.onnx
		done
		mlops-train -m $kind -t failure -o $kind.json.onnx sensors.jsonl > /dev/null
		cmp $kind.1.onnx $kind.json.onnx
		mlops-train -m $kind -t failure --seed 1 -o $kind.seed.onnx sensors.csv > /dev/null
		run cmp -s $kind.1.onnx $kind.seed.onnx
		[ "$status" -eq 1 ]
	done
}

@test "text columns are categories for a random forest and left out, with a word, by an isolation forest" {
	rows 600 | awk -F, -v OFS=, 'NR == 1 { print $0, "type"; next } { print $0, ($6 == 1 ? "old" : (NR % 3 ? "new" : "mid")) }' > sensors.csv
	run --separate-stderr mlops-train -m failure_prediction -t failure -f type,vibration sensors.csv
	[ "$status" -eq 0 ]
	[ "$(jq '.metrics.accuracy' <<< "$output")" = 1 ]
	[ "$(jq -r '.importances[0].feature' <<< "$output")" = type ]
	run --separate-stderr mlops-train -m anomaly_detection -i failure sensors.csv
	[ "$status" -eq 0 ]
	[[ "$stderr" == *'column "type" holds text and is left out'* ]]
	run --separate-stderr mlops-train -m anomaly_detection -f type,vibration sensors.csv
	[ "$status" -eq 65 ]
}

@test "more than two classes" {
	rows 900 | awk -F, -v OFS=, 'NR == 1 { print $0, "state"; next } { print $0, ($3 > 68 ? "hot" : ($4 > 1.8 ? "shaking" : "fine")) }' > sensors.csv
	run --separate-stderr mlops-train -m failure_prediction -t state -i failure sensors.csv
	[ "$status" -eq 0 ]
	[ "$(jq -c .classes <<< "$output")" = '["fine","hot","shaking"]' ]
	[ "$(jq '.metrics.accuracy > 0.95' <<< "$output")" = true ]
	[ "$(jq '.metrics | has("macro_f1") and has("log_loss")' <<< "$output")" = true ]
	[ "$(jq 'has("positive")' <<< "$output")" = false ]
}

@test "class weights change the balance, min_leaf and max_depth the size" {
	rows 1000 > sensors.csv
	plain=$(mlops-train -m failure_prediction -t failure -o a.onnx sensors.csv)
	balanced=$(mlops-train -m failure_prediction -t failure -s class_weight=balanced -o b.onnx sensors.csv)
	[ "$(jq -r .sha256 <<< "$plain")" != "$(jq -r .sha256 <<< "$balanced")" ]
	[ "$(jq -r .settings.class_weight <<< "$balanced")" = balanced ]
	small=$(mlops-train -m failure_prediction -t failure -s min_leaf=20 -s max_depth=3 -o c.onnx sensors.csv)
	[ "$(field size <<< "$small")" -lt "$(field size <<< "$plain")" ]
}

@test "splits: time, random, group, a test file, none" {
	rows 400 > sensors.csv
	rows 200 2 > later.csv
	for split in time random group; do
		run --separate-stderr mlops-train -m failure_prediction -t failure --split $split sensors.csv
		[ "$status" -eq 0 ]
		[ "$(field split <<< "$output")" = $split ]
	done
	[ "$(field test_rows <<< "$output")" = 100 ] # one of four machines
	run --separate-stderr mlops-train -m failure_prediction -t failure --test later.csv sensors.csv
	[ "$status" -eq 0 ]
	[ "$(field split <<< "$output")" = file ]
	[ "$(field test_rows <<< "$output")" = 200 ]
	[ "$(field rows <<< "$output")" = 400 ]
	run --separate-stderr mlops-train -m failure_prediction -t failure --test-fraction 0 sensors.csv
	[ "$status" -eq 0 ]
	[ "$(jq '.metrics | has("accuracy")' <<< "$output")" = false ]
	refitted=$(mlops-train -m failure_prediction -t failure -o a.onnx sensors.csv | field sha256)
	kept=$(mlops-train -m failure_prediction -t failure --no-refit -o b.onnx sensors.csv | field sha256)
	[ "$refitted" != "$kept" ]
}

@test "--set help lists the settings with defaults; wrong settings name the nearest" {
	run --separate-stderr mlops-train -m failure_prediction --set help
	[ "$status" -eq 0 ]
	for name in trees=100 max_features=sqrt min_leaf=1 max_depth=0 class_weight=none; do
		[[ "$output" == *"$name"* ]]
	done
	run --separate-stderr mlops-train -m anomaly_detection --set tree=5 /dev/null
	[ "$status" -eq 64 ]
	[ -z "$output" ]
	[[ "$stderr" == *"trees"* ]]
	run --separate-stderr mlops-train -m anomaly_detection --set trees=0 /dev/null
	[ "$status" -eq 64 ]
	run --separate-stderr mlops-train -m anomaly_detektion /dev/null
	[ "$status" -eq 64 ]
	[[ "$stderr" == *"anomaly_detection"* ]]
}

@test "every training is in the ledger, with its reason when it fails" {
	rows 300 > sensors.csv
	head -n 4 sensors.csv > few.csv
	sed '7s/,6[0-9.]*,/,hot,/' sensors.csv > bad.csv
	mlops-train -m failure_prediction -n pumps -t failure sensors.csv > /dev/null
	run mlops-train -m failure_prediction -n pumps -t failure few.csv
	[ "$status" -eq 65 ]
	run mlops-train -m failure_prediction -n pumps -t failure bad.csv
	[ "$status" -eq 65 ]
	run mlops-train -m failure_prediction -n pumps -t failure nowhere.csv
	[ "$status" -eq 74 ]
	run --separate-stderr mlops-registry runs pumps
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 4 ]
	[ "$(jq -r '[.outcome, .reason // "-"] | join(" ")' <<< "$output")" = "FAILED invalid_data
FAILED invalid_data
FAILED insufficient_data
FINISHED -" ]
	[[ "$(jq -r .message <<< "${lines[1]}")" == *'"temperature": '"'hot' is not a number" ]]
	[ "$(jq -r .version <<< "${lines[3]}")" = 1 ]
	[ "$(jq -r .source <<< "${lines[3]}")" = sensors.csv ]
	# A failed training leaves the versions as they were.
	[ "$(mlops-registry list pumps | wc -l)" -eq 1 ]
}

# Until the ledger knows of a training.
wait_for_run() {
	for _ in $(seq 50); do
		sleep 0.1
		[ -f "$MLOPS_REGISTRY/ledger.db" ] && [ -n "$(mlops-registry runs 2> /dev/null)" ] && break
	done
}

@test "a training that is told to end says so in the ledger" {
	mkfifo pipe
	mlops-train -m anomaly_detection -n pumps - < pipe 2> /dev/null &
	pid=$!
	exec 5> pipe
	rows 50 >&5
	wait_for_run
	sleep 0.2
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	[ "$status" -eq 143 ]
	exec 5>&-
	run mlops-registry runs pumps
	[ "$(field outcome <<< "$output")" = FAILED ]
	[ "$(field reason <<< "$output")" = signal ]
}

@test "a training that is killed outright counts as failed, and as running until then" {
	mkfifo pipe
	mlops-train -m anomaly_detection -n pumps - < pipe 2> /dev/null &
	pid=$!
	exec 5> pipe
	rows 50 >&5
	wait_for_run
	[ "$(mlops-registry runs pumps | field outcome)" = RUNNING ]
	# Another training leaves it alone.
	rows 50 > sensors.csv
	mlops-train -m anomaly_detection -n fans sensors.csv
	[ "$(mlops-registry runs pumps | field outcome)" = RUNNING ]
	kill -KILL $pid
	wait $pid || true
	exec 5>&-
	run mlops-registry runs pumps
	[ "$(field outcome <<< "$output")" = FAILED ]
	[ "$(field reason <<< "$output")" = signal ]
	# The next one writes it down.
	mlops-train -m anomaly_detection -n fans sensors.csv
	[ "$(sqlite3 "$MLOPS_REGISTRY/ledger.db" "SELECT count(*) FROM runs WHERE outcome = 'RUNNING'")" -eq 0 ]
	[[ "$(mlops-registry runs pumps | field message)" == *killed* ]]
}

@test "a training goes on through signals that its caller ignores, as under nohup" {
	mkfifo pipe
	(
		trap '' HUP
		exec mlops-train -m anomaly_detection -n pumps -i failure - < pipe > result 2> /dev/null
	) &
	pid=$!
	exec 5> pipe
	rows 50 >&5
	wait_for_run
	sleep 0.2
	kill -HUP $pid
	sleep 0.2
	exec 5>&-
	wait $pid
	[ "$(field version < result)" = 1 ]
}

@test "options that would have no effect are refused" {
	rows 100 > sensors.csv
	refused() {
		run --separate-stderr mlops-train -m "$@" sensors.csv
		[ "$status" -eq 64 ]
	}
	refused anomaly_detection --reason x
	[ "${stderr_lines[0]}" = "mlops-train: --reason says why a version is promoted; it needs --promote" ]
	refused anomaly_detection --positive 1
	refused anomaly_detection --importance permutation
	refused failure_prediction -t failure --importance permutation --test-fraction 0
	refused failure_prediction -t failure --test sensors.csv --split random
	refused failure_prediction -t failure --test sensors.csv --test-fraction 0.1
	run --separate-stderr mlops-train -m failure_prediction -t failure --test - < sensors.csv
	[ "$status" -eq 64 ]
	[ ! -e "$MLOPS_REGISTRY" ]
}

@test "a text column without a text in any row that counts is one that can be scored" {
	{
		echo state,x,failure
		for i in $(seq 20); do echo "on,$i,"; echo ",$i,$((i % 2))"; done
	} > sensors.csv
	mlops-train -q -m failure_prediction -t failure --promote sensors.csv > /dev/null
	run --separate-stderr mlops-score -m failure_prediction sensors.csv
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 40 ]
	[ "$stderr" = "mlops-score: 20 texts were not in the training data and were taken as missing" ]
}

@test "a column called time that holds none can be ignored" {
	rows 100 | sed '2,$s/^[^,]*/at noon/' > sensors.csv
	run --separate-stderr mlops-train -m anomaly_detection -i failure sensors.csv
	[ "$status" -eq 65 ]
	run --separate-stderr mlops-train -m anomaly_detection -i failure,timestamp sensors.csv
	[ "$status" -eq 0 ]
	[ "$(field split <<< "$output")" = random ]
	[ "$(jq -c .features <<< "$output")" = '["temperature","vibration","pressure"]' ]
}

@test "--promote makes the new version the champion and says why" {
	rows 300 > sensors.csv
	run --separate-stderr mlops-train -m anomaly_detection -n pumps -i failure --promote --reason "first one" sensors.csv
	[ "$(field champion <<< "$output")" = true ]
	run mlops-registry history pumps
	[ "$(field to <<< "$output")" = 1 ]
	[ "$(field why <<< "$output")" = "first one" ]
	run mlops-train -m anomaly_detection --promote -o a.onnx sensors.csv
	[ "$status" -eq 64 ]
}

@test "a place that can't be written to is an error ahead of the training" {
	mkdir models
	run -74 --separate-stderr mlops-train -q -m anomaly_detection -o nowhere/model.onnx no-rows.csv
	[ "$stderr" = "mlops-train: nowhere/model.onnx: No such file or directory" ]
	run -74 --separate-stderr mlops-train -q -m anomaly_detection -o models no-rows.csv
	[ "$stderr" = "mlops-train: models: is a directory" ]
}

@test "rows that are not there are wrong data in the ledger, a schema that is not there is not" {
	rows 100 > sensors.csv
	run -74 mlops-train -q -m anomaly_detection --name pumps nowhere.csv
	run -74 mlops-train -q -m anomaly_detection --name pumps --schema nowhere.json sensors.csv
	run -74 mlops-validate --name pumps nowhere.csv
	run -74 mlops-validate --name pumps --schema nowhere.json sensors.csv
	run -74 mlops-validate --name pumps --bad nowhere/bad.csv sensors.csv
	run -0 mlops-registry runs pumps
	[ "$(jq -r .reason <<< "$output" | tac | tr '\n' ' ')" = "invalid_data internal invalid_data internal internal " ]
}
