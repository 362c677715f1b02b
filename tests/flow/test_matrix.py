"""Proves SHR-01, SHR-02, SHR-04, SHR-05, SHR-06, F103 (who sees tracking) for every route there is: the router's own table (/v1/openapi.json) × nine viewers ×
five states of a thread, each answer against an oracle written from the rules alone. A route without a row here fails the test: add one
line to ROWS. Whatever the route, no answer holds a word of a thread that its viewer does not see."""
import functools
import re

import pytest
import requests

import rig

STATES = ("private", "unlinked", "linked", "archived", "deleted")
VIEWERS = ("other", "revoked", "nobody", "without", "admin", "company", "access", "participant", "owner")  # who changes things comes last
PEOPLE = ("owner", "participant", "access", "without", "admin")
ABSENT = "zzzzzzzzzzzzzzzz"


# ---- the oracle: SHR-01, SHR-02, SHR-04, SHR-05, from their words ----

def item_seen(viewer):
    return viewer in ("owner", "participant", "access")


def seen(viewer, state):
    if viewer == "owner":
        return state != "deleted"
    return state in ("linked", "archived") and item_seen(viewer)


def expected(kind, viewer, state, ok):
    """The status of an answer."""
    if kind == "public" or viewer in ("revoked", "nobody"):
        return ok if kind == "public" else 401
    mine, user = viewer == "owner", viewer != "company"
    return {
        "root": 403,
        "company": 403 if user else ok,
        "manager": ok if viewer in ("admin", "company") else 403,
        "open": ok,
        "absent": 404,
        "account": ok if mine or not user else 404,
        "item": ok if item_seen(viewer) or not user else 404,
        "hook": ok if mine else 404,
        "events": ok,
    }.get(kind) or (403 if not user else {
        "any user": ok,
        "self": ok if mine else 404,
        "detail": ok if item_seen(viewer) else 404,
        "read": ok if seen(viewer, state) else 404,
        "own": ok if mine and seen(viewer, state) else 403 if seen(viewer, state) else 404,
        "reply": ok if seen(viewer, state) and viewer in ("owner", "participant") else 403 if seen(viewer, state) else
        404 if viewer == "other" else 422,  # who has no account to send from is told that first
    }[kind])


# ---- one line a route: kind, and what the request needs beyond its path ----

def row(kind, json=None, ok=None, id=None, query=None, data=None, spare=None):
    """ok: another status of success than the table's; id: what {id} is; spare: which thread of the state is used up by it."""
    return dict(kind=kind, json=json, ok=ok, id=id, query=query, data=data, spare=spare)


LINK, REPLY = {"kind": "deal", "id": "d1"}, {"accountId": "@account", "text": "x", "dryRun": True,
                                             "reference": {"messageId": "@message", "action": "reply"}}
