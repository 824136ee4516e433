#include "flow/describe.h"

#include "base/time.h"

void mlops_description_release(struct mlops_description *description)
{
	mlops_buffer_release(&description->data);
	mlops_buffer_release(&description->profile);
	mlops_buffer_release(&description->series);
	mlops_buffer_release(&description->features);
}

void mlops_description_times(struct mlops_json *json, int64_t first, int64_t last)
{
	char text[MLOPS_TIME_TEXT];

	if (first == MLOPS_TIME_MISSING)
		return;
	mlops_time_print(text, first);
	mlops_json_member_string(json, "first_time", text);
	mlops_time_print(text, last);
	mlops_json_member_string(json, "last_time", text);
}

static bool keep(struct mlops_model *model, const char *key, struct mlops_buffer *text, struct mlops_error *error)
{
	const char *value = mlops_buffer_string(text);

	return text->failed ? mlops_error_set_memory(error) : mlops_metadata_set(&model->metadata, key, value, error);
}

static bool keep_seed(struct mlops_model *model, uint64_t seed, struct mlops_error *error)
{
	struct mlops_buffer text = MLOPS_BUFFER_INIT;
	struct mlops_json json = { .out = &text };
	bool ok;

	mlops_json_uint(&json, seed);
	ok = keep(model, "seed", &text, error);
	mlops_buffer_release(&text);
	return ok;
}

bool mlops_describe_training(const struct mlops_train_request *request, const struct mlops_metrics *metrics,
			     struct mlops_description *description, struct mlops_train_result *result,
			     struct mlops_error *error)
{
	struct mlops_model *model = result->model;
	struct mlops_json json = { .out = &result->metrics };

	mlops_metrics_write(metrics, &json);
	json = (struct mlops_json){ .out = &result->settings };
	mlops_settings_write(&request->settings, &json);
	mlops_buffer_append(&result->features, description->features.data, description->features.length);
	/* the registry takes it as a string */
	mlops_buffer_string(&result->features);
	if (description->features.failed || result->features.failed)
		return mlops_error_set_memory(error);
	return keep(model, "settings", &result->settings, error) && keep_seed(model, request->seed, error) &&
	       keep(model, "data", &description->data, error) && keep(model, "metrics", &result->metrics, error) &&
	       keep(model, "profile", &description->profile, error) &&
	       (description->series.length == 0 || keep(model, "series", &description->series, error)) &&
	       mlops_metadata_set(&model->metadata, "program", request->program_version, error);
}
