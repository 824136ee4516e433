# Files as they came from real plants and archives, each read by one command: what is odd about them is in the tests' names.
load support

real_file() {
	[ -f "$MLOPS_DATA/$1" ] || skip "no $1 below MLOPS_DATA ($MLOPS_DATA)"
	file=$MLOPS_DATA/$1
}

train() {
	mlops-train -q --set trees=2 -o model.onnx "$@"
}

# The times, first and last, that scoring writes.
times() {
	mlops-score -q --model model.onnx "$@" | jq -r '.timestamp // .date // .DATE' | sed -n '1p;$p' | tr '\n' ' '
}

@test "AI4I: byte order mark, CRLF, spaces and brackets in names, a text column" {
	real_file failure/ai4i2020.csv
	run -0 train -m failure_prediction -t 'Machine failure' --ignore 'UDI,Product ID,TWF,HDF,PWF,OSF,RNF' "$file"
	[ "$(field rows <<< "$output")" -eq 10000 ]
	[ "$(jq -c .features <<< "$output")" = \
		'["Type","Air temperature [K]","Process temperature [K]","Rotational speed [rpm]","Torque [Nm]","Tool wear [min]"]' ]
}

@test "Occupancy: a header that is one name short, quoted times" {
	real_file failure/occupancy/datatraining.txt
	run -0 train -m failure_prediction -t Occupancy "$file"
	[ "$(jq -c '[.rows, .features, .split]' <<< "$output")" = \
		'[8143,["Temperature","Humidity","Light","CO2","HumidityRatio"],"time"]' ]
	[ "$(times "$file")" = "2015-02-04 17:51:00 2015-02-10 09:33:00 " ]
	[ "$(times --timezone UTC "$file")" = "2015-02-04T17:51:00Z 2015-02-10T09:33:00Z " ]
}

@test "AirQuality: semicolons, decimal commas, dates day first, times with points, empty columns and rows, -200 for missing" {
	real_file forecast/AirQualityUCI.csv
	how=(--time 'Date,Time' --time-format day-first --timezone Europe/Rome --na=-200)
	run -0 train -m anomaly_detection "${how[@]}" "$file"
	[ "$(jq -c '[.rows, (.features | length), .split]' <<< "$output")" = '[9471,13,"time"]' ]
	mlops-score -q --model model.onnx "${how[@]}" --keep 'CO(GT),AH' "$file" > scored.jsonl
	[ "$(jq -c '[.timestamp, .["CO(GT)"], .AH]' scored.jsonl | sed -n '1p;10p;9357p;9358p')" = '["2004-03-10T17:00:00Z","2,6","0,7578"]
["2004-03-11T02:00:00Z","0,6","0,7517"]
["2005-04-04T12:00:00Z","2,2","0,5028"]
[null,null,null]' ]
}

@test "PRSA: a date over four columns, empty values, a text column" {
	real_file forecast/PRSA_data_2010.1.1-2014.12.31.csv
	how=(--time 'year,month,day,hour' --timezone Asia/Shanghai)
	run -0 train -m anomaly_detection "${how[@]}" --ignore No "$file"
	[ "$(jq -c '[.rows, .features, .split]' <<< "$output")" = '[43824,["pm2.5","DEWP","TEMP","PRES","Iws","Is","Ir"],"time"]' ]
	[ "$(times "${how[@]}" "$file")" = "2009-12-31T16:00:00Z 2014-12-31T15:00:00Z " ]
}

@test "co2: dates as 19580329" {
	real_file forecast/statsmodels/co2.csv
	run -0 train -m anomaly_detection --time-format %Y%m%d "$file"
	[ "$(jq -c '[.rows, .features]' <<< "$output")" = '[2284,["co2"]]' ]
	[ "$(times --time-format %Y%m%d "$file")" = "1958-03-29T00:00:00Z 2001-12-29T00:00:00Z " ]
}

@test "elec_equip: dates as Jan-1-1995" {
	real_file forecast/statsmodels/elec_equip.csv
	run -0 train -m anomaly_detection --time-format month-first "$file"
	[ "$(field rows <<< "$output")" -eq 257 ]
	[ "$(times --time-format month-first "$file")" = "1995-01-01T00:00:00Z 2016-05-01T00:00:00Z " ]
	[ "$(times --time-format %b-%d-%Y "$file")" = "1995-01-01T00:00:00Z 2016-05-01T00:00:00Z " ]
}

@test "every file that needs no word about it: NAB, tabular anomalies, the parts of AI4I and Occupancy" {
	real_file anomaly/nab/realKnownCause/nyc_taxi.csv
	cd "$MLOPS_DATA"
	for file in anomaly/nab/*/*.csv anomaly/tabular/*.csv failure/ai4i_*.csv failure/occupancy/*.txt; do
		run -0 mlops-validate -q --checks rows "$file"
		[ "$(field rows <<< "$output")" -eq $(($(grep -c . "$file") - 1)) ] || { echo "$file: $output"; return 1; }
	done
}

@test "csv-spectrum: as many rows as its JSON has" {
	real_file conformance/csv-spectrum/csvs/simple.csv
	cd "$MLOPS_DATA/conformance/csv-spectrum"
	for file in csvs/*.csv; do
		name=$(basename "$file" .csv)
		run -0 mlops-validate -q --checks rows "$file"
		[ "$(field rows <<< "$output")" -eq "$(jq length "json/$name.json")" ] || { echo "$file: $output"; return 1; }
	done
}

@test "machine_temperature: an hour that comes twice is read as it stands" {
	real_file anomaly/nab/realKnownCause/machine_temperature_system_failure.csv
	run -0 train -m anomaly_detection "$file"
	[ "$(jq -c '[.rows, .features, .split]' <<< "$output")" = '[22695,["value"],"time"]' ]
	mlops-score -q --model model.onnx "$file" | jq -r .timestamp > stamps
	[ "$(wc -l < stamps)" -eq 22695 ]
	[ "$(sort stamps | uniq -d | wc -l)" -eq 12 ]
	awk '$0 < last { print NR + 1 ": " last " then " $0 } { last = $0 }' stamps > back
	[ "$(cat back)" = "10151: 2014-01-07 02:55:00 then 2014-01-07 02:00:00" ]
}
