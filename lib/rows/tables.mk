# Tables: the JSON reader and what is built from rows.
