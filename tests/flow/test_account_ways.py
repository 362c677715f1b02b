"""ACC-04: which way to a server is taken, and which is not; ACC-05: a login under an alias; a resolver that says nothing. Servers on the
ports that mail has, on addresses of loopback."""
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

import pytest

import gateway_rig
from gateway_rig import PROGRAM, Gateway, make_company
from scripted_login import ScriptedLogin, tls

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason=f"{PROGRAM} is not built")
HOST = "127.0.0.84"
IN, OUT = "OK in", "235 2.7.0 in"


@pytest.fixture(scope="module")
def ways():
    """A gateway that trusts the servers' CA."""
    try:
        for port in (465, 587, 993, 995):
            socket.create_server((HOST, port)).close()
    except OSError as error:
        pytest.skip(f"ports of mail servers cannot be bound here: {error}")
    top = pathlib.Path(tempfile.mkdtemp(prefix="mw-ways-"))
    context, ca = tls(top / "tls", f"IP:{HOST}")
    gateway = Gateway("--allow_private_hosts", "yes", "--ca_file", str(ca), "--verify_ms", "6s", "--slow_threads", "8")
    gateway.context, gateway.company = context, make_company(gateway, "acme")
    yield gateway
    gateway.close()
    shutil.rmtree(top, ignore_errors=True)


def server(ways, protocol, port, answer, plain=False, **more):
    """plain: speaks in the clear first, and offers STARTTLS if it has something to upgrade to."""
    return ScriptedLogin(protocol, None if plain else ways.context, answer=answer, at=(HOST, port), **more)


def login(port=None, security=None, user="anna@sales.example"):
    made = {"host": HOST, "user": user, "password": "secret"}
    return {**made, **({"port": port} if port else {}), **({"security": security} if security else {})}


def add(ways, name, smtp, imap=None, status=201, **more):
    body = {"id": name, "email": f"{name}@sales.example", "imap": imap or login(), "smtp": smtp, **more}
    return ways.company.as_user("anna")("POST", "/v1/accounts", status, json=body).json()


def test_acc04_smtp_465_then_587_with_starttls(ways):
    """Proves ACC-04: nobody on 465, so 587, where STARTTLS succeeds; which pair worked is saved and shown."""
    with server(ways, "imap", 993, IN), server(ways, "smtp", 587, OUT, plain=True, upgrade=ways.context) as out:
        made = add(ways, "first", login())
        assert (made["smtp"]["port"], made["smtp"]["security"]) == (587, "starttls") and out.logins == 1
        assert (made["imap"]["port"], made["imap"]["security"]) == (993, "tls")
        shown = ways.company.as_user("anna")("GET", "/v1/accounts/first", 200).json()
        assert shown["smtp"] == made["smtp"] and shown["imap"] == made["imap"]


def test_acc04_smtp_587_given_and_failing_then_465(ways):
    """Proves ACC-04: where 587 was given and fails, 465 with TLS."""
    with server(ways, "imap", 993, IN), server(ways, "smtp", 465, OUT):
        made = add(ways, "second", login(587))
    assert (made["smtp"]["port"], made["smtp"]["security"]) == (465, "tls")


def test_acc04_no_starttls_is_never_downgraded(ways):
    """Proves ACC-04: a server on 587 that offers no STARTTLS is refused, and sees no password; so is one that refuses it."""
    for more in ({"starttls": False}, {"starttls": True}):
        with server(ways, "imap", 993, IN), server(ways, "smtp", 587, OUT, plain=True, **more) as out:
            found = add(ways, "third", login(587), status=422)["findings"]
        assert found["incoming"]["ok"] and out.logins == 0, found
        codes = {t["port"]: t["code"] for t in found["outgoing"]["tried"]}
        assert set(codes) == {587, 465} and codes[465] == "connection_refused" and codes[587] in ("starttls_missing", "tls_failed"), codes


