# The network against PyTorch: forwards, gradients, updates by Adam.
load "$MLOPS_SOURCE/tests/cli/support"

@test "PyTorch gives the same outputs, gradients and updates by Adam" {
	local candidate python=
	for candidate in "${MLOPS_PYTHON-}" python3; do
		if [ -z "$python" ] && [ -n "$candidate" ] && "$candidate" -c 'import numpy, torch' 2> /dev/null; then
			python=$candidate
		fi
	done
	[ -n "$python" ] || skip "neither MLOPS_PYTHON nor python3 has PyTorch (Debian: python3-torch)"
	run -0 "$python" "$MLOPS_SOURCE/tests/live/torch_check.py" "$MLOPS_BUILD/tests/live/network_probe"
	echo "$output"
	[ "$(grep -c '"too large": \[\]' <<< "$output")" -eq 5 ]
}
