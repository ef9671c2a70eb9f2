"use strict";
// Draws the charts, switches the language, sorts the trades. All data is in #chart-data; nothing is fetched.
(function () {
  const data = JSON.parse(document.getElementById("chart-data").textContent);
  const root = document.documentElement;
  const UP = "#c8102e", DOWN = "#0a7d3c", MAIN = "#1f5fa8", GREY = "#8a94a0";
  const BUY = "#7b3fb0", SELL = "#c26a00";
  const OTHERS = { pessimistic: "#0f8b8d", expected: "#1f5fa8", optimistic: "#b7791f" };
  const charts = {};
  const say = (key) => data.words[key][root.lang === "en" ? 1 : 0];
  const safe = (text) => echarts.format.encodeHTML(String(text));
  const money = (fen) => (fen / 100).toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const narrow = () => window.innerWidth < 560;

  function chart(id) {
    const box = document.getElementById(id);
    if (!box) return null;
    charts[id] = charts[id] || echarts.init(box, null, { renderer: "canvas" });
    return charts[id];
  }

  function line(name, values, colour, more) {
    return Object.assign({ name: name, type: "line", data: values, showSymbol: data.days.length < 3, lineStyle: { width: 1.6, color: colour },
      itemStyle: { color: colour }, emphasis: { disabled: true } }, more || {});
  }

  function drawEquity() {
    const view = chart("chart-equity");
    if (!view) return;
    const main = say("c.strategy") + " · " + say("v." + data.verdict);
    const series = [line(main, data.gain, MAIN, { lineStyle: { width: 2.2, color: MAIN }, z: 5 })];
    for (const other of data.others)
      series.push(line(say("v." + other.verdict), other.gain, OTHERS[other.verdict], { lineStyle: { width: 1.4, type: "dashed", color: OTHERS[other.verdict] } }));
    if (data.benchmark) series.push(line(data.benchmark.name, data.benchmark.gain, GREY));
    series.push(line(say("c.drawdown"), data.drawdown, DOWN, { xAxisIndex: 1, yAxisIndex: 1, areaStyle: { color: DOWN, opacity: 0.14 }, lineStyle: { width: 1, color: DOWN } }));
    const left = narrow() ? 46 : 58;
    view.setOption({
      animation: false,
      legend: { top: 0, icon: "roundRect", itemWidth: 16, itemHeight: 3, itemGap: 16, data: series.slice(0, -1).map((one) => one.name), type: "scroll" },
      grid: [{ left: left, right: 14, top: 34, height: "56%" }, { left: left, right: 14, top: "74%", bottom: 46 }],
      axisPointer: { link: [{ xAxisIndex: "all" }] },
      tooltip: { trigger: "axis", confine: true, formatter: equityTip },
      xAxis: [0, 1].map((at) => ({ type: "category", gridIndex: at, data: data.days, boundaryGap: false, axisLabel: { show: at === 1, hideOverlap: true }, axisTick: { show: at === 1 },
        axisLine: { onZero: false, lineStyle: { color: "#c8d0d8" } } })),
      yAxis: [{ scale: true, axisLabel: { formatter: "{value}%" }, splitLine: { lineStyle: { color: "#eef1f4" } } },
        { gridIndex: 1, max: 0, splitNumber: 2, axisLabel: { formatter: "{value}%" }, splitLine: { lineStyle: { color: "#eef1f4" } } }],
      dataZoom: [{ type: "inside", xAxisIndex: [0, 1] }, { type: "slider", xAxisIndex: [0, 1], height: 18, bottom: 6 }],
      series: series,
    }, true);
  }

  function equityTip(points) {
    const at = points[0].dataIndex;
    const rows = points.filter((one) => one.value !== null && one.value !== undefined)
      .map((one) => one.marker + safe(one.seriesName) + " <b>" + Number(one.value).toFixed(2) + "%</b>");
    return [safe(data.days[at]), safe(say("c.equity")) + " <b>" + money(data.equity[at]) + "</b>"].concat(rows).join("<br>");
  }

  function fillStocks() {
    const list = document.getElementById("stock");
    if (!list) return;
    data.stocks.forEach((one, at) => list.add(new Option(one.symbol + " " + one.name, String(at))));
    list.addEventListener("change", drawCandles);
  }

  function mark(one) {
    const buy = one[1] === 1;
    return { coord: [one[0], one[2] / 1000], value: buy ? "B" : "S", deal: one, symbol: "pin", symbolSize: 34,
      symbolRotate: buy ? 180 : 0, label: { color: "#fff", fontSize: 11, fontWeight: "bold", offset: buy ? [0, 9] : [0, 0] }, itemStyle: { color: buy ? BUY : SELL } };
  }

  function exMark(stock, one) {
    return { coord: [one[0], bars(stock)[one[0]][3]], value: "X", ex: one, symbol: "roundRect", symbolSize: [16, 16], symbolOffset: [0, -14],
      label: { color: "#fff", fontSize: 11, fontWeight: "bold" }, itemStyle: { color: "#5c6873" } };
  }

  function exText(one) {
    return safe(say("c.ex")) + ": " + one[1].toLocaleString("en-US") + " → " + one[2].toLocaleString("en-US") + " " + safe(say("c.shares")) + ", " + money(one[3] / 10);
  }

  function dealText(one) {
    return [safe(one[4]), safe(say(one[1] === 1 ? "c.buy" : "c.sell")), one[3].toLocaleString("en-US"), safe(say("c.shares")), "@", (one[2] / 1000).toFixed(2)].join(" ");
  }

  function candleTip(stock) {
    return function (found) {
      if (found.componentType === "markPoint") return found.data.ex ? exText(found.data.ex) : dealText(found.data.deal);
      const at = found.dataIndex, bar = bars(stock)[at];
      const prices = ["open", "close", "low", "high"].map((key, place) => safe(say("c." + key)) + " <b>" + bar[place].toFixed(2) + "</b>");
      const deals = stock.marks.filter((one) => one[0] === at).map(dealText);
      const exes = stock.ex.filter((one) => one[0] === at).map(exText);
      return [safe(stock.at[at])].concat(prices, exes, deals).join("<br>");
    };
  }

  function bars(stock) {
    return stock.at.map((_, at) => (stock.bars[4 * at] === 0 ? ["-", "-", "-", "-"] : stock.bars.slice(4 * at, 4 * at + 4).map((fen) => fen / 100)));
  }

  function drawCandles() {
    const list = document.getElementById("stock");
    const stock = list && data.stocks[Number(list.value || 0)];
    const view = stock && chart("chart-candles");
    if (!view) return;
    view.setOption({
      animation: false,
      grid: { left: narrow() ? 46 : 58, right: 14, top: 34, bottom: 62 },
      tooltip: { trigger: "item", confine: true, formatter: candleTip(stock) },
      xAxis: { type: "category", data: stock.at, axisLabel: { hideOverlap: true }, axisLine: { lineStyle: { color: "#c8d0d8" } } },
      yAxis: { scale: true, axisLabel: { formatter: (value) => value.toFixed(2) }, splitLine: { lineStyle: { color: "#eef1f4" } } },
      dataZoom: [{ type: "inside" }, { type: "slider", height: 18, bottom: 8 }],
      series: [{ name: stock.symbol, type: "candlestick", data: bars(stock), barMaxWidth: 14,
        itemStyle: { color: UP, color0: DOWN, borderColor: UP, borderColor0: DOWN }, markPoint: { data: stock.marks.map(mark).concat(stock.ex.map((one) => exMark(stock, one))) } }],
    }, true);
    const cut = document.getElementById("cut");
    cut.hidden = !data.cut;
    cut.textContent = data.cut ? say("note.candles_cut") : "";
  }

  function show(row) {
    const at = data.stocks.findIndex((one) => one.symbol === row.dataset.symbol);
    if (at < 0) return;
    document.getElementById("stock").value = String(at);
    drawCandles();
    document.getElementById("candles").scrollIntoView({ behavior: "smooth" });
  }

  function sortKey(row, at) {
    const text = row.cells[at].innerText.trim();
    const plain = text.replace(/[,%+]/g, "");
    return /^-?\d+(\.\d+)?$/.test(plain) ? Number(plain) : text;
  }

  function sortBy(table, at) {
    const head = table.tHead.rows[0].cells[at];
    const down = head.getAttribute("aria-sort") !== "descending";
    for (const cell of table.tHead.rows[0].cells) cell.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const rows = Array.from(table.tBodies[0].rows).map((row) => [sortKey(row, at), row]);
    rows.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0) * (down ? -1 : 1));
    table.tBodies[0].append(...rows.map((pair) => pair[1]));
  }

  function tradeTable() {
    const table = document.getElementById("trade-table");
    if (!table) return;
    Array.from(table.tHead.rows[0].cells).forEach((cell, at) => cell.addEventListener("click", () => sortBy(table, at)));
    table.tBodies[0].addEventListener("click", (event) => { const row = event.target.closest("tr"); if (row) show(row); });
  }

  function speak(lang) {
    root.lang = lang === "en" ? "en" : "zh-CN";
    drawEquity();
    drawCandles();
  }

  for (const button of document.querySelectorAll(".langs button")) button.addEventListener("click", () => speak(button.dataset.lang));
  window.addEventListener("resize", () => Object.values(charts).forEach((one) => one.resize()));
  fillStocks();
  tradeTable();
  speak(location.hash === "#en" ? "en" : "zh");
})();
