"""The staff pages as a Lambda behind API Gateway.

`apig-wsgi` is the adaptor: a single module without dependencies that knows both kinds of events,
binary bodies and cookies. Ours for the service could not serve as one: it has no need of them.
"""

from apig_wsgi import make_lambda_handler

from backoffice.wsgi import application

handler = make_lambda_handler(application, binary_support=True)
