"""Engines that hold one set of LoRAs for all their runs: turns before a submit that see to the right one. Pure.

Who may take these turns, and that nobody's run of another set is under way meanwhile, is the gateway's to see to
(gateway/attempts/lora_sets.py). Each step can be taken again: what is held is asked first, and only changed if it is
another. So a crash between two of them, or an engine that was started anew and holds nothing, does no harm.

SGLang 0.5.23 (its source and page of LoRAs, read 2026-11-21): one that is merged must be unmerged before the next is
set; what is active is told in lists by 0.5.23, and one by one by the page. unsure: what a server says that was started
without LoRAs, when it is asked; a refusal with words of that kind, or a 404, is taken for "it holds none".
"""

import re
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from adapters.errors import Fault
from adapters.schema import Fields, Lora, MediaRequest, Offer
from adapters.wire import Call, Dialect, Failed, Pending, Progress, Reply, blamed, refusal

ASK, CLEAR, SET = "loras_held", "loras_clear", "loras_set"
STAGES = frozenset({ASK, CLEAR, SET})
"""Turns before a submit: nothing has been asked to be made as long as a run is in one of them."""
SUBMIT, WANTED = "submit_later", "loras"
NONE_HERE = re.compile(r"lora.*(not|n't) (been )?(enabled|supported|initiali[sz]ed)|no lora", re.I | re.S)
PATH = re.compile(r"[/\\]|\.(safetensors|pt|bin|ckpt)$")
"""What looks so is where the weights lie; all else is the nickname of one that the server was started with."""
NICKNAME = re.compile(r"[^A-Za-z0-9._-]+")
NEAR = 1e-6
"""Strengths that are as good as equal."""


def first(submit: Call, loras: tuple[Lora, ...]) -> Call:
    """The call that begins a run of this set. `submit` itself says nothing of LoRAs."""
    wanted: list[JsonValue] = [{"name": lora.id, "scale": lora.scale} for lora in loras]
    memo: dict[str, JsonValue] = {SUBMIT: submit.model_dump(mode="json"), WANTED: wanted}
    return Call(stage=ASK, method="GET", url="/list_loras", memo=memo)


def without_loras(request: MediaRequest) -> MediaRequest:
    return request.model_copy(update={"loras": ()})


@dataclass(frozen=True)
class Holding:
    """A dialect, with the turns before its submit."""

    dialect: Dialect

    @property
    def FIELDS(self) -> Fields:
        return self.dialect.FIELDS

    def submit(self, request: MediaRequest, offer: Offer) -> Call:
        return first(self.dialect.submit(without_loras(request), offer), request.loras)

    def read(self, call: Call, reply: Reply) -> Progress:
        return _read(call, reply) if call.stage in STAGES else self.dialect.read(call, reply)


def turned(dialect: Dialect, call: Call) -> Dialect:
    """Who reads the reply to a call."""
    return Holding(dialect) if call.stage in STAGES else dialect


def _read(call: Call, reply: Reply) -> Progress:
    refused = refusal(call, reply)
    if refused is not None and call.stage == ASK and not call.memo[WANTED] and _has_none(refused):
        return _submit(call)
    if refused is not None:
        return _failed(refused)
    match call.stage:
        case "loras_held":
            held = _held(reply.json())
            if _is_wanted(held, call):
                return _submit(call)
            return _next(call, CLEAR, "/unmerge_lora_weights", {"target": "all"}) if held else _set(call)
        case "loras_clear":
            return _set(call)
        case _:
            return _submit(call)


def _has_none(refused: Failed) -> bool:
    return refused.error.status == 404 or NONE_HERE.search(refused.error.message) is not None


def _failed(refused: Failed) -> Failed:
    """An engine that cannot be brought to hold the set: the run ends here, and may be tried elsewhere."""
    error = refused.error
    if error.fault is Fault.INVALID_REQUEST:
        refused = blamed(refused, Fault.PROVIDER_FAULT, f"it does not take these LoRAs: {error.message}")
    return refused.model_copy(update={"is_verdict": True})


def _held(body: dict[str, Any]) -> dict[str, float]:
    """Nickname → strength of what is active; where several parts of a model hold it, it counts once."""
    held: dict[str, float] = {}
    for entries in (body.get("active") or {}).values():
        for entry in entries or ():
            names = entry.get("nicknames") or entry["nickname"]
            strengths = entry.get("strengths") or entry.get("strength", 1.0)
            names = [names] if isinstance(names, str) else names
            strengths = strengths if isinstance(strengths, list) else [strengths] * len(names)
            held |= {str(name): float(strength) for name, strength in zip(names, strengths, strict=True)}
    return held


def _is_wanted(held: dict[str, float], call: Call) -> bool:
    wanted = {_nickname(lora["name"]): lora["scale"] for lora in _wanted(call)}
    return held.keys() == wanted.keys() and all(abs(held[name] - wanted[name]) < NEAR for name in held)


def _wanted(call: Call) -> list[dict[str, Any]]:
    found: Any = call.memo[WANTED]
    return list(found)


def _nickname(name: str) -> str:
    return NICKNAME.sub("-", name).strip("-") if PATH.search(name) else name


def _set(call: Call) -> Pending:
    """One is named alone, several as lists, as the server's page has it."""
    wanted = _wanted(call)
    if not wanted:
        return _submit(call)
    told: dict[str, list[JsonValue]] = {
        "lora_nickname": [_nickname(lora["name"]) for lora in wanted],
        "lora_path": [lora["name"] if PATH.search(lora["name"]) else None for lora in wanted],
        "strength": [lora["scale"] for lora in wanted],
    }
    body: dict[str, JsonValue] = {name: each[0] if len(each) == 1 else each for name, each in told.items()}
    return _next(call, SET, "/set_lora", body | {"target": "all"})


def _next(call: Call, stage: str, url: str, body: dict[str, JsonValue]) -> Pending:
    return Pending(call=Call(stage=stage, url=url, json_body=body, memo=call.memo), provider_status="switching LoRAs")


def _submit(call: Call) -> Pending:
    return Pending(call=Call.model_validate(call.memo[SUBMIT]))
