"""An amount in Chinese capitals (人民币大写), as vouchers and settlement lists have it.

Follows the People's Bank's rules for filling in bills and settlement vouchers (正确填写票据和结算凭证的
基本规定). Where they leave a choice, one form is always used: 整 after 元 only, never after 角; zeros
before another group of four digits are not read out (107000 is 壹拾万柒仟); a zero at 元 before 角 is
(1680.32 is 壹仟陆佰捌拾元零叁角贰分). The words 人民币 stand before it on the voucher, not here.
"""

from __future__ import annotations

from domain.money.amounts import print_fen

DIGITS = "零壹贰叁肆伍陆柒捌玖"
CAPITALS_FEN_MAX = 10**18 - 1
"""Largest amount that can be written, in fen: just below ten quadrillion (亿亿) yuan."""

_MYRIAD, _HUNDRED_MILLION = 10**4, 10**8


def capitals(fen: int) -> str:
    """Write fen in capitals, ``123456`` → ``"壹仟贰佰叁拾肆元伍角陆分"``; below zero it begins with 负.

    Raises:
        ValueError: beyond ``CAPITALS_FEN_MAX``.
    """
    if abs(fen) > CAPITALS_FEN_MAX:
        raise ValueError(f"too large to be written in capitals: {fen} fen")
    yuan, cents = divmod(abs(fen), 100)
    sign = "负" if fen < 0 else ""
    if not cents:
        return f"{sign}{_whole_number(yuan)}元整"
    return sign + (f"{_whole_number(yuan)}元" if yuan else "") + _cents(yuan, cents)


def _cents(yuan: int, cents: int) -> str:
    """角 and 分; the zero that keeps anyone from putting a digit in comes first."""
    jiao, fen = divmod(cents, 10)
    zero = "零" if yuan and (not jiao or yuan % 10 == 0) else ""
    return zero + (f"{DIGITS[jiao]}角" if jiao else "") + (f"{DIGITS[fen]}分" if fen else "")


def in_words(label: str, fen: int, currency: str) -> str:
    """A labelled sum as documents have it: yuan also in capitals, other currencies in figures only."""
    if currency == "CNY":
        return f"{label}（大写）：人民币{capitals(fen)}"
    return f"{label}：{print_fen(fen, currency)}"


def _whole_number(number: int) -> str:
    """A whole number in words; 亿 and 万 each split it in two that are read alike."""
    for unit, name in ((_HUNDRED_MILLION, "亿"), (_MYRIAD, "万")):
        if number >= unit:
            high, low = divmod(number, unit)
            zero = "零" if low < unit // 10 else ""
            return _whole_number(high) + name + (zero + _whole_number(low) if low else "")
    return _below_myriad(number)


def _below_myriad(number: int) -> str:
    words, zero = "", False
    for unit, name in ((1000, "仟"), (100, "佰"), (10, "拾"), (1, "")):
        digit = number // unit % 10
        if digit:
            words += ("零" if zero and words else "") + DIGITS[digit] + name
        zero = not digit
    return words or DIGITS[0]
