"""An endpoint for webhooks, with a ledger of what it was sent."""
import collections
import http.server
import json
import ssl
import threading
import time


class Sink:
    """An endpoint: what came to each path, in order, and what it is to answer (a status, or a function of the request)."""

    def __init__(self, certificate=None, key=None):
        self.ledger, self.answers, self.lock = collections.defaultdict(list), {}, threading.Lock()
        self.open = threading.Event()
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                sink.take(self)

            def do_GET(self):
                sink.take(self)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads, request_queue_size = True, 64

            def handle_error(self, *_):
                pass  # a client that was killed

        self.server = Server(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
            self.base = f"https://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        answer = self.answers.get(handler.path, 200)
        given = {"method": handler.command, "body": body, "at": time.monotonic(), **{k.lower(): v for k, v in handler.headers.items()}}
        if callable(answer):
            answer = answer(given)
        if answer == "hang":
            with self.lock:
                self.ledger[handler.path].append({**given, "status": None})
            self.open.wait(60)
            handler.close_connection = True
            return
        status, headers, content = answer if isinstance(answer, tuple) else (answer, {}, b"")
        with self.lock:
            self.ledger[handler.path].append({**given, "status": status})
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    def requests(self, path):
        with self.lock:
            return list(self.ledger[path])

    def taken(self, path):
        """Events that it answered 2xx, in order."""
        out = []
        for one in self.requests(path):
            if one["status"] and 200 <= one["status"] < 300:
                body = json.loads(one["body"])
                out += body if isinstance(body, list) else [body]
        return out

    def close(self):
        self.open.set()
        self.server.shutdown()
        self.server.server_close()
