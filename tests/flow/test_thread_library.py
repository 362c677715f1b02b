"""The threader's own union (threader --json) and the one in the commit, tested against each other; and what must not join (F105)."""
import json
import random
import subprocess

from linker_slot import COMPANY, TAG, Slot, any_server, id_of, slot  # noqa: F401
from rig import BUILD
from test_linker_lua import graph, partition_in

THREADER = str(BUILD / "threader" / "threader")


def library(path, messages):
    """The partition that the library makes of the messages as a mailbox."""
    with open(path, "w") as box:
        for name, refs in messages:
            references = " ".join(f"<{ref}@x.example>" for ref in refs)
            box.write(f"From a@b.example Thu Jan  1 00:00:00 2026\nMessage-ID: <{name}@x.example>\nReferences: {references}\n\nHi\n\n")
    done = subprocess.run([THREADER, "--json", path], check=True, stdout=subprocess.PIPE)
    groups = {}
    for line in done.stdout.splitlines():
        found = json.loads(line)
        groups.setdefault(found["threadId"], set()).add(id_of(found["messageId"].removesuffix("@x.example")))
    return sorted(map(sorted, groups.values()))


def test_thr_01_the_library_and_the_commit_make_the_same_threads(any_server, tmp_path):  # noqa: F811
    rng = random.Random(2)
    for seed in range(60):
        any_server.flushdb()
        one = Slot(any_server)
        messages = graph(1000 + seed, 80)
        threads = library(str(tmp_path / "box"), messages)
        rng.shuffle(messages)
        assert library(str(tmp_path / "box"), messages) == threads
        rng.shuffle(messages)
        for k in range(0, len(messages), 16):
            one.commit(*[one.message(*m) for m in messages[k:k + 16]])
        assert partition_in(one) == threads and len(threads) > 1


def test_f105_a_repeated_or_forged_id_takes_nothing(slot):  # noqa: F811
    """F105: two messages of one Message-ID stay two; an id forged to join a thread joins it in this account and touches no other."""
    assert slot.one("first", ["same"]) == "committed" and slot.one("second", ["same"]) == "committed"
    assert slot.one("forged", ["first"]) == "committed"
    assert slot.r.hlen(TAG + ":m") == 3 and partition_in(slot) == [sorted(map(id_of, ("first", "second", "forged")))]
    assert all(key.startswith((TAG.encode(), COMPANY.encode())) for key in slot.r.keys("*"))
