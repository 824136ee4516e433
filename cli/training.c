#include "cli/training.h"

#include "base/file.h"
#include "cli/model_file.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/promotion.h"
#include "cli/registry_open.h"
#include "cli/signals.h"
#include "cli/tracking.h"
#include "cli/validate_input.h"
#include "flow/record.h"
#include "flow/train_forecast.h"
#include "model/onnx.h"
#include "registry/describe.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One training, or one after the other with --per-sensor. */
struct job {
	const struct cli_training *training;
	struct mlops_train_request request;
	struct mlops_train_result result;
	struct mlops_read_options read_options; /* which readers go on looking at */
	struct mlops_store *store;
	struct mlops_record *_Atomic record; /* of the run under way */
	struct cli_progress *progress;
	atomic_int phase;                    /* that the progress shows, and how much it is in all */
	atomic_uint_fast64_t total;
	struct mlops_version version;
	char name[256];
	const char *sensor;                  /* that it is for alone, or NULL */
	char location[4096];
	bool opened;                         /* the rows were */
	struct cli_promotion promotion;
	const struct mlops_tracking *tracking; /* of the registry, like location */
	bool kept;                             /* the last model is here, but could not be sent */
	int64_t started;
};

static bool show_progress(void *context, const char *step, uint64_t done, uint64_t total)
{
	struct job *job = context;
	const char *unit = job->request.kind == MLOPS_TIME_SERIES_FORECAST ? "windows" : "trees";
	int phase = step[0] << 8 | step[2]; /* tells read, fit, evaluate and refit apart */

	if (job->progress == NULL)
		return true;
	/* both at once: || would leave the second as it was */
	if ((atomic_exchange(&job->phase, phase) != phase) | (atomic_exchange(&job->total, total) != total))
		cli_progress_set_total(job->progress, total > 0 ? unit : "rows", total);
	cli_progress_note(job->progress, step);
	cli_progress_update(job->progress, done);
	return true;
}

static bool interrupted(void *context, int signal_number)
{
	struct job *job = context;
	struct mlops_record *record = atomic_load(&job->record);
	char message[64];

	snprintf(message, sizeof message, "ended by signal %d (%s)", signal_number, strsignal(signal_number));
	return record == NULL || mlops_record_interrupt(record, message, cli_now());
}

static bool keep_checkpoint(void *context, const void *bytes, size_t length, struct mlops_error *error)
{
	const struct cli_training *training = context;

	return mlops_file_replace(training->checkpoint, bytes, length, 0666, error);
}

/* What is opened for a training. */
struct input {
	struct cli_input rows, test;
	struct mlops_buffer bytes;      /* what can be read only once, where it was checked first */
	struct mlops_buffer checkpoint;
	struct cli_model warm;
};

/* The rows to learn from, once they are found to be as the schema says. */
static bool open_valid_rows(struct job *job, struct input *input, struct mlops_error *error)
{
	const struct cli_training *training = job->training;
	struct cli_valid_rows rows = {
		.rows = training->rows, .schema = training->schema, .select = &job->request.select,
		.min_rows = job->request.min_rows,
	};

	input->rows.options = job->read_options;
	return cli_valid_rows_open(&rows, training->path, &input->rows, &input->bytes, &job->result.failure_reason,
				   error);
}

static bool open_checkpoint(const struct cli_training *training, struct input *input, struct mlops_error *error)
{
	if (!training->resume)
		return true;
	if (access(training->checkpoint, F_OK) != 0 && errno == ENOENT) {
		cli_notice("%s: no checkpoint there; training starts from the beginning", training->checkpoint);
		return true;
	}
	return mlops_file_read(training->checkpoint, MLOPS_MODEL_FILE_LIMIT, &input->checkpoint, error);
}

