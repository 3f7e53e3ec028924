"""Pages that stand where an article should, and articles that look like them: made up, in many languages.

They were written when the rules stood. Three rules were mended after the first run: two words were misspelt, and a
story that quotes a notice or a wall was taken for one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class JudgedPage(NamedTuple):
    """A page, what it is, and its language."""

    kind: str
    language: str
    html: str


MENU = (
    "<nav>"
    + "".join(f'<a href="/{word}">{word.title()}</a>' for word in ("news", "sport", "culture", "money"))
    + "</nav>"
)
FOOT = '<footer><a href="/imprint">Imprint</a> <a href="/privacy">Privacy</a> © The Paper</footer>'


def page(title: str, body: str, head: str = "", *, language: str = "en", bare: bool = False) -> str:
    around = (MENU, FOOT) if not bare else ("", "")
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>{head}</head>'
        f"<body>{around[0]}{body}{around[1]}</body></html>"
    )


def paragraphs(*texts: str) -> str:
    return "".join(f"<p>{text}</p>" for text in texts)


ARTICLE_HEAD = '<meta property="og:type" content="article">'

CHALLENGES = [
    (
        "en",
        "Just a moment...",
        '<div id="cf-wrapper"><form id="challenge-form"></form><p>Checking your browser before you go on.</p></div>',
    ),
    (
        "en",
        "Access denied",
        '<div id="px-captcha"></div><p>Press and hold to confirm that you are a human and not a bot.</p>',
    ),
    (
        "en",
        "paper.example",
        '<script src="https://ct.captcha-delivery.com/c.js"></script><p>Please enable JS and disable any ad blocker</p>',
    ),
    (
        "de",
        "Sicherheitsüberprüfung",
        "<p>Bitte bestätigen Sie, dass Sie kein Roboter sind.</p><div class='h-captcha'></div>",
    ),
    ("fr", "Vérification de sécurité", "<p>Nous devons vérifier que vous n’êtes pas un robot.</p>"),
    ("es", "Un momento", "<p>Verificando su navegador antes de continuar.</p>"),
    ("pt", "Verificação", "<p>Confirme que você não é um robô para continuar.</p><div class='g-recaptcha'></div>"),
    ("ru", "Проверка браузера", "<p>Подтвердите, что вы не робот.</p><div class='smart-captcha smartcaptcha'></div>"),
    ("tr", "Güvenlik kontrolü", "<p>Robot olmadığınızı doğrulayın.</p>"),
    ("ja", "セキュリティチェック", "<p>続行するには、ロボットではありませんにチェックを入れてください。</p>"),
    ("zh", "安全验证", "<p>请完成人机验证后继续访问。</p>"),
]
CONSENTS = [
    (
        "en",
        "Before you continue",
        "<form class='consent-form'><p>We and our partners use cookies to show you personalised content.</p><button>Accept all cookies</button></form>",
    ),
    (
        "de",
        "Ihre Einwilligung",
        "<div id='cmp-wall'><h1>Mit Werbung weiterlesen</h1><p>Besuchen Sie uns wie gewohnt mit Werbung und Tracking.</p><button>Zustimmen und weiter</button></div>",
    ),
    (
        "fr",
        "Votre vie privée",
        "<div id='didomi-host'><p>Nos partenaires et nous utilisons des cookies.</p><button>Accepter et fermer</button></div>",
    ),
    (
        "nl",
        "Toestemming",
        "<div class='gdpr'><p>Wij en onze partners gebruiken cookies.</p><button>Cookies accepteren</button></div>",
    ),
    (
        "it",
        "La tua privacy",
        "<div class='cookie-wall'><p>Per leggere scegli come continuare.</p><button>Accetta e continua</button></div>",
    ),
    (
        "es",
        "Su privacidad",
        "<div class='sp_message'><p>Elija cómo seguir leyendo.</p><button>Aceptar y continuar</button></div>",
    ),
]
LOGINS = [
    (
        "en",
        "Sign in",
        "<h1>Sign in</h1><form action='/login'><input name='mail'><input type='password' name='p'><button>Log in</button></form>",
    ),
    (
        "de",
        "Anmelden",
        "<h1>Anmelden</h1><form><input name='mail'><input type='password'><p>Passwort vergessen?</p></form>",
    ),
    (
        "fr",
        "Connexion",
        "<h1>Connectez-vous</h1><form><input type='email'><input type='password'><p>Mot de passe oublié ?</p></form>",
    ),
    (
        "es",
        "Iniciar sesión",
        "<form><h1>Iniciar sesión</h1><input type='password'><p>¿Olvidó su contraseña?</p></form>",
    ),
    ("ru", "Вход", "<h1>Войти</h1><form><input type='password'><p>Забыли пароль?</p></form>"),
    ("pl", "Zaloguj się", "<h1>Zaloguj się</h1><form><input type='password'><p>Nie pamiętasz hasła?</p></form>"),
]
MISSING = [
    ("en", "Page not found", "<h1>Sorry</h1><p>The page you are looking for is not here.</p>"),
    ("en", "Oops!", "<h1>Oops!</h1><p>We could not find what you were looking for. Try the search.</p>"),
    ("de", "Fehler 404", "<h1>Seite nicht gefunden</h1><p>Die Seite gibt es nicht oder nicht mehr.</p>"),
    ("fr", "Page introuvable", "<h1>Page introuvable</h1><p>Vérifiez l’adresse ou revenez à la une.</p>"),
    ("es", "Error", "<h1>Página no encontrada</h1><p>Lo sentimos.</p>"),
    ("pt", "Erro", "<h1>Página não encontrada</h1><p>Volte para a capa.</p>"),
    ("ru", "Ошибка", "<h1>Страница не найдена</h1><p>Попробуйте начать с главной.</p>"),
    ("uk", "Помилка", "<h1>Сторінку не знайдено</h1>"),
    ("pl", "Błąd", "<h1>Nie znaleziono strony</h1><p>Strona nie istnieje.</p>"),
    ("sv", "Fel", "<h1>Sidan finns inte</h1><p>Gå till startsidan.</p>"),
    ("ja", "エラー", "<h1>ページが見つかりません</h1>"),
    ("ar", "خطأ", "<h1>الصفحة غير موجودة</h1>"),
]
REMOVED = [
    ("en", "Notice", "<h1>Notice</h1><p>This article has been removed at the request of the person concerned.</p>"),
    ("de", "Hinweis", "<h1>Hinweis</h1><p>Dieser Artikel wurde nach einer gerichtlichen Verfügung entfernt.</p>"),
    (
        "fr",
        "À nos lecteurs",
        "<h1>À nos lecteurs</h1><p>Cet article a été retiré à la suite d’une décision de justice.</p>",
    ),
    ("es", "Aviso", "<h1>Aviso</h1><p>Este artículo ha sido eliminado por orden judicial.</p>"),
    ("ru", "Сообщение", "<h1>Сообщение</h1><p>Материал удалён по требованию надзорного ведомства.</p>"),
    ("tr", "Bilgi", "<h1>Bilgi</h1><p>Bu haber mahkeme kararıyla kaldırılmıştır.</p>"),
    ("zh", "提示", "<h1>提示</h1><p>该文章已被删除。</p>"),
]
EMPTY = [
    (
        "en",
        "The Paper",
        "<div id='root'></div><script src='/app.js'></script><noscript>You need to enable JavaScript to run this app.</noscript>",
    ),
    ("de", "Die Zeitung", "<div id='app'></div><script src='/main.js'></script>"),
    ("ru", "Газета", "<div id='__next'></div><script>start()</script>"),
    ("en", "", "<script>location.reload()</script>"),
]
_FIRST = "The council has sold the old market hall to a company nobody had heard of, according to papers that were seen on Friday."
_SECOND = (
    "The price was a third of what two surveyors had named, and no other buyer was asked before the vote was held."
)
PAID = [
    ("en", _FIRST, _SECOND, "Subscribe to continue reading this story."),
    (
        "de",
        "Der Stadtrat hat die alte Markthalle an eine Firma verkauft, von der noch niemand gehört hatte, wie aus Papieren hervorgeht.",
        "Der Preis lag bei einem Drittel dessen, was zwei Gutachter genannt hatten, und andere Käufer wurden nicht gefragt.",
        "Dieser Artikel ist nur für Abonnenten.",
    ),
    (
        "fr",
        "La mairie a vendu la vieille halle à une société dont personne n’avait entendu parler, selon des documents consultés vendredi.",
        "Le prix était le tiers de ce que deux experts avaient annoncé, et aucun autre acheteur n’a été sollicité avant le vote.",
        "Article réservé aux abonnés.",
    ),
    (
        "es",
        "El ayuntamiento vendió el viejo mercado a una empresa de la que nadie había oído hablar, según documentos vistos el viernes.",
        "El precio era un tercio de lo que dos peritos habían calculado, y no se preguntó a ningún otro comprador antes del voto.",
        "Contenido exclusivo para suscriptores.",
    ),
    (
        "pl",
        "Rada sprzedała starą halę targową firmie, o której nikt nie słyszał, jak wynika z dokumentów, które widziano w piątek.",
        "Cena była trzecią częścią tego, co podało dwóch rzeczoznawców, a przed głosowaniem nie pytano innych kupców.",
        "Tekst dostępny tylko dla prenumeratorów.",
    ),
]


def stubs() -> Iterator[JudgedPage]:
    """Pages that are no whole articles."""
    for language, title, body in CHALLENGES:
        yield JudgedPage("challenge", language, page(title, body, language=language, bare=True))
    for language, title, body in CONSENTS:
        yield JudgedPage("consent", language, page(title, body, language=language, bare=True))
    for language, title, body in LOGINS:
        yield JudgedPage("login", language, page(title, body, language=language))
    for language, title, body in MISSING:
        yield JudgedPage("soft404", language, page(title, body, language=language))
    for language, title, body in REMOVED:
        yield JudgedPage("removed-notice", language, page(title, body, ARTICLE_HEAD, language=language))
    for language, title, body in EMPTY:
        yield JudgedPage("empty", language, page(title, body, language=language, bare=True))
    for language, first, second, wall in PAID:
        body = f"<article><h1>{first[:50]}</h1>{paragraphs(first, second)}<div class='paywall'>{wall}</div></article>"
        yield JudgedPage("paywalled", language, page(first[:50], body, ARTICLE_HEAD, language=language))
    tier = '<script type="application/ld+json">{"@type":"NewsArticle","headline":"Hall sold","isAccessibleForFree":"False"}</script>'
    yield JudgedPage(
        "paywalled",
        "en",
        page("Hall sold", f"<article><h1>Hall sold</h1>{paragraphs(_FIRST, _SECOND)}</article>", tier),
    )
    links = "".join(
        f'<li><a href="/2026/03/{n}/story">The council talks about matter number {n} at length</a></li>'
        for n in range(1, 30)
    )
    for language, title in (("en", "Politics"), ("de", "Politik"), ("ru", "Политика")):
        yield JudgedPage("section", language, page(title, f"<h1>{title}</h1><ul>{links}</ul>", language=language))
    posts = "".join(
        f"<div><time>1{n}:00</time><p>At {n} o'clock the counting goes on in hall number {n}, and all wait for the first result of the day.</p></div>"
        for n in range(8)
    )
    live = '<script type="application/ld+json">{"@type":"LiveBlogPosting","headline":"Count, live","coverageStartTime":"2026-03-02T08:00:00Z"}</script>'
    yield JudgedPage("liveblog", "en", page("Count, live", f"<article><h1>Count, live</h1>{posts}</article>", live))
    yield JudgedPage("other", "en", page("Contact", "<h1>Contact</h1><p>Write to us.</p>"))
    yield JudgedPage("other", "de", page("Impressum", "<h1>Impressum</h1><p>Hafenstraße 3</p>", language="de"))


_TRICKY = [
    (
        "en",
        "How captchas came to rule the web",
        "Are you a human? The question stands before half of the web now, and the answer is worth money.",
    ),
    (
        "en",
        "Page not found: the story of error 404",
        "Page not found, said the machine in 1992, and it has not stopped saying so since that day.",
    ),
    (
        "en",
        "Court: this article has been removed for good",
        "A court in the capital decided on Monday what a newspaper may take down, and who may ask for it.",
    ),
    (
        "de",
        "Cookies: Was die Zustimmung wert ist",
        "Wer im Netz liest, stimmt zu, und weiß selten, wem er da was erlaubt hat, sagt die Behörde.",
    ),
    (
        "fr",
        "Mot de passe oublié : la faille",
        "Des milliers de comptes ont été ouverts par une page de connexion qui ne vérifiait rien du tout.",
    ),
    (
        "es",
        "El robot que no era un robot",
        "No soy un robot, dijo la máquina, y el examen la dejó pasar sin hacer más preguntas que una.",
    ),
    (
        "ru",
        "Доступ ограничен: как закрывают сайты",
        "Материал удалён, сообщает страница, и никто не может сказать, кто именно это решил и когда.",
    ),
    (
        "ja",
        "「ページが見つかりません」の歴史",
        "この言葉が初めて画面に出たのは三十年以上も前のことで、作った人はもう覚えていないという。",
    ),
    (
        "en",
        "Why we ask you to subscribe",
        "Subscribe to continue reading: newspapers everywhere put this line under their second paragraph.",
    ),
    (
        "tr",
        "Haber neden kaldırıldı",
        "Mahkeme kararıyla kaldırılan haberlerin sayısı bir yılda iki katına çıktı, dedi araştırmacılar.",
    ),
]
_MORE = {
    "en": "People who work with it every day say that it has changed how they see their own trade, and not for the better.",
    "de": "Wer jeden Tag damit arbeitet, sagt, dass es den Blick auf den eigenen Beruf verändert hat, und nicht zum Guten.",
    "fr": "Ceux qui travaillent avec chaque jour disent que cela a changé leur regard sur leur propre métier, et pas en bien.",
    "es": "Quienes trabajan con ello cada día dicen que ha cambiado la manera de ver su propio oficio, y no para bien.",
    "ru": "Те, кто работает с этим каждый день, говорят, что это изменило их взгляд на собственное ремесло, и не к лучшему.",
    "ja": "毎日これを使って働く人たちは、自分の仕事の見方が変わってしまったと話し、それは良い方向にではなかったという。",
    "tr": "Her gün bununla çalışanlar, kendi mesleklerine bakışlarının değiştiğini, üstelik iyi yönde olmadığını söylüyor.",
}


def articles() -> Iterator[JudgedPage]:
    """Articles about what the other pages are."""
    for language, title, first in _TRICKY:
        body = f"<article><h1>{title}</h1>{paragraphs(first, *[f'{_MORE[language]} ({n})' for n in range(1, 9)])}</article>"
        yield JudgedPage("article", language, page(title, body, language=language))
        short = f"<article><h1>{title}</h1>{paragraphs(first, _MORE[language])}</article>"
        yield JudgedPage("article", language, page(title, short, ARTICLE_HEAD, language=language))
