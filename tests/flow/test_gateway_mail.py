"""Proves INB-01, LNK-05, LNK-07, LNK-10, SHR-01, SHR-02, SHR-04, SHR-06 for what the gateway shows of mail, on the real
gateway and linker over a real Redis."""
import random
import signal

import pytest

from gateway_world import NOW, Mailbox, id_of, public
from linker_slot import pack

ABSENT = "zzzzzzzzzzzzzzzz"


@pytest.fixture(scope="module")
def shared_box():
    made = Mailbox()
    yield made
    made.close()


@pytest.fixture
def box(shared_box):
    shared_box.wipe()
    return shared_box


@pytest.fixture
def house(box):
    """Anna's mailbox, Ben and Cleo of the same company, Root the admin; p1 and deal 1 are everybody's, deal 2 is Ben's group's."""
    box.api = {"anna": box.user("anna"), "ben": box.user("ben", groups=["sales"]), "cleo": box.user("cleo"),
               "root": box.user("root", role="admin")}
    box.account("anna", "anna")
    for name in ("p1", "p2"):
        box.person(name)
    box.item("deal", "1")
    box.item("deal", "2", visible={"users": [], "groups": ["sales"]})
    box.item("lead", "7")
    return box


# What a thread answers to who may not see it: all of these, and as if it were not there.
def routes_of(thread, message):
    return [("GET", f"/v1/threads/{thread}"), ("PATCH", f"/v1/threads/{thread}"), ("DELETE", f"/v1/threads/{thread}"),
            ("GET", f"/v1/threads/{thread}/messages"), ("GET", f"/v1/threads/{thread}/why"), ("PUT", f"/v1/threads/{thread}/link"),
            ("DELETE", f"/v1/threads/{thread}/link"), ("PUT", f"/v1/threads/{thread}/person"), ("DELETE", f"/v1/threads/{thread}/person"),
            ("GET", f"/v1/messages/{message}"), ("GET", f"/v1/messages/{message}/body"), ("GET", f"/v1/messages/{message}/raw"),
            ("GET", f"/v1/messages/{message}/attachments/2"), ("DELETE", f"/v1/messages/{message}"),
            ("POST", "/v1/people")]


def ask(api, method, path, thread):
    bodies = {"PATCH": {"read": True}, "PUT": {"kind": "deal", "id": "1"} if path.endswith("link") else {"id": "p1"},
              "POST": {"fromThread": thread, "email": "frida@client.example"}}
    return api.call(method, path, **({"json": bodies[method]} if method in bodies else {}))


def face(answer):
    """All that a client sees of an answer, less the time of day."""
    return answer.status_code, answer.content, sorted((k, v) for k, v in answer.headers.items() if k != "Date")


def nothing_to_see(api, thread, message):
    absent = f"anna~{ABSENT}"
    for (method, path), (_, other) in zip(routes_of(thread, message), routes_of(absent, absent)):
        hidden, missing = ask(api, method, path, thread), ask(api, method, other, absent)
        assert hidden.status_code == 404, (method, path, hidden.status_code, hidden.text)
        assert face(hidden) == face(missing), (method, path)


def test_inb_01_pages_hold_each_thread_once_newest_first(house):
    """500 threads of two mailboxes, many of the same millisecond, in pages of any size."""
    house.account("team", "ben", members=["anna"])
    rng = random.Random(4)
    expected = []
    for account in ("anna", "team"):
        mails = [(f"m{k}", [], {"received": NOW + rng.randrange(60), "people": ["p1"]}) for k in range(250)]
        house.commit(account, *mails)
        expected += [(given["received"], public(account, id_of(account + name))) for name, _, given in mails]
    house.settle()
    times = dict((i, ms) for ms, i in expected)
    anna = house.api["anna"]
    for path, limit in [("/v1/threads", 200), ("/v1/threads", 50), ("/v1/threads", 7), ("/v1/people/p1/threads", 33)]:
        ids = anna.ids(path, limit=limit)
        assert sorted(ids) == sorted(times), (path, limit)
        assert [times[i] for i in ids] == sorted(times.values(), reverse=True), (path, limit)
    assert anna.ids("/v1/threads", limit=7) == anna.ids("/v1/threads", limit=200)
    assert sorted(house.api["ben"].ids("/v1/threads")) == sorted(i for i in times if i.startswith("team~"))
    assert house.api["cleo"].ids("/v1/threads") == []


