# The tools as their users call them.
BATS_TESTS = \
	%D%/bad_input.bats \
	%D%/examples.bats \
	%D%/forecast.bats \
	%D%/gate.bats \
	%D%/handoff.bats \
	%D%/in_step.bats \
	%D%/long.bats \
	%D%/metrics.bats \
	%D%/plant-simulator.bats \
	%D%/plot.bats \
	%D%/quality.bats \
	%D%/real_files.bats \
	%D%/registry.bats \
	%D%/reload.bats \
	%D%/retrain.bats \
	%D%/score.bats \
	%D%/serve.bats \
	%D%/serve_load.bats \
	%D%/times.bats \
	%D%/train.bats \
	%D%/train_forecast.bats \
	%D%/validate.bats
EXTRA_DIST += $(BATS_TESTS) %D%/support.bash %D%/zsh_offers.zsh
if HAVE_BATS
TESTS += $(BATS_TESTS)
endif
