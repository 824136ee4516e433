/* Who changed which alias when, put together from the versions' tags and from what this ledger remembers. */
#include "registry/remote.h"

#include "base/json_writer.h"
#include "base/number.h"
#include "base/text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define CHANGE_KEY "mlops.change."

static char *copy_member(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL ? NULL : strdup(text);
}

static bool read_number(json_t *object, const char *key, uint32_t *number)
{
	json_t *value = json_object_get(object, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > UINT32_MAX)
		return false;
	*number = (uint32_t)json_integer_value(value);
	return true;
}

bool mlops_remote_read_change(const char *name, const char *key, const char *value, struct mlops_outbox_change *item)
{
	static const char *const actions[] = { "promote", "rollback", "alias", "remove" };
	struct mlops_change *change = &item->change;
	uint64_t ordinal;
	json_t *object;
	bool ok;

	memset(item, 0, sizeof *item);
	if (strncmp(key, CHANGE_KEY, strlen(CHANGE_KEY)) != 0)
		return false;
	key += strlen(CHANGE_KEY);
	if (!mlops_number_parse_uint(key, strlen(key), &ordinal) || ordinal > INT64_MAX / 2)
		return false;
	object = json_loads(value, 0, NULL);
	ok = json_is_object(object) && read_number(object, "from", &change->from) &&
	     read_number(object, "to", &change->to) && json_is_integer(json_object_get(object, "when"));
	if (ok) {
		item->ordinal = (int64_t)ordinal;
		change->name = strdup(name);
		change->alias = copy_member(object, "alias");
		change->action = copy_member(object, "action");
		change->when = json_integer_value(json_object_get(object, "when"));
		change->who = copy_member(object, "who");
		change->why = copy_member(object, "why");
		ok = change->name != NULL && change->alias != NULL && change->action != NULL;
	}
	json_decref(object);
	for (size_t i = 0; ok && strcmp(change->action, actions[i]) != 0;)
		ok = ++i < sizeof actions / sizeof actions[0];
	if (!ok)
		mlops_change_release(change);
	return ok;
}

bool mlops_remote_write_change(const struct mlops_change *change, struct mlops_buffer *value,
			       struct mlops_error *error)
{
	struct mlops_json json = { .out = value };
	const char *why = change->why;
	size_t length = why == NULL ? 0 : strlen(why);

	/* In JSON a byte may take six: what is too long for a tag loses its end. */
	if (length > MLOPS_REMOTE_TEXT / 8) {
		length = MLOPS_REMOTE_TEXT / 8;
		while (length > 0 && ((unsigned char)why[length] & 0xc0) == 0x80)
			length--;
	}
	mlops_json_open(&json, '{');
	mlops_json_member_string(&json, "alias", change->alias);
	mlops_json_member_string(&json, "action", change->action);
	mlops_json_member_uint(&json, "from", change->from);
	mlops_json_member_uint(&json, "to", change->to);
	mlops_json_key(&json, "when");
	mlops_json_int(&json, change->when);
	if (change->who != NULL)
		mlops_json_member_string(&json, "who", change->who);
	if (why != NULL) {
		mlops_json_key(&json, "why");
		mlops_json_text(&json, why, length);
	}
	mlops_json_close(&json, '}');
	mlops_buffer_string(value);
	return !value->failed || mlops_error_set_memory(error);
}

/* The changes that versions' tags tell of, appended in no order. */
static bool read_changes(const struct mlops_mlflow_version_list *versions, struct mlops_outbox_change_list *changes,
			 struct mlops_error *error)
{
	for (size_t v = 0; v < versions->n; v++) {
		const struct mlops_mlflow_version *version = &versions->items[v];

		for (size_t t = 0; t < version->n_tags; t++) {
			struct mlops_outbox_change read, *item;
			void *items = changes->items;

			if (!mlops_remote_read_change(version->name, version->tags[t].key, version->tags[t].value,
						      &read))
				continue;
			item = mlops_ledger_append(&items, &changes->n, sizeof *item, error);
			changes->items = items;
			if (item == NULL) {
				mlops_change_release(&read.change);
				return false;
			}
			*item = read;
		}
	}
	return true;
}

