#!/usr/bin/env bats
# HANDOFF.md: the indented commands of each section are run; those below "## Alerts" by tests/live/runbook.bats.

load support

# section HEADING: the section's indented lines, as typed
section() {
	awk -v heading="## $1" '/^## / { on = $0 == heading } on && sub(/^    /, "")' "$MLOPS_SOURCE/HANDOFF.md"
}

# run_section HEADING [SED]...: runs them, with the placeholders filled in
run_section() {
	section "$1" | sed -e 's/NAME/pumps/g' "${@:2}" > commands
	[ -s commands ]
	run bash -e -o pipefail -x commands
	echo "$output"
	[ "$status" -eq 0 ]
}

teardown() {
	if [ -n "${service-}" ]; then
		kill "$service" 2> /dev/null || true
		wait "$service" 2> /dev/null || true
	fi
}

# serve TOKEN: a service on a free port, with that token
serve() {
	SYSTEM_ADMIN_TOKEN=$1 mlops-serve --port "${port:-0}" 2> messages 3>&- &
	service=$!
	for _ in $(seq 100); do
		grep -q listening messages && break
		sleep 0.05
	done
	port=$(sed -n 's/.*listening on .* port \([0-9]*\)$/\1/p' messages)
	export ML_SERVICE_URL=http://127.0.0.1:$port
}

# Versions 1 to N, the last one champion.
versions() {
	local i
	rows 300 > sensors.csv
	for i in $(seq "$1"); do
		mlops-train -q -m anomaly_detection -n pumps -i failure --seed "$i" sensors.csv > /dev/null
		mlops-registry promote pumps "$i" > /dev/null
	done
}

@test "each section with commands has a test" {
	awk '/^## / { heading = substr($0, 4) } /^    / { print heading }' "$MLOPS_SOURCE/HANDOFF.md" | sort -u > headings
	[ "$(wc -l < headings)" -ge 9 ]
	while IFS= read -r heading; do
		grep -qF -e "run_section '$heading'" -e "\"## $heading\"" "$MLOPS_SOURCE"/tests/*/*.bats || { echo "$heading"; return 1; }
	done < headings
}

@test "retrain now" {
	versions 1
	mkdir conf
	export MLOPS_CONFIG_DIR=$PWD/conf
	printf '%s\n' KIND=anomaly_detection IGNORE=failure FILE=../sensors.csv > conf/pumps.conf
	export SYSTEM_ADMIN_TOKEN=t
	serve t
	run_section 'Retrain now' -e "s|URL|$ML_SERVICE_URL|"
	[[ "$output" == *'"outcome":"dry-run"'*'"event":"retrained"'*'"state":"running"'* ]]
	[ "$(mlops-registry list pumps | wc -l)" -ge 2 ]
}

@test "the new model is bad" {
	export SYSTEM_ADMIN_TOKEN=t
	versions 9
	serve t
	run_section '3 a.m.: the new model is bad'
	[ "$(mlops-registry list | field champion)" = 7 ]
	[ "$(curl -sS "$ML_SERVICE_URL/models/pumps" | field version)" = 7 ]
}

@test "are the models what was registered, and why did the training fail" {
	versions 1
	run_section 'Are the models what was registered?'
	[[ "$output" == *'"bad":0'* ]]
	echo x >> "$MLOPS_REGISTRY"/models/*.onnx
	run_section 'Are the models what was registered?'
	[[ "$output" == *'"ok":false'* ]]
	run_section 'Why did the training fail?'
	run_section 'The new version is not the champion'
}

@test "backup, and restore into an empty place" {
	versions 2
	mkdir backup
	run_section 'Backup and restore' -e "s|/backup|$PWD/backup|g; s|/restored|$PWD/restored|g"
	[[ "$output" == *'"checked":2,"bad":0'* ]]
	MLOPS_REGISTRY=$PWD/restored mlops-score --model pumps sensors.csv | tail -n 1 | jq -e .anomaly_score
}

@test "the disk is full" {
	versions 3
	run_section 'The disk is full' -e 's/--keep 10/--keep 1/'
	[ "$(mlops-registry list pumps | wc -l)" -lt 3 ]
}

@test "who holds the lock" {
	command -v fuser > /dev/null || skip "fuser is not installed (package psmisc)"
	versions 1
	tail -f /dev/null 5< "$MLOPS_REGISTRY/ledger.db" 3>&- &
	holder=$!
	run_section '"another program has held its lock"' -e "s/PID/$holder/"
	[[ "$output" == *tail* ]]
	status=0
	wait "$holder" || status=$?
	[ "$status" -eq 143 ]
}

@test "another token" {
	versions 1
	mkdir etc
	echo old > etc/token
	serve old
	section 'Another token' | sed "s|/etc/mlops|$PWD/etc|g" > commands
	# The service is restarted between the new token and the reload.
	grep -n . commands
	[ "$(wc -l < commands)" -eq 3 ]
	bash -e -x <(head -n 2 commands)
	[ "$(stat -c %a etc/token)" = 600 ]
	[ "$(cat etc/token)" != old ]
	kill "$service"
	wait "$service"
	serve "$(cat etc/token)"
	: run_section 'Another token'
	bash -e -x <(tail -n 1 commands)
	SYSTEM_ADMIN_TOKEN=old run -77 mlops-reload
}
