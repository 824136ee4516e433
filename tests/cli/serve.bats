#!/usr/bin/env bats
# mlops-serve as its clients meet it, over real sockets.

load support

# serve [OPTION]...: starts a service on a free port; url and pid say where and which.
serve() {
	mlops-serve --port 0 "$@" 2> messages &
	pid=$!
	for _ in $(seq 100); do
		grep -q 'listening' messages && break
		kill -0 $pid 2> /dev/null || break
		sleep 0.05
	done
	port=$(sed -n 's/.*listening on .* port \([0-9]*\)$/\1/p' messages)
	url=http://127.0.0.1:$port
}

teardown() {
	if [ -n "${pid:-}" ]; then
		kill "$pid" 2> /dev/null || true
		wait "$pid" 2> /dev/null || true
	fi
}

train() {
	rows 400 "$1" > sensors.csv
	mlops-train -q -m anomaly_detection -n pumps -i failure --promote --force --seed "$1" sensors.csv > trained
}

@test "rows are scored as mlops-score does, CSV and JSON" {
	train 1
	serve
	mlops-score -m pumps sensors.csv > expected
	curl -sS --data-binary @sensors.csv -H 'Content-Type: text/csv' "$url/models/pumps/score" > answered
	cmp expected answered
	head -n 2 sensors.csv | tail -n 1 |
		awk -F, '{ printf "{\"temperature\":%s,\"vibration\":%s,\"pressure\":%s}\n", $3, $4, $5 == "" ? "null" : $5 }' > row.json
	mlops-score -m pumps row.json > expected
	curl -sS -D head --json @row.json "$url/models/pumps/score" > answered
	cmp expected answered
	grep -qi '^mlops-version: pumps/1' head
	grep -qi '^content-type: application/x-ndjson' head
}

@test "POST /forecast answers as mlops-forecast does" {
	awk 'BEGIN { print "value"; for (i = 0; i < 400; i++) printf "%.3f\n", 20 + 5 * sin(i / 7) + i % 3 }' > series.csv
	mlops-train -q -m time_series_forecast --set seq_length=20 --set epochs=1 --set hidden=4 --promote series.csv > trained
	serve
	history=$(awk 'BEGIN { for (i = 0; i < 20; i++) printf "%s%.2f", i ? "," : "", 20 + 5 * sin(i / 7) }')
	echo "{\"sensor_id\":\"TAG-001\",\"historical_data\":[$history],\"forecast_steps\":5}" > body.json
	mlops-forecast body.json > expected
	curl -sS --json @body.json "$url/forecast" > answered
	cmp expected answered
	[ "$(field 'forecast | length' < answered)" = 5 ]
	curl -sS --json @body.json "$url/models/time_series_forecast/forecast" | cmp expected -
	[ "$(curl -sS -d '{"historical_data":[1,2]}' "$url/forecast" | field status)" = 422 ]
	[[ "$(curl -sS -d '{"historical_data":[1,2]}' "$url/forecast" | field detail)" == *20* ]]
	[ "$(curl -sS -d 'value' "$url/models/time_series_forecast/score" | field status)" = 400 ]
}

@test "a model that does not forecast is told from one that does" {
	train 1
	serve
	[ "$(curl -sS -d '{"historical_data":[1,2]}' "$url/forecast" | field status)" = 404 ]
	[ "$(curl -sS -d '{"historical_data":[1,2]}' "$url/models/pumps/forecast" | field status)" = 400 ]
}

