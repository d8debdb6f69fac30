"""The language of the sprites: factors, their synonyms, and the captions made of them.

Every word belongs to one value of one factor, so that what a word means on screen is known, and is a word that the
tagger (language/tagging.py) finds to be of the part of speech it has here. Nouns and adjectives name appearance, verbs
and adverbs name motion (docs/paper.md, Codebook: those two groups quantise spatial and temporal tokens). Verbs stand
here in their base form and in captions as `slides`, `sliding`.
"""

from collections.abc import Mapping
from functools import cache

import numpy as np

SYNONYMS: dict[str, dict[str, dict[str, tuple[str, ...]]]] = {
    "shape": {
        "circle": {"noun": ("circle", "disc", "ball", "orb", "sphere", "globe")},
        "square": {"noun": ("square", "box", "block", "cube", "crate", "brick")},
        "triangle": {"noun": ("triangle", "pyramid", "wedge", "cone", "arrowhead")},
        "star": {"noun": ("star", "pentagram", "starfish", "asterisk")},
        "cross": {"noun": ("crucifix", "junction", "windmill", "crossbar")},
        "ring": {"noun": ("ring", "hoop", "donut", "bagel", "bracelet", "tyre")},
        "heart": {"noun": ("heart", "valentine", "sweetheart")},
        "diamond": {"noun": ("diamond", "rhombus", "lozenge", "kite", "gem", "crystal")},
    },
    "colour": {
        "red": {"adjective": ("red", "crimson", "scarlet", "ruby", "vermilion")},
        "orange": {"adjective": ("orange", "tangerine", "amber", "coppery", "apricot")},
        "yellow": {"adjective": ("yellow", "golden", "lemon", "canary", "mustard")},
        "green": {"adjective": ("green", "emerald", "jade", "lime", "verdant")},
        "cyan": {"adjective": ("cyan", "turquoise", "aqua", "aquamarine")},
        "blue": {"adjective": ("blue", "azure", "cobalt", "sapphire", "ultramarine")},
        "purple": {"adjective": ("purple", "violet", "mauve", "amethyst", "lavender")},
        "pink": {"adjective": ("pink", "rosy", "magenta", "fuchsia", "salmon")},
        "white": {"adjective": ("white", "ivory", "snowy", "chalky", "milky")},
        "black": {"adjective": ("black", "ebony", "inky", "sooty", "blackish")},
    },
    "size": {
        "small": {"adjective": ("small", "little", "tiny", "compact", "petite", "miniature")},
        "medium": {"adjective": ("midsize", "average", "moderate", "intermediate", "ordinary")},
        "large": {"adjective": ("large", "big", "huge", "gigantic", "enormous", "massive")},
    },
    "texture": {
        "plain": {"adjective": ("plain", "solid", "unmarked", "simple")},
        "striped": {"adjective": ("striped", "banded", "streaky")},
        "dotted": {"adjective": ("dotty", "spotty", "speckled")},
        "checkered": {"adjective": ("patchy", "chequered", "tiled", "motley")},
        "glossy": {"adjective": ("glossy", "shiny", "glassy", "metallic", "lustrous")},
    },
    "background": {
        "plain": {"noun": ("backdrop", "wall", "surface"), "adjective": ("blank", "bare", "empty")},
        "gradient": {"noun": ("gradient", "haze", "fog"), "adjective": ("hazy", "foggy", "blurry")},
        "stripes": {"noun": ("fence", "stripe", "plank"), "adjective": ("linear", "parallel", "straight")},
        "checks": {"noun": ("chessboard", "mosaic", "grid"), "adjective": ("rectangular", "blocky", "angular")},
        "dots": {"noun": ("dot", "bubble", "pebble"), "adjective": ("bubbly", "grainy", "pebbly")},
        "waves": {"noun": ("wave", "sea", "dune"), "adjective": ("wavy", "curvy", "hilly")},
        "ripples": {"noun": ("ripple", "pond", "target"), "adjective": ("rippled", "concentric", "circular")},
    },
    "tint": {
        "sand": {"adjective": ("sandy", "beige", "creamy", "khaki")},
        "slate": {"adjective": ("grey", "ashen", "smoky", "stony")},
        "moss": {"adjective": ("mossy", "grassy", "leafy", "olive")},
        "wine": {"adjective": ("maroon", "burgundy", "plum", "brownish")},
        "ocean": {"adjective": ("navy", "indigo", "oceanic", "bluish")},
    },
    "light": {
        "bright": {"adjective": ("bright", "pale", "sunny", "luminous", "sunlit")},
        "dim": {"adjective": ("dim", "dark", "gloomy", "murky", "shadowy")},
    },
    "motion": {
        "slide": {"verb": ("slide", "glide", "drift", "travel", "move", "coast", "sail", "cruise")},
        "bounce": {"verb": ("bounce", "hop", "jump", "leap", "rebound", "ricochet", "skip", "bob")},
        "rotate": {"verb": ("rotate", "spin", "turn", "twirl", "revolve", "pivot", "whirl", "swivel")},
        "orbit": {"verb": ("orbit", "loop", "circulate", "curve", "swirl", "cycle", "roam")},
        "grow": {"verb": ("grow", "expand", "swell", "enlarge", "inflate", "widen", "increase", "broaden")},
        "shrink": {"verb": ("shrink", "contract", "dwindle", "diminish", "deflate", "shrivel", "decrease", "wane")},
        "zigzag": {"verb": ("zigzag", "weave", "meander", "swerve", "veer", "wander", "stagger")},
        "blink": {"verb": ("blink", "flash", "flicker", "twinkle", "glimmer", "wink", "vanish")},
        "shake": {"verb": ("shake", "tremble", "vibrate", "quiver", "shudder", "jiggle", "oscillate", "shiver")},
        "fall": {"verb": ("fall", "drop", "plunge", "tumble", "descend", "sink", "plummet", "dive")},
    },
    "speed": {
        "slow": {"adverb": ("slowly", "gradually", "lazily", "sluggishly", "unhurriedly", "languidly", "patiently")},
        "medium": {"adverb": ("moderately", "casually", "normally", "comfortably", "ordinarily", "reasonably")},
        "fast": {"adverb": ("quickly", "rapidly", "swiftly", "speedily", "hastily", "briskly", "hurriedly", "fast")},
    },
    "manner": {
        "smooth": {"adverb": ("smoothly", "gracefully", "fluidly", "evenly", "gently", "calmly", "elegantly")},
        "jerky": {"adverb": ("jerkily", "abruptly", "haltingly", "erratically", "suddenly", "nervously", "fitfully")},
        "wobbly": {"adverb": ("unsteadily", "shakily", "drunkenly", "unevenly", "dizzily", "clumsily", "awkwardly")},
    },
}

