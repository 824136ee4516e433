# examples/plant-simulator: the same plant for the same seed, in the shape that it promises.
bats_require_minimum_version 1.5.0

plant() {
	"$MLOPS_BUILD/examples/plant-simulator" "$@"
}

# count EXPRESSION: rows of plant.csv (header aside) for which awk's expression holds.
count() {
	awk -F, "NR > 1 && ($1)" "$BATS_TEST_TMPDIR/plant.csv" | wc -l
}

@test "a seed gives the same bytes on every machine" {
	plant --days 1 --machines 2 --every 3600 --labels --anomalies --seed 3 > "$BATS_TEST_TMPDIR/plant.csv"
	run sha256sum < "$BATS_TEST_TMPDIR/plant.csv"
	[ "$output" = 'da40435a222e7d649f45022b17f6f410e4864bde193f23afcc4658f3caa31bbf  -' ]
}

@test "another seed gives another plant" {
	[ "$(plant --days 1 --seed 1 | sha256sum)" != "$(plant --days 1 --seed 2 | sha256sum)" ]
}

@test "labels are further columns and change nothing else" {
	plant --days 30 --labels --anomalies > "$BATS_TEST_TMPDIR/plant.csv"
	run -0 head -n 1 "$BATS_TEST_TMPDIR/plant.csv"
	[ "$output" = timestamp,machine_id,temperature,vibration,pressure,flow,current,speed,failure,anomaly ]
	cut -d, -f1-8 "$BATS_TEST_TMPDIR/plant.csv" | cmp - <(plant --days 30)
}

@test "the plant goes on where it was left" {
	plant --days 5 --labels > "$BATS_TEST_TMPDIR/plant.csv"
	{ plant --days 2 --labels; plant --skip 2 --days 3 --labels | tail -n +2; } | cmp - "$BATS_TEST_TMPDIR/plant.csv"
}

@test "every row is complete but for dropouts, and numbers are decimals" {
	plant --labels --anomalies > "$BATS_TEST_TMPDIR/plant.csv"
	[ "$(count 'NF != 10')" -eq 0 ]
	run -1 grep -Evn '^(timestamp,|2024-[0-9T:-]+Z,pump-0[1-8](,([0-9]+\.[0-9]+)?){6},[01],[01]$)' "$BATS_TEST_TMPDIR/plant.csv"
	[ "$(count 1)" -gt 66000 ]
	[ "$(count 1)" -lt 69121 ]
	[ "$(count '/,,/')" -gt 300 ]
	[ "$(count '/,,/')" -lt 3000 ]
}

@test "failure is 1 in the day before a silence, and only there" {
	plant --days 31 --labels > "$BATS_TEST_TMPDIR/plant.csv"
	# Times that no row has are repairs: eight hours each, with a day of 1 before them unless the month began later.
	run -0 awk -F, '
		{ minute = ((substr($1, 9, 2) - 1) * 24 + substr($1, 12, 2)) * 60 + substr($1, 15, 2) }
		$2 != machine { machine = $2; ones = 0; before = minute - 10 }
		minute - before > 10 {
			if (minute - before != 490 || (ones != 144 && ones * 10 != before + 10))
				print $0 ": a gap of " minute - before " minutes, before it " ones " rows of failure"
			repairs++
			ones = 0
		}
		{ if (ones && !$9) print $0 ": failure went away"; ones += $9; before = minute }
		END { if (repairs < 8 || repairs > 24) print repairs " repairs" }
		' <(tail -n +2 "$BATS_TEST_TMPDIR/plant.csv" | sort -t, -k2,2 -k1,1)
	[ -z "$output" ] || { echo "$output"; false; }
}

@test "sensors err in some rows, not in most" {
	plant --anomalies > "$BATS_TEST_TMPDIR/plant.csv"
	[ "$(count '$9 == 1')" -gt 1000 ]
	[ "$(count '$9 == 1')" -lt 6000 ]
}

@test "a time that is none is refused" {
	run -64 plant --start yesterday
	[ "${lines[0]}" = "plant-simulator: --start: 'yesterday' is not a time such as 2024-01-31T18:00:00Z" ]
}

@test "a full disk is exit 74" {
	[ -c /dev/full ] || skip 'there is no /dev/full'
	run -74 bash -c '"$MLOPS_BUILD/examples/plant-simulator" > /dev/full'
	[ "$output" = 'plant-simulator: standard output: No space left on device' ]
}

@test "a closed pipe ends it quietly" {
	run -0 bash -c '"$MLOPS_BUILD/examples/plant-simulator" | head -n 1'
	[ "$output" = timestamp,machine_id,temperature,vibration,pressure,flow,current,speed ]
}
