"""What can be wrong with a rule's source, in Chinese and English: the construct, why, and what to write instead."""

from typing import NamedTuple


class Words(NamedTuple):
    """One fault in both languages."""

    zh: str
    en: str


class Fault(NamedTuple):
    """A fault at a line of a rule's source."""

    line: int
    code: str
    facts: dict[str, object] = {}  # noqa: RUF012 - never written to

    def text(self) -> str:
        """Say it in both languages."""
        words = WORDS[self.code]
        return f"{words.zh.format(**self.facts)} / {words.en.format(**self.facts)}"


# fmt: off
WORDS: dict[str, Words] = {
    "syntax": Words("不是合法的 Python：{text}", "not valid Python: {text}"),
    "missing": Words("缺少 {name}", "{name} is missing"),
    "name": Words("NAME 须为 {wanted!r}（与文件名相同）", "NAME must be {wanted!r}, the name of the file"),
    "file_name": Words("文件名 {text!r} 不行：用小写字母、数字和下划线，以字母开头", "{text!r} is no name of a rule: small letters, digits and _, a letter first"),
    "shipped": Words("{name} 是自带的策略；换一个文件名", "{name} is a shipped rule; give the file another name"),
    "step": Words('STEP 须为 "snapshot" 或 "bar5"', 'STEP must be "snapshot" or "bar5"'),
    "import": Words("import {name}：策略只能从 typing、common.domain、common.rules、common.strategies 导入", "import {name}: a rule imports from typing, common.domain, common.rules and common.strategies only"),
    "import_star": Words("import *：逐个写出名字", "import *: write the names out"),
    "import_unknown": Words("{module} 里没有 {name}", "{module} has no {name}"),
    "import_inside": Words("函数里的 import：移到文件开头", "import inside a function: move it to the top of the file"),
    "statement": Words("模块层的 {construct}：这里只能有导入、常量、类和函数", "{construct} at module level: only imports, constants, classes and functions stand there"),
    "global": Words("{name} 不是常量：模块层只能是整数、布尔、字符串、它们的元组，或 NamedTuple", "{name} is no constant: a module holds integers, booleans, strings, tuples of them, or a NamedTuple"),
    "float": Words("小数 {text}：价格与金额用 0.001 元的整数，比例用基点", "the decimal {text}: prices and money are integers of 0.001 yuan, ratios basis points"),
    "reason": Words("没有原因 {name}；见 common/domain/reasons.py", "there is no reason {name}; see common/domain/reasons.py"),
    "class": Words("类 {name}：只能是 NamedTuple，字段为 int 或 bool", "class {name}: a NamedTuple with fields of int or bool, nothing else"),
    "field": Words("{name} 的类型须为 int 或 bool", "{name}: its type must be int or bool"),
    "default": Words("Params.{name} 没有默认值", "Params.{name} has no default"),
    "default_type": Words("{name} 的默认值须为 {wanted}", "{name}: its default must be of type {wanted}"),
    "decorator": Words("{name}：只能用 @kernel 修饰", "{name}: @kernel is the only decorator here"),
    "not_kernel": Words("{name} 没有 @kernel：decide 和它调用的函数都要标上，除非策略另有 wake(params, context, step, position)", "{name} has no @kernel: decide and every function it calls need it, unless the rule has a wake(params, context, step, position)"),
    "wake_kernel": Words("wake 没有 @kernel：它要能编译成机器码，decide 才可以是普通 Python", "wake has no @kernel: it has to be compiled, so that decide may be plain Python"),
    "wake_bool": Words("wake 须返回布尔，不是 {text}", "wake must return a bool, not {text}"),
    "signature": Words("{name} 的参数须为 ({wanted})", "{name} must take ({wanted})"),
    "construct": Words("{construct} 不能编译成机器码：{fix_zh}", "{construct} cannot be compiled: {fix_en}"),
    "reduction": Words("{name}(...) 对一串数求值，编译后结果可能不同：写成循环", "{name}(...) over many numbers need not be bit-equal once compiled: write a loop"),
    "call": Words("不能调用 {name}：只能调用 @kernel 函数、NamedTuple、min max abs int bool range", "{name} cannot be called: only @kernel functions, NamedTuples, min, max, abs, int, bool and range"),
    "replace": Words("_replace：把 NamedTuple 完整写出来", "_replace: write the NamedTuple out in full"),
    "unknown": Words("没有定义 {name}", "{name} is not defined"),
    "text_const": Words("字符串 {text!r}：判断里只有整数和布尔", "the string {text!r}: a decision works on integers and booleans"),
    "none": Words("{text}：判断里只有整数和布尔，没有 None", "{text}: a decision works on integers and booleans, there is no None"),
    "division": Words("/ 得到小数：用 //，或把两边乘开", "/ makes a decimal: use //, or multiply both sides out"),
    "enum": Words("{text}：在模块层写成常量 X = int({text})", "{text}: make it a constant of the module: X = int({text})"),
    "attribute": Words("{owner} 没有 {name}；有：{known}", "{owner} has no {name}; it has {known}"),
    "loop": Words("循环只能写成 for i in range(...)", "a loop is written for i in range(...)"),
    "return_nothing": Words("{name}：每条路都要返回同一类型的值", "{name}: every path must return a value of the same type"),
    "return_pair": Words("decide 须返回 (Memory, Decision)", "decide must return (Memory, Decision)"),
    "not_memory": Words("INITIAL_MEMORY 须为 Memory(...)", "INITIAL_MEMORY must be a Memory(...)"),
    "float_value": Words("Context 须有 float_value", "Context must have float_value"),
    "context_prices": Words("CONTEXT_PRICES 里的 {name} 不是 Context 的字段", "CONTEXT_PRICES: {name} is no field of Context"),
    "param_words": Words("PARAM_WORDS 里的 {name} 不对：须为 Params 的整数参数，词对应整数，且含默认值", "PARAM_WORDS: {name} must be an integer of Params with words for integers, its default among them"),
    "default_params": Words("默认参数不合格：{text}", "the defaults do not pass: {text}"),
    "load": Words("加载出错：{text}", "fails to load: {text}"),
    "trial": Words("试运行 {name} 出错：{text}", "fails when {name} is tried: {text}"),
    "read": Words("读不了：{text}", "cannot be read: {text}"),
}
# fmt: on
