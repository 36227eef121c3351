"""What money may do. No Django here, so a function on AWS starts fast.

At the top is what moves money, in layers that `pyproject.toml` lists and import-linter holds:

- ``models``: accounts and payments; ``money``: currencies and minor units; ``identifiers``: ids
  and numbers; ``wire``: records as JSON for other programs
- ``rules``: what is allowed of ``requests``, pure; why not is in ``refusals``, the numbers are in
  ``policy`` and ``role_limits``
- ``accounts``, ``transfers``, ``approvals``, ``lifecycle`` and ``settling``: what acts;
  ``deciding`` and ``groups``: how a request becomes a commit, alone or with others
- ``ledger``: what each of them writes; ``totals`` of the day by person, ``attempts`` refused;
  ``compliance``: what is noticed as money moves, its alerts in the same commit
- ``directory``: keys and reads by name; ``queries``: what only reads; ``turns``: how long to try,
  and who goes first

The rooms stand on it, and hardly know each other:

- ``alerts``: raised, worked on alone or in cases; the sweep for what only weeks of movements show
- ``bulk``: many transfers from one file, foreseen and posted
- ``events``: which other systems are told of payments and alerts, and how each is reached
- ``history``: statements, an account as it stood, the figures of each day
- ``http``: the service for programs, which ``lambda_handler`` opens to API Gateway
- ``reconciliation``: everything held against everything else
"""
