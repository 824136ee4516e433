#!/usr/bin/env bats
# HANDOFF.md: the commands of its sections on alerts are run, and its table of metrics has those that there are.

bats_require_minimum_version 1.5.0
load ../cli/support
load monitoring.bash

handoff=$MLOPS_SOURCE/HANDOFF.md

teardown() {
	stop_servers
}

# The indented lines below "## Alerts", as typed, without their remarks.
commands() {
	awk '/^## / { on = $0 == "## Alerts" } on && sub(/^    /, "")' "$handoff" | sed -E 's/ +# .*//' | sort -u
}

start_service() {
	export SYSTEM_ADMIN_TOKEN='a word for services'
	serve service mlops-serve --port 0
	within 10 grep -q 'listening on' service.log
	url=http://127.0.0.1:$(sed -n 's/.*listening on 127.0.0.1 port //p' service.log)
	export ML_SERVICE_URL=$url
}

@test "each command on an alert does something" {
	rows 600 > sensors.csv
	rows 600 2 > other.csv
	mlops-validate --infer sensors.csv > pumps.json
	mlops-train --model failure_prediction --name pumps --target failure --promote sensors.csv > trained
	mlops-train --model failure_prediction --name pumps --target failure other.csv > trained
	mlops-registry promote pumps 2 > promoted
	mkdir collector etc
	export MLOPS_CONFIG_DIR=$PWD/etc
	printf '%s\n' KIND=failure_prediction TARGET=failure "FILE=$PWD/sensors.csv" PROMOTE=no > etc/pumps.conf
	start_service
	[ "$(commands | wc -l)" -ge 20 ]
	while read -r command; do
		words=$(sed -e "s|NAME|pumps|g; s|URL|$url|g; s|/var/lib/prometheus/node-exporter|$PWD/collector|" <<< "$command")
		case $command in
		*rollback*) mlops-registry promote pumps 2 > promoted ;;
		pgrep*) continue ;; # nothing is running here that it could find
		*promtool*)
			command -v promtool > /dev/null || continue
			mlops-registry metrics --output collector/mlops.prom
			;;
		esac
		run bash -c "$words" < /dev/null
		echo "$words: $status"
		# 1: data that are not valid
		[ "$status" -eq 0 ] || { [[ $command == mlops-validate* ]] && [ "$status" -eq 1 ]; }
		case $command in *validate*--good*) [ -s good.csv ] ;; *) [ -n "$output" ] || [[ $command =~ --output|promtool ]] ;; esac
	done < <(commands)
}

@test "the way back: rollback and reload, and the old version is served" {
	rows 600 > sensors.csv
	rows 600 2 > other.csv
	mlops-train --model failure_prediction --name pumps --target failure --promote sensors.csv > trained
	mlops-train --model failure_prediction --name pumps --target failure other.csv > trained
	mlops-registry promote pumps 2 > promoted
	start_service
	[ "$(curl -sS "$url/models/pumps" | field version)" -eq 2 ]
	awk '/^### / { on = $0 == "### ModelAccuracyLow" } on && sub(/^    /, "")' "$handoff" | sed 's/NAME/pumps/' > way
	grep -q rollback way
	bash -e way
	[ "$(curl -sS "$url/models/pumps" | field version)" -eq 1 ]
	mlops-registry history pumps --limit 1 | grep -q '"why":"accuracy below 0.8"'
}

@test "## Setting up what watches: what is installed is taken where it is copied to" {
	command -v promtool > /dev/null || skip 'promtool is not installed'
	command -v amtool > /dev/null || skip 'amtool is not installed'
	MAKEFLAGS='' make -s -C "$MLOPS_BUILD" DESTDIR="$PWD/root" datadir=/usr/local/share RUNBOOK=https://r.example.org/HANDOFF.md \
		install-dist_prometheusDATA install-rulesDATA install-dist_alertmanagerDATA install-dist_grafanaDATA
	mkdir etc
	awk -v heading="## Setting up what watches" '/^## / { on = $0 == heading } on && sub(/^    /, "")' "$handoff" |
		sed -e "s|/usr/local/share|$PWD/root&|; s|/etc/prometheus|$PWD/etc|" > commands
	[ "$(wc -l < commands)" -eq 4 ]
	# cp leaves modes as they are, and the sources' may be read-only
	bash -e -x commands
	[ -s etc/rules/model-quality.yml ]
	[ -s etc/mlops.tmpl ]
	jq -e .panels root/usr/local/share/mlops/grafana/mlops.json > /dev/null
	[ "$(grep -c 'runbook_url: https://r.example.org/HANDOFF.md#model' etc/rules/model-quality.yml)" -eq \
		"$(grep -c 'alert:' etc/rules/model-quality.yml)" ]
}

@test "the table of metrics has what there is, no more and no less" {
	rows 600 > sensors.csv
	mlops-train --model failure_prediction --name pumps --target failure --promote sensors.csv > trained
	start_service
	curl -fsS "$url/metrics" | sed -n 's/^# TYPE \([^ ]*\) .*/\1/p' | sort > there
	awk '/^## / { on = $0 == "## What each metric is" } on && /^\| `/' "$handoff" | cut -d '|' -f 2 | grep -o '`[^`]*`' |
		tr -d '`' | while read -r name; do bash -c "printf '%s\n' $name"; done | sort > told
	diff told there
}
