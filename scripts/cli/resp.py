"""Just enough of Redis' protocol and of msgpack to look at the registry and ask Redis how it is."""
import socket
import struct

from .state import Stop


class RedisError(Exception):
    pass


class Redis:
    def __init__(self, address, password=None, timeout=5.0):
        if address.startswith("unix:"):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            self.socket.connect(address[5:])
        else:
            host, _, port = address.removeprefix("tcp:").rpartition(":")
            self.socket = socket.create_connection((host.strip("[]"), int(port)), timeout)
        self.file = self.socket.makefile("rb")
        if password:
            self.call("AUTH", password)

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def call(self, *words):
        return self.pipeline([words])[0]

    def pipeline(self, calls):
        out = bytearray()
        for words in calls:
            out += b"*%d\r\n" % len(words)
            for word in words:
                data = word if isinstance(word, bytes) else str(word).encode()
                out += b"$%d\r\n%s\r\n" % (len(data), data)
        self.socket.sendall(out)
        answers = [self._read() for _ in calls]
        for answer in answers:
            if isinstance(answer, RedisError):
                raise answer
        return answers

    def _read(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("Redis closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return RedisError(rest.decode(errors="replace"))
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return None if rest == b"-1" else [self._read() for _ in range(int(rest))]
        raise ConnectionError(f"Redis answered {line[:40]!r}")


def connect(state, timeout=5.0):
    password_file = state.setting("redis_password_file")
    password = open(password_file).read().strip() if password_file else None
    address = state.setting("redis", fallback=f"unix:{state.socket}")
    try:
        return Redis(address, password, timeout)
    except OSError as error:
        raise Stop(f"Redis at {address} does not answer: {error.strerror or error}",
                   "start mailweave (scripts/mailweave up), or look at scripts/mailweave logs redis") from error


def unpack(data):
    """One msgpack value."""
    value, end = _unpack(data, 0)
    if end != len(data):
        raise ValueError("bytes after the value")
    return value


_FIXED = {0xca: ">f", 0xcb: ">d", 0xcc: ">B", 0xcd: ">H", 0xce: ">I", 0xcf: ">Q", 0xd0: ">b", 0xd1: ">h", 0xd2: ">i", 0xd3: ">q"}
_SIZED = {0xd9: (">B", "s"), 0xda: (">H", "s"), 0xdb: (">I", "s"), 0xc4: (">B", "b"), 0xc5: (">H", "b"), 0xc6: (">I", "b"),
          0xdc: (">H", "a"), 0xdd: (">I", "a"), 0xde: (">H", "m"), 0xdf: (">I", "m")}


def _unpack(data, at):
    head = data[at]
    at += 1
    if head <= 0x7f:
        return head, at
    if head >= 0xe0:
        return head - 256, at
    if head <= 0x8f:
        return _body(data, at, "m", head & 15)
    if head <= 0x9f:
        return _body(data, at, "a", head & 15)
    if head <= 0xbf:
        return _body(data, at, "s", head & 31)
    if head in (0xc0, 0xc2, 0xc3):
        return {0xc0: None, 0xc2: False, 0xc3: True}[head], at
    if head in _FIXED:
        size = struct.calcsize(_FIXED[head])
        return struct.unpack_from(_FIXED[head], data, at)[0], at + size
    if head in _SIZED:
        form, kind = _SIZED[head]
        return _body(data, at + struct.calcsize(form), kind, struct.unpack_from(form, data, at)[0])
    raise ValueError(f"msgpack type {head:#x}")


def _body(data, at, kind, size):
    if kind in "sb":
        part = data[at:at + size]
        return (part.decode(errors="surrogateescape") if kind == "s" else part), at + size
    values = []
    for _ in range(size * (2 if kind == "m" else 1)):
        value, at = _unpack(data, at)
        values.append(value)
    return (values if kind == "a" else dict(zip(values[::2], values[1::2]))), at


def registry(redis):
    """The living instances: instance → entry."""
    names = redis.call("SMEMBERS", "{g}:regs") or []
    found = {}
    for name, value in zip(names, redis.pipeline([("GET", b"{g}:reg:" + n) for n in names]) if names else []):
        if value is not None:
            found[name.decode()] = unpack(value)
    return found
