"""Generated pages and samples say what the code says; links between documents lead somewhere."""

import re
from pathlib import Path

import pytest

from services.cli import docs, samples
from services.cli.doctor.registry import CHECKS
from tests.conftest import CHECKOUT

PAGES = samples.pages()


def test_generated_pages_are_up_to_date() -> None:
    assert docs.stale() == []


def test_samples_are_up_to_date() -> None:
    assert samples.stale() == []


def test_the_cli_page_names_every_command_and_option() -> None:
    page = docs.cli_page()
    assert all(name in page for name in ("`pankou order buy`", "`pankou tape import`", "`--wide-price`", "130"))


def test_the_config_page_names_keys_defaults_and_ranges() -> None:
    page = docs.config_page()
    assert all(
        text in page for text in ("`base_port` | `27100`", "`slot_bp`", "[rules.limit_up]", "[screens.bottom_fractal]")
    )


def test_the_page_of_checks_names_every_check_and_what_arming_allows() -> None:
    rows = [line for line in docs.doctor_page().splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == list(CHECKS)
    assert all(row.count(" | ") == 5 for row in rows)
    assert not any("fail" in row.split(" | ")[3] for row in rows)


def test_the_readme_counts_the_checks() -> None:
    assert f"体检 {len(CHECKS)} 项" in (CHECKOUT / "README.md").read_text("utf-8")
    assert f"makes {len(CHECKS)} checks" in (CHECKOUT / "README.en.md").read_text("utf-8")


def test_a_stale_page_is_named(tmp_path: Path) -> None:
    assert docs.stale(tmp_path) == ["cli.md", "config.md", "doctor.md"]


def test_comments_are_read_by_section() -> None:
    found = docs.comments_of('[feed]\npace = "lockstep"  # flat out | by the clock\nspeed = 1.0\n[a.b]  # tables\n')
    assert found == {"feed.pace": "flat out \\| by the clock", "feed.speed": "", "a.b": "tables"}


def test_bad_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    assert docs.main([]) == 2
    assert "--write" in capsys.readouterr().err


def test_blocks_are_filled_and_long_ones_cut() -> None:
    page = "a\n<!-- sample:x -->\nold\n<!-- end -->\nb\n<!-- sample:other -->\n<!-- end -->\n"
    new = samples.filled(page, {"x": "\n".join(str(n) for n in range(200))})
    assert "old" not in new
    assert "\n0\n1\n" in new
    assert "\n…\n" in new
    assert "\n199\n```\n<!-- end -->\nb\n" in new
    assert samples.filled(new, {"x": "\n".join(str(n) for n in range(200))}) == new
    assert new.endswith("<!-- sample:other -->\n<!-- end -->\n")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)\)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("page", [page for page in PAGES if page.name.endswith(".en.md")], ids=lambda page: page.name)
def test_both_languages_have_the_same_sections(page: Path) -> None:
    other = page.with_name(page.name.replace(".en.md", ".md"))
    counts = [
        [
            line.count("#")
            for line in re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.DOTALL).splitlines()
            if line.startswith("#")
        ]
        for path in (page, other)
    ]
    assert counts[0] == counts[1]
