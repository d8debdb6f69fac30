"""The field's evaluation protocols, one entry each, as their code has them (docs/protocols.md says what to compare with)."""

from typing import Any

from sweettok.params import Protocol

_OMNITOKENIZER: dict[str, Any] = {
    "extractor": "i3d-videogpt",
    "choice": "first",
    "frames": 17,
    "start": "centre",
    "fit": "squash",
    "antialias": True,
    "covariance": "unbiased",
    "pixels": "truncate",
    "seed": 0,
}
_TORCHSCRIPT: dict[str, Any] = {
    "extractor": "i3d",
    "choice": "first",
    "fit": "crop",
    "antialias": True,
    "covariance": "biased",
    "seed": 0,
}

PRESETS = {
    preset.name: preset
    for preset in (
        Protocol(
            name="omnitokenizer",
            split="test",
            clips=None,
            fps=16,
            thinning="spread",
            resolution=256,
            source="FoundationVision/OmniTokenizer at e912dc0: vqgan_eval.py, OmniTokenizer/data.py (--fps is 16 unless "
            "given), video_utils.py, fvd/fvd.py, scripts/recons/eval_video.sh. Their list is called ucf_val; decord 0.6 makes "
            "frames smaller by the scale filter of FFmpeg 4.1, bilinear over all pixels; shorter files end in black there",
            **_OMNITOKENIZER,
        ),
        Protocol(
            name="sweettok-code",
            split="test",
            clips=3783,
            resolution=256,
            source="adxcreative/SweetTok at 1df5480: scripts/eval_sweettok.py, data/video_dataset.py; "
            "docs/paper.md, C43: rFVD on the 3,783 test clips of UCF-101 split 01",
            **_OMNITOKENIZER,
        ),
        Protocol(
            name="sweettok-code-generation",
            split="train",
            clips=2048,
            resolution=128,
            source="adxcreative/SweetTok at 1df5480: evaluation/fvd_external.py, run_eval.sh; "
            "docs/paper.md, C44: 2,048 samples against 2,048 TRAIN clips, drawn there without a seed",
            **(_OMNITOKENIZER | {"choice": "random", "pixels": "float"}),
        ),
        Protocol(
            name="larp",
            split="train",
            clips=None,
            frames=16,
            start="random",
            resolution=128,
            pixels="float",
            source="hywang66/LARP at c91ff39: eval/rfvd_evaluator.py, eval/eval_larp_tokenizer.py (ucf101_train.csv), "
            "datasets/video_dataset.py: 9,537 TRAIN clips. The start frame is drawn there without a seed",
            **_TORCHSCRIPT,
        ),
        Protocol(
            name="stylegan-v",
            split="train",
            clips=2048,
            frames=16,
            start="random",
            resolution=256,
            filter="lanczos",
            pixels="round",
            source="universome/stylegan-v at 1f630af: metrics/metric_main.py (fvd2048_16f), frechet_video_distance.py, "
            "metric_utils.py, scripts/convert_videos_to_frames.py, configs/dataset/ucf101.yaml. The split is not stated, here "
            "train; frames are stored as JPEG there, and the start frame is drawn without a seed",
            **_TORCHSCRIPT,
        ),
        Protocol(
            name="tokenbench",
            split="test",
            clips=None,
            frames=300,
            start="first",
            resolution=1080,
            filter="lanczos",
            pixels="round",
            ssim="uniform",
            source="NVlabs/TokenBench at c160e96: token_bench/metrics_cli.py, fvd.py, video/preprocessing_script.py. PSNR and "
            "SSIM are of whole frames there, of their central square here; both sides come from .mp4 files. The revision "
            "1fa61b5 subtracts bytes for PSNR, where differences wrap round",
            **(_TORCHSCRIPT | {"covariance": "unbiased"}),
        ),
        Protocol(
            name="vidtok",
            split="test",
            clips=None,
            frames=17,
            fps=30,
            start="every",
            resolution=256,
            pixels="float",
            psnr="frame",
            source="microsoft/VidTok at d6ad92d: scripts/inference_evaluate.py, vidtok/data/vidtok.py, modules/util.py: PSNR, SSIM "
            "and LPIPS (vgg) of MCL-JCV. Their code has no FVD, although their table does: here it is StyleGAN-V's",
            **_TORCHSCRIPT,
        ),
    )
}
