"""Proves OPS-05 on the whole pipeline: a message that was set aside and is tried again by its owner is committed, from its blob."""
import pytest

from rig import COMPANY, wait


@pytest.mark.world(messages=0, accounts=1)
def test_ops_05_what_is_tried_again_is_committed(world):
    rep = world.ledger["reps"][0]["id"]
    world.add_accounts()
    world.wait_synced(60)
    anna, store, tag = world.user(rep), world.redis(), f"{{a:{COMPANY}/{rep}}}"
    world.mailweave("scale", "parser=0")
    world.deliver(rep, b"From: x@elsewhere.example\r\nTo: me@us.example\r\nSubject: held up\r\nMessage-ID: <held@up>\r\n\r\nhello\r\n")
    ids = wait(lambda: store.hkeys(tag + ":l"), 30, "the message in the ledger")
    generation = store.hget(tag + ":acct", "gen")
    for _ in range(3):
        answer = store.execute_command("FCALL", "fetcher_1_fail", 1, tag, generation, ids[0], "parse_crash", "words")
    assert answer == [b"noted", 3, 1]
    world.mailweave("scale", "parser=1")
    aside = anna.every("/v1/set-aside")
    assert [(a["reason"], a["attempts"], a["retryable"]) for a in aside] == [("parse_crash", 3, True)]
    anna.call("POST", f"/v1/set-aside/{aside[0]['id']}", 204)
    wait(lambda: anna.get(f"/v1/pipeline/trace/{aside[0]['id']}")["state"] == "applied", 30, "committed and applied")
    assert [t["subject"] for t in anna.every("/v1/threads")] == ["held up"]
    assert anna.every("/v1/set-aside") == [] and world.waiting(rep) == 0
    events = [e["type"] for e in anna.get("/v1/events", wait=0)["data"]]
    assert events.index("message.set_aside") < events.index("message.created")


@pytest.mark.world(messages=0, accounts=1)
def test_ops_05_a_ledger_entry_that_cannot_be_read_blocks_nobody(world):
    """Proves OPS-05: a damaged entry is set aside with its reason, at once, and mail goes on."""
    rep = world.ledger["reps"][0]["id"]
    world.add_accounts()
    world.wait_synced(60)
    store, tag = world.redis(), f"{{a:{COMPANY}/{rep}}}"
    store.hset(tag + ":l", b"0123456789", b"\xc4\x05abc")  # msgpack bin: what Redis' own reader refuses
    wait(lambda: store.hexists(tag + ":aside", b"0123456789"), 30, "set aside")
    assert b"ledger_damaged" in store.hget(tag + ":aside", b"0123456789") and world.waiting(rep) == 0
    world.deliver(rep, b"From: x@elsewhere.example\r\nTo: me@us.example\r\nSubject: after it\r\nMessage-ID: <after@it>\r\n\r\nhello\r\n")
    wait(lambda: [t["subject"] for t in world.threads(rep)] == ["after it"], 30, "mail goes on")
