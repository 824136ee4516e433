/* Text for people: the nearest known name, and untrusted bytes made fit to print. */
#ifndef MLOPS_BASE_TEXT_H
#define MLOPS_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#define MLOPS_TEXT_QUOTED 68

/* The known name with the smallest edit distance (Damerau-Levenshtein, case ignored) to name, or NULL
 * when none is within a third of the longer one's length.  known has count entries; a NULL entry is
 * passed over. */
const char *mlops_text_nearest(const char *name, const char *const *known, size_t count);

/* Writes bytes for a message into buffer and returns buffer: control and non-UTF-8 bytes become '?',
 * more than about 60 bytes are cut with "…" on a character's border.  Always ends in NUL; adds no
 * quotes. */
const char *mlops_text_mask(char buffer[MLOPS_TEXT_QUOTED], const char *bytes, size_t length);

/* Length of the character that bytes start with, 0 if they are not UTF-8 (RFC 3629) or length is 0. */
size_t mlops_text_utf8_step(const char *bytes, size_t length);

bool mlops_text_is_utf8(const char *bytes, size_t length);

/* ASCII only, without the locale. */
bool mlops_text_equal_ignore_case(const char *a, size_t a_length, const char *b, size_t b_length);

#endif
