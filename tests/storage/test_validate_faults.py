"""Every rule of WARC finds its fault, at the right place and without others; valid files have none."""

from __future__ import annotations

import io

import pytest

from storage.validation.faults import Verdict
from storage.validation.validator import RULES, validate
from storage.validation.warcrules import WARC_RULES
from tests.storage.seeded_faults import ALL
from tests.storage.warc_files import NAME, Broken, packed, plain, segments, warc_1_0, warc_1_1


def verdict(data: bytes, name: str | None = NAME) -> Verdict:
    return validate(io.BytesIO(data), "file", name)


@pytest.mark.parametrize("records", [warc_1_1(), warc_1_0(), segments()], ids=["1.1", "1.0", "segments"])
def test_a_valid_file_has_no_fault(records: dict[str, object]) -> None:
    made = list(records.values())
    in_gzip = verdict(packed(made))
    assert in_gzip.faults == ()
    assert in_gzip.records == len(made)
    renamed = [made[0].put("WARC-Filename", "x.warc"), *made[1:]]
    assert verdict(plain(renamed), "x.warc").faults == ()


@pytest.mark.parametrize("broken", ALL, ids=str)
def test_a_seeded_fault_is_found_by_its_rule_alone_and_at_its_place(broken: Broken) -> None:
    found = verdict(broken.data, broken.name)
    told = [(fault.rule, fault.record, fault.offset) for fault in found.faults if fault.rule not in broken.also]
    assert set(told) == {(broken.rule, broken.record, broken.offset)}
    rule = RULES[broken.rule]
    assert found.ok == (rule.severity == "warning")
    assert {fault.clause for fault in found.faults if fault.rule == broken.rule} == {rule.clause}


def test_every_rule_of_warc_has_a_seeded_fault() -> None:
    assert {broken.rule for broken in ALL} | {"format-zip"} == set(WARC_RULES)
