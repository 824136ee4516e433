/* What a validation is given beside the rows: a schema's file, and a reference, which is rows or a model. */
#ifndef CLI_VALIDATE_INPUT_H
#define CLI_VALIDATE_INPUT_H

#include "cli/rows_open.h"
#include "flow/validate.h"
#include "rows/row_files.h"

#define CLI_SCHEMA_LIMIT ((size_t)64 << 20)

struct mlops_schema *cli_schema_read(const char *path, struct mlops_error *error);

/* The rows of a training, which fail (MLOPS_DATA, with *reason as the ledger has it) unless they are valid by the
 * schema.  What can be read only once is kept, in bytes, which must outlive input.  A file is read twice, and so is a
 * database, in one session and as it was the first time: which columns a training learns from, and as what, is not what is
 * checked, and the rows as they came need many times the memory of those that are learnt from.  input->options.pool works; close it in any case. */
struct cli_valid_rows {
	const struct cli_rows *rows;
	const char *schema; /* path; NULL: nothing is checked */
	const struct mlops_select_options *select;
	uint64_t min_rows;
};
bool cli_valid_rows_open(const struct cli_valid_rows *rows, const char *path, struct cli_input *input,
			 struct mlops_buffer *bytes, const char **reason, struct mlops_error *error);

/* text: a file of rows, FILE.onnx, or a reference into the registry, whose model then tells what its training
 * data looked like.  A file of that name goes first.  Rows are read with options and select, texts as texts
 * and so on. */
struct mlops_table_profile *cli_reference_read(const char *text, const struct mlops_read_options *options,
					       const struct mlops_select_options *select,
					       struct mlops_pool *pool, struct mlops_error *error);

/* Rows by their verdict into files while they are validated: as they came, or, where they have no text of their own (those
 * of a database, or made of samples), as CSV. */
struct cli_row_files {
	const char *good, *bad;         /* paths; NULL: none */
	struct mlops_row_files *copied; /* to be freed */
	bool made;
};

/* Opens input and sets the reader's end of request->rows. */
bool cli_row_files_open(struct cli_row_files *files, const struct cli_rows *rows, const char *path,
			struct cli_input *input, struct mlops_validate_request *request, struct mlops_error *error);
/* The files appear. */
bool cli_row_files_finish(struct cli_row_files *files, struct cli_input *input, struct mlops_error *error);

#endif
