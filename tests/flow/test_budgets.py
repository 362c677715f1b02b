"""What mail servers bear, shared by all fetchers: connections (FAULTS F6) and octets of a day (F7), over the real programs, a real Redis and
a real Dovecot that allows two connections a person."""
import time

import pytest
import requests

import rig
from test_account_life import message, view

HOUR = 3600
LIMIT = 40 << 20


@pytest.fixture(scope="module")
def tight():
    world = rig.World(messages=40, accounts=2, seed=12, scale=["fetcher=2"],
                      settings=["fetcher:crowded_ms=1s", "fetcher:lease_ms=2s", f"fetcher:day_bytes.other={LIMIT}"])
    try:
        yield world
    finally:
        world.close()


def tag(rep):
    return f"{{a:{rig.COMPANY}/{rep}}}"


def held(world, rep):
    """Connections that count, by instance."""
    now = world.redis().time()
    fields = world.redis().hgetall(tag(rep) + ":cn")
    told = {k.decode(): rig.unpack(v) for k, v in fields.items() if not k.startswith(b"low")}
    return {k: v[0] for k, v in told.items() if v[1] > now[0] * 1000}


def metric(world, name, label=""):
    targets = [t for group in world.root.call("GET", "/v1/targets").json() for t in group["targets"]]
    total = 0
    for target in targets:
        for line in requests.get(f"http://{target}/metrics", timeout=10).text.splitlines():
            if line.startswith("mailweave_" + name) and label in line:
                total += float(line.split()[-1])
    return total


def fcall(world, function, key, *words):
    answer = world.redis().fcall(f"fetcher_1_{function}", 1, key, *words)
    return [a.decode() if isinstance(a, bytes) else a for a in answer]


def test_f6_the_count_of_connections(tight):
    """Proves F6 on the functions that fetchers share: a limit over all instances, the dead count no longer than they told, a server's
    refusal lowers the budget for a time, another holder of the lease takes its predecessor's connections off."""
    key = "{a:acme/counted}"

    def ask(instance, count, limit=3, ttl=60000):
        return fcall(tight, "budget_ask", key, instance, count, limit, ttl)[0]
    assert [ask("a", 1), ask("b", 1), ask("a", 2)] == ["ok"] * 3, "each tells all that it has"
    assert ask("b", 2) == "later" and ask("c", 1) == "later" and ask("a", 2) == "ok", "three are there, by whomever"
    assert ask("c", 1, limit=0) == "ok", "no limit"
    assert ask("c", 1, ttl=1) == "later" and ask("b", 1, limit=9, ttl=1) == "ok"
    rig.wait(lambda: ask("c", 1) == "ok", 5, "what b told has ended")
    assert fcall(tight, "budget_lower", key, 60000) == ["ok", 2]
    assert fcall(tight, "budget_ask", key, "a", 3, 9, 60000)[::2] == ["later", "lowered"]
    assert fcall(tight, "budget_lower", key, 300) == ["ok", 2]
    rig.wait(lambda: ask("a", 3, limit=9) == "ok", 5, "lowered for a time only")
    tight.redis().hset(key + ":acct", "gen", 1)
    assert fcall(tight, "lease", key, "a", 1, "", 3)[0] == "ok"
    rig.wait(lambda: fcall(tight, "lease", key, "d", 60000, "", 0)[0] == "ok", 5, "the lease has ended")
    assert not tight.redis().hexists(key + ":cn", "a")
    tight.redis().delete(key + ":cn", key + ":acct", key + ":lease")

    def host(instance, count, limit=2):
        return fcall(tight, "host_ask", "{g}", "mail.counted.example", instance, count, limit, 60000)[0]
    assert [host("a", 1), host("b", 1), host("c", 1)] == ["ok", "ok", "later"]
    assert fcall(tight, "host_tell", "{g}", "b", 60000, "mail.counted.example", 0) == ["ok"] and host("c", 1) == "ok"
    assert fcall(tight, "host_lower", "{g}", "mail.counted.example", 60000) == ["ok", 1] and host("a", 2, limit=0) == "later"
    assert 0 < tight.redis().ttl("{g}:cn:mail.counted.example") < 600, "nobody has to remove it"


