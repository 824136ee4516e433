/*
 * How a model is named: NAME (its champion), NAME@ALIAS, NAME/VERSION, or a path to an .onnx file.
 * A text that ends in ".onnx", or begins with "/", "./" or "../", is a path.  Names are up to 200 bytes of UTF-8 without '/', ':', '@',
 * control characters or a leading '-' or '.'; aliases are [A-Za-z0-9_-], not "latest" and not v<digits> (MLflow's rules).
 */
#ifndef MLOPS_REGISTRY_REFERENCE_H
#define MLOPS_REGISTRY_REFERENCE_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define MLOPS_CHAMPION "champion"

struct mlops_reference {
	bool is_path;
	char path[4096];   /* when is_path */
	char name[201];
	char alias[256];   /* "champion" when neither alias nor version was given; empty with a version */
	uint32_t version;  /* 0 with an alias */
};

/* MLOPS_USAGE with what is wrong. */
bool mlops_reference_parse(const char *text, struct mlops_reference *reference, struct mlops_error *error);
bool mlops_reference_check_name(const char *name, struct mlops_error *error);
bool mlops_reference_check_alias(const char *alias, struct mlops_error *error);

#endif
