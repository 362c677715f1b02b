#!/usr/bin/python3
"""reply_lines PARSER FILE...: what is new in each file, a line of JSON each: {"path", "reply", "signature"}. A .eml is a whole message, a
.html or .txt the body of one. For scorers of reply extraction; needs nothing but the parser's --json."""
import json
import subprocess
import sys

HEADS = {".html": b"MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n",
         ".txt": b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"}


def line(parser, path):
    with open(path, "rb") as file:
        raw = next((head for end, head in HEADS.items() if path.endswith(end)), b"") + file.read()
    done = subprocess.run([parser, "--json", "-"], input=raw, stdout=subprocess.PIPE, check=True)
    message = json.loads(done.stdout)
    return {"path": path, "reply": message.get("newText"), "signature": message.get("signature")}


if __name__ == "__main__":
    for name in sys.argv[2:]:
        print(json.dumps(line(sys.argv[1], name)))
