# An MLflow server of the tests' own, on a free loopback port, with its own directory, gone when they end.

# Why there can be none, on standard output; nothing when there can.
mlflow_missing() {
	if [ -z "${MLOPS_PYTHON-}" ]; then
		echo "MLOPS_PYTHON names no Python${MLOPS_PYTHON_MISSING:+: $MLOPS_PYTHON_MISSING}"
	elif ! "$MLOPS_PYTHON" -c 'import importlib.util as u; raise SystemExit(u.find_spec("mlflow") is None)'; then
		echo "$MLOPS_PYTHON has no mlflow"
	fi
}

# mlflow_start [OPTION...]: sets MLFLOW_DIR, MLFLOW_PORT, MLFLOW_URI and MLFLOW_PID.  Called again after mlflow_stop, it is
# the same server on the same port.
mlflow_start() {
	local try
	export MLFLOW_DIR MLFLOW_PORT MLFLOW_URI MLFLOW_PID
	[ -n "${MLFLOW_DIR-}" ] || MLFLOW_DIR=$(mktemp -d "${TMPDIR:-/tmp}/mlops-mlflow.XXXXXX")
	for try in 1 2 3; do
		[ -n "${MLFLOW_PORT-}" ] || MLFLOW_PORT=$((20000 + (RANDOM + try) % 30000))
		(cd "$MLFLOW_DIR" && exec env -u MLFLOW_TRACKING_URI MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false \
			MLFLOW_DISABLE_TELEMETRY=true DO_NOT_TRACK=true PATH="$(dirname "$MLOPS_PYTHON"):$PATH" \
			setsid "$MLOPS_PYTHON" -m mlflow server --host 127.0.0.1 --port "$MLFLOW_PORT" --workers 1 \
			--backend-store-uri "sqlite:///$MLFLOW_DIR/mlflow.db" --artifacts-destination "$MLFLOW_DIR/artifacts" "$@") \
			>> "$MLFLOW_DIR/log" 2>&1 3>&- &
		MLFLOW_PID=$!
		echo "$MLFLOW_PID" > "$MLFLOW_DIR/pid"
		MLFLOW_URI=http://127.0.0.1:$MLFLOW_PORT
		for _ in {1..2400}; do
			kill -0 "$MLFLOW_PID" 2> /dev/null || break
			[ "$(curl -fsS --noproxy '*' "$MLFLOW_URI/health" 2> /dev/null)" != OK ] || return 0
			sleep 0.1
		done
		mlflow_stop
		MLFLOW_PORT=
	done
	tail -n 50 "$MLFLOW_DIR/log"
	return 1
}

# The server, which leads a process group of its own, and its workers.
mlflow_stop() {
	# A test that starts it anew has a shell of its own: the file tells the others which one it is now.
	[ ! -e "${MLFLOW_DIR-}/pid" ] || MLFLOW_PID=$(cat "$MLFLOW_DIR/pid")
	[ -n "${MLFLOW_PID-}" ] || return 0
	kill -- "-$MLFLOW_PID" 2> /dev/null || kill "$MLFLOW_PID" 2> /dev/null || true
	for _ in {1..150}; do # ten times what it takes
		kill -0 "$MLFLOW_PID" 2> /dev/null || break
		sleep 0.1
	done
	kill -KILL -- "-$MLFLOW_PID" 2> /dev/null || true
	wait "$MLFLOW_PID" 2> /dev/null || true
	MLFLOW_PID=
	rm -f "$MLFLOW_DIR/pid"
}

mlflow_end() {
	mlflow_stop
	[ -z "${MLFLOW_DIR-}" ] || rm -rf "$MLFLOW_DIR"
	MLFLOW_DIR=
}
