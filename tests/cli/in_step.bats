#!/usr/bin/env bats
# What a tool takes, what --help says, what the manual says and what three shells offer is one and the same.
# TOOLS: the names of the tools; MLOPS_SOURCE and MLOPS_BUILD: where man/ and completions/ are.

setup_file() {
	export LC_ALL=C
	bats_require_minimum_version 1.5.0
}

# Lines "short long argument" of every option, - for what there is not.
options_of_table() {
	"$1" --list-options | awk -F '\t' '$1 != "verb" { print $2, $1, $4 }' | sort
}

options_of_help() {
	"$1" --help | sed -nE \
		-e 's/^  -(.), --([a-z-]+) ([^ ]+).*/\1 \2 \3/p' \
		-e 's/^  -(.), --([a-z-]+)(  .*|$)/\1 \2 -/p' \
		-e 's/^      --([a-z-]+) ([^ ]+).*/- \1 \2/p' \
		-e 's/^      --([a-z-]+)(  .*|$)/- \1 -/p' | sort
}

options_of_manual() {
	sed -nE -e 's/ Ns = Ns Ar /=/' \
		-e 's/^\.It Fl (.) , Fl -([a-z-]+) Ar (.*)$/\1 \2 \3/p' \
		-e 's/^\.It Fl (.) , Fl -([a-z-]+)$/\1 \2 -/p' \
		-e 's/^\.It Fl -([a-z-]+) Ar (.*)$/- \1 \2/p' \
		-e 's/^\.It Fl -([a-z-]+)$/- \1 -/p' "$MLOPS_SOURCE/man/$1.1" | sort
}

# "verb arguments"
verbs_of_table() {
	"$1" --list-options | awk -F '\t' '$1 == "verb" { print $2, $3 }' | sed 's/ -*$//' | sort
}

# The long options that a verb takes (without a verb: that the tool takes), one a line.
long_options() {
	"$1" --list-options | awk -F '\t' -v verb="$2" '
		$1 == "verb" { own[$2] = " " $4 " "; all = all " " $4 " "; next }
		{ option[++n] = $1 }
		END {
			for (i = 1; i <= n; i++)
				if (!index(all, " " option[i] " ") || index(own[verb], " " option[i] " "))
					print "--" option[i]
		}' | sort
}

verbs() {
	"$1" --list-options | awk -F '\t' '$1 == "verb" { print $2 }'
}

