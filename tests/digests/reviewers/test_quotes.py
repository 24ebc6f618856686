"""Quotes of a model, looked up in the paper's text in spite of how both are written."""

import pytest

from digests.reviewers.quotes import is_quoted, normalize_for_quotes

PASSAGE = "We train each of the twelve models only once, since every run takes nine days on our machines."


def occurs(quote: str, text: str) -> bool:
    return is_quoted(quote, normalize_for_quotes(text))


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        (PASSAGE, f"Limits. {PASSAGE} We release the code."),
        ("we train each of the twelve models ... takes nine days", PASSAGE),
        ("we train a β-VAE, 10× faster", r"we train a $\beta$-VAE, $10\times$ faster"),
        (r"we train a $\beta$-VAE, $10\times$ faster", "we train a β-VAE, 10× faster"),
        ("the first coefficient is sufficient", "the ﬁrst coeﬃcient is suﬃcient"),
        ("an unusually small evaluation set", "an unusu-\nally small evalu-\nation set"),
        (
            "the first results on difficult data are in the field of vision",
            "the rst results on dicult data are in the eld of vision",
        ),
        (PASSAGE.replace("models", "modles", 1), PASSAGE),
        ("naïve Poincaré embeddings", "naive Poincare embeddings"),
    ],
)
def test_a_quote_is_found_however_both_sides_are_written(quote: str, text: str) -> None:
    assert occurs(quote, text)


@pytest.mark.parametrize(
    "quote",
    [
        "",
        "only once",
        PASSAGE.replace("nine", "ninety-five"),
        PASSAGE.replace("twelve", "12"),
        PASSAGE.replace("only once", "more than once"),
        "takes nine days ... we train each of the twelve models",
        "We train every model ten times and report the spread of the results.",
    ],
)
def test_a_quote_with_other_words_is_not_found(quote: str) -> None:
    assert not occurs(quote, PASSAGE)


def test_no_edit_touches_a_digit() -> None:
    text = "The accuracy of the larger model on the held-out languages is 71.4 percent after tuning."
    assert occurs(text, text)
    assert not occurs(text.replace("71.4", "77.4"), text)
