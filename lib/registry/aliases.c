#include "registry/ledger.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

void mlops_change_release(struct mlops_change *change)
{
	free(change->name);
	free(change->alias);
	free(change->action);
	free(change->who);
	free(change->why);
	memset(change, 0, sizeof *change);
}

void mlops_change_list_release(struct mlops_change_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		mlops_change_release(&list->items[i]);
	free(list->items);
	memset(list, 0, sizeof *list);
}

/* 0 when there is none. */
static bool read_alias(struct mlops_store *store, int64_t model, const char *alias, uint32_t *version,
		       struct mlops_error *error)
{
	struct mlops_ledger_query query =
		mlops_ledger_query(store, "SELECT version FROM aliases WHERE model = ? AND alias = ?", error);

	mlops_ledger_bind_int(&query, model);
	mlops_ledger_bind_text(&query, alias);
	*version = mlops_ledger_row(&query) ? mlops_ledger_version(&query, 0) : 0;
	return mlops_ledger_done(&query);
}

static bool write_alias(struct mlops_store *store, int64_t model, const char *alias, uint32_t version,
			struct mlops_error *error)
{
	struct mlops_ledger_query query =
		mlops_ledger_query(store,
				   "INSERT INTO aliases (model, alias, version) VALUES (?, ?, ?)"
				   " ON CONFLICT (model, alias) DO UPDATE SET version = excluded.version",
				   error);

	mlops_ledger_bind_int(&query, model);
	mlops_ledger_bind_text(&query, alias);
	mlops_ledger_bind_int(&query, version);
	return mlops_ledger_done(&query);
}

static bool delete_alias(struct mlops_store *store, int64_t model, const char *alias,
			 struct mlops_error *error)
{
	struct mlops_ledger_query query =
		mlops_ledger_query(store, "DELETE FROM aliases WHERE model = ? AND alias = ?", error);

	mlops_ledger_bind_int(&query, model);
	mlops_ledger_bind_text(&query, alias);
	return mlops_ledger_done(&query);
}

