#include "examples/plant.h"

#define REPAIR_HOURS 8.0

const struct plant_signal_info plant_signals[PLANT_SIGNALS] = {
	[PLANT_TEMPERATURE] = { "temperature", 2, 4.0 },
	[PLANT_VIBRATION] = { "vibration", 3, 0.35 },
	[PLANT_PRESSURE] = { "pressure", 3, 0.6 },
	[PLANT_FLOW] = { "flow", 2, 9.0 },
	[PLANT_CURRENT] = { "current", 2, 5.0 },
	[PLANT_SPEED] = { "speed", 1, 110.0 },
};

static double between(struct mlops_rng *rng, double low, double high)
{
	return low + (high - low) * mlops_rng_unit(rng);
}

/* Near enough to a normal draw (mean 0, deviation 1)
 * without a logarithm, whose last bit depends on the C library. */
static double bell(struct mlops_rng *rng)
{
	double sum = 0.0;

	for (int i = 0; i < 4; i++)
		sum += mlops_rng_unit(rng);
	return (sum - 2.0) * 1.7320508075688772;
}

/* A wave of period 1 between -1 and 1 made of two parabolas, for the same reason. */
static double wave(double turns)
{
	double x = 2.0 * (turns - (double)(int64_t)turns) - 1.0;

	return 4.0 * x * (1.0 - (x < 0.0 ? -x : x));
}

/* Bearings as good as new; they last 8 to 25 days, and some warn more loudly than others before they fail. */
static void repair(struct plant_pump *pump)
{
	pump->wear = 0.0;
	pump->wear_rate = 1.0 / (24.0 * between(&pump->rng, 8.0, 25.0));
	pump->severity = between(&pump->rng, 0.6, 1.4);
}

struct plant_pump plant_pump_start(uint64_t seed, uint32_t number, double every_hours)
{
	struct plant_pump pump = {
		.rng = mlops_rng_start(seed, MLOPS_RNG_SIMULATE, 2 * number),
		.every = every_hours,
		.temperature = 55.0,
	};

	pump.size = between(&pump.rng, 0.94, 1.06);
	repair(&pump);
	pump.wear = between(&pump.rng, 0.0, 0.9);
	return pump;
}

bool plant_pump_step(struct plant_pump *pump, struct plant_reading *reading)
{
	struct mlops_rng *rng = &pump->rng;
	double day = pump->clock / 24.0;
	double inertia = pump->every / 12.0 < 1.0 ? pump->every / 12.0 : 1.0;
	double lag = pump->every / (pump->every + 1.5);
	double load, speed, shown;

	pump->clock += pump->every;
	if (pump->repair_left > 0.0) {
		pump->repair_left -= pump->every;
		return false;
	}

	/* Demand: a daily cycle, less on days 5 and 6 of a week, and a part that wanders. */
	pump->demand_change += inertia * (0.25 * bell(rng) - pump->demand_change);
	load = 0.6 + 0.2 * wave(day) + pump->demand_change - ((int64_t)day % 7 >= 5 ? 0.1 : 0.0);
	load = load < 0.1 ? 0.1 : load > 1.1 ? 1.1 : load;

	/* Signs of wear stay small for most of a life and then grow quickly. */
	shown = pump->severity * pump->wear * pump->wear * pump->wear * pump->wear;

	/* The affinity laws of pumps: flow goes with the speed, pressure with its square.  A worn impeller
	 * gives less of both and draws more current. */
	speed = 0.7 + 0.3 * load;
	reading->values[PLANT_SPEED] = 1450.0 * speed + 3.0 * bell(rng);
	reading->values[PLANT_FLOW] = 120.0 * pump->size * speed * (1.0 - 0.05 * shown) + 0.8 * bell(rng);
	reading->values[PLANT_PRESSURE] = 6.0 * pump->size * speed * speed * (1.0 - 0.05 * shown) +
					 0.05 * bell(rng);
	reading->values[PLANT_CURRENT] = pump->size * (12.0 + 28.0 * load * (1.0 + 0.06 * shown)) +
					0.5 * bell(rng);
	reading->values[PLANT_VIBRATION] = 1.4 + 0.8 * load + 1.5 * shown + (0.2 + 0.3 * shown) * bell(rng);

	/* The bearing warms with load, wear and the air around it, and takes its time. */
	pump->temperature += lag * (22.0 + 4.0 * wave(day + 0.9) + 40.0 * load +
				    5.0 * shown - pump->temperature);
	reading->values[PLANT_TEMPERATURE] = pump->temperature + 0.5 * bell(rng);

	for (int i = 0; i < PLANT_SIGNALS; i++)
		reading->missing[i] = false;
	reading->disturbed = false;

	pump->wear += pump->wear_rate * pump->every * (0.4 + load);
	if (pump->wear >= 1.0) {
		pump->breakdowns++;
		pump->repair_left = REPAIR_HOURS;
		repair(pump);
	}
	return true;
}

