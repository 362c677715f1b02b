"""What is said of a message before it is sent (POST /v1/messages/check), and that a send is held to the same: SND-03, SND-04, SND-05, SND-09."""
import base64
import json
import os

import pytest

from gateway_rig import mail, mailed, servers  # noqa: F401

ACCOUNTS = {"plain": "anna@sales.example", "goo": "anna@goo.example", "micro": "anna@micro.example"}


@pytest.fixture(scope="module")
def anna(mailed, mail):  # noqa: F811
    api = mailed.company.as_user("anna")
    for name, address in ACCOUNTS.items():
        api("POST", "/v1/accounts", 201, json={"id": name, "email": address, **servers(mail)})
    for name, provider in (("goo", "gmail"), ("micro", "microsoft")):
        config = json.loads(mailed.redis.hget("{a:acme/%s}:acct" % name, "config"))
        mailed.redis.hset("{a:acme/%s}:acct" % name, "config", json.dumps({**config, "provider": provider}))
    return api


def message(**more):
    return {"accountId": "plain", "to": [{"name": "Käufer", "email": "buyer@customer.example"}], "subject": "Hello", "text": "Hi", **more}


def attachment(name="a.pdf", octets=10, **more):
    return {"name": name, "type": "application/pdf", "content": base64.b64encode(os.urandom(octets)).decode(), **more}


def check(anna, **more):
    answer = anna("POST", "/v1/messages/check", 200, json=message(**more)).json()
    for finding in answer["findings"]:
        assert set(finding) == {"severity", "code", "field", "detail", "remedy"} and all(finding.values()), finding
    assert (answer["status"] == "refused") == any(f["severity"] == "stop" for f in answer["findings"])
    return {(f["severity"], f["code"], f["field"]) for f in answer["findings"]}, answer["findings"]


def test_all_that_is_wrong_is_said_at_once(anna, mailed):  # noqa: F811
    """Proves SND-03, SND-04, SND-09: every fault of a message in one answer, with code, field and remedy; and nothing is queued."""
    before = mailed.redis.keys("{a:acme/*}:o")
    found, findings = check(anna, to=[{"email": "a*b@c.example"}, {"email": "ok@c.example"}, {"email": "a b@c.example"}], subject="x\r\nBcc: y@z.example",
                            text="Hi {{person.first_name}}", attachments=[attachment(type="no type"), attachment(content="%%")],
                            **{"from": {"email": "other@sales.example"}})
    assert found == {("stop", "invalid_recipient", "to"), ("stop", "invalid_header", "subject"), ("stop", "unresolved_field", "text"),
                     ("stop", "invalid_attachment", "attachments"), ("stop", "unknown_reference", "from")}
    assert len(findings) == 7
    assert [f["detail"] for f in findings if f["code"] == "invalid_recipient"] == ["This is no address that can be sent to: a*b@c.example",
                                                                                     "This is no address that can be sent to: a b@c.example"]
    assert any("{{person.first_name}}" in f["detail"] for f in findings)
    assert mailed.redis.keys("{a:acme/*}:o") == before


@pytest.mark.parametrize("given, code, field", [
    ({"to": []}, "no_recipient", "to"), ({"text": None}, "no_content", "text"), ({"subject": "a\nb"}, "invalid_header", "subject"),
    ({"cc": [{"email": "x@y@z"}]}, "invalid_recipient", "cc"), ({"html": "{{deal.title}}"}, "unresolved_field", "html"),
    ({"attachments": [dict(name="a", type="a/b", content="", contentId="a> b")]}, "invalid_attachment", "attachments")])
def test_a_send_is_held_to_the_same(anna, given, code, field):
    """What the check calls a stop, POST /v1/messages refuses, with the same code."""
    request = {name: value for name, value in message(**given).items() if value is not None}
    answer = anna("POST", "/v1/messages/check", 200, json=request).json()
    assert [(f["code"], f["field"]) for f in answer["findings"] if f["severity"] == "stop"] == [(code, field)]
    anna("POST", "/v1/messages", 422, code, json=request)
    anna("POST", "/v1/messages", 422, code, json={**request, "dryRun": True})


