"""The HTML report: well formed, offline, safe against hostile names, small, in both languages."""

import base64
import hashlib
import json
import math
import re
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest

from common.backtests.report import report_html
from common.backtests.report import sections as tables
from common.backtests.report.charts import BARS_MAX, safe_json, stock_data
from common.backtests.report.markup import both, clean, esc
from common.backtests.report.page import static
from common.backtests.report.words import WORDS
from common.backtests.result import BacktestResult, Benchmark, Candle, EventKind, Remark
from common.backtests.statistics import statistics_of
from common.domain.errors import InvariantError
from tests.backtest_books import Books, candles_of, full_result, random_books
from tests.conftest import CHECKOUT

RESULT, CANDLES = full_result()
OTHERS = [random_books(1, 120, 50).result("pessimistic"), random_books(1, 120, 75).result("optimistic")]
PAGE = report_html(RESULT, OTHERS, CANDLES)
VOID = {"meta", "br", "wbr", "img", "input", "hr", "link"}
STATIC = CHECKOUT / "common" / "backtests" / "report" / "static"
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;{{7*7}}\u202egnp\u2028\x00${1}"


class Page(HTMLParser):
    """Checks nesting while it reads, and keeps elements, attributes, texts and scripts."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.stack: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.feed(html)
        self.close()
        assert self.stack == [], f"left open: {self.stack}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), (tag, attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack, f"</{tag}> closes nothing"
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.stack and self.stack[-1] == "script":
            self.scripts[-1] = (self.scripts[-1][0], self.scripts[-1][1] + data)
        elif self.stack and self.stack[-1] != "style":
            self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]

    @property
    def text(self) -> str:
        return "".join(self.texts)


READ = Page(PAGE)


def data_of(page: Page) -> dict[str, Any]:
    (text,) = [text for attrs, text in page.scripts if attrs.get("id") == "chart-data"]
    found: dict[str, Any] = json.loads(text)
    return found


# ------------------------------------------------------------------ one file, no network


def test_it_is_well_formed_html() -> None:
    assert PAGE.startswith("<!DOCTYPE html>")
    assert [name for name, _ in READ.elements[:2]] == ["html", "head"]
    ids = [attrs["id"] for _, attrs in READ.elements if "id" in attrs]
    assert len(ids) == len(set(ids)), "an id stands twice"


def test_rows_have_as_many_cells_as_heads() -> None:
    for block in re.findall(r"<table.*?</table>", PAGE, re.DOTALL):
        head = re.search(r"<thead>.*?</thead>", block, re.DOTALL)
        if head is not None:
            width = head[0].count("<th ")
            rows = re.findall(r"<tr.*?</tr>", block.split("</thead>")[1], re.DOTALL)
            assert {len(re.findall(r"<t[dh][ >]", row)) for row in rows} <= {width}


def test_nothing_is_fetched() -> None:
    for tag, attrs in READ.elements:
        assert tag not in {"link", "iframe", "object", "embed", "base", "form", "img"}, tag
        assert not {"src", "href", "srcset", "data", "action", "poster", "background"} & attrs.keys(), (tag, attrs)
        assert not any(name.startswith("on") for name in attrs), (tag, attrs)
    assert not re.search(r"@import|url\(", static("report.css"))
    assert not re.search(r"fetch\(|XMLHttpRequest|import\(|WebSocket|https?:", static("report.js"))


def test_hosts_stand_only_in_names_and_licences() -> None:
    """The library spells XML namespaces and its licence; nothing else in the page names a host."""
    hosts = set(re.findall(r"https?://([\w.-]+)", PAGE))
    assert hosts <= {"www.w3.org", "www.apache.org", "github.com"}
    assert set(re.findall(r"https?://([\w.-]+)", PAGE.replace(static("echarts.min.js"), ""))) == set()


def test_its_policy_lets_nothing_in_and_no_script_but_ours() -> None:
    (policy,) = [attrs["content"] for attrs in READ.all("meta") if attrs.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    allowed = re.findall(r"'sha256-[^']+'", policy)
    code = [text for attrs, text in READ.scripts if "type" not in attrs]
    made = [f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in code]
    assert made == allowed
    assert len(made) == 2
    assert "http" not in policy
    assert "unsafe-eval" not in policy


def test_the_library_is_the_one_that_was_looked_at() -> None:
    told = (STATIC / "README.md").read_text("utf-8")
    digest = hashlib.sha256((STATIC / "echarts.min.js").read_bytes()).hexdigest()
    assert digest in told
    version = re.search(r't\.version="([\d.]+)"', static("echarts.min.js"))
    assert version is not None
    assert f"Apache ECharts {version[1]}" in told
    assert "Apache License" in (STATIC / "echarts.LICENSE.txt").read_text("utf-8")


@pytest.mark.parametrize("name", ["echarts.min.js", "report.js", "report.css"])
def test_static_files_may_stand_inside_a_page(name: str) -> None:
    assert not re.search(r"</(script|style)|<!--|\r", static(name), re.IGNORECASE)


def test_five_hundred_trades_stay_below_two_megabytes() -> None:
    books = random_books(11, 244, 500, 400)
    names = {fill.symbol: f"示例股份{fill.symbol[3:6]}" for fill in books.fills}
    result = books.result(names=names)
    others = [
        random_books(11, 244, count, 400).result(verdict)
        for count, verdict in ((450, "pessimistic"), (520, "optimistic"))
    ]  # type: ignore[arg-type]  # the words are two of the three
    candles = candles_of(books)
    assert len(statistics_of(result).trades) >= 450
    assert len(candles) > BARS_MAX
    page = report_html(result, others, candles)
    assert len(page.encode()) <= 2_000_000
    Page(page)


# ------------------------------------------------------------------ hostile texts


def hostile() -> BacktestResult:
    """Put the hostile text wherever a result may hold a text."""
    inputs = msgspec.structs.replace(
        RESULT.inputs, rule=HOSTILE, engine=HOSTILE, universe=HOSTILE, data_hash=HOSTILE, code_hash=HOSTILE,
        rulebook_hash=HOSTILE, params={HOSTILE: 1},
    )  # fmt: skip
    coverage = tuple(msgspec.structs.replace(run, zh=HOSTILE, en=HOSTILE + "e") for run in RESULT.coverage)
    symbol = {fill.symbol: f"{fill.symbol}{HOSTILE}" for fill in RESULT.fills}
    moved = {
        field: tuple(
            msgspec.structs.replace(row, symbol=symbol.get(row.symbol, row.symbol)) for row in getattr(RESULT, field)
        )
        for field in ("fills", "events", "open_positions", "unfilled")
    }
    assert RESULT.benchmark is not None
    return msgspec.structs.replace(
        RESULT, inputs=inputs, coverage=coverage, remarks=(Remark(HOSTILE, HOSTILE + "e"),),
        names=dict.fromkeys(symbol.values(), HOSTILE), benchmark=Benchmark(HOSTILE, 1, RESULT.benchmark.closes),
        **moved,
    )  # fmt: skip


def test_hostile_texts_stay_texts() -> None:
    result = hostile()
    bars = [msgspec.structs.replace(bar, symbol=f"{bar.symbol}{HOSTILE}") for bar in CANDLES]
    page = report_html(result, (), bars)
    read = Page(page)
    assert [attrs for attrs, _ in read.scripts] == [{"type": "application/json", "id": "chart-data"}, {}, {}]
    assert read.all("img") == []
    assert {tag for tag, _ in read.elements} == {tag for tag, _ in READ.elements}
    assert clean(HOSTILE) in read.text
    assert "\u202e" not in page
    assert "\x00" not in page
    data = data_of(read)
    assert data["benchmark"]["name"] == clean(HOSTILE)
    assert {stock["name"] for stock in data["stocks"]} == {clean(HOSTILE)}


def test_the_script_escapes_what_it_writes_as_html() -> None:
    """Tooltips are HTML in ECharts: every text in them goes through `safe`."""
    code = static("report.js")
    assert "encodeHTML" in code
    assert "innerHTML" not in code
    for line in code.splitlines():
        if "<br>" in line or "<b>" in line:
            bare = re.findall(r"(?<!safe\()\b(?:say\(|one\.seriesName|stock\.(?:name|symbol|at)|data\.days)", line)
            assert not bare, line


def test_escaping() -> None:
    assert esc("<a href='x\">&") == "&lt;a href=&#39;x&quot;&gt;&amp;"
    assert clean("a\u202eb\x07c\ud800d") == "a\ufffdb\ufffdc\ufffdd"
    assert both("x<", "x<") == "x&lt;"
    assert safe_json({"a": "</script>&\u2028"}) == '{"a":"\\u003c/script\\u003e\\u0026\\u2028"}'
    with pytest.raises(ValueError, match="JSON"):
        safe_json(float("nan"))


# ------------------------------------------------------------------ what it says


def test_both_languages_are_complete() -> None:
    for key, (zh, en) in WORDS.items():
        assert re.search("[\u4e00-\u9fff]", zh), key
        assert not re.search("[\u4e00-\u9fff]", en), key
        assert set(re.findall(r"\{\w+\}", zh)) == set(re.findall(r"\{\w+\}", en)), key
    spans = [attrs.get("class") for attrs in READ.all("span")]
    assert spans.count("zh") == spans.count("en") > 100
    assert READ.all("html") == [{"lang": "zh-CN"}]


def test_no_word_is_unused() -> None:
    folder = CHECKOUT / "common" / "backtests" / "report"
    code = "\n".join(path.read_text("utf-8") for path in (*folder.glob("[!w]*.py"), STATIC / "report.js"))
    ready = set(re.findall(r'"((?:note|head|more|data|c|t|v|in|side|title)\.[\w.]+)"', code.replace("'", '"')))
    built = {f"t.{name}" for name in re.findall(r'"(\w+)"', code)} | {
        f"in.{name}" for name in re.findall(r'"(\w+)"', code)
    }
    titles = {f"title.{name}" for name in re.findall(r'section\(\s*"(\w+)"', code)}
    prices = {f"c.{name}" for name in ("open", "close", "low", "high")}
    sides = {"side.BUY", "side.SELL", "v.pessimistic", "v.expected", "v.optimistic"}
    assert set(WORDS) - ready - built - titles - prices - sides == set()


def test_it_says_which_sessions_had_minutes_and_why() -> None:
    box = re.search(r'<section id="data">.*?</section>', PAGE, re.DOTALL)
    assert box is not None
    text = Page(box[0]).text
    assert "120 个交易日中 80 个有分钟级数据，40 个只有日线" in text
    assert "Of 120 sessions 80 had minutes or finer, 40 daily bars only" in text
    for run in RESULT.coverage:
        assert run.zh in text
        assert run.en in text
    assert "180 stock-days lacked data" in text
    assert "st_unknown=allow" in text


def test_the_three_verdicts_stand_side_by_side() -> None:
    box = re.search(r'<section id="verdicts">.*?</section>', PAGE, re.DOTALL)
    assert box is not None
    for result in (RESULT, *OTHERS):
        total = statistics_of(result).metrics["total_return"]
        assert total is not None
        assert f"{total * 100:.2f}%" in box[0]
    alone = report_html(RESULT)
    assert alone.count("未运行") == 2 * len(tables.HEADLINE)
    with pytest.raises(InvariantError, match="two results of one verdict"):
        report_html(RESULT, [RESULT])
    with pytest.raises(InvariantError, match="another backtest: first, last differ"):
        report_html(RESULT, [random_books(1, 20, 5, year=2025).result("optimistic")])


def test_trades_reasons_hashes_and_parameters_are_there() -> None:
    found = statistics_of(RESULT)
    assert PAGE.count("data-symbol=") == len(found.trades)
    for text in ("d" * 64, "c" * 64, "a" * 64, "stop_bp", "2026-01-01", "被拒", "止损", "stop loss", "CSI 300"):
        assert text in PAGE, text


def test_red_is_up() -> None:
    css = static("report.css")
    up = re.search(r"--up: #(\w\w)(\w\w)(\w\w)", css)
    assert up is not None
    assert int(up[1], 16) > 2 * int(up[2], 16)
    assert ".up { color: var(--up); }" in css
    assert "itemStyle: { color: UP, color0: DOWN" in static("report.js")
    gained = statistics_of(RESULT).metrics["total_return"]
    assert gained is not None
    assert gained > 0
    assert '<b class="v up">' in PAGE


def test_a_result_in_which_nothing_happened() -> None:
    for books in (Books(), random_books(5, 3, 0)):
        page = report_html(books.result())
        text = Page(page).text
        assert "未定义" in text
        assert "undefined" in text
        assert "没有交易。" in text
        assert "nan" not in text.lower().replace("finance", "")


# ------------------------------------------------------------------ what the charts are drawn from


def test_the_lines_are_those_of_the_result() -> None:
    data = data_of(READ)
    assert len(data["days"]) == len(data["gain"]) == len(data["drawdown"]) == len(data["equity"]) == 120
    start = RESULT.inputs.start_cash
    assert data["gain"][-1] == pytest.approx((RESULT.equity[-1].equity / start - 1) * 100, abs=1e-4)
    assert min(data["drawdown"]) == pytest.approx((statistics_of(RESULT).metrics["max_drawdown"] or 0) * 100, abs=1e-4)
    assert [other["verdict"] for other in data["others"]] == ["pessimistic", "optimistic"]
    assert data["benchmark"]["gain"][-1] < 0


def test_every_deal_has_its_mark_on_its_bar() -> None:
    data = data_of(READ)
    deals = sorted((fill.symbol, fill.price, fill.shares) for fill in RESULT.fills)
    marks = []
    for stock in data["stocks"]:
        for place, _side, price, shares, _time in stock["marks"]:
            low, high = stock["bars"][4 * place + 2], stock["bars"][4 * place + 3]
            assert low <= price / 10 <= high
            marks.append((stock["symbol"], price, shares))
    assert sorted(marks) == deals
    assert data["cut"] is False


def test_every_ex_day_of_a_held_stock_is_marked() -> None:
    marks = [(stock["symbol"], *mark[1:]) for stock in data_of(READ)["stocks"] for mark in stock["ex"]]
    events = [
        (event.symbol, event.shares_before, event.shares_after, event.cash)
        for event in RESULT.events
        if event.kind is EventKind.EX_DAY
    ]
    assert sorted(marks) == sorted(events)
    assert len(events) > 3


def test_minute_bars_take_the_deal_inside_them() -> None:
    books = Books()
    books.buy(20260105, "600001.SH", 100, 10_000, second=9 * 3600 + 33 * 60)
    books.close(20260105, {"600001.SH": 10_000})
    result = books.result()
    bars = [
        Candle("600001.SH", 20260105, 9 * 3600 + minute * 60, 10_000, 10_010, 9_990, 10_005, 100) for minute in (35, 40)
    ]
    ((stock,), cut) = stock_data(result, statistics_of(result).trades, bars)
    assert (stock["at"], cut) == (["2026-01-05 09:35", "2026-01-05 09:40"], False)
    assert stock["marks"] == [[0, 1, 10_000, 100, "09:33:00"]]
    assert stock["bars"][:4] == [1000, 1000.5, 999, 1001]


def test_bars_far_from_any_trade_are_left_out_and_the_place_shows() -> None:
    books = Books()
    days = (
        [20260101 + at for at in range(28)] + [20260201 + at for at in range(28)] + [20260301 + at for at in range(28)]
    )
    for at, day in enumerate(days):
        if at in (0, 80):
            books.buy(day, "600001.SH", 100, 10_000)
        if at in (1, 81):
            books.sell(day, "600001.SH", 100, 10_000)
        books.close(day, {"600001.SH": 10_000})
    bars = [Candle("600001.SH", day, 0, 10_000, 10_000, 10_000, 10_000, 1) for day in days]
    result = books.result()
    ((stock,), _) = stock_data(result, statistics_of(result).trades, bars)
    at = stock["at"].index("…")
    assert stock["bars"][4 * at : 4 * at + 4] == [0, 0, 0, 0]
    assert len(stock["at"]) == (1 + 1 + 20) + 1 + (40 + 2 + 2)


def test_where_there_is_no_room_the_largest_trades_keep_their_bars() -> None:
    trades = statistics_of(RESULT).trades
    stocks, cut = stock_data(RESULT, trades, CANDLES, bars_max=60)
    assert cut is True
    assert 0 < sum(label != "…" for stock in stocks for label in stock["at"]) <= 60
    largest = max(trades, key=lambda trade: abs(trade.pnl))
    assert largest.symbol in {stock["symbol"] for stock in stocks}


def test_a_bar_without_prices_is_none_and_a_bad_one_is_refused() -> None:
    trades = statistics_of(RESULT).trades
    suspended = [msgspec.structs.replace(bar, open=0, high=0, low=0, close=0) for bar in CANDLES]
    assert stock_data(RESULT, trades, suspended) == ([], False)
    with pytest.raises(InvariantError, match="wrong kind"):
        report_html(RESULT, (), [msgspec.structs.replace(CANDLES[0], close=math.nan)])


def test_without_bars_it_says_so() -> None:
    page = report_html(RESULT)
    assert "没有附带 K 线数据" in page
    assert 'id="chart-candles"' not in page