static bool open_warm_start(const struct cli_training *training, struct input *input, struct mlops_error *error)
{
	if (training->warm_start == NULL)
		return true;
	if (!cli_model_load(training->warm_start, NULL, &input->warm, error))
		return false;
	return input->warm.model->kind == MLOPS_TIME_SERIES_FORECAST ||
	       mlops_error_set(error, MLOPS_USAGE, "--warm-start: '%s' is a model of kind %s", training->warm_start,
			       mlops_kind_name(input->warm.model->kind));
}

static bool open_input(struct job *job, struct input *input, struct mlops_error *error)
{
	const struct cli_training *training = job->training;
	struct mlops_train_request *request = &job->request;
	bool ok;

	input->test.options = job->read_options;
	ok = request->forecast.series != NULL || open_valid_rows(job, input, error);
	job->opened = ok || input->rows.reader != NULL;
	if (!ok)
		return false;
	if (training->test != NULL && !cli_input_open_file(training->test, &input->test, error))
		return false;
	request->reader = input->rows.reader;
	request->test_reader = input->test.reader;
	if (!open_checkpoint(training, input, error) || !open_warm_start(training, input, error))
		return false;
	request->forecast.warm_start = input->warm.model;
	request->forecast.checkpoint = input->checkpoint.data;
	request->forecast.checkpoint_length = input->checkpoint.length;
	if (training->checkpoint != NULL) {
		request->forecast.save = keep_checkpoint;
		request->forecast.save_context = (void *)(uintptr_t)training;
	}
	return true;
}

static void close_input(struct job *job, struct input *input)
{
	struct mlops_train_request *request = &job->request;

	request->reader = request->test_reader = NULL;
	cli_input_close(&input->rows);
	cli_input_close(&input->test);
	mlops_buffer_release(&input->bytes);
	mlops_buffer_release(&input->checkpoint);
	cli_model_release(&input->warm);
}

static bool train(struct job *job, struct mlops_error *error)
{
	struct input input = { .rows = { .reader = NULL } };
	bool ok = open_input(job, &input, error);

	if (ok) {
		job->progress = cli_progress_start("rows", 0, job->training->common->quiet);
		ok = mlops_flow_train(&job->request, &job->result, error);
		cli_progress_end(job->progress);
		job->progress = NULL;
		cli_notice_lines(job->result.notices.data, job->result.notices.length);
	}
	close_input(job, &input);
	return ok;
}

/* With --promote the champion takes part. */
static void begin_promotion(struct job *job)
{
	const struct cli_training *training = job->training;

	if (!training->promote)
		return;
	job->promotion = (struct cli_promotion){
		.store = job->store, .name = job->name, .gate = &training->gate, .reason = training->reason,
		.force = training->force,
	};
	job->request.champion = cli_promotion_champion;
	job->request.champion_context = &job->promotion;
}

/* Trains between the ledger's two lines about it. */
static bool train_and_register(struct job *job, struct mlops_error *error)
{
	char who[256];
	struct mlops_record_start start = {
		.location = job->location, .tracking = job->tracking, .name = job->name, .sensor = job->sensor,
		.kind = job->request.kind, .who = cli_who(who), .settings = &job->request.settings,
	};
	struct mlops_buffer source = MLOPS_BUFFER_INIT;
	const char *reason = "internal";
	struct mlops_record *record = NULL;
	bool ok;

	if (!mlops_reference_check_name(job->name, error))
		return false;
	if (cli_input_name(job->training->rows, job->training->path, &source, error)) {
		start.source = source.data;
		record = mlops_record_begin(job->store, &start, job->started, error);
	}
	mlops_buffer_release(&source);
	if (record == NULL)
		return false;
	atomic_store(&job->record, record);
	begin_promotion(job);
	ok = train(job, error);
	if (ok) {
		reason = "registry";
		ok = (!job->training->promote || cli_promotion_rule(&job->promotion, &job->result.contest, error)) &&
		     mlops_record_finish(record, &job->result, job->promotion.refusal, cli_now(), &job->version, error);
	} else if (job->result.failure_reason != NULL && strcmp(job->result.failure_reason, reason) != 0) {
		reason = job->result.failure_reason;
	} else {
		reason = mlops_run_failure_reason(error, cli_input_is_database(job->training->rows), job->opened);
	}
	if (!ok)
		mlops_record_fail(record, reason, error->message, job->result.rows, cli_now(), NULL);
	job->kept = mlops_record_kept(record);
	return ok;
}

