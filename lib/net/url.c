#include "net/url.h"

#include "net/http_client.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int hexadecimal(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* NULL when memory ran out; what is no encoding stays as it is, an encoded NUL, too. */
static char *decode(const char *text, size_t length)
{
	char *plain = malloc(length + 1);
	size_t n = 0;

	for (size_t i = 0; plain != NULL && i < length; i++) {
		int high = text[i] == '%' && i + 2 < length ? hexadecimal(text[i + 1]) : -1;
		int low = high < 0 ? -1 : hexadecimal(text[i + 2]);

		if (low >= 0 && (high | low) != 0) {
			plain[n++] = (char)(high << 4 | low);
			i += 2;
		} else {
			plain[n++] = text[i];
		}
	}
	if (plain != NULL)
		plain[n] = '\0';
	return plain;
}

static bool is_printable(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text <= ' ' || *text == 0x7f)
			return false;
	return true;
}

bool mlops_url_take_apart(const char *url, struct mlops_url_server *server, struct mlops_error *error)
{
	size_t scheme = strncasecmp(url, "http://", 7) == 0 ? 7 : strncasecmp(url, "https://", 8) == 0 ? 8 : 0;
	const char *host = url + scheme, *end = host + strcspn(host, "/?#"), *at = NULL;
	size_t length = strlen(url);
	char shown[256];

	*server = (struct mlops_url_server){ .url = NULL };
	for (const char *p = host; p < end; p++)
		if (*p == '@')
			at = p;
	if (scheme == 0 || (at == NULL ? host : at + 1) == end || end[strcspn(end, "?#")] != '\0' || !is_printable(url))
		return mlops_error_set(error, MLOPS_CONFIG, "'%s' is no server's address as https://host:5000 is",
				       is_printable(url) ? mlops_url_redacted(url, shown) : "…");
	if (at != NULL) {
		const char *colon = memchr(host, ':', (size_t)(at - host));

		if (colon == NULL || colon == host)
			return mlops_error_set(error, MLOPS_CONFIG, "%s: the address names a user without a password",
					       mlops_url_redacted(url, shown));
		server->username = decode(host, (size_t)(colon - host));
		server->password = decode(colon + 1, (size_t)(at - colon - 1));
		host = at + 1;
	}
	while (length > 0 && url[length - 1] == '/')
		length--;
	server->url = malloc(scheme + length + 1);
	if (server->url == NULL || (at != NULL && (server->username == NULL || server->password == NULL)))
		return mlops_error_set_memory(error);
	length -= (size_t)(host - url);
	memcpy(server->url, url, scheme);
	memcpy(server->url + scheme, host, length);
	server->url[scheme + length] = '\0';
	return true;
}

void mlops_url_server_release(struct mlops_url_server *server)
{
	free(server->url);
	free(server->username);
	free(server->password);
	*server = (struct mlops_url_server){ .url = NULL };
}

void mlops_url_append(struct mlops_buffer *out, const char *text, bool keep_slashes)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    strchr("-._~", c) != NULL || (keep_slashes && c == '/'))
			mlops_buffer_append_char(out, (char)c);
		else
			mlops_buffer_append_format(out, "%%%02X", c);
	}
}
