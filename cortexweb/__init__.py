"""The composition root: settings, URLs, the ASGI and Celery applications, `manage.py up`."""

import gc

# Every process of the product begins here. A collector that looks after every few hundred objects
# takes a sixth of the time in which a process starts.
gc.set_threshold(20_000, 20, 50)
