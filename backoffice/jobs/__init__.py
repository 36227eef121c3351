"""Work that takes longer than a page may: asked for there, done by `manage.py run_worker`.

- ``records``: a job as stored
- ``services``: asking for one, claiming it, saving how far it is, ending it
- ``kinds``: what can be asked for, each with the function that does it
- ``chores``: what the worker does by the clock, whether asked for or not
- ``worker``: rounds of both
"""
