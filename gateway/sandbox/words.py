"""Answers in words, composed by rule from the words of the prompt: sensible in form, deterministic, never a fact."""

import hashlib
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from gateway.sandbox.scenes import Scene, imagine

QUOTED_CHARS = 160
"""How much of a prompt an answer says back."""


class Answer(NamedTuple):
    """Words in chunks, one token each; `finish` is "stop", or "length" where max_tokens cut it."""

    chunks: tuple[str, ...]
    input_tokens: int
    finish: str

    @property
    def text(self) -> str:
        return "".join(self.chunks)

    @property
    def usage(self) -> dict[str, int]:
        """Counts under the two pairs of names that are usual."""
        given, made = self.input_tokens, len(self.chunks)
        return {"input_tokens": given, "output_tokens": made, "prompt_tokens": given, "completion_tokens": made,
                "total_tokens": given + made}  # fmt: skip


def answer(prompt: str, messages: list[dict[str, Any]], max_tokens: int, seed: int) -> Answer:
    """The answer to a prompt, or to the last message of the user. A token here is a word with the space before it."""
    asked, pictures = _asked(prompt, messages)
    chunks = tuple(tokens(_composed(asked, pictures, seed)))
    given = sum(len(list(tokens(text))) for text, _ in map(_content, messages)) + len(list(tokens(prompt)))
    kept = chunks[:max_tokens]
    return Answer(kept, max(1, given), "length" if len(chunks) > max_tokens else "stop")


def tokens(text: str) -> Iterator[str]:
    """The pieces whose sum is the text: each word with the white space before it."""
    return (match.group() for match in re.finditer(r"\s*\S+", text))


def _asked(prompt: str, messages: list[dict[str, Any]]) -> tuple[str, int]:
    """What the user asks last, and how many pictures come with it."""
    if prompt or not messages:
        return prompt, 0
    last = next((message for message in reversed(messages) if message.get("role") == "user"), messages[-1])
    return _content(last)


def _content(message: dict[str, Any]) -> tuple[str, int]:
    """A message's text, and the number of its pictures."""
    content = message.get("content", "")
    if isinstance(content, str):
        return content, 0
    parts = [part for part in content if isinstance(part, dict)]
    texts = [str(part.get("text", "")) for part in parts if part.get("type") == "text"]
    return " ".join(texts), len(parts) - len(texts)


def _composed(asked: str, pictures: int, seed: int) -> str:
    scene = imagine(asked, seed)
    quoted = " ".join(asked.split())[:QUOTED_CHARS] or "nothing in particular"
    seen = f" It came with {pictures} picture{'s' if pictures > 1 else ''}, which the sandbox does not look at." * bool(
        pictures
    )
    words = set(re.findall(r"[a-z]+", asked.lower()))
    if words & {"haiku", "poem", "verse", "rhyme", "song"}:
        return _verse(scene)
    if words & {"list", "ideas", "steps", "options", "names", "ways"}:
        return f"Five ways to take “{quoted}”:{seen}\n" + "\n".join(
            f"{n}. {sentence}" for n, sentence in enumerate(_shots(scene), 1)
        )
    if asked.rstrip().endswith("?"):
        honest = "The sandbox answers by rule and knows no facts, so here is what it can say in pictures."
        shots = " ".join(_shots(scene)[:3])
        return f"You ask: “{quoted}”{seen} {honest} {shots} For a real answer, give a provider's key."
    return f"{quoted.rstrip('.').capitalize()}.{seen} {' '.join(_shots(scene))} Written by the Podium sandbox."


LAND_LINES = {
    "hills": "Low hills lie one behind another, each paler than the last.",
    "mountains": "Sharp mountains close the view, with snow above a ragged line.",
    "sea": "Flat water runs to the horizon, and the light breaks on it in short strokes.",
    "city": "Towers stand in three rows, a few of their windows lit.",
    "forest": "Pines climb the slope in ranks and dissolve in haze.",
    "dunes": "Long dunes fold over one another without a track.",
}

WEATHER_LINES = {
    "snow": "Snow falls slowly, the near flakes larger than the far.",
    "rain": "Rain comes down in thin bright lines.",
    "leaves": "Leaves turn over in the air and drift to one side.",
    "petals": "Petals float past on a mild wind.",
    "fireflies": "Small lights rise and fade in the dark.",
    None: "The air is clear and still.",
}

CAMERAS = (
    "The camera stays low and moves slowly to the right, so that the foreground passes quicker than the distance.",
    "A wide shot, the horizon a little below the middle, plenty of sky.",
    "A long lens, shallow focus, the background soft.",
    "Seen from eye height, steady, with a slow approach.",
)

LIGHTS = (
    "Soft light from one side, long shadows, calm colours.",
    "The light is warm near the ground and cool above.",
    "High contrast, with one clear accent of colour.",
    "Even light, pale edges, a trace of film grain.",
)


def _shots(scene: Scene) -> tuple[str, ...]:
    """Five sentences that describe the scene as the sandbox itself would paint it."""
    named = " and ".join(f"a {subject.motif}" for subject in scene.subjects) or "nobody"
    when = "By night" if scene.is_night else "By day"
    return (
        f"{when}, {named} in the middle of the picture.",
        LAND_LINES[scene.land],
        WEATHER_LINES[scene.weather],
        CAMERAS[_pick(scene, "camera") % len(CAMERAS)],
        LIGHTS[_pick(scene, "light") % len(LIGHTS)],
    )


def _verse(scene: Scene) -> str:
    named = scene.subjects[0].motif if scene.subjects else "wind"
    openings = ("Quiet now, the {}", "Far away, the {}", "Only one, the {}", "Early, still, the {}")
    endings = (
        "the light goes over the {}.",
        "and nothing but {} to cross.",
        "the {} keep its name.",
        "all {} after that.",
    )
    land = {"dunes": "sand", "city": "glass"}.get(scene.land, scene.land)
    return "\n".join((
        openings[_pick(scene, "opening") % len(openings)].format(named),
        WEATHER_LINES[scene.weather].rstrip(".").lower() + ",",
        endings[_pick(scene, "ending") % len(endings)].format(land),
    ))  # fmt: skip


def _pick(scene: Scene, part: str) -> int:
    return hashlib.sha256(f"{part}|{scene.key}".encode()).digest()[0]
