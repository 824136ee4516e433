/* What a service and systemd say to each other (sd_notify(3), sd_listen_fds(3)); elsewhere nothing happens. */
#ifndef CLI_SYSTEMD_H
#define CLI_SYSTEMD_H

/* "READY=1", "STOPPING=1", to $NOTIFY_SOCKET. */
void cli_systemd_notify(const char *state);

/* The socket that systemd listens on for us; -1: none. */
int cli_systemd_socket(void);

#endif