static int compare_numbers(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

static int by_order(const void *a, const void *b)
{
	const struct mlops_outbox_change *x = a, *y = b;
	int order = compare_numbers(x->ordinal, y->ordinal);

	if (order == 0)
		order = strcmp(x->change.name, y->change.name);
	if (order == 0)
		order = strcmp(x->change.alias, y->change.alias);
	if (order == 0)
		order = compare_numbers(x->change.to, y->change.to);
	return order != 0 ? order : compare_numbers(x->change.from, y->change.from);
}

void mlops_remote_sort_changes(struct mlops_outbox_change_list *changes)
{
	size_t kept = 0;

	if (changes->n == 0)
		return;
	qsort(changes->items, changes->n, sizeof changes->items[0], by_order);
	for (size_t i = 0; i < changes->n; i++) {
		if (kept > 0 && by_order(&changes->items[kept - 1], &changes->items[i]) == 0)
			mlops_change_release(&changes->items[i].change);
		else
			changes->items[kept++] = changes->items[i];
	}
	changes->n = kept;
}

static void put(struct mlops_remote_stack *stack, uint32_t version)
{
	if (version != 0 && (stack->n == 0 || stack->versions[stack->n - 1] != version))
		stack->versions[stack->n++] = version;
}

static void roll_back(struct mlops_remote_stack *stack, uint32_t version)
{
	for (size_t i = stack->n; i > 0; i--)
		if (stack->versions[i - 1] == version) {
			stack->n = i;
			return;
		}
	put(stack, version);
}

static bool is_there(const struct mlops_mlflow_version_list *versions, uint32_t version)
{
	for (size_t i = 0; i < versions->n; i++)
		if (versions->items[i].version == version)
			return true;
	return false;
}

bool mlops_remote_replay(struct mlops_remote_state *state, struct mlops_error *error)
{
	struct mlops_remote_stack *stack = &state->stack;
	uint32_t champion = 0;
	size_t kept = 0;

	stack->versions = calloc(2 * state->changes.n + 1, sizeof *stack->versions);
	if (stack->versions == NULL)
		return mlops_error_set_memory(error);
	for (size_t i = 0; i < state->changes.n; i++) {
		const struct mlops_change *change = &state->changes.items[i].change;

		if (strcmp(change->alias, MLOPS_CHAMPION) != 0)
			continue;
		if (change->from != champion)
			put(stack, change->from);
		if (strcmp(change->action, "rollback") == 0)
			roll_back(stack, change->to);
		else
			put(stack, change->to);
		champion = change->to;
	}
	if (mlops_remote_alias(&state->models.items[0], MLOPS_CHAMPION) != champion)
		put(stack, mlops_remote_alias(&state->models.items[0], MLOPS_CHAMPION));
	for (size_t i = 0; i < stack->n; i++)
		if (is_there(&state->versions, stack->versions[i]))
			stack->versions[kept++] = stack->versions[i];
	stack->n = kept;
	return true;
}

void mlops_remote_state_release(struct mlops_remote_state *state)
{
	mlops_mlflow_model_list_release(&state->models);
	mlops_mlflow_version_list_release(&state->versions);
	mlops_outbox_change_list_release(&state->changes);
	free(state->stack.versions);
	memset(state, 0, sizeof *state);
}

bool mlops_remote_state_read(struct mlops_store *store, const char *name, struct mlops_remote_state *state,
			     struct mlops_error *error)
{
	struct mlops_remote *remote = store->remote;

	memset(state, 0, sizeof *state);
	if (mlops_remote_model(store, name, &state->models, error) &&
	    mlops_mlflow_versions(remote->mlflow, name, &state->versions, error) &&
	    read_changes(&state->versions, &state->changes, error) &&
	    mlops_outbox_changes(store, remote->server, name, &state->changes, error)) {
		mlops_remote_sort_changes(&state->changes);
		if (mlops_remote_replay(state, error))
			return true;
	}
	mlops_remote_state_release(state);
	return false;
}

bool mlops_remote_find_version(const struct mlops_remote_state *state, const char *name, uint32_t version,
			       struct mlops_error *error)
{
	char quoted[MLOPS_TEXT_QUOTED];
	uint32_t newest = 0;

	if (is_there(&state->versions, version))
		return true;
	for (size_t i = 0; i < state->versions.n; i++)
		if (state->versions.items[i].version > newest)
			newest = state->versions.items[i].version;
	mlops_text_mask(quoted, name, strlen(name));
	if (newest == 0)
		return mlops_error_set(error, MLOPS_DATA,
				       "model '%s' has no version %u: all its versions are deleted", quoted, version);
	return mlops_error_set(error, MLOPS_DATA, "model '%s' has no version %u; the newest is %u", quoted, version,
			       newest);
}

uint32_t mlops_remote_earlier(const struct mlops_remote_state *state, uint32_t champion, uint32_t to)
{
	for (size_t i = state->stack.n; i > 0; i--) {
		uint32_t version = state->stack.versions[i - 1];

		if (version != champion && (to == 0 || version == to))
			return version;
	}
	return 0;
}

/* Newest first, what is asked for; takes the changes over. */
static bool hand_over(struct mlops_outbox_change_list *from, bool all_aliases, struct mlops_change_list *to,
		      struct mlops_error *error)
{
	if (from->n == 0)
		return true;
	to->items = calloc(from->n, sizeof *to->items);
	if (to->items == NULL)
		return mlops_error_set_memory(error);
	for (size_t i = from->n; i > 0; i--) {
		struct mlops_change *change = &from->items[i - 1].change;

		if (!all_aliases && strcmp(change->alias, MLOPS_CHAMPION) != 0)
			continue;
		to->items[to->n++] = *change;
		memset(change, 0, sizeof *change);
	}
	return true;
}

bool mlops_remote_history(struct mlops_store *store, const char *name, bool all_aliases,
			  struct mlops_change_list *changes, struct mlops_error *error)
{
	struct mlops_remote *remote = store->remote;
	struct mlops_mlflow_model_list models = { .n = 0 };
	struct mlops_mlflow_version_list versions = { .n = 0 };
	struct mlops_outbox_change_list found = { .n = 0 };
	bool ok;

	memset(changes, 0, sizeof *changes);
	ok = (name == NULL || mlops_remote_model(store, name, &models, error)) &&
	     mlops_mlflow_versions(remote->mlflow, name, &versions, error) &&
	     read_changes(&versions, &found, error) &&
	     mlops_outbox_changes(store, remote->server, name, &found, error);
	if (ok) {
		mlops_remote_sort_changes(&found);
		ok = hand_over(&found, all_aliases, changes, error);
	}
	mlops_mlflow_model_list_release(&models);
	mlops_mlflow_version_list_release(&versions);
	mlops_outbox_change_list_release(&found);
	return ok;
}
