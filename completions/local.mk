# A file a tool and a shell, made from what the tool itself says of its options.
COMPLETION_MAKERS = %D%/generate %D%/table.awk %D%/bash.awk %D%/zsh.awk %D%/fish.awk
EXTRA_DIST += $(COMPLETION_MAKERS)

bashcompletion_DATA = \
	%D%/bash/mlops-forecast \
	%D%/bash/mlops-plot \
	%D%/bash/mlops-registry \
	%D%/bash/mlops-reload \
	%D%/bash/mlops-retrain \
	%D%/bash/mlops-score \
	%D%/bash/mlops-serve \
	%D%/bash/mlops-train \
	%D%/bash/mlops-validate
zshcompletion_DATA = \
	%D%/zsh/_mlops-forecast \
	%D%/zsh/_mlops-plot \
	%D%/zsh/_mlops-registry \
	%D%/zsh/_mlops-reload \
	%D%/zsh/_mlops-retrain \
	%D%/zsh/_mlops-score \
	%D%/zsh/_mlops-serve \
	%D%/zsh/_mlops-train \
	%D%/zsh/_mlops-validate
fishcompletion_DATA = \
	%D%/fish/mlops-forecast.fish \
	%D%/fish/mlops-plot.fish \
	%D%/fish/mlops-registry.fish \
	%D%/fish/mlops-reload.fish \
	%D%/fish/mlops-retrain.fish \
	%D%/fish/mlops-score.fish \
	%D%/fish/mlops-serve.fish \
	%D%/fish/mlops-train.fish \
	%D%/fish/mlops-validate.fish
COMPLETIONS = $(bashcompletion_DATA) $(zshcompletion_DATA) $(fishcompletion_DATA)
CLEANFILES += $(COMPLETIONS) %D%/stamp %D%/stamp.tmp

%D%/stamp: $(TOOLS) $(COMPLETION_MAKERS)
	$(AM_V_GEN)rm -f $@ && \
	$(MKDIR_P) %D%/bash %D%/zsh %D%/fish && \
	for tool in $(TOOLS); do \
		make_completions="$(srcdir)/%D%/generate" && \
		./$$tool --list-options > $@.tmp && \
		AWK='$(AWK)' $$make_completions bash $$tool < $@.tmp > %D%/bash/$$tool && \
		AWK='$(AWK)' $$make_completions zsh $$tool < $@.tmp > %D%/zsh/_$$tool && \
		AWK='$(AWK)' $$make_completions fish $$tool < $@.tmp > %D%/fish/$$tool.fish || exit 1; \
	done && \
	mv $@.tmp $@

# Whoever deletes one of them gets it again.
$(COMPLETIONS): %D%/stamp
	@test -f $@ || { rm -f %D%/stamp; $(MAKE) $(AM_MAKEFLAGS) %D%/stamp; }
