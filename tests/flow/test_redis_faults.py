"""What Redis can do to us: FAULTS F107, F108, F112, F113, by the real Redis under the real supervisor. (F107 at length: test_crash.py.)"""
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import pytest
import redis

import rig


def mail(name):
    return (f"From: Anna <anna@elsewhere.example>\r\nTo: me\r\nSubject: {name}\r\nDate: {time.strftime('%a, %d %b %Y %H:%M:%S +0000', time.gmtime())}\r\n"
            f"Message-ID: <{name}@elsewhere.example>\r\n\r\nhello {name}\r\n").encode()


def rep_of(world):
    return world.ledger["reps"][0]["id"]


def subjects(world):
    out = []
    for messages in world.messages_by_thread(rep_of(world)).values():
        out += [m["subject"] for m in messages]
    return out


def arrived(world, names, seconds=60):
    """All of them, each once, and the account is well."""
    def there():
        world.connect()
        have = subjects(world)
        return all(n in have for n in names) and world.synced(rep_of(world))
    rig.wait(lambda: world._quiet(there), seconds, f"{names} arrived", 0.2)
    have = subjects(world)
    assert all(have.count(n) == 1 for n in names), [n for n in names if have.count(n) != 1]


def ids(world):
    return {m["subject"]: (m["id"], thread) for thread, messages in world.messages_by_thread(rep_of(world)).items() for m in messages}


def log_of_redis(world):
    return max((world.var / "redis" / "appendonlydir").glob("*.incr.aof"))


def down(world):
    world.mailweave("down", "--quiet")
    (world.var / "redis" / "clean").unlink(missing_ok=True)


def up(world):
    world.mailweave("up", "--quiet")
    world.connect()


@pytest.fixture(scope="module")
def house():
    world = rig.World(messages=30, accounts=1, seed=21, deals=0, settings=("fetcher:poll_ms=1s",))
    try:
        world.add_accounts()
        world.wait_synced(90)
        yield world
    finally:
        world.close()


def test_f107_killed_while_mail_comes(house):
    """Proves F107: kill -9 of Redis, again and again, while mail comes: nothing lost, nothing twice."""
    names = []
    for number in range(4):
        names.append(f"killed{number}")
        house.deliver(rep_of(house), mail(names[-1]))
        house.kill("redis")
        rig.wait(lambda: house._quiet(lambda: house.redis().ping()), 30, "Redis is back", 0.05)
    arrived(house, names)


def test_f108_torn_in_a_transaction_and_started_twice(house):
    """Proves F108: the log torn within a transaction, started, written on, killed and started again: the half of it is in no count."""
    name, rep = "before the tear", rep_of(house)
    house.deliver(rep, mail(name))
    arrived(house, [name])
    before = ids(house)
    down(house)
    log = log_of_redis(house)
    data = log.read_bytes()
    with open(log, "ab") as file:
        file.write(b"*1\r\n$5\r\nMULTI\r\n*2\r\n$4\r\nINCR\r\n$7\r\ncounted\r\n*3\r\n$3\r\nSET\r\n$4\r\nhalf\r\n$9\r\nand")
    up(house)
    store = house.redis()
    assert log_of_redis(house).read_bytes()[:len(data)] == data and not store.exists("counted") and not store.exists("half")
    store.transaction(lambda pipe: pipe.incr("counted"))
    house.deliver(rep, mail("after the tear"))
    arrived(house, ["after the tear"])
    house.kill("redis")
    rig.wait(lambda: house._quiet(lambda: house.redis().ping()), 30, "Redis is back", 0.05)
    assert house.redis().get("counted") == b"1" and not house.redis().exists("half")
    house.redis().delete("counted")
    arrived(house, [name, "after the tear"])
    assert {s: v for s, v in ids(house).items() if s in before} == before


