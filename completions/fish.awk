# Fish: one complete command an option.
function quote(text) {
	return "'" escape(text, "\\'") "'"
}

function offer(kind, words) {
	if (kind == "words")
		return " -x -a " quote(words)
	if (kind == "models")
		return " -x -a '(__" function_name "_models)'"
	if (kind == "references")
		return " -x -a '(__" function_name "_models; __fish_complete_suffix .onnx)'"
	if (kind == "files")
		return " -r -F"
	if (kind == "directories")
		return " -x -a '(__fish_complete_directories)'"
	return " -x"
}

function write(i, v, n, names, condition, kind, verbs) {
	print "# fish completion for " tool
	print ""
	print "function __" function_name "_models"
	print "\t" list_models()
	print "end"
	print ""
	for (v = 1; v <= n_verbs; v++)
		verbs = verbs " " verb[v]
	for (v = 1; v <= n_verbs; v++)
		print "complete -c " tool " -n 'not __fish_seen_subcommand_from" verbs "' -f -a " verb[v] " -d " quote(verb_help[v])
	for (i = 1; i <= n_options; i++) {
		condition = ""
		for (v = 1; v <= n_verbs; v++)
			if (verb_takes(v, i))
				condition = condition " " verb[v]
		if (condition != "")
			condition = " -n '__fish_seen_subcommand_from" condition "'"
		kind = option_kind(i)
		print "complete -c " tool condition (short[i] != "" ? " -s " short[i] : "") " -l " option[i] \
			(argument[i] != "" ? offer(kind, kind_words) : "") " -d " quote(help[i])
	}
	for (v = 1; v <= n_verbs; v++) {
		n = split(verb_arguments[v], names, " ")
		kind = n > 0 ? argument_kind(names[1]) : "nothing"
		condition = " -n '__fish_seen_subcommand_from " verb[v] "'"
		if (kind == "models")
			print "complete -c " tool condition " -f -a '(__" function_name "_models)'"
		else if (kind == "references")
			print "complete -c " tool condition " -a '(__" function_name "_models)'"
	}
}
