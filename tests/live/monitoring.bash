# Prometheus and its friends for tests: each server on a free loopback port, its pid in $servers, its log beside its data.

# within SECONDS COMMAND...: tries until it succeeds.
within() {
	local end=$((SECONDS + $1))
	shift
	until "$@" > "$BATS_TEST_TMPDIR/within" 2>&1; do
		if [ "$SECONDS" -ge "$end" ]; then
			echo "not in time: $*"
			cat "$BATS_TEST_TMPDIR/within"
			return 1
		fi
		sleep 0.1
	done
}

free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# serve NAME COMMAND...: in the background, with its output in NAME.log.
serve() {
	local log=$1.log
	shift
	"$@" > "$log" 2>&1 3>&- &
	servers+=" $!"
}

servers=
stop_servers() {
	local pid
	for pid in $servers; do
		kill "$pid" 2> /dev/null || true
	done
	for pid in $servers; do
		for _ in {1..50}; do
			kill -0 "$pid" 2> /dev/null || break
			sleep 0.1
		done
		kill -KILL "$pid" 2> /dev/null || true
	done
	servers=
}

# Slack and mail (sinks.py): their ports in slack_port and mail_port, what they got in sinks/slack and sinks/mail.
start_sinks() { # SECONDS
	mkdir -p sinks
	serve sinks/server python3 "$MLOPS_SOURCE/tests/live/sinks.py" sinks 'a word for mail' "$1"
	within 10 test -e sinks/ports
	read -r slack_port mail_port < sinks/ports
}

# The shipped configuration, with the sinks in the places of Slack and the mail server, and waits of a second.
start_alertmanager() {
	mkdir -p alertmanager/secrets
	cp "$MLOPS_SOURCE"/infrastructure/alertmanager/mlops.tmpl alertmanager/
	echo "http://127.0.0.1:$slack_port/services/T0/B0/a-word-for-slack" > alertmanager/secrets/slack-url
	printf 'a word for mail' > alertmanager/secrets/smtp-password
	sed -e "s|/etc/prometheus/secrets|$PWD/alertmanager/secrets|" \
		-e "s/mail\.example\.org:587/127.0.0.1:$mail_port\n  smtp_require_tls: false/" -e 's/group_wait: .*/group_wait: 1s/' \
		-e 's/group_interval: .*/group_interval: 1s/' \
		"$MLOPS_SOURCE/infrastructure/alertmanager/alertmanager.yml" > alertmanager/alertmanager.yml
	alertmanager_port=$(free_port)
	serve alertmanager/server prometheus-alertmanager --config.file alertmanager/alertmanager.yml \
		--storage.path alertmanager/data --web.listen-address "127.0.0.1:$alertmanager_port" --cluster.listen-address= \
		--log.level debug
	within 20 curl -fsS "http://127.0.0.1:$alertmanager_port/-/ready"
}

# The shipped configuration and rules, asked every second, with alerts that wait for two.
start_prometheus() { # SERVICE-PORT NODE-EXPORTER-PORT
	mkdir -p prometheus/rules
	sed 's/for: .*/for: 2s/' "$MLOPS_SOURCE/infrastructure/prometheus/rules/model-quality.yml" > prometheus/rules/model-quality.yml
	sed -e 's/\(_interval\|_timeout\): .*/\1: 1s/' -e "s/localhost:8080/127.0.0.1:$1/" -e "s/localhost:9100/127.0.0.1:$2/" \
		-e "s/localhost:9093/127.0.0.1:$alertmanager_port/" \
		"$MLOPS_SOURCE/infrastructure/prometheus/prometheus.yml" > prometheus/prometheus.yml
	prometheus_port=$(free_port)
	serve prometheus/server prometheus --config.file prometheus/prometheus.yml --storage.tsdb.path prometheus/data \
		--web.listen-address "127.0.0.1:$prometheus_port"
	within 30 curl -fsS "http://127.0.0.1:$prometheus_port/-/ready"
}

# What Prometheus answers to a query: "LABELS VALUE" a line, by the labels named.
query() { # PROMQL [LABEL...]
	local text=$1
	shift
	curl -fsS -G "http://127.0.0.1:$prometheus_port/api/v1/query" --data-urlencode "query=$text" |
		jq -r --args '.data.result[] | [(.metric[$ARGS.positional[]] // "-"), .value[1]] | join(" ")' "$@" | sort
}

is() { # EXPECTED COMMAND...
	local expected=$1
	shift
	local found
	found=$("$@") || return
	[ "$found" = "$expected" ] || { echo "'$found', not '$expected'"; return 1; }
}
