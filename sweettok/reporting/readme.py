"""`python -m sweettok.reporting.readme PAGE`: take the present text of included files into a page (`make readme`).

A page includes a file between `<!-- PATH -->` and `<!-- end -->`.
"""

import re
import sys
from pathlib import Path

INCLUDED = re.compile(r"<!-- (?P<path>\S+\.md) -->\n(?P<text>.*?)<!-- end -->", re.S)


def with_included(text: str, root: Path) -> str:
    """A page with the present text of the files that it includes, their paths from `root`."""
    return INCLUDED.sub(
        lambda found: f"<!-- {found['path']} -->\n{(root / found['path']).read_text(encoding='utf-8')}<!-- end -->",
        text,
    )


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(with_included(page.read_text(encoding="utf-8"), page.parent), encoding="utf-8")
