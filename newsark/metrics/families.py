"""The metrics that there are: name, type, labels and what they mean. docs/operations.md has the same table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from storage.spread import Spread

Labels = tuple[str, ...]
Values: TypeAlias = (
    Mapping[Labels, float]
    | Mapping[tuple[str, str], int]
    | Mapping[tuple[str, str, str], int]
    | Iterable[tuple[Labels, float]]
)


@dataclass(frozen=True, slots=True)
class Family:
    """One metric. A counter's samples end in `_total`, which `name` leaves out, as the client does."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: Labels = ()

    @property
    def shown(self) -> str:
        """The name under which people ask for it."""
        return f"{self.name}_total" if self.kind == "counter" else self.name

    def of(self, values: Values) -> Metric:
        """The metric with these values by labels."""
        kind = CounterMetricFamily if self.kind == "counter" else GaugeMetricFamily
        metric = kind(self.name, self.help, labels=self.labels)
        for labels, value in values.items() if isinstance(values, Mapping) else values:
            metric.add_metric(labels, value)
        return metric

    def one(self, value: float) -> Metric:
        """The metric without labels."""
        return self.of([((), value)])

    def spreads(self, values: Iterable[tuple[Labels, Spread]]) -> Metric:
        """The histogram with these spreads by labels."""
        metric = HistogramMetricFamily(self.name, self.help, labels=self.labels)
        for labels, spread in values:
            bounds = [*map(str, spread.bounds), "+Inf"]
            buckets = [(bound, float(count)) for bound, count in zip(bounds, spread.upto(), strict=True)]
            metric.add_metric(labels, buckets, spread.sum)
        return metric


SOURCE = ("source",)
STORE = ("store",)

# of this process, since it began
FETCHES = Family(
    "newsark_fetches", "counter", "Exchanges kept, by how they ended: a status, 2xx, timeout …", ("source", "result")
)
FETCHED_BYTES = Family("newsark_fetched_bytes", "counter", "Bytes received: heads and bodies as sent.", SOURCE)
ARCHIVED_BYTES = Family("newsark_archived_bytes", "counter", "Bytes of WARC records written for them.", SOURCE)
VISITS = Family(
    "newsark_visits", "counter", "Visits settled, by kind of lead and its state after it.", ("source", "kind", "state")
)
REFUSALS = Family("newsark_refusals", "counter", "Visits that a rule forbade, by rule.", ("source", "rule"))
FOUND = Family("newsark_leads_found", "counter", "Leads found that were not known.", SOURCE)
VERSIONS = Family("newsark_versions", "counter", "Versions of articles recorded.", SOURCE)
OBSERVATIONS = Family(
    "newsark_observations", "counter", "What visits found articles to be: unchanged, removed …", ("source", "outcome")
)
CONFIDENCE = Family("newsark_text_confidence", "histogram", "Confidence in recorded texts, from 0 to 1.", SOURCE)
READING_SECONDS = Family("newsark_reading_seconds", "histogram", "Time that a page took in its reader process.")
READINGS = Family("newsark_readings", "counter", "Pages and lists that were read, timed out or crashed.", ("result",))
READINGS_WAITING = Family("newsark_readings_under_way", "gauge", "Pages and lists being read, or waiting for a reader.")
PAUSED = Family("newsark_paused", "gauge", "1 while the crawl is paused: no room, or too much waits for a store.")
HEARTBEAT = Family("newsark_heartbeat_timestamp_seconds", "gauge", "When the crawl's loop last ran.")
STARTED = Family("newsark_run_start_timestamp_seconds", "gauge", "When this run began.")
STATEMENTS = Family(
    "newsark_catalogue_statement_seconds", "histogram", "Time of statements of the catalogue.", ("statement",)
)
UPLOAD_SECONDS = Family("newsark_upload_seconds", "histogram", "Time until a store confirmed a parcel.", STORE)
UPLOADED_BYTES = Family("newsark_uploaded_bytes", "counter", "Bytes that a store confirmed.", STORE)
UPLOAD_FAILURES = Family("newsark_upload_failures", "counter", "Tries to store a parcel that failed.", STORE)

# of the archive, read now and then
LEADS = Family("newsark_leads", "gauge", "Leads known, by state.", ("source", "state"))
LEADS_DUE = Family("newsark_leads_due", "gauge", "Leads that are due now.", SOURCE)
OLDEST_DUE = Family("newsark_oldest_due_seconds", "gauge", "How late the lead is that is due for longest.", SOURCE)
LAST_SUCCESS = Family(
    "newsark_last_success_timestamp_seconds", "gauge", "When a visit last brought what was due.", SOURCE
)
LAST_VERSION = Family("newsark_last_version_timestamp_seconds", "gauge", "When a version was last captured.", SOURCE)
LEDGER = Family(
    "newsark_ledger_entries", "gauge", "Entries of the ledger of the last 7 days.", ("source", "kind", "state")
)
SEGMENTS_OPEN = Family("newsark_segments_open", "gauge", "Segments being written, or left by a run that died.")
SEGMENTS = Family("newsark_segments", "gauge", "Sealed segments.", SOURCE)
SEGMENT_BYTES = Family("newsark_segment_bytes", "gauge", "Bytes of sealed segments.", SOURCE)
WAITING = Family("newsark_waiting_parcels", "gauge", "Parcels that a store has not confirmed.", STORE)
WAITING_BYTES = Family("newsark_waiting_bytes", "gauge", "Bytes that a store has not confirmed.", STORE)
WAITING_SECONDS = Family("newsark_waiting_oldest_seconds", "gauge", "How long the oldest of them waits.", STORE)
DISK_FREE = Family("newsark_disk_free_bytes", "gauge", "Room on the disk of the working state.")
DISK_SIZE = Family("newsark_disk_size_bytes", "gauge", "Size of that disk.")
FACTS_READ = Family(
    "newsark_facts_read_timestamp_seconds", "gauge", "When these facts were read: standing, leads, ledger.", ("facts",)
)
FACTS_SECONDS = Family("newsark_facts_read_seconds", "gauge", "How long reading them took.", ("facts",))
FACTS_FAILURES = Family(
    "newsark_facts_failures", "counter", "Tries to read them that failed or took too long.", ("facts",)
)
BUILD = Family("newsark_build_info", "gauge", "1, with versions as labels.", ("version", "python", "catalogue"))

FAMILIES = tuple(one for one in list(globals().values()) if isinstance(one, Family))
