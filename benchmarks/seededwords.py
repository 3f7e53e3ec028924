"""Invented words of several languages among real function words, as frequent as words of a text are.

A text of invented words alone is none to a reader that counts function words, and none to one that names the language.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from itertools import accumulate

VOCABULARY = 6000
FUNCTION_SHARE = 0.42
"""So much of a running text are function words in English, German and Russian."""

SYLLABLES = {
    "en": "ba ber con de ding er fer gan hol ing ker lan mer nor ous per re sen ter ture val ward wil tion ment ship",
    "de": "ab be den ein fahr ge heit isch keit lich mann nung orts rung schaft stadt ten ung ver wirt zeit berg bund",
    "fr": "an bre ca deur eau fon gi ier jou lan ment ne ouv par que ré sion tant ture vail vie cour ance ette oire",
    "ru": "ба вер го ден ени жи зор ком лен мо нов ость пред ра ска тел ный ход чал ши ком про сто ция ние ского",
}
FUNCTION_WORDS = {
    "en": "the of and to in a is that for it as was with be by on not he his but at are this have from they which one"
    " had were all their there been has would who more when will no if out so said what up its about into than them",
    "de": "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er"
    " hat dass sie nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor zur",
    "fr": "de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il sont avec son sa"
    " ou mais nous cette aux ont ses été fait comme leur être deux même elle tout ces après sans entre",
    "ru": "и в не на я что он с как это по но они мы из у за от так же для вы до бы его а только о ещё мне было"
    " все при или их уже когда если был после также этого которые более чтобы был со лет может",
}
UNSPACED = "ja"
KANJI = "日本人大年会国事社長政府市民東京新聞道路計画発表議員水道学校山川橋町村議会予算選挙問題調査報告月火木金土"
KANA = "のにはをたがでてとしれさるいもないすことよりらからだまではして"

VOICES = (*SYLLABLES, UNSPACED)


class Voice:
    """The words of one language: `words` and `text` in lower case and without marks, `prose` as sentences."""

    def __init__(self, language: str) -> None:
        self.language = language
        if language == UNSPACED:
            return
        made = random.Random(language)
        syllables = SYLLABLES[language].split()
        self._words = ["".join(made.choices(syllables, k=made.choice((1, 2, 2, 3, 3, 4)))) for _ in range(VOCABULARY)]
        # the n-th word of a language is about 1/n as frequent as the first
        self._weights = list(accumulate(1 / (rank + 8) for rank in range(VOCABULARY)))
        self._function = FUNCTION_WORDS[language].split()
        self._function_weights = list(accumulate(1 / (rank + 2) for rank in range(len(self._function))))

    def words(self, chance: random.Random, count: int) -> list[str]:
        """So many words; of a language without spaces so many short runs of characters."""
        if self.language == UNSPACED:
            return [self._run(chance) for _ in range(count)]
        content = chance.choices(self._words, cum_weights=self._weights, k=count)
        function = iter(chance.choices(self._function, cum_weights=self._function_weights, k=count))
        return [next(function) if chance.random() < FUNCTION_SHARE else word for word in content]

    @staticmethod
    def _run(chance: random.Random) -> str:
        return "".join(chance.choices(KANJI, k=2)) + "".join(chance.choices(KANA, k=chance.randint(1, 3)))

    def text(self, chance: random.Random, count: int) -> str:
        """A phrase of so many words, as in a link or a headline."""
        words = self.words(chance, count)
        return "".join(words) if self.language == UNSPACED else " ".join(words).capitalize()

    def prose(self, chance: random.Random, count: int) -> str:
        """A paragraph of so many words in sentences."""
        return (" " if self.language != UNSPACED else "").join(self._sentences(chance, count))

    def _sentences(self, chance: random.Random, count: int) -> Iterator[str]:
        while count > 0:
            length = min(count, max(4, round(chance.gauss(19, 7))))
            count -= length
            words = self.words(chance, length)
            if self.language == UNSPACED:
                yield "".join(words) + "。"
                continue
            if length > 10:
                words[length // 2] += ","
            yield " ".join(words).capitalize() + "."


@cache
def voice(language: str) -> Voice:
    """The voice of a language of VOICES."""
    return Voice(language)
