# A PostgreSQL of the tests' own, on a socket and a loopback port, gone when they end.  It refuses to run as root, so there
# it runs as nobody.

postgres_programs() {
	local candidate
	if [ -n "${MLOPS_POSTGRES-}" ]; then
		echo "$MLOPS_POSTGRES"
		return
	fi
	for candidate in /usr/lib/postgresql/*/bin "$(dirname "$(command -v postgres || echo /)")"; do
		if [ -x "$candidate/initdb" ] && [ -x "$candidate/postgres" ]; then
			echo "$candidate"
			return
		fi
	done
}

as_other() {
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid=nobody --regid="$(id -g nobody)" --clear-groups "$@"
	else
		"$@"
	fi
}

# Sets POSTGRES (the programs) and PG_DIR, or leaves POSTGRES empty where there is none.
postgres_init() {
	POSTGRES=$(postgres_programs)
	export POSTGRES PG_DIR
	[ -n "$POSTGRES" ] && command -v psql > /dev/null || { POSTGRES=; return 0; }
	PG_DIR=$(mktemp -d /tmp/mlops-postgres.XXXXXX)
	[ "$(id -u)" -ne 0 ] || chown nobody "$PG_DIR"
	echo secret > "$PG_DIR/password"
	chmod 644 "$PG_DIR/password"
	(cd / && as_other "$POSTGRES/initdb" -D "$PG_DIR/data" -U plant -A scram-sha-256 --pwfile="$PG_DIR/password" -E UTF8 \
		--locale=C --no-sync) > "$PG_DIR/initdb.log" 2>&1
	postgres_start
}

# postgres_init, and URL is its database; nothing else says where a database is.
postgres_alone() {
	unset PGHOST PGHOSTADDR PGPORT PGUSER PGDATABASE PGPASSWORD PGPASSFILE PGSERVICE DATABASE_URL
	postgres_init
	[ -n "$POSTGRES" ] || return 0
	export URL="postgresql://plant:secret@127.0.0.1:$PGPORT/postgres"
	export PGPASSFILE=/nonexistent/pgpass
}

# Starts on a free port.
postgres_start() {
	local try job
	for try in 1 2 3 4 5; do
		PGPORT=$((20000 + (RANDOM + try) % 30000))
		as_other "$POSTGRES/postgres" -D "$PG_DIR/data" -k "$PG_DIR" -p "$PGPORT" -c listen_addresses=127.0.0.1 \
			-c fsync=off -c max_connections=20 > "$PG_DIR/log" 2>&1 3>&- &
		job=$!
		export PGPORT
		for _ in {1..300}; do
			kill -0 "$job" 2> /dev/null || break
			pg_isready -q -h "$PG_DIR" -p "$PGPORT" && return
			sleep 0.1
		done
	done
	cat "$PG_DIR/log"
	return 1
}

# How a server ends that is not there any more: QUIT at once, INT with its sessions told.
postgres_stop() { # SIGNAL
	local pid
	[ -e "$PG_DIR/data/postmaster.pid" ] || return 0
	pid=$(head -n 1 "$PG_DIR/data/postmaster.pid")
	kill -"$1" "$pid" 2> /dev/null || return 0
	while kill -0 "$pid" 2> /dev/null; do sleep 0.1; done
}

postgres_remove() {
	[ -n "${PG_DIR-}" ] || return 0
	postgres_stop INT
	rm -rf "$PG_DIR"
}