def test_inb_01_a_cursor_stands_while_mail_comes(house):
    house.commit("anna", *[(f"m{k}", [], {"received": NOW + k}) for k in range(30)])
    anna = house.api["anna"]
    page = anna.get("/v1/threads", limit=10)
    house.commit("anna", *[(f"new{k}", [], {"received": NOW + 1000 + k}) for k in range(5)])
    rest = anna.get("/v1/threads", limit=200, cursor=page["nextCursor"])
    got = [t["id"] for t in page["data"] + rest["data"]]
    assert got == [public("anna", id_of(f"annam{k}")) for k in range(29, -1, -1)]
    assert anna.call("GET", "/v1/threads?cursor=" + page["nextCursor"][:-2] + "xx").json()["code"] == "invalid_cursor"
    other = house.api["ben"].call("GET", "/v1/threads", params={"cursor": page["nextCursor"]})
    assert (other.status_code, other.json()["code"]) == (400, "invalid_cursor")


def test_inb_01_folders(house):
    anna = house.api["anna"]
    got = house.mail("anna", "got", received=NOW)
    sent = house.mail("anna", "sent", received=NOW + 1, bits=1, thread_bits=2)
    both = house.mail("anna", "both", received=NOW + 2)
    house.mail("anna", "reply", ["both"], received=NOW + 3, bits=1, thread_bits=2)

    def folders():
        return {f: anna.ids("/v1/threads", folder=f) for f in ("inbox", "sent", "archive")}

    assert folders() == {"inbox": [both, got], "sent": [both, sent], "archive": []}
    assert anna.ids("/v1/threads") == [both, sent, got]
    assert anna.ok("PATCH", f"/v1/threads/{both}", json={"archived": True})["folderState"] == "archive"
    assert folders() == {"inbox": [got], "sent": [both, sent], "archive": [both]}
    house.mail("anna", "again", ["both"], received=NOW + 4)
    assert folders() == {"inbox": [both, got], "sent": [both, sent], "archive": []}
    anna.ok("PATCH", f"/v1/threads/{both}", json={"archived": True})
    anna.ok("PATCH", f"/v1/threads/{both}", json={"archived": False})
    assert folders()["inbox"] == [both, got]
    assert anna.get(f"/v1/threads/{sent}")["folderState"] == "sent"
    assert anna.call("GET", "/v1/threads?folder=spam").status_code == 400


def test_inb_01_unread(house):
    anna = house.api["anna"]
    a, b = house.mail("anna", "a", received=NOW), house.mail("anna", "b", received=NOW + 1)
    house.r.hset(house.tag("anna") + ":p", id_of("annaa"), pack([[[1, 1, 1]], ["$seen"]]))
    assert anna.ids("/v1/threads", unread="true") == [b]
    assert anna.ok("PATCH", f"/v1/threads/{b}", json={"read": True})["unread"] is False
    assert anna.ids("/v1/threads", unread="true") == []
    assert anna.ok("PATCH", f"/v1/threads/{a}", json={"read": False})["unread"] is True
    assert anna.ids("/v1/threads", unread="true") == [a]
    house.mail("anna", "b2", ["b"], received=NOW + 2)
    assert anna.ids("/v1/threads", unread="true") == [b, a]


def test_shr_01_a_mailbox_is_its_owners_alone(house):
    house.account("team", "ben", members=["cleo"])
    own, team = house.mail("anna", "own"), house.mail("team", "team")
    lists = {name: api.ids("/v1/threads") for name, api in house.api.items()}
    assert lists == {"anna": [own], "ben": [team], "cleo": [team], "root": []}
    for name in ("ben", "cleo", "root"):
        nothing_to_see(house.api[name], own, own)
    answer = house.company.call("GET", "/v1/threads")
    assert (answer.status_code, answer.json()["code"]) == (403, "acting_user_required")
    assert house.root.call("GET", "/v1/threads").status_code == 403


