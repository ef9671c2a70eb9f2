"""What numbers and texts may be on the wire: no field of a message is without bounds.

The bounds are wide: they keep out what would break a program, and are no trading rule. A person who asks for -100
shares is told so by the gateway; one who asks for 2**62 is not heard. Price x shares fits 64 bits. What a service
makes of a bounded question must be readable again, by its peers and after a restart: keys that are built from keys
may be longer than the ones people send.
"""

from typing import Annotated, TypeAlias

from msgspec import Meta

Number: TypeAlias = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""Any number with a name of its own (details, conditions, counts of a status)."""
Count: TypeAlias = Annotated[int, Meta(ge=0, le=2**40)]
"""How many, and which one in a row."""
Seq: TypeAlias = Annotated[int, Meta(ge=0, le=2**62)]
"""A number in a journal or of a message within its topic."""
Time: TypeAlias = Annotated[int, Meta(ge=0, le=2**62)]
"""Nanoseconds since 1970; 0 = none."""
Second: TypeAlias = Annotated[int, Meta(ge=0, le=86_400)]
"""A second of the day."""
Millisecond: TypeAlias = Annotated[int, Meta(ge=0, le=86_400_000)]
"""A millisecond of the day."""
Day: TypeAlias = Annotated[int, Meta(ge=0, le=99_991_231)]
"""A day as yyyymmdd; 0 = none or all."""
PushId: TypeAlias = Annotated[int, Meta(ge=0, le=9_999_123_199_999)]
"""Day x 100,000 + number of the push; 0 = none."""
Price: TypeAlias = Annotated[int, Meta(ge=-(2**31) + 1, le=2**31 - 1)]
"""A price in 0.001 yuan, as wide as a column of quotes; 0 = none or marketable."""
Shares: TypeAlias = Annotated[int, Meta(ge=-(2**31) + 1, le=2**31 - 1)]
"""Shares of an order or a position."""
Volume: TypeAlias = Annotated[int, Meta(ge=-(2**62), le=2**62)]
"""Shares of a whole market."""
Cash: TypeAlias = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""An amount in 0.001 yuan; may be negative."""
BasisPoints: TypeAlias = Annotated[int, Meta(ge=0, le=10_000)]
"""A part of the whole in 1/10,000."""
SideNumber: TypeAlias = Annotated[int, Meta(ge=0, le=255)]
"""`Side`; 0 = none. Whether it is one, whoever is asked says."""
Small: TypeAlias = Annotated[int, Meta(ge=0, le=255)]
"""The number of a kind, a state or a stage."""

HandKey: TypeAlias = Annotated[str, Meta(max_length=128, pattern=r"\A[^\x00-\x1f\x7f]*\Z")]
"""The key of what a person asks for."""
Key: TypeAlias = Annotated[str, Meta(max_length=512, pattern=r"\A[^\x00-\x1f\x7f]*\Z")]
"""What an intent, a question or a cause is known by."""
Coid: TypeAlias = Annotated[str, Meta(max_length=64, pattern=r"\A[!-~]*\Z")]
"""A client order id, or what stands for it at the broker."""
Symbol: TypeAlias = Annotated[str, Meta(max_length=16, pattern=r"\A[0-9A-Za-z.]*\Z")]
"""A stock as it was typed; whether it is one, the day's table says. "" = none."""
Name: TypeAlias = Annotated[str, Meta(max_length=64, pattern=r"\A[^\x00-\x1f\x7f]*\Z")]
"""The name of a service, a rule, a run, a number."""
Remark: TypeAlias = Annotated[str, Meta(max_length=1_000)]
"""What a person says beside a command."""
Label: TypeAlias = Annotated[str, Meta(max_length=8_192)]
"""A short text for people; may hold a path."""
Text: TypeAlias = Annotated[str, Meta(max_length=2**20)]
"""A text for people."""

Numbers: TypeAlias = Annotated[dict[Name, Number], Meta(max_length=2_000)]
"""Named numbers."""
Texts: TypeAlias = Annotated[dict[Name, Text], Meta(max_length=2_000)]
"""Named texts."""
Symbols: TypeAlias = Annotated[tuple[Symbol, ...], Meta(max_length=20_000)]
"""Stocks."""
Column: TypeAlias = Annotated[bytes, Meta(max_length=2**20)]
"""One binary column."""
Blob: TypeAlias = Annotated[bytes, Meta(max_length=2**24)]
"""An encoded message inside a message."""
