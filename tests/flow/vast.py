"""An IMAP server over TLS with one mailbox as large as one likes that takes no room: message n has UID n and is made when it is fetched."""
import calendar
import re
import socket
import threading
import time

CAPS = "IMAP4rev1 SASL-IR AUTH=PLAIN IDLE ESEARCH ENABLE CONDSTORE"


def ranges(text, last):
    for part in text.split(","):
        ends = [last if end == "*" else int(end) for end in part.split(":")]
        yield min(ends), max(ends)


class Vast:
    """count: messages, the last of now, each step seconds younger than the one before."""

    def __init__(self, context, count, step):
        self.context, self.count, self.step, self.now = context, count, step, time.time()
        self.asked = []  # (verb, low, high) of all searches and fetches
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=16)
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
        try:
            sock.settimeout(120)
            with self.context.wrap_socket(sock, server_side=True) as tls, tls.makefile("rwb") as stream:
                self._talk(stream)
        except (OSError, ValueError):
            pass

    def _talk(self, stream):
        stream.write(f"* OK [CAPABILITY {CAPS}] vast\r\n".encode())
        stream.flush()
        for line in stream:
            tag, _, command = line.decode("latin-1").strip().partition(" ")
            words = command.upper().split()
            if words[0] == "IDLE":
                stream.write(b"+ idling\r\n")
                stream.flush()
                if not stream.readline():
                    return
            else:
                for answer in self.answers(words, command):
                    stream.write(answer if isinstance(answer, bytes) else answer.encode() + b"\r\n")
            stream.write(f"{tag} OK done\r\n".encode())
            stream.flush()

    def answers(self, words, command):
        if words[0] == "CAPABILITY":
            yield f"* CAPABILITY {CAPS}"
        elif words[0] == "LIST":
            yield '* LIST (\\HasNoChildren) "/" INBOX'
        elif words[0] == "STATUS":
            yield f"* STATUS INBOX (MESSAGES {self.count} UIDNEXT {self.count + 1} UIDVALIDITY 7 HIGHESTMODSEQ 9)"
        elif words[0] in ("SELECT", "EXAMINE"):
            yield f"* {self.count} EXISTS"
            yield "* OK [UIDVALIDITY 7] valid"
            yield f"* OK [UIDNEXT {self.count + 1}] next"
            yield "* OK [HIGHESTMODSEQ 9] highest"
        elif words[:2] == ["UID", "SEARCH"]:
            yield from self.search(command)
        elif words[:2] == ["UID", "FETCH"]:
            yield from self.fetch(words[2], command)

    def search(self, command):
        found = re.search(r"UID SEARCH.* UID (\S+)", command, re.I)
        low, high = next(ranges(found.group(1) if found else "1:*", self.count))
        self.asked.append(("SEARCH", low, high))
        high = min(high, self.count)
        for word, days in re.findall(r"(SINCE|BEFORE) (\S+)", command, re.I):
            first = self.first_of(days)
            low, high = (max(low, first), high) if word.upper() == "SINCE" else (low, min(high, first - 1))
        yield f'* ESEARCH (TAG "any") UID{f" ALL {low}:{high}" if low <= high else ""}'

    def first_of(self, day):
        """The first message of a day."""
        left = self.now - calendar.timegm(time.strptime(day, "%d-%b-%Y"))
        return self.count - int(left / self.step)

    def fetch(self, which, command):
        whole = "BODY.PEEK[]" in command.upper()
        for low, high in ranges(which, self.count):
            self.asked.append(("FETCH", low, high))
            for uid in range(low, min(high, self.count) + 1):
                when = time.strftime("%d-%b-%Y %H:%M:%S +0000", time.gmtime(self.now - (self.count - uid) * self.step))
                raw = (f"From: P <p@elsewhere.example>\r\nTo: me@here.example\r\nSubject: note {uid}\r\n"
                       f"Message-ID: <{uid}@vast.example>\r\n\r\nShort text {uid}.\r\n").encode()
                yield f"* {uid} FETCH (UID {uid} FLAGS () MODSEQ (5)" + (
                    f' INTERNALDATE "{when}" RFC822.SIZE {len(raw)} BODY[] {{{len(raw)}}}\r\n{raw.decode()})' if whole else ")")
