"""What all sections of params.yaml share."""

from typing import Annotated

import pydantic

Probability = Annotated[float, pydantic.Field(ge=0, le=1)]


class Section(pydantic.BaseModel):
    """Base of all sections: frozen, no unknown keys, no silent type conversion, no infinity."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
