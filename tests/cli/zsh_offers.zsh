# zsh_offers.zsh DIRECTORY LINE: the long options that zsh lists behind LINE, with the completions of DIRECTORY.
zmodload zsh/zpty
zpty shell zsh -f -i

# Everything up to the marker, which no echo of a command line can hold, since there it is in two parts.
wait_for() {
	local text chunk
	integer end=$(( SECONDS + 60 ))
	while [[ $text != *$1* ]] && (( SECONDS < end )); do
		if zpty -r -t shell chunk; then
			text+=$chunk
		else
			sleep 0.02
		fi
	done
	print -r -- $text
	[[ $text == *$1* ]]
}

zpty -w shell "stty cols 300 rows 300; COLUMNS=300 LINES=300 PS1= LISTMAX=0; unset RPS1 PROMPT_SP; setopt no_beep"
zpty -w shell "fpath=(${(q)1} \$fpath); autoload -Uz compinit; compinit -u -D; zstyle ':completion:*' list-colors ''"
# Keys that mean nothing to a terminal which the shell has not yet taken over.
zpty -w shell "bindkey '^T' list-choices; bindkey '^B' kill-whole-line"
zpty -w shell "print REA''DY"
wait_for READY > /dev/null || exit 1
# ^T lists (every tool has --version); then the line is killed and a last command says that it is over.
zpty -w -n shell $2$'\C-t'
listing=$(wait_for --version)
zpty -w -n shell $'\C-b'
zpty -w shell "print DO''NE"
# The newline is the one that $() cut off behind the first part.
listing+=$'\n'$(wait_for DONE) || exit 1
# Of a line only what stands before its description, without escape sequences.
print -r -- $listing | tr -d '\r' | sed -e $'s/\e\\[[0-9;?]*[a-zA-Z]//g' -e 's/ -- .*//' |
	grep -oE '(^| )--[a-z][a-z-]*' | tr -d ' '
zpty -d shell
