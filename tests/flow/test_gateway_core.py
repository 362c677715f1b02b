"""The gateway alone with a real Redis (and a real Dovecot for accounts): companies, tokens, the mirror and its indexes, import, settings,
accounts, outbox, and every refusal. The other stages do not run."""
import base64
import hashlib
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import shutil

import msgpack
import pytest
import redis
import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "demo"))
from mailserver import MailServer  # noqa: E402

BUILD = pathlib.Path(os.environ.get("MAILWEAVE_BUILD", ROOT / "build" / "plain"))
PROGRAM = BUILD / "gateway" / "gateway"
PASSWORD = "pässword-1"
ANNA = "anna@sales.example"

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason=f"{PROGRAM} is not built")


class Api:
    def __init__(self, base, token=None, user=None):
        self.base, self.token, self.user = base, token, user

    def __call__(self, method, path, expect=None, code=None, headers=None, **options):
        sent = dict(headers or {})
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if self.user:
            sent["Acting-User"] = self.user
        answer = requests.request(method, self.base + path, headers=sent, timeout=60, **options)
        if expect is not None:
            assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text[:600]}"
        if code:
            body = answer.json()
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert set(body) >= {"type", "title", "status", "code", "detail", "remedy", "retryAfter"}
            assert (body["code"], body["status"]) == (code, answer.status_code), body
        return answer

    def as_user(self, user):
        return Api(self.base, self.token, user)


class Gateway:
    def __init__(self, *settings):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="gw-", dir="/tmp"))
        self.dir.chmod(0o755)
        for name in ("redis", "bus", "blobs"):
            (self.dir / name).mkdir(mode=0o750)
        self.settings = settings
        self.log = open(self.dir / "gateway.log", "wb")
        self.redis_process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", str(self.dir / "redis/redis.sock"), "--appendonly", "no", "--save", "",
             "--dir", str(self.dir)], stdout=subprocess.DEVNULL)
        self.redis = redis.Redis(unix_socket_path=str(self.dir / "redis/redis.sock"))
        self.wait(lambda: self.ping(), 10)
        self.run("--make-keys")
        self.run("--load-functions")
        printed = self.run("--make-root-token").stdout.strip()
        assert printed == (self.dir / "root.token").read_text().strip()
        assert (self.dir / "root.token").stat().st_mode & 0o777 == 0o600
        self.process = None
        self.start()
        self.root = Api(self.base, printed)

    def ping(self):
        try:
            return self.redis.ping()
        except redis.ConnectionError:
            return False

    @staticmethod
    def wait(true, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            value = true()
            if value:
                return value
            time.sleep(0.02)
        raise AssertionError("waited in vain")

    def run(self, *words):
        return subprocess.run([PROGRAM, "--dir", self.dir, *words], capture_output=True, text=True, check=True, timeout=60)

    def start(self):
        port_file = self.dir / "run/gateway-1.port"
        port_file.unlink(missing_ok=True)
        self.process = subprocess.Popen([PROGRAM, "--dir", self.dir, "--name", "gateway-1", "--listen", "127.0.0.1:0", *self.settings],
                                        stdout=self.log, stderr=self.log)
        port = self.wait(lambda: port_file.exists() and port_file.read_text().strip(), 20)
        self.base = f"http://127.0.0.1:{port}"

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(30)

    def close(self):
        try:
            if self.process.poll() is None:
                assert self.stop() == 0
            text = (self.dir / "gateway.log").read_text(errors="replace")
            for complaint in ("AddressSanitizer", "runtime error:", "ThreadSanitizer", "LeakSanitizer"):
                assert complaint not in text, text[-6000:]
            for secret in (PASSWORD, "mw1."):
                assert secret not in text, "a secret is in the log"
        finally:
            self.redis_process.terminate()
            self.redis_process.wait()
            self.log.close()
            shutil.rmtree(self.dir, ignore_errors=True)


def make_company(gateway, name):
    gateway.root("PUT", f"/v1/companies/{name}", 200, json={"name": name.title()})
    token = gateway.root("POST", "/v1/tokens", 201, json={"kind": "company", "companyId": name}).json()["token"]
    company = Api(gateway.base, token)
    for user, role in (("boss", "admin"), ("anna", "regular"), ("ben", "regular")):
        company("PUT", f"/v1/users/{user}", 200, json={"name": user.title(), "loginEmail": f"{user}@{name}.example", "emails": [],
                                                     "role": role, "groups": ["sales"] if user == "anna" else []})
    return company


@pytest.fixture(scope="module")
def gateway():
    made = Gateway("--allow_private_hosts", "yes", "--egress_addresses", "192.0.2.1, 192.0.2.2")
    yield made
    made.close()


@pytest.fixture(scope="module")
def company(gateway):
    return make_company(gateway, "acme")


@pytest.fixture(scope="module")
def mail():
    top = pathlib.Path(tempfile.mkdtemp(prefix="gwm-", dir="/tmp"))
    top.chmod(0o755)
    made = MailServer(top / "server", connections=100)
    made.dir.mkdir()
    made.users[ANNA] = PASSWORD
    made.up()
    yield made
    made.down()
    shutil.rmtree(top, ignore_errors=True)


def servers(mail, password=PASSWORD, **more):
    login = {"host": "127.0.0.1", "user": ANNA, "password": password, "security": "tls"}
    return {"imap": dict(login, port=mail.ports["imaps"]), "smtp": dict(login, port=mail.ports["submissions"]), **more}


@pytest.fixture(scope="module")
def mailed(mail):
    """A gateway that trusts the mail server's CA, with a company."""
    made = Gateway("--allow_private_hosts", "yes", "--ca_file", str(mail.ca))
    made.company = make_company(made, "acme")
    yield made
    made.close()


def packed(value):
    return msgpack.unpackb(value, raw=False, strict_map_key=False)


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
                                                       "defaultSharing": "shared", "blocked": [], "trackingDomain": None}
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


