"""What the demo's visitors do, see and are called: the words that its events are made of."""

from typing import Final

# Texts in many scripts, since an event's bytes must come through as they were sent: text from right
# to left, combining marks, emoji made of several code points.
TITLES: Final = (
    "Füllfederhalter „Möwe“, nachfüllbar",
    "Crème brûlée pour deux",
    "東京の路線図 2026年版",
    "कॉफ़ी मग, नीला",
    "خريطة القاهرة القديمة",
    "Чайник «Самовар» 1,7 л",
    "คู่มือท่องเที่ยวเชียงใหม่",
    "ελληνικός καφές",
    "한국어 사전 (개정판)",
    "מדריך טיולים לגליל",
    "Zażółć gęślą jaźń — kurs kaligrafii",
    "👩‍👩‍👧 family ticket, 2 days",
    '🧵 Nähset "Omas Liebling"',
    "Walking boots, waxed, size 43",
    "Linen shirt \\ relaxed fit",
    "Notebook A5 dotted, 192 pages",
    "Enamel mug 🏕️ 35 cl",
    "Bicycle lamp, front/rear set",
)

BRANDS: Final = ("Möwe & Söhne", "Ōkami", "Northbound", "Ardèche", "Ærlig", "Łódź Works", "Plain")

CATEGORIES: Final = ("stationery", "kitchen", "maps & guides", "outdoor", "clothing", "bicycles")

CITIES: Final = (
    ("de-DE", "Europe/Berlin", "Köln"),
    ("fr-FR", "Europe/Paris", "Besançon"),
    ("ja-JP", "Asia/Tokyo", "横浜"),
    ("hi-IN", "Asia/Kolkata", "पुणे"),
    ("ar-EG", "Africa/Cairo", "القاهرة"),
    ("pt-BR", "America/Sao_Paulo", "São Paulo"),
    ("en-US", "America/Chicago", "Saint Paul"),
    ("en-GB", "Europe/London", "Leeds"),
)

NAMES: Final = (
    "Zoë Müller",
    "Renée Dubois",
    "佐藤 陽菜",
    "अनन्या शर्मा",
    "ليلى حسن",
    "João Araújo",
    "Siân O'Connor",
    "Ngozi Okafor",
)

_MOZILLA: Final = "Mozilla/5.0"
_WEBKIT: Final = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0"
USER_AGENTS: Final = (
    f"{_MOZILLA} (Macintosh; Intel Mac OS X 10_15_7) {_WEBKIT} Safari/537.36",
    f"{_MOZILLA} (Windows NT 10.0; Win64; x64) {_WEBKIT} Safari/537.36",
    f"{_MOZILLA} (Linux; Android 16; Pixel 9) {_WEBKIT} Mobile Safari/537.36",
    f"{_MOZILLA} (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
)

DEVICES: Final = (("Apple", "iPhone17,2", "iOS", "26.1"), ("Google", "Pixel 9", "Android", "16"))

PATHS: Final = ("/", "/search", "/basket", "/checkout/address", "/p/{n}", "/c/{n}/new-arrivals")

CAMPAIGNS: Final = ("autumn-letter", "black-week", "welcome-back", "partner-möbelhaus")

TRACKED: Final = (
    "Product Viewed",
    "Product Viewed",
    "Product Viewed",
    "Product Added",
    "Checkout Started",
    "Order Completed",
    "Search Performed",
    "動画を再生",
)
