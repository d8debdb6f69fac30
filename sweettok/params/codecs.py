"""Section on the classical video codecs that stand beside the tokenizers."""

from pydantic import Field, conint

from sweettok.params.section import Section


class Codecs(Section):
    """At which qualities the test clips are coded (stage evaluate_codecs). Higher is worse; []: not run."""

    h264: tuple[conint(ge=1, le=51), ...] = Field(strict=False, description="constant rate factors of libx264")
    av1: tuple[conint(ge=1, le=63), ...] = Field(strict=False, description="constant rate factors of SVT-AV1")

    def points(self) -> list[tuple[str, int]]:
        """(codec, quality) of everything that is to be run."""
        return [(name, quality) for name, qualities in self for quality in qualities]
