# Zsh: _arguments specifications.
function quote(text) {
	gsub(/'/, "'\\''", text)
	return "'" text "'"
}

function action(kind, words) {
	if (kind == "words")
		return "(" words ")"
	if (kind == "models")
		return "_" function_name "_models"
	if (kind == "references")
		return "_" function_name "_references"
	if (kind == "files")
		return "_files"
	if (kind == "directories")
		return "_files -/"
	return " "
}

# One line of arguments for _arguments: every name of the option excludes the others.
function specification(i, names, kind, rest, both) {
	kind = option_kind(i)
	rest = "[" escape(help[i], "[]\\:") "]"
	if (argument[i] != "")
		rest = rest ":" escape(argument[i], ":\\") ":" action(kind, kind_words)
	names = "--" option[i] (argument[i] != "" ? "=" : "")
	both = short[i] != ""
	if (both)
		names = "{-" short[i] (argument[i] != "" ? "+" : "") "," names "}"
	if (repeats[i])
		return (both ? "'*'" names : quote("*" names)) quote(rest)
	if (both)
		return quote("(-" short[i] " --" option[i] ")") names quote(rest)
	return quote(names rest)
}

function write(i, v, n, names, optional) {
	print "#compdef " tool
	print ""
	print "_" function_name "_models() {"
	print "\tlocal -a names"
	print "\t[[ $PREFIX == -* ]] && return 1 # no name begins so; spares asking the registry"
	print "\tnames=(${(f)\"$(" list_models() ")\"})"
	print "\t_describe -t models model names"
	print "}"
	print ""
	print "_" function_name "_references() {"
	print "\t_alternative 'models:model:_" function_name "_models' 'files:model file:_files -g \"*.onnx\"'"
	print "}"
	print ""
	print "_" function_name "() {"
	print "\tlocal curcontext=$curcontext state line"
	print "\tlocal -a shared verbs"
	print ""
	print "\tshared=("
	for (i = 1; i <= n_options; i++)
		if (is_shared(i))
			print "\t\t" specification(i)
	print "\t)"
	if (n_verbs == 0) {
		print "\t_arguments -s -S $shared '*:file:_files'"
	} else {
		print "\tverbs=("
		for (v = 1; v <= n_verbs; v++)
			print "\t\t" quote(verb[v] ":" verb_help[v])
		print "\t)"
		print "\t_arguments -C -s -S $shared '1:verb:->verb' '*::argument:->argument' && return"
		print "\tcase $state in"
		print "\tverb) _describe -t verbs verb verbs ;;"
		print "\targument)"
		print "\t\tcase $words[1] in"
		for (v = 1; v <= n_verbs; v++) {
			print "\t\t" verb[v] ")"
			print "\t\t\t_arguments -s -S $shared \\"
			for (i = 1; i <= n_options; i++)
				if (verb_takes(v, i))
					print "\t\t\t\t" specification(i) " \\"
			n = split(verb_arguments[v], names, " ")
			for (i = 1; i <= n; i++) {
				optional = names[i] ~ /^\[/ ? "::" : ":"
				print "\t\t\t\t" quote(i optional tolower(argument_name(names[i])) ":" \
						      action(argument_kind(names[i]), "")) " \\"
			}
			print "\t\t\t\t;;"
		}
		print "\t\tesac"
		print "\t\t;;"
		print "\tesac"
	}
	print "}"
	print ""
	print "_" function_name " \"$@\""
}

function argument_name(name) {
	gsub(/[][]/, "", name)
	return name
}
