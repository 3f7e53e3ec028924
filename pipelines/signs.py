"""Signs of pages that stand where an article should: what they say, in the languages of news, and how they are made.

Each pattern names a function (a check for robots, a wall, a notice), never a newsroom. They are only asked of pages
with little text: an article about robots or removed pages has more, or says that it is an article.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lxml.etree import strip_elements
from lxml.html import HtmlElement

from pipelines.wording import text_of

MAX_SHOWN_CHARS = 3000

CHALLENGE = re.compile(
    r"just a moment|attention required|access (?:to this page has been )?denied|pardon our interruption"
    r"|verify(?:ing)? (?:that )?you(?:'re|’re| are) (?:a |not a )?(?:human|robot|bot)|security check|ddos protection"
    r"|checking (?:your browser|if the site connection is secure)|are you (?:a )?(?:human|robot)|i'?m not a robot"
    r"|enable javascript and cookies to continue|request unsuccessful|unusual (?:traffic|activity)|captcha"
    r"|bot (?:verification|detection)|please wait\W*$|one more step|prove (?:that )?you(?:'re| are) human"
    r"|проверка браузера|подтвердите, что вы не робот|вы не робот|доступ (?:ограничен|запрещ[её]н)|перевірка браузера"
    r"|sicherheitsüberprüfung|(?:dass|ob) sie kein(?:e)? (?:roboter|maschine)|zugriff verweigert"
    r"|ihr browser wird geprüft"
    r"|vérification de (?:votre navigateur|sécurité)|vous n['’]êtes pas un robot|accès refusé|un instant\W*$"
    r"|no (?:soy|eres) un robot|verificando (?:su|tu|que)|acceso denegado|un momento\W*$"
    r"|não (?:sou|é) um rob[oô]|verificando (?:seu|se)|acesso negado|non sono un robot|verifica di sicurezza"
    r"|nie jestem robotem|weryfikacja|güvenlik (?:kontrolü|doğrulaması)|robot olmadığınızı"
    r"|セキュリティ(?:チェック|確認)|ロボットではありません|安全验证|人机验证|正在检查|請稍候|보안 확인|로봇이 아닙니다"
    r"|التحقق من (?:أنك|متصفحك)|لست روبوت",
    re.IGNORECASE,
)
CONSENT = re.compile(
    r"before you continue|we (?:value|care about|respect) your privacy|your privacy (?:choices|matters|settings)"
    r"|(?:accept|allow|agree to) (?:all |the use of )?cookies|cookie (?:consent|settings|preferences|notice)"
    r"|privacy (?:settings|consent)|consent to"
    r"|ihre (?:zustimmung|einwilligung|privatsphäre)|zustimmen und weiter|mit werbung|cookies? (?:zu|akzeptieren)"
    r"|datenschutz|votre (?:vie privée|consentement)|accepter (?:et continuer|les cookies|et fermer)|tout accepter"
    r"|su privacidad|aceptar (?:todo|las cookies|y continuar)|a sua privacidade|aceitar (?:todos|os cookies)"
    r"|la (?:tua|vostra) privacy|accetta (?:tutti|e continua|i cookie)|uw privacy|cookies (?:accepteren|toestaan)"
    r"|toestemming|samtycke|godkänn|samtykke|hyväksy (?:kaikki|evästeet)|zgod[aęy]|akceptuj|ciasteczk|souhlas"
    r"|çerez|файлы cookie|согласи|クッキー|同意|쿠키|ملفات تعريف الارتباط",
    re.IGNORECASE,
)
LOGIN = re.compile(
    r"\b(?:log|sign) ?in\b|log into|password|anmelden|einloggen|passwort|connexion|connectez-vous|se connecter"
    r"|mot de passe|iniciar sesión|contraseña|iniciar sessão|entrar|senha|accedi|inloggen|wachtwoord|logga in|logg inn"
    r"|zaloguj|hasło|přihlá|войти|вход|пароль|увійти|giriş yap|şifre|ログイン|登录|登入|로그인|تسجيل الدخول",
    re.IGNORECASE,
)
NOT_FOUND = re.compile(
    r"\b404\b|\b410\b"
    r"|(?:page|article|content|story|document)s? (?:you (?:requested|are looking for) )?"
    r"(?:was |is |could |can)?\s?(?:not|n't|n’t)? ?(?:be )?(?:found|exist|available)"
    r"|not found|page (?:doesn'?t|doesn’t|does not|no longer) exists?|(?:has|have) moved or"
    r"|(?:can't|can’t|cannot|couldn't|couldn’t|could not) find (?:that|the|this|what)"
    r"|nothing (?:was |to be )?found|oops"
    r"|no longer (?:available|exists)|page unavailable"
    r"|seite (?:wurde |konnte )?(?:leider )?nicht (?:gefunden|existiert)"
    r"|nicht (?:mehr )?(?:gefunden|verfügbar|vorhanden)"
    r"|page (?:non trouvée|introuvable|n['’]existe (?:pas|plus))|introuvable|n['’]existe plus"
    r"|página no (?:encontrada|existe|disponible)|no encontrad[ao]|no (?:se ha )?podido encontrar"
    r"|página não (?:encontrada|existe)|não encontrad[ao]|pagina non (?:trovata|esiste)|non trovat[ao]"
    r"|pagina (?:is )?niet (?:gevonden|beschikbaar)|nie (?:została )?znaleziono|strona nie (?:została|istnieje)"
    r"|nie istnieje|stránka (?:nebyla nalezena|neexistuje|sa nenašla)|a oldal nem található|pagina nu (?:a fost|există)"
    r"|siden (?:finnes|findes|blev) ikke|(?:sidan|sidor?) (?:finns|hittades) inte|finns inte|sivua ei löyty"
    r"|(?:страница|статья|материал) не (?:найден|существует)|ничего не найдено|не знайдено|не існує"
    r"|sayfa(?:yı)? bulunamadı|bulunamadı|δεν βρέθηκε|לא נמצא|غير موجودة|لم يتم العثور|یافت نشد|पृष्ठ नहीं मिला"
    r"|ページが見つかりません|見つかりません|页面不存在|找不到|찾을 수 없습니다|không tìm thấy|tidak ditemukan",
    re.IGNORECASE,
)
REMOVED = re.compile(
    r"(?:this|the) (?:article|story|page|content|material|item|report|post) (?:has been|was|have been) (?:\w+ )?"
    r"(?:removed|deleted|taken down|withdrawn|retracted|unpublished|blocked)"
    r"|has been removed from (?:this|our) (?:site|web)"
    r"|(?:removed|blocked|unavailable) (?:at the request|by (?:a )?(?:court|decision)"
    r"|(?:following|due to) (?:a )?(?:court|legal))"
    r"|(?:artikel|beitrag|seite) (?:wurde|ist) (?:\w+ ){0,6}(?:entfernt|gelöscht|zurückgezogen|depubliziert)"
    r"|(?:article|contenu|page) a été (?:supprimé|retiré|dépublié)"
    r"|(?:artículo|contenido|nota|página) (?:ha sido|fue) (?:eliminad|retirad|borrad)"
    r"|(?:artigo|conteúdo|matéria|página) foi (?:removid|retirad|excluíd)"
    r"|(?:articolo|contenuto|pagina) (?:è stat[oa] )(?:rimoss|eliminat|cancellat)"
    r"|(?:artikel|pagina) (?:is|werd) (?:\w+ )?(?:verwijderd|ingetrokken)|artikeln har (?:tagits bort|avpublicerats)"
    r"|(?:artykuł|materiał) został (?:usunięty|wycofany)|článek byl (?:odstraněn|smazán|stažen)"
    r"|(?:материал|статья|публикация|страница|новость) (?:был[аои]? )?(?:удал[её]н|снят|заблокирован)"
    r"|доступ к (?:материалу|странице|информации).{0,40}(?:ограничен|закрыт)|(?:матеріал|статт[юя]|публікаці[яю])"
    r" (?:було |був |була )?(?:видален|знят)|(?:haber|içerik|yazı) (?:\w+ ){0,3}(?:kaldırıl|silin|erişime engel)"
    r"|(?:記事|ページ)は(?:削除|非公開)|(?:文章|内容|页面|該文|此文)(?:已|已经|已經)?被?(?:删除|刪除|移除)"
    r"|기사(?:가|는) 삭제"
    r"|تم (?:حذف|إزالة) (?:هذا|هذه|المقال|المحتوى|الصفحة)|(?:مطلب|خبر|صفحه).{0,20}حذف شد",
    re.IGNORECASE,
)
PAYWALL = re.compile(
    r"(?:subscribe|register|sign in|log in) (?:now )?to (?:continue|keep|read|unlock|access)|subscribers? only"
    r"|(?:exclusive|only|available) (?:to|for) (?:our )?(?:subscribers|members)|already a subscriber"
    r"|(?:continue|keep) reading (?:with|for)|this (?:article|story|content) is (?:only )?(?:for|available to) "
    r"|nur für abonnent|weiterlesen mit|jetzt (?:weiterlesen|abonnieren|freischalten)"
    r"|mit (?:einem )?abo (?:weiter)?lesen"
    r"|(?:dieser|den) (?:artikel|beitrag|text) (?:ist|exklusiv|vollständig|weiter)|bereits abonnent"
    r"|réservée? aux? abonné|pour lire la suite|il (?:vous )?reste .{0,20} à lire|déjà abonné"
    r"|(?:sólo|solo|exclusivo) para su(?:bs|s)criptores|su(?:bs|s)cr[ií]bete para (?:leer|seguir)"
    r"|ya (?:eres|soy) suscriptor"
    r"|(?:exclusivo|conteúdo|só) para assinantes|assine para (?:ler|continuar)|riservato agli abbonati|abbonati per"
    r"|alleen voor abonnees|lees verder met|för (?:dig som är )?prenumerant|lås upp|for abonnenter|vain tilaajille"
    r"|(?:tylko )?dla (?:prenumeratorów|subskrybentów)|dostęp (?:premium|dla)|czytaj dalej z|pro předplatitele"
    r"|(?:только )?для подписчиков|оформите подписку|для передплатників|(?:sadece )?aboneler(?:e|imize)? özel"
    r"|有料会員|会員限定|この記事は有料|订阅(?:后|用户)|付费阅读|구독자 전용|للمشتركين فقط",
    re.IGNORECASE,
)
NEEDS_SCRIPT = re.compile(
    r"(?:enable|activate|turn on|requires?|need) (?:to )?(?:enable )?javascript"
    r"|javascript (?:is )?(?:required|disabled|must)"
    r"|javascript (?:aktivieren|erforderlich)|activer javascript|habilit\w+ (?:el )?javascript|включите javascript"
    r"|javascriptを有効|启用javascript|loading|lädt|chargement|cargando|загрузка",
    re.IGNORECASE,
)
# Words that are looked for as they are: in all scripts of a page that is far faster than one expression of them all.
_CHALLENGE_MARKUP = (
    *("challenge-platform", "challenge-form", "challenge-running", "challenge-stage", "cf-chl", "cf_chl", "incapsula"),
    *("datadome", "captcha-delivery", "px-captcha", "perimeterx", "g-recaptcha", "hcaptcha", "h-captcha"),
    *("cf-turnstile", "awswaf", "aws-waf", "ddos-guard", "qrator", "sucuri_cloudproxy", "kpsdk", "smartcaptcha"),
)
_CONSENT_MARKUP = ("consent", "cookie", "cmp", "gdpr", "privacy", "sp_message", "onetrust", "didomi", "usercentrics")
_HIDDEN = ("script", "style", "noscript", "template", "svg", "head")


@dataclass(frozen=True, slots=True)
class Signs:
    """What a page with little text shows to a reader, and what it is made of."""

    shown: str
    no_script: str
    scripts: int
    challenge: bool
    consent: bool
    password: bool


def signs_of(tree: HtmlElement) -> Signs:
    """The signs of a page that was just parsed. Takes the tree apart."""
    names = [
        " ".join(filter(None, (element.get("id"), element.get("class"), element.get("src"), element.get("action"))))
        for element in tree.iter("div", "form", "script", "iframe", "section", "button", "dialog")
    ]
    text = "\n".join(names)
    inline = "\n".join((script.text or "")[:2000] for script in tree.iter("script"))
    scripts = sum("json" not in (script.get("type") or "") for script in tree.iter("script"))
    password = any((one.get("type") or "").lower() == "password" for one in tree.iter("input"))
    no_script = " ".join(" ".join(text_of(one) for one in tree.iter("noscript")).split())
    strip_elements(tree, *_HIDDEN, with_tail=False)
    return Signs(
        shown=" ".join(" ".join(str(part) for part in tree.itertext()).split())[:MAX_SHOWN_CHARS],
        no_script=no_script[:MAX_SHOWN_CHARS],
        scripts=scripts,
        challenge=_has_one(text, _CHALLENGE_MARKUP) or _has_one(inline, _CHALLENGE_MARKUP),
        consent=_has_one(text, _CONSENT_MARKUP),
        password=password,
    )


def _has_one(text: str, words: tuple[str, ...]) -> bool:
    """Whether one of the words stands somewhere in the text, in upper or lower case."""
    lowered = text.lower()
    return any(word in lowered for word in words)