def test_shr_02_all_three_conditions(house):
    house.item("deal", "3", visible={"users": ["cleo"], "groups": []})
    house.person("p3", visible={"users": ["cleo"], "groups": []}, owner="ben")
    threads = {
        "loose": (house.mail("anna", "loose"), set()),
        "person": (house.mail("anna", "person", people=["p1"]), {"ben", "cleo", "root"}),
        "hidden person": (house.mail("anna", "hidden", people=["p3"]), {"ben", "cleo"}),
        "unknown person": (house.mail("anna", "unknown", people=["nobody"]), set()),
        "group's item": (house.mail("anna", "group", kind="d", item="2"), {"ben"}),
        "user's item": (house.mail("anna", "user", kind="d", item="3"), {"cleo"}),
        "both": (house.mail("anna", "both", kind="d", item="2", people=["p3"]), {"ben", "cleo"}),
        "private": (house.mail("anna", "private", kind="d", item="1", people=["p1"], sharing="p"), set()),
    }
    house.settle()
    for what, (thread, seers) in threads.items():
        for name in ("ben", "cleo", "root"):
            status = house.api[name].call("GET", f"/v1/threads/{thread}").status_code
            assert status == (200 if name in seers else 404), (what, name)
        assert house.api["anna"].get(f"/v1/threads/{thread}")["id"] == thread
    deal = house.api["ben"].get("/v1/threads/" + threads["both"][0])
    assert deal["link"]["id"] == "2" and house.api["cleo"].get("/v1/threads/" + threads["both"][0])["link"] is None
    assert set(house.api["ben"].ids("/v1/deals/2/threads")) == {threads["both"][0], threads["group's item"][0]}
    assert house.api["cleo"].call("GET", "/v1/deals/2/threads").status_code == 404
    assert set(house.api["cleo"].ids("/v1/people/p3/threads")) == {threads["both"][0], threads["hidden person"][0]}


def test_shr_04_private_holds_at_once(house):
    """Even while the linker stands still: what the company's side still lists is not shown."""
    anna, ben = house.api["anna"], house.api["ben"]
    thread = house.mail("anna", "a", people=["p1"], kind="d", item="1")
    house.settle()
    views = ["/v1/people/p1/threads", "/v1/deals/1/threads"]
    assert all(ben.ids(v) == [thread] for v in views)
    assert {e["data"]["threadId"] for e in ben.events()[0]} == {thread}
    assert ben.get(f"/v1/threads/{thread}/messages")["data"][0]["id"] == thread
    house.running["linker-1"].send_signal(signal.SIGSTOP)
    try:
        assert anna.ok("PATCH", f"/v1/threads/{thread}", json={"sharing": "private"})["sharing"] == "private"
        assert all(ben.ids(v) == [] for v in views)
        nothing_to_see(ben, thread, thread)
        assert ben.events()[0] == []
        # Its owner still has it, from the mailbox and from both views.
        assert all(anna.ids(v) == [thread] for v in views + ["/v1/threads"])
        anna.ok("PATCH", f"/v1/threads/{thread}", json={"sharing": "shared"})
        assert ben.get(f"/v1/threads/{thread}")["id"] == thread
        anna.ok("PATCH", f"/v1/threads/{thread}", json={"sharing": "private"})
    finally:
        house.running["linker-1"].send_signal(signal.SIGCONT)
    house.settle()
    assert all(ben.ids(v) == [] for v in views) and all(anna.ids(v) == [thread] for v in views)
    assert all(house.api["root"].ids(v) == [] for v in views)


def test_shr_04_only_the_owner_changes(house):
    ben = house.api["ben"]
    thread = house.mail("anna", "a", people=["p1"])
    for method, path in routes_of(thread, thread):
        if method == "GET":
            continue
        answer = ask(ben, method, path, thread)
        if method == "POST":
            assert answer.status_code in (201, 403), answer.text
            continue
        assert (answer.status_code, answer.json()["code"]) == (403, "not_owner"), (method, path, answer.text)
    assert house.api["root"].call("PATCH", f"/v1/threads/{thread}", json={"sharing": "private"}).status_code == 403
    assert house.api["anna"].get(f"/v1/threads/{thread}")["sharing"] == "shared"


def test_shr_06_absent_and_hidden_are_one_answer(house):
    thread = house.mail("anna", "a", people=["p1"], sharing="p")
    house.account("gone", "ben")
    for name in ("ben", "cleo", "root"):
        nothing_to_see(house.api[name], thread, thread)
    # Whatever else is not an id of a thread.
    faces = set()
    for text in (f"anna~{ABSENT}", f"nobody~{ABSENT}", f"gone~{ABSENT}", "anna", "anna~", "~~~", "anna~" + "u" * 16, thread + "0",
                 thread.replace("anna~", "gone~")):
        answer = house.api["ben"].call("GET", f"/v1/threads/{text}")
        faces.add((answer.status_code, answer.content))
    assert len(faces) == 1 and faces.pop()[0] == 404


