"""The example in docs/api.md accepts what is sent, and nothing else."""

import re
from typing import Any

import pytest
from django.conf import settings

from webhooks.tests.factories import make_delivery, make_signed, send_due
from webhooks.tests.receivers import Receiver

pytestmark = pytest.mark.django_db


def test_the_python_example_checks_signatures(receiver: Receiver) -> None:
    text = (settings.BASE_DIR / "docs" / "api.md").read_text()
    (example,) = re.findall(r"```python\n(from standardwebhooks.*?)```", text, re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)
    webhook, secret = make_signed(receiver.url)
    make_delivery(webhook)

    send_due()

    (request,) = receiver.received
    assert names["accept"](request.body, request.headers, secret) == request.payload
    assert names["accept"](request.body + b" ", request.headers, secret) is None
