#include "registry/outbox.h"

#include <stdlib.h>
#include <string.h>

void mlops_outbox_change_list_release(struct mlops_outbox_change_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		mlops_change_release(&list->items[i].change);
	free(list->items);
	memset(list, 0, sizeof *list);
}

void mlops_outbox_tag_list_release(struct mlops_outbox_tag_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->items[i].name);
		free(list->items[i].key);
		free(list->items[i].value);
		free(list->items[i].alias);
	}
	free(list->items);
	memset(list, 0, sizeof *list);
}

static bool read_changes(struct mlops_store *store, const char *server, const char *name,
			 struct mlops_outbox_change_list *changes, struct mlops_error *error)
{
	struct mlops_ledger_query query = mlops_ledger_query(
		store,
		"SELECT name, alias, action, from_version, to_version, changed, who, why, ordinal FROM remote_changes"
		" WHERE server = ?1 AND (?2 IS NULL OR name = ?2) ORDER BY id",
		error);

	mlops_ledger_bind_text(&query, server);
	mlops_ledger_bind_text(&query, name);
	for (struct mlops_outbox_change *item;
	     (item = mlops_ledger_row_into(&query, &changes->items, &changes->n, sizeof *item)) != NULL;) {
		item->change.name = mlops_ledger_text(&query, 0);
		item->change.alias = mlops_ledger_text(&query, 1);
		item->change.action = mlops_ledger_text(&query, 2);
		item->change.from = mlops_ledger_version(&query, 3);
		item->change.to = mlops_ledger_version(&query, 4);
		item->change.when = mlops_ledger_int(&query, 5);
		item->change.who = mlops_ledger_text(&query, 6);
		item->change.why = mlops_ledger_text(&query, 7);
		item->ordinal = mlops_ledger_int(&query, 8);
	}
	return mlops_ledger_done(&query);
}

bool mlops_outbox_changes(struct mlops_store *store, const char *server, const char *name,
			  struct mlops_outbox_change_list *changes, struct mlops_error *error)
{
	bool ok;

	if (!mlops_outbox_exists(store))
		return true;
	if (!mlops_ledger_begin(store, LEDGER_READ, error))
		return false;
	ok = read_changes(store, server, name, changes, error);
	return mlops_ledger_end(store, ok, error);
}

static bool forget_waiting(struct mlops_store *store, const char *server, const struct mlops_outbox_tag *tag,
			   struct mlops_error *error)
{
	struct mlops_ledger_query query = mlops_ledger_query(
		store, "DELETE FROM remote_tags WHERE server = ? AND name = ? AND alias = ?", error);

	mlops_ledger_bind_text(&query, server);
	mlops_ledger_bind_text(&query, tag->name);
	mlops_ledger_bind_text(&query, tag->alias);
	return mlops_ledger_done(&query);
}

static bool insert_tag(struct mlops_store *store, const char *server, struct mlops_outbox_tag *tag,
		       struct mlops_error *error)
{
	struct mlops_ledger_query query =
		mlops_ledger_query(store,
				   "INSERT INTO remote_tags (server, name, version, key, value, alias, to_version)"
				   " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
				   error);

	mlops_ledger_bind_text(&query, server);
	mlops_ledger_bind_text(&query, tag->name);
	mlops_ledger_bind_int(&query, tag->version);
	mlops_ledger_bind_text(&query, tag->key);
	mlops_ledger_bind_text(&query, tag->value);
	mlops_ledger_bind_text(&query, tag->alias);
	mlops_ledger_bind_int(&query, tag->to);
	if (mlops_ledger_row(&query))
		tag->id = mlops_ledger_int(&query, 0);
	return mlops_ledger_done(&query);
}

bool mlops_outbox_add_tag(struct mlops_store *store, const char *server, struct mlops_outbox_tag *tag,
			  struct mlops_error *error)
{
	bool ok;

