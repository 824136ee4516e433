/* Categories and classes of a dataset: which texts are the same, and which comes first. */
#ifndef MLOPS_ROWS_CATEGORY_H
#define MLOPS_ROWS_CATEGORY_H

#include "base/number.h"
#include "rows/dictionary.h"

/* The text a class goes by: without the spaces around it, and numbers in their shortest form, so that 1, "1"
 * and "1.0" are one class.  *length is changed to the result's, which lies in text or number. */
const char *mlops_category_class_text(const char *text, size_t *length, char number[MLOPS_NUMBER_TEXT]);

/* Adds texts to an empty dictionary; text i gets code i. */
bool mlops_category_fill(struct mlops_dictionary *dictionary, char *const *texts, size_t n,
			 struct mlops_error *error);

/* Copies of the dictionary's texts in code order; never NULL but for want of memory, even when there are
 * none. */
char **mlops_category_texts(const struct mlops_dictionary *dictionary, size_t *n, struct mlops_error *error);
void mlops_category_free(char **texts, size_t n);

/* Sorts texts by bytes; new_code[old index] = index after it.  At most 255 texts. */
void mlops_category_sort(char **texts, size_t n, uint32_t *new_code);

/* The same for classes, in the order dataset.h says; counts[n] are their rows.  false and true are in that
 * order in any spelling.  positive may be NULL.  Returns NULL, or what is wrong with positive, as the start
 * of a sentence. */
const char *mlops_category_sort_classes(char **classes, size_t n, const uint64_t *counts,
					const char *positive, uint32_t *new_code);

#endif
