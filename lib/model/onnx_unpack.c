/*
 * From bytes to a message.  protobuf-c follows nested messages by recursion without a limit and allocates
 * what a file asks for, so a look at the bytes comes first: every length inside its message, nesting bounded,
 * no single-valued field twice (merging two graphs has no use).  Then it runs on a budget of memory.
 *
 * What it gets is an outline of the file: the long columns of numbers that a forest has stay where they are,
 * and a field that no file may have says where (struct mlops_onnx_bulk).  protobuf-c would make eight bytes
 * of each number, and an allocation of each string.
 */
#include "model/onnx_graph.h"

#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH	     24
#define BUDGET_FACTOR	     64
#define BUDGET_FLOOR	     ((size_t)1 << 20)
#define MODEL_IR_VERSION_TAG 0x08 /* the first byte of every serialised ModelProto that we have met */

/* A column that takes less is not worth a field of its own, which takes 38 bytes. */
#define LEAST_BULK 48

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

/* The outline while it grows; never longer than the file. */
struct outline {
	uint8_t *at;
};

static void append(struct outline *outline, const uint8_t *start, const uint8_t *end)
{
	memcpy(outline->at, start, (size_t)(end - start));
	outline->at += end - start;
}

/* In width bytes, be they more than it needs. */
static void put_varint(uint8_t *at, size_t width, uint64_t value)
{
	for (size_t i = 0; i + 1 < width; i++, value >>= 7)
		at[i] = (uint8_t)(value | 0x80);
	at[width - 1] = (uint8_t)value;
}

static void append_bulk(struct outline *outline, unsigned field, const struct mlops_onnx_bulk *bulk)
{
	put_varint(outline->at, 5,
		   (uint64_t)mlops_onnx_bulk_tag(field) << 3 | PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
	outline->at[5] = sizeof(*bulk);
	memcpy(outline->at + 6, bulk, sizeof(*bulk));
	outline->at += 6 + sizeof(*bulk);
}

/* A repeated field's entries as long as they lie side by side; otherwise they are left to protobuf-c. */
struct run {
	struct mlops_onnx_bulk bulk;
	const uint8_t *start, *end;
	bool scattered;
};

struct field {
	unsigned number, wire_type;
	const uint8_t *start, *content, *end;
};

/* How many integers are packed there: each ends with a byte below 0x80. */
static size_t count_packed(const uint8_t *at, const uint8_t *end)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	size_t n = 0;
	for (; end - at >= 8; at += 8) {
		uint64_t bytes;
		memcpy(&bytes, at, sizeof(bytes));
		n += (size_t)(((~bytes >> 7 & ones) * ones) >> 56);
	}
	for (; at < end; at++)
		n += *at < 0x80;
	return n;
}

/* The run that a field of a message of this type may belong to, or NULL. */
static struct run *run_of(const ProtobufCMessageDescriptor *type, const struct field *field, struct run *runs)
{
	bool prefixed = field->wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
	if (type == &onnx__attribute_proto__descriptor) {
		if (field->number == MLOPS_ONNX_ATTRIBUTE_INTS &&
		    (prefixed || field->wire_type == PROTOBUF_C_WIRE_TYPE_VARINT))
			return &runs[0];
		if (field->number == MLOPS_ONNX_ATTRIBUTE_STRINGS && prefixed)
			return &runs[1];
	}
	if (type == &onnx__tensor_proto__descriptor && field->number == MLOPS_ONNX_TENSOR_RAW_DATA &&
	    prefixed)
		return &runs[1];
	return NULL;
}

static bool add_to_run(struct run *run, const struct field *field, struct outline *outline)
{
	bool packed = field->number == MLOPS_ONNX_ATTRIBUTE_INTS &&
		      field->wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
	if (packed && field->content < field->end && field->end[-1] >= 0x80)
		return false;
	if (run->start != NULL && !run->scattered &&
	    (packed || run->bulk.packed || run->end != field->start)) {
		append(outline, run->start, run->end);
		run->scattered = true;
	}
	if (run->scattered) {
		append(outline, field->start, field->end);
		return true;
	}
	if (run->start == NULL) {
		run->start = field->start;
		run->bulk.at = packed ? field->content : field->start;
		run->bulk.packed = packed;
	}
	run->end = run->bulk.end = field->end;
	run->bulk.n += packed ? count_packed(field->content, field->end) : 1;
	return true;
}

