"""A Slack that keeps what it is told and a mail server that does, for tests of alerts.

sinks.py DIRECTORY PASSWORD SECONDS: listens on two free loopback ports, which it writes to DIRECTORY/ports ("HTTP SMTP"), and ends
after SECONDS.  A message to Slack becomes a line of JSON in DIRECTORY/slack, with the path it was posted to; a mail, whose sender
must know PASSWORD, a line of JSON in DIRECTORY/mail: to, subject, text.
"""
import base64
import email
import email.policy
import http.server
import json
import os
import socketserver
import sys
import threading
import time

directory, password, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
lock = threading.Lock()


def keep(name, what):
    with lock, open(os.path.join(directory, name), "a", encoding="utf-8") as file:
        file.write(json.dumps(what) + "\n")


class Slack(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        keep("slack", {"path": self.path, "message": json.loads(body)})
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *arguments):
        pass


class Mail(socketserver.StreamRequestHandler):
    timeout = 20

    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def handle(self):
        to, known = [], False
        self.say("220 sink")
        while line := self.rfile.readline():
            words = line.decode("ascii", "replace").split()
            verb = words[0].upper() if words else ""
            if verb == "EHLO":
                self.say("250-sink")
                self.say("250 AUTH PLAIN")
            elif verb == "AUTH":
                known = base64.b64decode(words[2]).split(b"\0")[2].decode() == password
                self.say("235 welcome" if known else "535 who are you?")
            elif verb == "MAIL" and not known:
                self.say("530 who are you?")
            elif verb == "RCPT":
                to.append(words[1].split(":", 1)[1].strip("<>"))
                self.say("250 ok")
            elif verb == "DATA":
                self.say("354 go on")
                lines = []
                while (text := self.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(text[1:] if text.startswith(b"..") else text)
                message = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
                keep("mail", {
                    "to": to,
                    "subject": message["Subject"],
                    "text": message.get_body(("plain",)).get_content().replace("\r\n", "\n"),
                })
                self.say("250 ok")
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


slack = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slack)
mail = Server(("127.0.0.1", 0), Mail)
for server in slack, mail:
    threading.Thread(target=server.serve_forever, daemon=True).start()
ports = os.path.join(directory, "ports")
with open(ports + ".new", "w", encoding="ascii") as file:
    file.write(f"{slack.server_port} {mail.server_address[1]}\n")
os.rename(ports + ".new", ports)
time.sleep(seconds)
