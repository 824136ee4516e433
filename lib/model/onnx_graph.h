/*
 * What the files behind model/onnx.h share: the graphs that we write, as tables that the writer follows and
 * the reader compares with, and careful access to a file that somebody else may have made.
 *
 * The functions here set errors without a source; mlops_onnx_read adds it.
 */
#ifndef MLOPS_MODEL_ONNX_GRAPH_H
#define MLOPS_MODEL_ONNX_GRAPH_H

#include "model/onnx.h"
#include "model/onnx.pb-c.h"

#include <string.h>

#define MLOPS_ONNX_ML		"ai.onnx.ml"
#define MLOPS_ONNX_PREFIX	"mlops."
#define MLOPS_ONNX_PRODUCER	"mlops"
#define MLOPS_ONNX_MAX_FEATURES (1 << 24)

enum {
	MLOPS_ONNX_FLOAT = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT,
	MLOPS_ONNX_UINT8 = ONNX__TENSOR_PROTO__DATA_TYPE__UINT8,
	MLOPS_ONNX_INT64 = ONNX__TENSOR_PROTO__DATA_TYPE__INT64,
	MLOPS_ONNX_STRING = ONNX__TENSOR_PROTO__DATA_TYPE__STRING,
	MLOPS_ONNX_BOOL = ONNX__TENSOR_PROTO__DATA_TYPE__BOOL,
	MLOPS_ONNX_DOUBLE = ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE
};

/* An operator of a graph.  Empty places are NULL. */
struct mlops_onnx_step {
	const char *name;
	const char *domain;
	const char *inputs[4];
	const char *output;
	struct {
		const char *name;
		int64_t value;
	} attributes[2];
};

/* A scalar of a graph: a float of struct mlops_model, or always the same. */
struct mlops_onnx_constant {
	const char *name;
	size_t member; /* offset in struct mlops_model, or MLOPS_ONNX_FIXED */
	float value;
};

#define MLOPS_ONNX_FIXED SIZE_MAX

struct mlops_onnx_output {
	const char *name;
	int32_t type;
	bool per_class; /* a column a class, else one column */
};

/* A graph.  Of forests: X goes into the first step, a tree ensemble; a form with labels has the classes as a string
 * tensor too.  A forecaster's steps and constants depend on its sizes and are in onnx_forecast.h. */
struct mlops_onnx_form {
	enum mlops_kind kind;
	int64_t ir_version, opset, ml_opset; /* ml_opset 0: no operator of ai.onnx.ml */
	bool labels;
	bool mixed_leaves; /* leaves for several outputs: TreeEnsembleRegressor, since TreeEnsemble has none
			    */
	const struct mlops_onnx_step *steps;
	size_t n_steps;
	const struct mlops_onnx_constant *constants;
	size_t n_constants;
	const struct mlops_onnx_output *outputs;
	size_t n_outputs;
};

const struct mlops_onnx_form *mlops_onnx_form_of(enum mlops_kind kind, size_t n_classes, bool mixed_leaves);

/* Memory that lives as long as a message is put together; zeroed, freed whole.  After a failure takes give
 * NULL. */
struct mlops_onnx_scratch {
	struct mlops_onnx_block *blocks;
	bool failed;
};

void *mlops_onnx_scratch_take(struct mlops_onnx_scratch *scratch, size_t count, size_t size);
void mlops_onnx_scratch_release(struct mlops_onnx_scratch *scratch);

static inline size_t mlops_onnx_step_inputs(const struct mlops_onnx_step *step)
{
	size_t n = 1;
	while (n < sizeof(step->inputs) / sizeof(step->inputs[0]) && step->inputs[n] != NULL)
		n++;
	return n;
}

/* Parts of a message, for the writers.  What a repeated message field wants: pointers to n new messages, as void *
 * for any type of them. */
void *mlops_onnx_new_messages(struct mlops_onnx_scratch *scratch, const ProtobufCMessageDescriptor *type, size_t n);
/* A tensor [N, columns]. */
bool mlops_onnx_value_write(struct mlops_onnx_scratch *scratch, Onnx__ValueInfoProto *value, const char *name,
			    int32_t type, size_t columns);
bool mlops_onnx_step_write(const struct mlops_onnx_step *step, struct mlops_onnx_scratch *scratch,
			   Onnx__NodeProto *node);

/* Comparisons with what we write, for the readers; false with MLOPS_DATA that says what was found and expected. */
bool mlops_onnx_same_text(const struct mlops_onnx_form *form, const char *what, const char *found, const char *expected,
			  struct mlops_error *error);
bool mlops_onnx_same_number(const struct mlops_onnx_form *form, const char *what, int64_t found, int64_t expected,
			    struct mlops_error *error);
/* With ensemble the attributes are for the caller. */
bool mlops_onnx_step_check(const struct mlops_onnx_form *form, const struct mlops_onnx_step *step,
			   const Onnx__NodeProto *node, bool ensemble, struct mlops_error *error);

/* Protobuf strings are not const and may be absent. */
static inline char *mlops_onnx_text(const char *text)
{
	return (char *)(uintptr_t)text;
}

static inline const char *mlops_onnx_or_empty(const char *text)
{
	return text != NULL ? text : "";
}

/* Checks lengths and nesting, then lets protobuf-c build the message in an amount of memory that is bounded
 * by length.  Long columns stay in bytes, which have to live as long as the message. */
Onnx__ModelProto *mlops_onnx_unpack(const void *bytes, size_t length, struct mlops_error *error);
void mlops_onnx_unpack_free(Onnx__ModelProto *file);

/* Entries of a repeated field where they lie in the file, side by side: integers packed, or each entry with
 * its key before it. */
