"""HTTP as data: a dialect turns a request into a Call, and each Reply into Progress. Nothing here sends anything."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, Protocol, runtime_checkable

from pydantic import Field, JsonValue

from adapters.errors import Fault, ProviderError, from_status
from adapters.schema import Fields, Frozen, MaskPaint, MediaForm, MediaRequest, Offer, Output, Usage

MESSAGE_CHARS = 500
"""How much of a provider's error text is kept: enough to act on, too little to hide media in."""

RETRY_AFTER_MAX_S = 3_600.0
"""The longest pause that a provider can ask for: past an hour another offer is the better answer."""

UNDECIDED_STATUSES = frozenset({408, 504, 524})
"""A proxy gave up waiting: the request behind it may have been accepted."""


class Part(Frozen):
    """One part of a multipart form: a value, or an asset of ours sent as a file."""

    name: str
    value: str | None = None
    asset: str | None = None
    mask: MaskPaint = Field("white", description="for a mask: what the provider takes for the place to change")


class Call(Frozen):
    """One HTTP call, without credentials and without media bytes, so that it can be stored and sent again.

    A url that begins with "/" is on the provider's configured host, one that begins with "{name}/" on the host of that
    name in the provider's card. Where the json body holds `asset_ref(id, form)`, that asset is put in when the call is
    sent; `asset` instead makes its bytes the whole body.
    """

    stage: str
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    url: str
    json_body: JsonValue = None
    form: tuple[Part, ...] = ()
    asset: str | None = Field(None, description="the body is this asset's bytes, under its own content type")
    headers: dict[str, str] = Field(default_factory=dict)
    memo: dict[str, JsonValue] = Field(default_factory=dict)
    streams: bool = Field(False, description="the reply is server-sent events whose deltas a listener may want")
    stores: bool = Field(
        False, description="a good reply that is media goes to the store, Reply.stored names it; any other is a body"
    )


ASSET_KEY = "$asset"


AssetForm = MediaForm | Literal["mime", "subtype", "name", "size_bytes"]
"""What of an asset is put in: its bytes or link in one of the forms of media, or a fact that must be stated beside
them. `subtype` is the second half of its type: jpeg, mp4."""


def asset_ref(asset: str, form: AssetForm = "data_uri", mask: MaskPaint = "white") -> dict[str, JsonValue]:
    """A place in a json body where an asset's bytes, its link, or a fact about it belong.

    `mask` says how a mask is painted for this provider; one that is painted anew has no link, only bytes.
    """
    ref: dict[str, JsonValue] = {ASSET_KEY: asset, "form": form}
    return ref if mask == "white" else ref | {"mask": mask}


ATTEMPT_KEY = "$attempt"


SEED_DIGITS = 7
"""Hexadecimal digits of a seed made here: 28 bits, which every sampler takes."""


def attempt_ref(form: Literal["uuid", "seed"] = "uuid") -> dict[str, JsonValue]:
    """A place in a submit's json body for what is the run's own, the same however often the submit is sent: a UUID of
    version 4, for protocols whose callers name their runs, or a whole number, for those that want a seed. A dialect is
    pure, and can make neither."""
    return {ATTEMPT_KEY: form}


def addressed(call: Call, attempt_id: str) -> Call:
    """The call with the run's own id in every place for it."""
    digest = hashlib.sha256(attempt_id.encode()).hexdigest()
    name = f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:32]}"
    body = _addressed(call.json_body, {"uuid": name, "seed": int(digest[-SEED_DIGITS:], 16)})
    return call if body == call.json_body else call.model_copy(update={"json_body": body})


def _addressed(value: JsonValue, own: Mapping[str, str | int]) -> JsonValue:
    if isinstance(value, list):
        return [_addressed(each, own) for each in value]
    if not isinstance(value, dict):
        return value
    if ATTEMPT_KEY in value:
        return own[str(value[ATTEMPT_KEY])]
    return {name: _addressed(each, own) for name, each in value.items()}


