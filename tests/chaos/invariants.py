"""What must hold when the faults have stopped. Nothing here shares code with what is tested."""
import collections
import email
import email.utils
import hashlib
import os
import re
import time

from world import rig

import compare  # noqa: E402


def _places(world, rep, seconds=120):
    """The folders are the server's, once what moved while the server was away has been seen."""
    end = time.monotonic() + seconds * rig.SLOW
    while True:
        try:
            return compare.same_places(world, rep)
        except AssertionError:
            if time.monotonic() > end:
                raise
            time.sleep(2)


def mail(world):
    """Every message of the server once, its bytes, its thread, its link, its folders."""
    for rep in world.reps():
        groups = compare.exactly_once(world, rep)
        compare.same_partition(world, rep, groups)
        compare.same_links(world, rep, groups)
        _places(world, rep)
    return sum(len(compare.oracle.synced_entries(world.ledger, rep, rig.BLOCKED)) for rep in world.reps())


def _created(world, rep):
    """message id → ids of the events that told of it as new."""
    out = collections.defaultdict(set)
    for event in world.hooks.taken("/" + rep):
        if event["type"] == "message.created":
            out[event["data"]["messageId"]].add(event["id"])
    return out


def events(world):
    """Each message is told of as new, by one event; that may be delivered again, under the same id."""
    for rep in world.reps():
        wanted = {m["id"] for group in world.messages_by_thread(rep).values() for m in group}
        rig.wait(lambda rep=rep, wanted=wanted: wanted <= set(_created(world, rep)), 60, f"{rep}: an event of each message")
        told = _created(world, rep)
        twice = {message: ids for message, ids in told.items() if len(ids) > 1}
        assert not twice, f"{rep}: told of twice: {list(twice.items())[:5]}"
        own = {message for message in told if message.startswith(rep + "~")}  # others' shared mail is told of, too
        assert own == wanted, f"{rep}: told of what is not there: {list(own - wanted)[:5]}"


def sends(world):
    """What was accepted has left once; or not, and a failure is shown; or nobody can know, and it says so."""
    copies = collections.Counter()
    for path in world.server.sent.iterdir():
        found = re.search(rb"^Subject: (chaos \d+)\r?$", path.read_bytes(), re.M)
        if found:
            copies[found[1].decode()] += 1
    states = collections.Counter()
    for submission, (rep, subject) in world.submissions.items():
        def over(rep=rep, submission=submission):
            state = world.user(rep).get(f"/v1/outbox/{submission}")["status"]
            return state if state in ("sent", "failed", "unknown") else None
        state = rig.wait(over, 90, f"{subject} is over")
        states[state] += 1
        most, least = (1, 1) if state == "sent" else (0, 0) if state == "failed" else (1, 0)
        assert least <= copies[subject] <= most, f"{subject} is {state}, and left {copies[subject]} times"
    return dict(states)


def _sent_folder(world, rep):
    """(subject, bytes) of what the harness sent, as it lies in the server's Sent."""
    connection = world.imap(rep)
    connection.select("Sent", readonly=True)
    raws = [connection.uid("FETCH", uid, "(BODY.PEEK[])")[1][0][1] for uid in connection.uid("SEARCH", "SUBJECT", "chaos")[1][0].split()]
    connection.logout()
    named = [(email.message_from_bytes(raw)["Subject"] or "", raw) for raw in raws]
    return [(subject, raw) for subject, raw in named if re.fullmatch(r"chaos \d+", subject)]


def filed(world):
    """What was sent lies in Sent, once; from here on it belongs to the mail that must be there."""
    for rep in world.reps():
        wanted = {subject for submission, (who, subject) in world.submissions.items()
                  if who == rep and world.user(rep).get(f"/v1/outbox/{submission}")["status"] == "sent"}
        rig.wait(lambda rep=rep, wanted=wanted: wanted <= {s for s, _ in _sent_folder(world, rep)}, 60, f"{rep}: filed in Sent")
        found = _sent_folder(world, rep)
        subjects = [subject for subject, _ in found]
        assert len(set(subjects)) == len(subjects), f"{rep}: filed twice: {subjects}"
        for _, raw in found:
            message = email.message_from_bytes(raw)
            world.ledger["messages"].append({
                "account": rep, "ledger": len(world.ledger["messages"]), "folders": ["Sent"], "flags": ["\\Seen"],
                "sha256": hashlib.sha256(raw).hexdigest(), "size": len(raw), "messageId": message["Message-ID"].strip("<>"), "inReplyTo": [],
                "references": [], "from": email.utils.parseaddr(message["From"])[1], "to": [message["To"]], "people": [], "at": 0, "outgoing": True})
    world.wait_synced(120)


def set_aside(world):
    """Nothing was given up."""
    for rep in world.reps():
        aside = world.user(rep).get(f"/v1/accounts/{rep}").get("setAside", 0)
        assert not aside, f"{rep}: {aside} set aside"


def secrets(world):
    """No password, no token, in any log."""
    canaries = [rig.PASSWORD.encode(), world.token.encode(), (world.var / "root.token").read_bytes().strip()]
    for path in (world.var / "log").glob("*/*"):
        if path.is_file():
            data = path.read_bytes()
            assert not any(canary in data for canary in canaries), f"a secret in {path}"


def descriptors(world):
    """Open files of each process: they must not grow with what it went through."""
    out = {}
    for name, pid in world.pids().items():
        try:
            out[name] = len(os.listdir(f"/proc/{pid}/fd"))
        except OSError:
            pass
    return out


def check(world):
    """All of them; the figures as a dict."""
    figures = {"sends": sends(world)}
    filed(world)
    figures["messages"] = mail(world)
    events(world)
    set_aside(world)
    secrets(world)
    figures["descriptors"] = max(descriptors(world).values())
    return figures


__all__ = ["check"]