LATE = (200, 409)  # it may be over by then
LOGIN = {"imap": {"password": rig.PASSWORD}}
ROWS = {
    "GET /healthz": row("public"), "GET /readyz": row("public"), "GET /metrics": row("public"), "GET /v1/openapi.json": row("public"),
    "GET /v1/companies/{id}": row("root"), "PUT /v1/companies/{id}": row("root", {}), "DELETE /v1/companies/{id}": row("root"),
    "POST /v1/tokens": row("company", {"kind": "user", "userId": "nothing"}, ok=422),
    "GET /v1/tokens": row("company"),
    "DELETE /v1/tokens/{id}": row("company", ok=404, id="nothing"),
    "GET /v1/users/{id}": row("open", id="self"),
    "PUT /v1/users/{id}": row("manager", {"name": "N", "loginEmail": "new@sales.example"}, id="new"),
    "DELETE /v1/users/{id}": row("manager", id="nothing", ok=404),
    "GET /v1/users/{id}/preferences": row("self"),
    "PUT /v1/users/{id}/preferences": row("self", {}),
    "PATCH /v1/users/{id}/preferences": row("self", {}),
    "GET /v1/people/{id}": row("item"), "PUT /v1/people/{id}": row("manager", {"name": "x"}, id="new"),
    "DELETE /v1/people/{id}": row("manager", id="new"),
    "GET /v1/organizations/{id}": row("absent", id="nothing"), "PUT /v1/organizations/{id}": row("manager", {"name": "x"}, id="new"),
    "DELETE /v1/organizations/{id}": row("manager", id="new"),
    "GET /v1/deals/{id}": row("item"), "PUT /v1/deals/{id}": row("manager", {"title": "x"}, id="new"),
    "DELETE /v1/deals/{id}": row("manager", id="new"),
    "GET /v1/leads/{id}": row("item"), "PUT /v1/leads/{id}": row("manager", {"title": "x"}, id="new"),
    "DELETE /v1/leads/{id}": row("manager", id="new"),
    "GET /v1/projects/{id}": row("item"), "PUT /v1/projects/{id}": row("manager", {"title": "x"}, id="new"),
    "DELETE /v1/projects/{id}": row("manager", id="new"),
    "POST /v1/people": row("own", {"fromThread": "@thread", "email": "@sender"}),
    "POST /v1/import": row("manager", data=b'{"kind":"organization","id":"new","name":"x"}\n'),
    "GET /v1/settings": row("open"), "PATCH /v1/settings": row("manager", {}), "GET /v1/settings/changes": row("open"),
    "GET /v1/users/{id}/preferences/changes": row("self"), "GET /v1/accounts/{id}/changes": row("account"),
    "POST /v1/accounts": row("open", {}, ok=400), "POST /v1/accounts/verify": row("open", {}, ok=400),
    "GET /v1/accounts": row("open"),
    "GET /v1/accounts/{id}": row("account"),
    "PATCH /v1/accounts/{id}": row("account", {"senderName": "A"}),
    "DELETE /v1/accounts/{id}": row("account", spare="account", ok=404),
    "POST /v1/accounts/{id}/pause": row("account"), "POST /v1/accounts/{id}/resume": row("account"),
    "POST /v1/accounts/{id}/reauthenticate": row("account", LOGIN),
    "GET /v1/accounts/{id}/history": row("account"),
    "GET /v1/accounts/{id}/folders": row("self"),
    "GET /v1/accounts/{id}/folders/{folder}/coverage": row("account"),
    "GET /v1/accounts/{id}/find": row("self", query={"messageId": "nothing@nowhere.example"}),
    "GET /v1/autoconfig": row("open", ok=400),
    "POST /v1/accounts/{id}/backfill": row("account", {"since": "1m"}), "GET /v1/accounts/{id}/backfill": row("account"),
    "POST /v1/accounts/{id}/backfill/pause": row("account", ok=LATE), "POST /v1/accounts/{id}/backfill/resume": row("account", ok=LATE),
    "POST /v1/accounts/{id}/backfill/cancel": row("account", ok=LATE), "DELETE /v1/accounts/{id}/backfill": row("account", ok=LATE),
    "POST /v1/accounts/{id}/resync": row("account"),
    "POST /v1/messages": row("reply", REPLY, ok=200),
    "POST /v1/messages/check": row("reply", {k: v for k, v in REPLY.items() if k != "dryRun"}),
    "GET /v1/outbox": row("any user"),
    "GET /v1/outbox/{submission}": row("self"), "DELETE /v1/outbox/{submission}": row("self"),
    "GET /v1/suppressions": row("open"), "GET /v1/suppressions/{address}": row("absent"),
    "PUT /v1/suppressions/{address}": row("open", {"reason": "manual"}), "DELETE /v1/suppressions/{address}": row("open"),
    "GET /v1/egress-addresses": row("open"), "GET /v1/targets": row("root"),
    "GET /v1/threads": row("any user"),
    "POST /v1/threads/bulk": row("any user", {"ids": ["@thread"], "op": "read"}),
    "GET /v1/threads/{thread}": row("read"), "PATCH /v1/threads/{thread}": row("own", {"read": True}),
    "DELETE /v1/threads/{thread}": row("own", spare=1),
    "GET /v1/threads/{thread}/messages": row("read"), "GET /v1/threads/{thread}/why": row("read"),
    "PUT /v1/threads/{thread}/link": row("own", LINK), "DELETE /v1/threads/{thread}/link": row("own"),
    "PUT /v1/threads/{thread}/person": row("own", {"id": "p1"}), "DELETE /v1/threads/{thread}/person": row("own"),
    "GET /v1/messages/{message}": row("read"), "DELETE /v1/messages/{message}": row("own", spare=2),
    "GET /v1/messages/{message}/body": row("read"), "GET /v1/messages/{message}/raw": row("own"),
    "GET /v1/messages/{message}/attachments/{part}": row("read"),
    "GET /v1/people/{id}/threads": row("detail"), "GET /v1/deals/{id}/threads": row("detail"),
    "GET /v1/leads/{id}/threads": row("detail"), "GET /v1/projects/{id}/threads": row("detail"),
    "GET /v1/events": row("events", query={"wait": 0, "limit": 200}),
    "POST /v1/webhooks": row("open", {}, ok=400), "GET /v1/webhooks": row("open"),
    "GET /v1/webhooks/{id}": row("hook"), "PATCH /v1/webhooks/{id}": row("hook", {"description": "x"}),
    "POST /v1/webhooks/{id}/rotate-secret": row("hook", {}), "POST /v1/webhooks/{id}/test": row("hook"),
    "GET /v1/webhooks/{id}/deliveries": row("hook"), "POST /v1/webhooks/{id}/replay": row("hook", {"since": "2020-01-01T00:00:00Z"}),
    "DELETE /v1/webhooks/{id}": row("hook"),
    "GET /v1/pipeline": row("manager"), "GET /v1/pipeline/trace/{message}": row("account"),
    "GET /v1/set-aside": row("open"), "POST /v1/set-aside": row("open"), "GET /v1/set-aside/{message}": row("absent"),
    "POST /v1/set-aside/{message}": row("absent"), "DELETE /v1/set-aside/{message}": row("absent"),
    "POST /v1/threads/{thread}/relink": row("own", query={"preview": "true"}),
    "GET /v1/accounts/{id}/export": row("self"), "GET /v1/erasures/{id}": row("absent", id="nothing"),
    "POST /v1/accounts/{id}/test-message": row("self", {}, spare="account", ok=404),
    "GET /v1/messages/{message}/tracking": row("read"),
    "GET /t/o/{token}": row("public", ok=404), "GET /t/c/{token}": row("public", ok=404),
    "GET /t/u/{token}": row("public", ok=404), "POST /t/u/{token}": row("public", ok=404),
}


