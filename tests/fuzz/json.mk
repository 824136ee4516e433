# The fuzz target of the JSON reader.
