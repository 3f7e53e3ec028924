"""Every rule of WACZ finds its fault; valid packages have none; what is wrong in a WARC inside is told too."""

from __future__ import annotations

import io

import pytest

from storage.validation.faults import Verdict
from storage.validation.validator import validate
from storage.validation.waczrules import WACZ_RULES
from tests.storage.wacz_files import ARCHIVE, PACKAGES, Package, compressed, sign, valid, zip_files
from tests.storage.warc_files import NAME, Broken, packed, sha256, warc_1_1


def verdict(data: bytes, name: str | None = "x.wacz") -> Verdict:
    return validate(io.BytesIO(data), "file", name)


@pytest.mark.parametrize("package", [valid(), compressed()], ids=["plain index", "compressed index"])
def test_a_valid_package_has_no_fault(package: Package) -> None:
    found = verdict(package.bytes())
    assert found.faults == ()
    assert found.records == 8


def test_a_signed_package_has_no_fault() -> None:
    package = valid()
    package.digest = sign(lambda facts: None)
    assert verdict(package.bytes()).faults == ()


@pytest.mark.parametrize(("rule", "package", "also"), PACKAGES, ids=[rule for rule, _, _ in PACKAGES])
def test_a_seeded_fault_is_found_by_its_rule_alone(rule: str, package: Package, also: tuple[str, ...]) -> None:
    found = verdict(package.bytes())
    name = rule.partition(":")[0]
    assert {fault.rule for fault in found.faults} - set(also) == {name}
    errors = {fault.rule for fault in found.faults if fault.severity == "error"}
    assert found.ok == (not errors)
    assert {fault.clause for fault in found.faults if fault.rule == name} == {WACZ_RULES[name].clause}


@pytest.mark.parametrize("broken", list(zip_files()), ids=str)
def test_a_fault_of_the_zip_file_is_found(broken: Broken) -> None:
    found = verdict(broken.data, broken.name)
    assert {fault.rule for fault in found.faults} - set(broken.also) == {broken.rule}
    assert not found.ok


def test_every_rule_of_wacz_has_a_seeded_fault() -> None:
    seeded = {rule.partition(":")[0] for rule, _, _ in PACKAGES} | {broken.rule for broken in zip_files()}
    assert seeded >= set(WACZ_RULES)


def test_a_fault_in_a_warc_inside_is_told_with_its_path_record_and_offset() -> None:
    package = valid()
    records = warc_1_1()
    records["resource"] = records["resource"].put("WARC-Block-Digest", sha256(b"other"))
    package.files[ARCHIVE] = packed(records.values())
    found = verdict(package.bytes())
    inside = [fault for fault in found.faults if fault.path == ARCHIVE]
    assert [(fault.rule, fault.record) for fault in inside] == [("block-digest", 8)]
    assert inside[0].offset == len(packed(list(records.values())[:7]))
    assert inside[0].message.startswith(f"archive/{NAME}: ")
    assert inside[0].facts()["path"] == ARCHIVE


def test_a_package_is_read_from_a_pipe_too() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    assert validate(Pipe(valid().bytes()), "-", None).faults == ()
