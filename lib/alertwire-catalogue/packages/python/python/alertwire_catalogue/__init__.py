"""Reads the prose of security alerts as fields, and writes fields as alerts.

Start at `Catalogue.read` for the way in and at `Catalogue.render` for the way out. Nothing here opens a file or a
socket. A catalogue may be used by many threads at once; while it reads, other threads run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Union

from . import _native

__all__ = [
    "Alert", "Ambiguity", "Believed", "Catalogue", "CatalogueError", "Diagnostic", "Example", "Field", "Kind",
    "Reading", "Record", "RenderError", "Rendered", "Repair", "Severity", "Span", "Value", "check",
]  # fmt: skip

__version__ = _native.VERSION

Value = Union[str, int, float]
Record = dict[str, Value]
Severity = Literal["info", "low", "medium", "high", "critical"]


class RenderError(ValueError):
    """The event cannot be written as an alert; the message says what is wrong, with the nearest name."""


@dataclass(frozen=True)
class Diagnostic:
    """One finding about a catalogue file."""

    file: str
    line: int
    column: int
    message: str
    help: str | None


class CatalogueError(ValueError):
    """The files make no catalogue; the message shows each place with a caret."""

    def __init__(self, message: str, diagnostics: Sequence[Diagnostic] = ()) -> None:
        super().__init__(message)
        self.diagnostics = list(diagnostics)


@dataclass(frozen=True)
class Repair:
    """What had to be mended before the payload was JSON: the rule, and its offset in the payload's bytes."""

    offset: int
    rule: str


@dataclass(frozen=True)
class Span:
    """A field's place in the body, in bytes of its UTF-8; `Alert.written` gives the text itself."""

    start: int
    end: int
    assumed_zone: str | None = None
    """`UTC` where a time came without a zone."""


@dataclass(frozen=True)
class Ambiguity:
    """A field that can be read in two ways: never route by it, never close anything by it."""

    record: int
    field: str
    readings: tuple[Value | None, Value | None]
    """The first is the one in the records."""


@dataclass(frozen=True)
class Alert:
    """What one alert says, with the names that `alertwire parse` uses."""

    subject: str
    body: str
    decode: Literal["ok", "repaired", "failed"]
    repairs: list[Repair]
    event: str | None
    """The kind that the subject names, also when the body is not recognised: what to route by."""
    category: str | None
    severity: Severity | None
    match: Literal["full", "partial", "none"]
    records: list[Record]
    alternatives: list[str]
    """Further kinds that the same words may mean."""
    ambiguous: list[Ambiguity]
    entities: dict[str, list[Value]]
    """What stands in the body, recognised or not: addresses, host names, CVEs, ports, …"""
    remainder: str
    """What is left over behind a partial match."""
    spans: list[dict[str, Span]]
    """For each record the place of each of its fields."""
    suggested_event: str | None
    """The kind that the body speaks for when the subject is unknown. Never a reason to route."""
    read_failed: bool
    """The reading was given up at a bound."""
    _answer: dict[str, Any] = field(repr=False, compare=False)

    def is_certain(self, name: str, record: int = 0) -> bool:
        """Whether there is only one reading of this field."""
        return not any(found.record == record and found.field == name for found in self.ambiguous)

    def written(self, name: str, record: int = 0) -> str | None:
        """The field as it stands in the body, before it was made canonical."""
        span = self.spans[record].get(name)
        return self.body.encode()[span.start : span.end].decode() if span else None

    def answer(self, *, spans: bool = False) -> dict[str, Any]:
        """What `alertwire parse` prints, ready for `json.dumps`."""
        return {name: value for name, value in self._answer.items() if spans or name != "spans"}


@dataclass(frozen=True)
class Reading:
    """What one payload says."""

    raw: bytes = field(repr=False)
    """The payload as it came, byte for byte: keep it."""
    alerts: list[Alert]
    """At least one; several when the payload is an array."""
    is_array: bool

    def __iter__(self) -> Iterator[Alert]:
        return iter(self.alerts)

    @property
    def decode(self) -> Literal["ok", "repaired", "failed"]:
        return self.alerts[0].decode

    @property
    def repairs(self) -> list[Repair]:
        return self.alerts[0].repairs

    def answer(self, *, spans: bool = False) -> dict[str, Any] | list[dict[str, Any]]:
        """What `alertwire parse` prints: an object, or for an array of alerts a list of them."""
        answers = [alert.answer(spans=spans) for alert in self.alerts]
        return answers if self.is_array else answers[0]


@dataclass(frozen=True)
class Rendered:
    """An alert, ready to be sent."""

    subject: str
    body: str
    records: list[Record]
    """The records in canonical form, as reading the body gives them back."""
    fields_header: str | None
    """The value of the header `alertwire-fields`: the truth, where a hostile value was altered in the text."""

    def payload(self) -> bytes:
        """The JSON that goes over the wire."""
        return json.dumps({"subject": self.subject, "body": self.body}, ensure_ascii=False).encode()


@dataclass(frozen=True)
class Believed:
    """What an `alertwire-fields` header says, once it is known to speak of this very alert."""

    event: str
    records: list[Record]


@dataclass(frozen=True)
class Field:
    """A field of a kind."""

    name: str
    type: str
    optional: bool
    free: bool
    """Free text rather than a type that is checked."""


@dataclass(frozen=True)
class Example:
    body: str
    records: list[Record]


