"""One-time codes: random, typed by people, shown as a QR that says what the box is to be told."""

from __future__ import annotations

import re

import segno

from gateway.service.homes.codes import ALPHABET, LENGTH, code_hash, make_code, qr_svg


def test_a_code_is_three_groups_of_four_letters_that_are_not_mistaken() -> None:
    codes = {make_code() for _ in range(200)}
    assert len(codes) == 200
    for code in codes:
        assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}", code)
    assert (len(ALPHABET), len(set(ALPHABET)), LENGTH) == (32, 32, 12)


def test_however_it_is_typed_it_is_the_same_code() -> None:
    wanted = code_hash("7GQ2-M0XB-1T4K")
    for typed in ("7gq2-m0xb-1t4k", " 7GQ2 M0XB 1T4K\n", "7GQ2M0XB1T4K", "7GQ2-MOXB-lT4K", "7gq2-moxb-iT4K"):
        assert code_hash(typed) == wanted
    for other in ("", "7GQ2-M0XB-1T4", "7GQ2-M0XB-1T4KK", "7GQ2-M0XB-1T4J", "\ud800"):
        assert code_hash(other) != wanted


def test_the_qr_is_one_svg_element_with_light_around_it_and_no_script() -> None:
    text = "somnolink join https://clinic.example:8443 7GQ2-M0XB-1T4K"
    svg = qr_svg(text)
    assert re.fullmatch(r"<svg [^>]*>.*</svg>", svg, re.DOTALL)
    assert "script" not in svg
    assert "clinic.example" not in svg  # drawn, not written
    modules = segno.make(text, error="m", micro=False).symbol_size(scale=5, border=4)[0]
    assert f'width="{modules}"' in svg
    assert "#fff" in svg