static bool print_result(const struct job *job, struct mlops_error *error)
{
	struct mlops_buffer line = MLOPS_BUFFER_INIT;
	struct mlops_json json = { .out = &line };
	struct mlops_record *record = atomic_load(&((struct job *)(uintptr_t)job)->record);

	mlops_json_open(&json, '{');
	mlops_json_member_string(&json, "event", "trained");
	mlops_json_member_string(&json, "model", job->name);
	mlops_json_member_string(&json, "kind", mlops_kind_name(job->request.kind));
	if (job->version.version > 0)
		mlops_json_member_uint(&json, "version", job->version.version);
	mlops_train_result_write(&job->result, &json);
	mlops_json_key(&json, "duration_seconds");
	mlops_json_double(&json, (double)((cli_now() - job->started) / 1000) / 1000);
	if (record != NULL) {
		mlops_json_member_string(&json, "run_id", mlops_record_run_id(record));
		mlops_json_member_bool(&json, "champion", job->promotion.promoted);
		if (job->training->promote) {
			mlops_json_key(&json, "decision");
			mlops_decision_write(&job->promotion.described.kept, &json);
		}
		mlops_json_member_string(&json, "registry", mlops_store_shown(job->store));
	} else {
		mlops_json_member_string(&json, "output", job->training->output);
	}
	mlops_json_close(&json, '}');
	return cli_print_line(&line, error);
}

/* One model, from rows to its line. */
static bool train_one(struct job *job, struct mlops_error *error)
{
	const struct cli_training *training = job->training;
	struct mlops_error refused = MLOPS_ERROR_INIT;
	bool ok;

	job->started = cli_now();
	job->kept = false;
	if (training->output != NULL)
		ok = train(job, error) && mlops_file_replace(training->output, job->result.bytes.data,
							     job->result.bytes.length, 0666, error);
	else
		ok = train_and_register(job, error);
	if (ok && training->checkpoint != NULL)
		unlink(training->checkpoint);
	/* the version is there, whatever becomes of its promotion: its line says so */
	if (ok && training->promote && !cli_promotion_end(&job->promotion, &job->version, &refused)) {
		if (refused.code == MLOPS_NEGATIVE)
			print_result(job, NULL);
		*error = refused;
		ok = false;
	}
	ok = ok && print_result(job, error);
	mlops_record_free(atomic_exchange(&job->record, NULL));
	mlops_train_result_release(&job->result);
	mlops_version_release(&job->version);
	job->result = (struct mlops_train_result){ .model = NULL };
	job->version = (struct mlops_version){ .name = NULL };
	cli_promotion_release(&job->promotion);
	job->promotion = (struct cli_promotion){ .store = NULL };
	return ok;
}

