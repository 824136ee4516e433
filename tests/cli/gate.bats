# Challenger against champion: mlops-train --promote and mlops-registry compare.
load support

plant() {
	"$MLOPS_BUILD/examples/plant-simulator" --labels "$@"
}

# failing FILE [OPTION...]: a training of a plant's failures that wants to be champion.
failing() {
	mlops-train -q -m failure_prediction -n failing -t failure --set trees=20 --promote "${@:2}" "$1"
}

# decided FIELD...: these of the last decision.
decided() {
	mlops-registry decisions failing --limit 1 | jq -r "[$(printf '.%s,' "$@" | sed 's/,$//')] | map(tostring) | join(\" \")"
}

outcome() {
	mlops-registry runs failing --limit 1 | jq -r '[.outcome, .reason // "-", .version] | map(tostring) | join(" ")'
}

@test "the first is promoted, the next on rows that the champion has not seen" {
	plant --days 40 > first.csv
	plant --days 60 > more.csv
	run -0 --separate-stderr failing first.csv
	[ -z "$stderr" ]
	[ "$(jq -r '[.champion, .decision.decision, .decision.reason, .decision.champion] | map(tostring) | join(" ")' <<< "$output")" = \
		"true PROMOTE no_champion null" ]
	# the same rows again: nothing is left to compare on
	run -1 --separate-stderr failing first.csv
	[ "$(jq -r '[.version, .champion, .decision.decision, .decision.rows] | map(tostring) | join(" ")' <<< "$output")" = "2 false HOLD 0" ]
	[ "$stderr" = "mlops-train: version 2 of model 'failing' is registered but not promoted: 0 held-out rows that the champion has not learnt from; at least 100 are needed (--gate-min-rows; --gate-rows all takes the others too) (--force promotes it all the same)" ]
	[ "$(outcome)" = "FINISHED - 2" ]
	# twenty days more, of which the last twelve are held out
	run -0 --separate-stderr failing more.csv --critical-loss 1
	[ "$(decided challenger champion decision)" = "3 1 PROMOTE" ]
	[ "$(jq '.decision.challenger_value >= .decision.champion_value' <<< "$output")" = true ]
	[ "$(jq -c '.decision | [.rows, .metric]' <<< "$output")" = \
		"[$(($(wc -l < more.csv) - 1 - $(jq .train_rows <<< "$output"))),\"average_precision\"]" ]
	# the figures are those that compare finds on the rows by themselves
	{ head -n 1 more.csv; tail -n "$(jq .decision.rows <<< "$output")" <(sort more.csv | grep -v timestamp); } > held-out.csv
	mlops-registry compare failing/1 failing/1 -t failure held-out.csv > compared
	[ "$(jq -c .first.metrics compared)" = "$(jq -c .decision.champion_metrics <<< "$output")" ]
	[ "$(mlops-registry history failing --limit 1 | field why)" = "$(jq -r .decision.message <<< "$output")" ]
	mlops-registry decisions failing --limit 3 | jq -se '.[1:] | map(.decision) == ["PROMOTE", "HOLD"]'
}

@test "much worse: rejected, unless it is forced" {
	plant --days 30 > first.csv
	plant --days 60 > more.csv
	failing first.csv > /dev/null
	run -1 --separate-stderr failing more.csv --set max_depth=1 --set trees=1
	[[ "$stderr" = "mlops-train: version 2 of model 'failing' is registered but not promoted: "*" against the champion's "*": a loss of more than 0.05 (--critical-loss) (--force promotes it all the same)" ]]
	[ "$(decided challenger champion decision reason forced margin)" = "2 1 REJECT critical_loss false 0" ]
	[ "$(outcome)" = "FAILED quality_gate 2" ]
	[ "$(mlops-registry list | field champion)" = 1 ]
	[ "$(mlops-registry decisions failing --limit 1 | field run_id)" = "$(mlops-registry runs failing --limit 1 | field run_id)" ]
	# a failure for who is to be told, and the figures are those of the version that was refused
	mlops-registry metrics > metrics
	grep -qx 'mlops_training_last_run_success{model="failing",sensor=""} 0' metrics
	grep -qx 'mlops_training_last_run_failure_reason{model="failing",sensor="",reason="quality_gate"} 1' metrics
	[ "$(sed -n 's/^mlops_training_last_run_accuracy{.*} //p' metrics)" = "$(field metrics.accuracy <<< "$output")" ]
	run -0 failing more.csv --set max_depth=1 --set trees=1 --force
	[ "$(field champion <<< "$output")" = true ]
	[ "$(decided challenger decision forced)" = "3 REJECT true" ]
	[ "$(outcome)" = "FINISHED - 3" ]
	[[ "$(mlops-registry history failing --limit 1 | field why)" = "forced: "* ]]
	# an operator may do it at any time; that is no decision of a gate
	mlops-registry promote failing 1 --reason "told you" > /dev/null
	[ "$(mlops-registry history failing --limit 1 | jq -r '[.action, .to] | join(" ")')" = "promote 1" ]
	[ "$(mlops-registry decisions failing | wc -l)" -eq 3 ]
}

