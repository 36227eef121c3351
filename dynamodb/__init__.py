"""The data layer: PynamoDB records where the Django ORM would stand.

It knows nothing of accounts, staff or Django. Its rooms:

- ``settings``: where the store is and how patient to be with it
- ``models`` and ``attributes``: what a record is made of
- ``store``: one record, or many by key
- ``pages`` and ``cursors``: lists, a signed page at a time
- ``scans``: whole tables and partitions, for those who check a store
- ``transactions``: named actions, one commit, a named outcome
- ``tables``: create, check and describe
- ``client``: the one place that talks to DynamoDB, and counts it
- ``answers``: what its errors mean
- ``wire``: botocore's client, tuned
- ``local``: the embedded DynamoDB Local
"""

import sys

# Where pyOpenSSL is installed, for passkeys, botocore loads it to take the standard library's own
# SSLContext from it. Without it botocore takes the same one from where it is.
sys.modules.setdefault("urllib3.contrib.pyopenssl", None)  # type: ignore[arg-type]
