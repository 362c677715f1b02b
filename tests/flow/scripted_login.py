"""A mail server that goes no further than the login, and does there what a test tells it."""
import socket
import ssl
import threading


class ScriptedLogin:
    """greeting: the first line, None closes. answer: to a login; None closes, "" says nothing. tls: None for a plaintext server. upgrade: what
    it turns to at STARTTLS."""

    def __init__(self, protocol, tls, greeting=None, answer=None, starttls=True, at=("127.0.0.1", 0), upgrade=None):
        self.protocol, self.tls, self.answer, self.starttls, self.upgrade = protocol, tls, answer, starttls, upgrade
        self.greeting = greeting or {"imap": "* OK scripted", "smtp": "220 scripted ESMTP"}[protocol]
        self.logins = 0
        self.stop = threading.Event()
        self.listener = socket.create_server(at)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop.set()
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        try:
            sock.settimeout(30)
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
            self._talk(sock, sock.makefile("rwb", buffering=0))
        except (OSError, ValueError, IndexError):
            pass
        finally:
            sock.close()

    def _talk(self, sock, stream):
        def say(line):
            stream.write(line.encode() + b"\r\n")
        say(self.greeting)
        self._converse(sock, stream)

    def _converse(self, sock, stream, safe=False):
        def say(line):
            stream.write(line.encode() + b"\r\n")
        if self.greeting.startswith(("+OK", "5", "* BYE")):
            return
        for raw in stream:
            words = raw.decode("utf-8", "replace").split()
            tag, verb = (words[0] + " ", words[1]) if self.protocol == "imap" else ("", words[0])
            if verb.upper() == "CAPABILITY":
                say("* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR")
                say(tag + "OK done")
            elif verb.upper() == "EHLO":
                say("250-scripted")
                say("250 AUTH PLAIN" if self.tls or safe or not self.starttls else "250 STARTTLS")
            elif verb.upper() == "STARTTLS" and self.upgrade:
                say("220 go on")
                safe = self.upgrade.wrap_socket(sock, server_side=True)
                self._converse(safe, safe.makefile("rwb", buffering=0), True)
                return
            elif verb.upper() in ("AUTHENTICATE", "LOGIN", "AUTH"):
                self.logins += 1
                if self.answer is None:
                    return
                if self.answer == "":
                    self.stop.wait(30)
                    return
                say(tag + self.answer)
            else:
                say(tag + ("OK done" if self.protocol == "imap" else "250 fine"))
                if verb.upper() in ("LOGOUT", "QUIT"):
                    return


def tls(folder, name="IP:127.0.0.1"):
    """A server's context with a certificate of a CA of its own → (context, ca)."""
    from scripted_smtp import certificates
    folder.mkdir()
    ca, chain, key = certificates(folder)
    if name != "IP:127.0.0.1":
        import subprocess
        (folder / "san").write_text(f"subjectAltName={name}\n")
        subprocess.run(["openssl", "x509", "-req", "-in", "request", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30",
                        "-extfile", "san", "-out", "cert.pem"], cwd=folder, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    return context, ca
