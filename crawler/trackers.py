"""Hosts whose files a page does not need to look right: counters, advertising, what follows readers around."""

from __future__ import annotations

from urllib.parse import urlsplit

from crawler.shape import word_set

HOSTS = word_set("""
    2mdn.net 33across.com 3lift.com adform.net adfox.ru adlightning.com admixer.net adnxs.com adroll.com
    ads-twitter.com adsafeprotected.com adsrvr.org advertising.com amazon-adsystem.com
    amplitude.com analytics.google.com analytics.tiktok.com app-measurement.com bat.bing.com bidswitch.net bluekai.com
    bluecava.com bounceexchange.com branch.io casalemedia.com chartbeat.com chartbeat.net
    clarity.ms connect.facebook.net contentsquare.net counter.yadro.ru cpx.to crazyegg.com criteo.com criteo.net
    cxense.com demdex.net disqusads.com dotmetrics.net doubleclick.net doubleverify.com effectivemeasure.net
    everesttech.net exelator.com fundingchoicesmessages.google.com fullstory.com gemius.pl google-analytics.com
    googleadservices.com googlesyndication.com googletagmanager.com googletagservices.com gumgum.com heapanalytics.com
    hotjar.com hotjar.io imrworldwide.com indexww.com infonline.de ioam.de ivwbox.de id5-sync.com kameleoon.com
    keywee.co krxd.net liadm.com lijit.com liveinternet.ru lotame.com marfeel.com marketo.net
    matheranalytics.com mathtag.com mc.yandex.com mc.yandex.ru media.net mediavine.com mgid.com
    mixpanel.com moatads.com mookie1.com mouseflow.com nativo.com nativo.net newrelic.com nr-data.net omtrdc.net
    onesignal.com onetrust.io optimizely.com outbrain.com outbrainimg.com parsely.com permutive.app permutive.com
    piano-analytics.com pingdom.net pixel.facebook.com pubmatic.com pushwoosh.com quantcast.com quantcount.com
    quantserve.com revcontent.com rlcdn.com rubiconproject.com rutarget.ru scorecardresearch.com segment.com segment.io
    sharethrough.com sitescout.com smartadserver.com smi2.ru snowplowanalytics.com sovrn.com
    static.criteo.net stats.wp.com pixel.wp.com statcounter.com taboola.com tapad.com teads.tv tns-counter.ru
    top-fwz1.mail.ru top100.rambler.ru counter.rambler.ru trustarc.com turn.com tynt.com usabilla.com
    vihub.ru webtrekk.net weborama.fr wt-safetag.com xiti.com yieldmo.com yieldlove.com zergnet.com zemanta.com
    pagead2.googlesyndication.com an.yandex.ru yandexadexchange.net plausible.io matomo.cloud cloudflareinsights.com
    relap.io recreativ.ru lentainform.com sparrow.ru mindbox.ru gnezdo.ru
""")


def tracker(url: str) -> str | None:
    """The entry of the list that a URL's host belongs to, or None."""
    host = (urlsplit(url).hostname or "").removesuffix(".")
    while "." in host:
        if host in HOSTS:
            return host
        host = host.partition(".")[2]
    return None
