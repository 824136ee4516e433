# Bad input: a clear message, the right exit status, nothing half-written.
load support

# refused STATUS TEXT COMMAND...: the status, a message with the text, nothing on standard output, no model left behind.
refused() {
	local wanted=$1 text=$2
	shift 2
	run --separate-stderr "$@"
	if [ "$status" -ne "$wanted" ] || [ -n "$output" ] || [[ "$stderr" != *"$text"* ]]; then
		echo "status $status, wanted $wanted; stdout '$output'; stderr '$stderr', wanted '$text'" >&2
		return 1
	fi
	[ -z "$(find . -name '.*.onnx*' -o -name '*.tmp' -o -name 'out.onnx')" ]
}

train_on() {
	local wanted=$1 text=$2
	shift 2
	refused "$wanted" "$text" mlops-train -q -m failure_prediction -t failure -o out.onnx "$@"
	refused "$wanted" "$text" mlops-train -q -m failure_prediction -t failure "$@"
	[ "$(mlops-registry list 2> /dev/null | wc -l)" -eq 0 ]
}

champion() {
	rows 300 > good.csv
	mlops-train -q -m failure_prediction -n pumps -t failure --promote good.csv > /dev/null
}

@test "an empty file" {
	: > empty.csv
	train_on 65 "empty.csv: the input is empty" empty.csv
	champion
	refused 65 "empty.csv: the input is empty" mlops-score -m pumps empty.csv
	refused 65 "standard input: the input is empty" mlops-score -m pumps < /dev/null
}

@test "a header only" {
	rows 0 > header.csv
	train_on 65 "header.csv: " header.csv
	champion
	run --separate-stderr mlops-score -m pumps header.csv
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "one row" {
	rows 1 > one.csv
	train_on 65 "1 usable row, at least 10 are needed (--min-rows)" one.csv
	champion
	run mlops-score -m pumps one.csv
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 1 ]
}

@test "a constant column trains with a word; nothing but constants does not" {
	rows 300 | awk -F, -v OFS=, 'NR > 1 { $4 = 7 } { print }' > constant.csv
	run --separate-stderr mlops-train -m failure_prediction -t failure constant.csv
	[ "$status" -eq 0 ]
	[[ "$stderr" == *'column "vibration" has the same value in all rows'* ]]
	awk -F, -v OFS=, 'NR > 1 { $3 = 1; $5 = 2 } { print }' constant.csv > constants.csv
	refused 65 "none of the 3 features varies" mlops-train -q -m anomaly_detection -i failure -o out.onnx constants.csv
}

@test "a column that is missing everywhere" {
	rows 300 | awk -F, -v OFS=, 'NR > 1 { $5 = "NA" } { print }' > missing.csv
	run --separate-stderr mlops-train -m anomaly_detection -i failure missing.csv
	[ "$status" -eq 0 ]
	[[ "$stderr" == *'column "pressure" has no value in any row'* ]]
}

@test "one class only" {
	rows 300 | awk -F, -v OFS=, 'NR > 1 { $6 = 0 } { print }' > calm.csv
	train_on 65 "class" calm.csv
}

@test "a column twice" {
	rows 50 | sed '1s/vibration/temperature/' > twice.csv
	train_on 65 '"temperature"' twice.csv
}

@test "ragged rows: stop, skip, null" {
	rows 300 | sed '5s/,[^,]*$//; 9s/$/,1,2/' > ragged.csv
	train_on 65 "ragged.csv:5: row has 5 fields, the header has 6" ragged.csv
	run --separate-stderr mlops-train -m failure_prediction -t failure --on-error skip ragged.csv
	[ "$status" -eq 0 ]
	[ "$(field rows <<< "$output")" = 298 ]
	[ "$(field skipped_rows <<< "$output")" = 2 ]
	[ "$(field ragged_rows <<< "$output")" = 2 ]
	champion
	run --separate-stderr mlops-score -m pumps --on-error null ragged.csv
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 300 ]
	[[ "$stderr" == *"2 rows had too few or too many fields"* ]]
	# What came before a bad row is scored and not lost.
	run --separate-stderr mlops-score -m pumps ragged.csv
	[ "$status" -eq 65 ]
	[ "${#lines[@]}" -eq 3 ]
	[[ "$stderr" == *"ragged.csv:5: "* ]]
}

