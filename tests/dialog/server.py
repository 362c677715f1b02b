"""A scripted IMAP server over TLS: it plays a dialogue's exchanges literally, and answers from the model whatever no exchange is about."""
import base64
import os
import re
import select
import socket
import ssl
import struct
import threading
import time

from .model import Session, mail, numbers


TOKEN = "a-token.of_an-account"


class Gone(Exception):
    """This connection is over."""


class Server:
    def __init__(self, dialogue, model, context, strange=None):
        """context: TLS for all; strange: instead of it once the dialogue plays (a certificate that nobody trusts)."""
        self.dialogue, self.model, self.context, self.strange = dialogue, model, context, strange
        self.said = []  # (connection, command) of all that came, logins without their secrets
        self.times = []  # of each of them
        self.troubles = []
        self.connections = 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.open = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.cut()

    def cut(self):
        """Every connection ends at once."""
        with self.lock:
            now = list(self.open)
        for sock in now:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                number = self.connections
                self.connections += 1
            threading.Thread(target=self._serve, args=(sock, number), daemon=True).start()

    def _serve(self, sock, number):
        raw = sock
        with self.lock:
            self.open.add(raw)
        try:
            sock.settimeout(120)
            playing = number > 0  # the first is the gateway's, that tries the account
            sock = (self.strange if playing and self.strange else self.context).wrap_socket(sock, server_side=True)
            with self.lock:
                self.open = (self.open - {raw}) | {sock}
            Connection(self, sock, number, playing).run()
        except (Gone, OSError):
            pass
        except Exception as e:  # a dialogue's own mistake: the test says it
            self.troubles.append(repr(e))
        finally:
            with self.lock:
                self.open -= {raw, sock}
            sock.close()


class Connection:
    def __init__(self, server, sock, number, playing):
        self.server, self.sock, self.number, self.playing = server, sock, number, playing
        self.input, self.output, self.drips = b"", b"", False
        self.bell, self.rope = os.pipe()
        self.session = Session(server.model, server.dialogue.caps if playing else "IMAP4rev1", self.say, self.ring,
                               server.dialogue.token or "PLAIN")

    def ring(self):
        os.write(self.rope, b"!")

    # Octets

    def say(self, line):
        self.output += (line if isinstance(line, bytes) else line.encode("latin-1")) + b"\r\n"

    def flush(self):
        data, self.output = self.output, b""
        if not self.drips:
            self.sock.sendall(data)
            return
        for i in range(len(data)):
            self.sock.sendall(data[i:i + 1])

    def read(self):
        got = self.sock.recv(65536)
        if not got:
            raise Gone
        self.input += got

    def line(self):
        while b"\r\n" not in self.input:
            self.read()
        line, _, self.input = self.input.partition(b"\r\n")
        return line.decode("latin-1")

    def command(self):
        """One command with its literals."""
        text = self.line()
        while (found := re.search(r"\{(\d+)(\+?)\}$", text)):
            if not found.group(2):
                self.say("+ go on")
                self.flush()
            while len(self.input) < int(found.group(1)):
                self.read()
            text += "\r\n" + self.input[:int(found.group(1))].decode("latin-1")
            self.input = self.input[int(found.group(1)):]
            text += self.line()
        return text.partition(" ")[::2]

    # The conversation

    def run(self):
        self.server.model.sessions.append(self.session)
        try:
            if not self.play("GREETING", ""):
                self.say(f"* OK [CAPABILITY {self.session.caps}] ready")
            self.flush()
            while True:
                tag, command = self.command()
                self.one(tag, command)
                self.flush()
                if command.upper().startswith("LOGOUT"):
                    raise Gone
        finally:
            self.server.model.sessions.remove(self.session)
            os.close(self.bell)
            os.close(self.rope)

    def one(self, tag, command):
        login = command.upper().startswith(("AUTHENTICATE", "LOGIN "))
        if self.playing:
            self.server.said.append((self.number, command.split()[0] if login else command))
            self.server.times.append(time.monotonic())
        if self.play(command, tag):
            return
        self.by_model(tag, command)

    def by_model(self, tag, command):
        if command.upper().startswith("AUTHENTICATE"):
            words = command.split()
            if len(words) < 3:
                self.say("+ ")
                self.flush()
                words.append(self.line())
            token = self.server.dialogue.token
            good = not token or (words[1] == token and f"auth=Bearer {TOKEN}\1\1".encode() in base64.b64decode(words[2]))
            self.say(f"{tag} OK in" if good else f"{tag} NO [AUTHENTICATIONFAILED] not this")
        elif command.upper() == "IDLE":
            self.idle(tag)
        else:
            self.session.answer(tag, command)

    def idle(self, tag):
        self.say("+ idling")
        self.session.news()
        self.flush()
        while b"\r\n" not in self.input:
            if not self.sock.pending():
                ready = select.select([self.sock, self.bell], [], [], 120)[0]
                if not ready:
                    raise Gone
                if self.bell in ready:
                    os.read(self.bell, 4096)
                    self.session.news()
                    self.flush()
                    continue
            self.read()
        if self.line().upper() != "DONE":
            raise Gone
        self.say(f"{tag} OK done")

    # What the dialogue says

    def play(self, command, tag):
        exchange = self.server.dialogue.next(command) if self.playing else None
        if not exchange:
            return False
        groups = re.match(exchange.pattern, command, re.I | re.S)
        for verb, text in exchange.steps:
            self.step(verb, text, groups, tag, command)
        return True

    def step(self, verb, text, groups, tag, command):
        if verb == "S:":
            self.say(self.filled(text, groups, tag))
        elif verb == "S-":
            self.output += self.filled(text, groups, tag)
        elif verb == "model":
            self.by_model(tag, command)
        elif verb == "do":
            self.server.model.change(*text.split())
        elif verb == "drip":
            self.drips = True
        elif verb == "wait":
            self.flush()
            time.sleep(float(text))
        elif verb == "read":  # whatever line the client sends next (DONE, for one)
            self.flush()
            self.line()
        elif verb == "stall":
            self.flush()
            while True:
                self.read()
        elif verb == "close":
            self.flush()
            raise Gone
        elif verb == "reset":
            self.flush()
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise Gone
        else:
            raise ValueError(f"a dialogue says {verb}")

    def filled(self, text, groups, tag):
        """<tag>, <1> (what the client said there), <mail 5> (a literal), <mail 5 +7> (that announces 7 more), <x 1000>, <crlf>, <lf>."""
        def part(found):
            word, _, rest = found.group(1).partition(" ")
            if word == "tag":
                return tag.encode()
            if word == "mail":
                number, _, more = rest.partition(" ")
                raw = mail(int(number))
                return b"{%d}\r\n" % (len(raw) + int(more or 0)) + raw
            if word == "x":
                return b"x" * int(rest)
            if word == "uids":
                return b" ".join(b"%d" % uid for uid in numbers(rest))
            if word in ("crlf", "lf"):
                return b"\r\n"[word == "lf":]
            return groups.group(int(word)).encode("latin-1")
        out, at = b"", 0
        for found in re.finditer(r"<((?:tag|crlf|lf|\d+|(?:mail|x|uids) [^>]*))>", text):
            out += text[at:found.start()].encode("utf-8") + part(found)
            at = found.end()
        return out + text[at:].encode("utf-8")


def tls(cert, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context
