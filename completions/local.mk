# A file a tool and a shell, made from what the tool itself says of its options.
EXTRA_DIST += %D%/generate %D%/table.awk %D%/bash.awk %D%/zsh.awk %D%/fish.awk
