"""Work that takes longer than a page may: asked for there, done by `manage.py run_worker`.

- ``records``: a job as stored
- ``services``: asking for one, claiming it, saving how far it is, ending it
- ``chores``: what can be asked for, and what the worker does by the clock anyway
- ``worker``: rounds of both
"""
