"""The package as a program uses it."""

import pickle
import random
import re
import sys
import threading
import unittest
from pathlib import Path
from typing import Any

import alertwire_catalogue
from alertwire_catalogue import Catalogue, CatalogueError, Diagnostic, Record, RenderError, check

README = Path(__file__).parent.parent / "README.md"
SAMPLES = Path(__file__).parents[3] / "tests" / "cases"
BACKUPS = """
category = "Backups"

[[event]]
code    = "backup.failed"
subject = "Backup Failed"
body    = "Backup of {hostname:host} failed"

[[event.example]]
body   = "Backup of db-1 failed"
fields = [{ hostname = "db-1" }]
"""


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.payload").read_bytes()


class Reading(unittest.TestCase):
    def setUp(self) -> None:
        self.catalogue = Catalogue.builtin()

    def test_the_four_samples_of_the_guide_are_read_in_full(self) -> None:
        expected: dict[str, tuple[str, Record]] = {
            "001-guide-asset": ("system.asset_added", {"ip": "192.168.1.100", "mac": "00:1B:44:11:3A:B7"}),
            "002-guide-port": ("system.port_open_probe", {"port": 443, "hostname": "server-01.example.com"}),
            "003-guide-vulnerability": ("problem.critical", {"company": "Acme Corporation", "vul_id": "CVE-2021-44228"}),
            "004-guide-login": ("entra.login_failure", {"ip": "203.0.113.10"}),
        }
        for name, (event, fields) in expected.items():
            alert = self.catalogue.read(sample(name)).alerts[0]
            self.assertEqual((alert.event, alert.match, alert.ambiguous), (event, "full", []), name)
            self.assertLessEqual(fields.items(), alert.records[0].items(), name)

    def test_the_broken_sample_is_repaired_and_kept_as_it_came(self) -> None:
        payload = sample("003-guide-vulnerability")
        reading = self.catalogue.read(payload)
        self.assertEqual(reading.decode, "repaired")
        self.assertEqual([repair.rule for repair in reading.repairs], ["kept_backslash"])
        self.assertEqual(reading.raw, payload)

    def test_every_example_is_read_as_its_kind_or_an_alternative(self) -> None:
        kinds = self.catalogue.kinds()
        self.assertGreater(len(kinds), 40)
        for kind in kinds:
            for example in kind.examples:
                alert = self.catalogue.read_alert(kind.subject, example.body)
                self.assertIn(kind.code, [alert.event, *alert.alternatives], example.body)
                self.assertEqual(alert.records, example.records, example.body)

    def test_texts_and_all_kinds_of_bytes_are_payloads(self) -> None:
        payload = sample("001-guide-asset")
        answers = [self.catalogue.read(given).answer() for given in (payload, bytearray(payload), memoryview(payload), payload.decode())]
        self.assertEqual(answers, [answers[0]] * 4)
        for wrong in (None, 5, [1], {"subject": "x"}):
            with self.assertRaisesRegex(TypeError, "a payload is bytes or a text, not"):
                self.catalogue.read(wrong)  # type: ignore[arg-type]

    def test_what_is_no_json_comes_back_whole(self) -> None:
        for payload in (b"hello", b"", b"\xff\xfe\x00", b'{"subject": "Asset', "\ud800".encode("utf-8", "surrogatepass")):
            reading = self.catalogue.read(payload)
            self.assertEqual((reading.decode, reading.alerts[0].event), ("failed", None), payload)
            self.assertEqual(reading.raw, payload)
        self.assertEqual(self.catalogue.read("\ud800").decode, "failed")
        self.assertEqual(self.catalogue.read(b"hello").alerts[0].body, "hello")

    def test_no_bytes_whatever_raise(self) -> None:
        dice = random.Random(7)
        payloads = [sample(path.stem) for path in sorted(SAMPLES.glob("*.payload"))]
        for _ in range(3000):
            payload = bytearray(dice.choice(payloads))
            for _ in range(dice.randrange(6)):
                payload.insert(dice.randrange(len(payload) + 1), dice.randrange(256))
            reading = self.catalogue.read(payload)
            self.assertGreaterEqual(len(reading.alerts), 1)
        for hostile in (b"[" * 100_000, b'{"a":' * 100_000, b"\x00" * 2_000_000, b'{"subject": "' + b"x" * 1_000_000 + b'"}'):
            self.catalogue.read(hostile)

    def test_an_array_is_read_alert_by_alert(self) -> None:
        reading = self.catalogue.read(b"[" + sample("001-guide-asset") + b"," + sample("002-guide-port") + b"]")
        self.assertEqual([alert.event for alert in reading], ["system.asset_added", "system.port_open_probe"])
        self.assertIsInstance(reading.answer(), list)

    def test_a_field_is_shown_as_it_was_written(self) -> None:
        alert = self.catalogue.read_alert("Asset Ports", "Open Port 53/UDP Discovered for Asset 10.0.0.5, hostname Ünder.example.com.")
        self.assertEqual((alert.records[0]["protocol"], alert.written("port")), ("udp", "53/UDP"))
        self.assertIsNone(alert.written("mac"))
        self.assertTrue(alert.is_certain("port"))

    def test_an_ambiguous_field_has_both_readings(self) -> None:
        alert = self.catalogue.read(sample("052-login-ambiguous")).alerts[0]
        found = alert.ambiguous[0]
        self.assertFalse(alert.is_certain(found.field, found.record))
        self.assertEqual(found.readings[0], alert.records[found.record].get(found.field))
        self.assertNotEqual(*found.readings)

    def test_readings_can_be_pickled(self) -> None:
        reading = self.catalogue.read(sample("004-guide-login"))
        self.assertEqual(pickle.loads(pickle.dumps(reading)), reading)


