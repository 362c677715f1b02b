"""The gateway alone with a real Redis: companies, tokens, the mirror and its indexes, import, settings, and every refusal. The other stages
do not run."""
import hashlib
import http.client
import json
import os
import signal
import socket
import threading
import time

import msgpack
import pytest
import requests

from gateway_rig import PROGRAM, ROOT, Api, Gateway, company, gateway, make_company, packed  # noqa: F401

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason=f"{PROGRAM} is not built")


# Health and description


def test_health_metrics_and_openapi_need_no_token(gateway):
    """OPS-02: the API port serves health and metrics too."""
    public = Api(gateway.base)
    assert public("GET", "/healthz", 200).text == "ok\n"
    assert public("GET", "/readyz", 200).text == "ready\n"
    assert "mailweave_gateway_requests_total" in public("GET", "/metrics", 200).text
    described = public("GET", "/v1/openapi.json", 200).json()
    assert described["openapi"] == "3.1.0" and "/v1/accounts/{id}" in described["paths"]


def test_openapi_file_is_fresh(gateway):
    """The committed contract is what the program says, and the program's route table is what it serves."""
    said = json.loads(gateway.run("--openapi").stdout)
    assert said == json.loads((ROOT / "gateway/openapi.json").read_text()), "run: gateway --openapi > gateway/openapi.json"
    codes = said["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]
    assert len(codes) == len(set(codes)) and "not_found" in codes


def test_every_described_route_exists_and_wants_its_token(gateway):
    """No route answers 404 or 405 for want of a handler; all but the public ones answer 401 without a token."""
    described = json.loads(gateway.run("--openapi").stdout)
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            concrete = path.replace("{id}", "x")
            while "{" in concrete:
                concrete = concrete[:concrete.index("{")] + "x" + concrete[concrete.index("}") + 1:]
            answer = Api(gateway.base)(method.upper(), concrete)
            if operation["security"]:
                assert answer.status_code == 401, (method, path, answer.text)
                assert answer.json()["code"] == "invalid_token"
            else:
                assert answer.status_code not in (401, 405, 500, 501), (method, path)


# Refusals


def test_tokens_that_are_no_tokens(gateway, company):
    kind, name, token_id, secret = company.token.split(".")
    other = "A" if secret[0] != "A" else "B"
    for text in ("", "x", "mw1.acme", f"mw1.acme.{token_id}.{other}{secret[1:]}", f"mw1.other.{token_id}.{secret}",
                 f"mw1.-.{token_id}.{secret}", "mw1.acme." + "x" * 16 + "." + secret, "mw1." + "a" * 500):
        Api(gateway.base, text)("GET", "/v1/settings", 401, "invalid_token")
    assert requests.get(gateway.base + "/v1/settings").headers["WWW-Authenticate"] == "Bearer"


def test_unknown_paths_and_methods(gateway, company):
    company("GET", "/v1/nothing", 404, "not_found")
    company("GET", "/", 404, "not_found")
    answer = company("PATCH", "/v1/deals/d1", 405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, PUT, DELETE"
    company("OPTIONS", "/v1/deals/d1", 405, "method_not_allowed")
    for path, status in (("/v1/people/a%2", 404), ("/v1/people/a%00b", 404), ("/v1/settings?x=%zz", 400), ("/v1/settings?%00", 400),
                         ("//v1/settings", 404), ("/v1/settings/", 404), ("/v1/../v1/settings", 404), ("/v1/people/" + "x" * 600, 404)):
        raw = http.client.HTTPConnection(gateway.base[7:])
        raw.request("GET", path, headers={"Authorization": f"Bearer {company.token}"})
        assert raw.getresponse().status == status, path
        raw.close()
    company("GET", "/v1/settings?limit=1", 400, "unknown_parameter")
    company("GET", "/v1/people/no-such", 404, "not_found")
    company("GET", "/v1/people/not+an~id", 404, "not_found")
    company("PUT", "/v1/people/not+an~id", 400, "invalid_field", json={})
    assert requests.head(gateway.base + "/healthz").status_code == 200


def test_bodies_that_do_not_fit(gateway, company):
    def refused(body, code, field=None):
        answer = company("PUT", "/v1/people/p1", 400, code, data=body if isinstance(body, bytes) else json.dumps(body))
        if field:
            assert answer.json()["field"] == field
    refused(b"{", "malformed_json")
    refused(b"[" * 5000, "malformed_json")
    refused(b'{"name":"a","name":"b"}', "malformed_json")
    refused(b'{"name":"\xff"}', "malformed_json")
    refused(b'{"name":"a\\u0000b"}', "malformed_json")
    refused([], "invalid_field")
    refused({"nam": "x"}, "unknown_field", "nam")
    refused({"visibleTo": {"user": []}}, "unknown_field", "visibleTo.user")
    refused({"visibleTo": "nobody"}, "invalid_field", "visibleTo")
    refused({"name": 3}, "invalid_field", "name")
    refused({"name": "a\nb"}, "invalid_field", "name")
    refused({"emails": ["ok@b.example", "no"]}, "invalid_field", "emails[1]")
    refused({"ownerId": "a b"}, "invalid_field", "ownerId")
    refused({"createdAt": "yesterday"}, "invalid_field", "createdAt")
    refused({"id": "other"}, "invalid_field")
    company("POST", "/v1/accounts", 400, "missing_field", json={})
    company("POST", "/v1/accounts", 400, "malformed_json", data=b"x")


def test_body_over_the_limit(gateway, company):
    company("PUT", "/v1/people/p1", 413, "body_too_large", data=b" " * (30 << 20))

    def endless():
        for _ in range(30):
            yield b" " * (1 << 20)
    company("PUT", "/v1/people/p1", 413, "body_too_large", data=endless())


def test_kinds_of_tokens(gateway, company):
    """CFG-01, SHR-01: who may do what."""
    company("GET", "/v1/companies/acme", 403, "wrong_token_kind")
    gateway.root("GET", "/v1/settings", 403, "wrong_token_kind")
    company.as_user("nobody")("GET", "/v1/settings", 403, "unknown_acting_user")
    company("GET", "/v1/outbox", 403, "acting_user_required")
    company.as_user("anna")("PATCH", "/v1/settings", 403, "admin_required", json={"linkItems": "manual"})
    company.as_user("anna")("PUT", "/v1/people/p9", 403, "admin_required", json={})
    company.as_user("boss")("PUT", "/v1/people/p9", 200, json={})
    company.as_user("anna")("POST", "/v1/tokens", 403, "wrong_token_kind", json={"kind": "company"})
    token = company("POST", "/v1/tokens", 201, json={"kind": "user", "userId": "anna", "scopes": ["mirror"]}).json()
    anna = Api(gateway.base, token["token"])
    anna("GET", "/v1/people/p9", 200)
    anna("GET", "/v1/settings", 403, "missing_scope")
    anna.as_user("ben")("GET", "/v1/people/p9", 403, "wrong_token_kind")
    company("DELETE", f"/v1/tokens/{token['id']}", 204)
    anna("GET", "/v1/people/p9", 401, "invalid_token")
    company("DELETE", f"/v1/tokens/{token['id']}", 404, "not_found")


# Companies and tokens


def test_root_token_is_made_once(gateway):
    again = gateway.run("--make-root-token")
    assert again.stdout == ""
    key, kept = "{g}:tok", gateway.redis.hgetall("{g}:tok")
    gateway.redis.delete(key)
    gateway.root("GET", "/v1/companies/acme", 401)
    gateway.run("--make-root-token")
    gateway.root("GET", "/v1/companies/acme")
    assert list(gateway.redis.hgetall(key)) == list(kept)


def test_company_life(gateway):
    gateway.root("GET", "/v1/companies/brief", 404, "not_found")
    gateway.root("POST", "/v1/tokens", 422, "unknown_reference", json={"kind": "company", "companyId": "brief"})
    gateway.root("POST", "/v1/tokens", 400, "missing_field", json={"kind": "company"})
    brief = make_company(gateway, "brief")
    first = gateway.root("GET", "/v1/companies/brief", 200).json()
    again = gateway.root("PUT", "/v1/companies/brief", 200, json={"name": "Other"}).json()
    assert again == {"id": "brief", "name": "Other", "createdAt": first["createdAt"]}
    brief("PUT", "/v1/people/p1", 200, json={"emails": ["a@b.example"]})
    gateway.root("DELETE", "/v1/companies/brief", 204)
    brief("GET", "/v1/settings", 401, "invalid_token")
    gateway.root("DELETE", "/v1/companies/brief", 404, "not_found")
    assert not gateway.redis.keys("{c:brief}*")


def test_tokens_are_kept_as_hashes_and_listed_in_pages(gateway):
    many = make_company(gateway, "many")
    made = [many("POST", "/v1/tokens", 201, json={"kind": "company"}).json() for _ in range(5)]
    seen, cursor = [], None
    while True:
        page = many("GET", "/v1/tokens", 200, params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        assert len(page["data"]) <= 2
        seen += [t["id"] for t in page["data"]]
        cursor = page["nextCursor"]
        if not cursor:
            break
    assert seen == sorted(seen) and len(set(seen)) == 6 and {t["id"] for t in made} <= set(seen)
    stored = gateway.redis.hget("{c:many}:tok", made[0]["id"])
    secret = made[0]["token"].split(".")[-1]
    assert hashlib.sha256(secret.encode()).digest() in stored and secret.encode() not in stored
    many("GET", "/v1/tokens?cursor=xyz", 400, "invalid_cursor")
    many("GET", "/v1/tokens?limit=0", 400, "invalid_parameter")
    many("GET", "/v1/tokens?limit=201", 400, "invalid_parameter")
    first = many("GET", "/v1/tokens?limit=1", 200).json()["nextCursor"]
    gateway.root("GET", f"/v1/tokens?companyId=many&cursor={first}", 400, "invalid_cursor")
    assert gateway.root("GET", "/v1/tokens?companyId=many", 200).json()["data"]


def test_a_deleted_user_takes_the_tokens_along(gateway):
    """F133: a token does not outlive its user."""
    gone = make_company(gateway, "gone")
    token = gone("POST", "/v1/tokens", 201, json={"kind": "user", "userId": "ben"}).json()["token"]
    Api(gateway.base, token)("GET", "/v1/settings", 200)
    gone("DELETE", "/v1/users/ben", 204)
    Api(gateway.base, token)("GET", "/v1/settings", 401, "invalid_token")
    assert not gateway.redis.hexists("{c:gone}:ua", "ben@gone.example")


# The mirror


def test_people_and_their_addresses(gateway, company):
    """LNK-01: the index is by normalized address, follows every change, and an address may be on several people."""
    def index(address):
        value = gateway.redis.hget("{c:acme}:ad", address)
        return sorted(packed(value)) if value else []
    person = {"name": "Ärne", "emails": ["Arne@Customer.example", "x@bücher.example"], "fields": {"a": [1, {}]}, "visibleTo": None}
    assert company("PUT", "/v1/people/arne", 200, json=person).json() == dict(person, id="arne")
    assert company("GET", "/v1/people/arne", 200).json() == dict(person, id="arne")
    assert index("arne@customer.example") == ["arne"] and index("x@xn--bcher-kva.example") == ["arne"]
    company("PUT", "/v1/people/berta", 200, json={"emails": ["ARNE@customer.example", "arne@customer.example"]})
    assert index("arne@customer.example") == ["arne", "berta"]
    company("PUT", "/v1/people/arne", 200, json={"emails": ["new@customer.example"]})
    assert index("arne@customer.example") == ["berta"] and index("x@xn--bcher-kva.example") == []
    company("DELETE", "/v1/people/berta", 204)
    company("DELETE", "/v1/people/berta", 404, "not_found")
    assert index("arne@customer.example") == [] and index("new@customer.example") == ["arne"]


def test_items_and_the_people_on_them(gateway, company):
    """LNK-02, LNK-03: the index holds open items only, with the time they were first there."""
    def index(person):
        value = gateway.redis.hget("{c:acme}:pi", person)
        return sorted(packed(value)) if value else []
    made = company("PUT", "/v1/deals/d1", 200, json={"title": "One", "personIds": ["pa", "pb", "pa"]}).json()
    assert made["status"] == "open" and "createdAt" in made and not [k for k in made if k.startswith("_")]
    at = index("pa")[0][2]
    assert index("pa") == [["d", "d1", at]] and abs(at - time.time() * 1000) < 60000
    time.sleep(0.01)
    company("PUT", "/v1/deals/d1", 200, json={"title": "One", "personIds": ["pa"]})
    assert index("pa") == [["d", "d1", at]] and index("pb") == []
    company("PUT", "/v1/leads/d1", 200, json={"personIds": ["pa"], "createdAt": "2026-01-01T00:00:00Z"})
    assert index("pa") == [["d", "d1", at], ["l", "d1", 1767225600000]]
    company("PUT", "/v1/deals/d1", 200, json={"status": "won", "personIds": ["pa"]})
    assert index("pa") == [["l", "d1", 1767225600000]]
    company("PUT", "/v1/deals/d1", 200, json={"status": "open", "personIds": ["pa"]})
    assert index("pa") == [["d", "d1", at], ["l", "d1", 1767225600000]]
    company("DELETE", "/v1/leads/d1", 204)
    company("DELETE", "/v1/deals/d1", 204)
    assert index("pa") == []
    company("GET", "/v1/deals/d1", 404, "not_found")
    company("PUT", "/v1/projects/x", 200, json={})
    company("DELETE", "/v1/projects/x", 204)


def test_what_a_user_may_not_see_is_not_there(company):
    """SHR-02's ground: visibleTo, the owner, groups; and the same 404 as for what does not exist."""
    company("PUT", "/v1/deals/hidden", 200, json={"visibleTo": {"users": ["ben"], "groups": []}, "ownerId": "boss"})
    absent = company.as_user("anna")("GET", "/v1/deals/absent", 404).content
    assert company.as_user("anna")("GET", "/v1/deals/hidden", 404).content == absent
    for user in ("ben", "boss"):
        company.as_user(user)("GET", "/v1/deals/hidden", 200)
    company("PUT", "/v1/deals/hidden", 200, json={"visibleTo": {"groups": ["sales"]}})
    company.as_user("anna")("GET", "/v1/deals/hidden", 200)
    company.as_user("ben")("GET", "/v1/deals/hidden", 404)
    company("PUT", "/v1/deals/hidden", 200, json={"visibleTo": "company"})
    company.as_user("ben")("GET", "/v1/deals/hidden", 200)


def test_organizations(company):
    company("PUT", "/v1/organizations/o1", 200, json={"name": "Org", "fields": {"size": 3}})
    assert company("GET", "/v1/organizations/o1", 200).json() == {"id": "o1", "name": "Org", "fields": {"size": 3}}
    company("DELETE", "/v1/organizations/o1", 204)
    company("GET", "/v1/organizations/o1", 404)


def test_users_addresses_and_preferences(gateway, company):
    company("PUT", "/v1/users/carl", 200, json={"loginEmail": "Carl@acme.example", "emails": ["c@Acme.example"]})
    assert gateway.redis.hget("{c:acme}:ua", "carl@acme.example") == b"carl"
    company("PUT", "/v1/users/dora", 409, "address_taken", json={"emails": ["carl@acme.example"]})
    company("GET", "/v1/users/dora", 404)
    carl = company.as_user("carl")
    assert carl("GET", "/v1/users/carl/preferences", 200).json() == {}
    carl("PATCH", "/v1/users/carl/preferences", 200, json={"defaultSharing": "private"})
    carl("PATCH", "/v1/users/carl/preferences", 200, json={"tracking": {"opens": True}})
    company("PUT", "/v1/users/carl", 200, json={"emails": [], "name": "C {\"preferences\":{}}"})
    assert carl("GET", "/v1/users/carl/preferences", 200).json() == {"defaultSharing": "private", "tracking": {"opens": True}}
    assert "preferences" not in company("GET", "/v1/users/carl", 200).json()
    stored = json.loads(gateway.redis.hget("{c:acme}:user", "carl"))
    assert stored["preferences"]["defaultSharing"] == "private" and stored["emails"] == []
    company.as_user("boss")("GET", "/v1/users/carl/preferences", 404, "not_found")
    company("GET", "/v1/users/carl/preferences", 403, "acting_user_required")
    carl("PATCH", "/v1/users/carl/preferences", 400, "invalid_field", json={"emailLinks": "x"})
    carl("PUT", "/v1/users/carl/preferences", 200, json={})
    company("PUT", "/v1/users/empty", 200, json={})
    company.as_user("empty")("PUT", "/v1/users/empty/preferences", 200, json={"emailLinks": "system"})
    assert company("GET", "/v1/users/empty", 200).json() == {"id": "empty"}
    company("DELETE", "/v1/users/carl", 204)


# Import


def test_import_counts_and_refuses_line_by_line(gateway):
    bulk = make_company(gateway, "bulk")
    lines = [{"kind": "person", "id": f"p{i}", "name": f"P {i}", "emails": [f"p{i}@customer.example"]} for i in range(500)]
    lines += [{"kind": "deal", "id": f"d{i}", "title": "D", "personIds": [f"p{i}"]} for i in range(100)]
    lines += [{"kind": "organization", "id": "o"}, {"kind": "user", "id": "u", "loginEmail": "boss@bulk.example"}]
    text = "\n".join(json.dumps(line) for line in lines)
    text += "\n\nnot json\n[]\n" + json.dumps({"kind": "cat", "id": "x"}) + "\n" + json.dumps({"kind": "person"}) + "\n"
    text += json.dumps({"kind": "person", "id": "p", "nam": 1}) + "\n" + '{"a":"' + "x" * 200000 + '"}\n'
    text += json.dumps({"kind": "lead", "id": "last", "personIds": ["p1"]})
    answer = bulk("POST", "/v1/import", 200, data=text.encode()).json()
    assert answer["accepted"] == 602 and answer["refused"] == 7 and answer["lines"] == len(lines) + 8
    assert answer["counts"]["people"] == 500 and answer["counts"]["deals"] == 100 and answer["counts"]["leads"] == 1
    assert [(r["line"], r["code"]) for r in sorted(answer["refusals"], key=lambda r: r["line"])] == [
        (602, "refused"), (604, "malformed_json"), (605, "malformed_json"), (606, "invalid_field"), (607, "missing_field"),
        (608, "unknown_field"), (609, "line_too_long")]
    assert gateway.redis.hlen("{c:bulk}:ad") == 500 and gateway.redis.hlen("{c:bulk}:pi") == 100
    assert len(packed(gateway.redis.hget("{c:bulk}:pi", "p1"))) == 2
    bulk("POST", "/v1/import", 200, data=text.encode())
    assert gateway.redis.hlen("{c:bulk}:ad") == 500 and len(packed(gateway.redis.hget("{c:bulk}:pi", "p1"))) == 2


def test_import_streams_a_large_body(gateway):
    """More than the body limit passes, because it is read as it arrives."""
    large = make_company(gateway, "large")
    count = 60000

    def body():
        for start in range(0, count, 500):
            yield "".join(json.dumps({"kind": "person", "id": f"p{i}", "name": "n" * 200, "fields": {"x": "y" * 300},
                                      "emails": [f"p{i}@customer.example"]}) + "\n" for i in range(start, start + 500)).encode()
    began = time.monotonic()
    answer = large("POST", "/v1/import", 200, data=body()).json()
    assert answer["accepted"] == count and answer["refused"] == 0
    assert gateway.redis.hlen("{c:large}:person") == count == gateway.redis.hlen("{c:large}:ad")
    print(f"measured: import of {count} people: {count / (time.monotonic() - began):.0f} a second")


def test_import_whose_sender_goes_away(gateway, company):
    host, port = gateway.base[7:].split(":")
    with socket.create_connection((host, int(port))) as raw:
        raw.sendall(f"POST /v1/import HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {company.token}\r\nContent-Length: 100000\r\n\r\n"
                    '{"kind":"person","id":"cut"}\n{"kind":'.encode())
        time.sleep(0.3)
    time.sleep(0.3)
    company("GET", "/v1/settings", 200)


# Settings


def test_settings_and_their_record(gateway):
    """CFG-01: each change is on record: who, when, from, to."""
    ruled = make_company(gateway, "ruled")
    assert ruled("GET", "/v1/settings", 200).json() == {"linkItems": "automatic", "autoLinkKinds": ["deal", "lead"],
                                                       "defaultSharing": "shared", "blocked": [], "trackingDomain": None,
                                                       "trackFirstMessage": True, "ownNetworks": [], "undoSeconds": 10}
    ruled.as_user("boss")("PATCH", "/v1/settings", 200, json={"blocked": ["@spam.example"], "defaultSharing": "private"})
    stored = json.loads(gateway.redis.hget("{c:ruled}:company", "settings"))
    assert stored["blocked"] == ["@spam.example"] and stored["linkItems"] == "automatic"
    (_, entry), = gateway.redis.xrange("{c:ruled}:audit")
    entry = json.loads(entry[b"e"])
    assert entry["user"] == "boss" and entry["changes"]["defaultSharing"] == {"from": "shared", "to": "private"}
    assert set(entry["changes"]) == {"blocked", "defaultSharing"}
    ruled("PATCH", "/v1/settings", 400, "invalid_field", json={"autoLinkKinds": ["cat"]})
    threads = [threading.Thread(target=ruled, args=("PATCH", "/v1/settings"), kwargs={"json": {"trackingDomain": f"t{i}.example"}})
               for i in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert ruled("GET", "/v1/settings", 200).json()["blocked"] == ["@spam.example"]


# Operating


def test_targets_and_egress(gateway, company):
    assert company("GET", "/v1/egress-addresses", 200).json()["data"] == ["192.0.2.1", "192.0.2.2"]
    company("GET", "/v1/targets", 403, "wrong_token_kind")
    Gateway.wait(lambda: gateway.root("GET", "/v1/targets", 200).json(), 5)
    target = gateway.root("GET", "/v1/targets", 200).json()[0]
    assert target["labels"]["stage"] == "gateway"
    assert "mailweave_" in requests.get(f"http://{target['targets'][0]}/metrics").text


def test_many_at_once_and_an_orderly_stop():
    """A stop answers what is in hand; a start after it goes on with the same tokens."""
    made = Gateway("--threads", "4")
    try:
        company = make_company(made, "acme")
        statuses = []

        def work(n):
            for i in range(40):
                statuses.append(company("PUT", f"/v1/people/p{n}-{i}", json={"emails": [f"p{n}@c.example"]}).status_code)
        threads = [threading.Thread(target=work, args=(n,)) for n in range(12)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        assert statuses == [200] * 480
        assert made.stop() == 0
        assert not (made.dir / "run/gateway-1.port").exists()
        made.start()
        Api(made.base, company.token)("GET", "/v1/people/p3-7", 200)
        made.redis_process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        Api(made.base, company.token)("GET", "/v1/people/p3-7", 503, "unavailable")
        made.redis_process.send_signal(signal.SIGCONT)
        assert time.monotonic() - began < 30
        Api(made.base, company.token)("GET", "/v1/people/p3-7", 200)
    finally:
        made.close()


def test_parked_streams_cost_no_thread():
    """Many event streams and long polls on two workers: others are answered meanwhile, each stream gets its event, and a stop ends all."""
    made = Gateway("--threads", "2")
    try:
        company = make_company(made, "acme")
        headers = {"Authorization": f"Bearer {company.token}"}
        streams = [requests.get(made.base + "/v1/events", headers=dict(headers, Accept="text/event-stream"), stream=True, timeout=30)
                   for _ in range(30)]
        assert all(s.status_code == 200 and s.headers["Content-Type"].startswith("text/event-stream") for s in streams)
        began = time.monotonic()
        for _ in range(20):
            company("GET", "/v1/settings", 200)
        assert time.monotonic() - began < 3
        gone, streams = streams[:10], streams[10:]
        [s.close() for s in gone]
        made.redis.xadd("{c:acme}:ev", {"e": b"c" + msgpack.packb(["account.deleted", 1767225600000, '{"accountId":"old"}'])})
        for stream in streams:
            for line in stream.iter_lines(chunk_size=1):
                if line.startswith(b"data:"):
                    assert json.loads(line[5:])["type"] == "account.deleted"
                    break
            else:
                raise AssertionError("the stream ended without its event")
        Gateway.wait(lambda: "mailweave_gateway_streams" in company("GET", "/metrics").text, 5)
        began = time.monotonic()
        assert made.stop() == 0
        assert time.monotonic() - began < 8
    finally:
        made.close()
