# The model file: onnx.h
