"""Messages to the person between two pages, in a cookie that is as guarded as the session's."""

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage


class MessageStorage(CookieStorage):
    cookie_name = settings.MESSAGE_COOKIE_NAME
