#!/usr/bin/env bats
# The shipped rules and configurations, asked of the programs that read them; and who is told what, by a real Alertmanager.

bats_require_minimum_version 1.5.0
load monitoring.bash

setup() {
	export LC_ALL=C.UTF-8
	shipped=$MLOPS_SOURCE/infrastructure
	rules=$shipped/prometheus/rules/model-quality.yml
	routes=$shipped/alertmanager/alertmanager.yml
	cd "$BATS_TEST_TMPDIR" || return 1
}

teardown() {
	stop_servers
}

needs() {
	command -v "$1" > /dev/null || skip "$1 is not installed"
}

# "NAME SEVERITY" of each alert.
alerts() {
	awk '$2 == "alert:" { name = $3 } $1 == "severity:" { print name, $2 }' "$rules"
}

@test "rules without a fault, each tested: it fires where it should, it does not where it should not" {
	needs promtool
	promtool check rules --lint=all --lint-fatal "$rules"
	promtool test rules "$MLOPS_SOURCE"/tests/prometheus/*.yml
	[ "$(alerts | wc -l)" -ge 12 ]
	[ "$(alerts | wc -l)" -eq "$(grep -c 'alert:' "$rules")" ]
	while read -r alert _; do
		grep -h -A1 "alertname: $alert\$" "$MLOPS_SOURCE"/tests/prometheus/*.yml | grep 'exp_alerts:' > expected
		grep -q 'exp_alerts: \[\]' expected
		grep -qv 'exp_alerts: \[\]' expected
	done < <(alerts)
}

@test "each alert says how bad it is, what happened, and where to read on" {
	while read -r alert severity; do
		[[ $severity == critical || $severity == warning ]]
		awk -v alert="$alert" '$2 == "alert:" { ours = $3 == alert } ours' "$rules" > rule
		grep -q '^ *summary:' rule
		anchor=$(sed -n 's/^ *runbook_url: .*HANDOFF\.md#//p' rule)
		[ "$anchor" = "${alert,,}" ]
		grep -qx "### $alert" "$MLOPS_SOURCE/HANDOFF.md"
	done < <(alerts)
	# and no section is about an alert that there is not
	sed -n 's/^### \(Model[A-Za-z]*\)$/\1/p' "$MLOPS_SOURCE/HANDOFF.md" | sort | diff - <(alerts | cut -d ' ' -f 1 | sort)
}

@test "Prometheus takes its configuration" {
	needs promtool
	cp -r "$shipped/prometheus" .
	chmod -R u+w prometheus
	mkdir prometheus/targets
	printf -- '- targets: [localhost:9091]\n' > prometheus/targets/pushgateway.yml
	promtool check config prometheus/prometheus.yml
	grep -A2 'job_name: pushgateway' prometheus/prometheus.yml | grep -q 'honor_labels: true'
}

@test "every alert has a receiver, every receiver an alert" {
	needs amtool
	amtool check-config "$routes"
	while read -r alert severity; do
		receiver=team
		[ "$severity" != critical ] || receiver=on-call
		amtool config routes test --config.file "$routes" --verify.receivers="$receiver" alertname="$alert" \
			severity="$severity" model=pumps > /dev/null
		echo "$receiver"
	done < <(alerts) | sort -u > reached
	sed -n 's/^  - name: //p' "$routes" | sort | diff - reached
	amtool config routes test --config.file "$routes" --verify.receivers=team alertname=SomethingElse > /dev/null
	# each receiver tells both ways, when it is over too
	[ "$(grep -c '_configs:' "$routes")" -eq $((2 * $(wc -l < reached))) ]
	[ "$(grep -c 'send_resolved: true' "$routes")" -eq $((2 * $(wc -l < reached))) ]
}

post() { # ENDS LABELS [ANNOTATIONS]
	jq -nc --arg ends "$1" --argjson labels "$2" --argjson annotations "${3:-"{}"}" \
		'[{labels: $labels, annotations: $annotations, startsAt: (now - 60 | todate), endsAt: $ends}]' |
		curl -fsS -H 'Content-Type: application/json' --data-binary @- "http://127.0.0.1:$alertmanager_port/api/v2/alerts"
}

@test "Slack and mail: firing, in words, and resolved; each who should; inhibited; no secret in the log" {
	needs prometheus-alertmanager
	start_sinks 60
	start_alertmanager
	later=$(date -u -d '+10 minutes' +%FT%TZ)
	failed='{"alertname":"ModelTrainingFailed","severity":"warning","model":"pumps <b>","sensor":"s-1"}'
	words='{"summary":"It failed: \"why\"","description":"Nobody knows.","runbook_url":"https://r.example.org/#modeltrainingfailed"}'
	post "$later" "$failed" "$words"
	post "$later" '{"alertname":"ModelRetrainOverdue","severity":"warning","model":"pumps <b>","sensor":"s-1"}' "$words"
	post "$later" '{"alertname":"ModelRetrainOverdue","severity":"warning","model":"fans"}' "$words"
	post "$later" '{"alertname":"ModelServiceDown","severity":"critical","instance":"a:8080"}' "$words"
	within 20 grep -q '\[WARNING\] ModelTrainingFailed: pumps <b>' sinks/mail
	within 20 grep -q '\[WARNING\] ModelTrainingFailed: pumps' sinks/slack
	within 20 grep -q '\[CRITICAL\] ModelServiceDown' sinks/mail
	within 20 grep -q 'ModelRetrainOverdue: fans' sinks/mail
	# the same model fails anyway, so that it is overdue too is no news; until it does not fail any more
	run ! grep -q 'ModelRetrainOverdue: pumps' sinks/mail sinks/slack
	post "$(date -u +%FT%TZ)" "$failed" "$words"
	within 20 grep -q '\[RESOLVED\] ModelTrainingFailed: pumps' sinks/mail
	within 20 grep -q '\[RESOLVED\] ModelTrainingFailed: pumps' sinks/slack
	within 20 grep -q 'ModelRetrainOverdue: pumps' sinks/mail

	jq -s 'map(select(.subject | startswith("[WARNING] ModelTrainingFailed")))' sinks/mail > mail
	[ "$(jq -r '.[0].to[0]' mail)" = mlops@example.org ]
	jq -r '.[0].text' mail > text
	grep -qx 'It failed: "why"' text
	grep -qx 'What to do: https://r.example.org/#modeltrainingfailed' text
	grep -qx '    sensor = s-1' text
	[ "$(jq -rs 'map(select(.subject | contains("ModelServiceDown")))[0].to[0]' sinks/mail)" = on-call@example.org ]
	jq -s 'map(.message | {channel} + .attachments[0])' sinks/slack > slack
	[ "$(jq -r 'map(select(.title | startswith("[WARNING] ModelTrainingFailed")))[0] | .channel + " " + .color + " " + .title_link' \
		slack)" = '#mlops warning https://r.example.org/#modeltrainingfailed' ]
	[ "$(jq -r 'map(select(.title | startswith("[CRITICAL]")))[0] | .channel + " " + .color' slack)" = '#on-call danger' ]
	[ "$(jq -r 'map(select(.title | startswith("[RESOLVED]")))[0] | .color' slack)" = good ]
	[ "$(jq -rs 'map(.path) | unique[]' sinks/slack)" = /services/T0/B0/a-word-for-slack ]
	run ! grep -E 'a.word.for' alertmanager/server.log
}
