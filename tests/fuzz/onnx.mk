# The fuzz target of the ONNX reader.
