#include "rows/dictionary.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 16
#define BLOCK_BYTES ((size_t)16 << 10)

/* Texts live in blocks that never move, so that a text stays where the caller saw it. */
struct block {
	struct block *next;
	size_t used, size;
	char bytes[];
};

struct entry {
	const char *text;
	size_t length;
	uint32_t hash;
};

struct mlops_dictionary {
	struct entry *entries;
	size_t count, capacity;
	uint32_t *slots; /* [n_slots] entry + 1, 0 = free; n_slots is a power of two, at least twice count */
	size_t n_slots;
	struct block *blocks;
};

/* FNV-1a with a last mix (MurmurHash3's), so that the low bits depend on every byte. */
static uint32_t hash_of(const char *bytes, size_t length)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < length; i++)
		h = (h ^ (unsigned char)bytes[i]) * 0x100000001b3u;
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdu;
	return (uint32_t)(h ^ h >> 33);
}

struct mlops_dictionary *mlops_dictionary_new(struct mlops_error *error)
{
	struct mlops_dictionary *dictionary = calloc(1, sizeof *dictionary);

	if (dictionary == NULL)
		goto failed;
	dictionary->n_slots = FIRST_SLOTS;
	dictionary->slots = calloc(FIRST_SLOTS, sizeof *dictionary->slots);
	if (dictionary->slots == NULL)
		goto failed;
	return dictionary;

failed:
	mlops_error_set_memory(error);
	mlops_dictionary_free(dictionary);
	return NULL;
}

void mlops_dictionary_free(struct mlops_dictionary *dictionary)
{
	if (dictionary == NULL)
		return;
	for (struct block *block = dictionary->blocks; block != NULL;) {
		struct block *next = block->next;

		free(block);
		block = next;
	}
	free(dictionary->slots);
	free(dictionary->entries);
	free(dictionary);
}

size_t mlops_dictionary_count(const struct mlops_dictionary *dictionary)
{
	return dictionary->count;
}

/* The slot that holds the text, or the free one where it belongs. */
static size_t find_slot(const struct mlops_dictionary *dictionary, const char *bytes, size_t length,
			uint32_t hash)
{
	size_t slot = hash & (dictionary->n_slots - 1);

	for (; dictionary->slots[slot] != 0; slot = (slot + 1) & (dictionary->n_slots - 1)) {
		const struct entry *entry = &dictionary->entries[dictionary->slots[slot] - 1];

		if (entry->hash == hash && entry->length == length &&
		    (length == 0 || memcmp(entry->text, bytes, length) == 0))
			break;
	}
	return slot;
}

static bool double_slots(struct mlops_dictionary *dictionary)
{
	size_t n = dictionary->n_slots * 2;
	uint32_t *slots = calloc(n, sizeof *slots);

	if (slots == NULL)
		return false;
	for (size_t i = 0; i < dictionary->count; i++) {
		size_t slot = dictionary->entries[i].hash & (n - 1);

		while (slots[slot] != 0)
			slot = (slot + 1) & (n - 1);
		slots[slot] = (uint32_t)i + 1;
	}
	free(dictionary->slots);
	dictionary->slots = slots;
	dictionary->n_slots = n;
	return true;
}

static const char *keep_text(struct mlops_dictionary *dictionary, const char *bytes, size_t length)
{
	struct block *block = dictionary->blocks;
	char *text;

	if (length >= SIZE_MAX / 2)
		return NULL;
	if (block == NULL || block->size - block->used < length + 1) {
		size_t size = length + 1 > BLOCK_BYTES ? length + 1 : BLOCK_BYTES;

		block = malloc(sizeof *block + size);
		if (block == NULL)
			return NULL;
		*block = (struct block){ .next = dictionary->blocks, .size = size };
		dictionary->blocks = block;
	}
	text = block->bytes + block->used;
	if (length > 0)
		memcpy(text, bytes, length);
	text[length] = '\0';
	block->used += length + 1;
	return text;
}

uint32_t mlops_dictionary_add(struct mlops_dictionary *dictionary, const char *bytes, size_t length)
{
	uint32_t hash = hash_of(bytes, length);
	size_t slot = find_slot(dictionary, bytes, length, hash);
	const char *text;

	if (dictionary->slots[slot] != 0)
		return dictionary->slots[slot] - 1;
	if (dictionary->count >= MLOPS_DICTIONARY_NONE - 1)
		return MLOPS_DICTIONARY_NONE;
	if (dictionary->count == dictionary->capacity) {
		size_t capacity = dictionary->capacity == 0 ? FIRST_SLOTS : dictionary->capacity * 2;
		struct entry *entries = reallocarray(dictionary->entries, capacity, sizeof *entries);

		if (entries == NULL)
			return MLOPS_DICTIONARY_NONE;
		dictionary->entries = entries;
		dictionary->capacity = capacity;
	}
	if (dictionary->count + 1 > dictionary->n_slots / 2) {
		if (!double_slots(dictionary))
			return MLOPS_DICTIONARY_NONE;
		slot = find_slot(dictionary, bytes, length, hash);
	}
	text = keep_text(dictionary, bytes, length);
	if (text == NULL)
		return MLOPS_DICTIONARY_NONE;
	dictionary->entries[dictionary->count] = (struct entry){ text, length, hash };
	dictionary->slots[slot] = (uint32_t)++dictionary->count;
	return (uint32_t)dictionary->count - 1;
}

uint32_t mlops_dictionary_find(const struct mlops_dictionary *dictionary, const char *bytes, size_t length)
{
	size_t slot = find_slot(dictionary, bytes, length, hash_of(bytes, length));

	return dictionary->slots[slot] != 0 ? dictionary->slots[slot] - 1 : MLOPS_DICTIONARY_NONE;
}

const char *mlops_dictionary_text(const struct mlops_dictionary *dictionary, uint32_t code, size_t *length)
{
	if (length != NULL)
		*length = dictionary->entries[code].length;
	return dictionary->entries[code].text;
}
