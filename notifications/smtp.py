"""Hands a message to an SMTP server in two round trips instead of four, if it supports PIPELINING (RFC 2920)."""

from smtplib import SMTP, SMTPDataError, SMTPRecipientsRefused, SMTPSenderRefused

OK, GO_AHEAD, CLOSING = 250, 354, 421
ACCEPTED_RECIPIENT = (250, 251)


def send(server: SMTP, sender: str, address: str, content: bytes) -> None:
    """Send a message, whose lines end with CRLF, to one address.

    :raises SMTPException: the same errors as `SMTP.sendmail`.
    """
    server.ehlo_or_helo_if_needed()
    if not server.has_extn("pipelining"):
        server.sendmail(sender, [address], content)
        return
    size = f" SIZE={len(content)}" if server.has_extn("size") else ""
    server.send(f"MAIL FROM:<{sender}>{size}\r\nRCPT TO:<{address}>\r\nDATA\r\n")
    mail = server.getreply()
    if mail[0] == CLOSING:
        # No other reply will come.
        server.close()
        raise SMTPSenderRefused(*mail, sender)
    recipient, data = server.getreply(), server.getreply()
    is_accepted = mail[0] == OK and recipient[0] in ACCEPTED_RECIPIENT and data[0] == GO_AHEAD
    if data[0] == GO_AHEAD:
        # A server may wait for a message although it has refused its sender or recipient: that one is empty.
        server.send(content.replace(b"\r\n.", b"\r\n..") + b".\r\n" if is_accepted else b".\r\n")
        data = server.getreply()
    if is_accepted and data[0] == OK:
        return
    if CLOSING in (recipient[0], data[0]):
        server.close()
    elif data[0] != OK:
        server.rset()
    if mail[0] != OK:
        raise SMTPSenderRefused(*mail, sender)
    if recipient[0] not in ACCEPTED_RECIPIENT:
        raise SMTPRecipientsRefused({address: recipient})
    raise SMTPDataError(*data)