@test "a word where a number should be: file, line, column" {
	rows 300 | awk -F, -v OFS=, 'NR == 17 { $3 = "abc" } { print }' > sensors.csv
	train_on 65 "mlops-train: sensors.csv:17: column \"temperature\": 'abc' is not a number" sensors.csv
	run --separate-stderr mlops-train -m failure_prediction -t failure --on-error null sensors.csv
	[ "$status" -eq 0 ]
	[ "$(field rows <<< "$output")" = 300 ]
	[ "$(field nulled_cells <<< "$output")" = 1 ]
	run --separate-stderr mlops-train --log-format json -m failure_prediction -t failure -o out.onnx sensors.csv
	[ "$status" -eq 65 ]
	[ "$(jq -r '.source, .line' <<< "$stderr" | tr '\n' ' ')" = "sensors.csv 17 " ]
}

@test "1e400, infinities" {
	rows 300 | awk -F, -v OFS=, 'NR == 20 { $3 = "1e400" } { print }' > large.csv
	train_on 65 "large.csv:20: column \"temperature\": " large.csv
	rows 300 | awk -F, -v OFS=, 'NR == 21 { $3 = "inf" } { print }' > infinite.csv
	train_on 65 "infinite.csv:21: column \"temperature\": " infinite.csv
}

@test "NUL bytes, a binary file, a directory" {
	rows 300 | sed '30s/pump/pu\x00mp/' > nul.csv
	train_on 65 "nul.csv:30: " nul.csv
	head -c 100000 "$(command -v mlops-train)" > binary
	refused 65 "binary" mlops-train -q -m anomaly_detection -o out.onnx binary
	mkdir folder
	refused 74 "folder: is a directory" mlops-train -q -m anomaly_detection -o out.onnx folder
	refused 74 "nowhere.csv: No such file or directory" mlops-train -q -m anomaly_detection -o out.onnx nowhere.csv
}

@test "a line of 100 MB is refused in little memory" {
	[ -z "$MLOPS_SANITIZED" ] || skip "sanitizers need memory of their own"
	champion
	{ rows 2; head -c 100000000 /dev/zero | tr '\0' 7; } > long.csv
	run --separate-stderr bash -c 'ulimit -v 400000; mlops-score -m pumps --threads 1 long.csv'
	[ "$status" -eq 65 ]
	[[ "$stderr" == *"long.csv:4: "* ]]
	[ "${#lines[@]}" -eq 2 ]
}

@test "a full disk" {
	champion
	refused 74 "No space left on device" bash -c 'mlops-score -m pumps good.csv > /dev/full'
	refused 74 "No space left on device" bash -c 'mlops-registry list > /dev/full'
	refused 74 "No space left on device" bash -c 'mlops-train --help > /dev/full'
	refused 74 "No space left on device" mlops-train -q -m anomaly_detection -i failure -o /dev/full good.csv
	if [ "$(id -u)" -eq 0 ] && mkdir small && mount -t tmpfs -o size=64k tmpfs small 2> /dev/null; then
		run --separate-stderr mlops-train -q -m anomaly_detection -i failure -o small/out.onnx good.csv
		left=$(ls -A small)
		MLOPS_REGISTRY=small/registry run --separate-stderr mlops-train -q -m anomaly_detection -i failure good.csv
		second=$status
		versions=$(MLOPS_REGISTRY=small/registry mlops-registry list | wc -l)
		umount small
		[ -z "$left" ]
		[ "$second" -eq 74 ]
		[ "$versions" -eq 0 ]
	fi
}

@test "a file size limit while the registry is written" {
	champion
	before=$(mlops-registry list pumps)
	for limit in 1 4 16 24; do
		run bash -c "trap '' XFSZ; ulimit -f $limit; mlops-train -q -m failure_prediction -n pumps -t failure --seed $limit good.csv"
		[ "$status" -ne 0 ]
		[ "$(mlops-registry list pumps)" = "$before" ]
		run mlops-registry verify
		[ "$status" -eq 0 ]
	done
}

