#include "check/sensor_time.h"

#include <stdlib.h>

static bool was_there(const struct mlops_time_state *state, int64_t time)
{
	size_t known = state->n < state->memory ? state->n : state->memory;

	for (size_t i = 0; i < known; i++)
		if (state->times[(state->n - 1 - i) % state->memory] == time)
			return true;
	return false;
}

unsigned mlops_time_check(struct mlops_time_state *state, int64_t time, int64_t most)
{
	unsigned found = 0;

	if (state->times == NULL) {
		state->memory = state->memory > 0 ? state->memory : MLOPS_TIME_MEMORY;
		state->times = calloc(state->memory, sizeof *state->times);
		if (state->times == NULL)
			return MLOPS_TIME_FOUND_NO_MEMORY;
	}
	if (state->begun) {
		state->passed = time - state->last;
		if (time > state->latest)
			found = state->passed > most ? MLOPS_TIME_FOUND_GAP : 0;
		else if (was_there(state, time))
			found = MLOPS_TIME_FOUND_DUPLICATE;
		if (time < state->last)
			found |= MLOPS_TIME_FOUND_BACKWARD;
	}
	if (!state->begun || time > state->latest)
		state->latest = time;
	state->begun = true;
	state->last = time;
	state->times[state->n++ % state->memory] = time;
	return found;
}

void mlops_time_state_release(struct mlops_time_state *state)
{
	free(state->times);
	*state = (struct mlops_time_state)MLOPS_TIME_STATE_INIT;
}
