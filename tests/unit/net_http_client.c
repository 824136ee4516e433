#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "net/http_client.h"
#include "net/url.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A server for one connection that answers the same whatever it is asked, and keeps what it was. */
struct server {
	int fd;
	uint16_t port;
	const char *answer;
	char asked[4096];
	pthread_t thread;
};

static void *answer_once(void *context)
{
	struct server *server = context;
	int fd = accept(server->fd, NULL, NULL);
	size_t length = 0;

	while (fd >= 0 && strstr(server->asked, "\r\n\r\n") == NULL) {
		ssize_t got = read(fd, server->asked + length, sizeof server->asked - 1 - length);

		if (got <= 0)
			break;
		length += (size_t)got;
	}
	if (fd >= 0) {
		size_t sent = 0, all = strlen(server->answer);

		while (sent < all) {
			ssize_t wrote = send(fd, server->answer + sent, all - sent, MSG_NOSIGNAL);

			if (wrote <= 0)
				break;
			sent += (size_t)wrote;
		}
		shutdown(fd, SHUT_WR);
		close(fd);
	}
	return NULL;
}

static void start(struct server *server, const char *answer)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof address;

	memset(server, 0, sizeof *server);
	server->answer = answer;
	server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server->fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(server->fd, 1), 0);
	assert_int_equal(getsockname(server->fd, (struct sockaddr *)&address, &length), 0);
	server->port = ntohs(address.sin_port);
	assert_int_equal(pthread_create(&server->thread, NULL, answer_once, server), 0);
}

static bool send_call(struct server *server, struct mlops_http_call *call, struct mlops_http_result *result,
		      struct mlops_error *error)
{
	struct mlops_http_client *client = mlops_http_client_new(error);
	char url[64];
	bool ok;

	assert_non_null(client);
	snprintf(url, sizeof url, "http://127.0.0.1:%u/x", server->port);
	call->url = url;
	ok = mlops_http_client_send(client, call, result, error);
	mlops_http_client_free(client);
	pthread_join(server->thread, NULL);
	close(server->fd);
	return ok;
}

static bool ask(struct server *server, size_t limit, struct mlops_http_result *result, struct mlops_error *error)
{
	struct mlops_http_call call = { .method = "POST", .token = "t0ken", .timeout = 5, .answer_limit = limit };

	return send_call(server, &call, result, error);
}

static void test_a_user_a_body_and_a_wait(void **state)
{
	struct mlops_http_call call = {
		.method = "PUT", .username = "me", .password = "p:w", .token = "t0ken", .content_type = "application/octet-stream",
		.body = "abc", .body_length = 3, .timeout = 5, .stall = 5,
	};
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_http_result result;
	struct server server;

	(void)state;
	start(&server, "HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n");
	assert_true(send_call(&server, &call, &result, &error));
	assert_int_equal(result.status, 429);
	assert_true(result.retry_after > 6.9 && result.retry_after < 7.1);
	assert_true(result.seconds > 0 && result.seconds < 5);
	assert_non_null(strstr(server.asked, "PUT /x HTTP/1.1\r\n"));
	assert_non_null(strstr(server.asked, "Authorization: Basic bWU6cDp3\r\n"));
	assert_null(strstr(server.asked, "Bearer"));
	assert_non_null(strstr(server.asked, "Content-Length: 3\r\n"));
	mlops_http_result_release(&result);
}

static void test_an_answer_is_taken_whole(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_http_result result;
	struct server server;

	(void)state;
	start(&server, "HTTP/1.1 418 No\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}");
	assert_true(ask(&server, 0, &result, &error));
	assert_int_equal(result.status, 418);
	assert_string_equal(result.content_type, "application/json");
	assert_int_equal(result.body.length, 2);
	assert_memory_equal(result.body.data, "{}", 2);
	assert_non_null(strstr(server.asked, "POST /x HTTP/1.1\r\n"));
	assert_non_null(strstr(server.asked, "Authorization: Bearer t0ken\r\n"));
	assert_non_null(strstr(server.asked, "Content-Length: 0\r\n"));
	assert_null(strstr(server.asked, "Expect:"));
	mlops_http_result_release(&result);
}

static void expect_failure(const char *answer, size_t limit, enum mlops_code code)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_http_result result;
	struct server server;

	start(&server, answer);
	assert_false(ask(&server, limit, &result, &error));
	assert_int_equal(error.code, code);
	assert_null(strstr(error.message, "t0ken"));
	mlops_http_result_release(&result);
}

