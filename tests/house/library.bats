#!/usr/bin/env bats
# The rules for the library as it is built: what it may call, what it keeps, what it names, and that all of it is used.

setup() {
	load house
	archive=$MLOPS_BUILD/libmlops.a
	tree=$BATS_TEST_TMPDIR/tree
}

# Sanitizers and coverage put calls and data of their own into every object.
need_plain_build() {
	if nm -u "$archive" 2> /dev/null | grep -qE ' (__asan|__tsan|__ubsan|__sanitizer|__gcov)_'; then
		skip "the build is instrumented"
	fi
}

# A library with one member, compiled from standard input.
build_archive() {
	mkdir -p "$tree"
	cc -O1 -x c -c -o "$tree/planted.o" -
	ar cr "$tree/lib.a" "$tree/planted.o"
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

@test "the library calls nothing that ends, prints, or reads environment, locale or clock" {
	need_plain_build
	[ "$(nm "$archive" 2> /dev/null | wc -l)" -gt 200 ]
	run check_calls "$archive"
	expect_none
}

@test "forbidden calls are found" {
	build_archive <<- 'END'
		#include <stdio.h>
		#include <stdlib.h>
		void mlops_bad(void) { if (getenv("HOME")) exit(1); fputs("no", stderr); }
	END
	run sorted check_calls "$tree/lib.a"
	expect 'planted.o: calls exit
planted.o: calls fwrite
planted.o: calls getenv
planted.o: calls stderr'
}

@test "the library keeps no data that can change" {
	need_plain_build
	run check_data "$archive"
	expect_none
}

@test "data that can change is found, constant tables are not" {
	build_archive <<- 'END'
		static int calls;
		int mlops_start = 3;
		static const char *const names[] = { "a", "b" };
		_Thread_local int mlops_last;
		const char *mlops_count(void) { return names[calls++ & 1]; }
	END
	run sorted check_data "$tree/lib.a"
	expect 'planted.o: writable data calls
planted.o: writable data mlops_last
planted.o: writable data mlops_start'
}

@test "every global name of the library begins with mlops_" {
	need_plain_build
	run check_prefix "$archive"
	expect_none
}

@test "a global name without the prefix is found" {
	echo 'int add(int a, int b) { return a + b; } int mlops_add(int a) { return add(a, 1); }' | build_archive
	run check_prefix "$tree/lib.a"
	expect 'planted.o: global name without mlops_: add'
}

@test "every function that the library declares is named by a test or a tool, or shared inside its room" {
	run check_mentions "$MLOPS_SOURCE"
	expect_none
}

@test "functions that nobody uses, and that no test names, are found" {
	mkdir -p "$tree/lib/base" "$tree/lib/rows" "$tree/tests" "$tree/tools" "$tree/cli"
	cat > "$tree/lib/base/thing.h" <<- 'END'
		/* mlops_not_declared(x) is only spoken of. */
		int mlops_dead(void);
		int mlops_tested(void);
		int mlops_shared(void);
		int mlops_untested(void);
	END
	echo 'int mlops_dead(void) mlops_tested(void) mlops_shared(void) mlops_untested(void)' > "$tree/lib/base/thing.c"
	echo 'mlops_shared()' > "$tree/lib/base/other.c"
	echo 'mlops_untested()' > "$tree/lib/rows/other.c"
	echo 'mlops_tested()' > "$tree/tests/thing.c"
	run check_mentions "$tree"
	expect 'lib/base: nobody uses mlops_dead but its own file
lib/base: no test and no tool names mlops_untested'
}
