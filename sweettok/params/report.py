"""Section on the report."""

import re

from pydantic import Field, field_validator

from sweettok.params.section import Section

OWN_FOLDERS = ("tables", "figures", "plots")  # of a report itself, so that none of these is a profile's folder


class Report(Section):
    """Where tables, figures and the page go (stage report)."""

    folder: str = Field(
        description="reports (the default profile's), or reports/<name>: no profile overwrites another's report"
    )

    @field_validator("folder")
    @classmethod
    def _check_folder(cls, folder: str) -> str:
        name = folder.partition("/")[2]
        if not re.fullmatch(r"reports(/[A-Za-z0-9][A-Za-z0-9_-]*)?", folder) or name in OWN_FOLDERS:
            raise ValueError(f"expected reports or reports/<name>, the name none of {', '.join(OWN_FOLDERS)}")
        return folder
