"""Hands connections on to a server, to be taken away or to answer in its place.

relay.py PORT TARGET_PORT [ANSWER]: while the file ANSWER exists, its content is the answer to everything.
"""
import os
import socket
import sys
import threading


def pump(source, sink):
    try:
        while True:
            data = source.recv(65536)
            if not data:
                break
            sink.sendall(data)
    except OSError:
        pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def answer(client, path):
    with open(path, "rb") as file:
        text = file.read().replace(b"\n", b"\r\n")
    client.settimeout(2)
    try:
        client.recv(65536)
        client.sendall(text)
    except OSError:
        pass
    client.close()


def serve(client, target, path):
    if path and os.path.exists(path):
        answer(client, path)
        return
    try:
        server = socket.create_connection(("127.0.0.1", target))
    except OSError:
        client.close()
        return
    threading.Thread(target=pump, args=(server, client), daemon=True).start()
    pump(client, server)


def main():
    port, target = int(sys.argv[1]), int(sys.argv[2])
    path = sys.argv[3] if len(sys.argv) > 3 else None
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(64)
    print(listener.getsockname()[1], flush=True)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client, target, path), daemon=True).start()


main()