static void test_half_an_answer_is_none(void **state)
{
	(void)state;
	expect_failure("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", 0, MLOPS_UNAVAILABLE);
	expect_failure("", 0, MLOPS_UNAVAILABLE);
	expect_failure("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n12345678", 7, MLOPS_DATA);
	expect_failure("HTTP/1.1 200 OK\r\n\r\n12345678", 7, MLOPS_DATA);
}

static void test_nothing_listens_and_no_url(void **state)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_http_client *client = mlops_http_client_new(&error);
	struct mlops_http_call call = { .method = "GET", .url = "http://127.0.0.1:1/", .timeout = 5 };
	struct mlops_http_result result;

	(void)state;
	assert_false(mlops_http_client_send(client, &call, &result, &error));
	assert_int_equal(error.code, MLOPS_UNAVAILABLE);
	mlops_http_result_release(&result);
	error = (struct mlops_error)MLOPS_ERROR_INIT;
	call.url = "file:///etc/passwd";
	assert_false(mlops_http_client_send(client, &call, &result, &error));
	assert_int_equal(error.code, MLOPS_USAGE);
	mlops_http_result_release(&result);
	mlops_http_client_free(client);
}

static void test_secrets_are_cut_out_of_urls(void **state)
{
	char buffer[256];

	(void)state;
	assert_string_equal(mlops_url_redacted("http://me:pa@ss@host:80/a?token=b#c", buffer), "http://host:80/a");
	assert_string_equal(mlops_url_redacted("http://host/a@b", buffer), "http://host/a@b");
	assert_string_equal(mlops_url_redacted("me:secret@host", buffer), "host");
	assert_string_equal(mlops_url_redacted("https://user@host?x", buffer), "https://host");
}

static void expect_apart(const char *url, const char *bare, const char *username, const char *password)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_url_server server;

	assert_true(mlops_url_take_apart(url, &server, &error));
	assert_string_equal(server.url, bare);
	assert_int_equal(server.username == NULL, username == NULL);
	if (username != NULL) {
		assert_string_equal(server.username, username);
		assert_string_equal(server.password, password);
	}
	mlops_url_server_release(&server);
}

static void expect_no_server(const char *url, const char *message)
{
	struct mlops_error error = MLOPS_ERROR_INIT;
	struct mlops_url_server server;

	assert_false(mlops_url_take_apart(url, &server, &error));
	assert_int_equal(error.code, MLOPS_CONFIG);
	assert_string_equal(error.message, message);
	mlops_url_server_release(&server);
}

static void test_an_address_is_taken_apart(void **state)
{
	(void)state;
	expect_apart("http://host:5000", "http://host:5000", NULL, NULL);
	expect_apart("HTTPS://host/ml//", "HTTPS://host/ml", NULL, NULL);
	expect_apart("https://me:p%40s%00s%@host/ml/", "https://host/ml", "me", "p@s%00s%");
	expect_apart("https://me:p@ss:w@host/a@b", "https://host/a@b", "me", "p@ss:w");
	expect_apart("http://me:@[::1]:80", "http://[::1]:80", "me", "");
	expect_no_server("sqlite:///secret@x", "'sqlite:///secret@x' is no server's address as https://host:5000 is");
	expect_no_server("http://", "'http://' is no server's address as https://host:5000 is");
	expect_no_server("http://a:b@/", "'http:///' is no server's address as https://host:5000 is");
	expect_no_server("http://a:b@host?x=secret", "'http://host' is no server's address as https://host:5000 is");
	expect_no_server("http://a b", "'…' is no server's address as https://host:5000 is");
	expect_no_server("http://token@host", "http://host: the address names a user without a password");
}

static void test_text_is_made_a_part_of_an_address(void **state)
{
	struct mlops_buffer out = MLOPS_BUFFER_INIT;

	(void)state;
	mlops_url_append(&out, "a/b-._~ %?\xc3\xa4", true);
	mlops_url_append(&out, "/", false);
	assert_string_equal(mlops_buffer_string(&out), "a/b-._~%20%25%3F%C3%A4%2F");
	mlops_buffer_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_user_a_body_and_a_wait),
		cmocka_unit_test(test_an_address_is_taken_apart),
		cmocka_unit_test(test_text_is_made_a_part_of_an_address),
		cmocka_unit_test(test_an_answer_is_taken_whole),
		cmocka_unit_test(test_half_an_answer_is_none),
		cmocka_unit_test(test_nothing_listens_and_no_url),
		cmocka_unit_test(test_secrets_are_cut_out_of_urls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
