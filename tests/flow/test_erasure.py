"""Proves INB-04 on the whole of it: all that is stored of a mailbox comes out as JSON and as mbox; an account, and a company, that is
erased leaves no key in Redis and no byte of a blob, says so in a certificate, and comes to that end whoever dies in between."""
import base64
import hashlib
import json
import mailbox
import time

import pytest

import rig


@pytest.fixture(scope="module")
def world():
    made = rig.World(messages=90, accounts=3, seed=5)
    try:
        made.add_accounts()
        made.wait_synced(60)
        yield made
    finally:
        made.close()


def reps(world):
    return [r["id"] for r in world.ledger["reps"]]


LATE = {"lease", "st", "sth", "lg"}  # what a fetcher that was at it may write once more; the look a minute later takes it


def keys(world, pattern):
    return sorted(k.decode() for k in world.redis().scan_iter(pattern, count=2000) if k.decode().rpartition(":")[2] not in LATE)


def nothing(left):
    return {**left, "keys": {k: n for k, n in left["keys"].items() if k not in LATE}}


def blobs(world):
    return b"".join(p.read_bytes() for p in (world.var / "blobs").glob("*.seg"))


def names_of(account):
    """As the header of every blob of the account has them."""
    return (rig.COMPANY + account).encode()


def certificate(world, where, state=lambda c: c["state"] == "done"):
    def there():
        world.connect()
        found = world.root.get(where)
        return found if state(found) else None
    return rig.wait(lambda: world._quiet(there), 60, f"the certificate {where}\n{world.last_words()}", 0.1)


def test_inb_04_export_has_all_that_is_stored(world, tmp_path):
    """JSON: every thread and message the API shows, with its bytes, oldest first, and an end that counts them. mbox: the same bytes."""
    rep = reps(world)[0]
    api = world.user(rep)
    answer = api.call("GET", f"/v1/accounts/{rep}/export")
    assert answer.headers["Content-Type"] == "application/x-ndjson" and answer.headers["Cache-Control"] == "no-store"
    lines = [json.loads(line) for line in answer.content.splitlines()]
    kinds = {kind: [x for x in lines if x["kind"] == kind] for kind in ("account", "thread", "message")}
    assert lines[0]["id"] == rep and lines[-1]["kind"] == "end"
    shown = {m["id"]: m for messages in world.messages_by_thread(rep).values() for m in messages}
    assert {t["id"] for t in kinds["thread"]} == {t["id"] for t in world.threads(rep)}
    assert sorted(m["id"] for m in kinds["message"]) == sorted(shown) and len(shown) > 10
    assert [m["receivedAt"] for m in kinds["message"]] == sorted(m["receivedAt"] for m in kinds["message"])
    assert (lines[-1]["messages"], lines[-1]["threads"], lines[-1]["unreadable"]) == (len(shown), len(kinds["thread"]), 0)
    raws = {m["id"]: base64.b64decode(m["raw"]) for m in kinds["message"]}
    for name in list(raws)[:5]:
        assert raws[name] == api.call("GET", f"/v1/messages/{name}/raw").content
    path = tmp_path / "box"
    path.write_bytes(api.call("GET", f"/v1/accounts/{rep}/export", params={"format": "mbox"}).content)
    box = [m.as_bytes().replace(b"\n>From ", b"\nFrom ") for m in mailbox.mbox(path)]
    assert len(box) == len(shown)

    def digest(raw):
        return hashlib.sha256(raw.replace(b"\r\n", b"\n").replace(b"\n>From ", b"\nFrom ").strip(b"\n")).hexdigest()
    text = path.read_bytes()
    for raw in raws.values():  # the bytes themselves, not what Python's parser makes of them
        body = raw.replace(b"\r\n", b"\n")
        assert body.split(b"\nFrom ")[0] in text
    assert len({digest(m) for m in box}) == len({digest(m) for m in raws.values()})


