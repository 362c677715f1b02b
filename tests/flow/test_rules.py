"""Proves LNK-01 to LNK-11 one by one, each by what it grants and by what it refuses, on the real threader, linker and gateway."""
import itertools

from rules_house import DAY, NOW, OWN, house, refs, stages  # noqa: F401


# ---- LNK ----

def test_lnk_01_every_address_of_any_field_in_any_spelling_matches(house):
    house.person("p1", "Frida@Client.Example")
    house.person("p2", "x@bücher.example", "other@c.example")
    house.person("twin", "frida@client.example")
    both = {"p1", "twin"}
    for sender, fields, people in (("FRIDA@client.example", {}, both), ("x@xn--bcher-kva.example", {}, {"p2"}), ("a@b.example", {"cc": ["other@c.example"]}, {"p2"}),
                                   ("a@b.example", {"bcc": ["other@c.example"]}, {"p2"}), ("a@b.example", {"reply_to": ["frida@client.example"]}, both),
                                   (OWN, {"to": ["x@BÜCHER.example", "frida@client.EXAMPLE"]}, both | {"p2"})):
        assert set(house.thread(house.mail(sender, **fields))["people"]) == people, (sender, fields)


def test_lnk_01_not_the_accounts_own_nor_a_users_address(house):
    house.person("me", OWN)
    house.person("colleague", "ben@us.example")
    for sender, fields in ((OWN, {"to": ["ben@us.example"]}), ("ben@us.example", {}), ("stranger@c.example", {"cc": ["ben@us.example", OWN]})):
        thread = house.mail(sender, **fields)
        assert house.thread(thread)["people"] == [] and house.why_not(thread) == "no_person"


def test_lnk_02_the_one_open_item_of_all_people_links(house):
    house.person("p1")
    house.person("p2")
    house.person("p3")
    house.item("d", "p1", "p2")
    house.item("old", "p1", status="won")
    house.item("lead", "p3", kind="lead")
    assert house.link(house.mail("p1@c.example", cc=["p2@c.example"])) == ("deal", "d", "auto")  # one item of several people counts once
    assert house.link(house.mail(OWN, to=["p3@c.example"])) == ("lead", "lead", "auto")


def test_lnk_02_none_several_or_another_kind_do_not(house):
    for name in ("none", "two", "project"):
        house.person(name)
    house.item("won", "none", status="won")
    house.item("d", "two")
    house.item("l", "two", kind="lead")
    house.item("p", "project", kind="project")
    reasons = {sender: house.why_not(house.mail(f"{sender}@c.example")) for sender in ("nobody", "none", "two", "project")}
    assert reasons == {"nobody": "no_person", "none": "no_open_item", "two": "multiple_open_items", "project": "kind_not_automatic"}
    assert house.why_not(house.mail("two@c.example", cc=["project@c.example"])) == "multiple_open_items"
    house.settings(autoLinkKinds=["project"])
    assert house.link(house.mail("project@c.example")) == ("project", "p", "auto")


def test_lnk_03_the_time_is_the_servers_for_incoming_and_the_senders_for_outgoing(house):
    house.person("p1")
    house.item("d", "p1", created="2026-09-01T00:00:00Z")
    before, after = NOW - 60 * DAY, NOW
    assert house.link(house.mail("p1@c.example", received=after, sent=before)) == ("deal", "d", "auto")
    assert house.link(house.mail(OWN, to=["p1@c.example"], received=before, sent=after)) == ("deal", "d", "auto")


def test_lnk_03_what_came_before_the_item_or_person_stays_unlinked(house):
    house.person("p1")
    house.item("d", "p1", created="2026-09-01T00:00:00Z")
    before = NOW - 60 * DAY
    forged = house.mail("p1@c.example", received=before, sent=NOW)
    assert house.why_not(forged) == "predates_item"
    assert house.why_not(house.mail(OWN, to=["p1@c.example"], received=NOW, sent=before)) == "predates_item"
    early = house.mail("later@c.example")
    house.person("later")
    house.item("e", "later")
    assert (house.why_not(early), house.thread(early)["people"]) == ("no_person", [])


def test_lnk_04_manual_matches_people_and_never_items(house):
    house.person("p1")
    house.item("d", "p1")
    house.settings(linkItems="manual")
    thread = house.mail("p1@c.example")
    assert house.thread(thread)["people"] == ["p1"] and house.why_not(thread) == "manual_mode"
    house.settings(linkItems="automatic")
    assert house.link(house.mail("p1@c.example")) == ("deal", "d", "auto")


def test_lnk_05_a_user_links_moves_and_unlinks(house):
    house.item("d")
    house.item("l", kind="lead")
    house.item("p", kind="project")
    thread = house.mail("x@c.example")
    for kind, name in (("deal", "d"), ("lead", "l"), ("project", "p")):
        house.anna.ok("PUT", f"/v1/threads/{thread}/link", json={"kind": kind, "id": name})
        assert house.link(thread) == (kind, name, "manual")
    house.anna.ok("DELETE", f"/v1/threads/{thread}/link", 204)
    assert house.why_not(thread) == "manual_unlink"