# What bash offers when the tab key is pressed behind these words.
bash_offers() {
	bash -c '
		source "$MLOPS_BUILD/completions/bash/$1"
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
		"_${1//-/_}" "$1" "${@: -1}" "${@: -2:1}"
		((${#COMPREPLY[@]} == 0)) || printf "%s\n" "${COMPREPLY[@]}"
	' bash "$@" | sort
}

fish_offers() {
	HOME=$BATS_TEST_TMPDIR fish --no-config -c "source '$MLOPS_BUILD/completions/fish/$1.fish'; complete -C '$2'" |
		cut -f 1 | sort -u
}

# Zsh in a pseudo-terminal, its listing read back.
zsh_offers() {
	zsh -f "$MLOPS_SOURCE/tests/cli/zsh_offers.zsh" "$MLOPS_BUILD/completions/zsh" "$1" | sort -u
}

@test "there are tools, and each can be run" {
	[ -n "$TOOLS" ]
	for tool in $TOOLS; do
		command -v "$tool"
	done
}

@test "--help: exit 0, nothing on stderr, at most 80 columns" {
	for tool in $TOOLS; do
		run -0 --separate-stderr "$tool" --help
		[ -z "$stderr" ]
		[[ $output == "Usage: $tool "* ]]
		[ -z "$(awk 'length($0) > 80' <<< "$output")" ]
		for verb in $(verbs "$tool"); do
			run -0 --separate-stderr "$tool" "$verb" --help
			[ -z "$stderr" ]
			[[ $output == "Usage: $tool $verb "* ]]
		done
	done
}

@test "--version names tool, package and version" {
	for tool in $TOOLS; do
		run -0 --separate-stderr "$tool" --version
		[ -z "$stderr" ]
		[[ $output =~ ^$tool\ \(mlops\)\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	done
}

@test "an unknown option: exit 64, nothing on stdout, two lines on stderr" {
	for tool in $TOOLS; do
		run -64 --separate-stderr "$tool" --vresion
		[ -z "$output" ]
		[ "$stderr" = "$tool: unknown option '--vresion'; did you mean '--version'?
Try '$tool --help' for more information." ]
	done
}

@test "--help to a full disk is an error" {
	for tool in $TOOLS; do
		run -74 bash -c '"$1" --help > /dev/full' bash "$tool"
		[ "$output" = "$tool: standard output: No space left on device" ]
	done
}

@test "--help has the options of the table" {
	for tool in $TOOLS; do
		diff <(options_of_table "$tool") <(options_of_help "$tool")
	done
}

@test "the manual has the options of the table" {
	for tool in $TOOLS; do
		diff <(options_of_table "$tool") <(options_of_manual "$tool")
	done
}

@test "help and manual have the verbs of the table" {
	for tool in $TOOLS; do
		diff <(verbs_of_table "$tool") <("$tool" --help |
			sed -nE '/^Verbs:$/,/^$/s/^  ([a-z][^ ]*( [][A-Z]+)*).*/\1/p' | sort)
		diff <(verbs "$tool" | sort) <(sed -n '/^\.Sh DESCRIPTION/,/^\.Sh/s/^\.It Cm \([a-z]*\)\( .*\)*$/\1/p' \
			"$MLOPS_SOURCE/man/$tool.1" | { [ -z "$(verbs "$tool")" ] || cat; } | sort)
	done
}

@test "the manual's synopsis of a verb is the table's" {
	for tool in $TOOLS; do
		[ -n "$(verbs "$tool")" ] || continue
		diff <(verbs_of_table "$tool") <(sed -nE '/^\.Sh DESCRIPTION/,/^\.Sh/{
				/^\.It Cm/{
					s/^\.It Cm //
					s/ Op Ar ([A-Z]+)/ [\1]/
					s/ Ar / /g
					p
				}
			}' "$MLOPS_SOURCE/man/$tool.1" | sort)
	done
}

@test "mandoc finds nothing to warn of" {
	command -v mandoc || skip "mandoc is not installed"
	for page in "$MLOPS_SOURCE"/man/*.[1-9]; do
		run -0 mandoc -T lint -W warning "$page"
		[ -z "$output" ]
	done
}

@test "every tool has its manual, and every manual's tool is there" {
	for tool in $TOOLS; do
		[ -f "$MLOPS_SOURCE/man/$tool.1" ]
	done
	for page in "$MLOPS_SOURCE"/man/*.1; do
		[[ " $TOOLS " == *" $(basename "$page" .1) "* ]]
	done
}

@test "bash offers the options of the table" {
	for tool in $TOOLS; do
		diff <(long_options "$tool" "") <(bash_offers "$tool" --)
		for verb in $(verbs "$tool"); do
			diff <(long_options "$tool" "$verb") <(bash_offers "$tool" -q "$verb" --)
		done
	done
}

@test "bash offers words, verbs, models and files" {
	cd "$BATS_TEST_TMPDIR"
	touch a.csv b.onnx
	mkdir bin
	printf '%s\n' '#!/bin/sh' 'echo "{\"name\":\"pumps\",\"kind\":\"x\"}"' \
		'echo "{\"name\":\"p\$(touch evil)\"}"' 'echo "{\"name\":\"quoted\\\"\"}"' > bin/mlops-registry
	chmod +x bin/mlops-registry
	[ "$(bash_offers mlops-score --log-format '')" = $'json\ntext' ]
	[ "$(bash_offers mlops-score --log-format = j)" = json ]
	[ "$(bash_offers mlops-score --log-format =)" = $'json\ntext' ]
	[ "$(bash_offers mlops-score --threads '')" = "" ]
	[ "$(bash_offers mlops-score a)" = a.csv ]
	[ "$(bash_offers mlops-registry prom)" = promote ]
	[ "$(bash_offers mlops-registry -q import b)" = $'b.onnx\nbin' ]
	PATH=$PWD/bin:$PATH
	[ "$(bash_offers mlops-registry promote p)" = $'p$(touch evil)\npumps' ]
	[ "$(bash_offers mlops-registry promote pumps '')" = "" ]
	[ "$(bash_offers mlops-score -m pu)" = pumps ]
	[ "$(bash_offers mlops-score --model b)" = $'b.onnx\nbin' ]
	[ ! -e evil ]
}

@test "fish offers the options of the table" {
	command -v fish || skip "fish is not installed"
	for tool in $TOOLS; do
		all=$(fish_offers "$tool" "$tool --")
		[ -z "$(verbs "$tool")" ] || all=$(grep -v -x -F "$(verbs "$tool")" <<< "$all")
		diff <(long_options "$tool" "") <(echo "$all")
		for verb in $(verbs "$tool"); do
			diff <(long_options "$tool" "$verb") <(fish_offers "$tool" "$tool $verb --")
		done
	done
}

@test "zsh offers the options of the table" {
	command -v zsh || skip "zsh is not installed"
	for tool in $TOOLS; do
		zsh -n "$MLOPS_BUILD/completions/zsh/_$tool"
		diff <(long_options "$tool" "") <(zsh_offers "$tool --")
		for verb in $(verbs "$tool"); do
			diff <(long_options "$tool" "$verb") <(zsh_offers "$tool $verb --")
		done
	done
}

# The settings that training takes and the manual explains, kind by kind.
@test "the manual has the settings of each kind of model" {
	for kind in anomaly_detection failure_prediction time_series_forecast; do
		diff <(mlops-train --model "$kind" --set help | sed -n 's/^  \([a-z_]*\)=.*/\1/p' | sort) \
			<(sed -n "/^\.Ss Settings of $kind/,/^\.S/s/^\.It Cm \([a-z_]*\) Ns = .*/\1/p" \
				"$MLOPS_SOURCE/man/mlops-train.1" | sort)
		[ "$(mlops-train --model "$kind" --set help | grep -c '^  [a-z]')" -ge 3 ]
	done
}