@test "an error says what is wrong, and where" {
	train 1
	serve
	printf 'temperature,vibration,pressure\n1,2,3\n1,two,3\n' > bad.csv
	run curl -sS -w '\n%{http_code} %{content_type}' --data-binary @bad.csv "$url/models/pumps/score"
	[ "${lines[1]}" = '422 application/problem+json' ]
	[ "$(jq -r '.detail, .line' <<< "${lines[0]}")" = 'column "vibration": '"'two'"' is not a number
3' ]
	[ "$(curl -sS "$url/models/pump" | jq -r .detail)" = "model 'pump' is not loaded (did you mean 'pumps'?)" ]
	[ "$(curl -sS -o /dev/null -w '%{http_code}' "$url/models/pumps/score")" = 405 ]
}

@test "a reload needs the token, and takes up the new champion" {
	train 1
	SYSTEM_ADMIN_TOKEN=s3cret serve
	[ "$(curl -sS -X POST -o /dev/null -w '%{http_code}' "$url/models/reload")" = 401 ]
	[ "$(curl -sS -X POST -o /dev/null -w '%{http_code}' -H 'Authorization: Bearer wrong' "$url/models/reload")" = 401 ]
	train 2
	[ "$(curl -sS "$url/models/pumps" | field version)" = 1 ]
	[ "$(curl -sS -X POST -H 'Authorization: Bearer s3cret' "$url/models/reload" | jq -r '.models[0].version')" = 2 ]
	mlops-registry rollback pumps > /dev/null
	kill -HUP $pid
	for _ in $(seq 50); do
		[ "$(curl -sS "$url/models/pumps" | field version)" = 1 ] && break
		sleep 0.05
	done
	[ "$(curl -sS "$url/models/pumps" | field version)" = 1 ]
	run ! grep s3cret messages
	run ! grep s3cret "/proc/$pid/cmdline"
}

@test "--watch follows the registry by itself, from before there is one" {
	serve --watch 0.1
	grep -q 'there is no registry' messages
	[ "$(curl -sS -o /dev/null -w '%{http_code}' "$url/readyz")" = 503 ]
	[ "$(curl -sS "$url/healthz")" = ok ]
	train 1
	for _ in $(seq 50); do
		[ "$(curl -sS "$url/readyz")" = ready ] && break
		sleep 0.05
	done
	[ "$(curl -sS "$url/models/pumps" | field version)" = 1 ]
}

@test "a damaged version is refused and the old one stays" {
	train 1
	SYSTEM_ADMIN_TOKEN=t serve
	train 2
	file=$(jq -r .sha256 trained)
	echo damage >> "$MLOPS_REGISTRY/models/$file.onnx"
	run curl -sS -X POST -H 'Authorization: Bearer t' "$url/models/reload"
	[ "$(field status <<< "$output")" = 422 ]
	[[ "$(field detail <<< "$output")" == *SHA-256* ]]
	[ "$(curl -sS "$url/models/pumps" | field version)" = 1 ]
}

@test "bodies that are too large are refused, told ahead or not" {
	train 1
	serve --body-limit 1024
	head -c 2000 /dev/zero | tr '\0' '1' > large
	[ "$(curl -sS -o answer -w '%{http_code}' --data-binary @large "$url/models/pumps/score")" = 413 ]
	[ "$(field detail < answer)" = 'the body has more than 1024 bytes' ]
	# Chunked: the connection ends, and the service lives on.
	run curl -sS -H 'Transfer-Encoding: chunked' --data-binary @large "$url/models/pumps/score"
	[ "$status" -ne 0 ]
	[ "$(curl -sS "$url/healthz")" = ok ]
}

@test "who sends too slowly is shown out" {
	serve --request-timeout 1
	exec 7<> "/dev/tcp/127.0.0.1/$port"
	printf 'GET /healthz HTTP/1.1\r\n' >&7
	for _ in $(seq 40); do
		(printf 'X: y\r\n' >&7) 2> /dev/null || break
		sleep 0.1
	done
	timeout 2 cat <&7 > answer || true
	run ! grep '200 OK' answer
	exec 7>&-
	[ "$(curl -sS "$url/healthz")" = ok ]
}

@test "SIGTERM lets what is in flight finish, and ends with 0" {
	train 1
	serve --threads 1
	rows 60000 3 > many.csv
	curl -sSv --data-binary @many.csv "$url/models/pumps/score" > answered 2> chatter &
	client=$!
	for _ in $(seq 200); do grep -q '^> POST' chatter && break; sleep 0.05; done
	kill -TERM $pid
	wait $client
	status=0
	wait $pid || status=$?
	[ "$status" -eq 0 ]
	# It was either taken whole or not at all.
	taken=$(wc -l < answered)
	[ "$taken" -eq 60000 ] || [ "$taken" -eq 0 ]
	pid=
}

@test "other machines are let in only with a token" {
	unset SYSTEM_ADMIN_TOKEN
	run mlops-serve --port 0 --address 0.0.0.0
	[ "$status" -eq 78 ]
	[ "$output" = 'mlops-serve: --address 0.0.0.0 lets other machines in, so a SYSTEM_ADMIN_TOKEN is needed' ]
	run mlops-serve --port 0 --address localhost
	[ "$status" -eq 78 ]
	SYSTEM_ADMIN_TOKEN=t run mlops-serve --port 0 --address localhost
	[ "$status" -eq 64 ]
	[[ "$output" == *"'localhost' is no IP address"* ]]
}

@test "a port that is taken is 69, a token file that is missing or empty 78" {
	serve
	run mlops-serve -q --port "$port"
	[ "$status" -eq 69 ]
	[ "$output" = "mlops-serve: 127.0.0.1 port $port: Address already in use" ]
	SYSTEM_ADMIN_TOKEN_FILE=nowhere run mlops-serve --port 0
	[ "$status" -eq 78 ]
	[ "$output" = 'mlops-serve: nowhere: No such file or directory' ]
	echo > empty
	SYSTEM_ADMIN_TOKEN_FILE=empty run mlops-serve --port 0
	[ "$status" -eq 78 ]
	[ "$output" = 'mlops-serve: empty: is empty' ]
}

@test "the token comes from a file or from systemd's credentials too" {
	mkdir credentials
	echo from-systemd > credentials/SYSTEM_ADMIN_TOKEN
	CREDENTIALS_DIRECTORY=$PWD/credentials serve
	train 1
	[ "$(curl -sS -X POST -o /dev/null -w '%{http_code}' -H 'Authorization: Bearer from-systemd' "$url/models/reload")" = 200 ]
}

@test "systemd hands the service a socket" {
	command -v systemd-socket-activate > /dev/null || skip "systemd-socket-activate is not installed"
	train 1
	free=$((20000 + RANDOM % 20000))
	systemd-socket-activate --setenv=PATH --setenv=MLOPS_REGISTRY -l "127.0.0.1:$free" "$(command -v mlops-serve)" 2> messages &
	pid=$!
	for _ in $(seq 50); do
		[ "$(curl -sS "http://127.0.0.1:$free/readyz" 2> /dev/null)" = ready ] && break
		sleep 0.1
	done
	[ "$(curl -sS "http://127.0.0.1:$free/readyz")" = ready ]
}

@test "TLS, with a certificate of one's own" {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
		-addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem 2> /dev/null
	serve --tls-certificate cert.pem --tls-key key.pem
	[ "$(curl -sS --cacert cert.pem "https://127.0.0.1:$port/healthz")" = ok ]
	run mlops-serve --port 0 --tls-certificate cert.pem
	[ "$status" -eq 64 ]
	run mlops-serve --port 0 --tls-certificate key.pem --tls-key cert.pem
	[ "$status" -eq 78 ]
}

@test "/metrics is text that Prometheus takes, /openapi.json names the paths" {
	train 1
	serve
	curl -sS --data-binary @sensors.csv "$url/models/pumps/score" > /dev/null
	curl -sS "$url/metrics" > metrics
	grep -qx 'mlops_service_rows_total{model="pumps",version="1"} 400' metrics
	# the scores' distribution is that of the rows that mlops-score gives
	[ "$(sed -n 's/^mlops_service_score_bucket{model="pumps",version="1",le="0.5"} //p' metrics)" -eq \
		"$(mlops-score -m pumps sensors.csv | jq -s 'map(select(.anomaly_score <= 0.5)) | length')" ]
	grep -qx 'mlops_service_score_count{model="pumps",version="1"} 400' metrics
	grep -qx 'mlops_http_requests_total{method="POST",route="/models/{name}/score",status="200"} 1' metrics
	if command -v promtool > /dev/null; then
		promtool check metrics < metrics
	fi
	[ "$(curl -sS "$url/openapi.json" | jq -r '.paths | has("/models/{name}/score")')" = true ]
}

# admin METHOD PATH: as who has the token.
admin() {
	curl -sS -X "$1" -H "Authorization: Bearer $SYSTEM_ADMIN_TOKEN" "$url$2"
}

# ended ID: the job, when it has ended.
ended() {
	for _ in $(seq 600); do
		admin GET "/jobs/$1" > job.json
		[ "$(field state < job.json)" = running ] || break
		sleep 0.05
	done
	cat job.json
}

@test "POST /models/NAME/train runs the nightly job, and a reload takes up what it made" {
	rows 600 > sensors.csv
	export SYSTEM_ADMIN_TOKEN=correct-horse MLOPS_CONFIG_DIR=$PWD/conf
	mkdir conf
	printf '%s\n' KIND=anomaly_detection IGNORE=failure FILE=../sensors.csv SETTINGS=trees=20 > conf/pumps.conf
	serve
	[ "$(curl -sS -X POST "$url/models/pumps/train" | field status)" = 401 ]
	[ "$(curl -sS "$url/jobs" | field status)" = 401 ]
	run -0 curl -sS -X POST -o begun.json -w '%{http_code} %{content_type}' -H "Authorization: Bearer $SYSTEM_ADMIN_TOKEN" "$url/models/pumps/train"
	[ "$output" = '202 application/json' ]
	id=$(field job < begun.json)
	[ "$(jq -c '[.model, .status_url]' begun.json)" = "[\"pumps\",\"/jobs/$id\"]" ]
	run ended "$id"
	jq -e '.state == "finished" and .exit_status == 0 and .result.event == "retrained" and .result.version == 1 and .message == null' <<< "$output"
	[ "$(admin POST /models/reload | jq -c '.models | map([.name, .version])')" = '[["pumps",1]]' ]
	[ "$(admin GET /jobs | jq -c '.jobs | map([.id, .model, .state])')" = "[[\"$id\",\"pumps\",\"finished\"]]" ]
	# a model that has no configuration fails, and says why
	run ended "$(admin POST /models/valves/train | field job)"
	jq -e '.state == "failed" and .exit_status == 78 and .message == "ended with status 78"' <<< "$output"
	[[ "$(jq -r '.stderr | join("\n")' <<< "$output")" = *"conf/valves.conf"* ]]
	curl -sS "$url/metrics" > metrics
	grep -qx 'mlops_service_jobs{state="running"} 0' metrics
	grep -qx 'mlops_service_jobs{state="finished"} 1' metrics
	grep -qx 'mlops_service_jobs{state="failed"} 1' metrics
	[ "$(curl -sS "$url/openapi.json" | jq -c '.paths["/models/{name}/train"].post.responses | keys')" = '["202","default"]' ]
}

@test "one training of a name at a time; those that run end with the service, or when they take too long" {
	export SYSTEM_ADMIN_TOKEN=correct-horse
	printf '#!/bin/sh\necho $$ > "%s/$1.child"\nexec sleep 300\n' "$PWD" > slow
	chmod +x slow
	serve --train-command ./slow
	id=$(admin POST /models/pumps/train | field job)
	admin POST /models/pumps/train | jq -e --arg id "$id" '.status == 409 and (.detail | endswith("GET /jobs/" + $id))'
	[ "$(admin GET "/jobs/$id" | field state)" = running ]
	for _ in $(seq 100); do [ -s pumps.child ] && break; sleep 0.05; done
	child=$(cat pumps.child)
	# none of the service's sockets
	[ "$(find "/proc/$child/fd" -printf '%l\n' | grep -c socket)" -eq 0 ]
	kill $pid
	wait $pid
	run ! kill -0 "$child"
	unset pid

	serve --train-command "$PWD/slow" --train-timeout 1
	run ended "$(admin POST /models/pumps/train | field job)"
	jq -e '.state == "failed" and .exit_status == null and .message == "took longer than 1 seconds"' <<< "$output"
	run ! kill -0 "$(cat pumps.child)"
}

@test "a training after privileges are dropped, and programs that are none" {
	export SYSTEM_ADMIN_TOKEN=correct-horse
	run -78 --separate-stderr mlops-serve --port 0 --train-command ./nothing
	[ "$stderr" = "mlops-serve: './nothing' is no program that can be run" ]
	run -78 --separate-stderr mlops-serve --port 0 --train-command nothing-in-the-path
	[ "$stderr" = "mlops-serve: 'nothing-in-the-path' is no program that can be run" ]
	[ "$(id -u)" -eq 0 ] || skip "only root can become another user"
	open=$(mktemp -d) # nobody else may enter the test's own directory
	printf '#!/bin/sh\nprintf "{\\"user\\":\\"%%s\\",\\"notify\\":\\"%%s\\"}\\n" "$(id -un)" "$NOTIFY_SOCKET"\n' > "$open/whoami"
	chmod -R a+rX "$open"
	chmod +x "$open/whoami"
	NOTIFY_SOCKET=@nobody-listens serve --user nobody --train-command "$open/whoami"
	run ended "$(admin POST /models/pumps/train | field job)"
	rm -r "$open"
	[ "$(jq -c .result <<< "$output")" = '{"user":"nobody","notify":""}' ]
}