def test_snd05_size_by_provider(anna):
    """Proves SND-05, F82: limits on the encoded message by provider; the words say the encoded size, the limit, the room for files."""
    fits = attachment(octets=(14 << 20))  # 19.4 MB encoded
    large = attachment(octets=(16 << 20))  # 21.9 MB
    assert check(anna, accountId="micro", attachments=[fits])[0] == set()
    assert check(anna, accountId="goo", attachments=[large])[0] == set()
    found, findings = check(anna, accountId="micro", attachments=[large])
    assert found == {("stop", "message_too_large", "attachments")}
    assert "21.9 MB" in findings[0]["detail"] and "limit is 20.0 MB" in findings[0]["detail"] and "14.6 MB" in findings[0]["detail"] and "link" in findings[0]["remedy"]
    anna("POST", "/v1/messages", 413, "message_too_large", json=message(accountId="micro", attachments=[large]))


def test_files_that_providers_refuse(anna):
    """A program as attachment: refused where the account's own provider does, a warning elsewhere."""
    for name in ("setup.EXE", "a.js", "x.iso"):
        assert check(anna, attachments=[attachment(name)])[0] == {("warning", "risky_attachment", "attachments")}
        for account in ("goo", "micro"):
            assert ("stop", "refused_attachment", "attachments") in check(anna, accountId=account, attachments=[attachment(name)])[0]
    assert check(anna, accountId="goo", attachments=[attachment("exe.pdf"), attachment("exe")])[0] == set()


def test_what_may_harm_is_only_said(anna):
    """Warnings do not refuse: no subject, someone named twice, a forgotten file, hardly any text, an address beyond ASCII."""
    cases = [({"subject": " "}, "no_subject", "subject"), ({"cc": [{"email": "BUYER@customer.example"}]}, "duplicate_recipient", "cc"),
             ({"text": "Please see the attached offer"}, "forgotten_attachment", "attachments"), ({"text": "Siehe im Anhang"}, "forgotten_attachment", "attachments"),
             ({"html": "<p>Hi</p><img src='https://x.example/a.png'>"}, "mostly_images", "html"),
             ({"bcc": [{"email": "grüße@x.example"}]}, "needs_smtputf8", "bcc")]
    for given, code, field in cases:
        assert check(anna, **given)[0] == {("warning", code, field)}, given
    assert check(anna, text="Please see the attached offer", attachments=[attachment()])[0] == set()
    assert check(anna)[0] == set()


def test_account_that_cannot_send(anna, mailed):  # noqa: F811
    """ACC-06: what would fail at once is said before: refused credentials, a paused account."""
    slot = "{a:acme/plain}"
    mailed.redis.hset(slot + ":st", "state", "authenticationError")
    mailed.redis.hset(slot + ":acct", "paused", "1")
    try:
        assert check(anna)[0] == {("stop", "account_not_authenticated", "accountId"), ("stop", "account_paused", "accountId")}
        anna("POST", "/v1/messages", 409, "account_not_authenticated", json=message())
        mailed.redis.hdel(slot + ":st", "state")
        anna("POST", "/v1/messages", 409, "account_paused", json=message())
    finally:
        mailed.redis.hdel(slot + ":st", "state")
        mailed.redis.hset(slot + ":acct", "paused", "0")
    anna("POST", "/v1/messages/check", 404, "not_found", json=message(accountId="nobodys"))
    mailed.company.as_user("ben")("POST", "/v1/messages/check", 404, "not_found", json=message())


