"""What a prompt asks to be seen: palette, land, weather and subjects, as a value. Draws nothing."""

import colorsys
import hashlib
import re
from typing import NamedTuple

RGB = tuple[int, int, int]

SUBJECTS_SHOWN = 3
"""More than three subjects crowd the smallest sizes."""


class Palette(NamedTuple):
    """Colours from far to near: the sky, the light in it, the haze over far land, the land, its foreground."""

    sky_top: RGB
    sky_low: RGB
    light: RGB
    far: RGB
    near: RGB
    ground: RGB


class Subject(NamedTuple):
    """A motif of `gateway.sandbox.motifs` and its colour."""

    motif: str
    colour: RGB


class Scene(NamedTuple):
    """All that a painter needs. `key` seeds every random choice, so the same prompt and seed paint the same."""

    prompt: str
    key: int
    palette: Palette
    land: str
    is_night: bool
    weather: str | None
    subjects: tuple[Subject, ...]


MOODS: dict[str, Palette] = {
    "day": Palette((74, 144, 208), (214, 236, 240), (255, 247, 214), (140, 176, 190), (72, 128, 96), (52, 100, 70)),
    "sunset": Palette((66, 52, 120), (255, 158, 94), (255, 226, 150), (176, 98, 120), (84, 48, 84), (48, 30, 58)),
    "dawn": Palette((120, 156, 206), (255, 208, 190), (255, 240, 210), (186, 168, 190), (98, 110, 140), (62, 78, 104)),
    "night": Palette((10, 16, 44), (52, 74, 124), (240, 240, 220), (40, 58, 100), (18, 28, 58), (10, 16, 36)),
    "snow": Palette(
        (126, 164, 206), (232, 238, 246), (255, 250, 232), (170, 190, 214), (206, 220, 236), (240, 245, 250)
    ),
    "sea": Palette((56, 132, 196), (206, 234, 236), (255, 246, 206), (106, 170, 190), (30, 118, 150), (16, 84, 120)),
    "forest": Palette((130, 184, 176), (232, 240, 208), (255, 250, 210), (124, 164, 140), (38, 92, 66), (24, 60, 46)),
    "desert": Palette((92, 160, 200), (250, 222, 170), (255, 244, 200), (222, 168, 116), (200, 128, 76), (170, 98, 58)),
    "autumn": Palette((150, 178, 200), (250, 224, 186), (255, 240, 200), (196, 150, 110), (186, 94, 44), (128, 60, 34)),
    "city": Palette((64, 84, 130), (236, 190, 170), (255, 236, 200), (128, 128, 156), (58, 66, 96), (36, 40, 62)),
    "neon": Palette((24, 10, 52), (190, 52, 140), (120, 240, 255), (88, 40, 120), (36, 18, 72), (18, 10, 40)),
    "spring": Palette(
        (120, 186, 226), (250, 232, 238), (255, 248, 220), (168, 196, 188), (110, 172, 104), (78, 144, 82)
    ),
    "storm": Palette((54, 64, 80), (150, 162, 172), (222, 226, 230), (96, 108, 120), (58, 72, 80), (38, 48, 56)),
    "mars": Palette((120, 60, 54), (240, 176, 130), (255, 226, 190), (190, 104, 76), (150, 70, 48), (108, 46, 36)),
}

MOOD_WORDS = {
    "neon": "neon cyberpunk futuristic synthwave disco club hologram",
    "night": "night midnight moon moonlit moonlight stars starry dark evening aurora firefly fireflies dream",
    "sunset": "sunset dusk golden sundown twilight fire warm lava volcano",
    "dawn": "dawn sunrise morning mist misty fog foggy calm serene pastel",
    "storm": "storm stormy rain rainy thunder grey gray gloomy wind",
    "snow": "snow snowy winter ice icy arctic frozen frost blizzard glacier ski christmas",
    "autumn": "autumn fall leaves maple october harvest pumpkin",
    "spring": "spring blossom blossoms cherry garden meadow flower flowers butterfly field easter",
    "sea": "sea ocean beach wave waves coast island lake river harbour harbor boat ship whale fish surf sail water",
    "forest": "forest wood woods jungle trees tree pine pines rainforest moss deer bear",
    "desert": "desert dune dunes sand sahara canyon camel cactus pyramid savanna",
    "city": "city town street skyline urban skyscraper tokyo london paris york building buildings metropolis traffic",
    "mars": "mars planet alien space rocket astronaut galaxy",
    "day": "day noon sunny summer bright blue sky happy",
}
"""The first mood that a prompt names decides the colours; moods of light come before those of places."""

