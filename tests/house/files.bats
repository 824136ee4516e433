#!/usr/bin/env bats
# The rules for files: who includes whom, lengths, names, spaces, speech, shell.  Each rule is shown an offence, too.

setup() {
	load house
	tree=$BATS_TEST_TMPDIR/tree
}

# A copy of what a rule looks at, to plant an offence in.
copy() {
	mkdir -p "$tree"
	local part
	for part in lib cli tools; do
		cp -r "$MLOPS_SOURCE/$part" "$tree/$part"
	done
	mkdir "$tree/tests"
	chmod -R u+w "$tree"
}

sorted() {
	"$@" | sort
}

expect_none() {
	echo "$output"
	[ -z "$output" ]
}

expect() {
	echo "$output"
	[ "$output" = "$1" ]
}

@test "includes go from the outer rooms to the inner ones" {
	run check_arrows "$MLOPS_SOURCE"
	expect_none
}

@test "an include that goes outwards is found" {
	copy
	echo '#include "rows/chunk.h"' >> "$tree/lib/base/error.h"
	run check_arrows "$tree"
	expect 'lib/base/error.h: base must not include rows/chunk.h'
}

@test "a library file that includes the command line is found" {
	copy
	printf '#  include  "cli/common.h"\n' >> "$tree/lib/flow/train.c"
	run check_arrows "$tree"
	expect 'lib/flow/train.c: flow must not include cli/common.h'
}

@test "a kernel that includes even the base is found" {
	copy
	echo '#include "base/error.h"' >> "$tree/lib/kernel/kernel.h"
	run check_arrows "$tree"
	expect 'lib/kernel/kernel.h: kernel must not include base/error.h'
}

@test "a folder that is no room is found" {
	copy
	mkdir "$tree/lib/attic"
	echo 'int x;' > "$tree/lib/attic/x.c"
	run check_arrows "$tree"
	expect 'lib/attic/x.c: attic is no room of the house'
}

@test "each header compiles alone, and twice" {
	run check_headers "$MLOPS_SOURCE" "$MLOPS_BUILD"
	expect_none
}

@test "a header that needs another one first is found" {
	mkdir -p "$tree/lib/base" "$tree/cli" "$tree/tools"
	echo 'size_t mlops_length(void);' > "$tree/lib/base/length.h"
	run check_headers "$tree" "$tree"
	echo "$output"
	[[ $output == *"lib/base/length.h:1:1: error: unknown type name"* ]]
}

@test "a header without a guard is found" {
	mkdir -p "$tree/lib/base" "$tree/cli" "$tree/tools"
	echo 'struct mlops_thing { int x; };' > "$tree/lib/base/thing.h"
	run check_headers "$tree" "$tree"
	echo "$output"
	[[ $output == *"error: redefinition of"* ]]
}

@test "no file has more than 800 lines, no tool more than 300" {
	run check_lengths "$MLOPS_SOURCE"
	expect_none
}

@test "files that are too long are found" {
	mkdir -p "$tree/lib/base" "$tree/tools" "$tree/tests/cli"
	seq 801 > "$tree/lib/base/number.c"
	seq 800 > "$tree/lib/base/text.c"
	seq 301 > "$tree/tools/score.c"
	seq 801 > "$tree/tests/cli/score.bats"
	run check_lengths "$tree"
	expect 'lib/base/number.c: 801 lines, at most 800
tests/cli/score.bats: 801 lines, at most 800
tools/score.c: 301 lines, at most 300'
}

@test "no file of the library has a name that says nothing" {
	run check_names "$MLOPS_SOURCE"
	expect_none
}

@test "a name that says nothing is found" {
	mkdir -p "$tree/lib/base" "$tree/lib/rows"
	touch "$tree/lib/base/util.c" "$tree/lib/rows/csv_helpers.h" "$tree/lib/rows/utility_curve.c"
	run sorted check_names "$tree"
	expect 'lib/base/util.c: code of this kind has a name
lib/rows/csv_helpers.h: code of this kind has a name'
}

@test "no line ends in blanks, every file ends in a newline" {
	run check_spaces "$MLOPS_SOURCE"
	expect_none
}

@test "blanks at the end and a missing newline are found" {
	mkdir -p "$tree/lib"
	printf 'int x; \nint y;\n' > "$tree/lib/x.c"
	printf 'int z;' > "$tree/lib/z.c"
	run check_spaces "$tree"
	expect 'lib/x.c:1: blanks at the end
lib/z.c: no newline at the end'
}

@test "no path of a maker's machine" {
	run check_speech "$MLOPS_SOURCE"
	expect_none
}

@test "a path of a maker's machine is found" {
	mkdir -p "$tree/man"
	echo 'see /work''/notes' > "$tree/man/x.1"
	run check_speech "$tree"
	expect 'man/x.1:1:see /work''/notes'
}

@test "nothing is left for later, no code is switched off" {
	run check_leftovers "$MLOPS_SOURCE"
	expect_none
}

@test "what is left for later is found" {
	copy
	printf '/* TO''DO: think */\n#if 0\n#endif\n' > "$tree/lib/base/later.c"
	run check_leftovers "$tree"
	expect 'lib/base/later.c:1:/* TO''DO: think */
lib/base/later.c:2:#if 0'
}

@test "shellcheck has nothing to say about any shell script" {
	command -v shellcheck > /dev/null || skip "shellcheck is not installed"
	[ "$(shell_scripts "$MLOPS_SOURCE" | wc -l)" -ge 5 ]
	run check_shell "$MLOPS_SOURCE"
	expect_none
}

@test "a careless shell script is found" {
	command -v shellcheck > /dev/null || skip "shellcheck is not installed"
	mkdir -p "$tree/cron"
	printf '#!/bin/sh\ncd /nowhere\nrm -r data\n' > "$tree/cron/clean"
	run check_shell "$tree"
	echo "$output"
	[[ $output == cron/clean:2:1:*SC2164* ]]
}
