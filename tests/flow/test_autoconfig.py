"""ACC-03: the servers of an address are found in the table, in the domain's DNS, by its hoster and by trying, with a name server of our own."""
import socket
import struct
import threading
import time

import pytest

from gateway_rig import PROGRAM, Gateway, make_company

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason=f"{PROGRAM} is not built")
TYPES = {"A": 1, "MX": 15, "SRV": 33}


def wire_name(name):
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".") if part) + b"\0"


def rdata(kind, value):
    if kind == "A":
        return socket.inet_aton(value)
    if kind == "MX":
        return struct.pack(">H", value[0]) + wire_name(value[1])
    return struct.pack(">HHH", *value[:3]) + wire_name(value[3])


class NameServer:
    """zone: (name, type) → values. What is not in it does not exist. silent: asks are counted, none is answered."""

    def __init__(self, zone):
        self.zone, self.silent, self.asked = zone, False, []
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.sock.getsockname()[1]
        self.closing = threading.Event()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            try:
                data, peer = self.sock.recvfrom(4096)
                if self.closing.is_set():
                    return
                self._answer(data, peer)
            except OSError:
                return
            except (IndexError, struct.error, UnicodeDecodeError):
                continue  # no question

    def _answer(self, data, peer):
        at, parts = 12, []
        while data[at]:
            parts.append(data[at + 1:at + 1 + data[at]].decode())
            at += 1 + data[at]
        number, = struct.unpack(">H", data[at + 1:at + 3])
        question, name = data[12:at + 5], ".".join(parts).lower()
        kind = next((k for k, n in TYPES.items() if n == number), "?")
        self.asked.append((name, kind))
        if self.silent:
            return
        values = self.zone.get((name, kind), [])
        known = any(n == name for n, _ in self.zone)
        out = data[:2] + struct.pack(">HHHHH", 0x8580 | (0 if known else 3), 1, len(values), 0, 0) + question
        for value in values:
            body = rdata(kind, value)
            out += struct.pack(">HHHIH", 0xC00C, number, 1, 60, len(body)) + body
        self.sock.sendto(out, peer)

    def close(self):
        """The thread ends before the socket does: a number that is used anew is never read from."""
        self.closing.set()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wake:
            wake.sendto(b"", self.sock.getsockname())
        self.thread.join(10)
        self.sock.close()


ZONE = {
    ("_imaps._tcp.both.example", "SRV"): [(20, 0, 993, "second.both.example"), (10, 5, 993, "light.both.example"), (10, 50, 9993, "Heavy.both.example")],
    ("_submissions._tcp.both.example", "SRV"): [(0, 0, 465, "send.both.example")],
    ("_submission._tcp.both.example", "SRV"): [(0, 0, 587, "old.both.example")],
    ("both.example", "MX"): [(10, "aspmx.l.google.com")],
    ("_imaps._tcp.starttls.example", "SRV"): [(0, 0, 993, "in.starttls.example")],
    ("_submission._tcp.starttls.example", "SRV"): [(0, 0, 587, "out.starttls.example")],
    ("_imaps._tcp.none.example", "SRV"): [(0, 0, 0, ".")],
    ("none.example", "A"): ["127.0.0.1"],
    ("hosted.example", "MX"): [(20, "mx2.strange.example"), (5, "mx01.kundenserver.de"), (5, "mx00.kundenserver.de")],
    ("tenant.example", "MX"): [(0, "tenant-example.mail.protection.outlook.com")],
    ("imap.tried.example", "A"): ["127.0.0.78"],
    ("mail.tried.example", "A"): ["127.0.0.77"],
    ("smtp.dead.example", "A"): ["127.0.0.79"],
    ("imap.dead.example", "A"): ["127.0.0.79"],
}


@pytest.fixture(scope="module")
def found():
    names = NameServer(ZONE)
    gateway = Gateway("--allow_private_hosts", "yes", "--dns_server", names.address)
    company = make_company(gateway, "acme")

    def ask(email):
        return company("GET", f"/v1/autoconfig?email={email}", 200).json()["data"]
    ask.names = names
    yield ask
    gateway.close()
    names.close()


def servers(offer):
    return [(offer[d]["host"], offer[d]["port"], offer[d]["security"]) for d in ("imap", "smtp")]


def test_acc03_table_asks_nobody(found):
    """Proves ACC-03: a known provider's address needs no DNS."""
    offer, = found("a@icloud.com")
    assert offer["source"] == "table" and offer["provider"] == "icloud" and "app password" in offer["advice"]
    assert servers(offer) == [("imap.mail.me.com", 993, "tls"), ("smtp.mail.me.com", 587, "starttls")] and found.names.asked == []


def test_acc03_published_before_hoster(found):
    """Proves ACC-03: SRV by priority and weight, submissions before submission; then the hoster that the MX names."""
    first, second = found("a@both.example")
    assert first["source"] == "srv" and first["provider"] is None
    assert servers(first) == [("heavy.both.example", 9993, "tls"), ("send.both.example", 465, "tls")]
    assert second["source"] == "mx" and second["provider"] == "gmail"
    offer, = found("a@starttls.example")
    assert servers(offer) == [("in.starttls.example", 993, "tls"), ("out.starttls.example", 587, "starttls")]
    assert found("a@none.example") == [], "the domain says that it has none"


def test_acc03_by_hoster(found):
    """Proves ACC-03: whose MX is a known hoster's has that hoster's servers, once."""
    offer, = found("a@hosted.example")
    assert offer["source"] == "mx" and offer["provider"] == "ionos.de" and servers(offer)[0] == ("imap.ionos.de", 993, "tls")
    offer, = found("a@tenant.example")
    assert offer["provider"] == "microsoft" and offer["advice"]


def test_acc03_guesses_are_tried(found):
    """Proves ACC-03: a name that many domains use counts only where somebody takes a connection."""
    assert found("a@dead.example") == [] and ("imap.dead.example", "A") in found.names.asked
    listeners = []
    try:
        for port in (993, 587):
            listeners.append(socket.create_server(("127.0.0.77", port)))
    except OSError as error:
        pytest.skip(f"ports of mail servers cannot be bound here: {error}")
    else:
        offer, = found("a@tried.example")
        assert offer["source"] == "guess" and servers(offer) == [("mail.tried.example", 993, "tls"), ("mail.tried.example", 587, "starttls")]
    finally:
        for listener in listeners:
            listener.close()


def test_acc03_a_silent_name_server(found):
    """Proves ACC-03: a name server that does not answer costs one question, not one for each record."""
    found.names.silent = True
    try:
        began = time.monotonic()
        assert found("a@slow.example") == []
        assert time.monotonic() - began < 10 and {n for n, _ in found.names.asked if n.endswith("slow.example")} == {"_imaps._tcp.slow.example"}
    finally:
        found.names.silent = False
