load support

# A registered champion of each kind.
train_both() {
	rows 600 > sensors.csv
	mlops-train -q -m anomaly_detection -n unusual -i failure --promote sensors.csv > /dev/null
	mlops-train -q -m failure_prediction -n failing -t failure --promote sensors.csv > /dev/null
}

@test "an anomaly line has time, sensor, score, probability and decision" {
	train_both
	run --separate-stderr mlops-score --model unusual sensors.csv
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 600 ]
	[ "$(jq -c 'keys_unsorted' <<< "${lines[0]}")" = '["timestamp","machine_id","anomaly_score","anomaly_probability","anomaly"]' ]
	[ "$(jq -r .timestamp <<< "${lines[0]}")" = 2024-01-01T00:00:00Z ]
	[ "$(jq -s 'all(.anomaly_score > 0 and .anomaly_score < 1 and .anomaly_probability >= 0 and .anomaly_probability <= 1)' <<< "$output")" = true ]
	# Monotone: sorted by score, the probabilities are sorted too.
	[ "$(jq -s 'sort_by(.anomaly_score) | map(.anomaly_probability) | . == sort' <<< "$output")" = true ]
	[ "$(jq -s 'all(.anomaly == (.anomaly_score >= 0.5))' <<< "$output")" = true ]
}

@test "a failure line has time, machine, probability and decision" {
	train_both
	run --separate-stderr mlops-score -m failing sensors.csv
	[ "$status" -eq 0 ]
	[ "$(jq -c 'keys_unsorted' <<< "${lines[0]}")" = '["timestamp","machine_id","failure_probability","failure"]' ]
	[ "$(jq -s 'all(.failure == (.failure_probability > 0.5))' <<< "$output")" = true ]
}

@test "columns are found by name in any order, extra ones are ignored, a missing one is named" {
	train_both
	mlops-score -m failing sensors.csv > expected
	awk -F, -v OFS=, '{ print $5, "x" NR, $4, $3, $2, $1 }' sensors.csv | sed '1s/x1/extra/' > moved.csv
	mlops-score -m failing moved.csv | jq -c '{timestamp,machine_id,failure_probability,failure}' > moved
	jq -c . expected | cmp - moved
	cut -d, -f1,2,3,5 sensors.csv | sed '1s/pressure/presure/' > missing.csv
	run --separate-stderr mlops-score -m failing missing.csv
	[ "$status" -eq 65 ]
	[ -z "$output" ]
	[[ "$stderr" == *'vibration'* ]]
}

@test "--threshold, --only-positive and --keep" {
	train_both
	all=$(mlops-score -m failing --threshold 0.2 sensors.csv | jq -s 'map(select(.failure_probability >= 0.2)) | length')
	some=$(mlops-score -m failing --threshold 0.2 --only-positive sensors.csv | wc -l)
	[ "$all" -eq "$some" ]
	[ "$some" -gt 0 ]
	run --separate-stderr mlops-score -m unusual --threshold 0.55 sensors.csv
	[ "$(jq -s 'all(.anomaly == (.anomaly_score >= 0.55))' <<< "$output")" = true ]
	run --separate-stderr mlops-score -m failing --keep temperature,failure sensors.csv
	[ "$(jq -c 'keys_unsorted' <<< "${lines[0]}")" = '["timestamp","machine_id","temperature","input_failure","failure_probability","failure"]' ]
	[ "$(jq '.temperature | type' <<< "${lines[0]}")" = '"number"' ]
	run --separate-stderr mlops-score -m failing --keep all sensors.csv
	[ "$(jq 'keys | length' <<< "${lines[0]}")" = 8 ]
	run --separate-stderr mlops-score -m failing --keep temperatur sensors.csv
	[ "$status" -eq 65 ]
	[[ "$stderr" == *'did you mean "temperature"'* ]]
	run --separate-stderr mlops-score -m failing --threshold 2 sensors.csv
	[ "$status" -eq 64 ]
}

@test "csv output has a header, quotes where needed, and the same figures" {
	train_both
	sed 's/pump-1/"pump ""1"", north"/' sensors.csv > quoted.csv
	mlops-score -m failing -O csv quoted.csv > out.csv
	[ "$(head -n 1 out.csv)" = timestamp,machine_id,failure_probability,failure ]
	[ "$(wc -l < out.csv)" -eq 601 ]
	[ "$(grep -c '"pump ""1"", north"' out.csv)" -eq 150 ]
	mlops-score -m failing sensors.csv | jq -r '[.failure_probability, .failure] | map(tostring) | join(",")' > a
	sed 1d out.csv | sed 's/.*,\([^,]*,[^,]*\)$/\1/' > b
	cmp a b
}

