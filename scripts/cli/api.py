"""The gateway's API, as the command line uses it."""
import http.client
import json
import urllib.parse

from .state import Stop


class Problem(Stop):
    """application/problem+json from the gateway."""

    def __init__(self, status, body):
        super().__init__(f"{body.get('title', 'the gateway refused')} ({status} {body.get('code', '')}): {body.get('detail', '')}".rstrip(": "),
                         body.get("remedy", ""))
        self.status, self.body = status, body


class Api:
    def __init__(self, state, token=None, user=None):
        self.host, self.port = state.api_address()
        self.headers = {"Authorization": f"Bearer {token or state.root_token()}"}
        if user:
            self.headers["Acting-User"] = user
        self.connection = None

    def acting(self, user):
        """The same company as one of its users."""
        other = object.__new__(Api)
        other.host, other.port, other.connection = self.host, self.port, None
        other.headers = dict(self.headers, **{"Acting-User": user})
        return other

    def request(self, method, path, body=None, query=None, content_type="application/json", timeout=120):
        """The answer's JSON (None if it has no body)."""
        if query:
            path += "?" + urllib.parse.urlencode({k: v for k, v in query.items() if v is not None})
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        headers = dict(self.headers, **({"Content-Type": content_type} if data is not None else {}))
        for last in (False, True):
            if self.connection is None:
                self.connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
            try:
                self.connection.request(method, path, data, headers)
                answer = self.connection.getresponse()
                text = answer.read()
                break
            except (http.client.HTTPException, OSError) as error:
                self.connection.close()
                self.connection = None
                if last or method == "POST":
                    raise Stop(f"the gateway at {self.host}:{self.port} does not answer: {error}",
                               "scripts/mailweave status") from error
        value = json.loads(text) if text.strip() else None
        if answer.status >= 400:
            raise Problem(answer.status, value if isinstance(value, dict) else {"title": answer.reason})
        return value

    def get(self, path, **query):
        return self.request("GET", path, query=query)

    def put(self, path, body):
        return self.request("PUT", path, body)

    def post(self, path, body=None):
        return self.request("POST", path, {} if body is None else body)

    def every(self, path, **query):
        """All of a list, page by page."""
        cursor = None
        while True:
            page = self.get(path, cursor=cursor, limit=200, **query)
            yield from page["data"]
            cursor = page.get("nextCursor")
            if not cursor:
                return
