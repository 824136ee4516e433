#!/usr/bin/env bats
# lib/mlflow (by tests/live/mlflow_probe.c) against a real MLflow server, through a proxy that lets things go wrong.

setup_file() {
	load mlflow
	export MISSING
	MISSING=$(mlflow_missing)
	[ -z "$MISSING" ] || return 0
	mlflow_start || return
	proxy_start plain
	export PROBE_URI PROXY=$BATS_FILE_TMPDIR/plain
	PROBE_URI=http://127.0.0.1:$(< "$PROXY/port")
}

teardown_file() {
	local pid
	for pid in "$BATS_FILE_TMPDIR"/*/pid; do
		[ ! -e "$pid" ] || kill "$(< "$pid")" || true
	done
	load mlflow
	[ ! -e "$BATS_FILE_TMPDIR/restarted" ] || MLFLOW_PID=$(< "$BATS_FILE_TMPDIR/restarted")
	mlflow_end
}

setup() {
	load mlflow
	unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY
	probe=$MLOPS_BUILD/tests/live/mlflow_probe
	[ -z "$MISSING" ] || skip "$MISSING"
	: > "$PROXY/plan"
	: > "$PROXY/requests"
	key=$BATS_TEST_NUMBER-$BATS_SUITE_TEST_NUMBER-$RANDOM
}

# proxy_start NAME [CERTIFICATE [AUTHORITY]]: NAME/port, NAME/plan, NAME/requests below BATS_FILE_TMPDIR.
proxy_start() {
	local dir=$BATS_FILE_TMPDIR/$1
	mkdir "$dir"
	"$MLOPS_PYTHON" "$MLOPS_SOURCE/tests/live/mlflow_faults.py" "$MLFLOW_PORT" "$dir" "${@:2}" > "$dir/log" 2>&1 3>&- &
	echo $! > "$dir/pid"
	for _ in {1..300}; do
		[ ! -e "$dir/port" ] || return 0
		sleep 0.1
	done
	cat "$dir/log"
	return 1
}

plan() {
	printf '%s\n' "$@" > "$PROXY/plan"
}

# Every fault of the plan has happened.
all_happened() {
	[ ! -s "$PROXY/plan" ] || { cat "$PROXY/plan"; return 1; }
}

# asked METHOD PART: how many of such requests there were.
asked() {
	grep -c "^$1 .*$2" "$PROXY/requests" || true
}

# expect STATUS PATTERN: of what was run.
expect() {
	echo "status $status: $output"
	# shellcheck disable=SC2053
	[ "$status" -eq "$1" ] && [[ $output == $2 ]]
}

@test "a run is made once, filled in batches and ended" {
	id=$("$probe" run "$key")
	[ ${#id} -eq 32 ]
	"$probe" log "$id" 250
	"$probe" log "$id" 250
	"$probe" end "$id" FINISHED
	[ "$(asked POST log-batch)" -eq 6 ]
	run "$probe" runs "tags.\`probe.key\` = '$key'" 0
	[ "$status" -eq 0 ]
	[[ ${lines[0]} == "run $id $key FINISHED 1700000000123000 1700000001000000 mlflow-artifacts:/"*"/$id/artifacts" ]]
	[ "$(grep -c '^param k' <<< "$output")" -eq 250 ]
	[ "$(grep -c '^metric k' <<< "$output")" -eq 250 ]
	grep -qx 'metric k0=NaN' <<< "$output"
	grep -qx 'metric k249=31.125' <<< "$output"
	grep -qx 'param k249=249' <<< "$output"
	grep -qx 'tag probe.text=5 "ä"' <<< "$output"
	grep -qx 'tag mlflow.user=probe' <<< "$output"
	run "$probe" end "$id" BOGUS
	expect 1 "data: $PROBE_URI: run $id did not become BOGUS"
}

@test "all runs of an experiment are listed, also on several pages" {
	export PROBE_EXPERIMENT=pages-$key
	ids=$(for i in {1..3}; do "$probe" run "$key-$i"; done)
	run "$probe" runs '' 2
	[ "$(grep -c '^run ' <<< "$output")" -eq 2 ]
	run "$probe" runs '' 0
	[ "$(grep '^run ' <<< "$output" | cut -d ' ' -f 2 | sort)" = "$(sort <<< "$ids")" ]
	"$MLOPS_PYTHON" - "$MLFLOW_URI" "$PROBE_EXPERIMENT" 210 <<- 'END'
		import json, sys, urllib.request
		def call(method, path, body=None):
		    request = urllib.request.Request(f"{sys.argv[1]}/api/2.0/mlflow/{path}", method=method, data=body and json.dumps(body).encode(),
		                                     headers={"Content-Type": "application/json"})
		    return json.load(urllib.request.urlopen(request, timeout=60))
		experiment = call("GET", f"experiments/get-by-name?experiment_name={sys.argv[2]}")["experiment"]["experiment_id"]
		for i in range(int(sys.argv[3])):
		    call("POST", "runs/create", {"experiment_id": experiment, "start_time": i})
	END
	: > "$PROXY/requests"
	run "$probe" runs '' 0
	[ "$(grep -c '^run ' <<< "$output")" -eq 213 ]
	[ "$(grep '^run ' <<< "$output" | sort -u | wc -l)" -eq 213 ]
	[ "$(asked POST runs/search)" -eq 2 ]
}

@test "artifacts are read back, any bytes under any name" {
	id=$("$probe" run "$key")
	head -c 3000000 /dev/urandom > "$BATS_TEST_TMPDIR/bytes"
	"$probe" put "$id" 'model/a b%ü+&.bin' < "$BATS_TEST_TMPDIR/bytes"
	[ "$(asked GET '\.bin')" -eq 1 ]
	"$probe" get "runs:/$id/model" 'a b%ü+&.bin' 3000000 | cmp - "$BATS_TEST_TMPDIR/bytes"
	run "$probe" get "runs:/$id/model" 'a b%ü+&.bin' 2999999
	expect 1 "data: *: *the answer has more than 2999999 bytes"
	"$probe" put "$id" model/empty < /dev/null
	[ "$("$probe" get "runs:/$id/model" empty 10 | wc -c)" -eq 0 ]
	run "$probe" get "runs:/$id/model" none 10
	expect 1 "data: $PROBE_URI: reading a file: status 404: No such artifact: *"
	run "$probe" get s3://bucket/model x 10
	expect 1 "config: $PROBE_URI: artifacts at 's3://bucket/model/x' do not go through the server; *"
	run "$probe" get mlflow-artifacts://other:5000/1/x x 10
	expect 1 "config: $PROBE_URI: artifacts at 'mlflow-artifacts://other:5000/1/x/x' are on another server"
	run "$probe" get "runs:/$id/model" ../../x 10
	expect 1 "data: *is no place of artifacts"
	for place in mlflow-artifacts:/1 mlflow-artifacts:/ mlflow-artifacts:/1/x/; do
		run "$probe" delete-artifacts "$place"
		expect 1 "data: $PROBE_URI: '*' is no folder of one run"
	done
	"$probe" delete-artifacts "runs:/$id/model"
	run "$probe" get "runs:/$id/model" empty 10
	expect 1 "data: *status 404*"
}

@test "versions, aliases and tags" {
	id=$("$probe" run "$key")
	[ "$("$probe" create "pump-$key" "$id")" = 1 ]
	[ "$("$probe" create "pump-$key" "$id")" = 1 ]
	second=$("$probe" run "$key-2")
	[ "$("$probe" create "pump-$key" "$second")" = 2 ]
	run "$probe" versions "pump-$key"
	[ "${#lines[@]}" -eq 2 ]
	[[ ${lines[1]} == "version pump-$key 2 mlflow-artifacts:/"*"/$second/artifacts/model $second READY a b" ]]
	"$probe" alias "pump-$key" champion 1
	"$probe" alias "pump-$key" champion 2
	[[ $("$probe" by-alias "pump-$key" champion) == "version pump-$key 2 "* ]]
	[ "$("$probe" models "pump-$key")" = "$(printf '%s\n' "model pump-$key" alias\ champion=2)" ]
	"$probe" models '' | grep -qx "model pump-$key"
	[ -z "$("$probe" models "none-$key")" ]
	[ "$("$probe" by-alias "pump-$key" none)" = none ]
	run "$probe" by-alias "none-$key" champion
	expect 1 "data: $PROBE_URI: there is no registered model 'none-$key'"
	run "$probe" alias "pump-$key" champion 9
	expect 1 "data: $PROBE_URI: registered-models/alias: status 404: Model Version (name=pump-$key, version=9) not found"
	"$probe" tag "pump-$key" 2 probe.tag 'x ö"'
	[[ $("$probe" version "pump-$key" 2) == *' READY x ö"' ]]
	"$probe" alias "pump-$key" champion 0
	[ "$("$probe" by-alias "pump-$key" champion)" = none ]
	"$probe" delete "pump-$key" 1
	run "$probe" delete "pump-$key" 1
	expect 1 "data: $PROBE_URI: model-versions/delete: status 404: *"
	run "$probe" version "pump-$key" 1
	expect 1 "data: *status 404*"
	[ "$("$probe" create "o'clock-$key" "$id")" = 1 ]
	[[ $("$probe" versions "o'clock-$key") == "version o'clock-$key 1 "* ]]
}

@test "what may pass is tried again, visibly and no oftener than allowed" {
	id=$("$probe" run "$key")
	printf '{"error_code": "BAD_REQUEST", "message": "QueuePool limit of size 5 overflow 10 reached, connection timed out"}' \
		> "$BATS_TEST_TMPDIR/overload"
	for fault in status=500 status=502 status=503 status=408 status=429 "status=400,body=$BATS_TEST_TMPDIR/overload" cut half; do
		plan "POST log-batch $fault"
		PROBE_RETRIES=1 run "$probe" log "$id" 2
		echo "$fault: $output"
		[ "$status" -eq 0 ]
		[[ $output == "notice: "*"; trying runs/log-batch again in 0.5 s (1 of 1)" ]]
		all_happened
	done
	plan 'POST log-batch status=503' 'POST log-batch status=503' 'POST log-batch status=503' 'POST log-batch status=503'
	PROBE_RETRIES=2 run "$probe" log "$id" 2
	expect 1 "* (2 of 2)
unavailable: $PROBE_URI: runs/log-batch: status 503"
	[ "$(wc -l < "$PROXY/plan")" -eq 1 ]
	plan 'POST log-batch status=400' 'POST log-batch status=400'
	PROBE_RETRIES=3 run "$probe" log "$id" 2
	expect 1 "data: $PROBE_URI: runs/log-batch: status 400: not an answer of MLflow's; is the address right?"
	[ "$(wc -l < "$PROXY/plan")" -eq 1 ]
	for code in 401 403; do
		plan "POST log-batch status=$code"
		PROBE_RETRIES=3 run "$probe" log "$id" 2
		expect 1 "denied: $PROBE_URI: runs/log-batch: status $code: *"
		[ "${#lines[@]}" -eq 1 ]
	done
}

@test "a server's Retry-After is kept, and patience has an end" {
	id=$("$probe" run "$key")
	plan 'POST log-batch status=429,retry-after=2'
	begin=$EPOCHREALTIME
	PROBE_RETRIES=3 run "$probe" log "$id" 2
	expect 0 '*; trying runs/log-batch again in 2 s (1 of 3)'
	[ $((${EPOCHREALTIME/./} - ${begin/./})) -ge 2000000 ]
	plan 'POST log-batch status=429,retry-after=3600'
	PROBE_RETRIES=3 run "$probe" log "$id" 2
	expect 1 "unavailable: $PROBE_URI: runs/log-batch: status 429"
	plan 'POST log-batch status=503' 'POST log-batch status=503' 'POST log-batch status=503'
	PROBE_RETRIES=10 PROBE_PATIENCE=1.2 run "$probe" log "$id" 2
	expect 1 "* (1 of 10)
unavailable: $PROBE_URI: runs/log-batch: status 503"
}

@test "a slow server runs into the time-out, the next attempt finds it quick" {
	id=$("$probe" run "$key")
	plan 'POST runs/update delay=6'
	PROBE_TIMEOUT=3 PROBE_RETRIES=1 run "$probe" end "$id" FINISHED
	expect 0 'notice: *: no answer within 3 seconds; trying runs/update again in 0.5 s (1 of 1)'
	PROBE_URI=http://127.0.0.1:1 PROBE_RETRIES=1 run "$probe" end "$id" FINISHED
	expect 1 "notice: * (1 of 1)
unavailable: http://127.0.0.1:1/api/2.0/mlflow/runs/update: *"
}

@test "a run whose answer was lost is found again, not made twice" {
	"$probe" run "$key-0"
	for fault in lose half cut status=503; do
		: > "$PROXY/requests"
		plan "POST runs/create $fault"
		PROBE_RETRIES=2 run "$probe" run "$key-$fault"
		expect 0 'notice: *; trying runs/create again in 0.5 s (1 of 2)?*'
		all_happened
		id=${lines[1]}
		run "$probe" runs "tags.\`probe.key\` = '$key-$fault'" 0
		[ "$(grep -c '^run ' <<< "$output")" -eq 1 ]
		[[ $output == "run $id "* ]]
	done
	# Nothing but lost answers: it gives up, and the run is there once.
	plan 'POST runs/create lose' 'POST runs/search cut' 'POST runs/search cut' 'POST runs/search cut'
	PROBE_RETRIES=1 run "$probe" run "$key-all"
	[ "$status" -eq 1 ]
	: > "$PROXY/plan"
	run "$probe" runs "tags.\`probe.key\` = '$key-all'" 0
	[ "$(grep -c '^run ' <<< "$output")" -eq 1 ]
}

@test "a version whose answer was lost is found again, not made twice" {
	for fault in lose half cut status=502; do
		id=$("$probe" run "$key-$fault")
		plan "POST model-versions/create $fault"
		PROBE_RETRIES=2 run "$probe" create "lost-$key-$fault" "$id"
		expect 0 'notice: *; trying model-versions/create again in 0.5 s (1 of 2)?1'
		all_happened
		[ "$("$probe" versions "lost-$key-$fault" | wc -l)" -eq 1 ]
	done
	plan 'DELETE model-versions/delete lose'
	PROBE_RETRIES=1 run "$probe" delete "lost-$key-cut" 1
	[ "$status" -eq 0 ]
	all_happened
}

@test "two that make the same model and experiment at once both succeed" {
	export PROBE_EXPERIMENT=both-$key
	for i in 1 2 3 4; do
		(id=$("$probe" run "$key-$i") && "$probe" create "both-$key" "$id" > "$BATS_TEST_TMPDIR/$i") 3>&- &
	done
	wait
	[ "$(sort "$BATS_TEST_TMPDIR"/[1-4] | tr '\n' ' ')" = '1 2 3 4 ' ]
}

@test "a file that arrives damaged is sent again; one that stays so is refused" {
	id=$("$probe" run "$key")
	head -c 100000 /dev/urandom > "$BATS_TEST_TMPDIR/bytes"
	for fault in 'PUT model/x damage-put' 'GET model/x shorten' 'GET model/x half' 'PUT model/x lose' 'PUT model/x cut' \
		'GET model/x status=404'; do
		plan "$fault"
		PROBE_RETRIES=1 run "$probe" put "$id" model/x < "$BATS_TEST_TMPDIR/bytes"
		expect 0 '*'
		all_happened
		"$probe" get "runs:/$id/model" x 100000 | cmp - "$BATS_TEST_TMPDIR/bytes"
	done
	plan 'PUT model/x damage-put' 'PUT model/x damage-put'
	PROBE_RETRIES=1 run "$probe" put "$id" model/x < "$BATS_TEST_TMPDIR/bytes"
	expect 1 "*
negative: $PROBE_URI: artifact 'model/x' is not there as it was sent"
	all_happened
	plan 'GET model/x half'
	run "$probe" get "runs:/$id/model" x 100000
	expect 1 'unavailable: *'
}

@test "answers that are none of MLflow's" {
	id=$("$probe" run "$key")
	echo '<html>login</html>' > "$BATS_TEST_TMPDIR/login"
	for body in login list run; do
		[ "$body" != list ] || echo '[]' > "$BATS_TEST_TMPDIR/list"
		[ "$body" != run ] || echo '{"run": {"info": {"run_id": "../../x"}}}' > "$BATS_TEST_TMPDIR/run"
		plan "POST runs/create status=200,body=$BATS_TEST_TMPDIR/$body"
		PROBE_RETRIES=3 run "$probe" run "$key-$body"
		expect 1 "data: *the answer is none of MLflow's*"
	done
	plan 'POST runs/create status=302'
	run "$probe" run "$key-302"
	expect 1 "data: *: status 302: it redirects; give the address that it leads to"
	for uri in sqlite:///mlflow.db databricks 'http://' ./mlruns "http://me@127.0.0.1:1"; do
		PROBE_URI=$uri run "$probe" shown
		expect 1 'config: *'
	done
}

certificates() {
	local dir=$BATS_FILE_TMPDIR/certificates
	mkdir "$dir"
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/authority.key" -out "$dir/authority.pem" -days 2 \
		-subj '/CN=authority of the tests' -addext basicConstraints=critical,CA:TRUE
	for name in server client; do
		openssl req -newkey rsa:2048 -nodes -keyout "$dir/$name.key" -out "$dir/$name.csr" -subj "/CN=$name"
		openssl x509 -req -in "$dir/$name.csr" -CA "$dir/authority.pem" -CAkey "$dir/authority.key" -CAcreateserial -days 2 \
			-extfile <(echo 'subjectAltName=IP:127.0.0.1') -out "$dir/$name.crt"
		cat "$dir/$name.crt" "$dir/$name.key" > "$dir/$name.pem"
	done
}

@test "TLS: only with the authority's certificate, or told not to look" {
	command -v openssl > /dev/null || skip 'openssl is not installed'
	certificates
	dir=$BATS_FILE_TMPDIR/certificates
	proxy_start tls "$dir/server.pem"
	proxy_start mutual "$dir/server.pem" "$dir/authority.pem"
	export PROBE_RETRIES=0 PROBE_URI
	PROBE_URI=https://127.0.0.1:$(< "$BATS_FILE_TMPDIR/tls/port")
	run "$probe" models ''
	expect 1 "config: $PROBE_URI/api/2.0/mlflow/registered-models/search: *"
	PROBE_CA=$dir/authority.pem "$probe" run "$key"
	PROBE_INSECURE=1 "$probe" run "$key-insecure"
	PROBE_CA=$dir/client.crt PROBE_INSECURE=1 run "$probe" models ''
	expect 1 'config: *'
	PROBE_CA=$dir/none run "$probe" models ''
	expect 1 'config: *'
	PROBE_URI=https://127.0.0.1:$(< "$BATS_FILE_TMPDIR/mutual/port")
	export PROBE_CA=$dir/authority.pem
	run "$probe" models ''
	[ "$status" -eq 1 ]
	PROBE_CERTIFICATE=$dir/client.pem "$probe" run "$key-mutual"
	PROBE_CERTIFICATE=$dir/none.pem run "$probe" models ''
	expect 1 'config: *'
}

@test "users and tokens: Basic before Bearer, in no message, whatever the server says" {
	# What the server sees is written down by a proxy that answers in its place.
	echo '{"error_code": "X", "message": "Basic s3cret-pw and t0ken-of-mine are wrong"}' > "$BATS_TEST_TMPDIR/echo"
	for fault in status=401 status=403 "status=400,body=$BATS_TEST_TMPDIR/echo" cut status=503; do
		plan "GET registered-models $fault" "GET registered-models $fault"
		PROBE_USERNAME=ops PROBE_PASSWORD=s3cret-pw PROBE_TOKEN=t0ken-of-mine PROBE_RETRIES=1 run "$probe" models ''
		echo "$fault: $output"
		[ "$status" -eq 1 ]
		[[ $output != *s3cret-pw* && $output != *t0ken-of-mine* ]]
		: > "$PROXY/plan"
	done
	uri=$PROBE_URI
	for fault in cut status=401 "status=400,body=$BATS_TEST_TMPDIR/echo"; do
		plan "GET registered-models $fault"
		PROBE_URI=${uri/:\/\//:\/\/ops-user:s3cret-pw@} run "$probe" models ''
		echo "$fault: $output"
		[ "$status" -eq 1 ]
		[[ $output != *s3cret-pw* && $output != *ops-user* ]]
	done
	[ "$(PROBE_URI=http://ops-user:s3cret-pw@host/ml/ "$probe" shown)" = http://host/ml ]
}

@test "a real server asks for user and password" {
	"$MLOPS_PYTHON" -c 'import flask_wtf' || skip "$MLOPS_PYTHON has no Flask-WTF"
	local pid=$MLFLOW_PID
	mkdir "$BATS_TEST_TMPDIR/auth"
	cat > "$BATS_TEST_TMPDIR/auth/auth.ini" <<- END
		[mlflow]
		default_permission = READ
		database_uri = sqlite:///$BATS_TEST_TMPDIR/auth/users.db
		admin_username = admin
		admin_password = s3cret-admin-pw
		authorization_function = mlflow.server.auth:authenticate_request_basic_auth
	END
	MLFLOW_DIR=$BATS_TEST_TMPDIR/auth MLFLOW_PORT='' MLFLOW_PID=''
	export MLFLOW_AUTH_CONFIG_PATH=$MLFLOW_DIR/auth.ini MLFLOW_FLASK_SERVER_SECRET_KEY=of-the-tests
	mlflow_start --app-name basic-auth
	export PROBE_URI=$MLFLOW_URI PROBE_USERNAME=admin
	outcome=0
	auth_cases || outcome=$?
	mlflow_stop
	MLFLOW_PID=$pid
	[ "$outcome" -eq 0 ]
}

auth_cases() {
	run env PROBE_PASSWORD=s3cret-wrong-pw "$probe" run "$key"
	expect 1 "denied: $PROBE_URI: experiments/get-by-name: status 401: *" || return
	[[ $output != *s3cret* ]] || return
	run env -u PROBE_USERNAME PROBE_TOKEN=t0ken-of-mine "$probe" run "$key"
	expect 1 "denied: $PROBE_URI: experiments/get-by-name: status 401: *" || return
	[[ $output != *t0ken* ]] || return
	id=$(PROBE_PASSWORD=s3cret-admin-pw PROBE_TOKEN=t0ken-of-mine "$probe" run "$key") || return
	PROBE_PASSWORD=s3cret-admin-pw "$probe" create auth "$id" || return
	PROBE_PASSWORD=s3cret-admin-pw "$probe" put "$id" model/x <<< bytes || return
	run env -u PROBE_USERNAME PROBE_URI="${PROBE_URI/:\/\//:\/\/admin:s3cret-admin-pw@}" "$probe" models ''
	expect 0 'model auth' || return
	curl -fsS -u admin:s3cret-admin-pw -H 'Content-Type: application/json' -d '{"username": "reader", "password": "s3cret-reader-pw"}' \
		"$MLFLOW_URI/api/2.0/mlflow/users/create" > /dev/null || return
	run env PROBE_USERNAME=reader PROBE_PASSWORD=s3cret-reader-pw "$probe" alias auth champion 1
	expect 1 "denied: $PROBE_URI: registered-models/alias: status 403: *" || return
	[[ $output != *s3cret* ]] || return
	run env PROBE_USERNAME=reader PROBE_PASSWORD=s3cret-reader-pw "$probe" versions auth
	expect 0 'version auth 1 *'
}

@test "a server that is restarted meanwhile is waited for" {
	id=$("$probe" run "$key")
	mlflow_stop
	(
		PROBE_RETRIES=10 PROBE_PATIENCE=200 "$probe" log "$id" 5
		echo "rc $?"
	) > "$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	waiting=$!
	sleep 3
	mlflow_start
	echo "$MLFLOW_PID" > "$BATS_FILE_TMPDIR/restarted"
	wait $waiting
	cat "$BATS_TEST_TMPDIR/out"
	grep -q '^notice: ' "$BATS_TEST_TMPDIR/out"
	[ "$(tail -n 1 "$BATS_TEST_TMPDIR/out")" = 'rc 0' ]
	"$probe" runs "tags.\`probe.key\` = '$key'" 0 | grep -qx 'param k4=4'
}
