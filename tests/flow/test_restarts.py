"""A mail server that is restarted while a mailbox is synced (FAULTS F26). Short by default, early in the sync, with messages on their way;
MAILWEAVE_RESTARTS=20000 syncs so many messages from a server that is restarted every two seconds."""
import os
import time

import pytest

import rig

FULL = int(os.environ.get("MAILWEAVE_RESTARTS", "0"))
COUNT = FULL or 3000
FOLDERS = ("INBOX", "Archive", "Projects")


def raw(number):
    return (f"From: Anna <anna@elsewhere.example>\nTo: me\nSubject: mail {number}\nDate: Mon, 01 Sep 2025 10:00:00 +0000\n"
            f"Message-ID: <mail{number}@elsewhere.example>\n\nhello {number}\n")


def fill(world, rep):
    """Straight into the maildirs: a file a message."""
    email = next(r["email"] for r in world.ledger["reps"] if r["id"] == rep)
    top = world.server.mail / email / "Maildir"
    for index, folder in enumerate(FOLDERS):
        box = top if folder == "INBOX" else top / f".{folder}"
        for part in ("cur", "new", "tmp"):
            (box / part).mkdir(parents=True, exist_ok=True)
        if box != top:
            (box / "maildirfolder").touch()
        for number in range(index, COUNT, len(FOLDERS)):
            name = box / "cur" / f"{1756000000 + number}.M{number}P1.host:2,S"
            name.write_text(raw(number))
            os.utime(name, (1756000000 + number, 1756000000 + number))
    world.server.delivered(email)


def committed(world, rep):
    return world.redis().hlen(f"{{a:{rig.COMPANY}/{rep}}}:m")


def restart(world):
    world.server.down()
    world.server.up()


def announced(world, rep):
    out, after = [], None
    while True:
        page = world.user(rep).get("/v1/events", wait=0, limit=200, types="message.created", **({"after": after} if after else {}))
        if not page["data"]:
            return out
        out += [e["data"]["messageId"] for e in page["data"]]
        after = page["nextAfter"]


@pytest.mark.world(messages=0, accounts=1, deals=0, settings=() if FULL else ("fetcher:window.messages=16",))
def test_f26_a_server_restarted_again_and_again_while_it_syncs(world, remember):
    """Proves F26 and SYN-10: the sync goes on after each restart and is complete: every message once, every folder proved equal, and the
    state is well again by itself."""
    rep = world.ledger["reps"][0]["id"]
    fill(world, rep)
    world.add_account(rep)
    began, restarts, marks = time.monotonic(), 0, []
    if FULL:
        while committed(world, rep) < COUNT and time.monotonic() - began < 900:
            restart(world)
            restarts += 1
            marks.append(committed(world, rep))
            time.sleep(2)
    else:
        for part in range(1, 5):
            rig.wait(lambda part=part: committed(world, rep) >= part * COUNT // 20, 60, f"{part} twentieths", 0.002)
            with world.standing("parser-1"):
                marks.append(committed(world, rep))
                restart(world)
            restarts += 1
    world.wait_synced(120)
    took = time.monotonic() - began
    assert committed(world, rep) == COUNT
    remember(f"restarts: {restarts} of Dovecot during a sync of {COUNT} messages, complete in {took:.0f} s; had at them {marks[:4]}…{marks[-2:]}")
    api = world.user(rep)
    folders = {f["path"]: f["id"] for f in api.get(f"/v1/accounts/{rep}/folders")["data"]}
    for index, path in enumerate(FOLDERS):
        proof = rig.wait(lambda path=path: (a := api.get(f"/v1/accounts/{rep}/folders/{folders[path]}/coverage", fresh=1))["fresh"] and
                         a["state"] == "verified" and a, 60, f"{path} proved")
        assert proof["remote"] == proof["stored"] == len(range(index, COUNT, len(FOLDERS))) and not proof["missingCount"], proof
    if not FULL:
        assert sum(m < COUNT for m in marks) >= 2, marks
    world.wait_applied()
    ids = announced(world, rep)
    assert len(ids) == len(set(ids)) == COUNT
    view = api.get(f"/v1/accounts/{rep}")
    assert view["state"] == "connected" and not view["lastError"]
    assert not {c["state"] for c in view["changes"]} & {"authenticationError", "paused"}, view["changes"]
