"""Stands before an MLflow server and does to requests what goes wrong in life.

mlflow_faults.py TARGET_PORT DIRECTORY [CERTIFICATE [CLIENT_AUTHORITY]]: listens on a free port of 127.0.0.1, which it writes
into DIRECTORY/port; with TLS, where a PEM file with certificate and key is given, and asking for a certificate of the client, where
an authority is given.  Each request that a line of DIRECTORY/plan fits takes that line away and gets its fault:

    METHOD PART-OF-PATH FAULT

    status=N[,retry-after=S][,body=FILE]  an answer that did not come from the server
    delay=S        the server gets it only then
    cut            no answer, and the server never hears of it
    lose           no answer, but the server does what was asked
    half           the answer ends in the middle
    shorten        half of the answer's bytes, as if they were all
    damage-put     the server gets only half of the body, as if it were all

Of every request DIRECTORY/requests tells "METHOD PATH FAULT".
"""
import http.client
import http.server
import os
import ssl
import sys
import threading
import time

lock = threading.Lock()


class Proxy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    target = 0
    directory = ""

    def log_message(self, *arguments):
        pass

    def take_fault(self):
        plan = os.path.join(self.directory, "plan")
        fault = "-"
        with lock:
            try:
                with open(plan) as file:
                    lines = file.read().splitlines()
            except FileNotFoundError:
                lines = []
            for i, line in enumerate(lines):
                method, part, what = line.split()
                if method == self.command and part in self.path:
                    fault = what
                    del lines[i]
                    with open(plan + ".new", "w") as file:
                        file.writelines(line + "\n" for line in lines)
                    os.rename(plan + ".new", plan)
                    break
            with open(os.path.join(self.directory, "requests"), "a") as file:
                file.write(f"{self.command} {self.path.split('?')[0]} {fault}\n")
        name, _, argument = fault.partition("=")
        return name, argument

    def answer(self, status, headers, body, length=None):
        self.send_response_only(status)
        for key, value in headers:
            if key.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(key, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = length is not None

    def answer_status(self, argument):
        words = argument.split(",")
        headers = [("Content-Type", "text/html")]
        body = b"<html><body>no</body></html>"
        for word in words[1:]:
            key, _, value = word.partition("=")
            if key == "retry-after":
                headers.append(("Retry-After", value))
            elif key == "body":
                with open(value, "rb") as file:
                    body = file.read()
        self.answer(int(words[0]), headers, body)

    def forward(self, body):
        server = http.client.HTTPConnection("127.0.0.1", self.target, timeout=60)
        headers = {key: value for key, value in self.headers.items() if key.lower() != "content-length"}
        server.request(self.command, self.path, body, headers)
        answer = server.getresponse()
        content = answer.read()
        server.close()
        return answer, content

    def handle_all(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault, argument = self.take_fault()
        if fault == "status":
            self.answer_status(argument)
            return
        self.close_connection = True
        if fault == "cut":
            return
        if fault == "delay":
            time.sleep(float(argument))
        try:
            answer, content = self.forward(body[: len(body) // 2] if fault == "damage-put" else body)
        except OSError:
            return
        if fault == "lose":
            return
        self.close_connection = False
        if fault == "half":
            self.answer(answer.status, answer.getheaders(), content[: len(content) // 2], len(content))
        else:
            self.answer(answer.status, answer.getheaders(), content[: len(content) // 2] if fault == "shorten" else content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_all


def main():
    Proxy.target, Proxy.directory = int(sys.argv[1]), sys.argv[2]
    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    listener.daemon_threads = True
    if len(sys.argv) > 3:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[3])
        if len(sys.argv) > 4:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(sys.argv[4])
        listener.socket = context.wrap_socket(listener.socket, server_side=True)
    port = os.path.join(Proxy.directory, "port")
    with open(port + ".new", "w") as file:
        print(listener.server_address[1], file=file)
    os.rename(port + ".new", port)
    listener.serve_forever()


main()
