"""Holds what the API shows against the oracle."""
import hashlib

import oracle
from rig import BLOCKED


def ledger_numbers(world, rep, check_bytes=True):
    """message id → ledger number, thread id → set of ledger numbers; every message of the API is one of the generator's, once."""
    entries = oracle.synced_entries(world.ledger, rep, BLOCKED)
    by_id = {e["messageId"]: e for e in entries if e["messageId"]}
    by_hash = {e["sha256"]: e for e in entries}
    api, numbers, groups = world.user(rep), {}, {}
    for thread, messages in world.messages_by_thread(rep).items():
        for message in messages:
            names = message.get("messageId") or [None]
            entry = by_id.get(names[0])
            if entry is None or check_bytes:
                raw = api.call("GET", f"/v1/messages/{message['id']}/raw").content
                digest = hashlib.sha256(raw).hexdigest()
                assert digest in by_hash, f"{message['id']} ({names}) is no message of the server"
                assert entry is None or entry["sha256"] == digest, f"{message['id']}: other bytes than the server's"
                entry = by_hash[digest]
            assert message["size"] == entry["size"], message["id"]
            assert message["id"] not in numbers, f"{message['id']} is in two threads"
            numbers[message["id"]] = entry["ledger"]
            groups.setdefault(thread, set()).add(entry["ledger"])
    return numbers, groups


def exactly_once(world, rep, check_bytes=True):
    """SYN-10: the API's messages are the server's, each once. Returns the thread groups."""
    numbers, groups = ledger_numbers(world, rep, check_bytes)
    want = sorted(e["ledger"] for e in oracle.synced_entries(world.ledger, rep, BLOCKED))
    have = sorted(numbers.values())
    assert have == sorted(set(have)), f"{rep}: twice: {[n for n in set(have) if have.count(n) > 1][:10]}"
    assert have == want, f"{rep}: missing {sorted(set(want) - set(have))[:10]}, too many {sorted(set(have) - set(want))[:10]}"
    return groups


def same_partition(world, rep, groups):
    """THR-01: the threads are the oracle's."""
    want = oracle.partition(oracle.synced_entries(world.ledger, rep, BLOCKED))
    have = sorted(groups.values(), key=min)
    assert have == want, f"{rep}: differ: {[g for g in have if g not in want][:3]} for {[g for g in want if g not in have][:3]}"


def same_links(world, rep, groups):
    """LNK-02: each thread is linked to the oracle's item, or says a reason that one of its messages has."""
    shown = {t["id"]: t for t in world.threads(rep)}
    want = {min(group): (keys, reasons) for group, keys, reasons in
            oracle.links(oracle.synced_entries(world.ledger, rep, BLOCKED), world.ledger["items"])}
    linked = 0
    for thread, group in groups.items():
        keys, reasons = want[min(group)]
        link = shown[thread]["link"]
        if keys:
            assert link and (link["kind"], link["id"]) in keys and link["by"] == "auto", f"{thread}: {link}, oracle {keys}"
            linked += 1
        else:
            assert link is None, f"{thread}: {link}, oracle {reasons}"
            assert shown[thread]["linkSkipped"] in reasons, f"{thread}: {shown[thread]['linkSkipped']}, oracle {reasons}"
    return linked


def same_places(world, rep):
    """SYN-05: each message's folders and keywords are those of the server."""
    api = world.user(rep)
    paths = {f["id"]: f["path"] for f in api.get(f"/v1/accounts/{rep}/folders")["data"]}
    own = {r["email"].lower() for r in world.ledger["reps"] if r["id"] == rep}
    screened = {e["sha256"] for e in world.ledger["messages"] if e["account"] == rep and oracle.screened(e, own, BLOCKED)}
    want = {}
    imap = world.imap(rep)
    for place in oracle.server_places(imap):
        if place.sha256 not in screened:
            want.setdefault(place.sha256, set()).add((oracle.utf7(place.folder), "\\Seen" in place.flags))
    imap.logout()
    have = {}
    for messages in world.messages_by_thread(rep).values():
        for message in messages:
            raw = api.call("GET", f"/v1/messages/{message['id']}/raw").content
            seen = bool(message["keywords"].get("$seen"))
            have[hashlib.sha256(raw).hexdigest()] = {(paths[box], seen) for box in message["mailboxIds"]}
    # A message that lies in two folders has one set of keywords here: compare folders always, seen where it is unambiguous.
    folders = [{k: {f for f, _ in v} for k, v in side.items()} for side in (have, want)]
    assert folders[0] == folders[1], [(k, folders[0].get(k), folders[1].get(k)) for k in want.keys() | have.keys()
                                      if folders[0].get(k) != folders[1].get(k)][:5]
    for digest, places in want.items():
        if len({seen for _, seen in places}) == 1:
            assert {s for _, s in have[digest]} == {s for _, s in places}, digest
    return len(have)


def everything(world, rep):
    """All that a reader sees of one account, as one comparable value."""
    threads = sorted(world.threads(rep), key=lambda t: t["id"])
    messages = {m["id"]: m for group in world.messages_by_thread(rep).values() for m in group}
    return threads, messages