# Words for what only some motions have. Not a labelled factor: most motions have no direction.
DIRECTIONS: dict[str, tuple[str, ...]] = {
    "left": ("westward", "westwards"),
    "right": ("eastward", "eastwards"),
    "up": ("upward", "upwards", "skyward"),
    "down": ("downwards", "southward"),
    "clockwise": ("clockwise",),
    "anticlockwise": ("backwards", "backward"),
    "sideways": ("sideways", "horizontally", "laterally"),
    "upright": ("vertically",),
}

FACTORS: dict[str, tuple[str, ...]] = {factor: tuple(values) for factor, values in SYNONYMS.items()}

# Factor -> "appearance" or "motion": what a factor is follows from the parts of speech that name it.
KINDS: dict[str, str] = {
    factor: "motion" if {part for words in values.values() for part in words} <= {"verb", "adverb"} else "appearance"
    for factor, values in SYNONYMS.items()
}

# Templates hold function words only: a content word here would be in the vocabulary and mean nothing.
_SENTENCES = (
    "{object} {verb_s} {how} over {background}",
    "{object} is {verb_ing} {how} against {background}",
    "{object} {adverb} {verb_s} {rest} above {background}",
    "over {background}, {object} {verb_s} {how}",
    "against {background}, {object} is {adverb} {verb_ing} {rest}",
    "{adverb}, {object} {verb_s} {rest} over {background}",
)
_OBJECTS = (
    "{size} {colour} {texture} {shape}",
    "{texture} {size} {colour} {shape}",
    "{size} {texture} {colour} {shape}",
)
_SECOND_OBJECTS = (
    "while {object} {verb_s} {adverb}",
    "as {object} {adverb} {verb_s}",
    "and {object} is {verb_ing} {adverb}",
)


@cache
def inflect(verb: str, tag: str) -> str:
    """A verb's form by Penn tag: VBZ (`slides`) or VBG (`sliding`)."""
    from lemminflect import getInflection  # loads its tables: only when captions are made

    return getInflection(verb, tag)[0]


def _with_article(phrase: str) -> str:
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"


def _pick(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[rng.integers(len(options))]


def _word(rng: np.random.Generator, factors: Mapping[str, str], factor: str, part: str) -> str:
    return _pick(rng, SYNONYMS[factor][factors[factor]][part])


def _object(rng: np.random.Generator, factors: Mapping[str, str]) -> str:
    words = {factor: _word(rng, factors, factor, "adjective") for factor in ("size", "colour", "texture")}
    return _with_article(_pick(rng, _OBJECTS).format(shape=_word(rng, factors, "shape", "noun"), **words))


def _background(rng: np.random.Generator, factors: Mapping[str, str]) -> str:
    adjectives = [_word(rng, factors, factor, "adjective") for factor in ("light", "background", "tint")]
    return _with_article(" ".join([*adjectives, _word(rng, factors, "background", "noun")]))


def _motion(rng: np.random.Generator, factors: Mapping[str, str], direction: str | None) -> dict[str, str]:
    """What a template may say of a motion: the verb, its first adverb, all other adverbs, and all adverbs (`how`)."""
    verb = _word(rng, factors, "motion", "verb")
    speed, manner = (_word(rng, factors, factor, "adverb") for factor in ("speed", "manner"))
    first, second = (speed, manner) if rng.random() < 0.5 else (manner, speed)
    towards = [_pick(rng, DIRECTIONS[direction])] if direction else []
    return {
        "verb_s": inflect(verb, "VBZ"),
        "verb_ing": inflect(verb, "VBG"),
        "adverb": first,
        "rest": " ".join([*towards, "and", second] if towards else [second]),
        "how": " ".join([*towards, first, "and", second]),
    }


def caption(
    rng: np.random.Generator,
    factors: Mapping[str, str],
    direction: str | None,
    second: tuple[Mapping[str, str], str | None] | None = None,
) -> str:
    """One English sentence about a clip.

    factors: value of each factor of FACTORS; direction: key of DIRECTIONS or None; second: factors and direction of
    the second object, where there is one. Words and templates are drawn from `rng`.
    """
    sentence = _pick(rng, _SENTENCES).format(
        object=_object(rng, factors), background=_background(rng, factors), **_motion(rng, factors, direction)
    )
    if second:
        other, other_direction = second
        clause = _pick(rng, _SECOND_OBJECTS)
        sentence += " " + clause.format(object=_object(rng, other), **_motion(rng, other, other_direction))
    return f"{sentence[0].upper()}{sentence[1:]}."
