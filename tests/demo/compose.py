"""Raw messages, byte by byte as many clients write them: encodings, charsets, attachments, and a few broken ones."""
import base64
import quopri
import time

from texts import FILES

CRLF = b"\r\n"


def encoded_word(text, charset, rng):
    """RFC 2047, B or Q, in words of at most 75 characters."""
    try:
        text.encode("ascii")
        return text
    except UnicodeEncodeError:
        pass
    out, piece = [], ""
    for char in text + "\0":
        trial = (piece + char).encode(charset, "replace")
        if char == "\0" or len(trial) > 36:
            data = piece.encode(charset, "replace")
            if rng.random() < 0.5:
                out.append(f"=?{charset}?B?{base64.b64encode(data).decode()}?=")
            else:
                out.append(f"=?{charset}?Q?{''.join(chr(b) if chr(b).isalnum() and b < 128 else f'={b:02X}' for b in data)}?=")
            piece = "" if char == "\0" else char
        else:
            piece += char
    return "\r\n ".join(out)


def address(name, email, charset, rng):
    if not name:
        return email
    word = encoded_word(name, charset, rng)
    return f"{word} <{email}>" if word != name else f'"{name}" <{email}>'


def transfer(data, encoding):
    """(header value, encoded bytes with CRLF line ends)."""
    if encoding == "base64":
        return b"base64", base64.encodebytes(data).replace(b"\n", CRLF)
    if encoding == "quoted-printable":
        return b"quoted-printable", quopri.encodestring(data).replace(b"\n", CRLF)
    return encoding.encode(), data.replace(b"\n", CRLF)


def text_part(text, kind, charset, rng):
    data = text.encode(charset, "replace")
    if charset.startswith("iso-2022"):
        encoding = "7bit"
    elif all(b < 128 for b in data):
        encoding = rng.choice(("7bit", "quoted-printable"))
    else:
        encoding = rng.choice(("8bit", "quoted-printable", "base64"))
    if encoding in ("7bit", "8bit") and max(map(len, data.split(b"\n"))) > 900:
        encoding = "quoted-printable"
    name, body = transfer(data, encoding)
    return b"Content-Type: text/%s; charset=%s\r\nContent-Transfer-Encoding: %s\r\n" % (kind.encode(), charset.encode(), name), body


def multipart(kind, parts, boundary, close=True):
    """parts: [(headers, body)] → (headers, body)."""
    edge = b"--" + boundary
    body = b"".join(edge + CRLF + head + CRLF + content + (b"" if content.endswith(CRLF) else CRLF) for head, content in parts)
    return b'Content-Type: multipart/%s; boundary="%s"\r\n' % (kind.encode(), boundary), body + (edge + b"--\r\n" if close else b"")


def file_name_parameter(name, rng):
    """RFC 2231, or the wrong but common RFC 2047 in quotes."""
    if name.isascii():
        return f'filename="{name}"'
    if rng.random() < 0.7:
        return "filename*=utf-8''" + "".join(chr(b) if b < 128 and chr(b).isalnum() or b in b"._-" else f"%{b:02X}" for b in name.encode())
    return f'filename="=?utf-8?B?{base64.b64encode(name.encode()).decode()}?="'


class Noise:
    """Bytes for attachments that neither compress nor cost time: slices of one random block, base64 in lines."""

    def __init__(self, rng):
        raw = rng.randbytes(57 * 24000)
        self.lines = base64.encodebytes(raw).replace(b"\n", CRLF)

    def base64(self, size, rng):
        """About size bytes of encoded lines."""
        count = max(1, size // 78)
        total = len(self.lines) // 78
        out, start = [], rng.randrange(total)
        while count > 0:
            take = min(count, total - start)
            out.append(self.lines[start * 78:(start + take) * 78])
            count, start = count - take, 0
        return b"".join(out)


def attachment(noise, size, rng):
    name, kind = rng.choice(FILES)
    head = f"Content-Type: {kind}\r\nContent-Disposition: attachment; {file_name_parameter(name, rng)}\r\nContent-Transfer-Encoding: base64\r\n"
    return head.encode(), noise.base64(size, rng)


def body_of(text, html, charset, files, inline, noise, boundary, rng):
    """Headers and body of the message's content."""
    part = text_part(text, "plain", charset, rng)
    if html:
        page = text_part(html, "html", charset, rng)
        if inline:
            image = (b"Content-Type: image/png\r\nContent-ID: <logo@local>\r\nContent-Disposition: inline\r\nContent-Transfer-Encoding: base64\r\n",
                     noise.base64(1500, rng))
            page = multipart("related", [page, image], boundary + b"r")
        part = multipart("alternative", [part, page], boundary + b"a")
    if files:
        part = multipart("mixed", [part] + [attachment(noise, size, rng) for size in files], boundary + b"m")
    return part


def date_header(when):
    return time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(when))


BROKEN = ("no_closing_boundary", "unknown_charset", "raw_8bit_header", "bad_base64", "no_headers_but_from", "long_line", "empty_body", "nul_bytes",
          "bad_date", "unquoted_boundary")


def broken(kind, headers, rng):
    """A message that a strict reader refuses. headers: bytes with From, To, Subject, Date, Message-ID."""
    plain = b"Content-Type: text/plain; charset=utf-8\r\n"
    text = b"This one is damaged on purpose.\r\n"
    if kind == "no_closing_boundary":
        head, body = multipart("mixed", [(plain, text), (plain, b"second part")], b"cut", close=False)
        return headers + b"MIME-Version: 1.0\r\n" + head + CRLF + body
    if kind == "unknown_charset":
        return headers + b"Content-Type: text/plain; charset=x-nothing-known\r\n\r\nGr\xfc\xdfe\r\n"
    if kind == "raw_8bit_header":
        return headers + b"X-Note: Gr\xfc\xdfe aus K\xf6ln\r\n" + plain + CRLF + text
    if kind == "bad_base64":
        return headers + b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nSGVsbG8g*d29y!bGQ\r\n=x==\r\n"
    if kind == "long_line":
        return headers + plain + CRLF + b"x" * 20000 + CRLF
    if kind == "empty_body":
        return headers + CRLF
    if kind == "nul_bytes":
        return headers + plain + CRLF + b"a\x01b\x02c" + CRLF
    if kind == "bad_date":
        return headers.replace(b"Date: ", b"Date: Someday, ") + plain + CRLF + text
    if kind == "unquoted_boundary":
        return headers + b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=a=b c\r\n\r\n--a=b c\r\n\r\n" + text + b"--a=b c--\r\n"
    return headers + CRLF + text
