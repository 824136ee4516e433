/* The store on a server, as far as no server is needed: what is remembered, what is made of what comes back. */
#include "registry_fixture.h"

#include "base/rng.h"
#include "base/sha256.h"
#include "registry/cache.h"
#include "registry/recall.h"
#include "registry/remote.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char pump[] = "pump";

/* The cache. */

static void cached_path(const struct fixture *fixture, const char *sha256, char path[512])
{
	snprintf(path, 512, "%s/cache/%s.onnx", fixture->registry, sha256);
}

static void add_numbered(const struct fixture *fixture, uint32_t number, char sha256[MLOPS_SHA256_TEXT])
{
	unsigned char bytes[100];

	fixture_bytes(bytes, number, sizeof bytes);
	mlops_sha256_of(bytes, sizeof bytes, sha256);
	mlops_cache_add(fixture->registry, sha256, bytes, sizeof bytes);
}

static bool is_cached(const struct fixture *fixture, const char *sha256)
{
	struct mlops_buffer found = MLOPS_BUFFER_INIT;
	bool there = mlops_cache_read(fixture->registry, sha256, &found);

	assert_int_equal(found.length, there ? 100 : 0);
	mlops_buffer_release(&found);
	return there;
}

static void a_cached_file_is_what_its_name_says(void **state)
{
	const struct fixture *fixture = *state;
	struct mlops_buffer found = MLOPS_BUFFER_INIT;
	char sha256[MLOPS_SHA256_TEXT], path[512];
	FILE *file;

	add_numbered(fixture, 1, sha256);
	mlops_buffer_append(&found, "x", 1);
	assert_true(mlops_cache_read(fixture->registry, sha256, &found));
	assert_int_equal(found.length, 101);
	cached_path(fixture, sha256, path);
	file = fopen(path, "r+");
	assert_non_null(file);
	assert_int_equal(fputc('!', file), '!');
	assert_int_equal(fclose(file), 0);
	assert_false(mlops_cache_read(fixture->registry, sha256, &found));
	assert_int_equal(found.length, 101);
	mlops_buffer_release(&found);
	add_numbered(fixture, 1, sha256);
	assert_true(is_cached(fixture, sha256));
	assert_int_equal(unlink(path), 0);
	assert_false(is_cached(fixture, sha256));
}

static void the_cache_keeps_what_was_used_last(void **state)
{
	const struct fixture *fixture = *state;
	char sha256[MLOPS_CACHE_FILES + 2][MLOPS_SHA256_TEXT], path[512];

	for (uint32_t i = 0; i < MLOPS_CACHE_FILES; i++) {
		struct timespec times[2] = { { .tv_sec = 1000 + i }, { .tv_sec = 1000 + i } };

		add_numbered(fixture, i, sha256[i]);
		cached_path(fixture, sha256[i], path);
		assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	}
	assert_true(is_cached(fixture, sha256[0])); /* which makes it the latest */
	snprintf(path, sizeof path, "%s/cache/README", fixture->registry);
	assert_int_equal(fclose(fopen(path, "w")), 0);
	add_numbered(fixture, MLOPS_CACHE_FILES, sha256[MLOPS_CACHE_FILES]);
	add_numbered(fixture, MLOPS_CACHE_FILES + 1, sha256[MLOPS_CACHE_FILES + 1]);
	for (uint32_t i = 0; i < MLOPS_CACHE_FILES + 2; i++)
		assert_int_equal(is_cached(fixture, sha256[i]), i != 1 && i != 2);
	assert_int_equal(access(path, F_OK), 0);
}

static void a_cache_that_cannot_be_written_is_no_error(void **state)
{
	const struct fixture *fixture = *state;
	char sha256[MLOPS_SHA256_TEXT];

	assert_int_equal(fclose(fopen(fixture->registry, "w")), 0);
	add_numbered(fixture, 1, sha256);
	assert_false(is_cached(fixture, sha256));
}

/* What a server said. */

static char *text_of(const char *text)
{
	char *copy = strdup(text);

	assert_non_null(copy);
	return copy;
}

static struct mlops_version a_version(uint32_t number, const char *sha256)
{
	struct mlops_version version = {
		.name = text_of("pump \"1\""), .version = number, .kind = text_of("anomaly_detection"), .size = 77,
		.created = 1700000000123456, .run_id = number == 1 ? NULL : text_of("0123"), .rows = 9,
		.metrics = text_of("{\"f1\":0.5}"), .settings = text_of("{}"), .features = text_of("[\"a\"]"),
		.aliases = text_of("[\"champion\"]"), .champion = number == 2,
	};

