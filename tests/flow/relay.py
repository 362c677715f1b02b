"""A mail server's way out that comes back: takes messages by SMTP and gives them to LMTP, changed as a test wants."""
import email
import email.policy
import smtplib
import socket
import threading


class Relay:
    """change: message → message to deliver, None to lose it. refusal: an answer to RCPT, None takes all."""

    def __init__(self, lmtp_port):
        self.lmtp_port, self.change, self.refusal = lmtp_port, lambda m: m, None
        self.listener = socket.create_server(("127.0.0.1", 0))
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
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        sock.settimeout(60)
        with sock, sock.makefile("rwb", buffering=0) as stream:
            try:
                self._talk(stream)
            except (OSError, smtplib.SMTPException):
                pass

    def _talk(self, stream):
        def say(line):
            stream.write(line.encode() + b"\r\n")
        say("220 relay ESMTP")
        sender, people = "", []
        for line in stream:
            verb = line[:4].upper()
            if verb == b"MAIL":
                sender, people = line.partition(b"<")[2].partition(b">")[0].decode(), []
                say("250 fine")
            elif verb == b"RCPT":
                people.append(line.partition(b"<")[2].partition(b">")[0].decode())
                say(self.refusal or "250 fine")
            elif verb == b"DATA":
                say("354 go on")
                self._deliver(sender, people, self._body(stream))
                say("250 taken")
            elif verb == b"QUIT":
                say("221 bye")
                return
            else:
                say("250 relay")

    @staticmethod
    def _body(stream):
        lines = []
        for line in stream:
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)

    def _deliver(self, sender, people, raw):
        message = self.change(email.message_from_bytes(raw, policy=email.policy.SMTP))
        if message is not None:
            with smtplib.LMTP("127.0.0.1", self.lmtp_port) as lmtp:
                lmtp.sendmail(sender, people, message.as_bytes())