# Accounts


def test_verify_tells_both_directions_apart(mailed, mail):
    """ACC-01, ACC-02: what was tried, what failed, what to do."""
    company = mailed.company
    good = company("POST", "/v1/accounts/verify", 200, json={"email": ANNA, **servers(mail)}).json()
    assert good["incoming"]["ok"] and good["outgoing"]["ok"]

    def findings(body):
        return company("POST", "/v1/accounts/verify", 422, "account_verification_failed", json={"email": ANNA, **body}).json()["findings"]
    wrong = findings(servers(mail, password="nö"))
    assert wrong["incoming"]["code"] == wrong["outgoing"]["code"] == "wrong_credentials"
    assert wrong["incoming"]["remedy"] and not wrong["incoming"]["ok"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = free.getsockname()[1]
    half = servers(mail)
    half["smtp"]["port"] = closed
    found = findings(half)
    assert found["incoming"]["ok"] and found["outgoing"]["code"] == "connection_refused"
    half = servers(mail)
    half["imap"]["host"] = "no-such-host.invalid"
    found = findings(half)
    assert found["outgoing"]["ok"] and found["incoming"]["code"] == "host_not_found"
    half["imap"] = dict(servers(mail)["imap"], port=143)
    found = findings(half)
    assert found["incoming"]["code"] == "plaintext_port_refused" and "993" in found["incoming"]["remedy"]
    half["imap"] = dict(servers(mail)["imap"], security="starttls")
    assert findings(half)["incoming"]["code"] == "security_unfit"
    half["imap"] = dict(servers(mail)["imap"], security="none")
    assert findings(half)["incoming"]["code"] == "plaintext_refused"


def test_verify_ends_within_its_time(mailed, mail):
    """A server that says nothing costs ten seconds, not more, and both directions at once."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(5)
        body = servers(mail)
        body["imap"]["port"] = body["smtp"]["port"] = silent.getsockname()[1]
        began = time.monotonic()
        others = []

        def poll():
            while time.monotonic() - began < 5:
                start = time.monotonic()
                mailed.company("GET", "/v1/settings", 200)
                others.append(time.monotonic() - start)
        reader = threading.Thread(target=poll)
        reader.start()
        found = mailed.company("POST", "/v1/accounts/verify", 422, json={"email": ANNA, **body}).json()["findings"]
        took = time.monotonic() - began
        reader.join()
    assert found["incoming"]["code"] == found["outgoing"]["code"] == "connection_timed_out"
    assert 5 < took < 13, took
    assert max(others) < 2, "a slow verification holds others up"


def test_private_hosts_get_one_answer():
    """F132: no port scanner: loopback, private ranges and other ports are refused alike, without being tried."""
    strict = Gateway()
    try:
        company = make_company(strict, "acme")

        def incoming(host, port):
            body = {"email": ANNA, "imap": {"host": host, "port": port, "password": "x"},
                    "smtp": {"host": host, "port": 465, "password": "x"}}
            found = company("POST", "/v1/accounts/verify", 422, json=body).json()["findings"]
            return {k: found["incoming"][k] for k in ("code", "detail", "remedy", "tried")}
        answers = [incoming(h, p) for h, p in (("127.0.0.1", 993), ("localhost", 993), ("10.1.2.3", 993), ("169.254.169.254", 993),
                                               ("[::1]".strip("[]"), 993), ("192.168.0.1", 993), ("0.0.0.0", 993), ("127.0.0.1", 22),
                                               ("::ffff:127.0.0.1", 993), ("2130706433", 993))]
        assert answers[0]["code"] == "host_not_allowed" and answers[0]["tried"] == []
        assert all(a == answers[0] for a in answers), answers
    finally:
        strict.close()


def test_account_fields_and_presets(mailed):
    company = mailed.company
    company("POST", "/v1/accounts", 400, "missing_field", json={"userId": "anna", "email": ANNA})
    company("POST", "/v1/accounts", 400, "missing_field", json={"email": ANNA, "provider": "gmail", "imap": {"password": "x"}})
    company("POST", "/v1/accounts", 422, "unknown_reference", json={"userId": "zed", "email": ANNA, "imap": {"password": "x"}})
    company("POST", "/v1/accounts", 422, "provider_not_supported", json={"userId": "anna", "email": ANNA, "oauth": {}})
    company("POST", "/v1/accounts", 400, "invalid_field", json={"userId": "anna", "email": ANNA, "provider": "carrier-pigeon"})
    company.as_user("ben")("POST", "/v1/accounts", 403, "not_owner", json={"userId": "anna", "email": ANNA, "imap": {"password": "x"}})
    found = company("GET", "/v1/autoconfig?email=a@gmail.com", 200).json()["data"]
    assert found[0]["imap"] == {"host": "imap.gmail.com", "port": 993, "security": "tls"}
    assert company("GET", "/v1/autoconfig?email=a@unknown.example", 200).json()["data"] == []
    company("GET", "/v1/autoconfig?email=x", 400, "invalid_parameter")
    company("GET", "/v1/autoconfig", 400, "invalid_parameter")


def test_account_life(mailed, mail):
    """ACC-01, ACC-07: tried, kept sealed, paused, changed, taken away with its mail kept, met again, erased."""
    company, store = mailed.company, mailed.redis
    anna, ben = company.as_user("anna"), company.as_user("ben")
    body = {"userId": "anna", "email": ANNA, "since": "all", "folders": ["INBOX"], "senderName": "Anna", **servers(mail)}
    bad = anna("POST", "/v1/accounts", 422, "account_verification_failed", json=dict(body, **servers(mail, password="no")))
    assert bad.json()["findings"]["incoming"]["code"] == "wrong_credentials"
    assert not store.keys("{a:*") and not store.hlen("{g}:accounts")
    made = anna("POST", "/v1/accounts", 201, json=body, headers={"Idempotency-Key": "k1"})
    again = anna("POST", "/v1/accounts", 201, json=body, headers={"Idempotency-Key": "k1"})
    assert again.json() == made.json() and again.headers["Idempotent-Replay"] == "true"
    anna("POST", "/v1/accounts", 409, "idempotency_key_reused", json=dict(body, since="3d"), headers={"Idempotency-Key": "k1"})
    anna("POST", "/v1/accounts", 409, "already_exists", json=body)
    account = made.json()
    name, slot = account["id"], f"{{a:acme/{account['id']}}}"
    assert account["state"] == "init" and account["imap"]["port"] == mail.ports["imaps"] and account["folders"] == ["INBOX"]
    assert PASSWORD not in made.text and "password" not in made.text
    record = store.hgetall(slot + ":acct")
    assert record[b"gen"] == b"1" and packed(record[b"own"]) == [ANNA] and record[b"number"] == b"1"
    assert all(PASSWORD.encode() not in value for value in record.values()) and record[b"cred"][0] == 1
    assert store.hget("{g}:accounts", f"acme/{name}") == b"1"
    assert packed(store.hget("{c:acme}:acct", name))[:3] == [1, "anna", ANNA]
    entry = packed(store.xrange(slot + ":j")[0][1][b"e"])
    assert entry[0] == "a" and entry[2] == "created"

    # who sees it
    assert anna("GET", f"/v1/accounts/{name}", 200).json() == account
    for other in (ben, company.as_user("boss")):
        other("GET", f"/v1/accounts/{name}", 404, "not_found")
        assert other("GET", "/v1/accounts", 200).json()["data"] == []
        other("DELETE", f"/v1/accounts/{name}?mail=erase", 404)
    assert [a["id"] for a in company("GET", "/v1/accounts", 200).json()["data"]] == [name]
    anna("PATCH", f"/v1/accounts/{name}", 200, json={"members": ["ben"]})
    ben("GET", f"/v1/accounts/{name}", 200)
    anna("PATCH", f"/v1/accounts/{name}", 200, json={"members": []})
    ben("GET", f"/v1/accounts/{name}", 404)
    company("GET", f"/v1/accounts/{name}/folders", 403, "acting_user_required")

    # the fetcher's side
    store.hset(slot + ":st", mapping={"state": "syncing", "total": 100, "done": 40, "rate": "10.0",
                                      "error": json.dumps({"code": "x", "detail": "d", "remedy": "r", "at": 1767225600000})})
    store.hset(slot + ":box", "1", msgpack.packb([b"Entw&APw-rfe", b"/", b"drafts", 1, b"", 7, 5]))
    for i in range(3):
        store.xadd(slot + ":sth", {"state": f"s{i}", "code": ""})
    seen = anna("GET", f"/v1/accounts/{name}", 200).json()
    assert seen["state"] == "syncing" and seen["progress"]["remainingSeconds"] == 7 and seen["lastError"]["at"] == "2026-01-01T00:00:00Z"
    assert anna("GET", f"/v1/accounts/{name}/folders", 200).json()["data"] == [
        {"id": "1", "path": "Entwürfe", "delimiter": "/", "role": "drafts", "remote": 7, "stored": 5}]
    page = anna("GET", f"/v1/accounts/{name}/history?limit=2", 200).json()
    rest = anna("GET", f"/v1/accounts/{name}/history?limit=2&cursor={page['nextCursor']}", 200).json()
    assert [h["state"] for h in page["data"] + rest["data"]] == ["s2", "s1", "s0"] and rest["nextCursor"] is None

    # pause, resume, change
    assert anna("POST", f"/v1/accounts/{name}/pause", 200).json()["state"] == "paused"
    assert store.hget(slot + ":acct", "paused") == b"1"
    assert anna("POST", f"/v1/accounts/{name}/resume", 200).json()["state"] == "syncing"
    before = store.hget(slot + ":acct", "cred")
    changed = anna("PATCH", f"/v1/accounts/{name}", 200, json={"senderName": "A.", "defaultSharing": "private"}).json()
    assert changed["senderName"] == "A." and changed["since"] == "all" and store.hget(slot + ":acct", "sharing") == b"private"
    assert store.hget(slot + ":acct", "cred") == before
    anna("PATCH", f"/v1/accounts/{name}", 422, "account_verification_failed", json={"imap": {"password": "no"}})
    assert store.hget(slot + ":acct", "cred") == before
    anna("PATCH", f"/v1/accounts/{name}", 400, "missing_field", json={"imap": {"host": "127.0.0.1"}})
    anna("POST", f"/v1/accounts/{name}/reauthenticate", 200, json={"imap": {"password": PASSWORD}})
    assert store.hget(slot + ":acct", "cred") != before
    anna("PATCH", f"/v1/accounts/{name}", 400, "unknown_field", json={"email": "x@y.example"})
    company("DELETE", "/v1/users/anna", 409, "still_in_use")
    mailed.root("DELETE", "/v1/companies/acme", 409, "still_in_use")

    # taken away, mail kept
    key = store.hget(slot + ":acct", "key")
    anna("DELETE", f"/v1/accounts/{name}", 204)
    anna("GET", f"/v1/accounts/{name}", 404)
    anna("DELETE", f"/v1/accounts/{name}", 404)
    record = store.hgetall(slot + ":acct")
    assert b"cred" not in record and record[b"key"] == key and not store.hexists("{g}:accounts", f"acme/{name}")
    assert packed(store.xrevrange(slot + ":j")[0][1][b"e"])[2:] == ["deleted", "kept"]
    back = anna("POST", "/v1/accounts", 201, json=body).json()
    assert back["id"] == name and store.hget(slot + ":acct", "key") == key and store.hget(slot + ":acct", "gen") == b"1"

    # erased
    for i in range(700):
        store.hset(slot + ":t", f"t{i}", "x")
        store.zadd(slot + f":tm:t{i}", {"m": 1})
        store.hset(slot + ":p", f"m{i}", msgpack.packb([[[1, 9, i]], []]))
        store.hset(slot + f":u:1:{i >> 6}", str(i), "x")
        member = b"\0\0\0\1" + f"t{i}".encode()
        store.hset("{c:acme}:tr", member, msgpack.packb(["d:d1"]))
        store.zadd("{c:acme}:tl:d:d1", {member: i})
    other = b"\0\0\0\2other"
    store.hset("{c:acme}:tr", other, msgpack.packb(["d:d1"]))
    store.zadd("{c:acme}:tl:d:d1", {other: 1})
    anna("DELETE", f"/v1/accounts/{name}?mail=erase", 204)
    assert store.keys(slot + "*") == [(slot + ":acct").encode()]
    assert store.hgetall(slot + ":acct") == {b"gen": b"2", b"erased": b"1"}
    assert store.zrange("{c:acme}:tl:d:d1", 0, -1) == [other] and store.hkeys("{c:acme}:tr") == [other]
    assert not store.hexists("{c:acme}:acct", name) and not store.hexists("{g}:accounts", f"acme/{name}")
    (_, event), = store.xrange("{c:acme}:ev")
    assert event[b"e"][:1] == b"c" and packed(event[b"e"][1:])[0] == "account.deleted"
    new = anna("POST", "/v1/accounts", 201, json=dict(body, id=name)).json()
    assert new["id"] == name and store.hget(slot + ":acct", "gen") == b"2" and store.hget(slot + ":acct", "number") == b"2"
    anna("DELETE", f"/v1/accounts/{name}?mail=erase", 204)


# Sending


@pytest.fixture(scope="module")
def sender(mailed, mail):
    anna = mailed.company.as_user("anna")
    anna("POST", "/v1/accounts", 201, json={"id": "send", "email": ANNA, **servers(mail)})
    return anna


def message(**more):
    return {"accountId": "send", "to": [{"name": "Käufer", "email": "buyer@customer.example"}], "subject": "Hello", "text": "Hi", **more}


def test_a_message_is_durable_before_it_is_accepted(mailed, sender):
    slot = "{a:acme/send}"
    queued = sender("POST", "/v1/messages", 202, json=message(), headers={"Idempotency-Key": "m1"}).json()
    assert queued["status"] == "queued"
    account, submission = queued["id"].split("~")
    assert account == "send"
    blob, blob_id, user, created, send_at, sharing, message_id, generation = msgpack.unpackb(
        mailed.redis.hget(slot + ":o", submission), raw=True)
    assert user == b"anna" and len(blob_id) == 10 and created == send_at and generation == 1 and message_id.endswith(b"@sales.example")
    assert mailed.redis.zscore(slot + ":od", submission) == created
    segments = list((mailed.dir / "blobs").rglob("*.seg"))
    assert segments and all(b"buyer@customer.example" not in s.read_bytes() for s in segments)
    again = sender("POST", "/v1/messages", 202, json=message(), headers={"Idempotency-Key": "m1"}).json()
    assert again == queued and mailed.redis.hlen(slot + ":o") == 1
    mailed.redis.delete(*mailed.redis.keys("{c:acme}:idem:*"))
    half = sender("POST", "/v1/messages", 202, json=message(), headers={"Idempotency-Key": "m1"}).json()
    assert half == queued and mailed.redis.hlen(slot + ":o") == 1, "the same key names the same submission, whatever was lost"
    sender("POST", "/v1/messages", 409, "idempotency_key_reused", json=message(text="x"), headers={"Idempotency-Key": "m1"})
    entry = packed(mailed.redis.xrevrange(slot + ":j")[0][1][b"e"])
    assert entry[0] == "o" and entry[2:4] == [submission, "queued"]


def test_outbox_shows_and_cancels(mailed, sender):
    slot = "{a:acme/send}"
    later = sender("POST", "/v1/messages", 202, json=message(sendAt="2099-01-01T00:00:00Z")).json()
    assert later["status"] == "scheduled"
    seen = sender("GET", f"/v1/outbox/{later['id']}", 200).json()
    assert seen["status"] == "scheduled" and seen["sendAt"] == "2099-01-01T00:00:00Z" and seen["attempts"] == 0
    ids = [sender("POST", "/v1/messages", 202, json=message()).json()["id"] for _ in range(3)]
    page = sender("GET", "/v1/outbox?limit=2", 200).json()
    rest = sender("GET", f"/v1/outbox?limit=100&cursor={page['nextCursor']}", 200).json()
    every = [e["id"] for e in page["data"] + rest["data"]]
    assert len(every) == len(set(every)) and set(ids) | {later["id"]} <= set(every)
    assert sender("DELETE", f"/v1/outbox/{later['id']}", 200).json()["status"] == "cancelled"
    assert mailed.redis.zscore(slot + ":od", later["id"].split("~")[1]) is None
    submission = ids[0].split("~")[1]
    mailed.redis.hset(slot + ":os", submission, json.dumps({"status": "delayed", "attempts": 2, "nextAttemptAt": 1767225600000,
                                                             "serverReply": "450 later", "token": 7, "recipients": [{"email": "x"}]}))
    seen = sender("GET", f"/v1/outbox/{ids[0]}", 200).json()
    assert (seen["status"], seen["attempts"], seen["serverReply"], seen["nextAttemptAt"]) == ("delayed", 2, "450 later", "2026-01-01T00:00:00Z")
    assert "token" not in seen
    mailed.redis.hset(slot + ":os", submission, json.dumps({"status": "sent"}))
    assert "sent" in sender("DELETE", f"/v1/outbox/{ids[0]}", 409, "too_late").json()["detail"]
    for path in ("send~zzzzzzzzzzzzzzzz", "send~x", "nope", "other~zzzzzzzzzzzzzzzz"):
        sender("GET", f"/v1/outbox/{path}", 404, "not_found")
        sender("DELETE", f"/v1/outbox/{path}", 404, "not_found")
    ben = mailed.company.as_user("ben")
    ben("GET", f"/v1/outbox/{ids[0]}", 404, "not_found")
    ben("DELETE", f"/v1/outbox/{ids[1]}", 404, "not_found")
    assert ben("GET", "/v1/outbox", 200).json()["data"] == []
    ben("POST", "/v1/messages", 404, "not_found", json=message())


def test_messages_that_cannot_go_out(mailed, sender):
    """SND-03, SND-04, SND-05, SND-09, ACC-06: refused before they are queued, each with its own code."""
    count = mailed.redis.hlen("{a:acme/send}:o")

    def refused(status, code, **more):
        return sender("POST", "/v1/messages", status, code, json=message(**more)).json()["detail"]
    refused(422, "no_recipient", to=[])
    assert "a*b@c.example" in refused(422, "invalid_recipient", to=[{"email": "a*b@c.example"}])
    for bad in ("a,b@c.example", "a b@c.example", "<a@c.example>", "a@b@c", "a"):
        refused(422, "invalid_recipient", cc=[{"email": bad}])
    refused(422, "invalid_header", subject="a\r\nBcc: x@y.example")
    refused(422, "invalid_header", to=[{"name": "a\nb", "email": "a@b.example"}])
    refused(422, "invalid_header", bcc=[{"email": "a@b.example\r\n"}])
    refused(422, "unresolved_field", text="Hi {{person.first_name}}")
    sender("POST", "/v1/messages", 422, "no_content", json={"accountId": "send", "to": [{"email": "a@b.example"}]})
    refused(422, "invalid_attachment", attachments=[{"name": "a", "type": "text/plain", "content": "%%%"}])
    refused(422, "invalid_attachment", attachments=[{"name": "a", "type": "text", "content": ""}])
    refused(422, "invalid_header", attachments=[{"name": "a\nb", "type": "text/plain", "content": ""}])
    refused(422, "unknown_reference", reference={"messageId": "send~zzzzzzzzzzzzzzzz", "action": "reply"})
    refused(422, "unknown_reference", **{"from": {"email": "other@sales.example"}})
    refused(400, "unknown_field", subjekt="x")
    refused(400, "invalid_field", reference={"messageId": "x", "action": "shout"})
    big = base64.b64encode(os.urandom(19 << 20)).decode()
    assert "MB" in refused(413, "message_too_large", attachments=[{"name": "a", "type": "a/b", "content": big}])
    assert sender("POST", "/v1/messages/check", 200, json=message()).json() == {"status": "valid"}
    assert sender("POST", "/v1/messages", 200, json=message(dryRun=True)).json() == {"status": "valid"}
    mailed.redis.hset("{a:acme/send}:st", "state", "authenticationError")
    refused(409, "account_not_authenticated")
    mailed.redis.hdel("{a:acme/send}:st", "state")
    assert mailed.redis.hlen("{a:acme/send}:o") == count


# Operating


def test_targets_and_egress(gateway, company):
    assert company("GET", "/v1/egress-addresses", 200).json()["data"] == ["192.0.2.1", "192.0.2.2"]
    company("GET", "/v1/targets", 403, "wrong_token_kind")
    Gateway.wait(lambda: gateway.root("GET", "/v1/targets", 200).json(), 5)
    target = gateway.root("GET", "/v1/targets", 200).json()[0]
    assert target["labels"]["stage"] == "gateway"
    assert "mailweave_" in requests.get(f"http://{target['targets'][0]}/metrics").text


def test_many_at_once_and_an_orderly_stop(mail):
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
