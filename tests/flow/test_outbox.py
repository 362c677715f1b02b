"""The outbox from the API's side: what can be taken back, and until when (SND-01, SND-13, F87); its list. The sender is played by its own functions."""
import json
import time

import pytest

from gateway_rig import ROOT, mail, mailed, packed, servers  # noqa: F401

TAG = "{a:acme/out}"


@pytest.fixture(scope="module")
def anna(mailed, mail):  # noqa: F811
    api = mailed.company.as_user("anna")
    api("POST", "/v1/accounts", 201, json={"id": "out", "email": "anna@sales.example", "sendLimits": {"perDay": 300}, **servers(mail)})
    parts = ["common/store/journal.lua", "sender/sender.lua", "sender/pace.lua", "common/store/logins.lua", "sender/logins.lua"]
    lines = "".join((ROOT / p).read_text() for p in parts).splitlines(keepends=True)
    mailed.redis.function_load("".join(sorted(lines, key=lambda line: not line.startswith("#!lua"))), replace=True)
    return api


def post(anna, **more):
    answer = anna("POST", "/v1/messages", 202, json={"accountId": "out", "to": [{"email": "bo@them.example"}], "subject": "x", "text": "x", **more}).json()
    return answer["id"], answer


def call(redis, name, submission, *words):
    return redis.fcall("sender_1_" + name, 1, TAG, submission.partition("~")[2], *words)


def lease(redis, submission):
    """Its token, if it is due; else None. What else is due is taken along, which hurts nobody here."""
    _, *taken = redis.fcall("sender_1_take", 1, TAG, 64, 64, 0, 0, 60000, 1, "word")
    return next((answer[3] for answer in taken if answer[0].decode() == submission.partition("~")[2] and answer[2] == b"ok"), None)


def test_snd13_undo_window(anna, mailed):  # noqa: F811
    """Proves SND-13: 10 s unless set otherwise, by the company, the user or the request; no sender gets it before; in it, it is taken back."""
    def window(**more):
        before = time.time() * 1000
        submission, answer = post(anna, **more)
        due = mailed.redis.zscore(TAG + ":od", submission.partition("~")[2])
        assert (answer["undoUntil"] is None) == (due - before < 500) and answer["status"] == "queued"
        return round((due - before) / 1000), submission
    seconds, submission = window()
    assert seconds == 10 and lease(mailed.redis, submission) is None
    shown = anna("GET", f"/v1/outbox/{submission}", 200).json()
    assert shown["status"] == "queued" and shown["undoUntil"] and shown["sendAt"] is None
    cancelled = anna("DELETE", f"/v1/outbox/{submission}", 200).json()
    assert cancelled["status"] == "cancelled" and cancelled["undoUntil"] is None and lease(mailed.redis, submission) is None
    mailed.company("PATCH", "/v1/settings", 200, json={"undoSeconds": 20})
    assert window()[0] == 20
    anna("PATCH", "/v1/users/anna/preferences", 200, json={"undoSeconds": 5})
    assert window()[0] == 5 and window(undoSeconds=0)[0] == 0
    anna("PATCH", "/v1/users/anna/preferences", 200, json={"undoSeconds": None})
    assert window()[0] == 20
    mailed.company("PATCH", "/v1/settings", 200, json={"undoSeconds": 10})
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    submission, answer = post(anna, sendAt=at)
    assert answer["status"] == "scheduled" and abs(mailed.redis.zscore(TAG + ":od", submission.partition("~")[2]) / 1000 - time.time() - 3600) < 5


def test_snd01_cancel_wins_wholly_or_says_too_late(anna, mailed):  # noqa: F811
    """Proves SND-01, F87: cancelled at every step: before the hand-over nothing goes, whoever has the lease; from it on 409, and nothing changes."""
    redis = mailed.redis

    def state(submission):
        return json.loads(redis.hget(TAG + ":os", submission.partition("~")[2]))

    def cancel(submission, status, code=None):
        return anna("DELETE", f"/v1/outbox/{submission}", status, code).json()
    leased, _ = post(anna, undoSeconds=0)
    token = lease(redis, leased)
    assert cancel(leased, 200)["status"] == "cancelled" == cancel(leased, 200)["status"]
    for step in (("handed_over", token, "00" * 8), ("extend", token, 1000), ("release", token), ("settle", token, "sent", 0, 1, "{}")):
        assert call(redis, step[0], leased, *step[1:]) == [b"stale"], step
    assert state(leased)["status"] == "cancelled" and lease(redis, leased) is None
    handed, _ = post(anna, undoSeconds=0)
    token = lease(redis, handed)
    assert call(redis, "handed_over", handed, token, "00" * 8) == [b"ok"]
    before = state(handed)
    cancel(handed, 409, "too_late")
    assert state(handed) == before
    assert call(redis, "settle", handed, token, "sent", 0, 1, "{}") == [b"ok"]
    cancel(handed, 409, "too_late")
    delayed, _ = post(anna, undoSeconds=0)
    token = lease(redis, delayed)
    assert call(redis, "settle", delayed, token, "delayed", int(time.time() * 1000) + 60000, 1, "{}") == [b"ok"]
    assert cancel(delayed, 200)["status"] == "cancelled"
    partly, _ = post(anna, undoSeconds=0)
    token = lease(redis, partly)
    call(redis, "handed_over", partly, token, "00" * 8)
    ledger = [b"0123456789", b"l", b"b", 0]
    assert call(redis, "settle", partly, token, "delayed", int(time.time() * 1000) + 60000, 1, "{}", *ledger) == [b"ok"]
    cancel(partly, 409, "too_late")  # some have it