def test_snd13_suppressed_addresses(anna, mailed):  # noqa: F811
    """Proves SND-13: the company's list is one for all, seen and edited by everybody in it; who is on it is named before sending and stops it."""
    ben, other = mailed.company.as_user("ben"), {"email": "left@customer.example"}
    for n in range(5):
        anna("PUT", f"/v1/suppressions/x{n}@y.example", 200, json={"reason": "manual"})
    put = anna("PUT", "/v1/suppressions/Left@Customer.example", 200, json={"reason": "bounced", "note": "550 no such user"}).json()
    assert (put["email"], put["reason"], put["note"], put["by"]) == ("left@customer.example", "bounced", "550 no such user", "anna")
    assert ben("GET", "/v1/suppressions/left@customer.example", 200).json() == put
    page = ben("GET", "/v1/suppressions?limit=2", 200).json()
    rest = ben("GET", f"/v1/suppressions?limit=100&cursor={page['nextCursor']}", 200).json()
    assert [e["email"] for e in page["data"] + rest["data"]] == ["left@customer.example"] + [f"x{n}@y.example" for n in range(5)] and not rest["nextCursor"]
    found, findings = check(anna, cc=[{"email": "LEFT@customer.example"}, {"email": "fine@customer.example"}])
    assert found == {("stop", "suppressed_recipient", "cc")} and "LEFT@customer.example" in findings[0]["detail"] and "bounced" in findings[0]["detail"]
    assert "LEFT" in anna("POST", "/v1/messages", 422, "suppressed_recipient", json=message(bcc=[{"email": "LEFT@customer.example"}])).json()["detail"]
    anna("PUT", "/v1/suppressions/nobody", 400, "invalid_parameter", json={"reason": "manual"})
    anna("PUT", "/v1/suppressions/a@b.example", 400, "invalid_field", json={"reason": "disliked"})
    ben("DELETE", "/v1/suppressions/left@customer.example", 204)
    ben("DELETE", "/v1/suppressions/left@customer.example", 404, "not_found")
    assert check(anna, to=[other])[0] == set()
    assert mailed.redis.hlen("{c:acme}:sup") == 5


def test_snd03_fields_are_filled_in(anna, mailed):  # noqa: F811
    """Proves SND-03: fields of the recipient, the deal, the user and the request; escaped in HTML; what has no value, is not known or may not be seen
    is named, all at once, and nothing is queued; a quoted original is left as it is."""
    mailed.company("PUT", "/v1/organizations/o1", 200, json={"name": "Tea & Co"})
    mailed.company("PUT", "/v1/people/kim", 200, json={"name": "Kim Lee", "firstName": "Kim", "emails": ["buyer@customer.example"], "organizationId": "o1",
                                                       "fields": {"city": "Köln", "empty": "", "points": 7, "note": "<b>\nx"}})
    mailed.company("PUT", "/v1/deals/mine", 200, json={"title": "Green tea", "fields": {"price": 12.5}})
    mailed.company("PUT", "/v1/deals/hidden", 200, json={"title": "Secret", "ownerId": "boss", "visibleTo": {"users": [], "groups": []}})
    given = {"dealId": "mine", "offer.until": "Friday", "person": {"city": "Bonn"}}
    text = ("Hi {{person.first_name}} {{person.last_name|Lee}}, {{person.city}} {{person.points}} {{organization.name}}: {{deal.title}} {{deal.price}} "
            "{{offer.until}} {{user.name}} {{recipient.name}} {{#if person.empty}}never {{nobody.knows}}{{else}}fine{{/if}}")
    before = mailed.redis.hlen("{a:acme/plain}:o")
    found, findings = check(anna, text=text, html="<p title='{{person.note}}'>{{person.note}}", subject="{{deal.title}}", fields=given)
    assert not found, findings
    for texts, wrong in (({"text": "{{person.empty}} {{nobody.knows}} {{person.first_name|"}, ["{{person.empty}} has no value", "{{nobody.knows}} is no field that is known"]),
                         ({"html": "<a {{person.first_name}}>{{#if deal.title}}"}, ["{{person.first_name}} cannot stand inside a tag, but in quotes",
                                                                                  "{{#if deal.title}} is not closed by {{/if}}"]),
                         ({"subject": "{{deal.title}}", "fields": {"dealId": "hidden"}}, ["{{deal.title}} has no value"]),
                         ({"text": "{{person.visible_to}} {{person.owner_id}}"}, ["{{person.visible_to}} has no value", "{{person.owner_id}} has no value"])):
        found, findings = check(anna, **{"fields": given, **texts})
        assert [f["detail"] for f in findings if f["code"] == "unresolved_field"] == wrong
        anna("POST", "/v1/messages", 422, "unresolved_field", json=message(**{"fields": given, **texts}))
    assert mailed.redis.hlen("{a:acme/plain}:o") == before
    mailed.company("PUT", "/v1/people/kim", 200, json={"emails": ["buyer@customer.example"], "fields": {"city": "Bonn\r\nBcc: x@y.example"}})
    assert ("stop", "invalid_header", "subject") in check(anna, subject="{{person.city}}")[0]
