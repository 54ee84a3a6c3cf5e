"""Names in headers: encoded as clients and RFC 8187 encode them, or as they stand."""

from __future__ import annotations

import pytest

from services.web.identity.header_names import read_name

ENCODED = "%E5%BC%A0%E4%B8%89"


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({"Actor": ENCODED}, "张三"),
        ({"Actor": ENCODED.lower()}, "张三"),
        ({"Actor": f"UTF-8''{ENCODED}"}, "张三"),
        ({"Actor": f"utf-8'zh-CN'{ENCODED}"}, "张三"),
        ({"Actor*": f"UTF-8''{ENCODED}", "Actor": "Zhang San"}, "张三"),
        ({"Actor": "张三".encode().decode("latin-1")}, "张三"),
        ({"Actor": "Zhang San"}, "Zhang San"),
        ({"Actor": "Zhang%20San"}, "Zhang San"),
        ({"Actor": "100% Zhang"}, "100% Zhang"),
        ({"Actor": "%D5%C5%C8%FD"}, "%D5%C5%C8%FD"),  # GBK, which nobody can tell from others
        ({"Actor": "O'Brien's"}, "O'Brien's"),
        ({}, ""),
    ],
)
def test_a_name_is_read_as_it_was_meant(headers: dict[str, str], name: str) -> None:
    assert read_name(headers, "Actor") == name
