#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/sha256.h"

#include <string.h>

/* FIPS 180-4's examples. */
static const struct {
	const char *text, *hash;
} known[] = {
	{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

static void known_answers(void **state)
{
	char text[MLOPS_SHA256_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		mlops_sha256_of(known[i].text, strlen(known[i].text), text);
		assert_string_equal(text, known[i].hash);
	}
	mlops_sha256_of(NULL, 0, text);
	assert_string_equal(text, known[0].hash);
}

static void parts_make_the_whole(void **state)
{
	(void)state;
	for (size_t cut = 0; cut <= strlen(known[2].text); cut++) {
		struct mlops_sha256 *hash = mlops_sha256_new();
		char text[MLOPS_SHA256_TEXT];

		assert_non_null(hash);
		mlops_sha256_add(hash, known[2].text, cut);
		mlops_sha256_add(hash, known[2].text + cut, strlen(known[2].text) - cut);
		mlops_sha256_finish(hash, text);
		assert_string_equal(text, known[2].hash);
	}
	mlops_sha256_free(mlops_sha256_new());
	mlops_sha256_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),
		cmocka_unit_test(parts_make_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
