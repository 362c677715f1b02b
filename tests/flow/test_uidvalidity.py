"""A mail server that numbers its mailboxes anew, again and again, while they are synced and backfilled (FAULTS F1). Short by default;
MAILWEAVE_RESETS=200 makes the two hundred."""
import collections
import imaplib
import os
import random
import time

import pytest

import rig

RESETS = int(os.environ.get("MAILWEAVE_RESETS", "8"))
FOLDERS = ("INBOX", "Projects", "Archive")
OLD, NEW = 90, 8  # messages a folder: out of the first window, and in it


def mail(name, days):
    at = time.gmtime(time.time() - days * 86400)
    return (f"From: Anna <anna@elsewhere.example>\r\nTo: me\r\nSubject: {name}\r\nDate: {time.strftime('%a, %d %b %Y %H:%M:%S +0000', at)}\r\n"
            f"Message-ID: <{name}@elsewhere.example>\r\n\r\nhello {name} {'x' * 3000}\r\n").encode()


def fill(world, rep):
    """The names of all messages."""
    connection, names = world.imap(rep), set()
    for folder in FOLDERS:
        connection.create(folder)
        for number in range(OLD + NEW):
            days = 1 if number >= OLD else 400 - number
            name = f"{folder.lower()}{number}"
            when = imaplib.Time2Internaldate(time.time() - days * 86400)
            assert connection.append(folder, "", when, mail(name, days))[0] == "OK"
            names.add(name)
    connection.logout()
    return names


class Resets:
    """The same messages under another UIDVALIDITY: with the same UIDs; every fifth time, as after a restore, with UIDs from 1 in the order
    of the files, from a server that was down for it."""

    def __init__(self, world, rep):
        self.world, self.random, self.value, self.count = world, random.Random(5), 1_900_000_000, 0
        self.email = next(r["email"] for r in world.ledger["reps"] if r["id"] == rep)

    def one(self, folder=None):
        folder = folder or self.random.choice(FOLDERS)
        self.count += 1
        if self.count % 5:
            self.value += 1
            self.world.server.doveadm("mailbox", "update", "-u", self.email, "--uid-validity", str(self.value), folder)
            return
        self.world.server.down()
        home = self.world.server.mail / self.email
        name = "" if folder == "INBOX" else f".{folder}"
        (home / "Maildir" / name / "dovecot-uidlist").unlink(missing_ok=True)
        for index in (home / "index" / (f".{folder}" if name else ".INBOX")).glob("dovecot.index*"):
            index.unlink(missing_ok=True)
        self.world.server.up()


def records(world, rep):
    """subject → id of every message that is committed."""
    store, out = world.redis(), {}
    tag = f"{{a:{rig.COMPANY}/{rep}}}"
    for number, record in store.hscan_iter(tag + ":m"):
        name = record.partition(b"@elsewhere.example")[0]
        out.setdefault(name[name.rfind(b"\x00") + 1:][-24:], set()).add(number)
    return out


def everything(world, rep):
    """subject → (message id, thread id, paths of its folders), by the API."""
    api, out = world.user(rep), collections.defaultdict(list)
    paths = {f["id"]: f["path"] for f in api.get(f"/v1/accounts/{rep}/folders")["data"]}
    for thread, messages in world.messages_by_thread(rep).items():
        for m in messages:
            out[m["subject"]].append((m["id"], thread, tuple(sorted(paths.get(b, b) for b in m["mailboxIds"]))))
    return out


def created(world, rep):
    """How often each id was announced, and each kind of event."""
    count, kinds = collections.Counter(), collections.Counter()
    for event in all_events(world, rep):
        kinds[event["type"]] += 1
        if event["type"] == "message.created":
            count[event["data"]["messageId"]] += 1
    return count, kinds


def all_events(world, rep):
    out, after = [], None
    while True:
        page = world.user(rep).get("/v1/events", wait=0, limit=200, **({"after": after} if after else {}))
        out += page["data"]
        if not page["data"]:
            return out
        after = page["nextAfter"]


def coverage(world, rep):
    """Every folder, freshly proved; None while one is not, or has just got another number."""
    api, out = world.user(rep), {}
    for folder in api.get(f"/v1/accounts/{rep}/folders")["data"]:
        if folder["path"] in FOLDERS:
            answer = world._quiet(lambda folder=folder: api.get(f"/v1/accounts/{rep}/folders/{folder['id']}/coverage", fresh=1))
            if not answer or answer.get("state") != "verified" or not answer["fresh"] or answer["skipped"]["pending"]:
                return None
            out[folder["path"]] = answer
    return out if len(out) == len(FOLDERS) else None


@pytest.mark.world(messages=0, accounts=1, deals=0, settings=("fetcher:window.messages=8", "fetcher:poll_ms=1s"))
def test_f1_resets_again_and_again_while_it_syncs(world, remember):
    """Proves F1 and SYN-10: while folders are synced and backfilled, UIDVALIDITY is changed again and again; no message's id or thread
    changes, each is announced once, those that came meanwhile too, none leaves its folder, and every folder is proved equal."""
    rep = world.ledger["reps"][0]["id"]
    names = fill(world, rep)
    resets = Resets(world, rep)
    world.add_account(rep, since="3d")
    rig.wait(lambda: world.waiting(rep) or world.synced(rep), 60, "the first sync has begun")
    for folder in FOLDERS:
        resets.one(folder)
    world.wait_synced(120)
    before = rig.wait(lambda: (e := everything(world, rep)) and len(e) == NEW * len(FOLDERS) and e, 60, "the first window")
    world.user(rep).call("POST", f"/v1/accounts/{rep}/backfill", 202, json={"since": "all"})
    pace, seen = random.Random(6), {s: v[0][:2] for s, v in before.items()}
    while resets.count < RESETS:
        resets.one()
        if resets.count % 4 == 0:
            name = f"meanwhile{resets.count}"
            names.add(name)
            world.deliver(rep, mail(name, 0))
        time.sleep(pace.uniform(0, 1.5))
    view = rig.wait(lambda: (v := world.user(rep).get(f"/v1/accounts/{rep}/backfill"))["state"] == "completed" and v, 180, "the backfill is complete")
    world.wait_synced(120)
    proof = rig.wait(lambda: coverage(world, rep), 120, lambda_text(world, rep))
    world.wait_applied()
    after = everything(world, rep)
    print(view, proof)
    assert set(after) == names, (sorted(names - set(after))[:9], len(names - set(after)), sorted(set(after) - names)[:9])
    twice = {s: v for s, v in after.items() if len(v) != 1}
    assert not twice, list(twice.items())[:3]
    assert {s: after[s][0][:2] for s in seen} == seen, "ids and threads"
    homeless = {s: v for s, v in after.items() if v[0][2] != ((folder_of(s),))}
    assert not homeless, (len(homeless), list(homeless.items())[:5])
    for path, answer in proof.items():
        assert answer["missingCount"] == 0 and answer["remote"] == answer["stored"] == sum(folder_of(n) == path for n in names), (path, answer)
    count, kinds = created(world, rep)
    assert set(count) == {v[0][0] for v in after.values()} and set(count.values()) == {1}, count.most_common(3)
    assert not kinds["message.deleted"] and not kinds["message.moved"], kinds
    remember(f"UIDVALIDITY: {resets.count} resets, {len(names)} messages, each announced once: {dict(kinds)}")


def lambda_text(world, rep):
    return f"proved; {world.progress(rep)}"


def folder_of(name):
    return next((f for f in FOLDERS if name.startswith(f.lower())), "INBOX")
