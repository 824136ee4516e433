#!/usr/bin/env bats
# The registry on a real MLflow server: the same verbs, two writers, a server that is away, and what Python registers.
load "$MLOPS_SOURCE/tests/cli/support"
load "$MLOPS_SOURCE/tests/live/mlflow"

setup_file() {
	unset MLFLOW_TRACKING_URI MLFLOW_TRACKING_USERNAME MLFLOW_TRACKING_PASSWORD MLFLOW_TRACKING_TOKEN MLFLOW_EXPERIMENT_NAME
	export MISSING
	MISSING=$(mlflow_missing)
	[ -n "$MISSING" ] || mlflow_start
}

teardown_file() {
	mlflow_end
}

# The server, by the address that the tools get: through a relay that can go away.
need_mlflow() {
	[ -z "$MISSING" ] || skip "$MISSING"
	answer=$BATS_TEST_TMPDIR/answer
	relay_port=0
	relay
	export MLFLOW_TRACKING_URI=http://127.0.0.1:$relay_port MLFLOW_HTTP_REQUEST_MAX_RETRIES=1 NO_PROXY='*'
	name=model-$BATS_TEST_NUMBER-$RANDOM
	rows 300 > sensors.csv
}

relay() {
	rm -f relay.port
	"$MLOPS_PYTHON" "$MLOPS_SOURCE/tests/live/relay.py" "$relay_port" "$MLFLOW_PORT" "$answer" > relay.port 2> relay.log 3>&- &
	relay_pid=$!
	for _ in {1..300}; do
		[ -s relay.port ] && break
		sleep 0.1
	done
	relay_port=$(cat relay.port)
}

away() {
	kill "$relay_pid"
	wait "$relay_pid" 2> /dev/null || true
}

teardown() {
	[ -z "${relay_pid-}" ] || away
	if [ "${#pids[@]}" -gt 0 ]; then
		kill "${pids[@]}" 2> /dev/null || true
		wait "${pids[@]}" 2> /dev/null || true
	fi
}

train() { # SEED [OPTION...]
	local seed=$1
	shift
	mlops-train -q -m anomaly_detection -n "$name" -i failure --set trees=5 --seed "$seed" "$@" sensors.csv
}

# Everything that the two stores may differ in.
same() {
	sed -E 's/"(created|when|started|ended)":"[^"]*"/"\1":T/g; s/"duration_seconds":[0-9.e-]*/"duration_seconds":D/g
		s/"run_id":"[0-9a-f]{32}"/"run_id":R/g; s/"registry":"[^"]*"/"registry":U/g'
}

verbs() ( # in a shell of its own, that goes on
	set +e
	for seed in 1 2 3 4; do
		train $seed
	done
	rows 5 > few.csv
	mlops-train -q -m anomaly_detection -n "$name" -i failure few.csv
	echo $?
	train 1 --promote --reason 'the first one'
	mlops-registry list "$name"
	mlops-registry promote "$name" 2 --reason 'a "better" one'
	mlops-registry promote "$name" 2
	mlops-registry promote "$name" 3
	mlops-registry rollback "$name" --reason 'alarms at night'
	mlops-registry promote "$name" 4
	mlops-registry rollback "$name" --to 5
	mlops-registry rollback "$name" --to 3
	mlops-registry rollback "$name"
	echo $?
	mlops-registry alias "$name" night 1
	mlops-registry alias "$name" night 2
	mlops-registry alias "$name" shadow 2
	mlops-registry alias "$name" night --remove
	mlops-registry alias "$name" night --remove
	echo $?
	mlops-registry alias "$name" champion --remove
	mlops-registry show "$name"
	echo $?
	mlops-registry rollback "$name"
	mlops-registry show "$name"
	mlops-registry show "$name@shadow"
	mlops-registry show "$name@shade"
	mlops-registry show "$name/9"
	mlops-registry promote "$name" 9
	mlops-registry promote "${name}x" 1
	echo $?
	mlops-registry history "$name"
	mlops-registry history "$name" --all-aliases --limit 3
	mlops-registry verify "$name"
	mlops-registry export "$name/3" out.onnx
	mlops-registry import out.onnx --name "$name" --promote --reason 'from the other plant'
	mlops-train -q -m failure_prediction -n "$name" -t failure --set trees=2 sensors.csv
	echo $?
	mlops-registry compare "$name/1" "$name/2"
	mlops-score -m "$name" sensors.csv | sha256sum
	mlops-registry prune "$name" --keep 2 --dry-run
	mlops-registry prune "$name" --keep 2
	mlops-registry list "$name"
	mlops-registry runs "$name" --limit 20
	mlops-registry runs "${name}x"
	echo $?
)