def test_the_list_reads_what_it_shows(anna, mailed):  # noqa: F811
    """The list is whole and in order over pages, with many of one moment, and of a page nothing else is read."""
    ids = [post(anna, sendAt="2099-01-01T00:00:00Z")[0] for _ in range(9)]
    for number, submission in enumerate(ids):  # three moments of three
        mailed.redis.zadd(TAG + ":ol", {submission.partition("~")[2]: 4e12 + number // 3})
    seen, cursor = [], None
    while len(seen) < 9:
        page = anna("GET", "/v1/outbox", 200, params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        assert len(page["data"]) == 2
        seen += [o["id"] for o in page["data"]]
        cursor = page["nextCursor"]
    assert sorted(seen[:9]) == sorted(ids) and [ids.index(s) // 3 for s in seen[:9]] == [2] * 3 + [1] * 3 + [0] * 3
    everything = anna("GET", "/v1/outbox", 200, params={"limit": 200}).json()["data"]
    assert everything[0]["id"] == seen[0] and len({o["id"] for o in everything}) == len(everything) == mailed.redis.hlen(TAG + ":o")
    before = mailed.redis.info("commandstats")
    anna("GET", "/v1/outbox", 200, params={"limit": 2})
    after = mailed.redis.info("commandstats")
    calls = {name: after[name]["calls"] - before.get(name, {"calls": 0})["calls"] for name in after}
    assert calls.get("cmdstat_hget", 0) <= 8 and not any(calls.get("cmdstat_" + c) for c in ("hvals", "hscan")), calls


def test_snd10_limits_of_providers(anna, mailed, mail):  # noqa: F811
    """Proves SND-10: what Google and Microsoft allow is kept unless something else is set for the account."""
    assert mailed.redis.hget(TAG + ":acct", "pace") == b"300 0"
    assert anna("GET", "/v1/accounts/out", 200).json()["sendLimits"] == {"perDay": 300}
    for provider, limits in (("gmail", b"2000 0"), ("microsoft", b"10000 30"), (None, b"0 0")):
        config = json.loads(mailed.redis.hget(TAG + ":acct", "config"))
        config.pop("sendLimits", None)
        mailed.redis.hset(TAG + ":acct", "config", json.dumps({**config, "provider": provider}))
        anna("PATCH", "/v1/accounts/out", 200, json={"defaultSharing": "shared"})
        assert mailed.redis.hget(TAG + ":acct", "pace") == limits
    anna("PATCH", "/v1/accounts/out", 200, json={"sendLimits": {"perDay": 0, "perMinute": 7}})
    assert mailed.redis.hget(TAG + ":acct", "pace") == b"0 7"


def test_acc05_aliases_are_sent_as(anna, mailed):  # noqa: F811
    """Proves ACC-05: what is sent comes from the account's address or one of its aliases, and from nothing else."""
    def sent(address, status, code=None):
        return anna("POST", "/v1/messages", status, code, json={"accountId": "out", "to": [{"email": "bo@them.example"}], "text": "x",
                                                                "from": {"email": address}})
    sent("Sales@SALES.example", 422, "unknown_reference")
    view = anna("PATCH", "/v1/accounts/out", 200, json={"aliases": ["sales@sales.example", "ANNA@sales.example"]}).json()
    assert view["aliases"] == ["sales@sales.example", "ANNA@sales.example"]
    assert sorted(packed(mailed.redis.hget(TAG + ":acct", "own"))) == ["anna@sales.example", "sales@sales.example"]
    sent("Sales@SALES.example", 202)
    sent("anna@sales.example", 202)
    sent("other@sales.example", 422, "unknown_reference")
    anna("PATCH", "/v1/accounts/out", 200, json={"aliases": []})
    sent("sales@sales.example", 422, "unknown_reference")


def test_acc09_microsoft_names_its_accounts_itself(anna, mailed):  # noqa: F811
    """Proves ACC-09: the sender name is editable, but not with Microsoft, and the refusal says why."""
    assert anna("PATCH", "/v1/accounts/out", 200, json={"senderName": "Anna Älg"}).json()["senderName"] == "Anna Älg"
    config = json.loads(mailed.redis.hget(TAG + ":acct", "config"))
    mailed.redis.hset(TAG + ":acct", "config", json.dumps({**config, "provider": "microsoft"}))
    assert "Microsoft" in anna("PATCH", "/v1/accounts/out", 422, "sender_name_fixed", json={"senderName": "Boss"}).json()["detail"]
    anna("PATCH", "/v1/accounts/out", 200, json={"senderName": None})
