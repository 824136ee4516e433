/*
 * An error as a value: what kind it is, where it happened and a sentence about it.
 *
 * Calling sequence:
 *
 *	struct mlops_error error = MLOPS_ERROR_INIT;
 *	if (!mlops_something(..., &error))
 *		return report(&error);
 *
 * A function that can fail returns bool (or a pointer) and takes a struct mlops_error as its last
 * parameter.  The caller owns the struct; it holds no pointers and needs no freeing.  The first
 * error stays: setting an error that is set already changes nothing, so cleanup code may call
 * functions that fail too.  NULL in place of the struct is allowed and means "I don't care".
 *
 * Messages are lower case, have no full stop, name the thing first and quote what was found:
 * column "temp": 'abc' is not a number.
 */
#ifndef MLOPS_BASE_ERROR_H
#define MLOPS_BASE_ERROR_H

#include <stdbool.h>
#include <stdint.h>

enum mlops_code {
	MLOPS_OK = 0,
	MLOPS_NEGATIVE,    /* the work was done and the answer is no */
	MLOPS_USAGE,       /* called with wrong options or arguments */
	MLOPS_DATA,        /* the input is wrong, or too little */
	MLOPS_UNAVAILABLE, /* a service cannot be reached */
	MLOPS_BUG,         /* an internal invariant does not hold */
	MLOPS_IO,          /* reading or writing failed */
	MLOPS_MEMORY,      /* memory ran out */
	MLOPS_BUSY,        /* somebody else holds the lock */
	MLOPS_DENIED,      /* not permitted */
	MLOPS_CONFIG,      /* the configuration is wrong */
	MLOPS_CLOSED,      /* the reader of our output has gone away; not worth a message */
	MLOPS_CODES
};

/* What a code means to the outside; one row of the only table that says so. */
struct mlops_code_info {
	const char *name; /* "data": in JSON messages and as problem type */
	int exit_status;  /* of a command line tool */
	int http_status;  /* of an HTTP answer */
};

struct mlops_error {
	enum mlops_code code;
	uint64_t line;     /* 1-based line of the source; 0 = none */
	char source[256];  /* a file name; a long one loses its start; empty = none */
	char message[768];
};

#define MLOPS_ERROR_INIT { .code = MLOPS_OK }

/* Fills error if it is not set yet.  Always returns false, so that `return mlops_error_set(...)` reads
 * well. */
bool mlops_error_set(struct mlops_error *error, enum mlops_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4), cold));

/* The same with a place.  source may be NULL; line 0 means that no line is known. */
bool mlops_error_set_at(struct mlops_error *error, enum mlops_code code, const char *source,
			uint64_t line, const char *format, ...)
	__attribute__((format(printf, 5, 6), cold));

/* Sets MLOPS_IO (or MLOPS_DENIED, MLOPS_CLOSED, MLOPS_MEMORY, whichever errno says) with strerror's text:
 * "PATH: No space left on device".  what is the thing that failed, usually a path. */
bool mlops_error_set_errno(struct mlops_error *error, int errnum, const char *what)
	__attribute__((cold));

/* "out of memory", MLOPS_MEMORY. */
bool mlops_error_set_memory(struct mlops_error *error) __attribute__((cold));

/* Never NULL: a code out of range gets the row of MLOPS_BUG. */
const struct mlops_code_info *mlops_code_describe(enum mlops_code code);

#endif
