"""Nothing is lost and nothing doubled, whatever process dies when (SYN-10, OPS-01)."""
import time

import pytest

import compare
import rig

STAGES = ("fetcher-1", "parser-1", "threader-1", "linker-1", "redis", "gateway-1", "sender-1")


def reps(world):
    return [r["id"] for r in world.ledger["reps"]]


def committed(world):
    return sum(world._quiet(lambda rep=rep: world.redis().hlen(f"{{a:{rig.COMPANY}/{rep}}}:m")) or 0 for rep in reps(world))


def check_all(world):
    for rep in reps(world):
        groups = compare.exactly_once(world, rep, check_bytes=False)
        compare.same_partition(world, rep, groups)
        compare.same_links(world, rep, groups)


# A small window, so that the sync lasts as long as the kills on any machine.
@pytest.mark.world(messages=5000, accounts=2, seed=11, settings=["fetcher:window.messages=32"])
def test_syn10_kill_each_stage_and_redis_while_it_syncs(world, remember):
    """Proves SYN-10 and F107: kill -9 of each stage and of Redis in turn while 5,000 messages sync; then every message exactly once, partition
    and links as the oracles say."""
    world.add_accounts()
    kills, rounds = [], 0
    end = time.monotonic() + 120 * rig.SLOW
    wanted = sum(len(compare.oracle.synced_entries(world.ledger, rep, rig.BLOCKED)) for rep in reps(world))
    while committed(world) < wanted * 0.9 and time.monotonic() < end and rounds < 4:
        for name in STAGES:
            before = committed(world)
            kills.append((name, world.kill(name), before))
            rig.wait(lambda name=name, pid=kills[-1][1]: world.pid(name) != pid and rig.alive(world.pid(name)), 30, f"{name} again")
            time.sleep(0.4)
        rounds += 1
    during = sum(1 for _, _, before in kills if before < wanted)
    world.connect()
    world.wait_synced(180)
    remember(f"crash: {len(kills)} kills, {during} of them before all {wanted} messages were committed")
    assert during >= len(STAGES), "too fast: the kills came after the sync"
    check_all(world)


@pytest.mark.world(messages=1500, accounts=2, seed=12)
def test_ops01_scale_and_restart_while_it_syncs(world):
    """Proves OPS-01: scale, restart and the loss of the supervisor itself lose and double nothing."""
    world.add_accounts()
    world.mailweave("scale", "parser=3")
    world.mailweave("restart", "linker")
    world.mailweave("restart", "fetcher")
    world.mailweave("scale", "fetcher=2")
    world.kill("supervisor")
    world.mailweave("up", "--quiet")
    world.mailweave("restart", "threader")
    world.mailweave("scale", "parser=1", "fetcher=1")
    world.connect()
    world.wait_synced(120)
    check_all(world)


@pytest.mark.world(messages=120, accounts=1, seed=13)
def test_duplicate_drive_after_private_changes_nothing(world):
    """Proves insert-if-absent: driving a committed message again after its thread was made private leaves it private, once."""
    world.add_accounts()
    world.wait_synced(60)
    rep = reps(world)[0]
    api, store = world.user(rep), world.redis()
    thread = next(t for t in world.threads(rep) if t["sharing"] == "shared")
    api.call("PATCH", f"/v1/threads/{thread['id']}", json={"sharing": "private"})
    before = compare.everything(world, rep)
    tag = f"{{a:{rig.COMPANY}/{rep}}}"
    for message in api.every(f"/v1/threads/{thread['id']}/messages"):
        raw_id = public_id(message["id"])
        record = rig.unpack(store.hget(f"{tag}:m", raw_id))
        entry = rig.msgpack.packb([1, record[3], record[5], record[6], 0, 0, 0, int(time.time() * 1000), b""], use_bin_type=False)
        store.hset(f"{tag}:l", raw_id, entry)
    world.mailweave("restart", "fetcher")
    rig.wait(lambda: not world.waiting(rep), 90, "driven again and cleared")
    world.wait_applied()
    assert compare.everything(world, rep) == before
    assert api.get(f"/v1/threads/{thread['id']}")["sharing"] == "private"


def public_id(text):
    """`<account>~<16 characters of Crockford's base32>` → 10 bytes."""
    alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
    number = 0
    for char in text.rpartition("~")[2]:
        number = number << 5 | alphabet.index(char)
    return number.to_bytes(10, "big")


@pytest.mark.world(messages=60, accounts=1, seed=14)
def test_down_and_up_keep_everything_and_leave_nothing(world):
    """Proves: down leaves no process of ours; up finds all again; a torn tail of Redis' log is cut, nothing acknowledged is lost."""
    world.add_accounts()
    world.wait_synced(60)
    rep = reps(world)[0]
    before = compare.everything(world, rep)
    pids = world.pids()
    world.mailweave("down", "--quiet")
    assert not [n for n, p in pids.items() if rig.alive(p)]
    log = max((world.var / "redis" / "appendonlydir").glob("*.incr.aof"))
    with open(log, "ab") as file:
        file.write(b"*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$4\r\ntorn\r\n$1\r\nx\r\n")
    (world.var / "redis" / "clean").unlink()
    world.mailweave("up", "--quiet")
    world.connect()
    assert not world.redis().exists("torn")
    rig.wait(lambda: world.synced(rep), 60, "connected again")
    assert compare.everything(world, rep) == before