def routes_of(document):
    return {f"{method.upper()} {path}": int(next(s for s in operation["responses"] if s != "default"))
            for path, methods in document["paths"].items() for method, operation in methods.items()}


# ---- a house with a thread in each state ----

def word(state):
    return f"xy{state}zy"


def mail(sender, owner, participant, state, number):
    return (f"From: Frida <{sender}>\r\nTo: {owner}\r\nCc: {participant}\r\nSubject: {word(state)} {number}\r\n"
            f"Message-ID: <{state}{number}@client.example>\r\nDate: Mon, 02 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n"
            'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n'
            f"{word(state)} body\r\n--b\r\nContent-Type: text/csv; name=a.csv\r\nContent-Disposition: attachment; filename=a.csv\r\n\r\n"
            f"{word(state)},1\r\n--b--\r\n").encode()


class House:
    def __init__(self):
        self.world = rig.World(messages=0, accounts=5, seed=5, deals=0)
        try:
            self._fill()
        except BaseException:
            self.world.close()
            raise

    def _fill(self):
        world, reps = self.world, self.world.ledger["reps"]
        self.of = dict(zip(PEOPLE, reps))
        self.account = {name: rep["id"] for name, rep in self.of.items()}
        admin = self.of["admin"]
        world.company.call("PUT", f"/v1/users/{admin['id']}", json={"name": "A", "loginEmail": admin["email"], "role": "admin"})
        visible = {"visibleTo": {"users": [self.account["participant"], self.account["access"]], "groups": []}, "ownerId": self.account["owner"]}
        for path, body in (("people/p1", {"name": "P", "emails": ["frida@client.example"]}),
                           ("deals/d1", {"title": "D", "personIds": ["p1"], "createdAt": "2020-01-01T00:00:00Z"}),
                           ("leads/l1", {"title": "L", "status": "lost"}), ("projects/j1", {"title": "J", "status": "closed"})):
            world.company.call("PUT", "/v1/" + path, json={**body, **visible})
        owner, participant = self.of["owner"], self.of["participant"]
        box = world.imap(owner["id"])
        for state in STATES:
            sender = "stranger@nowhere.example" if state == "unlinked" else "frida@client.example"
            for number in range(3):
                assert box.append("INBOX", "", None, mail(sender, owner["email"], participant["email"], state, number))[0] == "OK"
        box.logout()
        self._accounts()
        world.wait_synced(60, [owner["id"]])
        self._threads(world.user(owner["id"]))
        self._tokens()

    def _accounts(self):
        """The owner's; and one without mail that all others of the company send from (ACC-10)."""
        world = self.world
        world.add_account(self.account["owner"])
        users = [self.account[name] for name in PEOPLE if name != "owner"]
        world.user(users[0]).call("POST", "/v1/accounts", 201, json={**world.account_body(users[0]), "members": users[1:]})
        self.sends_from = {**dict.fromkeys(PEOPLE, users[0]), "owner": self.account["owner"]}

    def _threads(self, api):
        self.thread, self.message = {}, {}
        for thread in api.every("/v1/threads"):
            state, number = re.fullmatch(r"xy(\w+)zy (\d)", thread["subject"]).groups()
            self.thread[state, int(number)] = thread["id"]
            self.message[state, int(number)] = api.get(f"/v1/threads/{thread['id']}/messages")["data"][0]["id"]
            assert (thread["link"] is None) == (state == "unlinked"), thread
        assert len(self.thread) == 15
        facts = api.get(f"/v1/messages/{self.message['linked', 0]}")
        self.part = facts["attachments"][0]["partId"]
        for state, change in (("private", {"sharing": "private"}), ("archived", {"archived": True})):
            for number in range(3):
                api.call("PATCH", f"/v1/threads/{self.thread[state, number]}", json=change)
        for number in range(3):
            api.call("DELETE", f"/v1/threads/{self.thread['deleted', number]}", 204)
        self.world.wait_applied()
        self.submission = api.call("POST", "/v1/messages", 202, json={
            "accountId": self.account["owner"], "to": [{"email": "x@client.example"}], "subject": word("private"), "text": "x",
            "sharing": "private", "sendAt": "2030-01-01T00:00:00Z"}).json()["id"]
        self.hook = api.call("POST", "/v1/webhooks", 201, json={"url": "http://127.0.0.1:9/x", "active": False}).json()["id"]

    def _tokens(self):
        world, self.session = self.world, {}

        def token(company, user=None):
            body = {"kind": "user", "companyId": company, "userId": user} if user else {"kind": "company", "companyId": company}
            return world.root.call("POST", "/v1/tokens", 201, json=body).json()
        world.root.call("PUT", "/v1/companies/other", json={"name": "O"})
        other = rig.Client(world.base, token("other")["token"])
        other.call("PUT", "/v1/users/zoe", json={"name": "Z", "loginEmail": "zoe@other.example"})
        revoked = token(rig.COMPANY, self.account["owner"])
        texts = {"other": token("other", "zoe")["token"], "revoked": revoked["token"], "company": world.token, "nobody": None,
                 **{name: token(rig.COMPANY, self.account[name])["token"] for name in PEOPLE}}
        world.root.call("DELETE", f"/v1/tokens/{revoked['id']}?companyId={rig.COMPANY}", 204)
        for viewer, text in texts.items():
            self.session[viewer] = requests.Session()
            if text:
                self.session[viewer].headers["Authorization"] = "Bearer " + text

    def body(self, value, viewer, thread, message, state):
        known = {"@thread": thread, "@message": message, "@account": self.sends_from.get(viewer, "nothing"),
                 "@sender": "stranger@nowhere.example" if state == "unlinked" else "frida@client.example"}
        if isinstance(value, dict):
            return {k: self.body(v, viewer, thread, message, state) for k, v in value.items()}
        if isinstance(value, list):
            return [self.body(v, viewer, thread, message, state) for v in value]
        return known.get(value, value) if isinstance(value, str) else value

    def ask(self, name, row, viewer, thread, message, state):
        method, path = name.split(" ")
        of_path = {"people": "p1", "deals": "d1", "leads": "l1", "projects": "j1", "webhooks": self.hook}
        one = row["id"] or of_path.get(path.split("/")[2] if path.count("/") > 1 else "", self.account["owner"])
        if one == "self":
            one = "zoe" if viewer == "other" else self.account["owner"]
        if row["spare"] == "account" and viewer in ("owner", "company"):
            one = "nothing"
        values = {"id": one, "thread": thread, "message": message, "part": self.part, "folder": "1", "submission": self.submission,
                  "address": "x@y.example", "token": "nothing"}
        path = re.sub(r"\{(\w+)\}", lambda m: values[m[1]], path)
        return self.session[viewer].request(method, self.world.base + path, params=row["query"], data=row["data"], timeout=60,
                                            json=self.body(row["json"], viewer, thread, message, state) if row["json"] is not None else None)


