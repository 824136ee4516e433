# Reads what TOOL --list-options prints (cli/help.h says what the fields are), for bash.awk, zsh.awk and fish.awk.
BEGIN { FS = "\t" }

$1 == "verb" {
	n_verbs++
	verb[n_verbs] = $2
	verb_arguments[n_verbs] = $3 == "-" ? "" : $3
	verb_options[n_verbs] = $4 == "-" ? "" : $4
	verb_help[n_verbs] = $5
	next
}

{
	n_options++
	option[n_options] = $1
	short[n_options] = $2 == "-" ? "" : $2
	argument[n_options] = $4 == "-" ? "" : $4
	repeats[n_options] = $3 == "list" || $3 == "repeat"
	completion[n_options] = $5
	help[n_options] = $6
}

END {
	if (n_options == 0) {
		print "generate: " tool " --list-options says nothing" > "/dev/stderr"
		exit 1
	}
	function_name = tool
	gsub(/-/, "_", function_name)
	write()
}

function verb_takes(v, i) {
	return index(" " verb_options[v] " ", " " option[i] " ") > 0
}

# Options that no verb names as its own belong to all.
function is_shared(i, v) {
	for (v = 1; v <= n_verbs; v++)
		if (verb_takes(v, i))
			return 0
	return 1
}

# What a shell may offer for an option's value: models, references (models, or files), files, directories, nothing,
# or the words that kind_words then holds.
function option_kind(i) {
	kind_words = ""
	if (completion[i] == "model")
		return argument[i] == "REF" ? "references" : "models"
	if (completion[i] == "file")
		return "files"
	if (completion[i] == "directory")
		return "directories"
	if (completion[i] == "none")
		return "nothing"
	kind_words = completion[i]
	gsub(/\|/, " ", kind_words)
	return "words"
}

# The same for an argument, by its name in the verb's synopsis.
function argument_kind(name) {
	gsub(/[][]/, "", name)
	if (name == "NAME")
		return "models"
	if (name == "REF")
		return "references"
	if (name == "FILE" || name == "PATH")
		return "files"
	return "nothing"
}

# text with every byte of the bracket expression bytes preceded by a backslash
function escape(text, bytes, result, i, c) {
	result = ""
	for (i = 1; i <= length(text); i++) {
		c = substr(text, i, 1)
		result = result (index(bytes, c) ? "\\" : "") c
	}
	return result
}

# The command that prints the names of the registered models.
function list_models() {
	return "command mlops-registry list 2>/dev/null | sed -n 's/^{\"name\":\"\\([^\"\\\\]*\\)\".*/\\1/p' | sort -u"
}