def test_shr_06_others_are_not_told_the_owners_part(house):
    thread = house.mail("anna", "a", people=["p1"])
    own = house.api["anna"].get(f"/v1/threads/{thread}/messages")["data"][0]
    other = house.api["ben"].get(f"/v1/threads/{thread}/messages")["data"][0]
    assert own["bcc"] == [{"name": None, "email": "secret@us.example"}] and "keywords" in own and "mailboxIds" in own
    assert not {"bcc", "keywords", "mailboxIds"} & set(other)
    assert "secret@us.example" not in str(house.api["ben"].get(f"/v1/threads/{thread}"))
    mine, theirs = house.api["anna"].get(f"/v1/threads/{thread}"), house.api["ben"].get(f"/v1/threads/{thread}")
    assert "unread" in mine and "folderState" in mine and not {"unread", "folderState"} & set(theirs)


def test_lnk_05_by_hand(house):
    anna, ben = house.api["anna"], house.api["ben"]
    thread = house.mail("anna", "a", kind="d", item="1")
    assert anna.get(f"/v1/threads/{thread}")["link"]["by"] == "auto"
    moved = anna.ok("PUT", f"/v1/threads/{thread}/link", json={"kind": "lead", "id": "7"})
    assert (moved["link"]["kind"], moved["link"]["id"], moved["link"]["by"]) == ("lead", "7", "manual")
    house.settle()
    assert ben.ids("/v1/leads/7/threads") == [thread] and ben.ids("/v1/deals/1/threads") == []
    for bad, status in [({"kind": "deal", "id": "nope"}, 404), ({"kind": "deal", "id": "2"}, 404), ({"kind": "boat", "id": "1"}, 400),
                        ({"kind": "deal"}, 400), ({"kind": "deal", "id": "1", "x": 1}, 400)]:
        assert anna.call("PUT", f"/v1/threads/{thread}/link", json=bad).status_code == status, bad
    assert anna.get(f"/v1/threads/{thread}")["link"]["id"] == "7"
    anna.ok("DELETE", f"/v1/threads/{thread}/link", 204)
    # A later message does not link it again.
    house.mail("anna", "b", ["a"], kind="d", item="1", received=NOW + 1)
    after = anna.get(f"/v1/threads/{thread}")
    assert after["link"] is None and after["linkSkipped"] == "manual_unlink" and after["messageCount"] == 2
    house.settle()
    assert ben.ids("/v1/leads/7/threads") == [] and ben.ids("/v1/deals/1/threads") == []


def test_lnk_10_person_of_record(house):
    anna = house.api["anna"]
    thread = house.mail("anna", "a", people=["p1"], person="p1")
    assert anna.get(f"/v1/threads/{thread}")["person"] == {"id": "p1", "by": "auto"}
    assert anna.ok("PUT", f"/v1/threads/{thread}/person", json={"id": "p2"})["person"] == {"id": "p2", "by": "manual"}
    house.settle()
    assert anna.ids("/v1/people/p2/threads") == [thread] and anna.ids("/v1/people/p1/threads") == [thread]
    assert anna.call("PUT", f"/v1/threads/{thread}/person", json={"id": "nobody"}).status_code == 404
    anna.ok("DELETE", f"/v1/threads/{thread}/person", 204)
    assert anna.get(f"/v1/threads/{thread}")["person"] is None
    house.settle()
    assert anna.ids("/v1/people/p2/threads") == []


def test_lnk_07_a_teams_private_thread_shows_to_its_members(house):
    """The detail views have a team's private threads for each of its people, and for nobody else."""
    house.account("team", "ben", members=["cleo"])
    thread = house.mail("team", "a", people=["p1"], kind="d", item="1", sharing="p")
    house.settle()
    for name, seen in (("ben", True), ("cleo", True), ("anna", False), ("root", False)):
        for view in ("/v1/people/p1/threads", "/v1/deals/1/threads"):
            assert house.api[name].ids(view) == ([thread] if seen else []), (name, view)