class Threads(unittest.TestCase):
    def test_many_threads_share_a_catalogue(self) -> None:
        catalogue = Catalogue.builtin()
        payload = sample("003-guide-vulnerability")
        answers: list[object] = []
        def work() -> None:
            answers.extend(catalogue.read(payload).answer() for _ in range(200))
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(answers, [answers[0]] * 1600)

    def test_other_threads_run_while_one_reads(self) -> None:
        """With no switching between threads, another one runs only where the reader lets go by itself."""
        native = Catalogue.builtin()._native
        payload = b'{"subject": "x", "body": "' + b"10.0.0.1 " * 20_000 + b'"}'
        started, before = threading.Event(), sys.getswitchinterval()
        stopped: list[bool] = []
        seen: list[bool] = []
        def work() -> None:
            started.set()
            for _ in range(2000):
                native.read(payload)
                if stopped:
                    seen.append(True)
                    return
        sys.setswitchinterval(10_000)
        try:
            thread = threading.Thread(target=work)
            thread.start()
            started.wait()
            stopped.append(True)
            thread.join()
        finally:
            sys.setswitchinterval(before)
        self.assertEqual(seen, [True])


class Rendering(unittest.TestCase):
    def setUp(self) -> None:
        self.catalogue = Catalogue.builtin()

    def test_what_is_rendered_is_read_back(self) -> None:
        for kind in self.catalogue.kinds():
            rendered = self.catalogue.render(kind.code, kind.examples[0].records)
            alert = self.catalogue.read(rendered.payload()).alerts[0]
            self.assertIn(kind.code, [alert.event, *alert.alternatives])
            self.assertEqual((alert.match, alert.records), ("full", rendered.records), kind.code)

    def test_a_hostile_value_travels_in_the_header(self) -> None:
        record = {"company": "Acme\nSource evil"}
        rendered = self.catalogue.render("system.company_created", record)
        assert rendered.fields_header is not None
        believed = self.catalogue.believe_header(rendered.fields_header, rendered.subject, rendered.body)
        assert believed is not None
        self.assertEqual((believed.event, believed.records), ("system.company_created", [record]))
        self.assertIsNone(self.catalogue.believe_header(rendered.fields_header, rendered.subject, "another body"))
        self.assertIsNone(self.catalogue.believe_header("no header", rendered.subject, rendered.body))

    def test_a_company_is_written_where_the_wording_names_one(self) -> None:
        rendered = self.catalogue.render("system.company_created", company="Müller & Co")
        self.assertIn("Müller & Co", rendered.body)
        with self.assertRaisesRegex(RenderError, "says `Other`, and the company to name is `Acme`"):
            self.catalogue.render("system.company_created", {"company": "Other"}, company="Acme")

    def test_errors_say_what_is_wrong(self) -> None:
        for records, message in (
            ({"ipp": "10.0.0.1"}, "has no field `ipp`; did you mean `ip`"),
            ({"ip": "10.0.0.256"}, "`10.0.0.256` is not"),
            ({"ip": True}, "the records cannot be used: .*expected a text or a number"),
            ({"ip": float("nan")}, "the records cannot be used"),
            ({"ip": object()}, "the records cannot be used: .*object"),
            ({"ip": "\ud800"}, "the records cannot be used"),
            ([5], "the records cannot be used"),
        ):
            with self.assertRaisesRegex(RenderError, message):
                self.catalogue.render("system.asset_added", records)  # type: ignore[arg-type]