	if (!mlops_ledger_begin(store, LEDGER_WRITE, error))
		return false;
	ok = (tag->alias == NULL || forget_waiting(store, server, tag, error)) &&
	     insert_tag(store, server, tag, error);
	return mlops_ledger_end(store, ok, error);
}

static bool insert_change(struct mlops_store *store, const char *server, const struct mlops_outbox_change *item,
			  struct mlops_error *error)
{
	const struct mlops_change *change = &item->change;
	struct mlops_ledger_query query = mlops_ledger_query(
		store,
		"INSERT INTO remote_changes"
		" (server, name, ordinal, alias, action, from_version, to_version, changed, who, why)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		error);

	mlops_ledger_bind_text(&query, server);
	mlops_ledger_bind_text(&query, change->name);
	mlops_ledger_bind_int(&query, item->ordinal);
	mlops_ledger_bind_text(&query, change->alias);
	mlops_ledger_bind_text(&query, change->action);
	mlops_ledger_bind_int(&query, change->from);
	mlops_ledger_bind_int(&query, change->to);
	mlops_ledger_bind_int(&query, change->when);
	mlops_ledger_bind_text(&query, change->who);
	mlops_ledger_bind_text(&query, change->why);
	return mlops_ledger_done(&query);
}

static bool run_with_id(struct mlops_store *store, const char *sql, int64_t id, struct mlops_error *error)
{
	struct mlops_ledger_query query = mlops_ledger_query(store, sql, error);

	mlops_ledger_bind_int(&query, id);
	return mlops_ledger_done(&query);
}

bool mlops_outbox_confirm(struct mlops_store *store, const char *server, int64_t tag,
			  const struct mlops_outbox_change *change, bool sent, struct mlops_error *error)
{
	const char *sql = sent ? "DELETE FROM remote_tags WHERE id = ?"
			       : "UPDATE remote_tags SET alias = NULL WHERE id = ?";
	bool ok;

	if (!mlops_ledger_begin(store, LEDGER_WRITE, error))
		return false;
	ok = insert_change(store, server, change, error) && run_with_id(store, sql, tag, error);
	return mlops_ledger_end(store, ok, error);
}

bool mlops_outbox_remove_tag(struct mlops_store *store, int64_t tag, struct mlops_error *error)
{
	bool ok;

	if (!mlops_ledger_begin(store, LEDGER_WRITE, error))
		return false;
	ok = run_with_id(store, "DELETE FROM remote_tags WHERE id = ?", tag, error);
	return mlops_ledger_end(store, ok, error);
}

static bool read_tags(struct mlops_store *store, const char *server, struct mlops_outbox_tag_list *tags,
		      struct mlops_error *error)
{
	struct mlops_ledger_query query = mlops_ledger_query(
		store,
		"SELECT id, name, version, key, value, alias, to_version FROM remote_tags WHERE server = ? ORDER BY id",
		error);

	mlops_ledger_bind_text(&query, server);
	for (struct mlops_outbox_tag *tag;
	     (tag = mlops_ledger_row_into(&query, &tags->items, &tags->n, sizeof *tag)) != NULL;) {
		tag->id = mlops_ledger_int(&query, 0);
		tag->name = mlops_ledger_text(&query, 1);
		tag->version = mlops_ledger_version(&query, 2);
		tag->key = mlops_ledger_text(&query, 3);
		tag->value = mlops_ledger_text(&query, 4);
		tag->alias = mlops_ledger_text(&query, 5);
		tag->to = mlops_ledger_version(&query, 6);
	}
	return mlops_ledger_done(&query);
}

bool mlops_outbox_tags(struct mlops_store *store, const char *server, struct mlops_outbox_tag_list *tags,
		       struct mlops_error *error)
{
	bool ok;

	memset(tags, 0, sizeof *tags);
	if (!mlops_outbox_exists(store))
		return true;
	if (!mlops_ledger_begin(store, LEDGER_READ, error))
		return false;
	ok = read_tags(store, server, tags, error);
	ok = mlops_ledger_end(store, ok, error);
	if (!ok)
		mlops_outbox_tag_list_release(tags);
	return ok;
}