def test_deleting(house):
    anna, ben = house.api["anna"], house.api["ben"]
    a = house.mail("anna", "a", people=["p1"], received=NOW)
    second = house.mail("anna", "a2", ["a"], people=["p1"], received=NOW + 1)
    b = house.mail("anna", "b", people=["p1"], received=NOW + 2)
    house.settle()
    assert ben.ids("/v1/people/p1/threads") == [b, a]
    anna.ok("DELETE", f"/v1/messages/{second}", 204)
    assert anna.get(f"/v1/threads/{a}")["messageCount"] == 1
    assert [m["id"] for m in anna.get(f"/v1/threads/{a}/messages")["data"]] == [a]
    nothing = anna.call("GET", f"/v1/messages/{second}")
    assert nothing.status_code == 404
    anna.ok("DELETE", f"/v1/threads/{b}", 204)
    assert anna.ids("/v1/threads") == [a] and ben.ids("/v1/people/p1/threads") == [a]
    assert anna.call("DELETE", f"/v1/threads/{b}").status_code == 404
    nothing_to_see(anna, b, b)
    house.settle()
    assert ben.ids("/v1/people/p1/threads") == [a]
    anna.ok("DELETE", f"/v1/messages/{a}", 204)
    assert anna.ids("/v1/threads") == []


def test_a_thread_of_many_messages_goes_whole(house):
    house.commit("anna", ("m0", [], {}), *[(f"m{k}", ["m0"], {"received": NOW + k}) for k in range(1, 700)])
    thread = public("anna", id_of("annam0"))
    assert house.api["anna"].get(f"/v1/threads/{thread}")["messageCount"] == 700
    house.api["anna"].ok("DELETE", f"/v1/threads/{thread}", 204)
    assert house.r.hlen(house.tag("anna") + ":m") == 0 and house.r.hlen(house.tag("anna") + ":dead") == 700


def test_thr_04_a_merged_threads_id_still_leads_to_it(house):
    anna = house.api["anna"]
    a, b = house.mail("anna", "a", received=NOW, people=["p1"]), house.mail("anna", "b", received=NOW + 1, people=["p1"])
    house.settle()
    house.mail("anna", "c", ["a", "b"], received=NOW + 2)
    one, other = anna.get(f"/v1/threads/{a}"), anna.get(f"/v1/threads/{b}")
    assert one == other and one["id"] == a and one["messageCount"] == 3
    assert anna.ids("/v1/threads") == [a]
    assert house.api["ben"].ids("/v1/people/p1/threads") == [a]
    assert len(anna.get(f"/v1/threads/{b}/messages")["data"]) == 3
    assert anna.get(f"/v1/threads/{b}/messages") == anna.get(f"/v1/threads/{a}/messages")
    house.settle()
    assert house.api["ben"].ids("/v1/people/p1/threads") == [a]


def test_shr_04_many_at_once(house):
    anna, ben = house.api["anna"], house.api["ben"]
    mine = [house.mail("anna", f"m{k}", people=["p1"], received=NOW + k) for k in range(20)]
    house.account("ben", "ben")
    bens = house.mail("ben", "x", people=["p1"])
    house.settle()
    answer = anna.ok("POST", "/v1/threads/bulk", json={"ids": mine + [bens, f"anna~{ABSENT}", "rubbish"], "op": "private"})
    assert answer["done"] == mine
    assert [(f["id"], f["code"]) for f in answer["failed"]] == [(bens, "not_owner"), (f"anna~{ABSENT}", "not_found"), ("rubbish", "not_found")]
    assert ben.ids("/v1/people/p1/threads") == [bens]
    anna.ok("POST", "/v1/threads/bulk", json={"ids": mine[:5], "op": "share"})
    anna.ok("POST", "/v1/threads/bulk", json={"ids": mine[:5], "op": "archive"})
    assert sorted(anna.ids("/v1/threads", folder="archive")) == sorted(mine[:5])
    anna.ok("POST", "/v1/threads/bulk", json={"ids": mine[:5], "op": "unarchive"})
    anna.ok("POST", "/v1/threads/bulk", json={"ids": mine, "op": "read"})
    assert anna.ids("/v1/threads", unread="true") == []
    anna.ok("POST", "/v1/threads/bulk", json={"ids": mine[5:], "op": "delete"})
    house.settle()
    assert anna.ids("/v1/threads") == mine[4::-1]
    assert sorted(ben.ids("/v1/people/p1/threads")) == sorted(mine[:5] + [bens])
    assert anna.call("POST", "/v1/threads/bulk", json={"ids": mine, "op": "explode"}).status_code == 400


