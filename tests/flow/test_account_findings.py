"""ACC-02: why a login fails, each finding told apart with its own remedy, by servers that fail in just this way."""
import shutil
import socket
import tempfile
import threading
import time
import pathlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway_rig import PROGRAM, Gateway, make_company
from scripted_login import ScriptedLogin, tls

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason=f"{PROGRAM} is not built")

# protocol, how the server is made, what is found, a word of the remedy
CASES = [
    ("imap", {"answer": "NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)"}, "wrong_credentials", "password"),
    ("imap", {"answer": "NO [ALERT] Application-specific password required: https://support.example/x"}, "app_password_needed", "app password"),
    ("imap", {"answer": "NO [ALERT] Please log in via your web browser: https://support.example/y"}, "web_login_needed", "browser"),
    ("imap", {"answer": "NO [ALERT] Too many simultaneous connections. (Failure)"}, "too_many_connections", "Close"),
    ("imap", {"answer": "NO [ALERT] Your account is not enabled for IMAP use. Please visit your settings"}, "login_disabled", "Allow IMAP"),
    ("imap", {"answer": "BAD User is authenticated but not connected."}, "login_disabled", "Allow IMAP"),
    ("imap", {"answer": "NO [OVERQUOTA] Mailbox is over quota"}, "over_quota", "full"),
    ("imap", {"answer": "NO [OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)"}, "bandwidth_exceeded", "tomorrow"),
    ("imap", {"answer": "NO [UNAVAILABLE] Temporary authentication failure"}, "server_unavailable", "later"),
    ("imap", {"answer": "NO [LIMIT] Too many failed logins, try again later"}, "rate_limited", "Wait"),
    ("imap", {"answer": "NO Your account is locked"}, "account_locked", "Unlock"),
    ("imap", {"answer": "NO [EXPIRED] Password expired"}, "token_expired", "again"),
    ("imap", {"answer": None}, "connection_closed", "hung up"),
    ("imap", {"greeting": "+OK POP3 server ready"}, "server_speaks_pop3", "POP3"),
    ("imap", {"greeting": "* BYE Too many connections from your address"}, "too_many_connections", "Close"),
    ("imap", {"greeting": "* BYE Your address is blocked"}, "address_blocked", "192.0.2.1"),
    ("imap", {"tls": None}, "tls_failed", "TLS"),
    ("imap", {"tls": "strange"}, "certificate_untrusted", "certificate"),
    ("imap", {"tls": "other name"}, "certificate_untrusted", "certificate"),
    ("imap", {"answer": ""}, "connection_timed_out", "firewall"),
    ("smtp", {"answer": "535 5.7.8 Error: authentication failed"}, "wrong_credentials", "password"),
    ("smtp", {"answer": "534 5.7.9 Application-specific password required."}, "app_password_needed", "app password"),
    ("smtp", {"answer": "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant."},
     "smtp_auth_disabled", "authenticated SMTP"),
    ("smtp", {"answer": "454 4.7.0 Temporary authentication failure"}, "server_unavailable", "later"),
    ("smtp", {"answer": "421 4.7.0 Too many connections"}, "too_many_connections", "Close"),
    ("smtp", {"greeting": "554 5.7.1 Your address is blocked"}, "address_blocked", "192.0.2.1"),
    ("smtp", {"tls": None, "security": "starttls", "starttls": False}, "starttls_missing", "465"),
]

# What passes by itself: with when to try again.
PASSING = {"too_many_connections", "bandwidth_exceeded", "server_unavailable", "rate_limited", "account_locked", "connection_timed_out"}


@pytest.fixture(scope="module")
def findings():
    """A gateway that trusts one CA; and servers of that CA, of another CA, and of another name."""
    top = pathlib.Path(tempfile.mkdtemp(prefix="mw-find-"))
    known, ca = tls(top / "known")
    kinds = {"known": known, "strange": tls(top / "strange")[0]}
    (top / "other").mkdir()
    kinds["other name"], other = tls(top / "other" / "x", "DNS:elsewhere.example")
    both = top / "both.pem"
    both.write_text(ca.read_text() + other.read_text())
    gateway = Gateway("--allow_private_hosts", "yes", "--ca_file", str(both), "--verify_ms", "4s", "--slow_threads", "8",
                      "--egress_addresses", "192.0.2.1, 192.0.2.2")
    gateway.kinds, gateway.company = kinds, make_company(gateway, "acme")
    yield gateway
    gateway.close()
    shutil.rmtree(top, ignore_errors=True)


def verify(gateway, imap, smtp, password="secret", security="tls", host="127.0.0.1"):
    login = {"host": host, "user": "anna@sales.example", "password": password, "security": "tls"}
    return gateway.company("POST", "/v1/accounts/verify", json={"email": "anna@sales.example", "imap": dict(login, port=imap),
                                                               "smtp": dict(login, port=smtp, security=security)}).json()


