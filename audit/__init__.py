"""What is remembered: entries in chains, each written with what it tells of, none ever changed.

- ``context``: who is asking, from where
- ``chain``: the hash that ties an entry to the one before
- ``models``: the entry, and the head of a chain
- ``trail``: an entry and its change, in one transaction
- ``queries``: by entity, action, person and day
- ``verify``: whether a chain is whole
- ``verification``: whether all are, with ``walks`` (through whole tables), ``fingerprints``
  (whether millions agree), ``heads`` (wherever they stand) and ``verified`` (what was found)
- ``seals``: each day signed, with ``merkle``, ``signing``, ``proofs`` (of one entry) and
  ``seal_checks`` (against archive and tables)
- ``archive``: months of it in ``bucket``, with ``rehearsal`` (of their return) and ``holds``
- ``replay``: whether a record is what its chain tells
"""