def test_shr_01_nobody_else_exports_it(world):
    rep, other = reps(world)[:2]
    world.user(other).call("GET", f"/v1/accounts/{rep}/export", 404)
    world.company.call("GET", f"/v1/accounts/{rep}/export", 403)
    assert world.user(rep).call("GET", f"/v1/accounts/{rep}/export", 400, params={"format": "pst"}).json()["code"] == "invalid_parameter"


def test_inb_04_an_erased_account_leaves_nothing(world):
    """Its keys, its places in the company's, its events and its blobs are gone, the others' are there; an event and a certificate say so;
    a minute later it is looked through once more."""
    rep, other = reps(world)[:2]
    api, store = world.user(rep), world.redis()
    stored = store.hlen("{a:%s/%s}:m" % (rig.COMPANY, rep))
    assert stored and blobs(world).count(names_of(rep)) >= stored
    others = blobs(world).count(names_of(other))
    answer = api.call("DELETE", f"/v1/accounts/{rep}", 204, params={"mail": "erase"})
    found = certificate(world, answer.headers["Location"])
    assert (found["kind"], found["accountId"], found["by"]) == ("account", rep, rep) and found["checkedAt"] is None
    assert nothing(found["left"]) == {"keys": {}, "timelines": 0, "blobs": 0}
    assert found["erased"]["blobs"] >= stored and found["erased"]["events"] >= stored
    assert keys(world, "{a:%s/%s}*" % (rig.COMPANY, rep)) == ["{a:%s/%s}:acct" % (rig.COMPANY, rep)]
    assert store.hgetall("{a:%s/%s}:acct" % (rig.COMPANY, rep)) == {b"gen": b"2", b"erased": b"1"}
    assert 0 < store.ttl("{a:%s/%s}:acct" % (rig.COMPANY, rep)) <= 7 * 86400
    assert names_of(rep) not in blobs(world) and blobs(world).count(names_of(other)) == others
    events = world.company.get("/v1/events", types="erasure.completed,account.deleted", wait=0)["data"]
    assert [e["type"] for e in events] == ["account.deleted", "erasure.completed"]
    assert events[1]["data"] == {"erasureId": found["id"], "accountId": rep}
    assert len(world.threads(other)) > 5
    api.call("GET", f"/v1/erasures/{found['id']}", 200)
    world.user(other).call("GET", f"/v1/erasures/{found['id']}", 404)
    # what came late
    store.hset("{a:%s/%s}:lg" % (rig.COMPANY, rep), "n", 1)
    store.hset("{a:%s/%s}:u:1:7" % (rig.COMPANY, rep), "7", b"x")
    record = json.loads(store.hget("{g}:er", found["id"]))
    store.hset("{g}:er", found["id"], json.dumps({**record, "finishedAt": record["finishedAt"] - 70_000}))
    again = certificate(world, answer.headers["Location"], lambda c: c["checkedAt"])
    assert nothing(again["left"]) == {"keys": {}, "timelines": 0, "blobs": 0} and not store.scard("{g}:ero")
    assert keys(world, "{a:%s/%s}*" % (rig.COMPANY, rep)) == ["{a:%s/%s}:acct" % (rig.COMPANY, rep)]


def test_inb_04_an_account_of_that_name_comes_again(world):
    """The later one lives on under the certificate of the first."""
    rep = reps(world)[0]
    store = world.redis()
    world.add_account(rep)
    world.wait_synced(60, [rep])
    count = store.hlen("{a:%s/%s}:m" % (rig.COMPANY, rep))
    assert count and store.ttl("{a:%s/%s}:acct" % (rig.COMPANY, rep)) == -1
    name, record = next((k, json.loads(v)) for k, v in store.hgetall("{g}:er").items())
    del record["checkedAt"]
    store.hset("{g}:er", name, json.dumps({**record, "finishedAt": 1}))
    store.sadd("{g}:ero", name)
    found = certificate(world, f"/v1/erasures/{name.decode()}", lambda c: c["checkedAt"])
    assert found["left"] == {"addedAnew": True} and store.hlen("{a:%s/%s}:m" % (rig.COMPANY, rep)) == count
    assert names_of(rep) in blobs(world)


