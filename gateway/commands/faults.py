"""What a fault says in one line, for those that an operator or a caller can mend; None for a bug."""

import httpx
import sqlalchemy.exc
from pydantic import ValidationError

from adapters.registry import BadCatalog
from gateway.commands.terminal import Refused
from gateway.ledger.rules import AmountRefused
from gateway.problems import Problem
from gateway.sandbox.process import NotStarted


def sentence(error: BaseException) -> str | None:
    match error:
        case Problem():
            return error.detail
        case ValidationError():
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or error.title
            return f"{_setting(error, where)}: {first['msg']}"
        case sqlalchemy.exc.DBAPIError():
            return f"the database does not answer as it should (see PODIUM_DATABASE_URL): {error.orig}"
        case sqlalchemy.exc.ArgumentError():
            return f"PODIUM_DATABASE_URL: {error}"
        case httpx.TimeoutException():
            return f"the gateway at {error.request.url.copy_with(path='/')} took too long to answer"
        case httpx.HTTPError() | httpx.InvalidURL():
            return f"the gateway cannot be reached: {error}"
        case OSError():
            return f"{error.filename}: {error.strerror}" if error.filename else str(error)
        case Refused() | BadCatalog() | AmountRefused() | NotStarted():
            return str(error)
        case _:
            return None


def _setting(error: ValidationError, where: str) -> str:
    return f"PODIUM_{where.upper()}" if error.title == "Settings" else where
