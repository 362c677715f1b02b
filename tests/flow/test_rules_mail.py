"""Proves SHR-01, SHR-03, BLK-01 to BLK-03, THR-03, THR-04, INB-05, INB-06, CFG-02 and ACC-10 one by one, each by what it grants and by what
it refuses, on the real threader, linker and gateway."""
import itertools
import json

from rules_house import DAY, NOW, OWN, House, house, refs, stages  # noqa: F401


# ---- SHR ----

def test_shr_01_owner_and_named_members_alone(house):
    house.box("team", "ben", "team@us.example", members=["anna"])
    own, team = house.mail("x@c.example"), house.mail("x@c.example", account="team", own="team@us.example")
    assert {name: set(getattr(house, name).ids("/v1/threads")) for name in ("anna", "ben", "root")} == {
        "anna": {own, team}, "ben": {team}, "root": set()}
    assert house.company.call("GET", "/v1/threads").json()["code"] == "acting_user_required"
    for api in (house.ben, house.root):
        assert api.call("GET", f"/v1/threads/{own}").status_code == 404


def test_shr_03_a_new_thread_has_the_default_of_its_moment(house):
    def sharing(**more):
        return house.thread(house.mail("x@c.example", **more))["sharing"]
    assert sharing() == "shared"
    house.settings(defaultSharing="private")
    assert sharing() == "private" and sharing(received=NOW - 300 * DAY) == "private"  # older mail too
    house.anna.ok("PATCH", "/v1/users/anna/preferences", json={"defaultSharing": "shared"})
    assert sharing() == "shared"
    house.world.r.hset(house.tag() + ":acct", "sharing", "private")
    assert sharing() == "private"


def test_shr_03_a_changed_default_changes_no_thread(house):
    shared = house.mail("x@c.example")
    house.settings(defaultSharing="private")
    private = house.mail("x@c.example")
    house.mail("x@c.example", refs=refs(shared))
    house.settings(defaultSharing="shared")
    house.anna.ok("PATCH", "/v1/users/anna/preferences", json={"defaultSharing": "shared"})
    house.mail("x@c.example", refs=refs(private))
    assert [house.thread(t)["sharing"] for t in (shared, private)] == ["shared", "private"]


# ---- BLK ----

def test_blk_01_addresses_domains_and_subdomains_of_company_and_account(house):
    house.settings(blocked=["a@b.example", "@c.example", "@*.d.example"])
    house.world.r.hset(house.tag() + ":acct", "config", json.dumps({"blocked": ["mine@x.example"]}))
    senders = ["A@b.example", "any@c.example", "x@sub.d.example", "mine@x.example"]
    for sender in senders:
        house.mail(sender)
    assert (house.count("screened"), house.count("committed")) == (len(senders), 0)


def test_blk_01_not_a_neighbour_of_what_is_blocked(house):
    house.settings(blocked=["a@b.example", "@c.example", "@*.d.example"])
    senders = ["b@b.example", "x@sub.c.example", "x@d.example", "x@bc.example", "x@c.example.org", "mine@x.example"]
    for sender in senders:
        house.mail(sender)
    assert (house.count("screened"), house.count("committed")) == (0, len(senders))


def test_blk_02_all_blocked_but_the_account_itself_is_screened(house):
    house.settings(blocked=["@spam.example"])
    house.mail("x@spam.example", to=[OWN], cc=["y@spam.example"])
    assert (house.count("screened"), house.anna.ids("/v1/threads")) == (1, [])


def test_blk_02_one_other_participant_or_sending_it_keeps_it(house):
    house.settings(blocked=["@spam.example", OWN])
    kept = [house.mail("x@spam.example", to=[OWN, "ben@us.example"]), house.mail("x@spam.example", cc=["z@c.example"]),
            house.mail(OWN, to=["x@spam.example"])]
    assert house.count("screened") == 0 and set(house.anna.ids("/v1/threads")) == set(kept)


def test_blk_03_screened_is_counted_and_leaves_no_trace(house):
    house.person("p1", "p1@spam.example")
    house.settings(blocked=["@spam.example"])
    screened = house.mail("p1@spam.example")
    later = house.mail("x@c.example", refs=refs(screened))
    tag = house.tag()
    assert (house.count("screened"), house.count("committed"), house.count("j")) == (1, 1, 1)
    assert house.world.r.hlen(tag + ":m") == 1 and house.world.r.hlen(tag + ":t") == 1 and not house.world.r.exists(tag + ":dead")
    assert house.anna.call("GET", f"/v1/threads/{screened}").status_code == 404 and house.anna.ids("/v1/threads") == [later]
    assert {e["data"]["threadId"] for e in house.anna.events()[0]} == {later}


