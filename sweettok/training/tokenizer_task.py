"""Training the tokenizer: every stage of the curriculum."""

from typing import Any

import torch
from torch import Tensor, nn

from sweettok.models.processes import gathered_objects
from sweettok.models.tail_drop import drop_tails
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import CurriculumStage
from sweettok.training.criteria import Criterion
from sweettok.training.loading import Batch, ClipDataset
from sweettok.training.losses import mean_psnr
from sweettok.training.store_task import RunningMeans, StoreTask
from sweettok.video.store import ClipStore, to_float


class TokenizerTask(StoreTask):
    """One stage of the curriculum, as its params say: which clips, which target, which parts learn."""

    model: VideoTokenizer

    def __init__(
        self,
        name: str,
        model: VideoTokenizer,
        stage: CurriculumStage,
        criterion: Criterion,
        train: ClipStore,
        val: ClipStore,
        codes: dict[str, Tensor],
    ) -> None:
        frames = 1 if stage.clips == "images" else None
        dataset = ClipDataset(train, {"codes": codes["train"]}, frames)
        super().__init__(name, model, dataset, ClipDataset(val, {"codes": codes["val"]}, frames), stage.seed)
        self.stage, self.criterion = stage, criterion
        self.unused_parameters = stage.clips == "images"  # what handles time
        self.encoder_learns = bool({"features", "spatial", "temporal"} & set(stage.trains))
        model.requires_grad_(False)
        for part in self.learning:
            part.requires_grad_(True)

    @property
    def learning(self) -> list[nn.Module | nn.Parameter]:
        """What of the model learns."""
        parts = self.model.parts()
        return [part for name in self.stage.trains for part in parts[name]]

    def trainable(self) -> list[nn.Parameter]:
        return [parameter for parameter in self.model.parameters() if parameter.requires_grad]

    def to(self, device: torch.device) -> None:
        super().to(device)
        self.criterion.to(device)

    def _run(self, model: VideoTokenizer, clip: Tensor) -> tuple[Any, Tensor]:
        if self.encoder_learns or not torch.is_grad_enabled():
            return model(clip)
        with torch.no_grad():
            coded = model.code(clip)
        temporal = coded.temporal.z_q if coded.temporal else None
        return coded, model.logits(coded.spatial.z_q, temporal, model.latent_frames(clip.shape[2]))

    def loss(self, batch: Batch, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        self.model.eval()  # what is frozen stays in eval mode: no codebook statistics are updated there
        for part in self.learning:
            if isinstance(part, nn.Module):
                part.train()
        drop_tails(self.model)  # in pixel training too, where quantisers are frozen
        return self.compute(to_float(batch["pixels"]), batch["codes"], self.criterion.phase(step))

    def compute(self, clip: Tensor, codes: Tensor, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Of a step of the same phase."""
        coded, logits = self._run(self.model, clip)
        metrics = {f"usage_{group}": usage for group, usage in coded.usage.items()}
        codes = codes[:, : logits.shape[1]]
        loss, losses = self.criterion.loss(self.model, clip, logits, codes, step)
        return loss + coded.loss if self.encoder_learns else loss, metrics | losses

    def after_step(self, step: int) -> dict[str, Tensor]:
        return self.criterion.update_discriminator(step)

    def validate(self, model: VideoTokenizer) -> dict[str, float]:
        total, used = RunningMeans(), dict[str, set[int]]()
        for batch in self.validation():
            clip = to_float(batch["pixels"])
            coded, logits = model(clip)
            accuracy = model.proxy_codes.accuracy(logits, batch["codes"][:, : logits.shape[1]].long())
            total.add({"psnr": mean_psnr(clip, model.pixels(logits)), "accuracy": accuracy}, len(clip))
            for group, quantized in (("spatial", coded.spatial), ("temporal", coded.temporal)):
                if quantized is not None:
                    used.setdefault(group, set()).update(quantized.indices.unique().tolist())
        everywhere = gathered_objects(used)
        return total.means() | {
            f"usage_{group}": len(set().union(*(each.get(group, ()) for each in everywhere))) / quantizer.size
            for group, quantizer in model.quantizers.items()
            if any(group in each for each in everywhere)
        }

    def state(self) -> dict[str, Any]:
        return self.criterion.state()

    def load_state(self, state: dict[str, Any]) -> None:
        self.criterion.load_state(state)
