#!/usr/bin/env bats
# What Prometheus is told: mlops-registry metrics, and the same on a service's /metrics.

load support

teardown() {
	[ -z "${service-}" ] || kill "$service" 2> /dev/null || true
}

# Text 0.0.4 as a scraper reads it: every family has one head, ahead of all of its samples, no series comes twice, and every value
# is a number.  Prints family and type.
families() { # FILE
	awk '
		function stop(what) { print FILENAME ":" FNR ": " what ": " $0 > "/dev/stderr"; bad = 1; exit 1 }
		/^# HELP / { if ($3 in help) stop("a second head"); help[$3]; next }
		/^# TYPE / { if (!($3 in help)) stop("TYPE without HELP"); family = $3; type[family] = $4; print $3, $4; next }
		{
			series = $0
			sub(/ [^ ]+$/, "", series)
			name = series
			sub(/\{.*/, "", name)
			if (type[family] == "histogram") sub(/_(bucket|sum|count)$/, "", name)
			if (name != family) stop("not below its head")
			if (series in seen) stop("twice")
			seen[series]
			if ($NF !~ /^(NaN|[+-]Inf|-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?)$/) stop("no number")
		}
		END { exit bad }' "$1"
}

serve() { # sets service and url
	mlops-serve --port 0 2> log 3>&- &
	service=$!
	for _ in {1..100}; do
		! grep -q 'listening on' log || break
		kill -0 "$service"
		sleep 0.05
	done
	url=http://127.0.0.1:$(sed -n 's/.*listening on 127.0.0.1 port //p' log)
}

checked() { # FILE
	families "$1" > families
	[ "$(tail -c 1 "$1" | od -An -c | tr -d ' ')" = '\n' ]
	iconv -f UTF-8 -t UTF-8 "$1" > /dev/null
	command -v promtool > /dev/null || return 0
	run -0 promtool check metrics < "$1"
	[ -z "$output" ]
}

@test "models, trainings, data and sensors, good and bad, are text that Prometheus takes" {
	rows 400 > sensors.csv
	mlops-train --model failure_prediction --name pumps --target failure --promote sensors.csv > trained
	mlops-validate --infer sensors.csv > schema.json
	{ cat sensors.csv; tail -n 1 sensors.csv; } > twice.csv
	run -1 mlops-validate --schema schema.json --reference sensors.csv --name pumps twice.csv
	run -65 mlops-train --model failure_prediction --name pumps --target failure --min-rows 500 sensors.csv
	series 300 1 a c | sed 's/,a,/,"a""\\b",/' > series.csv
	quick --name flow --per-sensor --promote --force series.csv > flow
	mlops-registry metrics > metrics
	checked metrics
	accuracy=$(field metrics.accuracy < trained)
	grep -qxF "mlops_model_accuracy{model=\"pumps\",sensor=\"\"} $accuracy" metrics
	grep -qxF "mlops_training_last_run_accuracy{model=\"pumps\",sensor=\"\"} $accuracy" metrics
	grep -qxF 'mlops_training_last_run_success{model="pumps",sensor=""} 0' metrics
	grep -qxF 'mlops_training_last_run_failure_reason{model="pumps",sensor="",reason="insufficient_data"} 1' metrics
	grep -qxF 'mlops_training_runs_total{model="pumps",sensor="",outcome="success"} 1' metrics
	grep -qxF 'mlops_data_rows{model="pumps",sensor=""} 401' metrics
	grep -qxF 'mlops_data_faulty_rows{model="pumps",sensor=""} 1' metrics
	grep -qxF 'mlops_data_invalid_rows{model="pumps",sensor="",reason="duplicate"} 1' metrics
	grep -qxF 'mlops_data_invalid_rows{model="pumps",sensor="",reason="missing"} 0' metrics
	grep -q '^mlops_data_drift_psi{model="pumps",sensor="",feature="temperature"} ' metrics
	grep -q '^mlops_model_forecast_skill{model="flow",sensor="a\\"\\\\b"} ' metrics
	grep -q '^mlops_training_last_run_success{model="flow",sensor="c"} 1' metrics
	[ "$(mlops-registry runs flow.c | field sensor)" = c ]
	[ "$(date -d "@$(sed -n 's/^mlops_data_last_sample_timestamp_seconds{.*} //p' metrics)" -u +%FT%TZ)" = \
		"$(tail -n 1 sensors.csv | cut -d , -f 1)" ]
}

@test "every metric of the table is there, and of the type that it should have" {
	rows 400 > sensors.csv
	mlops-train --model anomaly_detection --name pumps --target failure --promote sensors.csv > trained
	mlops-registry metrics > metrics
	families metrics > families
	while read -r name type; do
		grep -qx "$name $type" families || { echo "no $type $name"; return 1; }
	done < <(printf 'mlops_%s gauge\n' build_info model_{info,accuracy,anomaly_rate,forecast_skill,size_bytes} \
		model_created_timestamp_seconds training_last_run_{accuracy,success,failure_reason} training_duration_seconds \
		training_last_{start,completion,success,failure}_timestamp_seconds data_{rows,invalid_rows,missing_ratio,drift_psi} \
		data_{drift_ks_statistic,last_sample_timestamp_seconds} validation_last_run_success \
		gate_last_decision reload_{last_run_success,last_success_timestamp_seconds,duration_seconds}
		echo mlops_training_runs_total counter)
}

@test "a registry without anything, and none" {
	run -78 mlops-registry metrics
	[[ $output == *'there is no registry in'* ]]
	rows 20 > few.csv
	run -65 mlops-train --model failure_prediction --target failure --min-rows 1000 few.csv
	mlops-registry metrics > metrics
	checked metrics
	grep -qxF 'mlops_training_last_success_timestamp_seconds{model="failure_prediction",sensor=""} 0' metrics
	run ! grep -q '^mlops_model_accuracy{' metrics
}

@test "--output: whole, readable for everybody whatever the umask, nothing else is left behind" {
	rows 20 > few.csv
	run -65 mlops-train --model failure_prediction --target failure --min-rows 1000 few.csv
	mkdir collector
	(umask 077 && mlops-registry metrics --output collector/mlops.prom) > out
	[ ! -s out ]
	[ "$(ls -A collector)" = mlops.prom ]
	[ "$(stat -c %a collector/mlops.prom)" = 644 ]
	checked collector/mlops.prom
	inode=$(stat -c %i collector/mlops.prom)
	mlops-registry metrics --output collector/mlops.prom
	[ "$(stat -c %i collector/mlops.prom)" != "$inode" ]
	[ "$(ls -A collector)" = mlops.prom ]
	run -74 mlops-registry metrics --output missing/mlops.prom
	[ "$output" = 'mlops-registry: missing/mlops.prom: No such file or directory' ]
	run -74 mlops-registry metrics --output /dev/full
	# what was there stays when the registry can't be read
	run -78 env MLOPS_REGISTRY="$PWD/none" mlops-registry metrics --output collector/mlops.prom
	checked collector/mlops.prom
}

@test "node_exporter shows the file" {
	command -v prometheus-node-exporter > /dev/null || skip 'prometheus-node-exporter is not installed'
	rows 400 > sensors.csv
	mlops-train --model failure_prediction --name 'a"b\c' --target failure --promote sensors.csv > trained
	mkdir collector
	(umask 077 && mlops-registry metrics --output collector/mlops.prom)
	for _ in {1..5}; do
		port=$((20000 + RANDOM % 30000))
		prometheus-node-exporter --web.listen-address "127.0.0.1:$port" --collector.disable-defaults --collector.textfile \
			--collector.textfile.directory "$PWD/collector" 2> log 3>&- &
		service=$!
		for _ in {1..100}; do
			! curl -sS "http://127.0.0.1:$port/metrics" > page 2> /dev/null || break 2
			kill -0 "$service" 2> /dev/null || break
			sleep 0.05
		done
	done
	grep -qxF 'node_textfile_scrape_error 0' page
	[ "$(grep -c '^mlops_' page)" -eq "$(grep -c '^mlops_' collector/mlops.prom)" ]
	grep -q '^mlops_model_accuracy{model="a\\"b\\\\c",sensor=""} ' page
}

@test "a service shows the same, beside its own; without a registry it says so" {
	rows 400 > sensors.csv
	serve
	curl -sS "$url/metrics" > page
	checked page
	grep -qx 'mlops_service_registry_readable 0' page
	run ! grep -q '^mlops_ledger_read_timestamp_seconds' page
	kill "$service"
	mlops-train --model failure_prediction --name pumps --target failure --promote sensors.csv > trained
	serve
	curl -sS "$url/metrics" > page
	checked page
	grep -qx 'mlops_service_registry_readable 1' page
	mlops-registry metrics | grep -v ledger_read_timestamp | diff - <(sed '/^# HELP mlops_service_registry_readable/,$d' page |
		grep -v ledger_read_timestamp)
}
