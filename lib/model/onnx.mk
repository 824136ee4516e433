# The model file.  What protoc-c makes of Debian's onnx.proto lives in the build directory only.
nodist_libmlops_a_SOURCES += %D%/onnx.pb-c.c %D%/onnx.pb-c.h
libmlops_a_SOURCES += \
	%D%/onnx.h \
	%D%/onnx_attribute.c \
	%D%/onnx_forecast.c %D%/onnx_forecast.h \
	%D%/onnx_forecast_read.c \
	%D%/onnx_forecast_write.c \
	%D%/onnx_graph.c %D%/onnx_graph.h \
	%D%/onnx_import.c \
	%D%/onnx_metadata.c \
	%D%/onnx_read.c \
	%D%/onnx_trees.h \
	%D%/onnx_trees_read.c \
	%D%/onnx_trees_v3.c \
	%D%/onnx_trees_v5.c \
	%D%/onnx_trees_write.c \
	%D%/onnx_unpack.c \
	%D%/onnx_write.c

%D%/onnx.pb-c.c: $(ONNX_PROTO_DIR)/onnx/onnx.proto
	$(AM_V_GEN)$(MKDIR_P) %D% && $(PROTOC_C) --proto_path=$(ONNX_PROTO_DIR)/onnx --c_out=%D% onnx.proto
%D%/onnx.pb-c.h: %D%/onnx.pb-c.c

%D%/onnx_attribute.$(OBJEXT) %D%/onnx_graph.$(OBJEXT) %D%/onnx_import.$(OBJEXT) %D%/onnx_metadata.$(OBJEXT): %D%/onnx.pb-c.h
%D%/onnx_read.$(OBJEXT) %D%/onnx_trees_read.$(OBJEXT) %D%/onnx_trees_v3.$(OBJEXT): %D%/onnx.pb-c.h
%D%/onnx_trees_v5.$(OBJEXT) %D%/onnx_trees_write.$(OBJEXT): %D%/onnx.pb-c.h
%D%/onnx_forecast.$(OBJEXT) %D%/onnx_forecast_read.$(OBJEXT) %D%/onnx_forecast_write.$(OBJEXT): %D%/onnx.pb-c.h
%D%/onnx_unpack.$(OBJEXT) %D%/onnx_write.$(OBJEXT): %D%/onnx.pb-c.h

BUILT_SOURCES += %D%/onnx.pb-c.h
CLEANFILES += %D%/onnx.pb-c.c %D%/onnx.pb-c.h
