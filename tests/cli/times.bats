# Times as people write them: formats, zones, several columns.
load support

# A model of one feature, so that each test has a row scored and looks at its time.
setup_file() {
	awk 'BEGIN { print "value"; for (i = 0; i < 64; i++) print i % 8 }' > "$BATS_FILE_TMPDIR/train.csv"
	mlops-train -q -m anomaly_detection --set trees=2 --set sample_size=16 -o "$BATS_FILE_TMPDIR/model.onnx" \
		"$BATS_FILE_TMPDIR/train.csv" > /dev/null
}

score() {
	mlops-score --model "$BATS_FILE_TMPDIR/model.onnx" "$@"
}

@test "without a word about times they pass through as they were" {
	run -0 score <<< $'time,value\n31.01.2024 18:00,1'
	[ "$(field time <<< "$output")" = "31.01.2024 18:00" ]
}

@test "--timezone: local times are written in UTC, summer and winter" {
	run -0 score --timezone Europe/Berlin <<< $'time,value\n2024-01-31 18:00,1\n2024-07-31 18:00,2\n2024-07-31T18:00:00Z,3'
	[ "$(field time <<< "$output" | tr '\n' ' ')" = "2024-01-31T17:00:00Z 2024-07-31T16:00:00Z 2024-07-31T18:00:00Z " ]
	TZ=Asia/Tokyo run -0 score --timezone=-03:30 <<< $'when,value\n2024-01-31 18:00,1' --time when
	[ "$(field when <<< "$output")" = "2024-01-31T21:30:00Z" ]
}

@test "--timezone: a name that is none is met with the nearest" {
	run -64 score --timezone Europe/Berln <<< $'time,value\n1,1'
	[ "${lines[0]}" = "mlops-score: option '--timezone': no time zone \"Europe/Berln\"; did you mean \"Europe/Berlin\"?" ]
}

@test "--time-format: pattern, day first, month first" {
	run -0 score --time-format '%d/%m/%Y %H.%M.%S' <<< $'time,value\n10/03/2004 18.00.00,1'
	[ "$(field time <<< "$output")" = "2004-03-10T18:00:00Z" ]
	run -0 score --time-format day-first --timezone Europe/Rome <<< $'time,value\n10/3/04 6:00 PM,1'
	[ "$(field time <<< "$output")" = "2004-03-10T17:00:00Z" ]
	run -0 score --time-format month-first <<< $'time,value\nJan-1-1995,1'
	[ "$(field time <<< "$output")" = "1995-01-01T00:00:00Z" ]
}

@test "--time-format: mistakes" {
	run -64 score --time-format '%d/%q' <<< $'time,value\n1,1'
	[[ ${lines[0]} == "mlops-score: option '--time-format': '%d/%q' is no pattern of a time: '%q' is none of %Y "* ]]
	run -65 score --time-format day-first <<< $'time,value\n1/2/2024,1\n1/13/2024,1'
	[ "${lines[-1]}" = "mlops-score: standard input:3: column \"time\": '1/13/2024' is not a time as 'day-first' has it" ]
	[ "$(field time <<< "${lines[0]}")" = "2024-02-01T00:00:00Z" ]
	run -65 score --time-format day-first <<< $'value\n1'
	[[ $output == *"no column is called timestamp, time, ts, date or datetime; name the one that is the time" ]]
}

@test "--time with several columns: text, numbers, one that is not there" {
	run -0 score --time Date,Time <<< $'Date,Time,value\n2004-03-10,18.00.00,1'
	[ "$(field timestamp <<< "$output")" = "2004-03-10T18:00:00Z" ]
	run -0 score --time year --time month,day,hour --timezone Asia/Shanghai <<< $'No,year,month,day,hour,value\n1,2010,1,2,7,-11'
	[ "$(field timestamp <<< "$output")" = "2010-01-01T23:00:00Z" ]
	run -65 score --time year,mnth <<< $'year,month,value\n2010,1,-11'
	[ "$output" = "mlops-score: standard input: no column \"mnth\"; did you mean \"month\"?" ]
}

@test "mlops-train holds out the latest rows by times of several columns" {
	awk 'BEGIN { print "d,c,value"; for (i = 0; i < 50; i++) printf "%02d.01.2024,%02d.00,%d\n", 28 - int(i / 24), 23 - i % 24, i }' > rows.csv
	run -0 mlops-train -q -m anomaly_detection --set trees=2 --set sample_size=16 --time d,c --time-format day-first -o m.onnx rows.csv
	[ "$(jq -c .features <<< "$output")" = '["value"]' ]
	[ "$(jq -r .split <<< "$output")" = time ]
}
