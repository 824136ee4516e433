#include "cli/systemd.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST_SOCKET 3

void cli_systemd_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = path == NULL ? 0 : strlen(path);
	int fd;

	if ((length == 0 || path[0] != '/') && (length < 2 || path[0] != '@'))
		return;
	if (length >= sizeof address.sun_path)
		return;
	memcpy(address.sun_path, path, length);
	if (path[0] == '@')
		address.sun_path[0] = '\0'; /* a name without a file */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address,
	       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
	close(fd);
}

int cli_systemd_socket(void)
{
	const char *process = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");

	if (process == NULL || count == NULL || strtol(process, NULL, 10) != (long)getpid() ||
	    strtol(count, NULL, 10) < 1)
		return -1;
	fcntl(FIRST_SOCKET, F_SETFD, FD_CLOEXEC);
	fcntl(FIRST_SOCKET, F_SETFL, fcntl(FIRST_SOCKET, F_GETFL) | O_NONBLOCK);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	return FIRST_SOCKET;
}
