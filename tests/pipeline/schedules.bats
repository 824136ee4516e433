#!/usr/bin/env bats
# The nightly job's schedules, as they are installed: checked by the programs that read them, and fired by a real cron.

load "$MLOPS_SOURCE/tests/cli/support"

need() { # PROGRAM PACKAGE
	command -v "$1" > /dev/null || skip "$1 is not installed (package $2)"
}

need_module() { # MODULE
	[ -n "${MLOPS_PYTHON-}" ] && "$MLOPS_PYTHON" -c "import $1" 2> /dev/null ||
		skip "${MLOPS_PYTHON_MISSING:-MLOPS_PYTHON names no Python with $1}"
}

# The units with this build's programs in them, below units/.
units() {
	mkdir -p units
	cp "$MLOPS_SOURCE"/infrastructure/systemd/*.{timer,socket} "$MLOPS_SOURCE"/infrastructure/systemd/*.service \
		"$MLOPS_BUILD"/infrastructure/systemd/*.service units/
	sed -i "s|^ExecStart=.*/mlops-|ExecStart=$MLOPS_BUILD/mlops-|" units/mlops-retrain@.service units/mlops-serve.service
	export SYSTEMD_UNIT_PATH=$PWD/units:
}

# verify UNIT: all that is wrong with it or with what it names
verify() {
	systemd-analyze verify --man=no --recursive-errors=yes "units/$1" 2>&1 | grep "$PWD/units" || true
	systemd-analyze verify --man=no --recursive-errors=one "units/$1"
}

@test "systemd has nothing to say about the units" {
	need systemd-analyze systemd
	units
	for unit in mlops-retrain@.service mlops-retrain@.timer mlops-alert@.service mlops-serve.service mlops-serve.socket; do
		run -0 verify "$unit"
		[ -z "$output" ]
	done
	echo 'ProtectSytem=strict' >> units/mlops-retrain@.service
	run verify mlops-retrain@.service
	[[ "$output" == *"ProtectSytem"* ]]
	sed -i 's|^ExecStart=.*|ExecStart=/nowhere/mlops-serve|' units/mlops-serve.service
	run -1 verify mlops-serve.service
}

@test "what trains and what serves is confined" {
	need systemd-analyze systemd
	units
	for unit in mlops-retrain@.service mlops-serve.service; do
		run -0 systemd-analyze security --no-pager --offline=true --threshold=20 "units/$unit"
		grep -q '^LoadCredential=SYSTEM_ADMIN_TOKEN:' "units/$unit"
		grep -q '^OnFailure=mlops-alert@%n.service' "units/$unit"
		sed -i '/^Capability/d; /^Protect/d; /^Private/d' "units/$unit"
		run -1 systemd-analyze security --no-pager --offline=true --threshold=20 "units/$unit"
	done
}

@test "the timer fires once a night, in UTC" {
	need systemd-analyze systemd
	calendar=$(sed -n 's/^OnCalendar=//p' "$MLOPS_SOURCE/infrastructure/systemd/mlops-retrain@.timer")
	run -0 systemd-analyze calendar --iterations=2 --base-time='2026-03-29 00:00:00 UTC' "$calendar"
	[[ "$output" == *"2026-03-29 02:23:00 UTC"*"2026-03-30 02:23:00 UTC"* ]]
	grep -qx 'Persistent=true' "$MLOPS_SOURCE/infrastructure/systemd/mlops-retrain@.timer"
	grep -q '^RandomizedDelaySec=' "$MLOPS_SOURCE/infrastructure/systemd/mlops-retrain@.timer"
}

@test "systemd's tools make the user and the directory" {
	need systemd-sysusers systemd
	need systemd-tmpfiles systemd
	[ "$(id -u)" -eq 0 ] || skip "only root can give files to a user"
	mkdir -p root/etc
	systemd-sysusers --root="$PWD/root" "$MLOPS_BUILD/infrastructure/systemd/sysusers.d/mlops.conf"
	grep -q '^mlops:.*:/var/lib/mlops:' root/etc/passwd
	systemd-tmpfiles --create --root="$PWD/root" "$MLOPS_BUILD/infrastructure/systemd/tmpfiles.d/mlops.conf"
	[ "$(stat -c '%a %u' root/var/lib/mlops)" = "750 $(sed -n 's/^mlops:x:\([0-9]*\):.*/\1/p' root/etc/passwd)" ]
}

@test "cron can read its table" {
	need crontab cron
	crontab -n "$MLOPS_BUILD/cron/mlops"
	# Of /etc/cron.d: a user stands before the command.  No percent sign, which would cut the line.
	run -0 grep -cE '^[0-9*]+ [0-9*]+ \* \* \* mlops chronic timeout -k 60 [0-9]+ mlops-retrain --all$' "$MLOPS_BUILD/cron/mlops"
	[ "$output" = 1 ]
	sed 's/^23 2 /23 25 /' "$MLOPS_BUILD/cron/mlops" > wrong
	run -1 crontab -n wrong
}

# in_own_cron: run inside a mount namespace of its own, with the machine's tables out of sight
in_own_cron() {
	local deadline=$((SECONDS + 75)) pid
	mount --make-rprivate /
	mkdir -p spool run
	: > empty
	mount --bind spool /var/spool/cron/crontabs
	mount --bind empty /etc/crontab
	mount --bind tables /etc/cron.d
	mount --bind run "$(readlink -f /var/run)"
	cron -f 3>&- &
	pid=$!
	until [ -n "$(mlops-registry list pumps 2> /dev/null)" ] || ((SECONDS > deadline)); do sleep 0.5; done
	# Until the job is over.
	until flock -n "$MLOPS_REGISTRY/retrain/pumps.lock" true 2> /dev/null || ((SECONDS > deadline + 10)); do sleep 0.2; done
	kill "$pid"
	wait "$pid" || true
}