def test_lnk_09_why(house):
    anna = house.api["anna"]
    thread = house.mail("anna", "a", people=["p1"], reason="multiple_open_items", open=["d:1", "d:2"])
    second = house.mail("anna", "b", ["a"], people=["p1"], kind="d", item="1", received=NOW + 1)
    why = anna.get(f"/v1/threads/{thread}/why")
    assert why["link"]["id"] == "1" and why["people"] == ["p1"] and why["sharing"] == "shared"
    assert [d["messageId"] for d in why["decisions"]] == [second, thread]
    assert why["decisions"][0]["link"] == {"kind": "deal", "id": "1"} and why["decisions"][1]["reason"] == "multiple_open_items"
    # Deal 2 is for a group alone.
    assert why["decisions"][1]["candidates"] == [{"kind": "deal", "id": "1"}]
    assert house.api["ben"].get(f"/v1/threads/{thread}/why")["decisions"][1]["candidates"] == [{"kind": "deal", "id": "1"},
                                                                                              {"kind": "deal", "id": "2"}]
    for user, private, expected in (("ben", False, (True, False, True, True, True)), ("ben", True, (False, False, False, True, None)),
                                    ("anna", True, (True, True, False, True, None))):
        anna.ok("PATCH", f"/v1/threads/{thread}", json={"sharing": "private" if private else "shared"})
        viewer = anna.get(f"/v1/threads/{thread}/why", viewer=user)["viewer"]
        assert tuple(viewer[k] for k in ("sees", "owner", "shared", "tied", "tieVisible")) == expected, (user, private)
    anna.ok("PATCH", f"/v1/threads/{thread}", json={"sharing": "shared"})
    assert house.api["ben"].call("GET", f"/v1/threads/{thread}/why?viewer=cleo").status_code == 403
    assert anna.call("GET", f"/v1/threads/{thread}/why?viewer=nobody").status_code == 404


def test_shr_06_bodies_sources_and_attachments(small):
    """On the whole pipeline: a message's facts, body, bytes and attachments go with its thread."""
    first, second = (r["id"] for r in small.ledger["reps"][:2])
    anna, ben = small.user(first), small.user(second)

    def with_attachment():
        for thread in anna.every("/v1/threads"):
            if thread["people"] and ben.session.get(ben.base + f"/v1/threads/{thread['id']}").status_code == 200:
                for message in anna.get(f"/v1/threads/{thread['id']}/messages")["data"]:
                    for part in anna.get(f"/v1/messages/{message['id']}")["attachments"] if message["hasAttachment"] else []:
                        return thread["id"], message["id"], part
        return None

    thread, message, part = with_attachment()
    tails = ["", "/body", f"/attachments/{part['partId']}"]
    for tail in tails:
        seen = ben.call("GET", f"/v1/messages/{message}{tail}", 200)
        assert seen.headers["Cache-Control"].startswith("no-store")
    octets = anna.call("GET", f"/v1/messages/{message}{tails[2]}", 200)
    assert octets.content == seen.content and len(octets.content) == part["size"]
    assert octets.headers["Content-Disposition"].startswith("attachment") and octets.headers["X-Content-Type-Options"].startswith("nosniff")
    assert "sandbox" in octets.headers["Content-Security-Policy"]
    ranged = ben.call("GET", f"/v1/messages/{message}{tails[2]}", 206, headers={"Range": "bytes=3-9"})
    assert ranged.content == octets.content[3:10] and ranged.headers["Content-Range"] == f"bytes 3-9/{len(octets.content)}"
    # The source has Bcc in it: its owner's alone, and so are the header fields as they stand there.
    own, others = (api.get(f"/v1/messages/{message}") for api in (anna, ben))
    assert own["headers"] and not {"headers", "bcc"} & set(others)
    assert b"\n" in anna.call("GET", f"/v1/messages/{message}/raw", 200).content
    assert ben.call("GET", f"/v1/messages/{message}/raw", 403).json()["code"] == "not_owner"
    try:
        anna.call("PATCH", f"/v1/threads/{thread}", 200, json={"sharing": "private"})
        for tail in tails + ["/raw"]:
            hidden, missing = (ben.session.get(f"{ben.base}/v1/messages/{i}{tail}") for i in (message, f"{first}~{ABSENT}"))
            assert hidden.status_code == 404 and face(hidden) == face(missing), tail
            anna.call("GET", f"/v1/messages/{message}{tail}", 200)
    finally:
        anna.call("PATCH", f"/v1/threads/{thread}", 200, json={"sharing": "shared"})
    assert ben.call("GET", f"/v1/messages/{message}{tails[2]}", 200).content == octets.content
    small.wait_applied()