@test "every verb says on a server what it says of a directory" {
	need_mlflow
	(unset MLFLOW_TRACKING_URI; MLOPS_REGISTRY=$BATS_TEST_TMPDIR/embedded; verbs) 2>&1 | same > embedded.txt
	verbs 2>&1 | same > server.txt
	# An import has a run there: a server's version belongs to one.
	grep -v '"action":"import"' server.txt > compared.txt
	diff <(sed 's/,"run_id":R//' embedded.txt) <(sed 's/,"run_id":R//' compared.txt)
	[ "$(wc -l < compared.txt)" -gt 60 ]
	[ "$(grep -c '"action":"import"' server.txt)" -eq 1 ]
}

@test "who was champion is known, and can be undone, from another machine" {
	need_mlflow
	train 1 --promote > /dev/null
	train 2 --promote --force --reason 'by night' > /dev/null
	export MLOPS_REGISTRY=$BATS_TEST_TMPDIR/elsewhere
	[ "$(mlops-registry history "$name" | jq -rs 'map("\(.from) \(.to) \(.why)") | join(", ")')" = '1 2 by night, null 1 there is no champion yet' ]
	[ ! -e "$MLOPS_REGISTRY/ledger.db" ]
	[ "$(mlops-registry rollback "$name" --reason 'alarms' | field to)" = 1 ]
	export MLOPS_REGISTRY=$BATS_TEST_TMPDIR/registry
	[ "$(mlops-registry history "$name" | jq -rs 'map("\(.action) \(.to)") | join(", ")')" = 'rollback 1, promote 2, promote 1' ]
	run --separate-stderr mlops-registry rollback "$name"
	[ "$status" -eq 1 ]
	[ "$stderr" = "mlops-registry: model '$name' has no earlier champion to go back to" ]
}

@test "HANDOFF: moving to MLflow" {
	need_mlflow
	for model in a b c; do
		env -u MLFLOW_TRACKING_URI mlops-train -q -m anomaly_detection -n "$name-$model" -i failure --seed 3 sensors.csv > /dev/null
	done
	for model in a b; do
		env -u MLFLOW_TRACKING_URI mlops-registry promote "$name-$model" 1 > /dev/null
	done
	awk '/^## / { on = $0 == "## Moving to MLflow" } on && sub(/^    /, "")' "$MLOPS_SOURCE/HANDOFF.md" |
		sed "s|URI=URI|URI=$MLFLOW_TRACKING_URI|" > commands
	[ "$(wc -l < commands)" -eq 5 ]
	env -u MLFLOW_TRACKING_URI bash -e -o pipefail commands > said
	[ "$(grep -c "\"name\":\"$name-[ab]\",.*\"champion\":1" said)" -eq 2 ]
	run ! grep -q "$name-c" said
	mlops-score -m "$name-a" sensors.csv | cmp - <(env -u MLFLOW_TRACKING_URI mlops-score -m "$name-a" sensors.csv)
}

@test "an alias that somebody moved by other means counts, and can be rolled back" {
	need_mlflow
	for seed in 1 2 3; do train $seed > /dev/null; done
	mlops-registry promote "$name" 1 > /dev/null
	curl -fsS --noproxy '*' -X POST "$MLFLOW_URI/api/2.0/mlflow/registered-models/alias" -H 'Content-Type: application/json' \
		-d "{\"name\":\"$name\",\"alias\":\"champion\",\"version\":\"3\"}"
	[ "$(mlops-registry show "$name" | field version)" = 3 ]
	[ "$(mlops-registry promote "$name" 2 | field from)" = 3 ]
	[ "$(mlops-registry rollback "$name" | field to)" = 3 ]
	[ "$(mlops-registry rollback "$name" | field to)" = 1 ]
	run mlops-registry rollback "$name"
	[ "$status" -eq 1 ]
}

