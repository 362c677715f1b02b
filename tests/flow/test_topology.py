"""The same small mailbox with Redis as a cluster of one node, and with every hop on tcp."""
import pytest

import compare


def sync_and_check(world):
    world.add_accounts()
    world.wait_synced(90)
    for rep in (r["id"] for r in world.ledger["reps"]):
        groups = compare.exactly_once(world, rep)
        compare.same_partition(world, rep, groups)
        compare.same_links(world, rep, groups)
        compare.same_places(world, rep)


@pytest.mark.world(messages=200, accounts=2, seed=21, cluster=True)
def test_every_call_touches_one_slot_on_a_cluster(world):
    """Proves that every call touches one hash slot: the whole sync runs with cluster-enabled yes."""
    assert world.redis().info("cluster")["cluster_enabled"] == 1
    sync_and_check(world)
    assert "CROSSSLOT" not in world.last_words(10000)


@pytest.mark.world(messages=200, accounts=2, seed=22, bus="tcp:127.0.0.1")
def test_every_hop_on_tcp(world):
    """Proves that stages on different hosts can work together: every hop and bell on tcp, raw bytes inline."""
    sync_and_check(world)