def test_acc04_imap_143_and_pop3_are_refused(ways):
    """Proves ACC-04: 143 is refused, with STARTTLS too, by an error that names 993, without being tried; POP3 is told by its greeting,
    whatever its port; IMAP over TLS on 995 is accepted with a warning."""
    with server(ways, "smtp", 465, OUT), server(ways, "imap", 143, IN, plain=True) as plain:
        for given in (login(143), login(143, "starttls")):
            found = add(ways, "fourth", login(), imap=given, status=422)["findings"]["incoming"]
            assert found["code"] == "plaintext_port_refused" and "993" in found["remedy"] and found["tried"] == []
        assert plain.logins == 0
    for port in (993, 995):
        with server(ways, "smtp", 465, OUT), server(ways, "imap", port, IN, greeting="+OK POP3 ready") as pop:
            found = add(ways, "fourth", login(), imap=login(port), status=422)["findings"]["incoming"]
            assert found["code"] == "server_speaks_pop3" and "IMAP" in found["remedy"] and pop.logins == 0
    with server(ways, "smtp", 465, OUT), server(ways, "imap", 995, IN), server(ways, "imap", 993, IN):
        for port, warned in ((995, True), (993, False)):
            answer = ways.company("POST", "/v1/accounts/verify", 200, json={"email": "x@sales.example", "imap": login(port), "smtp": login()}).json()
            assert answer["incoming"]["ok"] and ("993" in answer["incoming"].get("warning", "")) == warned, answer
        made = add(ways, "fourth", login(), imap=login(995))
    assert made["imap"]["port"] == 995


def test_acc05_a_login_under_an_alias(ways):
    """Proves ACC-05: the account is the main address that the server names; the alias is its own, and one to send as only if that is asked
    for; the same mailbox under another of its names is there already."""
    says = "OK main@sales.example authenticated (Success)"
    anna = ways.company.as_user("anna")
    with server(ways, "imap", 993, says), server(ways, "smtp", 465, OUT):
        made = add(ways, "alias", login(user="alias@sales.example"), imap=login(user="alias@sales.example"))
        assert made["email"] == "main@sales.example" and made["imap"]["user"] == "alias@sales.example" and not made.get("aliases")
        own = gateway_rig.packed(ways.redis.hget("{a:acme/alias}:acct", "own"))
        assert set(own) == {"main@sales.example", "alias@sales.example"}
        again = {"email": "other@sales.example", "imap": login(user="other@sales.example"), "smtp": login(user="other@sales.example")}
        anna("POST", "/v1/accounts", 409, "already_exists", json=again)
        message = {"accountId": "alias", "to": [{"email": "bo@them.example"}], "text": "x"}
        anna("POST", "/v1/messages", 422, "unknown_reference", json={**message, "from": {"email": "alias@sales.example"}})
        anna("PATCH", "/v1/accounts/alias", 200, json={"aliases": ["alias@sales.example"]})
        anna("POST", "/v1/messages", 202, json={**message, "from": {"email": "alias@sales.example"}})
        anna("POST", "/v1/messages", 202, json={**message, "from": {"email": "main@sales.example"}})


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a program a resolver of its own")
def test_acc01_a_silent_resolver(tmp_path, monkeypatch):
    """Proves ACC-01, ACC-02: names that no server answers for end within 10 s, both directions at once, and hold nobody up."""
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.99", 53))
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.99\n")
    wrapper = tmp_path / "gateway"
    wrapper.write_text(f'#!/bin/sh\nmount --bind {tmp_path}/resolv.conf /etc/resolv.conf || exit 9\nexec {PROGRAM} "$@"\n')
    wrapper.chmod(0o755)
    if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
        pytest.skip("no mount namespaces here")
    outer = tmp_path / "outer"
    outer.write_text(f'#!/bin/sh\nexec unshare -m {wrapper} "$@"\n')
    outer.chmod(0o755)
    monkeypatch.setattr(gateway_rig, "PROGRAM", outer)
    gateway = Gateway("--slow_threads", "4")
    try:
        company = make_company(gateway, "acme")
        began = time.monotonic()
        body = {"host": "imap.silent.example", "user": "x", "password": "x", "security": "tls"}
        answer = company("POST", "/v1/accounts/verify", 422, json={"email": "x@silent.example", "imap": body, "smtp": {**body, "host": "smtp.silent.example"}})
        took = time.monotonic() - began
        asked = silent.recv(512, socket.MSG_DONTWAIT)
        found = answer.json()["findings"]
        assert b"silent" in asked and took < 10, took
        assert {found[d]["code"] for d in found} <= {"connection_timed_out", "host_not_found"} and all(found[d]["remedy"] for d in found), found
    finally:
        gateway.close()
        silent.close()