def test_inb_04_an_erasure_is_finished_by_whoever_lives(world):
    """The gateway dies right after the record was written: the next one does all of it."""
    rep = reps(world)[1]
    store = world.redis()
    number = rig.unpack(store.hget("{c:%s}:acct" % rig.COMPANY, rep))[0]
    record = {"kind": "account", "companyId": rig.COMPANY, "accountId": rep, "number": number, "generation": 1, "by": rep,
              "state": "erasing", "requestedAt": int(time.time() * 1000)}
    world.kill("gateway-1")
    store.hset("{g}:er", "0000000000000001", json.dumps(record))
    store.sadd("{g}:ero", "0000000000000001")
    found = certificate(world, "/v1/erasures/0000000000000001")
    assert nothing(found["left"]) == {"keys": {}, "timelines": 0, "blobs": 0} and found["erased"]["blobs"] > 5
    assert keys(world, "{a:%s/%s}*" % (rig.COMPANY, rep)) == ["{a:%s/%s}:acct" % (rig.COMPANY, rep)]
    assert not store.hexists("{c:%s}:acct" % rig.COMPANY, rep) and names_of(rep) not in blobs(world)


def test_inb_04_an_erased_company_leaves_nothing(world):
    """With its accounts, in one request. Another company stays as it is."""
    world.root.call("PUT", "/v1/companies/acme2", 200, json={"name": "Other"})
    before = keys(world, "{c:acme2}*")
    assert world.root.call("DELETE", f"/v1/companies/{rig.COMPANY}", 409).json()["code"] == "still_in_use"
    answer = world.root.call("DELETE", f"/v1/companies/{rig.COMPANY}", 202, params={"mail": "erase"})
    found = certificate(world, answer.headers["Location"])
    assert nothing(found["left"]) == {"keys": {}, "blobs": 0} and found["kind"] == "company"
    assert [k for k in keys(world, "{c:%s}*" % rig.COMPANY)] == []
    left = keys(world, "{a:%s/*" % rig.COMPANY)
    assert all(k.endswith(":acct") for k in left), left
    for k in left:
        assert set(world.redis().hkeys(k)) == {b"gen", b"erased"} and world.redis().ttl(k) > 0
    assert rig.COMPANY.encode() not in blobs(world)
    assert keys(world, "{c:acme2}*") == before
    world.root.call("GET", f"/v1/companies/{rig.COMPANY}", 404)
    world.company.call("GET", "/v1/settings", 401)
    # What came late goes at the look a minute later; and a company that was put anew meanwhile is another one.
    store, late = world.redis(), "{a:%s/%s}" % (rig.COMPANY, reps(world)[2])
    store.hset(late + ":u:1:7", "7", b"x")
    store.hset("{c:%s}:applied" % rig.COMPANY, "late", 1)

    def look_again(record):
        store.hset("{g}:er", found["id"], json.dumps({**record, "finishedAt": record["finishedAt"] - 70_000, "checkedAt": 0}))
        store.sadd("{g}:ero", found["id"])
        return certificate(world, answer.headers["Location"], lambda c: c["checkedAt"])
    record = json.loads(store.hget("{g}:er", found["id"]))
    assert found["checkedAt"] is None and nothing(look_again(record)["left"]) == {"keys": {}, "blobs": 0}
    assert keys(world, "{c:%s}*" % rig.COMPANY) == [] and not store.exists(late + ":u:1:7")
    world.root.call("PUT", f"/v1/companies/{rig.COMPANY}", 200, json={"name": "Anew"})
    assert look_again(record)["left"] == {"addedAnew": True}
    assert world.root.call("GET", f"/v1/companies/{rig.COMPANY}", 200).json()["name"] == "Anew"
