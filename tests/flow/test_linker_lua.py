"""Proves the linker's, threader's and thread functions of the gateway against a real Redis: THR-01, THR-03, THR-04,
LNK-02, LNK-05, LNK-06, SHR-03, BLK-03, SYN-08, SYN-10: order of arrival, merges, duplicates, deletions, journal."""
import random
import struct

import pytest

from linker_slot import COMPANY, NOW, TAG, Slot, any_server, id_of, pack, partition, slot, unpack  # noqa: F401


def graph(seed, count=100):
    """Messages that refer to each other and to ids nobody has."""
    rng = random.Random(seed)
    messages = []
    for k in range(count):
        refs = [f"m{rng.randrange(count)}" for _ in range(rng.choice([0, 0, 0, 1, 1, 2]))]
        refs += [f"ghost{rng.randrange(count // 4)}" for _ in range(rng.choice([0, 0, 0, 0, 1]))]
        messages.append((f"m{k}", refs))
    return messages


def partition_in(slot):
    groups = {}
    for message, record in slot.r.hgetall(TAG + ":m").items():
        groups.setdefault(slot.resolve(unpack(record)[1]), set()).add(message)
    return sorted(map(sorted, groups.values()))


def test_thr_01_order_of_arrival_does_not_matter(any_server):  # noqa: F811
    rng = random.Random(1)
    for seed in range(200):
        any_server.flushdb()
        slot = Slot(any_server)
        messages = graph(seed)
        expected = partition(messages)
        rng.shuffle(messages)
        while messages:
            size = rng.choice([1, 3, 17, 64])
            batch, messages = messages[:size], messages[size:]
            statuses = slot.commit(*[slot.message(*m, received=NOW + rng.randrange(10**6)) for m in batch])[1]
            assert statuses == [b"committed"] * len(batch)
            if rng.random() < 0.3:
                slot.rehome()
        assert partition_in(slot) == expected
        slot.rehome()
        slot.check()


def test_syn_10_a_duplicate_changes_nothing(slot):
    messages = [slot.message(*m) for m in graph(5, 60)]
    slot.r.hset(TAG + ":l", id_of("m1"), "x")
    slot.commit(*messages)
    assert not slot.r.exists(TAG + ":l")
    thread = slot.thread("m1")["id"]
    assert slot.act("thread_patch", thread, "sharing", "private")[0] == b"ok"
    assert slot.act("link", thread, "d", "9")[0] == b"ok"
    slot.rehome()

    def dump():
        return {k: slot.r.dump(k) for k in slot.r.keys("*")}

    before = dump()
    for _ in range(3):
        random.Random(2).shuffle(messages)
        assert set(slot.commit(*messages)[1]) == {b"known"}
    assert dump() == before


def test_gone_and_stale_write_nothing(slot):
    slot.r.hset(TAG + ":l", id_of("a"), "x")
    assert slot.commit(slot.message("a"), gen=2) == [b"gone"]
    assert slot.r.hexists(TAG + ":l", id_of("a")) and not slot.r.exists(TAG + ":m")
    assert slot.one("a") == "committed"
    for verb, args in [("thread_patch", (id_of("a"), "read", "1")), ("thread_delete", (id_of("a"), 10)),
                       ("message_delete", (id_of("a"),)), ("link", (id_of("a"), "d", "1")), ("unlink", (id_of("a"),)),
                       ("person", (id_of("a"), "p"))]:
        assert slot.act(verb, *args, gen=2) == [b"gone"]
        assert slot.act(verb, id_of("nobody"), *args[1:]) == [b"absent"]
    assert len(slot.journal()) == 1
    entry = slot.r.xrange(TAG + ":j")[0][1][b"e"]
    assert slot.call("linker_1_apply", COMPANY, "anna", 7, 2, 0, entry) == [b"stale", 0]
    assert slot.call("linker_1_apply", COMPANY, "anna", 7, 1, 0, entry) == [b"ok", 1]
    assert slot.call("linker_1_apply", COMPANY, "anna", 7, 1, 0, entry) == [b"ok", 1]
    assert slot.r.xlen(COMPANY + ":ev") == 1


def test_blk_03_screened_is_counted_once_and_leaves_nothing(slot):
    slot.r.hset(TAG + ":l", id_of("spam"), "x")
    spam = slot.message("spam", ["a"], screened=1)
    assert slot.commit(spam, spam)[1] == [b"screened", b"screened"]
    assert slot.commit(spam)[1] == [b"screened"]
    assert slot.counts("screened") == 1
    assert sorted(slot.r.keys("*")) == [(TAG + ":acct").encode(), (TAG + ":n").encode()]