static bool record(struct mlops_store *store, int64_t model, const struct mlops_change *change,
		   const char *alias, const char *action, struct mlops_error *error)
{
	struct mlops_ledger_query query = mlops_ledger_query(
		store,
		"INSERT INTO changes (model, alias, action, from_version, to_version, changed, who, why)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		error);

	mlops_ledger_bind_int(&query, model);
	mlops_ledger_bind_text(&query, alias);
	mlops_ledger_bind_text(&query, action);
	mlops_ledger_bind_int(&query, change->from);
	mlops_ledger_bind_int(&query, change->to);
	mlops_ledger_bind_int(&query, change->when);
	mlops_ledger_bind_text(&query, change->who);
	mlops_ledger_bind_text(&query, change->why);
	return mlops_ledger_done(&query);
}

/* Puts version on top of the promotions, unless it is there already: after its removal it may be champion
 * again. */
static bool push_promotion(struct mlops_store *store, int64_t model, uint32_t version,
			   struct mlops_error *error)
{
	struct mlops_ledger_query query = mlops_ledger_query(
		store,
		"INSERT INTO promotions (model, version) SELECT ?1, ?2 WHERE ?2 IS NOT"
		" (SELECT version FROM promotions WHERE model = ?1 ORDER BY id DESC LIMIT 1)",
		error);

	mlops_ledger_bind_int(&query, model);
	mlops_ledger_bind_int(&query, version);
	return mlops_ledger_done(&query);
}

static bool promote(struct mlops_store *store, struct mlops_change *change, struct mlops_error *error)
{
	int64_t model;

	return mlops_ledger_find_model(store, change->name, &model, error) &&
	       mlops_ledger_find_version(store, model, change->name, change->to, error) &&
	       read_alias(store, model, MLOPS_CHAMPION, &change->from, error) &&
	       (change->from == change->to ||
		(push_promotion(store, model, change->to, error) &&
		 write_alias(store, model, MLOPS_CHAMPION, change->to, error) &&
		 record(store, model, change, MLOPS_CHAMPION, "promote", error)));
}

static bool set_no_earlier(struct mlops_store *store, int64_t model, const struct mlops_change *change,
			   struct mlops_error *error)
{
	char quoted[MLOPS_TEXT_QUOTED];

	mlops_text_mask(quoted, change->name, strlen(change->name));
	if (change->to == 0)
		return mlops_error_set(error, MLOPS_NEGATIVE,
				       "model '%s' has no earlier champion to go back to", quoted);
	if (!mlops_ledger_find_version(store, model, change->name, change->to, error))
		return false;
	if (change->to == change->from)
		return mlops_error_set(error, MLOPS_NEGATIVE,
				       "version %u of model '%s' is the champion already", change->to,
				       quoted);
	return mlops_error_set(error, MLOPS_NEGATIVE,
			       "version %u of model '%s' is no earlier champion; promote it instead",
			       change->to, quoted);
}

/* The latest promotion below the present champion, of change->to if that is not 0. */
static bool find_earlier(struct mlops_store *store, int64_t model, struct mlops_change *change,
			 int64_t *promotion, struct mlops_error *error)
{
	struct mlops_ledger_query query = mlops_ledger_query(
		store,
		"SELECT id, version FROM promotions"
		" WHERE model = ?1 AND version <> ?2 AND (?3 = 0 OR version = ?3)"
		" ORDER BY id DESC LIMIT 1",
		error);
	bool found;

	mlops_ledger_bind_int(&query, model);
	mlops_ledger_bind_int(&query, change->from);
	mlops_ledger_bind_int(&query, change->to);
	found = mlops_ledger_row(&query);
	if (found) {
		*promotion = mlops_ledger_int(&query, 0);
		change->to = mlops_ledger_version(&query, 1);
	}
	return mlops_ledger_done(&query) && (found || set_no_earlier(store, model, change, error));
}

static bool pop_promotions(struct mlops_store *store, int64_t model, int64_t above, struct mlops_error *error)
{
	struct mlops_ledger_query query =
		mlops_ledger_query(store, "DELETE FROM promotions WHERE model = ? AND id > ?", error);

	mlops_ledger_bind_int(&query, model);
	mlops_ledger_bind_int(&query, above);
	return mlops_ledger_done(&query);
}

static bool roll_back(struct mlops_store *store, struct mlops_change *change, struct mlops_error *error)
{
	int64_t model, promotion = 0;

	return mlops_ledger_find_model(store, change->name, &model, error) &&
	       read_alias(store, model, MLOPS_CHAMPION, &change->from, error) &&
	       find_earlier(store, model, change, &promotion, error) &&
	       pop_promotions(store, model, promotion, error) &&
	       write_alias(store, model, MLOPS_CHAMPION, change->to, error) &&
	       record(store, model, change, MLOPS_CHAMPION, "rollback", error);
}

static bool set_alias(struct mlops_store *store, struct mlops_change *change, struct mlops_error *error)
{
	char quoted[MLOPS_TEXT_QUOTED], quoted_alias[MLOPS_TEXT_QUOTED];
	int64_t model;

	if (!mlops_ledger_find_model(store, change->name, &model, error) ||
	    !read_alias(store, model, change->alias, &change->from, error))
		return false;
	if (change->to == 0 && change->from == 0)
		return mlops_error_set(error, MLOPS_DATA, "model '%s' has no alias '%s'",
				       mlops_text_mask(quoted, change->name, strlen(change->name)),
				       mlops_text_mask(quoted_alias, change->alias, strlen(change->alias)));
	if (change->to == 0)
		return delete_alias(store, model, change->alias, error) &&
		       record(store, model, change, change->alias, "remove", error);
	return mlops_ledger_find_version(store, model, change->name, change->to, error) &&
	       (change->from == change->to || (write_alias(store, model, change->alias, change->to, error) &&
					       record(store, model, change, change->alias, "alias", error)));
}

/* One change in one transaction; when it fails, change is as it was. */
static bool apply(struct mlops_store *store, struct mlops_change *change, const char *action,
		  bool (*step)(struct mlops_store *, struct mlops_change *, struct mlops_error *),
		  struct mlops_error *error)
{
	struct mlops_change done = *change;
	bool ok;

	if (!mlops_ledger_begin(store, LEDGER_WRITE, error))
		return false;
	ok = step(store, &done, error);
	ok = mlops_ledger_end(store, ok, error);
	if (ok) {
		*change = done;
		/* The member is not const because lists of changes own theirs. */
		change->action = (char *)(uintptr_t)action;
	}
	return ok;
}

bool mlops_change_check_champion(const struct mlops_change *change, struct mlops_error *error)
{
	char quoted[MLOPS_TEXT_QUOTED];

	if (change->alias == NULL || strcmp(change->alias, MLOPS_CHAMPION) == 0)
		return true;
	return mlops_error_set(error, MLOPS_USAGE,
			       "alias '%s' cannot be promoted or rolled back, only 'champion'",
			       mlops_text_mask(quoted, change->alias, strlen(change->alias)));
}

bool mlops_embedded_promote(struct mlops_store *store, struct mlops_change *change, struct mlops_error *error)
{
	return mlops_change_check_champion(change, error) && apply(store, change, "promote", promote, error);
}

bool mlops_embedded_rollback(struct mlops_store *store, struct mlops_change *change, struct mlops_error *error)
{
	return mlops_change_check_champion(change, error) && apply(store, change, "rollback", roll_back, error);
}

bool mlops_embedded_set_alias(struct mlops_store *store, struct mlops_change *change, struct mlops_error *error)
{
	if (!mlops_reference_check_alias(change->alias, error))
		return false;
	if (change->to == 0)
		return apply(store, change, "remove", set_alias, error);
	/* However the champion is set, rollback has to know. */
	if (strcmp(change->alias, MLOPS_CHAMPION) == 0)
		return mlops_embedded_promote(store, change, error);
	return apply(store, change, "alias", set_alias, error);
}

static bool read_history(struct mlops_store *store, const char *name, bool all_aliases,
			 struct mlops_change_list *changes, struct mlops_error *error)
{
	struct mlops_ledger_query query;
	int64_t model;

	if (name != NULL && !mlops_ledger_find_model(store, name, &model, error))
		return false;
	query = mlops_ledger_query(
		store,
		"SELECT m.name, c.alias, c.action, c.from_version, c.to_version, c.changed, c.who, c.why"
		" FROM changes c JOIN models m ON m.id = c.model"
		" WHERE (?1 IS NULL OR m.name = ?1) AND (?2 OR c.alias = 'champion') ORDER BY c.id DESC",
		error);
	mlops_ledger_bind_text(&query, name);
	mlops_ledger_bind_int(&query, all_aliases);
	for (struct mlops_change *change;
	     (change = mlops_ledger_row_into(&query, &changes->items, &changes->n, sizeof *change)) != NULL;) {
		change->name = mlops_ledger_text(&query, 0);
		change->alias = mlops_ledger_text(&query, 1);
		change->action = mlops_ledger_text(&query, 2);
		change->from = mlops_ledger_version(&query, 3);
		change->to = mlops_ledger_version(&query, 4);
		change->when = mlops_ledger_int(&query, 5);
		change->who = mlops_ledger_text(&query, 6);
		change->why = mlops_ledger_text(&query, 7);
	}
	return mlops_ledger_done(&query);
}

bool mlops_embedded_history(struct mlops_store *store, const char *name, bool all_aliases,
			    struct mlops_change_list *changes, struct mlops_error *error)
{
	bool ok;

	memset(changes, 0, sizeof *changes);
	if (!mlops_ledger_begin(store, LEDGER_READ, error))
		return false;
	ok = read_history(store, name, all_aliases, changes, error);
	ok = mlops_ledger_end(store, ok, error);
	if (!ok)
		mlops_change_list_release(changes);
	return ok;
}
