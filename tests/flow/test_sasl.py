"""Login mechanisms, to the octet, by a server that offers just these; and what an access token's refusal is called (ACC-02, F46)."""
import pathlib
import shutil
import tempfile

import pytest

from gateway_rig import PROGRAM, Gateway, make_company
from scripted_login import tls
from scripted_sasl import USER, ScriptedSasl

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason=f"{PROGRAM} is not built")

TOKEN = "ya29.a0AfB-token_" + 1200 * "x"


@pytest.fixture(scope="module")
def house():
    top = pathlib.Path(tempfile.mkdtemp(prefix="mw-sasl-"))
    context, ca = tls(top / "known")
    gateway = Gateway("--allow_private_hosts", "yes", "--ca_file", str(ca), "--verify_ms", "8s", "--slow_threads", "8")
    gateway.context, gateway.company = context, make_company(gateway, "acme")
    yield gateway
    gateway.close()
    shutil.rmtree(top, ignore_errors=True)


def verify(house, mechanisms, given, secret, challenge=None):
    """→ findings of both directions, mechanisms used"""
    with ScriptedSasl("imap", house.context, mechanisms, secret, challenge) as imap, \
            ScriptedSasl("smtp", house.context, mechanisms, secret, challenge) as smtp:
        login = {"host": "127.0.0.1", "user": USER, "security": "tls", **given}
        answer = house.company("POST", "/v1/accounts/verify", json={"email": USER, "imap": dict(login, port=imap.port),
                                                                    "smtp": dict(login, port=smtp.port)}).json()
    return answer.get("findings", answer), (imap.used, smtp.used)  # a refusal is a problem that has them


@pytest.mark.parametrize("mechanisms", (["PLAIN"], ["LOGIN"], ["SCRAM-SHA-1", "SCRAM-SHA-256", "PLAIN"], ["XOAUTH2", "OAUTHBEARER", "PLAIN"]))
def test_acc01_a_password_by_what_is_offered(house, mechanisms):
    """Proves ACC-01: PLAIN, else LOGIN, whatever else is offered."""
    found, used = verify(house, mechanisms, {"password": "secret"}, "secret")
    assert found["incoming"]["ok"] and found["outgoing"]["ok"], found
    want = ["LOGIN"] if mechanisms == ["LOGIN"] else ["PLAIN"]
    assert used == (want, want)


@pytest.mark.parametrize("mechanisms", (["OAUTHBEARER"], ["XOAUTH2"], ["PLAIN", "CRAM-MD5", "XOAUTH2"], ["LOGIN", "XOAUTH2", "OAUTHBEARER"]))
def test_acc01_an_access_token_by_what_is_offered(house, mechanisms):
    """Proves ACC-01: OAUTHBEARER (RFC 7628), else XOAUTH2; a token is never sent as a password."""
    found, used = verify(house, mechanisms, {"accessToken": TOKEN}, TOKEN)
    assert found["incoming"]["ok"] and found["outgoing"]["ok"], found
    want = ["OAUTHBEARER"] if "OAUTHBEARER" in mechanisms else ["XOAUTH2"]
    assert used == (want, want)


@pytest.mark.parametrize("mechanisms,given", ((["SCRAM-SHA-256"], {"password": "secret"}), (["PLAIN", "LOGIN"], {"accessToken": TOKEN}),
                                              (["XOAUTH2"], {"password": "secret"})))
def test_acc02_no_mechanism_is_no_wrong_password(house, mechanisms, given):
    """Proves ACC-02: a server that offers nothing we can do is told from one that refuses, and is not sent the secret."""
    found, used = verify(house, mechanisms, given, "secret")
    assert used == ([], [])
    for direction in found.values():
        assert direction["code"] == "no_login_mechanism" and "access token" in direction["remedy"], found


@pytest.mark.parametrize("mechanism", ("OAUTHBEARER", "XOAUTH2"))
@pytest.mark.parametrize("challenge,code,word", (
    ('{"status":"invalid_token","schemes":"bearer"}', "token_refused", "new access token"),
    ('{"status":"400","schemes":"Bearer","scope":"https://mail.example/"}', "token_refused", "new access token"),
    ('{"status":"invalid_token","error_description":"The token expired at noon"}', "token_expired", "again"),
    ('{"status":"401","error_description":"Token was revoked"}', "token_revoked", "again"),
    ('{"status":"insufficient_scope","scope":"mail"}', "consent_missing", "administrator"),
    (None, "token_refused", "new access token")))
def test_acc02_what_is_wrong_with_a_token(house, mechanism, challenge, code, word):
    """Proves ACC-02, F46: a token that is refused is no wrong password, and the server's reason is told."""
    found, _ = verify(house, [mechanism], {"accessToken": TOKEN}, "another token", challenge)
    for direction in found.values():
        assert direction["code"] == code and word in direction["remedy"], direction
        assert TOKEN not in str(direction)
