/*
 * A made-up plant: pumps that follow a daily demand, wear out, break down and are repaired, seen through
 * sensors that err.  Draws are by counter and the arithmetic is + - * / only, so a seed gives the same plant
 * on any machine.
 *
 *	struct plant_pump pump = plant_pump_start(seed, number, every_hours);
 *	struct plant_sensors sensors = plant_sensors_start(seed, number, every_hours);
 *	for (step = 0; step < steps; step++) {
 *		struct plant_reading reading;
 *		if (!plant_pump_step(&pump, &reading))
 *			continue;                        // under repair, nothing is recorded
 *		plant_sensors_observe(&sensors, &reading);
 *	}
 *
 * A copy of a pump goes through exactly what the original will: to know the future, step a copy ahead.
 */
#ifndef EXAMPLES_PLANT_H
#define EXAMPLES_PLANT_H

#include "base/rng.h"

#include <stdbool.h>
#include <stdint.h>

enum plant_signal {
	PLANT_TEMPERATURE, /* of the bearing, °C */
	PLANT_VIBRATION,   /* mm/s RMS */
	PLANT_PRESSURE,    /* bar */
	PLANT_FLOW,        /* m³/h */
	PLANT_CURRENT,     /* A */
	PLANT_SPEED,       /* 1/min */
	PLANT_SIGNALS
};

struct plant_signal_info {
	const char *name;
	int decimals;
	double spread; /* how far a sound pump strays in a day; sensors err by multiples of it */
};

extern const struct plant_signal_info plant_signals[PLANT_SIGNALS];

struct plant_reading {
	double values[PLANT_SIGNALS];
	bool missing[PLANT_SIGNALS];
	bool disturbed; /* a sensor was off: a spike, a stuck value, a drift beyond 3 spreads */
};

struct plant_pump {
	struct mlops_rng rng;
	double every;          /* hours a step */
	double clock;          /* hours since the start */
	double size;           /* pumps of a plant are not all alike */
	double demand_change;  /* slow, random part of the demand */
	double temperature;
	double wear;           /* 0 new … 1 breaks down */
	double wear_rate;      /* an hour at average load */
	double severity;       /* how much of its wear this life of the pump shows */
	double repair_left;    /* hours */
	uint64_t breakdowns;
};

enum plant_disturbance { PLANT_SOUND, PLANT_SPIKE, PLANT_STUCK, PLANT_DRIFT, PLANT_DROPOUT };

struct plant_sensors {
	struct mlops_rng rng;
	double every;
	enum plant_disturbance kind;
	enum plant_signal signal;
	double left;           /* hours until the disturbance ends */
	double length;         /* hours that it lasts in all */
	double amount;         /* added by a spike, or by a drift at its end */
	double held;           /* the value a stuck sensor repeats */
	double last[PLANT_SIGNALS];
};

struct plant_pump plant_pump_start(uint64_t seed, uint32_t number, double every_hours);

/* One step further.  Fills reading (nothing missing or disturbed), or returns false while under repair. */
bool plant_pump_step(struct plant_pump *pump, struct plant_reading *reading);

struct plant_sensors plant_sensors_start(uint64_t seed, uint32_t number, double every_hours);

/* Turns what is into what the sensors say. */
void plant_sensors_observe(struct plant_sensors *sensors, struct plant_reading *reading);

#endif
