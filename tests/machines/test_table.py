"""The table on disk: shared by runs, kept whole, refused if it is not what it should be."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from convcalc.errors import SourceError
from convcalc.machines.card import Level, Roof, Row, Setting
from convcalc.machines.table import Table, cache_folder
from tests.machines.cards import PHONE, ROOF

ROWS = {"conv a": Row("conv", (1, 2, 3), 1234), "relu b": Row("relu", (), 5)}


def test_what_is_kept_is_found_again(tmp_path: Path) -> None:
    table = Table(tmp_path / "deep" / "table.sqlite")
    assert table.card(Setting(), "2.13.0") is None
    table.save_roof(PHONE)
    assert table.card(Setting(), "2.13.0") == PHONE
    table.save_layers(Setting(), "2.13.0", ROWS)
    assert table.card(Setting(), "2.13.0") == replace(PHONE, layers=ROWS)


def test_settings_and_versions_of_torch_are_kept_apart(tmp_path: Path) -> None:
    table = Table(tmp_path / "table.sqlite")
    other = Setting(threads=2)
    table.save_roof(PHONE)
    table.save_roof(replace(PHONE, torch="2.14.0"))
    table.save_roof(replace(PHONE, setting=other))
    table.save_layers(Setting(), "2.13.0", ROWS)
    found = table.card(Setting(), "2.13.0")
    assert found is not None and found.layers == ROWS
    for setting, version in ((Setting(), "2.14.0"), (other, "2.13.0")):
        found = table.card(setting, version)
        assert found is not None and not found.layers
    assert table.card(Setting(channels_last=True), "2.13.0") is None
    assert table.card(Setting(), "2.15.0") is None


def test_without_torch_the_last_version_counts(tmp_path: Path) -> None:
    table = Table(tmp_path / "table.sqlite")
    table.save_roof(PHONE)
    table.save_roof(replace(PHONE, torch="2.14.0"))
    found = table.card(Setting(), None)
    assert found is not None and found.torch == "2.14.0"


def test_peaks_that_are_measured_again_leave_the_layers(tmp_path: Path) -> None:
    table = Table(tmp_path / "table.sqlite")
    table.save_roof(PHONE)
    table.save_layers(Setting(), "2.13.0", ROWS)
    faster = 2 * ROOF.peak_flops
    table.save_roof(replace(PHONE, roof=ROOF._replace(peak_flops=faster, peak_of="a product")))
    found = table.card(Setting(), "2.13.0")
    assert found is not None
    assert (found.roof.peak_flops, found.roof.peak_of, found.layers) == (faster, "a product", ROWS)


def test_the_best_of_several_measurements_is_kept(tmp_path: Path) -> None:
    table = Table(tmp_path / "table.sqlite")
    near, far = Level(2**10, 4e9), Level(2**20, 1e9)
    best = Roof(5e9, "a product", (near, far), 2e-6)
    table.save_roof(replace(PHONE, roof=best))
    slower = Roof(4e9, "a convolution", (Level(2**10, 3e9), Level(2**20, 2e9)), 1e-6)
    table.save_roof(replace(PHONE, roof=slower))
    found = table.card(Setting(), PHONE.torch)
    expected = Roof(5e9, "a product", (near, Level(2**20, 2e9)), 1e-6)
    assert found is not None and found.roof == expected
    table.save_roof(replace(PHONE, roof=slower, library="another"))
    found = table.card(Setting(), PHONE.torch)
    assert found is not None and found.roof == slower, "of another library, anew"
    more = slower._replace(levels=(Level(2**8, 9e9),))
    assert slower.or_better(more).levels == (Level(2**8, 9e9), *slower.levels)


def test_runs_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "table.sqlite"

    def keep(number: int) -> None:
        table = Table(path)
        table.save_roof(PHONE)
        for row in range(5):
            table.save_layers(Setting(), "2.13.0", {f"{number} {row}": Row("conv", (), row)})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(keep, range(8)))
    found = Table(path).card(Setting(), "2.13.0")
    assert found is not None and len(found.layers) == 40


def test_clear_deletes_the_file(tmp_path: Path) -> None:
    table = Table(tmp_path / "table.sqlite")
    assert not table.clear()
    table.save_roof(PHONE)
    assert table.clear()
    assert table.card(Setting(), "2.13.0") is None


def test_a_table_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.sqlite"
    Table(path).save_roof(PHONE)
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 9")
    db.close()
    with pytest.raises(SourceError, match=r"another version of convcalc \(table version 9"):
        Table(path).card(Setting(), "2.13.0")
    assert Table(path).clear()


@pytest.mark.parametrize("data", [b"not a database, but long enough to be read as one" * 50])
def test_a_damaged_table_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "table.sqlite"
    path.write_bytes(data)
    with pytest.raises(SourceError, match="is not a table of measured layers, or damaged"):
        Table(path).card(Setting(), "2.13.0")


def test_a_damaged_row_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.sqlite"
    Table(path).save_roof(PHONE)
    db = sqlite3.connect(path)
    db.execute("UPDATE cards SET roof = '{}'")
    db.commit()
    db.close()
    with pytest.raises(SourceError, match="or damaged"):
        Table(path).card(Setting(), "2.13.0")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match="cannot write the cache folder"):
        Table(tmp_path / "file" / "table.sqlite").check_writable()


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "table.sqlite").mkdir()
    with pytest.raises(SourceError, match=r"cannot write .*table\.sqlite"):
        Table(tmp_path / "table.sqlite").check_writable()


def test_the_cache_folder_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVCALC_CACHE", "/somewhere")
    assert cache_folder() == Path("/somewhere")
    monkeypatch.delenv("CONVCALC_CACHE")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cached")
    assert cache_folder() == Path("/cached/convcalc")
