"""Signatures of payment notices, by Standard Webhooks: over the very bytes that are sent."""

import base64
import binascii
import hmac
import json
import time
import uuid
from typing import TypedDict

from .models import PaymentNotice


class NoticeSignature(TypedDict):
    """The headers of a signed notice, as `notify_payment` takes them."""

    webhook_id: str
    webhook_timestamp: str
    webhook_signature: str


def notice_bytes(notice: PaymentNotice) -> bytes:
    """The notice as JSON: sign these bytes, and send the same ones."""
    return json.dumps(notice.to_dict(), ensure_ascii=False, separators=(",", ":")).encode()


def sign_notice(secret: str, body: bytes, *, message_id: str | None = None, sent_at_s: int | None = None) -> NoticeSignature:
    """Signs the bytes of a notice.

    Args:
        secret: The gateway's secret: `whsec_` and base64.
        body: The bytes that are sent.
        message_id: Names the message, and is the same when it is repeated; absent: a new one.
        sent_at_s: When it is sent, in seconds since 1970; absent: now.

    Returns:
        The headers: `client.notify_payment(body, **sign_notice(secret, body))`.

    Raises:
        ValueError: When the secret is not `whsec_` and base64.
    """
    message_id = message_id if message_id is not None else f"msg_{uuid.uuid4()}"
    timestamp = str(sent_at_s if sent_at_s is not None else int(time.time()))
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    signature = base64.b64encode(hmac.digest(_key(secret), signed, "sha256")).decode()
    return {"webhook_id": message_id, "webhook_timestamp": timestamp, "webhook_signature": f"v1,{signature}"}


def _key(secret: str) -> bytes:
    prefix, _, encoded = secret.partition("_")
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if prefix != "whsec" or not key:
        raise ValueError("the secret of the webhook is not `whsec_` and base64")
    return key
