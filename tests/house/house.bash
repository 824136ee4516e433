# The rules of the house, each a function that looks at a tree (its folder is the first argument) and prints offences.

# Rooms from the outside in; a room includes those behind it.
rooms=(tools cli service flow registry mlflow net metrics model check rows kernel base)

# Text that people wrote: not what autotools, the compiler or fuzzing made, nor sample data, which may look as it likes.
written_files() {
	find "$1" \( -name .git -o -name _build -o -name _inst -o -name .venv \
		-o -name build-aux -o -name autom4te.cache -o -name .deps \
		-o -path "$1/build" -o -path "$1/build-*" -o -path "$1/shared" \
		-o -path '*/tests/fuzz/seeds' -o -path '*/tests/fuzz/dict' -o -path '*/tests/data' \) -prune \
		-o -type f ! -name configure ! -name 'configure~' ! -name aclocal.m4 ! -name Makefile ! -name 'Makefile.in*' \
		! -name 'config.*' ! -name 'stamp-h*' ! -name libtool ! -name '*.pb-c.[ch]' \
		! -name '*.[oa]' ! -name '*.log' ! -name '*.trs' ! -name '*.t' -print0 |
		xargs -0 grep -lI '' | sort
}

room_of() { # ROOT FILE
	local path=${2#"$1/"}
	path=${path#lib/}
	printf '%s' "${path%%/*}"
}

place_of() { # ROOM: how far inside it is, nothing for what is no room
	local i
	for i in "${!rooms[@]}"; do
		if [ "${rooms[i]}" = "$1" ]; then
			printf '%s' "$i"
		fi
	done
}

sources() {
	find "$1/lib" "$1/cli" "$1/tools" -name '*.[ch]' ! -name '*.pb-c.[ch]' | sort
}

check_arrows() {
	local file from to included
	while read -r file; do
		from=$(room_of "$1" "$file")
		if [ -z "$(place_of "$from")" ]; then
			echo "${file#"$1/"}: $from is no room of the house"
			continue
		fi
		while read -r included; do
			to=${included%%/*}
			if [ "$to" = "$from" ] || [ -z "$(place_of "$to")" ]; then
				continue
			fi
			if [ "$from" = kernel ] || [ "$(place_of "$to")" -le "$(place_of "$from")" ]; then
				echo "${file#"$1/"}: $from must not include $included"
			fi
		done < <(sed -n 's|^[[:space:]]*#[[:space:]]*include[[:space:]]*"\([^"]*/[^"]*\)".*|\1|p' "$file")
	done < <(sources "$1")
}

# Alone, and twice: whatever a header needs it includes, and it guards itself.
check_headers() { # ROOT BUILD
	local header name database
	read -ra database < <(pkg-config --cflags libpq)
	while read -r header; do
		name=${header#"$1/"}
		name=${name#lib/}
		printf '#include "%s"\n#include "%s"\n' "$name" "$name" |
			cc -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only \
				-I"$1/lib" -I"$2/lib" -I"$1" -I"$2" "${database[@]}" -x c - 2>&1 |
			sed -n "s|^<stdin>:|$name: |p; s|^$1/||p" | head -n 3
	done < <(sources "$1" | grep '\.h$')
}

check_lengths() {
	local file lines limit
	while read -r file; do
		lines=$(wc -l < "$file")
		limit=800
		if [ "$(room_of "$1" "$file")" = tools ]; then
			limit=300
		fi
		if [ "$lines" -gt "$limit" ]; then
			echo "${file#"$1/"}: $lines lines, at most $limit"
		fi
	done < <(written_files "$1" | grep -E '\.(c|h|bash|bats|awk|py|mk|am)$')
}

check_names() {
	find "$1/lib" -type f | sed "s|^$1/||" |
		grep -E '(^|[/_.-])(utils?|commons?|misc|helpers?)([/_.-]|$)' |
		sed 's/$/: code of this kind has a name/'
}

check_spaces() {
	written_files "$1" | xargs -d '\n' grep -HnE '[[:blank:]]+$' | sed "s|^$1/||; s/:[^:]*$/: blanks at the end/"
	written_files "$1" | while read -r file; do
		if [ -n "$(tail -c 1 "$file")" ]; then
			echo "${file#"$1/"}: no newline at the end"
		fi
	done
}

# The project speaks of itself alone: no path of the machine that it was made on.  Folders of a user's machine may appear.
check_speech() {
	written_files "$1" | xargs -d '\n' grep -HnE '/wor[k]/|/tmp/lan[d]|/tmp/b[-]|/root[/]' | sed "s|^$1/||"
}

# Left over from work: what should be done later, and code that is switched off.
check_leftovers() {
	sources "$1" | xargs -d '\n' grep -HnE 'TOD[O]|FIXM[E]|^[[:space:]]*#[[:space:]]*if 0' | sed "s|^$1/||"
}

shell_scripts() {
	written_files "$1" | while read -r file; do
		case $file in
		*.sh | *.bash | *.bats) echo "$file" ;;
		*) if head -n 1 "$file" | grep -qE '^#!.*\b(sh|bash|dash|bats)\b'; then echo "$file"; fi ;;
		esac
	done
}

# In bats, a test is a subshell that ends at the first command that fails, run takes variables before it and sets others.
check_shell() {
	local file kind
	shell_scripts "$1" | while read -r file; do
		kind=()
		case $file in
		*.bats) kind=(-s bats -e 'SC2030,SC2031,SC2120,SC2154,SC2164,SC2209') ;;
		*.bash) kind=(-s bash) ;;
		esac
		shellcheck -S warning -f gcc -x -P SCRIPTDIR "${kind[@]}" "$file" | sed "s|^$1/||"
	done
}

# A library that is part of a service must not end, print, or read environment, locale or clock; nor call what keeps
# state in one place for all threads.
forbidden='exit|_exit|_Exit|quick_exit|abort|__assert_fail|printf|__printf_chk|fprintf|__fprintf_chk|vprintf|vfprintf|puts|fputs|fwrite'
forbidden+='|putchar|putc|fputc|perror|stdin|stdout|stderr|getenv|secure_getenv|setenv|putenv|environ|setlocale'
forbidden+='|rand|srand|random|srandom|rand_r|drand48|time|gettimeofday|clock|clock_gettime|localtime|localtime_r|gmtime|mktime'
forbidden+='|system|popen|signal|sigaction|strtok|strerror|chdir|umask|gets|strcpy|strcat|sprintf|vsprintf|tmpnam|mktemp'

# The model file's generated reader (pb-c) is not ours.
check_calls() { # ARCHIVE
	nm -A -u "$1" 2> /dev/null | sed 's/^[^:]*://' | grep -v 'pb-c\.o:' |
		awk -v "forbidden=^($forbidden)\$" '$NF ~ forbidden { sub(/:$/, "", $1); print $1 ": calls " $NF }'
}

# The one thing that may change: which build of the kernels this processor runs, found out once.
allowed_data='select.o: writable data chosen'

# Tables of pointers, which the linker fills in and then protects (.data.rel.ro), are constants.
check_data() { # ARCHIVE
	objdump -t "$1" 2> /dev/null | awk '
		/:[[:space:]]+file format/ { member = $1; sub(/:$/, "", member) }
		member !~ /pb-c\.o$/ && !/ d +\./ && !/\.data\.rel\.ro/ && / (\.(data|bss|tdata|tbss)[^ \t]*|\*COM\*)\t/ {
			print member ": writable data " $NF
		}' |
		grep -vxF "$allowed_data"
}

check_prefix() { # ARCHIVE
	nm -A -g --defined-only "$1" 2> /dev/null | sed 's/^[^:]*://' | grep -v 'pb-c\.o:' |
		awk '$NF !~ /^mlops_/ && $(NF - 1) ~ /^[A-Z]$/ { sub(/:.*/, "", $1); print $1 ": global name without mlops_: " $NF }'
}

declared_functions() {
	find "$1/lib" -name '*.h' ! -name '*.pb-c.h' | sort | while read -r header; do
		# Without comments, and without the names of function types.
		sed -e 's|/\*.*\*/||' -e '/\/\*/,/\*\//d' -e '/^[[:space:]]*typedef /d' -e '/static inline/d' -e '/^#/d' "$header" |
			grep -oE '\bmlops_[a-z0-9_]+ *\(' | tr -d ' (' | sort -u | sed "s|^|$(room_of "$1" "$header") |"
	done
}

# What other rooms call is named by a test or a tool (but not what only frees: the address sanitizer sees to that); what is
# shared inside a room is used by another of its files.
check_mentions() {
	local words
	words=$(mktemp -d "$BATS_TEST_TMPDIR/words.XXXXXX")
	find "$1/tests" "$1/tools" "$1/cli" -type f \( -name '*.[ch]' -o -name '*.bats' \) -print0 |
		xargs -0 cat | grep -oE '\bmlops_[a-z0-9_]+' | sort -u > "$words/outside"
	find "$1/lib" -name '*.c' ! -name '*.pb-c.c' | while read -r file; do
		grep -oE '\bmlops_[a-z0-9_]+' "$file" | sort -u | sed "s|^|$(room_of "$1" "$file") |"
	done > "$words/inside"
	declared_functions "$1" | awk -v outside="$words/outside" -v inside="$words/inside" '
		BEGIN {
			while ((getline name < outside) > 0)
				mentioned[name] = 1
			while ((getline line < inside) > 0) {
				split(line, part, " ")
				files[part[2]]++
				if (part[1] != home[part[2]] && home[part[2]] != "")
					abroad[part[2]] = 1
				home[part[2]] = part[1]
			}
		}
		$2 in mentioned { next }
		files[$2] < 2 { print "lib/" $1 ": nobody uses " $2 " but its own file"; next }
		$2 in abroad && $2 !~ /_(free|release)$/ { print "lib/" $1 ": no test and no tool names " $2 }'
}
