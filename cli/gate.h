/* The gate's options. */
#ifndef CLI_GATE_H
#define CLI_GATE_H

#include "cli/option.h"
#include "flow/gate.h"

struct cli_gate {
	struct mlops_gate rule;
	bool given; /* any of the options */
};

#define CLI_GATE_INIT { .rule = MLOPS_GATE_INIT }

#define CLI_GATE_OPTIONS(type, member) \
	{ "margin", 0, CLI_REAL, offsetof(type, member.rule.margin), "D", \
	  "the challenger must be better than the champion by so much (default 0: no worse)", 0, 1, \
	  .group = "Gate", .given = offsetof(type, member.given) }, \
	{ "critical-loss", 0, CLI_REAL, offsetof(type, member.rule.critical), "D", \
	  "reject a challenger with a figure that is worse by more than this (default 0.05)", 0, 1, \
	  .given = offsetof(type, member.given) }, \
	{ "gate-min-rows", 0, CLI_UINT, offsetof(type, member.rule.min_rows), "N", \
	  "decide nothing on fewer rows, for forecasts windows (default 100)", 1, 4294967295.0, \
	  .given = offsetof(type, member.given) }, \
	{ "min-accuracy", 0, CLI_REAL, offsetof(type, member.rule.min_accuracy), "A", \
	  "reject a challenger that is less accurate, whatever the champion is (default: no such floor)", 0, 1, \
	  .given = offsetof(type, member.given) }

/* The names of these options, for verbs that have them as their own. */
#define CLI_GATE_OPTION_NAMES "margin critical-loss gate-min-rows min-accuracy"

#endif
