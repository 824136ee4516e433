/*
 * A version on its way to be champion: the champion that it is judged against, the gate's ruling, and the ledger's line
 * about that.
 *
 *	struct cli_promotion promotion = { .store = store, .name = name, .gate = &gate };
 *	request.champion = cli_promotion_champion;
 *	request.champion_context = &promotion;
 *	mlops_flow_train(&request, &result, &error);
 *	cli_promotion_rule(&promotion, &result.contest, &error);
 *	... the version is registered; promotion.refusal is why its run has failed ...
 *	cli_promotion_end(&promotion, &version, &error);                    // MLOPS_NEGATIVE: refused
 *	cli_promotion_release(&promotion);
 */
#ifndef CLI_PROMOTION_H
#define CLI_PROMOTION_H

#include "flow/gate.h"

struct cli_promotion {
	struct mlops_store *store;
	const char *name;                   /* of the model */
	const struct mlops_gate *gate;
	const char *reason;                 /* for the history; NULL: what the gate says */
	bool force;                         /* promote whatever the gate says */

	bool asked;                         /* for the champion */
	uint32_t champion;                  /* its version; 0: there is none */
	bool unknown;                       /* the server that knows it can't be asked */
	struct mlops_error trouble;         /* why it can't be loaded or asked for */
	struct mlops_contest contest;       /* what is ruled on */
	struct mlops_ruling ruling;
	const char *refusal;                /* of a rejected version that is not forced; else NULL */
	struct mlops_described_ruling described;
	char who[256];
	bool promoted;
};

/* For struct mlops_train_request. */
struct mlops_model *cli_promotion_champion(void *context, struct mlops_error *error);
bool cli_promotion_rule(struct cli_promotion *promotion, const struct mlops_contest *contest, struct mlops_error *error);
bool cli_promotion_end(struct cli_promotion *promotion, const struct mlops_version *version, struct mlops_error *error);
void cli_promotion_release(struct cli_promotion *promotion);

#endif
