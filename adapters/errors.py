"""Every way a provider can disappoint us, and what each one means for retry, fallback and reliability."""

from enum import StrEnum
from typing import NamedTuple

from adapters.schema import Frozen


class Fault(StrEnum):
    INVALID_REQUEST = "invalid_request"
    CONTENT_REJECTED = "content_rejected"
    AUTH = "auth"
    OUT_OF_CREDIT = "out_of_credit"
    RATE_LIMITED = "rate_limited"
    MODEL_MISSING = "model_missing"
    PROVIDER_FAULT = "provider_fault"
    UNREACHABLE = "unreachable"
    BAD_REPLY = "bad_reply"
    TIMED_OUT = "timed_out"


class Consequence(NamedTuple):
    """The five questions; nothing else in the code asks "is this retryable?"."""

    blames: str
    retry_here: bool
    try_elsewhere: bool
    hurts_reliability: bool
    hints_retirement: bool


CONSEQUENCES: dict[Fault, Consequence] = {
    #                                     blames     retry  else   hurts  retire
    Fault.INVALID_REQUEST:   Consequence("caller",   False, False, False, False),
    Fault.CONTENT_REJECTED:  Consequence("caller",   False, False, False, False),
    Fault.AUTH:              Consequence("operator", False, True,  False, False),
    Fault.OUT_OF_CREDIT:     Consequence("operator", False, True,  False, False),
    Fault.RATE_LIMITED:      Consequence("provider", True,  True,  True,  False),
    Fault.MODEL_MISSING:     Consequence("provider", False, True,  True,  True),
    Fault.PROVIDER_FAULT:    Consequence("provider", True,  True,  True,  False),
    Fault.UNREACHABLE:       Consequence("provider", True,  True,  True,  False),
    Fault.BAD_REPLY:         Consequence("provider", False, True,  True,  False),
    Fault.TIMED_OUT:         Consequence("provider", False, True,  True,  False),
}  # fmt: skip
"""A refusal of content goes elsewhere only if the policy of the job allows it: gateway.jobs.rules decides that."""


class ProviderError(Frozen):
    """An error is a value, not an exception: the pure half of an adapter returns it."""

    fault: Fault
    message: str
    status: int | None = None
    code: str | None = None
    retry_after_s: float | None = None

    @property
    def consequence(self) -> Consequence:
        return CONSEQUENCES[self.fault]


_BY_STATUS = {
    401: Fault.AUTH,
    402: Fault.OUT_OF_CREDIT,
    403: Fault.AUTH,
    404: Fault.MODEL_MISSING,
    408: Fault.TIMED_OUT,
    410: Fault.MODEL_MISSING,
    429: Fault.RATE_LIMITED,
    504: Fault.TIMED_OUT,
    524: Fault.TIMED_OUT,
}


def from_status(
    status: int, message: str, code: str | None = None, retry_after_s: float | None = None
) -> ProviderError:
    """Classify by status first: it is what the provider said; message text is a guess.

    A redirect is no answer to a call that carries credentials, so below 400 a status is a bad reply.
    """
    if status < 400:
        fault = Fault.BAD_REPLY
    else:
        fault = _BY_STATUS.get(status, Fault.PROVIDER_FAULT if status >= 500 else Fault.INVALID_REQUEST)
    return ProviderError(fault=fault, message=message, status=status, code=code, retry_after_s=retry_after_s)
