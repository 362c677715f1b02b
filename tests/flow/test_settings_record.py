"""Proves CFG-01 (each change of settings is on record: who, when, from, to) and ACC-10 (a mailbox that several named users manage)."""
import json

import msgpack
import pytest

from gateway_rig import mail, mailed, servers  # noqa: F401

ACCT = "{a:acme/team}:acct"


@pytest.fixture(scope="module")
def team(mailed, mail):  # noqa: F811
    """Anna's mailbox."""
    mailed.company.as_user("anna")("POST", "/v1/accounts", 201, json={"id": "team", "email": "anna@sales.example", **servers(mail)})
    return mailed


def record(api, path, **query):
    return api("GET", path, 200, params=query).json()


def test_cfg_01_company_settings(team):
    """By admins and the company's token alone, each change with who and what; what changes nothing is no change; in pages."""
    boss = team.company.as_user("boss")
    team.company.as_user("anna")("PATCH", "/v1/settings", 403, "admin_required", json={"defaultSharing": "private"})
    boss("PATCH", "/v1/settings", 200, json={"blocked": ["@spam.example"], "defaultSharing": "private"})
    boss("PATCH", "/v1/settings", 200, json={"defaultSharing": "private"})
    team.company("PATCH", "/v1/settings", 200, json={"linkItems": "manual"})
    page = record(team.company.as_user("anna"), "/v1/settings/changes", limit=1)
    assert page["data"][0]["user"] == "" and page["data"][0]["changes"] == {"linkItems": {"from": "automatic", "to": "manual"}}
    rest = record(team.company.as_user("anna"), "/v1/settings/changes", limit=1, cursor=page["nextCursor"])
    assert rest["nextCursor"] is None and rest["data"][0]["user"] == "boss"
    assert rest["data"][0]["changes"] == {"blocked": {"from": [], "to": ["@spam.example"]}, "defaultSharing": {"from": "shared", "to": "private"}}
    assert set(rest["data"][0]) == {"at", "user", "token", "changes"} and rest["data"][0]["at"].endswith("Z")
    team.company("PATCH", "/v1/settings", 200, json={"linkItems": "automatic", "blocked": [], "defaultSharing": "shared"})


def test_cfg_01_personal_settings(team):
    """By the user alone, and for nobody else to read."""
    anna, boss = team.company.as_user("anna"), team.company.as_user("boss")
    path = "/v1/users/anna/preferences"
    anna("PATCH", path, 200, json={"defaultSharing": "private", "emailLinks": "system"})
    anna("PATCH", path, 200, json={"defaultSharing": "private"})
    anna("PUT", path, 200, json={"emailLinks": "composer"})
    changes = [c["changes"] for c in record(anna, path + "/changes")["data"]]
    assert changes == [{"defaultSharing": {"from": "private", "to": None}, "emailLinks": {"from": "system", "to": "composer"}},
                       {"defaultSharing": {"from": None, "to": "private"}, "emailLinks": {"from": None, "to": "system"}}]
    boss("PATCH", path, 404, json={"emailLinks": "system"})
    boss("GET", path + "/changes", 404)
    assert record(boss, "/v1/users/boss/preferences/changes")["data"] == []


def test_cfg_01_account_settings(team, mail):  # noqa: F811
    """Sender name, folders and the like, never a password; read by the people of the mailbox."""
    anna = team.company.as_user("anna")
    anna("PATCH", "/v1/accounts/team", 200, json={"senderName": "Anna", "archiveInProvider": True})
    anna("PATCH", "/v1/accounts/team", 200, json=servers(mail))
    (change,) = record(anna, "/v1/accounts/team/changes")["data"]
    assert change["user"] == "anna" and change["changes"]["senderName"]["to"] == "Anna"
    assert set(change["changes"]) == {"senderName", "archiveInProvider"}
    team.company.as_user("boss")("GET", "/v1/accounts/team/changes", 404)
    assert "pässword" not in json.dumps(record(anna, "/v1/accounts/team/changes"), ensure_ascii=False)


def test_acc_10_a_member_manages_and_adds_a_member(team):
    """The owner names Ben, Ben names Boss; each sees and changes the account; who is taken off is out at once; nobody adds themselves, and
    no stranger is added."""
    users = {u: team.company.as_user(u) for u in ("anna", "ben", "boss")}
    users["ben"]("PATCH", "/v1/accounts/team", 404, json={"members": ["ben"]})
    users["anna"]("PATCH", "/v1/accounts/team", 422, "unknown_reference", json={"members": ["nobody"]})
    users["anna"]("PATCH", "/v1/accounts/team", 200, json={"members": ["ben"]})
    users["boss"]("GET", "/v1/accounts/team", 404)
    users["ben"]("PATCH", "/v1/accounts/team", 200, json={"members": ["ben", "boss"], "senderName": "Team"})
    assert users["boss"]("GET", "/v1/accounts/team", 200).json()["senderName"] == "Team"
    assert [a["id"] for a in users["boss"]("GET", "/v1/accounts", 200).json()["data"]] == ["team"]
    assert record(users["boss"], "/v1/accounts/team/changes")["data"][0]["user"] == "ben"
    assert users["anna"]("GET", "/v1/accounts/team", 200).json()["userId"] == "anna"
    users["boss"]("PATCH", "/v1/accounts/team", 200, json={"members": ["boss"]})
    for path in ("/v1/accounts/team", "/v1/accounts/team/changes", "/v1/accounts/team/export"):
        users["ben"]("GET", path, 404)
    entry = msgpack.unpackb(team.redis.hget("{c:acme}:acct", "team"), raw=False)
    assert (entry[1], entry[3]) == ("anna", ["boss"])