struct mlops_onnx_bulk {
	const uint8_t *at, *end;
	size_t n;
	bool packed;
};

/* Fields whose entries may be left in the file. */
enum { MLOPS_ONNX_ATTRIBUTE_INTS = 8, MLOPS_ONNX_ATTRIBUTE_STRINGS = 9, MLOPS_ONNX_TENSOR_RAW_DATA = 9 };

/* The field by which a message says where a field's entries are. */
static inline unsigned mlops_onnx_bulk_tag(unsigned field)
{
	return (1u << 29) - 32 + field;
}

/* Numbers of a `floats` attribute, or of a tensor of float or double. */
struct mlops_onnx_reals {
	size_t n;
	const float *floats;
	const double *doubles;
	const uint8_t *raw; /* little-endian */
	bool raw_is_double;
};

double mlops_onnx_real(const struct mlops_onnx_reals *reals, size_t i);

/* Where raw holds floats. */
static inline float mlops_onnx_raw_float(const struct mlops_onnx_reals *reals, size_t i)
{
	const uint8_t *raw = reals->raw + 4 * i;
	uint32_t bits =
		(uint32_t)raw[0] | (uint32_t)raw[1] << 8 | (uint32_t)raw[2] << 16 | (uint32_t)raw[3] << 24;
	float value;
	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* Integers or strings of an attribute, to be taken one after the other: a copy of the struct can be taken
 * from anew. */
struct mlops_onnx_ints {
	size_t n;
	const int64_t *values;
	struct mlops_onnx_bulk bulk; /* where values is NULL */
};

struct mlops_onnx_strings {
	size_t n;
	const ProtobufCBinaryData *values;
	struct mlops_onnx_bulk bulk;
};

/* The next one; at most n times.  INT64_MIN if it is too long for an integer. */
int64_t mlops_onnx_next_int(struct mlops_onnx_ints *ints);
ProtobufCBinaryData mlops_onnx_next_string(struct mlops_onnx_strings *strings);

/* n bytes if the integers are so many bytes in the file, each of them below 0x80; else NULL. */
const uint8_t *mlops_onnx_bytes_of(const struct mlops_onnx_ints *ints);

/* Absent attributes give n = 0, or fallback. */
const Onnx__AttributeProto *mlops_onnx_attribute(const Onnx__NodeProto *node, const char *name);
struct mlops_onnx_ints mlops_onnx_ints_of(const Onnx__NodeProto *node, const char *name);
struct mlops_onnx_strings mlops_onnx_strings_of(const Onnx__NodeProto *node, const char *name);
int64_t mlops_onnx_int_of(const Onnx__NodeProto *node, const char *name, int64_t fallback);

/* Inline for its callers' literals: a forest asks this for each node. */
static inline bool mlops_onnx_string_is(ProtobufCBinaryData string, const char *text)
{
	size_t length = strlen(text);
	return string.len == length && (length == 0 || memcmp(string.data, text, length) == 0);
}

bool mlops_onnx_string_of(const Onnx__NodeProto *node, const char *name, const char *fallback,
			  const char *wanted, struct mlops_error *error);
bool mlops_onnx_reals_of(const Onnx__NodeProto *node, const char *name, struct mlops_onnx_reals *reals,
			 struct mlops_error *error);
/* False: it has no raw data. */
bool mlops_onnx_raw_data(const Onnx__TensorProto *tensor, ProtobufCBinaryData *raw);
bool mlops_onnx_tensor_reals(const Onnx__TensorProto *tensor, const char *what,
			     struct mlops_onnx_reals *reals, struct mlops_error *error);

/* The type of a tensor [N, columns]; columns is 0 when the file leaves it open. */
bool mlops_onnx_value_shape(const Onnx__ValueInfoProto *value, int32_t *type, size_t *columns,
			    struct mlops_error *error);

/* Has a leaf values for several outputs? */
bool mlops_onnx_trees_are_mixed(const struct mlops_trees *trees);

/* The ensemble: attributes of node (its first step) from trees. */
bool mlops_onnx_trees_write(const struct mlops_trees *trees, struct mlops_onnx_scratch *scratch,
			    Onnx__NodeProto *node, struct mlops_error *error);

/* And back.  trees->n_features and n_outputs are set by the caller (n_features 0: one more than the largest
 * used). Nodes come out in breadth-first order; mlops_trees_check has been passed.  trees is empty after an
 * error. */
bool mlops_onnx_trees_read_v5(const Onnx__NodeProto *node, struct mlops_trees *trees,
			      struct mlops_error *error);

/* The operators of version 1 and 3.  prefix: "target" or "class", how the attributes of the leaves are
 * called. one_weight: each leaf has one weight, whatever its id says. */
bool mlops_onnx_trees_read_v3(const Onnx__NodeProto *node, const char *prefix, bool one_weight,
			      struct mlops_trees *trees, struct mlops_error *error);

/* The largest sum of an output over the trees, and the smallest one. */
void mlops_onnx_trees_bounds(const struct mlops_trees *trees, size_t output, double *smallest,
			     double *largest);

/* metadata_props. */
bool mlops_onnx_metadata_write(const struct mlops_model *model, struct mlops_onnx_scratch *scratch,
			       Onnx__ModelProto *file, struct mlops_error *error);
bool mlops_onnx_metadata_read(const Onnx__ModelProto *file, struct mlops_model *model,
			      struct mlops_error *error);
/* The value of "mlops.KEY", or NULL. */
const char *mlops_onnx_metadata_find(const Onnx__ModelProto *file, const char *key);

/* Another program's classifier. */
bool mlops_onnx_import(const Onnx__ModelProto *file, struct mlops_model *model, struct mlops_error *error);

#endif
