libmlops_a_SOURCES += \
	%D%/http_client.c %D%/http_client.h \
	%D%/libcurl.c %D%/libcurl.h \
	%D%/url.c %D%/url.h
