"""What each source has, without importing any vendor. Facts as their documentation and packages state them."""

from common.history.sources.source import Coverage, Kind, Rate

FILES = Coverage(
    name="files",
    kinds=(Kind.CALENDAR, Kind.INSTRUMENTS, Kind.BARS),
    first_year=0,
    st_history=True,
    float_shares=True,
    minutes=(),
    minutes_first_year=0,
    pre_open=False,
    account=False,
    package="",
    by_stock=False,
    rate=Rate(600_000),
)
BAOSTOCK = Coverage(
    name="baostock",
    kinds=(Kind.CALENDAR, Kind.INSTRUMENTS, Kind.BARS, Kind.MINUTES, Kind.DIVIDENDS),
    first_year=1990,
    st_history=True,
    float_shares=True,
    minutes=(5,),
    minutes_first_year=2019,
    pre_open=False,
    account=False,
    package="baostock",
    by_stock=True,
    rate=Rate(per_minute=300, per_day=50_000),
)
TUSHARE = Coverage(
    name="tushare",
    kinds=(Kind.CALENDAR, Kind.INSTRUMENTS, Kind.NAMES, Kind.BARS, Kind.DIVIDENDS, Kind.PRE_OPEN),
    first_year=1990,
    st_history=True,
    float_shares=True,
    minutes=(),
    minutes_first_year=0,
    pre_open=True,
    account=True,
    package="tushare",
    by_stock=False,
    rate=Rate(per_minute=180),
)
XT = Coverage(
    name="xt",
    kinds=(Kind.CALENDAR, Kind.INSTRUMENTS, Kind.BARS, Kind.MINUTES, Kind.DIVIDENDS),
    first_year=1990,
    st_history=True,
    float_shares=True,
    minutes=(1, 5),
    minutes_first_year=0,
    pre_open=False,
    account=True,
    package="xtquant",
    by_stock=True,
    rate=Rate(per_minute=600),
)
COVERAGE: dict[str, Coverage] = {found.name: found for found in (FILES, BAOSTOCK, TUSHARE, XT)}
