"""axe-core's findings about pages, in headless Chromium at the width of a phone and of a desk.

    npm pack axe-core && tar -xzf axe-core-*.tgz package/axe.min.js
    python -m tests.reporting.axe package/axe.min.js report.html comparison.html [--pictures FOLDER]

Ends with status 1 if a finding is serious or critical. Pictures of the pages are written as well, to be looked at.
"""

import argparse
import html
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.reporting.test_browser import BROWSERS, FLAGS

WIDTHS = (420, 1400)
GRAVE = ("serious", "critical")
_RUN = """
<script>{axe}</script>
<script>
setTimeout(async () => {{
  const found = await axe.run();
  const place = document.createElement("pre");
  place.id = "axe-findings";
  const shown = one => ({{
    id: one.id, impact: one.impact, help: one.help, nodes: one.nodes.map(node => node.html.slice(0, 200)),
  }});
  place.textContent = JSON.stringify({{passed: found.passes.length, findings: found.violations.map(shown)}});
  document.body.append(place);
}}, 3000);
</script>
"""


def browse(browser: str, page: Path, width: int, height: int, *more: str) -> str:
    """The page's document after it was drawn, with the browser's further options."""
    flags = [flag for flag in FLAGS.split() if not (more and flag == "--dump-dom")]
    with tempfile.TemporaryDirectory() as profile:
        command = [browser, *flags, *more, f"--window-size={width},{height}", "--hide-scrollbars"]
        command += ["--virtual-time-budget=30000", f"--user-data-dir={profile}", page.resolve().as_uri()]
        return subprocess.run(command, capture_output=True, text=True, timeout=600, check=True).stdout


def ask(browser: str, page: Path, axe: str, width: int) -> dict[str, Any]:
    """How many of axe-core's rules a page passes at a width, and the findings of the others."""
    text = page.read_text(encoding="utf-8")
    # the page allows no script but its own
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text, count=1)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / page.name
        copy.write_text(text.replace("</body>", _RUN.format(axe=axe) + "</body>"), encoding="utf-8")
        shown = browse(browser, copy, width, 900)
    found = re.search(r'<pre id="axe-findings">(.*?)</pre>', shown, re.S)
    if found is None:
        raise SystemExit(f"{page}: axe-core did not end")
    return dict(json.loads(html.unescape(found[1])))


def main() -> int:
    """Print the findings; 1 if any is grave."""
    parser = argparse.ArgumentParser(description="axe-core's findings about pages.")
    parser.add_argument("axe", type=Path)
    parser.add_argument("pages", type=Path, nargs="+")
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--height", type=int, default=6000, help="of the pictures")
    given = parser.parse_args()
    browser = next(path for name in BROWSERS if (path := shutil.which(name)))
    axe = given.axe.read_text(encoding="utf-8")
    grave = 0
    for page in given.pages:
        for width in WIDTHS:
            answer = ask(browser, page, axe, width)
            found = answer["findings"]
            grave += sum(one["impact"] in GRAVE for one in found)
            print(f"{page.name} at {width}: {answer['passed']} rules passed, {len(found)} findings", flush=True)
            for one in found:
                print(f"  {one['impact']}: {one['id']}: {one['help']}", *one["nodes"][:3], sep="\n    ")
            if given.pictures:
                given.pictures.mkdir(parents=True, exist_ok=True)
                picture = given.pictures.resolve() / f"{page.stem}_{width}.png"
                browse(browser, page, width, given.height, f"--screenshot={picture}")
    return int(grave > 0)


if __name__ == "__main__":
    sys.exit(main())
