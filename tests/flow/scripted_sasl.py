"""A mail server that offers the login mechanisms a test says, and holds what a client sends against what the RFC says."""
import base64

from scripted_login import ScriptedLogin

USER = "anna@sales.example"


def expected(mechanism, secret, port):
    """What a client must send: RFC 4616, RFC 7628 section 3.1, XOAUTH2."""
    return {
        "PLAIN": f"\0{USER}\0{secret}",
        "OAUTHBEARER": f"n,a={USER},\1host=127.0.0.1\1port={port}\1auth=Bearer {secret}\1\1",
        "XOAUTH2": f"user={USER}\1auth=Bearer {secret}\1\1",
    }[mechanism]


class ScriptedSasl(ScriptedLogin):
    """mechanisms: offered. secret: password or token. challenge: sent in clear JSON about a token that is refused."""

    def __init__(self, protocol, tls, mechanisms, secret, challenge=None):
        self.mechanisms, self.secret, self.challenge, self.used = mechanisms, secret, challenge, []
        super().__init__(protocol, tls)

    def _talk(self, sock, stream):
        def say(line):
            stream.write(line.encode() + b"\r\n")

        def line():
            return stream.readline().decode().rstrip("\r\n")
        say(self.greeting)
        offers = " ".join(f"AUTH={m}" for m in self.mechanisms)
        while (text := line()):
            words = text.split()
            tag, verb = (words.pop(0) + " ", words[0]) if self.protocol == "imap" else ("", words[0])
            if verb.upper() == "CAPABILITY":
                say(f"* CAPABILITY IMAP4rev1 LOGINDISABLED SASL-IR {offers}")
                say(tag + "OK done")
            elif verb.upper() == "EHLO":
                say("250-scripted")
                say(f"250 AUTH {' '.join(self.mechanisms)}")
            elif verb.upper() in ("AUTHENTICATE", "AUTH"):
                self.logins += 1
                self._login(tag, words[1].upper(), words[2] if len(words) > 2 else None, say, line)
            else:
                say(tag + ("OK done" if self.protocol == "imap" else "250 fine"))
                if verb.upper() in ("LOGOUT", "QUIT"):
                    return

    def _login(self, tag, mechanism, first, say, line):
        self.used.append(mechanism)
        go_on = "+ " if self.protocol == "imap" else "334 "

        def ask(text=""):
            say(go_on + base64.b64encode(text.encode()).decode())
            return base64.b64decode(line()).decode()
        if mechanism == "LOGIN":
            good = (base64.b64decode(first).decode() if first else ask("User Name")) == USER and ask("Password") == self.secret
        else:
            said = base64.b64decode(first).decode() if first else ask()
            good = said == expected(mechanism, self.secret, self.port)
        if not good and self.challenge:
            ask(self.challenge)
        yes, no = ("OK in", "NO [AUTHENTICATIONFAILED] failed") if self.protocol == "imap" else ("235 2.7.0 in", "535 5.7.8 failed")
        say(tag + (yes if good else no))
