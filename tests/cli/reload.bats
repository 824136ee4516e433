#!/usr/bin/env bats
# mlops-reload against services that run.

load support

serve() { # NUMBER [OPTION]...: a service on a free port; url[NUMBER] and pids
	local number=$1
	shift
	mlops-serve --port 0 "$@" 2> "messages$number" &
	pids+=($!)
	for _ in $(seq 100); do
		grep -q 'listening' "messages$number" && break
		sleep 0.05
	done
	url[number]=http://127.0.0.1:$(sed -n 's/.*listening on .* port \([0-9]*\)$/\1/p' "messages$number")
}

teardown() {
	if [ "${#pids[@]}" -gt 0 ]; then
		kill "${pids[@]}" 2> /dev/null || true
		wait "${pids[@]}" 2> /dev/null || true
	fi
}

train() {
	rows 200 "$1" > sensors.csv
	mlops-train -q -m anomaly_detection -n pumps -i failure --promote --force --seed "$1" sensors.csv > trained
}

@test "the way back: rollback, then every service serves the version before" {
	export SYSTEM_ADMIN_TOKEN=t
	train 1
	train 2
	serve 1
	serve 2
	[ "$(curl -sS "${url[1]}/models/pumps" | field version)" = 2 ]
	mlops-registry rollback pumps > /dev/null
	export ML_SERVICE_URL="${url[1]} ${url[2]}/"
	run mlops-reload
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 2 ]
	[ "$(field 'ok, .service, .models[0].version, .attempts' <<< "${lines[0]}")" = "true
${url[1]}
1
1" ]
	[ "$(curl -sS "${url[2]}/models/pumps" | field version)" = 1 ]
	[ "$(sqlite3 "$MLOPS_REGISTRY/ledger.db" 'SELECT count(*), sum(ok), min(service LIKE "http://127.0.0.1:%") FROM reloads')" = '2|2|1' ]
}

@test "a service that is down is tried again, named, and does not keep the others waiting for ever" {
	export SYSTEM_ADMIN_TOKEN=t
	train 1
	serve 1
	run --separate-stderr mlops-reload --timeout 1 --url http://127.0.0.1:9 --url "${url[1]}"
	[ "$status" -eq 69 ]
	[ "$(field ok <<< "${lines[0]}")" = false ]
	[ "$(field attempts <<< "${lines[0]}")" -gt 2 ]
	[ "$(field ok <<< "${lines[1]}")" = true ]
	[[ "$stderr" == 'mlops-reload: http://127.0.0.1:9/models/reload: '* ]]
	[ "$(sqlite3 "$MLOPS_REGISTRY/ledger.db" 'SELECT group_concat(ok) FROM (SELECT ok FROM reloads ORDER BY id)')" = 0,1 ]
}

@test "a service that comes up meanwhile is reached" {
	export SYSTEM_ADMIN_TOKEN=t
	train 1
	serve 1
	port=${url[1]##*:}
	kill "${pids[0]}"
	wait "${pids[0]}" || true
	(sleep 0.5; exec mlops-serve -q --port "$port") &
	pids=($!)
	run mlops-reload --url "http://127.0.0.1:$port"
	[ "$status" -eq 0 ]
	[ "$(field attempts <<< "$output")" -gt 1 ]
}

@test "a wrong token is 77, at once; no token or password is in any output" {
	train 1
	SYSTEM_ADMIN_TOKEN=right serve 1
	SYSTEM_ADMIN_TOKEN=wr0ng run mlops-reload --url "http://me:passw0rd@${url[1]#http://}"
	[ "$status" -eq 77 ]
	[ "$(head -n 1 <<< "$output" | field attempts)" = 1 ]
	[[ "$output" == *'the token is not the service'* ]]
	[[ "$output" != *wr0ng* && "$output" != *passw0rd* ]]
	run sqlite3 "$MLOPS_REGISTRY/ledger.db" 'SELECT * FROM reloads'
	[[ "$output" != *wr0ng* && "$output" != *passw0rd* ]]
}

@test "a version that the service can't load is 1, and the old one is served" {
	export SYSTEM_ADMIN_TOKEN=t
	train 1
	serve 1
	train 2
	echo damage >> "$MLOPS_REGISTRY/models/$(field sha256 < trained).onnx"
	run mlops-reload --url "${url[1]}"
	[ "$status" -eq 1 ]
	[[ "$output" == *SHA-256* ]]
	[ "$(curl -sS "${url[1]}/models/pumps" | field version)" = 1 ]
}

@test "a service that is held to another version is not taken for reloaded" {
	export SYSTEM_ADMIN_TOKEN=t
	train 1
	train 2
	serve 1 --model pumps/1
	run mlops-reload --timeout 0.5 --url "${url[1]}"
	[ "$status" -eq 1 ]
	[[ "$output" == *"serves version 1 of model 'pumps', the champion is 2"* ]]
}

@test "what is no service, and what is no URL" {
	export SYSTEM_ADMIN_TOKEN=t
	train 1
	serve 1
	run mlops-reload --url "${url[1]}/nowhere"
	[ "$status" -eq 65 ]
	run mlops-reload --url 'ftp://127.0.0.1'
	[ "$status" -eq 64 ]
	[[ "$output" == *"is no URL as http://127.0.0.1:8080 is"* ]]
}