/* NAME.SENSOR; what a name may not have becomes '_'. */
static bool name_of_sensor(struct job *job, const char *sensor, struct mlops_error *error)
{
	int length = snprintf(job->name, sizeof job->name, "%s.%s", job->training->name, sensor);

	if (length >= (int)sizeof job->name)
		return mlops_error_set(error, MLOPS_DATA, "'%.60s…': a name of a model and a sensor is at most 200 bytes long",
				       job->name);
	for (char *c = job->name + strlen(job->training->name); *c != '\0'; c++)
		if (*c == '/' || *c == ':' || *c == '@' || (unsigned char)*c < ' ' || *c == 0x7f)
			*c = '_';
	return mlops_reference_check_name(job->name, error);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Two sensors must not become versions of one model. */
static bool check_names(struct job *job, const struct mlops_series_set *set, struct mlops_error *error)
{
	char (*names)[sizeof job->name] = calloc(set->n, sizeof *names);
	bool ok = names != NULL || mlops_error_set_memory(error);

	for (size_t i = 0; ok && i < set->n; i++) {
		ok = name_of_sensor(job, set->items[i].id, error);
		if (ok)
			memcpy(names[i], job->name, sizeof job->name);
	}
	if (ok) {
		qsort(names, set->n, sizeof *names, compare_names);
		for (size_t i = 1; ok && i < set->n; i++)
			if (strcmp(names[i - 1], names[i]) == 0)
				ok = mlops_error_set(error, MLOPS_DATA, "two sensors would both be the model '%s'", names[i]);
	}
	free(names);
	return ok;
}

static struct mlops_series_set *read_sensors(struct job *job, struct mlops_error *error)
{
	struct mlops_series_set *set = NULL;
	struct input input = { .rows = { .reader = NULL } };

	if (open_valid_rows(job, &input, error)) {
		job->progress = cli_progress_start("rows", 0, job->training->common->quiet);
		set = mlops_flow_read_series(&job->request, input.rows.reader, error);
		cli_progress_end(job->progress);
		job->progress = NULL;
	}
	if (set != NULL && !set->has_ids) {
		mlops_error_set_at(error, MLOPS_DATA, input.rows.reader->name, 0,
				   "--per-sensor needs a column that says which sensor it is; --id names one");
		mlops_series_free(set);
		set = NULL;
	}
	cli_input_close(&input.rows);
	mlops_buffer_release(&input.bytes);
	return set;
}

static bool train_sensors(struct job *job, struct mlops_error *error)
{
	struct mlops_series_set *set = read_sensors(job, error);
	bool ok = set != NULL && check_names(job, set, error);

	for (size_t i = 0; set != NULL && ok && i < set->n; i++) {
		struct mlops_error trouble = MLOPS_ERROR_INIT;
		struct mlops_series_set single;

		ok = mlops_series_single(set, i, &single, error) && name_of_sensor(job, set->items[i].id, error);
		if (!ok)
			break;
		job->request.forecast.series = &single;
		job->sensor = set->items[i].id;
		if (train_one(job, &trouble))
			continue;
		/* What failed says more than what a gate did not let pass. */
		if (error->code == MLOPS_NEGATIVE && trouble.code != MLOPS_NEGATIVE) {
			cli_notice("%s", error->message);
			*error = (struct mlops_error)MLOPS_ERROR_INIT;
		}
		if (error->code == MLOPS_OK)
			mlops_error_set(error, trouble.code, "model '%.200s': %s", job->name, trouble.message);
		else
			cli_notice("model '%.200s': %s", job->name, trouble.message);
		ok = trouble.code == MLOPS_DATA || trouble.code == MLOPS_NEGATIVE || job->kept;
	}
	mlops_series_free(set);
	return ok && error->code == MLOPS_OK;
}

bool cli_train(const struct cli_training *training, struct mlops_error *error)
{
	struct job *job = calloc(1, sizeof *job);
	struct cli_signals *signals = NULL;
	bool ok;

	if (job == NULL)
		return mlops_error_set_memory(error);
	job->training = training;
	job->request = training->request;
	job->request.progress = show_progress;
	job->request.progress_context = job;
	snprintf(job->name, sizeof job->name, "%s", training->name);
	ok = training->output != NULL ? mlops_file_check_place(training->output, error) :
					mlops_reference_check_name(training->name, error);
	if (ok && training->output == NULL) {
		job->store = cli_registry_open(CLI_REGISTRY_CREATE, job->location, error);
		signals = job->store != NULL && cli_tracking(&job->tracking, error) ? cli_signals_watch(interrupted, job, error) : NULL;
		ok = signals != NULL;
	}
	if (ok) {
		job->request.pool = cli_pool(training->common, error);
		job->read_options = cli_read_options(training->rows);
		job->read_options.pool = job->request.pool;
		ok = job->request.pool != NULL && (training->per_sensor ? train_sensors : train_one)(job, error);
	}
	cli_signals_stop(signals);
	mlops_store_close(job->store);
	mlops_pool_free(job->request.pool);
	free(job);
	return ok;
}
