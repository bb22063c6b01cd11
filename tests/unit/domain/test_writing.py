"""What names hide is shown, and what people write in their scripts stays."""

# ruff: noqa: RUF001 - letters of other scripts are what this is about

import pytest

from connector.domain.writing import (
    LEAST_WORDS,
    command,
    gist,
    require_words,
    says_something,
    visible,
)
from connector.errors import InvalidRequestError


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ada\u202eecalevoL", "Ada[U+202E]ecalevoL"),
        ("pay\u200bpal", "pay[U+200B]pal"),
        ("a\u200db", "a[U+200D]b"),
        ("soft\u00adhyphen", "soft[U+00AD]hyphen"),
        ("\ufeffAda", "[U+FEFF]Ada"),
        ("Ada\u2066\u2069", "Ada[U+2066][U+2069]"),
        ("Ada\u3164", "Ada[U+3164]"),
        ("Ada\U000e0041", "Ada[U+E0041]"),
        ("red\x1b[31m", "red[U+001B][31m"),
        ("a\u2028b\x00\x85", "a[U+2028]b[U+0000][U+0085]"),
        ("\u200d", "[U+200D]"),
    ],
)
def test_what_turns_or_hides_writing_is_shown_by_its_number(text, shown):
    assert visible(text) == shown
    assert visible(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Ada Lovelace <ada@x.example>",
        "two\nlines\tand a tab",
        "Åsa Öberg-Łukasiewicz",
        "Жанна Ν. Ωμέγα",
        "محمد العربي",
        "نمی\u200cخواهم",
        "क्\u200dष",
        "山田 太郎",
        "👩\u200d💻",
        "1\u202f000",
        "שלום",
    ],
)
def test_what_people_write_stays(text):
    assert visible(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "Für Béa!",
        "für  béa",
        "Fu\u0308r Be\u0301a.",
        "\u3164Für Bé\u034fa\u2800",
        "Für\u200b-Béa\ufe0f",
    ],
)
def test_what_a_text_says_depends_on_nothing_that_nobody_sees(text):
    assert gist(text) == gist("Für Béa") != gist("Für Bob")


@pytest.mark.parametrize("text", ["", " . ", "\u2800", "\u3164\u034f\uffa0", "—", "\u200b"])
def test_what_has_no_letter_and_no_digit_says_nothing(text):
    assert gist(text) == ""


def test_other_scripts_and_numbers_say_something():
    assert gist("山田 4711 क्या") == gist("山田, 4711: क्या") != ""


@pytest.mark.parametrize(
    "text", ["", ".", " - ", "x", "X.", "zzz", "x x X", "7", "\u2800\u3164", "ééé"]
)
def test_what_says_nothing_is_no_reason(text):
    assert not says_something(text)
    with pytest.raises(InvalidRequestError, match=f"^Say why. It needs {LEAST_WORDS}"):
        require_words(text, "Say why.")


@pytest.mark.parametrize("text", ["No", "ok", "77", "#4711", "离职", "نقل", "Für Béa", " Left. "])
def test_what_says_something_is_kept(text):
    assert require_words(text, "Say why.") == text.strip()


@pytest.mark.parametrize(
    ("tenant", "login", "expected"),
    [
        ("default", "ann@acme.test", "docusign-iga console session end ann@acme.test"),
        ("acme", "Ann Lee", "docusign-iga console session end 'Ann Lee' --tenant acme"),
        (
            "acme",
            "a'; rm -r x",
            """docusign-iga console session end 'a'"'"'; rm -r x' --tenant acme""",
        ),
    ],
)
def test_a_command_that_is_named_can_be_pasted(tenant, login, expected):
    assert command(tenant, "console", "session", "end", login) == expected
