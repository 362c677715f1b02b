"""The gateway with a real Redis and a real Dovecot: mail accounts from the first try to the last trace, and the outbox. The other stages do
not run: what they would write is written by the test."""
import base64
import json
import os
import socket
import threading
import time

import msgpack
import pytest

from gateway_rig import ANNA, PASSWORD, PROGRAM, Gateway, make_company, mail, mailed, packed, servers  # noqa: F401

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason=f"{PROGRAM} is not built")


# Accounts


def test_verify_tells_both_directions_apart(mailed, mail):
    """ACC-01, ACC-02: what was tried, what failed, what to do."""
    company = mailed.company
    good = company("POST", "/v1/accounts/verify", 200, json={"email": ANNA, **servers(mail)}).json()
    assert good["incoming"]["ok"] and good["outgoing"]["ok"]

    def findings(body):
        return company("POST", "/v1/accounts/verify", 422, "account_verification_failed", json={"email": ANNA, **body}).json()["findings"]
    wrong = findings(servers(mail, password="nö"))
    assert wrong["incoming"]["code"] == wrong["outgoing"]["code"] == "wrong_credentials"
    assert wrong["incoming"]["remedy"] and not wrong["incoming"]["ok"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = free.getsockname()[1]
    half = servers(mail)
    half["smtp"]["port"] = closed
    found = findings(half)
    assert found["incoming"]["ok"] and found["outgoing"]["code"] == "connection_refused"
    half = servers(mail)
    half["imap"]["host"] = "no-such-host.invalid"
    found = findings(half)
    assert found["outgoing"]["ok"] and found["incoming"]["code"] == "host_not_found"
    half["imap"] = dict(servers(mail)["imap"], port=143)
    found = findings(half)
    assert found["incoming"]["code"] == "plaintext_port_refused" and "993" in found["incoming"]["remedy"]
    half["imap"] = dict(servers(mail)["imap"], security="starttls")
    assert findings(half)["incoming"]["code"] == "security_unfit"
    half["imap"] = dict(servers(mail)["imap"], security="none")
    assert findings(half)["incoming"]["code"] == "plaintext_refused"


def test_verify_ends_within_its_time(mailed, mail):
    """A server that says nothing costs ten seconds, not more, and both directions at once."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(5)
        body = servers(mail)
        body["imap"]["port"] = body["smtp"]["port"] = silent.getsockname()[1]
        began = time.monotonic()
        others = []

        def poll():
            while time.monotonic() - began < 5:
                start = time.monotonic()
                mailed.company("GET", "/v1/settings", 200)
                others.append(time.monotonic() - start)
        reader = threading.Thread(target=poll)
        reader.start()
        found = mailed.company("POST", "/v1/accounts/verify", 422, json={"email": ANNA, **body}).json()["findings"]
        took = time.monotonic() - began
        reader.join()
    assert found["incoming"]["code"] == found["outgoing"]["code"] == "connection_timed_out"
    assert 5 < took < 13, took
    assert max(others) < 2, "a slow verification holds others up"


def test_private_hosts_get_one_answer():
    """F132: no port scanner: loopback, private ranges and other ports are refused alike, without being tried."""
    strict = Gateway()
    try:
        company = make_company(strict, "acme")

        def incoming(host, port):
            body = {"email": ANNA, "imap": {"host": host, "port": port, "password": "x"},
                    "smtp": {"host": host, "port": 465, "password": "x"}}
            found = company("POST", "/v1/accounts/verify", 422, json=body).json()["findings"]
            return {k: found["incoming"][k] for k in ("code", "detail", "remedy", "tried")}
        answers = [incoming(h, p) for h, p in (("127.0.0.1", 993), ("localhost", 993), ("10.1.2.3", 993), ("169.254.169.254", 993),
                                               ("[::1]".strip("[]"), 993), ("192.168.0.1", 993), ("0.0.0.0", 993), ("127.0.0.1", 22),
                                               ("::ffff:127.0.0.1", 993), ("2130706433", 993))]
        assert answers[0]["code"] == "host_not_allowed" and answers[0]["tried"] == []
        assert all(a == answers[0] for a in answers), answers
    finally:
        strict.close()


def test_account_fields_and_presets(mailed):
    company = mailed.company
    company("POST", "/v1/accounts", 400, "missing_field", json={"userId": "anna", "email": ANNA})
    company("POST", "/v1/accounts", 400, "missing_field", json={"email": ANNA, "provider": "gmail", "imap": {"password": "x"}})
    company("POST", "/v1/accounts", 422, "unknown_reference", json={"userId": "zed", "email": ANNA, "imap": {"password": "x"}})
    company("POST", "/v1/accounts", 422, "provider_not_supported", json={"userId": "anna", "email": ANNA, "oauth": {}})
    company("POST", "/v1/accounts", 400, "invalid_field", json={"userId": "anna", "email": ANNA, "provider": "carrier-pigeon"})
    company.as_user("ben")("POST", "/v1/accounts", 403, "not_owner", json={"userId": "anna", "email": ANNA, "imap": {"password": "x"}})
    found = company("GET", "/v1/autoconfig?email=a@gmail.com", 200).json()["data"]
    assert found[0]["imap"] == {"host": "imap.gmail.com", "port": 993, "security": "tls"}
    assert company("GET", "/v1/autoconfig?email=a@unknown.example", 200).json()["data"] == []
    company("GET", "/v1/autoconfig?email=x", 400, "invalid_parameter")
    company("GET", "/v1/autoconfig", 400, "invalid_parameter")


def test_account_life(mailed, mail):
    """ACC-01, ACC-07, ACC-09, ACC-10: tried, kept sealed, paused, changed, taken away with its mail kept, met again, erased; a name that the
    server sets is refused; who is a member sees and manages it, nobody else."""
    company, store = mailed.company, mailed.redis
    anna, ben = company.as_user("anna"), company.as_user("ben")
    body = {"userId": "anna", "email": ANNA, "since": "all", "folders": ["INBOX"], "senderName": "Anna", **servers(mail)}
    bad = anna("POST", "/v1/accounts", 422, "account_verification_failed", json=dict(body, **servers(mail, password="no")))
    assert bad.json()["findings"]["incoming"]["code"] == "wrong_credentials"
    assert not store.keys("{a:*") and not store.hlen("{g}:accounts")
    fixed = anna("POST", "/v1/accounts", 422, "sender_name_fixed", json=dict(body, provider="microsoft")).json()
    assert "Microsoft" in fixed["detail"] and fixed["remedy"] and not store.hlen("{g}:accounts")
    made = anna("POST", "/v1/accounts", 201, json=body, headers={"Idempotency-Key": "k1"})
    again = anna("POST", "/v1/accounts", 201, json=body, headers={"Idempotency-Key": "k1"})
    assert again.json() == made.json() and again.headers["Idempotent-Replay"] == "true"
    anna("POST", "/v1/accounts", 409, "idempotency_key_reused", json=dict(body, since="3d"), headers={"Idempotency-Key": "k1"})
    anna("POST", "/v1/accounts", 409, "already_exists", json=body)
    account = made.json()
    name, slot = account["id"], f"{{a:acme/{account['id']}}}"
    assert account["state"] == "init" and account["imap"]["port"] == mail.ports["imaps"] and account["folders"] == ["INBOX"]
    assert PASSWORD not in made.text and "password" not in made.text
    record = store.hgetall(slot + ":acct")
    assert record[b"gen"] == b"1" and packed(record[b"own"]) == [ANNA] and record[b"number"] == b"1"
    assert all(PASSWORD.encode() not in value for value in record.values()) and record[b"cred"][0] == 1
    assert store.hget("{g}:accounts", f"acme/{name}") == b"1"
    assert packed(store.hget("{c:acme}:acct", name))[:3] == [1, "anna", ANNA]
    entry = packed(store.xrange(slot + ":j")[0][1][b"e"])
    assert entry[0] == "a" and entry[2] == "created"

    # who sees it
    assert anna("GET", f"/v1/accounts/{name}", 200).json() == account
    for other in (ben, company.as_user("boss")):
        other("GET", f"/v1/accounts/{name}", 404, "not_found")
        assert other("GET", "/v1/accounts", 200).json()["data"] == []
        other("DELETE", f"/v1/accounts/{name}?mail=erase", 404)
    assert [a["id"] for a in company("GET", "/v1/accounts", 200).json()["data"]] == [name]
    anna("PATCH", f"/v1/accounts/{name}", 200, json={"members": ["ben"]})
    ben("GET", f"/v1/accounts/{name}", 200)
    assert ben("PATCH", f"/v1/accounts/{name}", 200, json={"senderName": "Team", "members": ["ben", "boss"]}).json()["senderName"] == "Team"
    company.as_user("boss")("GET", f"/v1/accounts/{name}", 200)
    anna("PATCH", f"/v1/accounts/{name}", 200, json={"senderName": "Anna", "members": []})
    ben("GET", f"/v1/accounts/{name}", 404)
    company("GET", f"/v1/accounts/{name}/folders", 403, "acting_user_required")

    # the fetcher's side
    store.hset(slot + ":st", mapping={"state": "syncing", "total": 100, "done": 40, "rate": "10.0",
                                      "error": json.dumps({"code": "x", "detail": "d", "remedy": "r", "at": 1767225600000})})
    store.hset(slot + ":box", "1", msgpack.packb([b"Entw&APw-rfe", b"/", b"drafts", 1, b"", 7, 5]))
    for i in range(3):
        store.xadd(slot + ":sth", {"state": f"s{i}", "code": ""})
    seen = anna("GET", f"/v1/accounts/{name}", 200).json()
    assert seen["state"] == "syncing" and seen["progress"]["remainingSeconds"] == 7 and seen["lastError"]["at"] == "2026-01-01T00:00:00Z"
    assert anna("GET", f"/v1/accounts/{name}/folders", 200).json()["data"] == [
        {"id": "1", "path": "Entwürfe", "delimiter": "/", "role": "drafts", "remote": 7, "stored": 5}]
    page = anna("GET", f"/v1/accounts/{name}/history?limit=2", 200).json()
    rest = anna("GET", f"/v1/accounts/{name}/history?limit=2&cursor={page['nextCursor']}", 200).json()
    assert [h["state"] for h in page["data"] + rest["data"]] == ["s2", "s1", "s0"] and rest["nextCursor"] is None

    # pause, resume, change
    assert anna("POST", f"/v1/accounts/{name}/pause", 200).json()["state"] == "paused"
    assert store.hget(slot + ":acct", "paused") == b"1"
    assert anna("POST", f"/v1/accounts/{name}/resume", 200).json()["state"] == "syncing"
    before = store.hget(slot + ":acct", "cred")
    changed = anna("PATCH", f"/v1/accounts/{name}", 200, json={"senderName": "A.", "defaultSharing": "private"}).json()
    assert changed["senderName"] == "A." and changed["since"] == "all" and store.hget(slot + ":acct", "sharing") == b"private"
    assert store.hget(slot + ":acct", "cred") == before
    anna("PATCH", f"/v1/accounts/{name}", 422, "account_verification_failed", json={"imap": {"password": "no"}})
    assert store.hget(slot + ":acct", "cred") == before
    anna("PATCH", f"/v1/accounts/{name}", 400, "missing_field", json={"imap": {"host": "127.0.0.1"}})
    anna("POST", f"/v1/accounts/{name}/reauthenticate", 200, json={"imap": {"password": PASSWORD}})
    assert store.hget(slot + ":acct", "cred") != before
    anna("PATCH", f"/v1/accounts/{name}", 400, "unknown_field", json={"email": "x@y.example"})
    company("DELETE", "/v1/users/anna", 409, "still_in_use")
    mailed.root("DELETE", "/v1/companies/acme", 409, "still_in_use")

    # taken away, mail kept
    key = store.hget(slot + ":acct", "key")
    anna("DELETE", f"/v1/accounts/{name}", 204)
    anna("GET", f"/v1/accounts/{name}", 404)
    anna("DELETE", f"/v1/accounts/{name}", 404)
    record = store.hgetall(slot + ":acct")
    assert b"cred" not in record and record[b"key"] == key and not store.hexists("{g}:accounts", f"acme/{name}")
    assert packed(store.xrevrange(slot + ":j")[0][1][b"e"])[2:] == ["deleted", "kept"]
    back = anna("POST", "/v1/accounts", 201, json=body).json()
    assert back["id"] == name and store.hget(slot + ":acct", "key") == key and store.hget(slot + ":acct", "gen") == b"1"

    # erased
    for i in range(700):
        store.hset(slot + ":t", f"t{i}", "x")
        store.zadd(slot + f":tm:t{i}", {"m": 1})
        store.hset(slot + ":p", f"m{i}", msgpack.packb([[[1, 9, i]], []]))
        store.hset(slot + f":u:1:{i >> 6}", str(i), "x")
        member = b"\0\0\0\1" + f"t{i}".encode()
        store.hset("{c:acme}:tr", member, msgpack.packb(["d:d1"]))
        store.zadd("{c:acme}:tl:d:d1", {member: i})
    other = b"\0\0\0\2other"
    store.hset("{c:acme}:tr", other, msgpack.packb(["d:d1"]))
    store.zadd("{c:acme}:tl:d:d1", {other: 1})
    anna("DELETE", f"/v1/accounts/{name}?mail=erase", 204)
    assert store.keys(slot + "*") == [(slot + ":acct").encode()]
    assert store.hgetall(slot + ":acct") == {b"gen": b"2", b"erased": b"1"}
    assert store.zrange("{c:acme}:tl:d:d1", 0, -1) == [other] and store.hkeys("{c:acme}:tr") == [other]
    assert not store.hexists("{c:acme}:acct", name) and not store.hexists("{g}:accounts", f"acme/{name}")
    events = [event[b"e"] for _, event in store.xrange("{c:acme}:ev")]
    assert events[0][:1] == b"c" and packed(events[0][1:])[0] == "account.deleted"  # the erasure's certificate follows later
    new = anna("POST", "/v1/accounts", 201, json=dict(body, id=name)).json()
    assert new["id"] == name and store.hget(slot + ":acct", "gen") == b"2" and store.hget(slot + ":acct", "number") == b"2"
    anna("DELETE", f"/v1/accounts/{name}?mail=erase", 204)


# Sending


@pytest.fixture(scope="module")
def sender(mailed, mail):
    anna = mailed.company.as_user("anna")
    anna("POST", "/v1/accounts", 201, json={"id": "send", "email": ANNA, **servers(mail)})
    return anna


def message(**more):
    return {"accountId": "send", "to": [{"name": "Käufer", "email": "buyer@customer.example"}], "subject": "Hello", "text": "Hi", **more}


def test_a_message_is_durable_before_it_is_accepted(mailed, sender):
    """Proves F88: durable and sealed when it is answered; a repeated POST is the same submission, another body under the key is refused."""
    slot = "{a:acme/send}"
    queued = sender("POST", "/v1/messages", 202, json=message(), headers={"Idempotency-Key": "m1"}).json()
    assert queued["status"] == "queued"
    account, submission = queued["id"].split("~")
    assert account == "send"
    blob, blob_id, user, created, send_at, sharing, message_id, generation, *_ = msgpack.unpackb(
        mailed.redis.hget(slot + ":o", submission), raw=True)
    assert user == b"anna" and len(blob_id) == 10 and created == send_at and generation == 1 and message_id.endswith(b"@sales.example")
    assert mailed.redis.zscore(slot + ":od", submission) == created + 10_000
    segments = list((mailed.dir / "blobs").rglob("*.seg"))
    assert segments and all(b"buyer@customer.example" not in s.read_bytes() for s in segments)
    again = sender("POST", "/v1/messages", 202, json=message(), headers={"Idempotency-Key": "m1"}).json()
    assert again == queued and mailed.redis.hlen(slot + ":o") == 1
    mailed.redis.delete(*mailed.redis.keys("{c:acme}:idem:*"))
    half = sender("POST", "/v1/messages", 202, json=message(), headers={"Idempotency-Key": "m1"}).json()
    assert half["id"] == queued["id"] and mailed.redis.hlen(slot + ":o") == 1, "the same key names the same submission, whatever was lost"
    sender("POST", "/v1/messages", 409, "idempotency_key_reused", json=message(text="x"), headers={"Idempotency-Key": "m1"})
    entry = packed(mailed.redis.xrevrange(slot + ":j")[0][1][b"e"])
    assert entry[0] == "o" and entry[2:4] == [submission, "queued"]


def test_outbox_shows_and_cancels(mailed, sender):
    slot = "{a:acme/send}"
    later = sender("POST", "/v1/messages", 202, json=message(sendAt="2099-01-01T00:00:00Z")).json()
    assert later["status"] == "scheduled"
    seen = sender("GET", f"/v1/outbox/{later['id']}", 200).json()
    assert seen["status"] == "scheduled" and seen["sendAt"] == "2099-01-01T00:00:00Z" and seen["attempts"] == 0
    ids = [sender("POST", "/v1/messages", 202, json=message()).json()["id"] for _ in range(3)]
    page = sender("GET", "/v1/outbox?limit=2", 200).json()
    rest = sender("GET", f"/v1/outbox?limit=100&cursor={page['nextCursor']}", 200).json()
    every = [e["id"] for e in page["data"] + rest["data"]]
    assert len(every) == len(set(every)) and set(ids) | {later["id"]} <= set(every)
    assert sender("DELETE", f"/v1/outbox/{later['id']}", 200).json()["status"] == "cancelled"
    assert mailed.redis.zscore(slot + ":od", later["id"].split("~")[1]) is None
    submission = ids[0].split("~")[1]
    mailed.redis.hset(slot + ":os", submission, json.dumps({"status": "delayed", "attempts": 2, "nextAttemptAt": 1767225600000,
                                                             "serverReply": "450 later", "token": 7, "recipients": [{"email": "x"}]}))
    seen = sender("GET", f"/v1/outbox/{ids[0]}", 200).json()
    assert (seen["status"], seen["attempts"], seen["serverReply"], seen["nextAttemptAt"]) == ("delayed", 2, "450 later", "2026-01-01T00:00:00Z")
    assert "token" not in seen
    mailed.redis.hset(slot + ":os", submission, json.dumps({"status": "sent"}))
    assert "sent" in sender("DELETE", f"/v1/outbox/{ids[0]}", 409, "too_late").json()["detail"]
    for path in ("send~zzzzzzzzzzzzzzzz", "send~x", "nope", "other~zzzzzzzzzzzzzzzz"):
        sender("GET", f"/v1/outbox/{path}", 404, "not_found")
        sender("DELETE", f"/v1/outbox/{path}", 404, "not_found")
    ben = mailed.company.as_user("ben")
    ben("GET", f"/v1/outbox/{ids[0]}", 404, "not_found")
    ben("DELETE", f"/v1/outbox/{ids[1]}", 404, "not_found")
    assert ben("GET", "/v1/outbox", 200).json()["data"] == []
    ben("POST", "/v1/messages", 404, "not_found", json=message())


def public_id(account, raw):
    """`<account>~<lower-case Crockford base32>`."""
    number = int.from_bytes(raw, "big")
    return account + "~" + "".join("0123456789abcdefghjkmnpqrstvwxyz"[number >> shift & 31] for shift in range(75, -1, -5))


def test_shr_05_only_participants_answer_a_shared_message(mailed, mail, sender):
    """A message of another's mailbox, shared by way of a deal that all see: answered by a participant alone."""
    slot, store, mid = "{a:acme/send}", mailed.redis, b"0123456789"
    mailed.company("PUT", "/v1/deals/shared", 200, json={"title": "All see it"})
    card = msgpack.packb({"s": "Hello", "f": [["Buyer", "buyer@customer.example"]], "t": [["Ben", "BEN@acme.example"]]})
    store.hset(slot + ":m", mid, msgpack.packb([1, mid, 1, 1000, 1000, 10, "x", 0, [], ["d", "shared"], card], use_bin_type=False))
    thread = [1, 1, 1000, 1, 1, "Hello", "s", 1, ["d", "shared", "m", 1000, 1], None, None, [], mid, 1]
    store.hset(slot + ":t", mid, msgpack.packb(thread, use_bin_type=False))
    reference = {"reference": {"messageId": public_id("send", mid), "action": "reply"}}
    sender("POST", "/v1/messages/check", 200, json=message(**reference))
    for user, status, code in (("ben", 200, None), ("boss", 403, "not_participant")):
        api = mailed.company.as_user(user)
        api("POST", "/v1/accounts", 201, json={"id": user, "email": f"{user}@acme.example", **servers(mail)})
        api("POST", "/v1/messages/check", status, code, json=dict(message(**reference), accountId=user))
    thread[6] = "p"
    store.hset(slot + ":t", mid, msgpack.packb(thread, use_bin_type=False))
    mailed.company.as_user("ben")("POST", "/v1/messages/check", 422, "unknown_reference", json=dict(message(**reference), accountId="ben"))
    sender("POST", "/v1/messages/check", 200, json=message(**reference))


def test_what_a_death_left_half_done_heals(mailed, mail):
    """Each of the three places an account is named in may be missing or left over: the same request made again mends it."""
    boss, store, slot = mailed.company.as_user("boss"), mailed.redis, "{a:acme/heal}"
    body = {"id": "heal", "email": "heal@acme.example", **servers(mail)}

    def whole():
        assert store.hget("{g}:accounts", "acme/heal") and store.hexists("{c:acme}:acct", "heal") and store.hexists(slot + ":acct", "cred")
    boss("POST", "/v1/accounts", 201, json=body)
    whole()
    number, key = store.hget(slot + ":acct", "number"), store.hget(slot + ":acct", "key")
    store.hdel("{c:acme}:acct", "heal")
    store.hdel("{g}:accounts", "acme/heal")
    boss("GET", "/v1/accounts/heal", 404)
    boss("POST", "/v1/accounts", 201, json=body)
    whole()
    assert store.hget(slot + ":acct", "key") == key
    store.hdel("{g}:accounts", "acme/heal")
    boss("POST", "/v1/accounts/heal/resume", 200)
    whole()
    # kept: died after the slot, and after the directory
    assert store.fcall("gateway_1_account_kept", 1, slot, "1") == [b"ok"]
    boss("DELETE", "/v1/accounts/heal", 204)
    boss("GET", "/v1/accounts/heal", 404)
    assert store.xlen(slot + ":j") == 2, "created, deleted: each once"
    boss("POST", "/v1/accounts", 201, json=body)
    # erased: died after the first step
    store.hset(slot + ":t", "left", "x")
    assert store.fcall("gateway_1_account_erase", 1, slot, "1", "1")[1] == b"2"
    boss("DELETE", "/v1/accounts/heal?mail=erase", 204)
    assert store.keys(slot + "*") == [(slot + ":acct").encode()] and store.hget(slot + ":acct", "gen") == b"2"
    assert not store.hexists("{g}:accounts", "acme/heal") and not store.hexists("{c:acme}:acct", "heal")
    boss("DELETE", "/v1/accounts/heal?mail=erase", 404)
    assert number


def test_messages_that_cannot_go_out(mailed, sender):
    """SND-03, SND-04, SND-05, SND-09, ACC-06: refused before they are queued, each with its own code."""
    count = mailed.redis.hlen("{a:acme/send}:o")

    def refused(status, code, **more):
        return sender("POST", "/v1/messages", status, code, json=message(**more)).json()["detail"]
    refused(422, "no_recipient", to=[])
    assert "a*b@c.example" in refused(422, "invalid_recipient", to=[{"email": "a*b@c.example"}])
    for bad in ("a,b@c.example", "a b@c.example", "<a@c.example>", "a@b@c", "a"):
        refused(422, "invalid_recipient", cc=[{"email": bad}])
    refused(422, "invalid_header", subject="a\r\nBcc: x@y.example")
    refused(422, "invalid_header", to=[{"name": "a\nb", "email": "a@b.example"}])
    refused(422, "invalid_header", bcc=[{"email": "a@b.example\r\n"}])
    refused(422, "unresolved_field", text="Hi {{person.first_name}}")
    sender("POST", "/v1/messages", 422, "no_content", json={"accountId": "send", "to": [{"email": "a@b.example"}]})
    refused(422, "invalid_attachment", attachments=[{"name": "a", "type": "text/plain", "content": "%%%"}])
    refused(422, "invalid_attachment", attachments=[{"name": "a", "type": "text", "content": ""}])
    refused(422, "invalid_header", attachments=[{"name": "a\nb", "type": "text/plain", "content": ""}])
    refused(422, "unknown_reference", reference={"messageId": "send~zzzzzzzzzzzzzzzz", "action": "reply"})
    refused(422, "unknown_reference", **{"from": {"email": "other@sales.example"}})
    refused(400, "unknown_field", subjekt="x")
    refused(400, "invalid_field", reference={"messageId": "x", "action": "shout"})
    big = base64.b64encode(os.urandom(19 << 20)).decode()
    assert "MB" in refused(413, "message_too_large", attachments=[{"name": "a", "type": "a/b", "content": big}])
    assert sender("POST", "/v1/messages/check", 200, json=message()).json() == {"status": "valid", "findings": []}
    assert sender("POST", "/v1/messages", 200, json=message(dryRun=True)).json() == {"status": "valid", "findings": []}
    mailed.redis.hset("{a:acme/send}:st", "state", "authenticationError")
    refused(409, "account_not_authenticated")
    mailed.redis.hdel("{a:acme/send}:st", "state")
    assert mailed.redis.hlen("{a:acme/send}:o") == count
