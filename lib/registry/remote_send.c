/* A run on its way to the server, step by step. */
#include "registry/remote.h"

#include "base/file.h"
#include "base/text.h"
#include "mlflow/model_directory.h"
#include "model/onnx.h"
#include "registry/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIRECTORY "model"
#define MODEL_FILE DIRECTORY "/model.onnx"

bool mlops_remote_check_kind(struct mlops_mlflow *mlflow, const char *name, const char *kind,
			     struct mlops_error *error)
{
	struct mlops_mlflow_version_list versions = { .n = 0 };
	char quoted[MLOPS_TEXT_QUOTED], quoted_kind[MLOPS_TEXT_QUOTED], other_kind[MLOPS_TEXT_QUOTED];
	const char *other = NULL;
	bool ok = mlops_mlflow_versions(mlflow, name, &versions, error);

	for (size_t i = versions.n; ok && other == NULL && i > 0; i--)
		other = mlops_mlflow_tag(&versions.items[i - 1], "mlops.kind");
	if (ok && other != NULL && strcmp(other, kind) != 0)
		ok = mlops_error_set(error, MLOPS_DATA, "model '%s' is of the kind %s, not %s; choose another name",
				     mlops_text_mask(quoted, name, strlen(name)),
				     mlops_text_mask(other_kind, other, strlen(other)),
				     mlops_text_mask(quoted_kind, kind, strlen(kind)));
	mlops_mlflow_version_list_release(&versions);
	return ok;
}

/* Whoever made it may have been killed before its id was put down. */
static bool find_run(struct mlops_mlflow *mlflow, struct mlops_outbox_run *run, struct mlops_error *error)
{
	struct mlops_mlflow_run_list found = { .n = 0 };
	char filter[80];
	bool ok;

	snprintf(filter, sizeof filter, "tags.`mlops.run_id` = '%.32s'", run->run.id);
	ok = mlops_mlflow_runs(mlflow, filter, 1, &found, error);
	if (ok && found.n > 0)
		memcpy(run->remote_id, found.items[0].id, sizeof run->remote_id);
	mlops_mlflow_run_list_release(&found);
	return ok;
}

bool mlops_remote_create_run(struct mlops_store *store, struct mlops_mlflow *mlflow, struct mlops_outbox_run *run,
			     bool is_new, struct mlops_error *error)
{
	struct mlops_remote_notes notes;
	struct mlops_mlflow_new_run new_run = {
		.name = run->run.name, .user = run->run.who, .started = run->run.started, .unique = "mlops.run_id",
	};
	bool ok;

	if (run->remote_id[0] != '\0')
		return true;
	if (!is_new && !find_run(mlflow, run, error))
		return false;
	if (run->remote_id[0] != '\0')
		return mlops_outbox_set_remote_id(store, run->run.id, run->remote_id, error);
	if (!mlops_remote_notes_of_run(&run->run, &notes, error))
		return false;
	new_run.tags = notes.items.tags;
	new_run.n_tags = notes.items.n_tags;
	ok = mlops_mlflow_create_run(mlflow, &new_run, run->remote_id, error);
	if (!ok)
		run->remote_id[0] = '\0';
	ok = ok && mlops_outbox_set_remote_id(store, run->run.id, run->remote_id, error);
	mlops_remote_notes_release(&notes);
	return ok;
}

static bool reach(struct mlops_store *store, struct mlops_outbox_run *run, enum mlops_outbox_step step,
		  struct mlops_error *error)
{
	run->step = step;
	return mlops_outbox_set_step(store, run->run.id, step, error);
}

static bool log_notes(struct mlops_store *store, struct mlops_mlflow *mlflow, struct mlops_outbox_run *run,
		      struct mlops_error *error)
{
	struct mlops_remote_notes notes;
	bool ok;

	if (run->step >= MLOPS_LOGGED)
		return true;
	if (!mlops_remote_notes_of_run(&run->run, &notes, error))
		return false;
	ok = mlops_mlflow_log(mlflow, run->remote_id, &notes.items, error) && reach(store, run, MLOPS_LOGGED, error);
	mlops_remote_notes_release(&notes);
	return ok;
}

