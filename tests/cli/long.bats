# Samples, one a row, become rows: --layout long.
load support

setup_file() {
	awk 'BEGIN { print "temp,vib"; for (i = 0; i < 64; i++) print i % 8 "," i % 5 }' > "$BATS_FILE_TMPDIR/train.csv"
	mlops-train -q -m anomaly_detection --set trees=2 --set sample_size=16 -o "$BATS_FILE_TMPDIR/model.onnx" \
		"$BATS_FILE_TMPDIR/train.csv" > /dev/null
}

score() {
	mlops-score --model "$BATS_FILE_TMPDIR/model.onnx" --layout long "$@"
}

@test "rows at steps, from samples that are late, bad, or of other tags" {
	cat > samples.csv <<- 'END'
		TimeStamp;TagName;Value;Quality
		2024-01-01 00:00:10;temp;1,5;Good
		2024-01-01 00:00:50;vib;2;Good
		2024-01-01 00:00:20;temp;2,5;Good
		2024-01-01 00:01:30;vib;3;Bad
		2024-01-01 00:01:40;flow;9;Good
		2024-01-01 00:02:30;temp;4;Uncertain
		2024-01-01 00:01:00;temp;7;Good
		2024-01-01 00:03:00;vib;5;Good
	END
	run -0 --separate-stderr score --tags temp,vib --every 1min --lateness 40s --hold 90s --keep temp,vib samples.csv
	[ "$(jq -c '[.TimeStamp, .temp, .vib]' <<< "$output")" = '["2024-01-01T00:01:00Z",2.5,2]
["2024-01-01T00:02:00Z",null,null]
["2024-01-01T00:03:00Z",4,5]' ]
	[ "${stderr_lines[0]}" = "mlops-score: 1 sample came too late and was left out" ]
	[ "${stderr_lines[1]}" = "mlops-score: 1 sample was left out: no time, no tag, or a tag that is no column" ]
}

@test "a sensor has rows of its own; JSON, a time zone and training as with any rows" {
	awk 'BEGIN { for (s = 1; s <= 2; s++) for (i = 0; i < 200; i++) for (t = 1; t <= 2; t++)
		printf "{\"ts\":\"2024-01-%02d %02d:%02d\",\"unit\":\"u%d\",\"signal\":\"%s\",\"reading\":%d}\n", 1 + int(i / 96), int(i / 4) % 24,
			i % 4 * 15, s, t == 1 ? "temp" : "vib", (i * 7 + t + s) % 13 }' > samples.jsonl
	run -0 mlops-train -q -m anomaly_detection --set trees=2 -o model.onnx --layout long --every 15min --timezone Europe/Berlin samples.jsonl
	[ "$(jq -c '[.rows, .features, .split]' <<< "$output")" = '[400,["temp","vib"],"time"]' ]
	mlops-score --model model.onnx --layout long --every 15min --timezone Europe/Berlin samples.jsonl > scored.jsonl
	[ "$(jq -r .unit scored.jsonl | sort | uniq -c | tr -s ' ' | tr '\n' ,)" = " 200 u1, 200 u2," ]
	[ "$(jq -r .ts scored.jsonl | sort | head -n 1)" = 2023-12-31T23:00:00Z ]
}

@test "memory does not grow with the samples" {
	[ -z "$MLOPS_SANITIZED" ] || skip "memory is measured without sanitizers"
	samples() {
		awk -v n="$1" 'BEGIN { print "time,tag,value"; for (i = 0; i < n; i++) printf "%d,%s,%d\n", i, i % 2 ? "temp" : "vib", i % 10 }'
	}
	samples 100000 > few.csv
	samples 1000000 > many.csv
	for file in few many; do
		/usr/bin/time -f %M -o "$file" mlops-score --model "$BATS_FILE_TMPDIR/model.onnx" --threads 1 --layout long --every 10s \
			--lateness 100s "$file.csv" > "$file.out"
	done
	[ "$(wc -l < many.out)" -eq 100000 ]
	echo "$(cat few) $(cat many)"
	[ "$(cat many)" -le "$(($(cat few) + 2048))" ]
}

@test "options that have no meaning without the long layout, and durations that are none" {
	run -64 mlops-score --model m.onnx --tags a rows.csv
	[ "${lines[0]}" = "mlops-score: --tags, --tag, --value, --quality and --lateness need --layout long" ]
	run -64 mlops-score --model m.onnx --every 1min rows.csv
	[ "${lines[0]}" = "mlops-score: --every and --hold need --layout long" ]
	run -64 mlops-score --model m.onnx --layout long --every often rows.csv
	[ "${lines[0]}" = "mlops-score: option '--every': 'often' is no duration, such as 30s, 5min, 1h or 1d" ]
	run -65 score <<< $'time,label,value\n1,a,1'
	[ "$output" = "mlops-score: standard input: long layout: no column is called tag, signal or name; name the one that holds the tag" ]
}