LAND_WORDS = {
    "city": MOOD_WORDS["city"] + " neon cyberpunk futuristic",
    "sea": MOOD_WORDS["sea"] + " lighthouse",
    "forest": MOOD_WORDS["forest"],
    "mountains": "mountain mountains alps peak peaks summit glacier snowy volcano cliff himalaya ski canyon snow",
    "dunes": MOOD_WORDS["desert"] + " mars alien planet",
    "hills": "hill hills meadow field village farm garden valley grass countryside",
}

WEATHER_WORDS = {
    "snow": MOOD_WORDS["snow"],
    "rain": "rain rainy storm stormy thunder drizzle",
    "leaves": MOOD_WORDS["autumn"],
    "petals": "blossom blossoms cherry sakura petals spring wedding confetti",
    "fireflies": "firefly fireflies magic magical fairy enchanted dream lantern lanterns embers",
}

SUBJECT_WORDS = {
    "fox": "fox foxes",
    "cat": "cat cats kitten kittens tiger lion",
    "dog": "dog dogs puppy wolf wolves corgi hound",
    "horse": "horse horses pony unicorn camel zebra",
    "deer": "deer stag elk moose reindeer",
    "bear": "bear bears panda",
    "rabbit": "rabbit rabbits bunny hare",
    "bird": "bird birds eagle owl crow seagull gull gulls swan dragon phoenix crane",
    "butterfly": "butterfly butterflies moth",
    "boat": "boat boats ship ships sailboat yacht sail sailing pirate",
    "whale": "whale whales dolphin fish shark orca",
    "house": "house cottage cabin hut home barn village farm",
    "castle": "castle palace fortress temple cathedral",
    "lighthouse": "lighthouse beacon tower",
    "person": "person people man woman girl boy child astronaut hiker dancer knight wizard samurai portrait king queen",
    "robot": "robot robots android mech cyborg",
    "car": "car cars taxi truck bus van vehicle",
    "flower": "flower flowers tulip tulips rose roses sunflower daisy bouquet",
    "balloon": "balloon balloons zeppelin airship blimp",
    "rocket": "rocket rockets spaceship spacecraft shuttle",
    "tree": "tree oak willow bonsai blossom cherry sakura baobab",
}

COLOUR_WORDS: dict[str, RGB] = {
    "red": (206, 60, 44), "crimson": (170, 30, 50), "orange": (232, 126, 40), "golden": (236, 182, 64),
    "gold": (236, 182, 64), "yellow": (244, 206, 66), "green": (72, 150, 84), "emerald": (36, 150, 110),
    "teal": (30, 140, 146), "blue": (58, 110, 200), "purple": (128, 80, 180), "violet": (128, 80, 180),
    "pink": (238, 132, 170), "white": (244, 244, 240), "black": (34, 36, 44), "silver": (190, 198, 208),
    "grey": (136, 140, 148), "gray": (136, 140, 148), "brown": (122, 82, 54),
}  # fmt: skip

USUAL_COLOURS: dict[str, RGB] = {
    "fox": (214, 104, 42), "cat": (98, 88, 96), "dog": (132, 112, 92), "horse": (116, 74, 52), "deer": (150, 100, 62),
    "bear": (92, 66, 50), "rabbit": (196, 186, 176), "bird": (50, 54, 70), "butterfly": (236, 140, 60),
    "boat": (176, 62, 52), "whale": (60, 84, 112), "house": (190, 90, 66), "castle": (150, 142, 150),
    "lighthouse": (206, 60, 50), "person": (196, 72, 72), "robot": (150, 164, 178), "car": (204, 56, 52),
    "flower": (228, 84, 120), "balloon": (222, 78, 70), "rocket": (226, 228, 232), "tree": (70, 130, 76),
}  # fmt: skip

