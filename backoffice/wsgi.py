"""What a WSGI server such as gunicorn serves."""

import gc
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from backoffice import tracing

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")

gc.disable()  # What is loaded now stays: to look through it for garbage takes time for nothing.
application = get_wsgi_application()
if settings.METRICS_TOKEN:
    from backoffice import metrics

    metrics.begin()
tracing.begin()
gc.freeze()
gc.enable()