@test "a version that Python registered is listed, loaded, served and promoted" {
	need_mlflow
	train 1 -o model.onnx > /dev/null
	"$MLOPS_PYTHON" - "$MLFLOW_URI" "$name" <<- 'END' > /dev/null 2> python.log
		import sys
		import mlflow, onnx
		mlflow.set_tracking_uri(sys.argv[1])
		mlflow.set_experiment("by hand")
		with mlflow.start_run():
		    mlflow.onnx.log_model(onnx.load("model.onnx"), name="model", registered_model_name=sys.argv[2])
		client = mlflow.MlflowClient()
		client.set_model_version_tag(sys.argv[2], "1", "mlops.metrics", "{not JSON\n")
		client.set_model_version_tag(sys.argv[2], "1", "mlops.change.7", '{"alias": "champion", "from": "x"}')
	END
	[ "$(mlops-registry list "$name" | jq -c '[.version, .kind, .champion, .metrics, .sha256]')" = '[1,"unknown",false,{},null]' ]
	mlops-registry promote "$name" 1 > /dev/null
	mlops-score -m "$name" sensors.csv > scores
	mlops-score -m ./model.onnx sensors.csv | cmp - scores
	[ "$(mlops-registry export "$name" out.onnx | field 'sha256 | length')" = 64 ]
	[ "$(mlops-registry verify "$name" | jq -r 'select(.summary) | .ok')" = true ]
	[ "$(mlops-registry history "$name" | wc -l)" -eq 1 ]
	serve
	[ "$(curl -sS --noproxy '*' "$url/models/$name" | field version)" = 1 ]
}

serve() { # [OPTION...]: a service on a free port
	mlops-serve --port 0 --model "$name" "$@" 2> messages 3>&- &
	pids+=($!)
	for _ in {1..200}; do
		grep -q listening messages && break
		sleep 0.1
	done
	url=http://127.0.0.1:$(sed -n 's/.*listening on .* port \([0-9]*\)$/\1/p' messages)
}

@test "a service takes up the champion, keeps it while the server is away, and goes back with it" {
	need_mlflow
	export SYSTEM_ADMIN_TOKEN=t
	train 1 --promote > /dev/null
	train 2 --promote --force > /dev/null
	serve
	[ "$(curl -sS --noproxy '*' "$url/models/$name" | field version)" = 2 ]
	mlops-registry rollback "$name" > /dev/null
	[ "$(mlops-reload --url "$url" | field 'models[0].version')" = 1 ]
	away
	run --separate-stderr mlops-reload --url "$url" --timeout 5
	[ "$status" -eq 69 ]
	[ "$(curl -sS --noproxy '*' "$url/models/$name" | field version)" = 1 ]
	curl -sS --noproxy '*' --data-binary @sensors.csv -H 'Content-Type: text/csv' "$url/models/$name/score" > scored
	[ "$(grep -c anomaly scored)" -ge 1 ]
	relay
	mlops-registry promote "$name" 2 > /dev/null
	[ "$(mlops-reload --url "$url" | field 'models[0].version')" = 2 ]
	[ "$(sqlite3 "$MLOPS_REGISTRY/ledger.db" 'SELECT count(*) FROM reloads')" -eq 2 ]
}

@test "what was champion is scored and served while the server is away, and said to be so" {
	need_mlflow
	export SYSTEM_ADMIN_TOKEN=t
	train 1 --promote > /dev/null
	mlops-score -m "$name" sensors.csv > before
	serve
	kill "${pids[@]}"
	wait "${pids[@]}" || true
	pids=()
	away
	run --separate-stderr mlops-score -m "$name" sensors.csv
	[ "$status" -eq 0 ]
	[ "$output" = "$(cat before)" ]
	[[ $stderr == *"taking version 1 of '$name', which it said $name@champion was when it last answered"* ]]
	run --separate-stderr mlops-score -m "$name@other" sensors.csv
	[ "$status" -eq 69 ]
	run --separate-stderr mlops-registry list "$name"
	[ "$status" -eq 69 ]
	serve
	grep -q 'taking version 1' messages
	[ "$(curl -sS --noproxy '*' "$url/models/$name" | field version)" = 1 ]
	relay
	train 2 --promote --force > /dev/null
	[ "$(mlops-reload --url "$url" | field 'models[0].version')" = 2 ]
}