def test_blk_03_blocking_later_removes_nothing(house):
    thread = house.mail("x@spam.example")
    house.settings(blocked=["@spam.example"])
    house.mail("x@spam.example", refs=refs(thread))
    assert house.anna.ids("/v1/threads") == [thread] and house.thread(thread)["messageCount"] == 1 and house.count("screened") == 1


# ---- THR ----

def test_thr_03_a_late_message_joins_two_and_the_first_id_stays(house):
    first, second = house.mail("x@c.example"), house.mail("y@c.example", received=NOW - 5)
    house.mail("z@c.example", refs=refs(second, first))
    assert house.anna.ids("/v1/threads") == [first]
    assert house.thread(second) == house.thread(first) and house.thread(first)["messageCount"] == 3


def test_thr_03_what_was_joined_is_never_split(house):
    first, second = house.mail("x@c.example"), house.mail("y@c.example")
    joint = house.mail("z@c.example", refs=refs(first, second))
    house.anna.ok("DELETE", f"/v1/messages/{joint}", 204)
    house.mail("y@c.example", refs=refs(second), received=NOW + 9)
    assert house.anna.ids("/v1/threads") == [first] and house.thread(second)["messageCount"] == 3
    assert house.mail("x@c.example") in house.anna.ids("/v1/threads")  # the same sender and subject alone join nothing


def joined(house, first, second):
    house.mail("z@c.example", refs=refs(first, second), received=NOW + 10)
    return house.thread(first)


def test_thr_04_by_hand_wins_over_automatic_private_and_inbox_win(house):
    house.person("p1")
    house.item("d", "p1")
    house.item("mine")
    automatic, by_hand = house.mail("p1@c.example"), house.mail("x@c.example")
    house.anna.ok("PUT", f"/v1/threads/{by_hand}/link", json={"kind": "deal", "id": "mine"})
    house.anna.ok("PATCH", f"/v1/threads/{by_hand}", json={"sharing": "private", "archived": True})
    merged = joined(house, automatic, by_hand)
    assert (merged["link"]["id"], merged["link"]["by"], merged["sharing"], merged["folderState"]) == ("mine", "manual", "private", "inbox")
    (event,) = house.anna.events(types="thread.merged")[0]
    assert event["data"]["threadId"] == automatic and "d" in json.dumps(event["data"]["dropped"] if "dropped" in event["data"] else event["data"])
    unlinked = house.mail("p1@c.example")
    other = house.mail("p1@c.example")
    house.anna.ok("DELETE", f"/v1/threads/{other}/link", 204)
    assert joined(house, unlinked, other)["linkSkipped"] == "manual_unlink"


def test_thr_04_of_equals_the_older_stays_and_one_item_is_left(house):
    for name in ("p1", "p2"):
        house.person(name)
        house.item(f"d-{name}", name)
    first, second = house.mail("p1@c.example"), house.mail("p2@c.example")
    merged = joined(house, first, second)
    assert (merged["link"]["id"], merged["person"]["id"], merged["sharing"]) == ("d-p1", "p1", "shared")
    house.applied()
    assert house.anna.ids("/v1/deals/d-p2/threads") == [] and house.anna.ids("/v1/deals/d-p1/threads") == [first]
    assert set(merged["people"]) == {"p1", "p2"} and house.anna.ids("/v1/people/p2/threads") == [first]


# ---- INB ----

def test_inb_05_private_data_is_not_kept_and_a_page_shows_the_change(house):
    house.person("p1")
    house.item("d", "p1")
    thread = house.mail("p1@c.example")
    for api, path in itertools.product((house.anna, house.ben), (f"/v1/threads/{thread}", f"/v1/threads/{thread}/messages", f"/v1/threads/{thread}/why",
                                                                 "/v1/deals/d/threads", "/v1/threads", "/v1/events?wait=0")):
        assert "no-store" in api.call("GET", path).headers["Cache-Control"], path
    assert house.ben.get("/v1/deals/d/threads")["data"][0]["sharing"] == "shared"
    house.anna.ok("PATCH", f"/v1/threads/{thread}", json={"sharing": "private"})
    assert house.ben.get("/v1/deals/d/threads")["data"] == []
    assert "no-store" in house.ben.call("GET", f"/v1/threads/{thread}").headers.get("Cache-Control", "")  # nor that it is not there


