"""What money may do. No Django here, so a function on AWS starts fast.

- ``money``: currencies and minor units; parse and format
- ``account_numbers``: numbers with check digits, and the ids made from them
- ``models``: accounts and payments
- ``rules``: what is allowed; pure
- ``accounts``, ``transfers``, ``approvals``, ``lifecycle`` and ``settling``: what acts
- ``ledger``: what each of them writes; ``totals`` of the day by person, ``attempts`` refused
- ``directory``: keys and reads by name; ``turns``: how long to try, and who goes first
- ``compliance``: what is noticed as money moves; ``sweep``, with ``sweep_rules`` and ``movements``:
  what only weeks show; ``alerts`` and ``cases``: what becomes of it; ``outgoing``, ``receivers``
  and ``deliveries``: which other systems are told of it, and of payments
- ``queries`` and ``alert_queries``: everything that only reads
- ``history``: an account as it stood at any instant
- ``reconcile``: everything held against everything else, with ``effects`` (what payments do to
  accounts) and ``rereads`` (what seemed wrong)
"""