@test "what the server could not be told is kept, and pushed once" {
	need_mlflow
	train 1 > /dev/null
	away
	run --separate-stderr train 2
	[ "$status" -eq 69 ]
	[ -z "$output" ]
	[[ "$stderr" == *"; model '$name' is kept here, and mlops-registry push sends it" ]]
	rows 5 > few.csv
	run mlops-train -q -m anomaly_detection -n "$name" -i failure few.csv
	[ "$status" -eq 65 ]
	run mlops-registry fail "$name" invalid_data --started 1 # the training has recorded its failure itself
	[ "$status" -eq 0 ]
	[[ "$output" != *run_id* ]]
	mlops-train -q -m anomaly_detection --set trees=2 -o model.onnx sensors.csv > /dev/null
	run mlops-registry import model.onnx --name "$name"
	[ "$status" -eq 69 ]
	[ "$(find "$MLOPS_REGISTRY/models" -name '*.onnx' | wc -l)" -eq 2 ]
	run --separate-stderr mlops-registry push
	[ "$status" -eq 69 ]
	[[ "$stderr" == *"still to be sent" ]]
	relay
	[ "$(mlops-registry runs "$name" | jq -s 'map(select(.sent == false)) | length')" -eq 3 ]
	run --separate-stderr mlops-registry push
	[ "$status" -eq 0 ]
	[ "$(jq -r '"\(.what) \(.outcome)"' <<< "$output" | sort -u)" = "run FAILED
version FINISHED" ]
	run mlops-registry push
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ "$(mlops-registry runs "$name" | jq -s 'map(select(.sent == false)) | length')" -eq 0 ]
	[ "$(mlops-registry runs "$name" | jq -rs 'map(select(.outcome == "FAILED") | .reason) | join(" ")')" = insufficient_data ]
	[ "$(find "$MLOPS_REGISTRY/models" -name '*.onnx' | wc -l)" -eq 0 ]
	mlops-registry verify "$name"
}

@test "a push that is killed again and again, and two at once, make one version of each model" {
	need_mlflow
	away
	for seed in 1 2 3; do
		run train $seed
		[ "$status" -eq 69 ]
	done
	relay
	for limit in 0.05 0.1 0.15 0.2 0.3 0.4 0.5 0.7 1; do
		timeout -s KILL "$limit" mlops-registry push > /dev/null 2>&1 || true
	done
	mlops-registry push > first 2> first.err 3>&- &
	one=$!
	mlops-registry push > second 2> second.err 3>&- &
	two=$!
	one_status=0
	two_status=0
	wait $one || one_status=$?
	wait $two || two_status=$?
	cat first.err second.err
	[[ "$one_status $two_status" =~ ^(0|75)" "(0|75)$ ]]
	mlops-registry push
	[ "$(mlops-registry list "$name" | jq -rs 'map(.version) | join(" ")')" = '1 2 3' ]
	[ "$(mlops-registry list "$name" | jq -rs 'map(.sha256) | unique | length')" = 3 ]
	[ "$(mlops-registry runs "$name" | jq -rs 'map(.outcome) | join(" ")')" = 'FINISHED FINISHED FINISHED' ]
	mlops-registry verify "$name"
}

@test "a training that is killed has failed on the server, too, once that is pushed" {
	need_mlflow
	rows 300 > fifo.csv
	mkfifo rows.fifo
	mlops-train -q -m anomaly_detection -n "$name" -i failure rows.fifo > /dev/null 2>&1 3>&- &
	victim=$!
	for _ in {1..100}; do
		[ "$(sqlite3 -readonly "$MLOPS_REGISTRY/ledger.db" 'SELECT count(*) FROM remote_runs WHERE remote_id IS NOT NULL' 2> /dev/null)" = 1 ] && break
		sleep 0.1
	done
	[ "$(mlops-registry runs "$name" | field outcome)" = RUNNING ]
	[ -z "$(mlops-registry push)" ]
	kill -KILL $victim
	wait $victim || true
	[ "$(mlops-registry push | field outcome)" = FAILED ]
	[ "$(MLOPS_REGISTRY=elsewhere mlops-registry runs "$name" | jq -r '"\(.outcome) \(.reason)"')" = 'FAILED signal' ]
}

@test "four trainings at once, and promotions by two, lose nothing" {
	need_mlflow
	for seed in 1 2 3 4; do
		train $seed > out.$seed 2> err.$seed 3>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid"; done
	[ "$(cat out.* | jq -r .version | sort | tr '\n' ' ')" = "1 2 3 4 " ]
	# 1: the other one was faster
	for version in 1 2 3 4; do
		mlops-registry promote "$name" $version > /dev/null || [ $? -eq 1 ]
	done 3>&- &
	one=$!
	for version in 4 3 2 1; do
		MLOPS_REGISTRY=other mlops-registry promote "$name" $version > /dev/null || [ $? -eq 1 ]
	done
	wait $one
	champion=$(mlops-registry show "$name" | field version)
	[ "$champion" -ge 1 ]
	[ "$(mlops-registry history "$name" | jq -s 'map(select(.from == .to)) | length')" -eq 0 ]
	[ "$(mlops-registry history "$name" | wc -l)" -ge 4 ]
	diff <(mlops-registry history "$name") <(MLOPS_REGISTRY=third mlops-registry history "$name")
}

