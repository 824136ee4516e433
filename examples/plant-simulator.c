/* Writes the readings of a made-up plant as CSV, for trying the toolkit and for its tests. */
#include "config.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/time.h"
#include "cli/common.h"
#include "examples/plant.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WRITE_SIZE ((size_t)64 << 10)

struct settings {
	uint64_t machines;
	double days;
	double skip;         /* days */
	uint64_t every;      /* seconds */
	const char *start;
	double horizon;      /* hours */
	bool labels;
	bool anomalies;
	struct cli_common common;
};

static const struct cli_option options[] = {
	{ "machines", 'm', CLI_UINT, offsetof(struct settings, machines), "N",
	  "number of pumps (default 8)", 1, 1000000,
	  .group = "The plant" },
	{ "days", 'd', CLI_REAL, offsetof(struct settings, days), "N",
	  "days of readings (default 60)", 0.001, 36500 },
	{ "skip", 's', CLI_REAL, offsetof(struct settings, skip), "N",
	  "leave out the N days before: --skip 60 goes on where the default ends (default 0)", 0, 36500 },
	{ "every", 'e', CLI_UINT, offsetof(struct settings, every), "SECONDS",
	  "seconds between two readings (default 600)", 1, 86400 },
	{ "start", 0, CLI_STRING, offsetof(struct settings, start), "TIME",
	  "time of the first reading (default 2024-01-01T00:00:00Z)" },
	{ "labels", 'l', CLI_FLAG, offsetof(struct settings, labels), NULL,
	  "add a column failure: 1 when the pump breaks down within the horizon, else 0" },
	{ "horizon", 0, CLI_REAL, offsetof(struct settings, horizon), "HOURS",
	  "how far ahead of a breakdown failure is 1 (default 24)", 0.01, 8760 },
	{ "anomalies", 'a', CLI_FLAG, offsetof(struct settings, anomalies), NULL,
	  "add a column anomaly: 1 when a sensor was disturbed, else 0" },
	CLI_COMMON_OPTIONS(struct settings, common),
	{ NULL }
};

static const struct cli_tool tool = {
	.name = "plant-simulator",
	.synopsis = "[OPTION]...",
	.summary =
		"Writes the readings of a made-up plant as CSV: timestamp, machine_id, temperature "
		"(°C), vibration (mm/s), pressure (bar), flow (m³/h), current (A) and speed (1/min) "
		"of pumps.\n"
		"\n"
		"The pumps follow a daily demand with quieter weekends. Flow goes with the speed, "
		"pressure with its square, current with the load; the bearing's temperature follows "
		"load, wear and outdoor air with a lag of 1.5 hours. A pump wears out in 8 to 25 "
		"days: vibration and heat grow, flow and pressure sink, slowly at first; how clearly "
		"differs from life to life. At the end it breaks down, sends nothing for 8 hours of "
		"repair, and begins a new life.\n"
		"\n"
		"The sensors err: spikes, values that are stuck for 1 to 3 hours, drifts that grow "
		"for 12 to 36 hours until somebody calibrates, and dropouts, whose fields are empty.\n"
		"\n"
		"The same seed gives the same bytes.",
	.options = options,
	.least = 0,
	.most = 0,
	.examples =
		"  plant-simulator --labels > plant.csv\n"
		"  plant-simulator --machines 2 --days 1 --seed 7 --anomalies | head\n",
};

struct machine {
	struct plant_pump pump;
	struct plant_pump future; /* the same pump, a horizon ahead */
	struct plant_sensors sensors;
};

static struct machine *make_machines(const struct settings *settings, uint64_t ahead,
				     struct mlops_error *error)
{
	struct machine *machines = calloc(settings->machines, sizeof(*machines));
	double every_hours = (double)settings->every / 3600.0;

	if (!machines) {
		mlops_error_set_memory(error);
		return NULL;
	}
	for (uint32_t i = 0; i < settings->machines; i++) {
		struct plant_reading unused;

		machines[i].pump = plant_pump_start(settings->common.seed, i, every_hours);
		machines[i].sensors = plant_sensors_start(settings->common.seed, i, every_hours);
		machines[i].future = machines[i].pump;
		for (uint64_t step = 0; settings->labels && step < ahead; step++)
			plant_pump_step(&machines[i].future, &unused);
	}
	return machines;
}

