"""Rust, Python and JavaScript say the same: the cases come from the Rust crate (`cargo xtask packages` writes them)."""

import base64
import json
import os
import unittest
from pathlib import Path
from typing import Any

from alertwire_catalogue import Catalogue, RenderError

CASES = Path(os.environ["ALERTWIRE_CATALOGUE_CASES"])


class Law(unittest.TestCase):
    def test_every_case_has_the_answer_of_the_rust_crate(self) -> None:
        catalogue, read, rendered = Catalogue.builtin(), 0, 0
        for line in CASES.read_text("utf-8").rstrip("\n").split("\n"):
            case = json.loads(line)
            if "read" in case:
                read += 1
                answer = catalogue.read(base64.b64decode(case["read"])).answer(spans=True)
                self.assertEqual(json.dumps(answer), json.dumps(case["answer"]))
            else:
                rendered += 1
                self.check_rendering(catalogue, case)
        self.assertGreater(read, 5000)
        self.assertGreater(rendered, 500)

    def check_rendering(self, catalogue: Catalogue, case: dict[str, Any]) -> None:
        said: dict[str, Any] | None = None
        error: str | None = None
        try:
            alert = catalogue.render(case["render"], case["records"], company=case["company"])
            said = {name: getattr(alert, name) for name in ("subject", "body", "records", "fields_header")}
        except RenderError as refusal:
            error = str(refusal)
        if case["contradicts"]:
            self.assertIn("and the company to name is", error or "")
        else:
            self.assertEqual((said, error), (case["answer"], case["error"]))


if __name__ == "__main__":
    unittest.main()