@dataclass(frozen=True)
class Reply:
    """What came back. `body` is bounded; `headers` has lower-case names; `stored` names bytes kept by the store."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    stored: str | None = None

    def json(self) -> Any:
        return json.loads(self.body)

    def events(self) -> Iterator[Any]:
        """The json documents of a reply made of server-sent events, `[DONE]` left out."""
        # Lines of server-sent events end with \n or \r\n; str.splitlines would also cut at U+2028 within a word.
        for line in self.body.split(b"\n"):
            if (document := event_data(line.decode())) is not None:
                yield document


def event_data(line: str) -> Any | None:
    """The json document of one `data:` line of server-sent events, or None for any other line."""
    if not line.startswith("data:"):
        return None
    data = line[5:].strip()
    return None if data in ("", "[DONE]") else json.loads(data)


class Pending(Frozen):
    """Not finished. The whole memory of an unfinished job is the call to make next."""

    state: Literal["pending"] = "pending"
    call: Call
    wait_s: float = 0.0
    fraction: float | None = None
    provider_status: str | None = None


class Done(Frozen):
    """Finished. `usage` is what the provider counted; `cost_usd` what it says it charged, if it says."""

    state: Literal["done"] = "done"
    outputs: tuple[Output, ...]
    usage: Usage = Field(default_factory=dict)
    cost_usd: Decimal | None = None


class Failed(Frozen):
    """Some providers bill for what they refuse, so a failure too can carry usage.

    `fate_unknown`: the request may have been accepted all the same, so it must not be sent again.
    """

    state: Literal["failed"] = "failed"
    error: ProviderError
    usage: Usage = Field(default_factory=dict)
    cost_usd: Decimal | None = Field(None, description="what the provider says it charged all the same")
    fate_unknown: bool = False
    is_verdict: bool = Field(False, description="the last word on the run, not a failure of this turn only")


Progress = Annotated[Pending | Done | Failed, Field(discriminator="state")]


class Dialect(Protocol):
    """What a wire protocol must know. A plain module satisfies it; no class is needed.

    FIELDS is how the protocol spells our words; an offer's own `fields` go before it.
    """

    @property
    def FIELDS(self) -> Fields: ...

    def submit(self, request: MediaRequest, offer: Offer) -> Call: ...

    def read(self, call: Call, reply: Reply) -> Progress: ...


@runtime_checkable
class Cancels(Protocol):
    """A dialect whose protocol can stop a run: the call that stops what `call` waits for, or None."""

    def cancel(self, call: Call) -> Call | None: ...


@runtime_checkable
class CallsBack(Protocol):
    """A dialect whose protocol can call us when a run ends: the same submit, with our address put where it belongs."""

    def called_back(self, call: Call, url: str) -> Call: ...


class Listing(Frozen):
    """One model as a provider's own list shows it."""

    wire_id: str
    name: str | None = None
    created: date | None = None


class Listings(NamedTuple):
    """One page of a provider's list, and the call for the next page, if there is one."""

    models: tuple[Listing, ...]
    next: Call | None = None


@runtime_checkable
class Lists(Protocol):
    """A dialect whose protocol can say which models are there.

    `read_models` raises what `understand` catches where the reply is not such a list.
    """

    def list_models(self) -> Call: ...

    def read_models(self, call: Call, reply: Reply) -> Listings: ...


@runtime_checkable
class Streams(Protocol):
    """A dialect whose replies can be heard as they are made: the words in one event's json document."""

    def delta(self, document: Any) -> str: ...


@dataclass(frozen=True)
class Partial:
    """A picture as far as it is made, to be looked at and forgotten: nobody stores it. `index` counts from 0."""

    index: int
    mime: str
    base64: str


@runtime_checkable
class ShowsPartials(Protocol):
    """A dialect whose protocol shows a picture while it is made: the one in one event's json document, if there is."""

    def partial(self, document: Any) -> Partial | None: ...


