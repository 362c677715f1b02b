"""A mailbox becomes linked conversations: 300 messages, two accounts, all read back through the API."""
import collections

import compare
import oracle
import rig


def reps(world):
    return [r["id"] for r in world.ledger["reps"]]


def test_syn10_every_message_exactly_once_and_bytes_equal(small):
    """Proves SYN-10: what the API has is what the server has, each once, byte for byte."""
    for rep in reps(small):
        compare.exactly_once(small, rep)


def test_thr01_partition_equals_oracle(small):
    """Proves THR-01: threads are exactly the classes of messages that share an id."""
    for rep in reps(small):
        compare.same_partition(small, rep, compare.exactly_once(small, rep, check_bytes=False))


def test_lnk02_links_equal_oracle(small):
    """Proves LNK-02, LNK-03, LNK-06: linked if and only if the oracle says so, and else for a reason it knows."""
    linked = sum(compare.same_links(small, rep, compare.exactly_once(small, rep, check_bytes=False)) for rep in reps(small))
    assert linked > 20, "the sample must have linked threads"


def test_syn05_places_equal_folders(small):
    """Proves SYN-05 and SYN-06: folders and read marks are the server's; a copy in two folders is one message with two places."""
    for rep in reps(small):
        assert compare.same_places(small, rep) > 50


def test_blk02_spam_of_blocked_senders_is_screened_and_counted(small):
    """Proves BLK-02, BLK-03: what only blocked senders wrote is nowhere, but counted."""
    for rep in reps(small):
        own = {r["email"].lower() for r in small.ledger["reps"] if r["id"] == rep}
        want = sum(bool(set(e["folders"]) - {"Trash", "Junk"}) and oracle.screened(e, own, rig.BLOCKED)
                   for e in small.ledger["messages"] if e["account"] == rep)
        counted = int(small.redis().hget(f"{{a:{rig.COMPANY}/{rep}}}:n", "screened") or 0)
        assert counted == want


def test_lnk07_detail_views_show_linked_threads(small):
    """Proves LNK-07, SHR-02: a deal's view shows its threads, newest first, to any user of the company who may see it."""
    linked = collections.defaultdict(set)
    for rep in reps(small):
        for thread in small.threads(rep):
            if thread["link"] and thread["link"]["kind"] == "deal":
                linked[thread["link"]["id"]].add(thread["id"])
    assert linked
    viewer = small.user(reps(small)[0])
    for deal, threads in linked.items():
        shown = viewer.every(f"/v1/deals/{deal}/threads")
        assert {t["id"] for t in shown} == threads, deal
        times = [t["lastMessageAt"] for t in shown]
        assert times == sorted(times, reverse=True)


def test_shr01_other_users_see_no_mailbox(small):
    """Proves SHR-01: another user's unlinked thread does not exist, nor does their account."""
    first, second = reps(small)
    alone = next(t for t in small.threads(first) if not t["link"] and not t["people"])
    assert small.user(second).call("GET", f"/v1/threads/{alone['id']}", 404).json()["code"]
    small.user(second).call("GET", f"/v1/accounts/{first}", 404)


def test_rebuild_makes_the_same_company_side(small):
    """Proves ownership: the company side made anew from the account slots is identical."""
    def dump():
        run = rig.subprocess.run([rig.BUILD / "linker" / "linker", "--dump-company", rig.COMPANY, "--config", small.var / "mailweave.conf"],
                                 capture_output=True, text=True, check=True)
        assert run.stdout.strip(), run.stderr
        return run.stdout
    small.wait_applied()
    before = dump()
    small.mailweave("rebuild", rig.COMPANY)
    small.wait_applied()
    assert dump() == before


def test_reparse_makes_the_same_facts(small):
    """Proves ownership: facts made anew from the stored raw messages are identical."""
    rep = reps(small)[0]
    before = compare.everything(small, rep)
    small.mailweave("reparse", f"{rig.COMPANY}/{rep}")
    rig.wait(lambda: not small.waiting(rep), 60, "reparse done")
    assert compare.everything(small, rep) == before


def test_ops03_trace_shows_the_way(small):
    """Proves OPS-03: one command follows a message through every stage, with times."""
    rep = reps(small)[0]
    message = next(iter(small.messages_by_thread(rep).values()))[0]
    out = small.mailweave("trace", message["id"]).stdout
    for stage in ("fetcher", "linker"):
        assert stage in out, out


def test_ops03_status_and_doctor(small):
    """Proves OPS-03: one command shows every stage, one finds nothing wrong with a healthy deployment."""
    out = small.mailweave("status").stdout
    for stage in ("fetcher", "parser", "threader", "linker", "sender", "gateway", "redis"):
        row = next(line for line in out.splitlines() if line.startswith(stage)).split()
        assert row[1] == "1", out
    run = small.mailweave("doctor", check=False)
    bad = [line for line in run.stdout.splitlines() if line.startswith("BAD") and not line.split()[1] in ("packages", "disk", "fsync")]
    assert not bad, run.stdout


def test_no_body_in_redis(small):
    """Proves that bodies stay out of Redis: no value holds a sentence of the middle of a message."""
    store = small.redis()
    for rep in reps(small):
        for key in store.scan_iter(f"{{a:{rig.COMPANY}/{rep}}}:m"):
            assert all(len(v) <= 850 for v in store.hvals(key))