static void append_row(struct mlops_buffer *out, const struct settings *settings, const char *time,
		       uint64_t number, const struct plant_reading *reading, bool failure)
{
	mlops_buffer_append_format(out, "%s,pump-%02u", time, (unsigned)number);
	for (int i = 0; i < PLANT_SIGNALS; i++) {
		if (reading->missing[i])
			mlops_buffer_append_char(out, ',');
		else
			mlops_buffer_append_format(out, ",%.*f", plant_signals[i].decimals,
						   reading->values[i]);
	}
	if (settings->labels)
		mlops_buffer_append_string(out, failure ? ",1" : ",0");
	if (settings->anomalies)
		mlops_buffer_append_string(out, reading->disturbed ? ",1" : ",0");
	mlops_buffer_append_char(out, '\n');
}

static void append_header(struct mlops_buffer *out, const struct settings *settings)
{
	mlops_buffer_append_string(out, "timestamp,machine_id");
	for (int i = 0; i < PLANT_SIGNALS; i++)
		mlops_buffer_append_format(out, ",%s", plant_signals[i].name);
	if (settings->labels)
		mlops_buffer_append_string(out, ",failure");
	if (settings->anomalies)
		mlops_buffer_append_string(out, ",anomaly");
	mlops_buffer_append_char(out, '\n');
}

static bool flush(struct mlops_buffer *out, size_t least, struct mlops_error *error)
{
	if (out->failed)
		return mlops_error_set_memory(error);
	if (out->length < least)
		return true;
	if (!mlops_file_write_all(STDOUT_FILENO, out->data, out->length, "standard output", error))
		return false;
	mlops_buffer_clear(out);
	return true;
}

static uint64_t steps_in(double hours, const struct settings *settings)
{
	return (uint64_t)(hours * 3600.0 / (double)settings->every + 0.5);
}

static bool simulate(const struct settings *settings, int64_t start, struct mlops_error *error)
{
	uint64_t skip = steps_in(settings->skip * 24.0, settings);
	uint64_t steps = skip + steps_in(settings->days * 24.0, settings);
	uint64_t ahead = steps_in(settings->horizon, settings);
	struct machine *machines = make_machines(settings, ahead, error);
	struct mlops_buffer out = MLOPS_BUFFER_INIT;
	bool ok = false;

	if (!machines)
		return false;
	append_header(&out, settings);
	for (uint64_t step = 0; step < steps; step++) {
		char time[MLOPS_TIME_TEXT];

		mlops_time_print(time, start + (int64_t)(step * settings->every) * 1000000);
		for (uint64_t i = 0; i < settings->machines; i++) {
			struct machine *machine = &machines[i];
			struct plant_reading reading, unused;
			bool failure = machine->future.breakdowns > machine->pump.breakdowns;
			bool running = plant_pump_step(&machine->pump, &reading);

			if (settings->labels)
				plant_pump_step(&machine->future, &unused);
			if (!running)
				continue;
			plant_sensors_observe(&machine->sensors, &reading);
			if (step < skip)
				continue;
			append_row(&out, settings, time, i + 1, &reading, failure);
			if (!flush(&out, WRITE_SIZE, error))
				goto done;
		}
	}
	ok = flush(&out, 1, error);
done:
	mlops_buffer_release(&out);
	free(machines);
	return ok;
}

int main(int argc, char **argv)
{
	struct settings settings = {
		.machines = 8,
		.days = 60,
		.every = 600,
		.start = "2024-01-01T00:00:00Z",
		.horizon = 24,
		.common = CLI_COMMON_INIT,
	};
	struct mlops_error error = MLOPS_ERROR_INIT;
	size_t n_arguments;
	char **arguments;
	int status;
	int64_t start;
	bool ok;

	if (!cli_parse(&tool, argc, argv, &settings, &n_arguments, &arguments, &status))
		return status;
	if (!mlops_time_parse(settings.start, strlen(settings.start), NULL, &start))
		return cli_usage_error(&tool, "--start: '%s' is not a time such as 2024-01-31T18:00:00Z",
				       settings.start);
	cli_begin(&tool, &settings.common);
	ok = simulate(&settings, start, &error);
	return cli_end(ok, &error);
}
