"""Refusals are application/problem+json with a stable code and a remedy, and nothing falls over."""
import pytest


def problem(answer, status):
    assert answer.status_code == status, answer.text[:500]
    assert answer.headers["Content-Type"].startswith("application/problem+json"), answer.headers
    body = answer.json()
    assert body["status"] == status and body["code"] and body["title"] and body["remedy"], body
    return body["code"]


def ask(client, method, path, **options):
    return client.session.request(method, client.base + path, timeout=60, **options)


def test_wrong_token_is_refused(small):
    """Proves: a wrong token is 401, with what to do."""
    problem(ask(small.root, "GET", "/v1/threads", headers={"Authorization": "Bearer nonsense"}), 401)


def test_unknown_ids_do_not_exist(small):
    """Proves: unknown ids are 404, the same for every kind."""
    rep = small.ledger["reps"][0]["id"]
    for path in ("/v1/threads/none~0123456789abcdef", "/v1/messages/none~0123456789abcdef", "/v1/accounts/none", "/v1/deals/none", "/v1/nothing"):
        problem(ask(small.user(rep), "GET", path), 404)


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff\xfe", b'{"name":"x"} trailing', b'{"name":' + b"[" * 5000])
def test_malformed_bodies(small, body):
    """Proves: what is no JSON object is 400."""
    problem(ask(small.company, "PUT", "/v1/people/broken", data=body, headers={"Content-Type": "application/json"}), 400)


def test_unknown_field_is_named(small):
    """Proves: a field nobody knows is refused by its name."""
    answer = ask(small.company, "PUT", "/v1/people/broken", json={"name": "x", "emails": [], "surprise": 1})
    assert problem(answer, 400) and "surprise" in answer.text


def test_thirty_megabytes(small):
    """Proves: a request of 30 MB is 413, and the gateway goes on."""
    answer = ask(small.company, "PUT", "/v1/people/broken", data=b'{"name":"' + b"x" * (30 << 20) + b'"}',
                 headers={"Content-Type": "application/json"})
    problem(answer, 413)
    small.company.get("/v1/settings")


def test_mail_needs_a_user(small):
    """Proves SHR-01: without an acting user mail endpoints answer 403 acting_user_required."""
    assert problem(ask(small.company, "GET", "/v1/threads"), 403) == "acting_user_required"
