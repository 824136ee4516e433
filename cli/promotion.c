#include "cli/promotion.h"

#include "cli/common.h"
#include "cli/model_file.h"

#include <stdio.h>

/* Which version is champion now?  That a server can't be asked must not keep a model from being trained: then it is unknown. */
static bool ask(struct cli_promotion *promotion, uint32_t *champion, struct mlops_error *error)
{
	struct mlops_error trouble = MLOPS_ERROR_INIT;
	struct mlops_version version;

	if (mlops_store_champion(promotion->store, promotion->name, &version, &trouble)) {
		*champion = version.version;
		mlops_version_release(&version);
		return true;
	}
	if (trouble.code != MLOPS_UNAVAILABLE && trouble.code != MLOPS_DENIED)
		return mlops_error_set(error, trouble.code, "%s", trouble.message);
	promotion->unknown = true;
	promotion->trouble = trouble;
	*champion = 0;
	return true;
}

struct mlops_model *cli_promotion_champion(void *context, struct mlops_error *error)
{
	struct cli_promotion *promotion = context;
	struct mlops_reference reference = { .version = 0 };
	struct cli_model loaded = { .model = NULL };
	struct mlops_model *model;

	if (!ask(promotion, &promotion->champion, error))
		return NULL;
	promotion->asked = true;
	reference.version = promotion->champion;
	if (reference.version == 0)
		return NULL;
	snprintf(reference.name, sizeof reference.name, "%s", promotion->name);
	/* a champion that is damaged must not keep a model from being trained */
	if (!cli_model_load_from(promotion->store, &reference, NULL, &loaded, &promotion->trouble))
		cli_notice("the champion can't be loaded: %s", promotion->trouble.message);
	model = loaded.model;
	loaded.model = NULL;
	cli_model_release(&loaded);
	return model;
}

bool cli_promotion_rule(struct cli_promotion *promotion, const struct mlops_contest *contest, struct mlops_error *error)
{
	struct mlops_contest *ruled = &promotion->contest;
	struct mlops_ruling *ruling = &promotion->ruling;
	uint32_t now = 0;

	if (!promotion->unknown && !ask(promotion, &now, error))
		return false;
	if (!promotion->asked)
		promotion->champion = now;
	*ruled = *contest;
	ruled->has_champion = promotion->champion > 0 || promotion->unknown;
	if (promotion->trouble.code != MLOPS_OK)
		snprintf(ruled->obstacle, sizeof ruled->obstacle, "%.299s", promotion->trouble.message);
	mlops_gate_rule(promotion->gate, ruled, ruling);
	if (now != promotion->champion && ruling->verdict == MLOPS_PROMOTE)
		mlops_ruling_set(ruling, MLOPS_HOLD, "champion_changed",
				 "version %u became the champion meanwhile, and was not compared with", now);
	if (ruling->verdict == MLOPS_REJECT && !promotion->force)
		promotion->refusal = ruling->message;
	return mlops_ruling_describe(promotion->gate, ruled, ruling, &promotion->described, error);
}

static bool make_champion(struct cli_promotion *promotion, const struct mlops_version *version, struct mlops_error *error)
{
	char why[sizeof promotion->ruling.message + 16];
	struct mlops_change change = {
		.name = (char *)(uintptr_t)promotion->name, .alias = (char *)(uintptr_t)MLOPS_CHAMPION, .to = version->version,
		.when = cli_now(), .who = promotion->who, .why = (char *)(uintptr_t)promotion->reason,
	};

	if (promotion->reason == NULL) {
		snprintf(why, sizeof why, "%s%s", promotion->described.kept.forced ? "forced: " : "", promotion->ruling.message);
		change.why = why;
	}
	promotion->promoted = mlops_store_promote(promotion->store, &change, error);
	if (!promotion->promoted)
		cli_notice("version %u of model '%s' is registered, but is not the champion", version->version,
			   promotion->name);
	return promotion->promoted;
}

bool cli_promotion_end(struct cli_promotion *promotion, const struct mlops_version *version, struct mlops_error *error)
{
	struct mlops_decision *kept = &promotion->described.kept;
	bool passes = promotion->ruling.verdict == MLOPS_PROMOTE;

	kept->name = (char *)(uintptr_t)promotion->name;
	kept->run_id = version->run_id;
	kept->challenger = version->version;
	kept->champion = promotion->champion;
	kept->forced = promotion->force && !passes;
	kept->when = cli_now();
	kept->who = (char *)(uintptr_t)cli_who(promotion->who);
	if (!mlops_store_add_decision(promotion->store, kept, error))
		return false;
	if (!passes && !promotion->force)
		return mlops_error_set(error, MLOPS_NEGATIVE,
				       "version %u of model '%s' is registered but not promoted: %s (--force promotes it all the "
				       "same)", version->version, promotion->name, promotion->ruling.message);
	return make_champion(promotion, version, error);
}

void cli_promotion_release(struct cli_promotion *promotion)
{
	mlops_described_ruling_release(&promotion->described);
}