def find(gateway, case):
    protocol, how, _, _ = case
    how = dict(how)
    security = how.pop("security", "tls")
    context = gateway.kinds[how.pop("tls")] if how.get("tls") else None if "tls" in how else gateway.kinds["known"]
    how.pop("tls", None)
    good = {"imap": "OK in", "smtp": "235 2.7.0 in"}
    other = "smtp" if protocol == "imap" else "imap"
    with ScriptedLogin(protocol, context, **how) as bad, ScriptedLogin(other, gateway.kinds["known"], answer=good[other]) as fine:
        ports = {protocol: bad.port, other: fine.port}
        answer = verify(gateway, ports["imap"], ports["smtp"], security=security)
    return answer["findings"], bad.logins


def test_acc02_findings_are_told_apart(findings):
    """Proves ACC-02, ACC-01: one code and one remedy for each way to fail; the other direction is told as well; one login each."""
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda case: find(findings, case), CASES))
    for case, (answer, logins) in zip(CASES, found):
        bad, fine = ("incoming", "outgoing") if case[0] == "imap" else ("outgoing", "incoming")
        assert answer[fine]["ok"], (case, answer)
        assert answer[bad]["code"] == case[2] and case[3] in answer[bad]["remedy"], (case, answer[bad])
        assert answer[bad]["detail"] and logins <= 1, (case, answer[bad], logins)
        assert bool(answer[bad]["retryAfter"]) == (case[2] in PASSING), (case, answer[bad])
    words = [a["incoming"]["detail"] for c, (a, _) in zip(CASES, found) if c[2] == "certificate_untrusted"]
    assert words[0] != words[1], "the reason that a certificate is not trusted"


def test_acc08_non_ascii_passwords(findings):
    """Proves ACC-08: such a password is tried as it is; when it is refused, the advice says that the provider may not support it."""
    known = findings.kinds["known"]
    with ScriptedLogin("imap", known, answer="NO no") as imap, ScriptedLogin("smtp", known, answer="235 2.7.0 in") as smtp:
        plain = verify(findings, imap.port, smtp.port)["findings"]["incoming"]
        other = verify(findings, imap.port, smtp.port, password="pässword")["findings"]["incoming"]
    assert plain["code"] == other["code"] == "wrong_credentials"
    assert "support" in other["remedy"] and "support" not in plain["remedy"]


def test_acc02_connection_refused_and_no_such_host(findings):
    """Proves ACC-02: nobody listens, and a name that leads nowhere; within the time that a verification has."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    began = time.monotonic()
    refused = verify(findings, port, port)["findings"]
    nowhere = verify(findings, 993, 465, host="no-such-host.invalid")["findings"]
    assert {refused[d]["code"] for d in refused} == {"connection_refused"} and "nothing listens" in refused["incoming"]["remedy"]
    assert {nowhere[d]["code"] for d in nowhere} == {"host_not_found"} and "spelling" in nowhere["outgoing"]["remedy"]
    assert time.monotonic() - began < 20


class Stalling:
    """Takes connections and then drips: a banner that never ends, or nothing. tls: after a handshake, or instead of one."""

    def __init__(self, banner, context=None):
        self.banner, self.context, self.stop = banner, context, threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        try:
            sock = self.context.wrap_socket(sock, server_side=True) if self.context else sock
            while not self.stop.wait(0.2):
                sock.sendall(self.banner)
        except OSError:
            pass
        finally:
            sock.close()

    def close(self):
        self.stop.set()
        self.listener.close()


def test_acc01_answered_in_ten_seconds_whatever_the_hosts_do(findings):
    """Proves ACC-01, ACC-02: with the time it has by default a verification ends under 10 s: a host that takes the connection and says
    nothing, one that never ends its banner, one that stalls in the handshake, one whose queue of connections is full."""
    known = findings.kinds["known"]
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    fillers = [socket.socket() for _ in range(4)]
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex(full.getsockname())
    servers = {"silent": Stalling(b"", known), "endless": Stalling(b"* ", known), "no handshake": Stalling(b"")}
    ports = {name: server.port for name, server in servers.items()}
    ports["full"] = full.getsockname()[1]
    gateway = Gateway("--allow_private_hosts", "yes", "--slow_threads", "8")
    gateway.company = make_company(gateway, "acme")

    def one(port):
        began = time.monotonic()
        found = verify(gateway, port, port)["findings"]
        return time.monotonic() - began, {found[d]["code"] for d in found}
    try:
        with ThreadPoolExecutor(4) as pool:
            answers = dict(zip(ports, pool.map(one, ports.values())))
    finally:
        gateway.close()
        for thing in (*servers.values(), full, *fillers):
            thing.close()
    for name, (seconds, codes) in answers.items():
        assert seconds < 10 and codes <= {"connection_timed_out", "tls_failed", "certificate_untrusted", "connection_closed"}, (name, seconds, codes)
    assert answers["full"][1] == answers["no handshake"][1] == {"connection_timed_out"}, answers
