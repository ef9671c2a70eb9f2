"""Texts of the report of a sweep in Chinese and English."""

# fmt: off
SWEEP_WORDS: dict[str, tuple[str, str]] = {
    "title.sweep_best": ("最好的一组，以及它有几分运气（先读这里）", "The best set, and how much of it is luck (read this first)"),
    "title.sweep_heat": ("两两参数", "Two parameters at a time"),
    "title.sweep_sets": ("全部参数组", "All sets"),
    "sweep.head": ("参数扫描", "Sweep"), "sweep.span": ("{first} 至 {last}", "{first} to {last}"),
    "sweep.split": ("{split} 之后是样本外", "out of sample after {split}"), "sweep.by": ("排序：", "ranked by"),
    "sweep.best": ("最好的一组：", "The best set:"), "sweep.after": ("同一组在样本外：", "The same set out of sample:"),
    "sweep.trials": (
        "这是试了 {trials} 组之后挑出的（其中 {failed} 组失败；另有 {refused} 组策略不接受，没有跑）。",
        "It was picked after {trials} sets were tried ({failed} of them failed; {refused} more are refused by the rule and were not run).",
    ),
    "sweep.luck": (
        "假如 {trials} 组全都毫无本事、只是散布相同，最好的一组夏普比率也会在 {luck} 左右：不明显高于它的结果不说明任何问题。",
        "Were all {trials} sets worthless and only spread as these are, the best of them would still show a Sharpe ratio of about {luck}: one not clearly above that says nothing.",
    ),
    "sweep.agreement": (
        "样本内外名次的相关系数（Spearman）{agreement}：接近 0 表示样本内的名次对之后没有用。",
        "Rank correlation (Spearman) in and out of sample {agreement}: near 0, the ranks before the split are of no use after it.",
    ),
    "sweep.honest": (
        "参数是按这段历史挑的，所以这段历史上的数字偏高；看过样本外再改参数，样本外也就用掉了。不构成投资建议。",
        "Parameters were picked on this history, so its figures flatter them; change parameters after a look out of sample, and that sample is used up too. This is no advice.",
    ),
    "sweep.heat": ("颜色越深数值越大。一片都好才可信，孤零零的一格多半是运气。", "Darker is more. A wide dark area is worth something, a lone dark cell is mostly luck."),
    "sweep.heat_median": (
        "每格是其余参数取遍后的中位数，颜色越深数值越大。一片都好才可信，孤零零的一格多半是运气。",
        "Each cell is the median over all other parameters; darker is more. A wide dark area is worth something, a lone dark cell is mostly luck.",
    ),
    "sweep.side_before": ("样本内", "in sample"), "sweep.side_after": ("样本外", "out of sample"),
    "sweep.cut": ("只列前 {shown} 组，共 {total} 组；全部在 {name}。", "The first {shown} of {total}; all are in {name}."),
    "sweep.search": ("参数组的来法", "how sets were chosen"),
}
# fmt: on
