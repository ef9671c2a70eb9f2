"""Fees and T+1 worked out by hand: the text is the example, its arithmetic is checked, and the rules must agree."""

import re
from decimal import ROUND_HALF_UP, Decimal

import pytest

from common.domain.values import MILLI, Side
from common.rules.boards import board_of, exchange_of
from common.rules.checks import check_sellable
from common.rules.fees import exchange_charges, order_fees
from common.rules.lots import check_sell_lots
from common.rules.settlement import sellable

CENT = Decimal("0.01")

# Fees of whole orders. `a x b = exact -> rounded half up to 0.01`; the sum is commission + stamp + transfer, because
# handling and regulatory charges sit inside the commission.
FEES = """
2010-01-04 600000.SH buy 1000 @ 10.00: turnover 1000 x 10.00 = 10000.00; commission 10000.00 x 0.0008 = 8; stamp none; transfer 1000 x 1.00 x 0.001 = 1; fees 9.00; handling 10000.00 x 0.00011 = 1.1; regulatory 10000.00 x 0.00004 = 0.4
2010-01-04 600000.SH sell 1000 @ 10.00: turnover 1000 x 10.00 = 10000.00; commission 10000.00 x 0.0008 = 8; stamp 10000.00 x 0.001 = 10; transfer 1000 x 1.00 x 0.001 = 1; fees 19.00; handling 10000.00 x 0.00011 = 1.1; regulatory 10000.00 x 0.00004 = 0.4
2010-03-15 000001.SZ buy 500 @ 22.37: turnover 500 x 22.37 = 11185.00; commission 11185.00 x 0.0008 = 8.948 -> 8.95; stamp none; transfer none; fees 8.95; handling 11185.00 x 0.0001475 = 1.6497875 -> 1.65; regulatory 11185.00 x 0.00004 = 0.4474 -> 0.45
2010-03-15 000001.SZ sell 500 @ 22.37: turnover 500 x 22.37 = 11185.00; commission 11185.00 x 0.0008 = 8.948 -> 8.95; stamp 11185.00 x 0.001 = 11.185 -> 11.19; transfer none; fees 20.14; handling 11185.00 x 0.0001475 = 1.6497875 -> 1.65; regulatory 11185.00 x 0.00004 = 0.4474 -> 0.45
2010-06-01 300001.SZ sell 200 @ 45.15: turnover 200 x 45.15 = 9030.00; commission 9030.00 x 0.0008 = 7.224 -> 7.22; stamp 9030.00 x 0.001 = 9.03; transfer none; fees 16.25; handling 9030.00 x 0.0001475 = 1.331925 -> 1.33; regulatory 9030.00 x 0.00004 = 0.3612 -> 0.36
2011-12-30 601398.SH buy 20000 @ 4.24: turnover 20000 x 4.24 = 84800.00; commission 84800.00 x 0.0008 = 67.84; stamp none; transfer 20000 x 1.00 x 0.001 = 20; fees 87.84; handling 84800.00 x 0.00011 = 9.328 -> 9.33; regulatory 84800.00 x 0.00004 = 3.392 -> 3.39
2012-01-04 601398.SH buy 20000 @ 4.24: turnover 20000 x 4.24 = 84800.00; commission 84800.00 x 0.0008 = 67.84; stamp none; transfer 20000 x 1.00 x 0.001 = 20; fees 87.84; handling 84800.00 x 0.00011 = 9.328 -> 9.33; regulatory 84800.00 x 0.00002 = 1.696 -> 1.70
2012-05-31 600519.SH sell 100 @ 235.55: turnover 100 x 235.55 = 23555.00; commission 23555.00 x 0.0008 = 18.844 -> 18.84; stamp 23555.00 x 0.001 = 23.555 -> 23.56; transfer 100 x 1.00 x 0.001 = 0.1, at least 1.00; fees 43.40; handling 23555.00 x 0.00011 = 2.59105 -> 2.59; regulatory 23555.00 x 0.00002 = 0.4711 -> 0.47
2012-06-01 600519.SH sell 100 @ 235.55: turnover 100 x 235.55 = 23555.00; commission 23555.00 x 0.0008 = 18.844 -> 18.84; stamp 23555.00 x 0.001 = 23.555 -> 23.56; transfer 100 x 1.00 x 0.00075 = 0.075 -> 0.08, at least 1.00; fees 43.40; handling 23555.00 x 0.000087 = 2.049285 -> 2.05; regulatory 23555.00 x 0.00002 = 0.4711 -> 0.47
2012-08-31 600036.SH buy 15000 @ 9.93: turnover 15000 x 9.93 = 148950.00; commission 148950.00 x 0.0008 = 119.16; stamp none; transfer 15000 x 1.00 x 0.00075 = 11.25; fees 130.41; handling 148950.00 x 0.000087 = 12.95865 -> 12.96; regulatory 148950.00 x 0.00002 = 2.979 -> 2.98
2012-08-31 000002.SZ buy 15000 @ 8.31: turnover 15000 x 8.31 = 124650.00; commission 124650.00 x 0.0008 = 99.72; stamp none; transfer none; fees 99.72; handling 124650.00 x 0.0001125 = 14.023125 -> 14.02; regulatory 124650.00 x 0.00002 = 2.493 -> 2.49
2012-09-03 600036.SH buy 15000 @ 9.93: turnover 15000 x 9.93 = 148950.00; commission 148950.00 x 0.0008 = 119.16; stamp none; transfer 15000 x 1.00 x 0.0006 = 9; fees 128.16; handling 148950.00 x 0.0000696 = 10.36692 -> 10.37; regulatory 148950.00 x 0.00002 = 2.979 -> 2.98
2012-09-03 300002.SZ sell 3300 @ 12.05: turnover 3300 x 12.05 = 39765.00; commission 39765.00 x 0.0008 = 31.812 -> 31.81; stamp 39765.00 x 0.001 = 39.765 -> 39.77; transfer none; fees 71.58; handling 39765.00 x 0.0000951 = 3.7816515 -> 3.78; regulatory 39765.00 x 0.00002 = 0.7953 -> 0.80
2015-07-31 600030.SH sell 8000 @ 21.19: turnover 8000 x 21.19 = 169520.00; commission 169520.00 x 0.0003 = 50.856 -> 50.86; stamp 169520.00 x 0.001 = 169.52; transfer 8000 x 1.00 x 0.0006 = 4.8; fees 225.18; handling 169520.00 x 0.0000696 = 11.798592 -> 11.80; regulatory 169520.00 x 0.00002 = 3.3904 -> 3.39
2015-07-31 002594.SZ sell 8000 @ 61.53: turnover 8000 x 61.53 = 492240.00; commission 492240.00 x 0.0003 = 147.672 -> 147.67; stamp 492240.00 x 0.001 = 492.24; transfer none; fees 639.91; handling 492240.00 x 0.0000951 = 46.812024 -> 46.81; regulatory 492240.00 x 0.00002 = 9.8448 -> 9.84
2015-08-03 600030.SH sell 8000 @ 20.02: turnover 8000 x 20.02 = 160160.00; commission 160160.00 x 0.0003 = 48.048 -> 48.05; stamp 160160.00 x 0.001 = 160.16; transfer 160160.00 x 0.00002 = 3.2032 -> 3.20; fees 211.41; handling 160160.00 x 0.0000487 = 7.799792 -> 7.80; regulatory 160160.00 x 0.00002 = 3.2032 -> 3.20
2015-08-03 002594.SZ buy 300 @ 58.88: turnover 300 x 58.88 = 17664.00; commission 17664.00 x 0.0003 = 5.2992 -> 5.30; stamp none; transfer 17664.00 x 0.00002 = 0.35328 -> 0.35; fees 5.65; handling 17664.00 x 0.0000487 = 0.8602368 -> 0.86; regulatory 17664.00 x 0.00002 = 0.35328 -> 0.35
2018-08-20 601318.SH buy 100 @ 57.45: turnover 100 x 57.45 = 5745.00; commission 5745.00 x 0.0003 = 1.7235 -> 1.72, at least 5.00; stamp none; transfer 5745.00 x 0.00002 = 0.1149 -> 0.11; fees 5.11; handling 5745.00 x 0.0000487 = 0.2797815 -> 0.28; regulatory 5745.00 x 0.00002 = 0.1149 -> 0.11
2019-07-22 688001.SH buy 200 @ 55.50: turnover 200 x 55.50 = 11100.00; commission 11100.00 x 0.0003 = 3.33, at least 5.00; stamp none; transfer 11100.00 x 0.00002 = 0.222 -> 0.22; fees 5.22; handling 11100.00 x 0.0000487 = 0.54057 -> 0.54; regulatory 11100.00 x 0.00002 = 0.222 -> 0.22
2019-07-23 688001.SH sell 200 @ 60.11: turnover 200 x 60.11 = 12022.00; commission 12022.00 x 0.0003 = 3.6066 -> 3.61, at least 5.00; stamp 12022.00 x 0.001 = 12.022 -> 12.02; transfer 12022.00 x 0.00002 = 0.24044 -> 0.24; fees 17.26; handling 12022.00 x 0.0000487 = 0.5854714 -> 0.59; regulatory 12022.00 x 0.00002 = 0.24044 -> 0.24
2020-02-03 000858.SZ sell 1700 @ 110.05: turnover 1700 x 110.05 = 187085.00; commission 187085.00 x 0.00025 = 46.77125 -> 46.77; stamp 187085.00 x 0.001 = 187.085 -> 187.09; transfer 187085.00 x 0.00002 = 3.7417 -> 3.74; fees 237.60; handling 187085.00 x 0.0000487 = 9.1110395 -> 9.11; regulatory 187085.00 x 0.00002 = 3.7417 -> 3.74
2020-08-24 300750.SZ buy 400 @ 207.33: turnover 400 x 207.33 = 82932.00; commission 82932.00 x 0.00025 = 20.733 -> 20.73; stamp none; transfer 82932.00 x 0.00002 = 1.65864 -> 1.66; fees 22.39; handling 82932.00 x 0.0000487 = 4.0387884 -> 4.04; regulatory 82932.00 x 0.00002 = 1.65864 -> 1.66
2021-11-15 430047.BJ buy 1001 @ 10.39: turnover 1001 x 10.39 = 10400.39; commission 10400.39 x 0.00025 = 2.6000975 -> 2.60, at least 5.00; stamp none; transfer 10400.39 x 0.000025 = 0.26000975 -> 0.26; fees 5.26; handling 10400.39 x 0.0005 = 5.200195 -> 5.20; regulatory 10400.39 x 0.00002 = 0.2080078 -> 0.21
2021-11-16 430047.BJ sell 1001 @ 10.15: turnover 1001 x 10.15 = 10160.15; commission 10160.15 x 0.00025 = 2.5400375 -> 2.54, at least 5.00; stamp 10160.15 x 0.001 = 10.16015 -> 10.16; transfer 10160.15 x 0.000025 = 0.25400375 -> 0.25; fees 15.41; handling 10160.15 x 0.0005 = 5.080075 -> 5.08; regulatory 10160.15 x 0.00002 = 0.203203 -> 0.20
2022-04-28 600900.SH buy 33300 @ 23.01: turnover 33300 x 23.01 = 766233.00; commission 766233.00 x 0.00025 = 191.55825 -> 191.56; stamp none; transfer 766233.00 x 0.00002 = 15.32466 -> 15.32; fees 206.88; handling 766233.00 x 0.0000487 = 37.3155471 -> 37.32; regulatory 766233.00 x 0.00002 = 15.32466 -> 15.32
2022-04-28 835185.BJ sell 5000 @ 7.77: turnover 5000 x 7.77 = 38850.00; commission 38850.00 x 0.00025 = 9.7125 -> 9.71; stamp 38850.00 x 0.001 = 38.85; transfer 38850.00 x 0.000025 = 0.97125 -> 0.97; fees 49.53; handling 38850.00 x 0.0005 = 19.425 -> 19.43; regulatory 38850.00 x 0.00002 = 0.777 -> 0.78
2022-04-29 600900.SH buy 33300 @ 23.01: turnover 33300 x 23.01 = 766233.00; commission 766233.00 x 0.00025 = 191.55825 -> 191.56; stamp none; transfer 766233.00 x 0.00001 = 7.66233 -> 7.66; fees 199.22; handling 766233.00 x 0.0000487 = 37.3155471 -> 37.32; regulatory 766233.00 x 0.00002 = 15.32466 -> 15.32
2022-04-29 835185.BJ sell 5000 @ 7.77: turnover 5000 x 7.77 = 38850.00; commission 38850.00 x 0.00025 = 9.7125 -> 9.71; stamp 38850.00 x 0.001 = 38.85; transfer 38850.00 x 0.00001 = 0.3885 -> 0.39; fees 48.95; handling 38850.00 x 0.0005 = 19.425 -> 19.43; regulatory 38850.00 x 0.00002 = 0.777 -> 0.78
2022-12-01 835185.BJ sell 5000 @ 6.66: turnover 5000 x 6.66 = 33300.00; commission 33300.00 x 0.00025 = 8.325 -> 8.33; stamp 33300.00 x 0.001 = 33.3; transfer 33300.00 x 0.00001 = 0.333 -> 0.33; fees 41.96; handling 33300.00 x 0.00025 = 8.325 -> 8.33; regulatory 33300.00 x 0.00002 = 0.666 -> 0.67
2023-08-25 688981.SH sell 777 @ 49.99: turnover 777 x 49.99 = 38842.23; commission 38842.23 x 0.00025 = 9.7105575 -> 9.71; stamp 38842.23 x 0.001 = 38.84223 -> 38.84; transfer 38842.23 x 0.00001 = 0.3884223 -> 0.39; fees 48.94; handling 38842.23 x 0.0000487 = 1.891616601 -> 1.89; regulatory 38842.23 x 0.00002 = 0.7768446 -> 0.78
2023-08-28 688981.SH sell 777 @ 49.99: turnover 777 x 49.99 = 38842.23; commission 38842.23 x 0.00025 = 9.7105575 -> 9.71; stamp 38842.23 x 0.0005 = 19.421115 -> 19.42; transfer 38842.23 x 0.00001 = 0.3884223 -> 0.39; fees 29.52; handling 38842.23 x 0.0000341 = 1.324520043 -> 1.32; regulatory 38842.23 x 0.00002 = 0.7768446 -> 0.78
2023-08-25 300059.SZ sell 10000 @ 15.07: turnover 10000 x 15.07 = 150700.00; commission 150700.00 x 0.00025 = 37.675 -> 37.68; stamp 150700.00 x 0.001 = 150.7; transfer 150700.00 x 0.00001 = 1.507 -> 1.51; fees 189.89; handling 150700.00 x 0.0000487 = 7.33909 -> 7.34; regulatory 150700.00 x 0.00002 = 3.014 -> 3.01
2023-08-28 300059.SZ sell 10000 @ 15.07: turnover 10000 x 15.07 = 150700.00; commission 150700.00 x 0.00025 = 37.675 -> 37.68; stamp 150700.00 x 0.0005 = 75.35; transfer 150700.00 x 0.00001 = 1.507 -> 1.51; fees 114.54; handling 150700.00 x 0.0000341 = 5.13887 -> 5.14; regulatory 150700.00 x 0.00002 = 3.014 -> 3.01
2023-08-25 832000.BJ sell 100 @ 3.33: turnover 100 x 3.33 = 333.00; commission 333.00 x 0.00025 = 0.08325 -> 0.08, at least 5.00; stamp 333.00 x 0.001 = 0.333 -> 0.33; transfer 333.00 x 0.00001 = 0.00333 -> 0.00; fees 5.33; handling 333.00 x 0.00025 = 0.08325 -> 0.08; regulatory 333.00 x 0.00002 = 0.00666 -> 0.01
2023-08-28 832000.BJ sell 100 @ 3.33: turnover 100 x 3.33 = 333.00; commission 333.00 x 0.00025 = 0.08325 -> 0.08, at least 5.00; stamp 333.00 x 0.0005 = 0.1665 -> 0.17; transfer 333.00 x 0.00001 = 0.00333 -> 0.00; fees 5.17; handling 333.00 x 0.000125 = 0.041625 -> 0.04; regulatory 333.00 x 0.00002 = 0.00666 -> 0.01
2024-06-03 600000.SH buy 100 @ 8.21: turnover 100 x 8.21 = 821.00; commission 821.00 x 0.00015 = 0.12315 -> 0.12, at least 5.00; stamp none; transfer 821.00 x 0.00001 = 0.00821 -> 0.01; fees 5.01; handling 821.00 x 0.0000341 = 0.0279961 -> 0.03; regulatory 821.00 x 0.00002 = 0.01642 -> 0.02
2025-10-09 920002.BJ buy 333 @ 30.03: turnover 333 x 30.03 = 9999.99; commission 9999.99 x 0.00015 = 1.4999985 -> 1.50, at least 5.00; stamp none; transfer 9999.99 x 0.00001 = 0.0999999 -> 0.10; fees 5.10; handling 9999.99 x 0.000125 = 1.24999875 -> 1.25; regulatory 9999.99 x 0.00002 = 0.1999998 -> 0.20
2026-01-05 001387.SZ sell 1000000 @ 18.55: turnover 1000000 x 18.55 = 18550000.00; commission 18550000.00 x 0.00015 = 2782.5; stamp 18550000.00 x 0.0005 = 9275; transfer 18550000.00 x 0.00001 = 185.5; fees 12243.00; handling 18550000.00 x 0.0000341 = 632.555 -> 632.56; regulatory 18550000.00 x 0.00002 = 371
2026-07-06 600187.SH buy 68000 @ 1.47: turnover 68000 x 1.47 = 99960.00; commission 99960.00 x 0.00015 = 14.994 -> 14.99; stamp none; transfer 99960.00 x 0.00001 = 0.9996 -> 1.00; fees 15.99; handling 99960.00 x 0.0000341 = 3.408636 -> 3.41; regulatory 99960.00 x 0.00002 = 1.9992 -> 2.00
2026-07-06 600187.SH sell 68050 @ 1.47: turnover 68050 x 1.47 = 100033.50; commission 100033.50 x 0.00015 = 15.005025 -> 15.01; stamp 100033.50 x 0.0005 = 50.01675 -> 50.02; transfer 100033.50 x 0.00001 = 1.000335 -> 1.00; fees 66.03; handling 100033.50 x 0.0000341 = 3.41114235 -> 3.41; regulatory 100033.50 x 0.00002 = 2.00067 -> 2.00
2026-09-28 302132.SZ sell 600 @ 92.95: turnover 600 x 92.95 = 55770.00; commission 55770.00 x 0.00015 = 8.3655 -> 8.37; stamp 55770.00 x 0.0005 = 27.885 -> 27.89; transfer 55770.00 x 0.00001 = 0.5577 -> 0.56; fees 36.82; handling 55770.00 x 0.0000341 = 1.901757 -> 1.90; regulatory 55770.00 x 0.00002 = 1.1154 -> 1.12
2026-11-25 688111.SH buy 201 @ 311.11: turnover 201 x 311.11 = 62533.11; commission 62533.11 x 0.00015 = 9.3799665 -> 9.38; stamp none; transfer 62533.11 x 0.00001 = 0.6253311 -> 0.63; fees 10.01; handling 62533.11 x 0.0000341 = 2.132379051 -> 2.13; regulatory 62533.11 x 0.00002 = 1.2506622 -> 1.25
2026-11-25 920189.BJ sell 99 @ 40.75: turnover 99 x 40.75 = 4034.25; commission 4034.25 x 0.00015 = 0.6051375 -> 0.61, at least 5.00; stamp 4034.25 x 0.0005 = 2.017125 -> 2.02; transfer 4034.25 x 0.00001 = 0.0403425 -> 0.04; fees 7.06; handling 4034.25 x 0.000125 = 0.50428125 -> 0.50; regulatory 4034.25 x 0.00002 = 0.080685 -> 0.08
2026-11-25 000001.SZ buy 33500 @ 10.00: turnover 33500 x 10.00 = 335000.00; commission 335000.00 x 0 = 0, at least 5.00; stamp none; transfer 335000.00 x 0.00001 = 3.35; fees 8.35; handling 335000.00 x 0.0000341 = 11.4235 -> 11.42; regulatory 335000.00 x 0.00002 = 6.7
"""

