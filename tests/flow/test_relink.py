"""Proves LNK-03's request to link older mail after all: what would be linked is said first and then done, by the rules of LNK-02
with the people and items of now; decisions of before stay (LNK-05), and the journal, events and timelines have it."""
import msgpack
import pytest

from gateway_world import NOW, Mailbox


@pytest.fixture(scope="module")
def shared_box():
    made = Mailbox()
    yield made
    made.close()


@pytest.fixture
def house(shared_box):
    shared_box.wipe()
    shared_box.api = {name: shared_box.user(name) for name in ("anna", "ben")}
    shared_box.account("anna", "anna")
    shared_box.r.hset(shared_box.tag("anna") + ":acct", "own", msgpack.packb(["anna@us.example"]))
    return shared_box


def deal(house, name, *people, kind="deal", status="open"):
    house.company.ok("PUT", f"/v1/{kind}s/{name}", json={"title": name, "status": status, "personIds": list(people)})


def card(*addresses, **more):
    return msgpack.packb({"s": "s", "p": "", "f": [["", addresses[0]]], "t": [["", a] for a in addresses[1:]], **more}, use_bin_type=False)


def relink(house, thread, preview=False, user="anna"):
    return house.api[user].ok("POST", f"/v1/threads/{thread}/relink" + ("?preview=true" if preview else ""))


def test_lnk_03_older_mail_is_linked_on_request_alone(house):
    """Person and deal come after the mail: nothing links by itself; the preview says what would be and changes nothing; done once,
    it is linked, on the timelines, in the events, and doing it again changes nothing."""
    thread = house.mail("anna", "old", received=NOW)
    anna, ben = house.api["anna"], house.api["ben"]
    house.person("frida")
    deal(house, "1", "frida")
    house.settle()
    before = anna.get(f"/v1/threads/{thread}")
    assert (before["link"], before["linkSkipped"], before["people"]) == (None, "no_person", [])
    _, after = anna.events()
    said = relink(house, thread, preview=True)
    assert said == {"threadId": thread, "preview": True, "changes": True, "link": {"kind": "deal", "id": "1"}, "reason": None,
                    "candidates": [], "person": {"id": "frida"}, "people": ["frida"], "messages": 1, "undecided": 0}
    house.settle()
    assert anna.get(f"/v1/threads/{thread}") == before and anna.events(after=after)[0] == []
    assert relink(house, thread) == {**said, "preview": False}
    house.settle()
    now = anna.get(f"/v1/threads/{thread}")
    assert (now["link"]["kind"], now["link"]["id"], now["link"]["by"]) == ("deal", "1", "auto")
    assert now["linkSkipped"] is None and now["people"] == ["frida"] and now["person"] == {"id": "frida", "by": "auto"}
    assert ben.ids("/v1/deals/1/threads") == [thread] and ben.ids("/v1/people/frida/threads") == [thread]
    events, after = anna.events(after=after)
    assert [e["type"] for e in events] == ["thread.linked", "thread.updated"]
    again = relink(house, thread)
    assert (again["changes"], again["reason"], again["link"], again["people"]) == (False, "already_linked", None, [])
    house.settle()
    assert anna.events(after=after)[0] == []


def test_lnk_02_the_reasons_are_those_of_mail_that_comes(house):
    """None, several, a kind that does not link by itself, manual mode: each said, and people are matched all the same."""
    thread = house.mail("anna", "m", received=NOW)
    assert relink(house, thread, preview=True)["reason"] == "no_person"
    house.person("frida")
    assert relink(house, thread, preview=True)["reason"] == "no_open_item"
    deal(house, "closed", "frida", status="won")
    deal(house, "p", "frida", kind="project")
    assert relink(house, thread, preview=True)["reason"] == "kind_not_automatic"
    deal(house, "1", "frida")
    said = relink(house, thread)
    assert said["reason"] == "multiple_open_items" and said["link"] is None and said["people"] == ["frida"]
    assert sorted(c["id"] for c in said["candidates"]) == ["1", "p"]
    house.settle()
    assert house.api["anna"].get(f"/v1/threads/{thread}")["link"] is None
    assert house.api["ben"].ids("/v1/people/frida/threads") == [thread]
    house.company.ok("DELETE", "/v1/projects/p")
    house.company.ok("PATCH", "/v1/settings", json={"linkItems": "manual"})
    assert relink(house, thread)["reason"] == "manual_mode"
    house.company.ok("PATCH", "/v1/settings", json={"linkItems": "automatic"})
    assert relink(house, thread)["link"] == {"kind": "deal", "id": "1"}


