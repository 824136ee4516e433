# shellcheck shell=sh disable=SC2154
# ---- What is typed: the same for every tool that is written in shell, as cli/option.c is for those in C
# The tool has set $me, $version and $more_manuals, and has the functions options (a line an option, as completions/generate reads it: name, letter,
# type, argument, completion, help; tabs between), synopsis, summary, examples, set_option NAME VALUE and take_operand WORD.

help() {
	echo "Usage: $me $(synopsis)"
	summary
	printf '\nOptions:\n'
	options | awk -F '\t' '{
		line = ($2 == "-" ? "      --" : "  -" $2 ", --") $1 ($4 == "-" ? "" : " " $4)
		while (length(line) < 26)
			line = line " "
		n = split($6, word, " ")
		for (i = 1; i <= n; i++) {
			if (length(line) + 1 + length(word[i]) > 79) {
				print line
				line = sprintf("%26s", "")
			}
			line = line (line ~ / $/ ? "" : " ") word[i]
		}
		print line
	}'
	printf '\nExamples:\n'
	examples
	echo
	echo "The manual: man $me,${more_manuals:+ $more_manuals,} man 7 mlops."
}

# print COMMAND: its output, or what is wrong with where it goes.
print() {
	{ problem=$("$@" | cat 2>&1 >&3); } 3>&1
	[ -n "$problem" ] || exit 0
	echo "$me: standard output: ${problem##*: }" >&2
	exit 74
}

# For awk: the most similar of n words, or nothing when none is similar.
nearest_function='
function nearest(word, words, n, i, j, k, least, best, row, left, corner) {
	least = 2 + int(length(word) / 4)
	for (k = 1; k <= n; k++) {
		for (j = 0; j <= length(words[k]); j++)
			row[j] = j
		for (i = 1; i <= length(word); i++) {
			corner = row[0]
			row[0] = i
			for (j = 1; j <= length(words[k]); j++) {
				left = row[j - 1] + 1
				corner += substr(word, i, 1) != substr(words[k], j, 1)
				if (corner < left)
					left = corner
				corner = row[j]
				row[j] = corner + 1 < left ? corner + 1 : left
			}
		}
		if (row[length(words[k])] < least) {
			least = row[length(words[k])]
			best = words[k]
		}
	}
	return best
}'

usage_error() {
	printf "%s: %s\nTry '%s --help' for more information.\n" "$me" "$1" "$me" >&2
	exit 64
}

unknown_option() {
	similar=$(options | awk -F '\t' -v word="${1#--}" "$nearest_function"' { name[++n] = $1 } END { print nearest(word, name, n) }')
	usage_error "unknown option '$1'${similar:+; did you mean '--$similar'?}"
}

# whole_number OPTION VALUE: ends with 64 unless the value is one of at least 1
whole_number() {
	case $2 in
	'' | *[!0-9]* | 0* | ??????????*) usage_error "option '--$1': '$2' is not a whole number of at least 1" ;;
	esac
}

give_option() {
	case $1 in
	help) print help ;;
	version) print echo "$me (mlops) $version" ;;
	*) set_option "$@" ;;
	esac
}

parse() {
	while [ $# -gt 0 ]; do
		word=$1
		shift
		case $word in
		--list-options) print options ;;
		--)
			for word; do
				take_operand "$word"
			done
			return
			;;
		--*)
			key=${word%%=*}
			# An option's name, or the beginning of just one.
			found=$(options | awk -F '\t' -v word="${key#--}" '
				$1 == word { exact = $1 " " $4 }
				index($1, word) == 1 { n++; found = $1 " " $4 }
				END { print exact != "" ? exact : n == 1 ? found : "" }')
			[ -n "$found" ] && [ "$key" != -- ] || unknown_option "$key"
			case $found in
			*' -')
				[ "$key" = "$word" ] || usage_error "option '$key' takes no value"
				give_option "${found% -}" ''
				;;
			*)
				if [ "$key" != "$word" ]; then
					give_option "${found% *}" "${word#*=}"
				else
					[ $# -gt 0 ] || usage_error "option '$key' needs a value"
					give_option "${found% *}" "$1"
					shift
				fi
				;;
			esac
			;;
		-?*)
			letter=${word#-}
			rest=${letter#?}
			letter=${letter%"$rest"}
			found=$(options | awk -F '\t' -v letter="$letter" '$2 == letter && letter != "-" { print $1 " " $4 }')
			case $found in
			'') usage_error "unknown option '-$letter'" ;;
			*' -')
				give_option "${found% -}" ''
				[ -z "$rest" ] || set -- "-$rest" "$@"
				;;
			*)
				if [ -n "$rest" ]; then
					give_option "${found% *}" "$rest"
				else
					[ $# -gt 0 ] || usage_error "option '-$letter' needs a value"
					give_option "${found% *}" "$1"
					shift
				fi
				;;
			esac
			;;
		*) take_operand "$word" ;;
		esac
	done
}