def test_f6_too_many_connections_is_no_refused_login(tight):
    """Proves F6: a person whose own program holds one of two connections: new mail is read over the other, the first sync waits and says
    so, no login is refused; it goes on by itself once there is room. A fetcher that dies takes none of them away."""
    rep = tight.ledger["reps"][0]["id"]
    tight.server.down()
    tight.server.connections = 2
    tight.server.up()
    tight.add_account(rep)
    person = tight.imap(rep)
    person.noop()
    seen = rig.wait(lambda: (v := view(tight, rep))["waiting"] and v, 30, "the first sync waits")
    assert seen["waiting"]["for"] == "connections" and seen["state"] == "syncing" and not seen["lastError"], seen
    assert metric(tight, "fetcher_limits_met_total") >= 1
    tight.deliver(rep, message(1, "crowded"))
    rig.wait(lambda: any(t["subject"] == "crowded 1" for t in tight.threads(rep)), 30, "new mail does not wait")
    assert rep not in [r["id"] for r in tight.ledger["reps"] if view_done(tight, r["id"])]
    person.logout()
    rig.wait(lambda: tight._quiet(lambda: tight.synced(rep)), 60, "there is room")
    assert view(tight, rep)["waiting"] is None and not tight.redis().hget(tag(rep) + ":lg", "r")
    rig.wait(lambda: list(held(tight, rep).values()) == [1], 20, "one connection is left")
    owner = next(iter(held(tight, rep)))
    dead = tight.kill(owner)
    rig.wait(lambda: (h := held(tight, rep)) and list(h.values()) == [1] and tight._quiet(lambda: tight.pid(owner) != dead) and
             tight.redis().hget(tag(rep) + ":lease", "owner").decode() in h, 40, "one, of whoever holds the account now")
    tight.server.down()
    tight.server.connections = 100
    tight.server.up()


def view_done(world, rep):
    return world._quiet(lambda: view(world, rep)["progress"]["initialDone"])


def test_f7_octets_of_a_day(tight):
    """Proves F7: near the limit of 24 hours first syncs stop and say until when, new mail still comes; at the limit all stops; the count
    outlives a fetcher that dies; it goes on when enough of it is a day old."""
    rep = tight.ledger["reps"][1]["id"]
    store, key = tight.redis(), tag(rep) + ":by"
    hour = int(time.time()) // HOUR
    store.hset(key, hour, int(LIMIT * 0.8))
    tight.add_account(rep)
    seen = rig.wait(lambda: (v := view(tight, rep))["waiting"] and v, 30, "the first sync waits")
    until = time.strftime("%Y-%m-%dT%H:00:00", time.gmtime((hour + 24) * HOUR))
    assert seen["waiting"]["for"] == "octets" and seen["waiting"]["until"].startswith(until), seen["waiting"]
    rig.wait(lambda: any((box := rig.unpack(v))[0] == b"INBOX" and box[3] for v in store.hvals(tag(rep) + ":box")), 30, "where new mail begins")
    tight.deliver(rep, message(1, "daily"))
    rig.wait(lambda: any(t["subject"] == "daily 1" for t in tight.threads(rep)), 30, "new mail still comes")
    owner = store.hget(tag(rep) + ":lease", "owner").decode()
    dead = tight.kill(owner)
    rig.wait(lambda: tight._quiet(lambda: tight.pid(owner) != dead) and store.hget(tag(rep) + ":lease", "owner"), 30, "a fetcher is back")
    rig.wait(lambda: (v := tight._quiet(lambda: view(tight, rep))) and v["state"] == "syncing" and v["waiting"] == seen["waiting"], 30, "it still waits")
    assert len(tight.threads(rep)) == 1

    store.hset(key, hour, LIMIT + 1)
    stopped = rig.wait(lambda: (v := view(tight, rep))["state"] == "disconnected" and v, 40, "all stops")
    assert stopped["lastError"]["code"] == "day_limit_reached" and stopped["lastError"]["remedy"] and stopped["waiting"] == seen["waiting"]
    rig.wait(lambda: metric(tight, "fetcher_waiting", 'for="octets"') == 1, 10, "the gauge")
    tight.deliver(rep, message(2, "daily"))

    store.hdel(key, hour)
    store.hset(key, hour - 24, LIMIT)
    tight.user(rep).call("PATCH", f"/v1/accounts/{rep}", json={"senderName": "Looked at again"})
    tight.wait_synced(60, [rep])
    assert any(t["subject"] == "daily 2" for t in tight.threads(rep)) and view(tight, rep)["waiting"] is None
    wanted = sum(m["size"] for ms in tight.messages_by_thread(rep).values() for m in ms)
    counted = rig.wait(lambda: (n := sum(int(v) for h, v in store.hgetall(key).items() if h != b"stop")) >= wanted and n, 40, f"{wanted} octets counted")
    assert counted < 2 * wanted + 200000 and not store.hexists(key, hour - 24)


