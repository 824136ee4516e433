# The fuzz target of the CSV reader.
