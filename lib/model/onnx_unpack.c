/*
 * From bytes to a message.  protobuf-c follows nested messages by recursion without a limit and allocates
 * what a file asks for, so a look at the bytes comes first: every length inside its message, nesting bounded,
 * no single-valued field twice (merging two graphs has no use).  Then it runs on a budget of memory.
 */
#include "model/onnx_graph.h"

#include <stdlib.h>

#define MAX_DEPTH 24
#define BUDGET_FACTOR 64
#define BUDGET_FLOOR ((size_t)1 << 20)
#define MODEL_IR_VERSION_TAG 0x08 /* the first byte of every serialised ModelProto that we have met */

enum verdict { FINE, BROKEN, TOO_DEEP };

struct bytes {
	const uint8_t *at, *end;
};

static bool take_varint(struct bytes *bytes, uint64_t *value)
{
	*value = 0;
	for (unsigned shift = 0; shift < 70; shift += 7) {
		if (bytes->at == bytes->end)
			return false;
		uint8_t byte = *bytes->at++;
		if (shift < 64)
			*value |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0)
			return true;
	}
	return false;
}

static enum verdict look(const ProtobufCMessageDescriptor *type, struct bytes bytes, unsigned depth)
{
	if (depth > MAX_DEPTH)
		return TOO_DEEP;
	uint64_t seen = 0;
	while (bytes.at < bytes.end) {
		uint64_t key, length;
		if (!take_varint(&bytes, &key) || key > UINT32_MAX || key >> 3 == 0)
			return BROKEN;
		switch (key & 7) {
		case PROTOBUF_C_WIRE_TYPE_VARINT:
			if (!take_varint(&bytes, &length))
				return BROKEN;
			length = 0;
			break;
		case PROTOBUF_C_WIRE_TYPE_64BIT:
			length = 8;
			break;
		case PROTOBUF_C_WIRE_TYPE_32BIT:
			length = 4;
			break;
		case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
			if (!take_varint(&bytes, &length))
				return BROKEN;
			break;
		default:
			return BROKEN;
		}
		if (length > (size_t)(bytes.end - bytes.at))
			return BROKEN;
		const ProtobufCFieldDescriptor *field =
			protobuf_c_message_descriptor_get_field(type, (unsigned)(key >> 3));
		if (field != NULL && field->label != PROTOBUF_C_LABEL_REPEATED) {
			uint64_t bit = UINT64_C(1) << ((size_t)(field - type->fields) & 63);
			if ((seen & bit) != 0)
				return BROKEN;
			seen |= bit;
		}
		if (field != NULL && field->type == PROTOBUF_C_TYPE_MESSAGE) {
			if ((key & 7) != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
				return BROKEN;
			struct bytes inner = { bytes.at, bytes.at + length };
			enum verdict verdict = look(field->descriptor, inner, depth + 1);
			if (verdict != FINE)
				return verdict;
		}
		bytes.at += length;
	}
	return FINE;
}

struct budget {
	size_t left;
	bool exhausted; /* the file asked for too much */
	bool failed;	/* the machine had too little */
};

static void *budget_alloc(void *data, size_t size)
{
	struct budget *budget = data;
	if (size > budget->left) {
		budget->exhausted = true;
		return NULL;
	}
	budget->left -= size;
	void *memory = malloc(size);
	if (memory == NULL)
		budget->failed = true;
	return memory;
}

static void budget_free(void *data, void *memory)
{
	(void)data;
	free(memory);
}

Onnx__ModelProto *mlops_onnx_unpack(const void *bytes, size_t length, struct mlops_error *error)
{
	if (length == 0) {
		mlops_error_set(error, MLOPS_DATA, "an empty file, expected an ONNX model");
		return NULL;
	}
	if (length > MLOPS_MODEL_FILE_LIMIT) {
		mlops_error_set(error, MLOPS_DATA, "larger than %zu bytes", MLOPS_MODEL_FILE_LIMIT);
		return NULL;
	}
	const uint8_t *first = bytes;
	enum verdict verdict =
		look(&onnx__model_proto__descriptor, (struct bytes){ first, first + length }, 0);
	if (verdict == TOO_DEEP) {
		mlops_error_set(error, MLOPS_DATA, "messages are nested more than %d deep", MAX_DEPTH);
		return NULL;
	}
	struct budget budget = { .left = BUDGET_FLOOR + length * BUDGET_FACTOR };
	ProtobufCAllocator allocator = { budget_alloc, budget_free, &budget };
	Onnx__ModelProto *file = NULL;
	if (verdict == FINE)
		file = onnx__model_proto__unpack(&allocator, length, bytes);
	if (file == NULL) {
		if (budget.failed)
			mlops_error_set_memory(error);
		else if (budget.exhausted)
			mlops_error_set(error, MLOPS_DATA, "takes more than %d times its size in memory",
					BUDGET_FACTOR);
		else if (*first == MODEL_IR_VERSION_TAG)
			mlops_error_set(error, MLOPS_DATA, "damaged or cut short: not a whole ONNX file");
		else
			mlops_error_set(error, MLOPS_DATA, "not an ONNX file");
		return NULL;
	}
	if (!file->has_ir_version || file->graph == NULL) {
		mlops_error_set(error, MLOPS_DATA, "not an ONNX file");
		mlops_onnx_unpack_free(file);
		return NULL;
	}
	return file;
}

void mlops_onnx_unpack_free(Onnx__ModelProto *file)
{
	ProtobufCAllocator allocator = { budget_alloc, budget_free, NULL };
	onnx__model_proto__free_unpacked(file, &allocator);
}