@dataclass(frozen=True)
class Kind:
    """An event kind: how its alerts are named and worded."""

    code: str
    category: str
    name: str
    subject: str
    aliases: list[str]
    severity: Severity
    wording: Literal["documented", "proposed"]
    class_: str
    action: str
    key: list[str]
    identity: list[str]
    product: list[str]
    alternatives: list[str]
    fields: list[Field]
    body: str
    variants: list[str]
    examples: list[Example]


class Catalogue:
    """All event kinds, compiled. It never changes: make one and share it."""

    __slots__ = ("_native",)
    _native: _native.Catalogue

    def __init__(self, files: Mapping[str, str] | None = None) -> None:
        """The built-in kinds, with those of further files: the text of each by its name."""
        if not files:
            self._native = _native.Catalogue.builtin()
            return
        try:
            self._native = _native.Catalogue.with_files(_files(files))
        except _native.Refused as refusal:
            raise _catalogue_error(refusal) from None

    @classmethod
    def builtin(cls) -> Catalogue:
        """The kinds that come with the package."""
        return cls()

    @classmethod
    def with_files(cls, files: Mapping[str, str]) -> Catalogue:
        """The built-in kinds with those of further files: a kind of a known code takes the place of the old one."""
        return cls(files)

    def read(self, payload: bytes | bytearray | memoryview | str) -> Reading:
        """Reads a payload. Never raises for what the payload says, whatever its bytes are."""
        raw = _bytes(payload)
        answer = json.loads(self._native.read(raw))
        return Reading(raw, [_alert(alert) for alert in answer["alerts"]], answer["is_array"])

    def read_alert(self, subject: str, body: str) -> Alert:
        """Reads an alert whose subject and body are known already."""
        return _alert(json.loads(self._native.read_alert(_text(subject), _text(body))))

    def render(
        self,
        code: str,
        records: Mapping[str, Value | None] | Sequence[Mapping[str, Value | None]] = (),
        *,
        company: str | None = None,
    ) -> Rendered:
        """The alert of an event: one record for each asset, port or item that it speaks of.

        `company` is written where the wording names one; send it in the header `alertwire-company` otherwise.
        """
        given = [records] if isinstance(records, Mapping) else list(records)
        try:
            text = json.dumps([dict(record) for record in given], allow_nan=False)
        except (TypeError, ValueError) as error:
            raise RenderError(f"the records cannot be used: {error}") from None
        try:
            rendered = self._native.render(_text(code), text, None if company is None else _text(company))
        except _native.Refused as refusal:
            raise RenderError(json.loads(str(refusal))["message"]) from None
        return Rendered(**json.loads(rendered))

    def believe_header(self, header: str, subject: str, body: str) -> Believed | None:
        """The event that an `alertwire-fields` header speaks of: believed only if it renders to this very alert."""
        believed = json.loads(self._native.believe_header(_text(header), _text(subject), _text(body)))
        return Believed(**believed) if believed else None

    def kinds(self) -> list[Kind]:
        """All kinds, in the order of the files."""
        return [_kind(kind) for kind in json.loads(self._native.kinds())]


def check(files: Mapping[str, str]) -> list[Diagnostic]:
    """Everything that is wrong with catalogue files beside the built-in ones, as `alertwire catalog check` finds it."""
    try:
        return [Diagnostic(**found) for found in json.loads(_native.check(_files(files)))]
    except _native.Refused as refusal:
        raise _catalogue_error(refusal) from None


def _bytes(payload: object) -> bytes:
    if isinstance(payload, str):
        # Half a surrogate pair cannot be encoded; it is read as the broken text that it is.
        return payload.encode("utf-8", "surrogatepass")
    if isinstance(payload, (bytes, bytearray, memoryview)):
        return bytes(payload)
    raise TypeError(f"a payload is bytes or a text, not {type(payload).__name__}")


def _text(text: object) -> str:
    if not isinstance(text, str):
        raise TypeError(f"a text is needed, not {type(text).__name__}")
    return text.encode("utf-8", "replace").decode()


def _files(files: Mapping[str, str]) -> str:
    for name, source in files.items():
        if not isinstance(name, str) or not isinstance(source, str):
            raise TypeError("files are given as texts by their names: {'mine.toml': 'category = …'}")
    return json.dumps({_text(name): _text(source) for name, source in files.items()})


def _catalogue_error(refusal: _native.Refused) -> CatalogueError:
    said = json.loads(str(refusal))
    return CatalogueError(said["message"], [Diagnostic(**found) for found in said["diagnostics"]])


def _alert(answer: dict[str, Any]) -> Alert:
    return Alert(
        subject=answer["subject"],
        body=answer["body"],
        decode=answer["decode"],
        repairs=[Repair(**repair) for repair in answer["repairs"]],
        event=answer["event"],
        category=answer["category"],
        severity=answer["severity"],
        match=answer["match"],
        records=answer["records"],
        alternatives=answer["alternatives"],
        ambiguous=[
            Ambiguity(found["record"], found["field"], (found["readings"][0], found["readings"][1]))
            for found in answer["ambiguous"]
        ],
        entities=answer["entities"],
        remainder=answer["remainder"],
        spans=[{name: Span(**span) for name, span in row.items()} for row in answer["spans"]],
        suggested_event=answer.get("suggested_event"),
        read_failed=answer.get("read_failed", False),
        _answer=answer,
    )


def _kind(kind: dict[str, Any]) -> Kind:
    fields = [Field(**field) for field in kind.pop("fields")]
    examples = [Example(**example) for example in kind.pop("examples")]
    return Kind(class_=kind.pop("class"), fields=fields, examples=examples, **kind)
