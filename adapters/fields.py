"""Spell a request in one offer's own words, so that a model with odd field names needs a card and no code."""

from pydantic import JsonValue

from adapters.schema import PARAMETERS, Fields, Input, Lora, MediaRequest, Offer, Role, WireField
from adapters.wire import asset_ref


def spell(request: MediaRequest, offer: Offer, defaults: Fields) -> dict[str, JsonValue]:
    """The caller's extras, then all this offer accepts of the request, then what is fixed: the later wins.

    `defaults` is the dialect's own spelling; the offer's `fields` go before it. Extras come first because a price is
    quoted from the request and the card: an extra that says the same thing otherwise must not reach the provider.
    """
    fields = defaults | offer.fields
    body: dict[str, JsonValue] = dict(request.extra_for(offer.provider))
    if request.prompt and "prompt" in fields:
        body[fields["prompt"].name] = request.prompt
    accepted = _accepted(offer, fields)
    for name in PARAMETERS:
        if name in accepted and (value := parameter(request, name)) is not None:
            body[fields[name].name] = shaped(value, fields[name])
    return body | _inputs(request, offer, fields) | offer.fixed


def _accepted(offer: Offer, fields: Fields) -> set[str]:
    """The parameters to be said. Width and height are said as one size where the protocol knows them only so."""
    accepted = {name for name in offer.accepts if name in fields}
    if "size" in fields and not accepted & {"width", "height"} and {"width", "height"} <= offer.accepts.keys():
        accepted.add("size")
    return accepted


def _inputs(request: MediaRequest, offer: Offer, fields: Fields) -> dict[str, JsonValue]:
    """The media by field. Two roles with one list field share it; where a field takes one, the first role has it."""
    body: dict[str, JsonValue] = {}
    if not request.inputs:
        return body
    for role in Role:
        field = fields.get(field_name(role))
        given = request.given(role)
        if field is None or not given or role not in offer.inputs:
            continue
        refs: list[JsonValue] = [one_media(item, field) for item in given]
        before = body.get(field.name)
        if field.many:
            body[field.name] = [*before, *refs] if isinstance(before, list) else refs
        else:
            body.setdefault(field.name, refs[0])
    return body


def own_names(offer: Offer, defaults: Fields) -> dict[str, str]:
    """Wire name → the word of ours that says it: what a caller's extras may not say."""
    fields = defaults | offer.fields
    return {name: "the offer itself" for name in offer.fixed} | {field.name: name for name, field in fields.items()}


def field_name(role: Role) -> str:
    """Where a role stands among the fields: `audio` there is the wish for sound, so the input goes by another name."""
    return "audio_input" if role is Role.AUDIO else role.value


def parameter(request: MediaRequest, name: str) -> JsonValue:
    """One parameter's value as plain data; `size` is the pair, `count` of one is said too."""
    if name == "size":
        pair: JsonValue = {"width": request.width, "height": request.height}
        return pair if request.width and request.height else None
    if name == "loras":
        return [{"path": lora.id, "scale": scale_of(lora)} for lora in request.loras] or None
    value: JsonValue = getattr(request, name)
    return value


def scale_of(lora: Lora) -> float:
    """How strongly a LoRA is laid on where nobody says."""
    return 1.0 if lora.scale is None else lora.scale


def shaped(value: JsonValue, field: WireField) -> JsonValue:
    """The value in the form the field wants: mapped, put into a template, its keys renamed, or as it is."""
    if isinstance(value, list):
        renamed: list[JsonValue] = [_renamed(one, field) for one in value]
        return renamed[0] if field.single and len(renamed) == 1 else renamed
    if field.values is not None:
        return field.values[_key(value)]
    if field.form is None:
        return int(value) if isinstance(value, float) and value.is_integer() else value
    if isinstance(value, dict):
        return field.form.format(**value)
    return field.form.format(f"{value:g}" if isinstance(value, float) else value)


def _renamed(one: JsonValue, field: WireField) -> JsonValue:
    if field.keys is None or not isinstance(one, dict):
        return one
    theirs = {ours: (names,) if isinstance(names, str) else names for ours, names in field.keys.items()}
    return {name: each for ours, each in one.items() for name in theirs[ours]}


def _key(value: JsonValue) -> str:
    """How a value is written as a key in a card: true, 720p, 5, 1024x1024."""
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:g}"
        case {"width": width, "height": height}:
            return f"{width}x{height}"
        case _:
            return str(value)


def one_media(item: Input, field: WireField) -> JsonValue:
    """An asset's place in the body; a link is passed on only where the gateway left it a link.

    Raises ValueError for base64: a Call holds no media bytes, so those must be an asset by now.
    """
    if item.asset is not None:
        return asset_ref(item.asset, field.media, field.mask)
    if item.url is None:
        raise ValueError(f"the {item.role} input is neither an asset nor a link")
    return item.url