/* The model first, and MLmodel, which makes a directory a model, last: the client sends them in this order. */
static bool store_files(struct mlops_store *store, struct mlops_mlflow *mlflow, struct mlops_outbox_run *run,
			const void *bytes, size_t length, struct mlops_error *error)
{
	struct mlops_mlflow_files files = { .n = 0 };
	char path[160];
	bool ok;

	if (run->step >= MLOPS_STORED)
		return true;
	ok = mlops_mlflow_put(mlflow, run->remote_id, MODEL_FILE, bytes, length, error) &&
	     mlops_mlflow_model_directory(bytes, length, run->remote_id, run->version.created, &files, error);
	for (size_t i = 0; ok && i < files.n; i++) {
		snprintf(path, sizeof path, DIRECTORY "/%s", files.items[i].name);
		ok = mlops_mlflow_put(mlflow, run->remote_id, path, files.items[i].bytes.data,
				      files.items[i].bytes.length, error);
	}
	mlops_mlflow_files_release(&files);
	return ok && reach(store, run, MLOPS_STORED, error);
}

static bool end_run(struct mlops_store *store, struct mlops_mlflow *mlflow, struct mlops_outbox_run *run,
		    struct mlops_error *error)
{
	const char *status = mlops_run_outcome_name(run->run.outcome);

	return run->step >= MLOPS_ENDED ||
	       (mlops_mlflow_end_run(mlflow, run->remote_id, status, run->run.ended, error) &&
		reach(store, run, MLOPS_ENDED, error));
}

static bool create_version(struct mlops_store *store, struct mlops_mlflow *mlflow, struct mlops_outbox_run *run,
			   const void *bytes, size_t length, struct mlops_error *error)
{
	struct mlops_remote_notes notes;
	struct mlops_mlflow_pair tag = { .key = "mlops.version" };
	struct mlops_mlflow_items items = { .tags = &tag, .n_tags = 1 };
	uint32_t version = 0;
	char text[16];
	bool ok;

	if (!mlops_remote_check_kind(mlflow, run->version.name, run->version.kind, error) ||
	    !mlops_remote_notes_of_version(&run->version, &notes, error))
		return false;
	ok = mlops_mlflow_create_version(mlflow, run->version.name, run->remote_id, DIRECTORY, notes.items.tags,
					 notes.items.n_tags, &version, error);
	mlops_remote_notes_release(&notes);
	if (!ok)
		return false;
	snprintf(text, sizeof text, "%u", version);
	tag.value = text;
	if (!mlops_mlflow_log(mlflow, run->remote_id, &items, error))
		return false;
	mlops_cache_add(store->location, run->version.sha256, bytes, length);
	run->run.version = run->version.version = version;
	run->step = MLOPS_SENT;
	return mlops_outbox_set_version(store, run, version, error);
}

static bool read_model(struct mlops_store *store, const struct mlops_version *version, struct mlops_buffer *bytes,
		       struct mlops_error *error)
{
	char *path = mlops_model_file_path(store, version->sha256, error);
	char problem[160];
	bool ok = path != NULL && mlops_model_file_check(store, version, problem, error);

	if (ok && problem[0] != '\0')
		ok = mlops_error_set(error, MLOPS_NEGATIVE, "%s: %s", path, problem);
	ok = ok && mlops_file_read(path, MLOPS_MODEL_FILE_LIMIT, bytes, error);
	free(path);
	return ok;
}

bool mlops_remote_send(struct mlops_store *store, struct mlops_mlflow *mlflow, struct mlops_outbox_run *run,
		       const void *bytes, size_t length, struct mlops_error *error)
{
	struct mlops_buffer kept = MLOPS_BUFFER_INIT;
	bool ok;

	if (!mlops_remote_create_run(store, mlflow, run, false, error) || !log_notes(store, mlflow, run, error))
		return false;
	if (!run->has_version)
		return end_run(store, mlflow, run, error) && reach(store, run, MLOPS_SENT, error);
	ok = bytes != NULL || read_model(store, &run->version, &kept, error);
	if (ok && bytes == NULL) {
		bytes = kept.data;
		length = kept.length;
	}
	ok = ok && store_files(store, mlflow, run, bytes, length, error) && end_run(store, mlflow, run, error) &&
	     create_version(store, mlflow, run, bytes, length, error);
	mlops_buffer_release(&kept);
	return ok;
}
