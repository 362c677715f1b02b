"""What is done to a world. Each fault is a function of the world and a random source, and says in a word or two what it did."""
import os
import signal
import subprocess
import threading
import time

import redis

from world import rig


def _instances(world, but=()):
    return sorted(name for name in world.pids() if name != "redis" and name.rpartition("-")[0] not in but)


def kill_stage(world, chance):
    """kill -9 of one instance of a stage."""
    name = chance.choice(_instances(world))
    try:
        return f"kill {name} {world.kill(name)}"
    except (OSError, ValueError):
        return None  # dead already: this one does not count


def pause_stage(world, chance):
    """A stage stands still, longer than it holds a lease in some cases, and goes on as if nothing had been."""
    name, seconds = chance.choice(_instances(world, but=("gateway",))), chance.choice((0.2, 1, 5))
    try:
        pid = world.kill(name, signal.SIGSTOP)
    except (OSError, ValueError):
        return None
    threading.Timer(seconds, _continue, (pid,)).start()
    return f"pause {name} {seconds} s"


def _continue(pid):
    try:
        os.kill(pid, signal.SIGCONT)
    except OSError:
        pass


def _redis_once(world, between):
    """Redis killed; what `between` does to its files; Redis again, by the supervisor. False: it was down already."""
    service = str(world.var / "service" / "redis")
    try:
        pid = world.pid("redis")
    except (OSError, ValueError):
        return False
    subprocess.run(["s6-svc", "-O", service], check=True)
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass
    rig.wait(lambda: not rig.alive(pid), 10, "Redis is dead")
    between()
    subprocess.run(["s6-svc", "-u", service], check=True)
    rig.wait(lambda: _answers(world), 60, "Redis answers again")
    return True


def _answers(world):
    try:
        return world.redis().ping()
    except (redis.exceptions.RedisError, OSError):
        return None


def kill_redis(world, _chance):
    return "kill redis" if _redis_once(world, lambda: None) else None


def torn_redis(world, chance):
    """Redis dies in the middle of writing its log: the tail of it is the beginning of a transaction that never came to its end."""
    cut = []

    def tear():
        log = max((world.var / "redis" / "appendonlydir").glob("*.incr.aof"), key=lambda p: p.stat().st_mtime)
        data = log.read_bytes()[-65536:]
        at = data.rfind(b"*1\r\n$5\r\nMULTI\r\n")
        block = data[at:] if at >= 0 else b"*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$4\r\ntorn\r\n$1\r\nx\r\n*1\r\n$4\r\nEXEC\r\n"
        cut.append(chance.randrange(1, len(block)))
        with open(log, "ab") as file:
            file.write(block[:cut[0]])
    return f"torn redis {cut[0]} octets" if _redis_once(world, tear) else None


def _said(world, what, *words):
    """One command to Redis as it is now; None while it is not there."""
    try:
        world.redis().execute_command(*words)
        return what
    except (redis.exceptions.RedisError, OSError):
        return None


def cut_clients(world, _chance):
    return _said(world, "redis clients cut", "CLIENT", "KILL", "TYPE", "normal")


def pause_clients(world, chance):
    return _said(world, "redis stands for a moment", "CLIENT", "PAUSE", chance.choice((100, 1000)), "ALL")


def flush_functions(world, _chance):
    return _said(world, "functions flushed", "FUNCTION", "FLUSH")


def kill_imap(world, _chance):
    """The mail server's processes of some connections."""
    pids = subprocess.run(["pgrep", "-P", str(world.server.pids()[0]), "-x", "imap"], capture_output=True, text=True).stdout.split()
    for pid in pids[:2]:
        try:
            os.kill(int(pid), signal.SIGKILL)
        except OSError:
            pass
    return f"kill {len(pids[:2])} imap" if pids else None


def restart_mail_server(world, _chance):
    world.server.down()
    world.server.up()
    return "mail server restarted"


def reset_uidvalidity(world, chance):
    """The server numbers a folder anew."""
    email = chance.choice(world.ledger["reps"])["email"]
    try:
        world.server.doveadm("mailbox", "update", "-u", email, "--uid-validity", str(int(time.time() * 10) % 2 ** 31), "INBOX")
    except subprocess.CalledProcessError:
        return None
    return f"uidvalidity {email}"


def kill_supervisor(world, _chance):
    """The supervisor and with it the supervision tree; `up` starts it again and takes over what still runs."""
    try:
        world.kill("supervisor")
    except (OSError, ValueError):
        return None
    run = world.mailweave("up", "--quiet", check=False)
    return f"supervisor, up again {run.returncode}"


# what, how often
PLAN = ((kill_stage, 60), (pause_stage, 10), (kill_redis, 4), (torn_redis, 6), (cut_clients, 3), (pause_clients, 3), (flush_functions, 3),
        (kill_imap, 4), (restart_mail_server, 2), (reset_uidvalidity, 3), (kill_supervisor, 2))

__all__ = ["PLAN", "torn_redis"]