def test_thr_03_the_thread_committed_first_survives(slot):
    slot.one("a")
    slot.one("b", received=NOW + 5)
    slot.one("c", ["a", "b"], received=NOW + 1)
    t = slot.thread("b")
    assert t["id"] == id_of("a") and t["count"] == 3 and t["last_id"] == id_of("b")
    merged = [e for e in slot.journal() if e[0] == b"g"]
    assert len(merged) == 1 and merged[0][2:4] == [id_of("a"), id_of("b")]
    assert slot.view("all") == {id_of("a")}
    slot.rehome()
    slot.check()


@pytest.mark.parametrize("first,second,wins,dropped", [
    (None, ("auto", "2"), "2", None),
    (("auto", "1"), None, "1", None),
    (("auto", "1"), ("auto", "2"), "1", b"2"),
    (("auto", "1"), ("manual", "2"), "2", b"1"),
    (("manual", "1"), ("auto", "2"), "1", b"2"),
    (("manual", "1"), ("manual", "2"), "1", b"2"),
    (("auto", "1"), ("unlinked", ""), "", b"1"),
    (("unlinked", ""), ("auto", "2"), "", b"2"),
    (("manual", "1"), ("unlinked", ""), "1", None),
    (("auto", "1"), ("auto", "1"), "1", None),
])
def test_thr_04_links_merge(slot, first, second, wins, dropped):
    for name, state in (("a", first), ("b", second)):
        auto = state and state[0] == "auto"
        slot.one(name, kind="d" if auto else "", item=state[1] if auto else "")
        if state and state[0] == "manual":
            slot.act("link", id_of(name), "d", state[1])
        if state and state[0] == "unlinked":
            slot.act("link", id_of(name), "d", "8")
            slot.act("unlink", id_of(name))
    slot.one("c", ["a", "b"])
    merged = [e for e in slot.journal() if e[0] == b"g"][0]
    assert merged[4][5] == wins.encode()
    assert (merged[5] and merged[5][1]) == dropped
    # A later message never overrides what was decided, and links only what nobody decided.
    slot.one("d", ["c"], kind="l", item="77")
    last = slot.journal()[-1]
    assert last[5][5] == wins.encode()
    if wins == "":
        assert last[4] & 8 and slot.thread("d")["skipped"] == b"manual_unlink"


def test_thr_04_private_wins_and_inbox_wins(slot):
    for name in "ab":
        slot.one(name)
    slot.act("thread_patch", id_of("b"), "sharing", "private", "archived", "1")
    slot.act("thread_patch", id_of("a"), "archived", "1")
    assert slot.view("inbox") == set() and slot.view("archive") == {id_of("a"), id_of("b")}
    slot.one("c", ["a", "b"], thread_bits=2)
    assert slot.thread("a")["sharing"] == b"p"
    assert slot.view("archive") == {id_of("a")} and slot.view("inbox") == set() and slot.view("sent") == {id_of("a")}
    slot.one("e")
    slot.one("f", ["e", "a"], thread_bits=2)
    assert slot.view("inbox") == {id_of("a")} and slot.view("archive") == set()
    slot.rehome()
    slot.check()


def test_merge_keeps_sent_only_thread_out_of_the_inbox(slot):
    slot.one("a", thread_bits=2)
    slot.one("b")
    slot.act("thread_patch", id_of("b"), "archived", "1")
    slot.one("c", ["a", "b"], thread_bits=2)
    assert slot.view("inbox") == set() and slot.view("archive") == {id_of("a")}


def test_lnk_06_followed_decided_again_and_manual(slot):
    assert slot.one("a", reason="no_open_item") == "committed"
    assert slot.thread("a")["skipped"] == b"no_open_item"
    slot.one("b", ["a"], kind="d", item="5")
    t = slot.thread("a")
    assert t["link"][:3] == [b"d", b"5", b"a"] and t["skipped"] is None
    assert slot.journal()[-1][4] & 4
    slot.one("c", ["a"], kind="d", item="6")
    assert slot.thread("a")["link"][1] == b"5" and not slot.journal()[-1][4] & 12
    assert slot.act("unlink", id_of("a"))[0] == b"ok"
    slot.one("d", ["a"], kind="d", item="6")
    assert slot.journal()[-1][5][5] == b"" and slot.thread("a")["skipped"] == b"manual_unlink"
    assert slot.act("link", id_of("a"), "p", "1")[2:] == [b"", b""]
    slot.one("e", ["a"], kind="d", item="6")
    assert slot.journal()[-1][5][4:6] == [b"p", b"1"]
    assert slot.act("link", id_of("a"), "p", "1")[1] == 0


