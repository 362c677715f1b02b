"""An SMTP server over TLS that does what a test tells it: refuse, stall, close at any moment. It keeps what it was given."""
import re
import select
import socket
import ssl
import subprocess
import threading


def certificates(folder):
    """A CA and a certificate for 127.0.0.1 → (ca, chain, key)."""
    (folder / "san").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    for words in (["req", "-x509", *key, "-days", "30", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test CA"],
                  ["req", *key, "-keyout", "key.pem", "-out", "request", "-subj", "/CN=localhost"],
                  ["x509", "-req", "-in", "request", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30",
                   "-extfile", "san", "-out", "cert.pem"]):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)
    return folder / "ca.pem", folder / "cert.pem", folder / "key.pem"


PHASES = ["connect", "greeting", "ehlo", "starttls", "auth", "ehlo again", "mail", "rcpt", "data", "body", "final", "quit"]
KINDS = {"4xx": b"451 4.3.0 not now\r\n", "5xx": b"554 5.3.0 never\r\n", "garbage": b"\x00\xffwhat is this?\r\n" * 3, "close": b"", "stall": b""}


class Gone(Exception):
    """The script says that the server closes now."""


class ScriptedSmtp:
    """Attributes may be changed at any time; each connection reads them when it needs them.

    rcpt(address) → reply; mail, data, final → reply or a function of the connection; `None` closes the connection instead.
    body(connection, octets) is called once with the first octets of a message, before its end was read.
    faults: [(phase, kind)…], each happens once, the first of a phase first; phases and kinds as in PHASES and KINDS."""

    def __init__(self, folder, starttls=False):
        self.ca, chain, key = certificates(folder)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(chain, key)
        self.starttls = starttls
        self.extensions = ["PIPELINING", "8BITMIME", "SIZE 50000000", "SMTPUTF8"]
        self.password = "secret"
        self.mail = "250 2.1.0 fine"
        self.rcpt = lambda address: "250 2.1.5 fine"
        self.data = "354 go on"
        self.body = None
        self.faults = []
        self.patient = True  # False ends stalls
        self.final = "250 2.0.0 taken as 1"
        self.messages = []  # (from, [to…], octets as received, undotted): taken or not
        self.taken = []  # of them what was answered with 2xx
        self.commands = []
        self.logins = 0
        self.connections = 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)  # what is not read stays with the sender
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
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
            with self.lock:
                self.connections += 1
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        try:
            sock.settimeout(60)
            if Connection(self, sock).fault("connect"):
                raise Gone
            if not self.starttls:
                sock = self.context.wrap_socket(sock, server_side=True)
            Connection(self, sock).run()
        except (Gone, OSError):
            pass
        finally:
            sock.close()


class Connection:
    def __init__(self, server, sock):
        self.server, self.sock, self.buffer, self.secure = server, sock, b"", not server.starttls
        self.sender, self.recipients = None, []
        self.taken = None  # the last message
        self.logged_in = False

    def fault(self, phase):
        """True: something else than the answer was said."""
        with self.server.lock:
            kind = next((k for p, k in self.server.faults if p == phase), None)
            if kind is None:
                return False
            self.server.faults.remove((phase, kind))
        self.sock.sendall(KINDS[kind])
        if kind == "stall":
            self.wait_for_the_end(phase != "body")
        if kind in ("stall", "close"):
            raise Gone
        return True

    def wait_for_the_end(self, reading):
        """Until the other side closes; without reading, until it has given up writing."""
        while reading and self.sock.recv(65536):
            continue
        while not reading and self.server.patient and not select.select([], [], [], 0.05)[0]:
            state = self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
            if state != 1:  # no longer ESTABLISHED
                return

    def read(self):
        got = self.sock.recv(65536)
        if not got:
            raise Gone
        self.buffer += got

    def read_until(self, end):
        """What comes before it; each octet is looked at once."""
        got, seen = bytearray(self.buffer), 0
        while (at := got.find(end, max(0, seen - len(end)))) < 0:
            seen, self.buffer = len(got), b""
            self.read()
            got += self.buffer
        self.buffer = bytes(got[at + len(end):])
        return bytes(got[:at])

    def line(self):
        while b"\r\n" not in self.buffer:
            self.read()
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line.decode()

    def say(self, reply):
        if callable(reply):
            reply = reply(self)
        if reply is None:
            raise Gone
        self.sock.sendall(reply.encode() + b"\r\n")
        return reply

    def run(self):
        if not self.fault("greeting"):
            self.say("220 scripted ESMTP")
        while True:
            line = self.line()
            self.server.commands.append(line)
            verb = line.split()[0].upper() if line.split() else ""
            getattr(self, "do_" + verb.lower(), self.do_unknown)(line)

    def do_unknown(self, line):
        self.say("500 5.5.1 what?")

    def do_ehlo(self, line):
        if self.fault("ehlo again" if self.logged_in else "ehlo"):
            return
        words = ["scripted"] + self.server.extensions + (["AUTH PLAIN LOGIN"] if self.secure else ["STARTTLS"])
        for word in words[:-1]:
            self.say("250-" + word)
        self.say("250 " + words[-1])

    def do_starttls(self, line):
        if self.fault("starttls"):
            return
        self.say("220 go ahead")
        self.sock = self.server.context.wrap_socket(self.sock, server_side=True)
        self.secure = True

    def do_auth(self, line):
        import base64
        with self.server.lock:
            self.server.logins += 1
        words = line.split()
        if len(words) < 3:
            self.say("334 ")
            words.append(self.line())
        if self.fault("auth"):
            return
        given = base64.b64decode(words[2]).split(b"\0")
        good = given[-1].decode() == self.server.password
        self.logged_in = good
        self.say("235 2.7.0 in" if good else "535 5.7.8 Error: authentication failed")

    def do_mail(self, line):
        self.sender, self.recipients = re.search(r"<(.*?)>", line).group(1), []
        if self.fault("mail"):
            return
        self.say(self.server.mail)

    def do_rcpt(self, line):
        address = re.search(r"<(.*?)>", line).group(1)
        if self.fault("rcpt"):
            return
        if self.say(self.server.rcpt(address)).startswith("2"):
            self.recipients.append(address)

    def do_data(self, line):
        if self.fault("data") or not self.say(self.server.data).startswith("354"):
            return
        if any(phase == "body" for phase, _ in self.server.faults):
            while len(self.buffer) < 20:
                self.read()
            self.fault("body")
        if self.server.body:
            while len(self.buffer) < 20:
                self.read()
            self.server.body(self, self.buffer)
        raw = self.read_until(b"\r\n.\r\n")
        raw = re.sub(rb"(^|\r\n)\.", rb"\1", raw) + b"\r\n"
        with self.server.lock:
            self.taken = raw
            self.server.messages.append((self.sender, self.recipients, raw))
        if self.fault("final"):
            return
        if self.say(self.server.final).startswith("2"):
            with self.server.lock:
                self.server.taken.append(raw)

    def do_noop(self, line):
        self.say("250 2.0.0 fine")

    def do_quit(self, line):
        self.fault("quit")
        self.say("221 2.0.0 bye")
        raise Gone
