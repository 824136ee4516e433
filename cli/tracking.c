#include "cli/tracking.h"

#include "base/file.h"
#include "base/number.h"
#include "base/text.h"
#include "cli/common.h"
#include "cli/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPERIMENT "mlops"
#define RETRIES 5
#define MOST_RETRIES 10
#define LONGEST_TIMEOUT 3600
#define CREDENTIALS_LIMIT ((size_t)64 << 10)

static struct {
	struct mlops_tracking tracking;
	char username[CLI_SECRET_ROOM], password[CLI_SECRET_ROOM], token[CLI_SECRET_ROOM];
	bool read;
} kept;

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value == NULL || value[0] == '\0' ? NULL : value;
}

static void notice(void *context, const char *message)
{
	(void)context;
	cli_notice("%s", message);
}

static bool read_number(const char *name, double least, double most, double *number, struct mlops_error *error)
{
	const char *text = variable(name);
	char quoted[MLOPS_TEXT_QUOTED];

	if (text == NULL)
		return true;
	if (mlops_number_parse(text, strlen(text), '.', number) == MLOPS_NUMBER_OK && *number >= least &&
	    *number <= most)
		return true;
	return mlops_error_set(error, MLOPS_CONFIG, "%s: '%s' should be a number from %g to %g", name,
			       mlops_text_mask(quoted, text, strlen(text)), least, most);
}

static bool read_flag(const char *name, bool *flag, struct mlops_error *error)
{
	const char *text = variable(name);
	char quoted[MLOPS_TEXT_QUOTED];
	size_t length = text == NULL ? 0 : strlen(text);

	if (text == NULL || mlops_text_equal_ignore_case(text, length, "false", 5) || strcmp(text, "0") == 0)
		*flag = false;
	else if (mlops_text_equal_ignore_case(text, length, "true", 4) || strcmp(text, "1") == 0)
		*flag = true;
	else
		return mlops_error_set(error, MLOPS_CONFIG, "%s: '%s' should be true or false", name,
				       mlops_text_mask(quoted, text, length));
	return true;
}

/* A line of `~/.mlflow/credentials`, which begins and ends anywhere: the value of key, NULL when it is of something else. */
static char *value_of(char *line, const char *key)
{
	size_t length = strlen(key);
	char *end = line + strlen(line);

	if (strncasecmp(line, key, length) != 0)
		return NULL;
	line += length;
	line += strspn(line, " \t");
	if (*line != '=' && *line != ':')
		return NULL;
	line++;
	line += strspn(line, " \t");
	while (end > line && strchr(" \t\r", end[-1]) != NULL)
		*--end = '\0';
	return line;
}

/* User and password of the file's section [mlflow], where the environment has none. */
static bool read_lines(char *text, const char *path, bool *has_username, bool *has_password, struct mlops_error *error)
{
	bool inside = false, wants_username = !*has_username, wants_password = !*has_password;
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
		char *username, *password;

		line += strspn(line, " \t");
		if (*line == '[')
			inside = strncmp(line, "[mlflow]", 8) == 0;
		if (!inside)
			continue;
		username = wants_username ? value_of(line, "mlflow_tracking_username") : NULL;
		password = wants_password ? value_of(line, "mlflow_tracking_password") : NULL;
		if ((username != NULL && strlen(username) >= CLI_SECRET_ROOM) ||
		    (password != NULL && strlen(password) >= CLI_SECRET_ROOM))
			return mlops_error_set(error, MLOPS_CONFIG, "%s: too long for a secret", path);
		if (username != NULL) {
			strcpy(kept.username, username);
			*has_username = username[0] != '\0';
		}
		if (password != NULL) {
			strcpy(kept.password, password);
			*has_password = password[0] != '\0';
		}
	}
	return true;
}

static bool read_credentials(bool *has_username, bool *has_password, struct mlops_error *error)
{
	const char *home = variable("HOME");
	struct mlops_buffer text = MLOPS_BUFFER_INIT;
	struct mlops_error trouble = MLOPS_ERROR_INIT;
	char path[4096];
	bool ok;

	if ((*has_username && *has_password) || home == NULL)
		return true;
	if ((size_t)snprintf(path, sizeof path, "%s/.mlflow/credentials", home) >= sizeof path || access(path, F_OK) != 0)
		return true;
	ok = mlops_file_read(path, CREDENTIALS_LIMIT, &text, &trouble);
	if (!ok)
		mlops_error_set(error, MLOPS_CONFIG, "%s", trouble.message);
	mlops_buffer_string(&text);
	ok = ok && (text.failed ? mlops_error_set_memory(error)
				: read_lines(text.data, path, has_username, has_password, error));
	if (text.data != NULL)
		explicit_bzero(text.data, text.length);
	mlops_buffer_release(&text);
	return ok;
}

static bool read_secrets(struct mlops_tracking *tracking, struct mlops_error *error)
{
	bool has_username, has_password, has_token;

	if (!cli_secret("MLFLOW_TRACKING_USERNAME", kept.username, &has_username, error) ||
	    !cli_secret("MLFLOW_TRACKING_PASSWORD", kept.password, &has_password, error) ||
	    !read_credentials(&has_username, &has_password, error) ||
	    !cli_secret("MLFLOW_TRACKING_TOKEN", kept.token, &has_token, error))
		return false;
	if (has_username && has_password) {
		tracking->username = kept.username;
		tracking->password = kept.password;
	}
	if (has_token)
		tracking->token = kept.token;
	return true;
}

static bool read_all(struct mlops_tracking *tracking, struct mlops_error *error)
{
	const char *experiment = variable("MLFLOW_EXPERIMENT_NAME");
	double retries = RETRIES;

	tracking->experiment = experiment == NULL ? EXPERIMENT : experiment;
	tracking->ca_file = variable("MLFLOW_TRACKING_SERVER_CERT_PATH");
	tracking->client_certificate = variable("MLFLOW_TRACKING_CLIENT_CERT_PATH");
	tracking->notice = notice;
	if (!read_number("MLFLOW_HTTP_REQUEST_TIMEOUT", 0.1, LONGEST_TIMEOUT, &tracking->timeout, error) ||
	    !read_number("MLFLOW_HTTP_REQUEST_MAX_RETRIES", 0, MOST_RETRIES, &retries, error) ||
	    !read_flag("MLFLOW_TRACKING_INSECURE_TLS", &tracking->insecure, error) || !read_secrets(tracking, error))
		return false;
	tracking->retries = (unsigned)retries;
	return true;
}

bool cli_tracking(const struct mlops_tracking **tracking, struct mlops_error *error)
{
	const char *uri = variable("MLFLOW_TRACKING_URI");

	*tracking = NULL;
	if (uri == NULL || !cli_is_server(uri))
		return true;
	if (!kept.read) {
		kept.tracking.uri = uri;
		if (!read_all(&kept.tracking, error))
			return false;
		kept.read = true;
	}
	*tracking = &kept.tracking;
	return true;
}
