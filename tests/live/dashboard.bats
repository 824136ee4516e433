#!/usr/bin/env bats
# The dashboard for Grafana and the rules ask only for what there is, in PromQL that Prometheus understands.

bats_require_minimum_version 1.5.0
load monitoring.bash

setup() {
	export LC_ALL=C.UTF-8 MLOPS_REGISTRY=$BATS_TEST_TMPDIR/registry
	dashboard=$MLOPS_SOURCE/infrastructure/grafana/mlops.json
	rules=$MLOPS_SOURCE/infrastructure/prometheus/rules/model-quality.yml
	cd "$BATS_TEST_TMPDIR" || return 1
}

teardown() {
	stop_servers
}

# Each query of a panel or an annotation, a line each, with Grafana's variables filled in.
queries() {
	jq -r '.. | .expr? // empty' "$dashboard" |
		sed -e 's/\$__rate_interval/5m/g' -e 's/\$model/pumps/g' -e 's/\$sensor/.*/g'
}

# What is exported: by the registry, by a service, by node_exporter, by Prometheus itself, by recording rules.
metrics() {
	mlops-registry metrics > page
	curl -fsS "http://127.0.0.1:$port/metrics" >> page
	awk '/^# TYPE/ { print $3; if ($4 == "histogram") { print $3 "_bucket"; print $3 "_sum"; print $3 "_count" } }' page
	sed -n 's/^ *- record: //p' "$rules"
	printf '%s\n' ALERTS up node_textfile_scrape_error node_textfile_mtime_seconds
}

# Names of metrics in PromQL: what stands ahead of a brace or a bracket, and bare names that look like ours.
names() {
	sed 's/"[^"]*"//g' | grep -oE '[a-zA-Z_:][a-zA-Z0-9_:]*[{[]|\b(mlops|node|process)_[a-z0-9_]+' | tr -d '{[' | sort -u
}

@test "every query is PromQL" {
	command -v promtool > /dev/null || skip 'promtool is not installed'
	[ "$(queries | wc -l)" -ge 25 ]
	run ! grep -F '$' <(queries)
	queries | jq -Rnc '{groups: [{name: "dashboard", rules: [inputs | {record: "q\(input_line_number)", expr: .}]}]}' > queries.yml
	promtool check rules queries.yml
}

@test "dashboard and rules name only metrics that there are, and the dashboard all of the registry's" {
	printf 'timestamp,machine_id,a,b\n' > rows.csv
	for i in {10..59}; do echo "2024-01-01T00:$i:00Z,m,$i,$((i % 7))" >> rows.csv; done
	mlops-train --model anomaly_detection --name pumps --promote rows.csv
	serve service mlops-serve --port 0
	within 10 grep -q 'listening on' service.log
	port=$(sed -n 's/.*listening on 127.0.0.1 port //p' service.log)
	metrics | sort -u > known
	[ "$(wc -l < known)" -ge 40 ]
	queries | names > asked
	[ "$(wc -l < asked)" -ge 25 ]
	[ -z "$(comm -23 asked known)" ]
	awk '$1 == "expr:" { sub(/ *expr: (>-)?/, ""); on = 1 } $1 ~ /^(for|labels|- alert|- record):$/ { on = 0 } on' "$rules" | names > asked_by_rules
	[ "$(wc -l < asked_by_rules)" -ge 15 ]
	[ -z "$(comm -23 asked_by_rules known)" ]
	# what the registry tells is to be seen, but for what is about programs, not models
	mlops-registry metrics | sed -n 's/^# TYPE \([^ ]*\) .*/\1/p' | sort > exported
	comm -23 exported <(sort asked asked_by_rules) |
		grep -vxE 'mlops_build_info|mlops_training_last_(start|completion|failure)_timestamp_seconds|mlops_reload_.*' > hidden || true
	cat hidden
	[ ! -s hidden ]
}

@test "panels have ids of their own and lie beside each other" {
	jq -e '[.panels[].id] | length == (unique | length)' "$dashboard"
	jq -e '[.panels[] | select(.type != "row") | .targets | length > 0] | all' "$dashboard"
	jq -e '[.panels[].gridPos | select(.x + .w > 24)] == []' "$dashboard"
	jq -e '[.panels[].gridPos] as $p | [range($p | length) as $i | range($i) as $j | [$p[$i], $p[$j]]
		| select(.[0].x < .[1].x + .[1].w and .[1].x < .[0].x + .[0].w
			and .[0].y < .[1].y + .[1].h and .[1].y < .[0].y + .[0].h)] == []' "$dashboard"
	jq -e '[.panels[] | select(.type != "row") | .datasource.uid] | unique == ["${datasource}"]' "$dashboard"
	jq -e '[.templating.list[].name] == ["datasource", "model", "sensor"]' "$dashboard"
}
