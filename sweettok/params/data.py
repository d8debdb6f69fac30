"""Sections on clips: one class for each data set, told apart by its name, and the patches that clips are cut into."""

from typing import Annotated, ClassVar, Literal, TypeVar

from pydantic import AfterValidator, Field, NonNegativeInt, PositiveInt, model_validator

from sweettok.params.section import Probability, Section
from sweettok.params.splits import ClipCounts, ImageSplit, SplitSizes, VideoSplit

Name = TypeVar("Name")


def _no_repeats(values: tuple[Name, ...]) -> tuple[Name, ...]:
    twice = next((value for value in values if values.count(value) > 1), None)
    if twice is not None:
        raise ValueError(f"{twice} is listed twice")
    return values


def _two_or_more(values: tuple[Name, ...]) -> tuple[Name, ...]:
    if len(values) < 2:
        raise ValueError("needs at least two values: they are the classes")
    return values


Listed = Annotated[tuple[Name, ...], Field(strict=False, min_length=1), AfterValidator(_no_repeats)]


class Data(Section):
    """Which clips, how many, how large (stage prepare_data): what all data sets share. `name` picks the class."""

    name: str
    clips: SplitSizes | ClipCounts
    frames: PositiveInt = Field(description="frames a clip, 1 + k * patches.temporal; 1: images")
    size: PositiveInt = Field(description="height and width in pixels")
    seed: NonNegativeInt
    clips_per_shard: PositiveInt | None = Field(description="clips in a WebDataset shard; null: one array a split")


class SpriteFactors(Section):
    """The values that each factor of a sprite may have. A factor is a set: the order of its values changes nothing."""

    shape: Listed[Literal["circle", "square", "triangle", "star", "cross", "ring", "heart", "diamond"]] = Field(
        description="silhouette of an object"
    )
    colour: Listed[Literal["red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink", "white", "black"]] = (
        Field(description="colour of an object; each needs a tint and light that it stands out from")
    )
    size: Listed[Literal["small", "medium", "large"]] = Field(
        description="of the main object; a second one is always small"
    )
    texture: Listed[Literal["plain", "striped", "dotted", "checkered", "glossy"]] = Field(
        description="pattern on an object"
    )
    background: Listed[Literal["plain", "gradient", "stripes", "checks", "dots", "waves", "ripples"]] = Field(
        description="pattern of the background"
    )
    tint: Listed[Literal["sand", "slate", "moss", "wine", "ocean"]] = Field(description="hue of the background")
    light: Listed[Literal["bright", "dim"]] = Field(description="brightness of the background")
    motion: Annotated[
        Listed[Literal["slide", "bounce", "rotate", "orbit", "grow", "shrink", "zigzag", "blink", "shake", "fall"]],
        AfterValidator(_two_or_more),
    ] = Field(description="verb, and the class of a clip: at least two")
    speed: Listed[Literal["slow", "medium", "fast"]] = Field(description="rate of a motion")
    manner: Listed[Literal["smooth", "jerky", "wobbly"]] = Field(description="how evenly an object moves")


class SpritesData(Data):
    """The procedural world."""

    name: Literal["sprites"]
    clips: SplitSizes
    two_objects: Probability = Field(
        description="share of clips with a second, partly occluding object, of another shape and colour"
    )
    factors: SpriteFactors

    @model_validator(mode="after")
    def _check_second_object(self) -> "SpritesData":
        for factor, listed in (("shape", self.factors.shape), ("colour", self.factors.colour)):
            if self.two_objects > 0 and len(listed) == 1:
                raise ValueError(
                    f"two_objects {self.two_objects} needs a second {factor}, but factors.{factor} lists only "
                    f"{listed[0]}; list another or set two_objects to 0.0"
                )
        return self


