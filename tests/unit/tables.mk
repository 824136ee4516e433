# Tests of the JSON reader and of what is built from rows; the pattern stands in rows.mk beside this.
