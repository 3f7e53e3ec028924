"""Sentences of the page that are none of the article: known by how they begin, in the languages of news.

Each pattern meets short blocks only. They name functions (read on, subscribe, share), never a newsroom.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MAX_CUE_CHARS = 200
"""Longer blocks are prose that mentions a newsletter, not a line that sells one."""

MAX_BYLINE_CHARS = 120
MAX_NOTE_CHARS = 400

READ_ON = (
    # English
    r"(?:also|must|please) read|read (?:also|more|next|the full|our full)|see also",
    r"you (?:may|might) also like",
    r"more (?:on|from|about) this|more (?:from|on)\b.{0,40}$|related(?: \w+)?\s*(?:[:：]|$)",
    r"recommended(?: \w+)?\s*(?:[:：]|$)",
    r"(?:watch|listen)(?: now| more| live| also)?\s*:|most (?:read|popular)\b.{0,40}$",
    # German, Dutch, Scandinavian, Finnish, Icelandic
    r"lesen sie (?:auch|hier|dazu|mehr|hierzu)|lies auch|lest (?:auch|hier)|mehr zum thema",
    r"zum thema\s*:|siehe auch\s*:",
    r"auch interessant|das könnte (?:sie|dich|ihnen)|lees (?:ook|meer|verder)|bekijk ook",
    r"les (?:også|mer)\b|læs (?:også|mere)|läs (?:också|mer|även)|se også|katso myös",
    r"lue (?:myös|lisää)|lesið meira",
    # French, Spanish, Portuguese, Italian, Romanian
    r"(?:à )?lire (?:aussi|également|la suite|encore)|sur le même sujet|voir aussi",
    r"le[ae] (?:también|más)|leer (?:también|más)",
    r"te puede interesar|ver también|noticias? relacionadas?|leia (?:também|mais|ainda)|veja (?:também|mais)",
    r"leggi (?:anche|pure)|cite(?:ș|ş)te (?:și|şi)",
    # Slavic, Hungarian, Greek, Turkish
    r"czytaj (?:też|także|również|więcej)|zobacz (?:też|także|również)",
    r"(?:pře)?čtěte (?:také|též|i)|čítajte (?:aj|tiež)",
    r"mohlo by vás|olvass(?:a|on)? (?:el|még|tovább)|читайте (?:также|ещ[её]|по теме)",
    r"смотрите также|прочетете (?:още|също)",
    r"чита(?:йте|ти) також|дивіться також|διαβάστε (?:επίσης|ακόμη|ακόμα)|ayrıca (?:oku|bak)",
    r"bunu da oku|ilgili haber",
    # Asia, Arabic, Hebrew
    r"baca (?:juga|selengkapnya)|lihat juga|xem thêm|[اإ]قرأ أيضا|קראו גם|यह भी पढ़ें|ये भी पढ़ें",
    r"関連記事|あわせて読みたい|相关阅读|(?:延伸|推荐|推薦|扩展)(?:阅读|閱讀)|相關新聞|관련기사",
)
SUBSCRIBE = (
    r"(?:sign up|subscribe|register|join)\b.{0,80}\b(?:newsletters?|inbox|alerts?|mailing list|briefing|podcast)\b",
    r"(?:sign up|subscribe|register|join)\b.{0,80}\be-?mails?\b",
    r"(?:sign up|subscribe|join|follow)\b.{0,80}\b(?:whatsapp|telegram|youtube)\b",
    r"\bnewsletters?\b.{0,80}\b(?:sign up|subscribe|abonnieren|anmelden|bestellen|inscri|suscri|iscri|abonn)",
    r"\b(?:newsletters?|nyhetsbrev)\b.{0,80}\b(?:prenumer|tilmeld|meld deg)",
    r"(?:abonnieren|folgen) sie (?:uns|unser)|abonnez-vous|inscrivez-vous|suscr[ií]b[ae](?:te|se)|iscriviti",
    r"assine (?:a|nossa|o)\b|subscreva|подпи(?:шитесь|сывайтесь|ска на)|підпи(?:шіться|суйтесь)",
    r"get the (?:latest|day's)\b.{0,60}\b(?:inbox|newsletter|e-?mail)",
)
RIGHTS = (
    r"^\W{0,3}(?:©|\(c\)\s|copyright\b)|all rights reserved|alle rechte vorbehalten|tous droits réservés",
    r"todos los derechos|todos os direitos|tutti i diritti|все права защищены|無断転載|무단\s?전재",
)
SHARE = (
    r"follow (?:us|me|him|her)\b.{0,60}\b(?:on|at)\b|follow\b.{0,60}\b(?:twitter|facebook|instagram|x\.com)",
    r"(?:like|share) (?:this|it|the)\b.{0,40}(?:story|article|post|friend)|like us on",
    r"share (?:on|via)|find us on",
    r"click here to (?:get|subscribe|sign|join|download|follow)|(?:download|get) (?:the|our)\b.{0,40}\bapp\b",
    r".{0,40}\bby clicking here\W*$|(?:link kopiert|link copied|lien copié|enlace copiado)\W*$",
    r"(?:facebook|twitter|x|linked-?in|whatsapp|telegram|reddit|pinterest|flipboard|e-?mail|print|copy link)\W*$",
)
ADVERT = (
    r"(?:advert(?:isement|ising)?|anzeige|werbung|publicité|passer la publicité|publicidade?|pubblicità|reklama?)\W*$",
    r"(?:annons|annonse|mainos|реклама|ad|sponsored(?: content)?|article content|iklan|広告|광고)\W*$",
    r"story continues below(?: advertisement)?\W*$|continue reading\W*$|loading\W*$",
    r"scroll to continue.{0,20}$",
)

_STEMS = (
    *("newsletter", "sign up", "subscribe", "register", "join", "follow", "get the", "abonn", "folgen sie", "inscri"),
    *("suscr", "iscriv", "assine", "subscrev", "подпи", "підпи", "nyhetsbrev", "©", "(c)", "copyright", "rights"),
    *("rechte", "droits", "derechos", "direitos", "diritti", "права", "無断", "무단"),
)
"""What a block must contain to be shown to the patterns that may stand anywhere: these cost 20 µs a block."""

_SEARCHED = re.compile("|".join(SUBSCRIBE + RIGHTS), re.IGNORECASE)
_OPENING = re.compile(rf"\W*(?:{'|'.join(READ_ON + SHARE + ADVERT)})", re.IGNORECASE)
_CONTACT = re.compile(r"https?://\S+|www\.\S+|(?:twitter|x|facebook|instagram)\.com/\S+|\S+@\S+\.\S+|(?:^|\s)@\w+")
_TRADE = re.compile(
    r"\b(?:reporter|writer|editor|correspondent|journalist\w*|columnist|contributor|freelance\w*|author|professor|fellow"
    r"|redakteur\w*|korrespondent\w*|autor\w*|schreibt|berichtet|volontär\w*|rédact\w*|periodista|redactor\w*"
    r"|giornalista|repórter|redaktör|redaktor\w*|корреспондент|журналист\w*)\b",
    re.IGNORECASE,
)
_NEWSLETTER = re.compile(
    r"newsletter|infolettre|nieuwsbrief|nyhetsbrev|boletín|рассылк|розсилк|ニュースレター", re.IGNORECASE
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_BYLINE_WORDS = re.compile(
    r"\b(?:by|von|par|por|di|door|av|af|text|autor|author|words|written|story|and|und|et|y|e|og|och|staff|reporters?"
    r"|stand|uhr|published|updated?|posted|aktualisiert|veröffentlicht|publié|mis à jour"
    r"|actualizado|publicado|at|on|um|am"
    r"|[ap]\.?m\.?|gmt|utc|[a-z]?[ecmpbj]s?[td]t?|jan\w*|feb\w*|m[aä]r\w*|apr\w*|ma[iy]\w*|jun\w*"
    r"|jul\w*|aug\w*|sep\w*"
    r"|o[ck]t\w*|nov\w*|de[cz]\w*|mon\w*day|\w{2,6}sday|\w{3,5}day|\w{4,7}tag)\b",
    re.IGNORECASE,
)


def is_author_note(text: str, authors: Iterable[str]) -> bool:
    """Whether a block is the lines about an author that stand under an article."""
    return len(text) < MAX_NOTE_CHARS and bool(
        any(text.startswith(author) for author in authors if len(author) > 4)
        and (_CONTACT.search(text) or _TRADE.search(text))
    )


def is_closing_call(text: str) -> bool:
    """Whether a block at an article's end sells a newsletter, in whatever words."""
    return len(text) < MAX_NOTE_CHARS and _NEWSLETTER.search(text) is not None


def is_cue(text: str) -> bool:
    """Whether a block of this text only points elsewhere, sells, or states rights."""
    if len(text) >= MAX_CUE_CHARS:
        return False
    if _OPENING.match(text):
        return True
    lower = text.lower()
    return any(stem in lower for stem in _STEMS) and _SEARCHED.search(text) is not None


def is_byline(text: str, authors: Iterable[str]) -> bool:
    """Whether a block says only who wrote the article or when: known authors, dates, the words between."""
    if len(text) > MAX_BYLINE_CHARS:
        return False
    rest = _CONTACT.sub(" ", text.casefold())
    said = len(rest) < len(text) / 2
    for author in authors:
        if len(author) > 2 and author.casefold() in rest:
            rest, said = rest.replace(author.casefold(), " "), True
    if not said and not _YEAR.search(rest):
        return False
    return sum(character.isalpha() for character in _BYLINE_WORDS.sub(" ", rest)) <= 8