class Files(unittest.TestCase):
    def test_kinds_of_ones_own_are_read(self) -> None:
        self.assertEqual(check({"backups.toml": BACKUPS}), [])
        alert = Catalogue.with_files({"backups.toml": BACKUPS}).read_alert("backup failed", "Backup of db-1 failed")
        self.assertEqual((alert.event, alert.records), ("backup.failed", [{"hostname": "db-1"}]))

    def test_a_wording_is_added_to_a_built_in_kind(self) -> None:
        taught = "[[extend]]\ncode = 'system.asset_added'\naliases = ['Device Found']\nvariants = ['Found device {ip:ip}']\n"
        alert = Catalogue.with_files({"taught.toml": taught}).read_alert("Device Found", "Found device 10.0.0.7")
        self.assertEqual((alert.event, alert.match, alert.records), ("system.asset_added", "full", [{"ip": "10.0.0.7"}]))

    def test_a_fault_has_its_place_and_a_caret(self) -> None:
        with self.assertRaises(CatalogueError) as raised:
            Catalogue.with_files({"mine.toml": BACKUPS.replace(":host}", ":hots}")})
        found = raised.exception.diagnostics[0]
        self.assertIsInstance(found, Diagnostic)
        self.assertEqual((found.file, found.line), ("mine.toml", 7))
        self.assertIn("^", str(raised.exception))

    def test_the_check_finds_examples_that_fail(self) -> None:
        self.assertTrue(check({"mine.toml": BACKUPS.replace("Backup of db-1 failed", "Nothing of the sort")}))

    def test_files_are_texts_by_name(self) -> None:
        with self.assertRaisesRegex(TypeError, "files are given as texts by their names"):
            Catalogue.with_files({"mine.toml": b"bytes"})  # type: ignore[dict-item]


class Readme(unittest.TestCase):
    def test_its_code_runs_as_it_stands(self) -> None:
        blocks = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.S)
        self.assertEqual(len(blocks), 2)
        world: dict[str, Any] = {}
        for block in blocks:
            exec(compile(block, str(README), "exec"), world)
        inventory: list[Record] = []
        tickets: list[Any] = []
        archive: list[bytes] = []
        for name in ("001-guide-asset", "003-guide-vulnerability", "079-not-json"):
            world["receive"](sample(name), inventory, tickets, archive)
        self.assertEqual([asset["ip"] for asset in inventory], ["192.168.1.100"])
        self.assertEqual([ticket[1][0]["vul_id"] for ticket in tickets], ["CVE-2021-44228"])
        self.assertEqual(archive[2], sample("079-not-json"))

    def test_the_version_is_that_of_the_wheel(self) -> None:
        from importlib.metadata import version
        self.assertEqual(alertwire_catalogue.__version__, version("alertwire-catalogue"))


if __name__ == "__main__":
    unittest.main()