# What may be sold, and what an order to sell gets. The last number is the order.
T_PLUS_1 = """
2010-01-04 600000.SH holds 1000, bought today 300, in open sells 200: 1000 - 300 - 200 = 500; sell 500: NONE
2010-01-04 600000.SH holds 1000, bought today 300, in open sells 200: 1000 - 300 - 200 = 500; sell 600: T1_UNSELLABLE
2010-01-04 600000.SH holds 1000, bought today 300, in open sells 200: 1000 - 300 - 200 = 500; sell 900: INSUFFICIENT_SHARES
2012-06-01 000001.SZ holds 500, bought today 500, in open sells 0: 500 - 500 - 0 = 0; sell 100: T1_UNSELLABLE
2012-06-04 000001.SZ holds 500, bought today 0, in open sells 0: 500 - 0 - 0 = 500; sell 500: NONE
2015-07-31 300059.SZ holds 250, bought today 100, in open sells 0: 250 - 100 - 0 = 150; sell 150: NONE
2015-07-31 300059.SZ holds 250, bought today 100, in open sells 0: 250 - 100 - 0 = 150; sell 120: ODD_LOT
2019-07-22 688001.SH holds 400, bought today 200, in open sells 0: 400 - 200 - 0 = 200; sell 200: NONE
2019-07-23 688001.SH holds 450, bought today 200, in open sells 100: 450 - 200 - 100 = 150; sell 150: NONE
2019-07-23 688001.SH holds 450, bought today 200, in open sells 100: 450 - 200 - 100 = 150; sell 149: ODD_LOT
2021-11-16 430047.BJ holds 199, bought today 0, in open sells 0: 199 - 0 - 0 = 199; sell 101: NONE
2021-11-16 430047.BJ holds 199, bought today 101, in open sells 0: 199 - 101 - 0 = 98; sell 98: NONE
2021-11-16 430047.BJ holds 199, bought today 101, in open sells 0: 199 - 101 - 0 = 98; sell 97: ODD_LOT
2026-07-06 600187.SH holds 68050, bought today 0, in open sells 50: 68050 - 0 - 50 = 68000; sell 68000: NONE
2026-11-25 920189.BJ holds 300, bought today 300, in open sells 0: 300 - 300 - 0 = 0; sell 300: T1_UNSELLABLE
"""

