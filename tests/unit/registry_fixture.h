/* A registry in a directory of its own, for the tests of lib/registry. */
#ifndef TESTS_UNIT_REGISTRY_FIXTURE_H
#define TESTS_UNIT_REGISTRY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "registry/store.h"

#include <sqlite3.h>
#include <sys/types.h>

#define MINUTE INT64_C(60000000)

struct fixture {
	char root[200];	    /* a temporary directory */
	char registry[256]; /* root/registry, not made yet */
};

/* cmocka's setup and teardown: *state is a struct fixture. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Both fail the test when they cannot. */
struct mlops_store *fixture_create(const struct fixture *fixture);
struct mlops_store *fixture_read(const struct fixture *fixture);

/* Adds a version of name, whose file is `length` bytes drawn from seed; returns its number. */
uint32_t fixture_add(struct mlops_store *store, const char *name, uint32_t seed, size_t length);

/* Fills bytes as fixture_add does. */
void fixture_bytes(unsigned char *bytes, uint32_t seed, size_t length);

/* The path of a version's file; static memory. */
const char *fixture_file(const struct fixture *fixture, const struct mlops_version *version);

uint32_t fixture_champion(struct mlops_store *store, const char *name); /* 0 when there is none */

/* Checks code and the whole message, and makes error empty again.  "{}" in message stands for the registry's
 * directory. */
void fixture_expect_error(const struct fixture *fixture, struct mlops_error *error, enum mlops_code code,
			  const char *message);

/* The registry's ledger, without the library. */
sqlite3 *fixture_sqlite(const struct fixture *fixture);
void fixture_execute(const struct fixture *fixture, const char *sql);

size_t fixture_count_files(const struct fixture *fixture); /* in models/, hidden ones too */

/* A child process runs body and exits 0 when it returns true; fixture_join gives the wait status. */
pid_t fixture_fork(bool (*body)(void *context), void *context);
int fixture_join(pid_t child);

/* For a child: gives up root's rights, if it has them, so that permissions count. */
void fixture_become_nobody(void);

#endif