def test_lnk_10_person_of_record_changes_by_hand_only(slot):
    slot.one("a", people=["p1"], person="p1")
    slot.one("b", ["a"], people=["p2"], person="p2")
    t = slot.thread("a")
    assert t["person"][0] == b"p1" and t["people"] == [b"p1", b"p2"]
    slot.act("person", id_of("a"), "p9")
    slot.one("c", ["a"], people=["p2"], person="p2")
    assert slot.journal()[-1][5][6] == [b"p1", b"p2", b"p9"]


def test_shr_03_default_of_the_moment(any_server):  # noqa: F811
    for account, message, expected in [("", "s", b"s"), ("", "p", b"p"), ("private", "s", b"p"), ("shared", "p", b"s")]:
        any_server.flushdb()
        slot = Slot(any_server, account)
        slot.one("a", sharing=message)
        assert slot.thread("a")["sharing"] == expected
        slot.r.hset(TAG + ":acct", "sharing", "shared")
        slot.one("b", ["a"], sharing="s")
        assert slot.thread("a")["sharing"] == expected


def test_syn_08_archive_and_new_message(slot):
    slot.one("a")
    slot.act("thread_patch", id_of("a"), "archived", "1")
    assert slot.view("inbox") == set() and slot.view("archive") == {id_of("a")}
    slot.one("b", ["a"])
    assert slot.view("inbox") == {id_of("a")} and slot.view("archive") == set()
    slot.act("thread_patch", id_of("a"), "archived", "1")
    slot.act("thread_patch", id_of("a"), "archived", "0")
    assert slot.view("inbox") == {id_of("a")}


@pytest.mark.parametrize("limit", [1, 2, 256])
@pytest.mark.parametrize("gateway_dies", [False, True])
def test_syn_08_deleted_stays_deleted(slot, limit, gateway_dies):
    slot.one("a", kind="d", item="1", people=["p1"], received=NOW)
    slot.one("b", received=NOW + 1)
    slot.one("b2", ["b"], received=NOW + 1)
    slot.one("c", ["a", "b"], received=NOW + 2)
    slot.act("thread_patch", id_of("a"), "sharing", "private", "read", "1")
    slot.apply()
    assert slot.timeline("d:1:u1") == {id_of("a")}
    removed, left = [], 1
    while left:
        answer = slot.act("thread_delete", id_of("b"), limit)
        assert answer[0] == b"ok"
        removed += answer[3]
        left = answer[2]
        assert slot.view("all") == set()
        if gateway_dies:
            slot.rehome()
            break
    if not gateway_dies:
        assert sorted(removed) == sorted(map(id_of, ["a", "b", "b2", "c"]))
    assert slot.act("thread_delete", id_of("b"), limit) == [b"absent"]
    for key in ("m", "t", "tu", "rh"):
        assert not slot.r.exists(f"{TAG}:{key}")
    assert slot.one("b2", ["b"]) == "dead"
    # A later message brings back only itself, with fresh defaults; ids of the deleted conversation still join.
    assert slot.one("x", ["a"]) == "committed"
    assert slot.one("y", ["b2"]) == "committed"
    t = slot.thread("y")
    assert t["id"] == id_of("x") and t["count"] == 2 and t["sharing"] == b"s" and t["link"] is None
    assert slot.act("thread_delete", id_of("b"), limit) == [b"absent"]
    slot.check()
    slot.apply()
    assert slot.timeline("d:1:u1") == set() and slot.timeline("c:p1:u1") == set()


def test_message_delete(slot):
    slot.one("a", received=NOW)
    slot.one("b", ["a"], received=NOW + 9, thread_bits=2, bits=1)
    slot.one("c", ["a"], received=NOW + 5)
    assert slot.act("message_delete", id_of("b"))[3] == 2
    t = slot.thread("a")
    assert (t["last_id"], t["last_ms"], t["bits"]) == (id_of("c"), NOW + 5, 1) and slot.view("sent") == set()
    slot.check()
    assert slot.act("message_delete", id_of("a"))[3] == 1
    slot.check()
    assert slot.one("d", ["b"]) == "committed"
    assert slot.thread("d")["id"] == id_of("a") and slot.thread("d")["count"] == 2
    slot.check()
    slot.act("message_delete", id_of("c"))
    assert slot.act("message_delete", id_of("d"))[3] == 0
    assert slot.view("all") == set() and slot.one("a") == "dead"