def test_lnk_05_no_message_overrides_a_decision_by_hand(house):
    house.person("p1")
    house.item("d", "p1")
    house.item("mine")
    moved, unlinked = house.mail("p1@c.example"), house.mail("p1@c.example")
    house.anna.ok("PUT", f"/v1/threads/{moved}/link", json={"kind": "deal", "id": "mine"})
    house.anna.ok("DELETE", f"/v1/threads/{unlinked}/link", 204)
    for thread in (moved, unlinked):
        house.mail("p1@c.example", refs=refs(thread))
    assert house.link(moved) == ("deal", "mine", "manual") and house.why_not(unlinked) == "manual_unlink"
    assert house.ben.call("PUT", f"/v1/threads/{moved}/link", json={"kind": "deal", "id": "d"}).json()["code"] == "not_owner"


def test_lnk_06_later_messages_follow_and_an_unlinked_thread_is_decided_again(house):
    house.person("p1")
    house.person("p2")
    house.item("d", "p1")
    house.item("e", "p2")
    linked = house.mail("p1@c.example")
    house.mail("p2@c.example", refs=refs(linked))
    assert house.link(linked) == ("deal", "d", "auto") and house.thread(linked)["messageCount"] == 2
    unlinked = house.mail("nobody@c.example")
    assert house.why_not(unlinked) == "no_person"
    house.mail("p2@c.example", refs=refs(unlinked))
    assert house.link(unlinked) == ("deal", "e", "auto")
    assert [t["id"] for t in house.anna.every("/v1/deals/e/threads")] == [unlinked]


def test_lnk_06_but_the_new_message_must_itself_link(house):
    house.person("p1")
    house.item("d", "p1", created="2026-09-01T00:00:00Z")
    thread = house.mail("nobody@c.example")
    house.mail("p1@c.example", refs=refs(thread), received=NOW - 60 * DAY)
    assert house.why_not(thread) == "predates_item"


def test_lnk_07_detail_views_newest_first_with_what_is_archived(house):
    house.person("p1")
    house.item("d", "p1")
    threads = [house.mail("p1@c.example", received=NOW + k) for k in range(3)]
    house.anna.ok("PATCH", f"/v1/threads/{threads[1]}", json={"archived": True})
    for api, view in itertools.product((house.anna, house.ben), ("/v1/deals/d/threads", "/v1/people/p1/threads")):
        assert api.ids(view) == threads[::-1], view


def test_lnk_07_without_what_is_deleted_and_for_nobody_who_may_not_see_the_item(house):
    house.person("p1", visibleTo={"users": ["anna"]})
    house.item("d", "p1", visibleTo={"users": ["anna"]})
    threads = [house.mail("p1@c.example", received=NOW + k) for k in range(2)]
    house.anna.ok("DELETE", f"/v1/threads/{threads[1]}", 204)
    for view in ("/v1/deals/d/threads", "/v1/people/p1/threads"):
        assert house.anna.ids(view) == threads[:1]
        for api in (house.ben, house.root):
            assert api.call("GET", view).status_code == 404


def test_lnk_08_a_person_made_from_a_thread_is_on_it_at_once(house):
    thread = house.mail("new@c.example")
    other = house.mail("new@c.example")
    made = house.anna.ok("POST", "/v1/people", 201, json={"fromThread": thread, "email": "new@c.example"})
    assert house.thread(thread)["people"] == [made["id"]] and house.thread(other)["people"] == []
    assert house.thread(thread)["person"] == {"id": made["id"], "by": "auto"} and house.anna.ids(f"/v1/people/{made['id']}/threads") in ([], [thread])
    house.applied()
    assert house.anna.ids(f"/v1/people/{made['id']}/threads") == [thread]
    second = house.mail("new@c.example", cc=["else@c.example"])
    more = house.anna.ok("POST", "/v1/people", 201, json={"fromThread": second, "email": "else@c.example"})
    assert set(house.thread(second)["people"]) == {made["id"], more["id"]} and house.thread(second)["person"]["id"] == made["id"]
    assert house.thread(house.mail("NEW@c.example"))["people"] == [made["id"]]
    told = house.company.events(types="person.created")[0]
    assert [e["data"]["personId"] for e in told] == [made["id"], more["id"]]


def test_lnk_08_syncing_never_makes_people(house):
    thread = house.mail("new@c.example", cc=["other@c.example"])
    assert not house.world.r.exists("{c:%s}:person" % house.name, "{c:%s}:ad" % house.name)
    assert not house.company.events(types="person.created")[0]
    answer = house.anna.call("POST", "/v1/people", json={"fromThread": thread, "email": "not-on-it@c.example"})
    assert answer.status_code == 422 or answer.status_code == 400, answer.text
    assert not house.world.r.exists("{c:%s}:person" % house.name)