@pytest.fixture(scope="module")
def house():
    made = House()
    yield made
    made.world.close()


def face(answer):
    return answer.status_code, answer.content, sorted((k, v) for k, v in answer.headers.items() if k != "Date")


def nothing_told(house, name, viewer, answer):
    """Whatever was asked: not a word of a thread that the viewer does not see, and no id of one."""
    for state in STATES:
        if not seen(viewer, state) and not (viewer == "owner" and state == "deleted"):
            assert word(state).encode() not in answer.content, (name, viewer, state, answer.text[:500])


def is_of_a_thread(name, row):
    return "{thread}" in name or "{message}" in name or "@" in str(row["json"])


def check_hidden(house, name, row, viewer, answer):
    """What one may not see does not exist: the same bytes as for what is not there."""
    absent = f"{house.account['owner']}~{ABSENT}"
    assert face(answer) == face(house.ask(name, row, viewer, absent, absent, "linked")), (name, viewer)


def check_of_a_thread(house, name, row, viewer, ok):
    for state in STATES:
        number = row["spare"] or 0
        answer = house.ask(name, row, viewer, house.thread[state, number], house.message[state, number], state)
        status = expected(row["kind"], viewer, state, ok)
        assert answer.status_code == status, (name, viewer, state, answer.status_code, status, answer.text[:500])
        nothing_told(house, name, viewer, answer)
        if status in (404, 422):
            check_hidden(house, name, row, viewer, answer)
        if name.endswith("/bulk") and status == 200:
            failed = [] if viewer == "owner" and state != "deleted" else ["not_owner" if seen(viewer, state) else "not_found"]
            assert [f["code"] for f in answer.json()["failed"]] == failed, (viewer, state, answer.text)