	memcpy(version.sha256, sha256, strlen(sha256) + 1);
	return version;
}

static void an_answer_is_remembered(void **state)
{
	static const char hash[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
	const struct fixture *fixture = *state;
	struct mlops_version items[3] = { a_version(1, hash), a_version(2, hash), a_version(3, "") };
	struct mlops_version_list said = { .n = 3, .items = items }, found;

	assert_false(mlops_recall_take(fixture->registry, "http://a", "pump@champion", &found));
	mlops_recall_keep(fixture->registry, "http://a", "pump@champion", &said);
	mlops_recall_keep(fixture->registry, "http://a", "pump@champion", &said); /* the same again */
	assert_false(mlops_recall_take(fixture->registry, "http://b", "pump@champion", &found));
	assert_false(mlops_recall_take(fixture->registry, "http://a", "pump/2", &found));
	assert_true(mlops_recall_take(fixture->registry, "http://a", "pump@champion", &found));
	assert_int_equal(found.n, 2); /* a file that can't be checked is not taken from a cache */
	for (size_t i = 0; i < found.n; i++) {
		const struct mlops_version *was = &items[i], *is = &found.items[i];

		assert_int_equal(is->version, was->version);
		assert_string_equal(is->name, was->name);
		assert_string_equal(is->kind, was->kind);
		assert_string_equal(is->sha256, was->sha256);
		assert_int_equal(is->size, was->size);
		assert_int_equal(is->created, was->created);
		assert_int_equal(is->rows, was->rows);
		assert_int_equal(is->champion, was->champion);
		assert_int_equal(is->run_id == NULL, was->run_id == NULL);
		assert_string_equal(is->metrics, was->metrics);
		assert_string_equal(is->settings, was->settings);
		assert_string_equal(is->features, was->features);
		assert_string_equal(is->aliases, was->aliases);
	}
	mlops_version_list_release(&found);
	said.n = 1;
	mlops_recall_keep(fixture->registry, "http://a", "pump@champion", &said);
	assert_true(mlops_recall_take(fixture->registry, "http://a", "pump@champion", &found));
	assert_int_equal(found.n, 1);
	mlops_version_list_release(&found);
	for (size_t i = 0; i < 3; i++)
		mlops_version_release(&items[i]);
}

static void write_answer(const struct fixture *fixture, const char *text)
{
	char asked[] = "http://a\npump@champion", sha256[MLOPS_SHA256_TEXT], path[512];
	FILE *file;

	mlops_sha256_of(asked, strlen(asked), sha256);
	snprintf(path, sizeof path, "%s/cache/%s.json", fixture->registry, sha256);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void a_damaged_answer_is_none(void **state)
{
	static const char *const texts[] = { "", "[", "{}", "null", "[1]", "[{}]", "[{\"name\":\"a\",\"version\":1}]" };
	const struct fixture *fixture = *state;
	struct mlops_version_list found = { .n = 0 };

	mlops_recall_keep(fixture->registry, "http://a", "pump@champion", &found);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		write_answer(fixture, texts[i]);
		assert_false(mlops_recall_take(fixture->registry, "http://a", "pump@champion", &found));
		assert_int_equal(found.n, 0);
	}
	write_answer(fixture, "[]");
	assert_true(mlops_recall_take(fixture->registry, "http://a", "pump@champion", &found));
	mlops_version_list_release(&found);
}

/* Tags. */

static void json_of_a_tag(void **state)
{
	static const struct {
		const char *text;
		char bracket;
		const char *expected;
	} cases[] = {
		{ "{\"a\":1}", '{', "{\"a\":1}" },      { "{\"a\":\n1}", '{', "{\"a\": 1}" },
		{ " [\"a\\n\"]", '[', " [\"a\\n\"]" }, { "[1]", '{', NULL },
		{ "{\"a\":1", '{', NULL },             { "{} {}", '{', NULL },
		{ "{\"a\n\":1}", '{', NULL },          { "", '{', NULL },
		{ NULL, '{', NULL },                   { "{\"a\":NaN}", '{', NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char *found = mlops_remote_json(cases[i].text, cases[i].bracket);

		if (cases[i].expected == NULL)
			assert_null(found);
		else
			assert_string_equal(found, cases[i].expected);
		free(found);
	}
}

static void a_change_survives_its_tag(void **state)
{
	char why[3000], long_why[9000];
	const char *const reasons[] = { "by night \"\\\n\x01 é", NULL, "", why, long_why };

	(void)state;
	memset(why, 'w', sizeof why - 1);
	why[sizeof why - 1] = '\0';
	for (size_t i = 0; i + 2 < sizeof long_why; i += 2)
		memcpy(long_why + i, "é", 3);
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
		struct mlops_change change = { .name = pump, .alias = (char[]){ "champion" },
					       .action = (char[]){ "rollback" }, .from = 7, .to = 4294967295u,
					       .when = INT64_C(1795525235274001), .who = (char[]){ "ann@plant" },
					       .why = (char *)(uintptr_t)reasons[i] };
		struct mlops_buffer value = MLOPS_BUFFER_INIT;
		struct mlops_outbox_change read;

		assert_true(mlops_remote_write_change(&change, &value, NULL));
		assert_true(value.length <= MLOPS_REMOTE_TEXT);
		assert_true(mlops_remote_read_change("pump", "mlops.change.1795525235274002", value.data, &read));
		assert_int_equal(read.ordinal, INT64_C(1795525235274002));
		assert_string_equal(read.change.name, "pump");
		assert_string_equal(read.change.alias, "champion");
		assert_string_equal(read.change.action, "rollback");
		assert_int_equal(read.change.from, 7);
		assert_int_equal(read.change.to, 4294967295u);
		assert_int_equal(read.change.when, INT64_C(1795525235274001));
		assert_string_equal(read.change.who, "ann@plant");
		if (reasons[i] == NULL)
			assert_null(read.change.why);
		else
			assert_memory_equal(read.change.why, reasons[i], strlen(read.change.why));
		if (reasons[i] != NULL && strlen(reasons[i]) < 600)
			assert_string_equal(read.change.why, reasons[i]);
		mlops_change_release(&read.change);
		mlops_buffer_release(&value);
	}
}

static void tags_that_are_no_changes(void **state)
{
	static const char good[] = "{\"alias\":\"champion\",\"action\":\"promote\",\"from\":0,\"to\":1,\"when\":5}";
	static const char *const keys[] = {
		"mlops.change.", "mlops.change.x", "mlops.change.-1", "mlops.change.99999999999999999999",
		"mlops.change.9223372036854775807", "mlops.chance.1", "", "mlops.change.1 ",
	};
	static const char *const values[] = {
		"",
		"[]",
		"{\"alias\":\"champion\",\"action\":\"promote\",\"from\":0,\"to\":1}",
		"{\"alias\":\"champion\",\"action\":\"promote\",\"from\":-1,\"to\":1,\"when\":5}",
		"{\"alias\":\"champion\",\"action\":\"promote\",\"from\":0,\"to\":4294967296,\"when\":5}",
		"{\"alias\":\"champion\",\"action\":\"promote\",\"from\":0,\"to\":\"1\",\"when\":5}",
		"{\"alias\":\"champion\",\"action\":\"elect\",\"from\":0,\"to\":1,\"when\":5}",
		"{\"alias\":7,\"action\":\"promote\",\"from\":0,\"to\":1,\"when\":5}",
		"{\"action\":\"promote\",\"from\":0,\"to\":1,\"when\":5}",
		"{\"alias\":\"champion\",\"action\":\"promote\",\"from\":0,\"to\":1,\"when\":5.5}",
	};
	struct mlops_outbox_change read;

	(void)state;
	assert_true(mlops_remote_read_change("pump", "mlops.change.7", good, &read));
	mlops_change_release(&read.change);
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		assert_false(mlops_remote_read_change("pump", keys[i], good, &read));
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
		assert_false(mlops_remote_read_change("pump", "mlops.change.7", values[i], &read));
}

static void changes_are_ordered_without_doubles(void **state)
{
	static const struct {
		int64_t ordinal;
		uint32_t to;
	} given[] = { { 9, 3 }, { 2, 1 }, { 9, 3 }, { 5, 2 }, { 2, 1 }, { 9, 4 } };
	static const uint32_t expected[] = { 1, 2, 3, 4 };
	struct mlops_outbox_change_list list = { .n = 0 };

	(void)state;
	mlops_remote_sort_changes(&list);
	list.items = calloc(6, sizeof *list.items);
	assert_non_null(list.items);
	for (size_t i = 0; i < 6; i++)
		list.items[list.n++] = (struct mlops_outbox_change){
			.ordinal = given[i].ordinal,
			.change = { .name = strdup("pump"), .alias = strdup("champion"), .action = strdup("promote"),
				    .to = given[i].to },
		};
	mlops_remote_sort_changes(&list);
	assert_int_equal(list.n, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(list.items[i].change.to, expected[i]);
	mlops_outbox_change_list_release(&list);
}

/* What rollback would do, computed from the history of an embedded store. */
static uint32_t computed_earlier(struct mlops_store *store, uint32_t versions, uint32_t to)
{
	struct mlops_change_list history;
	struct mlops_mlflow_version items[8];
	struct mlops_mlflow_alias alias = { .alias = (char[]){ "champion" } };
	struct mlops_mlflow_model model = { .name = pump, .aliases = &alias };
	struct mlops_remote_state state = {
		.models = { .n = 1, .items = &model }, .versions = { .n = versions, .items = items },
	};
	uint32_t earlier;

	alias.version = fixture_champion(store, pump);
	model.n_aliases = alias.version != 0;
	assert_true(mlops_store_history(store, pump, true, &history, NULL));
	for (uint32_t i = 0; i < versions; i++)
		items[i] = (struct mlops_mlflow_version){ .name = pump, .version = i + 1 };
	state.changes.items = calloc(history.n + 1, sizeof *state.changes.items);
	assert_non_null(state.changes.items);
	for (size_t i = history.n; i > 0; i--)
		state.changes.items[state.changes.n++].change = history.items[i - 1];
	assert_true(mlops_remote_replay(&state, NULL));
	earlier = mlops_remote_earlier(&state, alias.version, to);
	free(state.stack.versions);
	free(state.changes.items);
	mlops_change_list_release(&history);
	return earlier;
}

static void the_stack_is_that_of_the_embedded_store(void **state)
{
	const struct fixture *fixture = *state;
	struct mlops_store *store = fixture_create(fixture);
	struct mlops_rng rng = mlops_rng_start(11, MLOPS_RNG_SIMULATE, 0);
	enum { VERSIONS = 4 };
	size_t rolled_back = 0;

	for (uint32_t i = 1; i <= VERSIONS; i++)
		fixture_add(store, pump, i, 100);
	for (int64_t i = 1; i <= 400; i++) {
		uint32_t draw = mlops_rng_u32(&rng) % 10;
		struct mlops_change change = { .name = pump, .alias = (char[]){ "champion" }, .when = i };
		struct mlops_error error = MLOPS_ERROR_INIT;

		if (draw < 5) {
			change.to = 1 + mlops_rng_u32(&rng) % VERSIONS;
			assert_true(mlops_store_promote(store, &change, NULL));
		} else if (draw < 9) {
			uint32_t earlier;

			change.to = draw == 8 ? 1 + mlops_rng_u32(&rng) % VERSIONS : 0;
			earlier = computed_earlier(store, VERSIONS, change.to);
			if (mlops_store_rollback(store, &change, &error)) {
				assert_int_equal(change.to, earlier);
				rolled_back++;
			} else {
				assert_int_equal(error.code, MLOPS_NEGATIVE);
				assert_int_equal(earlier, 0);
			}
		} else if (fixture_champion(store, pump) != 0) {
			assert_true(mlops_store_set_alias(store, &change, NULL));
		}
	}
	assert_true(rolled_back > 40);
	mlops_store_close(store);
}

/* Without a server. */

struct nowhere {
	struct mlops_tracking tracking;
	size_t notices;
	char last[1024];
};

static void notice(void *context, const char *message)
{
	struct nowhere *nowhere = context;

	nowhere->notices++;
	snprintf(nowhere->last, sizeof nowhere->last, "%s", message);
}

/* Nothing listens on port 1. */
static void start_nowhere(struct nowhere *nowhere)
{
	*nowhere = (struct nowhere){ .tracking = { .uri = "http://ann:secret@127.0.0.1:1/ml/", .experiment = "test",
						   .timeout = 2, .notice = notice, .notice_context = nowhere } };
}

static struct mlops_store *open_nowhere(const struct fixture *fixture, const struct nowhere *nowhere, bool write)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_store *store = mlops_store_open(
		&(struct mlops_store_options){
			.location = fixture->registry, .tracking = &nowhere->tracking, .write = write },
		&error);

	if (store == NULL)
		fail_msg("%s", error.message);
	assert_string_equal(mlops_store_shown(store), "http://127.0.0.1:1/ml");
	return store;
}

static size_t count_pending(const struct fixture *fixture)
{
	sqlite3 *db = fixture_sqlite(fixture);
	sqlite3_stmt *statement;
	size_t n;

	assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM remote_runs WHERE step < 4", -1, &statement, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	n = (size_t)sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return n;
}

static void what_cannot_be_sent_is_kept(void **state)
{
	const struct fixture *fixture = *state;
	struct nowhere nowhere;
	struct mlops_store *store;
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_run run = { .name = pump, .kind = (char[]){ "anomaly_detection" }, .action = (char[]){ "train" },
				 .started = MINUTE, .settings = (char[]){ "{\"trees\":5}" } };
	struct mlops_version version = { .name = pump, .kind = run.kind, .created = 2 * MINUTE };
	struct mlops_push push = { .sent = NULL };
	unsigned char bytes[1000];

	start_nowhere(&nowhere);
	store = open_nowhere(fixture, &nowhere, true);
	fixture_bytes(bytes, 1, sizeof bytes);
	assert_true(mlops_store_begin_run(store, &run, &error));
	assert_true(nowhere.notices > 0);
	assert_non_null(strstr(nowhere.last, "; the run goes on, and the server is told at its end"));
	run.ended = 2 * MINUTE;
	run.outcome = MLOPS_RUN_FINISHED;
	version.run_id = run.id;
	assert_false(mlops_store_finish_run(store, &run, &version, bytes, sizeof bytes, &error));
	assert_true(run.unsent);
	assert_int_equal(run.version, 0);
	assert_int_equal(error.code, MLOPS_UNAVAILABLE);
	assert_non_null(strstr(error.message, "; model 'pump' is kept here, and mlops-registry push sends it"));
	assert_null(strstr(error.message, "secret"));
	assert_int_equal(fixture_count_files(fixture), 1);
	assert_int_equal(count_pending(fixture), 1);
	mlops_store_close(store);

	/* The embedded store in the same directory leaves the file alone. */
	store = fixture_create(fixture);
	fixture_add(store, "other", 2, 50);
	assert_true(mlops_store_prune(store, "other", 1, INT64_MAX / 2, false, &(struct mlops_version_list){ 0 }, &error) ||
		    error.code != MLOPS_OK);
	assert_int_equal(fixture_count_files(fixture), 2);
	error = (struct mlops_error)MLOPS_ERROR_INIT;
	assert_false(mlops_store_push(store, 3 * MINUTE, &push, &error));
	fixture_expect_error(fixture, &error, MLOPS_CONFIG,
			     "registry {}: a directory, nothing waits to be sent; MLFLOW_TRACKING_URI names a server");
	mlops_store_close(store);

	store = open_nowhere(fixture, &nowhere, true);
	assert_false(mlops_store_push(store, 3 * MINUTE, &push, &error));
	assert_int_equal(error.code, MLOPS_UNAVAILABLE);
	assert_non_null(strstr(error.message, "; 1 still to be sent"));
	assert_int_equal(count_pending(fixture), 1);
	mlops_store_close(store);
}

static void who_only_reads_leaves_nothing_behind(void **state)
{
	const struct fixture *fixture = *state;
	struct nowhere nowhere;
	struct mlops_store *store;
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_version_list versions;
	struct mlops_reload_list reloads;
	struct mlops_checks checks;
	bool found;

	start_nowhere(&nowhere);
	store = open_nowhere(fixture, &nowhere, false);
	assert_false(mlops_store_versions(store, NULL, &versions, &error));
	assert_int_equal(error.code, MLOPS_UNAVAILABLE);
	assert_true(mlops_store_reloads(store, 0, &reloads, NULL));
	assert_int_equal(reloads.n, 0);
	assert_true(mlops_store_last_checks(store, pump, &checks, &found, NULL));
	assert_false(found);
	mlops_store_close(store);
	assert_int_not_equal(access(fixture->registry, F_OK), 0);
}

static void a_validation_needs_no_server(void **state)
{
	const struct fixture *fixture = *state;
	struct nowhere nowhere;
	struct mlops_store *store;
	struct mlops_run run = { .name = pump, .kind = (char[]){ "" }, .action = (char[]){ "validate" }, .started = 5 };
	struct mlops_checks checks = { .valid = true, .rows = 7, .last_time = INT64_MIN };
	bool found;

	start_nowhere(&nowhere);
	store = open_nowhere(fixture, &nowhere, true);
	assert_true(mlops_store_begin_run(store, &run, NULL));
	run.ended = 6;
	run.outcome = MLOPS_RUN_FINISHED;
	assert_true(mlops_store_finish_checks(store, &run, &checks, NULL));
	assert_true(mlops_store_last_checks(store, pump, &checks, &found, NULL));
	assert_true(found);
	assert_int_equal(checks.rows, 7);
	mlops_checks_release(&checks);
	mlops_store_close(store);
	assert_int_equal(nowhere.notices, 0);
	assert_int_equal(count_pending(fixture), 0);
}

static void tags_wait_in_order(void **state)
{
	const struct fixture *fixture = *state;
	struct mlops_store *store = fixture_create(fixture);
	struct mlops_outbox_tag first = { .name = pump, .version = 1, .key = (char[]){ "mlops.change.1" },
					  .value = (char[]){ "{}" }, .alias = (char[]){ "champion" }, .to = 1 };
	struct mlops_outbox_tag second = first, decision = first;
	struct mlops_outbox_change change = {
		.ordinal = 2, .change = { .name = pump, .alias = first.alias, .action = (char[]){ "promote" }, .to = 2 },
	};
	struct mlops_outbox_change_list changes = { .n = 0 };
	struct mlops_outbox_tag_list tags;

	second.to = second.version = 2;
	decision.alias = NULL;
	assert_true(mlops_outbox_add_tag(store, "http://a", &first, NULL));
	assert_true(mlops_outbox_add_tag(store, "http://a", &decision, NULL));
	assert_true(mlops_outbox_add_tag(store, "http://a", &second, NULL)); /* in place of the first */
	assert_true(mlops_outbox_tags(store, "http://b", &tags, NULL));
	assert_int_equal(tags.n, 0);
	assert_true(mlops_outbox_tags(store, "http://a", &tags, NULL));
	assert_int_equal(tags.n, 2);
	assert_null(tags.items[0].alias);
	assert_int_equal(tags.items[1].to, 2);
	mlops_outbox_tag_list_release(&tags);

	assert_true(mlops_outbox_confirm(store, "http://a", second.id, &change, false, NULL));
	assert_true(mlops_outbox_remove_tag(store, decision.id, NULL));
	assert_true(mlops_outbox_tags(store, "http://a", &tags, NULL));
	assert_int_equal(tags.n, 1);
	assert_null(tags.items[0].alias); /* it stands: no need to look again */
	mlops_outbox_tag_list_release(&tags);
	assert_true(mlops_outbox_changes(store, "http://a", pump, &changes, NULL));
	assert_int_equal(changes.n, 1);
	assert_int_equal(changes.items[0].change.to, 2);
	mlops_outbox_change_list_release(&changes);
	mlops_store_close(store);
}

int main(void)
{
#define WITH_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		WITH_DIRECTORY(a_cached_file_is_what_its_name_says),
		WITH_DIRECTORY(the_cache_keeps_what_was_used_last),
		WITH_DIRECTORY(an_answer_is_remembered),
		WITH_DIRECTORY(a_damaged_answer_is_none),
		WITH_DIRECTORY(a_cache_that_cannot_be_written_is_no_error),
		cmocka_unit_test(json_of_a_tag),
		cmocka_unit_test(a_change_survives_its_tag),
		cmocka_unit_test(tags_that_are_no_changes),
		cmocka_unit_test(changes_are_ordered_without_doubles),
		WITH_DIRECTORY(the_stack_is_that_of_the_embedded_store),
		WITH_DIRECTORY(what_cannot_be_sent_is_kept),
		WITH_DIRECTORY(who_only_reads_leaves_nothing_behind),
		WITH_DIRECTORY(a_validation_needs_no_server),
		WITH_DIRECTORY(tags_wait_in_order),
	};

	return cmocka_run_group_tests_name("registry_remote", tests, NULL, NULL);
}
