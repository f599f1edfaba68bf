"""Speech of vLLM-Omni, as its page has it: json in, the bytes of a sound out, tokens in headers."""

from tests.simulators import media
from tests.simulators.checks import Check, faults, number, text, words
from tests.simulators.server import HTML, Answer, Ask, Simulated, World

BODY: dict[str, Check] = {
    "input": text(100_000), "model": words("Qwen/Qwen3-TTS-12Hz-1.7B-CustomVoice"), "voice": words("vivian", "ryan"),
    "response_format": words("wav", "mp3", "flac", "pcm", "opus"), "speed": number(0.25, 4), "language": text(20),
    "instructions": text(1_000),
}  # fmt: skip


def respond(ask: Ask, world: World) -> Answer:
    if (ask.method, ask.path.removeprefix("/v1")) != ("POST", "/audio/speech"):
        return Answer(404, {"detail": "Not Found"})
    if wrong := faults(ask.json, BODY, ("input",)):
        return _error(400, f"invalid {wrong[0]}")
    said = ask.json["input"]
    if "[nonsense]" in said:
        return Answer(200, HTML, {"content-type": "text/html"})
    run = world.begin(said, ask.json)
    if run.wants("refuse"):
        return _error(400, "the text was stopped by moderation")
    if run.wants("fail"):
        return _error(500, "EngineDeadError")
    headers = {"x-vllm-omni-input-tokens": "18", "x-vllm-omni-output-tokens": "77", "x-vllm-omni-total-tokens": "95"}
    return Answer(200, media.sound(), {"content-type": "audio/mpeg"} | headers)


def _error(status: int, message: str) -> Answer:
    return Answer(status, {"error": {"message": message, "type": "BadRequestError", "param": None, "code": status}})


SIMULATED = Simulated(
    dialect="openai_speech",
    provider="vllm-omni",
    key="none",
    job={"task": "text-to-speech", "model": "alibaba/qwen3-tts-1.7b", "format": "mp3"},
    respond=respond,
    turns=1,
    cost_usd="0.002",
    own_rates=({"unit": "request", "usd": "0.002"},),
    broken=_error(500, "internal error"),
)