def check_list(house, name, viewer, answer):
    """A list has the threads that belong there, and no other; SHR-01: of the mailbox the owner alone."""
    shown = {t["id"] for t in answer.json()["data"]}
    mailbox, none = name == "GET /v1/threads", name.split("/")[2] in ("leads", "projects")
    for (state, number), thread in house.thread.items():
        there = seen(viewer, state) and not none and (viewer == "owner" if mailbox else state != "unlinked")
        assert (thread in shown) == there, (name, viewer, state)


def check_events(house, viewer):
    """SHR-06: a user's events are of what they see now; the company's name ids of shared threads (and of those
    that are no longer), and nothing else."""
    told, after = set(), None
    while True:
        page = house.session[viewer].get(house.world.base + "/v1/events", params={"wait": 0, "limit": 200, **({"after": after} if after else {})})
        after = page.json()["nextAfter"]
        told |= {e["data"].get("threadId") for e in page.json()["data"] if viewer != "company" or e["type"] != "thread.unshared"}
        nothing_told(house, "GET /v1/events", viewer, page)
        if not page.json()["data"]:
            break
    for (state, number), thread in house.thread.items():
        may = {"owner": True, "company": state != "private"}.get(viewer, seen(viewer, state))
        assert (thread in told) == may, ("events", viewer, state)


def check(house, name, row, viewer, ok):
    ok = row["ok"] or ok
    if is_of_a_thread(name, row):
        check_of_a_thread(house, name, row, viewer, ok)
        return
    answer = house.ask(name, row, viewer, None, None, None)
    status = expected(row["kind"], viewer, None, answer.status_code if ok == LATE and answer.status_code in LATE else ok)
    assert answer.status_code == status, (name, viewer, answer.status_code, status, answer.text[:500])
    nothing_told(house, name, viewer, answer)
    if status == 200 and (row["kind"] == "detail" or name == "GET /v1/threads"):
        check_list(house, name, viewer, answer)
    if status == 200 and name == "GET /v1/outbox":
        assert [m["id"] for m in answer.json()["data"]] == ([house.submission] if viewer == "owner" else [])
    if status == 200 and row["kind"] == "events":
        check_events(house, viewer)


def test_shr_07_every_route_has_a_row(house):
    missing = set(routes_of(house.world.root.get("/v1/openapi.json"))) - set(ROWS)
    assert not missing, f"add a line to ROWS for each of {sorted(missing)}"


@functools.lru_cache
def order(name):
    """Reads before changes, and what ends a thing last."""
    return "GET POST PUT PATCH DELETE".split().index(name.split()[0]), list(ROWS).index(name)


@pytest.mark.parametrize("viewer", VIEWERS)
def test_shr_06_every_route_for_every_viewer_in_every_state(house, viewer):
    statuses = routes_of(house.world.root.get("/v1/openapi.json"))
    for name in sorted(set(statuses) & set(ROWS), key=order):
        check(house, name, ROWS[name], viewer, statuses[name])
