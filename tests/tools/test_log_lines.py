# SPDX-License-Identifier: GPL-2.0
"""log_lines.py notices what is missing on either side."""

import pathlib
import unittest

import log_lines

SOURCE = '\tpr_err("ref %#x (%pS): "\n\t       "100%% of %-3u\\n", ref);\n\tpr_info_once("gone\\n");\n'
DOCUMENT = "# A\n## Every log line\n\n* `ref * (*): 100% of *`: cause.\n* `gone`: cause.\n\n## Else\n* `x`\n"


class Comparing(unittest.TestCase):
    def complaints(self, source, document):
        return list(log_lines.compare({"a.c": source}, document))

    def test_same(self):
        self.assertEqual(self.complaints(SOURCE, DOCUMENT), [])

    def test_missing_in_the_document(self):
        said = self.complaints(SOURCE + 'pr_warn("new %d\\n", 1);', DOCUMENT)
        self.assertEqual(said, ["not in docs/operations.md, Every log line: new *"])

    def test_nothing_prints_it(self):
        said = self.complaints('pr_info("gone\\n");', DOCUMENT)
        self.assertEqual(len(said), 1)
        self.assertIn("nothing prints it: ref *", said[0])

    def test_a_call_that_cannot_be_read(self):
        said = self.complaints(SOURCE + "pr_err(format, ref);", DOCUMENT)
        self.assertIn("not a string", said[0])

    def test_nothing_at_all(self):
        self.assertIn("wrong directory", self.complaints("", DOCUMENT)[0])


if __name__ == "__main__":
    unittest.main()
