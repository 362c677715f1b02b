"""What a fetcher holds and does does not grow with what there is: accounts at rest, mailboxes of a million messages."""
import sys
import time

import pytest

import rig
from test_protocol import metric
from vast import Vast

sys.path.insert(0, str(rig.ROOT / "tests"))

from dialog.server import tls  # noqa: E402

WINDOW = 10000  # UIDs asked for at once
LARGE, STEP = 1000000, 2880  # messages; seconds from one to the next: 30 a day
PROVED = 4  # windows


@pytest.mark.world(accounts=8, deals=0, settings=["fetcher:lease_ms=10m", "fetcher:poll_ms=1h", "fetcher:coverage_ms=7d"])
def test_f27_accounts_at_rest_have_no_turns(world):
    """Proves F27 (no loop without an end): an account costs time only when something happens to it or a time of its own has come."""
    world.add_accounts()
    world.wait_synced(60)
    rep = world.ledger["reps"][0]["id"]

    def rest():
        before = metric(world, "fetcher_turns_total")
        time.sleep(2)
        return before > 0 and metric(world, "fetcher_turns_total") == before
    rig.wait(rest, 120, "two seconds in which no account has a turn")
    # Asleep, not dead: what comes in has its turns, and so has what waits for them.
    before = metric(world, "fetcher_turns_total")
    world.deliver(rep, b"From: A <a@elsewhere.example>\r\nSubject: awake\r\nMessage-ID: <awake@elsewhere.example>\r\n\r\nHello\r\n")
    rig.wait(lambda: any(t["subject"] == "awake" for t in world.threads(rep)), 30, "the mail that wakes one of them")
    assert metric(world, "fetcher_turns_total") > before
    rig.wait(rest, 120, "rest once more")


def memory_mb(world, key):
    lines = open(f"/proc/{world.pid('fetcher-1')}/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key + ":")) / 1024


@pytest.mark.world(accounts=1, deals=0)
def test_f39_a_mailbox_of_a_million_messages_is_read_in_windows(world, remember):
    """Proves F39 and SYN-09: the first sync of a mailbox of 1,000,000 messages and its proof ask for 10,000 UIDs at most at once,
    newest first, and the fetcher stays within 64 MB."""
    keys = world.server.dir / "tls"
    rep = world.ledger["reps"][0]["id"]
    server = Vast(tls(keys / "cert.pem", keys / "key.pem"), LARGE, STEP)
    try:
        body = world.account_body(rep, since="10d")
        body["imap"]["port"] = server.port
        world.user(rep).call("POST", "/v1/accounts", 201, json=body)
        world.wait_synced(60, [rep])
        first = list(server.asked)
        api = world.user(rep)
        folder = api.get(f"/v1/accounts/{rep}/folders")["data"][0]["id"]
        api.get(f"/v1/accounts/{rep}/folders/{folder}/coverage", fresh=1)
        # The whole proof is a thousand times the same: make bench-scale waits for it.
        rig.wait(lambda: len({low for verb, low, _ in server.asked[len(first):] if verb == "SEARCH"}) >= PROVED, 60, "the first windows of the proof", 0.1)
    finally:
        server.close()
    stored = world.redis().hlen(f"{{a:{rig.COMPANY}/{rep}}}:m")
    assert 300 <= stored <= 400, stored  # ten days, and the day that is not over
    proof = [low for verb, low, _ in server.asked[len(first):] if verb == "SEARCH"]
    assert proof == sorted(proof, reverse=True), proof[:5]
    wide = [each for each in server.asked if each[2] - each[1] >= WINDOW]
    assert not wide, f"more than a window at once: {wide[:3]}"
    searched = [high for verb, _, high in first if verb == "SEARCH"]
    assert searched[0] == LARGE and searched == sorted(searched, reverse=True) and len(searched) >= LARGE // WINDOW, searched[:5]
    fetched = [low for verb, low, _ in first if verb == "FETCH"]
    assert fetched == sorted(fetched, reverse=True), fetched[:5]
    peak = memory_mb(world, "VmHWM")
    remember(f"a mailbox of {LARGE:,} messages, {stored} of them in the window: fetcher's peak {peak:.1f} MB")
    assert peak <= 64 or rig.SLOW > 1  # sanitizers hold on to what was freed
