# What the tool tests share.
bats_require_minimum_version 1.5.0

setup() {
	export MLOPS_REGISTRY="$BATS_TEST_TMPDIR/registry"
	export LC_ALL=C
	unset MLFLOW_TRACKING_URI XDG_DATA_HOME
	cd "$BATS_TEST_TMPDIR" || return 1
}

# rows N [SEED]: a plant's readings as CSV, with failures that heat announces; the same for the same arguments.
rows() {
	awk -v n="$1" -v seed="${2:-1}" '
	function draw() { state = (state * 16807) % 2147483647; return state / 2147483647 }
	BEGIN {
		state = seed * 7919 + 12345; for (i = 0; i < 9; i++) draw()
		print "timestamp,machine_id,temperature,vibration,pressure,failure"
		for (i = 0; i < n; i++) {
			wear = draw(); hot = wear > 0.9
			t = 60 + 5 * draw() + (hot ? 15 * draw() : 0)
			v = 1 + draw() + (hot ? 2 * draw() : 0)
			p = (draw() < 0.05) ? "" : sprintf("%.2f", 4 + draw())
			printf "2024-01-%02dT%02d:%02d:00Z,pump-%d,%.2f,%.3f,%s,%d\n", 1 + int(i / 1440) % 28, int(i / 60) % 24, i % 60, \
				i % 4, t, v, p, (hot && draw() < 0.9) ? 1 : 0
		}
	}'
}

# field NAME: the value of a member of the JSON object on standard input, by jq.
field() {
	jq -r ".$1"
}

# series N [SEED [SENSOR...]]: a value each ten minutes with a season of a day's quarter and a little noise; one a sensor when
# there are any.
series() {
	local n=$1 seed=${2:-1}
	shift; [ $# -eq 0 ] || shift
	awk -v n="$n" -v seed="$seed" -v sensors="$*" '
	function draw() { state = (state * 16807) % 2147483647; return state / 2147483647 }
	BEGIN {
		state = seed * 7919 + 12345; for (i = 0; i < 9; i++) draw()
		m = split(sensors, name, " ")
		print "timestamp," (m > 0 ? "sensor_id," : "") "value"
		for (i = 0; i < n; i++)
			for (s = (m > 0); s <= m; s++) {
				level[s] += 0.2 * (draw() - 0.5)
				printf "2024-01-%02dT%02d:%02d:00Z,%s%.3f\n", 1 + int(i / 144), int(i / 6) % 24, i % 6 * 10,
					(m > 0 ? name[s] "," : ""), 20 + 10 * s + level[s] + 5 * sin(i * 2 * 3.14159265 / 24) + draw()
			}
	}'
}

# quick ARGUMENT...: a forecaster that is trained in no time.
quick() {
	mlops-train --model time_series_forecast --set seq_length=24 --set hidden=4 --set epochs=2 "$@"
}

# history N [SENSOR [STEPS]]: a JSON body with N values.
history() {
	jq -nc --argjson n "$1" --arg sensor "${2:-TAG-001}" --argjson steps "${3:-5}" \
		'{sensor_id: $sensor, historical_data: [range($n) | (. % 7) + 20.5], forecast_steps: $steps}'
}