@test "a row is answered before the next one is written, and the pipe may close early" {
	train_both
	coproc SCORE { mlops-score -m failing --line-buffered 2> /dev/null; }
	out=${SCORE[0]} in=${SCORE[1]}
	head -n 2 sensors.csv >&"$in"
	read -r -t 10 first <&"$out"
	[ "$(field machine_id <<< "$first")" = pump-0 ]
	sed -n 3p sensors.csv >&"$in"
	read -r -t 10 second <&"$out"
	[ "$(field machine_id <<< "$second")" = pump-1 ]
	eval "exec $in>&-"
	run bash -c 'yes "$(sed -n 2p sensors.csv)" | cat <(head -n 1 sensors.csv) - | mlops-score -m failing 2> err | head -n 3 | wc -l'
	[ "$output" -eq 3 ]
	[ ! -s err ]
}

@test "references: champion, alias, version, file" {
	train_both
	mlops-train -q -m failure_prediction -n failing -t failure --set trees=5 sensors.csv > /dev/null
	mlops-registry alias failing candidate 2 > /dev/null
	mlops-registry export failing/2 two.onnx > /dev/null
	mlops-score -m failing/2 sensors.csv > a
	mlops-score -m failing@candidate sensors.csv | cmp a -
	mlops-score -m ./two.onnx sensors.csv | cmp a -
	mlops-score -m failing sensors.csv > b
	run cmp -s a b
	[ "$status" -eq 1 ]
	run --separate-stderr mlops-score -m falling sensors.csv
	[ "$status" -eq 65 ]
	[[ "$stderr" == *failing* ]]
	run --separate-stderr mlops-score -m failing/9 sensors.csv
	[ "$status" -eq 65 ]
	run --separate-stderr mlops-score -m failing@nobody sensors.csv
	[ "$status" -eq 65 ]
}

@test "a text that the training never saw is missing, and counted" {
	rows 600 | awk -F, -v OFS=, 'NR == 1 { print $0, "type"; next } { print $0, (NR % 2 ? "a" : "b") }' > sensors.csv
	mlops-train -q -m failure_prediction -n failing -t failure --promote sensors.csv > /dev/null
	head -n 11 sensors.csv | sed '5s/,[ab]$/,c/' > other.csv
	run --separate-stderr mlops-score -m failing other.csv
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 10 ]
	[[ "$stderr" == *"1 text"* ]]
}

@test "JSON Lines and arrays score as CSV does" {
	train_both
	head -n 50 sensors.csv > part.csv
	mlops-score -m failing part.csv > expected
	awk -F, 'NR > 1 { printf "{\"timestamp\":\"%s\",\"machine_id\":\"%s\",\"temperature\":%s,\"vibration\":%s,\"pressure\":%s}\n", $1, $2, $3, $4, $5 == "" ? "null" : $5 }' part.csv > part.jsonl
	mlops-score -m failing part.jsonl | cmp expected -
	jq -s . part.jsonl | mlops-score -m failing | cmp expected -
	mlops-score -m failing - < part.jsonl | cmp expected -
}

@test "the same lines for any number of threads" {
	rows 20000 > sensors.csv
	mlops-train -q -m anomaly_detection -n unusual -i failure --promote sensors.csv > /dev/null
	mlops-score -m unusual --threads 1 sensors.csv > one
	for threads in 2 3 7; do
		mlops-score -m unusual --threads $threads sensors.csv | cmp one -
	done
}

@test "each build of the kernels says the same, and one that is not there is named" {
	train_both
	mlops-score -m unusual sensors.csv > expected
	for build in reference v2 v3 v4 native; do
		MLOPS_CPU=$build run --separate-stderr mlops-score -m unusual sensors.csv
		if [ "$status" -eq 0 ]; then
			cmp - expected <<< "$output"
		else
			[ "$status" -eq 78 ]
			[[ "$stderr" == "mlops-score: MLOPS_CPU: this machine has no '$build', but reference, "* ]]
			[ "$build" != reference ]
		fi
	done
}

@test "the same lines from a pipe, whatever pieces the rows come in" {
	rows 30000 > sensors.csv
	mlops-train -q -m anomaly_detection -n unusual -i failure --promote sensors.csv > /dev/null
	mlops-score -m unusual --threads 1 sensors.csv > expected
	for bytes in 997 4096 10007 65536 65536 100003 300007; do
		for threads in 1 2 3; do
			dd if=sensors.csv bs=$bytes status=none | mlops-score -m unusual --threads $threads | cmp expected -
		done
	done
}