@test "a server that refuses: the model is kept, the exit status says why, nothing secret is said" {
	need_mlflow
	printf 'HTTP/1.1 401 Unauthorized\nContent-Type: text/html\nContent-Length: 2\nConnection: close\n\nno' > "$answer"
	export MLFLOW_TRACKING_URI=http://somebody:hidden@127.0.0.1:$relay_port
	run train 1
	[ "$status" -eq 77 ]
	[[ "$output" == *"is kept here, and mlops-registry push sends it"* ]]
	[[ "$output" != *hidden* ]]
	run mlops-registry push
	[ "$status" -eq 77 ]
	[[ "$output" != *hidden* ]]
	rm "$answer"
	[ "$(mlops-registry push | jq -r '"\(.what) \(.version)"')" = 'version 1' ]
	[[ "$(train 2 | field registry)" = "http://127.0.0.1:$relay_port" ]]
	! grep -rq hidden "$MLOPS_REGISTRY"
}

@test "an artifact that was changed or cut off is never loaded, and verify finds it" {
	need_mlflow
	train 1 --promote > /dev/null
	source=$(curl -fsS --noproxy '*' "$MLFLOW_URI/api/2.0/mlflow/model-versions/get?name=$name&version=1" |
		jq -r .model_version.source)
	file=$MLFLOW_DIR/artifacts/${source#mlflow-artifacts:/}/model.onnx
	truncate -s 1000 "$file"
	mlops-score -m "$name" sensors.csv > /dev/null
	run mlops-registry verify "$name"
	[ "$status" -eq 1 ]
	[ "$(jq -r 'select(.version) | .problem' <<< "${lines[0]}")" = "the model file has 1000 bytes, not $(mlops-registry list "$name" | field size)" ]
	cached=$(find "$MLOPS_REGISTRY/cache" -name '*.onnx')
	printf X | dd of="$cached" bs=1 seek=100 conv=notrunc 2> /dev/null
	run --separate-stderr mlops-score -m "$name" sensors.csv
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	[[ "$stderr" == *"has 1000 bytes with SHA-256"*"that were registered" ]]
}

@test "a model of another kind, kept while the server was away, fails when it is pushed" {
	need_mlflow
	away
	run mlops-train -q -m failure_prediction -n "$name" -t failure --set trees=2 sensors.csv
	[ "$status" -eq 69 ]
	relay
	MLOPS_REGISTRY=$BATS_TEST_TMPDIR/other train 1 > /dev/null
	run --separate-stderr mlops-registry push
	[ "$status" -eq 65 ]
	[[ "$stderr" == *"model '$name' is of the kind anomaly_detection, not failure_prediction"* ]]
	run mlops-registry push
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ "$(mlops-registry runs "$name" | jq -rs 'map(.outcome) | sort | join(" ")')" = 'FAILED FINISHED' ]
	[ "$(mlops-registry list "$name" | wc -l)" -eq 1 ]
}

@test "validations stay here, and rows are measured against a registered model" {
	need_mlflow
	train 1 --promote > /dev/null
	run mlops-validate --name "$name" --reference "$name" -i failure sensors.csv
	[ "$status" -eq 0 ]
	[ "$(mlops-registry runs "$name" | jq -rs 'map(.action) | join(" ")')" = 'validate train' ]
	[ "$(MLOPS_REGISTRY=elsewhere mlops-registry runs "$name" | jq -rs 'map(.action) | join(" ")')" = train ]
	[ -z "$(mlops-registry push)" ]
}

# trained N: until so many trainings have ended.
trained() {
	for _ in {1..1200}; do
		[ "$(grep -c '^status' trained)" -lt "$1" ] || return 0
		sleep 0.1
	done
	return 1
}

@test "the server is started anew while models are trained: each is there, or kept and then there" {
	need_mlflow
	for seed in $(seq 1 12); do
		status=0
		train "$seed" || status=$?
		echo "status $status"
		[ ! -e enough ] || break
	done > trained 2> said 3>&- &
	trainer=$!
	trained 1
	mlflow_stop
	trained 3
	mlflow_start
	touch enough
	wait $trainer
	cat trained said
	n=$(grep -c '^status' trained)
	[ "$(grep -c '^status 0$' trained)" -ge 1 ]
	[ "$(grep -c '^status 69$' trained)" -ge 1 ]
	[ "$(grep -c '^status \(0\|69\)$' trained)" -eq "$n" ]
	mlops-registry push
	[ "$(mlops-registry list "$name" | jq -rs 'map(.sha256) | unique | length')" -eq "$n" ]
	[ "$(mlops-registry list "$name" | wc -l)" -eq "$n" ]
	mlops-registry verify "$name"
}
