#!/usr/bin/env bats
# mlops-serve while much is going on: memory, and reloads under load.  RELOADS: how many (200).

load support

serve() {
	SYSTEM_ADMIN_TOKEN=t mlops-serve --port 0 2> messages 3>&- &
	pid=$!
	for _ in $(seq 200); do
		grep -q 'listening' messages && break
		sleep 0.05
	done
	port=$(sed -n 's/.*listening on .* port \([0-9]*\)$/\1/p' messages)
	url=http://127.0.0.1:$port
}

teardown() {
	if [ -n "${pid:-}" ]; then
		kill "$pid" "${clients[@]}" 2> /dev/null || true
		wait "$pid" "${clients[@]}" 2> /dev/null || true
	fi
}

resident() { # kB
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$pid/status"
}

@test "three models are served in less than 30 MB" {
	rows 20000 > sensors.csv
	mlops-train -q -m anomaly_detection -i failure --promote sensors.csv > trained
	mlops-train -q -m failure_prediction --target failure --promote sensors.csv > trained
	awk 'BEGIN { print "value"; for (i = 0; i < 500; i++) printf "%.3f\n", 20 + 5 * sin(i / 7) }' > series.csv
	mlops-train -q -m time_series_forecast --set seq_length=48 --set epochs=1 --promote series.csv > trained
	serve
	[ "$(curl -sS "$url/models" | jq '.models | length')" = 3 ]
	[ -z "$MLOPS_SANITIZED" ] || skip "sanitizers need memory of their own"
	[ "$(resident)" -lt 30000 ]
	# Neither with work that was done: every thread has scored and forecast.
	head -n 1001 sensors.csv > body.csv
	awk 'BEGIN { printf "{\"historical_data\":["; for (i = 0; i < 48; i++) printf "%s%.2f", i ? "," : "", 20 + 5 * sin(i / 7); print "]}" }' > body.json
	for _ in 1 2 3 4; do
		curl -sS --data-binary @body.csv "$url/models/failure_prediction/score?[1-50]" > answered &
		clients+=($!)
		curl -sS --data-binary @body.csv "$url/models/anomaly_detection/score?[1-50]" > answered2 &
		clients+=($!)
		curl -sS --data-binary @body.json "$url/forecast?[1-50]" > answered3 &
		clients+=($!)
	done
	wait "${clients[@]}"
	clients=()
	echo "$(resident) kB"
	[ "$(resident)" -lt 30000 ]
}

@test "reloads under load: no request fails, each answer is one version's, memory stays" {
	reloads=${RELOADS:-200}
	rows 300 1 > sensors.csv
	head -n 41 sensors.csv > body.csv
	for version in 1 2; do
		mlops-train -q -m anomaly_detection -n pumps -i failure --promote --force --seed $version sensors.csv > trained
		mlops-score -m pumps/$version body.csv > expected$version
	done
	run ! cmp -s expected1 expected2
	serve
	# Clients ask until the stop file is there; each answer ends with its status and its version.
	for client in 1 2 3; do
		(while [ ! -e stop ]; do
			curl -sS --max-time 60 --data-binary @body.csv -w '%{http_code} %header{mlops-version}\n' "$url/models/pumps/score?[1-200]" ||
				echo "failed $?"
		done > answers$client 2>&1) 3>&- &
		clients+=($!)
	done
	for i in $(seq "$reloads"); do
		mlops-registry -q promote pumps $((i % 2 + 1)) > /dev/null
		curl -sS -X POST -H 'Authorization: Bearer t' -w '%{http_code}\n' "$url/models/reload" >> reloaded
		[ "$i" -ne $((reloads / 3)) ] || early=$(resident)
	done
	late=$(resident)
	touch stop
	wait "${clients[@]}"
	clients=()
	[ "$(grep -c '^200$' reloaded)" -eq "$reloads" ]
	# Reloads have told of both versions, one after the other.
	[ "$(jq -r '.models[0].version // empty' reloaded 2> /dev/null | uniq | wc -l)" -eq "$reloads" ]
	awk '
		FILENAME ~ /^expected/ { expected[substr(FILENAME, 9)] = expected[substr(FILENAME, 9)] $0 "\n"; next }
		/^200 pumps\/[12]$/ {
			version = substr($2, 7)
			seen[version]++
			wrong += body != expected[version]
			body = ""
			next
		}
		/^\{/ { body = body $0 "\n"; next }
		{ print "not an answer: " $0; wrong++ }
		END { print seen[1] + 0 " answers of version 1, " seen[2] + 0 " of 2, " wrong + 0 " wrong"; exit wrong > 0 || !seen[1] || !seen[2] }
	' expected1 expected2 answers1 answers2 answers3
	echo "resident: $early kB after a third, $late kB at the end"
	[ -n "$MLOPS_SANITIZED" ] || [ "$late" -lt $((early + 3000)) ]
}
