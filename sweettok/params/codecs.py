"""Section on the classical video codecs that stand beside the tokenizers."""

from pydantic import Field, PositiveInt, model_validator

from sweettok.params.section import Section

WORST = {"h264": 51, "av1": 63}  # the highest constant rate factor that an encoder knows


class CodecPoint(Section):
    """A codec at one rate. At few bits a codec does better on a smaller clip, which is then enlarged again."""

    crf: PositiveInt = Field(description="constant rate factor; higher: fewer bits")
    time: PositiveInt = Field(description="how many frames one coded frame averages (of 17 frames, 4 leave 5); 1: none")
    space: PositiveInt = Field(description="how many times smaller height and width are coded; 1: as they are")


class Codecs(Section):
    """At which rates the test clips are coded (stage evaluate_codecs); []: not run."""

    h264: tuple[CodecPoint, ...] = Field(strict=False, description="H.264 by libx264, crf 1 to 51")
    av1: tuple[CodecPoint, ...] = Field(strict=False, description="AV1 by SVT-AV1, crf 1 to 63")

    def points(self) -> list[tuple[str, CodecPoint]]:
        """(codec, point) of everything that is to be run."""
        return [(name, point) for name, points in self for point in points]

    @model_validator(mode="after")
    def _check_points(self) -> "Codecs":
        points = self.points()
        if beyond := [f"{name}: {point.crf}" for name, point in points if point.crf > WORST[name]]:
            raise ValueError(
                f"crf is at most {WORST['h264']} for h264 and {WORST['av1']} for av1, got {', '.join(beyond)}"
            )
        if len(set(points)) < len(points):
            raise ValueError("a codec lists the same point twice")
        return self
