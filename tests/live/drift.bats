# The figures of drift against SciPy's, with the bins of Evidently.
load "$MLOPS_SOURCE/tests/cli/support"

setup_file() {
	export MLOPS_LIVE="$BATS_FILE_TMPDIR"
	[ -n "${MLOPS_PYTHON-}" ] || return 0
	"$MLOPS_PYTHON" "$MLOPS_SOURCE/tests/live/drift_check.py" make "$MLOPS_LIVE"
}

need_python() {
	[ -n "${MLOPS_PYTHON-}" ] ||
		skip "${MLOPS_PYTHON_MISSING:-MLOPS_PYTHON names no Python with numpy and scipy}"
}

# agree PREFIX ERROR
agree() {
	mlops-validate --reference "$MLOPS_LIVE/$1reference.csv" "$MLOPS_LIVE/$1current.csv" > found.jsonl || true
	run -0 "$MLOPS_PYTHON" "$MLOPS_SOURCE/tests/live/drift_check.py" compare "$MLOPS_LIVE/$1reference.csv" \
		"$MLOPS_LIVE/$1current.csv" found.jsonl "$2"
	echo "$output"
	[ "$(jq -c . <<< "${lines[-1]}")" = '{"columns":5,"wrong":0}' ]
}

@test "few rows: the same figures" {
	need_python
	agree few_ 0
}

@test "many rows: within the stated error" {
	need_python
	agree "" 0.0008
}

@test "few rows: Evidently's own figures" {
	need_python
	[ -n "${MLOPS_EVIDENTLY-}" ] ||
		skip "MLOPS_EVIDENTLY names no Python with evidently==0.7.23 and pandas==2.2.3, which the other peers' pandas is too new for"
	mlops-validate --reference "$MLOPS_LIVE/few_reference.csv" "$MLOPS_LIVE/few_current.csv" > found.jsonl || true
	run -0 "$MLOPS_EVIDENTLY" "$MLOPS_SOURCE/tests/live/drift_evidently.py" "$MLOPS_LIVE/few_reference.csv" \
		"$MLOPS_LIVE/few_current.csv" found.jsonl
	echo "$output"
	[ "$(jq -c . <<< "${lines[-1]}")" = '{"columns":5,"wrong":0}' ]
}