def test_f7_a_proof_waits_for_octets_and_is_made_later(tight):
    """Proves F7, SYN-10: near the limit of 24 hours a folder is not proved, and does not seem so; it is proved once there is room."""
    rep = tight.ledger["reps"][0]["id"]
    tight.wait_synced(60, [rep])
    api, store, key = tight.user(rep), tight.redis(), tag(rep) + ":by"
    folder = next(f["id"] for f in api.get(f"/v1/accounts/{rep}/folders")["data"] if f["path"] == "INBOX")
    before = api.get(f"/v1/accounts/{rep}/folders/{folder}/coverage")
    hour = int(time.time()) // HOUR
    store.hset(key, hour, int(LIMIT * 0.8))
    tight.deliver(rep, message(7, "proof"))
    rig.wait(lambda: any(t["subject"] == "proof 7" for t in tight.threads(rep)), 30, "new mail still comes")
    asked = api.get(f"/v1/accounts/{rep}/folders/{folder}/coverage", fresh=1)
    assert not asked["fresh"] and asked["verifiedAt"] == before["verifiedAt"], asked
    store.hdel(key, hour)
    proof = rig.wait(lambda: (a := api.get(f"/v1/accounts/{rep}/folders/{folder}/coverage", fresh=1))["fresh"] and a, 90, "proved")
    assert proof["state"] == "verified" and proof["missingCount"] == 0 and proof["remote"] == proof["stored"] + sum(proof["skipped"].values()), proof


def test_f6_one_connection_is_enough(tight):
    """Proves F6, SYN-03: a server that allows one connection alone: the one for new mail and the one for older mail take turns, the
    first sync is completed, and new mail comes."""
    rep = tight.ledger["reps"][1]["id"]
    api = tight.user(rep)
    api.call("DELETE", f"/v1/accounts/{rep}", params={"mail": "erase"})
    tight.server.down()
    tight.server.connections = 1
    tight.server.up()
    body = dict(tight.account_body(rep, since="all"), id="single")
    api.call("POST", "/v1/accounts", 201, json=body)

    def seen():
        return tight._quiet(lambda: api.get("/v1/accounts/single"))
    wanted = sum(1 for e in tight.ledger["messages"] if e["account"] == rep)
    rig.wait(lambda: (v := seen()) and v["progress"]["initialDone"] and v["state"] == "connected", 150, f"the first sync; {seen()}", 0.2)
    tight.deliver(rep, message(9, "single"))
    rig.wait(lambda: any(t["subject"] == "single 9" for t in api.get("/v1/threads", limit=50)["data"]), 60, "new mail")
    assert 0 < seen()["counts"]["messages"] <= wanted + 3 and not tight.redis().hget("{a:acme/single}:lg", "r")
    tight.server.down()
    tight.server.connections = 100
    tight.server.up()