def test_reparse_replaces_facts_only(slot):
    slot.one("a", bits=1 + 2, people=["p"])
    before = unpack(slot.r.hget(TAG + ":m", id_of("a")))
    assert slot.one("a", bits=4, mode=1, card=b"\x80", people=["q"]) == "reparsed"
    after = unpack(slot.r.hget(TAG + ":m", id_of("a")))
    assert after[7] == 1 + 4 and after[10] == b"\x80"
    assert [v for i, v in enumerate(after) if i not in (7, 10)] == [v for i, v in enumerate(before) if i not in (7, 10)]
    assert slot.one("nobody", mode=1) == "absent"
    assert len(slot.journal()) == 1


def test_lnk_07_timelines_follow(slot):
    slot.one("a", kind="d", item="1", people=["p1", "p2"], person="p1")
    slot.apply()
    assert all(slot.timeline(s) == {id_of("a")} for s in ("d:1", "c:p1", "c:p2"))
    slot.act("thread_patch", id_of("a"), "sharing", "private")
    slot.apply()
    assert all(slot.timeline(s) == set() for s in ("d:1", "c:p1", "c:p2"))
    assert all(slot.timeline(s) == {id_of("a")} for s in ("d:1:u1", "c:p1:u1", "c:p2:u1"))
    slot.act("thread_patch", id_of("a"), "sharing", "shared")
    slot.act("link", id_of("a"), "l", "2")
    slot.one("b", people=["p1"])
    slot.one("c", ["b", "a"])
    slot.apply()
    assert slot.timeline("d:1") == set() and slot.timeline("l:2") == {id_of("a")}
    assert slot.timeline("c:p1") == {id_of("a")}
    events = [f[b"e"] for _, f in slot.r.xrange(COMPANY + ":ev")]
    assert events == [b"m" + struct.pack(">IHI", 7, 0, n + 1) for n in range(slot.counts("j"))]


def test_erased_account_leaves_all_timelines(slot):
    for k in range(300):
        slot.one(f"a{k}", people=["p1"])
    slot.apply()
    n = slot.counts("j") + 1
    entry = pack(["a", NOW, "deleted", ""])
    assert slot.call("linker_1_apply", COMPANY, "anna", 7, n, 0, entry) == [b"forget", n - 1]
    cursor = b"0"
    while True:
        cursor = slot.call("linker_1_forget", COMPANY, 7, cursor)
        if cursor == b"0":
            break
    assert slot.call("linker_1_apply", COMPANY, "anna", 7, n, 1, entry) == [b"ok", n]
    assert not slot.r.exists(COMPANY + ":tl:c:p1") and not slot.r.exists(COMPANY + ":tr")


def test_journal_trim(slot):
    for k in range(700):
        slot.commit(slot.message(f"a{k}"), now=NOW + k)
    trim = lambda applied, before: slot.call("linker_1_trim", TAG, applied, before)
    assert trim(0, NOW + 10**6) == 0
    assert trim(700, NOW) == 0
    assert trim(5, NOW + 600) == 5
    assert trim(700, NOW + 600) == 512 and trim(700, NOW + 600) == 83 and trim(700, NOW + 600) == 0
    assert slot.r.xrange(TAG + ":j", count=1)[0][0] == b"601-0"


def test_facts_and_account(slot):
    r = slot.r
    r.hset(COMPANY + ":company", "settings", '{"linkItems":"manual","autoLinkKinds":["deal"],"blocked":["@x.example"]}')
    r.hset(COMPANY + ":user", "u1", '{"defaultSharing":"private"}')
    r.hset(COMPANY + ":ua", "me@b.example", "u1")
    r.hset(COMPANY + ":ad", "p@c.example", pack(["p1", "p2"]))
    items = pack([["d", "1", 5]])
    r.hset(COMPANY + ":pi", "p2", items)
    answer = slot.call("linker_1_facts", COMPANY, 1, "u1", "me@b.example", "p@c.example", "z@c.example")
    assert answer == [[b"manual", b"d", b""], [b"@x.example"], [b"private"], [b"1", b"0", b"0"],
                      [b"", pack(["p1", "p2"]), b""], [b"p1", b"p2"], [b"", items]]
    r.hset(TAG + ":acct", "config", '{"blocked":["a@b.example"]}')
    assert slot.call("linker_1_account", TAG) == [b"3", b"7", b"", b"0", b"a@b.example"]