def bare_redis(folder, load_truncated, program):
    conf = folder / "redis.conf"
    conf.write_text(f"port 0\nunixsocket {folder}/s\ndir {folder}\nappendonly yes\nappendfsync always\nsave \"\"\naof-load-truncated {load_truncated}\n")
    process = subprocess.Popen([*program, str(conf if program[0] == "redis-server" else folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    client = redis.Redis(unix_socket_path=str(folder / "s"))

    def ready():
        try:
            return client.ping()
        except redis.exceptions.RedisError:
            return None
    rig.wait(ready, 20, "Redis answers")
    return process, client


def end(process):
    process.kill()
    process.wait()


def torn_twice(program, load_truncated):
    """What a counter is after: a log torn within MULTI INCR, a start, MULTI INCR EXEC, kill -9, a start."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="mw-torn-"))
    try:
        process, client = bare_redis(folder, load_truncated, program)
        client.set("a", 1)
        end(process)
        with open(max((folder / "appendonlydir").glob("*.incr.aof")), "ab") as file:
            file.write(b"*1\r\n$5\r\nMULTI\r\n*2\r\n$4\r\nINCR\r\n$7\r\ncounted\r\n*3\r\n$3\r\nSET\r\n$4\r\nha")
        process, client = bare_redis(folder, load_truncated, program)
        client.transaction(lambda pipe: pipe.incr("counted"))
        end(process)
        process, client = bare_redis(folder, load_truncated, program)
        counted = int(client.get("counted") or 0)
        end(process)
        return counted
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_f108_the_gate_is_what_helps():
    """Proves that F108 is caught by our start of Redis: without it, the half transaction stays in the log, and at the second start what was
    acknowledged after it is lost with it, or it is counted itself."""
    assert torn_twice([str(rig.ROOT / "scripts" / "redis-service")], "no") == 1
    bare = torn_twice(["redis-server"], "yes")
    version = subprocess.run(["redis-server", "--version"], capture_output=True, text=True).stdout
    assert bare != 1 or "v=7.0." not in version, "this Redis does not show the fault"


def test_f112_a_redis_that_evicts(house):
    """Proves F112: no program starts on a Redis that may throw data away; it says why, and starts once that is put right."""
    store = house.redis()
    store.config_set("maxmemory-policy", "allkeys-lru")
    try:
        pid = house.kill("parser-1", signal.SIGTERM)
        rig.wait(lambda: "redis_evicts" in house.logs("parser"), 40, "the parser says why it does not start")
        assert not store.hexists("x", "y") and not rig.alive(pid)
    finally:
        store.config_set("maxmemory-policy", "noeviction")
    house.deliver(rep_of(house), mail("after the policy"))
    arrived(house, ["after the policy"])


def test_f113_an_older_state(house):
    """Proves F113 (and what F114 asks of mail): Redis comes back with the state of a while ago, as after a failover that lost writes: what came
    since is read again, with the ids that it had, nothing twice, and the lease of that time is given up."""
    rep = rep_of(house)
    down(house)
    folder, copy = house.var / "redis" / "appendonlydir", house.dir / "older"
    shutil.copytree(folder, copy)
    up(house)
    names = [f"since{n}" for n in range(6)]
    for name in names:
        house.deliver(rep, mail(name))
    arrived(house, names)
    before = ids(house)
    down(house)
    shutil.rmtree(folder)
    copy.rename(folder)
    up(house)
    arrived(house, names, 90)
    assert ids(house) == before
    house.deliver(rep, mail("after the older state"))
    arrived(house, ["after the older state"])


def test_redis_away_for_a_while(house):
    """No account is without its owner after Redis stood still for longer than a lease lasts, and longer than a call waits."""
    rep = rep_of(house)
    with house.standing("redis"):
        house.deliver(rep, mail("while it stood"))
        time.sleep(15)
    house.deliver(rep, mail("after it stood"))
    arrived(house, ["while it stood", "after it stood"])


def test_functions_lost_and_connections_cut(house):
    """FUNCTION FLUSH and CLIENT KILL while mail comes: loaded again, connected again, nothing lost, nothing twice."""
    names = []
    for number in range(6):
        names.append(f"flushed{number}")
        house.deliver(rep_of(house), mail(names[-1]))
        store = house.redis()
        store.execute_command("FUNCTION", "FLUSH")
        store.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        time.sleep(0.3)
    arrived(house, names)