struct plant_sensors plant_sensors_start(uint64_t seed, uint32_t number, double every_hours)
{
	struct plant_sensors sensors = {
		.rng = mlops_rng_start(seed, MLOPS_RNG_SIMULATE, 2 * number + 1),
		.every = every_hours,
	};

	return sensors;
}

/* Does a disturbance begin, and which?  Rates are an hour, so that the step does not change how bad it is. */
static void begin(struct plant_sensors *sensors)
{
	static const struct {
		enum plant_disturbance kind;
		double rate;           /* an hour */
		double shortest, longest;   /* hours */
		double least, most;    /* spreads */
	} kinds[] = {
		{ PLANT_SPIKE, 0.06, 0.0, 0.0, 6.0, 14.0 },
		{ PLANT_STUCK, 0.0015, 1.0, 3.0, 0.0, 0.0 },
		{ PLANT_DRIFT, 0.0016, 12.0, 36.0, 8.0, 14.0 },
		{ PLANT_DROPOUT, 0.01, 0.1, 2.0, 0.0, 0.0 },
	};
	double draw = mlops_rng_unit(&sensors->rng);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		double chance = kinds[i].rate * sensors->every;

		if (draw >= chance) {
			draw -= chance;
			continue;
		}
		sensors->kind = kinds[i].kind;
		sensors->signal = (enum plant_signal)mlops_rng_below(&sensors->rng, PLANT_SIGNALS);
		sensors->length = between(&sensors->rng, kinds[i].shortest, kinds[i].longest);
		sensors->left = sensors->length;
		sensors->amount = plant_signals[sensors->signal].spread *
				  between(&sensors->rng, kinds[i].least, kinds[i].most);
		if (mlops_rng_below(&sensors->rng, 2))
			sensors->amount = -sensors->amount;
		sensors->held = sensors->last[sensors->signal];
		return;
	}
}

static void disturb(struct plant_sensors *sensors, struct plant_reading *reading)
{
	enum plant_signal signal = sensors->signal;
	double *value = &reading->values[signal];
	double grown;

	switch (sensors->kind) {
	case PLANT_SOUND:
		return;
	case PLANT_SPIKE:
		*value += sensors->amount;
		reading->disturbed = true;
		break;
	case PLANT_STUCK:
		*value = sensors->held;
		reading->disturbed = true;
		break;
	case PLANT_DRIFT:
		grown = sensors->amount * (1.0 - sensors->left / sensors->length);
		*value += grown;
		reading->disturbed = (grown < 0.0 ? -grown : grown) > 3.0 * plant_signals[signal].spread;
		break;
	case PLANT_DROPOUT:
		reading->missing[signal] = true;
		break;
	}
	sensors->left -= sensors->every;
	if (sensors->left <= 0.0)
		sensors->kind = PLANT_SOUND;
}

void plant_sensors_observe(struct plant_sensors *sensors, struct plant_reading *reading)
{
	if (sensors->kind == PLANT_SOUND)
		begin(sensors);
	disturb(sensors, reading);
	for (int i = 0; i < PLANT_SIGNALS; i++) {
		/* A transmitter's scale begins at zero. */
		if (reading->values[i] < 0.0)
			reading->values[i] = 0.0;
		sensors->last[i] = reading->values[i];
	}
}
