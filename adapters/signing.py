"""How a key becomes the headers of one call: as it is, as AWS Signature Version 4, or as Kling's JWT.

Pure: time is an argument, nothing is sent and nothing is kept. The key never leaves in any other place than a header.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import quote, unquote, urlsplit

from adapters.schema import ProviderCard

JWT_LIFE = timedelta(minutes=30)
"""As long as Kling's own example lets a token live."""
JWT_SKEW = timedelta(seconds=5)
"""How far Kling's clock may be behind ours; a token from its future is refused."""
AWS_DOMAIN = ".amazonaws.com"
UNSIGNED = "UNSIGNED-PAYLOAD"
ALGORITHM = "AWS4-HMAC-SHA256"


class BadKey(ValueError):
    """The key does not have the parts that this signature is made of; the message holds none of them."""


def signed(
    card: ProviderCard,
    key: str,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None,
    now: datetime,
) -> dict[str, str]:
    """The headers that prove who calls, to be added to those of the call. `url` is as it goes out.

    `body` None is one that is streamed, and so not signed. A key without a colon is never a pair: it is sent as the
    card says, whatever the card signs with. Raises BadKey.
    """
    if card.signing == "sigv4" and ":" in key:
        return _sigv4(card, key, method, url, headers, body, now)
    token = _kling_token(key, now) if card.signing == "kling_jwt" and ":" in key else key
    return {card.auth_header: card.auth.format(key=token)}


def _kling_token(key: str, now: datetime) -> str:
    """A JWT (RFC 7519) under HS256, as https://app.klingai.com/global/dev/document-api describes it (2026-11-20)."""
    access, _, secret = key.partition(":")
    if not access or not secret:
        raise BadKey("the key must be ACCESS_KEY:SECRET_KEY")
    claims = {"iss": access, "exp": _seconds(now + JWT_LIFE), "nbf": _seconds(now - JWT_SKEW)}
    words = ".".join(_url64(json.dumps(each, separators=(",", ":")).encode()) for each in (_JWT_HEAD, claims))
    return f"{words}.{_url64(hmac.digest(secret.encode(), words.encode(), 'sha256'))}"


_JWT_HEAD = {"alg": "HS256", "typ": "JWT"}


def _url64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _sigv4(
    card: ProviderCard, key: str, method: str, url: str, headers: Mapping[str, str], body: bytes | None, now: datetime
) -> dict[str, str]:
    """Signature Version 4: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    (2026-11-20)."""
    access, secret, session = _aws_parts(key)
    target = urlsplit(url)
    region, service = _scope(target.hostname or "", card.signing_scope)
    digest = UNSIGNED if body is None else hashlib.sha256(body).hexdigest()
    added = {"x-amz-date": now.strftime("%Y%m%dT%H%M%SZ")}
    if session:
        added["x-amz-security-token"] = session
    if service == "s3" or body is None:
        added["x-amz-content-sha256"] = digest
    said = {name.lower(): value for name, value in headers.items() if name.lower() == "content-type"}
    proven = dict(sorted((said | added | {"host": target.netloc}).items()))
    path = quote(target.path or "/", safe="/~%" if service == "s3" else "/~")
    lines = [method, path, _canonical_query(target.query)]
    lines += [f"{name}:{' '.join(value.split())}" for name, value in proven.items()]
    canonical = "\n".join([*lines, "", ";".join(proven), digest])
    scope = f"{now:%Y%m%d}/{region}/{service}/aws4_request"
    words = "\n".join([ALGORITHM, added["x-amz-date"], scope, hashlib.sha256(canonical.encode()).hexdigest()])
    signature = _chained(f"AWS4{secret}".encode(), [*scope.split("/"), words]).hex()
    proof = f"{ALGORITHM} Credential={access}/{scope}, SignedHeaders={';'.join(proven)}, Signature={signature}"
    return added | {"authorization": proof}


def _canonical_query(query: str) -> str:
    """Every name and value escaped anew, in order: however they are written on the wire, they compare equal."""
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    escaped = sorted((quote(unquote(name), safe="~"), quote(unquote(value), safe="~")) for name, _, value in pairs)
    return "&".join(f"{name}={value}" for name, value in escaped)


def _aws_parts(key: str) -> tuple[str, str, str]:
    """Access key id, secret, and the session token of temporary credentials, or ""."""
    access, _, rest = key.partition(":")
    secret, _, session = rest.partition(":")
    if not access or not secret:
        raise BadKey("the key must be ACCESS_KEY_ID:SECRET_ACCESS_KEY, or those and :SESSION_TOKEN")
    return access, secret, session


def _scope(host: str, otherwise: str) -> tuple[str, str]:
    """Region and service as the host says them, else as the card does. All of Bedrock's hosts sign as `bedrock`."""
    labels = host.removesuffix(AWS_DOMAIN).split(".")
    if not host.endswith(AWS_DOMAIN) or len(labels) < 2:
        region, _, service = otherwise.partition("/")
        return region, service
    service = labels[-2]
    return labels[-1], "bedrock" if service.startswith("bedrock") else service


def _chained(key: bytes, words: list[str]) -> bytes:
    for word in words:
        key = hmac.digest(key, word.encode(), "sha256")
    return key
