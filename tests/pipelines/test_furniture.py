"""What the names of a part say it is for: each of the words that say so, alone and among others."""

from __future__ import annotations

import pytest

from pipelines.furniture import is_widget_name

WIDGETS = (
    *(
        "newsletter",
        "NewsletterBox",
        "donate",
        "donation-form",
        "contribute",
        "contribution",
        "support-us",
        "supportus",
    ),
    *(
        "crowdfunding",
        "cookie-bar",
        "gdpr",
        "consent",
        "consent-layer",
        "subscribe",
        "subscription",
        "sign-up",
        "signup",
    ),
    *("signin", "log-in", "login", "register", "paywall-prompt", "piano-offer", "subscriber-teaser", "paywallcta"),
    *("pay-button", "paybuttons", "payment", "payments", "membership", "paypal", "share-bar", "sharing-tools"),
    *("social-media", "sharebuttons", "social_x social-icons", "advert", "Advertisement", "ad-slot", "ad-wrapper"),
    *("outbrain", "taboola-feed", "sponsored", "push-notification", "pushnotification", "web-push", "webpush"),
    *("app-banner", "appbanner", "toast", "snackbar"),
)
OTHERS = ("article", "lead", "payload", "signal", "logbook", "shareholders", "adventure", "headline push", "")


@pytest.mark.parametrize("name", WIDGETS)
def test_a_name_says_what_a_part_is_for_in_any_case_and_among_others(name: str) -> None:
    assert all(is_widget_name(names) for names in (name, name.upper(), f"wide {name}", f"{name} wide", f"x_{name}"))


@pytest.mark.parametrize("name", OTHERS)
def test_other_words_say_nothing(name: str) -> None:
    assert not is_widget_name(name)
