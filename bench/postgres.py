"""A PostgreSQL of the benchmark's own, on a loopback port, with the rows as a table; gone when it ends."""
import contextlib
import glob
import os
import pathlib
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time


class Missing(Exception):
    pass


def programs():
    """The folder of initdb and postgres."""
    folders = [os.environ.get("MLOPS_POSTGRES", ""), *sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)]
    for folder in [*folders, os.path.dirname(shutil.which("postgres") or "")]:
        if folder and os.access(f"{folder}/initdb", os.X_OK) and shutil.which("psql"):
            return folder
    raise Missing("PostgreSQL is not installed (or MLOPS_POSTGRES does not name its programs)")


def as_other(command):
    """It refuses to run as root."""
    if os.geteuid() != 0:
        return command
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *command]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    def __init__(self, folder, password):
        self.port, self.folder = free_port(), folder
        self.environment = dict(os.environ, PGPASSWORD=password, PGPASSFILE="/nonexistent", PGHOST="127.0.0.1",
                                PGPORT=str(self.port), PGUSER="plant", PGDATABASE="postgres")
        self.url = f"postgresql://plant:{password}@127.0.0.1:{self.port}/postgres"

    def psql(self, command):
        words = ["psql", "-q", "-v", "ON_ERROR_STOP=1", "-c", command]
        subprocess.run(words, env=self.environment, check=True, stdout=subprocess.DEVNULL)

    def load(self, path, names):
        self.psql(f"CREATE TABLE rows ({', '.join(f'{name} real' for name in names)})")
        self.psql(f"\\copy rows FROM '{path}' CSV HEADER")
        self.psql("VACUUM ANALYZE rows")


@contextlib.contextmanager
def server():
    """Started, and stopped by its process."""
    binaries, password = programs(), secrets.token_hex(8)
    with tempfile.TemporaryDirectory(prefix="mlops-bench-postgres-", ignore_cleanup_errors=True) as name:
        folder = pathlib.Path(name)
        (folder / "password").write_text(password + "\n", encoding="utf-8")
        if os.geteuid() == 0:
            for path in (folder, folder / "password"):
                shutil.chown(path, "nobody", "nogroup")
        init = [f"{binaries}/initdb", "-D", str(folder / "data"), "-U", "plant", "-A", "scram-sha-256",
                f"--pwfile={folder}/password", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run(as_other(init), cwd="/", check=True, stdout=subprocess.DEVNULL)
        server = Server(folder, password)
        command = [f"{binaries}/postgres", "-D", str(folder / "data"), "-k", str(folder), "-p", str(server.port),
                   "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "shared_buffers=512MB"]
        with open(folder / "log", "w", encoding="utf-8") as log:
            process = subprocess.Popen(as_other(command), cwd="/", stdout=log, stderr=log)
        try:
            wait(server, process, folder)
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)


def wait(server, process, folder):
    for _ in range(300):
        if process.poll() is not None:
            break
        ready = ["pg_isready", "-q", "-h", "127.0.0.1", "-p", str(server.port)]
        if subprocess.run(ready, check=False).returncode == 0:
            return
        time.sleep(0.1)
    raise RuntimeError((folder / "log").read_text(encoding="utf-8"))