_EXAMPLE = re.compile(r"(\S+) (\S+) (buy|sell) (\d+) @ (\S+): (.*)")
_HOLDING = re.compile(
    r"(\S+) (\S+) holds (\d+), bought today (\d+), in open sells (\d+): \3 - \4 - \5 = (\d+); sell (\d+): (\w+)"
)


def lines(text: str) -> list[str]:
    return text.strip().splitlines()


def amount(text: str) -> tuple[str, Decimal, list[Decimal]]:
    """Return the name of one part, what it comes to, and its factors, after its arithmetic was checked."""
    name, _, rest = text.partition(" ")
    if rest == "none":
        return name, Decimal(0), []
    if "=" not in rest:
        return name, Decimal(rest), []
    product, _, after = rest.partition(" = ")
    factors = [Decimal(factor) for factor in product.split(" x ")]
    exact = factors[0]
    for factor in factors[1:]:
        exact *= factor
    after, _, least = after.partition(", at least ")
    written, _, rounded = after.partition(" -> ")
    assert Decimal(written) == exact, text
    cents = exact.quantize(CENT, ROUND_HALF_UP)
    assert Decimal(rounded or written) == cents, text
    assert not least or Decimal(least) > cents, text
    return name, Decimal(least) if least else cents, factors


@pytest.mark.parametrize("line", lines(FEES))
def test_worked_fees(line: str) -> None:
    found = _EXAMPLE.fullmatch(line)
    assert found is not None, line
    date, code, side_name, shares, _, rest = found.groups()
    parts = {name: (value, factors) for name, value, factors in map(amount, rest.split("; "))}
    assert parts["fees"][0] == sum(parts[name][0] for name in ("commission", "stamp", "transfer")), line

    day, side = int(date.replace("-", "")), Side[side_name.upper()]
    exchange = exchange_of(code)
    turnover = int(parts["turnover"][0] * MILLI)
    rate_e7 = int(parts["commission"][1][-1] * 10_000_000)
    fees = order_fees(side, day, exchange, turnover, rate_e7, 5_000, int(shares))
    charges = exchange_charges(side, day, exchange, turnover)
    for name, milli in {**fees._asdict(), **charges._asdict()}.items():
        assert Decimal(milli) / MILLI == parts[name][0], (name, line)
    assert board_of(code, day)


@pytest.mark.parametrize("line", lines(T_PLUS_1))
def test_worked_t_plus_1(line: str) -> None:
    found = _HOLDING.fullmatch(line)
    assert found is not None, line
    date, code, *numbers, answer = found.groups()
    held, bought, frozen, left, order = map(int, numbers)
    day = int(date.replace("-", ""))
    assert held - bought - frozen == left, line
    assert sellable(held, bought, frozen, day) == left
    first = check_sellable(order, left, bought)
    reason = first if first.name != "NONE" else check_sell_lots(board_of(code, day), order, left, day)
    assert reason.name == answer


def test_the_examples_reach_every_board_and_year_of_change() -> None:
    examples = lines(FEES)
    assert len(examples) >= 44
    boards = {board_of(line.split()[1], int(line[:10].replace("-", ""))) for line in examples}
    assert len(boards) == 4
    years = {int(line[:4]) for line in examples}
    assert years >= {2010, 2012, 2015, 2018, 2019, 2020, 2021, 2022, 2023, 2024, 2025, 2026}
    for side in ("buy", "sell"):
        assert sum(f" {side} " in line for line in examples) >= 15