def test_inb_06_composer_or_the_systems_program(house):
    path = "/v1/users/anna/preferences"
    for choice in ("composer", "system"):
        house.anna.ok("PATCH", path, json={"emailLinks": choice})
        assert house.anna.get(path)["emailLinks"] == choice
    assert house.anna.call("PATCH", path, json={"emailLinks": "other"}).status_code == 400
    assert house.root.call("PATCH", path, json={"emailLinks": "composer"}).status_code == 404 and house.anna.get(path)["emailLinks"] == "system"


# ---- CFG ----

def test_cfg_02_what_is_off_answers_with_that_code(house):
    plan = f"/v1/companies/{house.name}/plan"
    root = house.world.root
    assert all(root.get(plan)["features"].values()) and set(root.get(plan)["limits"].values()) == {None}
    shown = root.ok("PUT", plan, json={"features": {"webhooks": False, "sending": False, "olderMail": False, "export": False}, "limits": {"accounts": 1}})
    assert shown == root.get(plan) and shown["features"]["teams"] is True and shown["limits"] == {"accounts": 1, "webhooks": None}
    thread = house.mail("x@c.example")
    for method, path, body in (("POST", "/v1/webhooks", {"url": "https://x.example/"}), ("POST", "/v1/messages", {}), ("POST", "/v1/messages/check", {}),
                               ("POST", "/v1/accounts/box/backfill", {}), ("POST", f"/v1/threads/{thread}/relink", {}),
                               ("GET", "/v1/accounts/box/export", None)):
        answer = house.anna.call(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "feature_off"), (path, answer.text)
    new = {"email": "b@us.example", "imap": {"host": "h.example", "password": "x"}, "smtp": {"host": "h.example", "password": "x"}}
    assert house.anna.call("POST", "/v1/accounts", json=new).json()["code"] == "plan_limit"
    root.ok("PUT", plan, json={"features": {"teams": False}, "limits": {"webhooks": 0}})
    assert house.anna.call("PATCH", "/v1/accounts/box", json={"members": ["ben"]}).json()["code"] == "feature_off"
    assert house.anna.call("POST", "/v1/webhooks", json={"url": "https://x.example/"}).json()["code"] == "plan_limit"


def test_cfg_02_root_alone_and_one_company_alone(house, stages):
    other, plan = House(stages), f"/v1/companies/{house.name}/plan"
    for api in (house.company, house.anna, house.root):
        for method in ("GET", "PUT"):
            assert api.call(method, plan, **({"json": {}} if method == "PUT" else {})).json()["code"] == "wrong_token_kind"
    stages.root.ok("PUT", plan, json={"features": {"webhooks": False}})
    assert stages.root.call("PUT", plan, json={"features": {"flying": True}}).json()["code"] == "unknown_field"
    assert stages.root.call("PUT", "/v1/companies/nobody/plan", json={}).status_code == 404 and not stages.r.exists("{c:nobody}:company")
    assert other.company.call("POST", "/v1/webhooks", json={"url": "https://x.example/"}).status_code == 201
    stages.root.ok("PUT", plan, json={})
    assert house.company.call("POST", "/v1/webhooks", json={"url": "https://x.example/"}).status_code == 201


# ---- ACC ----

def test_acc_10_who_was_deleted_is_no_member_of_anything(house):
    house.box("team", "anna", "team@us.example", members=["ben", "root"], config=json.dumps({"members": ["ben", "root"]}))
    thread = house.mail("x@c.example", account="team", own="team@us.example")
    assert house.ben.ids("/v1/threads") == [thread]
    house.company.ok("DELETE", "/v1/users/ben", 204)
    assert house.anna.get("/v1/accounts/team")["members"] == ["root"]
    house.company.ok("PUT", "/v1/users/ben", json={"name": "another Ben", "loginEmail": "ben2@us.example"})
    assert house.ben.ids("/v1/threads") == [] and house.ben.call("GET", "/v1/accounts/team").status_code == 404
    shown = house.anna.ok("PATCH", "/v1/accounts/team", json={"archiveInProvider": True})  # keeps who is a member, and no one who was
    assert shown["members"] == ["root"] and house.ben.call("GET", "/v1/accounts/team").status_code == 404
    assert house.anna.ok("PATCH", "/v1/accounts/team", json={"members": ["ben"]})["members"] == ["ben"] and house.ben.ids("/v1/threads") == [thread]