@test "a real cron fires the job" {
	need cron cron
	need chronic moreutils
	[ "$(id -u)" -eq 0 ] || skip "only root can run cron"
	unshare --mount true 2> /dev/null || skip "no mount namespaces here"
	rows 300 > sensors.csv
	mkdir conf tables
	printf '%s\n' KIND=anomaly_detection IGNORE=failure "FILE=$PWD/sensors.csv" "MLOPS_REGISTRY=$MLOPS_REGISTRY" > conf/pumps.conf
	# As installed, but each minute, as root, with this build and this configuration.
	sed -e "s|^PATH=|PATH=$MLOPS_BUILD:|" -e "s|^MLOPS_REGISTRY=.*|MLOPS_CONFIG_DIR=$PWD/conf|" \
		-e 's|^23 2 \* \* \* mlops |* * * * * root |' "$MLOPS_BUILD/cron/mlops" > tables/mlops
	chown root:root tables tables/mlops
	chmod 644 tables/mlops
	export -f in_own_cron
	run -0 unshare --mount bash -c in_own_cron
	mlops-registry list pumps | jq -e .champion
	[ "$(mlops-registry history pumps | jq -r .who | head -n 1 | cut -d @ -f 1)" = root ]
}

# of_cronjob FILTER: jq -e on the CronJob
of_cronjob() {
	"$MLOPS_PYTHON" -c 'import json, sys, yaml
for part in yaml.safe_load_all(open(sys.argv[1], encoding="utf-8")):
    print(json.dumps(part))' "$MLOPS_SOURCE/infrastructure/kubernetes/mlops-retrain.yaml" |
		jq -e "select(.kind == \"CronJob\") | $1"
}

@test "Kubernetes would take the CronJob, which runs alone, as nobody, with its secrets" {
	need_module kubernetes_validate
	validate=$(dirname "$MLOPS_PYTHON")/kubernetes-validate
	"$validate" --strict "$MLOPS_SOURCE/infrastructure/kubernetes/mlops-retrain.yaml"
	sed 's/concurrencyPolicy:/concurencyPolicy:/' "$MLOPS_SOURCE/infrastructure/kubernetes/mlops-retrain.yaml" > wrong.yaml
	run ! "$validate" --strict wrong.yaml
	# What the schema does not look at.
	of_cronjob '.spec.concurrencyPolicy == "Forbid" and .spec.timeZone == "Etc/UTC" and (.spec.schedule | test("^[1-9]"))'
	of_cronjob '.spec.startingDeadlineSeconds > 0 and .spec.jobTemplate.spec.backoffLimit >= 0'
	of_cronjob '.spec.jobTemplate.spec.activeDeadlineSeconds > 0'
	of_cronjob '.spec.jobTemplate.spec.template.spec | .restartPolicy == "Never" and .securityContext.runAsNonRoot and
		(.automountServiceAccountToken | not)'
	of_cronjob '.spec.jobTemplate.spec.template.spec.containers[0].securityContext | .readOnlyRootFilesystem and
		(.allowPrivilegeEscalation | not) and .capabilities.drop == ["ALL"]'
	of_cronjob '[.spec.jobTemplate.spec.template.spec.containers[0].env[] | select(.valueFrom.secretKeyRef) | .name] | sort ==
		["DATABASE_URL", "MLFLOW_TRACKING_URI", "SYSTEM_ADMIN_TOKEN"]'
	of_cronjob '[.spec.jobTemplate.spec.template.spec.containers[0].env[] | select(has("value")) | .name] == ["MLOPS_REGISTRY"]'
}

@test "GitHub would take the workflow" {
	workflow=$MLOPS_SOURCE/.github/workflows/ml-retrain.yml
	for secret in DATABASE_URL MLFLOW_TRACKING_URI SYSTEM_ADMIN_TOKEN; do
		grep -qF "$secret: \${{ secrets.$secret }}" "$workflow"
	done
	grep -q '^  workflow_dispatch:' "$workflow"
	grep -q '^concurrency:' "$workflow"
	grep -qE '^    - cron: "[1-9][0-9]* ' "$workflow"
	need_module check_jsonschema
	"$MLOPS_PYTHON" -m check_jsonschema --builtin-schema vendor.github-workflows "$workflow"
	sed 's/runs-on:/runson:/' "$workflow" > wrong.yml
	run ! "$MLOPS_PYTHON" -m check_jsonschema --builtin-schema vendor.github-workflows wrong.yml
}

@test "actionlint has nothing to say about the workflow" {
	need actionlint 'none in Debian: go install github.com/rhysd/actionlint/cmd/actionlint'
	actionlint "$MLOPS_SOURCE/.github/workflows/ml-retrain.yml"
}

@test "the configurations to begin with work, one for each kind" {
	"$MLOPS_BUILD/examples/plant-simulator" --labels --days 31 --machines 4 > plant.csv
	for kind in anomaly_detection failure_prediction time_series_forecast; do
		conf=$MLOPS_SOURCE/examples/$kind.conf
		grep -qx "KIND=$kind" "$conf"
		sed "s|^QUERY=.*|FILE=$PWD/plant.csv|" "$conf" > "$kind.conf"
		[ "$kind" != time_series_forecast ] || echo IGNORE=failure >> "$kind.conf"
		run -0 mlops-retrain --dry-run "$PWD/$kind.conf"
	done
	# Without a database they fail for want of one, not for what they say.
	MLOPS_CONFIG_DIR=$MLOPS_SOURCE/examples DATABASE_URL=postgresql://127.0.0.1:9/x run -69 mlops-retrain -n --all
	[ "$(grep -c '"step":"validate"' <<< "$output")" -eq 3 ]
}