DEFAULT_MOTIFS = ("tree", "balloon", "bird", "house", "deer", "boat", "person", "flower")
DEFAULT_LANDS = ("hills", "mountains", "hills", "sea", "forest", "dunes")


def imagine(prompt: str, seed: int) -> Scene:
    """The scene of a prompt: what its words name, and the rest chosen from prompt and seed."""
    words = re.findall(r"[a-z]+", prompt.lower())
    key = int.from_bytes(hashlib.sha256(f"{seed}|{prompt}".encode()).digest()[:8])
    named_mood = _first(MOOD_WORDS, words)
    mood = named_mood or tuple(MOODS)[key % len(MOODS)]
    subjects = _subjects(words, key, leave_empty=named_mood is not None and key % 3 == 0)
    return Scene(
        prompt=prompt,
        key=key,
        palette=_shifted(MOODS[mood], _turn(prompt, key)),
        land=_land(words, subjects, key),
        is_night=mood in ("night", "neon"),
        weather=_first(WEATHER_WORDS, words),
        subjects=subjects,
    )


def mixed(one: RGB, other: RGB, share: float) -> RGB:
    """`one` with `share` (0..1) of `other`."""
    return tuple(round(a + (b - a) * share) for a, b in zip(one, other, strict=True))  # type: ignore[return-value]


def _first(table: dict[str, str], words: list[str]) -> str | None:
    return next((name for name, known in table.items() if set(known.split()) & set(words)), None)


def _subjects(words: list[str], key: int, leave_empty: bool) -> tuple[Subject, ...]:
    spelled = {word: motif for motif, known in SUBJECT_WORDS.items() for word in known.split()}
    found = list(dict.fromkeys(spelled[word] for word in words if word in spelled))[:SUBJECTS_SHOWN]
    if not found and not leave_empty:
        found = [DEFAULT_MOTIFS[key // 7 % len(DEFAULT_MOTIFS)]]
    return tuple(Subject(motif, _colour_of(motif, words, spelled)) for motif in found)


def _colour_of(motif: str, words: list[str], spelled: dict[str, str]) -> RGB:
    """The colour word that stands at most two words before the subject, else its usual colour."""
    at = next((i for i, word in enumerate(words) if spelled.get(word) == motif), 0)
    near = [COLOUR_WORDS[word] for word in words[max(0, at - 2) : at] if word in COLOUR_WORDS]
    return near[-1] if near else USUAL_COLOURS[motif]


def _land(words: list[str], subjects: tuple[Subject, ...], key: int) -> str:
    if named := _first(LAND_WORDS, words):
        return named
    if any(subject.motif in ("boat", "whale", "lighthouse") for subject in subjects):
        return "sea"
    return DEFAULT_LANDS[key // 61 % len(DEFAULT_LANDS)]


def _turn(prompt: str, key: int) -> float:
    """How far hues turn, in parts of the circle: enough to tell two prompts apart, too little to make snow green."""
    own = hashlib.sha256(prompt.encode()).digest()[0] / 255 - 0.5
    return 0.07 * own + 0.03 * ((key >> 8) % 256 / 255 - 0.5)


def _shifted(palette: Palette, turn: float) -> Palette:
    return Palette(*(_rotated(colour, turn) for colour in palette))


def _rotated(colour: RGB, turn: float) -> RGB:
    hue, lightness, saturation = colorsys.rgb_to_hls(*(part / 255 for part in colour))
    red, green, blue = colorsys.hls_to_rgb((hue + turn) % 1, lightness, saturation)
    return round(red * 255), round(green * 255), round(blue * 255)
