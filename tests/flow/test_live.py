"""New mail is there at once, also while another mailbox fills."""
import statistics
import time

import pytest

import rig


def message(number, text="live"):
    return (f"From: Customer <p0@elsewhere.example>\r\nTo: me\r\nSubject: {text} {number}\r\nDate: Mon, 01 Sep 2025 10:00:00 +0000\r\n"
            f"Message-ID: <{text}.{number}.{time.time_ns()}@elsewhere.example>\r\n\r\nHello {number}\r\n").encode()


def latencies(world, rep, count, text):
    api, out = world.user(rep), []
    for number in range(count):
        raw = message(number, text)
        start = time.monotonic()
        world.deliver(rep, raw)
        rig.wait(lambda: any(t["subject"] == f"{text} {number}" for t in api.get("/v1/threads", limit=3)["data"]), 20, f"{text} {number}", 0.005)
        out.append(time.monotonic() - start)
    return out


@pytest.mark.world(messages=40, accounts=1, seed=5)
def test_syn04_new_mail_within_a_second(world, remember):
    """Proves SYN-04: median time from LMTP to GET /v1/threads, by push."""
    world.add_accounts()
    world.wait_synced(60)
    rep = world.ledger["reps"][0]["id"]
    took = latencies(world, rep, 20, "live")
    remember(f"live mail: median {statistics.median(took) * 1000:.0f} ms, longest {max(took) * 1000:.0f} ms, of {len(took)}")
    assert statistics.median(took) < 1.0 * rig.SLOW


@pytest.mark.world(messages=10000, accounts=2, seed=6)
def test_syn04_live_mail_does_not_wait_behind_a_backfill(world, remember):
    """Proves SYN-04: live mail of one account passes while another account of the same fetcher fills."""
    quiet, busy = (r["id"] for r in world.ledger["reps"])
    world.add_account(quiet, since="1d")
    rig.wait(lambda: world.user(quiet).get(f"/v1/accounts/{quiet}")["state"] == "connected", 60, "connected")
    world.add_account(busy)
    rig.wait(lambda: world.redis().hlen(f"{{a:{rig.COMPANY}/{busy}}}:m") > 10, 60, "the backfill runs", 0.005)
    took = []
    while len(took) < 20:
        one = latencies(world, quiet, 1, f"meanwhile{len(took)}")
        if world.user(busy).get(f"/v1/accounts/{busy}")["state"] != "syncing":
            break
        took += one
    assert took, "the backfill was over before one message came: give it more"
    remember(f"live mail beside a backfill: median {statistics.median(took) * 1000:.0f} ms of {len(took)}")
    assert statistics.median(took) < 2.0 * rig.SLOW


@pytest.mark.world(messages=40, accounts=1, seed=8)
def test_syn06_flags_moves_and_new_folders_follow(world):
    """Proves SYN-05, SYN-06: read marks and moves made at the server show here; a move keeps the message's id."""
    world.add_accounts()
    world.wait_synced(60)
    rep = world.ledger["reps"][0]["id"]
    api = world.user(rep)
    world.append(rep, "INBOX", message(1, "moved"))
    thread = rig.wait(lambda: next((t for t in world.threads(rep) if t["subject"] == "moved 1"), None), 20, "appended mail")
    first = api.get(f"/v1/threads/{thread['id']}/messages")["data"][0]
    assert thread["unread"]
    imap = world.imap(rep)
    imap.select("INBOX")
    uid = imap.uid("SEARCH", "HEADER", "Subject", "moved")[1][0].decode()
    imap.uid("STORE", uid, "+FLAGS", "(\\Seen)")
    rig.wait(lambda: not api.get(f"/v1/threads/{thread['id']}")["unread"], 30, "read mark")
    imap.uid("MOVE", uid, "Archive")
    paths = {f["path"]: f["id"] for f in api.get(f"/v1/accounts/{rep}/folders")["data"]}
    rig.wait(lambda: set(api.get(f"/v1/messages/{first['id']}")["mailboxIds"]) == {paths["Archive"]}, 60, "moved to Archive")
    imap.logout()
