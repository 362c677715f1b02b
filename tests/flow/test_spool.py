"""Messages travel by reference through the fetcher's spool; a region may be given away while they are on their way (SYN-10)."""
import pytest

import rig

COUNT = 24


def raw(name):
    return (f"From: {name} <{name}@elsewhere.example>\r\nTo: me@here.example\r\nSubject: {name}\r\nDate: Tue, 24 Nov 2026 10:00:00 +0000\r\n"
            f"Message-ID: <{name}@elsewhere.example>\r\n\r\n{name} {'x' * 3000}\r\n").encode()


def names(prefix):
    return [f"{prefix}{number:02}" for number in range(COUNT)]


@pytest.mark.world(accounts=2, settings=["fetcher:lease_ms=1s", "fetcher:poll_ms=1s"])
def test_syn10_a_region_given_to_another_account_before_it_was_read(world):
    """Proves SYN-10 and the privacy of what travels: an account loses its lease while the parser stands with its messages before it, and
    their memory is filled with another account's mail. Every message keeps its own facts, in its own account."""
    first, second = (r["id"] for r in world.ledger["reps"])
    world.add_account(second)
    world.wait_synced(60, [second])
    for name in names("first"):
        world.append(first, "INBOX", raw(name))
    store, lease = world.redis(), f"{{a:{rig.COMPANY}/{first}}}:lease"
    with world.standing("parser-1"):
        world.add_account(first)
        rig.wait(lambda: world.waiting(first) == COUNT, 60, "all of the first account's in the ledger")
        holder = store.hgetall(lease)
        store.hset(lease, mapping={"owner": "somebody-else", "token": int(holder[b"token"]) + 1, "until": 1 << 52})
        rig.wait(lambda: "lease_lost" in world.logs("fetcher"), 30, "the first account given up")
        for name in names("second"):
            world.deliver(second, raw(name))
        rig.wait(lambda: world.waiting(second) == COUNT, 60, "all of the second account's in the ledger, in the same memory")
        store.hset(lease, "until", 0)
    world.wait_synced(120)
    for rep, prefix in ((first, "first"), (second, "second")):
        api, seen = world.user(rep), []
        for thread, messages in world.messages_by_thread(rep).items():
            for message in messages:
                body = api.call("GET", f"/v1/messages/{message['id']}/raw").content
                assert body.endswith(raw(message["subject"])), f"{message['id']} has the facts of {message['subject']}"
                assert message["from"][0]["email"] == f"{message['subject']}@elsewhere.example"
                seen.append(message["subject"])
        assert sorted(seen) == names(prefix)