def test_lnk_05_what_was_decided_by_hand_stays(house):
    for name in ("frida", "gerd"):
        house.person(name)
    unlinked, linked = house.mail("anna", "u", received=NOW), house.mail("anna", "l", received=NOW)
    anna = house.api["anna"]
    deal(house, "1", "frida")
    deal(house, "2", "gerd")
    anna.ok("DELETE", f"/v1/threads/{unlinked}/link")
    anna.ok("PUT", f"/v1/threads/{linked}/link", json={"kind": "deal", "id": "2"})
    assert relink(house, unlinked)["reason"] == "manual_unlink" and relink(house, linked)["reason"] == "already_linked"
    assert anna.get(f"/v1/threads/{unlinked}")["link"] is None
    assert (anna.get(f"/v1/threads/{linked}")["link"]["id"], anna.get(f"/v1/threads/{linked}")["link"]["by"]) == ("2", "manual")
    house.company.ok("PATCH", "/v1/settings", json={"linkItems": "manual"})
    assert relink(house, unlinked)["reason"] == "manual_mode"


def test_lnk_06_the_oldest_message_that_links_decides_for_the_whole(house):
    """200 messages, four steps of reading: gerd's, in the middle, would link to 2; frida's, the oldest, to 1. A colleague's address
    and the account's own count for nothing."""
    mails = [("m0", [], {"received": NOW, "card": card("frida@client.example", "ben@us.example", "anna@us.example")})]
    mails += [(f"m{k}", ["m0"], {"received": NOW + k, "card": card("gerd@client.example" if k == 100 else "nobody@client.example")})
              for k in range(1, 200)]
    house.commit("anna", *mails)
    thread, = house.api["anna"].ids("/v1/threads")
    for name in ("frida", "gerd"):
        house.person(name)
    house.company.ok("PUT", "/v1/people/twin", json={"name": "twin", "emails": ["ben@us.example"]})
    deal(house, "2", "gerd")
    only = relink(house, thread, preview=True)
    assert (only["link"], only["messages"]) == ({"kind": "deal", "id": "2"}, 200)
    deal(house, "1", "frida")
    assert relink(house, thread)["link"] == {"kind": "deal", "id": "1"}
    assert sorted(house.api["anna"].get(f"/v1/threads/{thread}")["people"]) == ["frida", "gerd"]


def test_lnk_03_a_message_that_cannot_be_read_whole_links_nothing(house):
    """Its card was cut short and there is no parser: others may be on it, so it decides nothing and is counted."""
    thread = house.mail("anna", "cut", received=NOW, bits=64)
    house.person("frida")
    deal(house, "1", "frida")
    said = relink(house, thread)
    assert (said["link"], said["messages"], said["undecided"], said["changes"]) == (None, 0, 1, False)


def test_shr_04_who_does_not_own_the_thread_asks_in_vain(house):
    thread = house.mail("anna", "m", received=NOW)
    private = house.mail("anna", "p", received=NOW, sharing="p")
    house.person("frida")
    relink(house, thread)
    relink(house, private)
    assert house.api["ben"].call("POST", f"/v1/threads/{thread}/relink").json()["code"] == "not_owner"
    assert house.api["ben"].call("POST", f"/v1/threads/{private}/relink").json()["code"] == "not_found"
    assert house.company.call("POST", f"/v1/threads/{thread}/relink").json()["code"] == "acting_user_required"