def test_lnk_09_why_says_what_was_open_then(house):
    house.person("p1")
    house.item("d", "p1")
    house.item("e", "p1")
    thread = house.mail("p1@c.example")
    house.item("d", "p1", status="won")
    (decision,) = house.anna.get(f"/v1/threads/{thread}/why")["decisions"]
    assert decision["reason"] == "multiple_open_items" and {(c["kind"], c["id"]) for c in decision["candidates"]} == {("deal", "d"), ("deal", "e")}
    house.mail("p1@c.example", refs=refs(thread), received=NOW + 1)
    why = house.anna.get(f"/v1/threads/{thread}/why")
    assert why["people"] == ["p1"] and why["decisions"][0]["link"] == {"kind": "deal", "id": "e"} and why["decisions"][1] == decision


def test_lnk_09_nothing_is_explained_to_who_does_not_see_it(house):
    house.person("p1")
    house.item("d", "p1")
    house.item("e", "p1", visibleTo={"users": ["ben"]})
    thread = house.mail("p1@c.example")
    (decision,) = house.anna.get(f"/v1/threads/{thread}/why")["decisions"]
    assert decision["candidates"] == [{"kind": "deal", "id": "d"}]
    house.anna.ok("PATCH", f"/v1/threads/{thread}", json={"sharing": "private"})
    answers = {house.ben.call("GET", f"/v1/threads/{t}/why").content for t in (thread, "box~zzzzzzzzzzzzzzzz")}
    assert len(answers) == 1 and b"not_found" in answers.pop()


def test_lnk_10_from_of_incoming_or_the_first_matched_to_of_outgoing(house):
    house.person("p1")
    house.person("p2")
    assert house.thread(house.mail("p2@c.example", cc=["p1@c.example"]))["person"] == {"id": "p2", "by": "auto"}
    assert house.thread(house.mail(OWN, to=["x@c.example", "p1@c.example", "p2@c.example"]))["person"] == {"id": "p1", "by": "auto"}


def test_lnk_10_nobody_for_cc_alone_and_no_change_but_by_hand(house):
    house.person("p1")
    house.person("p2")
    thread = house.mail("x@c.example", cc=["p1@c.example"])
    assert house.thread(thread)["person"] is None and house.thread(thread)["people"] == ["p1"]
    house.mail("p2@c.example", refs=refs(thread))
    house.mail("p1@c.example", refs=refs(thread))
    assert house.thread(thread)["person"] == {"id": "p2", "by": "auto"}
    house.anna.ok("PUT", f"/v1/threads/{thread}/person", json={"id": "p1"})
    house.mail("p2@c.example", refs=refs(thread))
    assert house.thread(thread)["person"] == {"id": "p1", "by": "manual"}


def report(api, **query):
    return [(f["email"], f["problem"], f["people"], f["userId"]) for f in api.every("/v1/reports/addresses", **query)]


def test_lnk_11_the_report_names_shared_addresses_and_people_with_a_users(house):
    house.person("p1", "Shared@c.example", "own@c.example")
    house.person("p2", "shared@c.example", "BEN@us.example")
    house.person("p3", "a@c.example", "shared@c.example")
    house.person("p4", "a@c.example")
    several = [("a@c.example", "several_people", ["p3", "p4"], None), ("shared@c.example", "several_people", ["p1", "p2", "p3"], None)]
    of_user = [("ben@us.example", "address_of_user", ["p2"], "ben")]
    for limit in (1, 2, 50):
        assert report(house.company, limit=limit) == several + of_user
    assert report(house.company, problem="several_people", limit=1) == several and report(house.company, problem="address_of_user") == of_user


def test_lnk_11_not_what_is_mended_nor_people_that_the_admin_may_not_see(house):
    house.person("p1", "s@c.example", "t@c.example", "ben@us.example")
    house.person("p2", "s@c.example", visibleTo={"users": ["ben"]})
    house.person("p3", "t@c.example", visibleTo={"users": ["ben"]})
    house.person("p4", "t@c.example")
    assert house.anna.call("GET", "/v1/reports/addresses").json()["code"] == "admin_required"
    assert report(house.root) == [("t@c.example", "several_people", ["p1", "p4"], None), ("ben@us.example", "address_of_user", ["p1"], "ben")]
    house.person("p1", "t@c.example")
    house.company.ok("DELETE", "/v1/people/p4", 204)
    assert report(house.company) == [("t@c.example", "several_people", ["p1", "p3"], None)]
    house.person("p3", "u@c.example")
    assert report(house.company) == []
    house.world.r.exists("{c:%s}:adm" % house.name) == 0