class FileData(Data):
    """What data sets of video or image files share.

    listing  the function from such params to the files by split, "package.module:function" (see sweettok.video.listing)
    where    where its files come from, and how they must lie below {root}
    """

    listing: ClassVar[str]
    where: ClassVar[str]

    clips: ClipCounts
    root: str = Field(description="folder of the data set, from the project's root")
    shorter_side: PositiveInt | None = Field(
        description="pixels to which the shorter side is resized before a crop of `size`; null: size, the largest crop"
    )
    crop: Literal["centre", "random"] = Field(description="random: drawn once a clip, from seed and clip id")
    views: PositiveInt = Field(
        default=1,
        description="looks at each training clip: the first as in the other splits, further ones up to 1.7 times nearer, "
        "of a drawn part of the frame, half of them mirrored; more of them where training clips are few. `clips` counts them",
    )
    captions: str | None = Field(description="captions by clip (.tsv or .jsonl: clip, caption); null: the class's name")
    max_skipped: Probability = Field(description="share of a split's files that may be absent or unreadable")
    watch: Literal["times", "contents"] = Field(
        default="times",
        description="what tells that a file below root has changed: its size and time, or all its bytes",
    )

    @model_validator(mode="after")
    def _check_crop(self) -> "FileData":
        if self.shorter_side is not None and self.shorter_side < self.size:
            raise ValueError(f"shorter_side {self.shorter_side} is less than size {self.size}, no crop fits")
        return self


class Windows(Section):
    """Which frames of a video file become clips."""

    stride: PositiveInt = Field(description="frames from one frame of a clip to its next; 1: all")
    every: PositiveInt | None = Field(description="frames from one clip's start to the next; null: one clip a file")
    start: Literal["first", "centre", "random"] = Field(description="where the clips stand in the frames there are")


class VideoFolderData(FileData):
    """Any clips in root/<class>/<file>."""

    listing = "sweettok.video.folders:list_videos"
    where = "any clips, as {root}/<class>/<file>; or set data.root to their folder"

    name: Literal["video_folder"]
    windows: Windows
    split: VideoSplit


class Ucf101Data(FileData):
    """UCF-101 as published: root/UCF-101/<class>/*.avi and root/ucfTrainTestlist."""

    listing = "sweettok.video.ucf101:list_ucf101"
    where = (
        "UCF101.rar and UCF101TrainTestSplits-RecognitionTask.zip from https://www.crcv.ucf.edu/data/UCF101.php, "
        "unpacked to {root}/UCF-101/<class>/*.avi and {root}/ucfTrainTestlist/*.txt"
    )

    name: Literal["ucf101"]
    windows: Windows
    split_list: Literal[1, 2, 3] = Field(description="trainlist0N.txt and testlist0N.txt")
    val_groups: tuple[PositiveInt, ...] = Field(
        strict=False, min_length=1, description="performer groups (gNN) of the train list that make up val"
    )


class KineticsLists(Section):
    """Lists of clips, from root: .csv (label, youtube_id, time_start, time_end) or .txt (path, label)."""

    train: str
    val: str | Probability = Field(description="a list, or the share of train's videos that makes up val")
    test: str | Probability = Field(description="a list, or the share of train's videos that makes up test")


class KineticsData(FileData):
    """Kinetics (400, 600, 700): lists, and files anywhere under root as <youtube_id>_<start>_<end>.<ending>."""

    listing = "sweettok.video.kinetics:list_kinetics"
    where = (
        "lists and clips from https://github.com/cvdfoundation/kinetics-dataset, the lists as data.lists names them in "
        "{root}, the clips anywhere below it as <youtube_id>_<start>_<end>.mp4"
    )

    name: Literal["kinetics"]
    windows: Windows
    lists: KineticsLists


class ImageFolderData(FileData):
    """Images in root/<class>/<file>; an image is a clip of one frame."""

    listing = "sweettok.video.folders:list_images"
    where = "any images, as {root}/<class>/<file>; or set data.root to their folder"

    name: Literal["image_folder"]
    frames: Literal[1]
    split: ImageSplit


class ImagenetData(FileData):
    """ImageNet: image folders named by WordNet id."""

    listing = "sweettok.video.folders:list_images"
    where = (
        "ILSVRC2012 from https://image-net.org/download.php (needs an account), unpacked to "
        "{root}/<split>/<WordNet id>/*.JPEG; the names of its classes are LOC_synset_mapping.txt of "
        "https://www.kaggle.com/c/imagenet-object-localization-challenge/data"
    )

    name: Literal["imagenet"]
    frames: Literal[1]
    split: ImageSplit
    class_names: str | None = Field(description="file with `wnid names` a line (LOC_synset_mapping.txt), for captions")


AnyData = Annotated[
    SpritesData | VideoFolderData | Ucf101Data | KineticsData | ImageFolderData | ImagenetData,
    Field(discriminator="name"),
]


class Patches(Section):
    """Patch geometry, shared by the proxy and the tokenizers (paper: 8 and 4)."""

    spatial: PositiveInt = Field(description="pixels a side")
    temporal: PositiveInt = Field(description="frames, for all but the first frame")
