"""The languages of well-known encoders, and checks of texts against them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import regex  # `re` doesn't know scripts

if TYPE_CHECKING:
    from collections.abc import Iterable


ENGLISH, MULTILINGUAL = "English", "multilingual"
MULTILINGUAL_NAME = "multilingual"  # the registered encoder to turn to
# Checkpoints of the hub that papers on English emotions use. Byte-level ones, such as RoBERTa's, know every text of any
# language, in pieces of single letters, so that nothing else shows that they are the wrong choice.
ENGLISH_FAMILIES = (
    "albert-base-v2",
    "bert-base-cased",
    "bert-base-uncased",
    "bert-large-cased",
    "bert-large-uncased",
    "deberta-base",
    "deberta-large",
    "deberta-v3-base",
    "deberta-v3-large",
    "distilbert-base-cased",
    "distilbert-base-uncased",
    "distilroberta-base",
    "electra-base-discriminator",
    "electra-large-discriminator",
    "electra-small-discriminator",
    "emoberta-base",
    "emoberta-large",
    "roberta-base",
    "roberta-large",
)
OWNERS = ("", "albert", "distilbert", "FacebookAI", "google", "google-bert", "microsoft", "tae898")
# The codes of languages with published emotion data, that of two letters first (ISO 639-1, then 639-2 and 639-3), and
# names of their variants. All other languages are compared as they are written.
LANGUAGES = {
    "afrikaans": ("af", "afr"),
    "algerian arabic": ("arq",),
    "amharic": ("am", "amh"),
    "arabic": ("ar", "ara"),
    "chinese": ("zh", "zho", "chi"),
    "dutch": ("nl", "nld", "dut"),
    "emakhuwa": ("vmw",),
    "english": ("en", "eng"),
    "finnish": ("fi", "fin"),
    "french": ("fr", "fra", "fre"),
    "german": ("de", "deu", "ger"),
    "hausa": ("ha", "hau"),
    "hindi": ("hi", "hin"),
    "igbo": ("ig", "ibo"),
    "indonesian": ("id", "ind"),
    "italian": ("it", "ita"),
    "japanese": ("ja", "jpn"),
    "kinyarwanda": ("rw", "kin"),
    "korean": ("ko", "kor"),
    "marathi": ("mr", "mar"),
    "moroccan arabic": ("ary",),
    "nigerian pidgin": ("pcm",),
    "oromo": ("om", "orm"),
    "polish": ("pl", "pol"),
    "portuguese": ("pt", "por", "brazilian portuguese", "mozambican portuguese"),
    "romanian": ("ro", "ron", "rum"),
    "russian": ("ru", "rus"),
    "somali": ("so", "som"),
    "spanish": ("es", "spa"),
    "sundanese": ("su", "sun"),
    "swahili": ("sw", "swa"),
    "swedish": ("sv", "swe"),
    "tatar": ("tt", "tat"),
    "tigrinya": ("ti", "tir"),
    "turkish": ("tr", "tur"),
    "ukrainian": ("uk", "ukr"),
    "vietnamese": ("vi", "vie"),
    "yoruba": ("yo", "yor"),
}
NAMES = {code: name for name, codes in LANGUAGES.items() for code in codes}
CODE = regex.compile("[a-z]{2,3}")
LETTER, LATIN = regex.compile(r"\p{L}"), regex.compile(r"\p{Latin}")


def language_of_hub_id(name: str) -> str:
    """Return the language of a well-known encoder of the hub; "" if it isn't known.

    >>> language_of_hub_id("roberta-base"), language_of_hub_id("google/electra-base-discriminator")
    ('English', 'English')
    >>> language_of_hub_id("FacebookAI/xlm-roberta-base"), language_of_hub_id("somebody/roberta-base")
    ('', '')
    """
    owner, _, repository = name.rpartition("/")
    return ENGLISH if owner in OWNERS and repository in ENGLISH_FAMILIES else ""


def differ(encoder: str, texts: str) -> bool:
    """Return True if an encoder is made for another language than that of the texts; "" is an unknown language.

    >>> differ("English", "am"), differ("English", "en-GB"), differ("English", ""), differ("multilingual", "am")
    (True, False, False, False)
    """
    return "" not in (encoder, texts) and encoder != MULTILINGUAL and _plain(encoder) != _plain(texts)


def _plain(language: str) -> str:
    """Return a language's English name in lower case, without its region: ``zh-TW`` and ``Chinese`` are ``chinese``."""
    lower = language.strip().lower()
    code = regex.split(r"[-_]", lower)[0]
    return NAMES.get(code, lower)


def code_of(language: str) -> str:
    """Return the ISO 639 code of a language, given by its English name or code; "" if the name isn't known.

    >>> code_of("English"), code_of("zh-TW"), code_of("Chinese"), code_of("swa"), code_of("fo"), code_of("Klingon")
    ('en', 'zh', 'zh', 'sw', 'fo', '')
    """
    plain = _plain(language)
    return LANGUAGES[plain][0] if plain in LANGUAGES else plain if CODE.fullmatch(plain) else ""


def mostly_latin(texts: Iterable[str]) -> bool:
    """Return True if most letters of the texts are Latin, or there are no letters.

    >>> mostly_latin(["what a day", "ok"]), mostly_latin(["ደስ ብሎኛል", "OK"]), mostly_latin(["123"])
    (True, False, True)
    """
    counts: Counter[str] = Counter()
    for text in texts:
        counts["letters"] += len(LETTER.findall(text))
        counts["Latin"] += len(LATIN.findall(text))
    return 2 * counts["Latin"] >= counts["letters"]
