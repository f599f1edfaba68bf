"""ElevenLabs' speech, as its own client speaks to it: the sound itself is the reply."""

from urllib.parse import parse_qs

from tests.simulators import media
from tests.simulators.checks import Check, faults, flag, number, shaped, text, whole, words
from tests.simulators.server import HTML, Answer, Ask, Simulated, World

KEY = "sk_0123456789abcdef0123456789abcdef"
VOICES = ("JBFqnCBsd6RMkjVDRZzb", "21m00Tcm4TlvDq8ikWAM")
MODELS = (
    "eleven_v4", "eleven_v4_turbo", "eleven_v3", "eleven_v3_conversational", "eleven_multilingual_v2",
    "eleven_flash_v2_5", "eleven_flash_v2", "eleven_turbo_v2_5", "eleven_turbo_v2",
)  # fmt: skip
FORMAT = "mp3_44100_128"
"""Of the many that the vendor makes, the one that is made here."""
MOST_CHARACTERS = 40_000
SECONDS_A_CHARACTER = 1 / 15

FIELDS: dict[str, Check] = {
    "text": text(10**9), "model_id": text(64), "language_code": text(3), "seed": whole(0, 2**32 - 1),
    "voice_settings": shaped({
        "stability": number(0, 1), "similarity_boost": number(0, 1), "style": number(0, 1),
        "use_speaker_boost": flag, "speed": number(0.7, 1.2),
    }),
    "previous_text": text(10_000), "next_text": text(10_000), "apply_text_normalization": words("auto", "on", "off"),
}  # fmt: skip


def refused(status: int, word: str, message: str) -> Answer:
    return Answer(status, {"detail": {"status": word, "message": message}})


def respond(ask: Ask, world: World) -> Answer:
    if not ask.path.startswith(("/v1/text-to-speech/", "/v1/models")):
        return Answer(404, {"detail": "Not Found"})
    if ask.headers.get("xi-api-key") != KEY:
        return refused(401, "invalid_api_key", "Invalid API key")
    match ask.method, ask.path.split("/")[2:]:
        case "GET", ["models"]:
            return Answer(200, [{"model_id": each, "name": each, "can_do_text_to_speech": True} for each in MODELS])
        case "POST", ["text-to-speech", voice]:
            return _spoken(ask, world, voice)
        case _:
            return Answer(404, {"detail": "Not Found"})


def _spoken(ask: Ask, world: World, voice: str) -> Answer:
    body = ask.json
    if wrong := faults(body, FIELDS, ("text",)):
        return Answer(422, {"detail": [{"type": "missing", "loc": ["body", wrong[0]], "msg": "Field required"}]})
    form = parse_qs(ask.query).get("output_format", [FORMAT])[0]
    if form != FORMAT:
        return refused(400, "invalid_output_format", "output_format is not valid")
    if voice not in VOICES:
        return refused(404, "voice_not_found", f"A voice with the voice_id {voice} was not found.")
    if body.get("model_id", "eleven_multilingual_v2") not in MODELS:
        return refused(400, "model_not_found", "A model with that model ID does not exist.")
    if len(body["text"]) > MOST_CHARACTERS:
        return refused(400, "max_character_limit_exceeded", "The text is too long for the model.")
    run = world.begin(body["text"], body)
    if run.wants("nonsense"):
        return Answer(200, HTML, {"content-type": "text/html"})
    if run.wants("refuse"):
        return refused(400, "content_against_policy", "The text may violate our Terms of Service.")
    if run.wants("fail"):
        return refused(500, "something_went_wrong", "We are sorry, something went wrong.")
    length = str(len(body["text"]))
    headers = {"content-type": "audio/mpeg", "character-cost": length, "request-id": run.id}
    return Answer(200, media.sound(len(body["text"]) * SECONDS_A_CHARACTER), headers)


SIMULATED = Simulated(
    dialect="elevenlabs",
    provider="elevenlabs",
    key=KEY,
    job={"task": "text-to-speech", "model": "elevenlabs/eleven-v4"},
    respond=respond,
    turns=1,
    cost_usd="0.008",
    throttled=Answer(
        429, {"detail": {"status": "system_busy", "message": "Our services are busy."}}, {"retry-after": "1"}
    ),
    broken=refused(500, "something_went_wrong", "We are sorry, something went wrong."),
)
