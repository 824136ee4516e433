# Bash: one function, for bash 4.4 and later, without the bash-completion package.
function pattern(i) {
	return "--" option[i] (short[i] != "" ? "|-" short[i] : "")
}

function offer(kind, words) {
	if (kind == "words")
		return "mapfile -t COMPREPLY < <(compgen -W '" words "' -- \"$current\")"
	if (kind == "models")
		return "mapfile -t COMPREPLY < <(_" function_name "_models \"$current\")"
	if (kind == "references")
		return "compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(_" function_name "_models \"$current\";" \
			" compgen -f -X '!*.onnx' -- \"$current\"; compgen -d -- \"$current\")"
	if (kind == "files")
		return "compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- \"$current\")"
	if (kind == "directories")
		return "compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- \"$current\")"
	return ":"
}

function write(i, v, kind, n, names, list, with_value) {
	print "# bash completion for " tool
	print ""
	print "# Models whose names begin with $1.  Not by compgen -W, which would expand what is in the names."
	print "_" function_name "_models()"
	print "{"
	print "\tlocal name"
	print ""
	print "\t" list_models() " |"
	print "\t\twhile IFS= read -r name; do"
	print "\t\t\tif [[ $name == \"$1\"* ]]; then printf '%s\\n' \"$name\"; fi"
	print "\t\tdone"
	print "}"
	print ""
	print "_" function_name "()"
	print "{"
	print "\tlocal current=${COMP_WORDS[COMP_CWORD]} option= verb= options= word i n=0"
	print ""
	print "\tCOMPREPLY=()"
	with_value = ""
	for (i = 1; i <= n_options; i++)
		if (argument[i] != "")
			with_value = with_value (with_value == "" ? "" : "|") pattern(i)
	# The words before: which is the verb, how many arguments follow it, is the last an option that waits for its value?
	print "\tfor ((i = 1; i < COMP_CWORD; i++)); do"
	print "\t\tword=${COMP_WORDS[i]}"
	print "\t\tif [[ $word == = ]]; then"
	print "\t\t\toption=${COMP_WORDS[i - 1]}"
	print "\t\telif [[ -n $option ]]; then"
	print "\t\t\toption="
	print "\t\telse"
	print "\t\t\tcase $word in"
	print "\t\t\t" with_value ") [[ ${COMP_WORDS[i + 1]} == = ]] || option=$word ;;"
	print "\t\t\t-?*) ;;"
	if (n_verbs > 0)
		print "\t\t\t*) if [[ -z $verb ]]; then verb=$word; else ((++n)); fi ;;"
	else
		print "\t\t\t*) ((++n)) ;;"
	print "\t\t\tesac"
	print "\t\tfi"
	print "\tdone"
	print "\tif [[ $current == = ]]; then"
	print "\t\toption=${COMP_WORDS[COMP_CWORD - 1]} current="
	print "\tfi"
	print ""
	print "\tcase $option in"
	print "\t'') ;;"
	for (i = 1; i <= n_options; i++) {
		if (argument[i] == "")
			continue
		kind = option_kind(i)
		print "\t" pattern(i) ") " offer(kind, kind_words) "; return ;;"
	}
	print "\t*) return ;;"
	print "\tesac"
	print ""
	list = ""
	for (i = 1; i <= n_options; i++)
		if (is_shared(i))
			list = list " --" option[i]
	print "\toptions='" substr(list, 2) "'"
	if (n_verbs > 0) {
		print "\tcase $verb in"
		for (v = 1; v <= n_verbs; v++) {
			list = ""
			for (i = 1; i <= n_options; i++)
				if (verb_takes(v, i))
					list = list " --" option[i]
			if (list != "")
				print "\t" verb[v] ") options+='" list "' ;;"
		}
		print "\tesac"
	}
	print "\tif [[ $current == -* ]]; then"
	print "\t\tmapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$current\")"
	print "\t\treturn"
	print "\tfi"
	if (n_verbs == 0) {
		print "\t" offer("files", "")
	} else {
		list = ""
		for (v = 1; v <= n_verbs; v++)
			list = list " " verb[v]
		print "\tcase $verb:$n in"
		print "\t:0) " offer("words", substr(list, 2)) " ;;"
		for (v = 1; v <= n_verbs; v++) {
			n = split(verb_arguments[v], names, " ")
			for (i = 1; i <= n; i++)
				if (argument_kind(names[i]) != "nothing")
					print "\t" verb[v] ":" i - 1 ") " offer(argument_kind(names[i]), "") " ;;"
		}
		print "\tesac"
	}
	print "}"
	print ""
	print "complete -F _" function_name " " tool
}