@test "a margin, a floor and a least number of rows" {
	plant --days 30 > first.csv
	plant --days 60 > more.csv
	run -1 failing first.csv --min-accuracy 1
	[ "$(decided decision reason metric champion)" = "REJECT accuracy_floor accuracy null" ]
	[ "$(mlops-registry list | field champion)" = null ]
	failing first.csv --min-accuracy 0.5 > /dev/null
	run -1 --separate-stderr failing more.csv --margin 0.9
	[ "$(decided decision reason margin)" = "HOLD not_better 0.9" ]
	[[ "$stderr" = *": not better by 0.9 (--margin)"* ]]
	run -1 failing more.csv --gate-min-rows 1000000
	[ "$(decided decision reason)" = "HOLD too_few_rows" ]
	run -1 failing first.csv --test-fraction 0
	[ "$(decided decision reason rows)" = "HOLD too_few_rows 0" ]
}

@test "champions that can't be judged: other columns, a damaged file" {
	rows 600 > sensors.csv
	mlops-train -q -m anomaly_detection -n pumps -i failure --promote sensors.csv > /dev/null
	run -1 --separate-stderr mlops-train -q -m anomaly_detection -n pumps -i failure,vibration --promote sensors.csv
	[ "$stderr" = "mlops-train: version 2 of model 'pumps' is registered but not promoted: the champion can't be judged on these rows: it needs column \"vibration\", which the new model does not use (--force promotes it all the same)" ]
	[ "$(jq -r '.decision | [.decision, .reason] | join(" ")' <<< "$output")" = "HOLD not_comparable" ]
	run -0 mlops-train -q -m anomaly_detection -n pumps -i failure --seed 1 --promote sensors.csv
	[ "$(jq -r '.decision | [.decision, .reason, .rows, .metric] | map(tostring) | join(" ")' <<< "$output")" = "PROMOTE similar_rate 120 anomaly_rate" ]
	run -1 mlops-train -q -m anomaly_detection -n pumps -i failure --set contamination=0.4 --promote sensors.csv
	[ "$(jq -r '.decision | [.decision, .reason] | join(" ")' <<< "$output")" = "REJECT anomaly_rate" ]
	# labels, where there are any, say more than a share
	run --separate-stderr mlops-train -q -m anomaly_detection -n pumps -t failure --set contamination=0.4 --critical-loss 1 --promote sensors.csv
	[ "$(jq -r .decision.metric <<< "$output")" = average_precision ]
	for file in "$MLOPS_REGISTRY"/models/*.onnx; do
		printf x | dd of="$file" bs=1 seek=100 conv=notrunc status=none
	done
	run -1 --separate-stderr mlops-train -m anomaly_detection -n pumps -i failure --promote sensors.csv
	[[ "$stderr" = *"mlops-train: the champion can't be loaded: "*"that were registered"* ]]
	[ "$(jq -r '.decision | [.decision, .reason] | join(" ")' <<< "$output")" = "HOLD not_comparable" ]
	mlops-train -q -m anomaly_detection -n pumps -i failure --seed 5 --promote --force sensors.csv | jq -e .champion
}

@test "a forecaster against the champion, on windows that neither has seen" {
	series 700 > long.csv
	head -n 501 long.csv > short.csv
	quick -q --promote short.csv > /dev/null
	run -1 quick -q --promote short.csv
	[ "$(jq -r '.decision | [.decision, .reason, .rows] | map(tostring) | join(" ")' <<< "$output")" = "HOLD too_few_rows 0" ]
	run --separate-stderr quick -q --promote --seed 3 --critical-loss 1 long.csv
	[ "$(jq -r '.decision | [.metric, .rows, .champion] | map(tostring) | join(" ")' <<< "$output")" = "mae 140 1" ]
	jq -e '(.decision.decision == "PROMOTE") == (.decision.challenger_value <= .decision.champion_value) and
		.decision.challenger_metrics.naive_mae == .decision.champion_metrics.naive_mae' <<< "$output"
	[ "$status" -eq "$(jq 'if .champion then 0 else 1 end' <<< "$output")" ]
}

@test "compare says what the gate would, and the registry keeps it" {
	rows 400 > sensors.csv
	rows 300 3 > later.csv
	for trees in 1 20; do
		mlops-train -q -m failure_prediction -n pumps -t failure -s trees=$trees sensors.csv > /dev/null
	done
	run -0 --separate-stderr mlops-registry compare pumps/1 pumps/2 -t failure later.csv
	[ "$(jq -c '.decision | [.decision, .reason, .metric, .challenger, .champion, .rows]' <<< "$output")" = '["PROMOTE","better","average_precision",2,1,300]' ]
	jq -e '.decision.challenger_value == .decision.challenger_metrics.average_precision or
		(.decision.challenger_value - .second.metrics.average_precision | fabs < 1e-6)' <<< "$output"
	[ "$(mlops-registry decisions | jq -c 'del(.when)')" = "$(jq -c '.decision | del(.when)' <<< "$output")" ]
	run -0 mlops-registry compare pumps/2 pumps/1 -t failure later.csv
	[ "$(jq -r .decision.decision <<< "$output")" = REJECT ]
	[ "$(mlops-registry decisions pumps | wc -l)" -eq 2 ]
	run -0 mlops-registry compare pumps/1 pumps/2 -t failure --margin 1 later.csv
	[ "$(jq -r .decision.reason <<< "$output")" = not_better ]
	# files, and versions of two models, are compared all the same
	mlops-registry export pumps/1 one.onnx > /dev/null
	run -0 mlops-registry compare one.onnx pumps/2 -t failure later.csv
	[ "$(jq -r .decision.decision <<< "$output")" = PROMOTE ]
	[ "$(mlops-registry decisions pumps | wc -l)" -eq 3 ]
	run -64 --separate-stderr mlops-registry compare pumps/1 pumps/2 --margin 0.1
	[ "$stderr" = "mlops-registry: recorded metrics are of different rows, so the gate can't decide by them; name a FILE to judge both on" ]
}

@test "who may only read the registry may compare" {
	[ "$(id -u)" -eq 0 ] || skip "only root can become another user"
	rows 400 > sensors.csv
	mlops-train -q -m failure_prediction -n pumps -t failure -s trees=5 sensors.csv > /dev/null
	open=$(mktemp -d) # nobody else may enter the test's own directory
	cp -R "$MLOPS_REGISTRY" sensors.csv "$MLOPS_BUILD/mlops-registry" "$open"
	chmod -R a+rX "$open"
	run -0 --separate-stderr env -C "$open" MLOPS_REGISTRY="$open/registry" setpriv --reuid 65534 --regid 65534 --clear-groups \
		./mlops-registry compare pumps/1 pumps/1 -t failure sensors.csv
	rm -r "$open"
	[ "$(jq -r .decision.decision <<< "$output")" = PROMOTE ]
	[[ "$stderr" = "mlops-registry: the decision is not kept: registry "*": may not be written" ]]
}

@test "options of the gate where there is none" {
	refused() {
		run -64 --separate-stderr mlops-train "${@:2}" /dev/null
		[ "${stderr_lines[0]}" = "mlops-train: $1" ] || { echo "$stderr"; false; }
	}
	refused "the gate is about promoting a version; it needs --promote" -m anomaly_detection --margin 0.1
	refused "the gate is about promoting a version; it needs --promote" -m anomaly_detection --gate-rows all
	refused "--force is about promoting a version; it needs --promote" -m anomaly_detection --force
	refused "--min-accuracy is about rows that say what is true of them; it needs --target, and not a forecast" \
		-m anomaly_detection --promote --min-accuracy 0.9
	refused "--min-accuracy is about rows that say what is true of them; it needs --target, and not a forecast" \
		-m time_series_forecast -t x --promote --min-accuracy 0.9
	run -64 mlops-train -m failure_prediction -t x --promote --margin 1.1 /dev/null
}

@test "real cycles of a machining tool: a good forest takes the place of a stump, never the other way round" {
	data=$MLOPS_DATA/failure
	[ -f "$data/ai4i_train.csv" ] || skip "no failure/ai4i_train.csv below MLOPS_DATA ($MLOPS_DATA)"
	tool() {
		mlops-train -q -m failure_prediction -n tool -t 'Machine failure' --ignore 'UDI,Product ID,TWF,HDF,PWF,OSF,RNF' \
			--promote --test "$data/ai4i_test.csv" "$@" "$data/ai4i_train.csv"
	}
	tool --set trees=1 --set max_depth=2 > /dev/null
	run -0 tool --set trees=50 --gate-rows all
	[ "$(jq -c '.decision | [.decision, .metric, .rows]' <<< "$output")" = '["PROMOTE","average_precision",2000]' ]
	jq -e '.decision.challenger_value > 0.7 and .decision.challenger_value - .decision.champion_value > 0.2' <<< "$output"
	run -1 tool --set trees=1 --set max_depth=2 --gate-rows all
	[ "$(jq -c '.decision | [.decision, .reason]' <<< "$output")" = '["REJECT","critical_loss"]' ]
	[ "$(mlops-registry list | field champion)" = 2 ]
}
