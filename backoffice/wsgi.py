"""What a WSGI server such as gunicorn serves."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from backoffice import tracing

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")

application = get_wsgi_application()
if settings.METRICS_TOKEN:
    from backoffice import metrics

    metrics.begin()
tracing.begin()