@test "no rows give no lines: an empty array and a header alone" {
	train_both
	for format in jsonl csv; do
		head -n 1 sensors.csv | mlops-score -m unusual --output-format $format | sed 's/timestamp,machine_id,//' > header
		mlops-score -m unusual --output-format $format <<< '[]' | cmp header -
	done
	run -65 --separate-stderr mlops-train -q -m anomaly_detection <(echo '[ ]')
	[[ $stderr == *": no data rows" ]]
}

@test "--keep all never writes a name twice" {
	rows 500 | sed '1s/$/,input_failure,input_input_failure/; 2,$s/$/,1,2/' > sensors.csv
	mlops-train -q -m failure_prediction -t failure -f temperature,vibration --set trees=2 -o failing.onnx sensors.csv > /dev/null
	run -0 mlops-score -m failing.onnx --keep all --output-format csv sensors.csv
	[ "${lines[0]}" = "timestamp,machine_id,temperature,vibration,pressure,input_input_input_failure,input_failure,input_input_failure,failure_probability,failure" ]
	[[ ${lines[1]} == *,1,2,*,false ]]
}

# The same by other means: each column in turn is set to its median, and all rows are scored again.
@test "--explain: by how much each feature moved the score from where its usual value would have it" {
	rows 500 > all.csv
	# A text feature, a missing value here and there.
	awk -F, -v OFS=, 'NR == 1 { print $0, "state"; next } { print $0, ($3 > 64 ? "hot" : NR % 3 ? "calm" : "") }' all.csv > sensors.csv
	mlops-train -q -m anomaly_detection -n anomalies -f temperature,vibration,pressure --set trees=20 sensors.csv > trained
	mlops-train -q -m failure_prediction -n failures --target failure -f temperature,vibration,pressure,state --set trees=20 sensors.csv > trained
	for name in anomalies failures; do
		score=$([ $name = anomalies ] && echo anomaly_score || echo failure_probability)
		mlops-score -m $name/1 --explain 99 sensors.csv > explained
		mlops-score -m $name/1 sensors.csv | cmp - <(sed 's/,"because":.*/}/' explained)
		for column in temperature:3 vibration:4 pressure:5 state:7; do
			[ $name$column != anomaliesstate:7 ] || continue
			feature=${column%:*}
			usual=$(mlops-registry show $name/1 | jq --arg f "$feature" '.file.profile.features[] | select(.name == $f).quantiles[50] // empty')
			# The most frequent text.
			[ -n "$usual" ] || usual=$(cut -d, -f 7 sensors.csv | tail -n +2 | grep . | sort | uniq -c | sort -n | tail -n 1 | awk '{ print $2 }')
			awk -F, -v OFS=, -v c="${column#*:}" -v v="$usual" 'NR > 1 { $c = v } { print }' sensors.csv > changed.csv
			mlops-score -m $name/1 changed.csv > changed
			paste <(jq --arg f "$feature" '[.because[] | select(.feature == $f).effect][0] // 0' explained) <(jq ".$score" explained) \
				<(jq ".$score" changed) > compared
			[ "$(wc -l < compared)" -eq 500 ]
			awk '{ d = $2 - $3 - $1; if (d > 3e-7 || d < -3e-7) { print; bad = 1; exit } n += $1 != 0 } END { exit bad || !n }' compared
		done
		# The largest first, no more than were asked for, the same with any number of threads.
		[ "$(jq -c '[.because[].effect | fabs] | . == (sort | reverse)' explained | sort -u)" = true ]
		mlops-score -m $name/1 -e 2 --threads 3 sensors.csv | jq -c .because | cmp - <(jq -c '.because[:2]' explained)
	done
	mlops-score -m failures/1 -e 1 -O csv sensors.csv > explained.csv
	[[ "$(head -n 1 explained.csv)" == *,because ]]
	[ "$(grep -cE ',("\[\{""feature"":""[a-z]+"",""effect"":-?[0-9.e-]+\}\]"|\[\])$' explained.csv)" -eq 500 ]
}

@test "--explain: a column called because goes through under another name" {
	rows 300 > all.csv
	sed '1s/$/,because/; 2,$s/$/,rain/' all.csv > sensors.csv
	mlops-train -q -m anomaly_detection -n pumps -i failure,because --set trees=10 sensors.csv > trained
	[ "$(mlops-score -m pumps/1 -k because sensors.csv | head -n 1 | jq -r .because)" = rain ]
	[ "$(mlops-score -m pumps/1 -k because -e 1 sensors.csv | head -n 1 | jq -r '.input_because, (.because | length)')" = 'rain
1' ]
	run -64 mlops-score -m pumps/1 --explain 0 sensors.csv
}
