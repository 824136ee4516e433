/* Inside lib/mlflow: one request, tried again as often as tracking allows, and its answer as JSON. */
#ifndef MLOPS_MLFLOW_SESSION_H
#define MLOPS_MLFLOW_SESSION_H

#include "mlflow/mlflow.h"
#include "net/http_client.h"

#include <jansson.h>

#define MLOPS_MLFLOW_SHOWN 200
#define MLOPS_MLFLOW_LOCATION 1024

struct mlops_mlflow {
	const struct mlops_tracking *tracking;
	struct mlops_http_client *client;
	char *url;                       /* without user and '/' at its end */
	char *username, *password;       /* the URI's own */
	char shown[MLOPS_MLFLOW_SHOWN];
	char experiment[32];             /* its id; empty: not asked yet */
	char run[33], *run_location;     /* where the artifacts of the run asked for last are */
	double spent;                    /* seconds of the call so far */
	unsigned retried;                /* times since the last request that went well */
};

/* What a request is and what became of it. */
struct mlops_mlflow_request {
	const char *method;
	const char *path;                /* below the URI, encoded: "/api/2.0/mlflow/runs/get?run_id=…" */
	const char *what;                /* for messages: "runs/get" */
	const json_t *body;              /* or NULL */
	const void *bytes;               /* instead of body, as they are */
	size_t length;
	size_t limit;                    /* of the answer; 0: 64 MB */
	bool once;                       /* a failure that may pass is not tried again here */
	/* the outcome */
	bool again;                      /* it failed, and might not another time */
	bool repeated;                   /* an earlier attempt may have done it */
	char refusal[64];                /* MLflow's error_code; empty: none */
	double retry_after;              /* seconds that the server wants to be left alone */
};

/* Each public function begins with it: the patience is a call's. */
void mlops_mlflow_begin(struct mlops_mlflow *mlflow);

/* Any answer of 2xx is put into result, which is released by the caller in any case. */
bool mlops_mlflow_send(struct mlops_mlflow *mlflow, struct mlops_mlflow_request *request, struct mlops_http_result *result,
		       struct mlops_error *error);

/* The same for an answer that has to be a JSON object, which the caller releases. */
json_t *mlops_mlflow_ask(struct mlops_mlflow *mlflow, struct mlops_mlflow_request *request, struct mlops_error *error);

/* Waits before another attempt of what failed with error, which is cleared then; false: enough was tried. */
bool mlops_mlflow_wait(struct mlops_mlflow *mlflow, const char *what, double least, struct mlops_error *error);

/* What an answer of that status other than 2xx means.  refusal: MLflow's error_code or empty; again: it may pass by itself. */
struct mlops_mlflow_refusal {
	enum mlops_code code;
	bool again;
	char refusal[64];
	char reason[400];
};
void mlops_mlflow_refuse(int status, const char *body, size_t length, struct mlops_mlflow_refusal *refusal);

/* Finds the experiment, or makes it. */
bool mlops_mlflow_find_experiment(struct mlops_mlflow *mlflow, struct mlops_error *error);

/* run's artifacts, "mlflow-artifacts:/…"; kept by mlflow. */
const char *mlops_mlflow_run_location(struct mlops_mlflow *mlflow, const char *run_id, struct mlops_error *error);

#endif
