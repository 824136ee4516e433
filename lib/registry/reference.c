#include "registry/reference.h"

#include "base/number.h"
#include "base/text.h"

#include <string.h>

static bool starts_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text);
	size_t end_length = strlen(end);

	return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* C0, DEL and, in valid UTF-8, C1 (U+0080 to U+009F are 0xc2 and the code itself). */
static bool is_control(const unsigned char *at)
{
	return at[0] < 0x20 || at[0] == 0x7f || (at[0] == 0xc2 && at[1] >= 0x80 && at[1] <= 0x9f);
}

bool mlops_reference_check_name(const char *name, struct mlops_error *error)
{
	char quoted[MLOPS_TEXT_QUOTED];
	size_t length = strlen(name);

	mlops_text_mask(quoted, name, length);
	if (length == 0)
		return mlops_error_set(error, MLOPS_USAGE, "a model's name must not be empty");
	if (length > sizeof(((struct mlops_reference *)0)->name) - 1)
		return mlops_error_set(error, MLOPS_USAGE,
				       "model name '%s' has %zu bytes, at most 200 are allowed", quoted,
				       length);
	if (!mlops_text_is_utf8(name, length))
		return mlops_error_set(error, MLOPS_USAGE, "model name '%s' is not UTF-8", quoted);
	if (name[0] == '-' || name[0] == '.')
		return mlops_error_set(error, MLOPS_USAGE, "model name '%s' must not begin with '%c'", quoted,
				       name[0]);
	for (const char *c = name; *c != '\0'; c++) {
		if (*c == '/' || *c == ':' || *c == '@')
			return mlops_error_set(error, MLOPS_USAGE, "model name '%s' must not contain '%c'",
					       quoted, *c);
		if (is_control((const unsigned char *)c))
			return mlops_error_set(error, MLOPS_USAGE,
					       "model name '%s' must not contain control characters", quoted);
	}
	if (ends_with(name, ".onnx"))
		return mlops_error_set(error, MLOPS_USAGE,
				       "model name '%s' must not end in '.onnx', which means a file", quoted);
	return true;
}

static bool is_version_like(const char *alias)
{
	return (alias[0] == 'v' || alias[0] == 'V') && alias[1] != '\0' &&
	       strspn(alias + 1, "0123456789") == strlen(alias + 1);
}

bool mlops_reference_check_alias(const char *alias, struct mlops_error *error)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
	char quoted[MLOPS_TEXT_QUOTED];
	size_t length = strlen(alias);

	mlops_text_mask(quoted, alias, length);
	if (length == 0)
		return mlops_error_set(error, MLOPS_USAGE, "an alias must not be empty");
	if (length > sizeof(((struct mlops_reference *)0)->alias) - 1)
		return mlops_error_set(error, MLOPS_USAGE,
				       "alias '%s' has %zu bytes, at most 255 are allowed", quoted, length);
	if (strspn(alias, allowed) != length)
		return mlops_error_set(error, MLOPS_USAGE,
				       "alias '%s' may only have letters, digits, '_' and '-'", quoted);
	if (mlops_text_equal_ignore_case(alias, length, "latest", 6))
		return mlops_error_set(error, MLOPS_USAGE, "alias '%s' is reserved", quoted);
	if (is_version_like(alias))
		return mlops_error_set(error, MLOPS_USAGE,
				       "alias '%s' looks like a version; choose another name", quoted);
	return true;
}

static bool parse_path(const char *text, struct mlops_reference *reference, struct mlops_error *error)
{
	size_t length = strlen(text);

	if (length >= sizeof reference->path)
		return mlops_error_set(error, MLOPS_USAGE,
				       "model path of %zu bytes is too long, at most %zu are allowed", length,
				       sizeof reference->path - 1);
	reference->is_path = true;
	memcpy(reference->path, text, length + 1);
	return true;
}

bool mlops_reference_parse(const char *text, struct mlops_reference *reference, struct mlops_error *error)
{
	char quoted[MLOPS_TEXT_QUOTED], quoted_version[MLOPS_TEXT_QUOTED];
	size_t name_length = strcspn(text, "/@");
	const char *rest = text + name_length;

	memset(reference, 0, sizeof *reference);
	if (text[0] == '\0')
		return mlops_error_set(error, MLOPS_USAGE,
				       "the model must not be empty: give NAME, NAME@ALIAS, NAME/VERSION "
				       "or a path");
	if (text[0] == '/' || starts_with(text, "./") || starts_with(text, "../") || ends_with(text, ".onnx"))
		return parse_path(text, reference, error);

	mlops_text_mask(quoted, text, strlen(text));
	if (name_length >= sizeof reference->name)
		return mlops_error_set(error, MLOPS_USAGE,
				       "model name '%s' has %zu bytes, at most 200 are allowed", quoted,
				       name_length);
	memcpy(reference->name, text, name_length);
	if (!mlops_reference_check_name(reference->name, error))
		return false;

	if (*rest == '\0') {
		memcpy(reference->alias, MLOPS_CHAMPION, sizeof MLOPS_CHAMPION);
	} else if (*rest == '@') {
		if (!mlops_reference_check_alias(rest + 1, error))
			return false;
		memcpy(reference->alias, rest + 1, strlen(rest + 1) + 1);
	} else {
		uint64_t version = 0;

		if (!mlops_number_parse_uint(rest + 1, strlen(rest + 1), &version) || version == 0 ||
		    version > UINT32_MAX)
			return mlops_error_set(error, MLOPS_USAGE,
					       "model '%s': '%s' is not a version (1, 2, …); "
					       "for a file put ./ before it",
					       quoted,
					       mlops_text_mask(quoted_version, rest + 1, strlen(rest + 1)));
		reference->version = (uint32_t)version;
	}
	return true;
}
