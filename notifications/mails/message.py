"""A message as mail servers read it. Python's `email` package takes thirty times as long to write one."""

import quopri
import secrets
from email import message_from_bytes
from email.header import Header
from email.utils import parseaddr, quote
from functools import cache
from typing import Any

from django.core.mail import BadHeaderError, EmailMultiAlternatives
from django.core.mail.message import sanitize_address

# ASCII headers that are no longer than this, with their names, are written as they are.
MAX_PLAIN_HEADER = 76
# In bytes (RFC 5322, section 2.1.1).
MAX_LINE = 998


class Message(EmailMultiAlternatives):
    """A message to one address, as plain text and as HTML."""

    def __init__(self, *, name: str, address: str, html: str, **fields: Any) -> None:
        super().__init__(to=[f'"{quote(name)}" <{address}>'], **fields)
        self.attach_alternative(html, "text/html")
        self.name, self.address, self.html = name, address, html

    @property
    def sender(self) -> str:
        return _sender(self.from_email)

    def as_bytes(self) -> bytes:
        boundary = f"=={secrets.token_hex(16)}=="
        headers = {"MIME-Version": "1.0", "Subject": self.subject, **self.extra_headers}
        head = [_from(self.from_email), self._to(), *(_header(name, value) for name, value in headers.items())]
        head += ["Content-Type: multipart/alternative;", f' boundary="{boundary}"', "", ""]
        return (
            "\r\n".join(head).encode()
            + _part(str(self.body), "plain", boundary)
            + _part(self.html, "html", boundary)
            + f"--{boundary}--\r\n".encode()
        )

    def _to(self) -> str:
        if _is_plain("To", self.to[0]):
            return _header("To", self.to[0])
        name = Header(self.name, "utf-8", header_name="To").encode(linesep="\r\n")
        # On a line of its own, because addresses are never encoded.
        return f"To: {name}\r\n <{self.address}>"

    def message(self, **options: Any) -> Any:
        """Return the message as backends other than SMTP need it (transport.py)."""
        return message_from_bytes(self.as_bytes())


def _header(name: str, value: str) -> str:
    if not _is_plain(name, value):
        value = Header(value, None if value.isascii() else "utf-8", header_name=name).encode(linesep="\r\n")
    return f"{name}: {value}"


def _is_plain(name: str, value: str) -> bool:
    if "\n" in value or "\r" in value:
        raise BadHeaderError(f"Header values can't contain newlines (got {value!r} for header {name!r}).")
    return value.isascii() and len(name) + len(value) <= MAX_PLAIN_HEADER


def _part(text: str, subtype: str, boundary: str) -> bytes:
    content = text.replace("\r\n", "\n").replace("\r", "\n").encode()
    encoding = "7bit" if text.isascii() else "8bit"
    if max(map(len, content.split(b"\n"))) > MAX_LINE:
        content, encoding = quopri.encodestring(content), "quoted-printable"
    head = (
        f"--{boundary}\r\nContent-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    return head.encode() + content.replace(b"\n", b"\r\n") + b"\r\n"


@cache
def _from(from_email: str) -> str:
    return _header("From", from_email if from_email.isascii() else sanitize_address(from_email, "utf-8"))


@cache
def _sender(from_email: str) -> str:
    """Return only the address of a sender such as "Ticketing <ticketing@example.com>"."""
    return parseaddr(sanitize_address(from_email, "utf-8"))[1]
