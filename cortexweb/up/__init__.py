"""`manage.py up`: everything that the product consists of, started and watched by one command.

supervisord keeps the processes running; this package prepares their data, starts them in order,
tells what happens and leaves nothing behind.
"""
