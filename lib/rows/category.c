#include "rows/category.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

const char *mlops_category_class_text(const char *text, size_t *length, char number[MLOPS_NUMBER_TEXT])
{
	double value;

	while (*length > 0 && (text[*length - 1] == ' ' || text[*length - 1] == '\t'))
		--*length;
	while (*length > 0 && (*text == ' ' || *text == '\t')) {
		text++;
		--*length;
	}
	if (mlops_number_parse(text, *length, '.', &value) != MLOPS_NUMBER_OK)
		return text;
	*length = mlops_number_print_double(number, value == 0 ? 0.0 : value);
	return number;
}

bool mlops_category_fill(struct mlops_dictionary *dictionary, char *const *texts, size_t n,
			 struct mlops_error *error)
{
	for (size_t i = 0; i < n; i++)
		if (mlops_dictionary_add(dictionary, texts[i], strlen(texts[i])) == MLOPS_DICTIONARY_NONE)
			return mlops_error_set_memory(error);
	return true;
}

char **mlops_category_texts(const struct mlops_dictionary *dictionary, size_t *n, struct mlops_error *error)
{
	size_t count = mlops_dictionary_count(dictionary);
	char **texts = calloc(count + 1, sizeof *texts);

	if (texts == NULL)
		goto failed;
	for (size_t i = 0; i < count; i++) {
		texts[i] = strdup(mlops_dictionary_text(dictionary, (uint32_t)i, NULL));
		if (texts[i] == NULL)
			goto failed;
	}
	*n = count;
	return texts;

failed:
	mlops_error_set_memory(error);
	mlops_category_free(texts, count);
	return NULL;
}

void mlops_category_free(char **texts, size_t n)
{
	if (texts == NULL)
		return;
	for (size_t i = 0; i < n; i++)
		free(texts[i]);
	free(texts);
}

struct item {
	char *text;
	double value;
	uint32_t old_code;
	bool by_value;
};

static int compare_items(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->by_value && y->by_value && x->value != y->value)
		return x->value < y->value ? -1 : 1;
	return strcmp(x->text, y->text);
}

static void sort(char **texts, size_t n, bool by_value, uint32_t *new_code)
{
	struct item items[UINT8_MAX];

	for (size_t i = 0; i < n; i++) {
		items[i] = (struct item){ .text = texts[i], .old_code = (uint32_t)i, .by_value = by_value };
		if (by_value)
			(void)mlops_number_parse(texts[i], strlen(texts[i]), '.', &items[i].value);
	}
	qsort(items, n, sizeof *items, compare_items);
	for (size_t i = 0; i < n; i++) {
		texts[i] = items[i].text;
		new_code[items[i].old_code] = (uint32_t)i;
	}
}

void mlops_category_sort(char **texts, size_t n, uint32_t *new_code)
{
	sort(texts, n, false, new_code);
}

static bool is_word(const char *text, const char *word)
{
	return mlops_text_equal_ignore_case(text, strlen(text), word, strlen(word));
}

static void swap_pair(char **texts, uint32_t *new_code)
{
	char *text = texts[0];

	texts[0] = texts[1];
	texts[1] = text;
	new_code[0] = 1 - new_code[0];
	new_code[1] = 1 - new_code[1];
}

const char *mlops_category_sort_classes(char **classes, size_t n, const uint64_t *counts,
					const char *positive, uint32_t *new_code)
{
	uint64_t sorted_counts[2] = { 0, 0 };
	bool all_numbers = true;
	double value;

	for (size_t i = 0; i < n; i++)
		all_numbers &=
			mlops_number_parse(classes[i], strlen(classes[i]), '.', &value) == MLOPS_NUMBER_OK;
	sort(classes, n, all_numbers, new_code);
	if (positive != NULL) {
		char number[MLOPS_NUMBER_TEXT];
		size_t length = strlen(positive);
		const char *text = mlops_category_class_text(positive, &length, number);

		if (n != 2)
			return "has not two classes, so none of them is the positive one, not even";
		for (size_t i = 0; i < n; i++) {
			if (strlen(classes[i]) != length || memcmp(classes[i], text, length) != 0)
				continue;
			if (i == 0)
				swap_pair(classes, new_code);
			return NULL;
		}
		return "has no class";
	}
	if (n != 2 || all_numbers || (is_word(classes[0], "false") && is_word(classes[1], "true")))
		return NULL;
	for (size_t old = 0; old < 2; old++)
		sorted_counts[new_code[old]] = counts[old];
	if (sorted_counts[0] < sorted_counts[1] ||
	    (is_word(classes[1], "false") && is_word(classes[0], "true")))
		swap_pair(classes, new_code);
	return NULL;
}
