# lib/model
libmlops_a_SOURCES += \
	%D%/evaluate.h \
	%D%/fit.h \
	%D%/model.c %D%/model.h \
	%D%/setting.c %D%/setting.h \
	%D%/tree_builder.c \
	%D%/trees.c %D%/trees.h
include lib/model/onnx.mk
