/* Texts to small numbers in order of first appearance, and back: categories, class labels, machine ids. */
#ifndef MLOPS_ROWS_DICTIONARY_H
#define MLOPS_ROWS_DICTIONARY_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define MLOPS_DICTIONARY_NONE UINT32_MAX

struct mlops_dictionary;

struct mlops_dictionary *mlops_dictionary_new(struct mlops_error *error);
void mlops_dictionary_free(struct mlops_dictionary *dictionary);

size_t mlops_dictionary_count(const struct mlops_dictionary *dictionary);

/* The text's number; a new text is added.  MLOPS_DICTIONARY_NONE when memory ran out. */
uint32_t mlops_dictionary_add(struct mlops_dictionary *dictionary, const char *bytes, size_t length);

/* The text's number, or MLOPS_DICTIONARY_NONE. */
uint32_t mlops_dictionary_find(const struct mlops_dictionary *dictionary, const char *bytes, size_t length);

/* Text number code, NUL-terminated, valid as long as the dictionary.  length may be NULL. */
const char *mlops_dictionary_text(const struct mlops_dictionary *dictionary, uint32_t code, size_t *length);

#endif