static void end_run(const struct run *run, unsigned number, struct outline *outline)
{
	if (run->start == NULL || run->scattered)
		return;
	if (run->end - run->start < LEAST_BULK)
		append(outline, run->start, run->end);
	else
		append_bulk(outline, number, &run->bulk);
}

static bool take_field(struct bytes *bytes, struct field *field)
{
	uint64_t key, length = 0;
	field->start = bytes->at;
	if (!take_varint(bytes, &key) || key > UINT32_MAX || key >> 3 == 0)
		return false;
	field->number = (unsigned)(key >> 3);
	field->wire_type = key & 7;
	field->content = bytes->at;
	switch (field->wire_type) {
	case PROTOBUF_C_WIRE_TYPE_VARINT:
		if (!take_varint(bytes, &key))
			return false;
		break;
	case PROTOBUF_C_WIRE_TYPE_64BIT:
		length = 8;
		break;
	case PROTOBUF_C_WIRE_TYPE_32BIT:
		length = 4;
		break;
	case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
		if (!take_varint(bytes, &length))
			return false;
		field->content = bytes->at;
		break;
	default:
		return false;
	}
	if (length > (size_t)(bytes->end - bytes->at))
		return false;
	bytes->at += length;
	field->end = bytes->at;
	return true;
}

static enum verdict look(const ProtobufCMessageDescriptor *type, struct bytes bytes, unsigned depth,
			 struct outline *outline)
{
	struct run runs[2] = { { .start = NULL }, { .start = NULL } };
	uint64_t seen = 0;
	if (depth > MAX_DEPTH)
		return TOO_DEEP;
	while (bytes.at < bytes.end) {
		struct field found;
		if (!take_field(&bytes, &found))
			return BROKEN;
		const ProtobufCFieldDescriptor *field =
			protobuf_c_message_descriptor_get_field(type, found.number);
		if (field == NULL)
			continue;
		if (field->label != PROTOBUF_C_LABEL_REPEATED) {
			uint64_t bit = UINT64_C(1) << ((size_t)(field - type->fields) & 63);
			if ((seen & bit) != 0)
				return BROKEN;
			seen |= bit;
		}
		struct run *run = run_of(type, &found, runs);
		if (run != NULL) {
			if (!add_to_run(run, &found, outline))
				return BROKEN;
		} else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
			if (found.wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
				return BROKEN;
			const uint8_t *length = found.start;
			while (*length++ >= 0x80)
				;
			append(outline, found.start, found.content);
			uint8_t *inside = outline->at;
			enum verdict verdict =
				look(field->descriptor, (struct bytes){ found.content, found.end }, depth + 1,
				     outline);
			if (verdict != FINE)
				return verdict;
			size_t width = (size_t)(found.content - length);
			put_varint(inside - width, width, (uint64_t)(outline->at - inside));
		} else {
			append(outline, found.start, found.end);
		}
	}
	end_run(&runs[0], MLOPS_ONNX_ATTRIBUTE_INTS, outline);
	end_run(&runs[1], MLOPS_ONNX_ATTRIBUTE_STRINGS, outline);
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
	uint8_t *memory = malloc(length);
	if (memory == NULL) {
		mlops_error_set_memory(error);
		return NULL;
	}
	struct outline outline = { memory };
	enum verdict verdict =
		look(&onnx__model_proto__descriptor, (struct bytes){ first, first + length }, 0, &outline);
	if (verdict == TOO_DEEP) {
		mlops_error_set(error, MLOPS_DATA, "messages are nested more than %d deep", MAX_DEPTH);
		free(memory);
		return NULL;
	}
	struct budget budget = { .left = BUDGET_FLOOR + length * BUDGET_FACTOR };
	ProtobufCAllocator allocator = { budget_alloc, budget_free, &budget };
	Onnx__ModelProto *file = NULL;
	if (verdict == FINE)
		file = onnx__model_proto__unpack(&allocator, (size_t)(outline.at - memory), memory);
	free(memory);
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