@test "truncated, bit-flipped, wrong and missing model files" {
	champion
	mlops-registry export pumps model.onnx > /dev/null
	size=$(wc -c < model.onnx)
	for part in 0 1 10 100 $((size / 2)) $((size - 1)); do
		head -c "$part" model.onnx > cut.onnx
		refused 65 "cut.onnx: " mlops-score -m ./cut.onnx good.csv
	done
	refused 74 "none.onnx: No such file" mlops-score -m none.onnx good.csv
	cp good.csv csv.onnx
	refused 65 "csv.onnx: " mlops-score -m csv.onnx good.csv
	# Flipped bits: never a crash; an answer only if the file is still a sound model.
	for i in $(seq 1 40); do
		cp model.onnx flip.onnx
		printf "\\x$(printf %x $((i * 6 % 256)))" | dd of=flip.onnx bs=1 seek=$((size * i / 41)) conv=notrunc 2> /dev/null
		run mlops-score -q -m flip.onnx good.csv
		[ "$status" -eq 0 ] || [ "$status" -eq 65 ]
	done
}

@test "a model of another kind under the same name" {
	champion
	refused 65 "failure_prediction" mlops-train -q -m anomaly_detection -n pumps -i failure good.csv
	[ "$(mlops-registry list pumps | wc -l)" -eq 1 ]
}

@test "a missing registry, a read-only one, and one that is something else" {
	rows 50 > good.csv
	refused 78 "$MLOPS_REGISTRY" mlops-score -m pumps good.csv
	[ ! -e "$MLOPS_REGISTRY" ]
	echo x > file
	MLOPS_REGISTRY=file run --separate-stderr mlops-train -q -m anomaly_detection -i failure good.csv
	[ "$status" -ne 0 ]
	[[ "$stderr" == *file* ]]
	champion
	chmod -R a-w "$MLOPS_REGISTRY"
	if [ "$(id -u)" -eq 0 ]; then
		as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
		chmod -R a+rX "$BATS_TEST_TMPDIR" "$BATS_RUN_TMPDIR"
		"${as[@]}" test -r "$PWD/good.csv" || skip "the test's directory can't be read by another user"
	else
		as=()
	fi
	"${as[@]}" "$(command -v mlops-score)" -m pumps "$PWD/good.csv" > scored
	[ "$(wc -l < scored)" -eq 300 ]
	run --separate-stderr "${as[@]}" "$(command -v mlops-train)" -q -m failure_prediction -n pumps -t failure "$PWD/good.csv"
	[ "$status" -eq 77 ]
	[ -z "$output" ]
	chmod -R u+w "$MLOPS_REGISTRY"
}

@test "an unknown column and an unknown option name the nearest" {
	rows 100 > good.csv
	refused 65 'did you mean "failure"' mlops-train -q -m failure_prediction -t failur -o out.onnx good.csv
	refused 65 'did you mean "temperature"' mlops-train -q -m anomaly_detection -f temperture -o out.onnx good.csv
	refused 64 "did you mean '--target'" mlops-train -q -m failure_prediction --traget failure good.csv
	[ "$(wc -l <<< "$stderr")" -eq 2 ]
	refused 64 "--target" mlops-train -q -m failure_prediction -o out.onnx good.csv
}

@test "memory does not grow with the rows that are scored, and training stays small" {
	[ -z "$MLOPS_SANITIZED" ] || skip "sanitizers need memory of their own"
	champion
	rows 300000 > many.csv
	peak() { /usr/bin/time -f %M -o peak "$@" > /dev/null && cat peak; }
	[ -x /usr/bin/time ] || skip "/usr/bin/time is not installed"
	small=$(peak mlops-score -q -m pumps good.csv)
	large=$(peak mlops-score -q -m pumps many.csv)
	echo "score: $small KB for 300 rows, $large KB for 300000"
	[ "$large" -lt 40960 ]
	[ "$large" -lt $((small + 12288)) ]
	awk 'BEGIN { s = 1; for (c = 0; c < 20; c++) printf "f%d,", c; print "y"
		for (r = 0; r < 100000; r++) { t = 0; for (c = 0; c < 20; c++) { s = (s * 16807) % 2147483647; v = s / 2147483647; if (c < 4) t += v; printf "%.6f,", v } print (t > 2) } }' > wide.csv
	forest=$(peak mlops-train -q -m failure_prediction -t y -o f.onnx -s trees=20 wide.csv)
	isolation=$(peak mlops-train -q -m anomaly_detection -i y -o i.onnx wide.csv)
	echo "train: $forest KB, $isolation KB"
	[ "$forest" -lt 204800 ]
	[ "$isolation" -lt 204800 ]
}