Heard = str | Partial
"""What a listener hears of a streamed reply: words as they are said, or a picture as far as it is made."""


def failed(fault: Fault, message: object) -> Failed:
    return Failed(error=ProviderError(fault=fault, message=str(message)[:MESSAGE_CHARS]))


def blamed(refused: Failed, fault: Fault, message: str | None = None, code: str | None = None) -> Failed:
    """The same failure with a more exact fault: for what a dialect knows and a status does not say."""
    error = refused.error
    named = {"fault": fault, "message": (message or error.message)[:MESSAGE_CHARS], "code": code or error.code}
    return refused.model_copy(update={"error": error.model_copy(update=named)})


def understand(dialect: Dialect, call: Call, reply: Reply) -> Progress:
    """`dialect.read`, where a reply that does not parse is a bad reply: the one place that catches it."""
    try:
        return dialect.read(call, reply)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        message = f"{call.stage}: the reply is not what this protocol says: {error!r}"[:MESSAGE_CHARS]
        return Failed(error=ProviderError(fault=Fault.BAD_REPLY, message=message, status=reply.status))


def refusal(call: Call, reply: Reply) -> Failed | None:
    """The shared first line of every `read`: turn a non-2xx reply into Failed.

    A 404 to a submit hints that the model is gone; a 404 later means only that the job was lost.
    """
    if 200 <= reply.status < 300:
        return None
    message, code = _said(reply)
    error = from_status(reply.status, message, code, _retry_after_s(reply))
    if error.fault is Fault.MODEL_MISSING and call.stage != "submit":
        error = error.model_copy(update={"fault": Fault.PROVIDER_FAULT})
    return Failed(error=error, fate_unknown=call.stage == "submit" and reply.status in UNDECIDED_STATUSES)


def _said(reply: Reply) -> tuple[str, str | None]:
    """The human message and the machine code in an error body, whichever of the common shapes it has."""
    raw = reply.body[: 4 * MESSAGE_CHARS].decode(errors="replace")[:MESSAGE_CHARS]
    try:
        body = json.loads(reply.body)
    except (ValueError, RecursionError):
        return raw, None
    inner = (body.get("error") or body) if isinstance(body, dict) else body
    if not isinstance(inner, dict):
        return str(inner)[:MESSAGE_CHARS], None
    message = inner.get("message") or inner.get("detail") or inner.get("title") or raw
    code = inner.get("code") or inner.get("error_type") or inner.get("type")
    return str(message)[:MESSAGE_CHARS], str(code) if code else None


def _retry_after_s(reply: Reply) -> float | None:
    """Seconds from `Retry-After` or OpenAI's `retry-after-ms`; the date form is left to our own backoff."""
    for header, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        if _SECONDS.fullmatch(value := reply.headers.get(header, "").strip()):
            return min(float(value) * unit_s, RETRY_AFTER_MAX_S)
    return None


_SECONDS = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?")


def counted(quantities: Mapping[str, object]) -> Usage:
    """What a provider counted, exactly. What is not a finite number from 0 on is left out: it can cost nothing."""
    exact = {unit: _exact_count(quantity) for unit, quantity in quantities.items()}
    return {unit: quantity for unit, quantity in exact.items() if quantity is not None}


def _exact_count(quantity: object) -> Decimal | None:
    if isinstance(quantity, bool) or not isinstance(quantity, int | float | str):
        return None
    try:
        exact = Decimal(str(quantity))
    except ArithmeticError:
        return None
    return exact if exact.is_finite() and exact >= 0 else None


def linked(link: str, mime: str) -> Output:
    """An output as a provider linked it. A data URI is the media itself, and says its own type."""
    if not link.startswith("data:"):
        if not link.startswith(("https:", "http:")):
            raise ValueError("an output is not a link")
        return Output(mime=mime, url=link)
    head, _, words = link.partition(",")
    if not head.endswith(";base64"):
        raise ValueError("a data URI is not base64")
    return Output(mime=head[5:].split(";")[0] or mime, base64=words)
